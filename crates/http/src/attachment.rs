//! A file as an answer: saved, never shown.
//!
//! Threat: the file is a stranger's. A browser that showed it under this address would run what is in it with the rights
//! of whoever is signed in here. So it is always an attachment, its type is one of a short list of types that hold no
//! script or else nameless bytes, nobody may guess another (`nosniff`), and should it be shown all the same, it stands
//! in a sandbox without a source (`Content-Security-Policy: sandbox`).

use std::fmt::Write;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::Stream;
use gatepost_core::Error;
use http::header::{CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};

/// What is said of bytes whose type is unknown or not on the list.
const NAMELESS: HeaderValue = HeaderValue::from_static("application/octet-stream");

/// Marks an answer that holds a stranger's file, for the layer that writes the security headers.
#[derive(Debug, Clone, Copy)]
pub struct Foreign;

/// An answer of a file in pieces. An error among them cuts the answer, so that nobody takes it for whole.
pub fn attachment(
    mime_type: Option<&'static str>,
    filename: &str,
    size: Option<u64>,
    content: impl Stream<Item = Result<Bytes, Error>> + Send + 'static,
) -> Response {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, mime_type.map_or(NAMELESS, HeaderValue::from_static));
    headers.insert(CONTENT_DISPOSITION, disposition(filename));
    if let Some(size) = size {
        headers.insert(CONTENT_LENGTH, HeaderValue::from(size));
    }
    let mut response = (headers, Body::from_stream(content)).into_response();
    response.extensions_mut().insert(Foreign);
    response
}

/// `attachment` with the name in both forms that clients read (RFC 6266, section 4.3; RFC 8187): plain ASCII, and UTF-8
/// in percent-encoding.
fn disposition(filename: &str) -> HeaderValue {
    let plain: String = filename
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || " ._-()".contains(c) { c } else { '_' })
        .collect();
    let mut value = format!("attachment; filename=\"{plain}\"; filename*=UTF-8''");
    for byte in filename.bytes() {
        if byte.is_ascii_alphanumeric() || b"._-".contains(&byte) {
            value.push(char::from(byte));
        } else {
            // Writing to a string cannot fail.
            let _written = write!(value, "%{byte:02X}");
        }
    }
    HeaderValue::try_from(value).unwrap_or(HeaderValue::from_static("attachment"))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn names_cannot_leave_their_place() {
        let of = |name: &str| disposition(name).to_str().unwrap().to_owned();
        assert_eq!(
            of("Größe 1.pdf"),
            "attachment; filename=\"Gr__e 1.pdf\"; filename*=UTF-8''Gr%C3%B6%C3%9Fe%201.pdf"
        );
        assert_eq!(
            of("a\"; filename=\"b.exe\r\nX: y"),
            "attachment; filename=\"a__ filename__b.exe__X_ y\"; filename*=UTF-8''a%22%3B%20filename%3D%22b.exe%0D%0AX%3A%20y"
        );
    }
}
