//! When a failed delivery is tried again.

use std::time::Duration;

/// Most retries of one delivery.
pub const RETRIES_MAX: usize = 20;
/// Longest wait between two attempts, in seconds: a day.
pub const RETRY_SECONDS_MAX: u32 = 86_400;
/// Longest schedule, in seconds, before jitter: a week. Payloads are kept for longer than that.
pub const SCHEDULE_SECONDS_MAX: u64 = 7 * 86_400;

/// Seconds from one attempt to the next: Standard Webhooks' recommended schedule, 75 h 35 min 5 s in all.
const DEFAULT: [u32; 9] = [5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];

/// The waits between the attempts of one delivery, before jitter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetrySchedule(Vec<u32>);

impl Default for RetrySchedule {
    fn default() -> Self {
        Self(DEFAULT.to_vec())
    }
}

impl RetrySchedule {
    /// Waits in seconds: at most 20, each 1 to 86,400, a week in all. None at all means: one attempt, no retry.
    pub fn new(seconds: Vec<u32>) -> Result<Self, String> {
        if seconds.len() > RETRIES_MAX {
            return Err(format!("expected at most {RETRIES_MAX} retries"));
        }
        if seconds.iter().any(|s| !(1..=RETRY_SECONDS_MAX).contains(s)) {
            return Err(format!("expected waits of 1 to {RETRY_SECONDS_MAX} seconds"));
        }
        if seconds.iter().map(|s| u64::from(*s)).sum::<u64>() > SCHEDULE_SECONDS_MAX {
            return Err(format!("expected {SCHEDULE_SECONDS_MAX} seconds in all at most"));
        }
        Ok(Self(seconds))
    }

    /// Reads the stored form; `None` when it is none.
    pub fn stored(text: &str) -> Option<Self> {
        let seconds: Result<Vec<u32>, _> = text.split_ascii_whitespace().map(str::parse).collect();
        Self::new(seconds.ok()?).ok()
    }

    /// The form to store: the waits with blanks between.
    pub fn to_stored(&self) -> String {
        let words: Vec<String> = self.0.iter().map(u32::to_string).collect();
        words.join(" ")
    }

    pub fn seconds(&self) -> &[u32] {
        &self.0
    }

    /// The wait after attempt number `made` of this schedule (1 for the first); `None` when the schedule is spent.
    pub fn after(&self, made: i64) -> Option<Duration> {
        let index = usize::try_from(made.checked_sub(1)?).ok()?;
        self.0.get(index).map(|s| Duration::from_secs(u64::from(*s)))
    }

    /// From the first attempt to the last.
    pub fn total(&self) -> Duration {
        Duration::from_secs(self.0.iter().map(|s| u64::from(*s)).sum())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn schedule_ends() {
        let schedule = RetrySchedule::default();
        assert_eq!(schedule.after(0), None);
        assert_eq!(schedule.after(1), Some(Duration::from_secs(5)));
        assert_eq!(schedule.after(9), Some(Duration::from_hours(24)));
        assert_eq!(schedule.after(10), None);
        assert_eq!(schedule.total(), Duration::from_secs(272_105));
        assert_eq!(RetrySchedule::stored(&schedule.to_stored()), Some(schedule));
    }

    #[test]
    fn bounds() {
        assert_eq!(RetrySchedule::new(vec![]).unwrap().after(1), None);
        assert!(RetrySchedule::new(vec![1; 20]).is_ok());
        for bad in [vec![1; 21], vec![0], vec![86_401], vec![86_400; 8]] {
            assert!(RetrySchedule::new(bad.clone()).is_err(), "{bad:?}");
        }
        assert_eq!(RetrySchedule::stored("5 x"), None);
    }
}
