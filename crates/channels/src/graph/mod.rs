//! Meta's wire shapes, exactly as far as Gatepost speaks them.
//!
//! What we write is typed and exact ([`send`]). What we read is tolerant: unknown fields and kinds pass through as
//! the bytes they came in, ids may be strings or integers, anything may be missing, and no bytes make it panic.
//!
//! A callback is read in two steps, because one body may concern many workspaces: [`split()`] cuts it into one
//! [`Part`] per change, cheaply and without serialising anything again, and [`Part::items`] reads what a part says.
//! [`envelope`] makes a body of the same shape out of any parts, which [`split()`] reads again.

mod envelope;
pub mod error;
mod fuzz;
mod identity;
mod item;
mod json;
mod media;
mod messages;
pub mod send;

pub use envelope::{MAX_NEWS, MAX_PARTS, Part, SplitError, envelope, split};
#[doc(hidden)]
pub use fuzz::fuzz_callback;
pub use identity::IdentityChange;
pub use item::{DeliveryStatus, Inbound, Item, Notification, Status};
pub use media::InboundMedia;
pub(crate) use media::read_digest;
pub use messages::MAX_ITEMS;

#[cfg(test)]
mod tests;
