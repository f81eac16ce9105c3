//! Recovery codes: ten texts that each open an account once, for the day when the phone is gone.
//!
//! Threat note. Defends against: guessing (80 random bits each, and the caller limits tries all the same); reading
//! codes from a stolen database (only SHA-256 of them is stored, and 80 bits are beyond trying); a code of one person
//! opening another's account (the person's id is in the digest, so even equal codes have different ones). Does not
//! defend against: somebody who finds the sheet of paper; a code used twice at once, which the store's single use of
//! each row refuses.

use gatepost_core::access::TokenDigest;
use gatepost_core::{Entropy, Secret, UserId};
use zeroize::Zeroizing;

use crate::digest::Sha256;

/// How many codes a person gets at once.
pub const RECOVERY_CODES: usize = 10;

const LEN: usize = 10;
const DIGITS: usize = LEN * 8 / 5;
const GROUP: usize = 4;
const DOMAIN: &[u8] = b"gatepost recovery code v1\0";

/// Crockford's base 32: no I, L, O and U, so that no digit is taken for another.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// A code in the clear, from its making to the one page that shows it, or from a form to its digest.
pub struct RecoveryCode(Secret<[u8; LEN]>);

impl RecoveryCode {
    /// The codes that a person is shown once. They replace all earlier ones.
    pub fn generate_set(entropy: &dyn Entropy) -> [Self; RECOVERY_CODES] {
        std::array::from_fn(|_| Self(Secret::new(entropy.array())))
    }

    /// Reads what somebody typed: case, spaces and hyphens do not matter, and letters that Crockford leaves out count as
    /// the digits they look like. `None` for everything else.
    pub fn parse(text: &str) -> Option<Self> {
        let mut value: u128 = 0;
        let mut digits = 0;
        for character in text.chars().filter(|c| !c.is_whitespace() && !matches!(c, '-' | '–' | '_')) {
            value = value << 5 | digit(character)?;
            digits += 1;
            if digits > DIGITS {
                return None;
            }
        }
        if digits != DIGITS {
            return None;
        }
        let mut bytes = [0; LEN];
        bytes.copy_from_slice(&Zeroizing::new(value.to_be_bytes())[16 - LEN..]);
        Some(Self(Secret::new(bytes)))
    }

    /// The text that is shown: `XXXX-XXXX-XXXX-XXXX`.
    pub fn to_text(&self) -> Secret<String> {
        let value = self.0.expose().iter().fold(0_u128, |value, byte| value << 8 | u128::from(*byte));
        let mut text = String::with_capacity(DIGITS + DIGITS / GROUP);
        for at in 0..DIGITS {
            if at > 0 && at % GROUP == 0 {
                text.push('-');
            }
            let digit = (value >> (5 * (DIGITS - 1 - at))) & 31;
            text.push(char::from(ALPHABET[usize::try_from(digit).unwrap_or(0)]));
        }
        Secret::new(text)
    }

    /// What is stored of a code of the person `user`.
    pub fn digest(&self, user: UserId) -> TokenDigest {
        let mut hash = Sha256::new();
        // All parts have fixed lengths.
        hash.update(DOMAIN);
        hash.update(user.uuid().as_bytes());
        hash.update(self.0.expose());
        TokenDigest::new(hash.finish())
    }
}

fn digit(character: char) -> Option<u128> {
    let upper = match character.to_ascii_uppercase() {
        'O' => '0',
        'I' | 'L' => '1',
        other => other,
    };
    ALPHABET.iter().zip(0..).find(|(known, _)| char::from(**known) == upper).map(|(_, value)| value)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::SystemEntropy;
    use proptest::prelude::*;
    use std::collections::HashSet;
    use uuid::Uuid;

    const USER: UserId = UserId::from_uuid(Uuid::from_u128(7));

    #[test]
    fn ten_different_codes_of_eighty_bits_that_read_back() {
        let mut seen = HashSet::new();
        for _ in 0..100 {
            let codes = RecoveryCode::generate_set(&SystemEntropy);
            assert_eq!(codes.len(), 10);
            for code in codes {
                let text = code.to_text();
                assert_eq!(text.expose().len(), 19, "{}", text.expose());
                assert!(RecoveryCode::parse(text.expose()).unwrap().digest(USER) == code.digest(USER));
                assert!(seen.insert(text.expose().clone()));
            }
        }
    }

    #[test]
    fn people_type_as_they_like() {
        let code = RecoveryCode(Secret::new([0xff, 0x00, 0x84, 0x21, 0x08, 0x42, 0x10, 0x84, 0x01, 0x5a]));
        assert_eq!(code.to_text().expose(), "ZW08-8888-8888-80AT");
        for text in [
            "zw08-8888-8888-80at",
            " ZWO8 8888 8888 8OAT ",
            "zwo8888888888oat",
            "ZW08–8888–8888–80AT",
            "z w 0 8 8 8 8 8_8 8 8 8 8 0 a t",
        ] {
            assert!(RecoveryCode::parse(text).unwrap().digest(USER) == code.digest(USER), "{text}");
        }
        let ones = RecoveryCode::parse("i1lI-LL11-1111-1111").unwrap();
        assert_eq!(ones.to_text().expose(), "1111-1111-1111-1111");
        for text in [
            "",
            "ZW08-8888-8888-80A",
            "ZW08-8888-8888-80ATT",
            "ZW08-8888-8888-80AU",
            "ZW08-8888-8888-80A!",
            "ZW08-8888-8888-80AT-ZW08-8888-8888-80AT",
            "ＺW08-8888-8888-80AT",
        ] {
            assert!(RecoveryCode::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn a_code_of_one_person_is_none_of_another() {
        let [code, other, ..] = RecoveryCode::generate_set(&SystemEntropy);
        assert!(code.digest(USER) == code.digest(USER));
        assert!(code.digest(USER) != code.digest(UserId::from_uuid(Uuid::from_u128(8))));
        assert!(code.digest(USER) != other.digest(USER));
    }

    proptest! {
        #[test]
        fn every_code_has_one_text(bytes: [u8; LEN], noise in "[ -]{0,5}") {
            let code = RecoveryCode(Secret::new(bytes));
            let text = code.to_text();
            let read = RecoveryCode::parse(&format!("{noise}{}{noise}", text.expose().to_lowercase())).unwrap();
            prop_assert_eq!(read.0.expose(), &bytes);
        }

        #[test]
        fn any_text_is_read_or_refused(text in ".{0,40}") {
            if let Some(code) = RecoveryCode::parse(&text) {
                prop_assert!(RecoveryCode::parse(code.to_text().expose()).is_some());
            }
        }
    }
}
