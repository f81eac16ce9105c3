//! Pages on their way out.

use std::borrow::Cow;

use axum::response::{IntoResponse, Response};
use http::header::{ACCEPT, CONTENT_TYPE, LOCATION};
use http::{HeaderMap, HeaderValue, StatusCode};
use maud::Markup;

use super::cookies;
use super::notice::Notice;
use crate::headers::Page;

const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");

/// 200.
pub fn ok(document: Markup) -> Response {
    with_status(StatusCode::OK, document)
}

/// 422: the form once more, with what was wrong with it.
pub fn invalid(document: Markup) -> Response {
    with_status(StatusCode::UNPROCESSABLE_ENTITY, document)
}

/// A page with a status of its own. What it shows is the answer, whatever the status: it is not replaced by an error page.
pub fn with_status(status: StatusCode, document: Markup) -> Response {
    let mut response = (status, [(CONTENT_TYPE, HTML)], document.into_string()).into_response();
    response.extensions_mut().insert(Page);
    response
}

/// 303 to a path of this server, after a form was taken.
pub fn see<'p>(path: impl Into<Cow<'p, str>>) -> Response {
    let path = path.into();
    let location = HeaderValue::try_from(&*local(&path).unwrap_or(Cow::Borrowed("/")));
    let location = location.unwrap_or(HeaderValue::from_static("/"));
    let mut response = (StatusCode::SEE_OTHER, [(LOCATION, location)]).into_response();
    response.extensions_mut().insert(Page);
    response
}

/// The same, and the next page says what was done.
pub fn see_and_say<'p>(path: impl Into<Cow<'p, str>>, notice: Notice) -> Response {
    let mut response = see(path);
    cookies::set_notice(response.headers_mut(), notice);
    response
}

/// Whether a browser opens an address: it asks for HTML, which programs do not.
pub fn asks_for_page(headers: &HeaderMap) -> bool {
    headers
        .get_all(ACCEPT)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .any(|value| value.split(',').any(|part| part.trim().starts_with("text/html")))
}

/// `path` where it is a path of this server and of no other: one slash in front, no backslash, nothing but visible ASCII.
pub fn local(path: &str) -> Option<Cow<'_, str>> {
    let fit = path.len() <= 1024
        && path.starts_with('/')
        && !path.starts_with("//")
        && path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    fit.then_some(Cow::Borrowed(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn redirects_stay_here() {
        for path in ["/", "/w/wsp_1/keys?mode=test", "/a//b"] {
            assert!(local(path).is_some(), "{path}");
        }
        for path in
            ["", "//evil.example", "/\\evil.example", "https://evil.example", "/a b", "/\n", "/ü", "w"]
        {
            assert!(local(path).is_none(), "{path}");
            assert_eq!(see(path).headers()[LOCATION], "/", "{path}");
        }
    }
}
