//! What people choose: to be left alone, or to be written to again.
//!
//! Threat note. Defends against: a person who asks to be left alone and is not (the suppression is written in the
//! transaction that writes their words down, under every name they are known by, and the queue is looked at again
//! after it); somebody who undoes another's choice (only words of the person, newer than their opt-out, lift it, and
//! only what the person chose: what was suppressed by hand stays); answers to choices that run in a circle with a
//! program on the other side. Does not defend against: words that the classifier does not understand; what Meta had
//! already been handed.

mod effect;
mod reading;
mod reply;
mod withdraw;
mod words;

use gatepost_core::channel::Mode;
use gatepost_core::guard::SuppressionSource;
use gatepost_core::{ChannelId, MessageId, Timestamp};

use crate::messages::StoredParty;

pub(crate) use effect::{Told, people_of, suppressions_of};
pub(crate) use words::{KEYWORDS_MAX, Words, label_number, label_of};

/// Meta's code for a message that a person does not want ("Error codes", 131050).
pub(crate) const META_OPTED_OUT: i64 = 131_050;

/// What was chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Chosen {
    OptOut,
    OptIn,
    /// It may have been an opt-out: somebody has to read it.
    Doubt,
}

/// A choice of a person, read before the transaction.
#[derive(Clone)]
pub(crate) struct Choice {
    pub chosen: Chosen,
    /// How it was told: by the person, or by Meta.
    pub source: SuppressionSource,
    /// The rule that understood the person's words.
    pub rule: Option<&'static str>,
    pub mode: Mode,
    pub channel: ChannelId,
    /// The person's message, where there is one.
    pub message: Option<MessageId>,
    pub party: StoredParty,
    /// When the person chose.
    pub at: Timestamp,
    /// Whether the channel can answer.
    pub can_answer: bool,
}

impl Choice {
    /// Whether somebody may be suppressed by it: then the gate is taken first.
    pub const fn suppresses(&self) -> bool {
        matches!(self.chosen, Chosen::OptOut)
    }
}
