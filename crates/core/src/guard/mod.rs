//! The guard: the rules that decide whether an outbound message may go.
//!
//! What is here is pure: plans, calendars, settings and rules. What they are held against is read and counted in the
//! transaction that accepts the message (`gatepost-app`, `guard`).

mod calendar;
mod entitlements;
mod history;
mod plan;
pub mod risk;
mod settings;
mod subscription;
mod zones;

pub use calendar::{Day, Month, Zone};
pub use entitlements::{Entitlements, FeatureSet, Needs};
pub use history::{SENDS_KEPT, SENDS_TEXT_MAX, SendHistory};
pub use plan::{Feature, GRACE_DAYS_MAX, Plan, PlanName, QuotaLimits};
pub use settings::{FrequencyCap, GuardSettings, QuietHours};
pub use subscription::{Subscription, SubscriptionState};
pub use zones::zones_of;

use std::fmt;

/// Where a suppression came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SuppressionSource {
    /// The person said so, in words or by a button.
    Person,
    /// Somebody of the workspace added it.
    Manual,
    /// It was in a file.
    Import,
    /// The person's choice in WhatsApp (Meta's webhook `user_preferences`).
    MetaPreference,
    /// Meta refused a message because of the person's choice (error 131050).
    MetaRefusal,
}

impl SuppressionSource {
    pub const ALL: [Self; 5] =
        [Self::Person, Self::Manual, Self::Import, Self::MetaPreference, Self::MetaRefusal];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Person => "person",
            Self::Manual => "manual",
            Self::Import => "import",
            Self::MetaPreference => "meta_preference",
            Self::MetaRefusal => "meta_refusal",
        }
    }

    /// The number stored in the database; never reused.
    pub const fn number(self) -> i64 {
        match self {
            Self::Person => 1,
            Self::Manual => 2,
            Self::Import => 3,
            Self::MetaPreference => 4,
            Self::MetaRefusal => 5,
        }
    }

    pub fn from_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|source| source.number() == number)
    }

    /// Whether it is the person's own choice, which nobody but the person undoes.
    pub const fn is_the_persons(self) -> bool {
        matches!(self, Self::Person | Self::MetaPreference | Self::MetaRefusal)
    }
}

impl fmt::Display for SuppressionSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A decision of the guard that was not simply to let something through.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PolicyDecision {
    /// Refused.
    Block,
    /// Held until somebody has decided.
    Hold,
    /// Held, and then let through by somebody.
    Release,
}

impl PolicyDecision {
    pub const ALL: [Self; 3] = [Self::Block, Self::Hold, Self::Release];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Block => "block",
            Self::Hold => "hold",
            Self::Release => "release",
        }
    }

    /// The number stored in the database; never reused.
    pub const fn number(self) -> i64 {
        match self {
            Self::Block => 1,
            Self::Hold => 2,
            Self::Release => 3,
        }
    }

    pub fn from_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|decision| decision.number() == number)
    }
}

/// What a pause stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PauseScope {
    Workspace,
    Channel(crate::ChannelId),
    Purpose(crate::Purpose),
}

impl PauseScope {
    /// Its kind, for people and programs.
    pub const fn kind(self) -> &'static str {
        match self {
            Self::Workspace => "workspace",
            Self::Channel(_) => "channel",
            Self::Purpose(_) => "purpose",
        }
    }
}

/// Who set a pause: whoever it was, or somebody above, lifts it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PausedBy {
    Operator,
    Workspace,
    Rule,
}

impl PausedBy {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Workspace => "workspace",
            Self::Rule => "rule",
        }
    }

    /// The number stored in the database; never reused.
    pub const fn number(self) -> i64 {
        match self {
            Self::Operator => 1,
            Self::Workspace => 2,
            Self::Rule => 3,
        }
    }

    pub const fn from_number(number: i64) -> Option<Self> {
        match number {
            1 => Some(Self::Operator),
            2 => Some(Self::Workspace),
            3 => Some(Self::Rule),
            _ => None,
        }
    }
}
