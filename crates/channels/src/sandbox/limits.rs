//! How fast one number may send, in all and to one recipient.

use std::collections::HashMap;
use std::time::Duration;

use tokio::time::Instant;

use super::config::{PairLimit, SandboxLimits};

/// Recipients remembered before those that have no debt left are forgotten.
const PAIRS_KEPT: usize = 50_000;

/// The meters of one number. Both count by "theoretical arrival time" (the generic cell rate algorithm): one instant
/// says all that a bucket's level and its last change would.
#[derive(Debug, Default)]
pub(super) struct Meters {
    number: Option<Instant>,
    pairs: HashMap<String, Instant>,
    forget_at: usize,
}

/// Which limit was met.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Exceeded {
    Throughput,
    Pair,
}

impl Meters {
    /// Counts a message at `now`, or refuses it and counts nothing.
    pub(super) fn admit(&mut self, limits: &SandboxLimits, to: &str, now: Instant) -> Result<(), Exceeded> {
        let number = match limits.throughput.filter(|rate| *rate > 0) {
            None => None,
            Some(rate) => {
                let every = Duration::from_secs(1) / rate;
                Some(advance(self.number, every, rate, now).ok_or(Exceeded::Throughput)?)
            }
        };
        if let Some(PairLimit { every, burst }) = limits.pair {
            let next = advance(self.pairs.get(to).copied(), every, burst, now).ok_or(Exceeded::Pair)?;
            self.forget(now);
            self.pairs.insert(to.to_owned(), next);
        }
        self.number = number;
        Ok(())
    }

    /// Bounds the memory: who has no debt need not be known. Looks again only after growing by as much as it kept,
    /// so the cost of a message stays constant on average.
    fn forget(&mut self, now: Instant) {
        if self.pairs.len() >= self.forget_at.max(PAIRS_KEPT) {
            self.pairs.retain(|_, due| *due > now);
            self.forget_at = self.pairs.len() * 2;
        }
    }
}

/// The arrival time after one more message, or `None` when the credit of `burst` messages is used up.
fn advance(due: Option<Instant>, every: Duration, burst: u32, now: Instant) -> Option<Instant> {
    let due = due.map_or(now, |due| due.max(now));
    (due - now <= every * burst.saturating_sub(1)).then(|| due + every)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn throughput_is_a_second_of_credit_and_then_the_rate() {
        let (mut meters, start) = (Meters::default(), Instant::now());
        let limits = SandboxLimits { throughput: Some(80), pair: None };
        for _ in 0..80 {
            assert_eq!(meters.admit(&limits, "1", start), Ok(()));
        }
        assert_eq!(meters.admit(&limits, "1", start), Err(Exceeded::Throughput));
        let later = start + Duration::from_millis(100);
        let taken = (0..20).filter(|_| meters.admit(&limits, "1", later).is_ok()).count();
        assert_eq!(taken, 8);
    }

    #[test]
    fn a_pair_has_a_burst_of_45_and_then_one_in_six_seconds() {
        let (mut meters, start) = (Meters::default(), Instant::now());
        let limits = SandboxLimits { throughput: None, ..SandboxLimits::default() };
        assert!((0..45).all(|_| meters.admit(&limits, "1", start).is_ok()));
        assert_eq!(meters.admit(&limits, "1", start), Err(Exceeded::Pair));
        assert_eq!(meters.admit(&limits, "2", start), Ok(()), "another recipient");
        assert_eq!(meters.admit(&limits, "1", start + Duration::from_secs(6)), Ok(()));
        assert_eq!(meters.admit(&limits, "1", start + Duration::from_secs(6)), Err(Exceeded::Pair));
    }

    #[test]
    fn memory_is_bounded() {
        let (mut meters, start) = (Meters::default(), Instant::now());
        let limits = SandboxLimits::default();
        let limits = SandboxLimits { throughput: None, ..limits };
        for i in 0..3 * PAIRS_KEPT {
            let now = start + Duration::from_millis(i as u64 * 10);
            assert_eq!(meters.admit(&limits, &i.to_string(), now), Ok(()));
        }
        assert!(meters.pairs.len() <= PAIRS_KEPT);
    }
}
