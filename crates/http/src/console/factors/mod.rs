//! A person's own second factors: the page that lists them, and those on which they are added and removed.
//!
//! Everything but the touch of a passkey works without a script. What is shown once (the app's secret, recovery codes)
//! is in one answer and in no address.

mod authenticator;
mod ceremony;
mod overview;
mod passkeys;
mod place;
mod qr;
mod second_step;

pub use ceremony::{Touch, ceremony};
pub use place::PasskeyPlace;
pub use second_step::{Entering, PASSKEY_PATH, ask as ask_second_factor, routes as second_step_routes};

use axum::response::Response;
use gatepost_app::{App, FactorAdded, UserView};
use gatepost_core::Result;
use gatepost_core::access::{Person, SessionKind};
use http::StatusCode;
use http::header::SET_COOKIE;
use maud::{Markup, html};

use super::layout::{self, Frame, Place};
use super::nav::Section;
use super::notice::Notice;
use super::page;
use super::parts::{self, Field, Tone, button_link, callout, card, page_header};
use super::view::View;
use crate::route::Route;
use crate::session;

/// Where a person sees what they prove themselves with.
pub const SECURITY_PATH: &str = "/account/security";

pub fn routes() -> Vec<Route<App>> {
    let mut routes = overview::routes();
    routes.extend(authenticator::routes());
    routes.extend(passkeys::routes());
    routes.extend(second_step::routes());
    routes
}

/// A page of the account.
struct Account(UserView);

impl Account {
    async fn of(app: &App, person: &Person) -> Result<Self> {
        app.user_of(person).await.map(Self)
    }

    fn page(&self, view: &View, title: &str, content: Markup) -> Markup {
        let person = layout::Person { name: &self.0.name, email: &self.0.email };
        Frame { place: Place::Account, person, section: Section::Security }.page(view, title, content)
    }

    /// The answer to whatever added a factor or made codes: the codes, where there are some, and the session's new
    /// token.
    fn added(&self, view: &View, kind: SessionKind, added: &FactorAdded, notice: Notice) -> Response {
        let mut response = if added.recovery_codes.is_empty() {
            page::see_and_say(SECURITY_PATH, notice)
        } else {
            page::with_status(StatusCode::OK, self.codes(view, added, notice))
        };
        if let Some(cookie) = added.token.as_ref().and_then(|token| session::set_session(kind, token)) {
            response.headers_mut().append(SET_COOKIE, cookie);
        }
        response
    }

    fn codes(&self, view: &View, added: &FactorAdded, done: Notice) -> Markup {
        let codes: Vec<&str> = added.recovery_codes.iter().map(|code| code.expose().as_str()).collect();
        let title = "Your recovery codes";
        self.page(
            view,
            title,
            html! {
                (page_header(title, Some("Each opens your account once, in the place of your second factor."), html! {}))
                (callout(Tone::Good, "", html! { p { (done.text()) } }))
                (card("Keep these", html! {
                    (callout(Tone::Warn, "Copy or print them now.", html! {
                        p { "They are shown this once. Gatepost keeps digests of them and cannot show them again. Codes that you had before are void." }
                    }))
                    (parts::secret_lines("Recovery codes", &codes))
                    (parts::actions(button_link("primary", None, "I have kept them", SECURITY_PATH)))
                }))
            },
        )
    }
}

/// The field of a code of an authenticator app.
fn code_field() -> Field<'static> {
    Field::code("code", "Code").hint("Six digits that the app shows now.").required()
}
