//! Message ids of Meta's form: `wamid.` and the base64 of a small record of the other side's number and an own id.

use std::sync::atomic::{AtomicU64, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Makes ids that never repeat within a seed, and numbers that look random and are not.
#[derive(Debug)]
pub(super) struct Ids {
    seed: u64,
    next: AtomicU64,
}

/// Which side wrote the message; Meta's ids differ by it.
#[derive(Debug, Clone, Copy)]
pub(super) enum Writer {
    Business,
    Person,
}

impl Ids {
    pub(super) const fn new(seed: u64) -> Self {
        Self { seed, next: AtomicU64::new(0) }
    }

    pub(super) fn wamid(&self, digits: &str, writer: Writer) -> String {
        let own = format!("{:016X}{:04X}", self.number(), self.seed & 0xffff);
        let length = |text: &str| u8::try_from(text.len()).unwrap_or(u8::MAX);
        let mut record = Vec::with_capacity(64);
        record.extend_from_slice(&[0x1c, 0x18, length(digits)]);
        record.extend_from_slice(digits.as_bytes());
        let direction = match writer {
            Writer::Business => 0x11,
            Writer::Person => 0x12,
        };
        record.extend_from_slice(&[0x15, 0x02, 0x00, direction, 0x18, length(&own)]);
        record.extend_from_slice(own.as_bytes());
        record.push(0);
        format!("wamid.{}", STANDARD.encode(record))
    }

    /// The id of an object: 16 digits, a whole number for JavaScript too.
    pub(super) fn object(&self) -> String {
        (1_000_000_000_000_000 + self.number() % 8_000_000_000_000_000).to_string()
    }

    /// The next number of the sequence: a bijection of a counter (the finaliser of SplitMix64), so none repeats.
    pub(super) fn number(&self) -> u64 {
        let step = self.next.fetch_add(1, Ordering::Relaxed).wrapping_add(self.seed.rotate_left(32));
        mix(step.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }
}

/// Spreads the bits of a number; a bijection.
pub(super) const fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

/// Undoes [`mix`].
pub(super) const fn unmix(mut z: u64) -> u64 {
    z = (z ^ (z >> 31) ^ (z >> 62)).wrapping_mul(0x3196_42b2_d24d_8ec3);
    z = (z ^ (z >> 27) ^ (z >> 54)).wrapping_mul(0x96de_1b17_3f11_9089);
    z ^ (z >> 30) ^ (z >> 60)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn form_and_uniqueness() {
        let ids = Ids::new(7);
        let all: HashSet<_> = (0..10_000).map(|_| ids.wamid("12025550101", Writer::Business)).collect();
        assert_eq!(all.len(), 10_000);
        assert!(all.iter().all(|id| id.starts_with("wamid.HBgLMTIwMjU1NTAxMDEVAgARGB")));
        let again = Ids::new(7).wamid("12025550101", Writer::Business);
        assert!(all.contains(&again), "a seed repeats itself");
        assert!([0, 1, u64::MAX, 12_025_550_101].into_iter().all(|n| unmix(mix(n)) == n));
        assert!(!all.contains(&Ids::new(8).wamid("12025550101", Writer::Business)));
    }
}
