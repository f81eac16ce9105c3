//! People: accounts, sessions, seats.
#![expect(clippy::unwrap_used, reason = "tests")]

mod factor_pages;
mod factors;
mod invitations;
mod members;
mod pages;
mod passkeys;
mod removal;
mod sessions;
mod sso;
mod sso_pages;
mod support;
mod workspaces;
