//! Deliveries and their attempts, and events that are sent again.

use gatepost_app::{AttemptView, DeliveryView, EventResent as Resent};
use gatepost_core::{DeliveryId, EndpointId, EventId, ReplayId, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use super::parse;
use crate::json::{Body, Object};
use crate::reply::{Made, to_json};

/// One event on its way to one endpoint.
#[derive(Serialize, ToSchema)]
pub struct Delivery<'a> {
    #[schema(value_type = String, example = "dlv_01kagq5rh8e5htqh9sk95d3x4w")]
    id: DeliveryId,
    #[schema(value_type = String, example = "whk_01kagq5rh8e5htqh9sk95d3x4w")]
    endpoint_id: EndpointId,
    /// The `webhook-id` of every attempt, also when it is retried, resent or replayed.
    #[schema(value_type = String, example = "evt_01kagq5rh8e5htqh9sk95d3x4w")]
    event_id: EventId,
    #[schema(value_type = String, example = "message.delivered")]
    event_type: &'static str,
    /// `pending`, `sent`, `failed` (another attempt follows), `blocked` (the address may not be reached; another
    /// attempt follows) or `dead` (no attempt follows by itself).
    #[schema(value_type = String, example = "sent")]
    state: &'static str,
    /// How many attempts were made.
    attempts: i64,
    #[schema(value_type = Option<String>, format = DateTime)]
    next_attempt_at: Option<Timestamp>,
    /// What it waits for, while it does: `attempt` (it is due), `schedule` (the time after a failed attempt), `circuit`
    /// (the endpoint fails, so one attempt goes first as a probe) or `endpoint_enabled`.
    #[schema(value_type = Option<String>, example = "schedule")]
    waits_for: Option<&'static str>,
    /// The one next action, where there is something to do.
    #[schema(value_type = Option<String>)]
    next_action: Option<&'static str>,
    /// Whether it can be sent again: the event still has its content.
    replayable: bool,
    /// The replay that queued it, where one did.
    #[schema(value_type = Option<String>, example = "rpl_01kagq5rh8e5htqh9sk95d3x4w")]
    replay_id: Option<ReplayId>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    last_attempt: Option<Attempt<'a>>,
}

impl<'a> From<&'a DeliveryView> for Delivery<'a> {
    fn from(view: &'a DeliveryView) -> Self {
        Self {
            id: view.id,
            endpoint_id: view.endpoint_id,
            event_id: view.event_id,
            event_type: view.event_type.as_str(),
            state: view.state.as_str(),
            attempts: view.attempts,
            next_attempt_at: view.next_attempt_at,
            waits_for: view.waits_for,
            next_action: view.next_action,
            replayable: view.replayable,
            replay_id: view.replay_id,
            created_at: view.created_at,
            last_attempt: view.last.as_ref().map(Attempt::from),
        }
    }
}

impl Made for DeliveryView {
    fn location(&self) -> String {
        format!("/v1/webhook-endpoints/{}/deliveries/{}", self.endpoint_id, self.id)
    }

    fn body(&self, _fresh: bool) -> Vec<u8> {
        to_json(&Delivery::from(self))
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
    /// What went wrong, where there was no answer: a class, a colon and words.
    error: Option<&'a str>,
    /// The first kilobyte of the answer. What has the form of a secret or of somebody's address or number is redacted.
    /// Null unless `response` is `shown`.
    response_snippet: Option<&'a str>,
    /// `shown`; `none` where there was no answer with a body, or its time is over; `hidden` from who does not hold
    /// `delivery.answer_read` (scope `admin`); `unreadable` where the stored answer does not open.
    #[schema(example = "none")]
    response: &'static str,
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
            response: view.response,
        }
    }
}

/// Nothing more than the path says.
#[derive(ToSchema)]
pub struct DeliveryRetry {}

impl Body for DeliveryRetry {
    type Shape = Self;
    const MAY_BE_EMPTY: bool = true;

    fn read(_object: &mut Object<'_>) -> Option<Self> {
        Some(Self {})
    }
}

/// Where to send an event again.
#[derive(ToSchema)]
pub struct EventResend {
    /// To this endpoint, whatever its filter says. Left out: to every enabled endpoint whose filter takes the event.
    #[schema(value_type = Option<String>, example = "whk_01kagq5rh8e5htqh9sk95d3x4w")]
    pub endpoint_id: Option<EndpointId>,
}

impl Body for EventResend {
    type Shape = Self;
    const MAY_BE_EMPTY: bool = true;

    fn read(object: &mut Object<'_>) -> Option<Self> {
        let endpoint = object.optional("endpoint_id", parse::id::<EndpointId>);
        Some(Self { endpoint_id: endpoint? })
    }
}

/// An event on its way again.
#[derive(Serialize, ToSchema)]
pub struct EventResent<'a> {
    #[schema(value_type = String, example = "evt_01kagq5rh8e5htqh9sk95d3x4w")]
    event_id: EventId,
    /// One for each endpoint that it goes to; none where no enabled endpoint takes it.
    deliveries: Vec<Delivery<'a>>,
}

impl<'a> From<&'a Resent> for EventResent<'a> {
    fn from(resent: &'a Resent) -> Self {
        Self { event_id: resent.event_id, deliveries: resent.deliveries.iter().map(Delivery::from).collect() }
    }
}

impl Made for Resent {
    fn location(&self) -> String {
        format!("/v1/events/{}", self.event_id)
    }

    fn body(&self, _fresh: bool) -> Vec<u8> {
        to_json(&EventResent::from(self))
    }
}
