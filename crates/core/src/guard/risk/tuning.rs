//! How strict the rules are: what a plan carries.
//!
//! As JSON: `{"preset": "standard", "hold_score": 60, "block_score": 90, "rules": {"identical_text": {"hold_at": 300,
//! "block_at": 1000, "weight": 50, "enabled": true}}, "warm_up": [50, 100, 200]}`. Every member may be left out; a rule
//! that is not named keeps the preset's numbers.

use std::collections::BTreeMap;

use serde::ser::{SerializeMap, SerializeStruct};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

use super::rules::{RULES, RuleId};

/// Highest weight, in percent: a rule may count twice.
const WEIGHT_MAX: u32 = 200;
/// Longest schedule, in days.
const WARM_UP_MAX: usize = 365;
/// First messages a day of a channel that is so many days old; no bound after that. The steps are Meta's old ones for new
/// numbers, slower than its limits of today (250 and 2,000 people in 24 hours).
const WARM_UP: [u32; 14] =
    [50, 100, 200, 500, 1_000, 1_000, 1_000, 2_000, 2_000, 2_000, 2_000, 2_000, 2_000, 2_000];

/// Numbers to begin with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Preset {
    /// No rule is asked.
    Off,
    #[default]
    Standard,
    /// Holds from 50 on and blocks from 80 on; counts and rates are half of `standard`.
    Strict,
}

/// One rule's numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct RuleTuning {
    pub enabled: bool,
    /// From this number on the rule holds by itself, where its weight is 100. At least 1.
    pub hold_at: u32,
    /// From this number on it blocks by itself. Not less than `hold_at`.
    pub block_at: u32,
    /// Percent of its score that counts, 0 to 200. Below 100 it decides in company only.
    pub weight: u32,
}

/// The numbers of all rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tuning {
    preset: Preset,
    hold_score: u8,
    block_score: u8,
    /// In the order of [`RULES`].
    rules: Vec<RuleTuning>,
    warm_up: Vec<u32>,
}

impl Default for Tuning {
    fn default() -> Self {
        Self::preset(Preset::Standard)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default)]
    preset: Preset,
    hold_score: Option<u8>,
    block_score: Option<u8>,
    #[serde(default)]
    rules: BTreeMap<String, WrittenRule>,
    warm_up: Option<Vec<u32>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenRule {
    enabled: Option<bool>,
    hold_at: Option<u32>,
    block_at: Option<u32>,
    weight: Option<u32>,
}

impl Tuning {
    pub fn preset(preset: Preset) -> Self {
        let (hold_score, block_score) = if preset == Preset::Strict { (50, 80) } else { (60, 90) };
        let rules = RULES
            .iter()
            .map(|rule| {
                let part = if rule.halved && preset == Preset::Strict { 2 } else { 1 };
                RuleTuning {
                    enabled: preset != Preset::Off,
                    hold_at: (rule.hold_at / part).max(1),
                    block_at: (rule.block_at / part).max(1),
                    weight: rule.weight,
                }
            })
            .collect();
        Self { preset, hold_score, block_score, rules, warm_up: WARM_UP.to_vec() }
    }

    /// Reads the JSON above. Errors: a sentence that names the member and what it takes.
    pub fn parse(json: &str) -> Result<Self, String> {
        serde_json::from_str(json).map_err(|error| error.to_string())
    }

    pub fn rule(&self, rule: RuleId) -> RuleTuning {
        let unknown = RuleTuning { enabled: false, hold_at: 1, block_at: 1, weight: 0 };
        self.rules.get(rule as usize).copied().unwrap_or(unknown)
    }

    /// The sum from which on a message is held.
    pub fn hold_score(&self) -> u8 {
        self.hold_score
    }

    /// The sum from which on a message is blocked.
    pub fn block_score(&self) -> u8 {
        self.block_score
    }

    /// How many first messages a channel may send on this day of its life. None: as many as it likes.
    pub(super) fn warm_up(&self, days: u32) -> Option<u32> {
        self.warm_up.get(usize::try_from(days).ok()?).copied()
    }

    fn read(written: Written) -> Result<Self, String> {
        let mut tuning = Self::preset(written.preset);
        tuning.hold_score = written.hold_score.unwrap_or(tuning.hold_score);
        tuning.block_score = written.block_score.unwrap_or(tuning.block_score.max(tuning.hold_score));
        if !(1..=100).contains(&tuning.hold_score) || !(tuning.hold_score..=100).contains(&tuning.block_score)
        {
            return Err(
                "hold_score and block_score: 1 to 100, and block_score not below hold_score".to_owned()
            );
        }
        for (name, rule) in written.rules {
            let id = RuleId::parse(&name).ok_or_else(|| {
                let known: Vec<&str> = RULES.iter().map(|rule| rule.name).collect();
                format!("rules: there is no rule {name:?}; there are {}", known.join(", "))
            })?;
            let Some(tuned) = tuning.rules.get_mut(id as usize) else { continue };
            tuned.enabled = rule.enabled.unwrap_or(tuned.enabled);
            tuned.hold_at = rule.hold_at.unwrap_or(tuned.hold_at);
            // Whoever raises the one alone does not mean to set it above the other.
            tuned.block_at = rule.block_at.unwrap_or(tuned.block_at.max(tuned.hold_at));
            tuned.weight = rule.weight.unwrap_or(tuned.weight);
            if tuned.hold_at == 0 {
                return Err(format!(
                    "rules.{name}.hold_at: at least 1; to switch a rule off, \"enabled\": false"
                ));
            }
            if tuned.block_at < tuned.hold_at {
                return Err(format!("rules.{name}.block_at: not below hold_at, which is {}", tuned.hold_at));
            }
            if tuned.weight > WEIGHT_MAX {
                return Err(format!("rules.{name}.weight: at most {WEIGHT_MAX}, in percent"));
            }
        }
        if let Some(warm_up) = written.warm_up {
            if warm_up.len() > WARM_UP_MAX || warm_up.contains(&0) {
                return Err(format!(
                    "warm_up: at most {WARM_UP_MAX} numbers, each at least 1: first messages on each day of a new channel"
                ));
            }
            tuning.warm_up = warm_up;
        }
        Ok(tuning)
    }
}

impl<'de> Deserialize<'de> for Tuning {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::read(Written::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

/// The rules that differ from the preset.
struct Changed<'a>(&'a Tuning);

impl Changed<'_> {
    fn rules(&self) -> impl Iterator<Item = (&'static str, RuleTuning)> {
        let preset = Tuning::preset(self.0.preset);
        RULES
            .iter()
            .zip(self.0.rules.clone())
            .zip(preset.rules)
            .filter_map(|((rule, now), before)| (now != before).then_some((rule.name, now)))
    }
}

impl Serialize for Changed<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, rule) in self.rules() {
            map.serialize_entry(name, &rule)?;
        }
        map.end()
    }
}

impl Serialize for Tuning {
    /// What [`Tuning::parse`] reads as the same: the preset, and what differs from it.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut out = serializer.serialize_struct("Tuning", 5)?;
        out.serialize_field("preset", &self.preset)?;
        out.serialize_field("hold_score", &self.hold_score)?;
        out.serialize_field("block_score", &self.block_score)?;
        out.serialize_field("rules", &Changed(self))?;
        out.serialize_field("warm_up", &self.warm_up)?;
        out.end()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn what_is_left_out_is_the_presets() {
        assert_eq!(Tuning::parse("{}").unwrap(), Tuning::default());
        let tuning = Tuning::parse(
            r#"{"preset": "strict", "block_score": 95, "rules": {"identical_text": {"hold_at": 900}, "raw_host": {"enabled": false}}}"#,
        )
        .unwrap();
        let strict = Tuning::preset(Preset::Strict);
        assert_eq!((tuning.hold_score(), tuning.block_score()), (50, 95));
        let text = tuning.rule(RuleId::IdenticalText);
        assert_eq!((text.hold_at, text.block_at, text.enabled), (900, 900, true));
        assert!(!tuning.rule(RuleId::RawHost).enabled && strict.rule(RuleId::RawHost).enabled);
        assert_eq!(tuning.rule(RuleId::ColdContactsHour), strict.rule(RuleId::ColdContactsHour));
        assert!(RULES.iter().all(|rule| !Tuning::preset(Preset::Off).rule(rule.id).enabled));
        assert_eq!(Tuning::parse(r#"{"warm_up": []}"#).unwrap().warm_up(0), None);
    }

    #[test]
    fn faults_say_where() {
        for (json, expected) in [
            (
                r#"{"rules": {"identical": {}}}"#,
                "there is no rule \"identical\"; there are new_recipients_hour",
            ),
            (r#"{"rules": {"raw_host": {"hold": 1}}}"#, "unknown field `hold`"),
            (r#"{"rules": {"raw_host": {"hold_at": 0}}}"#, "rules.raw_host.hold_at: at least 1"),
            (r#"{"rules": {"raw_host": {"hold_at": 9, "block_at": 8}}}"#, "rules.raw_host.block_at"),
            (r#"{"rules": {"raw_host": {"weight": 201}}}"#, "rules.raw_host.weight"),
            (r#"{"preset": "lax"}"#, "unknown variant `lax`"),
            (r#"{"hold_score": 0}"#, "hold_score"),
            (r#"{"hold_score": 90, "block_score": 80}"#, "block_score"),
            (r#"{"warm_up": [0]}"#, "warm_up"),
            (r#"{"hold": 1}"#, "unknown field `hold`"),
        ] {
            let fault = Tuning::parse(json).unwrap_err();
            assert!(fault.contains(expected), "{json}: {fault}");
        }
    }

    #[test]
    fn what_is_written_reads_the_same() {
        for json in [
            "{}",
            r#"{"preset": "off"}"#,
            r#"{"preset": "strict", "hold_score": 40, "rules": {"raw_host": {"weight": 100}}, "warm_up": [10]}"#,
        ] {
            let tuning = Tuning::parse(json).unwrap();
            let written = serde_json::to_string(&tuning).unwrap();
            assert_eq!(Tuning::parse(&written).unwrap(), tuning, "{written}");
        }
    }
}
