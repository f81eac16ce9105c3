//! Randomness, passed in: tests give a seeded one, production the operating system's.

/// A source of random bytes. `clippy.toml` bans every other source.
pub trait Entropy: Send + Sync {
    /// Fills the whole buffer with unpredictable bytes.
    fn fill(&self, buffer: &mut [u8]);

    /// A random array, for the common sizes.
    fn bytes<const N: usize>(&self) -> [u8; N]
    where
        Self: Sized,
    {
        let mut out = [0; N];
        self.fill(&mut out);
        out
    }
}

impl dyn Entropy + '_ {
    /// A random array, for callers that hold a trait object.
    pub fn array<const N: usize>(&self) -> [u8; N] {
        let mut out = [0; N];
        self.fill(&mut out);
        out
    }
}
