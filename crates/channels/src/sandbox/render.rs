//! Callback bodies, in Meta's shape and order of keys (Meta, "Webhooks: messages" and "Status messages").

use std::collections::HashMap;

use serde::{Serialize, Serializer};

use super::ascii::to_ascii_json;
use super::news::{News, Reached, Said, Sent, What};
use super::people;
use super::world::Number;

#[derive(Serialize)]
struct Body<'a> {
    object: &'static str,
    entry: Vec<Entry<'a>>,
}

#[derive(Serialize)]
struct Entry<'a> {
    id: &'a str,
    changes: Vec<Change<'a>>,
}

#[derive(Serialize)]
struct Change<'a> {
    value: Value<'a>,
    field: &'static str,
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
    user_id: String,
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
    recipient_id: &'a str,
    recipient_user_id: String,
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
    from_user_id: String,
    id: &'a str,
    timestamp: Seconds,
    text: Text<'a>,
    #[serde(rename = "type")]
    kind: &'static str,
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

const UNDELIVERABLE: Failed = Failed {
    code: 131_026,
    title: "Message undeliverable",
    message: "Message undeliverable",
    error_data: Details { details: "Message Undeliverable." },
    href: "https://developers.facebook.com/docs/whatsapp/cloud-api/support/error-codes/",
};

/// The body that tells `batch`: an entry for each account, a change for each number and kind of news.
pub(super) fn callback(batch: &[News]) -> Option<Vec<u8>> {
    let mut entries: Vec<Entry<'_>> = Vec::new();
    let mut places: HashMap<(&str, &str, bool), (usize, usize)> = HashMap::new();
    let mut entry_of: HashMap<&str, usize> = HashMap::new();
    for news in batch {
        let number = news.number.as_ref();
        let said = matches!(news.what, What::Said(_));
        let key = (number.waba_id.as_str(), number.phone_number_id.as_str(), said);
        let (entry, change) = *places.entry(key).or_insert_with(|| {
            let entry = *entry_of.entry(&number.waba_id).or_insert_with(|| {
                entries.push(Entry { id: &number.waba_id, changes: Vec::new() });
                entries.len() - 1
            });
            let changes = entries.get_mut(entry).map(|e| &mut e.changes);
            (entry, changes.map_or(0, |c| push_change(c, number)))
        });
        if let Some(change) = entries.get_mut(entry).and_then(|e| e.changes.get_mut(change)) {
            change.value.add(news);
        }
    }
    to_ascii_json(&Body { object: "whatsapp_business_account", entry: entries })
}

fn push_change<'a>(changes: &mut Vec<Change<'a>>, number: &'a Number) -> usize {
    changes.push(Change {
        value: Value {
            messaging_product: "whatsapp",
            metadata: Metadata {
                display_phone_number: &number.digits,
                phone_number_id: &number.phone_number_id,
            },
            contacts: Vec::new(),
            statuses: Vec::new(),
            messages: Vec::new(),
        },
        field: "messages",
    });
    changes.len() - 1
}

impl<'a> Value<'a> {
    fn add(&mut self, news: &'a News) {
        let at = Seconds(news.at.map_or(0, gatepost_core::Timestamp::seconds));
        match &news.what {
            What::Status { sent, reached } => self.add_status(sent, *reached, at),
            What::Said(said) => self.add_said(said, &news.number.digits, at),
        }
    }

    fn add_status(&mut self, sent: &'a Sent, reached: Reached, at: Seconds) {
        let failed = reached == Reached::Failed;
        let user_id = people::user_id(&sent.to);
        // Contacts ride on all statuses but failures (Meta, changes of 2026).
        if !failed && !self.contacts.iter().any(|c| c.wa_id == Some(&sent.to)) {
            self.contacts.push(Contact { profile: None, wa_id: Some(&sent.to), user_id: user_id.clone() });
        }
        self.statuses.push(Status {
            id: &sent.wamid,
            reached: reached.as_str(),
            timestamp: at,
            recipient_id: &sent.to,
            recipient_user_id: user_id,
            biz_opaque_callback_data: sent.opaque.as_deref(),
            pricing: matches!(reached, Reached::Sent | Reached::Delivered).then_some(Pricing {
                billable: sent.template,
                model: "PMP",
                category: if sent.template { "utility" } else { "service" },
                kind: if sent.template { "regular" } else { "free_customer_service" },
            }),
            errors: failed.then_some([UNDELIVERABLE]),
        });
    }

    fn add_said(&mut self, said: &'a Said, business: &'a str, at: Seconds) {
        let user_id = people::user_id(&said.from);
        let from = said.shows_number.then_some(said.from.as_str());
        if !self.contacts.iter().any(|c| c.user_id == user_id) {
            self.contacts.push(Contact {
                profile: Some(Profile { name: &said.name }),
                wa_id: from,
                user_id: user_id.clone(),
            });
        }
        self.messages.push(Message {
            context: said.context.as_deref().map(|id| Context { from: business, id }),
            from,
            from_user_id: user_id,
            id: &said.wamid,
            timestamp: at,
            text: Text { body: &said.text },
            kind: "text",
        });
    }
}
