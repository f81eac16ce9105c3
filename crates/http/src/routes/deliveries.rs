//! `/v1/webhook-endpoints/{endpoint_id}/deliveries`

use axum::extract::State;
use gatepost_app::{App, Page};
use gatepost_core::access::permission::EndpointRead;
use gatepost_core::endpoint::DeliveryState;
use gatepost_core::{DeliveryId, EndpointId};
use serde_json::{Value, json};

use crate::access::{Grant, get};
use crate::path::Id;
use crate::query::{LIST, Paging, Query, QueryParameter, invalid};
use crate::reply::{self, Answer};
use crate::route::Route;
use crate::wire;

const STATE: QueryParameter = QueryParameter::text(
    "state",
    "Only deliveries in this state: pending, sent, failed, blocked or dead.",
    "dead",
);

pub fn routes() -> Vec<Route<App>> {
    vec![
        get("/v1/webhook-endpoints/{endpoint_id}/deliveries", delivery_list)
            .id("webhookDeliveryList")
            .summary("List an endpoint's deliveries, the newest first")
            .tag("Webhooks")
            .query(&LIST)
            .query(&[STATE])
            .answer_list::<wire::Delivery<'static>>("A page of deliveries.", &delivery_example()),
        get("/v1/webhook-endpoints/{endpoint_id}/deliveries/{delivery_id}/attempts", attempt_list)
            .id("webhookAttemptList")
            .summary("List a delivery's attempts, the first one first")
            .tag("Webhooks")
            .answer_list::<wire::Attempt<'static>>("Every attempt, on one page.", &attempt_example()),
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
    })
}

fn delivery_example() -> Value {
    json!({
        "id": "dlv_01kagq5rh8e5htqh9sk95d3x4w",
        "event_id": "evt_01kagq5rh8e5htqh9sk95d3x4w",
        "event_type": "message.delivered",
        "state": "sent",
        "attempts": 1,
        "next_attempt_at": null,
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

async fn delivery_list(
    grant: Grant<EndpointRead>,
    State(app): State<App>,
    Id(id): Id<EndpointId>,
    query: Query,
) -> Answer {
    let state = match query.get("state") {
        None => None,
        Some(text) => {
            let state = DeliveryState::ALL.into_iter().find(|state| state.as_str() == text);
            Some(state.ok_or_else(|| invalid("state: expected pending, sent, failed, blocked or dead"))?)
        }
    };
    let page = app.delivery_list(&grant, id, state, Paging::of(&query)?.into()).await?;
    Ok(reply::page::<_, wire::Delivery<'_>>(&page))
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
