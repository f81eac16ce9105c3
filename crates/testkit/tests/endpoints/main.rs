//! Webhook endpoints as their owners see them: settings, tests, signatures and their rotation, and what hostile
//! customers try.
#![expect(clippy::unwrap_used, reason = "tests")]

mod channels;
mod hostile;
mod keys;
mod rotation;
mod settings;
mod support;
mod trials;
