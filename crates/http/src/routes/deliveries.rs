//! `/v1/webhook-endpoints/{endpoint_id}/deliveries`

use axum::extract::State;
use gatepost_app::{App, DeliveryQuery, Page};
use gatepost_core::access::permission::{EndpointManage, EndpointRead};
use gatepost_core::endpoint::DeliveryState;
use gatepost_core::event::EventFilter;
use gatepost_core::{Code, DeliveryId, EndpointId, Result, Timestamp};
use http::StatusCode;
use serde_json::{Value, json};

use super::split;
use crate::access::{Grant, get, post};
use crate::body::Create;
use crate::path::Id;
use crate::query::{LIST, Paging, Query, QueryParameter, invalid};
use crate::reply::{self, Answer};
use crate::route::Route;
use crate::wire;

const FILTERS: [QueryParameter; 5] = [
    QueryParameter::text(
        "state",
        "Only deliveries in one of these states, with commas between: pending, sent, failed, blocked, dead.",
        "failed,dead",
    ),
    QueryParameter::text(
        "event_type",
        "Only of these events: exact types or families, with commas between.",
        "message.*",
    ),
    QueryParameter::text("event_id", "Only of this event.", ""),
    QueryParameter::text("since", "Only of events made at this time or later.", "2026-11-01T09:30:00Z"),
    QueryParameter::text("until", "Only of events made before this time.", "2026-11-02T09:30:00Z"),
];

/// Most types in one query.
const TYPES_MAX: usize = 50;

pub fn routes() -> Vec<Route<App>> {
    vec![
        get("/v1/webhook-endpoints/{endpoint_id}/deliveries", delivery_list)
            .id("webhookDeliveryList")
            .summary("List an endpoint's deliveries, the newest event first")
            .description("A filter that fits few of many deliveries may answer pages with fewer than limit, or none, and a next_cursor all the same: go on until it is null.")
            .tag("Webhooks")
            .query(&LIST)
            .query(&FILTERS)
            .answer_list::<wire::Delivery<'static>>("A page of deliveries.", &delivery_example()),
        get("/v1/webhook-endpoints/{endpoint_id}/deliveries/{delivery_id}", delivery_get)
            .id("webhookDeliveryGet")
            .summary("Read a delivery: where it stands, what it waits for and what to do")
            .tag("Webhooks")
            .answer::<wire::Delivery<'static>>(200, "The delivery with its last attempt.", delivery_example()),
        get("/v1/webhook-endpoints/{endpoint_id}/deliveries/{delivery_id}/attempts", attempt_list)
            .id("webhookAttemptList")
            .summary("List a delivery's attempts, the first one first")
            .tag("Webhooks")
            .answer_list::<wire::Attempt<'static>>("Every attempt, on one page.", &attempt_example()),
        post("/v1/webhook-endpoints/{endpoint_id}/deliveries/{delivery_id}/retry", delivery_retry)
            .id("webhookDeliveryRetry")
            .summary("Try a delivery now")
            .description("One that waits does not wait any longer; one that was sent or is dead begins a new schedule. The webhook-id stays. The body may be left out.")
            .tag("Webhooks")
            .creates_plainly()
            .answer::<wire::Delivery<'static>>(202, "The delivery, which is due now.", delivery_example())
            .fails(&[Code::EndpointDisabled, Code::EventContentExpired]),
    ]
}

fn attempt_example() -> Value {
    json!({
        "number": 1,
        "at": "2026-11-01T09:30:01Z",
        "decision": "allow",
        "rule": "public address",
        "address": "198.51.100.7",
        "status": 204,
        "latency_ms": 42,
        "error": null,
        "response_snippet": null,
        "response": "none",
    })
}

pub fn delivery_example() -> Value {
    json!({
        "id": "dlv_01kagq5rh8e5htqh9sk95d3x4w",
        "endpoint_id": "whk_01kagq5rh8e5htqh9sk95d3x4w",
        "event_id": "evt_01kagq5rh8e5htqh9sk95d3x4w",
        "event_type": "message.delivered",
        "state": "sent",
        "attempts": 1,
        "next_attempt_at": null,
        "waits_for": null,
        "next_action": null,
        "replayable": true,
        "replay_id": null,
        "created_at": "2026-11-01T09:30:00Z",
        "last_attempt": attempt_example(),
    })
}

/// A delivery whose first attempt is on its way.
pub(super) fn tested_example() -> Value {
    let mut example = delivery_example();
    example["event_type"] = json!("endpoint.test");
    example["state"] = json!("pending");
    example["attempts"] = json!(0);
    example["next_attempt_at"] = json!("2026-11-01T09:30:00Z");
    example["last_attempt"] = Value::Null;
    example
}

fn states(query: &Query) -> Result<Vec<DeliveryState>> {
    let Some(text) = query.get("state") else { return Ok(Vec::new()) };
    let mut states: Vec<DeliveryState> = Vec::new();
    for word in text.split(',').map(str::trim) {
        let known = DeliveryState::ALL.into_iter().find(|state| state.as_str() == word);
        let state = known.ok_or_else(|| invalid("state: expected pending, sent, failed, blocked or dead"))?;
        if !states.contains(&state) {
            states.push(state);
        }
    }
    Ok(states)
}

fn instant(query: &Query, name: &str) -> Result<Option<Timestamp>> {
    let wrong = || invalid(format!("{name}: expected an RFC 3339 instant such as 2026-11-01T09:30:00Z"));
    query.get(name).map(|text| Timestamp::parse(text).ok_or_else(wrong)).transpose()
}

fn filters(query: &Query) -> Result<DeliveryQuery> {
    let types = match query.get("event_type") {
        None => EventFilter::default(),
        Some(text) => {
            let names = text.split(',').take(TYPES_MAX).map(|name| name.trim().to_owned()).collect();
            EventFilter::parse(names).map_err(|detail| invalid(format!("event_type: {detail}")))?
        }
    };
    let event = query.get("event_id").map(|text| text.parse().map_err(|e| invalid(format!("event_id: {e}"))));
    Ok(DeliveryQuery {
        states: states(query)?,
        types,
        event: event.transpose()?,
        since: instant(query, "since")?,
        until: instant(query, "until")?,
        page: Paging::of(query)?.into(),
    })
}

async fn delivery_list(
    grant: Grant<EndpointRead>,
    State(app): State<App>,
    Id(id): Id<EndpointId>,
    query: Query,
) -> Answer {
    let page = app.delivery_list(&grant, id, filters(&query)?).await?;
    Ok(reply::page::<_, wire::Delivery<'_>>(&page))
}

async fn delivery_get(
    grant: Grant<EndpointRead>,
    State(app): State<App>,
    Id(endpoint): Id<EndpointId>,
    Id(delivery): Id<DeliveryId>,
) -> Answer {
    let view = app.delivery_get(&grant, endpoint, delivery).await?;
    Ok(reply::ok(&wire::Delivery::from(&view)))
}

async fn attempt_list(
    grant: Grant<EndpointRead>,
    State(app): State<App>,
    Id(endpoint): Id<EndpointId>,
    Id(delivery): Id<DeliveryId>,
) -> Answer {
    let items = app.attempt_list(&grant, endpoint, delivery).await?;
    Ok(reply::page::<_, wire::Attempt<'_>>(&Page { items, next: None }))
}

async fn delivery_retry(
    grant: Grant<EndpointManage>,
    State(app): State<App>,
    Id(endpoint): Id<EndpointId>,
    Id(delivery): Id<DeliveryId>,
    create: Create<wire::DeliveryRetry>,
) -> Answer {
    let (_, idempotent) = split(create);
    let outcome = app.delivery_retry(&grant, endpoint, delivery, idempotent).await?;
    Ok(reply::made(StatusCode::ACCEPTED, outcome))
}
