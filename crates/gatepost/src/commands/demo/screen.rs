//! What a person (or a program) sees of the demo, as it happens.

use std::time::Instant;

use serde_json::{Value, json};

use super::tally::Summary;
use crate::answer::text;
use crate::output::{Output, Tint, masked};

/// A screen with a stop watch.
pub struct Screen {
    output: Output,
    started: Instant,
}

impl Screen {
    pub fn new(output: Output) -> Self {
        Self { output, started: Instant::now() }
    }

    pub fn seconds(&self) -> f64 {
        self.started.elapsed().as_secs_f64()
    }

    fn clock(&self) -> String {
        self.output.tint(Tint::Dim, format_args!("{:6.2}s", self.seconds()))
    }

    pub fn title(&self) {
        self.output.say(self.output.tint(
            Tint::Bold,
            "Gatepost: a message goes out, its receipts come back, your webhook hears of it",
        ));
        self.output.say("");
    }

    /// A label and what belongs to it.
    pub fn fact(&self, label: &str, value: &str) {
        self.output
            .say(format_args!("  {}  {value}", self.output.tint(Tint::Dim, format_args!("{label:15}"))));
    }

    pub fn line(&self, words: &str) {
        self.output.say(words);
    }

    /// Something was set up.
    pub fn step(&self, what: &str, words: &str) {
        self.output.data(&json!({ "t": self.seconds(), "event": what, "says": words }));
        self.output.say(format_args!("{}  {:10}  {words}", self.clock(), what));
    }

    /// The API accepted a message.
    pub fn accepted(&self, message: &Value, to: &str, words: &str) {
        self.output.data(&json!({
            "t": self.seconds(), "event": "accepted", "message": text(message, "id"), "to": if to.starts_with('+') { masked(to) } else { brief(to) }, "says": words,
        }));
        let arrow = self.output.tint(Tint::Bold, "→ ");
        let to = if to.starts_with('+') { masked(to) } else { brief(to) };
        self.output.say(format_args!("{}  {arrow}  {to}  {words}", self.clock()));
    }

    /// A verified webhook came in.
    pub fn heard(&self, event: &Value) {
        let message = &event["data"]["message"];
        let contact = message["contact"]["phone"]
            .as_str()
            .or_else(|| event["data"]["contact"]["previous"]["phone"].as_str())
            .map(masked);
        let contact =
            contact.unwrap_or_else(|| message["contact"]["bsuid"].as_str().map_or_else(String::new, brief));
        let kind = text(event, "type");
        self.output.data(&json!({
            "t": self.seconds(), "event": "webhook", "type": kind, "message": message["id"], "contact": contact,
            "verified": true,
        }));
        let (mark, words) = match kind {
            "message.sent" => (self.output.tint(Tint::Dim, "✓ "), self.output.tint(Tint::Dim, "sent")),
            "message.delivered" => ("✓✓".to_owned(), "delivered".to_owned()),
            "message.read" => (self.output.tint(Tint::Cyan, "✓✓"), self.output.tint(Tint::Cyan, "read")),
            "message.played" => (self.output.tint(Tint::Cyan, "▶ "), self.output.tint(Tint::Cyan, "played")),
            "message.received" => {
                let said = match (text(message, "kind"), message["text"].as_str()) {
                    ("text", Some(words)) => format!("“{words}”"),
                    (kind, Some(words)) => format!("{kind} “{words}”"),
                    (kind, None) => kind.to_owned(),
                };
                (self.output.tint(Tint::Green, "← "), self.output.tint(Tint::Green, said))
            }
            "message.failed" => {
                let detail = message["error"]["detail"].as_str().unwrap_or("failed");
                (self.output.tint(Tint::Red, "✗ "), self.output.tint(Tint::Red, detail))
            }
            "contact.updated" => {
                let now = &event["data"]["contact"]["contact"];
                let words =
                    format!("has a new number: {}", now["phone"].as_str().map(masked).unwrap_or_default());
                (self.output.tint(Tint::Green, "· "), words)
            }
            other => ("· ".to_owned(), other.to_owned()),
        };
        self.output.say(format_args!("{}  {mark}  {contact}  {words}", self.clock()));
    }

    pub fn unverified(&self) {
        self.output.data(&json!({ "t": self.seconds(), "event": "webhook", "verified": false }));
        self.output.say(self.output.tint(Tint::Red, "a webhook came in whose signature is not verified"));
    }

    /// What was counted, for a person.
    pub fn counted(&self, summary: &Summary) {
        let Summary { messages, kinds, delivered, read, failed, replies, reply_kinds, .. } = summary;
        let Summary { webhooks, signatures_verified, seconds, .. } = summary;
        let (mark, tint) = if summary.ok { ("✓", Tint::Green) } else { ("✗", Tint::Red) };
        self.output.say("");
        self.output.say(self.output.tint(
            tint,
            format_args!(
                "{mark} {messages} messages of {kinds} kinds: {delivered} delivered, {read} read, {failed} failed as it should; \
                 {replies} answers of {reply_kinds} kinds"
            ),
        ));
        self.output.say(self.output.tint(
            tint,
            format_args!(
                "{mark} {webhooks} webhooks, {signatures_verified} signatures verified by the standardwebhooks library; \
                 {seconds:.1} s"
            ),
        ));
        if !summary.ok {
            self.output.say(self.output.tint(Tint::Red, "  Something is missing: this should not happen."));
        }
    }

    /// Where everything is, for a program.
    pub fn ready(
        &self,
        gateway: &str,
        simulated_meta: &str,
        webhooks: &str,
        key: &str,
        data: &std::path::Path,
    ) {
        self.output.data(&json!({
            "t": self.seconds(), "event": "ready", "url": gateway, "simulated_meta_url": simulated_meta,
            "webhooks_url": webhooks, "key": key, "data_dir": data,
        }));
    }

    /// What was counted, for a program: the last line.
    pub fn last_line(&self, summary: &Summary) {
        if self.output.is_json()
            && let Ok(line) = serde_json::to_string(summary)
        {
            self.output.raw(&format!("{line}\n"));
        }
    }
}

/// The beginning of a BSUID, as wide as a masked number.
fn brief(bsuid: &str) -> String {
    let head: String = bsuid.chars().take(10).collect();
    format!("{head}…")
}
