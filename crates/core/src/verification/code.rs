//! The codes themselves.

use zeroize::Zeroize;

use crate::channel::Mode;
use crate::{Entropy, Secret};

/// How many digits a code has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CodeLength(u8);

impl CodeLength {
    pub const MIN: Self = Self(4);
    pub const MAX: Self = Self(8);
    pub const DEFAULT: Self = Self(6);

    /// # Errors
    /// A sentence for the caller, where it is out of bounds.
    pub fn new(digits: i64) -> Result<Self, &'static str> {
        match u8::try_from(digits) {
            Ok(digits) if (Self::MIN.0..=Self::MAX.0).contains(&digits) => Ok(Self(digits)),
            _ => Err("expected a number of digits from 4 to 8"),
        }
    }

    pub const fn digits(self) -> usize {
        self.0 as usize
    }
}

impl Default for CodeLength {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// A code. It is shown to the person it is for, and otherwise to nobody: no `Debug`, no `Serialize`, wiped when dropped.
pub struct VerificationCode(Secret<String>);

/// The largest multiple of ten that a byte can be below: what is drawn above it would favour the lower digits.
const FAIR: u8 = 250;

impl VerificationCode {
    /// Draws a code, each as likely as any other. In test mode the codes that mean something there are never drawn.
    pub fn draw(length: CodeLength, mode: Mode, entropy: &dyn Entropy) -> Self {
        loop {
            let code = Self::draw_any(length, entropy);
            if mode == Mode::Live || proof_of_test_code(code.digits()).is_none() {
                return code;
            }
        }
    }

    fn draw_any(length: CodeLength, entropy: &dyn Entropy) -> Self {
        let mut text = String::with_capacity(length.digits());
        let mut drawn = [0_u8; 16];
        while text.len() < length.digits() {
            entropy.fill(&mut drawn);
            let wanted = length.digits() - text.len();
            let fair = drawn.iter().filter(|byte| **byte < FAIR).take(wanted);
            text.extend(fair.map(|byte| char::from(b'0' + byte % 10)));
        }
        drawn.zeroize();
        Self(Secret::new(text))
    }

    /// Reads what people type and programs pass on: digits, with blanks and hyphens between them.
    ///
    /// # Errors
    /// A sentence for the caller, where it is not a code of any length.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        const WRONG: &str = "expected a code of 4 to 8 digits";
        // As long as a code may be, so that it never moves and leaves a copy behind.
        let mut digits = String::with_capacity(CodeLength::MAX.digits());
        for c in text.trim().chars() {
            match c {
                '0'..='9' if digits.len() < CodeLength::MAX.digits() => digits.push(c),
                ' ' | '-' | '\u{a0}' | '\u{2013}' => {}
                _ => {
                    digits.zeroize();
                    return Err(WRONG);
                }
            }
        }
        let code = Self(Secret::new(digits));
        if code.digits().len() < CodeLength::MIN.digits() { Err(WRONG) } else { Ok(code) }
    }

    /// The digits. Every call is a place to look at in a review.
    pub fn digits(&self) -> &str {
        self.0.expose()
    }
}

/// What came of looking at a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Proof {
    Right,
    Wrong,
    /// Only of a test code: it says that the time is over.
    Late,
}

/// What a code means in test mode, whatever code was sent: `424242` is right, `000000` wrong and `111111` too late; of
/// other lengths the same digits repeated and cut. `None`: nothing of itself.
pub fn proof_of_test_code(digits: &str) -> Option<Proof> {
    let is = |pattern: &str| digits.chars().eq(pattern.chars().cycle().take(digits.len()));
    let long_enough = (CodeLength::MIN.digits()..=CodeLength::MAX.digits()).contains(&digits.len());
    match () {
        () if !long_enough => None,
        () if is("42") => Some(Proof::Right),
        () if is("0") => Some(Proof::Wrong),
        () if is("1") => Some(Proof::Late),
        () => None,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use std::cell::RefCell;
    use std::collections::BTreeMap;
    use std::sync::Mutex;

    use proptest::prelude::*;

    use super::*;

    /// A small generator (SplitMix64), so that a failure can be repeated.
    struct Seeded(Mutex<u64>);

    impl Entropy for Seeded {
        fn fill(&self, buffer: &mut [u8]) {
            let mut state = self.0.lock().unwrap();
            for byte in buffer {
                *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
                let mut mixed = *state;
                mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
                *byte = (mixed >> 56) as u8;
            }
        }
    }

    /// Gives the bytes of a list, again and again.
    struct Listed(Mutex<RefCell<Vec<u8>>>);

    impl Entropy for Listed {
        fn fill(&self, buffer: &mut [u8]) {
            let list = self.0.lock().unwrap();
            let mut list = list.borrow_mut();
            for byte in buffer {
                *byte = list[0];
                list.rotate_left(1);
            }
        }
    }

    #[test]
    fn what_would_favour_a_digit_is_not_used() {
        let listed = Listed(Mutex::new(RefCell::new(vec![255, 250, 9, 251, 12, 254, 30, 249])));
        let code = VerificationCode::draw(CodeLength::DEFAULT, Mode::Live, &listed);
        assert_eq!(code.digits(), "920992", "250 to 255 are passed over, the others give their last digit");
    }

    /// 60,000 digits: each of the ten within four standard deviations (73) of 6,000, at every place of the code.
    #[test]
    fn every_digit_is_as_likely_at_every_place() {
        let entropy = Seeded(Mutex::new(7));
        let mut counts: BTreeMap<(usize, char), i64> = BTreeMap::new();
        for _ in 0..60_000 {
            let code = VerificationCode::draw(CodeLength::DEFAULT, Mode::Live, &entropy);
            assert_eq!(code.digits().len(), 6);
            for (place, digit) in code.digits().chars().enumerate() {
                *counts.entry((place, digit)).or_default() += 1;
            }
        }
        assert_eq!(counts.len(), 60);
        for (at, count) in counts {
            assert!((count - 6_000).abs() < 4 * 74, "{at:?}: {count}");
        }
    }

    #[test]
    fn test_codes_of_every_length() {
        for (digits, proof) in [
            ("424242", Proof::Right),
            ("4242", Proof::Right),
            ("42424", Proof::Right),
            ("42424242", Proof::Right),
            ("000000", Proof::Wrong),
            ("0000", Proof::Wrong),
            ("111111", Proof::Late),
            ("11111111", Proof::Late),
        ] {
            assert_eq!(proof_of_test_code(digits), Some(proof), "{digits}");
        }
        for digits in ["", "42", "424243", "242424", "100000", "424242424", "001111"] {
            assert_eq!(proof_of_test_code(digits), None, "{digits}");
        }
    }

    #[test]
    fn test_codes_are_not_drawn_in_test_mode() {
        // The first four bytes would be 4242.
        let bytes = || vec![4, 2, 4, 2, 4, 2, 4, 2, 4, 2, 4, 2, 4, 2, 4, 2, 1, 2, 3, 4];
        let listed = Listed(Mutex::new(RefCell::new(bytes())));
        let code = VerificationCode::draw(CodeLength::MIN, Mode::Test, &listed);
        assert_eq!(code.digits(), "1234");
        let listed = Listed(Mutex::new(RefCell::new(bytes())));
        assert_eq!(VerificationCode::draw(CodeLength::MIN, Mode::Live, &listed).digits(), "4242");
    }

    #[test]
    fn codes_as_people_write_them() {
        for text in ["123456", " 123 456 ", "123-456", "1 2 3 4 5 6"] {
            assert_eq!(VerificationCode::parse(text).ok().unwrap().digits(), "123456", "{text}");
        }
        for text in ["", "123", "123456789", "12345a", "１２３４５６", "12.34", "0x1234"] {
            assert!(VerificationCode::parse(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn lengths_are_kept(seed: u64, digits in 4_i64..=8, live: bool) {
            let length = CodeLength::new(digits).unwrap();
            let mode = if live { Mode::Live } else { Mode::Test };
            let code = VerificationCode::draw(length, mode, &Seeded(Mutex::new(seed)));
            prop_assert_eq!(code.digits().len(), length.digits());
            prop_assert!(code.digits().bytes().all(|byte| byte.is_ascii_digit()));
        }

        #[test]
        fn nothing_panics(text in "\\PC{0,20}") {
            if let Ok(code) = VerificationCode::parse(&text) {
                prop_assert!((4..=8).contains(&code.digits().len()));
            }
        }
    }
}
