//! Answers in Meta's form.

use std::borrow::Cow;

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

/// An answer to a request: JSON, or one of Meta's errors.
pub(super) type Answer = Result<Response, GraphError>;

/// An answer of JSON.
#[expect(clippy::unnecessary_wraps, reason = "the last expression of handlers, which answer a result")]
pub(super) fn json_answer(value: &Value) -> Answer {
    Ok(Json(value).into_response())
}

/// `{"success":true}`.
pub(super) fn success() -> Answer {
    json_answer(&json!({ "success": true }))
}

/// An error as Meta answers it (Meta, "Error codes").
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct GraphError {
    pub http: StatusCode,
    pub code: u32,
    pub subcode: Option<u32>,
    pub title: Cow<'static, str>,
    /// Empty: the answer has no `error_data`.
    pub details: String,
    pub retry_after: Option<u32>,
    /// `error_user_title` and `error_user_msg`, which management calls explain themselves with.
    user: Option<(&'static str, String)>,
    /// `GraphMethodException` in place of `OAuthException`: the object, not the caller, is at fault.
    of_object: bool,
}

impl GraphError {
    pub(super) fn new(
        http: StatusCode,
        code: u32,
        title: impl Into<Cow<'static, str>>,
        details: impl Into<String>,
    ) -> Self {
        Self {
            http,
            code,
            subcode: None,
            title: title.into(),
            details: details.into(),
            retry_after: None,
            user: None,
            of_object: false,
        }
    }

    /// HTTP 400 with a code of the messaging part of Meta's list.
    pub(super) fn bad(code: u32, title: &'static str, details: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, title, details)
    }

    /// 100: a parameter that Meta does not know or take.
    pub(super) fn parameter(details: impl Into<String>) -> Self {
        Self::bad(100, "Invalid parameter", details)
    }

    /// 100 with a subcode and words for the user, as template and number management answer.
    pub(super) fn management(subcode: u32, title: &'static str, message: impl Into<String>) -> Self {
        Self {
            subcode: Some(subcode),
            user: Some((title, message.into())),
            ..Self::bad(100, "Invalid parameter", String::new())
        }
    }

    /// 131008.
    pub(super) fn missing(parameter: &str) -> Self {
        Self::bad(131_008, "Required parameter is missing", format!("The parameter {parameter} is required."))
    }

    /// 131009.
    pub(super) fn value(details: impl Into<String>) -> Self {
        Self::bad(131_009, "Parameter value is not valid", details)
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
        let details = format!(
            "Object with ID '{id}' does not exist, cannot be loaded due to missing permissions, or does not support this operation"
        );
        let title = format!(
            "Unsupported request. {details}. Please read the Graph API documentation at https://developers.facebook.com/docs/graph-api"
        );
        Self { subcode: Some(33), of_object: true, ..Self::new(StatusCode::BAD_REQUEST, 100, title, details) }
    }

    /// 2500: no such path, or not with this method.
    pub(super) fn path() -> Self {
        Self::bad(
            2500,
            "Unknown path components",
            "This simulated Meta does not know the path, or not with this method.",
        )
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
        Self::bad(
            131_056,
            "(Business Account, Consumer Account) pair rate limit hit",
            "Message failed to send because there were too many messages sent from this phone number to the same phone number in a short period of time",
        )
    }

    /// 80007: the hourly limit of management calls.
    pub(super) fn calls() -> Self {
        Self::bad(
            80_007,
            "There have been too many calls from this WhatsApp Business account. Wait a bit and try again.",
            "The hourly limit of calls to this account is used up.",
        )
    }

    /// 131016.
    pub(super) fn unavailable(details: &str) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, 131_016, "Service unavailable", details)
    }

    /// 131000 with HTTP 500.
    pub(super) fn unknown() -> Self {
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            131_000,
            "Something went wrong",
            "Message failed to send due to an unknown error.",
        )
    }

    pub(super) const fn after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    /// The answer, with a trace that is Meta's in form.
    pub(super) fn into_response(self, trace: u64) -> Response {
        let mut error = json!({
            "message": format!("(#{}) {}", self.code, self.title),
            "type": if self.of_object { "GraphMethodException" } else { "OAuthException" },
            "code": self.code,
            "fbtrace_id": format!("A{trace:016x}"),
        });
        if !self.details.is_empty() {
            error["error_data"] = json!({ "messaging_product": "whatsapp", "details": self.details });
        }
        if let Some(subcode) = self.subcode {
            error["error_subcode"] = subcode.into();
        }
        if let Some((title, message)) = self.user {
            error["is_transient"] = false.into();
            error["error_user_title"] = title.into();
            error["error_user_msg"] = message.into();
        }
        let mut response = (self.http, Json(json!({ "error": error }))).into_response();
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(axum::http::header::RETRY_AFTER, seconds.into());
        }
        response
    }
}
