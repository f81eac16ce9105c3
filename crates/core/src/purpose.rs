//! Why an outbound message is sent.

use std::fmt;

use serde::{Serialize, Serializer};

/// The purposes Gatepost carries. Marketing, cold outreach and the like are not among them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    Authentication,
    Transactional,
    Operational,
    Support,
    InternalTeam,
}

/// What a text that should name a purpose turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvalidPurpose {
    /// A purpose that exists in the world and that Gatepost refuses to carry.
    NotAllowed,
    Unknown,
}

impl Purpose {
    pub const ALL: [Self; 5] =
        [Self::Authentication, Self::Transactional, Self::Operational, Self::Support, Self::InternalTeam];

    /// Known purposes that are refused by name rather than as a typing error.
    pub const REFUSED: [&'static str; 6] =
        ["marketing", "promotion", "cold_outreach", "bulk_campaign", "political", "unknown"];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Authentication => "authentication",
            Self::Transactional => "transactional",
            Self::Operational => "operational",
            Self::Support => "support",
            Self::InternalTeam => "internal_team",
        }
    }

    pub fn parse(text: &str) -> Result<Self, InvalidPurpose> {
        Self::ALL.into_iter().find(|p| p.as_str() == text).ok_or(if Self::REFUSED.contains(&text) {
            InvalidPurpose::NotAllowed
        } else {
            InvalidPurpose::Unknown
        })
    }

    /// The number stored in the database; never reused.
    pub const fn number(self) -> i64 {
        match self {
            Self::Authentication => 1,
            Self::Transactional => 2,
            Self::Operational => 3,
            Self::Support => 4,
            Self::InternalTeam => 5,
        }
    }

    pub fn from_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|p| p.number() == number)
    }

    /// Which lane of a channel the message takes: lower goes first, so that a code overtakes bulk.
    pub const fn priority(self) -> i64 {
        match self {
            Self::Authentication => 0,
            Self::Support => 1,
            Self::Transactional | Self::Operational | Self::InternalTeam => 2,
        }
    }
}

impl fmt::Display for Purpose {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for Purpose {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}
