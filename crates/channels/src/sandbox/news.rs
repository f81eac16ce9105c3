//! What a simulated Meta has to tell, on its way from the clock to a callback body.

use std::sync::Arc;

use gatepost_core::Timestamp;

use super::world::Number;

/// One piece of news about one number.
#[derive(Clone)]
pub(super) struct News {
    pub number: Arc<Number>,
    /// When it happened; set when it is due, so that copies of it say the same.
    pub at: Option<Timestamp>,
    pub what: What,
}

#[derive(Clone)]
pub(super) enum What {
    Status { sent: Arc<Sent>, reached: Reached },
    Said(Arc<Said>),
}

/// The states that a message is reported in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reached {
    Sent,
    Delivered,
    Read,
    Failed,
}

impl Reached {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Read => "read",
            Self::Failed => "failed",
        }
    }
}

/// What statuses repeat of an accepted message.
pub(super) struct Sent {
    pub wamid: String,
    /// The recipient's digits.
    pub to: String,
    pub opaque: Option<String>,
    pub template: bool,
}

/// A text that a person wrote.
pub(super) struct Said {
    pub wamid: String,
    /// The writer's digits.
    pub from: String,
    /// Whether the writer shows the number; otherwise the BSUID is all there is.
    pub shows_number: bool,
    pub name: String,
    pub text: String,
    pub context: Option<String>,
}
