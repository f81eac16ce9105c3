//! A file as a request's body: its type and size are said in the headers, and its bytes are handed on as they come, so
//! that it is never whole in memory.
//!
//! Defends against: a file larger than any that WhatsApp carries (refused before a byte is read), a caller that
//! stalls (each piece has a time limit, and the route a limit for the whole), a body that says it is one thing in a way
//! that somebody else could read as another: one `Content-Type`, no `Content-Encoding`, no form.

use std::pin::Pin;
use std::time::Duration;

use axum::body::{Body, BodyDataStream, HttpBody};
use axum::extract::{FromRequest, Request};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use gatepost_core::media::{BYTES_MAX, MediaType};
use gatepost_core::{Code, Error, Result};
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};

use crate::body::{fingerprint, idempotency_key};
use crate::credential::single;
use crate::problem::Failure;
use crate::state::{ApiState, Doors};

/// A file's bytes as they come.
pub(crate) type Pieces = Pin<Box<dyn Stream<Item = Result<Bytes>> + Send>>;

/// A file, announced but not read.
pub struct Upload {
    pub mime_type: MediaType,
    /// Bytes.
    pub length: u64,
    pub content: Pieces,
    key: Option<(String, [u8; 32])>,
}

impl Upload {
    /// The `Idempotency-Key`, with the SHA-256 of everything but the file itself.
    pub fn take_key(&mut self) -> Option<(String, [u8; 32])> {
        self.key.take()
    }
}

impl<A: Doors> FromRequest<ApiState<A>> for Upload {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &ApiState<A>) -> Result<Self, Failure> {
        let (parts, body) = request.into_parts();
        let key = idempotency_key(&parts.headers)?;
        let mime_type = mime_type(&parts.headers)?;
        let length = length(&body)?;
        let key = key.map(|key| {
            let announced = format!("{}\n{length}", mime_type.as_str());
            let target = parts.uri.path_and_query().map_or(parts.uri.path(), |target| target.as_str());
            (key, A::sha256(&fingerprint(&parts.method, target, &parts.headers, announced.as_bytes())))
        });
        Ok(Self { mime_type, length, content: pieces(body, state.settings().body_timeout), key })
    }
}

fn mime_type(headers: &HeaderMap) -> Result<MediaType> {
    if headers.get(CONTENT_ENCODING).is_some_and(|value| value != "identity") {
        let detail = "compressed bodies are not accepted; send the file as it is, without Content-Encoding";
        return Err(Error::new(Code::UnsupportedMediaType, detail));
    }
    let said = single(headers, &CONTENT_TYPE, Code::MediaTypeUnsupported)?;
    let said = said.and_then(|value| std::str::from_utf8(value).ok());
    said.and_then(MediaType::parse).ok_or_else(|| {
        let form = said.is_some_and(|said| said.trim_start().to_ascii_lowercase().starts_with("multipart/"));
        let form = if form { "send the file itself as the body, not a form; " } else { "" };
        let known: Vec<&str> = MediaType::names().collect();
        Error::new(
            Code::MediaTypeUnsupported,
            format!("{form}expected one Content-Type of {}", known.join(", ")),
        )
    })
}

/// What `Content-Length` says, as the server's own reader of it understands it; nothing at all is a file of no bytes.
fn length(body: &Body) -> Result<u64> {
    match body.size_hint().exact() {
        None => Err(Error::of(Code::LengthRequired)),
        Some(length) if length > BYTES_MAX => {
            Err(Error::new(Code::MediaTooLarge, format!("no file may have more than {BYTES_MAX} bytes")))
        }
        Some(length) => Ok(length),
    }
}

/// The body in pieces, each of which must come within `patience`.
pub(crate) fn pieces(body: Body, patience: Duration) -> Pieces {
    let next = move |body: Option<BodyDataStream>| async move {
        let mut body = body?;
        match tokio::time::timeout(patience, body.next()).await {
            Ok(None) => None,
            Ok(Some(Ok(piece))) => Some((Ok(piece), Some(body))),
            Ok(Some(Err(error))) => {
                let early = Error::new(Code::InvalidParameter, "the file ended before its announced size");
                Some((Err(early.with_context(error)), None))
            }
            Err(_) => Some((Err(Error::of(Code::RequestTimeout)), None)),
        }
    };
    // Whoever asks again after the end is told of the end again.
    Box::pin(stream::unfold(Some(body.into_data_stream()), next).fuse())
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, value.parse().unwrap());
        }
        headers
    }

    #[test]
    fn types_are_said_once_and_known() {
        let of = |pairs: &[(&'static str, &str)]| {
            mime_type(&headers(pairs)).map_err(|e| (e.code(), e.detail().to_owned()))
        };
        assert_eq!(of(&[("content-type", "image/PNG")]).unwrap().as_str(), "image/png");
        assert_eq!(of(&[("content-type", "audio/ogg; codecs=opus")]).unwrap().as_str(), "audio/ogg");
        for bad in ["image/svg+xml", "text/html", "application/x-www-form-urlencoded", ""] {
            assert_eq!(of(&[("content-type", bad)]).unwrap_err().0, Code::MediaTypeUnsupported, "{bad}");
        }
        let form = of(&[("content-type", "multipart/form-data; boundary=x")]).unwrap_err();
        assert!(form.1.contains("not a form"), "{}", form.1);
        let two = [("content-type", "image/png"), ("content-type", "text/html")];
        assert_eq!(of(&two).unwrap_err().0, Code::MediaTypeUnsupported);
        assert_eq!(of(&[]).unwrap_err().0, Code::MediaTypeUnsupported);
        let packed = [("content-type", "image/png"), ("content-encoding", "gzip")];
        assert_eq!(of(&packed).unwrap_err().0, Code::UnsupportedMediaType);
    }

    #[test]
    fn sizes_are_said_beforehand() {
        assert_eq!(length(&Body::from("abc")).unwrap(), 3);
        assert_eq!(length(&Body::empty()).unwrap(), 0);
        let endless = Body::from_stream(stream::pending::<std::io::Result<Bytes>>());
        assert_eq!(length(&endless).unwrap_err().code(), Code::LengthRequired);
    }

    #[tokio::test]
    async fn a_body_that_stands_still_ends_with_an_error() {
        let halting =
            stream::iter([Ok::<_, std::io::Error>(Bytes::from_static(b"half"))]).chain(stream::pending());
        let mut pieces = pieces(Body::from_stream(halting), Duration::from_millis(20));
        assert_eq!(pieces.next().await.unwrap().unwrap(), "half");
        assert_eq!(pieces.next().await.unwrap().unwrap_err().code(), Code::RequestTimeout);
        assert!(pieces.next().await.is_none());
    }
}
