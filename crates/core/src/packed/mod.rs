//! Small counts packed into the bytes of one row: numbers as LEB128 (seven bits a byte, the lowest first), behind a
//! version.
//!
//! Threat note. Defends against: rows that are damaged, cut, or made by another version or by somebody else: they do not
//! read, and never panic; each value has one spelling alone.

mod ring;

use std::fmt;

pub use ring::Ring;

/// Bytes that are not what this version writes.
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
            Self::Version(version) => write!(f, "counts of version {version}"),
            Self::Short => f.write_str("counts that end too early"),
            Self::Long => f.write_str("counts with bytes behind their end"),
            Self::Number => f.write_str("counts with a number that is out of range"),
        }
    }
}

impl std::error::Error for Damaged {}

/// Writes a number.
pub fn number(out: &mut Vec<u8>, mut number: u64) {
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

/// Reads what was written, from the front.
#[derive(Debug)]
pub struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Behind the first byte, which says the version.
    pub fn of_version(bytes: &'a [u8], version: u8) -> Result<Self, Damaged> {
        let (found, rest) = bytes.split_first().ok_or(Damaged::Short)?;
        if *found == version { Ok(Self(rest)) } else { Err(Damaged::Version(*found)) }
    }

    /// Nothing may be left.
    pub fn end(self) -> Result<(), Damaged> {
        if self.0.is_empty() { Ok(()) } else { Err(Damaged::Long) }
    }

    pub fn byte(&mut self) -> Result<u8, Damaged> {
        let (byte, rest) = self.0.split_first().ok_or(Damaged::Short)?;
        self.0 = rest;
        Ok(*byte)
    }

    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], Damaged> {
        let (array, rest) = self.0.split_first_chunk().ok_or(Damaged::Short)?;
        self.0 = rest;
        Ok(*array)
    }

    /// One spelling a number: its last byte is not 0, except for 0 itself.
    pub fn number(&mut self) -> Result<u64, Damaged> {
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

    pub fn count(&mut self) -> Result<u32, Damaged> {
        u32::try_from(self.number()?).map_err(|_| Damaged::Number)
    }

    /// Every bucket of a ring, the newest first.
    pub fn ring<const N: usize>(&mut self, ring: &mut Ring<N>) -> Result<(), Damaged> {
        for count in &mut ring.0 {
            *count = self.count()?;
        }
        Ok(())
    }

    /// A ring as [`ring_sparse`] wrote it.
    pub fn ring_sparse<const N: usize>(&mut self, ring: &mut Ring<N>) -> Result<(), Damaged> {
        let mut next = 0;
        for _ in 0..self.number()? {
            let skipped = usize::try_from(self.number()?).map_err(|_| Damaged::Number)?;
            let place = next + skipped.min(N);
            let bucket = ring.0.get_mut(place).ok_or(Damaged::Number)?;
            *bucket = self.count()?;
            if *bucket == 0 {
                return Err(Damaged::Number);
            }
            next = place + 1;
        }
        Ok(())
    }
}

/// Writes a ring that is mostly empty: how many buckets hold something, then for each how many empty ones are before it,
/// and its count.
pub fn ring_sparse<const N: usize>(out: &mut Vec<u8>, ring: &Ring<N>) {
    let filled = ring.0.iter().filter(|count| **count > 0).count();
    number(out, filled as u64);
    let mut next = 0;
    for (place, count) in ring.0.iter().enumerate().filter(|(_, count)| **count > 0) {
        number(out, (place - next) as u64);
        number(out, (*count).into());
        next = place + 1;
    }
}
