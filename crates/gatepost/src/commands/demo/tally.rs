//! What the demo counts: everything is seen, nothing assumed.

use std::collections::{HashMap, HashSet};

use serde::Serialize;
use serde_json::Value;

use super::story;

/// What is known of one message of ours.
#[derive(Default)]
struct Reached {
    sent: bool,
    delivered: bool,
    read: bool,
}

/// Everything that was seen so far.
#[derive(Default)]
pub struct Tally {
    /// Messages that the API accepted, by id.
    ours: HashMap<String, Reached>,
    /// News that came before the API's answer was read.
    early: Vec<(String, String)>,
    replies: HashSet<String>,
    webhooks: usize,
    verified: usize,
    failed: usize,
}

/// The last line of `--json`.
#[derive(Debug, Serialize)]
pub struct Summary {
    pub ok: bool,
    pub messages: usize,
    pub delivered: usize,
    pub read: usize,
    pub replies: usize,
    pub webhooks: usize,
    pub signatures_verified: usize,
    pub seconds: f64,
}

impl Tally {
    /// The API accepted a message.
    pub fn accepted(&mut self, id: &str) {
        self.ours.entry(id.to_owned()).or_default();
        let early = std::mem::take(&mut self.early);
        for (id, state) in early {
            self.news(&id, &state);
        }
    }

    /// A webhook came in.
    pub fn heard(&mut self, event: Option<&Value>, verified: bool) {
        self.webhooks += 1;
        self.verified += usize::from(verified);
        let Some(event) = event else { return };
        let id = event["data"]["message"]["id"].as_str().unwrap_or_default();
        match event["type"].as_str() {
            Some("message.received") => {
                self.replies.insert(id.to_owned());
            }
            Some(kind) => self.news(id, kind),
            None => {}
        }
    }

    fn news(&mut self, id: &str, kind: &str) {
        let Some(message) = self.ours.get_mut(id) else {
            self.early.push((id.to_owned(), kind.to_owned()));
            return;
        };
        match kind {
            "message.sent" => message.sent = true,
            "message.delivered" => message.delivered = true,
            "message.read" => message.read = true,
            "message.failed" => self.failed += 1,
            _ => {}
        }
    }

    /// Whether there is nothing more to wait for.
    pub fn is_complete(&self) -> bool {
        self.failed > 0
            || self.ours.len() == story::messages()
                && self.ours.values().all(|m| m.sent && m.delivered && m.read)
                && self.replies.len() == story::answers()
    }

    pub fn summary(&self, seconds: f64) -> Summary {
        let messages = self.ours.len();
        let count = |reached: fn(&Reached) -> bool| self.ours.values().filter(|m| reached(m)).count();
        let (sent, delivered, read) = (count(|m| m.sent), count(|m| m.delivered), count(|m| m.read));
        let all = |n: usize| n == story::messages();
        Summary {
            ok: all(messages)
                && all(sent)
                && all(delivered)
                && all(read)
                && self.replies.len() == story::answers()
                && self.webhooks >= 3 * messages + self.replies.len()
                && self.verified == self.webhooks,
            messages,
            delivered,
            read,
            replies: self.replies.len(),
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
            tally.accepted(&id);
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
}
