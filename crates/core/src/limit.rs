//! Rate limits: how many requests in a span, counted exactly.
//!
//! A window of 20 in 10 seconds means that *no* 10 seconds hold more than 20 accepted requests, wherever they begin. That
//! needs the times of the accepted ones: counters of fixed windows let through twice the limit at their seam, and leaky
//! buckets (GCRA) either refuse an allowed burst or allow too long a one.
//!
//! Threat note. Defends against: bursts at a seam, a clock that is set back (nothing accepted is forgotten), and waits
//! that are told too short. Does not defend against: a clock that is set forward, which ends windows early.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Deserializer, de};

use crate::time::Timestamp;

/// Highest limit of a window: an accepted request costs eight bytes for as long as it counts.
pub const LIMIT_MAX: u32 = 10_000;
/// Longest span of a window.
pub const SPAN_MAX: Duration = Duration::from_hours(24);
/// Most windows at once.
pub const WINDOWS_MAX: usize = 4;
/// A clock that falls back by more than this was set; by less it was read in another order than it was asked.
const SET_BACK: i64 = 1_000_000;

/// At most `limit` requests within any `span`, written `3/s`, `20/10s`, `100/min` or `5000/h`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Window {
    limit: u32,
    span: Duration,
}

impl Window {
    /// Errors: a sentence that says what is taken.
    pub fn parse(text: &str) -> Result<Self, String> {
        let refuse = || format!("expected a limit such as 3/s, 20/10s, 100/min or 5000/h, not {text:?}");
        let (limit, span) = text.split_once('/').ok_or_else(refuse)?;
        let digits = span.bytes().take_while(u8::is_ascii_digit).count();
        let (count, unit) = span.split_at(digits);
        let unit: u64 = match unit {
            "s" => 1,
            "min" => 60,
            "h" => 3600,
            _ => return Err(refuse()),
        };
        let number = |text: &str| {
            let plain = text.bytes().all(|b| b.is_ascii_digit()) && !text.starts_with('0');
            if plain { text.parse::<u32>().ok() } else { None }
        };
        let count = if count.is_empty() { Some(1) } else { number(count) };
        let (limit, count) = number(limit).zip(count).ok_or_else(refuse)?;
        let span = Duration::from_secs(u64::from(count) * unit);
        if limit > LIMIT_MAX || span > SPAN_MAX {
            return Err(format!("{text}: at most {LIMIT_MAX} requests, within at most 24 hours"));
        }
        Ok(Self { limit, span })
    }

    pub const fn limit(self) -> u32 {
        self.limit
    }

    pub const fn span(self) -> Duration {
        self.span
    }

    fn micros(self) -> i64 {
        i64::try_from(self.span.as_micros()).unwrap_or(i64::MAX)
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.span.as_secs();
        let (count, unit) = match seconds {
            s if s % 3600 == 0 => (s / 3600, "h"),
            s if s % 60 == 0 => (s / 60, "min"),
            s => (s, "s"),
        };
        match count {
            1 => write!(f, "{}/{unit}", self.limit),
            count => write!(f, "{}/{count}{unit}", self.limit),
        }
    }
}

impl<'de> Deserialize<'de> for Window {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(de::Error::custom)
    }
}

/// Windows that hold at once, under a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Preset {
    name: String,
    windows: Vec<Window>,
}

impl Preset {
    /// Errors: a sentence that says what is taken.
    pub fn new(name: &str, windows: Vec<Window>) -> Result<Self, String> {
        let fits = (1..=40).contains(&name.len())
            && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_'));
        if !fits {
            return Err(format!("{name:?}: a name is 1 to 40 of a-z, 0-9, - and _"));
        }
        if windows.len() > WINDOWS_MAX {
            return Err(format!("{name}: at most {WINDOWS_MAX} windows"));
        }
        let twice = windows.iter().enumerate().any(|(i, w)| windows[..i].iter().any(|o| o.span == w.span));
        if twice {
            return Err(format!("{name}: two windows of the same span"));
        }
        Ok(Self { name: name.to_owned(), windows })
    }

    /// No limit.
    pub fn none() -> Self {
        Self { name: "none".to_owned(), windows: Vec::new() }
    }

    /// 3 a second, 20 in ten seconds, 100 a minute: the pace of a person, and of whoever tries doors.
    pub fn interactive() -> Self {
        let window = |limit, seconds| Window { limit, span: Duration::from_secs(seconds) };
        Self { name: "interactive".to_owned(), windows: vec![window(3, 1), window(20, 10), window(100, 60)] }
    }

    /// 120 a minute, at any pace within it.
    pub fn steady() -> Self {
        let window = Window { limit: 120, span: Duration::from_mins(1) };
        Self { name: "steady".to_owned(), windows: vec![window] }
    }

    pub fn name(&self) -> &str {
        &self.name
    }

    /// None: no limit.
    pub fn windows(&self) -> &[Window] {
        &self.windows
    }
}

/// One window after a request: what is left, and until when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WindowState {
    pub window: Window,
    /// Requests that would still be accepted at this moment.
    pub remaining: u32,
    /// Until the oldest counted request leaves the window; the whole span where none is in it.
    pub reset: Duration,
}

/// A refusal: which window is full, and how long it stays so.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Full {
    pub window: Window,
    /// After it the next request is accepted, if no other came in between.
    pub wait: Duration,
}

/// The times of accepted requests of one caller, as far back as they count.
#[derive(Debug, Default)]
pub struct SlidingLog {
    accepted: VecDeque<i64>,
}

impl SlidingLog {
    pub const fn empty() -> Self {
        Self { accepted: VecDeque::new() }
    }

    /// Asks without counting. Of several full windows the one with the longest wait is told.
    pub fn look(&mut self, windows: &[Window], now: Timestamp) -> Result<(), Full> {
        let at = self.settle(now);
        let mut full: Option<Full> = None;
        for window in windows {
            // The request that must have left before another one fits.
            let Some(place) = self.accepted.len().checked_sub(window.limit as usize) else { continue };
            let free = self.accepted[place].saturating_add(window.micros());
            if free > at {
                let wait = Duration::from_micros(free.saturating_sub(now.micros()).unsigned_abs());
                if full.is_none_or(|known| known.wait < wait) {
                    full = Some(Full { window: *window, wait });
                }
            }
        }
        full.map_or(Ok(()), Err)
    }

    /// Counts a request that every window has room for.
    pub fn record(&mut self, windows: &[Window], now: Timestamp) {
        let at = self.settle(now);
        self.forget(windows, at);
        self.accepted.push_back(at);
    }

    /// How the windows stand.
    pub fn states(&mut self, windows: &[Window], now: Timestamp) -> Vec<WindowState> {
        let at = self.settle(now);
        let state = |window: &Window| {
            let span = window.micros();
            let first = self.accepted.partition_point(|time| time.saturating_add(span) <= at);
            let used = u32::try_from(self.accepted.len() - first).unwrap_or(u32::MAX);
            let reset = self.accepted.get(first).map_or(window.span, |oldest| {
                Duration::from_micros(oldest.saturating_add(span).saturating_sub(now.micros()).unsigned_abs())
            });
            WindowState { window: *window, remaining: window.limit.saturating_sub(used), reset }
        };
        windows.iter().map(state).collect()
    }

    /// True when nothing counts any more: to forget it gives nobody anything.
    pub fn is_idle(&self, longest: Duration, now: Timestamp) -> bool {
        let Some(last) = self.accepted.back() else { return true };
        let span = i64::try_from(longest.as_micros()).unwrap_or(i64::MAX);
        last.saturating_add(span) <= now.micros()
    }

    /// The moment that counts as now, no earlier than the last request. Where the clock was set back, what was accepted
    /// moves with it, as if no time had passed since: that is never too little of a wait, and never a long one.
    fn settle(&mut self, now: Timestamp) -> i64 {
        let (now, Some(last)) = (now.micros(), self.accepted.back().copied()) else { return now.micros() };
        let back = last.saturating_sub(now);
        if back <= SET_BACK {
            return now.max(last);
        }
        for time in &mut self.accepted {
            *time = time.saturating_sub(back);
        }
        now
    }

    /// Drops what no window can count any more.
    fn forget(&mut self, windows: &[Window], at: i64) {
        let most = windows.iter().map(|window| window.limit as usize).max().unwrap_or(0);
        let longest = windows.iter().map(|window| window.micros()).max().unwrap_or(0);
        while self.accepted.len() >= most.max(1)
            || self.accepted.front().is_some_and(|first| first.saturating_add(longest) <= at)
        {
            if self.accepted.pop_front().is_none() {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests;
