//! What events carry in `data`.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::shape::shapes;
use crate::Purpose;
use crate::id::{ChannelId, ContactId, EndpointId, MediaId, MessageId, TemplateId};
use crate::message::MessageState;
use crate::time::Timestamp;

shapes! {
    /// A person on the other side. Either id may be unknown: Meta is moving from phone numbers to business-scoped ids, so
    /// be ready for people without a number.
    #[derive(Serialize, Clone, Default, PartialEq, Eq)]
    pub struct Party {
        /// E.164 with the plus, such as `+12025550101`.
        pub phone: Option<String>,
        /// Meta's business-scoped user id, such as `US.13491208655302741918`.
        pub bsuid: Option<String>,
        /// The name the person chose; chosen by a stranger, so never trust it.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub name: Option<String>,
    }

    /// News of one message.
    #[derive(Serialize)]
    pub struct MessageNews<'a> {
        /// The message as `GET /v1/messages/{id}` knows it. Null for a status of a message that was not sent through
        /// Gatepost.
        pub id: Option<MessageId>,
        /// `outbound` or `inbound`.
        pub direction: &'static str,
        /// Meta's type: `text`, `template`, `image` and so on. Absent in Meta's reports on outbound messages.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub kind: Option<&'a str>,
        /// Why it was sent, as its sender said: `authentication`, `transactional` and so on. Absent in Meta's reports on
        /// outbound messages.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub purpose: Option<Purpose>,
        /// What this event reports; the message itself may be further on already.
        pub state: MessageState,
        /// The person it went to or came from.
        pub contact: Party,
        /// Meta's id of the message (wamid), where it has one.
        pub provider_id: Option<&'a str>,
        /// When it happened, by Meta's clock; by ours where Meta did not say.
        pub occurred_at: Timestamp,
        /// The words of a text, a button or a list reply.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub text: Option<&'a str>,
        /// The file that a person sent.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub media: Option<&'a MediaNews>,
        /// The message this one replies to, where that is one that Gatepost knows.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub reply_to: Option<MessageId>,
        /// Meta's id of the message this one replies to.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub reply_to_provider_id: Option<&'a str>,
        /// Why it failed, or why it waits.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub error: Option<MessageError>,
        /// Meta's own object, unchanged, for whatever is not named above. Its shape is Meta's, and changes when Meta
        /// changes it.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub provider: Option<&'a RawValue>,
    }

    /// A file that came with a message. All of it but the id was said by a stranger or by Meta, and none of it checked.
    #[doc(alias = "MessageMedia")]
    #[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
    pub struct MediaNews {
        /// The file as `GET /v1/media/{id}` knows it.
        pub id: MediaId,
        /// As Meta says, with parameters: `audio/ogg; codecs=opus`.
        pub mime_type: String,
        /// Lower-case hex; absent where Meta does not say.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub sha256: Option<String>,
        /// Documents: the name of the person's file, without folders and control characters.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub filename: Option<String>,
        /// The words under it.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub caption: Option<String>,
        /// Audio: true where it was recorded in the chat.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub voice: Option<bool>,
        /// Where to fetch it from, within 7 days: a path of this API.
        pub url: String,
    }

    /// Why a message failed, or why it waits.
    #[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
    pub struct MessageError {
        /// Stable, for programs: `meta_refused`, `outcome_unknown` and so on.
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

    /// A channel as it is now, and what changed about it.
    #[derive(Serialize)]
    pub struct ChannelNews<'a> {
        /// The channel.
        pub id: ChannelId,
        /// The name it has in Gatepost.
        pub name: &'a str,
        /// What changed: `state`, `detail`, `quality`, `throughput`, `name` (the one that people see), `messaging_limit`.
        pub changed: &'a [&'a str],
        /// `active`, or what keeps it from sending.
        pub state: &'static str,
        /// What is wrong, in words; absent when nothing is.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub detail: Option<&'a str>,
        /// The one next action; absent when there is nothing to do.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub next_action: Option<&'a str>,
        /// The name that people see, where Meta has verified one.
        pub verified_name: Option<&'a str>,
        /// What Meta says of that name: `APPROVED`, `PENDING_REVIEW` and so on.
        pub name_status: Option<&'a str>,
        /// `GREEN`, `YELLOW`, `RED` or `UNKNOWN`, as Meta says.
        pub quality_rating: Option<&'a str>,
        /// Messages a second.
        pub throughput: i64,
        /// Meta's name of the limit of people per day: `TIER_250`, `TIER_2K` and so on.
        pub messaging_limit: Option<&'a str>,
    }

    /// A template as it is now.
    #[derive(Serialize)]
    pub struct TemplateNews<'a> {
        /// Null for a template that was made elsewhere and not synchronised yet.
        pub id: Option<TemplateId>,
        /// The WhatsApp Business account it belongs to.
        pub waba_id: &'a str,
        /// Its name; together with the language it names one template of the account.
        pub name: &'a str,
        /// As REST writes it: `en_US`.
        pub language: &'a str,
        /// Meta's word: `APPROVED`, `REJECTED`, `PAUSED` and so on.
        pub status: Option<&'a str>,
        /// Meta's word: `UTILITY`, `AUTHENTICATION`, `MARKETING`.
        pub category: Option<&'a str>,
        /// `GREEN`, `YELLOW`, `RED` or `UNKNOWN`.
        pub quality: Option<&'a str>,
        /// Meta's reason, where it gives one.
        pub reason: Option<&'a str>,
    }

    /// How a person is known from now on.
    #[derive(Serialize)]
    pub struct ContactNews {
        /// The person; null where Gatepost did not know the person before.
        pub id: Option<ContactId>,
        /// How to reach the person now.
        pub contact: Party,
        /// How it was before.
        pub previous: Party,
    }

    /// Anything else that Meta told.
    #[derive(Serialize)]
    pub struct Notification<'a> {
        /// Meta's webhook field: `account_update`, `messages` and so on.
        pub field: &'a str,
        /// Meta's own object, unchanged.
        pub value: &'a RawValue,
    }

    /// News of a webhook endpoint. Its URL stays out: paths and queries of webhooks often hold secrets.
    #[derive(Serialize)]
    pub struct EndpointNews<'a> {
        /// The endpoint.
        pub id: EndpointId,
        /// The owner's words.
        pub description: &'a str,
        /// Whether deliveries go to it.
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
}
