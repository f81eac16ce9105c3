//! `/account/password` and `/account/email`: what people change of their own accounts.

use axum::extract::State;
use gatepost_app::App;
use gatepost_core::{Code, Secret};
use maud::{Markup, html};

use super::form::{Form, FormBody, FormState, Reader};
use super::lost::{new_password, new_password_field};
use super::nav::Section;
use super::notice::Notice;
use super::page as pages;
use super::parts::{self, Field, Tone, actions, callout, card, facts, own, page_header, submit};
use super::seat::Account;
use crate::access::{SignedIn, form, page};
use crate::reply::Answer;
use crate::route::Route;
use crate::session::{self, AtConsole, From};

/// Where a person changes their password.
pub const PASSWORD_PATH: &str = "/account/password";
/// Where a person asks for another address.
pub const EMAIL_PATH: &str = "/account/email";

pub fn routes() -> Vec<Route<App>> {
    vec![
        page(PASSWORD_PATH, password_page).id("passwordPage").summary("See how to change one's password"),
        form(PASSWORD_PATH, password).id("passwordForm").summary("Change one's password"),
        page(EMAIL_PATH, email_page).id("emailPage").summary("See one's e-mail address"),
        form(EMAIL_PATH, email).id("emailForm").summary("Ask for another e-mail address"),
    ]
}

struct PasswordAsk {
    present: Option<Secret<String>>,
    new: Secret<String>,
}

impl FormBody for PasswordAsk {
    const FIELDS: &'static [&'static str] = &["present", "password"];

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let present = reader.exact("present");
        let present = (!present.is_empty()).then(|| Secret::new(present));
        Some(Self { present, new: new_password(reader)? })
    }
}

fn password_document(account: &Account, state: &FormState) -> Markup {
    let title = "Password";
    let content = html! {
        (page_header(title, Some("Your other sessions end when it is changed."), html! {}))
        (card("Choose another", parts::form(&account.view, PASSWORD_PATH, state, html! {
            // For password managers, which ask themselves whose password it is.
            input type="hidden" value=(account.user.email) autocomplete="username";
            @if account.user.has_password {
                (Field::password("present", "Present password", "current-password").required().fill(state))
            }
            (new_password_field(state))
            (actions(submit("Change the password")))
        })))
    };
    account.page(Section::Security, title, content)
}

async fn password_page(_: SignedIn, account: Account) -> Answer {
    Ok(pages::ok(password_document(&account, &FormState::default())))
}

async fn password(
    SignedIn(person): SignedIn,
    State(app): State<App>,
    From(caller): From,
    axum::Extension(AtConsole(kind)): axum::Extension<AtConsole>,
    account: Account,
    form: Form<PasswordAsk>,
) -> Answer {
    let (ask, state) = match form.into_result() {
        Ok(read) => read,
        Err(state) => return Ok(pages::invalid(password_document(&account, &state))),
    };
    match app.password_change(&person, &caller, ask.present.as_ref(), &ask.new).await {
        Ok(token) => {
            let done = pages::see_and_say(PASSWORD_PATH, Notice::PasswordChanged);
            Ok(session::with_session(done, kind, &token))
        }
        Err(error) if error.code() == Code::SignInFailed => {
            let state = state.with_error("present", "This is not your present password.");
            Ok(pages::invalid(password_document(&account, &state)))
        }
        Err(error) => Ok(pages::invalid(password_document(&account, &state.refused(error)?))),
    }
}

struct EmailAsk {
    email: String,
}

impl FormBody for EmailAsk {
    const FIELDS: &'static [&'static str] = &["email"];

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let email = reader.required("email", "Give the new address.");
        Some(Self { email: email? })
    }
}

fn email_document(account: &Account, mail: bool, state: &FormState) -> Markup {
    let title = "E-mail address";
    let content = html! {
        (page_header(title, Some("What you sign in with, and where links and notices go."), html! {}))
        (card("Now", facts(&[("Address", own(&account.user.email))])))
        (card("Another address", html! {
            @if mail {
                p { "A link goes there. Nothing changes before it is used; then your present address is told." }
                (parts::form(&account.view, EMAIL_PATH, state, html! {
                    (Field::email("email", "New address").autocomplete("email").required().fill(state))
                    (actions(submit("Send the link")))
                }))
            } @else {
                (callout(Tone::Info, "This Gatepost sends no e-mail.", html! {
                    p { "A new address has to prove itself by a link, so it cannot be changed here." }
                }))
            }
        }))
    };
    account.page(Section::Security, title, content)
}

async fn email_page(_: SignedIn, State(app): State<App>, account: Account) -> Answer {
    Ok(pages::ok(email_document(&account, app.mail_on(), &FormState::default())))
}

async fn email(
    SignedIn(person): SignedIn,
    State(app): State<App>,
    From(caller): From,
    account: Account,
    form: Form<EmailAsk>,
) -> Answer {
    let (ask, state) = match form.into_result() {
        Ok(read) => read,
        Err(state) => return Ok(pages::invalid(email_document(&account, app.mail_on(), &state))),
    };
    match app.email_change(&person, &caller, &ask.email).await {
        Ok(()) => Ok(pages::see_and_say(EMAIL_PATH, Notice::AddressAsked)),
        Err(error) => {
            let state = state.refused(error)?;
            Ok(pages::invalid(email_document(&account, app.mail_on(), &state)))
        }
    }
}
