//! JSON bodies: one strict pass, then one reader that collects every wrong field.

mod node;
mod read;
#[cfg(test)]
mod tests;

pub use read::{Body, Object, Value, decode};
