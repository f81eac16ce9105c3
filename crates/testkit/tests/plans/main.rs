//! Plans, subscriptions and what they limit: exact under concurrency, told of once, driven by hand and by the one who
//! bills.
#![expect(clippy::unwrap_used, reason = "tests")]

mod acceptable_use;
mod billing;
mod counting;
mod operators;
mod support;
mod usage;
