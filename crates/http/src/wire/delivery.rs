//! Deliveries and their attempts.

use gatepost_app::{AttemptView, DeliveryView};
use gatepost_core::{DeliveryId, EventId, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

/// One event on its way to one endpoint.
#[derive(Serialize, ToSchema)]
pub struct Delivery<'a> {
    #[schema(value_type = String, example = "dlv_01kagq5rh8e5htqh9sk95d3x4w")]
    id: DeliveryId,
    #[schema(value_type = String, example = "evt_01kagq5rh8e5htqh9sk95d3x4w")]
    event_id: EventId,
    #[schema(value_type = String, example = "message.delivered")]
    event_type: &'static str,
    /// `pending`, `sent`, `failed` (another attempt follows), `blocked` (the address may not be reached; another
    /// attempt follows) or `dead` (the schedule is spent).
    #[schema(value_type = String, example = "sent")]
    state: &'static str,
    /// How many attempts were made.
    attempts: i64,
    #[schema(value_type = Option<String>, format = DateTime)]
    next_attempt_at: Option<Timestamp>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    last_attempt: Option<Attempt<'a>>,
}

impl<'a> From<&'a DeliveryView> for Delivery<'a> {
    fn from(view: &'a DeliveryView) -> Self {
        Self {
            id: view.id,
            event_id: view.event_id,
            event_type: view.event_type.as_str(),
            state: view.state.as_str(),
            attempts: view.attempts,
            next_attempt_at: view.next_attempt_at,
            created_at: view.created_at,
            last_attempt: view.last.as_ref().map(Attempt::from),
        }
    }
}

/// One HTTP try of a delivery.
#[derive(Serialize, ToSchema)]
pub struct Attempt<'a> {
    /// 1 for the first.
    number: i64,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// `allow` or `blocked`.
    #[schema(example = "allow")]
    decision: &'a str,
    /// The rule of the egress policy that decided.
    rule: &'a str,
    /// The address that was connected to.
    address: Option<&'a str>,
    /// The HTTP status of the answer.
    status: Option<u16>,
    latency_ms: i64,
    /// What went wrong, where there was no answer.
    error: Option<&'a str>,
    /// The first bytes of the answer.
    response_snippet: Option<&'a str>,
}

impl<'a> From<&'a AttemptView> for Attempt<'a> {
    fn from(view: &'a AttemptView) -> Self {
        Self {
            number: view.number,
            at: view.at,
            decision: view.decision,
            rule: &view.rule,
            address: view.address.as_deref(),
            status: view.status,
            latency_ms: view.latency_ms,
            error: view.error.as_deref(),
            response_snippet: view.response_snippet.as_deref(),
        }
    }
}
