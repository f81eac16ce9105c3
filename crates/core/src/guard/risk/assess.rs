//! The sum of the rules, and what follows from it.

use serde::Serialize;

use crate::Timestamp;

use super::content::Features;
use super::counters::Counters;
use super::facts::Facts;
use super::rules::{RULES, RuleId, Seen, TOGETHER};
use super::tuning::Tuning;

/// What a rule scores where its number reaches `hold_at`.
const AT_HOLD: u64 = 60;
/// What it scores from `block_at` on.
const AT_BLOCK: u64 = 90;
const MOST: u32 = 100;

/// What may be done with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    Allow,
    /// It waits for somebody to look at it.
    Hold,
    Block,
}

impl Action {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Hold => "hold",
            Self::Block => "block",
        }
    }
}

/// A rule that had something to say: numbers only, never a word of the message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Hit {
    pub rule: RuleId,
    /// What it adds to the sum, 1 to 100.
    pub score: u8,
    /// What it measured; see [`RULES`] for what that is.
    pub value: u32,
    /// The numbers that the plan's tuning compares it with.
    pub hold_at: u32,
    pub block_at: u32,
}

/// What the rules think of a message.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Assessment {
    /// The sum of the hits, 100 at most.
    pub score: u8,
    pub action: Action,
    /// In the order of the rules.
    pub hits: Vec<Hit>,
}

/// Asks every rule. The counters are those from before the message; how far they lie back does not matter.
pub fn assess(
    features: &Features,
    counters: &Counters,
    facts: &Facts,
    tuning: &Tuning,
    now: Timestamp,
) -> Assessment {
    let counters = counters.rolled(now);
    let seen = Seen { features, counters: &counters, facts, tuning };
    let mut hits = Vec::new();
    for rule in RULES {
        let tuned = tuning.rule(rule.id);
        let share = rule.shares.of(facts);
        if !tuned.enabled || share == 0 {
            continue;
        }
        let value = (rule.measure)(&seen);
        let full = score(value, tuned.hold_at, tuned.block_at);
        let score = (full * u64::from(tuned.weight) * u64::from(share) / 10_000).min(MOST.into());
        if score > 0 {
            let score = u8::try_from(score).unwrap_or(100);
            let (hold_at, block_at) = (tuned.hold_at, tuned.block_at);
            hits.push(Hit { rule: rule.id, score, value, hold_at, block_at });
        }
    }
    let hit = |rule: RuleId| hits.iter().any(|hit| hit.rule == rule);
    let together = TOGETHER.iter().any(|(one, other)| hit(*one) && hit(*other));
    let sum = hits.iter().map(|hit| u32::from(hit.score)).sum::<u32>().min(MOST);
    let sum = u8::try_from(if together { MOST } else { sum }).unwrap_or(100);
    let action = if sum >= tuning.block_score() {
        Action::Block
    } else if sum >= tuning.hold_score() {
        Action::Hold
    } else {
        Action::Allow
    };
    Assessment { score: sum, action, hits }
}

/// Nothing up to half of `hold_at`, so that what is ordinary adds up to nothing; then straight up to 60 there, and to 90
/// at `block_at`. Never less for a greater number.
fn score(value: u32, hold_at: u32, block_at: u32) -> u64 {
    let (value, hold, block) = (u64::from(value), u64::from(hold_at), u64::from(block_at));
    if value >= block {
        AT_BLOCK
    } else if value >= hold {
        AT_HOLD + (AT_BLOCK - AT_HOLD) * (value - hold) / (block - hold)
    } else if 2 * value > hold {
        AT_HOLD * (2 * value - hold) / hold
    } else {
        0
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::score;

    #[test]
    fn the_scale() {
        let scores = [0, 50, 51, 75, 99, 100, 150, 199, 200, u32::MAX].map(|value| score(value, 100, 200));
        assert_eq!(scores, [0, 0, 1, 30, 58, 60, 75, 89, 90, 90]);
        assert_eq!([0, 1, 2].map(|value| score(value, 1, 2)), [0, 60, 90]);
        assert_eq!([0, 1].map(|value| score(value, 1, 1)), [0, 90]);
    }

    proptest! {
        #[test]
        fn more_is_never_less(value: u32, more: u32, hold in 1_u32.., further: u32) {
            let block = hold.saturating_add(further);
            prop_assert!(score(value, hold, block) <= score(value.saturating_add(more), hold, block));
            prop_assert!(score(value, hold, block) <= 90);
        }
    }
}
