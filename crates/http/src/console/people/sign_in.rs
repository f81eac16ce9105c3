//! `/sign-in` and `/sign-out`.

use axum::extract::State;
use axum::response::Response;
use gatepost_app::{App, SignIn};
use gatepost_core::access::SessionKind;
use gatepost_core::{Code, Result, Secret};
use http::HeaderMap;
use http::header::SET_COOKIE;
use maud::{Markup, html};

use super::{enter, home};
use crate::access::{Public, form, page};
use crate::console::back::{self, BACK_QUERY, back_of};
use crate::console::factors::{PASSKEY_PATH, PasskeyPlace, ask_second_factor};
use crate::console::form::{Form, FormBody, FormState, Reader};
use crate::console::layout::{self, BACK, SIGN_IN_PATH, SIGN_OUT_PATH};
use crate::console::lost::FORGOT_PATH;
use crate::console::page as pages;
use crate::console::parts::{Field, actions, form as form_part, plain_form, secondary, stack, submit};
use crate::console::sso;
use crate::console::view::View;
use crate::query::Query;
use crate::reply::Answer;
use crate::route::Route;
use crate::session::{self, AtConsole, From};

/// What is said of everything that does not open an account.
const WRONG: &str = "E-mail address or password is wrong. After several failures there is a wait before the next one is looked at; a link by e-mail sets a new password.";

pub fn routes() -> Vec<Route<App>> {
    vec![
        page(SIGN_IN_PATH, sign_in_page).id("signInPage").summary("Sign in").query(&BACK_QUERY),
        form(SIGN_IN_PATH, sign_in).id("signInForm").summary("Sign in with a password"),
        form(SIGN_OUT_PATH, sign_out).id("signOutForm").summary("Sign out, on every node at once"),
    ]
}

struct SignInAsk {
    email: String,
    password: Secret<String>,
    back: String,
}

impl FormBody for SignInAsk {
    const FIELDS: &'static [&'static str] = &["email", "password", BACK];

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let email = reader.required("email", "Give your e-mail address.");
        let password = reader.exact("password");
        if password.is_empty() {
            reader.wrong("password", "Type your password.");
        }
        let back = back::local(reader.exact(BACK));
        Some(Self { email: email?, password: Secret::new(password), back })
    }
}

fn document(app: &App, view: &View, back: &str, state: &FormState) -> Markup {
    let place = PasskeyPlace::of(app, view);
    layout::narrow(
        view,
        "Sign in",
        stack(html! {
            (form_part(view, SIGN_IN_PATH, state, html! {
                (back::field(back))
                (Field::email("email", "E-mail").autocomplete("username").required().focused().fill(state))
                (Field::password("password", "Password", "current-password").required().fill(state))
                (actions(submit("Sign in")))
            }))
            @if place.here() {
                (plain_form(view, PASSKEY_PATH, html! { (back::field(back)) (secondary("Sign in with a passkey")) }))
            }
            (sso::buttons(view, &app.sso_offers(), None, back))
            (place.hint(&back::with(SIGN_IN_PATH, back)))
            p { a href=(FORGOT_PATH) { "I have forgotten my password" } }
        }),
    )
}

async fn sign_in_page(
    _: Public,
    State(app): State<App>,
    axum::Extension(AtConsole(kind)): axum::Extension<AtConsole>,
    headers: HeaderMap,
    view: View,
    query: Query,
) -> Answer {
    let back = back_of(&query);
    // Who is signed in already has nothing to do here.
    if let Ok(token) = session::presented(&headers, kind)
        && let Ok(person) = app.person_of_session(token, kind).await
    {
        let to = if back.is_empty() { home::start_of(&app, &person).await? } else { back };
        return Ok(pages::see(to));
    }
    Ok(pages::ok(document(&app, &view, &back, &FormState::default())))
}

async fn sign_in(
    _: Public,
    State(app): State<App>,
    From(caller): From,
    axum::Extension(AtConsole(kind)): axum::Extension<AtConsole>,
    view: View,
    form: Form<SignInAsk>,
) -> Answer {
    let (SignInAsk { email, password, back }, state) = match form.into_result() {
        Ok(read) => read,
        Err(state) => {
            let back = back::local(state.value(BACK).unwrap_or_default().to_owned());
            return Ok(pages::invalid(document(&app, &view, &back, &state)));
        }
    };
    match app.sign_in_password(&caller, kind, &email, &password).await {
        Ok(SignIn::Done(begun)) => {
            let person = app.person_of_session(begun.token.expose(), kind).await?;
            let to = if back.is_empty() { home::start_of(&app, &person).await? } else { back };
            Ok(enter(pages::see(to), kind, &begun))
        }
        Ok(SignIn::SecondFactor { ticket }) => ask_second_factor(&app, &view, ticket.expose(), &back).await,
        Err(error) if error.code() == Code::SignInFailed => {
            Ok(pages::invalid(document(&app, &view, &back, &state.with_error("", WRONG))))
        }
        Err(error) => Err(error.into()),
    }
}

/// Ends the session where there is one, and takes its cookie away in any case.
async fn sign_out(
    _: Public,
    State(app): State<App>,
    From(caller): From,
    axum::Extension(AtConsole(kind)): axum::Extension<AtConsole>,
    headers: HeaderMap,
) -> Answer {
    let ended: Result<()> = async {
        let person = app.person_of_session(session::presented(&headers, kind)?, kind).await?;
        app.session_end(&person, &caller, person.session()).await
    }
    .await;
    match ended {
        Ok(()) => {}
        Err(error) if matches!(error.code(), Code::SessionEnded | Code::NotFound) => {}
        Err(error) => return Err(error.into()),
    }
    Ok(cleared(pages::see(SIGN_IN_PATH), kind))
}

/// Takes the session's cookie away.
pub(super) fn cleared(mut response: Response, kind: SessionKind) -> Response {
    if let Some(cookie) = session::clear_session(kind) {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}
