//! What became of a send: the truth, as far as anybody can know it.

use std::fmt;
use std::time::Duration;

use gatepost_net::{Failure, SendError, TrustedResponse, class};

use super::BadSetting;
use crate::errors::{self, Advice};
use crate::graph::error::MetaError;
use crate::graph::send::SendAnswer;

/// What became of one send. No `Debug` shows the recipient.
#[derive(Clone)]
pub enum SendOutcome {
    /// Meta took the message. Whether it arrives is told by callback.
    Accepted(SendAnswer),
    /// Meta answered that it did not take the message.
    Refused(Refusal),
    /// Nothing of the request left: it may be tried again without doubling anything.
    NotSent {
        /// One of the names in `gatepost_net::class`; `request_invalid` means that trying again cannot help.
        class: &'static str,
        reason: String,
    },
    /// The message may have gone out or not. A status that carries our id would tell.
    Ambiguous { class: &'static str, reason: String },
}

/// Meta's refusal, with what it asks of us.
#[derive(Clone, PartialEq, Eq)]
pub struct Refusal {
    /// HTTP status.
    pub http: u16,
    /// Meta's code; `None` when the answer carried none.
    pub code: Option<i64>,
    pub subcode: Option<i64>,
    pub title: String,
    pub details: Option<String>,
    /// Meta's trace of the request, for its support.
    pub trace: Option<String>,
    pub advice: Advice,
    /// How long Meta asks us to wait, where it says so.
    pub retry_after: Option<Duration>,
}

impl SendOutcome {
    pub(super) fn from_setting(bad: BadSetting) -> Self {
        Self::NotSent { class: class::REQUEST_INVALID, reason: bad.0.to_owned() }
    }

    pub(super) fn from_answer(answer: Result<TrustedResponse, SendError>) -> Self {
        let answer = match answer {
            Ok(answer) => answer,
            Err(SendError::NotSent(Failure { class, detail })) => {
                return Self::NotSent { class, reason: detail };
            }
            // The head of a response whose body was lost: a refusal by Meta's own status line is still unsure, since
            // the error could be a proxy's.
            Err(SendError::Ambiguous { failure: Failure { class, detail }, .. }) => {
                return Self::Ambiguous { class, reason: detail };
            }
        };
        let status = answer.status;
        if answer.is_success() {
            return match SendAnswer::read(&answer.body) {
                Some(accepted) => Self::Accepted(accepted),
                None => match MetaError::from_answer(&answer.body) {
                    Some(error) => Self::Refused(Refusal::new(&answer, Some(error))),
                    None => Self::Ambiguous {
                        class: class::RESPONSE_INVALID,
                        reason: format!("status {status}, but the answer names no message"),
                    },
                },
            };
        }
        match MetaError::from_answer(&answer.body) {
            Some(error) => Self::Refused(Refusal::new(&answer, Some(error))),
            // Without Meta's words a server error may come from something in between, after Meta took the message.
            None if status >= 500 => Self::Ambiguous {
                class: class::RESPONSE_INVALID,
                reason: format!("status {status} without an error of Meta's"),
            },
            None => Self::Refused(Refusal::new(&answer, None)),
        }
    }
}

impl Refusal {
    pub(super) fn new(answer: &TrustedResponse, error: Option<MetaError>) -> Self {
        let http = answer.status;
        let retry_after = retry_after(answer);
        match error {
            Some(error) => Self {
                http,
                code: Some(error.code),
                subcode: error.subcode,
                title: error.title,
                details: error.details,
                trace: error.trace,
                advice: errors::advice(error.code, Some(http)),
                retry_after,
            },
            None => Self {
                http,
                code: None,
                subcode: None,
                title: format!("HTTP status {http} without an error of Meta's"),
                details: None,
                trace: None,
                advice: errors::advice(i64::MIN, Some(http)),
                retry_after,
            },
        }
    }
}

/// The longest wait that `Retry-After` or the usage header asks for.
///
/// `X-Business-Use-Case-Usage: {"<waba>":[{"type","call_count",…,"estimated_time_to_regain_access"}]}`, in minutes
/// (Meta, "Rate limits"). A day at most: a header must not stop a channel for good.
fn retry_after(answer: &TrustedResponse) -> Option<Duration> {
    let seconds = answer.header("retry-after").and_then(|v| v.trim().parse::<u64>().ok());
    let minutes = answer
        .header("x-business-use-case-usage")
        .and_then(|v| serde_json::from_str::<serde_json::Value>(v).ok())
        .and_then(|usage| {
            usage
                .as_object()?
                .values()
                .filter_map(serde_json::Value::as_array)
                .flatten()
                .filter_map(|line| line.get("estimated_time_to_regain_access")?.as_u64())
                .max()
        });
    let wait = seconds.unwrap_or(0).max(minutes.unwrap_or(0).saturating_mul(60)).min(86_400);
    (wait > 0).then(|| Duration::from_secs(wait))
}

impl fmt::Debug for SendOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Accepted(answer) => f.debug_tuple("Accepted").field(&answer.wamid).finish(),
            Self::Refused(refusal) => f.debug_tuple("Refused").field(refusal).finish(),
            Self::NotSent { class, .. } => f.debug_tuple("NotSent").field(class).finish(),
            Self::Ambiguous { class, .. } => f.debug_tuple("Ambiguous").field(class).finish(),
        }
    }
}

/// Meta's texts may quote what was sent, so only the numbers are shown.
impl fmt::Debug for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Refusal")
            .field("http", &self.http)
            .field("code", &self.code)
            .field("subcode", &self.subcode)
            .field("class", &self.advice.class)
            .field("retry_after", &self.retry_after)
            .finish_non_exhaustive()
    }
}
