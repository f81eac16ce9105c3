//! The domain of Gatepost: ids, values, states, permissions, grants, events, errors.
//!
//! Pure: no async, no I/O, no clock. Time and randomness are passed in ([`Clock`], [`Entropy`]).
//! Whatever enters from outside is parsed into these types once, at the edge, and is valid ever after.

pub mod access;
pub mod address;
pub mod allowlist;
pub mod audit;
pub mod channel;
pub mod content;
pub mod email;
pub mod endpoint;
pub mod entropy;
pub mod error;
pub mod event;
#[doc(hidden)]
pub mod fuzz;
pub mod guard;
pub mod id;
pub mod job;
pub mod json;
pub mod limit;
pub mod media;
pub mod message;
pub mod optout;
pub mod origin;
pub mod packed;
pub mod phone;
pub mod proxy_header;
pub mod purpose;
pub mod recipient;
pub mod redact;
pub mod secret;
pub mod template;
pub mod text;
pub mod time;
pub mod verification;

pub use address::{ClientAddr, Network};
pub use email::EmailAddress;
pub use entropy::Entropy;
pub use error::{Code, Error, FieldError, ProviderRefusal, Result};
pub use id::*;
pub use origin::Origin;
pub use phone::Phone;
pub use purpose::Purpose;
pub use recipient::{Bsuid, Recipient};
pub use secret::Secret;
pub use time::{Clock, Timestamp};
