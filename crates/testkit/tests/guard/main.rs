//! The guard as its users meet it: what it refuses, what it lets wait, who stops it and who decides.
#![expect(clippy::unwrap_used, reason = "tests")]

mod caps;
mod dry_run;
mod events;
mod holding;
mod operators;
mod pauses;
mod purposes;
mod quiet_hours;
mod reviews;
mod settings;
mod support;
mod windows;
