//! `/v1/webhook-endpoints/{endpoint_id}/replays` and `/v1/events/{event_id}/resend`

use axum::extract::State;
use gatepost_app::{App, ReplayCreate};
use gatepost_core::access::permission::{EndpointManage, EndpointRead};
use gatepost_core::guard::Feature;
use gatepost_core::{Code, EndpointId, EventId, ReplayId};
use http::StatusCode;
use serde_json::{Value, json};

use super::deliveries::delivery_example;
use super::split;
use crate::access::{Grant, get, post};
use crate::body::Create;
use crate::path::Id;
use crate::query::{LIST, Paging, Query};
use crate::reply::{self, Answer};
use crate::route::Route;
use crate::wire;

pub fn routes() -> Vec<Route<App>> {
    vec![
        post("/v1/webhook-endpoints/{endpoint_id}/replays", replay_create)
            .id("webhookReplayCreate").feature(Feature::Replays)
            .summary("Send a window of events to an endpoint again")
            .description("Walks the event log from since to until and queues what only says, behind what is live and never more than 1,000 at once. One replay of an endpoint runs at a time. Every webhook-id stays what it was.")
            .tag("Webhooks")
            .creates::<wire::ReplayCreate>(json!({ "since": "2026-11-01T09:30:00Z", "only": "missing_or_failed" }))
            .answer::<wire::Replay>(201, "The replay, which is running.", example())
            .fails(&[Code::EndpointDisabled, Code::ReplayRunning]),
        get("/v1/webhook-endpoints/{endpoint_id}/replays", replay_list)
            .id("webhookReplayList")
            .summary("List an endpoint's replays, the newest first")
            .tag("Webhooks")
            .query(&LIST)
            .answer_list::<wire::Replay>("A page of replays.", &example()),
        get("/v1/webhook-endpoints/{endpoint_id}/replays/{replay_id}", replay_get)
            .id("webhookReplayGet")
            .summary("Read a replay and how far it came")
            .tag("Webhooks")
            .answer::<wire::Replay>(200, "The replay.", example()),
        post("/v1/webhook-endpoints/{endpoint_id}/replays/{replay_id}/cancel", replay_cancel)
            .id("webhookReplayCancel")
            .summary("Cancel a replay")
            .description("Nothing more is queued; what was queued goes its way. One that has ended stays as it is.")
            .tag("Webhooks")
            .answer::<wire::Replay>(200, "The replay as it is now.", example()),
    ]
}

/// What concerns an event, and is no part of setting up a workspace.
pub fn event_routes() -> Vec<Route<App>> {
    vec![
        post("/v1/events/{event_id}/resend", event_resend)
            .id("eventResend")
            .summary("Send an event again")
            .description("To the endpoint that is named, whatever its filter says, or to every enabled one that takes the event. A delivery that waits is tried now, one that has ended begins a new schedule, one that is missing is made. The body may be left out.")
            .tag("Events")
            .creates::<wire::EventResend>(json!({}))
            .answer::<wire::EventResent<'static>>(
                202,
                "The event's deliveries, which are due now.",
                json!({ "event_id": "evt_01kagq5rh8e5htqh9sk95d3x4w", "deliveries": [delivery_example()] }),
            )
            .fails(&[Code::EndpointDisabled, Code::EventContentExpired]),
    ]
}

fn example() -> Value {
    json!({
        "id": "rpl_01kagq5rh8e5htqh9sk95d3x4w",
        "endpoint_id": "whk_01kagq5rh8e5htqh9sk95d3x4w",
        "since": "2026-11-01T09:30:00Z",
        "until": "2026-11-02T09:30:00Z",
        "only": "missing_or_failed",
        "state": "running",
        "progress": {
            "percent": 42,
            "position": "2026-11-01T19:34:12Z",
            "scanned": 42000,
            "queued": 41000,
            "sent": 40000,
            "dead": 0,
            "expired": 0,
            "waits_for": "deliveries",
        },
        "created_at": "2026-11-02T10:00:00Z",
        "finished_at": null,
    })
}

async fn replay_create(
    grant: Grant<EndpointManage>,
    State(app): State<App>,
    Id(endpoint): Id<EndpointId>,
    create: Create<wire::ReplayCreate>,
) -> Answer {
    let (wire::ReplayCreate { since, until, only }, idempotent) = split(create);
    let command = ReplayCreate { since, until, only };
    let outcome = app.replay_create(&grant, endpoint, command, idempotent).await?;
    Ok(reply::made(StatusCode::CREATED, outcome))
}

async fn replay_list(
    grant: Grant<EndpointRead>,
    State(app): State<App>,
    Id(endpoint): Id<EndpointId>,
    query: Query,
) -> Answer {
    let page = app.replay_list(&grant, endpoint, Paging::of(&query)?.into()).await?;
    Ok(reply::page::<_, wire::Replay>(&page))
}

async fn replay_get(
    grant: Grant<EndpointRead>,
    State(app): State<App>,
    Id(endpoint): Id<EndpointId>,
    Id(replay): Id<ReplayId>,
) -> Answer {
    let view = app.replay_get(&grant, endpoint, replay).await?;
    Ok(reply::ok(&wire::Replay::from(&view)))
}

async fn replay_cancel(
    grant: Grant<EndpointManage>,
    State(app): State<App>,
    Id(endpoint): Id<EndpointId>,
    Id(replay): Id<ReplayId>,
) -> Answer {
    let view = app.replay_cancel(&grant, endpoint, replay).await?;
    Ok(reply::ok(&wire::Replay::from(&view)))
}

async fn event_resend(
    grant: Grant<EndpointManage>,
    State(app): State<App>,
    Id(event): Id<EventId>,
    create: Create<wire::EventResend>,
) -> Answer {
    let (wire::EventResend { endpoint_id }, idempotent) = split(create);
    let outcome = app.event_resend(&grant, event, endpoint_id, idempotent).await?;
    Ok(reply::made(StatusCode::ACCEPTED, outcome))
}
