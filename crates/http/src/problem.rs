//! Refusals and failures as RFC 9457 problem documents.
//!
//! A handler or an extractor answers [`Failure`]; the outermost layer renders it, because only that layer knows the
//! request's id, and because whatever the framework refuses by itself takes the same way.

use std::time::Duration;

use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use gatepost_core::{Code, Error, FieldError, RequestId};
use http::header::{ALLOW, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde::Serialize;
use utoipa::ToSchema;

use crate::headers::Page;

pub const PROBLEM_JSON: &str = "application/problem+json";

/// A core error on its way out of a handler.
#[derive(Debug, Clone)]
pub struct Failure(Error);

impl Failure {
    pub const fn error(&self) -> &Error {
        &self.0
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl IntoResponse for Failure {
    /// Status and the error itself; the outermost layer writes the body.
    fn into_response(self) -> Response {
        let mut response = status_of(self.0.code()).into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// The wire form of a refusal (RFC 9457).
#[derive(Serialize, ToSchema)]
pub struct Problem<'a> {
    /// The page about this code, on this server.
    #[serde(rename = "type")]
    #[schema(rename = "type", value_type = String, example = "/problems/invalid_field")]
    type_: String,
    /// The code in plain words; the same for every occurrence.
    #[schema(value_type = String)]
    title: &'static str,
    status: u16,
    /// What was wrong this time.
    #[schema(value_type = String)]
    detail: &'a str,
    /// Stable; branch on this.
    #[schema(value_type = String, example = "invalid_field")]
    code: &'static str,
    /// Also in the Request-Id header.
    #[schema(value_type = String, example = "req_01kagq5rh8e5htqh9sk95d3x4w")]
    request_id: RequestId,
    /// Every wrong field at once.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    #[schema(value_type = Vec<ProblemField>, required = false)]
    errors: &'a [FieldError],
    /// True when the same request may well succeed later.
    retryable: bool,
    /// Seconds to wait before the next try; also in the Retry-After header.
    #[serde(skip_serializing_if = "Option::is_none")]
    retry_after: Option<u64>,
    /// Meta's own code, where Meta refused and gave one.
    #[serde(skip_serializing_if = "Option::is_none")]
    provider_code: Option<i64>,
    /// Where Meta refused: `retrying` (the same may succeed later), `needs_action` or `failed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    class: Option<&'static str>,
    /// Where Meta refused: what to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    action: Option<&'static str>,
    /// Numbers and names behind it, where there are any: of a quota `limit`, `used` and `resets_at`; of the guard `action`,
    /// `risk_score` and `rules`.
    #[serde(skip_serializing_if = "Option::is_none")]
    details: Option<&'a serde_json::Value>,
}

/// One wrong field.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the schema of core's FieldError, which knows nothing of OpenAPI")]
pub struct ProblemField {
    /// RFC 6901 JSON pointer into the body; empty for the whole body.
    #[schema(example = "/to")]
    pointer: String,
    /// Stable: `missing`, `unknown_field`, `invalid_type`, `invalid_value`, `out_of_range`, `too_many`, `too_long`,
    /// `too_deep`, `duplicate_key`, `invalid_character`, `syntax`, `not_found`, `not_sent`, or the code of the problem
    /// itself.
    #[schema(example = "missing")]
    code: String,
    /// What the field takes.
    #[schema(example = "this field is required")]
    detail: String,
}

pub fn status_of(code: Code) -> StatusCode {
    StatusCode::from_u16(code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}

/// True when the same request may succeed later without a change.
pub const fn is_retryable(code: Code) -> bool {
    matches!(
        code,
        Code::RateLimited
            | Code::StreamLimitReached
            | Code::Unavailable
            | Code::Internal
            | Code::RequestTimeout
            | Code::IdempotencyInProgress
            | Code::MetaUnreachable
            | Code::MetaLimitReached
            | Code::ResendTooSoon
            | Code::VerificationCoolDown
            | Code::VerificationVelocity
            | Code::VerificationPumping
    )
}

/// Seconds for `Retry-After`: what the error says, or one second where the remedy is to ask again soon.
pub fn retry_seconds(error: &Error) -> Option<u64> {
    let round_up = |wait: Duration| wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    let soon = matches!(error.code(), Code::Unavailable | Code::RateLimited | Code::IdempotencyInProgress);
    error.retry_after().map(round_up).or(soon.then_some(1))
}

/// The problem document of `error`, with the headers that belong to its code.
pub fn render(error: &Error, id: RequestId) -> Response {
    let code = error.code();
    let retry_after = retry_seconds(error);
    let provider = error.provider();
    let problem = Problem {
        type_: format!("/problems/{code}"),
        title: code.title(),
        status: code.status(),
        detail: error.detail(),
        code: code.as_str(),
        request_id: id,
        errors: error.field_errors(),
        retryable: is_retryable(code),
        retry_after,
        provider_code: provider.and_then(|p| p.code),
        class: provider.map(|p| p.class),
        action: provider.map(|p| p.action),
        details: error.details(),
    };
    // Only texts, numbers and booleans: there is nothing in it that cannot be written.
    let body = serde_json::to_vec(&problem).map(Bytes::from).unwrap_or_default();
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON));
    if let Some(seconds) = retry_after {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    if code.status() == 401 {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"gatepost\""));
    }
    (status_of(code), headers, body).into_response()
}

/// The error that stands for a bare status of the framework's; `None` for what is no refusal.
pub fn of_bare_status(status: StatusCode) -> Option<Error> {
    let code = match status {
        StatusCode::NOT_FOUND => Code::NotFound,
        StatusCode::METHOD_NOT_ALLOWED => Code::MethodNotAllowed,
        StatusCode::PAYLOAD_TOO_LARGE => Code::PayloadTooLarge,
        StatusCode::UNSUPPORTED_MEDIA_TYPE => Code::UnsupportedMediaType,
        StatusCode::REQUEST_TIMEOUT => Code::RequestTimeout,
        StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => Code::HeadersTooLarge,
        status if status.is_client_error() => Code::InvalidParameter,
        status if status.is_server_error() => Code::Internal,
        _ => return None,
    };
    Some(Error::of(code).with_context(format!("answered by the framework with {status}")))
}

/// Replaces whatever body a refusal has by what `render` makes of it; other answers pass, and so does a page that shows
/// what was wrong by itself.
pub fn settle(response: Response, render: impl FnOnce(&Error) -> Response) -> (Response, Option<Error>) {
    let (status, failure) = (response.status(), response.extensions().get::<Failure>());
    let error = match failure {
        Some(Failure(error)) => error.clone(),
        None if response.extensions().get::<Page>().is_some() => return (response, None),
        None => match of_bare_status(status) {
            Some(error) => error,
            None => return (response, None),
        },
    };
    let mut rendered = render(&error);
    if let Some(allow) = response.headers().get(ALLOW) {
        rendered.headers_mut().insert(ALLOW, allow.clone());
    }
    (rendered, Some(error))
}

/// The page at `/problems/{code}`.
pub fn page(code: Code) -> String {
    format!(
        "{title}\n\ncode:   {code}\nstatus: {status}\nretry:  {retry}\n\nWhat to do\n{remedy}\n",
        title = code.title(),
        status = code.status(),
        retry = if is_retryable(code) {
            "the same request may succeed later"
        } else {
            "not before something changed"
        },
        remedy = code.remedy(),
    )
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn written(error: &Error) -> (http::HeaderMap, serde_json::Value) {
        let response = render(error, RequestId::from_uuid(uuid::Uuid::nil()));
        let (parts, body) = response.into_parts();
        let bytes = tokio::runtime::Builder::new_current_thread()
            .build()
            .unwrap()
            .block_on(axum::body::to_bytes(body, usize::MAX))
            .unwrap();
        (parts.headers, serde_json::from_slice(&bytes).unwrap())
    }

    #[test]
    fn fields() {
        let error = Error::fields(vec![
            FieldError::new("/to", "recipient_invalid", "expected a number"),
            FieldError::new("/purpose", "missing", "this field is required"),
        ]);
        let (headers, body) = written(&error);
        assert_eq!(headers["content-type"], PROBLEM_JSON);
        insta::assert_json_snapshot!(body, @r#"
        {
          "code": "invalid_field",
          "detail": "2 fields are wrong; see errors",
          "errors": [
            {
              "code": "recipient_invalid",
              "detail": "expected a number",
              "pointer": "/to"
            },
            {
              "code": "missing",
              "detail": "this field is required",
              "pointer": "/purpose"
            }
          ],
          "request_id": "req_00000000000000000000000000",
          "retryable": false,
          "status": 422,
          "title": "A field is missing, unknown or has a wrong value",
          "type": "/problems/invalid_field"
        }
        "#);
    }

    #[test]
    fn context_stays_inside_and_waits_are_told() {
        let error = Error::internal("the disk is full at /var/lib/secret");
        let (_, body) = written(&error);
        assert!(!body.to_string().contains("disk"));
        assert_eq!(body["code"], "internal_error");
        let (headers, body) =
            written(&Error::of(Code::Unavailable).with_retry_after(Duration::from_millis(1_200)));
        assert_eq!(headers["retry-after"], "2");
        assert_eq!((&body["retry_after"], &body["retryable"]), (&2.into(), &true.into()));
        let (headers, _) = written(&Error::of(Code::Unauthorized));
        assert_eq!(headers["www-authenticate"], "Bearer realm=\"gatepost\"");
    }

    #[test]
    fn a_refusal_by_meta_is_told_whole() {
        let provider = gatepost_core::ProviderRefusal {
            code: Some(133_005),
            class: "needs_action",
            action: "Give the right PIN.",
        };
        let (_, body) = written(&Error::new(Code::MetaRefused, "wrong").with_provider(provider));
        assert_eq!((&body["provider_code"], &body["class"]), (&133_005.into(), &"needs_action".into()));
        assert_eq!(body["action"], "Give the right PIN.");
        assert!(written(&Error::of(Code::MetaUnreachable)).1.get("class").is_none());
    }

    #[test]
    fn every_code_has_a_page() {
        for code in Code::ALL {
            let page = page(*code);
            assert!(page.contains(code.remedy()) && page.starts_with(code.title()));
        }
    }
}
