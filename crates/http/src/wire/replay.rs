//! Replays: windows of events that are sent again.

use gatepost_app::ReplayView;
use gatepost_core::endpoint::ReplayOnly;
use gatepost_core::{EndpointId, ReplayId, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use super::parse;
use crate::json::{Body, Object, Value};
use crate::reply::{Made, to_json};

fn only(value: Value<'_>) -> Option<ReplayOnly> {
    value.parse(|written| ReplayOnly::parse(written).ok_or("expected failed, missing_or_failed or all"))
}

/// A window of events to send again.
#[derive(ToSchema)]
pub struct ReplayCreate {
    /// Events made at this time or later.
    #[schema(value_type = String, format = DateTime, example = "2026-11-01T09:30:00Z")]
    pub since: Timestamp,
    /// And before this one; now, where it is left out.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub until: Option<Timestamp>,
    /// `failed`: what is dead or waits after a failed attempt. `missing_or_failed`, the default: that, and what was
    /// never queued because the endpoint was disabled or had another filter. `all`: what arrived too.
    #[schema(value_type = Option<String>, example = "missing_or_failed")]
    pub only: ReplayOnly,
}

impl Body for ReplayCreate {
    type Shape = Self;

    fn read(object: &mut Object<'_>) -> Option<Self> {
        let since = object.required("since", parse::instant);
        let until = object.optional("until", parse::instant);
        let only = object.optional("only", only);
        Some(Self { since: since?, until: until?, only: only?.unwrap_or_default() })
    }
}

/// A window of events on its way to an endpoint again.
#[derive(Serialize, ToSchema)]
pub struct Replay {
    #[schema(value_type = String, example = "rpl_01kagq5rh8e5htqh9sk95d3x4w")]
    id: ReplayId,
    #[schema(value_type = String, example = "whk_01kagq5rh8e5htqh9sk95d3x4w")]
    endpoint_id: EndpointId,
    #[schema(value_type = String, format = DateTime)]
    since: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    until: Timestamp,
    /// `failed`, `missing_or_failed` or `all`.
    #[schema(value_type = String, example = "missing_or_failed")]
    only: &'static str,
    /// `running`, `done` (everything that it queued was sent or is dead) or `cancelled` (nothing more is queued; what
    /// was queued goes its way).
    #[schema(value_type = String, example = "running")]
    state: &'static str,
    progress: ReplayProgress,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    finished_at: Option<Timestamp>,
}

/// How far a replay came.
#[derive(Serialize, ToSchema)]
struct ReplayProgress {
    /// How much of the window it has looked at, 0 to 100; 100 only when it is done.
    percent: i64,
    /// When the last event that it has looked at was made.
    #[schema(value_type = Option<String>, format = DateTime)]
    position: Option<Timestamp>,
    /// Events of the window that it has looked at.
    scanned: i64,
    /// Deliveries that it has queued.
    queued: i64,
    /// Of these, those that arrived,
    sent: i64,
    /// and those whose schedule is spent.
    dead: i64,
    /// Events that were to be sent again and whose content is past its time.
    expired: i64,
    /// What it waits for, while it does: `deliveries` that are on their way (1,000 at once at most), or
    /// `endpoint_enabled`.
    #[schema(value_type = Option<String>)]
    waits_for: Option<&'static str>,
}

impl From<&ReplayView> for Replay {
    fn from(view: &ReplayView) -> Self {
        let row = &view.row;
        Self {
            id: row.id,
            endpoint_id: row.endpoint,
            since: row.since,
            until: row.until,
            only: row.only.as_str(),
            state: row.state.as_str(),
            progress: ReplayProgress {
                percent: view.percent,
                position: row.position_at,
                scanned: row.scanned,
                queued: row.queued,
                sent: row.sent,
                dead: row.dead,
                expired: row.expired,
                waits_for: view.waits_for,
            },
            created_at: row.created_at,
            finished_at: row.finished_at,
        }
    }
}

impl Made for ReplayView {
    fn location(&self) -> String {
        format!("/v1/webhook-endpoints/{}/replays/{}", self.row.endpoint, self.row.id)
    }

    fn body(&self, _fresh: bool) -> Vec<u8> {
        to_json(&Replay::from(self))
    }
}
