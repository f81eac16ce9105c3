//! The audit log: what is in it, that it cannot be changed unseen, that nothing happens without it.
#![expect(clippy::unwrap_used, reason = "tests")]

mod actions;
mod chain;
mod closed;
mod deciding;
mod guard;
mod operators;
mod people;
mod providers;
mod reading;
mod refusals;
mod support;
mod tampering;
