//! Pages behind links in e-mails: a forgotten password, a new address, a change taken back.
//!
//! Opening a link changes nothing, since mail servers open links too: each page asks, and its form does. What a form is
//! answered tells nothing of who has an account.

use axum::extract::State;
use gatepost_app::App;
use gatepost_core::Secret;
use maud::{Markup, html};

use super::form::{Form, FormBody, FormState, Reader};
use super::layout::{SIGN_IN_PATH, WORKSPACES_PATH, narrow};
use super::notice::Notice;
use super::page as pages;
use super::parts::{self, Field, Tone, actions, button_link, callout, own, submit};
use super::view::View;
use crate::access::{Public, form, page};
use crate::path::Text;
use crate::reply::Answer;
use crate::route::Route;
use crate::session::From;

/// Where one asks for a link to set a password.
pub const FORGOT_PATH: &str = "/forgot";
const RESET: &str = "/reset/{code}";
const VERIFY: &str = "/confirm/{code}";
const UNDO: &str = "/undo/{code}";

pub fn routes() -> Vec<Route<App>> {
    vec![
        page(FORGOT_PATH, forgot_page).id("forgotPage").summary("Ask for a link to set a password"),
        form(FORGOT_PATH, forgot).id("forgotForm").summary("Let a link to set a password be sent"),
        page(RESET, reset_page).id("resetPage").summary("See whether a link to set a password is good"),
        form(RESET, reset).id("resetForm").summary("Set a password by a link"),
        page(VERIFY, verify_page).id("verifyPage").summary("See which address a link confirms"),
        form(VERIFY, verify).id("verifyForm").summary("Confirm an address by a link"),
        page(UNDO, undo_page).id("undoPage").summary("See which address a link brings back"),
        form(UNDO, undo).id("undoForm").summary("Take a change of address back by a link"),
    ]
}

struct EmailAsk {
    email: String,
}

impl FormBody for EmailAsk {
    const FIELDS: &'static [&'static str] = &["email"];

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let email = reader.required("email", "Give the e-mail address of your account.");
        Some(Self { email: email? })
    }
}

/// A password that is chosen: as it was typed, in a form of its own or with others.
pub(super) fn new_password(reader: &mut Reader<'_>) -> Option<Secret<String>> {
    let password = reader.exact("password");
    if password.is_empty() {
        reader.wrong("password", "Choose a password.");
        return None;
    }
    Some(Secret::new(password))
}

/// The field for it.
pub(super) fn new_password_field(state: &FormState) -> Markup {
    let hint = "At least 15 characters, or 8 with a second factor. Several random words do well.";
    html! { (Field::password("password", "New password", "new-password").hint(hint).required().fill(state)) }
}

struct PasswordAsk {
    password: Secret<String>,
}

impl FormBody for PasswordAsk {
    const FIELDS: &'static [&'static str] = &["password"];

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        Some(Self { password: new_password(reader)? })
    }
}

/// A form that only asks whether to.
struct Sure;

impl FormBody for Sure {
    const FIELDS: &'static [&'static str] = &[];

    fn read(_: &mut Reader<'_>) -> Option<Self> {
        Some(Self)
    }
}

fn forgot_document(view: &View, mail: bool, state: &FormState) -> Markup {
    let content = html! {
        @if mail {
            p { "A link to set a new one goes to the e-mail address of your account." }
            (parts::form(view, FORGOT_PATH, state, html! {
                (Field::email("email", "E-mail address").autocomplete("username").required().focused().fill(state))
                (actions(html! {
                    (submit("Send the link"))
                    (button_link("quiet", None, "Back", SIGN_IN_PATH))
                }))
            }))
        } @else {
            (callout(Tone::Info, "This Gatepost sends no e-mail.", html! {
                p { "Ask whoever runs it for a link to set a new password." }
            }))
            (actions(button_link("secondary", None, "Back", SIGN_IN_PATH)))
        }
    };
    narrow(view, "Forgot your password?", content)
}

async fn forgot_page(_: Public, State(app): State<App>, view: View) -> Answer {
    Ok(pages::ok(forgot_document(&view, app.mail_on(), &FormState::default())))
}

async fn forgot(
    _: Public,
    State(app): State<App>,
    view: View,
    From(caller): From,
    form: Form<EmailAsk>,
) -> Answer {
    let (ask, state) = match form.into_result() {
        Ok(read) => read,
        Err(state) => return Ok(pages::invalid(forgot_document(&view, app.mail_on(), &state))),
    };
    match app.password_forgotten(&caller, &ask.email).await {
        Ok(()) => Ok(pages::see_and_say(FORGOT_PATH, Notice::LinkAsked)),
        Err(error) => {
            let state = state.refused(error)?;
            Ok(pages::invalid(forgot_document(&view, app.mail_on(), &state)))
        }
    }
}

fn reset_document(view: &View, state: &FormState) -> Markup {
    let content = html! {
        p { "All your sessions end. If your account has a second factor, it is asked for as before." }
        (parts::form(view, &view.here, state, html! {
            (new_password_field(state))
            (actions(submit("Set the password")))
        }))
    };
    narrow(view, "Set a new password", content)
}

async fn reset_page(_: Public, State(app): State<App>, view: View, link: Text) -> Answer {
    app.password_reset_look(link.as_str()).await?;
    Ok(pages::ok(reset_document(&view, &FormState::default())))
}

async fn reset(
    _: Public,
    State(app): State<App>,
    view: View,
    link: Text,
    From(caller): From,
    form: Form<PasswordAsk>,
) -> Answer {
    let (ask, state) = match form.into_result() {
        Ok(read) => read,
        Err(state) => {
            app.password_reset_look(link.as_str()).await?;
            return Ok(pages::invalid(reset_document(&view, &state)));
        }
    };
    match app.password_reset(&caller, link.as_str(), &ask.password).await {
        Ok(()) => Ok(pages::see_and_say(SIGN_IN_PATH, Notice::PasswordSet)),
        Err(error) => Ok(pages::invalid(reset_document(&view, &state.refused(error)?))),
    }
}

fn asked(view: &View, title: &str, content: &Markup, button: &str, state: &FormState) -> Markup {
    let content = html! {
        (content)
        (parts::form(view, &view.here, state, actions(submit(button))))
    };
    narrow(view, title, content)
}

fn verify_document(view: &View, email: &str, state: &FormState) -> Markup {
    let content = html! { p { "From now on " strong { (own(email)) } " is the address of your account." } };
    asked(view, "Confirm your new address", &content, "Confirm", state)
}

async fn verify_page(_: Public, State(app): State<App>, view: View, link: Text) -> Answer {
    let email = app.email_change_look(link.as_str()).await?;
    Ok(pages::ok(verify_document(&view, &email, &FormState::default())))
}

async fn verify(
    _: Public,
    State(app): State<App>,
    view: View,
    link: Text,
    From(caller): From,
    form: Form<Sure>,
) -> Answer {
    let email = app.email_change_look(link.as_str()).await?;
    match app.email_confirm(&caller, link.as_str()).await {
        Ok(()) => Ok(pages::see_and_say(WORKSPACES_PATH, Notice::EmailConfirmed)),
        Err(error) => Ok(pages::invalid(verify_document(&view, &email, &form.state.refused(error)?))),
    }
}

fn undo_document(view: &View, email: &str, state: &FormState) -> Markup {
    let content = html! {
        p { "The address of your account is " strong { (own(email)) } " again, and all its sessions end." }
        p { "Then set a new password: whoever changed the address may know the present one." }
    };
    asked(view, "Take the change of address back", &content, "Take it back", state)
}

async fn undo_page(_: Public, State(app): State<App>, view: View, link: Text) -> Answer {
    let email = app.email_undo_look(link.as_str()).await?;
    Ok(pages::ok(undo_document(&view, &email, &FormState::default())))
}

async fn undo(
    _: Public,
    State(app): State<App>,
    view: View,
    link: Text,
    From(caller): From,
    form: Form<Sure>,
) -> Answer {
    let email = app.email_undo_look(link.as_str()).await?;
    match app.email_undo(&caller, link.as_str()).await {
        Ok(()) => Ok(pages::see_and_say(FORGOT_PATH, Notice::EmailRestored)),
        Err(error) => Ok(pages::invalid(undo_document(&view, &email, &form.state.refused(error)?))),
    }
}
