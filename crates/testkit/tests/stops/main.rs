//! People who ask to be left alone are: at once, on every node, and until they say otherwise.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod choices;
mod consents;
mod imports;
mod keywords;
mod list;
mod names;
mod racing;
mod support;
