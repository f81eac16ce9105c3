//! `POST /{version}/{phone_number_id}/messages`: what goes out and what comes back (Meta, "Send messages").

use gatepost_core::MessageId;
use gatepost_core::content::Content;
use gatepost_core::message::OutboundMessage;
use serde::Serialize;
use serde_json::value::RawValue;

use super::json::{elements, pick, text, text_at};

/// The body of a send. Borrowed: it lives only until it is written.
#[derive(Serialize)]
pub struct SendRequest<'a> {
    messaging_product: &'static str,
    recipient_type: &'static str,
    /// Digits with the country code; Meta reads it with and without a plus.
    to: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    context: Option<Context<'a>>,
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(flatten)]
    object: Object<'a>,
    /// Our id: it comes back in every status, and is how a send whose answer was cut is recognised.
    biz_opaque_callback_data: MessageId,
}

/// Makes the message a reply: WhatsApp shows it with a quotation of the other.
#[derive(Serialize)]
struct Context<'a> {
    message_id: &'a str,
}

/// Under the name of its type, as Meta has it. Serialised by hand-picked names rather than a tag, since the name
/// stands twice: in `type` and as the key.
#[derive(Serialize)]
#[serde(rename_all = "snake_case")]
enum Object<'a> {
    Text { preview_url: bool, body: &'a str },
    Template(Template<'a>),
}

#[derive(Serialize)]
struct Template<'a> {
    name: &'a str,
    language: Language<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    components: Option<&'a RawValue>,
}

#[derive(Serialize)]
struct Language<'a> {
    code: &'a str,
}

impl<'a> SendRequest<'a> {
    pub fn new(message: &'a OutboundMessage) -> Self {
        Self {
            messaging_product: "whatsapp",
            recipient_type: "individual",
            to: message.to.digits(),
            context: message.reply_to.as_deref().map(|message_id| Context { message_id }),
            kind: message.content.kind(),
            object: match &message.content {
                Content::Text { body, preview_url } => {
                    Object::Text { preview_url: *preview_url, body: body.as_str() }
                }
                Content::Template { name, language, components } => Object::Template(Template {
                    name: name.as_str(),
                    language: Language { code: language.as_str() },
                    components: components.as_deref(),
                }),
            },
            biz_opaque_callback_data: message.id,
        }
    }
}

/// Meta's answer to a send it accepted. Accepted is not delivered: that comes by callback.
///
/// No `Debug`: it names the recipient.
#[derive(Clone, PartialEq, Eq)]
pub struct SendAnswer {
    /// Meta's id of the message.
    pub wamid: String,
    /// The recipient as WhatsApp knows it: digits, which may differ from those sent to.
    pub wa_id: Option<String>,
    /// The recipient's BSUID.
    pub user_id: Option<String>,
    /// Templates only: `accepted`, `held_for_quality_assessment` or `paused`.
    pub message_status: Option<String>,
}

impl SendAnswer {
    /// `None` when the body names no message: then nobody can say whether one was sent.
    pub fn read(body: &[u8]) -> Option<Self> {
        let body = std::str::from_utf8(body).ok()?;
        let [messages, contacts] = pick(body, &["messages", "contacts"])?;
        let message = *elements(messages?.get(), 16).ok()?.first()?;
        let [id, status] = pick(message.get(), &["id", "message_status"])?;
        let contact = contacts.and_then(|c| elements(c.get(), 16).ok()?.first().copied());
        let of_contact = |key: &str| contact.and_then(|c| text_at(c.get(), &[key]));
        Some(Self {
            wamid: id.and_then(text).filter(|id| !id.is_empty())?,
            wa_id: of_contact("wa_id"),
            user_id: of_contact("user_id"),
            message_status: status.and_then(text),
        })
    }
}
