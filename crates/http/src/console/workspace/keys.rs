//! `/w/{workspace_id}/keys`: the API keys and what each is for. Making and ending them is in [`super::key_forms`].

use axum::extract::State;
use gatepost_app::{App, KeyView, PageQuery};
use gatepost_core::access::PermissionId;
use gatepost_core::access::permission::KeyRead;
use gatepost_core::channel::Mode;
use gatepost_core::{ApiKeyId, Timestamp};
use maud::{Markup, html};

use crate::access::{Grant, page};
use crate::console::nav::Section;
use crate::console::page as pages;
use crate::console::parts::{
    Column, Icon, Table, Tone, actions, badge, button_link, card, code, copyable, empty, facts, own,
    page_header, pagination, stack, time,
};
use crate::console::seat::Seat;
use crate::path::Id;
use crate::query::{LIST, Paging, Query};
use crate::reply::Answer;
use crate::route::Route;

pub fn routes() -> Vec<Route<App>> {
    vec![
        page("/w/{workspace_id}/keys", key_list).id("keysPage").summary("See the API keys").query(&LIST),
        page("/w/{workspace_id}/keys/{key_id}", key_get).id("keyPage").summary("See an API key"),
    ]
}

/// What becomes of a key at this moment.
pub fn state(key: &KeyView, now: Timestamp) -> Markup {
    match (key.revoked_at, key.expires_at) {
        (Some(at), _) if at <= now => badge(Tone::Bad, "Revoked"),
        (_, Some(at)) if at <= now => badge(Tone::Plain, "Expired"),
        (Some(_), _) => badge(Tone::Warn, "Rotated, ends soon"),
        _ => badge(Tone::Good, "Active"),
    }
}

/// Whether it still opens anything.
fn stands(key: &KeyView, now: Timestamp) -> bool {
    [key.revoked_at, key.expires_at].iter().flatten().all(|end| *end > now)
}

fn mode(mode: Mode) -> Markup {
    match mode {
        Mode::Test => badge(Tone::Warn, "Test"),
        Mode::Live => badge(Tone::Info, "Live"),
    }
}

fn scopes(key: &KeyView) -> String {
    key.scopes.iter().map(|scope| scope.as_str()).collect::<Vec<_>>().join(", ")
}

fn at(at: Option<Timestamp>, never: &str) -> Markup {
    match at {
        Some(at) => time(at),
        None => html! { span class="muted" { (never) } },
    }
}

async fn key_list(grant: Grant<KeyRead>, State(app): State<App>, seat: Seat, query: Query) -> Answer {
    let paging = Paging::of(&query)?;
    let beginning = paging.after.is_none();
    let page = app.key_list(&grant, PageQuery::from(paging)).await?;
    let now = seat.view.now;
    let path = seat.path("/keys");
    let make = seat
        .may(PermissionId::KeyManage)
        .then(|| button_link("primary", Some(Icon::Plus), "New key", &seat.path("/keys/new")));
    let make = make.unwrap_or_default();
    let lead = "A key lets your own software in. Its secret is shown once, when it is made.";
    let content = html! {
        (page_header("API keys", Some(lead), make.clone()))
        section class="card" {
            div class="content" {
                @if page.items.is_empty() {
                    (empty(Icon::KeyRound, "No keys yet", "Make one, and your own software can send messages.", make))
                } @else {
                    (Table {
                        caption: "API keys",
                        columns: &[
                            Column::text("Name"), Column::text("State"), Column::text("Mode"), Column::text("Scopes"),
                            Column::text("Key"), Column::text("Last used"),
                        ],
                        rows: page.items.iter().map(|key| vec![
                            html! { a href={ (path) "/" (key.id) } { (own(&key.name)) } },
                            state(key, now),
                            mode(key.mode),
                            html! { (scopes(key)) },
                            code(&format!("{}…{}", key.display, key.last4)),
                            at(key.last_used_at, "Never"),
                        ]).collect(),
                    })
                }
            }
        }
        (pagination(
            (!beginning).then_some(path.as_str()),
            page.next.as_ref().map(|next| format!("{path}?after={next}")).as_deref(),
        ))
    };
    Ok(pages::ok(seat.page(Section::Keys, "API keys", content)))
}

async fn key_get(grant: Grant<KeyRead>, State(app): State<App>, seat: Seat, Id(id): Id<ApiKeyId>) -> Answer {
    let key = app.key_get(&grant, id).await?;
    let own_path = seat.path(&format!("/keys/{id}"));
    let manage = seat.may(PermissionId::KeyManage) && stands(&key, seat.view.now);
    let content = stack(html! {
        (page_header(&key.name, None, html! {
            a class="button secondary" href=(seat.path("/keys")) { (Icon::ArrowLeft) "All keys" }
        }))
        (card("This key", facts(&[
            ("State", state(&key, seat.view.now)),
            ("Id", copyable(&id.to_string(), "the key's id")),
            ("Key", code(&format!("{}…{}", key.display, key.last4))),
            ("Mode", mode(key.mode)),
            ("Scopes", html! { (scopes(&key)) }),
            ("Channels", html! {
                @match &key.channels {
                    None => "All channels of its mode",
                    Some(channels) => {
                        ul { @for channel in channels { li { (code(&channel.to_string())) } } }
                    },
                }
            }),
            ("Made", time(key.created_at)),
            ("Last used", at(key.last_used_at, "Never")),
            ("Valid until", at(key.revoked_at.or(key.expires_at), "No end")),
        ])))
        @if seat.may(PermissionId::AllowlistRead) {
            (card("From where it may be used", html! {
                p { "A key can have a list of addresses of its own, beside the workspace's." }
                (actions(html! {
                    (button_link("secondary", Some(Icon::Globe), "See the list", &format!("{own_path}/allowlist")))
                }))
            }))
        }
        @if manage {
            (card("Replace or end it", html! {
                p { "Rotating makes a successor like it; the old secret ends at once or after a while. Revoking ends it at once." }
                (actions(html! {
                    (button_link("secondary", Some(Icon::RefreshCw), "Rotate", &format!("{own_path}/rotate")))
                    (button_link("secondary", Some(Icon::Ban), "Revoke", &format!("{own_path}/revoke")))
                }))
            }))
        }
    });
    Ok(pages::ok(seat.page(Section::Keys, &key.name, content)))
}
