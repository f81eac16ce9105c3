//! `/reauth`: proving again who one is, then back to where it was asked for.

use axum::extract::State;
use axum::response::Response;
use gatepost_app::{App, Proof, ProofsOffered, SecondFactor};
use gatepost_core::access::Person;
use gatepost_core::{Code, Error, Result, Secret};
use http::HeaderMap;
use http::header::SET_COOKIE;
use maud::{Markup, html};

use crate::access::{SignedIn, form, page};
use crate::console::back::{self, BACK_QUERY, back_of};
use crate::console::factors::{PasskeyPlace, Touch, ceremony};
use crate::console::form::{Form, FormBody, FormState, Reader};
use crate::console::layout::{self, BACK, REAUTH_PATH, WORKSPACES_PATH};
use crate::console::page as pages;
use crate::console::parts::{
    Field, Tone, actions, callout, form as form_part, plain_form, secondary, stack, submit,
};
use crate::console::view::View;
use crate::query::Query;
use crate::reply::Answer;
use crate::route::Route;
use crate::session::{self, AtConsole, From};

const PASSKEY_PATH: &str = "/reauth/passkey";
const PASSKEY_ANSWER_PATH: &str = "/reauth/passkey/answer";

/// What is said of every proof that is none.
const WRONG: &str = "That was not right. A code is good once, and for half a minute; after several failures there is a wait before the next one is looked at.";

pub fn routes() -> Vec<Route<App>> {
    vec![
        page(REAUTH_PATH, reauth_page)
            .id("reauthPage")
            .summary("Prove again who one is, for what cannot be taken back")
            .query(&BACK_QUERY),
        form(REAUTH_PATH, reauth)
            .id("reauthForm")
            .summary("Prove it with the password, and the second factor where there is one"),
        form(PASSKEY_PATH, passkey_begin).id("reauthPasskeyForm").summary("Begin to prove it with a passkey"),
        form(PASSKEY_ANSWER_PATH, passkey_answer)
            .id("reauthPasskeyAnswerForm")
            .summary("Prove it with a passkey"),
    ]
}

struct ReauthAsk {
    password: Secret<String>,
    code: String,
    back: String,
}

impl FormBody for ReauthAsk {
    const FIELDS: &'static [&'static str] = &["password", "code", BACK];

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let password = reader.exact("password");
        if password.is_empty() {
            reader.wrong("password", "Type your password.");
        }
        Some(Self {
            password: Secret::new(password),
            code: reader.text("code"),
            back: back::local(reader.exact(BACK)),
        })
    }
}

struct BeginAsk {
    back: String,
}

impl FormBody for BeginAsk {
    const FIELDS: &'static [&'static str] = &[BACK];

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        Some(Self { back: back::local(reader.exact(BACK)) })
    }
}

struct AnswerAsk {
    ticket: Secret<String>,
    answer: String,
    back: String,
}

impl FormBody for AnswerAsk {
    const FIELDS: &'static [&'static str] = &["ticket", "answer", BACK];

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let (ticket, answer) = (reader.exact("ticket"), reader.exact("answer"));
        Some(Self { ticket: Secret::new(ticket), answer, back: back::local(reader.exact(BACK)) })
    }
}

/// What was typed in the field for codes: of the app, or one of those that were kept for a lost one.
fn second_factor(code: String) -> Option<SecondFactor> {
    let digits = code.bytes().filter(|byte| *byte != b' ').all(|byte| byte.is_ascii_digit());
    let code = (!code.is_empty()).then(|| Secret::new(code))?;
    Some(if digits { SecondFactor::Totp(code) } else { SecondFactor::RecoveryCode(code) })
}

async fn document(app: &App, view: &View, person: &Person, back: &str, state: &FormState) -> Result<Markup> {
    let offers = app.session_prove_offers(person).await?;
    let linked = app.sso_prove_offers(person).await?;
    let place = PasskeyPlace::of(app, view);
    Ok(layout::narrow(
        view,
        "Is it you?",
        stack(html! {
            p { "What you are about to do cannot be taken back, so prove once more who you are. It counts for five minutes." }
            @if offers.password { (by_password(view, offers, back, state)) }
            @if offers.passkeys && place.here() {
                (plain_form(view, PASSKEY_PATH, html! { (back::field(back)) (secondary("Use a passkey")) }))
            }
            @for offer in &linked {
                (plain_form(view, &format!("/sso/{}/prove", offer.key), html! {
                    (back::field(back)) (secondary(&format!("Continue with {}", offer.name)))
                }))
            }
            @if offers.passkeys { (place.hint(&back::with(REAUTH_PATH, back))) }
            p { a href=(if back.is_empty() { WORKSPACES_PATH } else { back }) { "Leave it as it is" } }
            @if !offers.password && !offers.passkeys && linked.is_empty() {
                (callout(Tone::Info, "", html! {
                    p { "Your account has neither a password nor a passkey here. Sign out and sign in again." }
                }))
            }
        }),
    ))
}

fn by_password(view: &View, offers: ProofsOffered, back: &str, state: &FormState) -> Markup {
    form_part(
        view,
        REAUTH_PATH,
        state,
        html! {
            (back::field(back))
            (Field::password("password", "Password", "current-password").required().focused().fill(state))
            @if offers.second_factor {
                (Field::text("code", "Code")
                    .hint("Six digits of your authenticator app, or one of your recovery codes.")
                    .autocomplete("one-time-code").mono().required())
            }
            (actions(submit("Go on")))
        },
    )
}

async fn reauth_page(SignedIn(person): SignedIn, State(app): State<App>, view: View, query: Query) -> Answer {
    let document = document(&app, &view, &person, &back_of(&query), &FormState::default()).await?;
    Ok(pages::ok(document))
}

async fn reauth(
    SignedIn(person): SignedIn,
    State(app): State<App>,
    From(caller): From,
    axum::Extension(AtConsole(kind)): axum::Extension<AtConsole>,
    headers: HeaderMap,
    view: View,
    form: Form<ReauthAsk>,
) -> Answer {
    let (ReauthAsk { password, code, back }, state) = match form.into_result() {
        Ok(read) => read,
        Err(state) => {
            let back = back::local(state.value(BACK).unwrap_or_default().to_owned());
            return Ok(pages::invalid(document(&app, &view, &person, &back, &state).await?));
        }
    };
    let token = session::presented(&headers, kind)?;
    let proof = Proof { password: Some(password), second_factor: second_factor(code) };
    match app.session_prove(&person, &caller, token, proof).await {
        Ok(fresh) => Ok(proved(session::set_session(kind, &fresh), &back)),
        Err(error) => again(&app, &view, &person, &back, state, error).await,
    }
}

/// Back to where the proof was asked for, with the session's new token.
fn proved(cookie: Option<http::HeaderValue>, back: &str) -> Response {
    let mut response = pages::see(if back.is_empty() { WORKSPACES_PATH } else { back }.to_owned());
    if let Some(cookie) = cookie {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}

async fn again(
    app: &App,
    view: &View,
    person: &Person,
    back: &str,
    state: FormState,
    error: Error,
) -> Answer {
    if error.code() != Code::SignInFailed {
        return Err(error.into());
    }
    Ok(pages::invalid(document(app, view, person, back, &state.with_error("", WRONG)).await?))
}

async fn passkey_begin(
    SignedIn(person): SignedIn,
    State(app): State<App>,
    view: View,
    form: Form<BeginAsk>,
) -> Answer {
    let back = form.read.map(|ask| ask.back).unwrap_or_default();
    let start = app.session_prove_passkey(&person).await?;
    let state = FormState::default();
    let ceremony = ceremony(
        &view,
        PASSKEY_ANSWER_PATH,
        Touch::Use,
        &start,
        &state,
        back::field(&back),
        "Use your passkey",
    );
    Ok(pages::ok(layout::narrow(&view, "Is it you?", stack(ceremony))))
}

async fn passkey_answer(
    SignedIn(person): SignedIn,
    State(app): State<App>,
    From(caller): From,
    axum::Extension(AtConsole(kind)): axum::Extension<AtConsole>,
    headers: HeaderMap,
    view: View,
    form: Form<AnswerAsk>,
) -> Answer {
    let (AnswerAsk { ticket, answer, back }, state) = match form.into_result() {
        Ok(read) => read,
        Err(state) => return Ok(pages::invalid(document(&app, &view, &person, "", &state).await?)),
    };
    let token = session::presented(&headers, kind)?;
    let proof = Proof { password: None, second_factor: Some(SecondFactor::Passkey { ticket, answer }) };
    match app.session_prove(&person, &caller, token, proof).await {
        Ok(fresh) => Ok(proved(session::set_session(kind, &fresh), &back)),
        Err(error) => again(&app, &view, &person, &back, state, error).await,
    }
}
