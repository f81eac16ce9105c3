//! The cookies of people who sign in.
//!
//! Defends against: a cookie that another host, a sub-domain or plain HTTP set or reads (`__Host-`: Secure, of this host
//! alone, for every path), scripts that read it (HttpOnly), most requests that other sites cause (SameSite), and two
//! parties that read two different values out of one request (a name that is there twice is refused).
//! Does not defend against: requests that other sites cause all the same; see the locks on forms.

use axum::extract::FromRequestParts;
use axum::response::Response;
use gatepost_app::Caller;
use gatepost_core::access::SessionKind;
use gatepost_core::{Code, Error, Result, Secret};
use http::header::{COOKIE, SET_COOKIE, USER_AGENT};
use http::request::Parts;
use http::{HeaderMap, HeaderValue};

use crate::client::ClientAddress;
use crate::observe::Notes;
use crate::problem::Failure;
use crate::state::{ApiState, Doors};

/// A year: recognises a browser, opens nothing.
const DEVICE_SECONDS: u32 = 365 * 24 * 3600;
const DEVICE: &str = "__Host-gatepost-device";
/// Tokens of ours are shorter.
const LONGEST: usize = 128;

/// Where a route is shown: pages for members and for operators have cookies of their own, so that neither opens the
/// other's doors. Put on routes of those surfaces by the router; nothing that is sent can make one.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AtConsole(pub(crate) SessionKind);

/// The name of the session's cookie.
pub(crate) const fn cookie_name(kind: SessionKind) -> &'static str {
    match kind {
        SessionKind::Console => "__Host-gatepost",
        SessionKind::Operator => "__Host-gatepost-operator",
    }
}

/// The value of a cookie; `None` where there is none, or an empty one.
///
/// Errors: `session_ended` where the name is there twice.
pub(crate) fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Result<Option<&'h str>> {
    let mut found = None;
    for line in headers.get_all(COOKIE) {
        let Ok(line) = line.to_str() else { continue };
        for pair in line.split(';') {
            let Some((own, value)) = pair.trim().split_once('=') else { continue };
            if own == name && found.replace(value).is_some() {
                return Err(Error::of(Code::SessionEnded));
            }
        }
    }
    Ok(found.filter(|value| !value.is_empty() && value.len() <= LONGEST))
}

/// The token that the request presents for a session of this kind.
///
/// Errors: `session_ended` where there is none.
pub(crate) fn presented(headers: &HeaderMap, kind: SessionKind) -> Result<&str> {
    cookie(headers, cookie_name(kind))?.ok_or_else(|| Error::of(Code::SessionEnded))
}

fn set(name: &str, value: &str, age: Option<u32>) -> Option<HeaderValue> {
    let age = age.map_or_else(String::new, |seconds| format!("; Max-Age={seconds}"));
    let text = format!("{name}={value}; Path=/; Secure; HttpOnly; SameSite=Lax{age}");
    HeaderValue::try_from(text).ok()
}

/// `Set-Cookie` of a session's token: gone when the browser is closed.
pub(crate) fn set_session(kind: SessionKind, token: &Secret<String>) -> Option<HeaderValue> {
    set(cookie_name(kind), token.expose(), None)
}

/// The same on an answer that is ready.
pub(crate) fn with_session(mut response: Response, kind: SessionKind, token: &Secret<String>) -> Response {
    if let Some(cookie) = set_session(kind, token) {
        response.headers_mut().append(SET_COOKIE, cookie);
    }
    response
}

/// `Set-Cookie` that takes the session's cookie away.
pub(crate) fn clear_session(kind: SessionKind) -> Option<HeaderValue> {
    set(cookie_name(kind), "", Some(0))
}

/// `Set-Cookie` of the token that recognises a browser.
pub(crate) fn set_device(token: &Secret<String>) -> Option<HeaderValue> {
    set(DEVICE, token.expose(), Some(DEVICE_SECONDS))
}

/// Where a request comes from, for handlers that somebody calls who is not known yet.
pub(crate) struct From(pub(crate) Caller);

impl<A: Doors> FromRequestParts<ApiState<A>> for From {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, _: &ApiState<A>) -> Result<Self, Failure> {
        Ok(Self(caller(parts)))
    }
}

pub(crate) fn caller(parts: &Parts) -> Caller {
    let device = cookie(&parts.headers, DEVICE).ok().flatten().map(str::to_owned);
    Caller {
        client: parts.extensions.get::<ClientAddress>().and_then(|client| client.0),
        request: parts.extensions.get::<Notes>().map(Notes::id),
        agent: parts.headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok()).map(str::to_owned),
        device,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn headers(lines: &[&'static str]) -> HeaderMap {
        lines.iter().map(|line| (COOKIE, HeaderValue::from_static(line))).collect()
    }

    #[test]
    fn one_value_or_none() {
        let name = cookie_name(SessionKind::Console);
        let read = |lines: &[&'static str]| cookie(&headers(lines), name).map(|v| v.map(str::to_owned));
        assert_eq!(read(&["a=1; __Host-gatepost=gps_x; b=2"]).unwrap().as_deref(), Some("gps_x"));
        assert_eq!(read(&["a=1", "__Host-gatepost=gps_x"]).unwrap().as_deref(), Some("gps_x"));
        assert_eq!(read(&["__Host-gatepost-device=y; x__Host-gatepost=1"]).unwrap(), None);
        assert_eq!(read(&["__Host-gatepost="]).unwrap(), None);
        assert!(read(&["__Host-gatepost=a; __Host-gatepost=a"]).is_err());
        assert!(read(&["__Host-gatepost=a", "__Host-gatepost=b"]).is_err());
    }

    #[test]
    fn cookies_are_of_this_host_alone() {
        let token = Secret::new("gps_x".to_owned());
        let set = set_session(SessionKind::Console, &token).unwrap();
        assert_eq!(set.to_str().unwrap(), "__Host-gatepost=gps_x; Path=/; Secure; HttpOnly; SameSite=Lax");
        assert!(clear_session(SessionKind::Operator).unwrap().to_str().unwrap().contains("Max-Age=0"));
    }
}
