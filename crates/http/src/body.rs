//! Request bodies: bounded in size and time, JSON in UTF-8 only.

use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRequest, OptionalFromRequest, Request};
use bytes::Bytes;
use gatepost_core::{Code, Error, FieldError, Result};
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, Method};
use http_body_util::{BodyExt, LengthLimitError, Limited};

use crate::credential::single;
use crate::json;
use crate::problem::Failure;
use crate::query::invalid;
use crate::state::{ApiState, Doors};

pub const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Reads a body of at most `limit` bytes that arrives within `patience`.
///
/// Errors: `payload_too_large`, `request_timeout`, `invalid_json` where the connection ended in the middle.
pub async fn read_body(headers: &HeaderMap, body: Body, limit: usize, patience: Duration) -> Result<Bytes> {
    let too_large = || Error::new(Code::PayloadTooLarge, format!("the limit is {limit} bytes"));
    // Before a byte is read, where the caller says it will not fit.
    let declared = headers.get(CONTENT_LENGTH).and_then(|v| v.to_str().ok()?.parse::<u64>().ok());
    if declared.is_some_and(|length| length > limit as u64) {
        return Err(too_large());
    }
    match tokio::time::timeout(patience, Limited::new(body, limit).collect()).await {
        Err(_) => Err(Error::of(Code::RequestTimeout)),
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.downcast_ref::<LengthLimitError>().is_some() => Err(too_large()),
        Ok(Err(error)) => {
            let detail = "the body ended early";
            Err(Error::new(Code::InvalidJson, detail)
                .with_fields(vec![FieldError::new("", "syntax", detail)])
                .with_context(error))
        }
    }
}

/// Refuses everything but `application/json` in UTF-8, not compressed.
fn check_content_type(headers: &HeaderMap) -> Result<()> {
    let refuse = |detail: &str| Err(Error::new(Code::UnsupportedMediaType, detail));
    if headers.get(CONTENT_ENCODING).is_some_and(|value| value != "identity") {
        return refuse("compressed bodies are not accepted; send it without Content-Encoding");
    }
    let mut values = headers.get_all(CONTENT_TYPE).iter();
    let (Some(value), None) = (values.next(), values.next()) else {
        return refuse("expected one Content-Type: application/json");
    };
    let mut parts = value.to_str().unwrap_or_default().split(';').map(str::trim);
    if !parts.next().is_some_and(|essence| essence.eq_ignore_ascii_case("application/json")) {
        return refuse("expected Content-Type: application/json");
    }
    let utf8 = |parameter: &str| {
        parameter.split_once('=').is_some_and(|(name, value)| {
            name.eq_ignore_ascii_case("charset") && value.trim_matches('"').eq_ignore_ascii_case("utf-8")
        })
    };
    if parts.all(utf8) { Ok(()) } else { refuse("application/json takes no parameter but charset=utf-8") }
}

async fn read_json<A: Doors>(headers: &HeaderMap, body: Body, state: &ApiState<A>) -> Result<Bytes> {
    check_content_type(headers)?;
    let settings = state.settings();
    read_body(headers, body, settings.body_limit, settings.body_timeout).await
}

/// A JSON body.
pub struct Json<T>(pub T);

impl<A: Doors, T: json::Body> FromRequest<ApiState<A>> for Json<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &ApiState<A>) -> Result<Self, Failure> {
        let (parts, body) = request.into_parts();
        let raw = read_json(&parts.headers, body, state).await?;
        Ok(Self(json::decode(&raw)?))
    }
}

/// A JSON body that may be left out, with its content type.
impl<A: Doors, T: json::Body> OptionalFromRequest<ApiState<A>> for Json<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &ApiState<A>) -> Result<Option<Self>, Failure> {
        let (parts, body) = request.into_parts();
        let settings = state.settings();
        let raw = read_body(&parts.headers, body, settings.body_limit, settings.body_timeout).await?;
        if raw.is_empty() {
            return Ok(None);
        }
        check_content_type(&parts.headers)?;
        Ok(Some(Self(json::decode(&raw)?)))
    }
}

/// A JSON body that makes something, with the `Idempotency-Key` it came under.
pub struct Create<T> {
    body: T,
    key: Option<(String, [u8; 32])>,
}

impl<T> Create<T> {
    /// The body; the key with the SHA-256 of what makes the request this one and no other.
    pub fn into_parts(self) -> (T, Option<(String, [u8; 32])>) {
        (self.body, self.key)
    }
}

impl<A: Doors, T: json::Body> FromRequest<ApiState<A>> for Create<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &ApiState<A>) -> Result<Self, Failure> {
        let (parts, body) = request.into_parts();
        let key = idempotency_key(&parts.headers)?;
        let settings = state.settings();
        let raw = read_body(&parts.headers, body, settings.body_limit, settings.body_timeout).await?;
        let body = if T::MAY_BE_EMPTY && raw.is_empty() {
            json::decode(b"{}")?
        } else {
            check_content_type(&parts.headers)?;
            json::decode(&raw)?
        };
        let key = key.map(|key| {
            let message = fingerprint(&parts.method, parts.uri.path(), &parts.headers, &raw);
            (key, A::sha256(&message))
        });
        Ok(Self { body, key })
    }
}

/// 1 to 255 visible ASCII characters.
pub fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>> {
    let Some(value) = single(headers, &IDEMPOTENCY_KEY, Code::InvalidParameter)? else { return Ok(None) };
    if (1..=255).contains(&value.len()) && value.iter().all(u8::is_ascii_graphic) {
        Ok(Some(value.iter().copied().map(char::from).collect()))
    } else {
        Err(invalid("Idempotency-Key: expected 1 to 255 visible ASCII characters"))
    }
}

/// What tells two requests under one key apart: method, path, channel headers and body, each with its length in front so
/// that no byte can move from one to the next.
pub fn fingerprint(method: &Method, path: &str, headers: &HeaderMap, body: &[u8]) -> Vec<u8> {
    let channel = crate::channel_header::raw(headers);
    let mut message = Vec::with_capacity(body.len() + path.len() + 64);
    for part in [method.as_str().as_bytes(), path.as_bytes(), channel, body] {
        message.extend_from_slice(&(part.len() as u64).to_be_bytes());
        message.extend_from_slice(part);
    }
    message
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn typed(value: &str) -> bool {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, value.parse().unwrap());
        check_content_type(&headers).is_ok()
    }

    #[test]
    fn only_json_in_utf8() {
        for good in
            ["application/json", "Application/JSON; charset=utf-8", "application/json;charset=\"UTF-8\""]
        {
            assert!(typed(good), "{good}");
        }
        for bad in [
            "text/plain",
            "application/json; charset=latin1",
            "application/json5",
            "",
            "application/json, text/plain",
        ] {
            assert!(!typed(bad), "{bad}");
        }
        let mut headers = HeaderMap::new();
        assert!(check_content_type(&headers).is_err());
        headers.append(CONTENT_TYPE, "application/json".parse().unwrap());
        headers.append(CONTENT_TYPE, "application/json".parse().unwrap());
        assert!(check_content_type(&headers).is_err(), "twice");
    }

    #[test]
    fn idempotency_keys() {
        let key = |value: &[u8]| {
            let mut headers = HeaderMap::new();
            headers.insert(IDEMPOTENCY_KEY, http::HeaderValue::from_bytes(value).unwrap());
            idempotency_key(&headers)
        };
        assert_eq!(key(b"order-17").unwrap().unwrap(), "order-17");
        for bad in [&b""[..], b"a b", b"\xc3\xa4", &[b'x'; 256]] {
            assert_eq!(key(bad).unwrap_err().code(), Code::InvalidParameter);
        }
    }

    #[test]
    fn fingerprints_do_not_shift() {
        let none = HeaderMap::new();
        let print = |path: &str, body: &[u8]| fingerprint(&Method::POST, path, &none, body);
        assert_eq!(print("/a", b"b"), print("/a", b"b"));
        assert_ne!(print("/a", b"b"), print("/ab", b""));
    }
}
