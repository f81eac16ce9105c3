//! Failures of the engine as errors of the product.

use std::time::Duration;

use gatepost_core::{Code, Error};

use crate::engine;

impl From<engine::Error> for Error {
    fn from(error: engine::Error) -> Self {
        let context = format!("store: {error}");
        match error {
            engine::Error::Unavailable { .. } => {
                Self::of(Code::Unavailable).with_retry_after(Duration::from_secs(1)).with_context(context)
            }
            engine::Error::UniqueViolation { .. } | engine::Error::Conflict { .. } => {
                Self::of(Code::Conflict).with_context(context)
            }
            _ => Self::internal(context),
        }
    }
}
