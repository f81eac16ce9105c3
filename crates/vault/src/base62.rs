//! Fixed-width base 62 (`0-9A-Za-z`, most significant digit first): one text for each number, and one number for each
//! text that decodes.

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Digits that fit a machine word at once: 62^10 < 2^60.
const CHUNK: usize = 10;

const fn digit(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'A'..=b'Z' => Some(byte - b'A' + 10),
        b'a'..=b'z' => Some(byte - b'a' + 36),
        _ => None,
    }
}

/// Writes a number, given as big-endian 32-bit limbs, into all of `out`. The caller gives enough digits.
pub(crate) fn encode<const LIMBS: usize>(mut number: [u32; LIMBS], out: &mut [u8]) {
    for slot in out.iter_mut().rev() {
        let mut remainder = 0;
        for limb in &mut number {
            let value = remainder << 32 | u64::from(*limb);
            *limb = low(value / 62);
            remainder = value % 62;
        }
        *slot = ALPHABET[usize::from(u8::try_from(remainder).unwrap_or(0))];
    }
    debug_assert!(number.iter().all(|limb| *limb == 0), "too few digits");
}

/// Reads a number into big-endian 32-bit limbs; `None` for other characters, or a number that does not fit.
pub(crate) fn decode<const LIMBS: usize>(text: &[u8]) -> Option<[u32; LIMBS]> {
    let mut number = [0_u32; LIMBS];
    for chunk in text.chunks(CHUNK) {
        let (mut value, mut scale) = (0_u64, 1_u64);
        for byte in chunk {
            value = value * 62 + u64::from(digit(*byte)?);
            scale *= 62;
        }
        // number = number * scale + value; every step stays below 2^128.
        let mut carry = u128::from(value);
        for limb in number.iter_mut().rev() {
            carry += u128::from(*limb) * u128::from(scale);
            *limb = low(u64::try_from(carry & u128::from(u32::MAX)).ok()?);
            carry >>= 32;
        }
        if carry != 0 {
            return None;
        }
    }
    Some(number)
}

/// The low half.
const fn low(value: u64) -> u32 {
    (value & 0xffff_ffff) as u32
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use proptest::prelude::*;

    fn text(number: [u32; 4]) -> String {
        let mut out = [0; 22];
        encode(number, &mut out);
        String::from_utf8(out.to_vec()).unwrap()
    }

    #[test]
    fn known_values() {
        assert_eq!(text([0; 4]), "0".repeat(22));
        assert_eq!(text([0, 0, 0, 61]), format!("{}z", "0".repeat(21)));
        assert_eq!(text([0, 0, 0, 62 * 62]), format!("{}100", "0".repeat(19)));
        // 2^128 - 1, computed with arbitrary-precision arithmetic elsewhere.
        assert_eq!(text([u32::MAX; 4]), "7n42DGM5Tflk9n8mt7Fhc7");
    }

    #[test]
    fn numbers_that_do_not_fit_are_refused() {
        assert_eq!(decode::<4>(b"7n42DGM5Tflk9n8mt7Fhc7"), Some([u32::MAX; 4]));
        assert_eq!(decode::<4>(b"7n42DGM5Tflk9n8mt7Fhc8"), None, "2^128");
        assert_eq!(decode::<4>(&[b'z'; 22]), None);
        assert_eq!(decode::<1>(b"4gfFC3"), Some([u32::MAX]));
        assert_eq!(decode::<1>(b"4gfFC4"), None, "2^32");
        for byte in (0..=255_u8).filter(|b| !b.is_ascii_alphanumeric()) {
            assert_eq!(decode::<4>(&[byte; 22]), None);
        }
    }

    proptest! {
        #[test]
        fn order_and_value_survive(a: [u32; 4], b: [u32; 4]) {
            prop_assert_eq!(decode::<4>(text(a).as_bytes()), Some(a));
            prop_assert_eq!(text(a).cmp(&text(b)), a.cmp(&b));
        }

        #[test]
        fn every_text_that_decodes_is_the_one_text(candidate in "[0-7][0-9A-Za-z]{21}") {
            if let Some(number) = decode::<4>(candidate.as_bytes()) {
                prop_assert_eq!(text(number), candidate);
            }
        }
    }
}
