//! A mail as it lies before it goes: whom to, what about, text and HTML.

use std::time::{Duration, SystemTime};

use gatepost_core::EmailAddress;
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message, MultiPart, SinglePart};

use super::address::{MailName, wire};
use super::mailer::MailConfig;

/// A mail to one person.
#[derive(Clone)]
pub struct MailLetter {
    pub to: EmailAddress,
    pub subject: MailName,
    /// Plain text. Lines end in `\n`.
    pub text: String,
    /// The same as HTML.
    pub html: String,
    /// Part of the `Message-ID`, in ASCII letters, digits and `_`: the same for each try of one mail, so that a receiver
    /// that got it twice can tell.
    pub id: String,
    /// Seconds since 1970.
    pub sent_at: u64,
}

impl MailLetter {
    /// The mail as it goes over the wire: lines of less than 1,000 bytes, and ASCII where the addresses are.
    pub(super) fn write(&self, config: &MailConfig) -> Result<Message, String> {
        let mailbox = |name: Option<&MailName>, address: &EmailAddress| {
            let address = wire(address).ok_or("an address is not one")?;
            let name = name.map(|n| n.as_str().to_owned()).filter(|n| !n.is_empty());
            Ok::<_, String>(Mailbox::new(name, address))
        };
        let id: String = self.id.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
        let mut head = Message::builder()
            .date(SystemTime::UNIX_EPOCH + Duration::from_secs(self.sent_at))
            .message_id(Some(format!("<{id}@{}>", config.from.domain())))
            .from(mailbox(config.from_name.as_ref(), &config.from)?)
            .to(mailbox(None, &self.to)?)
            .subject(self.subject.as_str())
            // Vacation notices and ticket systems do not answer such a mail (RFC 3834 section 5).
            .raw_header(fixed("Auto-Submitted", "auto-generated"))
            .raw_header(fixed("X-Auto-Response-Suppress", "All"));
        if let Some(reply_to) = &config.reply_to {
            head = head.reply_to(mailbox(None, reply_to)?);
        }
        let parts = MultiPart::alternative()
            .boundary(format!("gatepost-{id}"))
            .singlepart(SinglePart::plain(self.text.clone()))
            .singlepart(SinglePart::html(self.html.clone()));
        head.multipart(parts).map_err(|e| e.to_string())
    }
}

fn fixed(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
}
