//! What a channel did lately, packed so that one row holds it and one transaction changes it.
//!
//! Threat note. Defends against: a row that is damaged, cut, made by a later version or by somebody else (it does not
//! decode, and never panics), counts beyond their type (they stay at the highest), a clock that is set back (nothing
//! counted is forgotten; after a great jump it all counts as now), a stream of ever new texts meant to push out the hot ones (a newcomer
//! takes the place of the coldest alone, so that a hot text stays).

mod code;
mod hot;

use crate::Timestamp;

use super::content::Features;
use super::facts::{Facts, Quality};
use crate::packed::Ring;
use hot::Hot;

pub use crate::packed::Damaged;
pub use code::ENCODED_MAX;

/// Seconds of the shortest bucket.
const SLOT: i64 = 10;
/// Short buckets in a minute, in a middle one, and in an hour.
const SLOTS_A_MINUTE: usize = 6;
const SLOTS_A_MIDDLE: i64 = 30;
const SLOTS_AN_HOUR: i64 = 360;
const MIDDLES_AN_HOUR: usize = 12;
const HOURS_A_DAY: usize = 24;
/// A clock that falls back by more than this was set; by less it is another node's.
const SET_BACK: i64 = SLOTS_AN_HOUR;

/// The counts of a channel. Minutes, hours and days end now; they are known to a sixth, a twelfth and a twenty-fourth.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Counters {
    /// Time of the newest buckets, in slots since the epoch.
    at: i64,
    /// First messages, by ten seconds.
    first_minute: Ring<SLOTS_A_MINUTE>,
    /// By five minutes: first messages; those in words of one's own; messages with a shortened link.
    first_hour: Ring<MIDDLES_AN_HOUR>,
    cold_hour: Ring<MIDDLES_AN_HOUR>,
    shortened_hour: Ring<MIDDLES_AN_HOUR>,
    /// By the hour.
    sent_day: Ring<HOURS_A_DAY>,
    first_day: Ring<HOURS_A_DAY>,
    cold_day: Ring<HOURS_A_DAY>,
    undeliverable_day: Ring<HOURS_A_DAY>,
    restricted_day: Ring<HOURS_A_DAY>,
    unwanted_day: Ring<HOURS_A_DAY>,
    failed_day: Ring<HOURS_A_DAY>,
    hot: Hot,
    quality: Quality,
    /// When the rating last became worse, in hours since the epoch; 0: never.
    quality_fell: u32,
}

/// What a refusal of Meta's says about the sender. Codes after Meta's page of error codes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Failure {
    /// 131026: not on WhatsApp, or cannot get messages.
    Undeliverable,
    /// 131048: too many messages were blocked or marked as spam; 368: restricted for breaking the policy.
    Restricted,
    /// 131049: the person is to be spared; 131050: the person does not want these.
    Unwanted,
    /// Nothing about the sender: a pace that was too high, a fault that passes.
    Passing,
    Other,
}

impl Failure {
    fn of(code: i64) -> Self {
        match code {
            131_026 => Self::Undeliverable,
            131_048 | 368 => Self::Restricted,
            131_049 | 131_050 => Self::Unwanted,
            1 | 2 | 4 | 17 | 613 | 80_007 | 130_429 | 130_472 | 131_000 | 131_016 | 131_056 | 131_057
            | 133_004 => Self::Passing,
            _ => Self::Other,
        }
    }
}

impl Counters {
    /// Nothing counted yet.
    pub fn new(now: Timestamp) -> Self {
        Self { at: slot(now), ..Self::default() }
    }

    /// Reads what [`Self::encode`] wrote. Errors: the bytes are not what this version writes; nothing can be told from them
    /// then, and the caller begins anew with [`Self::new`].
    pub fn decode(bytes: &[u8]) -> Result<Self, Damaged> {
        code::read(bytes)
    }

    /// At most [`ENCODED_MAX`] bytes.
    pub fn encode(&self) -> Vec<u8> {
        code::write(self)
    }

    /// Lets time pass: what is older than its span is forgotten. Every other method does it first.
    pub fn roll(&mut self, now: Timestamp) {
        let to = slot(now);
        if to < self.at {
            // Within an hour it is a node whose clock is behind, and counts in the newest bucket.
            if self.at - to > SET_BACK {
                self.hot.rebase(hours(to));
                self.quality_fell = self.quality_fell.min(hours(to));
                self.at = to;
            }
            return;
        }
        let passed = |of: i64| to.div_euclid(of) - self.at.div_euclid(of);
        let (slots, middles, hours_passed) = (passed(1), passed(SLOTS_A_MIDDLE), passed(SLOTS_AN_HOUR));
        self.first_minute.roll(slots);
        for ring in [&mut self.first_hour, &mut self.cold_hour, &mut self.shortened_hour] {
            ring.roll(middles);
        }
        for ring in [
            &mut self.sent_day,
            &mut self.first_day,
            &mut self.cold_day,
            &mut self.undeliverable_day,
            &mut self.restricted_day,
            &mut self.unwanted_day,
            &mut self.failed_day,
        ] {
            ring.roll(hours_passed);
        }
        self.at = to;
        self.hot.cool(self.hours());
    }

    /// The same at another time; itself where none passed.
    pub(super) fn rolled(&self, now: Timestamp) -> std::borrow::Cow<'_, Self> {
        if slot(now) == self.at {
            return std::borrow::Cow::Borrowed(self);
        }
        let mut later = self.clone();
        later.roll(now);
        std::borrow::Cow::Owned(later)
    }

    /// Counts a message that was accepted or held.
    pub fn sent(&mut self, facts: &Facts, features: &Features, now: Timestamp) {
        self.roll(now);
        self.rated(facts.quality, now);
        self.sent_day.add();
        if facts.is_first() {
            self.first_minute.add();
            self.first_hour.add();
            self.first_day.add();
        }
        if facts.is_first() && facts.is_unasked() {
            self.cold_hour.add();
            self.cold_day.add();
        }
        if facts.is_unasked() && features.shortened > 0 {
            self.shortened_hour.add();
        }
        if let Some(digest) = facts.digest.filter(|_| facts.is_unasked()) {
            self.hot.add(digest, self.hours());
        }
    }

    /// Counts a message that Meta refused, with Meta's error code.
    pub fn failed(&mut self, code: i64, now: Timestamp) {
        self.roll(now);
        let kind = Failure::of(code);
        match kind {
            Failure::Undeliverable => self.undeliverable_day.add(),
            Failure::Restricted => self.restricted_day.add(),
            Failure::Unwanted => self.unwanted_day.add(),
            Failure::Passing | Failure::Other => {}
        }
        if kind != Failure::Passing {
            self.failed_day.add();
        }
    }

    /// Takes note of the channel's rating.
    pub fn rated(&mut self, quality: Quality, now: Timestamp) {
        self.roll(now);
        // Not to know is no change.
        if quality == Quality::Unknown {
            return;
        }
        if quality > self.quality && self.quality != Quality::Unknown {
            self.quality_fell = self.hours();
        }
        self.quality = quality;
    }

    fn hours(&self) -> u32 {
        hours(self.at)
    }

    /// First messages to people, in the last minute.
    pub fn first_in_minute(&self) -> u32 {
        self.first_minute.sum()
    }

    pub fn first_in_hour(&self) -> u32 {
        self.first_hour.sum()
    }

    pub fn first_in_day(&self) -> u32 {
        self.first_day.sum()
    }

    /// First messages in words of one's own.
    pub fn cold_in_hour(&self) -> u32 {
        self.cold_hour.sum()
    }

    pub fn cold_in_day(&self) -> u32 {
        self.cold_day.sum()
    }

    /// Messages with a shortened link, in words of one's own, to people who did not just write.
    pub fn shortened_in_hour(&self) -> u32 {
        self.shortened_hour.sum()
    }

    pub fn sent_in_day(&self) -> u32 {
        self.sent_day.sum()
    }

    pub fn undeliverable_in_day(&self) -> u32 {
        self.undeliverable_day.sum()
    }

    pub fn restricted_in_day(&self) -> u32 {
        self.restricted_day.sum()
    }

    pub fn unwanted_in_day(&self) -> u32 {
        self.unwanted_day.sum()
    }

    pub fn failed_in_day(&self) -> u32 {
        self.failed_day.sum()
    }

    /// How often this text went out lately; counts are halved with every hour that begins, and never too high.
    pub fn identical(&self, digest: [u8; 8]) -> u32 {
        self.hot.count(digest)
    }

    /// The last rating that was known, and whether it became worse within the last 24 hours.
    pub fn quality(&self) -> (Quality, bool) {
        let since = self.hours().saturating_sub(self.quality_fell);
        (self.quality, self.quality_fell > 0 && since < 24)
    }
}

fn slot(now: Timestamp) -> i64 {
    (now.seconds() / SLOT).clamp(0, code::LATEST)
}

fn hours(slot: i64) -> u32 {
    u32::try_from(slot / SLOTS_AN_HOUR).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
