//! The list of passwords that are known from breaches, as a filter in the program: no look-up leaves the machine.
//!
//! The file `data/breached.bin` holds 32 bits of SHA-256 of each folded entry: 65,536 bytes that say how many entries
//! begin with each 16-bit number, then the other 16 bits of each, two bytes big-endian, in ascending order within their
//! bucket. So `n` entries take `65,536 + 2n` bytes, an entry is always found, and a text that is none is taken for one
//! with a probability of `n / 2^32` (1.1 in 10,000 for today's). Where the entries come from, and how to build it
//! anew, stands in `data/README.md` beside it.

use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization as _;
use zeroize::Zeroizing;

use crate::digest::sha256;

static BYTES: &[u8] = include_bytes!("../../data/breached.bin");
static FILTER: LazyLock<Filter<'static>> = LazyLock::new(|| Filter::new(BYTES));

const BUCKETS: usize = 1 << 16;
/// How many buckets are counted together.
const STRIDE: usize = 1 << 8;

/// Entries below this number of characters are left out: no password is so short, nor is any root that is looked up.
const LEAST_CHARACTERS: usize = 4;

/// Whether `text` is on the list, in any case of its letters.
pub fn is_breached(text: &str) -> bool {
    FILTER.contains(text)
}

/// How many entries the list holds.
pub fn entries() -> usize {
    entries_of(BYTES)
}

#[doc(hidden)]
pub const fn entries_of(filter: &[u8]) -> usize {
    filter.len().saturating_sub(BUCKETS) / 2
}

/// What is left without the digits and signs at the end: people put those after a word because a form asked for them.
pub(super) fn without_tail(text: &str) -> &str {
    text.trim_end_matches(|c: char| !c.is_alphabetic())
}

/// What is compared: NFC, lower case. (Lower case first: of some letters it is not composed.)
fn fold(text: &str) -> Zeroizing<String> {
    let mut out = Zeroizing::new(String::with_capacity(text.len() * 3));
    out.extend(text.chars().flat_map(char::to_lowercase).nfc());
    out
}

/// Bucket and rest.
fn place(text: &str) -> (usize, [u8; 2]) {
    let [a, b, c, d, ..] = sha256(fold(text).as_bytes());
    (usize::from(u16::from_be_bytes([a, b])), [c, d])
}

/// A filter, ready to be asked.
struct Filter<'a> {
    counts: &'a [u8],
    rests: &'a [u8],
    /// How many entries come before each [`STRIDE`] of buckets.
    before: Vec<usize>,
}

impl<'a> Filter<'a> {
    fn new(bytes: &'a [u8]) -> Self {
        let (counts, rests) = bytes.split_at_checked(BUCKETS).unwrap_or_default();
        let strides = counts.chunks(STRIDE).map(sum);
        let before = strides.scan(0, |all, stride| Some(std::mem::replace(all, *all + stride))).collect();
        Self { counts, rests, before }
    }

    fn contains(&self, text: &str) -> bool {
        let (bucket, rest) = place(text);
        let stride = bucket / STRIDE;
        let (Some(before), Some(nearer), Some(here)) =
            (self.before.get(stride), self.counts.get(stride * STRIDE..bucket), self.counts.get(bucket))
        else {
            return false;
        };
        let start = before + sum(nearer);
        let mine = self.rests.get(start * 2..(start + usize::from(*here)) * 2);
        mine.is_some_and(|mine| mine.chunks_exact(2).any(|one| one == rest))
    }
}

fn sum(counts: &[u8]) -> usize {
    counts.iter().map(|count| usize::from(*count)).sum()
}

/// Builds a filter of these entries; `None` where more than 255 share a bucket, which more than a few million would.
#[doc(hidden)]
pub fn build<'a>(entries: impl Iterator<Item = &'a str>) -> Option<Vec<u8>> {
    let mut places: Vec<(usize, [u8; 2])> =
        entries.filter(|entry| entry.chars().count() >= LEAST_CHARACTERS).map(place).collect();
    places.sort_unstable();
    places.dedup();
    let mut filter = vec![0_u8; BUCKETS];
    for (bucket, _) in &places {
        filter[*bucket] = filter[*bucket].checked_add(1)?;
    }
    filter.extend(places.iter().flat_map(|(_, rest)| rest));
    Some(filter)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_filter_is_whole_and_large_enough() {
        let counted = sum(&BYTES[..BUCKETS]);
        assert_eq!(counted, entries(), "the counts are those of the entries");
        assert_eq!(BYTES.len(), BUCKETS + counted * 2);
        assert!(entries() >= 100_000, "{} entries", entries());
        assert!(BYTES.len() <= 1_000_000, "{} bytes", BYTES.len());
    }

    #[test]
    fn every_case_and_form_is_found() {
        for text in
            ["password", "PassWord", "PASSWORD", "qwertyuiop", "1234567890", "trustno1", "123456789012345"]
        {
            assert!(is_breached(text), "{text}");
        }
        let filter = build(["Caf\u{e9} au lait", "\u{130}stanbul"].into_iter()).unwrap();
        for text in ["cafe\u{301} AU lait", "CAFÉ AU LAIT", "\u{130}STANBUL"] {
            assert!(Filter::new(&filter).contains(text), "{text}");
        }
        assert!(!Filter::new(&filter).contains("cafe au lait"));
    }

    #[test]
    fn short_entries_are_left_out() {
        assert_eq!(build(["abc", "", "äöü"].into_iter()).unwrap().len(), BUCKETS);
        assert_eq!(build(["abcd", "ABCD", "äöüß"].into_iter()).unwrap().len(), BUCKETS + 4);
    }

    #[test]
    fn tails_are_digits_and_signs() {
        assert_eq!(without_tail("Password123!"), "Password");
        assert_eq!(without_tail("l3tmein-2026"), "l3tmein");
        assert_eq!(without_tail("пароль 1"), "пароль");
        assert_eq!(without_tail("12345678"), "");
    }

    proptest! {
        #[test]
        fn what_was_put_in_is_found(entries in prop::collection::vec(".{4,20}", 0..200)) {
            let filter = build(entries.iter().map(String::as_str)).unwrap();
            for entry in &entries {
                prop_assert!(Filter::new(&filter).contains(entry), "{}", entry);
            }
        }

        /// A filter that was cut or is garbage answers, and reads nothing that is not there.
        #[test]
        fn any_bytes_are_a_filter(filter: Vec<u8>, text in ".{0,20}") {
            Filter::new(&filter).contains(&text);
            Filter::new(&[vec![255; BUCKETS], filter].concat()).contains(&text);
        }
    }
}
