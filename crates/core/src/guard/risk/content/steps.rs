//! How much work a text made: what tests hold against its length.

/// Counts the steps of every loop whose length a text decides.
#[derive(Debug, Default)]
pub(super) struct Steps(u64);

impl Steps {
    pub(super) fn add(&mut self, steps: usize) {
        self.0 = self.0.saturating_add(steps as u64);
    }

    #[cfg(test)]
    pub(super) fn taken(&self) -> u64 {
        self.0
    }
}
