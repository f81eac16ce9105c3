//! Chance that can be had again.

use gatepost_core::Entropy;

/// Numbers that follow from a seed (xorshift).
pub struct Dice {
    seed: u64,
    state: u64,
}

impl Dice {
    /// The seed of `GATEPOST_CRASH_SEED`, or a new one.
    #[expect(clippy::disallowed_methods, reason = "repeats a run; configures nothing")]
    pub fn from_environment() -> Self {
        let entropy: &dyn Entropy = &gatepost_vault::SystemEntropy;
        let given = std::env::var("GATEPOST_CRASH_SEED").ok();
        let seed =
            given.map_or_else(|| u64::from_le_bytes(entropy.array()) >> 16, |text| text.parse().unwrap());
        Self::new(seed)
    }

    fn new(seed: u64) -> Self {
        // Neighbouring seeds must not give neighbouring numbers, and nought gives nothing but noughts.
        Self { seed, state: seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1 }
    }

    pub const fn seed(&self) -> u64 {
        self.seed
    }

    /// From 0 up to below `below`.
    pub fn roll(&mut self, below: usize) -> usize {
        self.state ^= self.state << 13;
        self.state ^= self.state >> 7;
        self.state ^= self.state << 17;
        usize::try_from((self.state >> 8) % below as u64).unwrap()
    }

    /// Another one, for a task of its own.
    pub fn fork(&mut self) -> Self {
        Self::new(u64::try_from(self.roll(usize::MAX >> 8)).unwrap())
    }
}
