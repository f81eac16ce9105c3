//! The guard: whether an outbound message may go.
//!
//! [`judging`] decides in the transaction that accepts a message, so that what is counted is exact; [`dequeue`] looks
//! again when the message is taken from its queue, since a person may have written STOP meanwhile.

mod dequeue;
mod expiring;
mod explaining;
mod holding;
mod judging;
mod pauses;
mod policy;
pub(crate) mod quiet;
mod reading;
mod reviews;
mod risk;
mod setting;
mod units;
mod usage;
mod withdrawing;

use std::sync::Arc;
use std::time::Duration;

use gatepost_core::guard::{GuardSettings, Plan, Zone};
use gatepost_core::optout::OwnKeyword;
use gatepost_core::verification::VerificationSettings;
use gatepost_core::verification::fraud::FraudRules;
use gatepost_core::{Purpose, Result};
use gatepost_store::GuardFacts;
use moka::sync::Cache;

pub(crate) use dequeue::{Barred, Bars, bars};
pub(crate) use expiring::Expiring;
pub use explaining::Explained;
pub(crate) use holding::RefusedVerification;
pub(crate) use judging::{Asked, judge};
pub use pauses::{PauseView, pause_scope};
pub(crate) use policy::{Refused, policy_refusal_add};
pub use reviews::ReviewView;
pub(crate) use risk::{KnownNames, Shown};
pub use usage::{UsageOf, UsageView};
pub(crate) use withdrawing::Withdrawal;

/// The operator's settings of the guard.
#[derive(Debug, Clone)]
pub struct GuardConfig {
    /// Purposes that go to suppressed people all the same.
    pub essential: Vec<Purpose>,
    /// How long a held message waits for a decision.
    pub review_for: Duration,
    /// The plan of workspaces that have none, by name; `None`: everything, without limits.
    pub default_plan: Option<Arc<str>>,
    /// The rules that whoever makes a workspace accepts; `None`: there are none.
    pub acceptable_use: Option<Arc<AcceptableUse>>,
    /// The operator's own words for opting out and in, beside those that are understood everywhere.
    pub keywords: Vec<OwnKeyword>,
    /// What verifications are held against in workspaces that set nothing else.
    pub verification_rules: FraudRules,
}

impl Default for GuardConfig {
    fn default() -> Self {
        Self {
            essential: vec![Purpose::Authentication],
            review_for: Duration::from_hours(72),
            default_plan: None,
            acceptable_use: None,
            keywords: Vec::new(),
            verification_rules: FraudRules::default(),
        }
    }
}

/// The operator's rules for acceptable use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AcceptableUse {
    pub text: String,
    /// Follows from the text: another text is another version.
    pub version: String,
}

impl AcceptableUse {
    pub fn new(text: String) -> Self {
        let digest = gatepost_vault::sha256(text.as_bytes());
        let version = digest.iter().take(8).fold(String::new(), |text, byte| format!("{text}{byte:02x}"));
        Self { text, version }
    }
}

/// Texts of plans and settings that were read before, by the texts themselves: a workspace's do not change often.
#[derive(Clone)]
pub(crate) struct Texts {
    plans: Cache<String, Arc<Plan>>,
    settings: Cache<String, Arc<GuardSettings>>,
    verifications: Cache<String, Arc<VerificationSettings>>,
    zones: Cache<String, Zone>,
}

impl Default for Texts {
    fn default() -> Self {
        Self {
            plans: Cache::new(1_000),
            settings: Cache::new(1_000),
            verifications: Cache::new(1_000),
            zones: Cache::new(600),
        }
    }
}

/// What a workspace's sends are held against, read into types.
#[derive(Clone)]
pub(crate) struct Rules {
    pub plan: Arc<Plan>,
    pub settings: Arc<GuardSettings>,
    pub zone: Zone,
}

fn damaged(what: &str, error: &str) -> gatepost_core::Error {
    gatepost_core::Error::internal(format!("the {what} of a workspace cannot be read: {error}"))
}

impl Texts {
    /// The rules of a workspace. A plan or setting that cannot be read was damaged: nothing is sent by it.
    pub fn rules(&self, facts: &GuardFacts) -> Result<Rules> {
        let plan = match &facts.plan_body {
            None => Arc::default(),
            Some(text) => match self.plans.get(text) {
                Some(plan) => plan,
                None => {
                    let plan = Arc::new(Plan::parse(text).map_err(|e| damaged("plan", &e))?);
                    self.plans.insert(text.clone(), Arc::clone(&plan));
                    plan
                }
            },
        };
        let settings = self.settings(facts.settings.as_ref())?;
        Ok(Rules { plan, settings, zone: self.zone(&facts.time_zone)? })
    }

    /// Settings as they are stored.
    pub fn settings(&self, text: Option<&String>) -> Result<Arc<GuardSettings>> {
        let Some(text) = text else { return Ok(Arc::default()) };
        if let Some(settings) = self.settings.get(text) {
            return Ok(settings);
        }
        let read = serde_json::from_str(text);
        let settings: Arc<GuardSettings> = Arc::new(
            read.map_err(|error: serde_json::Error| damaged("guard's settings", &error.to_string()))?,
        );
        self.settings.insert(text.clone(), Arc::clone(&settings));
        Ok(settings)
    }

    /// Settings of verifications as they are stored.
    pub fn verifications(&self, text: Option<&String>) -> Result<Arc<VerificationSettings>> {
        let Some(text) = text else { return Ok(Arc::default()) };
        if let Some(settings) = self.verifications.get(text) {
            return Ok(settings);
        }
        let read = serde_json::from_str(text);
        let settings: Arc<VerificationSettings> = Arc::new(
            read.map_err(|error: serde_json::Error| damaged("verification settings", &error.to_string()))?,
        );
        self.verifications.insert(text.clone(), Arc::clone(&settings));
        Ok(settings)
    }

    /// A time zone by its name.
    pub fn zone(&self, name: &str) -> Result<Zone> {
        if let Some(zone) = self.zones.get(name) {
            return Ok(zone);
        }
        let zone = Zone::parse(name).map_err(|error| damaged("time zone", &error))?;
        self.zones.insert(name.to_owned(), zone.clone());
        Ok(zone)
    }
}
