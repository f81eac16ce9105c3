//! An example of every event: for the documents, and for events that are triggered for a test.

use std::time::Duration;

use serde_json::Value;
use serde_json::value::RawValue;

use super::data::{
    ChannelNews, ChoiceNews, ContactNews, EndpointNews, MediaNews, MessageError, MessageNews, Notification,
    Party, PolicyNews, TemplateNews, UsageNews, VerificationNews,
};
use super::payload::{EventData, EventPayload};
use super::{API_VERSION, EventSubject, EventType};
use crate::endpoint::DisabledReason;
use crate::id::{
    ChannelId, ContactId, EndpointId, EventId, MediaId, MessageId, PolicyEventId, ReviewId, SuppressionId,
    TemplateId, VerificationId, WorkspaceId,
};
use crate::message::MessageState;
use crate::time::Timestamp;
use crate::verification::{TRIES_MAX, TTL_DEFAULT, VerificationState};
use crate::{Entropy, Purpose};

/// The id of whatever stands in the documents, without its prefix `01kagq5rh8e5htqh9sk95d3x4w`.
const DOCUMENTED: uuid::Uuid = uuid::Uuid::from_u128(0x019a_a172_e228_7163_abc5_399a_4ad1_f49c);
/// 2026-11-01T09:30:00Z.
const DOCUMENTED_AT: Timestamp = Timestamp::from_seconds(1_793_525_400);

/// How long a schedule lasts, about.
const FAILED_FOR: Duration = Duration::from_hours(75);

const PHONE: &str = "+12025550101";
const WAMID: &str = "wamid.HBgLMTIwMjU1NTAxMDEVAgARGBI5";
const WAMID_BEFORE: &str = "wamid.HBgLMTIwMjU1NTAxMDEVAgARGBIz";

/// Who and what the examples speak of. Their people have numbers that are nobody's (555-01xx).
pub struct Cast {
    pub workspace: WorkspaceId,
    /// Where the example is about a channel or came through one.
    pub channel: CastChannel,
    pub message: MessageId,
    /// The message that `message` replies to.
    pub earlier: MessageId,
    pub template: TemplateId,
    pub contact: ContactId,
    pub endpoint: EndpointId,
    pub suppression: SuppressionId,
    pub review: ReviewId,
    pub policy_event: PolicyEventId,
    pub verification: VerificationId,
    /// When it happens.
    pub at: Timestamp,
    file: MediaNews,
}

/// The channel that examples speak of.
pub struct CastChannel {
    pub id: ChannelId,
    pub name: String,
    pub waba_id: String,
    pub throughput: i64,
}

impl Cast {
    /// That of the documents.
    pub fn documented() -> Self {
        Self {
            workspace: WorkspaceId::from_uuid(DOCUMENTED),
            channel: CastChannel {
                id: ChannelId::from_uuid(DOCUMENTED),
                name: "Orders".to_owned(),
                waba_id: "102290129340398".to_owned(),
                throughput: 80,
            },
            message: MessageId::from_uuid(DOCUMENTED),
            earlier: MessageId::from_uuid(DOCUMENTED),
            template: TemplateId::from_uuid(DOCUMENTED),
            contact: ContactId::from_uuid(DOCUMENTED),
            endpoint: EndpointId::from_uuid(DOCUMENTED),
            suppression: SuppressionId::from_uuid(DOCUMENTED),
            review: ReviewId::from_uuid(DOCUMENTED),
            policy_event: PolicyEventId::from_uuid(DOCUMENTED),
            verification: VerificationId::from_uuid(DOCUMENTED),
            at: DOCUMENTED_AT,
            file: file(MediaId::from_uuid(DOCUMENTED)),
        }
    }

    /// One of new ids, in a workspace and of a channel.
    pub fn new(workspace: WorkspaceId, channel: CastChannel, now: Timestamp, entropy: &dyn Entropy) -> Self {
        Self {
            workspace,
            channel,
            message: MessageId::new(now, entropy),
            earlier: MessageId::new(now, entropy),
            template: TemplateId::new(now, entropy),
            contact: ContactId::new(now, entropy),
            endpoint: EndpointId::new(now, entropy),
            suppression: SuppressionId::new(now, entropy),
            review: ReviewId::new(now, entropy),
            policy_event: PolicyEventId::new(now, entropy),
            verification: VerificationId::new(now, entropy),
            at: now,
            file: file(MediaId::new(now, entropy)),
        }
    }

    /// What an event of this type could carry.
    pub fn data(&self, event: EventType) -> EventData<'_> {
        match event {
            EventType::MessageSent => self.outbound(MessageState::Sent),
            EventType::MessageDelivered => self.outbound(MessageState::Delivered),
            EventType::MessageRead | EventType::MessagePlayed => self.outbound(MessageState::Read),
            EventType::MessageFailed => self.refused(
                MessageState::Failed,
                131_026,
                "failed",
                "Message undeliverable: the number is not on WhatsApp, or cannot take this message.",
                "Ask the person for another number.",
            ),
            EventType::MessageDelayed => self.refused(
                MessageState::Queued,
                131_048,
                "retrying",
                "Spam rate limit hit",
                "Nothing at once: Gatepost tries again in hours. Look at the number's quality.",
            ),
            EventType::MessageReceived => self.received(),
            EventType::ChannelUpdated => self.channel(),
            EventType::TemplateUpdated => self.template(),
            EventType::ContactUpdated => EventData::Contact(ContactNews {
                id: Some(self.contact),
                contact: party("+12025550109", Some("US.13491208655302741919")),
                previous: Some(party(PHONE, Some("US.13491208655302741918"))),
                choice: None,
            }),
            EventType::ContactOptedOut => self.choice(ChoiceNews {
                suppression_id: self.suppression,
                source: "person",
                rule: Some("en.keyword.stop".to_owned()),
                message_id: Some(self.message),
                withdrawn: 2,
                in_flight: 0,
            }),
            EventType::ContactOptedIn => self.choice(ChoiceNews {
                suppression_id: self.suppression,
                source: "person",
                rule: Some("en.keyword.start".to_owned()),
                message_id: Some(self.message),
                withdrawn: 0,
                in_flight: 0,
            }),
            EventType::PolicyBlocked => EventData::Policy(PolicyNews {
                id: self.policy_event,
                decision: "block",
                code: "recipient_suppressed",
                rules: &["suppression"],
                score: None,
                purpose: Some("support"),
                message_id: None,
                review_id: None,
            }),
            EventType::PolicyHeld => EventData::Policy(PolicyNews {
                id: self.policy_event,
                decision: "hold",
                code: "risk_held",
                rules: &["link_shortener", "identical_text"],
                score: Some(72),
                purpose: Some("operational"),
                message_id: Some(self.message),
                review_id: Some(self.review),
            }),
            EventType::MessageExpired => EventData::Message(Box::new(MessageNews {
                provider_id: None,
                error: Some(MessageError {
                    code: "message_expired".to_owned(),
                    provider_code: None,
                    class: "failed".to_owned(),
                    detail: "its ttl was over before it could be sent".to_owned(),
                    action: "Send it again if it still matters, with a longer ttl: nothing was sent."
                        .to_owned(),
                }),
                ..self.message(MessageState::Expired)
            })),
            EventType::UsageReached => EventData::Usage(UsageNews {
                scope: "workspace",
                period: "month",
                of: "2026-11",
                limit: 10_000,
                used: 8_000,
                percent: 80,
                // 2026-12-01T00:00:00Z
                resets_at: Timestamp::from_seconds(1_796_083_200),
            }),
            EventType::VerificationCreated
            | EventType::VerificationSent
            | EventType::VerificationDelivered => self.verification(VerificationState::Pending),
            EventType::VerificationApproved => self.verification(VerificationState::Approved),
            EventType::VerificationExpired => self.verification(VerificationState::Expired),
            EventType::VerificationBlocked => self.verification(VerificationState::Blocked),
            EventType::VerificationFailed => self.verification(VerificationState::Failed),
            EventType::ChannelNotification => EventData::Notification(Notification {
                field: "account_update",
                value: raw(r#"{"event":"VERIFIED_ACCOUNT"}"#),
            }),
            EventType::EndpointDisabled => EventData::Endpoint(EndpointNews {
                enabled: false,
                disabled_reason: Some(DisabledReason::Failing.as_str()),
                failing_since: Some(self.at.minus(FAILED_FOR)),
                detail: Some("connect_failed: nothing listens at the address"),
                next_action: Some(
                    "Repair the endpoint, enable it again, and replay what it missed: nothing of it is lost for thirty days.",
                ),
                ..self.endpoint()
            }),
            EventType::EndpointTest => EventData::Endpoint(self.endpoint()),
        }
    }

    fn choice(&self, choice: ChoiceNews) -> EventData<'_> {
        EventData::Contact(ContactNews {
            id: Some(self.contact),
            contact: party(PHONE, Some("US.13491208655302741918")),
            previous: None,
            choice: Some(choice),
        })
    }

    /// Further shapes that an event may have, by name.
    pub fn variants(&self, event: EventType) -> Vec<(&'static str, EventData<'_>)> {
        match event {
            EventType::MessageReceived => vec![("reply", self.reply()), ("file", self.file())],
            EventType::MessageFailed => vec![("outcome_unknown", self.unknown())],
            _ => Vec::new(),
        }
    }

    /// The whole event around `data`, as it is delivered.
    pub fn payload<'a>(&'a self, event: EventType, data: EventData<'a>) -> EventPayload<'a> {
        EventPayload {
            id: EventId::from_uuid(DOCUMENTED),
            event_type: event,
            api_version: API_VERSION,
            created_at: self.at.plus(Duration::from_millis(400)),
            workspace_id: self.workspace,
            mode: "test",
            channel_id: self.channel_of(event),
            data: Some(data),
        }
    }

    /// The channel that an event of this type names.
    pub const fn channel_of(&self, event: EventType) -> Option<ChannelId> {
        match event.subject() {
            EventSubject::Endpoint | EventSubject::Usage => None,
            _ => Some(self.channel.id),
        }
    }

    fn verification(&self, state: VerificationState) -> EventData<'_> {
        EventData::Verification(Box::new(VerificationNews {
            id: self.verification,
            flow: "outbound",
            state,
            phone: Some(PHONE),
            channel_id: self.channel.id,
            country: Some("US"),
            message_id: Some(self.message),
            template: Some("sign_in_code"),
            attempts_left: if state == VerificationState::Pending { i64::from(TRIES_MAX) } else { 0 },
            metadata: Some(raw(r#"{"session":"s_81"}"#)),
            created_at: self.at,
            expires_at: self.at.plus(TTL_DEFAULT),
            verified_at: (state == VerificationState::Approved)
                .then(|| self.at.plus(Duration::from_secs(21))),
            reason: (state == VerificationState::Failed).then_some("message_failed"),
        }))
    }

    const fn endpoint(&self) -> EndpointNews<'_> {
        EndpointNews {
            id: self.endpoint,
            description: "order desk",
            enabled: true,
            disabled_reason: None,
            failing_since: None,
            detail: None,
            next_action: None,
        }
    }

    fn message(&self, state: MessageState) -> MessageNews<'_> {
        MessageNews {
            id: Some(self.message),
            direction: "outbound",
            kind: None,
            purpose: None,
            state,
            contact: party(PHONE, None),
            provider_id: Some(WAMID),
            occurred_at: self.at,
            text: None,
            media: None,
            reply_to: None,
            reply_to_provider_id: None,
            error: None,
            provider: None,
        }
    }

    fn outbound(&self, state: MessageState) -> EventData<'_> {
        let provider = match state {
            MessageState::Sent => {
                r#"{"id":"wamid.HBgLMTIwMjU1NTAxMDEVAgARGBI5","status":"sent","timestamp":"1793525400","recipient_id":"12025550101","pricing":{"billable":true,"pricing_model":"PMP","category":"utility","type":"regular"}}"#
            }
            MessageState::Delivered => {
                r#"{"id":"wamid.HBgLMTIwMjU1NTAxMDEVAgARGBI5","status":"delivered","timestamp":"1793525400","recipient_id":"12025550101"}"#
            }
            _ => {
                r#"{"id":"wamid.HBgLMTIwMjU1NTAxMDEVAgARGBI5","status":"read","timestamp":"1793525400","recipient_id":"12025550101"}"#
            }
        };
        EventData::Message(Box::new(MessageNews { provider: Some(raw(provider)), ..self.message(state) }))
    }

    fn refused(
        &self,
        state: MessageState,
        code: i64,
        class: &str,
        detail: &str,
        action: &str,
    ) -> EventData<'_> {
        EventData::Message(Box::new(MessageNews {
            kind: Some("template"),
            purpose: Some(Purpose::Transactional),
            provider_id: None,
            error: Some(MessageError {
                code: "meta_refused".to_owned(),
                provider_code: Some(code),
                class: class.to_owned(),
                detail: detail.to_owned(),
                action: action.to_owned(),
            }),
            ..self.message(state)
        }))
    }

    fn unknown(&self) -> EventData<'_> {
        EventData::Message(Box::new(MessageNews {
            kind: Some("text"),
            purpose: Some(Purpose::Support),
            provider_id: None,
            error: Some(MessageError {
                code: "outcome_unknown".to_owned(),
                provider_code: None,
                class: "needs_action".to_owned(),
                detail: "Meta's answer was cut and no status came: the message may have arrived or not"
                    .to_owned(),
                action: "Ask the person, or send again and accept that it may arrive twice.".to_owned(),
            }),
            ..self.message(MessageState::Failed)
        }))
    }

    fn inbound<'a>(&'a self, kind: &'a str, provider: &'a str) -> MessageNews<'a> {
        MessageNews {
            direction: "inbound",
            kind: Some(kind),
            contact: Party { name: Some("Ada".to_owned()), ..party(PHONE, Some("US.13491208655302741918")) },
            provider: Some(raw(provider)),
            ..self.message(MessageState::Received)
        }
    }

    fn received(&self) -> EventData<'_> {
        let provider = r#"{"from":"12025550101","id":"wamid.HBgLMTIwMjU1NTAxMDEVAgARGBI5","timestamp":"1793525400","type":"text","text":{"body":"When do you open?"}}"#;
        let news = MessageNews { text: Some("When do you open?"), ..self.inbound("text", provider) };
        EventData::Message(Box::new(news))
    }

    fn reply(&self) -> EventData<'_> {
        let provider = r#"{"context":{"from":"12025550199","id":"wamid.HBgLMTIwMjU1NTAxMDEVAgARGBIz"},"from":"12025550101","id":"wamid.HBgLMTIwMjU1NTAxMDEVAgARGBI5","timestamp":"1793525400","type":"button","button":{"payload":"CONFIRM","text":"Confirm"}}"#;
        EventData::Message(Box::new(MessageNews {
            text: Some("Confirm"),
            reply_to: Some(self.earlier),
            reply_to_provider_id: Some(WAMID_BEFORE),
            ..self.inbound("button", provider)
        }))
    }

    fn file(&self) -> EventData<'_> {
        let provider = r#"{"from":"12025550101","id":"wamid.HBgLMTIwMjU1NTAxMDEVAgARGBI5","timestamp":"1793525400","type":"document","document":{"filename":"order.pdf","mime_type":"application/pdf","sha256":"n4bQgYhMfWWaL-qgxVrQFaO_TxsrC4Is0V1sFbDwCgg=","id":"1166846181421424"}}"#;
        let news = MessageNews { media: Some(&self.file), ..self.inbound("document", provider) };
        EventData::Message(Box::new(news))
    }

    fn channel(&self) -> EventData<'_> {
        EventData::Channel(ChannelNews {
            id: self.channel.id,
            name: &self.channel.name,
            changed: &["state"],
            state: "token_invalid",
            detail: Some("Meta refuses the access token"),
            next_action: Some("give the channel a new access token"),
            verified_name: Some("Example Ltd"),
            name_status: Some("APPROVED"),
            quality_rating: Some("GREEN"),
            throughput: self.channel.throughput,
            messaging_limit: Some("TIER_2K"),
        })
    }

    fn template(&self) -> EventData<'_> {
        EventData::Template(TemplateNews {
            id: Some(self.template),
            waba_id: &self.channel.waba_id,
            name: "order_ready",
            language: "en_US",
            status: Some("APPROVED"),
            category: Some("UTILITY"),
            quality: None,
            reason: None,
        })
    }
}

impl EventType {
    /// Examples of this event as it is written, over several lines, by name; the first is the plain one.
    pub fn written_examples(self) -> Vec<(&'static str, String)> {
        let cast = Cast::documented();
        let plain = std::iter::once(("default", cast.data(self)));
        plain
            .chain(cast.variants(self))
            // Texts, numbers and Meta's objects: they always serialise.
            .map(|(name, data)| {
                (name, serde_json::to_string_pretty(&cast.payload(self, data)).unwrap_or_default())
            })
            .collect()
    }

    /// The same examples as values.
    pub fn examples(self) -> Vec<(&'static str, Value)> {
        let read =
            |(name, text): (&'static str, String)| (name, serde_json::from_str(&text).unwrap_or_default());
        self.written_examples().into_iter().map(read).collect()
    }

    /// The plain example of this event.
    pub fn example(self) -> Value {
        self.examples().swap_remove(0).1
    }
}

fn party(phone: &str, bsuid: Option<&str>) -> Party {
    Party { phone: Some(phone.to_owned()), bsuid: bsuid.map(str::to_owned), name: None }
}

fn file(id: MediaId) -> MediaNews {
    MediaNews {
        id,
        mime_type: "application/pdf".to_owned(),
        sha256: Some("9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".to_owned()),
        filename: Some("order.pdf".to_owned()),
        caption: None,
        voice: None,
        url: format!("/v1/media/{id}/content"),
    }
}

/// An object of Meta's, written here; a slip of the pen would show up as null in every test of the examples.
fn raw(text: &str) -> &RawValue {
    serde_json::from_str(text).unwrap_or(RawValue::NULL)
}
