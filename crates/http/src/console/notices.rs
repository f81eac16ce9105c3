//! Notices: to a person (`/account/notices`), and to a workspace (`/w/{workspace_id}/notices`).

use axum::extract::State;
use gatepost_app::{App, NoticeView};
use gatepost_core::access::Grant;
use gatepost_core::access::permission::NoticeRead;
use maud::{Markup, html};

use super::form::{Form, FormBody, Reader};
use super::nav::Section;
use super::page as pages;
use super::parts::{Icon, Tone, badge, empty, facts, own, page_header, plain_form, secondary, stack, time};
use super::seat::{Account, Seat};
use super::view::View;
use crate::access::{SignedIn, form, page};
use crate::reply::Answer;
use crate::route::Route;

/// Where a person reads what they are told.
pub const NOTICES_PATH: &str = "/account/notices";
const WORKSPACE: &str = "/w/{workspace_id}/notices";

pub fn routes() -> Vec<Route<App>> {
    vec![
        page(NOTICES_PATH, own_page).id("ownNoticesPage").summary("Read the notices to oneself"),
        form(NOTICES_PATH, own_read).id("ownNoticesForm").summary("Mark the notices to oneself as read"),
        page(WORKSPACE, workspace_page)
            .id("noticesPage")
            .open_when_suspended()
            .summary("Read the notices to the workspace"),
        form(WORKSPACE, workspace_read)
            .id("noticesForm")
            .open_when_suspended()
            .summary("Mark the notices to the workspace as read"),
    ]
}

struct AllRead;

impl FormBody for AllRead {
    const FIELDS: &'static [&'static str] = &[];

    fn read(_: &mut Reader<'_>) -> Option<Self> {
        Some(Self)
    }
}

fn entry(notice: &NoticeView) -> Markup {
    let rows: Vec<(&str, Markup)> =
        notice.facts.iter().map(|(label, value)| (label.as_str(), own(value))).collect();
    html! {
        section class="card" {
            header {
                h2 { (notice.title) }
                @if notice.unread { (badge(Tone::Info, "new")) }
            }
            div class="content" {
                p class="muted" { (time(notice.created_at)) }
                (facts(&rows))
                p { (notice.next_action) }
            }
        }
    }
}

fn document(view: &View, action: &str, lead: &str, notices: &[NoticeView]) -> Markup {
    let read = html! {
        @if notices.iter().any(|notice| notice.unread) {
            (plain_form(view, action, secondary("Mark all as read")))
        }
    };
    html! {
        (page_header("Notices", Some(lead), read))
        @if notices.is_empty() {
            section class="card" {
                div class="content" {
                    (empty(Icon::Bell, "Nothing to tell", "What is worth knowing will stand here.", html! {}))
                }
            }
        } @else {
            (stack(html! { @for notice in notices { (entry(notice)) } }))
        }
    }
}

async fn own_page(SignedIn(person): SignedIn, State(app): State<App>, account: Account) -> Answer {
    let notices = app.notices_of(&person).await?;
    let lead = "What happened to your account. You get it by e-mail, too, where this Gatepost sends any.";
    let content = document(&account.view, NOTICES_PATH, lead, &notices);
    Ok(pages::ok(account.page(Section::Notices, "Notices", content)))
}

async fn own_read(SignedIn(person): SignedIn, State(app): State<App>, _: Form<AllRead>) -> Answer {
    app.notices_of_see(&person).await?;
    Ok(pages::see(NOTICES_PATH))
}

async fn workspace_page(grant: Grant<NoticeRead>, State(app): State<App>, seat: Seat) -> Answer {
    let notices = app.notice_list(&grant).await?;
    let lead =
        "What happened in this workspace. Its owners get it by e-mail, too, where this Gatepost sends any.";
    let content = document(&seat.view, &seat.path("/notices"), lead, &notices);
    Ok(pages::ok(seat.page(Section::Notices, "Notices", content)))
}

async fn workspace_read(grant: Grant<NoticeRead>, State(app): State<App>, _: Form<AllRead>) -> Answer {
    app.notices_see(&grant).await?;
    Ok(pages::see(format!("/w/{}/notices", grant.workspace())))
}
