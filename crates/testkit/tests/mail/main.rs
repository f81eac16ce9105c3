//! E-mail: handing it over, the queue, and what people are written about.
#![expect(clippy::unwrap_used, reason = "tests")]

mod changes;
mod handing_over;
mod lost;
mod notices;
mod pages;
mod queue;
mod support;
