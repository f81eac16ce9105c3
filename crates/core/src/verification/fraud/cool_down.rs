//! Cool-downs of a phone: each further code that nobody entered makes the next one wait longer.

use std::time::Duration;

use crate::Timestamp;

/// Longest cool-down, and how long a phone is left alone until it begins anew.
pub const QUIET: Duration = Duration::from_hours(24);
/// Most steps.
pub const STEPS_MAX: usize = 16;
/// A last code that is further ahead was before the clock was set back.
const AHEAD: Duration = Duration::from_hours(1);

/// What a phone was sent since somebody last entered a code of its.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct CoolDown {
    /// Codes.
    pub streak: u32,
    /// When the last was asked for.
    pub last: Timestamp,
}

impl CoolDown {
    /// How long the next code has to wait; zero: it does not.
    pub fn wait(self, steps: &[u32], now: Timestamp) -> Duration {
        let (Some(place), Some(last)) = (self.streak.checked_sub(1), steps.len().checked_sub(1)) else {
            return Duration::ZERO;
        };
        if self.last > now.plus(AHEAD) {
            return Duration::ZERO;
        }
        let step = usize::try_from(place).map_or(last, |place| place.min(last));
        let step = steps.get(step).copied().unwrap_or(0);
        self.last.plus(Duration::from_secs(step.into())).since(now)
    }

    /// A code is sent.
    pub fn sent(&mut self, now: Timestamp) {
        if now.since(self.last) >= QUIET || self.last > now.plus(AHEAD) {
            self.streak = 0;
        }
        self.streak = self.streak.saturating_add(1);
        self.last = now;
    }

    /// Somebody entered a code.
    pub fn reset(&mut self) {
        self.streak = 0;
    }
}

/// Errors: a sentence that says what steps are taken.
pub fn check(steps: &[u32]) -> Result<(), String> {
    let fit = steps.iter().all(|step| (1..=86_400).contains(step)) && steps.is_sorted();
    if fit && steps.len() <= STEPS_MAX {
        Ok(())
    } else {
        Err(format!(
            "at most {STEPS_MAX} numbers of seconds from 1 to 86400, none shorter than the one before"
        ))
    }
}
