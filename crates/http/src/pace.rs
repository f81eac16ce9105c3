//! Rate limits in the headers of answers (draft-ietf-httpapi-ratelimit-headers-10).
//!
//! `RateLimit-Policy` names each window with its quota and span, `RateLimit` what is left of each and after how many
//! seconds more is; both are lists of structured fields (RFC 9651). `Retry-After` stands with a refusal and is the one to
//! obey: after it the next request is accepted.

use std::fmt::Write as _;
use std::time::Duration;

use gatepost_core::limit::WindowState;
use http::{HeaderMap, HeaderName, HeaderValue};

pub const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");
pub const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// Whole seconds, never too few.
const fn seconds(span: Duration) -> u64 {
    span.as_secs() + if span.subsec_nanos() > 0 { 1 } else { 0 }
}

/// Says how the windows stand.
pub fn apply(windows: &[WindowState], answer: &mut HeaderMap) {
    if windows.is_empty() {
        return;
    }
    let (mut policy, mut state) = (String::new(), String::new());
    for (index, WindowState { window, remaining, reset }) in windows.iter().enumerate() {
        let comma = if index == 0 { "" } else { ", " };
        let (quota, span) = (window.limit(), window.span().as_secs());
        let _ = write!(policy, "{comma}\"{window}\";q={quota};w={span}");
        let _ = write!(state, "{comma}\"{window}\";r={remaining};t={}", seconds(*reset));
    }
    for (name, text) in [(RATE_LIMIT_POLICY, policy), (RATE_LIMIT, state)] {
        if let Ok(value) = HeaderValue::try_from(text) {
            answer.insert(name, value);
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use gatepost_core::limit::Window;

    #[test]
    fn as_the_draft_writes_it() {
        let state = |text: &str, remaining, millis| WindowState {
            window: Window::parse(text).unwrap(),
            remaining,
            reset: Duration::from_millis(millis),
        };
        let mut headers = HeaderMap::new();
        apply(&[], &mut headers);
        assert!(headers.is_empty());
        apply(&[state("3/s", 0, 400), state("100/min", 97, 59_001)], &mut headers);
        assert_eq!(headers["ratelimit-policy"], r#""3/s";q=3;w=1, "100/min";q=100;w=60"#);
        assert_eq!(headers["ratelimit"], r#""3/s";r=0;t=1, "100/min";r=97;t=60"#);
    }
}
