//! What the demo counts: everything is seen, nothing assumed.

use std::collections::{BTreeSet, HashMap, HashSet};

use serde::Serialize;
use serde_json::Value;

use super::story::{self, End};

const SENT: &str = "message.sent";
const DELIVERED: &str = "message.delivered";
const READ: &str = "message.read";
const FAILED: &str = "message.failed";
/// The news that say how far a message came.
const NEWS: [&str; 4] = [SENT, DELIVERED, READ, FAILED];

/// What is known of one message of ours.
#[derive(Default)]
struct Reached {
    /// Unknown until the API's answer was read.
    end: Option<End>,
    news: HashSet<&'static str>,
}

impl Reached {
    /// Whether it came as far as it should, and no other way.
    fn is_well(&self) -> bool {
        match self.end {
            Some(End::Read) => [SENT, DELIVERED, READ].iter().all(|kind| self.is(kind)) && !self.is(FAILED),
            Some(End::Sent) => self.is(SENT) && !self.is(FAILED),
            Some(End::Failed) => self.is(FAILED) && !self.is(DELIVERED),
            None => false,
        }
    }

    fn is(&self, kind: &str) -> bool {
        self.news.contains(kind)
    }
}

/// Everything that was seen so far.
#[derive(Default)]
pub struct Tally {
    /// Messages that the API accepted, by id, and those that news came of before its answer was read.
    ours: HashMap<String, Reached>,
    replies: HashSet<String>,
    kinds_sent: BTreeSet<&'static str>,
    kinds_received: BTreeSet<String>,
    webhooks: usize,
    verified: usize,
}

/// The last line of `--json`.
#[derive(Debug, Serialize)]
pub struct Summary {
    pub ok: bool,
    pub messages: usize,
    pub kinds: usize,
    pub delivered: usize,
    pub read: usize,
    /// Failed as they should: one number is not on WhatsApp.
    pub failed: usize,
    pub replies: usize,
    pub reply_kinds: usize,
    pub webhooks: usize,
    pub signatures_verified: usize,
    pub seconds: f64,
}

impl Tally {
    /// The API accepted a message.
    pub fn accepted(&mut self, id: &str, kind: &'static str, end: End) {
        self.ours.entry(id.to_owned()).or_default().end = Some(end);
        self.kinds_sent.insert(kind);
    }

    /// A webhook came in.
    pub fn heard(&mut self, event: Option<&Value>, verified: bool) {
        self.webhooks += 1;
        self.verified += usize::from(verified);
        let Some(event) = event else { return };
        let message = &event["data"]["message"];
        let id = message["id"].as_str().unwrap_or_default();
        let Some(kind) = event["type"].as_str() else { return };
        if kind == "message.received" {
            self.replies.insert(id.to_owned());
            self.kinds_received.insert(message["kind"].as_str().unwrap_or_default().to_owned());
            return;
        }
        // News may come before the API's answer was read.
        if let Some(news) = NEWS.into_iter().find(|news| *news == kind) {
            self.ours.entry(id.to_owned()).or_default().news.insert(news);
        }
    }

    /// How many webhooks came in.
    pub const fn webhooks(&self) -> usize {
        self.webhooks
    }

    /// Whether there is nothing more to wait for.
    pub fn is_complete(&self) -> bool {
        self.ours.values().any(|m| m.is(FAILED) && matches!(m.end, Some(End::Read | End::Sent)))
            || self.all_sent() && self.replies.len() == story::answers()
    }

    fn all_sent(&self) -> bool {
        self.ours.len() == story::messages() && self.ours.values().all(Reached::is_well)
    }

    pub fn summary(&self, seconds: f64) -> Summary {
        let messages = self.ours.len();
        let count = |kind: &str| self.ours.values().filter(|m| m.is(kind)).count();
        let (read, failed) = (count(READ), count(FAILED));
        Summary {
            ok: self.all_sent()
                && self.replies.len() == story::answers()
                && self.webhooks >= 3 * read + failed + self.replies.len()
                && self.verified == self.webhooks,
            messages,
            kinds: self.kinds_sent.len(),
            delivered: count(DELIVERED),
            read,
            failed,
            replies: self.replies.len(),
            reply_kinds: self.kinds_received.len(),
            webhooks: self.webhooks,
            signatures_verified: self.verified,
            seconds: (seconds * 1000.0).round() / 1000.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn whole(forget: Option<&str>) -> Summary {
        let mut tally = Tally::default();
        for number in 0..story::messages() {
            let id = format!("msg_{number}");
            for kind in ["message.sent", "message.delivered", "message.read"] {
                if forget != Some(kind) || number > 0 {
                    // Before the API's answer was read, too.
                    tally.heard(Some(&json!({ "type": kind, "data": { "message": { "id": id } } })), true);
                }
            }
            tally.accepted(&id, "text", End::Read);
        }
        for number in 0..story::answers() {
            let id = format!("msg_in_{number}");
            tally.heard(
                Some(&json!({ "type": "message.received", "data": { "message": { "id": id } } })),
                true,
            );
        }
        if forget == Some("signature") {
            tally.heard(None, false);
        }
        assert_eq!(tally.is_complete(), forget.is_none() || forget == Some("signature"));
        tally.summary(1.0)
    }

    #[test]
    fn all_is_well_only_when_all_was_seen() {
        let good = whole(None);
        assert!(good.ok, "{good:?}");
        assert!(good.messages >= 12 && good.webhooks == 3 * good.messages + good.replies);
        for missing in ["message.sent", "message.delivered", "message.read", "signature"] {
            assert!(!whole(Some(missing)).ok, "{missing}");
        }
    }

    #[test]
    fn a_failure_that_nobody_expects_ends_it() {
        let mut tally = Tally::default();
        tally.accepted("a", "text", End::Failed);
        tally.heard(Some(&json!({ "type": "message.failed", "data": { "message": { "id": "a" } } })), true);
        assert!(!tally.is_complete());
        tally.accepted("b", "text", End::Read);
        tally.heard(Some(&json!({ "type": "message.failed", "data": { "message": { "id": "b" } } })), true);
        assert!(tally.is_complete() && !tally.summary(1.0).ok);
    }
}
