//! The rules, each by its name, and how they are asked together.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use serde_json::json;

use super::conversion::{Pumping, Verdict, blocked};
use super::country::Country;
use super::record::Record;
use super::velocity::Limits;
use crate::{Code, Error, Timestamp};

/// Whose counts a record holds. Whoever takes several takes them in this order: the workspace's first, so that two
/// transactions never wait for each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    Workspace,
    Phone,
    /// The address that the customer says their visitor came from.
    Address,
    /// The ten thousand numbers around one.
    Range,
    /// The million numbers around one.
    Region,
}

impl Subject {
    pub const ALL: [Self; 5] = [Self::Workspace, Self::Phone, Self::Address, Self::Range, Self::Region];

    /// The number stored in the database; never reused.
    pub const fn number(self) -> i64 {
        match self {
            Self::Workspace => 1,
            Self::Phone => 2,
            Self::Address => 3,
            Self::Range => 4,
            Self::Region => 5,
        }
    }

    pub fn from_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|subject| subject.number() == number)
    }
}

/// A rule that a verification can be refused by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FraudRule {
    /// The number is of a country that the workspace neither names nor has verified anybody in.
    Country,
    /// The phone was sent a code a while ago, and nobody entered it.
    PhoneCoolDown,
    PhoneVelocity,
    AddressVelocity,
    RangeVelocity,
    WorkspaceVelocity,
    /// Hardly anybody in the number's range enters codes.
    RangePumping,
    RegionPumping,
}

impl FraudRule {
    pub const ALL: [Self; 8] = [
        Self::Country,
        Self::PhoneCoolDown,
        Self::PhoneVelocity,
        Self::AddressVelocity,
        Self::RangeVelocity,
        Self::WorkspaceVelocity,
        Self::RangePumping,
        Self::RegionPumping,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Country => "country",
            Self::PhoneCoolDown => "phone_cool_down",
            Self::PhoneVelocity => "phone_velocity",
            Self::AddressVelocity => "client_ip_velocity",
            Self::RangeVelocity => "range_velocity",
            Self::WorkspaceVelocity => "workspace_velocity",
            Self::RangePumping => "range_pumping",
            Self::RegionPumping => "region_pumping",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|rule| rule.as_str() == text)
    }

    /// The code of a refusal by it.
    pub const fn code(self) -> Code {
        match self {
            Self::Country => Code::CountryNotAllowed,
            Self::PhoneCoolDown => Code::VerificationCoolDown,
            Self::PhoneVelocity | Self::AddressVelocity | Self::RangeVelocity | Self::WorkspaceVelocity => {
                Code::VerificationVelocity
            }
            Self::RangePumping | Self::RegionPumping => Code::VerificationPumping,
        }
    }

    /// What it found, in words that tell nothing of the number.
    const fn found(self) -> &'static str {
        match self {
            Self::Country => "codes are not sent to this country",
            Self::PhoneCoolDown => "this phone was sent a code a moment ago",
            Self::PhoneVelocity => "this phone was sent as many codes as it may be for now",
            Self::AddressVelocity => "as many codes as may be were asked for from this client_ip",
            Self::RangeVelocity => "as many codes as may be were sent to numbers like this one",
            Self::WorkspaceVelocity => "the workspace sent as many codes as it may for now",
            Self::RangePumping | Self::RegionPumping => {
                "hardly any code is entered that is sent to numbers like this one"
            }
        }
    }
}

impl fmt::Display for FraudRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// What the rules ask. The default is what a workspace has that set nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FraudRules {
    /// Seconds that a phone waits after its first, second, … code that nobody entered; the last goes on.
    pub cool_downs: Vec<u32>,
    pub phone: Limits,
    pub client_ip: Limits,
    pub range: Limits,
    pub workspace: Limits,
    /// `None`: ranges are not judged.
    pub pumping: Option<Pumping>,
}

impl Default for FraudRules {
    fn default() -> Self {
        Self {
            cool_downs: vec![30, 60, 120, 300, 600, 1_800, 3_600],
            phone: Limits::of(8, 20),
            client_ip: Limits::of(30, 200),
            range: Limits::of(100, 500),
            workspace: Limits { per_hour: Some(20_000), per_day: None },
            pumping: Some(Pumping::default()),
        }
    }
}

impl FraudRules {
    /// Nothing is asked.
    pub const fn off() -> Self {
        Self {
            cool_downs: Vec::new(),
            phone: Limits::NONE,
            client_ip: Limits::NONE,
            range: Limits::NONE,
            workspace: Limits::NONE,
            pumping: None,
        }
    }
}

/// A subject and what is remembered of it, held until the transaction ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Held {
    pub subject: Subject,
    pub record: Record,
}

/// Why no code is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    pub rule: FraudRule,
    /// The limit that is reached, and in which span.
    pub limit: Option<(u32, &'static str)>,
    /// After it this rule refuses no more, if no other came in between. `None`: waiting does not help.
    pub wait: Option<Duration>,
}

impl Refusal {
    const fn waiting(rule: FraudRule, wait: Duration) -> Self {
        Self { rule, limit: None, wait: Some(wait) }
    }

    /// For the caller: code, rule, limit and wait; nothing of the number but its country.
    pub fn error(&self, country: Option<Country>) -> Error {
        let seconds = self.wait.map(|wait| wait.as_micros().div_ceil(1_000_000));
        let mut details = json!({ "action": "block", "rule": self.rule.as_str(), "country": country });
        if let Some((limit, span)) = self.limit {
            details["limit"] = json!(limit);
            details["per"] = json!(span);
        }
        if let Some(seconds) = seconds {
            details["retry_after"] = json!(u64::try_from(seconds).unwrap_or(u64::MAX));
        }
        let error = Error::new(self.rule.code(), self.rule.found()).with_details(details);
        match self.wait {
            Some(wait) => error.with_retry_after(wait),
            None => error,
        }
    }
}

/// A code may be sent, and is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Admitted {
    /// When the phone may be sent the next one, if nobody enters this one.
    pub next_at: Timestamp,
}

/// Whether codes go to a country: one that the workspace names, or has verified somebody in before; not one that it shuts
/// out.
pub fn country_fits(
    country: Option<Country>,
    allowed: &BTreeSet<Country>,
    blocked: &BTreeSet<Country>,
    verified: impl FnOnce(Country) -> bool,
) -> bool {
    country.is_some_and(|country| {
        !blocked.contains(&country) && (allowed.contains(&country) || verified(country))
    })
}

/// Asks all rules about one more code, and counts it where none refuses. Of several that refuse the one with the longest
/// wait is told; what is refused is not counted.
pub fn admit(held: &mut [Held], rules: &FraudRules, now: Timestamp) -> Result<Admitted, Refusal> {
    let refusals = held.iter().flat_map(|one| refusals(one, rules, now));
    if let Some(refusal) = refusals.max_by_key(|refusal| refusal.wait) {
        return Err(refusal);
    }
    let mut next = now;
    for Held { subject, record } in held {
        record.sent(now);
        if *subject == Subject::Phone {
            record.cool_down.sent(now);
            next = now.plus(record.cool_down.wait(&rules.cool_downs, now));
        }
    }
    Ok(Admitted { next_at: next })
}

/// The rules that refuse one more code to a subject.
fn refusals(Held { subject, record }: &Held, rules: &FraudRules, now: Timestamp) -> Vec<Refusal> {
    let (rule, limits) = match subject {
        Subject::Workspace => (FraudRule::WorkspaceVelocity, rules.workspace),
        Subject::Phone => (FraudRule::PhoneVelocity, rules.phone),
        Subject::Address => (FraudRule::AddressVelocity, rules.client_ip),
        Subject::Range => (FraudRule::RangeVelocity, rules.range),
        Subject::Region => (FraudRule::RangeVelocity, Limits::NONE),
    };
    let velocity = limits.full(record, now).map(|full| Refusal {
        rule,
        limit: Some((full.limit, full.span)),
        wait: Some(full.wait),
    });
    let other = match subject {
        Subject::Phone => cool_down(record, rules, now),
        Subject::Range => pumping(FraudRule::RangePumping, record, rules, now),
        Subject::Region => pumping(FraudRule::RegionPumping, record, rules, now),
        Subject::Workspace | Subject::Address => None,
    };
    velocity.into_iter().chain(other).collect()
}

fn cool_down(record: &Record, rules: &FraudRules, now: Timestamp) -> Option<Refusal> {
    let wait = record.cool_down.wait(&rules.cool_downs, now);
    (!wait.is_zero()).then(|| Refusal::waiting(FraudRule::PhoneCoolDown, wait))
}

fn pumping(rule: FraudRule, record: &Record, rules: &FraudRules, now: Timestamp) -> Option<Refusal> {
    let wait = blocked(record, now);
    (rules.pumping.is_some() && !wait.is_zero()).then(|| Refusal::waiting(rule, wait))
}

/// How a verification by a code of ours ended, as far as it tells something of its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// The code was entered.
    Approved,
    /// A code went out and was not entered, or cannot be had at this number.
    NotApproved,
}

/// Counts the end of a verification. The rule by which a range is blocked from now on, and until when, where it is.
pub fn ended(held: &mut [Held], rules: &FraudRules, end: End, now: Timestamp) -> Vec<(FraudRule, Timestamp)> {
    let mut found = Vec::new();
    let approved = end == End::Approved;
    for Held { subject, record } in held {
        let rule = match subject {
            Subject::Range => FraudRule::RangePumping,
            Subject::Region => FraudRule::RegionPumping,
            Subject::Phone => {
                if approved {
                    record.cool_down.reset();
                }
                continue;
            }
            Subject::Workspace | Subject::Address => continue,
        };
        let Some(pumping) = &rules.pumping else { continue };
        let region = *subject == Subject::Region;
        if let Verdict::Blocked { until, .. } = pumping.ended(region, record, approved, now) {
            found.push((rule, until));
        }
    }
    found
}
