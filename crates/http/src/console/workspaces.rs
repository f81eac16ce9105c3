//! `/workspaces`: the workspaces that a person belongs to, and the way into each.

use axum::extract::State;
use gatepost_app::App;
use maud::html;

use super::layout::WORKSPACES_PATH;
use super::members::title;
use super::nav::Section;
use super::page as pages;
use super::parts::{
    Column, Icon, Table, Tone, badge, button_link, card, empty, own, page_header, untitled_card,
};
use super::seat::Account;
use crate::access::{SignedIn, page};
use crate::reply::Answer;
use crate::route::Route;

pub fn routes() -> Vec<Route<App>> {
    vec![
        page(WORKSPACES_PATH, workspace_list)
            .id("workspacesPage")
            .summary("See one's workspaces, and go to one"),
    ]
}

async fn workspace_list(SignedIn(person): SignedIn, State(app): State<App>, account: Account) -> Answer {
    let seats = app.seats_of(&person).await?;
    let make = || button_link("primary", Some(Icon::Plus), "New workspace", "/workspaces/new");
    let make = app.workspace_create_allowed(&person).await?.then(make).unwrap_or_default();
    let content = html! {
        (page_header("Workspaces", Some("Everything in Gatepost belongs to a workspace. These are yours."), make))
        @if seats.is_empty() {
            (untitled_card(empty(
                Icon::Building2,
                "You belong to no workspace",
                "Ask an owner or an admin of one to invite you; the link comes by e-mail.",
                html! {},
            )))
        } @else {
            (card("Yours", html! {
                (Table {
                    caption: "Workspaces",
                    columns: &[Column::text("Name"), Column::text("Your role"), Column::buttons()],
                    rows: seats.iter().map(|seat| vec![
                        html! { a href={ "/w/" (seat.workspace) } { (own(&seat.workspace_name)) } },
                        badge(Tone::Plain, title(seat.role)),
                        html! {
                            a class="button quiet" href={ "/w/" (seat.workspace) } {
                                "Open" span class="unseen" { " " (own(&seat.workspace_name)) }
                            }
                            a class="button quiet" href={ "/workspaces/" (seat.workspace) "/leave" } {
                                "Leave" span class="unseen" { " " (own(&seat.workspace_name)) }
                            }
                        },
                    ]).collect(),
                })
            }))
        }
    };
    Ok(pages::ok(account.page(Section::Workspaces, "Workspaces", content)))
}
