//! How fast a channel sends: in all, and to one person (Meta, "Throughput" and "Pair rate limits").
//!
//! Kept in memory per lane. After a restart the first messages may be faster than Meta likes; it then says so, and the
//! error table slows them.

use std::collections::HashMap;
use std::time::{Duration, Instant};

/// A channel at its limit sends what this time allows at once.
const BATCH_SECONDS: f64 = 0.05;
/// People remembered before those who have no debt left are forgotten.
const PAIRS_KEPT: usize = 10_000;
/// Meta counts when a message arrives, not when it leaves.
const PAIR_SLACK: Duration = Duration::from_millis(100);

/// A token bucket: `rate` a second, at most a tenth of a second's worth saved up.
pub(super) struct Pace {
    tokens: f64,
    at: Instant,
    /// Nothing goes before this time: Meta said the number goes too fast.
    not_before: Option<Instant>,
}

/// The channel's tempo in messages a second, what one look takes at most, and what may be saved up.
fn burst(rate: f64) -> f64 {
    (rate / 10.0).max(1.0)
}

impl Pace {
    pub fn new(now: Instant) -> Self {
        Self { tokens: 1.0, at: now, not_before: None }
    }

    /// How many may go now; when none, how long to wait.
    pub fn allowance(&mut self, rate: f64, now: Instant) -> Result<usize, Duration> {
        if let Some(until) = self.not_before {
            if now < until {
                return Err(until - now);
            }
            self.not_before = None;
        }
        self.tokens = (self.tokens + now.duration_since(self.at).as_secs_f64() * rate).min(burst(rate));
        self.at = now;
        if self.tokens >= 1.0 {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "between 1 and the burst"
            )]
            return Ok(self.tokens as usize);
        }
        // A few at a time: each look at the table costs more than the message itself.
        let few = (rate * BATCH_SECONDS).clamp(1.0, burst(rate));
        Err(Duration::from_secs_f64((few - self.tokens) / rate))
    }

    pub fn spend(&mut self, count: usize) {
        #[expect(clippy::cast_precision_loss, reason = "a count of messages under way")]
        let count = count as f64;
        self.tokens -= count;
    }

    /// Meta said the number goes too fast.
    pub fn hold(&mut self, until: Instant) {
        self.not_before = Some(until);
    }
}

/// How often one number may write to one person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PairLimit {
    /// One message in this time …
    pub every: Duration,
    /// … and so many at once on credit.
    pub burst: u32,
}

impl Default for PairLimit {
    /// Meta's numbers: one in six seconds, 45 on credit.
    fn default() -> Self {
        Self { every: Duration::from_secs(6), burst: 45 }
    }
}

/// The meters of a channel's people, by blind index. One instant says all: when the person's debt would be paid (the
/// generic cell rate algorithm).
#[derive(Default)]
pub(super) struct Pairs {
    due: HashMap<Vec<u8>, Instant>,
    forget_at: usize,
}

impl Pairs {
    /// Counts a message to a person at `now`, or says how long to wait and counts nothing.
    pub fn admit(&mut self, limit: PairLimit, person: &[u8], now: Instant) -> Result<(), Duration> {
        let credit = limit.every * limit.burst.saturating_sub(1);
        let due = self.due.get(person).map_or(now, |due| (*due).max(now));
        if due - now > credit {
            return Err((due - now).saturating_sub(credit) + PAIR_SLACK);
        }
        self.forget(now);
        self.due.insert(person.to_owned(), due + limit.every);
        Ok(())
    }

    /// Bounds the memory: who has no debt need not be known. Looks again only after growing by as much as it kept.
    fn forget(&mut self, now: Instant) {
        if self.due.len() >= self.forget_at.max(PAIRS_KEPT) {
            self.due.retain(|_, due| *due > now);
            self.forget_at = self.due.len() * 2;
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn the_pace_is_kept() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        let (mut now, mut sent) = (start, 0);
        while now < start + Duration::from_secs(10) {
            match pace.allowance(80.0, now) {
                Ok(count) => {
                    pace.spend(count);
                    sent += count;
                }
                Err(wait) => now += wait.max(Duration::from_micros(100)),
            }
        }
        assert!((792..=809).contains(&sent), "80 a second for ten seconds, got {sent}");
        pace.hold(now + Duration::from_secs(2));
        assert_eq!(pace.allowance(80.0, now).unwrap_err(), Duration::from_secs(2));
    }

    #[test]
    fn a_pair_has_a_burst_and_then_one_in_six_seconds() {
        let (mut pairs, start, limit) = (Pairs::default(), Instant::now(), PairLimit::default());
        assert!((0..45).all(|_| pairs.admit(limit, b"a", start).is_ok()));
        let wait = pairs.admit(limit, b"a", start).unwrap_err();
        assert_eq!(wait, Duration::from_secs(6) + PAIR_SLACK);
        assert!(pairs.admit(limit, b"b", start).is_ok(), "another person");
        assert!(pairs.admit(limit, b"a", start + wait).is_ok());
        assert!(pairs.admit(limit, b"a", start + wait).is_err());
    }

    #[test]
    fn people_without_debt_are_forgotten() {
        let (mut pairs, start, limit) = (Pairs::default(), Instant::now(), PairLimit::default());
        for i in 0..5 * PAIRS_KEPT {
            let now = start + Duration::from_millis(i as u64);
            assert!(pairs.admit(limit, &i.to_be_bytes(), now).is_ok());
        }
        assert!(pairs.due.len() <= 2 * PAIRS_KEPT);
    }
}
