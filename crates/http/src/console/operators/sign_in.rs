//! Signing in as an operator: with a password and always a second factor, or with a passkey, which is both.
//!
//! Threat note. Defends against: a password alone opening anything here, an answer that tells who is an operator (whoever
//! is none hears that the password is wrong, or that the second step did not work), a session that was signed over staying
//! open. Signing in is also how operators prove again who they are: the new session takes the place of the one before.
//! Does not defend against: a page of somebody else's that looks like this one; passkeys do.

use axum::extract::State;
use axum::response::Response;
use gatepost_app::{App, SignIn};
use gatepost_core::access::SessionKind;
use gatepost_core::{Code, Error, Result, Secret};
use http::HeaderMap;
use http::header::SET_COOKIE;
use maud::{Markup, html};

use crate::access::{Public, SignedIn, form, page};
use crate::console::back::{self, BACK_QUERY, back_of};
use crate::console::factors::{Entering, PASSKEY_PATH, PasskeyPlace, ask_second_factor, second_step_routes};
use crate::console::form::{Form, FormBody, FormState, Reader};
use crate::console::layout::{BACK, REAUTH_PATH, SIGN_IN_PATH, SIGN_OUT_PATH, narrow};
use crate::console::page::{self as pages};
use crate::console::parts::{self, Field, actions, plain_form, secondary, stack, submit};
use crate::console::view::View;
use crate::query::Query;
use crate::reply::Answer;
use crate::route::Route;
use crate::session::{self, From};

const KIND: SessionKind = SessionKind::Operator;
const TITLE: &str = "Sign in as an operator";
const TITLE_AGAIN: &str = "Prove that it is you";

pub fn routes() -> Vec<Route<App>> {
    let mut routes = vec![
        page(SIGN_IN_PATH, sign_in_page).id("operatorSignInPage").summary("Sign in").query(&BACK_QUERY),
        page(REAUTH_PATH, reauth_page)
            .id("operatorReauthPage")
            .summary("Prove again who you are")
            .query(&BACK_QUERY),
        form(SIGN_IN_PATH, sign_in).id("operatorSignInForm").summary("Sign in with a password"),
        form(SIGN_OUT_PATH, sign_out).id("operatorSignOutForm").summary("Sign out"),
    ];
    routes.extend(second_step_routes());
    routes
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
        let back = back::local(reader.exact(BACK));
        Some(Self { email: email?, password: Secret::new(password), back })
    }
}

fn first_step(app: &App, view: &View, title: &str, back: &str, state: &FormState) -> Markup {
    let place = PasskeyPlace::of(app, view);
    narrow(
        view,
        title,
        stack(html! {
            p {
                "For those who run this installation. Members of workspaces sign in to the "
                a href=(app.console_url()) { "console" } "."
            }
            (parts::form(view, SIGN_IN_PATH, state, html! {
                (back::field(back))
                (Field::email("email", "E-mail address").autocomplete("username").required().focused().fill(state))
                (Field::password("password", "Password", "current-password").required())
                (actions(submit("Go on")))
            }))
            @if place.here() {
                (plain_form(view, PASSKEY_PATH, html! { (back::field(back)) (secondary("Sign in with a passkey")) }))
            }
            (place.hint(&back::with(SIGN_IN_PATH, back)))
        }),
    )
}

async fn sign_in_page(_: Public, State(app): State<App>, query: Query, view: View) -> Answer {
    Ok(pages::ok(first_step(&app, &view, TITLE, &back_of(&query), &FormState::default())))
}

async fn reauth_page(_: Public, State(app): State<App>, query: Query, view: View) -> Answer {
    Ok(pages::ok(first_step(&app, &view, TITLE_AGAIN, &back_of(&query), &FormState::default())))
}

/// A refusal that is shown at the form.
fn said(error: Error, state: FormState) -> Result<FormState> {
    match error.code() {
        Code::SignInFailed => Ok(state.with_error("", "E-mail address or password is wrong.")),
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
    let (ask, state) = match form.into_result() {
        Ok(read) => read,
        Err(state) => {
            let back = back::local(state.value(BACK).unwrap_or_default().to_owned());
            return Ok(pages::invalid(first_step(&app, &view, TITLE, &back, &state)));
        }
    };
    match app.sign_in_password(&caller, KIND, &ask.email, &ask.password).await {
        Ok(SignIn::SecondFactor { ticket }) => {
            ask_second_factor(&app, &view, ticket.expose(), &ask.back).await
        }
        Ok(SignIn::Done(begun)) => {
            let entering = Entering { app: &app, kind: KIND, caller: &caller, headers: &headers };
            entering.entered(&begun, &ask.back).await
        }
        Err(error) => Ok(pages::invalid(first_step(&app, &view, TITLE, &ask.back, &said(error, state)?))),
    }
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
