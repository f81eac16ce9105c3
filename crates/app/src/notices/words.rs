//! What notices say. The console and the mail say the same.

use std::borrow::Cow;
use std::net::IpAddr;

use gatepost_core::Timestamp;
use serde::{Deserialize, Serialize};

/// What happened, in our words, with facts beside them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Notice {
    kind: Cow<'static, str>,
    /// A sentence without a full stop, in our words alone: names stand in the facts.
    pub title: String,
    pub facts: Vec<Fact>,
    /// What to do.
    pub next_action: String,
}

/// A label and its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Fact {
    pub label: Cow<'static, str>,
    pub value: String,
    /// Whether somebody else chose the value: a name, what a browser says of itself.
    pub theirs: bool,
}

impl Fact {
    pub fn ours(label: &'static str, value: impl Into<String>) -> Self {
        Self { label: label.into(), value: value.into(), theirs: false }
    }

    pub fn theirs(label: &'static str, value: impl Into<String>) -> Self {
        Self { label: label.into(), value: value.into(), theirs: true }
    }
}

/// Who did what is told of, when, and from where.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Trigger {
    /// As they are known here; `None` where nobody was signed in, or where it was the reader.
    pub who: Option<String>,
    pub at: Timestamp,
    /// The caller's address.
    pub from: Option<IpAddr>,
    /// What the browser says of itself.
    pub device: Option<String>,
}

impl Trigger {
    pub fn facts(&self) -> Vec<Fact> {
        let mut facts = vec![Fact::ours("When", moment(self.at))];
        facts.extend(self.who.as_deref().map(|who| Fact::theirs("By", who)));
        facts.extend(self.from.map(|from| Fact::ours("From", from.to_string())));
        facts.extend(self.device.as_deref().map(|device| Fact::theirs("With", device)));
        facts
    }
}

/// `2026-11-21 11:30 UTC`.
pub(crate) fn moment(at: Timestamp) -> String {
    let text = at.to_string();
    match (text.get(..10), text.get(11..16)) {
        (Some(day), Some(time)) => format!("{day} {time} UTC"),
        _ => text,
    }
}

const NOT_YOU: &str = "If this was you, there is nothing to do. If it was not, somebody else can use your account: sign \
                       in, end all other sessions, and change your password and your second factor. If you cannot sign \
                       in any more, ask whoever runs this Gatepost.";

impl Notice {
    pub fn kind(&self) -> &'static str {
        match &self.kind {
            Cow::Borrowed(kind) => kind,
            // Read back from the database, where nobody asks for it this way.
            Cow::Owned(_) => "notice",
        }
    }

    fn new(
        kind: &'static str,
        title: impl Into<String>,
        facts: Vec<Fact>,
        next_action: impl Into<String>,
    ) -> Self {
        Self { kind: kind.into(), title: title.into(), facts, next_action: next_action.into() }
    }

    /// To a person: somebody signed in with a browser that was not seen before.
    pub fn new_device(trigger: &Trigger) -> Self {
        let title = "Your account was signed in to with a browser that was not seen before";
        Self::new("session.new_device", title, trigger.facts(), NOT_YOU)
    }

    /// To a person: the password was changed.
    pub fn password_changed(trigger: &Trigger) -> Self {
        Self::new("password.changed", "Your password was changed", trigger.facts(), NOT_YOU)
    }

    /// To a person: the address of the account was changed.
    pub fn address_changed(trigger: &Trigger) -> Self {
        Self::new("email.changed", "The e-mail address of your account was changed", trigger.facts(), NOT_YOU)
    }

    /// To a person: a factor came, went or was used up. `what`: a sentence of ours without a full stop.
    pub fn factor_changed(what: &'static str, trigger: &Trigger) -> Self {
        Self::new("factor.changed", what, trigger.facts(), NOT_YOU)
    }

    /// To a person: a mail to them did not arrive.
    pub fn mail_failed(kind: &str, at: Timestamp) -> Self {
        let facts = vec![Fact::ours("When", moment(at)), Fact::ours("About", kind.replace('_', " "))];
        let title = "An e-mail could not be delivered";
        Self::new("mail.failed", title, facts, "Check the address, then let it be sent again.")
    }

    /// To a workspace: an API key was made.
    pub fn key_created(name: &str, mode: &'static str, trigger: &Trigger) -> Self {
        let mut facts = vec![Fact::theirs("Key", name), Fact::ours("Mode", mode)];
        facts.extend(trigger.facts());
        let action = "If nobody of yours made it, revoke it and look at the audit log.";
        Self::new("key.created", "An API key was made", facts, action)
    }

    /// To a workspace: an operator may look into it.
    pub fn operator_visit(name: &str, reason: &str, content: bool, until: Timestamp) -> Self {
        let reads =
            if content { "set-up, audit log, messages, events, members" } else { "set-up, audit log" };
        let facts = vec![
            Fact::theirs("Operator", name),
            Fact::theirs("Reason", reason),
            Fact::ours("May read", reads),
            Fact::ours("Until", moment(until)),
        ];
        let action = "Every request of theirs is in your audit log. An owner can end the visit on the page Operator visits.";
        Self::new("operator_visit.opened", "An operator may look into the workspace", facts, action)
    }

    /// To a workspace: its sending was paused, or goes on.
    pub fn sending(paused: Option<&str>, at: Timestamp) -> Self {
        let mut facts = vec![Fact::ours("When", moment(at))];
        match paused {
            Some(reason) => {
                facts.push(Fact::theirs("Reason", reason));
                let action = "Receiving goes on. Speak with whoever runs this Gatepost.";
                Self::new("sending.paused", "The operator paused your sending", facts, action)
            }
            None => Self::new("sending.resumed", "You may send again", facts, "There is nothing to do."),
        }
    }

    /// To a workspace: an endpoint was switched off.
    pub fn endpoint_disabled(facts: Vec<Fact>, next_action: &str) -> Self {
        Self::new("endpoint.disabled", "A webhook endpoint was switched off", facts, next_action)
    }
}
