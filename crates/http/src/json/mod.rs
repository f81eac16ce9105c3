//! JSON bodies of requests, read by the one strict reader of the house ([`gatepost_core::json`]).

#[cfg(test)]
mod tests;

use gatepost_core::Result;
pub use gatepost_core::json::{Object, Value};
use utoipa::ToSchema;

/// A request body that can be read from JSON.
pub trait Body: Sized {
    /// The wire form, for the documents. Where it is not `Self`, it is never built.
    type Shape: ToSchema;
    /// Whether no body at all means an empty object.
    const MAY_BE_EMPTY: bool = false;

    /// Asks `object` for every field, then builds; `None` when something needed is wrong or missing, which `object`
    /// has noted by then.
    fn read(object: &mut Object<'_>) -> Option<Self>;
}

/// Reads a whole body.
///
/// Errors: `invalid_json` for what is not strict JSON, else `invalid_field` (or the one field's own code).
pub fn decode<T: Body>(body: &[u8]) -> Result<T> {
    gatepost_core::json::decode(body, |value| value.object(T::read))
}

/// The fields that a body's reader asks for, and the pointers it misses in an empty object.
#[cfg(test)]
pub(crate) fn fields_of<T: Body>() -> (Vec<&'static str>, Vec<String>) {
    gatepost_core::json::fields_of(T::read)
}
