//! The second step of a sign-in, and signing in with a passkey alone: of members at the console, of operators at theirs.
//!
//! The ticket of the first step is in the form, not in a cookie: it is worth nothing without a second factor, ends after
//! ten minutes, and each form of these pages is guarded as all others.

use axum::extract::State;
use axum::response::Response;
use gatepost_app::{App, Caller, FactorsOffered, PasskeyStart, SecondFactor, SessionBegun};
use gatepost_core::access::SessionKind;
use gatepost_core::{Code, Error, Result, Secret};
use http::HeaderMap;
use http::header::SET_COOKIE;
use maud::{Markup, html};

use super::PasskeyPlace;
use super::ceremony::{Touch, ceremony};
use crate::access::{Public, form};
use crate::console::back;
use crate::console::form::{Form, FormBody, FormState, Reader};
use crate::console::layout::{self, BACK, SIGN_IN_PATH, WORKSPACES_PATH};
use crate::console::notice::Notice;
use crate::console::page;
use crate::console::parts::{Field, form as form_part, plain_form, quiet, stack, submit};
use crate::console::people::home;
use crate::console::view::View;
use crate::reply::Answer;
use crate::route::Route;
use crate::session::{self, AtConsole, From};

pub const PASSKEY_PATH: &str = "/sign-in/passkey";
const PASSKEY_ANSWER_PATH: &str = "/sign-in/passkey/answer";
const STEP_PATH: &str = "/sign-in/second-step";
const STEP_PASSKEY_PATH: &str = "/sign-in/second-step/passkey";
const STEP_ANSWER_PATH: &str = "/sign-in/second-step/passkey/answer";
const STEP_RECOVERY_PATH: &str = "/sign-in/second-step/recovery-code";

/// What is said of every second factor that opens nothing.
const WRONG: &str = "That did not open your account. A code is good once, and for half a minute.";

pub fn routes() -> Vec<Route<App>> {
    vec![
        form(PASSKEY_PATH, passkey_begin).id("signInPasskeyForm").summary("Begin to sign in with a passkey"),
        form(PASSKEY_ANSWER_PATH, passkey_answer)
            .id("signInPasskeyAnswerForm")
            .summary("Sign in with a passkey"),
        form(STEP_PATH, step_code).id("secondStepCodeForm").summary("Go on signing in with a code of an app"),
        form(STEP_PASSKEY_PATH, step_passkey)
            .id("secondStepPasskeyForm")
            .summary("Begin to go on signing in with a passkey"),
        form(STEP_ANSWER_PATH, step_answer)
            .id("secondStepAnswerForm")
            .summary("Go on signing in with a passkey"),
        form(STEP_RECOVERY_PATH, step_recovery)
            .id("secondStepRecoveryForm")
            .summary("Go on signing in with a recovery code"),
    ]
}

/// What somebody who is half signed in can go on with on this page.
struct Offered {
    factors: FactorsOffered,
    /// Where their passkeys work, if not here.
    elsewhere: Markup,
}

impl Offered {
    /// Errors: `sign_in_failed` for a ticket that is none any more.
    async fn of(app: &App, view: &View, ticket: &str) -> Result<Self> {
        let mut factors = app.sign_in_offers(ticket).await?;
        let place = PasskeyPlace::of(app, view);
        let elsewhere = if factors.passkeys { place.hint(SIGN_IN_PATH) } else { Markup::default() };
        factors.passkeys &= place.here();
        Ok(Self { factors, elsewhere })
    }
}

/// The page after a right password: what is asked for next. `back` is where the person wanted to.
pub async fn ask(app: &App, view: &View, ticket: &str, back: &str) -> Answer {
    let offered = Offered::of(app, view, ticket).await?;
    if offered.factors.passkeys && !offered.factors.totp {
        let start = app.sign_in_second_passkey(ticket).await?;
        return Ok(page::ok(passkey_document(view, ticket, back, offered, &start, &FormState::default())));
    }
    Ok(page::ok(document(view, ticket, back, &offered, &FormState::default())))
}

/// Where a sign-in comes from.
pub struct Entering<'r> {
    pub app: &'r App,
    pub kind: SessionKind,
    pub caller: &'r Caller,
    pub headers: &'r HeaderMap,
}

impl Entering<'_> {
    /// Puts the cookies of a session that has begun, and leads on: to `back`, or where the person belongs.
    ///
    /// An operator's session takes the place of the one that this browser had: signing in again is how operators prove once
    /// more who they are.
    pub async fn entered(&self, begun: &SessionBegun, back: &str) -> Answer {
        let (app, kind) = (self.app, self.kind);
        if kind == SessionKind::Operator {
            self.leave_before().await?;
        }
        let to = match (page::local(back), kind) {
            (Some(back), _) => back.into_owned(),
            (None, SessionKind::Operator) => WORKSPACES_PATH.to_owned(),
            (None, SessionKind::Console) => {
                let person = app.person_of_session(begun.token.expose(), kind).await?;
                home::start_of(app, &person).await?
            }
        };
        let mut response = page::see(to);
        let cookies = [session::set_session(kind, &begun.token), session::set_device(&begun.device)];
        for cookie in cookies.into_iter().flatten() {
            response.headers_mut().append(SET_COOKIE, cookie);
        }
        Ok(response)
    }

    async fn leave_before(&self) -> Result<()> {
        let Ok(token) = session::presented(self.headers, self.kind) else { return Ok(()) };
        let Ok(before) = self.app.person_of_session(token, self.kind).await else { return Ok(()) };
        match self.app.session_end(&before, self.caller, before.session()).await {
            // It ended by itself meanwhile.
            Err(error) if error.code() == Code::NotFound => Ok(()),
            other => other,
        }
    }
}

fn hidden(ticket: &str, back: &str) -> Markup {
    html! {
        input type="hidden" name="ticket" value=(ticket);
        (back::field(back))
    }
}

fn document(view: &View, ticket: &str, back: &str, offered: &Offered, state: &FormState) -> Markup {
    let offers = offered.factors;
    layout::narrow(
        view,
        "Second step",
        stack(html! {
            @if offers.totp {
                (form_part(view, STEP_PATH, state, html! {
                    (hidden(ticket, back))
                    (super::code_field().fill(state))
                    (submit("Sign in"))
                }))
            } @else {
                (form_part(view, STEP_RECOVERY_PATH, state, html! {
                    (hidden(ticket, back))
                    (recovery_field(state))
                    (submit("Sign in"))
                }))
            }
            (offered.elsewhere)
            (other_ways(view, ticket, back, offers, offers.totp))
        }),
    )
}

fn recovery_field(state: &FormState) -> Field<'_> {
    Field::text("recovery", "Recovery code")
        .hint("Sixteen letters and digits. It is used up.")
        .required()
        .fill(state)
}

/// The ways besides the one that a page is about.
fn other_ways(view: &View, ticket: &str, back: &str, offers: FactorsOffered, recovery: bool) -> Markup {
    html! {
        @if offers.passkeys {
            (plain_form(view, STEP_PASSKEY_PATH, html! {
                (hidden(ticket, back)) (quiet("Use a passkey instead"))
            }))
        }
        @if recovery && offers.recovery_codes {
            details {
                summary { "Use a recovery code instead" }
                (form_part(view, STEP_RECOVERY_PATH, &FormState::default(), html! {
                    (hidden(ticket, back))
                    (recovery_field(&FormState::default()))
                    (quiet("Sign in with the recovery code"))
                }))
            }
        }
        p { a href=(SIGN_IN_PATH) { "Start again" } }
    }
}

fn passkey_document(
    view: &View,
    ticket: &str,
    back: &str,
    offered: Offered,
    start: &PasskeyStart,
    state: &FormState,
) -> Markup {
    let fields = html! {
        input type="hidden" name="step" value=(ticket);
        (back::field(back))
    };
    let rest = FactorsOffered { passkeys: false, ..offered.factors };
    layout::narrow(
        view,
        "Second step",
        stack(html! {
            p { "Prove it with your passkey." }
            (ceremony(view, STEP_ANSWER_PATH, Touch::Use, start, state, fields, "Use your passkey"))
            @if rest.totp {
                details {
                    summary { "Use a code of the app instead" }
                    (form_part(view, STEP_PATH, &FormState::default(), html! {
                        (hidden(ticket, back))
                        (super::code_field())
                        (quiet("Sign in with the code"))
                    }))
                }
            }
            (other_ways(view, ticket, back, rest, true))
        }),
    )
}

struct StepAsk {
    ticket: String,
    back: String,
    code: String,
}

fn step_ask(reader: &mut Reader<'_>, field: &str, missing: &'static str) -> Option<StepAsk> {
    let code = reader.required(field, missing);
    let (ticket, back) = (reader.exact("ticket"), reader.exact(BACK));
    Some(StepAsk { ticket, back, code: code? })
}

struct CodeAsk(StepAsk);

impl FormBody for CodeAsk {
    const FIELDS: &'static [&'static str] = &["ticket", BACK, "code"];

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        step_ask(reader, "code", "Type the code that the app shows.").map(Self)
    }
}

struct RecoveryAsk(StepAsk);

impl FormBody for RecoveryAsk {
    const FIELDS: &'static [&'static str] = &["ticket", BACK, "recovery"];

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        step_ask(reader, "recovery", "Type one of your recovery codes.").map(Self)
    }
}

struct BeginAsk {
    ticket: String,
    back: String,
}

impl FormBody for BeginAsk {
    const FIELDS: &'static [&'static str] = &["ticket", BACK];

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        Some(Self { ticket: reader.exact("ticket"), back: reader.exact(BACK) })
    }
}

struct AnswerAsk {
    /// Of the ceremony.
    ticket: String,
    answer: String,
    /// Of the first step; empty where there was none.
    step: String,
    back: String,
}

impl FormBody for AnswerAsk {
    const FIELDS: &'static [&'static str] = &["ticket", "answer", "step", BACK];

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let (ticket, answer) = (reader.exact("ticket"), reader.exact("answer"));
        Some(Self { ticket, answer, step: reader.exact("step"), back: reader.exact(BACK) })
    }
}

/// What a second factor came to: a session, the same page with a word on what was wrong, or the first step again where
/// the ticket is spent.
async fn stepped(
    entering: Entering<'_>,
    view: &View,
    (ticket, back): (&str, &str),
    field: &'static str,
    outcome: Result<SessionBegun>,
) -> Answer {
    let error = match outcome {
        Ok(begun) => return entering.entered(&begun, back).await,
        Err(error) => error,
    };
    if error.code() != Code::SignInFailed {
        return Err(error.into());
    }
    let Ok(offered) = Offered::of(entering.app, view, ticket).await else {
        return Ok(start_again(back));
    };
    let state = FormState::default().with_error(if offered.factors.totp { field } else { "" }, WRONG);
    Ok(page::invalid(document(view, ticket, back, &offered, &state)))
}

/// To the first step; the way back is kept.
fn start_again(back: &str) -> Response {
    page::see_and_say(back::with(SIGN_IN_PATH, back), Notice::SignInOver)
}

fn unread<T>(form: Form<T>) -> Result<T> {
    form.read.ok_or_else(|| Error::of(Code::SignInFailed))
}

async fn step_code(
    _: Public,
    State(app): State<App>,
    From(caller): From,
    axum::Extension(AtConsole(kind)): axum::Extension<AtConsole>,
    headers: HeaderMap,
    view: View,
    form: Form<CodeAsk>,
) -> Answer {
    let ask = match form.into_result() {
        Ok((CodeAsk(ask), _)) => ask,
        Err(state) => return again(&app, &view, &state).await,
    };
    let proof = SecondFactor::Totp(Secret::new(ask.code));
    let entering = Entering { app: &app, kind, caller: &caller, headers: &headers };
    let outcome = app.sign_in_second_factor(&caller, kind, &ask.ticket, &proof).await;
    stepped(entering, &view, (&ask.ticket, &ask.back), "code", outcome).await
}

async fn step_recovery(
    _: Public,
    State(app): State<App>,
    From(caller): From,
    axum::Extension(AtConsole(kind)): axum::Extension<AtConsole>,
    headers: HeaderMap,
    view: View,
    form: Form<RecoveryAsk>,
) -> Answer {
    let ask = match form.into_result() {
        Ok((RecoveryAsk(ask), _)) => ask,
        Err(state) => return again(&app, &view, &state).await,
    };
    let proof = SecondFactor::RecoveryCode(Secret::new(ask.code));
    let entering = Entering { app: &app, kind, caller: &caller, headers: &headers };
    let outcome = app.sign_in_second_factor(&caller, kind, &ask.ticket, &proof).await;
    stepped(entering, &view, (&ask.ticket, &ask.back), "", outcome).await
}

/// A form of the second step that was left empty.
async fn again(app: &App, view: &View, state: &FormState) -> Answer {
    let (ticket, back) = (state.value("ticket").unwrap_or_default(), state.value(BACK).unwrap_or_default());
    let Ok(offered) = Offered::of(app, view, ticket).await else {
        return Ok(start_again(back));
    };
    Ok(page::invalid(document(view, ticket, back, &offered, state)))
}

async fn step_passkey(_: Public, State(app): State<App>, view: View, form: Form<BeginAsk>) -> Answer {
    let ask = unread(form)?;
    let (Ok(offered), Ok(start)) =
        (Offered::of(&app, &view, &ask.ticket).await, app.sign_in_second_passkey(&ask.ticket).await)
    else {
        return Ok(start_again(&ask.back));
    };
    let state = FormState::default();
    Ok(page::ok(passkey_document(&view, &ask.ticket, &ask.back, offered, &start, &state)))
}

async fn step_answer(
    _: Public,
    State(app): State<App>,
    From(caller): From,
    axum::Extension(AtConsole(kind)): axum::Extension<AtConsole>,
    headers: HeaderMap,
    view: View,
    form: Form<AnswerAsk>,
) -> Answer {
    let ask = unread(form)?;
    let proof = SecondFactor::Passkey { ticket: Secret::new(ask.ticket), answer: ask.answer };
    let entering = Entering { app: &app, kind, caller: &caller, headers: &headers };
    let outcome = app.sign_in_second_factor(&caller, kind, &ask.step, &proof).await;
    stepped(entering, &view, (&ask.step, &ask.back), "", outcome).await
}

fn alone_document(view: &View, back: &str, start: &PasskeyStart, state: &FormState) -> Markup {
    layout::narrow(
        view,
        "Sign in with a passkey",
        stack(html! {
            p { "Your browser shows the passkeys that you have for this Gatepost." }
            (ceremony(view, PASSKEY_ANSWER_PATH, Touch::Use, start, state, back::field(back), "Use a passkey"))
            p { a href=(SIGN_IN_PATH) { "Sign in another way" } }
        }),
    )
}

async fn passkey_begin(_: Public, State(app): State<App>, view: View, form: Form<BackAsk>) -> Answer {
    let BackAsk(back) = unread(form)?;
    let start = app.sign_in_passkey_start().await?;
    Ok(page::ok(alone_document(&view, &back, &start, &FormState::default())))
}

struct BackAsk(String);

impl FormBody for BackAsk {
    const FIELDS: &'static [&'static str] = &[BACK];

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        Some(Self(reader.exact(BACK)))
    }
}

async fn passkey_answer(
    _: Public,
    State(app): State<App>,
    From(caller): From,
    axum::Extension(AtConsole(kind)): axum::Extension<AtConsole>,
    headers: HeaderMap,
    view: View,
    form: Form<AnswerAsk>,
) -> Answer {
    let ask = unread(form)?;
    match app.sign_in_passkey(&caller, kind, &ask.ticket, &ask.answer).await {
        Ok(begun) => {
            Entering { app: &app, kind, caller: &caller, headers: &headers }.entered(&begun, &ask.back).await
        }
        Err(error) if error.code() == Code::SignInFailed => {
            let state =
                FormState::default().with_error("", "This passkey opened no account. Try another way.");
            let start = app.sign_in_passkey_start().await?;
            Ok(page::invalid(alone_document(&view, &ask.back, &start, &state)))
        }
        Err(error) => Err(error.into()),
    }
}
