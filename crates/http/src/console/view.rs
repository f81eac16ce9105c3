//! What a page knows of the request that it answers.

use axum::extract::FromRequestParts;
use gatepost_core::access::SessionKind;
use gatepost_core::{Error, RequestId, Timestamp};
use http::header::HOST;
use http::request::Parts;
use maud::{Markup, html};

use super::back;
use super::cookies::{self, Theme};
use super::csrf::{self, Said};
use super::notice::Notice;
use super::page;
use crate::observe::Notes;
use crate::problem::Failure;
use crate::session::AtConsole;
use crate::state::{ApiState, Doors};

/// An argument of every handler that answers a page.
pub struct View {
    pub theme: Theme,
    /// Path and query of this page, for forms that are sent to it.
    pub here: String,
    /// The page to come back to from a form that changes how pages look: this one, or the one whose form this answers.
    pub open: String,
    /// What the browser calls this server: a name or an address, and the port where it is not the usual one.
    pub host: String,
    /// Whose pages these are.
    pub kind: SessionKind,
    pub now: Timestamp,
    pub request: RequestId,
    notice: Option<Notice>,
    token: String,
    /// A visit that begins with the first form that is shown.
    visit: Option<String>,
    said: Said,
}

impl View {
    #[cfg(test)]
    pub fn for_tests(theme: Theme) -> Self {
        Self {
            theme,
            here: "/x".to_owned(),
            open: "/x".to_owned(),
            host: "gate.example".to_owned(),
            kind: SessionKind::Console,
            now: Timestamp::from_seconds(1_793_525_400),
            request: RequestId::from_uuid(uuid::Uuid::nil()),
            notice: None,
            token: "token".to_owned(),
            visit: None,
            said: Said::default(),
        }
    }

    /// What the request before has done; it is said once.
    pub fn take_notice(&self) -> Option<Notice> {
        self.notice.inspect(|_| self.said.say_notice())
    }

    /// The hidden field that every form carries. [`parts::form`](super::parts::form) writes it.
    pub fn csrf_field(&self) -> Markup {
        html! { input type="hidden" name=(csrf::FIELD) value=(self.csrf_token()); }
    }

    /// The token alone, for scripts that send `X-CSRF-Token`.
    pub fn csrf_token(&self) -> &str {
        if let Some(visit) = &self.visit {
            self.said.begin_visit(visit.clone());
        }
        &self.token
    }
}

impl<A: Doors> FromRequestParts<ApiState<A>> for View {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &ApiState<A>) -> Result<Self, Failure> {
        let lost = |what: &str| Error::internal(format!("a page outside the console: {what} is missing"));
        let said = parts.extensions.get::<Said>().cloned().ok_or_else(|| lost("the guard"))?;
        let AtConsole(kind) = parts.extensions.get().copied().ok_or_else(|| lost("the guard"))?;
        let request =
            parts.extensions.get::<Notes>().map(Notes::id).ok_or_else(|| lost("the request's id"))?;
        let (binding, visit) = match csrf::binding(state, &parts.headers, kind).await? {
            Some(binding) => (binding, None),
            None => {
                let visit = random(state);
                (csrf::visit_binding(&visit), Some(visit))
            }
        };
        let here = parts.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
        let host = match parts.headers.get(HOST) {
            Some(host) => host.to_str().ok(),
            None => parts.uri.authority().map(http::uri::Authority::as_str),
        };
        let open = back::openable(&parts.method, &parts.uri, &parts.headers);
        Ok(Self {
            open: open.unwrap_or_else(|| "/".to_owned()),
            theme: Theme::of(&parts.headers),
            here: page::local(here).unwrap_or("/".into()).into_owned(),
            host: host.unwrap_or_default().to_owned(),
            kind,
            now: state.app().now(),
            request,
            notice: cookies::notice(&parts.headers),
            token: state.app().csrf_token(&binding).await?,
            visit,
            said,
        })
    }
}

/// 128 bits that nobody can guess, as 32 hexadecimal digits.
fn random<A: Doors>(state: &ApiState<A>) -> String {
    let mut bytes = [0; 16];
    state.app().entropy().fill(&mut bytes);
    super::hex(&bytes)
}
