//! Signing in as an operator: password, then always a second factor.
//!
//! Threat note. Defends against: a password alone opening anything here, an answer that tells who is an operator (whoever
//! is none hears that the password is wrong), a session that was signed over staying open. Signing in is also how
//! operators prove again who they are: the new session takes the place of the one before.
//! Does not defend against: a page of somebody else's that looks like this one; passkeys do.

use axum::extract::State;
use axum::response::Response;
use gatepost_app::{App, Caller, SecondFactor, SessionBegun, SignIn};
use gatepost_core::access::SessionKind;
use gatepost_core::{Code, Error, Result, Secret};
use http::HeaderMap;
use http::header::SET_COOKIE;
use maud::html;

use super::WORKSPACES;
use crate::access::{Public, SignedIn, form, page};
use crate::console::form::{Form, FormBody, FormState, Reader};
use crate::console::layout::{BACK, REAUTH_PATH, SIGN_IN_PATH, SIGN_OUT_PATH, narrow};
use crate::console::page::{self as pages};
use crate::console::parts::{self, Field, actions, submit};
use crate::console::view::View;
use crate::query::{Query, QueryParameter};
use crate::reply::Answer;
use crate::route::Route;
use crate::session::{self, From};

const SECOND_PATH: &str = "/sign-in/second-factor";
const KIND: SessionKind = SessionKind::Operator;
const QUERY: [QueryParameter; 1] =
    [QueryParameter::text(BACK, "The page to come back to, a path of this server.", "/workspaces")];

pub fn routes() -> Vec<Route<App>> {
    vec![
        page(SIGN_IN_PATH, sign_in_page).id("operatorSignInPage").summary("Sign in").query(&QUERY),
        page(REAUTH_PATH, reauth_page)
            .id("operatorReauthPage")
            .summary("Prove again who you are")
            .query(&QUERY),
        form(SIGN_IN_PATH, sign_in).id("operatorSignInForm").summary("Sign in with a password"),
        form(SECOND_PATH, second).id("operatorSecondFactorForm").summary("Show a second factor"),
        form(SIGN_OUT_PATH, sign_out).id("operatorSignOutForm").summary("Sign out"),
    ]
}

struct Ask {
    email: String,
    password: Secret<String>,
    back: String,
}

impl FormBody for Ask {
    const FIELDS: &'static [&'static str] = &["email", "password", BACK];

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let email = reader.required("email", "Give your e-mail address.");
        let password = reader.exact("password");
        if password.is_empty() {
            reader.wrong("password", "Give your password.");
        }
        let back = reader.exact(BACK);
        Some(Self { email: email?, password: Secret::new(password), back })
    }
}

struct SecondAsk {
    ticket: String,
    code: String,
    back: String,
}

impl FormBody for SecondAsk {
    const FIELDS: &'static [&'static str] = &["ticket", "code", BACK];

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let ticket = reader.exact("ticket");
        let code = reader.required("code", "Give the code that your app shows.");
        let back = reader.exact(BACK);
        Some(Self { ticket, code: code?, back })
    }
}

fn first_step(view: &View, title: &str, back: &str, state: &FormState) -> maud::Markup {
    narrow(
        view,
        title,
        html! {
            p { "For those who run this installation. Members of workspaces sign in to the console." }
            (parts::form(view, SIGN_IN_PATH, state, html! {
                input type="hidden" name=(BACK) value=(back);
                (Field::email("email", "E-mail address").autocomplete("username").required().focused().fill(state))
                (Field::password("password", "Password", "current-password").required())
                (actions(submit("Go on")))
            }))
        },
    )
}

fn second_step(view: &View, ticket: &str, back: &str, state: &FormState) -> maud::Markup {
    narrow(
        view,
        "Second factor",
        html! {
            (parts::form(view, SECOND_PATH, state, html! {
                input type="hidden" name="ticket" value=(ticket);
                input type="hidden" name=(BACK) value=(back);
                (Field::code("code", "Code").hint("From your authenticator app, or one of your recovery codes.")
                    .required().focused())
                (actions(submit("Sign in")))
            }))
            p { a href=(SIGN_IN_PATH) { "Begin again" } }
        },
    )
}

fn back_of(query: &Query) -> String {
    query.get(BACK).and_then(pages::local).unwrap_or(WORKSPACES.into()).into_owned()
}

async fn sign_in_page(_: Public, query: Query, view: View) -> Answer {
    Ok(pages::ok(first_step(&view, "Sign in as an operator", &back_of(&query), &FormState::default())))
}

async fn reauth_page(_: Public, query: Query, view: View) -> Answer {
    Ok(pages::ok(first_step(&view, "Prove that it is you", &back_of(&query), &FormState::default())))
}

/// A refusal that is shown at the form.
fn said(error: Error, state: FormState) -> Result<FormState> {
    match error.code() {
        Code::SignInFailed => Ok(state.with_error("", "E-mail address, password or code is wrong.")),
        Code::SecondFactorRequired => Ok(state.with_error(
            "",
            "Operators sign in with a second factor. Sign in to the console and add a passkey or an authenticator app \
             to your account first.",
        )),
        _ => state.refused(error),
    }
}

async fn sign_in(
    _: Public,
    State(app): State<App>,
    From(caller): From,
    headers: HeaderMap,
    view: View,
    form: Form<Ask>,
) -> Answer {
    let title = "Sign in as an operator";
    let (ask, state) = match form.into_result() {
        Ok(read) => read,
        Err(state) => return Ok(pages::invalid(first_step(&view, title, WORKSPACES, &state))),
    };
    match app.sign_in_password(&caller, KIND, &ask.email, &ask.password).await {
        Ok(SignIn::SecondFactor { ticket }) => {
            Ok(pages::ok(second_step(&view, ticket.expose(), &ask.back, &FormState::default())))
        }
        Ok(SignIn::Done(begun)) => in_place(&app, &caller, &headers, &begun, &ask.back).await,
        Err(error) => Ok(pages::invalid(first_step(&view, title, &ask.back, &said(error, state)?))),
    }
}

async fn second(
    _: Public,
    State(app): State<App>,
    From(caller): From,
    headers: HeaderMap,
    view: View,
    form: Form<SecondAsk>,
) -> Answer {
    let (ask, state) = match form.into_result() {
        Ok(read) => read,
        Err(state) => {
            let ticket = state.value("ticket").unwrap_or_default().to_owned();
            return Ok(pages::invalid(second_step(&view, &ticket, WORKSPACES, &state)));
        }
    };
    let digits = ask.code.chars().all(|c| c.is_ascii_digit() || c == ' ');
    let code = Secret::new(ask.code);
    let proof = if digits { SecondFactor::Totp(code) } else { SecondFactor::RecoveryCode(code) };
    match app.sign_in_second_factor(&caller, KIND, &ask.ticket, &proof).await {
        Ok(begun) => in_place(&app, &caller, &headers, &begun, &ask.back).await,
        Err(error) => Ok(pages::invalid(second_step(&view, &ask.ticket, &ask.back, &said(error, state)?))),
    }
}

/// The cookies of the new session, which takes the place of the one that this browser had.
async fn in_place(
    app: &App,
    caller: &Caller,
    headers: &HeaderMap,
    begun: &SessionBegun,
    back: &str,
) -> Answer {
    if let Ok(token) = session::presented(headers, KIND)
        && let Ok(before) = app.person_of_session(token, KIND).await
    {
        match app.session_end(&before, caller, before.session()).await {
            // It ended by itself meanwhile.
            Err(error) if error.code() == Code::NotFound => {}
            other => other?,
        }
    }
    let mut response = pages::see(pages::local(back).unwrap_or(WORKSPACES.into()));
    let cookies = [session::set_session(KIND, &begun.token), session::set_device(&begun.device)];
    for cookie in cookies.into_iter().flatten() {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    Ok(response)
}

async fn sign_out(SignedIn(person): SignedIn, State(app): State<App>, From(caller): From) -> Answer {
    match app.session_end(&person, &caller, person.session()).await {
        Err(error) if error.code() == Code::NotFound => {}
        other => other?,
    }
    let mut response: Response = pages::see(SIGN_IN_PATH);
    if let Some(cookie) = session::clear_session(KIND) {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    Ok(response)
}
