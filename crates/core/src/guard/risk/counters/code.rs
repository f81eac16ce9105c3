//! The bytes of the counters: a version, then numbers as LEB128 (seven bits a byte, the lowest first), then the texts.

use std::fmt;

use super::hot::{Entry, Hot, TEXTS};
use super::ring::Ring;
use super::{Counters, Quality};

/// What this program writes and reads.
const VERSION: u8 = 1;
/// No row is longer: every number at its greatest, every place taken. A test holds it.
pub const ENCODED_MAX: usize = 2_048;

/// Bytes that are no counters of this version.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Damaged {
    /// Another version wrote them, or none; its number.
    Version(u8),
    /// They end too early.
    Short,
    /// They go on after the end.
    Long,
    /// A number is none, or greater than what it counts can be.
    Number,
}

impl fmt::Display for Damaged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Version(version) => write!(f, "counters of version {version}, expected {VERSION}"),
            Self::Short => f.write_str("counters that end too early"),
            Self::Long => f.write_str("counters with bytes behind their end"),
            Self::Number => f.write_str("counters with a number that is out of range"),
        }
    }
}

impl std::error::Error for Damaged {}

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
    let (version, rest) = bytes.split_first().ok_or(Damaged::Short)?;
    if *version != VERSION {
        return Err(Damaged::Version(*version));
    }
    let mut rest = Reader(rest);
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
        let entry = Entry { digest: rest.digest()?, count: rest.count()?, inherited: rest.count()? };
        let known = counters.hot.entries.iter().any(|other| other.digest == entry.digest);
        if known || entry.count <= entry.inherited {
            return Err(Damaged::Number);
        }
        counters.hot.entries.push(entry);
    }
    if rest.0.is_empty() { Ok(counters) } else { Err(Damaged::Long) }
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

fn number(out: &mut Vec<u8>, mut number: u64) {
    loop {
        let low = u8::try_from(number & 0x7f).unwrap_or(0);
        number >>= 7;
        if number == 0 {
            out.push(low);
            return;
        }
        out.push(low | 0x80);
    }
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn byte(&mut self) -> Result<u8, Damaged> {
        let (byte, rest) = self.0.split_first().ok_or(Damaged::Short)?;
        self.0 = rest;
        Ok(*byte)
    }

    fn digest(&mut self) -> Result<[u8; 8], Damaged> {
        let (digest, rest) = self.0.split_first_chunk().ok_or(Damaged::Short)?;
        self.0 = rest;
        Ok(*digest)
    }

    /// One spelling a number: its last byte is not 0, except for 0 itself.
    fn number(&mut self) -> Result<u64, Damaged> {
        let mut number = 0_u64;
        for shift in (0..63).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return if byte == 0 && shift > 0 { Err(Damaged::Number) } else { Ok(number) };
            }
        }
        Err(Damaged::Number)
    }

    fn count(&mut self) -> Result<u32, Damaged> {
        u32::try_from(self.number()?).map_err(|_| Damaged::Number)
    }

    fn ring<const N: usize>(&mut self, ring: &mut Ring<N>) -> Result<(), Damaged> {
        for count in &mut ring.0 {
            *count = self.count()?;
        }
        Ok(())
    }
}
