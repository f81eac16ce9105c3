//! Messages.

use gatepost_app::MessageView;
use gatepost_core::content::{Body as Words, Content, ContentKind, LanguageCode, TemplateName};
use gatepost_core::message::{MessageState, OnUnknown};
use gatepost_core::purpose::InvalidPurpose;
use gatepost_core::{ChannelId, Code, MessageId, Purpose, Recipient, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use super::event::{Party, Refusal};
use super::parse;
use crate::json::{Body, Object, Value};
use crate::reply::{Made, to_json};

/// A message to send, as it was understood.
pub struct MessageSend {
    pub channel: Option<ChannelId>,
    pub to: Recipient,
    pub purpose: Purpose,
    pub content: Content,
    pub reply_to: Option<MessageId>,
    pub on_unknown: OnUnknown,
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
        let text = object.optional("text", text);
        let template = object.optional("template", template);
        let reply_to = object.optional("reply_to", parse::id);
        let on_unknown = object.optional("on_unknown", |v| {
            v.parse(|written| OnUnknown::parse(written).ok_or("expected fail or resend"))
        });
        let content = match (text?, template?) {
            (Some(content), None) | (None, Some(content)) => content,
            (None, None) => return object.wrong("text", "missing", "give text or template"),
            (Some(_), Some(_)) => {
                return object.wrong("template", "invalid_value", "give text or template, not both");
            }
        };
        if kind?.is_some_and(|kind| kind != content.kind().as_str()) {
            return object.wrong("type", "invalid_value", format!("the message has {}", content.kind()));
        }
        Some(Self {
            channel: channel?,
            to: to?,
            purpose: purpose?,
            content,
            reply_to: reply_to?,
            on_unknown: on_unknown?.unwrap_or_default(),
        })
    }
}

fn purpose(value: Value<'_>) -> Option<Purpose> {
    match Purpose::parse(value.text()?) {
        Ok(purpose) => Some(purpose),
        Err(InvalidPurpose::NotAllowed) => {
            value.wrong(Code::MessagePurposeNotAllowed.as_str(), Code::MessagePurposeNotAllowed.remedy())
        }
        Err(InvalidPurpose::Unknown) => {
            let known: Vec<&str> = Purpose::ALL.iter().map(|purpose| purpose.as_str()).collect();
            value.wrong("invalid_value", format!("expected one of {}", known.join(", ")))
        }
    }
}

fn kind(value: Value<'_>) -> Option<&'static str> {
    value.parse(|written| {
        ["text", "template"].into_iter().find(|kind| *kind == written).ok_or("expected text or template")
    })
}

/// The shorthand `"text": "hello"`, or Meta's object.
fn text(value: Value<'_>) -> Option<Content> {
    let words = |value: Value<'_>| value.parse(|written| Words::parse(written.to_owned()));
    if value.is_text() {
        return Content::text(&words(value)?, false).ok();
    }
    value.object(|object| {
        let body = object.required("body", words);
        let preview_url = object.optional("preview_url", parse::boolean);
        Content::text(&body?, preview_url?.unwrap_or(false)).ok()
    })
}

fn template(value: Value<'_>) -> Option<Content> {
    value.object(|object| {
        let name = object.required("name", |v| v.parse(|written| TemplateName::parse(written.to_owned())));
        let language = object.required("language", |v| {
            v.object(|language| {
                language.required("code", |v| v.parse(|written| LanguageCode::parse(written.to_owned())))
            })
        });
        let components = object.optional("components", |v| v.raw());
        (name?, language?, components?);
        Some(())
    })?;
    match Content::read(ContentKind::Template, value.raw()?) {
        Ok(content) => Some(content),
        Err(errors) => {
            let details: Vec<String> = errors.into_iter().map(|error| error.detail).collect();
            value.wrong("invalid_value", details.join("; "))
        }
    }
}

/// A message to send: `text` or `template`.
#[derive(ToSchema)]
#[schema(as = MessageSend)]
#[expect(dead_code, reason = "the schema of what MessageSend reads")]
pub struct Shape {
    /// The channel to send through; may be left out where only one can be meant.
    #[schema(example = "chn_01kagq5rh8e5htqh9sk95d3x4w")]
    channel_id: Option<String>,
    /// An international phone number.
    #[schema(example = "+12025550101")]
    to: String,
    /// Why it is sent: `authentication`, `transactional`, `operational`, `support` or `internal_team`.
    #[schema(example = "transactional")]
    purpose: String,
    /// `text` or `template`; need not be said.
    r#type: Option<String>,
    /// The words, or an object that holds them.
    text: Option<TextShape>,
    template: Option<TemplateShape>,
    /// The message this one replies to.
    #[schema(example = "msg_01kagq5rh8e5htqh9sk95d3x4w")]
    reply_to: Option<String>,
    /// What to do when Meta's answer was cut, so that nobody knows whether the message went out: `fail` (the default)
    /// never sends twice, `resend` may.
    on_unknown: Option<String>,
}

/// A text message: 1 to 4096 characters.
#[derive(ToSchema)]
#[schema(as = Text)]
#[serde(untagged)]
#[expect(dead_code, reason = "the schema of what `text` takes")]
enum TextShape {
    Words(String),
    Object {
        /// 1 to 4096 characters.
        body: String,
        /// Whether WhatsApp shows a preview of the first link; false where it is not said.
        preview_url: Option<bool>,
    },
}

/// An approved template, in Meta's form.
#[derive(ToSchema)]
#[schema(as = Template)]
#[expect(dead_code, reason = "the schema of what `template` takes")]
struct TemplateShape {
    /// 1 to 512 of a-z, 0-9 and _.
    #[schema(example = "order_ready")]
    name: String,
    language: LanguageShape,
    /// Meta's components array, passed on unchanged.
    #[schema(value_type = Option<Vec<Object>>)]
    components: Option<()>,
}

/// The language of a template, as Meta names it.
#[derive(ToSchema)]
#[schema(as = TemplateLanguage)]
#[expect(dead_code, reason = "the schema of what `language` takes")]
struct LanguageShape {
    #[schema(example = "en_US")]
    code: String,
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
    /// `queued`, `sending`, `sent`, `delivered`, `read`, `failed` or `received`; states only move forward.
    #[schema(value_type = String, example = "queued")]
    state: MessageState,
    /// `text`, `template`, and for inbound messages whatever Meta sends.
    #[serde(rename = "type")]
    #[schema(value_type = String, example = "text")]
    kind: &'a str,
    /// Null for inbound messages.
    #[schema(value_type = Option<String>, example = "transactional")]
    purpose: Option<Purpose>,
    contact: Party<'a>,
    /// Meta's id of the message (wamid), once there is one.
    provider_id: Option<&'a str>,
    #[schema(value_type = Option<String>)]
    reply_to: Option<MessageId>,
    /// The words, as long as content is kept.
    text: Option<&'a str>,
    /// Why it failed.
    error: Option<Refusal<'a>>,
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
            contact: (&view.contact).into(),
            provider_id: view.provider_id.as_deref(),
            reply_to: view.reply_to,
            text: view.text.as_deref(),
            error: view.error.as_ref().map(Refusal::from),
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
