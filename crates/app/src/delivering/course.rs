//! How an endpoint fares: its health after each result, and the circuit that opens when it is gone.

use std::time::Duration;

use gatepost_core::{Entropy, Timestamp};
use gatepost_store::EndpointHealth;

/// So many failures in a row, with no success between them, open the circuit.
pub(super) const OPENS_AFTER: i64 = 5;
/// The first wait for a probe; it doubles with each that fails.
const FIRST_PROBE: Duration = Duration::from_secs(5);
/// The longest.
const LONGEST_PROBE: Duration = Duration::from_mins(5);

/// What one attempt says about the endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    Success,
    Failure {
        at: Timestamp,
    },
    /// Nothing: the address was refused here, or there was nothing to send.
    None,
}

/// What happened to the circuit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Turn {
    None,
    Opened,
    Closed,
}

/// The health after these results, in their order.
pub(super) fn follow(
    before: EndpointHealth,
    signs: impl Iterator<Item = Sign>,
    now: Timestamp,
    entropy: &dyn Entropy,
) -> (EndpointHealth, Turn) {
    let mut health = before;
    let mut failed = false;
    for sign in signs {
        match sign {
            Sign::Success => {
                health = EndpointHealth::default();
                failed = false;
            }
            Sign::Failure { at } => {
                let since = *health.failing_since.get_or_insert(at);
                health.failing_since = Some(since.min(at));
                health.failures = health.failures.saturating_add(1);
                failed = true;
            }
            Sign::None => {}
        }
    }
    if failed && health.failures >= OPENS_AFTER {
        health.probe_at = Some(now.plus(probe_wait(health.failures, entropy)));
    }
    let turn = match (before.probe_at, health.probe_at) {
        (None, Some(_)) => Turn::Opened,
        (Some(_), None) => Turn::Closed,
        _ => Turn::None,
    };
    (health, turn)
}

/// Five seconds after the fifth failure, doubling to five minutes; a fifth more or less.
fn probe_wait(failures: i64, entropy: &dyn Entropy) -> Duration {
    let doublings = u32::try_from(failures.saturating_sub(OPENS_AFTER).clamp(0, 16)).unwrap_or(16);
    jittered(FIRST_PROBE.saturating_mul(1 << doublings).min(LONGEST_PROBE), entropy)
}

/// Up to a fifth more or less, so that what failed together does not come back together.
pub(super) fn jittered(wait: Duration, entropy: &dyn Entropy) -> Duration {
    let random = u64::from(u32::from_be_bytes(entropy.array()));
    let millis = u64::try_from(wait.as_millis()).unwrap_or(u64::MAX / 8).min(u64::MAX / 8);
    let spread = u128::from(millis * 2 / 5) * u128::from(random) / u128::from(u32::MAX);
    Duration::from_millis(millis * 4 / 5 + u64::try_from(spread).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Every(u8);
    impl Entropy for Every {
        fn fill(&self, buffer: &mut [u8]) {
            buffer.fill(self.0);
        }
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_seconds(seconds)
    }

    #[test]
    fn jitter_is_a_fifth_each_way() {
        let wait = Duration::from_mins(5);
        assert_eq!(jittered(wait, &Every(0)), Duration::from_mins(4));
        assert_eq!(jittered(wait, &Every(0xff)), Duration::from_mins(6));
        let middle = jittered(wait, &Every(0x80));
        assert!((Duration::from_secs(299)..Duration::from_secs(301)).contains(&middle), "{middle:?}");
    }

    #[test]
    fn a_circuit_opens_after_five_failures_and_closes_with_one_success() {
        let mut health = EndpointHealth::default();
        let middle = Every(0x80);
        for second in 1..=4 {
            let failure = [Sign::Failure { at: at(second) }, Sign::None];
            let (next, turn) = follow(health, failure.into_iter(), at(second), &middle);
            assert_eq!((next.failures, next.probe_at, turn), (second, None, Turn::None));
            health = next;
        }
        let mut waits = Vec::new();
        for second in 5..=13 {
            let (next, turn) =
                follow(health, [Sign::Failure { at: at(second) }].into_iter(), at(second), &middle);
            assert_eq!(turn, if second == 5 { Turn::Opened } else { Turn::None });
            assert_eq!(next.failing_since, Some(at(1)));
            waits.push(next.probe_at.unwrap_or_default().since(at(second)).as_secs_f64().round());
            health = next;
        }
        assert_eq!(waits, [5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 300.0, 300.0, 300.0]);
        let (closed, turn) = follow(health, [Sign::Success].into_iter(), at(20), &middle);
        assert_eq!((closed, turn), (EndpointHealth::default(), Turn::Closed));
    }

    #[test]
    fn a_success_among_failures_counts() {
        let failure = |second| Sign::Failure { at: at(second) };
        let signs = [failure(1), failure(2), failure(3), failure(4), Sign::Success, failure(6)];
        let (health, turn) = follow(EndpointHealth::default(), signs.into_iter(), at(6), &Every(0));
        assert_eq!((health.failures, health.failing_since, turn), (1, Some(at(6)), Turn::None));
        assert_eq!(follow(health, [Sign::None].into_iter(), at(7), &Every(0)), (health, Turn::None));
    }
}
