//! The bytes of the counters: a version, then numbers as LEB128 (seven bits a byte, the lowest first), then the texts.

use super::hot::{Entry, Hot, TEXTS};
use super::{Counters, Quality};
use crate::packed::{Damaged, Reader, number};

/// What this program writes and reads.
const VERSION: u8 = 1;
/// No row is longer: every number at its greatest, every place taken. A test holds it.
pub const ENCODED_MAX: usize = 2_048;

/// The slot in which the year 9999 ends, as far as RFC 3339 goes: what is later is damage.
pub(super) const LATEST: i64 = 253_402_300_799 / super::SLOT;

pub(super) fn write(counters: &Counters) -> Vec<u8> {
    let mut out = Vec::with_capacity(512);
    out.push(VERSION);
    number(&mut out, u64::try_from(counters.at).unwrap_or(0));
    out.push(counters.quality.number());
    number(&mut out, counters.quality_fell.into());
    counters.rings(|ring| ring.iter().for_each(|count| number(&mut out, (*count).into())));
    number(&mut out, counters.hot.hour.into());
    number(&mut out, counters.hot.entries.len() as u64);
    for entry in &counters.hot.entries {
        out.extend(entry.digest);
        number(&mut out, entry.count.into());
        number(&mut out, entry.inherited.into());
    }
    out
}

pub(super) fn read(bytes: &[u8]) -> Result<Counters, Damaged> {
    let mut rest = Reader::of_version(bytes, VERSION)?;
    let at = rest.number()?;
    let at = i64::try_from(at).ok().filter(|at| *at <= LATEST).ok_or(Damaged::Number)?;
    let quality = Quality::from_number(rest.byte()?).ok_or(Damaged::Number)?;
    let mut counters = Counters { at, quality, quality_fell: rest.count()?, ..Counters::default() };
    rest.ring(&mut counters.first_minute)?;
    rest.ring(&mut counters.first_hour)?;
    rest.ring(&mut counters.cold_hour)?;
    rest.ring(&mut counters.shortened_hour)?;
    rest.ring(&mut counters.sent_day)?;
    rest.ring(&mut counters.first_day)?;
    rest.ring(&mut counters.cold_day)?;
    rest.ring(&mut counters.undeliverable_day)?;
    rest.ring(&mut counters.restricted_day)?;
    rest.ring(&mut counters.unwanted_day)?;
    rest.ring(&mut counters.failed_day)?;
    counters.hot = Hot { hour: rest.count()?, entries: Vec::new() };
    let texts = usize::try_from(rest.number()?).map_err(|_| Damaged::Number)?;
    if texts > TEXTS {
        return Err(Damaged::Number);
    }
    for _ in 0..texts {
        let entry = Entry { digest: rest.array()?, count: rest.count()?, inherited: rest.count()? };
        let known = counters.hot.entries.iter().any(|other| other.digest == entry.digest);
        if known || entry.count <= entry.inherited {
            return Err(Damaged::Number);
        }
        counters.hot.entries.push(entry);
    }
    rest.end()?;
    Ok(counters)
}

impl Counters {
    /// Every ring, in the order of the bytes.
    fn rings(&self, mut each: impl FnMut(&[u32])) {
        each(&self.first_minute.0);
        each(&self.first_hour.0);
        each(&self.cold_hour.0);
        each(&self.shortened_hour.0);
        each(&self.sent_day.0);
        each(&self.first_day.0);
        each(&self.cold_day.0);
        each(&self.undeliverable_day.0);
        each(&self.restricted_day.0);
        each(&self.unwanted_day.0);
        each(&self.failed_day.0);
    }
}
