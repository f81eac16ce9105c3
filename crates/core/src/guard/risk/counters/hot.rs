//! The texts that went out most: a few counts that tell of all ("space saving", Metwally, Agrawal and El Abbadi, 2005).
//!
//! A text that is not on the table takes the place of the coldest and its count, plus one. So a count is never too low,
//! and a text that is more than a 48th of all is always on it. It may be too high by what the coldest had, which is kept
//! beside it: [`Hot::count`] says what the text was surely seen.

/// Texts on the table.
pub(super) const TEXTS: usize = 48;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) digest: [u8; 8],
    /// How often, at most.
    pub(super) count: u32,
    /// Of that, what may be others'.
    pub(super) inherited: u32,
}

/// The table. The counts are halved with every hour that begins.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Hot {
    pub(super) entries: Vec<Entry>,
    /// Hours since the epoch, of the last halving.
    pub(super) hour: u32,
}

impl Hot {
    /// Halves the counts for each hour that began since.
    pub(super) fn cool(&mut self, hour: u32) {
        let passed = hour.saturating_sub(self.hour);
        if passed > 0 {
            for entry in &mut self.entries {
                entry.count = entry.count.checked_shr(passed).unwrap_or(0);
                entry.inherited = entry.inherited.checked_shr(passed).unwrap_or(0);
            }
            self.entries.retain(|entry| entry.count > entry.inherited);
            self.hour = hour;
        }
    }

    /// Moves with a clock that was set back.
    pub(super) fn rebase(&mut self, to: u32) {
        self.hour = to;
    }

    pub(super) fn add(&mut self, digest: [u8; 8], hour: u32) {
        self.cool(hour);
        if let Some(entry) = self.entries.iter_mut().find(|entry| entry.digest == digest) {
            entry.count = entry.count.saturating_add(1);
        } else if self.entries.len() < TEXTS {
            self.entries.push(Entry { digest, count: 1, inherited: 0 });
        } else if let Some(coldest) = self.entries.iter_mut().min_by_key(|entry| entry.count) {
            // At the end of the numbers too, what came once counts once.
            let inherited = coldest.count.min(u32::MAX - 1);
            *coldest = Entry { digest, count: inherited + 1, inherited };
        }
    }

    /// How often the text was seen, at least; 0 for one that is not on the table.
    pub(super) fn count(&self, digest: [u8; 8]) -> u32 {
        let entry = self.entries.iter().find(|entry| entry.digest == digest);
        entry.map_or(0, |entry| entry.count.saturating_sub(entry.inherited))
    }
}
