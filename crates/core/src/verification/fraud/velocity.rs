//! How many in an hour and in a day.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::record::{DAY_BUCKETS, HOUR_BUCKETS, Record};
use crate::Timestamp;

/// Highest limit that is taken.
pub const LIMIT_MAX: u32 = 10_000_000;

/// At most so many within any hour, and within any day; `None`: no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_hour: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub per_day: Option<u32>,
}

/// A limit that is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Full {
    pub limit: u32,
    /// In which the limit is.
    pub span: &'static str,
    /// After it there is room, if no other came in between.
    pub wait: Duration,
}

impl Limits {
    pub const NONE: Self = Self { per_hour: None, per_day: None };

    pub const fn of(per_hour: u32, per_day: u32) -> Self {
        Self { per_hour: Some(per_hour), per_day: Some(per_day) }
    }

    /// Checks what no shape can say.
    ///
    /// Errors: the member, and a sentence that says what it takes.
    pub fn check(self) -> Result<(), (&'static str, String)> {
        for (name, limit) in [("per_hour", self.per_hour), ("per_day", self.per_day)] {
            if limit.is_some_and(|limit| !(1..=LIMIT_MAX).contains(&limit)) {
                return Err((name, format!("1 to {LIMIT_MAX}, or null for no limit")));
            }
        }
        Ok(())
    }

    /// The limit with the longest wait of those that another one would be too many for.
    pub(super) fn full(self, record: &Record, now: Timestamp) -> Option<Full> {
        let record = record.rolled(now);
        let minute = record.at();
        let hour = minute.div_euclid(60);
        let of_hour = self.per_hour.and_then(|limit| {
            let left = leaves(&record.minutes.0, limit)?;
            Some(Full { limit, span: "hour", wait: until((minute + left) * 60, now) })
        });
        let of_day = self.per_day.and_then(|limit| {
            let left = leaves(&record.hours.0, limit)?;
            Some(Full { limit, span: "day", wait: until((hour + left) * 3_600, now) })
        });
        of_hour.into_iter().chain(of_day).max_by_key(|full| full.wait)
    }
}

/// In how many buckets from now there is room below the limit; `None`: there is.
fn leaves(buckets: &[u32], limit: u32) -> Option<i64> {
    let sum: u64 = buckets.iter().map(|count| u64::from(*count)).sum();
    let mut over = (sum + 1).checked_sub(u64::from(limit)).filter(|over| *over > 0)?;
    for (place, count) in buckets.iter().enumerate().rev() {
        over = over.saturating_sub((*count).into());
        if over == 0 {
            return i64::try_from(buckets.len() - place).ok();
        }
    }
    // A limit of none at all.
    i64::try_from(buckets.len()).ok()
}

fn until(second: i64, now: Timestamp) -> Duration {
    Timestamp::from_seconds(second).since(now)
}

const _: () = assert!(HOUR_BUCKETS == 61 && DAY_BUCKETS == 25, "a span, and the bucket that it begins in");
