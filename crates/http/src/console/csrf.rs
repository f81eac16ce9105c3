//! The guard of forms: whatever changes something with a cookie of ours passes it before any handler.
//!
//! Three locks, none of which rests on another:
//!
//! 1. **The cookie.** It is `SameSite=Lax` ([`cookies`](super::cookies)), so a form that another site posts comes without
//!    it; and a form that comes without a cookie of ours is refused.
//! 2. **The origin.** `Sec-Fetch-Site` must say `same-origin` (or `none`: a person reloaded). Where a browser does not
//!    send it, `Origin`, else `Referer`, must name this server.
//! 3. **The token.** The form's field `csrf` (for requests of scripts the header `X-CSRF-Token`) carries an HMAC over
//!    what the cookie stands for, compared in constant time.
//!
//! Forms before sign-in pass it too: their token is bound to a visit, a random cookie that a page with a form sets. Else a
//! stranger could sign somebody in to an account of his own.
//!
//! Defends against: cross-site forms, fetches and images; forms posted as `text/plain`, multipart or JSON (the type of the
//! body is checked); a token of another session or of a visit before; a sub-domain that plants cookies; `X-HTTP-Method-
//! Override` and `_method` (nothing reads them); a page whose author forgot the check (it is in front of all of them, and
//! [`Form`](super::form::Form) takes only what came through here).
//! Does not defend against: scripts that run in a page of ours (the content security policy does), a browser that lies,
//! a change on GET (no page makes one).

use std::sync::{Arc, OnceLock};

use axum::body::Body;
use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use gatepost_core::access::SessionKind;
use gatepost_core::{Code, Error, Result, SessionId};
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, HOST, ORIGIN, REFERER};
use http::{HeaderMap, HeaderName, Method, Uri};

use super::cookies;
use super::form::Sent;
use crate::body::read_body;
use crate::credential::single;
use crate::problem::Failure;
use crate::session::{self, AtConsole};
use crate::state::{ApiState, Doors};

/// The field of a form that carries the token.
pub const FIELD: &str = "csrf";
/// The header of a script that carries it.
const X_CSRF_TOKEN: HeaderName = HeaderName::from_static("x-csrf-token");
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Largest form, in bytes.
pub(super) const FORM_MAX: usize = 64 * 1024;

/// Which locks are shut: all of them. Tests open some, to see that each of the others holds alone; no configuration does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Locks {
    /// Cookies are `SameSite=Lax`.
    pub same_site: bool,
    /// `Sec-Fetch-Site`, `Origin` or `Referer` is looked at.
    pub origin: bool,
    /// The token is looked at.
    pub token: bool,
}

impl Default for Locks {
    fn default() -> Self {
        Self { same_site: true, origin: true, token: true }
    }
}

/// What a page tells the guard about its answer.
#[derive(Clone, Default)]
pub(super) struct Said(Arc<SaidInner>);

#[derive(Default)]
struct SaidInner {
    /// A form was written for somebody who had no visit yet: this is it.
    visit: OnceLock<String>,
    /// The page says what the request before has done, so that no other says it again.
    notice: OnceLock<()>,
}

impl Said {
    pub(super) fn begin_visit(&self, value: String) {
        self.0.visit.get_or_init(|| value);
    }

    pub(super) fn say_notice(&self) {
        self.0.notice.get_or_init(|| ());
    }
}

/// What forms of who sends these headers are bound to: the session where it stands, else the visit. A session's own id,
/// not its token, which is another after a quarter of an hour.
pub(super) async fn binding<A: Doors>(
    state: &ApiState<A>,
    headers: &HeaderMap,
    kind: SessionKind,
) -> Result<Option<String>> {
    if let Ok(token) = session::presented(headers, kind) {
        match state.app().person_of_session(token, kind).await {
            Ok(person) => return Ok(Some(session_binding(person.session()))),
            Err(error) if error.code() == Code::SessionEnded => {}
            Err(error) => return Err(error),
        }
    }
    // A visit is no session, even where the two texts are alike.
    Ok(cookies::visit(headers).map(visit_binding))
}

pub(crate) fn session_binding(session: SessionId) -> String {
    format!("session:{session}")
}

pub(super) fn visit_binding(value: &str) -> String {
    format!("visit:{value}")
}

/// Stands in front of every handler of the public address and of the operators' listener. A cookie counts only where this
/// lets it in. On the operators' listener nothing but pages answers to whoever is not signed in there: what else is
/// asked for, a path that does not exist among it, is 401.
pub async fn guard<A: Doors>(State(state): State<ApiState<A>>, mut request: Request, next: Next) -> Response {
    let kind = state.kind();
    let route = request.extensions().get::<MatchedPath>();
    let page = state.is_page(route);
    let scripted = !page
        && state.takes_session(route)
        && !matches!(session::cookie(request.headers(), session::cookie_name(kind)), Ok(None));
    let operators = kind == SessionKind::Operator;
    if !page && !scripted && !operators {
        return next.run(request).await;
    }
    if operators
        && !page
        && let Err(error) = signed_in(&state, request.headers(), kind).await
    {
        return Failure::from(error).into_response();
    }
    if !matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS) {
        match check(&state, request, kind, page).await {
            Ok(checked) => request = checked,
            Err(error) => return Failure::from(error).into_response(),
        }
    }
    let said = Said::default();
    request.extensions_mut().insert(AtConsole(kind));
    request.extensions_mut().insert(said.clone());
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    if let Some(value) = said.0.visit.get() {
        cookies::set_visit(headers, value);
    }
    if said.0.notice.get().is_some() {
        cookies::clear_notice(headers);
    }
    if !state.settings().locks.same_site {
        cookies::loosen(headers);
    }
    response
}

/// Errors: `session_ended`.
async fn signed_in<A: Doors>(state: &ApiState<A>, headers: &HeaderMap, kind: SessionKind) -> Result<()> {
    state.app().person_of_session(session::presented(headers, kind)?, kind).await.map(drop)
}

/// The request with its form read, where every lock opens.
async fn check<A: Doors>(
    state: &ApiState<A>,
    request: Request,
    kind: SessionKind,
    page: bool,
) -> Result<Request> {
    let locks = state.settings().locks;
    let (mut parts, mut body) = request.into_parts();
    if locks.origin {
        check_origin(&parts.headers, &parts.uri, state.https())?;
    }
    // Whoever has no cookie has no form of ours either.
    let binding = binding(state, &parts.headers, kind).await?;
    let binding = binding.ok_or_else(|| {
        refusal("your browser sent no cookie of this server; forms need one, and a page that is opened again")
    })?;
    let mut token = single(&parts.headers, &X_CSRF_TOKEN, Code::CsrfRefused)?.map(<[u8]>::to_vec);
    if page {
        check_type(&parts.headers)?;
        let raw = read_body(&parts.headers, body, FORM_MAX, state.settings().body_timeout).await?;
        body = Body::empty();
        let mut sent = Sent::decode(&raw)?;
        token = sent.take(FIELD)?.map(String::into_bytes).or(token);
        parts.extensions.insert(sent);
    }
    if locks.token {
        let token = token.as_deref().and_then(|token| std::str::from_utf8(token).ok()).unwrap_or_default();
        if !state.app().csrf_verify(&binding, token).await? {
            return Err(refusal(
                "this form is of another session, or too old; open the page again and repeat it",
            ));
        }
    }
    Ok(Request::from_parts(parts, body))
}

fn refusal(detail: &'static str) -> Error {
    Error::new(Code::CsrfRefused, detail)
}

/// Refuses what did not come from a page of this server.
pub(super) fn check_origin(headers: &HeaderMap, uri: &Uri, https: bool) -> Result<()> {
    let elsewhere = || refusal("this form was not sent from a page of this server");
    let one = |name: &HeaderName| single(headers, name, Code::CsrfRefused);
    match one(&SEC_FETCH_SITE)? {
        Some(b"same-origin" | b"none") => return Ok(()),
        Some(_) => return Err(elsewhere()),
        None => {}
    }
    let host = match one(&HOST)? {
        Some(host) => std::str::from_utf8(host).ok(),
        None => uri.authority().map(http::uri::Authority::as_str),
    };
    let ours = format!("{}://{}", if https { "https" } else { "http" }, host.ok_or_else(elsewhere)?);
    let named = match (one(&ORIGIN)?, one(&REFERER)?) {
        (Some(origin), _) => origin == ours.as_bytes(),
        // The slash: `http://here.evil.example/` begins like `http://here`.
        (None, Some(referer)) => {
            referer.strip_prefix(ours.as_bytes()).is_some_and(|rest| rest.starts_with(b"/"))
        }
        (None, None) => false,
    };
    if named { Ok(()) } else { Err(elsewhere()) }
}

/// Refuses everything but a form as browsers send it by default.
pub(super) fn check_type(headers: &HeaderMap) -> Result<()> {
    let refuse = || {
        Err(Error::new(
            Code::UnsupportedMediaType,
            "expected Content-Type: application/x-www-form-urlencoded",
        ))
    };
    if headers.contains_key(CONTENT_ENCODING) {
        return refuse();
    }
    match single(headers, &CONTENT_TYPE, Code::UnsupportedMediaType)? {
        Some(b"application/x-www-form-urlencoded" | b"application/x-www-form-urlencoded; charset=utf-8") => {
            Ok(())
        }
        Some(
            b"application/x-www-form-urlencoded;charset=UTF-8"
            | b"application/x-www-form-urlencoded;charset=utf-8",
        ) => Ok(()),
        _ => refuse(),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn from(pairs: &[(&'static str, &'static str)]) -> bool {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        check_origin(&headers, &Uri::from_static("/sign-in"), false).is_ok()
    }

    #[test]
    fn only_from_here() {
        let here = ("host", "gate.example");
        for good in [
            &[("sec-fetch-site", "same-origin")][..],
            &[("sec-fetch-site", "none")],
            &[here, ("origin", "http://gate.example")],
            &[here, ("referer", "http://gate.example/sign-in")],
        ] {
            assert!(from(good), "{good:?}");
        }
        for bad in [
            &[][..],
            &[here],
            &[("sec-fetch-site", "cross-site")],
            &[("sec-fetch-site", "same-site")],
            &[("sec-fetch-site", "Same-Origin")],
            &[("sec-fetch-site", "cross-site"), here, ("origin", "http://gate.example")],
            &[("sec-fetch-site", "same-origin"), ("sec-fetch-site", "same-origin")],
            &[here, ("origin", "null")],
            &[here, ("origin", "null"), ("referer", "http://gate.example/")],
            &[here, ("origin", "https://gate.example")],
            &[here, ("origin", "http://gate.example.evil.example")],
            &[here, ("origin", "http://gate.example:80")],
            &[here, ("referer", "http://gate.example")],
            &[here, ("referer", "http://gate.example.evil.example/")],
            &[("origin", "http://gate.example")],
            &[here, here, ("origin", "http://gate.example")],
        ] {
            assert!(!from(bad), "{bad:?}");
        }
    }

    #[test]
    fn only_forms() {
        let typed = |value: &'static str| {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, value.parse().unwrap());
            check_type(&headers).is_ok()
        };
        assert!(typed("application/x-www-form-urlencoded"));
        assert!(typed("application/x-www-form-urlencoded;charset=UTF-8"));
        for bad in [
            "text/plain",
            "application/json",
            "multipart/form-data; boundary=x",
            "",
            "application/x-www-form-urlencoded; charset=utf-16",
        ] {
            assert!(!typed(bad), "{bad}");
        }
        assert!(check_type(&HeaderMap::new()).is_err());
    }
}
