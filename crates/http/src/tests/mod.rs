//! The machinery around handlers, with a stand-in for the application.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod answers;
mod credentials;
mod documents;
pub(crate) mod harness;
mod pages;
