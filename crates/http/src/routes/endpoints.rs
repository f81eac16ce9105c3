//! `/v1/webhook-endpoints`

use axum::extract::State;
use gatepost_app::{App, EndpointCreate};
use gatepost_core::access::permission::{EndpointManage, EndpointRead};
use gatepost_core::{Code, EndpointId};
use http::StatusCode;
use serde_json::{Value, json};

use super::{mode_of, split};
use crate::access::{Grant, delete, get, patch, post};
use crate::body::{Create, Json};
use crate::path::Id;
use crate::query::{LIST, Paging, Query};
use crate::reply::{self, Answer, Made};
use crate::route::Route;
use crate::wire;

pub fn routes() -> Vec<Route<App>> {
    let mut created = example();
    created["secret"] = json!("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    vec![
        post("/v1/webhook-endpoints", endpoint_create)
            .id("webhookEndpointCreate")
            .summary("Add a webhook endpoint")
            .description("The answer holds the signing secret, shown this once.")
            .tag("Webhooks")
            .creates::<wire::EndpointCreate>(json!({
                "url": "https://example.com/hooks/gatepost",
                "events": ["message.*"],
            }))
            .answer::<wire::EndpointWithSecret<'static>>(201, "The endpoint was added.", created.clone())
            .fails(&[Code::WebhookUrlNotAllowed, Code::TestModeOnly, Code::LiveModeOnly, Code::Conflict]),
        get("/v1/webhook-endpoints", endpoint_list)
            .id("webhookEndpointList")
            .summary("List webhook endpoints")
            .tag("Webhooks")
            .query(&LIST)
            .answer_list::<wire::Endpoint<'static>>("A page of endpoints.", &example()),
        get("/v1/webhook-endpoints/{endpoint_id}", endpoint_get)
            .id("webhookEndpointGet")
            .summary("Read a webhook endpoint")
            .tag("Webhooks")
            .answer::<wire::Endpoint<'static>>(200, "The endpoint, without its secret.", example()),
        patch("/v1/webhook-endpoints/{endpoint_id}", endpoint_update)
            .id("webhookEndpointUpdate")
            .summary("Change a webhook endpoint")
            .tag("Webhooks")
            .body::<wire::EndpointUpdate>(json!({ "events": ["message.received"], "enabled": true }))
            .answer::<wire::Endpoint<'static>>(200, "The endpoint as it is now.", example())
            .fails(&[Code::WebhookUrlNotAllowed, Code::Conflict]),
        delete("/v1/webhook-endpoints/{endpoint_id}", endpoint_delete)
            .id("webhookEndpointDelete")
            .summary("Remove a webhook endpoint")
            .tag("Webhooks")
            .answers_nothing("The endpoint is gone, and what was on its way to it."),
        post("/v1/webhook-endpoints/{endpoint_id}/rotate-secret", endpoint_secret_rotate)
            .id("webhookEndpointSecretRotate")
            .summary("Give a webhook endpoint a new secret")
            .description("While the two overlap, deliveries carry both signatures.")
            .tag("Webhooks")
            .body::<wire::EndpointSecretRotate>(json!({ "overlap_seconds": 86400 }))
            .answer::<wire::EndpointWithSecret<'static>>(200, "The endpoint and its new secret.", created),
    ]
}

fn example() -> Value {
    json!({
        "id": "whk_01kagq5rh8e5htqh9sk95d3x4w",
        "mode": "test",
        "url": "https://example.com/hooks/gatepost",
        "description": "",
        "events": ["message.*"],
        "enabled": true,
        "previous_secret_until": null,
        "created_at": "2026-11-01T09:30:00Z",
    })
}

async fn endpoint_create(
    grant: Grant<EndpointManage>,
    State(app): State<App>,
    create: Create<wire::EndpointCreate>,
) -> Answer {
    let (wire::EndpointCreate { mode, url, description, events }, idempotent) = split(create);
    let mode = mode_of(&grant, mode)?;
    let command = EndpointCreate { mode, url, description, events };
    let outcome = app.endpoint_create(&grant, command, idempotent).await?;
    Ok(reply::made(StatusCode::CREATED, outcome))
}

async fn endpoint_list(grant: Grant<EndpointRead>, State(app): State<App>, query: Query) -> Answer {
    let page = app.endpoint_list(&grant, Paging::of(&query)?.into()).await?;
    Ok(reply::page::<_, wire::Endpoint<'_>>(&page))
}

async fn endpoint_get(grant: Grant<EndpointRead>, State(app): State<App>, Id(id): Id<EndpointId>) -> Answer {
    let view = app.endpoint_get(&grant, id).await?;
    Ok(reply::ok(&wire::Endpoint::from(&view)))
}

async fn endpoint_update(
    grant: Grant<EndpointManage>,
    State(app): State<App>,
    Id(id): Id<EndpointId>,
    Json(body): Json<wire::EndpointUpdate>,
) -> Answer {
    let view = app.endpoint_update(&grant, id, body.into()).await?;
    Ok(reply::ok(&wire::Endpoint::from(&view)))
}

async fn endpoint_delete(
    grant: Grant<EndpointManage>,
    State(app): State<App>,
    Id(id): Id<EndpointId>,
) -> Answer {
    app.endpoint_delete(&grant, id).await?;
    Ok(reply::nothing())
}

async fn endpoint_secret_rotate(
    grant: Grant<EndpointManage>,
    State(app): State<App>,
    Id(id): Id<EndpointId>,
    Json(body): Json<wire::EndpointSecretRotate>,
) -> Answer {
    let rotated = app.endpoint_secret_rotate(&grant, id, body.overlap_seconds).await?;
    Ok(reply::raw_ok(rotated.body(true)))
}
