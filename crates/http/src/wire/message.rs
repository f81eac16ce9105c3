//! Messages.

use std::time::Duration;

use gatepost_app::MessageView;
use gatepost_core::content::{Body as Words, Content, ContentKind};
use gatepost_core::event::{MediaNews, MessageError, Party};
use gatepost_core::message::{MessageState, OnUnknown};
use gatepost_core::{ChannelId, Code, MessageId, Purpose, Recipient, Timestamp};
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::event::{MessageContact, MessageError as MessageErrorShape, MessageMedia};
use super::{content, parse};
use crate::json::{Body, Object, Value};
use crate::reply::{Made, to_json};

/// Shortest and longest time to live of a message.
const TTL_SECONDS: std::ops::RangeInclusive<u32> = 10..=30 * 86_400;

/// A message to send, as it was understood.
pub struct MessageSend {
    pub channel: Option<ChannelId>,
    pub to: Recipient,
    pub purpose: Purpose,
    pub content: Content,
    pub reply_to: Option<MessageId>,
    pub on_unknown: OnUnknown,
    pub ttl: Option<Duration>,
}

impl Body for MessageSend {
    type Shape = Shape;

    fn read(object: &mut Object<'_>) -> Option<Self> {
        let channel = object.optional("channel_id", parse::id);
        let to = object.required("to", |v| v.parse_or(Code::RecipientInvalid.as_str(), Recipient::parse));
        let purpose = object.required_or(
            "purpose",
            Code::MessagePurposeRequired.as_str(),
            Code::MessagePurposeRequired.remedy(),
            purpose,
        );
        let kind = object.optional("type", kind);
        let content = content(object, kind);
        let reply_to = object.optional("reply_to", parse::id);
        let on_unknown = object.optional("on_unknown", |v| {
            v.parse(|written| OnUnknown::parse(written).ok_or("expected fail or resend"))
        });
        let ttl = object.optional("ttl", |v| v.integer(TTL_SECONDS));
        Some(Self {
            channel: channel?,
            to: to?,
            purpose: purpose?,
            content: content?,
            reply_to: reply_to?,
            on_unknown: on_unknown?.unwrap_or_default(),
            ttl: ttl?.map(|seconds| Duration::from_secs(seconds.into())),
        })
    }
}

pub(super) fn purpose(value: Value<'_>) -> Option<Purpose> {
    let written = value.text()?;
    Purpose::parse(written).or_else(|| {
        let known: Vec<&str> = Purpose::ALL.iter().map(|purpose| purpose.as_str()).collect();
        value.wrong("invalid_value", format!("expected one of {}", known.join(", ")))
    })
}

fn kind(value: Value<'_>) -> Option<ContentKind> {
    value.parse(|written| {
        ContentKind::parse(written).ok_or_else(|| format!("expected one of {}", kinds().join(", ")))
    })
}

fn kinds() -> [&'static str; ContentKind::ALL.len()] {
    ContentKind::ALL.map(ContentKind::as_str)
}

/// The one object of a kind; `said` is the kind that `type` names.
#[expect(clippy::option_option, reason = "wrong, absent and present are three things")]
fn content(object: &mut Object<'_>, said: Option<Option<ContentKind>>) -> Option<Content> {
    let mut found = None;
    for kind in ContentKind::ALL {
        let read = object.optional(kind.as_str(), |v| content_of(kind, v));
        if matches!(read, Some(None)) {
            continue;
        }
        if let Some((first, _)) = &found {
            let detail = format!("the message has {first} already; give one of them");
            object.wrong::<()>(kind.as_str(), "invalid_value", detail);
        } else {
            found = Some((kind, read.flatten()));
        }
    }
    let wanted = said.flatten();
    let Some((kind, content)) = found else {
        let missing = wanted.unwrap_or(ContentKind::Text);
        return object.wrong(
            missing.as_str(),
            "missing",
            match wanted {
                Some(kind) => format!("a message of this type needs {kind}"),
                None => format!("give one of {}", kinds().join(", ")),
            },
        );
    };
    if wanted.is_some_and(|wanted| wanted != kind) {
        object.wrong::<()>("type", "invalid_value", format!("the message has {kind}"));
    }
    content
}

/// Meta's object; the shorthand `"text": "hello"` stands for one.
fn content_of(kind: ContentKind, value: Value<'_>) -> Option<Content> {
    if kind == ContentKind::Text && value.is_text() {
        let words = value.parse(|written| Words::parse(written.to_owned()))?;
        return Content::text(&words, false).ok();
    }
    Content::read(kind, value)
}

/// A message to send, with exactly one of the objects that Meta's messages are made of: `text`, `image`, `audio`,
/// `video`, `document`, `sticker`, `location`, `contacts`, `reaction`, `interactive` or `template`. They have Meta's
/// own shapes and limits, and are passed on as they are.
#[derive(ToSchema)]
#[schema(as = MessageSend)]
#[expect(dead_code, reason = "the schema of what MessageSend reads")]
pub struct Shape {
    /// The channel to send through; may be left out where only one can be meant.
    #[schema(example = "chn_01kagq5rh8e5htqh9sk95d3x4w")]
    channel_id: Option<String>,
    /// An international phone number, or Meta's id of a person (BSUID) such as `US.13491208655302741918`.
    #[schema(example = "+12025550101")]
    to: String,
    /// Why it is sent: `transactional`, `operational`, `support`, `internal_team`, or `authentication` with a template of
    /// that category. An operator can open others (`marketing`, `promotion`, `bulk_campaign`, `political`) for a plan.
    #[schema(example = "transactional")]
    purpose: String,
    /// The name of the object; need not be said.
    #[schema(example = "text")]
    r#type: Option<String>,
    /// The words, or an object that holds them.
    text: Option<content::Text>,
    image: Option<content::Image>,
    audio: Option<content::Audio>,
    video: Option<content::Video>,
    document: Option<content::Document>,
    sticker: Option<content::Sticker>,
    location: Option<content::Location>,
    contacts: Option<content::Contacts>,
    reaction: Option<content::Reaction>,
    interactive: Option<content::Interactive>,
    template: Option<content::Template>,
    /// The message this one replies to.
    #[schema(example = "msg_01kagq5rh8e5htqh9sk95d3x4w")]
    reply_to: Option<String>,
    /// What to do when Meta's answer was cut, so that nobody knows whether the message went out: `fail` (the default)
    /// never sends twice, `resend` may.
    on_unknown: Option<String>,
    /// Seconds for which the message may wait, 10 to 2,592,000: then it is `expired` and not sent. Without it a message
    /// waits until it can be sent.
    #[schema(value_type = Option<i64>, example = 3600)]
    ttl: Option<u64>,
}

/// A message that was read.
#[derive(ToSchema)]
pub struct MessageRead {
    /// Whether the person sees that an answer is being written: for 25 seconds, or until it comes.
    #[schema(value_type = Option<bool>, example = true)]
    pub typing: bool,
}

impl Body for MessageRead {
    type Shape = Self;

    fn read(object: &mut Object<'_>) -> Option<Self> {
        let typing = object.optional("typing", parse::boolean);
        Some(Self { typing: typing?.unwrap_or(false) })
    }
}

/// A message and where it stands.
#[derive(Serialize, ToSchema)]
pub struct Message<'a> {
    #[schema(value_type = String, example = "msg_01kagq5rh8e5htqh9sk95d3x4w")]
    id: MessageId,
    /// `test` or `live`.
    #[schema(value_type = String, example = "test")]
    mode: &'static str,
    #[schema(value_type = String, example = "chn_01kagq5rh8e5htqh9sk95d3x4w")]
    channel_id: ChannelId,
    /// `outbound` or `inbound`.
    #[schema(value_type = String, example = "outbound")]
    direction: &'static str,
    /// `queued`, `held`, `sending`, `sent`, `delivered`, `read`, `failed`, `blocked`, `expired` or `received`; states only
    /// move forward. `revoked` is reserved: be ready to meet it.
    #[schema(value_type = String, example = "queued")]
    state: MessageState,
    /// Meta's name of the object in `content`; for inbound messages whatever Meta sends.
    #[serde(rename = "type")]
    #[schema(value_type = String, example = "text")]
    kind: &'a str,
    /// Null for inbound messages.
    #[schema(value_type = Option<String>, example = "transactional")]
    purpose: Option<Purpose>,
    #[schema(value_type = MessageContact)]
    contact: &'a Party,
    /// Meta's id of the message (wamid), once there is one.
    provider_id: Option<&'a str>,
    #[schema(value_type = Option<String>)]
    reply_to: Option<MessageId>,
    /// The words, as long as content is kept: of a text or an interactive message, a caption, an emoji.
    text: Option<&'a str>,
    /// Meta's object under its `type`, as long as content is kept: as it was given, or as it came.
    #[schema(value_type = Option<serde_json::Value>)]
    content: Option<&'a RawValue>,
    /// The file that a person sent, as long as content is kept.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<MessageMedia>)]
    media: Option<&'a MediaNews>,
    /// Why it failed, or why it has to wait.
    #[schema(value_type = Option<MessageErrorShape>)]
    error: Option<&'a MessageError>,
    /// Where it has been, and when: our clock up to `sending`, Meta's from `sent` on.
    timeline: Vec<Step>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    sending_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    sent_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    delivered_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    read_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    failed_at: Option<Timestamp>,
}

/// A state that a message has reached.
#[derive(Serialize, ToSchema)]
#[schema(as = MessageStep)]
struct Step {
    #[schema(value_type = String, example = "queued")]
    state: MessageState,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
}

impl<'a> From<&'a MessageView> for Message<'a> {
    fn from(view: &'a MessageView) -> Self {
        Self {
            id: view.id,
            mode: view.mode.as_str(),
            channel_id: view.channel_id,
            direction: view.direction.as_str(),
            state: view.state,
            kind: &view.kind,
            purpose: view.purpose,
            contact: &view.contact,
            provider_id: view.provider_id.as_deref(),
            reply_to: view.reply_to,
            text: view.text.as_deref(),
            content: view.content.as_deref(),
            media: view.media.as_ref(),
            error: view.error.as_ref(),
            timeline: view.timeline().into_iter().map(|(state, at)| Step { state, at }).collect(),
            created_at: view.created_at,
            sending_at: view.sending_at,
            sent_at: view.sent_at,
            delivered_at: view.delivered_at,
            read_at: view.read_at,
            failed_at: view.failed_at,
        }
    }
}

impl Made for MessageView {
    fn location(&self) -> String {
        format!("/v1/messages/{}", self.id)
    }

    fn body(&self, _fresh: bool) -> Vec<u8> {
        to_json(&Message::from(self))
    }
}
