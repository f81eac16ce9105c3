//! Callback bodies, in Meta's shape and order of keys (Meta, "Webhooks: messages" and "Status messages").

use std::collections::{HashMap, HashSet};

use serde::{Serialize, Serializer};

use super::ascii::to_ascii_json;
use super::news::{News, Reached, Said, Sent, What, Words};
use super::world::Number;

#[derive(Serialize)]
struct Body<'a> {
    object: &'static str,
    entry: Vec<Entry<'a>>,
}

#[derive(Serialize)]
struct Entry<'a> {
    id: &'a str,
    /// Unix seconds; news of messaging carry their own.
    #[serde(skip_serializing_if = "Option::is_none")]
    time: Option<i64>,
    changes: Vec<Change<'a>>,
}

#[derive(Serialize)]
struct Change<'a> {
    value: Content<'a>,
    field: &'a str,
}

/// What a change says: built here for messages, told as it stands for all else.
#[derive(Serialize)]
#[serde(untagged)]
enum Content<'a> {
    Messages(Value<'a>),
    Other(&'a serde_json::Value),
}

#[derive(Serialize)]
struct Value<'a> {
    messaging_product: &'static str,
    metadata: Metadata<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    contacts: Vec<Contact<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    statuses: Vec<Status<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    messages: Vec<Message<'a>>,
    /// The BSUIDs among `contacts`.
    #[serde(skip)]
    named: HashSet<&'a str>,
}

#[derive(Serialize)]
struct Metadata<'a> {
    display_phone_number: &'a str,
    phone_number_id: &'a str,
}

#[derive(Serialize)]
struct Contact<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    profile: Option<Profile<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    wa_id: Option<&'a str>,
    user_id: &'a str,
}

#[derive(Serialize)]
struct Profile<'a> {
    name: &'a str,
}

#[derive(Serialize)]
struct Status<'a> {
    id: &'a str,
    #[serde(rename = "status")]
    reached: &'static str,
    timestamp: Seconds,
    #[serde(skip_serializing_if = "Option::is_none")]
    recipient_id: Option<&'a str>,
    recipient_user_id: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    biz_opaque_callback_data: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pricing: Option<Pricing>,
    #[serde(skip_serializing_if = "Option::is_none")]
    errors: Option<[Failed; 1]>,
}

#[derive(Serialize)]
struct Pricing {
    billable: bool,
    #[serde(rename = "pricing_model")]
    model: &'static str,
    category: &'static str,
    #[serde(rename = "type")]
    kind: &'static str,
}

#[derive(Serialize)]
struct Failed {
    code: u32,
    title: &'static str,
    message: &'static str,
    error_data: Details,
    href: &'static str,
}

#[derive(Serialize)]
struct Details {
    details: &'static str,
}

#[derive(Serialize)]
struct Message<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    context: Option<Context<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<&'a str>,
    from_user_id: &'a str,
    id: &'a str,
    timestamp: Seconds,
    #[serde(flatten)]
    words: Spoken<'a>,
    #[serde(rename = "type")]
    kind: &'a str,
}

/// The fields that belong to a message's kind.
#[derive(Serialize)]
#[serde(untagged)]
enum Spoken<'a> {
    Text { text: Text<'a> },
    Other(&'a serde_json::Map<String, serde_json::Value>),
}

#[derive(Serialize)]
struct Context<'a> {
    from: &'a str,
    id: &'a str,
}

#[derive(Serialize)]
struct Text<'a> {
    body: &'a str,
}

/// Unix seconds as a string, as Meta writes them.
struct Seconds(i64);

impl Serialize for Seconds {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

/// Why a message failed, in Meta's words.
const fn failed(code: u32) -> Failed {
    let (title, details) = match code {
        131_047 => (
            "Re-engagement message",
            "Message failed to send because more than 24 hours have passed since the customer last replied to this number.",
        ),
        131_049 => (
            "This message was not delivered to maintain healthy ecosystem engagement.",
            "In order to maintain a healthy ecosystem engagement, the message failed to be delivered.",
        ),
        131_050 => (
            "Unable to deliver the message. This recipient has chosen to stop receiving marketing messages on WhatsApp from your business",
            "The recipient has chosen to stop receiving marketing messages.",
        ),
        131_026 => ("Message undeliverable", "Message Undeliverable."),
        _ => ("Something went wrong", "Message failed to send due to an unknown error."),
    };
    Failed {
        code,
        title,
        message: title,
        error_data: Details { details },
        href: "https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes/",
    }
}

/// Where a piece of news goes: its account, its number and its kind.
type Place<'a> = (&'a str, &'a str, By);

#[derive(PartialEq, Eq, Hash)]
enum By {
    Meta,
    Person,
}

/// The body that tells `batch`: an entry for each account, a change for each number and kind of news.
pub(super) fn callback(batch: &[News]) -> Option<Vec<u8>> {
    let mut entries: Vec<Entry<'_>> = Vec::new();
    let mut places: HashMap<Place<'_>, (usize, usize)> = HashMap::new();
    let mut entry_of: HashMap<&str, usize> = HashMap::new();
    for news in batch {
        let number = news.number.as_ref();
        let at = *entry_of.entry(&number.waba_id).or_insert_with(|| {
            entries.push(Entry { id: &number.waba_id, time: None, changes: Vec::new() });
            entries.len() - 1
        });
        let Some(entry) = entries.get_mut(at) else { continue };
        let by = match &news.what {
            What::Status { .. } => By::Meta,
            What::Said(_) => By::Person,
            What::Field { field, value } => {
                entry.time = Some(seconds(news).0);
                entry.changes.push(Change { value: Content::Other(value), field });
                continue;
            }
            // Becomes a field when it is due.
            What::Review(_) => continue,
        };
        let key = (number.waba_id.as_str(), number.phone_number_id.as_str(), by);
        let (_, change) = *places.entry(key).or_insert_with(|| (at, push_change(&mut entry.changes, number)));
        if let Some(Change { value: Content::Messages(value), .. }) = entry.changes.get_mut(change) {
            value.add(news);
        }
    }
    to_ascii_json(&Body { object: "whatsapp_business_account", entry: entries })
}

fn push_change<'a>(changes: &mut Vec<Change<'a>>, number: &'a Number) -> usize {
    let value = Value {
        messaging_product: "whatsapp",
        metadata: Metadata { display_phone_number: &number.digits, phone_number_id: &number.phone_number_id },
        contacts: Vec::new(),
        statuses: Vec::new(),
        messages: Vec::new(),
        named: HashSet::new(),
    };
    changes.push(Change { value: Content::Messages(value), field: "messages" });
    changes.len() - 1
}

fn seconds(news: &News) -> Seconds {
    Seconds(news.at.map_or(0, gatepost_core::Timestamp::seconds))
}

impl<'a> Value<'a> {
    fn add(&mut self, news: &'a News) {
        match &news.what {
            What::Status { sent, reached } => self.add_status(sent, *reached, seconds(news)),
            What::Said(said) => self.add_said(said, &news.number.digits, seconds(news)),
            What::Field { .. } | What::Review(_) => {}
        }
    }

    fn add_contact(&mut self, contact: Contact<'a>) {
        if self.named.insert(contact.user_id) {
            self.contacts.push(contact);
        }
    }

    fn add_status(&mut self, sent: &'a Sent, reached: Reached, at: Seconds) {
        let user_id = sent.to.user_id.as_str();
        let digits = sent.to.digits.as_deref().filter(|_| sent.shows_number);
        // Contacts ride on all statuses but failures (Meta, changes of 2026).
        if !matches!(reached, Reached::Failed(_)) {
            self.add_contact(Contact { profile: None, wa_id: digits, user_id });
        }
        self.statuses.push(Status {
            id: &sent.wamid,
            reached: reached.as_str(),
            timestamp: at,
            recipient_id: digits,
            recipient_user_id: user_id,
            biz_opaque_callback_data: sent.opaque.as_deref(),
            pricing: matches!(reached, Reached::Sent | Reached::Delivered).then_some(Pricing {
                billable: sent.category.is_some(),
                model: "PMP",
                category: sent.category.unwrap_or("service"),
                kind: if sent.category.is_some() { "regular" } else { "free_customer_service" },
            }),
            errors: match reached {
                Reached::Failed(code) => Some([failed(code)]),
                _ => None,
            },
        });
    }

    fn add_said(&mut self, said: &'a Said, business: &'a str, at: Seconds) {
        let user_id = said.from.user_id.as_str();
        let from = said.from.digits.as_deref().filter(|_| said.shows_number);
        let (kind, words) = match &said.words {
            Words::Text(text) => ("text", Spoken::Text { text: Text { body: text } }),
            Words::Other { kind, fields } => (kind.as_str(), Spoken::Other(fields)),
        };
        // What the system tells of somebody comes without contacts.
        if kind != "system" {
            self.add_contact(Contact { profile: Some(Profile { name: &said.name }), wa_id: from, user_id });
        }
        self.messages.push(Message {
            context: said.context.as_deref().map(|id| Context { from: business, id }),
            from,
            from_user_id: user_id,
            id: &said.wamid,
            timestamp: at,
            words,
            kind,
        });
    }
}
