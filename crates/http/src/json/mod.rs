//! JSON bodies: one strict pass, then one reader that collects every wrong field.

mod node;
mod read;
#[cfg(test)]
mod tests;

#[cfg(test)]
pub(crate) use read::fields_of;
pub use read::{Body, Object, Value, decode};
