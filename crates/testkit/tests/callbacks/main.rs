//! Meta's callbacks: proven, split, read once, and never able to harm.
//!
//! The real router, the real store on both engines, bodies signed like Meta's.
#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod batches;
mod handshake;
mod hostile;
mod items;
mod nodes;
mod odd;
mod shapes;
mod signatures;
mod support;
