//! The two engines under one set of promises. Where no PostgreSQL server is installed, its half is left out.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod conformance;
mod migrate;
mod postgres;
mod sqlite;
mod support;
