//! Digests, message authentication codes and comparison.
//!
//! Threat note. Defends against: an answer's timing telling how much of a guessed code was right; a key being hashed
//! anew for each message on hot lanes. Does not defend against: a caller who compares with `==`; use
//! [`constant_time_eq`], or the types here that verify.

use std::fmt;

use aws_lc_rs::{digest, hmac};
use subtle::ConstantTimeEq as _;

/// SHA-256 (FIPS 180-4) of one buffer.
pub fn sha256(bytes: &[u8]) -> [u8; 32] {
    array(digest::digest(&digest::SHA256, bytes).as_ref())
}

/// SHA-256 (FIPS 180-4) of what comes in pieces.
#[derive(Clone)]
pub struct Sha256(digest::Context);

impl Sha256 {
    pub fn new() -> Self {
        Self(digest::Context::new(&digest::SHA256))
    }

    pub fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    pub fn finish(self) -> [u8; 32] {
        array(self.0.finish().as_ref())
    }
}

impl Default for Sha256 {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Sha256 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sha256(..)")
    }
}

/// HMAC-SHA-256 (RFC 2104) of one buffer. For more than one message under a key, keep an [`HmacKey`].
pub fn hmac_sha256(key: &[u8], message: &[u8]) -> [u8; 32] {
    HmacKey::new(key).sign(&[message])
}

/// Whether two byte strings are equal, in a time that depends on their lengths only.
pub fn constant_time_eq(a: &[u8], b: &[u8]) -> bool {
    a.ct_eq(b).into()
}

/// A prepared HMAC-SHA-256 key: the key is hashed once, not for each message.
#[derive(Clone)]
pub struct HmacKey(hmac::Key);

impl HmacKey {
    pub fn new(key: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    /// The code of all parts, one after the other, without joining them in memory. Where the borders of the parts
    /// matter, the caller makes them unambiguous.
    pub fn sign(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.0);
        for part in parts {
            context.update(part);
        }
        array(context.sign().as_ref())
    }

    /// Whether `code` is the code of all parts, in constant time. A truncated or extended code is refused.
    pub fn verify(&self, parts: &[&[u8]], code: &[u8]) -> bool {
        constant_time_eq(&self.sign(parts), code)
    }
}

impl fmt::Debug for HmacKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HmacKey(..)")
    }
}

/// Both algorithms give exactly 32 bytes; the loop form has no path that could panic.
fn array(bytes: &[u8]) -> [u8; 32] {
    let mut out = [0; 32];
    for (slot, byte) in out.iter_mut().zip(bytes) {
        *slot = *byte;
    }
    out
}

const HEX: &[u8; 16] = b"0123456789abcdef";

/// Appends lower-case hex.
pub(crate) fn push_hex(text: &mut String, bytes: &[u8]) {
    text.reserve(bytes.len() * 2);
    for byte in bytes {
        text.push(char::from(HEX[usize::from(byte >> 4)]));
        text.push(char::from(HEX[usize::from(byte & 15)]));
    }
}

/// Reads exactly `2 * N` hex digits of either case; anything else is `None`.
pub(crate) fn parse_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    if digits.len() != N * 2 {
        return None;
    }
    let mut out = [0; N];
    for (slot, pair) in out.iter_mut().zip(digits.chunks_exact(2)) {
        *slot = nibble(pair[0])? << 4 | nibble(pair[1])?;
    }
    Some(out)
}

const fn nibble(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn hex(bytes: &[u8]) -> String {
        let mut text = String::new();
        push_hex(&mut text, bytes);
        text
    }

    #[test]
    fn sha256_of_fips_180_examples() {
        assert_eq!(hex(&sha256(b"abc")), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
        assert_eq!(hex(&sha256(b"")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        let mut pieces = Sha256::new();
        pieces.update(b"a");
        pieces.update(b"");
        pieces.update(b"bc");
        assert_eq!(pieces.finish(), sha256(b"abc"));
        assert_eq!(Sha256::default().finish(), sha256(b""));
    }

    /// RFC 4231, test cases 1, 2, 3, 4, 6 and 7 (5 is a truncation).
    #[test]
    fn hmac_of_rfc_4231() {
        let cases: [(Vec<u8>, Vec<u8>, &str); 6] = [
            (
                vec![0x0b; 20],
                b"Hi There".to_vec(),
                "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7",
            ),
            (
                b"Jefe".to_vec(),
                b"what do ya want for nothing?".to_vec(),
                "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
            ),
            (
                vec![0xaa; 20],
                vec![0xdd; 50],
                "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe",
            ),
            (
                (1..=25).collect(),
                vec![0xcd; 50],
                "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b",
            ),
            (
                vec![0xaa; 131],
                b"Test Using Larger Than Block-Size Key - Hash Key First".to_vec(),
                "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54",
            ),
            (
                vec![0xaa; 131],
                b"This is a test using a larger than block-size key and a larger than block-size data. \
                  The key needs to be hashed before being used by the HMAC algorithm."
                    .to_vec(),
                "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2",
            ),
        ];
        for (key, message, expected) in cases {
            assert_eq!(hex(&hmac_sha256(&key, &message)), expected);
        }
    }

    #[test]
    fn a_code_is_refused_when_cut_extended_or_changed() {
        let key = HmacKey::new(b"a key");
        let code = key.sign(&[b"one", b"two"]);
        assert!(key.verify(&[b"onetwo"], &code), "parts are only a way to pass the bytes");
        for length in 0..32 {
            assert!(!key.verify(&[b"onetwo"], &code[..length]), "cut to {length}");
        }
        let mut longer = code.to_vec();
        longer.push(0);
        assert!(!key.verify(&[b"onetwo"], &longer));
        for bit in 0..256 {
            let mut changed = code;
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(!key.verify(&[b"onetwo"], &changed), "bit {bit}");
        }
        assert!(!HmacKey::new(b"b key").verify(&[b"onetwo"], &code));
    }

    #[test]
    fn debug_shows_no_key() {
        assert_eq!(format!("{:?}", HmacKey::new(b"sixteen byte key")), "HmacKey(..)");
    }

    proptest! {
        #[test]
        fn hex_round_trips_in_both_cases(bytes: [u8; 9]) {
            prop_assert_eq!(parse_hex::<9>(&hex(&bytes)), Some(bytes));
            prop_assert_eq!(parse_hex::<9>(&hex(&bytes).to_uppercase()), Some(bytes));
        }

        #[test]
        fn comparison_agrees_with_equality(a: Vec<u8>, b: Vec<u8>) {
            prop_assert_eq!(constant_time_eq(&a, &b), a == b);
            prop_assert!(constant_time_eq(&a, &a.clone()));
        }

        #[test]
        fn no_text_but_hex_of_the_right_length_parses(text in ".{0,24}") {
            let right = text.len() == 16 && text.bytes().all(|b| b.is_ascii_hexdigit());
            prop_assert_eq!(parse_hex::<8>(&text).is_some(), right);
        }
    }
}
