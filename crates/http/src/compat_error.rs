//! Refusals as LoginWA's clients read them: `{error, message, errors?}` with its codes, under `/api/`.

use std::collections::BTreeMap;

use axum::response::{IntoResponse, Response};
use gatepost_core::{Code, Error};
use http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderMap, HeaderValue, StatusCode};

use crate::problem;
use crate::reply::to_json;
use crate::wire::OtpError;

/// How many seconds a client waits that is told of no other time.
const MINUTE: u64 = 60;
/// Where these routes lie.
pub const PREFIX: &str = "/api/";

/// The status and name of a code of ours. What has no name there keeps its own. `of_session`: the route is about codes.
pub const fn named(code: Code, of_session: bool) -> (u16, &'static str) {
    match code {
        Code::Unauthorized
        | Code::CredentialsConflict
        | Code::ApiKeyRevoked
        | Code::ApiKeyExpired
        | Code::AccessTokenExpired
        | Code::AccessTokenEnded => (401, "unauthorized"),
        Code::SubscriptionSuspended => (402, "subscription_suspended"),
        Code::IpNotAllowed => (403, "ip_not_allowed"),
        Code::NotFound if of_session => (404, "session_not_found"),
        Code::RecipientInvalid => (422, "invalid_phone"),
        Code::InvalidCode => (422, "invalid_code"),
        // A session that is over, however it ended, is expired there.
        Code::CodeExpired
        | Code::AlreadyApproved
        | Code::VerificationCancelled
        | Code::VerificationFailed
        | Code::VerificationInbound => (422, "expired"),
        Code::CodeBlocked => (422, "blocked"),
        Code::InvalidJson | Code::InvalidField | Code::InvalidParameter => (422, "validation_failed"),
        Code::QuotaExceeded => (429, "quota_exceeded"),
        Code::ChannelRequired
        | Code::ChannelNotReady
        | Code::ChannelNumberUnknown
        | Code::SendingPaused
        | Code::VerificationTemplateRequired => (503, "no_device_connected"),
        code if code.status() == 429 => (429, "rate_limited"),
        code => (code.status(), code.as_str()),
    }
}

/// Whether a path under [`PREFIX`] is about codes.
pub fn is_of_session(path: &str) -> bool {
    path.contains("/auth/")
}

/// The answer to a refusal.
pub fn render(error: &Error, of_session: bool) -> Response {
    let (status, name) = named(error.code(), of_session);
    let mut errors: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for wrong in error.field_errors() {
        let field = wrong.pointer.trim_start_matches('/').replace('/', ".");
        errors.entry(field).or_default().push(&wrong.detail);
    }
    let details = error.details();
    let left = details.and_then(|details| details.get("attempts_left")).and_then(serde_json::Value::as_u64);
    let body = OtpError {
        error: name,
        message: error.detail(),
        errors: if name == "validation_failed" { errors } else { BTreeMap::new() },
        attempts_left: left.filter(|_| error.code() == Code::InvalidCode),
    };
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    // Their clients wait as long as it says, and know no other sign.
    let wait = problem::retry_seconds(error).or((status == 429).then_some(MINUTE));
    if let Some(seconds) = wait {
        headers.insert(RETRY_AFTER, HeaderValue::from(seconds));
    }
    if status == 401 {
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"gatepost\""));
    }
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    (status, headers, to_json(&body)).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_statuses_go_together() {
        for code in Code::ALL {
            let (status, name) = named(*code, true);
            assert!((400..600).contains(&status) && !name.is_empty(), "{code}");
        }
        assert_eq!(named(Code::NotFound, true), (404, "session_not_found"));
        assert_eq!(named(Code::NotFound, false), (404, "not_found"));
        assert_eq!(named(Code::QuotaExceeded, true), (429, "quota_exceeded"));
        assert_eq!(named(Code::RateLimited, false), (429, "rate_limited"));
        assert_eq!(named(Code::ResendTooSoon, true), (429, "rate_limited"));
    }
}
