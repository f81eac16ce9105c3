//! Which web pages may read answers: none, but for pages that a workspace has listed, and for those with its *test* keys.
//!
//! A live key has no business in a browser, where every visitor can read it. A test key may be used from listed pages, so
//! that somebody can try things without a server of their own.
//!
//! A preflight carries no key (Fetch standard, CORS-preflight fetch), so nobody knows whose list to ask. It is answered
//! alike for every path of the API and every page that could be listed; it lets a page ask and tells nothing of who is
//! listed. Whether the page may *read* the answer is decided with the key, on the request itself.
//!
//! Defends against: origins that only look like a listed one, `null`, wildcards, doubled headers; reading another
//! workspace's answers; learning which pages are listed (without a key of that workspace). Cookies count for nothing
//! across origins: `Access-Control-Allow-Credentials` is never sent.
//! Does not defend against: a page that has a key by other means and is listed.

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use gatepost_core::access::Principal;
use gatepost_core::channel::Mode;
use gatepost_core::{Code, Origin};
use http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_METHOD, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode};

use crate::credential::single;

const METHODS: HeaderValue = HeaderValue::from_static("GET, POST, PUT, PATCH, DELETE");
const REQUEST_HEADERS: HeaderValue = HeaderValue::from_static(
    "Authorization, X-Api-Key, Content-Type, Idempotency-Key, X-Channel-Id, X-Instance-Id, X-Request-Id, Last-Event-ID",
);
const ANSWER_HEADERS: HeaderValue = HeaderValue::from_static(
    "Request-Id, Location, Retry-After, RateLimit, RateLimit-Policy, Idempotency-Replayed, Content-Disposition",
);
/// Ten minutes: what a preflight says does not change.
const MAX_AGE: HeaderValue = HeaderValue::from_static("600");
const VARY_ORIGIN: HeaderValue = HeaderValue::from_static("Origin");

/// The page that asks, where it says so once and could be listed at all.
fn origin_of(headers: &HeaderMap) -> Option<Origin> {
    let value = single(headers, &ORIGIN, Code::InvalidParameter).ok()??;
    Origin::parse(std::str::from_utf8(value).ok()?).ok()
}

/// The answer to a preflight of the API; `None` for what is none.
pub fn preflight(request: &Request) -> Option<Response> {
    let asked = request.method() == Method::OPTIONS
        && request.uri().path().starts_with("/v1/")
        && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    let origin = if asked { origin_of(request.headers())? } else { return None };
    let mut response = Response::new(Body::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::try_from(origin.as_str()).ok()?);
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, METHODS);
    headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, REQUEST_HEADERS);
    headers.insert(ACCESS_CONTROL_MAX_AGE, MAX_AGE);
    Some(response)
}

/// The page that may read what is answered to this principal.
pub fn reader(principal: &Principal, headers: &HeaderMap) -> Option<HeaderValue> {
    let listed = &principal.rules().origins;
    if listed.is_empty() || principal.mode() != Some(Mode::Test) {
        return None;
    }
    let origin = origin_of(headers).filter(|origin| listed.contains(origin))?;
    HeaderValue::try_from(origin.as_str()).ok()
}

/// Says it in the answer's headers.
pub fn apply(reader: Option<&HeaderValue>, answer: &mut HeaderMap) {
    if let Some(origin) = reader {
        answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        answer.insert(ACCESS_CONTROL_EXPOSE_HEADERS, ANSWER_HEADERS);
    }
    if answer.contains_key(ACCESS_CONTROL_ALLOW_ORIGIN) {
        answer.insert(VARY, VARY_ORIGIN);
    }
}
