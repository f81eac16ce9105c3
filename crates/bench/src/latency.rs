//! Latencies of many calls.

use std::time::Duration;

use hdrhistogram::Histogram;

use crate::error::Result;

/// The longest latency that is told apart: a minute.
const LONGEST_MICROS: u64 = 60_000_000;

/// Latencies in microseconds, with three digits kept.
pub struct Latencies(Histogram<u64>);

impl Latencies {
    pub fn new() -> Result<Self> {
        Ok(Self(Histogram::new_with_bounds(1, LONGEST_MICROS, 3)?))
    }

    pub fn record(&mut self, latency: Duration) {
        self.0.saturating_record(u64::try_from(latency.as_micros()).unwrap_or(LONGEST_MICROS).max(1));
    }

    /// Begins anew.
    pub fn clear(&mut self) {
        self.0.reset();
    }

    pub fn count(&self) -> u64 {
        self.0.len()
    }

    /// The latency that the part `quantile` (0 to 1) of all calls did not exceed, in microseconds.
    pub fn micros_at(&self, quantile: f64) -> u64 {
        self.0.value_at_quantile(quantile)
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn quantiles_are_within_three_digits() {
        let mut latencies = Latencies::new().unwrap();
        assert_eq!(latencies.micros_at(0.99), 0);
        for micros in 1..=10_000 {
            latencies.record(Duration::from_micros(micros));
        }
        assert_eq!(latencies.count(), 10_000);
        assert!(latencies.micros_at(0.5).abs_diff(5_000) <= 5, "{}", latencies.micros_at(0.5));
        assert!(latencies.micros_at(0.99).abs_diff(9_900) <= 10, "{}", latencies.micros_at(0.99));
    }

    #[test]
    fn no_latency_is_lost() {
        let mut latencies = Latencies::new().unwrap();
        latencies.record(Duration::ZERO);
        latencies.record(Duration::from_hours(1));
        assert_eq!(latencies.count(), 2);
        assert_eq!(latencies.micros_at(0.1), 1);
        assert!(latencies.micros_at(1.0) >= LONGEST_MICROS);
    }
}
