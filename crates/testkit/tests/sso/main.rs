//! Signing in with an identity provider: a provider on loopback that lies in every way there is, and one that does not.

#![expect(clippy::unwrap_used, reason = "tests")]

mod browsers;
mod github;
mod good;
mod microsoft;
mod mutations;
mod support;
