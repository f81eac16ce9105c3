//! What events carry in `data`.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::shape::shapes;
use crate::Purpose;
use crate::id::{
    ChannelId, ContactId, EndpointId, MediaId, MessageId, PolicyEventId, ReviewId, SuppressionId, TemplateId,
    VerificationId,
};
use crate::message::MessageState;
use crate::time::Timestamp;
use crate::verification::VerificationState;

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

    /// How a person is known from now on, and whether they want to be written to.
    #[derive(Serialize)]
    pub struct ContactNews {
        /// The person; null where Gatepost did not know the person before.
        pub id: Option<ContactId>,
        /// How to reach the person now.
        pub contact: Party,
        /// How it was before, in `contact.updated`.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub previous: Option<Party>,
        /// In `contact.opted_out` and `contact.opted_in`.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub choice: Option<ChoiceNews>,
    }

    /// That a person opted out, or in again.
    #[derive(Serialize)]
    pub struct ChoiceNews {
        /// The suppression that began or ended.
        pub suppression_id: SuppressionId,
        /// How it came about: `person` (their own words or button), `manual`, `import`, `meta_preference` or
        /// `meta_refusal`.
        pub source: &'static str,
        /// The rule that understood the person's words, such as `en.keyword.stop`; never the words themselves.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub rule: Option<String>,
        /// The person's message, where there is one.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub message_id: Option<MessageId>,
        /// Queued messages to the person that will not go.
        pub withdrawn: i64,
        /// Messages to the person that were being handed to Meta at that moment: these may still arrive.
        pub in_flight: i64,
    }

    /// A decision of the guard.
    #[derive(Serialize)]
    pub struct PolicyNews<'a> {
        /// As `GET /v1/policy-events` knows it.
        pub id: PolicyEventId,
        /// `block` or `hold`.
        pub decision: &'static str,
        /// Why, as the answer to the send said it: `recipient_suppressed`, `risk_blocked` and so on.
        pub code: &'a str,
        /// The rules that spoke, the gravest first.
        pub rules: &'a [&'a str],
        /// 0 to 100; absent where no score decided.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub score: Option<i64>,
        /// Why the message was sent, as its sender said.
        pub purpose: Option<&'a str>,
        /// The message, where there is one: a send that was refused at once makes none.
        pub message_id: Option<MessageId>,
        /// Where somebody has to decide: what to decide about.
        pub review_id: Option<ReviewId>,
    }

    /// How much of a limit was used.
    #[derive(Serialize)]
    pub struct UsageNews<'a> {
        /// `workspace` or `channel`; `channel_id` beside says which.
        pub scope: &'static str,
        /// `day` or `month`.
        pub period: &'static str,
        /// The day or month in the workspace's time zone: `2026-11-21` or `2026-11`.
        pub of: &'a str,
        /// What the plan allows.
        pub limit: i64,
        /// What was used of it.
        pub used: i64,
        /// 80 or 100.
        pub percent: i64,
        /// When the next period begins.
        pub resets_at: Timestamp,
    }

    /// A verification as it is now; never its code.
    #[derive(Serialize)]
    pub struct VerificationNews<'a> {
        /// As `GET /v1/verifications/{id}` knows it.
        pub id: VerificationId,
        /// `outbound` where the code goes to the person, `inbound` where the person sends it.
        pub flow: &'static str,
        /// What this event reports.
        pub state: VerificationState,
        /// Whose number is verified, in E.164; null where nobody is known yet, and once it is not kept any more.
        pub phone: Option<&'a str>,
        /// By which channel.
        pub channel_id: ChannelId,
        /// The country of the number, two letters (ISO 3166-1), where it is known.
        pub country: Option<&'a str>,
        /// The message that carries the code, where one does.
        pub message_id: Option<MessageId>,
        /// The template that the code was sent in; null where it was sent as a text.
        pub template: Option<&'a str>,
        /// How many codes may still be tried.
        pub attempts_left: i64,
        /// What whoever began it gave along, unchanged.
        pub metadata: Option<&'a RawValue>,
        /// When it began.
        pub created_at: Timestamp,
        /// Until when its code is good.
        pub expires_at: Timestamp,
        /// When it was approved.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub verified_at: Option<Timestamp>,
        /// Why it failed: `message_failed`, `number_unreachable` (not on WhatsApp), `message_blocked`, `sender_hidden` and
        /// so on.
        #[serde(skip_serializing_if = "Option::is_none")]
        pub reason: Option<&'a str>,
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
