//! Hashing and verifying.

use std::fmt;

use argon2::{Algorithm, Argon2, Params, PasswordHash, PasswordHasher as _, PasswordVerifier as _, Version};
use gatepost_core::{Entropy, Secret};
use unicode_normalization::{UnicodeNormalization as _, is_nfc};
use zeroize::Zeroizing;

/// In bytes, as given. Long passphrases fit in every script, bodies do not.
pub const LONGEST_PASSWORD: usize = 1_024;

/// What an account that does not exist is verified against: today's parameters, and 32 random bytes that are nobody's
/// hash.
const NOBODYS: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$9CYcNfYpR5iNKB8AIRb7Cw$fP4PFPm8Wm1dLMzzRT8x93FtM3jsJeJXdG8yHcNcWrI";

const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
const HASH_LEN: usize = 32;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordError {
    /// Longer than [`LONGEST_PASSWORD`].
    TooLong,
    /// No memory for hashing, or the library refused.
    Unavailable,
    /// The stored text is no argon2id hash.
    StoredHashInvalid,
}

impl fmt::Display for PasswordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => write!(f, "a password has at most {LONGEST_PASSWORD} bytes"),
            Self::Unavailable => f.write_str("the password could not be hashed"),
            Self::StoredHashInvalid => f.write_str("the stored password hash is not an argon2id hash"),
        }
    }
}

impl std::error::Error for PasswordError {}

fn hasher() -> Result<Argon2<'static>, PasswordError> {
    let params =
        Params::new(MEMORY_KIB, PASSES, LANES, Some(HASH_LEN)).map_err(|_| PasswordError::Unavailable)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

/// The PHC string of a password (in its NFC form), with a fresh salt of 16 bytes.
pub fn hash_password(password: &Secret<String>, entropy: &dyn Entropy) -> Result<String, PasswordError> {
    let password = normalised(password)?;
    let salt: [u8; 16] = entropy.array();
    hasher()?
        .hash_password_with_salt(password.as_bytes(), &salt)
        .map(|hash| hash.to_string())
        .map_err(|_| PasswordError::Unavailable)
}

/// Whether `password` is the one that `stored` was made of. Works with the parameters of the stored hash.
pub fn verify_password(password: &Secret<String>, stored: &str) -> Result<bool, PasswordError> {
    let password = normalised(password)?;
    let hash = parse(stored)?;
    match hasher()?.verify_password(password.as_bytes(), &hash) {
        Ok(()) => Ok(true),
        Err(argon2::password_hash::Error::PasswordInvalid) => Ok(false),
        Err(_) => Err(PasswordError::StoredHashInvalid),
    }
}

/// Whether a stored hash was made with other parameters than today's; hash again at the next successful login.
pub fn needs_rehash(stored: &str) -> bool {
    let Ok(hash) = parse(stored) else {
        return true;
    };
    let today = Params::try_from(&hash).is_ok_and(|params| {
        (params.m_cost(), params.t_cost(), params.p_cost()) == (MEMORY_KIB, PASSES, LANES)
    });
    !today || hash.version != Some(Version::V0x13.into()) || hash.hash.is_none_or(|out| out.len() != HASH_LEN)
}

/// Costs what [`verify_password`] costs and always says no: for an account that does not exist, or has no password, so
/// that the time of an answer does not tell which addresses have one.
pub fn verify_nobody(password: &Secret<String>) -> Result<bool, PasswordError> {
    verify_password(password, NOBODYS).map(|_| false)
}

/// The NFC form (Unicode Standard Annex 15): keyboards disagree on how to write an accent, and a password typed on
/// another one must still open.
pub(super) fn normalised(password: &Secret<String>) -> Result<Zeroizing<String>, PasswordError> {
    let text = password.expose();
    if text.len() > LONGEST_PASSWORD {
        return Err(PasswordError::TooLong);
    }
    if is_nfc(text) {
        return Ok(Zeroizing::new(text.clone()));
    }
    // Composing never makes more than three times the bytes; reserved at once, so that no copy stays behind in memory.
    let mut out = Zeroizing::new(String::with_capacity(text.len() * 3));
    out.extend(text.nfc());
    Ok(out)
}

fn parse(stored: &str) -> Result<PasswordHash, PasswordError> {
    let hash = PasswordHash::new(stored).map_err(|_| PasswordError::StoredHashInvalid)?;
    if hash.algorithm.as_str() == "argon2id" { Ok(hash) } else { Err(PasswordError::StoredHashInvalid) }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::SystemEntropy;

    fn password(text: &str) -> Secret<String> {
        Secret::new(text.to_owned())
    }

    #[test]
    fn the_right_password_verifies_and_no_other() {
        let stored = hash_password(&password("correct horse"), &SystemEntropy).unwrap();
        assert!(stored.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{stored}");
        assert!(!needs_rehash(&stored));
        assert_eq!(verify_password(&password("correct horse"), &stored), Ok(true));
        for wrong in ["correct hors", "correct horse ", "Correct horse", ""] {
            assert_eq!(verify_password(&password(wrong), &stored), Ok(false), "{wrong}");
        }
        let again = hash_password(&password("correct horse"), &SystemEntropy).unwrap();
        assert_ne!(stored, again, "each hash has its own salt");
    }

    #[test]
    fn hashes_of_older_parameters_verify_and_ask_to_be_renewed() {
        for (memory, passes, length) in [(64, 2, 32), (19 * 1024, 1, 32), (19 * 1024, 2, 16)] {
            let params = Params::new(memory, passes, 1, Some(length)).unwrap();
            let old = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
            let stored = old.hash_password_with_salt(b"pass", &[7; 16]).unwrap().to_string();
            assert_eq!(verify_password(&password("pass"), &stored), Ok(true));
            assert_eq!(verify_password(&password("word"), &stored), Ok(false));
            assert!(needs_rehash(&stored), "{stored}");
        }
    }

    #[test]
    fn what_is_no_argon2id_hash_is_refused() {
        let params = Params::new(64, 2, 1, None).unwrap();
        let other = Argon2::new(Algorithm::Argon2i, Version::V0x13, params);
        let argon2i = other.hash_password_with_salt(b"pass", &[7; 16]).unwrap().to_string();
        for stored in ["", "pass", "$argon2id$", argon2i.as_str(), "$2b$12$abcdefghijklmnopqrstuv"] {
            assert_eq!(
                verify_password(&password("pass"), stored),
                Err(PasswordError::StoredHashInvalid),
                "{stored}"
            );
            assert!(needs_rehash(stored));
        }
    }

    #[test]
    fn another_spelling_of_the_same_characters_opens() {
        let composed = password("Zo\u{eb} \u{1e69}\u{ac00} caf\u{e9}");
        let decomposed = password("Zoe\u{308} s\u{307}\u{323}\u{1100}\u{1161} cafe\u{301}");
        assert_ne!(composed.expose(), decomposed.expose());
        let stored = hash_password(&decomposed, &SystemEntropy).unwrap();
        assert_eq!(verify_password(&composed, &stored), Ok(true));
        assert_eq!(verify_password(&decomposed, &stored), Ok(true));
        // Compatibility forms are other characters: a ligature is not its letters.
        assert_eq!(verify_password(&password("\u{fb01}n"), &stored), Ok(false));
        let ligature = hash_password(&password("\u{fb01}nal"), &SystemEntropy).unwrap();
        assert_eq!(verify_password(&password("final"), &ligature), Ok(false));
    }

    /// The work is that of a real verification: the hash is well formed, of today's parameters, and is really computed.
    #[test]
    fn nobodys_hash_costs_what_a_real_one_does() {
        assert!(!needs_rehash(NOBODYS), "today's parameters");
        let real = hash_password(&password("correct horse"), &SystemEntropy).unwrap();
        let form = |text: &str| text.split('$').map(str::len).collect::<Vec<_>>();
        assert_eq!(form(NOBODYS), form(&real));
        assert_eq!(verify_nobody(&password("correct horse")), Ok(false));
        assert_eq!(verify_nobody(&password(&"x".repeat(LONGEST_PASSWORD + 1))), Err(PasswordError::TooLong));
    }

    #[test]
    fn overlong_passwords_cost_no_work() {
        let long = password(&"x".repeat(LONGEST_PASSWORD + 1));
        assert_eq!(hash_password(&long, &SystemEntropy), Err(PasswordError::TooLong));
        assert_eq!(verify_password(&long, "anything"), Err(PasswordError::TooLong));
    }
}
