//! `/invitation/{code}`: what is behind the link of an invitation. Whoever has an account signs in and accepts; whoever is
//! new makes one here.

use std::sync::Arc;

use axum::extract::{FromRequestParts, State};
use gatepost_app::{App, InvitationLook, SessionBegun, SsoOffer, UserView};
use gatepost_core::access::{Person, SessionKind};
use gatepost_core::{Code, Secret, text};
use http::header::SET_COOKIE;
use http::request::Parts;
use maud::{Markup, html};

use super::list::Nothing;
use super::title;
use crate::access::{Public, SignedIn, form, page};
use crate::console::back;
use crate::console::form::{Form, FormBody, FormState, Reader};
use crate::console::layout::{SIGN_IN_PATH, SIGN_OUT_PATH, WORKSPACES_PATH, narrow};
use crate::console::notice::Notice;
use crate::console::page as pages;
use crate::console::parts::{
    self, Field, Tone, actions, button_link, callout, own, plain_form, secondary, stack, submit, time,
};
use crate::console::sso;
use crate::console::view::View;
use crate::path::Text;
use crate::problem::Failure;
use crate::reply::Answer;
use crate::route::Route;
use crate::session::{self, AtConsole, From as CallerFrom};
use crate::state::ApiState;

/// Longest name, in characters.
const NAME_MAX: usize = 100;

/// Where pages of invitations are.
const START: &str = "/invitation/";

pub fn routes() -> Vec<Route<App>> {
    vec![
        page("/invitation/{code}", look).id("invitationPage").summary("See an invitation"),
        form("/invitation/{code}/accept", accept).id("invitationAcceptForm").summary("Accept an invitation"),
        form("/invitation/{code}/sign-up", sign_up)
            .id("invitationSignUpForm")
            .summary("Make an account by an invitation"),
    ]
}

fn path(code: &str) -> String {
    format!("{START}{code}")
}

/// Whether a page is that of an invitation which is over: accepted by now, taken back, or too old.
pub async fn is_over(app: &App, page: &str) -> bool {
    match page.strip_prefix(START) {
        Some(code) => app.invitation_look(code).await.is_err(),
        None => false,
    }
}

/// Who looks, where somebody is signed in; nobody is asked to be.
struct Visitor(Option<(Arc<Person>, UserView)>);

impl FromRequestParts<ApiState<App>> for Visitor {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState<App>) -> Result<Self, Failure> {
        let kind = parts.extensions.get().map_or(SessionKind::Console, |AtConsole(kind)| *kind);
        let Ok(token) = session::presented(&parts.headers, kind) else { return Ok(Self(None)) };
        match state.app().person_of_session(token, kind).await {
            Ok(person) => {
                let user = state.app().user_of(&person).await?;
                Ok(Self(Some((person, user))))
            }
            Err(error) if error.code() == Code::SessionEnded => Ok(Self(None)),
            Err(error) => Err(error.into()),
        }
    }
}

fn head(look: &InvitationLook) -> Markup {
    html! {
        p {
            "You are invited to the workspace " strong { (own(&look.workspace_name)) } " as "
            strong { (title(look.role)) } ". " (look.role.meaning())
        }
        p class="muted" { "For " (own(&look.email)) ", until " (time(look.expires_at)) "." }
    }
}

fn for_newcomers(
    view: &View,
    look: &InvitationLook,
    code: &str,
    offers: &[SsoOffer],
    state: &FormState,
) -> Markup {
    let here = path(code);
    let sign_in = back::with(SIGN_IN_PATH, &here);
    let fields = html! {
        (Field::text("name", "Your name").required().fill(state))
        (Field::password("password", "Password", "new-password")
            .hint("At least 15 characters; several random words do well.").required().fill(state))
        (actions(submit("Make the account and join")))
    };
    let content = stack(html! {
        (head(look))
        (parts::form(view, &format!("/invitation/{code}/sign-up"), state, fields))
        (sso::buttons(view, offers, Some(code), &here))
        p { "You have an account already?" }
        (actions(button_link("secondary", None, "Sign in to accept", &sign_in)))
    });
    narrow(view, "Join a workspace", content)
}

fn for_member(view: &View, look: &InvitationLook, code: &str, user: &UserView, state: &FormState) -> Markup {
    let content = stack(html! {
        (head(look))
        (parts::error_summary(state))
        p { "You are signed in as " (own(&user.email)) "." }
        (plain_form(view, &format!("/invitation/{code}/accept"), actions(submit("Accept"))))
    });
    narrow(view, "Join a workspace", content)
}

fn for_another(view: &View, look: &InvitationLook, user: &UserView) -> Markup {
    let content = stack(html! {
        (head(look))
        (callout(Tone::Warn, "This invitation is for another address.", html! {
            p {
                "You are signed in as " (own(&user.email)) ". Sign out, open the link again, and sign in with the "
                "address that was invited, or make an account for it."
            }
        }))
        (plain_form(view, SIGN_OUT_PATH, actions(secondary("Sign out"))))
    });
    narrow(view, "Join a workspace", content)
}

async fn look(_: Public, State(app): State<App>, view: View, visitor: Visitor, code: Text) -> Answer {
    let code = code.as_str();
    let look = app.invitation_look(code).await?;
    let state = FormState::default();
    Ok(pages::ok(match visitor.0 {
        None => for_newcomers(&view, &look, code, &app.sso_invitation_offers(code).await?, &state),
        Some((person, user)) if app.invitation_is_for(&person, code).await? => {
            for_member(&view, &look, code, &user, &state)
        }
        Some((_, user)) => for_another(&view, &look, &user),
    }))
}

async fn accept(
    SignedIn(person): SignedIn,
    State(app): State<App>,
    view: View,
    CallerFrom(caller): CallerFrom,
    code: Text,
    form: Form<Nothing>,
) -> Answer {
    let error = match app.invitation_accept(&person, &caller, code.as_str()).await {
        Ok(workspace) => return Ok(pages::see_and_say(format!("/w/{workspace}"), Notice::Joined)),
        Err(error) => error,
    };
    let user = app.user_of(&person).await?;
    if error.code() == Code::InvitationForAnother {
        let look = app.invitation_look(code.as_str()).await?;
        return Ok(pages::with_status(http::StatusCode::FORBIDDEN, for_another(&view, &look, &user)));
    }
    if error.code() == Code::MemberExists {
        return Ok(pages::see(WORKSPACES_PATH));
    }
    let state = form.state.refused(error)?;
    let look = app.invitation_look(code.as_str()).await?;
    Ok(pages::invalid(for_member(&view, &look, code.as_str(), &user, &state)))
}

struct SignUpAsk {
    name: String,
    password: Secret<String>,
}

impl FormBody for SignUpAsk {
    const FIELDS: &'static [&'static str] = &["name", "password"];

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let expected = "Give a name of 1 to 100 characters.";
        let name = reader.parsed("name", expected, |written| text::name(written, NAME_MAX).ok());
        let password = reader.exact("password");
        if password.is_empty() {
            reader.wrong("password", "Choose a password.");
            return None;
        }
        Some(Self { name: name?, password: Secret::new(password) })
    }
}

async fn sign_up(
    _: Public,
    State(app): State<App>,
    view: View,
    CallerFrom(caller): CallerFrom,
    code: Text,
    form: Form<SignUpAsk>,
) -> Answer {
    let code = code.as_str();
    let state = match form.into_result() {
        Ok((ask, state)) => match app.invitation_sign_up(&caller, code, ask.name, ask.password).await {
            Ok((workspace, begun)) => {
                let mut response = pages::see_and_say(format!("/w/{workspace}"), Notice::Joined);
                signed_in(response.headers_mut(), &begun);
                return Ok(response);
            }
            Err(error) => state.refused(error)?,
        },
        Err(state) => state,
    };
    let look = app.invitation_look(code).await?;
    let offers = app.sso_invitation_offers(code).await?;
    Ok(pages::invalid(for_newcomers(&view, &look, code, &offers, &state)))
}

/// The cookies of a session that has begun.
fn signed_in(headers: &mut http::HeaderMap, begun: &SessionBegun) {
    let cookies =
        [session::set_session(SessionKind::Console, &begun.token), session::set_device(&begun.device)];
    for cookie in cookies.into_iter().flatten() {
        headers.append(SET_COOKIE, cookie);
    }
}
