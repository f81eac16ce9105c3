//! People: accounts, sessions, seats.
#![expect(clippy::unwrap_used, reason = "tests")]

mod factor_pages;
mod factors;
mod guessing;
mod invitations;
mod members;
mod pages;
mod passkeys;
mod proving;
mod removal;
mod sessions;
mod setting_up;
mod sign_out;
mod sso;
mod sso_pages;
mod support;
mod tokens;
mod ways_in;
mod workspaces;
