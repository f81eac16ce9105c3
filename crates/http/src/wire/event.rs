//! Events: the bodies of webhooks. The application writes them; these are their schemas and examples.

use gatepost_core::event::{self, API_VERSION, EventType};
use serde::Serialize;
use serde_json::{Value, json};
use utoipa::ToSchema;

/// An event: the body of a webhook, and an entry of `GET /v1/events`.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the schema of core's EventPayload, which knows nothing of OpenAPI")]
pub struct Event {
    /// The same over retries and replays.
    #[schema(example = "evt_01kagq5rh8e5htqh9sk95d3x4w")]
    id: String,
    /// `message.sent`, `message.delivered`, `message.read`, `message.played`, `message.failed`, `message.delayed`, `message.received`,
    /// `channel.updated`, `template.updated`, `contact.updated` or `channel.notification`; more may come.
    r#type: String,
    api_version: String,
    #[schema(format = DateTime)]
    created_at: String,
    workspace_id: String,
    /// `test` or `live`.
    mode: String,
    #[schema(required = true)]
    channel_id: Option<String>,
    data: EventData,
}

/// What happened: one of these.
#[derive(ToSchema)]
#[expect(dead_code, reason = "a schema")]
struct EventData {
    message: Option<MessageNews>,
    channel: Option<ChannelNews>,
    template: Option<TemplateNews>,
    contact: Option<ContactNews>,
    notification: Option<Notification>,
    endpoint: Option<EndpointNews>,
}

/// News of one message.
#[derive(ToSchema)]
#[expect(dead_code, reason = "a schema")]
struct MessageNews {
    /// Null for a status of a message that was not sent through Gatepost.
    #[schema(required = true)]
    id: Option<String>,
    /// `outbound` or `inbound`.
    direction: String,
    /// Meta's type: `text`, `template`, `image` …
    kind: Option<String>,
    /// What this event reports; the message itself may be further on already.
    state: String,
    contact: Party<'static>,
    /// Meta's id of the message (wamid).
    #[schema(required = true)]
    provider_id: Option<String>,
    /// When it happened, by Meta's clock.
    #[schema(format = DateTime)]
    occurred_at: String,
    /// The words of a text, a button or a list reply.
    text: Option<String>,
    /// The file that a person sent.
    media: Option<MessageMedia>,
    /// Meta's id of the message this one replies to.
    reply_to_provider_id: Option<String>,
    error: Option<Refusal<'static>>,
    /// Meta's own object, unchanged.
    #[schema(value_type = Option<Object>)]
    provider: Option<()>,
}

/// A file that came with a message. All of it but the id was said by a stranger or by Meta.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the schema of core's MediaNews, which knows nothing of OpenAPI")]
pub struct MessageMedia {
    #[schema(example = "med_01kagq5rh8e5htqh9sk95d3x4w")]
    id: String,
    /// As Meta says, with parameters.
    #[schema(example = "audio/ogg; codecs=opus")]
    mime_type: String,
    /// Lower-case hex.
    sha256: Option<String>,
    /// Documents: the name of the person's file, without folders and control characters.
    filename: Option<String>,
    caption: Option<String>,
    /// Audio: true where it was recorded in the chat.
    voice: Option<bool>,
    /// Where to fetch it from, within 7 days.
    #[schema(example = "/v1/media/med_01kagq5rh8e5htqh9sk95d3x4w/content")]
    url: String,
}

/// What changed about a channel.
#[derive(ToSchema)]
#[expect(dead_code, reason = "a schema")]
struct ChannelNews {
    id: String,
    /// What changed: `state`, `quality`, `throughput`, `name`, `messaging_limit`.
    changed: Vec<String>,
    state: String,
    /// What is wrong, in words.
    detail: Option<String>,
    /// The one next action.
    next_action: Option<String>,
    /// `GREEN`, `YELLOW`, `RED` or `UNKNOWN`, as Meta says.
    #[schema(required = true)]
    quality_rating: Option<String>,
    /// Messages a second.
    throughput: i64,
    /// Meta's name of the limit of people per day: `TIER_250`, `TIER_2K` …
    #[schema(required = true)]
    messaging_limit: Option<String>,
}

/// What changed about a template.
#[derive(ToSchema)]
#[expect(dead_code, reason = "a schema")]
struct TemplateNews {
    /// Null for a template that was made elsewhere and not synchronised yet.
    #[schema(required = true)]
    id: Option<String>,
    name: String,
    language: String,
    /// Meta's word: `APPROVED`, `REJECTED`, `PAUSED` …
    #[schema(required = true)]
    status: Option<String>,
    #[schema(required = true)]
    category: Option<String>,
    /// `GREEN`, `YELLOW`, `RED` or `UNKNOWN`.
    #[schema(required = true)]
    quality: Option<String>,
    /// Meta's reason, where it gives one.
    #[schema(required = true)]
    reason: Option<String>,
}

/// How a person is known from now on.
#[derive(ToSchema)]
#[expect(dead_code, reason = "a schema")]
struct ContactNews {
    /// Null where the person was not known before.
    #[schema(required = true)]
    id: Option<String>,
    contact: Party<'static>,
    previous: Party<'static>,
}

/// News of a webhook endpoint.
#[derive(ToSchema)]
#[expect(dead_code, reason = "a schema")]
struct EndpointNews {
    #[schema(example = "whk_01kagq5rh8e5htqh9sk95d3x4w")]
    id: String,
    /// The owner's words.
    description: String,
    enabled: bool,
    /// `gone` or `failing`; null on a trial.
    #[schema(required = true)]
    disabled_reason: Option<String>,
    /// Since when no attempt has succeeded.
    #[schema(required = true, format = DateTime)]
    failing_since: Option<String>,
    /// What happened last, in words.
    #[schema(required = true)]
    detail: Option<String>,
    /// The one next action.
    next_action: Option<String>,
}

/// Anything else that Meta told about a channel.
#[derive(ToSchema)]
#[expect(dead_code, reason = "a schema")]
struct Notification {
    /// Meta's webhook field: `account_update` …
    field: String,
    /// Meta's own object, unchanged.
    #[schema(value_type = Object)]
    value: (),
}

/// The other side of a message: either id may be unknown.
#[derive(Serialize, ToSchema)]
pub struct Party<'a> {
    /// E.164 with the plus.
    #[schema(example = "+12025550101")]
    phone: Option<&'a str>,
    /// Meta's business-scoped user id.
    bsuid: Option<&'a str>,
    /// The name the person chose; chosen by a stranger, so never trust it.
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
}

impl<'a> From<&'a event::Party> for Party<'a> {
    fn from(party: &'a event::Party) -> Self {
        Self { phone: party.phone.as_deref(), bsuid: party.bsuid.as_deref(), name: party.name.as_deref() }
    }
}

/// Why a message failed.
#[derive(Serialize, ToSchema)]
#[schema(as = MessageError)]
pub struct Refusal<'a> {
    /// Stable: `meta_refused`, `outcome_unknown` …
    code: &'a str,
    /// Meta's own code, where Meta said so.
    provider_code: Option<i64>,
    /// `retrying`, `needs_action` or `failed`.
    class: &'a str,
    /// What happened, in words.
    detail: &'a str,
    /// What to do about it.
    action: &'a str,
}

impl<'a> From<&'a event::MessageError> for Refusal<'a> {
    fn from(error: &'a event::MessageError) -> Self {
        Self {
            code: &error.code,
            provider_code: error.provider_code,
            class: &error.class,
            detail: &error.detail,
            action: &error.action,
        }
    }
}

/// The operation id of an event's webhook in the document.
pub const fn webhook_operation_id(event: EventType) -> &'static str {
    match event {
        EventType::MessageSent => "onMessageSent",
        EventType::MessageDelivered => "onMessageDelivered",
        EventType::MessageRead => "onMessageRead",
        EventType::MessagePlayed => "onMessagePlayed",
        EventType::MessageFailed => "onMessageFailed",
        EventType::MessageReceived => "onMessageReceived",
        EventType::MessageDelayed => "onMessageDelayed",
        EventType::ChannelUpdated => "onChannelUpdated",
        EventType::TemplateUpdated => "onTemplateUpdated",
        EventType::ContactUpdated => "onContactUpdated",
        EventType::ChannelNotification => "onChannelNotification",
        EventType::EndpointDisabled => "onEndpointDisabled",
        EventType::EndpointTest => "onEndpointTest",
    }
}

pub const fn webhook_summary(event: EventType) -> &'static str {
    match event {
        EventType::MessageSent => "An outbound message was sent on by Meta",
        EventType::MessageDelivered => "An outbound message reached the phone",
        EventType::MessageRead => "An outbound message was read",
        EventType::MessagePlayed => "An outbound voice message was listened to",
        EventType::MessageFailed => "An outbound message will not arrive",
        EventType::MessageReceived => "A person wrote to a channel",
        EventType::MessageDelayed => "An outbound message waits and is tried again",
        EventType::ChannelUpdated => "A channel changed",
        EventType::TemplateUpdated => "A template changed",
        EventType::ContactUpdated => "A person has another phone number or id",
        EventType::ChannelNotification => "Meta told something else about a channel",
        EventType::EndpointDisabled => "Gatepost stopped delivering to an endpoint",
        EventType::EndpointTest => "Somebody asked for a trial of this endpoint",
    }
}

/// An event as a receiver sees it.
pub fn event_example(event: EventType) -> Value {
    let data = match event {
        EventType::ChannelNotification => json!({ "notification": {
            "field": "account_update",
            "value": { "event": "VERIFIED_ACCOUNT" },
        }}),
        EventType::EndpointDisabled => json!({ "endpoint": {
            "id": "whk_01kagq5rh8e5htqh9sk95d3x4w",
            "description": "order desk",
            "enabled": false,
            "disabled_reason": "failing",
            "failing_since": "2026-10-29T05:54:55Z",
            "detail": "connect_refused: nothing listens at the address",
            "next_action": "mend the receiver, then enable the endpoint and replay what it missed",
        }}),
        EventType::EndpointTest => json!({ "endpoint": {
            "id": "whk_01kagq5rh8e5htqh9sk95d3x4w",
            "description": "order desk",
            "enabled": true,
            "disabled_reason": null,
            "failing_since": null,
            "detail": null,
        }}),
        EventType::ChannelUpdated => json!({ "channel": {
            "id": "chn_01kagq5rh8e5htqh9sk95d3x4w",
            "changed": ["state"],
            "state": "token_invalid",
            "detail": "the access token is not valid: give the channel a new one",
            "next_action": "give the channel a new access token",
            "quality_rating": "GREEN",
            "throughput": 80,
            "messaging_limit": "TIER_2K",
        }}),
        EventType::TemplateUpdated => json!({ "template": {
            "id": "tpl_01kagq5rh8e5htqh9sk95d3x4w",
            "name": "order_ready",
            "language": "en_US",
            "status": "APPROVED",
            "category": "UTILITY",
            "quality": null,
            "reason": null,
        }}),
        EventType::ContactUpdated => json!({ "contact": {
            "id": "con_01kagq5rh8e5htqh9sk95d3x4w",
            "contact": { "phone": "+12025550109", "bsuid": "US.13491208655302741919" },
            "previous": { "phone": "+12025550108", "bsuid": "US.13491208655302741918" },
        }}),
        EventType::MessageReceived => json!({ "message": {
            "id": "msg_01kagq5rh8e5htqh9sk95d3x4w",
            "direction": "inbound",
            "kind": "text",
            "state": "received",
            "contact": { "phone": "+12025550108", "bsuid": null, "name": "Ada" },
            "provider_id": "wamid.HBgLMTIwMjU1NTAxMDgVAgASGBQzQTdC",
            "occurred_at": "2026-11-01T09:30:00Z",
            "text": "Thank you!",
        }}),
        EventType::MessageSent
        | EventType::MessageDelivered
        | EventType::MessageRead
        | EventType::MessagePlayed
        | EventType::MessageFailed
        | EventType::MessageDelayed => {
            let mut message = json!({
                "id": "msg_01kagq5rh8e5htqh9sk95d3x4w",
                "direction": "outbound",
                "state": match event {
                    EventType::MessageDelayed => "queued",
                    EventType::MessagePlayed => "read",
                    _ => event.as_str().trim_start_matches("message."),
                },
                "contact": { "phone": "+12025550101", "bsuid": null },
                "provider_id": "wamid.HBgLMTIwMjU1NTAxMDEVAgARGBI5",
                "occurred_at": "2026-11-01T09:30:00Z",
            });
            if event == EventType::MessageFailed {
                message["error"] = json!({
                    "code": "meta_refused",
                    "provider_code": 131_026,
                    "class": "failed",
                    "detail": "The number is not on WhatsApp, or cannot take this message.",
                    "action": "Ask the person for another number.",
                });
            }
            if event == EventType::MessageDelayed {
                message["provider_id"] = Value::Null;
                message["error"] = json!({
                    "code": "meta_refused",
                    "provider_code": 131_048,
                    "class": "retrying",
                    "detail": "Spam rate limit hit",
                    "action": "Nothing at once: Gatepost tries again in hours. Look at the number's quality.",
                });
            }
            json!({ "message": message })
        }
    };
    json!({
        "id": "evt_01kagq5rh8e5htqh9sk95d3x4w",
        "type": event.as_str(),
        "api_version": API_VERSION,
        "created_at": "2026-11-01T09:30:00.4Z",
        "workspace_id": "ws_01kagq5rh8e5htqh9sk95d3x4w",
        "mode": "test",
        "channel_id": "chn_01kagq5rh8e5htqh9sk95d3x4w",
        "data": data,
    })
}
