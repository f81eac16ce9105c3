//! The event log's entries: the one source of webhooks and streams.
//!
//! This is the catalogue. [`EventType`] says which events there are and what they mean; the structs of the payload say
//! what they carry, and their JSON Schemas are made from the very same text; [`Cast`] holds an example of each. The
//! OpenAPI document, `docs/event-catalogue.md`, events that are triggered for a test and the snapshots of the shapes all come
//! from here, so nothing about an event is said twice.
//!
//! Shapes only ever gain members: a receiver ignores what it does not know. Anything else needs a new [`API_VERSION`].

pub mod check;
mod data;
mod examples;
mod filter;
mod kinds;
mod loginwa;
mod page;
mod payload;
pub mod schema;
mod shape;

pub use data::{
    ChannelNews, ChoiceNews, ContactNews, EndpointNews, MediaNews, MessageError, MessageNews, Notification,
    Party, PolicyNews, TemplateNews, UsageNews, VerificationNews,
};
pub use examples::{Cast, CastChannel};
pub use filter::EventFilter;
pub use kinds::{EventSubject, EventType};
pub use loginwa::loginwa_body;
pub use page::events_page;
pub use payload::{EventData, EventPayload};
pub use shape::{Definitions, Described};

/// The version of the payload shapes below; changes only with a breaking change.
pub const API_VERSION: &str = "2026-11-01";

#[cfg(test)]
mod tests;
