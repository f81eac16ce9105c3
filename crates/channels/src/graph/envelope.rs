//! The envelope of a callback: cut into changes, and put together again.
//!
//! `{"object":"whatsapp_business_account","entry":[{"id":"<WABA>","time":…,"changes":[{"field":"…","value":{…}}]}]}`
//! (Meta, "Webhooks overview"). One Meta app may serve many workspaces, and Meta batches freely, so one body may hold
//! news for several of them. The receiver must cut it before anything is kept, and must not rewrite what it keeps.
//!
//! Defends against: bodies that are JSON but not of this shape (they become parts too, so nothing is lost), and
//! bodies built to cost more than their size. Does not check signatures; the caller has.

use serde_json::value::RawValue;

use super::json::{NoElements, elements, pick, text, text_at};

/// Most changes one body may hold; Meta batches up to 1,000 updates.
pub const MAX_PARTS: usize = 10_000;
/// Most pieces of news read out of one body. Three megabytes have room for a million empty objects, and each would
/// become an event; the changes of a body with more pass through whole.
pub const MAX_NEWS: usize = 10_000;

const OBJECT: &str = "\"whatsapp_business_account\"";

/// Why a body is no callback.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SplitError {
    #[error("the body is not JSON in UTF-8")]
    NotJson,
    #[error("the body holds more than {MAX_PARTS} changes")]
    TooMany,
}

/// What a part was in the body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// An element of `entry[].changes[]`.
    Change,
    /// An entry without changes.
    Entry,
    /// A whole body without entries.
    Body,
}

/// One change of a callback body, and whose it is.
#[derive(Clone)]
pub struct Part<'a> {
    /// The WhatsApp Business Account the entry names.
    pub waba_id: Option<String>,
    /// The number the change names, where its kind names one.
    pub phone_number_id: Option<String>,
    /// The kind of change, `messages` for nearly all; empty where there is none.
    pub field: String,
    /// The change exactly as it came.
    pub raw: &'a str,
    pub(super) value: Option<&'a str>,
    /// The entry's `time`: the only mark that tells two equal account notices apart.
    pub(super) time: Option<&'a str>,
    object: &'a str,
    shape: Shape,
    /// It passes through as it is: the body holds too much news to read them one by one.
    pub(super) whole: bool,
}

/// Cuts a callback body into its changes, in their order.
///
/// # Errors
/// [`SplitError::NotJson`] for what is not one JSON value in UTF-8; [`SplitError::TooMany`] for more than
/// [`MAX_PARTS`] changes. Any other JSON gives at least one part, however little it means.
pub fn split(body: &[u8]) -> Result<Vec<Part<'_>>, SplitError> {
    let body = std::str::from_utf8(body).map_err(|_| SplitError::NotJson)?;
    let whole: &RawValue = serde_json::from_str(body).map_err(|_| SplitError::NotJson)?;
    let [object, entry] = pick(whole.get(), &["object", "entry"]).unwrap_or_default();
    let object = object.map_or(OBJECT, RawValue::get);
    let mut parts = Vec::new();
    match entry.map(|e| elements(e.get(), MAX_PARTS)) {
        Some(Ok(entries)) => {
            for entry in entries {
                split_entry(object, entry.get(), &mut parts)?;
            }
        }
        Some(Err(NoElements::TooMany)) => return Err(SplitError::TooMany),
        None | Some(Err(NoElements::NotAnArray)) => {}
    }
    if parts.is_empty() {
        parts.push(Part::odd(Shape::Body, object, whole.get(), None, None));
    }
    let mut news = 0;
    if parts.iter().any(|part| {
        news += part.news(MAX_NEWS);
        news > MAX_NEWS
    }) {
        for part in &mut parts {
            part.whole = true;
        }
    }
    Ok(parts)
}

fn split_entry<'a>(object: &'a str, entry: &'a str, parts: &mut Vec<Part<'a>>) -> Result<(), SplitError> {
    let [id, time, changes] = pick(entry, &["id", "time", "changes"]).unwrap_or_default();
    let waba_id = id.and_then(text);
    let time = time.map(RawValue::get);
    match changes.map(|c| elements(c.get(), MAX_PARTS)) {
        Some(Ok(changes)) if !changes.is_empty() => {
            for change in changes {
                parts.push(Part::change(object, waba_id.clone(), time, change.get()));
            }
        }
        Some(Err(NoElements::TooMany)) => return Err(SplitError::TooMany),
        _ => parts.push(Part::odd(Shape::Entry, object, entry, waba_id, time)),
    }
    if parts.len() > MAX_PARTS { Err(SplitError::TooMany) } else { Ok(()) }
}

impl<'a> Part<'a> {
    /// The value of the change, where it has one.
    pub fn value(&self) -> Option<&'a str> {
        self.value
    }

    /// The account that the value itself names (`waba_info.waba_id`): news about partners come under the partner's own id.
    pub fn account_named(&self) -> Option<String> {
        self.value.and_then(|value| text_at(value, &["waba_info", "waba_id"]))
    }

    fn change(object: &'a str, waba_id: Option<String>, time: Option<&'a str>, raw: &'a str) -> Self {
        let [field, value] = pick(raw, &["field", "value"]).unwrap_or_default();
        let value = value.map(RawValue::get);
        Self {
            waba_id,
            phone_number_id: value.and_then(|v| text_at(v, &["metadata", "phone_number_id"])),
            field: field.and_then(text).unwrap_or_default(),
            raw,
            value,
            time,
            object,
            shape: Shape::Change,
            whole: false,
        }
    }

    fn odd(
        shape: Shape,
        object: &'a str,
        raw: &'a str,
        waba_id: Option<String>,
        time: Option<&'a str>,
    ) -> Self {
        Self {
            waba_id,
            phone_number_id: None,
            field: String::new(),
            raw,
            value: None,
            time,
            object,
            shape,
            whole: false,
        }
    }
}

/// A callback body that holds exactly these parts, each byte for byte as it came.
///
/// Neighbours of one account and time share an entry, as in Meta's own batches. [`split()`] of the result gives the
/// same parts again.
pub fn envelope<'p, 'a: 'p>(parts: impl IntoIterator<Item = &'p Part<'a>>) -> Vec<u8> {
    let mut parts = parts.into_iter().peekable();
    // A body without entries was a part alone, and stays what it was.
    if let Some(alone) = parts.next_if(|p| p.shape == Shape::Body) {
        return alone.raw.as_bytes().to_vec();
    }
    let object = parts.peek().map_or(OBJECT, |p| p.object);
    let mut out = Vec::with_capacity(512);
    out.extend_from_slice(b"{\"object\":");
    out.extend_from_slice(object.as_bytes());
    out.extend_from_slice(b",\"entry\":[");
    let mut first = true;
    while let Some(part) = parts.next() {
        if !std::mem::take(&mut first) {
            out.push(b',');
        }
        if part.shape != Shape::Change {
            out.extend_from_slice(part.raw.as_bytes());
            continue;
        }
        out.push(b'{');
        if let Some(id) = &part.waba_id {
            out.extend_from_slice(b"\"id\":");
            out.extend_from_slice(serde_json::Value::from(id.as_str()).to_string().as_bytes());
            out.push(b',');
        }
        if let Some(time) = part.time {
            out.extend_from_slice(b"\"time\":");
            out.extend_from_slice(time.as_bytes());
            out.push(b',');
        }
        out.extend_from_slice(b"\"changes\":[");
        out.extend_from_slice(part.raw.as_bytes());
        while let Some(next) = parts.next_if(|next| {
            next.shape == Shape::Change && next.waba_id == part.waba_id && next.time == part.time
        }) {
            out.push(b',');
            out.extend_from_slice(next.raw.as_bytes());
        }
        out.extend_from_slice(b"]}");
    }
    out.extend_from_slice(b"]}");
    out
}
