//! Meta's limit on calls that manage things: so many an hour for each Meta app and account ("Rate limits": 200, and
//! 5,000 with an active account).
//!
//! What is counted here is what this process asked; what others ask in the app's name shows in Meta's usage headers,
//! which are obeyed too. A call that would go over is not made: it costs the customer's whole account an hour.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gatepost_net::TrustedResponse;
use tokio::time::Instant;

use super::CloudChannel;

/// Meta's limit for an account that has not sent anything yet.
pub const MANAGEMENT_CALLS_PER_HOUR: u32 = 200;
/// Meta's limit for an active account.
pub const MANAGEMENT_CALLS_PER_HOUR_MAX: u32 = 5_000;

const WINDOW: Duration = Duration::from_hours(1);
const SLICE: Duration = Duration::from_mins(1);
/// An hour of whole slices and the one that is running: what is counted is never less than the last hour.
const SLICES: usize = 61;
/// From this share of a limit on, percent, Meta is left alone.
const NEARLY_FULL: u64 = 95;
/// How long, where Meta names no time.
const PAUSE: Duration = Duration::from_mins(1);
/// A header must not stop an account for good.
const PAUSE_MAX: Duration = Duration::from_hours(24);
/// Accounts held before idle ones are forgotten.
const HELD: usize = 4_096;

/// Counts management calls. Clones share their counts.
#[derive(Clone)]
pub(super) struct Limiter {
    per_hour: u32,
    start: Instant,
    accounts: Arc<Mutex<HashMap<Account, Meter>>>,
}

/// A Meta app and the account it manages.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Account {
    app: Option<String>,
    waba: String,
}

impl Account {
    pub fn of(channel: &CloudChannel) -> Self {
        Self { app: channel.app.as_ref().map(|app| app.app_id.clone()), waba: channel.waba_id.clone() }
    }
}

/// The calls of the last hour, by minute.
struct Meter {
    slices: [u32; SLICES],
    /// The running slice, counted from the limiter's start.
    now: u64,
    closed_until: Option<Instant>,
}

impl Limiter {
    pub fn new(per_hour: u32) -> Self {
        let per_hour = per_hour.clamp(1, MANAGEMENT_CALLS_PER_HOUR_MAX);
        Self { per_hour, start: Instant::now(), accounts: Arc::default() }
    }

    /// Takes one call, or says how long to wait for the next.
    pub fn take(&self, account: &Account, now: Instant) -> Result<(), Duration> {
        let slice = self.slice(now);
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        if accounts.len() >= HELD && !accounts.contains_key(account) {
            accounts.retain(|_, meter| !meter.is_idle(slice, now));
        }
        let meter = accounts.entry(account.clone()).or_insert_with(|| Meter::new(slice));
        meter.advance(slice);
        if let Some(until) = meter.closed_until.filter(|until| *until > now) {
            return Err(until - now);
        }
        if meter.count() >= self.per_hour {
            return Err(self.free_at(meter).saturating_duration_since(now).max(Duration::from_secs(1)));
        }
        meter.slices[index(slice)] += 1;
        Ok(())
    }

    /// Leaves Meta alone for this account where its answer asks for that.
    pub fn heed(&self, account: &Account, answer: &TrustedResponse, now: Instant) {
        let business =
            answer.header("x-business-use-case-usage").and_then(|h| business_wait(h, &account.waba));
        let app = answer.header("x-app-usage").and_then(app_wait);
        if let Some(wait) = business.max(app) {
            self.close(account, now + wait.min(PAUSE_MAX));
        }
    }

    /// No call for this account before `until`.
    pub fn close(&self, account: &Account, until: Instant) {
        let slice = self.slice(Instant::now());
        let mut accounts = self.accounts.lock().unwrap_or_else(PoisonError::into_inner);
        let meter = accounts.entry(account.clone()).or_insert_with(|| Meter::new(slice));
        meter.closed_until = meter.closed_until.max(Some(until));
    }

    fn slice(&self, now: Instant) -> u64 {
        now.saturating_duration_since(self.start).as_secs() / SLICE.as_secs()
    }

    /// When the oldest slice that holds a call leaves the window.
    fn free_at(&self, meter: &Meter) -> Instant {
        let oldest = meter.now.saturating_sub(SLICES as u64 - 1);
        let first = (oldest..=meter.now).find(|s| meter.slices[index(*s)] > 0).unwrap_or(meter.now);
        let ends = first.saturating_add(SLICES as u64).saturating_mul(SLICE.as_secs());
        self.start + Duration::from_secs(ends)
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the remainder is below 61")]
const fn index(slice: u64) -> usize {
    (slice % SLICES as u64) as usize
}

impl Meter {
    const fn new(slice: u64) -> Self {
        Self { slices: [0; SLICES], now: slice, closed_until: None }
    }

    /// Forgets what left the window.
    fn advance(&mut self, slice: u64) {
        let passed = slice.saturating_sub(self.now).min(SLICES as u64);
        for gone in 1..=passed {
            self.slices[index(self.now + gone)] = 0;
        }
        if slice.saturating_sub(self.now) > SLICES as u64 {
            self.slices = [0; SLICES];
        }
        self.now = self.now.max(slice);
    }

    fn count(&self) -> u32 {
        self.slices.iter().sum()
    }

    fn is_idle(&self, slice: u64, now: Instant) -> bool {
        slice.saturating_sub(self.now) >= WINDOW.as_secs() / SLICE.as_secs()
            && self.closed_until.is_none_or(|until| until <= now)
    }
}

/// `{"<waba>":[{"type","call_count","total_cputime","total_time","estimated_time_to_regain_access"}]}`: percent, and
/// minutes. Lines of other accounts are not ours to obey.
fn business_wait(header: &str, waba: &str) -> Option<Duration> {
    let usage: serde_json::Value = serde_json::from_str(header).ok()?;
    usage.get(waba)?.as_array()?.iter().filter_map(wait_of).max()
}

/// `{"call_count","total_cputime","total_time"}`: percent.
fn app_wait(header: &str) -> Option<Duration> {
    wait_of(&serde_json::from_str(header).ok()?)
}

fn wait_of(line: &serde_json::Value) -> Option<Duration> {
    let number = |name: &str| {
        let value = line.get(name)?;
        value.as_u64().or_else(|| value.as_f64().map(whole))
    };
    let minutes = number("estimated_time_to_regain_access").unwrap_or(0);
    let used = ["call_count", "total_cputime", "total_time"].into_iter().filter_map(number).max();
    if minutes > 0 {
        Some(Duration::from_secs(minutes.saturating_mul(60)))
    } else {
        (used? >= NEARLY_FULL).then_some(PAUSE)
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "saturates, and percents are small"
)]
fn whole(value: f64) -> u64 {
    value as u64
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use proptest::prelude::*;

    fn account(waba: &str) -> Account {
        Account { app: Some("900".to_owned()), waba: waba.to_owned() }
    }

    #[test]
    fn over_the_limit_waits_for_the_oldest_call_to_leave_the_hour() {
        let limiter = Limiter::new(3);
        let (start, one) = (limiter.start, account("1"));
        for minute in [0, 10, 20] {
            limiter.take(&one, start + Duration::from_mins(minute)).unwrap();
        }
        let wait = limiter.take(&one, start + Duration::from_mins(30)).unwrap_err();
        assert_eq!(wait, Duration::from_mins(31));
        assert!(limiter.take(&account("2"), start + Duration::from_mins(30)).is_ok(), "another account");
        assert!(limiter.take(&one, start + Duration::from_mins(30) + wait).is_ok());
        assert!(limiter.take(&one, start + Duration::from_mins(62)).is_err(), "the next is of minute 10");
        assert!(limiter.take(&one, start + Duration::from_hours(9)).is_ok());
    }

    #[test]
    fn a_closed_account_waits_as_long_as_meta_said() {
        let limiter = Limiter::new(200);
        let now = limiter.start;
        limiter.close(&account("1"), now + Duration::from_mins(12));
        limiter.close(&account("1"), now + Duration::from_mins(2));
        assert_eq!(limiter.take(&account("1"), now), Err(Duration::from_mins(12)));
        assert!(limiter.take(&account("1"), now + Duration::from_mins(12)).is_ok());
    }

    #[test]
    fn usage_headers() {
        let line = |percent: u32, minutes: u32| {
            format!(
                r#"{{"1":[{{"type":"whatsapp","call_count":{percent},"total_cputime":1,"total_time":2.5,"estimated_time_to_regain_access":{minutes}}}]}}"#
            )
        };
        assert_eq!(business_wait(&line(94, 0), "1"), None);
        assert_eq!(business_wait(&line(95, 0), "1"), Some(PAUSE));
        assert_eq!(business_wait(&line(100, 7), "1"), Some(Duration::from_mins(7)));
        assert_eq!(business_wait(&line(100, 7), "2"), None);
        assert_eq!(app_wait(r#"{"call_count":10,"total_cputime":96,"total_time":3}"#), Some(PAUSE));
        assert_eq!(app_wait("[]"), None);
    }

    proptest! {
        /// In no hour are there more calls than allowed, whatever the pattern, and a told wait is enough.
        #[test]
        fn no_hour_holds_more(gaps in proptest::collection::vec(0_u64..1_500, 1..200), limit in 1_u32..20) {
            let limiter = Limiter::new(limit);
            let one = account("1");
            let mut at = limiter.start;
            let mut taken: Vec<Instant> = Vec::new();
            for gap in gaps {
                at += Duration::from_secs(gap);
                if let Err(wait) = limiter.take(&one, at) {
                    prop_assert!(wait <= Duration::from_mins(61));
                    at += wait;
                    prop_assert!(limiter.take(&one, at).is_ok());
                }
                taken.push(at);
                let recent = taken.iter().filter(|t| at.duration_since(**t) < WINDOW).count();
                prop_assert!(recent <= limit as usize);
            }
        }

        #[test]
        fn any_header_is_read_without_a_panic(header in ".{0,200}") {
            let _ = (business_wait(&header, "1"), app_wait(&header));
        }
    }
}
