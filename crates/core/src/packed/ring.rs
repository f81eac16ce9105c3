//! Counts in buckets of time, the newest first.

/// `N` buckets; what leaves the last is forgotten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ring<const N: usize>(pub [u32; N]);

impl<const N: usize> Default for Ring<N> {
    fn default() -> Self {
        Self([0; N])
    }
}

impl<const N: usize> Ring<N> {
    /// Begins so many new buckets.
    pub fn roll(&mut self, buckets: i64) {
        let by = usize::try_from(buckets).unwrap_or(0).min(N);
        self.0.rotate_right(by % N.max(1));
        self.0[..by].fill(0);
    }

    pub fn add(&mut self) {
        if let Some(newest) = self.0.first_mut() {
            *newest = newest.saturating_add(1);
        }
    }

    pub fn sum(&self) -> u32 {
        self.0.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }
}
