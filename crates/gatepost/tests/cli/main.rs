//! The command line and the server as people use them: the real binary, on loopback, in directories of its own.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod access;
mod audits;
mod channel_cloud;
mod commands;
mod demo;
mod endpoints;
mod guard;
mod keys;
mod listen;
mod master_keys;
mod media;
mod numbers;
mod people;
mod plans;
mod postgres;
mod quiet;
mod recovery;
mod refusals;
mod shutdown;
mod support;
mod templates;
mod tls;
mod trigger;
mod url_check;
