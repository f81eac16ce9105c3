//! Setting up an authenticator app, and removing it.

use axum::extract::State;
use gatepost_app::{App, TotpEnrolment};
use gatepost_core::Code;
use maud::{Markup, html};

use super::qr::qr;
use super::{Account, SECURITY_PATH, code_field};
use crate::access::{SignedIn, form, page};
use crate::console::form::{Form, FormBody, FormState, Reader};
use crate::console::notice::Notice;
use crate::console::page;
use crate::console::parts::{
    Tone, actions, button_link, callout, card, danger, form as form_part, page_header, submit,
};
use crate::console::view::View;
use crate::reply::Answer;
use crate::route::Route;
use crate::session::{self, AtConsole, From};

pub const PATH: &str = "/account/security/app";
const CONFIRM_PATH: &str = "/account/security/app/confirm";
const REMOVE_PATH: &str = "/account/security/app/remove";

pub fn routes() -> Vec<Route<App>> {
    vec![
        page(PATH, app_page).id("appPage").summary("Set up an authenticator app"),
        form(PATH, app_begin).id("appBeginForm").summary("Begin with an authenticator app"),
        form(CONFIRM_PATH, app_confirm)
            .id("appConfirmForm")
            .summary("Confirm an authenticator app by its first code"),
        page(REMOVE_PATH, app_remove_page)
            .id("appRemovePage")
            .summary("Ask before an authenticator app is removed"),
        form(REMOVE_PATH, app_remove).id("appRemoveForm").summary("Remove an authenticator app"),
    ]
}

struct CodeAsk(String);

impl FormBody for CodeAsk {
    const FIELDS: &'static [&'static str] = &["code"];

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        reader.required("code", "Type the code that the app shows.").map(Self)
    }
}

fn document(account: &Account, view: &View, begun: &TotpEnrolment, state: &FormState) -> Markup {
    let title = "Set up an authenticator app";
    account.page(
        view,
        title,
        html! {
            (page_header(title, Some("Any app for one-time codes does."), html! {}))
            (card("1. Scan this with the app", html! {
                (qr(begun.uri.expose(), "QR code for the authenticator app"))
                p { "Or type this secret into the app: " }
                p { code class="whole" dir="ltr" { (begun.secret.expose()) } }
            }))
            (card("2. Type the code that it shows", form_part(view, CONFIRM_PATH, state, html! {
                (code_field().fill(state))
                (actions(html! {
                    (submit("Turn it on"))
                    (button_link("secondary", None, "Cancel", SECURITY_PATH))
                }))
            })))
        },
    )
}

async fn app_page(SignedIn(person): SignedIn, State(app): State<App>, view: View) -> Answer {
    let account = Account::of(&app, &person).await?;
    Ok(match app.totp_begun(&person).await? {
        Some(begun) => page::ok(document(&account, &view, &begun, &FormState::default())),
        None => page::see(SECURITY_PATH),
    })
}

async fn app_begin(SignedIn(person): SignedIn, State(app): State<App>) -> Answer {
    match app.totp_enrol(&person).await {
        Ok(_) => Ok(page::see(PATH)),
        // It was set up meanwhile, in another tab.
        Err(error) if error.code() == Code::Conflict => Ok(page::see(SECURITY_PATH)),
        Err(error) => Err(error.into()),
    }
}

async fn app_confirm(
    SignedIn(person): SignedIn,
    State(app): State<App>,
    From(caller): From,
    axum::Extension(AtConsole(kind)): axum::Extension<AtConsole>,
    view: View,
    form: Form<CodeAsk>,
) -> Answer {
    let account = Account::of(&app, &person).await?;
    let state = match form.into_result() {
        Ok((CodeAsk(code), state)) => match app.totp_confirm(&person, &caller, &code).await {
            Ok(added) => return Ok(account.added(&view, kind, &added, Notice::AppAdded)),
            Err(error) if error.code() == Code::Conflict => return Ok(page::see(SECURITY_PATH)),
            Err(error) if error.code() == Code::CodeInvalid => {
                state.with_error("code", "That is not the code that the app shows now. Type the next one.")
            }
            Err(error) => return Err(error.into()),
        },
        Err(state) => state,
    };
    Ok(match app.totp_begun(&person).await? {
        Some(begun) => page::invalid(document(&account, &view, &begun, &state)),
        None => page::see(SECURITY_PATH),
    })
}

fn remove_document(account: &Account, view: &View, state: &FormState) -> Markup {
    let title = "Remove the authenticator app?";
    account.page(
        view,
        title,
        html! {
            (page_header(title, None, html! {}))
            (card("What it means", html! {
                (callout(Tone::Warn, "", html! {
                    p { "Its codes open nothing any more, and your other sessions end at once. Your password, and passkeys if you have some, are asked for from then on." }
                }))
                (form_part(view, REMOVE_PATH, state, actions(html! {
                    (danger("Remove the app"))
                    (button_link("secondary", None, "Keep it", SECURITY_PATH))
                })))
            }))
        },
    )
}

async fn app_remove_page(SignedIn(person): SignedIn, State(app): State<App>, view: View) -> Answer {
    let account = Account::of(&app, &person).await?;
    Ok(page::ok(remove_document(&account, &view, &FormState::default())))
}

async fn app_remove(
    SignedIn(person): SignedIn,
    State(app): State<App>,
    From(caller): From,
    axum::Extension(AtConsole(kind)): axum::Extension<AtConsole>,
    view: View,
) -> Answer {
    match app.totp_remove(&person, &caller).await {
        Ok(token) => {
            Ok(session::with_session(page::see_and_say(SECURITY_PATH, Notice::AppRemoved), kind, &token))
        }
        Err(error) if error.code() == Code::NotFound => Ok(page::see(SECURITY_PATH)),
        Err(error) => {
            let account = Account::of(&app, &person).await?;
            let state = FormState::default().refused(error)?;
            Ok(page::invalid(remove_document(&account, &view, &state)))
        }
    }
}
