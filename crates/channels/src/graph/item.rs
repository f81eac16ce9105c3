//! What a callback says: statuses, inbound messages, and everything else as notices that pass through.

use std::fmt;

use gatepost_core::Timestamp;
use serde_json::value::RawValue;

use super::error::MetaError;

/// One piece of news. No `Debug` shows what was said or by whom.
#[derive(Debug, Clone)]
pub enum Item {
    /// How a message that we sent is doing.
    Status(Status),
    /// Somebody wrote to us.
    Inbound(Inbound),
    /// Anything else: a field other than `messages`, or a thing of unknown shape.
    Other(Notification),
}

/// What Meta reports of an outbound message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeliveryStatus {
    Sent,
    Delivered,
    Read,
    /// A voice message was listened to.
    Played,
    Failed,
    /// One that is not known yet, as Meta writes it.
    Other(String),
}

impl DeliveryStatus {
    pub(super) fn parse(text: String) -> Self {
        match text.as_str() {
            "sent" => Self::Sent,
            "delivered" => Self::Delivered,
            "read" => Self::Read,
            "played" => Self::Played,
            "failed" => Self::Failed,
            _ => Self::Other(text),
        }
    }

    /// The word on the wire.
    pub fn as_str(&self) -> &str {
        match self {
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Read => "read",
            Self::Played => "played",
            Self::Failed => "failed",
            Self::Other(text) => text,
        }
    }
}

/// An element of `value.statuses[]`.
#[derive(Clone)]
pub struct Status {
    pub phone_number_id: Option<String>,
    /// Meta's id of the message.
    pub wamid: String,
    pub status: DeliveryStatus,
    /// When it happened, to the second; `None` where it is missing or no number.
    pub at: Option<Timestamp>,
    /// The recipient's `wa_id`: digits. Absent when the person hides the number.
    pub recipient: Option<String>,
    /// The recipient's BSUID (since April 2026).
    pub recipient_user_id: Option<String>,
    /// In groups, the member whom this status is about.
    pub participant: Option<String>,
    /// `biz_opaque_callback_data`: our own message id, if we sent it.
    pub opaque: Option<String>,
    /// Why it failed; empty otherwise.
    pub errors: Vec<MetaError>,
    /// The status exactly as it came.
    pub raw: Box<RawValue>,
}

/// An element of `value.messages[]`, with its writer's entry of `value.contacts[]`.
#[derive(Clone)]
pub struct Inbound {
    pub phone_number_id: Option<String>,
    /// Meta's id of the message.
    pub wamid: String,
    /// The writer's `wa_id`: digits. Absent when the person hides the number.
    pub from: Option<String>,
    /// The writer's BSUID (since April 2026).
    pub from_user_id: Option<String>,
    pub profile_name: Option<String>,
    pub username: Option<String>,
    /// When it was written, to the second; `None` where it is missing or no number.
    pub at: Option<Timestamp>,
    /// Meta's `type`: `text`, `image`, `button` …; an open set, `unknown` where it is missing.
    pub kind: String,
    /// What a person would read: the text, the caption, the label of the button or row that was chosen.
    pub text: Option<String>,
    /// What the chosen button or row stands for: its `payload` or `id`.
    pub payload: Option<String>,
    /// The wamid of the message this one answers.
    pub context: Option<String>,
    pub group_id: Option<String>,
    /// Why Meta could not pass it on whole (`unsupported`, media too large).
    pub errors: Vec<MetaError>,
    /// The message exactly as it came.
    pub raw: Box<RawValue>,
    /// The writer's contact entry exactly as it came.
    pub contact: Option<Box<RawValue>>,
}

/// News of another kind, passed through.
#[derive(Clone)]
pub struct Notification {
    pub waba_id: Option<String>,
    pub phone_number_id: Option<String>,
    /// The kind of change; empty where there is none.
    pub field: String,
    /// When Meta made the entry, where it says so.
    pub at: Option<Timestamp>,
    /// The whole change, or the one element of it that was not understood.
    pub raw: Box<RawValue>,
}

impl Item {
    /// Bytes that are equal exactly when Meta tells the same news again, however it is batched.
    ///
    /// The receiver adds its app and hashes them into the key that makes one event of ten callbacks. Parts carry
    /// their length, so no two different lists of parts run together into the same bytes.
    pub fn identity(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(192);
        let mut add = |part: Option<&[u8]>| {
            // A missing part differs from an empty one.
            let part = part.map_or(&[][..], |bytes| {
                out.push(1);
                bytes
            });
            out.extend_from_slice(&u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
            out.extend_from_slice(part);
        };
        match self {
            Self::Status(s) => {
                add(Some(b"status"));
                add(s.phone_number_id.as_deref().map(str::as_bytes));
                add(Some(s.wamid.as_bytes()));
                add(Some(s.status.as_str().as_bytes()));
                add(s.at.map(|t| t.seconds().to_be_bytes()).as_ref().map(<[u8; 8]>::as_slice));
                add(s.participant.as_deref().map(str::as_bytes));
            }
            Self::Inbound(m) => {
                add(Some(b"inbound"));
                add(m.phone_number_id.as_deref().map(str::as_bytes));
                add(Some(m.wamid.as_bytes()));
                add(Some(m.kind.as_bytes()));
                add(m.at.map(|t| t.seconds().to_be_bytes()).as_ref().map(<[u8; 8]>::as_slice));
            }
            Self::Other(n) => {
                add(Some(b"other"));
                add(n.waba_id.as_deref().map(str::as_bytes));
                add(n.phone_number_id.as_deref().map(str::as_bytes));
                add(Some(n.field.as_bytes()));
                add(n.at.map(|t| t.micros().to_be_bytes()).as_ref().map(<[u8; 8]>::as_slice));
                add(Some(&super::json::compact(n.raw.get())));
            }
        }
        out
    }

    /// When it happened, where it says so. Part of [`identity`](Self::identity): every copy says the same.
    pub const fn at(&self) -> Option<Timestamp> {
        match self {
            Self::Status(s) => s.at,
            Self::Inbound(m) => m.at,
            Self::Other(n) => n.at,
        }
    }

    /// The number that the news is about, where it names one.
    pub fn phone_number_id(&self) -> Option<&str> {
        match self {
            Self::Status(s) => s.phone_number_id.as_deref(),
            Self::Inbound(m) => m.phone_number_id.as_deref(),
            Self::Other(n) => n.phone_number_id.as_deref(),
        }
    }
}

impl fmt::Debug for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Status")
            .field("wamid", &self.wamid)
            .field("status", &self.status)
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Inbound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inbound")
            .field("wamid", &self.wamid)
            .field("kind", &self.kind)
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Notification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Notification")
            .field("field", &self.field)
            .field("at", &self.at)
            .finish_non_exhaustive()
    }
}
