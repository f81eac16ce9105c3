//! `POST /{version}/{phone_number_id}/messages`: what goes out and what comes back (Meta, "Send messages").

use gatepost_core::Recipient;
use gatepost_core::message::OutboundMessage;
use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use super::json::{elements, pick, text, text_at};

/// The body of a send. Borrowed: it lives only until it is written.
#[derive(Clone, Copy)]
pub struct SendRequest<'a>(&'a OutboundMessage);

/// Makes the message a reply: WhatsApp shows it with a quotation of the other.
#[derive(Serialize)]
struct Context<'a> {
    message_id: &'a str,
}

impl<'a> SendRequest<'a> {
    pub const fn new(message: &'a OutboundMessage) -> Self {
        Self(message)
    }
}

/// By hand, since the name of the kind stands twice: in `type`, and as the key of Meta's object.
impl Serialize for SendRequest<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let message = self.0;
        let kind = message.content.kind().as_str();
        let mut body = serializer.serialize_map(None)?;
        body.serialize_entry("messaging_product", "whatsapp")?;
        body.serialize_entry("recipient_type", "individual")?;
        match &message.to {
            // Digits with the country code; Meta reads it with and without a plus.
            Recipient::Phone(phone) => body.serialize_entry("to", phone.digits())?,
            Recipient::Bsuid(bsuid) => body.serialize_entry("recipient", bsuid.as_str())?,
        }
        if let Some(message_id) = message.reply_to.as_deref() {
            body.serialize_entry("context", &Context { message_id })?;
        }
        body.serialize_entry("type", kind)?;
        body.serialize_entry(kind, message.content.object())?;
        // Our id: it comes back in every status, and is how a send whose answer was cut is recognised.
        body.serialize_entry("biz_opaque_callback_data", &message.id)?;
        body.end()
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
