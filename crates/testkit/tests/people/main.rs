//! People: accounts, sessions, seats.
#![expect(clippy::unwrap_used, reason = "tests")]

mod factor_pages;
mod factors;
mod passkeys;
mod sessions;
mod sso;
mod sso_pages;
