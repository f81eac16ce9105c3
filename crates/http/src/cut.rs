//! Cutting a connection from within a request.
//!
//! An answer cannot end a connection whose other side takes nothing: the server waits for room before it asks the answer
//! for more. Whoever accepts connections may therefore put a [`Cut`] on each request, and let the connection fail once
//! it is used.

use std::fmt;
use std::sync::Arc;

/// Ends the connection that a request came by, with all that is under way on it.
#[derive(Clone)]
pub struct Cut(Arc<dyn Fn() + Send + Sync>);

impl Cut {
    /// `cut` must make reading and writing of the connection fail, and wake whoever waits for either.
    pub fn new(cut: impl Fn() + Send + Sync + 'static) -> Self {
        Self(Arc::new(cut))
    }

    /// Cuts it. Doing so again changes nothing.
    pub fn now(&self) {
        (self.0)();
    }
}

impl fmt::Debug for Cut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cut")
    }
}
