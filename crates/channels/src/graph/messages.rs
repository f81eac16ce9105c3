//! Reading the items of a change.
//!
//! The value of a `messages` change is `{messaging_product, metadata{display_phone_number, phone_number_id},
//! contacts?[], messages?[], statuses?[], errors?[]}` (Meta, "Webhooks: messages").

use std::collections::HashMap;

use gatepost_core::Timestamp;
use serde_json::value::RawValue;

use super::error::MetaError;
use super::json::{NoElements, elements, pick, text, text_at};
use super::{DeliveryStatus, Inbound, Item, Notification, Part, Status};

/// Most messages, and most statuses, read out of one change; a change with more passes through whole.
pub const MAX_ITEMS: usize = 10_000;
/// Longest `type` of a message. Meta's own are single words.
const KIND_MAX: usize = 64;
/// The last second of the year 9999, the last that RFC 3339 can write.
const LAST_SECOND: i64 = 253_402_300_799;

impl Part<'_> {
    /// What this part says. Never empty: what is not understood passes through as [`Item::Other`].
    pub fn items(&self) -> Vec<Item> {
        let items = match (self.field.as_str(), self.value) {
            ("messages", Some(value)) if !self.whole => self.message_items(value),
            _ => None,
        };
        match items {
            Some(items) if !items.is_empty() => items,
            _ => vec![self.other(self.raw)],
        }
    }

    /// How many pieces of news this part holds, counted without reading them; beyond `max` the number is not exact.
    pub(super) fn news(&self, max: usize) -> usize {
        let lists = match (self.field.as_str(), self.value) {
            ("messages", Some(value)) => pick(value, &["messages", "statuses", "errors"]).unwrap_or_default(),
            _ => return 1,
        };
        let count = |raw: &RawValue| match elements(raw.get(), max) {
            Ok(found) => found.len(),
            Err(NoElements::TooMany) => max + 1,
            Err(NoElements::NotAnArray) => 0,
        };
        lists.into_iter().flatten().map(count).sum::<usize>().max(1)
    }

    /// `None` when the value has not the shape of a `messages` value.
    fn message_items(&self, value: &str) -> Option<Vec<Item>> {
        let [contacts, messages, statuses, errors] =
            pick(value, &["contacts", "messages", "statuses", "errors"])?;
        let mut items = Vec::new();
        for raw in list(statuses)? {
            items.push(self.status(raw).unwrap_or_else(|| self.other(raw.get())));
        }
        let messages = list(messages)?;
        if !messages.is_empty() {
            let contacts = Contacts::new(list(contacts).unwrap_or_default());
            for raw in messages {
                items.push(self.inbound(raw, &contacts).unwrap_or_else(|| self.other(raw.get())));
            }
        }
        for raw in list(errors)? {
            items.push(self.other(raw.get()));
        }
        Some(items)
    }

    fn status(&self, raw: &RawValue) -> Option<Item> {
        let [id, status, at, recipient, user, participant, opaque, errors] = pick(
            raw.get(),
            &[
                "id",
                "status",
                "timestamp",
                "recipient_id",
                "recipient_user_id",
                "recipient_participant_id",
                "biz_opaque_callback_data",
                "errors",
            ],
        )?;
        Some(Item::Status(Status {
            phone_number_id: self.phone_number_id.clone(),
            wamid: id.and_then(text)?,
            status: DeliveryStatus::parse(status.and_then(text)?),
            at: at.and_then(seconds),
            recipient: recipient.and_then(text),
            recipient_user_id: user.and_then(text),
            participant: participant.and_then(text),
            opaque: opaque.and_then(text),
            errors: MetaError::list(errors),
            raw: raw.to_owned(),
        }))
    }

    fn inbound(&self, raw: &RawValue, contacts: &Contacts) -> Option<Item> {
        let [id, from, user, at, kind, context, group, errors] = pick(
            raw.get(),
            &["id", "from", "from_user_id", "timestamp", "type", "context", "group_id", "errors"],
        )?;
        let wamid = id.and_then(text)?;
        let kind = kind.and_then(text).filter(|k| is_word(k)).unwrap_or_else(|| "unknown".to_owned());
        let from = from.and_then(text);
        let from_user_id = user.and_then(text);
        let contact = contacts.find(from.as_deref(), from_user_id.as_deref());
        let said = Said::read(&kind, raw.get());
        Some(Item::Inbound(Inbound {
            phone_number_id: self.phone_number_id.clone(),
            wamid,
            from_user_id: from_user_id.or_else(|| contact.and_then(|c| text_at(c.get(), &["user_id"]))),
            profile_name: contact.and_then(|c| text_at(c.get(), &["profile", "name"])),
            username: contact.and_then(|c| text_at(c.get(), &["profile", "username"])),
            from,
            at: at.and_then(seconds),
            text: said.text,
            payload: said.payload,
            context: context.and_then(|c| text_at(c.get(), &["id"])),
            group_id: group.and_then(text),
            errors: MetaError::list(errors),
            raw: raw.to_owned(),
            contact: contact.map(ToOwned::to_owned),
            kind,
        }))
    }

    fn other(&self, raw: &str) -> Item {
        Item::Other(Notification {
            waba_id: self.waba_id.clone(),
            phone_number_id: self.phone_number_id.clone(),
            field: self.field.clone(),
            at: self.time.and_then(|t| serde_json::from_str::<&RawValue>(t).ok()).and_then(seconds),
            // What a part holds was parsed as JSON before; null stands for the case that cannot be.
            raw: RawValue::from_string(raw.to_owned()).unwrap_or_else(|_| RawValue::NULL.to_owned()),
        })
    }
}

/// A missing list is an empty one; `None` when there is something that is no list, or an endless one.
fn list(raw: Option<&RawValue>) -> Option<Vec<&RawValue>> {
    match raw {
        None => Some(Vec::new()),
        Some(raw) if raw.get() == "null" => Some(Vec::new()),
        Some(raw) => elements(raw.get(), MAX_ITEMS).ok(),
    }
}

/// Unix seconds, written as a string or as a number. An instant that no calendar of ours can write is none.
fn seconds(raw: &RawValue) -> Option<Timestamp> {
    text(raw)?.parse().ok().filter(|at| (0..=LAST_SECOND).contains(at)).map(Timestamp::from_seconds)
}

/// Whether a text can be a `type`: it is kept in the clear, and columns take no NUL.
fn is_word(text: &str) -> bool {
    (1..=KIND_MAX).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic())
}

/// The contact entries of a value, found by either name a person has.
struct Contacts<'a> {
    by_name: HashMap<String, &'a RawValue>,
    /// Older callbacks of one message carry one contact without saying whose it is.
    only: Option<&'a RawValue>,
}

impl<'a> Contacts<'a> {
    fn new(entries: Vec<&'a RawValue>) -> Self {
        let only = match entries.as_slice() {
            [one] => Some(*one),
            _ => None,
        };
        let mut by_name = HashMap::with_capacity(entries.len());
        for entry in entries {
            let [phone, user] = pick(entry.get(), &["wa_id", "user_id"]).unwrap_or_default();
            for name in [phone, user].into_iter().flatten().filter_map(text) {
                by_name.insert(name, entry);
            }
        }
        // A single entry that names somebody is looked up like any other.
        Self { only: only.filter(|_| by_name.is_empty()), by_name }
    }

    fn find(&self, phone: Option<&str>, user: Option<&str>) -> Option<&'a RawValue> {
        [phone, user].into_iter().flatten().find_map(|name| self.by_name.get(name).copied()).or(self.only)
    }
}

/// What a person said with a message.
#[derive(Default)]
struct Said {
    text: Option<String>,
    payload: Option<String>,
}

impl Said {
    fn read(kind: &str, message: &str) -> Self {
        let of = |path: &[&str]| text_at(message, path);
        match kind {
            "text" => Self { text: of(&["text", "body"]), payload: None },
            "button" => Self { text: of(&["button", "text"]), payload: of(&["button", "payload"]) },
            "interactive" => Self::interactive(message).unwrap_or_default(),
            "image" | "video" | "document" => Self { text: of(&[kind, "caption"]), payload: None },
            "reaction" => Self { text: of(&["reaction", "emoji"]), payload: None },
            _ => Self::default(),
        }
    }

    fn interactive(message: &str) -> Option<Self> {
        let [reply] = pick(message, &["interactive"])?;
        let [button, row] = pick(reply?.get(), &["button_reply", "list_reply"])?;
        let chosen = button.or(row)?.get();
        Some(Self { text: text_at(chosen, &["title"]), payload: text_at(chosen, &["id"]) })
    }
}
