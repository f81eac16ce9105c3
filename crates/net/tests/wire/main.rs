//! Both clients against servers that misbehave, over real sockets on loopback.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod budgets;
mod certificates;
mod fetches;
mod lab;
mod rebinding;
mod redirects;
mod streams;
mod trusted;
