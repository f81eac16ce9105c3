//! Pages of the event log.

use utoipa::ToSchema;

use super::Event;

/// A page of events, the oldest first.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the schema of a body that is put together from the events' own bytes")]
pub struct EventList {
    data: Vec<Event>,
    /// Give it as `after` for what follows, now or later: at the end of the log too. Null only where `until` was given
    /// and nothing can follow any more.
    #[schema(required = true)]
    next_cursor: Option<String>,
    /// True when the log holds more that was not looked at yet; a page may be empty and say so, where little of what was
    /// looked at fits the filters.
    has_more: bool,
}
