//! Verifications: one-time codes that prove a person has a phone number.
//!
//! Threat note. Defends against: guessing (a verification compares few codes in its whole life, however often it is sent
//! again), a code that is used twice or after its time (the state machine knows no way back), codes that are easier to
//! guess than others (each is drawn uniformly). What is here is pure; that a try is counted before the code is compared,
//! and that two tries never share a count, follows from the lock that the caller holds on the row.
//! Does not defend against: a person who tells their code to somebody else; a phone that somebody else holds.

mod choice;
mod code;
mod defaults;
pub mod fraud;
mod funnel;
mod machine;
mod page;
mod settings;
mod spoken;
mod text;

pub use choice::{TemplateOffer, language_fit, offers_order, ttl_with};
pub use code::{CodeLength, Proof, VerificationCode, proof_of_test_code};
pub use defaults::VerificationDefaults;
pub use funnel::{Funnel, FunnelBy, Stage};
pub use machine::{ResendRefused, Standing, Verdict};
pub use page::{
    ANCESTORS_MAX, Colour, LOCALES_MAX, PageSettings, PageTexts, PageWord, RETURN_URLS_MAX, ReturnUrl,
    page_locale,
};
pub use settings::{PumpingChoice, VerificationSettings};
pub use spoken::{SPOKEN_WORD, SpokenCode, spoken_code, without_digits};
pub use text::CodeText;

use std::fmt;
use std::time::Duration;

use serde::{Serialize, Serializer};

/// How long a code is good for, at the least and at the most, and where nobody says.
pub const TTL_MIN: Duration = Duration::from_mins(1);
pub const TTL_MAX: Duration = Duration::from_mins(10);
pub const TTL_DEFAULT: Duration = Duration::from_mins(5);
/// Codes that are compared with the right one, at the most, and where nobody says.
pub const TRIES_MAX: u8 = 5;
/// How long the next code has to wait.
pub const RESEND_AFTER: Duration = Duration::from_secs(30);
/// How often a verification can be sent again.
pub const RESENDS_MAX: u32 = 5;

/// Which way the code goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Flow {
    /// To the person, who types it where they sign in.
    Outbound,
    /// From the person, who sends it to the channel.
    Inbound,
}

impl Flow {
    pub const ALL: [Self; 2] = [Self::Outbound, Self::Inbound];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Outbound => "outbound",
            Self::Inbound => "inbound",
        }
    }

    /// The number stored in the database; never reused.
    pub const fn number(self) -> i64 {
        match self {
            Self::Outbound => 1,
            Self::Inbound => 2,
        }
    }

    pub fn from_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|flow| flow.number() == number)
    }
}

/// Where a verification stands. Every state but the first is an end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum VerificationState {
    /// The code is on its way, or waits to be typed.
    Pending,
    /// The right code came in time.
    Approved,
    /// The time is over.
    Expired,
    /// Too many wrong codes came.
    Blocked,
    /// The code did not reach the person.
    Failed,
    /// Whoever began it took it back.
    Cancelled,
}

impl VerificationState {
    pub const ALL: [Self; 6] =
        [Self::Pending, Self::Approved, Self::Expired, Self::Blocked, Self::Failed, Self::Cancelled];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Approved => "approved",
            Self::Expired => "expired",
            Self::Blocked => "blocked",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }

    /// The number stored in the database; never reused.
    pub const fn number(self) -> i64 {
        match self {
            Self::Pending => 1,
            Self::Approved => 2,
            Self::Expired => 3,
            Self::Blocked => 4,
            Self::Failed => 5,
            Self::Cancelled => 6,
        }
    }

    pub fn from_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.number() == number)
    }

    pub const fn is_over(self) -> bool {
        !matches!(self, Self::Pending)
    }
}

impl fmt::Display for VerificationState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for VerificationState {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
