//! Successful answers.

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use gatepost_app::{Outcome, Page};
use http::header::{CONTENT_TYPE, LOCATION};
use http::{HeaderName, HeaderValue, StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

use crate::problem::Failure;

/// What a handler answers.
pub type Answer = Result<Response, Failure>;

const IDEMPOTENCY_REPLAYED: HeaderName = HeaderName::from_static("idempotency-replayed");
const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// A thing that can be made through the API, as answers show it.
pub trait Made {
    /// Where it can be read.
    fn location(&self) -> String;

    /// The answer's body. `fresh` is false for the copy that is kept for repetitions: it holds no secret, because
    /// a secret is shown once and is nowhere stored in a form that could be shown again.
    fn body(&self, fresh: bool) -> Vec<u8>;
}

/// The answer that is kept under an `Idempotency-Key`: the location, a line break, the body.
pub fn kept<V: Made>(made: &V) -> Vec<u8> {
    let mut out = made.location().into_bytes();
    out.push(b'\n');
    out.extend_from_slice(&made.body(false));
    out
}

/// The answer to a creation, fresh or repeated.
pub fn made<V: Made>(status: StatusCode, outcome: Outcome<V>) -> Response {
    let (location, body, replayed) = match outcome {
        Outcome::Fresh(value) => (value.location(), value.body(true).into(), false),
        Outcome::Replayed(kept) => {
            let kept = Bytes::from(kept);
            match kept.iter().position(|byte| *byte == b'\n') {
                Some(end) => {
                    (String::from_utf8_lossy(&kept[..end]).into_owned(), kept.slice(end + 1..), true)
                }
                None => (String::new(), kept, true),
            }
        }
    };
    let mut response = (status, [(CONTENT_TYPE, JSON)], body).into_response();
    if let (false, Ok(value)) = (location.is_empty(), HeaderValue::try_from(location)) {
        response.headers_mut().insert(LOCATION, value);
    }
    if replayed {
        response.headers_mut().insert(IDEMPOTENCY_REPLAYED, HeaderValue::from_static("true"));
    }
    response
}

/// JSON of a wire struct. These hold texts, numbers and lists only, so writing cannot fail.
pub fn to_json<T: Serialize>(value: &T) -> Vec<u8> {
    serde_json::to_vec(value).unwrap_or_default()
}

/// 200 with a body.
pub fn ok<T: Serialize>(value: &T) -> Response {
    raw_ok(to_json(value))
}

/// 200 with a body that is JSON already.
pub fn raw_ok(body: impl Into<Bytes>) -> Response {
    ([(CONTENT_TYPE, JSON)], body.into()).into_response()
}

/// 204.
pub fn nothing() -> Response {
    StatusCode::NO_CONTENT.into_response()
}

/// One page of a list.
#[derive(Serialize, ToSchema)]
pub struct List<T> {
    pub data: Vec<T>,
    /// Give it as `after` for the next page; null on the last one.
    pub next_cursor: Option<String>,
}

/// 200 with a page of a list.
pub fn page<'v, V, T: Serialize + From<&'v V>>(page: &'v Page<V>) -> Response {
    ok(&List { data: page.items.iter().map(T::from).collect(), next_cursor: page.next.clone() })
}
