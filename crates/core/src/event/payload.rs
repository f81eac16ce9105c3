//! The envelope of every event.

use serde::Serialize;
use serde_json::Value;

use super::data::{
    ChannelNews, ContactNews, EndpointNews, MessageNews, Notification, PolicyNews, TemplateNews, UsageNews,
    VerificationNews,
};
use super::shape::{Definitions, Described, Member, object, shapes};
use super::{EventSubject, EventType};
use crate::id::{ChannelId, EventId, WorkspaceId};
use crate::time::Timestamp;

shapes! {
    /// An event: the body of a webhook, and an entry of `GET /v1/events`. Events and their parts may gain members: pass
    /// over what you do not know.
    #[doc(alias = "Event")]
    #[derive(Serialize)]
    pub struct EventPayload<'a> {
        /// The same over retries and replays: do things once by it. It is also the `webhook-id`.
        pub id: EventId,
        /// What happened, such as `message.delivered`. More may come: pass over what you do not know.
        #[serde(rename = "type")]
        pub event_type: EventType,
        /// The version of these shapes. It changes only where a receiver would have to.
        pub api_version: &'a str,
        /// When Gatepost wrote it down. The order of events is that of `GET /v1/events`, not of this.
        pub created_at: Timestamp,
        /// Whose it is.
        pub workspace_id: WorkspaceId,
        /// `test` or `live`. Nothing of a test event has happened to anybody.
        pub mode: &'static str,
        /// The channel it concerns; null where it concerns none, or more than one.
        pub channel_id: Option<ChannelId>,
        /// What happened. In `GET /v1/events` it is null once the content's time is over; in a webhook never.
        pub data: Option<EventData<'a>>,
    }
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
    Policy(PolicyNews<'a>),
    Usage(UsageNews<'a>),
    Verification(Box<VerificationNews<'a>>),
}

impl EventData<'_> {
    /// What it is about.
    pub const fn subject(&self) -> EventSubject {
        match self {
            Self::Message(_) => EventSubject::Message,
            Self::Channel(_) => EventSubject::Channel,
            Self::Template(_) => EventSubject::Template,
            Self::Contact(_) => EventSubject::Contact,
            Self::Notification(_) => EventSubject::Notification,
            Self::Endpoint(_) => EventSubject::Endpoint,
            Self::Policy(_) => EventSubject::Policy,
            Self::Usage(_) => EventSubject::Usage,
            Self::Verification(_) => EventSubject::Verification,
        }
    }
}

impl EventSubject {
    pub const ALL: [Self; 9] = [
        Self::Message,
        Self::Channel,
        Self::Template,
        Self::Contact,
        Self::Notification,
        Self::Endpoint,
        Self::Policy,
        Self::Usage,
        Self::Verification,
    ];

    /// The schema of the member that says it.
    pub(super) fn schema(self, definitions: &mut Definitions) -> Value {
        match self {
            Self::Message => MessageNews::schema(definitions),
            Self::Channel => ChannelNews::schema(definitions),
            Self::Template => TemplateNews::schema(definitions),
            Self::Contact => ContactNews::schema(definitions),
            Self::Notification => Notification::schema(definitions),
            Self::Endpoint => EndpointNews::schema(definitions),
            Self::Policy => PolicyNews::schema(definitions),
            Self::Usage => UsageNews::schema(definitions),
            Self::Verification => VerificationNews::schema(definitions),
        }
    }

    /// What the member says.
    pub(super) const fn words(self) -> &'static str {
        match self {
            Self::Message => "In events about a message.",
            Self::Channel => "In events about a channel.",
            Self::Template => "In events about a template.",
            Self::Contact => "In events about a person.",
            Self::Notification => "In events that pass on what Meta told.",
            Self::Endpoint => "In events about a webhook endpoint.",
            Self::Policy => "In events about what the guard decided.",
            Self::Usage => "In events about how much of the plan was used.",
            Self::Verification => "In events about a one-time code.",
        }
    }
}

impl Described for EventData<'_> {
    fn schema(definitions: &mut Definitions) -> Value {
        let words = "What happened: exactly one of these, by the type of the event.";
        object(definitions, "EventData", words, |definitions| {
            EventSubject::ALL
                .into_iter()
                .map(|subject| Member {
                    name: subject.as_str(),
                    words: subject.words(),
                    schema: subject.schema(definitions),
                    required: false,
                })
                .collect()
        })
    }
}
