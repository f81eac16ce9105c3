//! `/account/sessions`: where somebody is signed in, and ending it.

use axum::extract::State;
use gatepost_app::{App, SessionView};
use gatepost_core::SessionId;
use gatepost_core::access::SessionKind;
use maud::{Markup, html};

use super::sign_in::cleared;
use crate::access::{SignedIn, form, page};
use crate::console::layout::SIGN_IN_PATH;
use crate::console::nav::Section;
use crate::console::notice::Notice;
use crate::console::page as pages;
use crate::console::parts::{
    Column, Table, Tone, badge, card, own, page_header, plain_form, quiet, secondary, time,
};
use crate::console::seat::Account;
use crate::console::view::View;
use crate::path::Id;
use crate::reply::Answer;
use crate::route::Route;
use crate::session::{self, AtConsole, From};

const SESSIONS_PATH: &str = "/account/sessions";
const OTHERS_PATH: &str = "/account/sessions/end-others";

pub fn routes() -> Vec<Route<App>> {
    vec![
        page(SESSIONS_PATH, sessions_page).id("sessionsPage").summary("See where one is signed in"),
        form(OTHERS_PATH, sessions_end_others)
            .id("sessionsEndOthersForm")
            .summary("End all sessions but this one"),
        form("/account/sessions/{session_id}/end", session_end)
            .id("sessionEndForm")
            .summary("End one of one's sessions"),
    ]
}

/// What a browser says of itself, in words that people know; the text itself where it says nothing known.
fn browser(agent: Option<&str>) -> String {
    let Some(agent) = agent else { return "Unknown browser".to_owned() };
    let named = |table: &[(&str, &'static str)]| {
        table.iter().find(|(mark, _)| agent.contains(mark)).map(|(_, name)| *name)
    };
    let program = named(&[
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    ]);
    let system = named(&[
        ("iPhone", "iPhone"),
        ("iPad", "iPad"),
        ("Android", "Android"),
        ("Windows", "Windows"),
        ("Macintosh", "macOS"),
        ("Linux", "Linux"),
    ]);
    match (program, system) {
        (Some(program), Some(system)) => format!("{program} on {system}"),
        (Some(one), None) | (None, Some(one)) => one.to_owned(),
        (None, None) => agent.chars().take(60).collect(),
    }
}

fn row(view: &View, session: &SessionView) -> Vec<Markup> {
    let address = session.device.address.as_deref().unwrap_or("unknown");
    vec![
        html! {
            (own(&browser(session.device.agent.as_deref())))
            @if session.current { " " (badge(Tone::Good, "This one")) }
            @if session.kind == SessionKind::Operator { " " (badge(Tone::Info, "Operators")) }
        },
        html! { bdi dir="ltr" { (address) } },
        time(session.created_at),
        time(session.seen_at),
        plain_form(
            view,
            &format!("{SESSIONS_PATH}/{}/end", session.id),
            html! {
                @if session.current { (quiet("Sign out")) } @else { (quiet("End")) }
            },
        ),
    ]
}

async fn sessions_page(SignedIn(person): SignedIn, State(app): State<App>, account: Account) -> Answer {
    let sessions = app.session_list(&person).await?;
    let others = sessions.iter().any(|session| !session.current);
    let view = &account.view;
    let content = html! {
        (page_header(
            "Sessions",
            Some("Where you are signed in. What you end here opens nothing from the next second on."),
            html! { @if others { (plain_form(view, OTHERS_PATH, secondary("End all others"))) } },
        ))
        (card("Open", html! {
            (Table {
                caption: "Sessions",
                columns: &[
                    Column::text("Browser"), Column::text("Address"), Column::numeric("Signed in"),
                    Column::numeric("Last used"), Column::buttons(),
                ],
                rows: sessions.iter().map(|session| row(view, session)).collect(),
            })
        }))
    };
    Ok(pages::ok(account.page(Section::Sessions, "Sessions", content)))
}

async fn session_end(
    SignedIn(person): SignedIn,
    State(app): State<App>,
    From(caller): From,
    axum::Extension(AtConsole(kind)): axum::Extension<AtConsole>,
    Id(session): Id<SessionId>,
) -> Answer {
    app.session_end(&person, &caller, session).await?;
    if session == person.session() {
        return Ok(cleared(pages::see(SIGN_IN_PATH), kind));
    }
    Ok(pages::see_and_say(SESSIONS_PATH, Notice::SessionEnded))
}

async fn sessions_end_others(
    SignedIn(person): SignedIn,
    State(app): State<App>,
    From(caller): From,
    axum::Extension(AtConsole(kind)): axum::Extension<AtConsole>,
) -> Answer {
    let token = app.sessions_end_others(&person, &caller).await?;
    Ok(session::with_session(pages::see_and_say(SESSIONS_PATH, Notice::SessionsEnded), kind, &token))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_by_the_names_that_people_know() {
        let firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0";
        let edge = "Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0 Safari/537.36 Edg/126.0";
        let phone = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 Version/17.5 Mobile Safari/604.1";
        assert_eq!(browser(Some(firefox)), "Firefox on Linux");
        assert_eq!(browser(Some(edge)), "Edge on Windows");
        assert_eq!(browser(Some(phone)), "Safari on iPhone");
        assert_eq!(browser(Some("curl/8.5.0")), "curl/8.5.0");
        assert_eq!(browser(None), "Unknown browser");
    }
}
