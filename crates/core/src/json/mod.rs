//! JSON from outside: one strict pass, then one reader that collects everything that is wrong.

mod node;
mod read;
#[cfg(test)]
mod tests;

pub use read::{Object, Patch, Value, WRONG_MAX, decode, fields_of};
