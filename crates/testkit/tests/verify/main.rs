//! Verifications over the real router and the real store, against the simulated Meta, on both engines.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod brute;
mod canary;
mod cancelling;
mod checking;
mod following;
mod formats;
mod fraud;
mod guarded;
mod guides;
mod otp_door;
mod pages;
mod resending;
mod settings;
mod sides;
mod spoken;
mod stats;
mod support;
mod test_mode;
mod time;
mod wording;
