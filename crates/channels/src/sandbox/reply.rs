//! Answers in Meta's form.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// An error as Meta answers it (Meta, "Error codes").
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct GraphError {
    pub http: StatusCode,
    pub code: u32,
    pub subcode: Option<u32>,
    pub title: &'static str,
    pub details: String,
    pub retry_after: Option<u32>,
}

impl GraphError {
    pub(super) fn new(http: StatusCode, code: u32, title: &'static str, details: impl Into<String>) -> Self {
        Self { http, code, subcode: None, title, details: details.into(), retry_after: None }
    }

    /// 100: a parameter that Meta does not know or take.
    pub(super) fn parameter(details: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, 100, "Invalid parameter", details)
    }

    /// 131008.
    pub(super) fn missing(parameter: &str) -> Self {
        let details = format!("The parameter {parameter} is required.");
        Self::new(StatusCode::BAD_REQUEST, 131_008, "Required parameter is missing", details)
    }

    /// 131009.
    pub(super) fn value(details: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, 131_009, "Parameter value is not valid", details)
    }

    /// 190: no such token.
    pub(super) fn token() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            190,
            "Invalid OAuth access token - Cannot parse access token",
            "The access token is unknown here.",
        )
    }

    /// 104: no token at all.
    pub(super) fn no_token() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            104,
            "An access token is required to request this resource.",
            "Send Authorization: Bearer and the token.",
        )
    }

    /// 100 with subcode 33: an object that does not exist, or that the token may not see.
    pub(super) fn object(id: &str) -> Self {
        Self {
            subcode: Some(33),
            ..Self::new(
                StatusCode::BAD_REQUEST,
                100,
                "Unsupported request",
                format!(
                    "Object with ID '{id}' does not exist, cannot be loaded due to missing permissions, or does not support this operation"
                ),
            )
        }
    }

    /// 130429.
    pub(super) fn throughput() -> Self {
        Self::new(
            StatusCode::TOO_MANY_REQUESTS,
            130_429,
            "Rate limit hit",
            "Message failed to send because there were too many messages sent from this phone number in a short period of time",
        )
    }

    /// 131056; with HTTP 400, since only the code is to be relied on.
    pub(super) fn pair() -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            131_056,
            "(Business Account, Consumer Account) pair rate limit hit",
            "Message failed to send because there were too many messages sent from this phone number to the same phone number in a short period of time",
        )
    }

    /// 131016.
    pub(super) fn unavailable(details: &str) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, 131_016, "Service unavailable", details)
    }

    pub(super) fn after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// The answer, with a trace that is Meta's in form.
    pub(super) fn into_response(self, trace: u64) -> Response {
        let mut error = json!({
            "message": format!("(#{}) {}", self.code, self.title),
            "type": "OAuthException",
            "code": self.code,
            "error_data": { "messaging_product": "whatsapp", "details": self.details },
            "fbtrace_id": format!("A{trace:016x}"),
        });
        if let Some(subcode) = self.subcode {
            error["error_subcode"] = subcode.into();
        }
        let mut response = (self.http, Json(json!({ "error": error }))).into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(axum::http::header::RETRY_AFTER, seconds.into());
        }
        response
    }
}
