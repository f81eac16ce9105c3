//! A table as a request's body: comma-separated values, read as they come.
//!
//! Defends against: a table that is larger than it may be (refused before a byte is read where its size is said, else as
//! soon as it is), a caller that stalls (each piece has a time limit), a body that says it is one thing and is another.

use axum::body::{Body, HttpBody};
use axum::extract::{FromRequest, Request};
use futures_util::StreamExt;
use gatepost_app::{ImportFile, SUPPRESSIONS_FILE_MAX};
use gatepost_core::{Code, Error, Result};
use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE};

use crate::body::{fingerprint, idempotency_key};
use crate::credential::single;
use crate::problem::Failure;
use crate::state::{ApiState, Doors};
use crate::upload::pieces;

/// A table of people that was read.
pub struct CsvUpload {
    pub file: ImportFile,
    key: Option<(String, [u8; 32])>,
}

impl CsvUpload {
    /// The `Idempotency-Key`, with the SHA-256 of what makes the request this one and no other.
    pub fn take_key(&mut self) -> Option<(String, [u8; 32])> {
        self.key.take()
    }
}

impl<A: Doors> FromRequest<ApiState<A>> for CsvUpload {
    type Rejection = Failure;

    async fn from_request(request: Request, state: &ApiState<A>) -> Result<Self, Failure> {
        let (parts, body) = request.into_parts();
        let key = idempotency_key(&parts.headers)?;
        check_type(&parts.headers)?;
        let (file, digest) = read::<A>(body, state).await?;
        let key = key.map(|key| {
            let target = parts.uri.path_and_query().map_or(parts.uri.path(), |target| target.as_str());
            (key, A::sha256(&fingerprint(&parts.method, target, &parts.headers, &digest)))
        });
        Ok(Self { file, key })
    }
}

fn check_type(headers: &HeaderMap) -> Result<()> {
    if headers.get(CONTENT_ENCODING).is_some_and(|value| value != "identity") {
        let detail = "compressed bodies are not accepted; send the file as it is, without Content-Encoding";
        return Err(Error::new(Code::UnsupportedMediaType, detail));
    }
    let said = single(headers, &CONTENT_TYPE, Code::UnsupportedMediaType)?;
    let said = said.and_then(|value| std::str::from_utf8(value).ok()).unwrap_or_default();
    let mut parts = said.split(';').map(|part| part.trim().to_ascii_lowercase());
    let table = parts.next().as_deref() == Some("text/csv");
    let plain = parts.all(|part| part.starts_with("header=") || part.trim_matches('"') == "charset=utf-8");
    if table && plain {
        Ok(())
    } else {
        Err(Error::new(Code::UnsupportedMediaType, "expected one Content-Type: text/csv, in UTF-8"))
    }
}

/// The rows, and the SHA-256 of the bytes.
async fn read<A: Doors>(body: Body, state: &ApiState<A>) -> Result<(ImportFile, [u8; 32])> {
    let too_large =
        || Error::new(Code::PayloadTooLarge, format!("the limit is {SUPPRESSIONS_FILE_MAX} bytes"));
    if body.size_hint().lower() > SUPPRESSIONS_FILE_MAX as u64 {
        return Err(too_large());
    }
    let mut file = ImportFile::default();
    let mut whole = Vec::new();
    let mut pieces = pieces(body, state.settings().body_timeout);
    while let Some(piece) = pieces.next().await {
        let piece = piece?;
        if whole.len() + piece.len() > SUPPRESSIONS_FILE_MAX {
            return Err(too_large());
        }
        file.read(&piece);
        whole.extend_from_slice(&piece);
    }
    Ok((file, A::sha256(&whole)))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn only_tables_in_utf8() {
        let good = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, value.parse().unwrap());
            check_type(&headers).is_ok()
        };
        for fine in ["text/csv", "Text/CSV; charset=UTF-8", "text/csv; header=present; charset=utf-8"] {
            assert!(good(fine), "{fine}");
        }
        for bad in [
            "application/json",
            "text/plain",
            "text/csv; charset=latin1",
            "multipart/form-data; boundary=x",
            "",
        ] {
            assert!(!good(bad), "{bad}");
        }
        assert!(check_type(&HeaderMap::new()).is_err());
    }
}
