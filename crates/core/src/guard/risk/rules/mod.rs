//! The rules: each looks at one thing and answers with one number.
//!
//! A rule is a row of [`RULES`]: what it measures, from which number on it holds or blocks by itself, and how much of that
//! counts for whom. What decides is the sum of all ([`assess`](super::assess)).

mod channel;
mod content;
mod delivery;
mod velocity;

use std::fmt;

use serde::{Serialize, Serializer};

use super::content::Features;
use super::counters::Counters;
use super::facts::{Acquaintance, Facts};
use super::tuning::Tuning;

/// What rules look at: the message as if it were counted already.
pub(super) struct Seen<'a> {
    pub features: &'a Features,
    pub counters: &'a Counters,
    pub facts: &'a Facts,
    pub tuning: &'a Tuning,
}

/// What kind of thing a rule looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// How many people, how fast.
    Velocity,
    /// What became of messages before.
    Delivery,
    /// How Meta and time judge the channel.
    Channel,
    /// What the words say.
    Content,
}

impl Family {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Velocity => "velocity",
            Self::Delivery => "delivery",
            Self::Channel => "channel",
            Self::Content => "content",
        }
    }
}

/// How much of a rule's score counts, in percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Shares {
    /// Where the person was written to before.
    pub known: u8,
    /// Where the person wrote within the service window.
    pub open: u8,
    /// Where the words were reviewed: a template. Multiplies with the other two.
    pub reviewed: u8,
}

impl Shares {
    /// In percent of the score.
    pub(super) fn of(self, facts: &Facts) -> u32 {
        let person = match facts.acquaintance {
            Acquaintance::New => 100,
            Acquaintance::Known => u32::from(self.known),
            Acquaintance::Open => u32::from(self.open),
        };
        let words = if facts.reviewed { u32::from(self.reviewed) } else { 100 };
        person * words / 100
    }
}

/// A rule as it stands in the table.
pub struct Rule {
    pub id: RuleId,
    pub name: &'static str,
    pub family: Family,
    /// What its number is, for people.
    pub measures: &'static str,
    /// From this number on it holds by itself.
    pub hold_at: u32,
    /// From this number on it blocks by itself.
    pub block_at: u32,
    /// Percent of its score that counts.
    pub weight: u32,
    pub shares: Shares,
    /// True where the preset `strict` halves the numbers.
    pub halved: bool,
    pub(super) measure: fn(&Seen<'_>) -> u32,
}

macro_rules! rules {
    ($($id:ident $name:literal $family:ident { $measures:literal, $hold:literal, $block:literal, weight $weight:literal,
        known $known:literal, open $open:literal, reviewed $reviewed:literal, strict $strict:ident, $measure:path })*) => {
        /// The name of a rule; stable.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum RuleId {
            $(#[doc = $measures] $id,)*
        }

        impl RuleId {
            pub const ALL: [Self; RULES.len()] = [$(Self::$id,)*];
        }

        /// Every rule, in the order of [`RuleId`].
        pub const RULES: &[Rule] = &[$(Rule {
            id: RuleId::$id,
            name: $name,
            family: Family::$family,
            measures: $measures,
            hold_at: $hold,
            block_at: $block,
            weight: $weight,
            shares: Shares { known: $known, open: $open, reviewed: $reviewed },
            halved: strict::$strict,
            measure: $measure,
        },)*];
    };
}

/// What the preset `strict` does with a rule's numbers.
mod strict {
    pub(super) const HALVES: bool = true;
    pub(super) const KEEPS: bool = false;
}

rules! {
    NewRecipientsHour "new_recipients_hour" Velocity {
        "People who got their first message within the last hour, this one included; 0 for a message to somebody else",
        500, 2_000, weight 100, known 0, open 0, reviewed 10, strict HALVES, velocity::new_recipients_hour }
    NewRecipientsDay "new_recipients_day" Velocity {
        "The same within the last 24 hours",
        2_000, 10_000, weight 100, known 0, open 0, reviewed 5, strict HALVES, velocity::new_recipients_day }
    FirstContactBurst "first_contact_burst" Velocity {
        "The same within the last minute",
        30, 100, weight 100, known 0, open 0, reviewed 10, strict HALVES, velocity::first_contact_burst }
    ColdContactsHour "cold_contacts_hour" Velocity {
        "First messages without a template within the last hour, this one included",
        40, 120, weight 100, known 0, open 0, reviewed 0, strict HALVES, velocity::cold_contacts_hour }
    ColdContactsDay "cold_contacts_day" Velocity {
        "The same within the last 24 hours",
        200, 500, weight 100, known 0, open 0, reviewed 0, strict HALVES, velocity::cold_contacts_day }
    IdenticalText "identical_text" Velocity {
        "How often this text went out lately, in words of one's own, to people who did not just write; halved every hour",
        100, 400, weight 100, known 40, open 0, reviewed 0, strict HALVES, velocity::identical_text }
    ShortenedLinks "shortened_links" Velocity {
        "Messages with a shortened link within the last hour, in words of one's own, to people who did not just write; 0 for a message without such a link",
        50, 200, weight 100, known 70, open 0, reviewed 20, strict HALVES, velocity::shortened_links }
    UndeliverableRate "undeliverable_rate" Delivery {
        "Percent of the messages of the last 24 hours that went to nobody on WhatsApp (Meta's code 131026), from 10 on",
        30, 60, weight 100, known 50, open 0, reviewed 50, strict HALVES, delivery::undeliverable_rate }
    UnwantedRate "unwanted_rate" Delivery {
        "Percent of the messages of the last 24 hours that people did not want (131049, 131050), from 10 on",
        30, 70, weight 100, known 50, open 0, reviewed 50, strict HALVES, delivery::unwanted_rate }
    FailureRate "failure_rate" Delivery {
        "Percent of the messages of the last 24 hours that Meta refused for whatever reason but pace and faults that pass, from 20 on",
        60, 95, weight 60, known 50, open 0, reviewed 50, strict KEEPS, delivery::failure_rate }
    SpamRestrictions "spam_restrictions" Delivery {
        "Messages of the last 24 hours that Meta refused because the number or account is restricted (131048, 368)",
        3, 20, weight 100, known 50, open 0, reviewed 50, strict HALVES, delivery::spam_restrictions }
    QualityDrop "quality_drop" Channel {
        "Meta's rating of the number: 0 green or unknown, 1 yellow, 3 red; one more where it fell within the last 24 hours",
        3, 4, weight 100, known 25, open 0, reviewed 30, strict KEEPS, channel::quality_drop }
    WarmUp "warm_up" Channel {
        "First messages within the last 24 hours in percent of what a channel of this age may begin with; 0 on test channels",
        100, 200, weight 100, known 0, open 0, reviewed 5, strict KEEPS, channel::warm_up }
    CredentialRequest "credential_request" Content {
        "20 for each kind of secret that the person is asked to hand over; 15 where they are to enter one behind a foreign link",
        20, 40, weight 100, known 100, open 100, reviewed 100, strict KEEPS, content::credential_request }
    LookAlikeHost "look_alike_host" Content {
        "How surely a link's host borrows a known name or the workspace's own, in percent",
        60, 100, weight 100, known 100, open 100, reviewed 100, strict KEEPS, content::look_alike_host }
    DisguisedHost "disguised_host" Content {
        "Links whose host mixes scripts, or is written in one that is made to look like Latin",
        1, 2, weight 100, known 100, open 100, reviewed 100, strict KEEPS, content::disguised_host }
    DisguisedName "disguised_name" Content {
        "Words that are written to look like a known name or the workspace's own",
        1, 3, weight 100, known 100, open 100, reviewed 100, strict KEEPS, content::disguised_name }
    LinkUser "link_user" Content {
        "Links with a name before an at sign",
        1, 2, weight 100, known 100, open 0, reviewed 100, strict KEEPS, content::link_user }
    RawHost "raw_host" Content {
        "Links to a public address instead of a name",
        1, 3, weight 60, known 100, open 0, reviewed 50, strict KEEPS, content::raw_host }
    LinkDensity "link_density" Content {
        "Links to foreign hosts in 100 words, from three links on",
        20, 50, weight 60, known 50, open 0, reviewed 20, strict HALVES, content::link_density }
}

impl RuleId {
    pub fn rule(self) -> &'static Rule {
        &RULES[self as usize]
    }

    pub fn as_str(self) -> &'static str {
        self.rule().name
    }

    pub fn parse(text: &str) -> Option<Self> {
        RULES.iter().find(|rule| rule.name == text).map(|rule| rule.id)
    }
}

impl fmt::Display for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Serialize for RuleId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

/// Pairs that block together, whatever the numbers: who borrows a name and asks for a secret wants the secret.
pub const TOGETHER: [(RuleId, RuleId); 4] = [
    (RuleId::CredentialRequest, RuleId::LookAlikeHost),
    (RuleId::CredentialRequest, RuleId::DisguisedHost),
    (RuleId::CredentialRequest, RuleId::DisguisedName),
    (RuleId::CredentialRequest, RuleId::LinkUser),
];

/// What `part` is of `whole`, in percent, 100 at most; 0 where there are fewer than `least`.
fn percent(part: u32, whole: u32, least: u32) -> u32 {
    if part < least {
        return 0;
    }
    let percent = u64::from(part) * 100 / u64::from(whole.max(1));
    u32::try_from(percent.min(100)).unwrap_or(100)
}
