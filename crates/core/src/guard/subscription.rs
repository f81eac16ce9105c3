//! Subscriptions: whether a workspace may use its plan.

use std::fmt;

use crate::error::{Code, Error};
use crate::time::Timestamp;

/// How a workspace stands with whoever bills it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SubscriptionState {
    /// On trial, until its end.
    Trialing,
    Active,
    /// A payment is late; it passes until the end of its grace.
    PastDue,
    Suspended,
    Cancelled,
}

impl SubscriptionState {
    pub const ALL: [Self; 5] =
        [Self::Trialing, Self::Active, Self::PastDue, Self::Suspended, Self::Cancelled];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Trialing => "trialing",
            Self::Active => "active",
            Self::PastDue => "past_due",
            Self::Suspended => "suspended",
            Self::Cancelled => "cancelled",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }

    /// The number stored in the database; never reused.
    pub const fn number(self) -> i64 {
        match self {
            Self::Trialing => 1,
            Self::Active => 2,
            Self::PastDue => 3,
            Self::Suspended => 4,
            Self::Cancelled => 5,
        }
    }

    pub fn from_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.number() == number)
    }
}

impl fmt::Display for SubscriptionState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A workspace's subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subscription {
    pub state: SubscriptionState,
    /// The end of the trial, or of the grace; `None`: none was set.
    pub until: Option<Timestamp>,
}

impl Default for Subscription {
    /// That of a fresh installation.
    fn default() -> Self {
        Self { state: SubscriptionState::Active, until: None }
    }
}

impl Subscription {
    /// Whether what is protected may be used at `now`. A trial without an end goes on; what is past due without one has
    /// no grace.
    pub fn passes(self, now: Timestamp) -> bool {
        match self.state {
            SubscriptionState::Active => true,
            SubscriptionState::Trialing => self.until.is_none_or(|until| now < until),
            SubscriptionState::PastDue => self.until.is_some_and(|until| now < until),
            SubscriptionState::Suspended | SubscriptionState::Cancelled => false,
        }
    }

    /// When it ends by itself; `None`: it does not, or has.
    pub const fn ends_at(self) -> Option<Timestamp> {
        match self.state {
            SubscriptionState::Trialing | SubscriptionState::PastDue => self.until,
            SubscriptionState::Active | SubscriptionState::Suspended | SubscriptionState::Cancelled => None,
        }
    }

    /// What is said where it does not pass.
    pub fn refusal(self) -> Error {
        let said = match (self.state, self.until) {
            (SubscriptionState::Trialing, Some(until)) => format!("the trial ended at {until}"),
            (SubscriptionState::PastDue, Some(until)) => {
                format!("a payment is late, and its time ended at {until}")
            }
            (state, _) => format!("the subscription is {state}"),
        };
        Error::new(Code::SubscriptionSuspended, said)
            .with_details(serde_json::json!({ "subscription": self.state.as_str() }))
    }

    /// As it is written into logs: `past_due until 2026-12-01T00:00:00Z`.
    pub fn said(self) -> String {
        match self.until {
            Some(until) => format!("{} until {until}", self.state),
            None => self.state.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_passes() {
        let (now, later) = (Timestamp::from_seconds(10), Timestamp::from_seconds(20));
        let passes = |state, until| Subscription { state, until }.passes(now);
        assert!(passes(SubscriptionState::Active, None) && passes(SubscriptionState::Active, Some(now)));
        assert!(
            passes(SubscriptionState::Trialing, None) && passes(SubscriptionState::Trialing, Some(later))
        );
        assert!(!passes(SubscriptionState::Trialing, Some(now)));
        assert!(passes(SubscriptionState::PastDue, Some(later)));
        assert!(!passes(SubscriptionState::PastDue, Some(now)) && !passes(SubscriptionState::PastDue, None));
        assert!(!passes(SubscriptionState::Suspended, Some(later)));
        assert!(!passes(SubscriptionState::Cancelled, Some(later)));
    }
}
