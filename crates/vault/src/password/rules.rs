//! What a new password must be.

use std::fmt;

use gatepost_core::Secret;

use super::breached::{is_breached, without_tail};
use super::context::consists_of;
use super::hash::normalised;

/// The least number of characters where the password is the only factor.
pub const LEAST_ALONE: usize = 15;
/// The least number of characters where a second factor stands beside it.
pub const LEAST_WITH_SECOND_FACTOR: usize = 8;
/// The most. Characters are Unicode scalar values of the NFC form.
pub const MOST_CHARACTERS: usize = 128;

/// A root shorter than this is no word, so its list entry says nothing about the password around it.
const LEAST_ROOT: usize = 4;

/// What is known of the account whose password is chosen.
#[derive(Debug, Clone, Copy)]
pub struct PasswordRules<'a> {
    /// Whether the account has a second factor, or cannot be entered without making one.
    pub second_factor: bool,
    /// What the password must not consist of: the workspace's name, the person's name and e-mail address. The product's
    /// own name is always among them.
    pub context: &'a [&'a str],
}

/// Why a password cannot be chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordFault {
    TooShort {
        least: usize,
    },
    /// More than [`MOST_CHARACTERS`].
    TooLong,
    /// A control character, such as a line break or NUL: it was pasted by mistake, and many fields drop it.
    ControlCharacter,
    /// On the list of passwords that are known from breaches, or such a one with digits and signs at its end, or one
    /// short piece repeated.
    Breached,
    /// Made of the product's, the workspace's or the person's name or address.
    NamesAtHand,
}

impl PasswordFault {
    /// The stable code of a field error.
    pub const fn code(self) -> &'static str {
        match self {
            Self::TooShort { .. } => "password_too_short",
            Self::TooLong => "password_too_long",
            Self::ControlCharacter => "password_control_character",
            Self::Breached => "password_breached",
            Self::NamesAtHand => "password_names_at_hand",
        }
    }
}

impl fmt::Display for PasswordFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooShort { least } => write!(f, "a password has at least {least} characters here"),
            Self::TooLong => write!(f, "a password has at most {MOST_CHARACTERS} characters"),
            Self::ControlCharacter => {
                f.write_str("the password holds a line break or another control character")
            }
            Self::Breached => {
                f.write_str("this password is known from breaches, or too like one; choose another")
            }
            Self::NamesAtHand => {
                f.write_str("the password is made of names that anybody would try first; choose another")
            }
        }
    }
}

impl std::error::Error for PasswordFault {}

/// Whether `password` may be chosen under `rules`. Takes microseconds and asks nobody.
pub fn new_password_check(password: &Secret<String>, rules: &PasswordRules<'_>) -> Result<(), PasswordFault> {
    let text = normalised(password).map_err(|_| PasswordFault::TooLong)?;
    let least = if rules.second_factor { LEAST_WITH_SECOND_FACTOR } else { LEAST_ALONE };
    let count = text.chars().count();
    if count > MOST_CHARACTERS {
        return Err(PasswordFault::TooLong);
    }
    if text.chars().any(char::is_control) {
        return Err(PasswordFault::ControlCharacter);
    }
    if count < least {
        return Err(PasswordFault::TooShort { least });
    }
    if consists_of(&text, rules.context) {
        return Err(PasswordFault::NamesAtHand);
    }
    if too_well_known(&text) { Err(PasswordFault::Breached) } else { Ok(()) }
}

fn too_well_known(text: &str) -> bool {
    let listed = |part: &str| part.chars().count() >= LEAST_ROOT && is_breached(part);
    let piece = repeated_piece(text);
    listed(text)
        || listed(without_tail(text))
        || piece.is_some_and(|piece| piece.chars().count() < LEAST_ROOT || is_breached(piece))
}

/// The piece that the whole text is a repetition of, with the last one perhaps cut short: `abcabcabca` is `abc`.
fn repeated_piece(text: &str) -> Option<&str> {
    let bytes = text.as_bytes();
    (1..=text.len() / 2)
        .filter(|length| text.is_char_boundary(*length))
        .find(|length| bytes.iter().skip(*length).eq(bytes.iter().take(bytes.len() - length)))
        .and_then(|length| text.get(..length))
}

#[cfg(test)]
mod tests;
