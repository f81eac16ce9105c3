//! People: accounts, sessions, seats.
#![expect(clippy::unwrap_used, reason = "tests")]

mod factors;
mod passkeys;
mod sessions;
