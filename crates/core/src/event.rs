//! The event log's entries: the one source of webhooks and streams.

use std::fmt;

use serde::Serialize;
use serde_json::value::RawValue;

use crate::id::{ChannelId, ContactId, EndpointId, EventId, MediaId, MessageId, TemplateId, WorkspaceId};
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
    /// An outbound voice message was listened to.
    MessagePlayed,
    /// An outbound message will not arrive; `data.message.error` says why.
    MessageFailed,
    /// Meta refused an outbound message for now, or its channel cannot send: it waits, and is tried again. Told once.
    MessageDelayed,
    /// A person wrote to a channel.
    MessageReceived,
    /// A channel's state, quality, name or limits changed.
    ChannelUpdated,
    /// A template's status, category or quality changed.
    TemplateUpdated,
    /// A person's phone number or BSUID changed.
    ContactUpdated,
    /// Anything else Meta told about a channel, passed on as it came.
    ChannelNotification,
    /// Gatepost stopped delivering to an endpoint: it answered 410, or its schedule was spent without one success.
    EndpointDisabled,
    /// Somebody asked for a trial of one endpoint; goes to that endpoint only.
    EndpointTest,
}

impl EventType {
    pub const ALL: [Self; 13] = [
        Self::MessageSent,
        Self::MessageDelivered,
        Self::MessageRead,
        Self::MessagePlayed,
        Self::MessageFailed,
        Self::MessageDelayed,
        Self::MessageReceived,
        Self::ChannelUpdated,
        Self::TemplateUpdated,
        Self::ContactUpdated,
        Self::ChannelNotification,
        Self::EndpointDisabled,
        Self::EndpointTest,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::MessageSent => "message.sent",
            Self::MessageDelivered => "message.delivered",
            Self::MessageRead => "message.read",
            Self::MessagePlayed => "message.played",
            Self::MessageFailed => "message.failed",
            Self::MessageDelayed => "message.delayed",
            Self::MessageReceived => "message.received",
            Self::ChannelUpdated => "channel.updated",
            Self::TemplateUpdated => "template.updated",
            Self::ContactUpdated => "contact.updated",
            Self::ChannelNotification => "channel.notification",
            Self::EndpointDisabled => "endpoint.disabled",
            Self::EndpointTest => "endpoint.test",
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
            Self::MessageDelayed => 7,
            Self::ChannelUpdated => 8,
            Self::TemplateUpdated => 9,
            Self::ContactUpdated => 10,
            Self::MessagePlayed => 11,
            Self::EndpointDisabled => 12,
            Self::EndpointTest => 13,
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
            MessageState::Queued
            | MessageState::Held
            | MessageState::Sending
            | MessageState::Blocked
            | MessageState::Expired
            | MessageState::Revoked
            | MessageState::Received => None,
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
    Channel(ChannelNews<'a>),
    Template(TemplateNews<'a>),
    Contact(ContactNews),
    Notification(Notification<'a>),
    Endpoint(EndpointNews<'a>),
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
    /// The file that a person sent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub media: Option<&'a MediaNews>,
    /// Meta's id of the message this one replies to.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reply_to_provider_id: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<MessageError>,
    /// Meta's own object, unchanged, for whatever is not named above.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<&'a RawValue>,
}

/// A file that came with a message. All of it but the id was said by a stranger or by Meta, and none of it checked.
#[derive(Serialize, serde::Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct MediaNews {
    pub id: MediaId,
    /// As Meta says, with parameters: `audio/ogg; codecs=opus`.
    pub mime_type: String,
    /// Lower-case hex; absent where Meta does not say.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub sha256: Option<String>,
    /// Documents: the name the person's file had, cleaned.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub filename: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub caption: Option<String>,
    /// Audio: true where it was recorded in the chat.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub voice: Option<bool>,
    /// Where to fetch it from, within 7 days: a path of this API.
    pub url: String,
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

/// What changed about a channel.
#[derive(Serialize)]
pub struct ChannelNews<'a> {
    pub id: ChannelId,
    /// What changed: `state`, `detail`, `quality`, `throughput`, `name`, `messaging_limit`.
    pub changed: &'a [&'a str],
    pub state: &'static str,
    /// What is wrong, in words; absent when nothing is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<&'a str>,
    /// The one next action; absent when there is nothing to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_action: Option<&'a str>,
    /// `GREEN`, `YELLOW`, `RED` or `UNKNOWN`, as Meta says.
    pub quality_rating: Option<&'a str>,
    /// Messages a second.
    pub throughput: i64,
    /// Meta's name of the limit of people per day: `TIER_250`, `TIER_2K` …
    pub messaging_limit: Option<&'a str>,
}

/// What changed about a template.
#[derive(Serialize)]
pub struct TemplateNews<'a> {
    /// Absent for a template that was made elsewhere and not synchronised yet.
    pub id: Option<TemplateId>,
    pub name: &'a str,
    /// As REST writes it: `en_US`.
    pub language: &'a str,
    /// Meta's word: `APPROVED`, `REJECTED`, `PAUSED` …
    pub status: Option<&'a str>,
    pub category: Option<&'a str>,
    /// `GREEN`, `YELLOW`, `RED` or `UNKNOWN`.
    pub quality: Option<&'a str>,
    /// Meta's reason, where it gives one.
    pub reason: Option<&'a str>,
}

/// How a person is known from now on.
#[derive(Serialize)]
pub struct ContactNews {
    /// Absent where the person was not known before.
    pub id: Option<ContactId>,
    pub contact: Party,
    pub previous: Party,
}

/// News of a webhook endpoint. Its URL stays out: paths and queries of webhooks often hold secrets.
#[derive(Serialize)]
pub struct EndpointNews<'a> {
    pub id: EndpointId,
    /// The owner's words.
    pub description: &'a str,
    pub enabled: bool,
    /// `gone` or `failing`; null on a trial.
    pub disabled_reason: Option<&'static str>,
    /// Since when no attempt has succeeded.
    pub failing_since: Option<Timestamp>,
    /// What happened last, in words.
    pub detail: Option<&'a str>,
    /// The one next action; absent when there is nothing to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_action: Option<&'a str>,
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
