//! Why an outbound message is sent.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Why an outbound message is sent, as its sender says.
///
/// The first five are carried. The others are known by name so that they are refused by name, and never as a typing
/// error; an operator can open some of them for a plan ([`Purpose::can_be_opened`]), and then they go to people with a
/// recorded opt-in only.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Purpose {
    Authentication,
    Transactional,
    Operational,
    Support,
    InternalTeam,
    Marketing,
    Promotion,
    ColdOutreach,
    BulkCampaign,
    Political,
    Unknown,
}

impl Purpose {
    /// Those that every plan carries.
    pub const ALL: [Self; 5] =
        [Self::Authentication, Self::Transactional, Self::Operational, Self::Support, Self::InternalTeam];

    /// Those that no plan carries unless the operator opens it there, if ever.
    pub const REFUSED: [Self; 6] = [
        Self::Marketing,
        Self::Promotion,
        Self::ColdOutreach,
        Self::BulkCampaign,
        Self::Political,
        Self::Unknown,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Authentication => "authentication",
            Self::Transactional => "transactional",
            Self::Operational => "operational",
            Self::Support => "support",
            Self::InternalTeam => "internal_team",
            Self::Marketing => "marketing",
            Self::Promotion => "promotion",
            Self::ColdOutreach => "cold_outreach",
            Self::BulkCampaign => "bulk_campaign",
            Self::Political => "political",
            Self::Unknown => "unknown",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().chain(Self::REFUSED).find(|p| p.as_str() == text)
    }

    /// The number stored in the database; never reused.
    pub const fn number(self) -> i64 {
        match self {
            Self::Authentication => 1,
            Self::Transactional => 2,
            Self::Operational => 3,
            Self::Support => 4,
            Self::InternalTeam => 5,
            Self::Marketing => 6,
            Self::Promotion => 7,
            Self::ColdOutreach => 8,
            Self::BulkCampaign => 9,
            Self::Political => 10,
            Self::Unknown => 11,
        }
    }

    pub fn from_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().chain(Self::REFUSED).find(|p| p.number() == number)
    }

    /// Whether every plan carries it.
    pub fn is_carried(self) -> bool {
        Self::ALL.contains(&self)
    }

    /// Whether an operator can open it for a plan. Cold outreach has no opt-in by its meaning, and an unknown purpose is
    /// none.
    pub const fn can_be_opened(self) -> bool {
        matches!(self, Self::Marketing | Self::Promotion | Self::BulkCampaign | Self::Political)
    }

    /// Which lane of a channel the message takes: lower goes first, so that a code overtakes bulk.
    pub const fn priority(self) -> i64 {
        match self {
            Self::Authentication => 0,
            Self::Support => 1,
            _ => 2,
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

impl<'de> Deserialize<'de> for Purpose {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom(format!("{text:?} is not a purpose")))
    }
}
