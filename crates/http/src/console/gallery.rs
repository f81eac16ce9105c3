//! Every part on pages for tests: markup that is judged here, and documents that the browser tests look at.
//!
//! `GATEPOST_GALLERY=directory cargo test -p gatepost-http gallery` writes the documents, what they load, and the headers
//! that pages carry.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::fmt::Write as _;
use std::path::Path;

use axum::body::Body;
use gatepost_core::access::PermissionId;
use gatepost_core::channel::Mode;
use gatepost_core::{Code, Error, Timestamp, WorkspaceId};
use http::{HeaderMap, Request};
use maud::{Markup, html};
use tower::ServiceExt as _;

use super::cookies::Theme;
use super::form::FormState;
use super::layout::{Frame, Person, Place, narrow};
use super::nav::Section;
use super::notice::Notice;
use super::parts::*;
use super::view::View;
use super::{error, page};
use crate::headers;
use crate::state::Settings;
use crate::tests::harness::Doorman;

const HOSTILE: &str = "\"><img src=x onerror=alert(1)> \u{202e}ليلى حداد 🎉 <b>{{7*7}}</b>";

fn wrong() -> FormState {
    FormState::of([
        ("name", HOSTILE.to_owned()),
        ("address", "1.2.3".to_owned()),
        ("scope", "read".to_owned()),
    ])
    .with_error("name", "Give it a name of at most 60 characters.")
    .with_error("address", "Expected an address or a network, such as 192.0.2.0/24.")
    .with_error("", "A key of that name exists already.")
}

fn buttons() -> Markup {
    card(
        "Buttons",
        actions(html! {
            (submit("Save changes"))
            (secondary("Preview"))
            (quiet("Not now"))
            (danger("Delete"))
            (button_link("secondary", Some(Icon::Plus), "New key", "/x"))
        }),
    )
}

fn fields(view: &View, state: &FormState) -> Markup {
    form(
        view,
        "/x",
        state,
        html! {
            (Field::text("name", "Name").hint("Where the key is used, such as “shop”.").required().max(60).fill(state))
            (Field::email("mail", "E-mail").autocomplete("username").required())
            (Field::password("password", "Password", "current-password").required())
            (Field::code("code", "Code from your authenticator").required())
            (Field::text("address", "Address or network").mono().fill(state))
            (textarea("note", "Note", 3).hint("Who asked for it.").value("Two\nlines"))
            (Field::date("until", "Valid until"))
            (Select::new("mode", "Mode").option("test", "Test").option("live", "Live").chosen("live").fill(state))
            (Choices {
                name: "scope", label: "What it may do", hint: Some("Choose at least one."), several: true, state,
                chosen: &["send"],
                choices: &[
                    Choice { value: "send", label: "Send", hint: Some("Send messages and follow them.") },
                    Choice { value: "read", label: "Read", hint: Some("Read messages and events.") },
                ],
            })
            (Choices {
                name: "channels", label: "Channels", hint: None, several: false, state, chosen: &["all"],
                choices: &[
                    Choice { value: "all", label: "All channels", hint: None },
                    Choice { value: "some", label: "Only some", hint: None },
                ],
            })
            (checkbox("sure", "I know that this shuts others out", Some("It binds the next request."), false, state))
            (actions(html! { (submit("Make the key")) (button_link("secondary", None, "Cancel", "/x")) }))
        },
    )
}

fn list() -> Markup {
    let at = Timestamp::from_seconds(1_793_525_400);
    let row = |name: &str, tone, state, id: &str| {
        vec![
            own(name),
            html! { (badge(tone, state)) },
            copyable(id, "the id"),
            time(at),
            html! { "1,204" },
            html! { a class="button quiet" href="/x" { "Rotate" } (quiet("Revoke")) },
        ]
    };
    html! {
        (Table {
            caption: "API keys",
            columns: &[
                Column::text("Name"), Column::text("State"), Column::text("Key"), Column::text("Last used"),
                Column::numeric("Requests"), Column::buttons(),
            ],
            rows: vec![
                row("Shop", Tone::Good, "Active", "gp_live_3fKq…9aTz"),
                row(HOSTILE, Tone::Warn, "Ends in 2 days", "gp_test_01kagq…2"),
                row("Old importer with a name that is longer than one would think", Tone::Bad, "Revoked", "gp_live_x…y"),
                row("شكراً جزيلاً", Tone::Plain, "Expired", "gp_live_a…b"),
                row("Bot", Tone::Info, "New", "gp_live_c…d"),
            ],
        })
    }
}

fn everything(view: &View) -> Markup {
    let state = FormState::default();
    stack(html! {
        (page_header("Every part", Some("What pages are made of, in every state that they have."), html! {
            (button_link("secondary", Some(Icon::Download), "Export", "/x"))
            (button_link("primary", Some(Icon::Plus), "New key", "/x"))
        }))
        (tabs("Modes", [("Live", "/x".to_owned(), true), ("Test", "/y".to_owned(), false)]))
        (callout(Tone::Bad, "Support DE is logged out.", html! { p { "14 messages are waiting." } }))
        (callout(Tone::Warn, "", html! { p { "Copy the key now: " (code("gp_live_…")) " is shown once." } }))
        (callout(Tone::Info, "A new version is there.", html! { p { a href="/x" { "What is new" } } }))
        (callout(Tone::Plain, "", html! { p { (own(HOSTILE)) } }))
        (notice(Notice::KeyRevoked))
        (card("Keys", list()))
        (pagination(Some("/x"), Some("/y")))
        (card("New key", fields(view, &state)))
        (buttons())
        (card("Facts", facts(&[
            ("Id", copyable("wsp_01kagq5rh8e5htqh9sk95d3x4w", "the id")),
            ("Name", own(HOSTILE)),
            ("Made", day(Timestamp::from_seconds(1_793_525_400))),
            ("Made by", html! { (avatar("Ana Kovač")) " " (avatar("ليلى حداد")) " " (avatar("")) }),
        ])))
        (card("Filters", search_form("/x", "Filter", html! {
            (Field::text("who", "Who").unmarked())
            (Select::new("what", "What").option("", "Everything"))
            (secondary("Filter"))
        })))
        (card("Usage", meter("Messages this month", 34_112, 50_000)))
        (card("A secret", secret_once("API key", "gp_test_01kagq5rh8e5htqh9sk95d3x4w_made_up_for_this_page")))
        (card_with_action("No keys", quiet("Refresh"), empty(
            Icon::KeyRound, "No keys yet", "A key lets your own software send messages.",
            button_link("primary", Some(Icon::Plus), "Make a key", "/x"),
        )))
    })
}

fn frame(may: &(dyn Fn(PermissionId) -> bool + Sync), mode: Mode) -> Frame<'_> {
    let id = WorkspaceId::from_uuid(uuid::Uuid::nil());
    Frame {
        place: Place::Workspace { id, name: "Northwind", may, mode: Some(mode) },
        person: Person { name: "Ana Kovač", email: "ana@northwind.example" },
        section: Section::Keys,
    }
}

fn documents(theme: Theme) -> Vec<(&'static str, String)> {
    let view = View::for_tests(theme);
    let all = |_: PermissionId| true;
    let state = wrong();
    let sign_in = narrow(
        &view,
        "Sign in",
        html! {
            (form(&view, "/x", &FormState::default(), html! {
                (Field::email("mail", "E-mail").autocomplete("username webauthn").required().focused())
                (Field::password("password", "Password", "current-password").required())
                (submit("Sign in"))
            }))
            p { a href="/x" { "I have forgotten my password" } }
        },
    );
    let failure = Error::new(Code::PermissionMissing, "you need the permission key.manage");
    let id = gatepost_core::RequestId::from_uuid(uuid::Uuid::nil());
    let lost = error::markup(&failure, id, theme, None).into_string();
    vec![
        ("parts", frame(&all, Mode::Live).page(&view, "Every part", everything(&view)).into_string()),
        (
            "errors",
            frame(&all, Mode::Test)
                .page(&view, "A form with errors", stack(html! {
                    (page_header("A form with errors", None, html! {}))
                    (card("New key", fields(&view, &state)))
                }))
                .into_string(),
        ),
        (
            "confirm",
            frame(&all, Mode::Live)
                .page(&view, "Revoke a key", stack(html! {
                    (page_header("Revoke a key", None, html! {}))
                    (card("Revoke “Shop”", confirm(
                        &view, "/x", HOSTILE, "Whatever uses it is refused from the next request on.", "Revoke the key",
                        "/x", &FormState::default(),
                    )))
                }))
                .into_string(),
        ),
        ("sign-in", sign_in.into_string()),
        ("failure", lost),
    ]
}

#[test]
fn gallery_of_hostile_words() {
    for (name, text) in documents(Theme::System) {
        assert!(!text.contains("<img") && !text.contains("<b>"), "{name}: markup of a stranger");
        for inline in [" style=", " onclick", " onload", "javascript:", "<style"] {
            assert!(!text.contains(inline), "{name}: {inline}");
        }
        // The only scripts and styles are files of ours.
        assert_eq!(text.matches("<script").count(), 1, "{name}");
        assert!(text.contains("<script src=\"/assets/app-"), "{name}");
    }
}

#[test]
fn gallery_of_ids() {
    for (name, text) in documents(Theme::Dark) {
        let mut ids: Vec<&str> =
            text.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
        let count = ids.len();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), count, "{name}: an id is there twice");
        for described in text.split("aria-describedby=\"").skip(1) {
            for id in described.split('"').next().unwrap_or_default().split(' ') {
                assert!(ids.contains(&id), "{name}: nothing has the id {id}");
            }
        }
        assert!(text.contains("data-theme=\"dark\""));
    }
}

#[expect(clippy::disallowed_methods, reason = "asks whoever runs the tests, not the configuration")]
/// For the browser tests; see `tests/browser`.
#[tokio::test]
async fn gallery_for_browsers() {
    let Ok(directory) = std::env::var("GATEPOST_GALLERY") else { return };
    let directory = Path::new(&directory);
    std::fs::create_dir_all(directory.join("assets")).unwrap();
    let mut index = String::new();
    for theme in [Theme::Light, Theme::Dark] {
        for (name, text) in documents(theme) {
            let file = format!("{name}-{}.html", theme.as_str());
            std::fs::write(directory.join(&file), text).unwrap();
            writeln!(index, "{file}").unwrap();
        }
    }
    std::fs::write(directory.join("index.txt"), index).unwrap();
    let router = crate::tests::harness::routes().into_router(Doorman::default(), Settings::default());
    for url in super::assets::urls() {
        let answer = router.clone().oneshot(Request::get(url).body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(answer.status(), 200, "{url}");
        let body = axum::body::to_bytes(answer.into_body(), usize::MAX).await.unwrap();
        std::fs::write(directory.join(url.trim_start_matches('/')), body).unwrap();
    }
    let mut set: HeaderMap = headers::security(false);
    headers::open(&mut set);
    let lines: Vec<String> =
        set.iter().map(|(name, value)| format!("{name}: {}\n", value.to_str().unwrap())).collect();
    std::fs::write(directory.join("headers.txt"), lines.concat()).unwrap();
    assert_eq!(page::ok(html! {}).headers()["content-type"], "text/html; charset=utf-8");
}
