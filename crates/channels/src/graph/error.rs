//! Meta's error shapes: the envelope of a refused request, and the errors inside callbacks.

use std::fmt;

use serde_json::value::RawValue;

use super::json::{elements, pick, text, text_at};

/// Most errors read out of one list; Meta sends one.
const MAX_ERRORS: usize = 16;

/// One error as Meta tells it.
///
/// In an answer: `{"error":{"message","type","code","error_data":{"details"},"error_subcode","fbtrace_id"}}`. In a
/// callback: an element of `errors[]`, `{"code","title","message","error_data":{"details"},"href"}`. Meta's advice is
/// to branch on `code` and `details`; titles, subcodes and HTTP statuses change ("Error codes" page).
#[derive(Clone, PartialEq, Eq, Default)]
pub struct MetaError {
    pub code: i64,
    pub subcode: Option<i64>,
    pub title: String,
    pub details: Option<String>,
    /// Meta's own trace of the request, for its support.
    pub trace: Option<String>,
}

impl MetaError {
    /// The error of an answer's body; `None` when the body is not Meta's error envelope.
    pub fn from_answer(body: &[u8]) -> Option<Self> {
        let body = std::str::from_utf8(body).ok()?;
        let [error] = pick(body, &["error"])?;
        Self::read(error?.get())
    }

    /// The errors of a callback's `errors` list; what has no code is left out.
    pub(super) fn list(raw: Option<&RawValue>) -> Vec<Self> {
        raw.and_then(|r| elements(r.get(), MAX_ERRORS).ok())
            .unwrap_or_default()
            .into_iter()
            .filter_map(|e| Self::read(e.get()))
            .collect()
    }

    fn read(json: &str) -> Option<Self> {
        let [code, subcode, title, message, trace, user_message] =
            pick(json, &["code", "error_subcode", "title", "message", "fbtrace_id", "error_user_msg"])?;
        let text = |raw: Option<&RawValue>| raw.and_then(text);
        Some(Self {
            code: text(code)?.parse().ok()?,
            subcode: text(subcode).and_then(|s| s.parse().ok()),
            title: text(title).or_else(|| text(message)).unwrap_or_default(),
            details: text_at(json, &["error_data", "details"]).or_else(|| text(user_message)),
            trace: text(trace),
        })
    }
}

/// The texts are Meta's own and may quote what was sent; only the numbers are for logs.
impl fmt::Debug for MetaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MetaError")
            .field("code", &self.code)
            .field("subcode", &self.subcode)
            .field("trace", &self.trace)
            .finish_non_exhaustive()
    }
}
