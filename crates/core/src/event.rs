//! The event log's entries: the one source of webhooks and streams.

use std::fmt;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::id::{ChannelId, EventId, MessageId, WorkspaceId};
use crate::message::MessageState;
use crate::time::Timestamp;

/// The version of the payload shapes below; changes only with a breaking change.
pub const API_VERSION: &str = "2026-11-01";

/// Every event there is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EventType {
    /// Meta's servers sent an outbound message on.
    MessageSent,
    MessageDelivered,
    MessageRead,
    /// An outbound message will not arrive; `data.message.error` says why.
    MessageFailed,
    /// A person wrote to a channel.
    MessageReceived,
    /// Anything else Meta told about a channel, passed on as it came.
    ChannelNotification,
}

impl EventType {
    pub const ALL: [Self; 6] = [
        Self::MessageSent,
        Self::MessageDelivered,
        Self::MessageRead,
        Self::MessageFailed,
        Self::MessageReceived,
        Self::ChannelNotification,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MessageSent => "message.sent",
            Self::MessageDelivered => "message.delivered",
            Self::MessageRead => "message.read",
            Self::MessageFailed => "message.failed",
            Self::MessageReceived => "message.received",
            Self::ChannelNotification => "channel.notification",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|t| t.as_str() == text)
    }

    /// The number stored in the database; never reused.
    pub const fn number(self) -> i64 {
        match self {
            Self::MessageSent => 1,
            Self::MessageDelivered => 2,
            Self::MessageRead => 3,
            Self::MessageFailed => 4,
            Self::MessageReceived => 5,
            Self::ChannelNotification => 6,
        }
    }

    pub fn from_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|t| t.number() == number)
    }

    /// The event that tells of an outbound message's new state, where one does.
    pub const fn of_state(state: MessageState) -> Option<Self> {
        match state {
            MessageState::Sent => Some(Self::MessageSent),
            MessageState::Delivered => Some(Self::MessageDelivered),
            MessageState::Read => Some(Self::MessageRead),
            MessageState::Failed => Some(Self::MessageFailed),
            MessageState::Queued | MessageState::Sending | MessageState::Received => None,
        }
    }
}

impl fmt::Display for EventType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Which events an endpoint wants: exact names and `family.*`; an empty list means all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EventFilter(Vec<String>);

impl EventFilter {
    /// Refuses names that no event has.
    pub fn parse(names: Vec<String>) -> Result<Self, String> {
        for name in &names {
            let known = match name.strip_suffix(".*") {
                Some(family) => EventType::ALL.iter().any(|t| t.as_str().split('.').next() == Some(family)),
                None => EventType::parse(name).is_some(),
            };
            if !known {
                let all: Vec<_> = EventType::ALL.iter().map(|t| t.as_str()).collect();
                return Err(format!(
                    "unknown event {name:?}; known are {} and families such as message.*",
                    all.join(", ")
                ));
            }
        }
        Ok(Self(names))
    }

    /// A filter that was parsed when it was stored; names that no event has any more match nothing.
    pub const fn stored(names: Vec<String>) -> Self {
        Self(names)
    }

    pub fn matches(&self, event: EventType) -> bool {
        self.0.is_empty()
            || self.0.iter().any(|name| match name.strip_suffix(".*") {
                Some(family) => event.as_str().split('.').next() == Some(family),
                None => name == event.as_str(),
            })
    }

    pub fn names(&self) -> &[String] {
        &self.0
    }
}

/// The body of a webhook and of `GET /v1/events/{id}`.
#[derive(Serialize)]
pub struct EventPayload<'a> {
    pub id: EventId,
    #[serde(rename = "type", serialize_with = "as_text")]
    pub event_type: EventType,
    pub api_version: &'static str,
    pub created_at: Timestamp,
    pub workspace_id: WorkspaceId,
    /// `test` or `live`.
    pub mode: &'static str,
    pub channel_id: Option<ChannelId>,
    pub data: EventData<'a>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's signature")]
fn as_text<S: serde::Serializer>(event_type: &EventType, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(event_type.as_str())
}

/// What happened, by kind of event.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
pub enum EventData<'a> {
    Message(Box<MessageNews<'a>>),
    Notification(Notification<'a>),
}

/// The other side of a message: either may be unknown.
#[derive(Serialize, Clone, Default, PartialEq, Eq)]
pub struct Party {
    /// E.164 with the plus.
    pub phone: Option<String>,
    /// Meta's business-scoped user id.
    pub bsuid: Option<String>,
    /// The name the person chose; chosen by a stranger, so never trust it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// News of one message.
#[derive(Serialize)]
pub struct MessageNews<'a> {
    /// Absent for a status of a message that was not sent through Gatepost.
    pub id: Option<MessageId>,
    /// `outbound` or `inbound`.
    pub direction: &'static str,
    /// Meta's type: `text`, `template`, `image` …; absent on statuses.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<&'a str>,
    /// What this event reports; the message itself may be further on already.
    pub state: MessageState,
    pub contact: Party,
    /// Meta's id of the message (wamid).
    pub provider_id: Option<&'a str>,
    /// When it happened, by Meta's clock.
    pub occurred_at: Timestamp,
    /// The words of a text, a button or a list reply.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<&'a str>,
    /// Meta's id of the message this one replies to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply_to_provider_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<MessageError>,
    /// Meta's own object, unchanged, for whatever is not named above.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<&'a RawValue>,
}

/// Why a message failed.
#[derive(Serialize, serde::Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct MessageError {
    /// Ours and stable: `meta_refused`, `outcome_unknown`.
    pub code: String,
    /// Meta's own code, where Meta said so.
    pub provider_code: Option<i64>,
    /// `retrying`, `needs_action` or `failed`.
    pub class: String,
    /// What happened, in words.
    pub detail: String,
    /// What to do about it.
    pub action: String,
}

/// A callback item that has no event of its own.
#[derive(Serialize)]
pub struct Notification<'a> {
    /// Meta's webhook field: `account_update`, `messages` …
    pub field: &'a str,
    pub value: &'a RawValue,
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn filters() {
        let all = EventFilter::default();
        let family = EventFilter::parse(vec!["message.*".into()]).unwrap();
        let one = EventFilter::parse(vec!["message.read".into()]).unwrap();
        assert!(all.matches(EventType::ChannelNotification));
        assert!(family.matches(EventType::MessageRead) && !family.matches(EventType::ChannelNotification));
        assert!(one.matches(EventType::MessageRead) && !one.matches(EventType::MessageSent));
        assert!(EventFilter::parse(vec!["message.reed".into()]).is_err());
        assert!(EventFilter::parse(vec!["*".into()]).is_err());
    }
}
