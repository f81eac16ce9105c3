//! Passwords: argon2id at the parameters of OWASP's Password Storage Cheat Sheet (19 MiB, two passes, one lane), kept
//! as PHC strings; and what a new one must be (NIST SP 800-63B-4, section 3.1.1): long enough, not known from
//! breaches, not the name of anything at hand. No rules of composition, and every script.
//!
//! Threat note. Defends against: guessing passwords from a stolen database at more than a trickle; telling equal
//! passwords by equal hashes (each has its own salt); passwords that guessers try first; a password that opens on one
//! keyboard and not on another (all are taken in NFC); telling by time whether an account exists. Does not defend
//! against: passwords used elsewhere that were breached and are in no list of ours; guessing through the login form,
//! which is limited elsewhere. One hash takes 19 MiB and tens of milliseconds, so callers run it on a bounded pool; a
//! password longer than [`LONGEST_PASSWORD`] is refused before any work.

pub mod breached;
mod context;
mod hash;
mod rules;

pub use hash::{
    LONGEST_PASSWORD, PasswordError, hash_password, needs_rehash, verify_nobody, verify_password,
};
pub use rules::{
    LEAST_ALONE, LEAST_WITH_SECOND_FACTOR, MOST_CHARACTERS, PasswordFault, PasswordRules, new_password_check,
};
