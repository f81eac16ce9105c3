//! Ranges of numbers whose codes are hardly ever entered: what paid traffic looks like from here.
//!
//! What counts is how verifications ended, not how many were begun: who was sent a code a minute ago may still enter it.
//! Until enough have ended the limits of the range hold. A range that converts badly is blocked, longer each time; after
//! each block a few are let through to see whether that has changed.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::record::Record;
use crate::Timestamp;

/// A block is forgotten so long after its end.
const FORGOTTEN: Duration = Duration::from_hours(7 * 24);
/// Of what was enough to judge a range, so much is enough after a block.
const PROBATION: u32 = 4;
/// And so many at least.
const PROBATION_LEAST: u32 = 3;
/// A region is judged by so many times what is enough for a range.
const REGION: u32 = 5;
/// Most steps of a block; longest block.
const BLOCKS_MAX: usize = 8;
const BLOCK_MINUTES_MAX: u32 = 7 * 24 * 60;

/// When a range of numbers is blocked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pumping {
    /// Verifications that must have ended within a day before a range is judged; five times as many for a region.
    pub tries: u32,
    /// A range is blocked where fewer of them were approved, in percent.
    pub percent: u8,
    /// How long it is blocked the first time, the second, …; the last goes on.
    pub block_minutes: Vec<u32>,
}

impl Default for Pumping {
    fn default() -> Self {
        Self { tries: 20, percent: 10, block_minutes: vec![15, 60, 240, 1_440] }
    }
}

/// What a range is found to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing new.
    Open,
    /// It is blocked from now until then, for the so-many-th time in a row.
    Blocked { until: Timestamp, times: u8 },
}

impl Pumping {
    /// Checks what no shape can say.
    ///
    /// Errors: the member, and a sentence that says what it takes.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        if !(3..=100_000).contains(&self.tries) {
            return Err(("tries", "3 to 100000".to_owned()));
        }
        if !(1..=100).contains(&self.percent) {
            return Err(("percent", "1 to 100".to_owned()));
        }
        let blocks = &self.block_minutes;
        let fit =
            blocks.iter().all(|minutes| (1..=BLOCK_MINUTES_MAX).contains(minutes)) && blocks.is_sorted();
        if !fit || !(1..=BLOCKS_MAX).contains(&blocks.len()) {
            return Err((
                "block_minutes",
                format!(
                    "1 to {BLOCKS_MAX} numbers of minutes from 1 to {BLOCK_MINUTES_MAX}, none shorter than the one before"
                ),
            ));
        }
        Ok(())
    }

    /// How many must have ended before it is judged.
    fn enough(&self, region: bool, record: &Record) -> u32 {
        let tries = if region { self.tries.saturating_mul(REGION) } else { self.tries };
        if record.blocks == 0 { tries } else { (tries / PROBATION).max(PROBATION_LEAST) }
    }

    /// Counts a verification that has ended, and judges.
    pub(super) fn ended(&self, region: bool, record: &mut Record, approved: bool, now: Timestamp) -> Verdict {
        record.roll(now);
        if record.blocks > 0 && now.since(record.blocked_until) >= FORGOTTEN {
            record.blocks = 0;
        }
        // What was under way when a block began tells nothing new.
        if !blocked(record, now).is_zero() {
            return Verdict::Open;
        }
        record.ended.add();
        if approved {
            record.approved.add();
        }
        let (ended, right) = (u64::from(record.ended.sum()), u64::from(record.approved.sum()));
        if ended < self.enough(region, record).into() {
            return Verdict::Open;
        }
        if right * 100 >= u64::from(self.percent) * ended {
            record.blocks = 0;
            return Verdict::Open;
        }
        let place = usize::from(record.blocks).min(self.block_minutes.len().saturating_sub(1));
        let minutes = self.block_minutes.get(place).copied().unwrap_or(1);
        record.blocks = record.blocks.saturating_add(1);
        record.blocked_until = now.plus(Duration::from_secs(u64::from(minutes) * 60));
        record.judged_anew();
        Verdict::Blocked { until: record.blocked_until, times: record.blocks }
    }
}

/// How long a range stays blocked; zero: it is not. A block that ends later than any can was set before the clock was set
/// back.
pub(super) fn blocked(record: &Record, now: Timestamp) -> Duration {
    let left = record.blocked_until.since(now);
    if left > Duration::from_secs(u64::from(BLOCK_MINUTES_MAX) * 60) { Duration::ZERO } else { left }
}
