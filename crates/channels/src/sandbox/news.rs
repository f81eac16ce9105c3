//! What a simulated Meta has to tell, on its way from the clock to a callback body.

use std::sync::Arc;

use gatepost_core::Timestamp;
use serde_json::{Map, Value};

use super::people::Person;
use super::templates::Review;
use super::world::Number;

/// One piece of news about one number or its account.
#[derive(Clone)]
pub(super) struct News {
    pub number: Arc<Number>,
    /// When it happened; set when it is due, so that copies of it say the same.
    pub at: Option<Timestamp>,
    pub what: What,
}

#[derive(Clone)]
pub(super) enum What {
    Status {
        sent: Arc<Sent>,
        reached: Reached,
    },
    Said(Arc<Said>),
    /// A change of any field, told as it stands.
    Field {
        field: Arc<str>,
        value: Arc<Value>,
    },
    /// A verdict on a template, which becomes the change that tells of it when it is due.
    Review(Arc<Review>),
}

/// The states that a message is reported in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reached {
    Sent,
    Delivered,
    Read,
    Played,
    /// With this code of Meta's.
    Failed(u32),
}

impl Reached {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Read => "read",
            Self::Played => "played",
            Self::Failed(_) => "failed",
        }
    }
}

/// What statuses repeat of an accepted message.
pub(super) struct Sent {
    pub wamid: String,
    pub to: Person,
    /// Whether statuses name the number; otherwise the BSUID is all there is.
    pub shows_number: bool,
    pub opaque: Option<String>,
    /// What is charged for; none: a free answer inside the 24 hours.
    pub category: Option<&'static str>,
}

/// What a person wrote.
pub(super) struct Said {
    pub wamid: String,
    pub from: Person,
    /// Whether the writer shows the number; otherwise the BSUID is all there is.
    pub shows_number: bool,
    pub name: String,
    pub words: Words,
    /// The wamid of the message it answers.
    pub context: Option<String>,
}

/// What was written.
pub(super) enum Words {
    Text(String),
    /// Another kind: its name, and the fields of the message that belong to it.
    Other {
        kind: String,
        fields: Map<String, Value>,
    },
}

impl News {
    /// Whether it goes to an account's or a number's own callback address, where there is one: only news of messaging
    /// do (Meta, "Webhook overrides"); those of templates and accounts go to the app's.
    pub(super) fn is_messaging(&self) -> bool {
        const FIELDS: [&str; 9] = [
            "messages",
            "message_echoes",
            "calls",
            "consumer_profile",
            "messaging_handovers",
            "history",
            "account_settings_update",
            "smb_app_state_sync",
            "smb_message_echoes",
        ];
        match &self.what {
            What::Status { .. } | What::Said(_) => true,
            What::Review(_) => false,
            What::Field { field, .. } => FIELDS.contains(&&**field) || field.starts_with("group_"),
        }
    }
}
