//! Messages and their states.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::content::Content;
use crate::{MessageId, Purpose, Recipient};

/// Which way a message went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    Outbound,
    Inbound,
}

impl Direction {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Outbound => "outbound",
            Self::Inbound => "inbound",
        }
    }

    pub const fn number(self) -> i64 {
        match self {
            Self::Outbound => 1,
            Self::Inbound => 2,
        }
    }

    pub const fn from_number(number: i64) -> Option<Self> {
        match number {
            1 => Some(Self::Outbound),
            2 => Some(Self::Inbound),
            _ => None,
        }
    }
}

/// Where a message stands.
///
/// Nothing reaches `revoked` yet: it is reserved for messages that are taken back, so that receivers can already name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MessageState {
    /// Accepted and durable; not handed to Meta yet.
    Queued,
    /// It waits for a person's decision.
    Held,
    /// Handed to Meta, which accepted it; no status has come back yet.
    Sending,
    Sent,
    Delivered,
    Read,
    Failed,
    /// The guard did not let it go.
    Blocked,
    /// Its time ran out before it was sent.
    Expired,
    /// Reserved: it was taken back.
    Revoked,
    /// Inbound: it arrived.
    Received,
}

impl MessageState {
    pub const ALL: [Self; 11] = [
        Self::Queued,
        Self::Held,
        Self::Sending,
        Self::Sent,
        Self::Delivered,
        Self::Read,
        Self::Failed,
        Self::Blocked,
        Self::Expired,
        Self::Revoked,
        Self::Received,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Held => "held",
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Read => "read",
            Self::Failed => "failed",
            Self::Blocked => "blocked",
            Self::Expired => "expired",
            Self::Revoked => "revoked",
            Self::Received => "received",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.as_str() == text)
    }

    /// The number stored in the database; never reused.
    pub const fn number(self) -> i64 {
        match self {
            Self::Queued => 10,
            Self::Held => 15,
            Self::Sending => 20,
            Self::Sent => 30,
            Self::Delivered => 40,
            Self::Read => 50,
            Self::Failed => 60,
            Self::Blocked => 61,
            Self::Expired => 62,
            Self::Revoked => 63,
            Self::Received => 70,
        }
    }

    pub fn from_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.number() == number)
    }

    /// The state after news of `reported` arrived: states only move forward, whatever order the news comes in.
    ///
    /// A failure counts only until the message is known to have reached the phone. The one way out of `failed` is
    /// proof that it did go out after all (`doubtful`: we gave up on it because Meta's answer was cut).
    #[must_use]
    pub fn after(self, reported: Self, doubtful: bool) -> Self {
        match (self, reported) {
            (Self::Failed, Self::Sent | Self::Delivered | Self::Read) if doubtful => reported,
            (Self::Received | Self::Failed | Self::Blocked | Self::Expired | Self::Revoked, _)
            | (_, Self::Received | Self::Queued)
            | (Self::Delivered | Self::Read, Self::Failed) => self,
            (now, new) if new.number() > now.number() => new,
            (now, _) => now,
        }
    }
}

impl fmt::Display for MessageState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for MessageState {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// What to do when Meta's answer to a send was cut, so that nobody knows whether it went out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnUnknown {
    /// Wait for a status that carries our id, then fail as `outcome_unknown`. Never twice.
    #[default]
    Fail,
    /// Send again: the person may get it twice.
    Resend,
}

impl OnUnknown {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fail => "fail",
            Self::Resend => "resend",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Fail, Self::Resend].into_iter().find(|o| o.as_str() == text)
    }
}

/// An outbound message as the Cloud client needs it.
pub struct OutboundMessage {
    pub id: MessageId,
    pub to: Recipient,
    pub purpose: Purpose,
    pub content: Content,
    /// The provider's id (wamid) of the message this one replies to.
    pub reply_to: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn forward_only() {
        use MessageState as S;
        assert_eq!(S::Queued.after(S::Read, false), S::Read);
        assert_eq!(S::Read.after(S::Delivered, false), S::Read);
        assert_eq!(S::Sent.after(S::Failed, false), S::Failed);
        assert_eq!(S::Delivered.after(S::Failed, false), S::Delivered);
        assert_eq!(S::Failed.after(S::Sent, false), S::Failed);
        assert_eq!(S::Failed.after(S::Sent, true), S::Sent);
    }

    proptest! {
        /// Any order of the same true news ends in the same state.
        #[test]
        fn order_of_receipts_does_not_matter(seed in proptest::collection::vec(0usize..3, 1..6)) {
            let news = [MessageState::Sent, MessageState::Delivered, MessageState::Read];
            let fold = |order: &[usize]| order.iter().fold(MessageState::Sending, |s, i| s.after(news[*i], false));
            let mut reversed = seed.clone();
            reversed.reverse();
            prop_assert_eq!(fold(&seed), fold(&reversed));
        }
    }
}
