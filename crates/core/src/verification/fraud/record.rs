//! What is remembered of a subject, packed so that one row holds it and one transaction changes it.

use std::borrow::Cow;

use super::cool_down::CoolDown;
use crate::Timestamp;
use crate::packed::{Damaged, Reader, Ring, number, ring_sparse};

/// What this program writes and reads.
const VERSION: u8 = 1;
/// No row is longer: every number at its greatest, every place taken. A test holds it.
pub const RECORD_MAX: usize = 1_024;

/// Minutes of an hour, and the one that it begins in: so no hour holds more than what is counted, wherever it begins.
pub(super) const HOUR_BUCKETS: usize = 61;
pub(super) const DAY_BUCKETS: usize = 25;
/// A clock that falls back by more than so many minutes was set; by less it is another node's.
const SET_BACK: i64 = 60;
/// The minute in which the year 9999 ends: what is later is damage.
const LATEST: i64 = 253_402_300_799 / 60;
const LATEST_MICROS: i64 = 253_402_300_799_000_000;

/// The counts of a phone, an address, a range of numbers or a workspace.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Record {
    /// Time of the newest buckets, in minutes since the epoch.
    at: i64,
    /// Codes asked for, by the minute and by the hour.
    pub(super) minutes: Ring<HOUR_BUCKETS>,
    pub(super) hours: Ring<DAY_BUCKETS>,
    pub(super) cool_down: CoolDown,
    /// Verifications that ended, and those of them that were approved, by the hour.
    pub(super) ended: Ring<DAY_BUCKETS>,
    pub(super) approved: Ring<DAY_BUCKETS>,
    /// How often it was blocked in a row.
    pub(super) blocks: u8,
    pub(super) blocked_until: Timestamp,
}

fn minute(now: Timestamp) -> i64 {
    now.seconds().div_euclid(60).clamp(0, LATEST)
}

impl Record {
    /// Nothing counted yet.
    pub fn new(now: Timestamp) -> Self {
        Self { at: minute(now), ..Self::default() }
    }

    pub(super) const fn at(&self) -> i64 {
        self.at
    }

    /// Lets time pass: what is older than its span is forgotten.
    pub(super) fn roll(&mut self, now: Timestamp) {
        let to = minute(now);
        if to < self.at {
            // Nothing counted is forgotten; after a great jump it all counts as now.
            if self.at - to > SET_BACK {
                self.at = to;
            }
            return;
        }
        self.minutes.roll(to - self.at);
        let hours = to.div_euclid(60) - self.at.div_euclid(60);
        for ring in [&mut self.hours, &mut self.ended, &mut self.approved] {
            ring.roll(hours);
        }
        self.at = to;
    }

    /// The same at another time; itself where none passed.
    pub(super) fn rolled(&self, now: Timestamp) -> Cow<'_, Self> {
        if minute(now) == self.at {
            return Cow::Borrowed(self);
        }
        let mut later = self.clone();
        later.roll(now);
        Cow::Owned(later)
    }

    /// Counts a code that is sent.
    pub(super) fn sent(&mut self, now: Timestamp) {
        self.roll(now);
        self.minutes.add();
        self.hours.add();
    }

    /// Forgets how verifications ended.
    pub(super) fn judged_anew(&mut self) {
        self.ended = Ring::default();
        self.approved = Ring::default();
    }

    /// At most [`RECORD_MAX`] bytes.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(64);
        let time = |at: Timestamp| u64::try_from(at.micros()).unwrap_or(0);
        out.push(VERSION);
        number(&mut out, u64::try_from(self.at).unwrap_or(0));
        ring_sparse(&mut out, &self.minutes);
        ring_sparse(&mut out, &self.hours);
        number(&mut out, self.cool_down.streak.into());
        number(&mut out, time(self.cool_down.last));
        ring_sparse(&mut out, &self.ended);
        ring_sparse(&mut out, &self.approved);
        out.push(self.blocks);
        number(&mut out, time(self.blocked_until));
        out
    }

    /// Reads what [`Self::encode`] wrote. Errors: the bytes are not what this version writes; nothing can be told from
    /// them then, and the caller begins anew with [`Self::new`].
    pub fn decode(bytes: &[u8]) -> Result<Self, Damaged> {
        let mut rest = Reader::of_version(bytes, VERSION)?;
        let at = limited(rest.number()?, LATEST)?;
        let mut record = Self { at, ..Self::default() };
        rest.ring_sparse(&mut record.minutes)?;
        rest.ring_sparse(&mut record.hours)?;
        record.cool_down.streak = rest.count()?;
        record.cool_down.last = Timestamp::from_micros(limited(rest.number()?, LATEST_MICROS)?);
        rest.ring_sparse(&mut record.ended)?;
        rest.ring_sparse(&mut record.approved)?;
        record.blocks = rest.byte()?;
        record.blocked_until = Timestamp::from_micros(limited(rest.number()?, LATEST_MICROS)?);
        rest.end()?;
        Ok(record)
    }
}

fn limited(number: u64, most: i64) -> Result<i64, Damaged> {
    i64::try_from(number).ok().filter(|number| *number <= most).ok_or(Damaged::Number)
}
