//! What an hour of outage leaves behind can be found, explained and made good: the delivery log, retries, replays, and
//! how long contents stay for them.
#![expect(clippy::unwrap_used, reason = "tests")]

mod again;
mod answers;
mod clocks;
mod log;
mod replays;
mod support;
