//! What an attempt leads to: its row, the delivery's next state, and when it is tried again.

use std::time::Duration;

use gatepost_core::endpoint::{DeliveryState, RetrySchedule};
use gatepost_core::redact::redact;
use gatepost_core::{DeliveryId, Entropy, Result, Timestamp};
use gatepost_net::{Attempt, Decision};
use gatepost_store::{AttemptRow, DeliveryRecord, DeliveryWork};
use gatepost_vault::WorkspaceKeys;

use super::course::{Sign, jittered};
use crate::sealing::failed;

/// `Retry-After` is obeyed up to this.
const RETRY_AFTER_MAX: Duration = Duration::from_hours(24);

/// What came of one delivery's turn.
#[derive(Debug, Clone)]
pub(super) enum Outcome {
    Tried(Attempt),
    /// The address said that it is gone, and the endpoint has another by now: that says nothing of it.
    TriedElsewhere(Attempt),
    /// There was nothing to send, and there never will be: why, for people. The class comes first, as in errors.
    Unsendable(&'static str),
}

/// An outcome ready to be written down.
#[derive(Debug, Clone)]
pub(super) struct Verdict {
    pub record: DeliveryRecord,
    pub sign: Sign,
    /// For the metrics: `none`, or why it was no success.
    pub class: &'static str,
    /// The endpoint says that it is gone for good.
    pub gone: bool,
    /// The schedule is spent; the attempts made before it began.
    pub spent_from: Option<i64>,
    /// What happened, for people, where it was no success.
    pub detail: Option<String>,
}

impl Verdict {
    pub fn of(
        keys: &WorkspaceKeys,
        schedule: &RetrySchedule,
        work: &DeliveryWork,
        outcome: &Outcome,
        at: Timestamp,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Result<Self> {
        let number = work.attempts.saturating_add(1);
        let (attempt, elsewhere) = match outcome {
            Outcome::Tried(attempt) => (attempt, false),
            Outcome::TriedElsewhere(attempt) => (attempt, true),
            Outcome::Unsendable(why) => return Ok(Self::unsendable(work.id, number, why, at)),
        };
        let row = row(keys, work.id, number, attempt, at)?;
        let allowed = row.allowed;
        let detail = detail(attempt);
        let gone = attempt.status == Some(410) && !elsewhere;
        // One made ahead of its time is a chance more: it leaves the delivery as it was.
        let ahead = work.next_at.is_some_and(|planned| planned > at);
        let made = number.saturating_sub(work.schedule_from);
        let mut spent_from = None;
        let (state, next_at, sign) = if attempt.is_success() {
            (DeliveryState::Sent, None, Sign::Success)
        } else {
            let sign = if allowed && !elsewhere { Sign::Failure { at } } else { Sign::None };
            let wait = schedule.after(made).map(|wait| now.plus(jittered(wait, entropy)));
            let planned = if ahead { work.next_at } else { wait };
            match planned {
                Some(_) if gone => (DeliveryState::Dead, None, sign),
                Some(planned) => {
                    let asked = asked_wait(attempt, now).map_or(planned, |wait| now.plus(wait));
                    let state = if allowed { DeliveryState::Failed } else { DeliveryState::Blocked };
                    (state, Some(planned.max(asked)), sign)
                }
                None => {
                    spent_from = Some(work.schedule_from);
                    (DeliveryState::Dead, None, sign)
                }
            }
        };
        let record = DeliveryRecord {
            delivery: work.id,
            attempt: row,
            state,
            next_at,
            ahead: ahead && next_at.is_some(),
        };
        Ok(Self { record, sign, class: class(attempt), gone, spent_from, detail })
    }

    fn unsendable(delivery: DeliveryId, number: i64, why: &'static str, at: Timestamp) -> Self {
        let attempt = AttemptRow {
            number,
            at,
            allowed: true,
            rule: "allowed".to_owned(),
            address: None,
            status: None,
            latency_ms: 0,
            error: Some(why.to_owned()),
            snippet: None,
        };
        let record =
            DeliveryRecord { delivery, attempt, state: DeliveryState::Dead, next_at: None, ahead: false };
        let class = why.split(':').next().unwrap_or(why);
        Self { record, sign: Sign::None, class, gone: false, spent_from: None, detail: Some(why.to_owned()) }
    }
}

/// Why it was no success, in one of a few words.
fn class(attempt: &Attempt) -> &'static str {
    match (&attempt.error, attempt.status) {
        _ if attempt.is_success() => "none",
        (Some(error), _) => error.class,
        (None, Some(410)) => "status_410",
        (None, Some(429)) => "status_429",
        (None, Some(400..=499)) => "status_4xx",
        (None, Some(500..=599)) => "status_5xx",
        (None, _) => "status_other",
    }
}

fn detail(attempt: &Attempt) -> Option<String> {
    if attempt.is_success() {
        return None;
    }
    Some(match (&attempt.error, attempt.status) {
        (Some(error), _) => format!("{}: {}", error.class, error.detail),
        (None, Some(status)) => format!("the endpoint answered {status}"),
        (None, None) => "the endpoint did not answer".to_owned(),
    })
}

/// An attempt as a row of the delivery log; what the receiver answered is sealed.
pub(crate) fn row(
    keys: &WorkspaceKeys,
    delivery: DeliveryId,
    number: i64,
    attempt: &Attempt,
    at: Timestamp,
) -> Result<AttemptRow> {
    let snippet = match attempt.response_snippet.as_str() {
        "" => None,
        text => {
            let aad = crate::deliveries::snippet_place(keys.workspace(), delivery, number);
            // What is nobody's business does not lie in the store either; backups have another life than this log.
            Some(keys.seal(&aad, redact(text).as_bytes()).map_err(failed)?.into_vec())
        }
    };
    let (allowed, rule) = match attempt.decision {
        Decision::Allowed => (true, "allowed"),
        Decision::Blocked(rule) => (false, rule),
    };
    Ok(AttemptRow {
        number,
        at,
        allowed,
        rule: rule.to_owned(),
        address: attempt.connected_to.map(|a| a.to_string()),
        status: attempt.status.map(i64::from),
        latency_ms: i64::try_from(attempt.latency.as_millis()).unwrap_or(i64::MAX),
        error: attempt.error.as_ref().map(|e| format!("{}: {}", e.class, e.detail)),
        snippet,
    })
}

/// The wait a receiver asks for: `Retry-After` in seconds or as a date, on 429, 502, 503 and 504. At most a day.
fn asked_wait(attempt: &Attempt, now: Timestamp) -> Option<Duration> {
    if !matches!(attempt.status, Some(429 | 502 | 503 | 504)) {
        return None;
    }
    let asked = attempt.retry_after.as_deref()?.trim();
    let wait = if !asked.is_empty() && asked.bytes().all(|b| b.is_ascii_digit()) {
        // More digits than a number holds ask for longer than we wait anyway.
        asked.parse().map_or(RETRY_AFTER_MAX, Duration::from_secs)
    } else {
        Timestamp::parse_http(asked)?.since(now)
    };
    Some(wait.min(RETRY_AFTER_MAX))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]
    use gatepost_vault::{
        FIRST_VERSION, LeaseDecision, MasterKey, MasterKeyring, NewWorkspaceKeys, SystemEntropy, next_lease,
    };
    use uuid::Uuid;

    use super::*;

    fn keys(workspace: Uuid) -> WorkspaceKeys {
        let ring = MasterKeyring::new(MasterKey::generate(&SystemEntropy).unwrap(), Vec::new());
        let new = NewWorkspaceKeys::generate(workspace, &ring, &SystemEntropy).unwrap();
        let data = [(FIRST_VERSION, new.data)];
        let keys = WorkspaceKeys::unwrap(workspace, &ring, &new.blind_index, &data).unwrap();
        let LeaseDecision::Grant(lease) = next_lease(0) else { panic!("no lease") };
        keys.add_lease(FIRST_VERSION, lease, &SystemEntropy).unwrap();
        keys
    }

    #[test]
    fn what_is_sealed_of_an_answer_is_redacted() {
        let (keys, delivery) = (keys(Uuid::from_u128(7)), DeliveryId::from_uuid(Uuid::from_u128(9)));
        let said = "no: Authorization: Bearer s3cr3tb34r3r".to_owned();
        let attempt = Attempt { response_snippet: said, ..answered(500, "") };
        let row = row(&keys, delivery, 1, &attempt, Timestamp::from_seconds(1)).unwrap();
        let place = crate::deliveries::snippet_place(keys.workspace(), delivery, 1);
        let text = String::from_utf8(keys.open_content(&place, &row.snippet.unwrap()).unwrap()).unwrap();
        assert!(text.starts_with("no: ") && !text.contains("s3cr3t"), "{text}");
    }

    fn answered(status: u16, retry_after: &str) -> Attempt {
        Attempt {
            decision: Decision::Allowed,
            connected_to: None,
            status: Some(status),
            latency: Duration::ZERO,
            retry_after: Some(retry_after.to_owned()),
            response_snippet: String::new(),
            body_complete: true,
            error: None,
        }
    }

    #[test]
    fn retry_after_in_both_forms() {
        // Sun, 06 Nov 1994 08:49:37 GMT
        let now = Timestamp::from_seconds(784_111_777);
        let asked = |status, text: &str| asked_wait(&answered(status, text), now).map(|wait| wait.as_secs());
        assert_eq!(asked(429, "120"), Some(120));
        assert_eq!(asked(503, " 7 "), Some(7));
        assert_eq!(asked(503, "99999999999999999999999999"), Some(86_400));
        assert_eq!(asked(503, "Sun, 06 Nov 1994 08:51:37 GMT"), Some(120));
        assert_eq!(asked(503, "Sun, 06 Nov 1994 08:00:00 GMT"), Some(0), "the past asks for nothing");
        assert_eq!(asked(503, "Sun, 06 Nov 2094 08:00:00 GMT"), None, "that was no Sunday");
        assert_eq!(asked(504, "Mon, 06 Nov 1995 08:49:37 GMT"), Some(86_400));
        for (status, text) in
            [(500, "120"), (400, "120"), (429, "-1"), (429, "soon"), (429, ""), (429, "1.5")]
        {
            assert_eq!(asked(status, text), None, "{status} {text:?}");
        }
    }

    #[test]
    fn classes_are_few() {
        for (status, expected) in [
            (200, "none"),
            (404, "status_4xx"),
            (410, "status_410"),
            (429, "status_429"),
            (503, "status_5xx"),
        ] {
            assert_eq!(class(&answered(status, "")), expected);
        }
    }
}
