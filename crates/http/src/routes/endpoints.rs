//! `/v1/webhook-endpoints`, and the public keys of endpoints.

use axum::extract::State;
use gatepost_app::{App, EndpointCreate};
use gatepost_core::access::permission::{EndpointManage, EndpointRead};
use gatepost_core::{Code, EndpointId};
use http::StatusCode;
use serde_json::{Value, json};

use super::deliveries::tested_example;
use super::{mode_of, split};
use crate::access::{Grant, Public, delete, get, patch, post};
use crate::body::{Create, Json};
use crate::headers::Cacheable;
use crate::path::Id;
use crate::query::{LIST, Paging, Query};
use crate::reply::{self, Answer};
use crate::route::Route;
use crate::wire;

/// How long receivers keep public keys, in seconds. The keys before go on signing for longer than that in any overlap
/// that is not meant to cut somebody off.
const KEYS_KEPT: u32 = 300;

pub fn routes() -> Vec<Route<App>> {
    let mut created = example();
    created["secret"] = json!("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
    vec![
        post("/v1/webhook-endpoints", endpoint_create)
            .id("webhookEndpointCreate")
            .summary("Add a webhook endpoint")
            .description("Nothing is sent to it; test it with `POST …/test`. The answer holds the signing secret, shown this once. A workspace has at most 50 in each mode.")
            .tag("Webhooks")
            .creates::<wire::EndpointCreate>(json!({
                "url": "https://example.com/hooks/gatepost",
                "events": ["message.*"],
            }))
            .answer::<wire::EndpointWithSecret<'static>>(201, "The endpoint was added.", created.clone())
            .fails(&[
                Code::WebhookUrlNotAllowed,
                Code::TestModeOnly,
                Code::LiveModeOnly,
                Code::ChannelNotAllowed,
                Code::EndpointLimitReached,
                Code::Conflict,
            ]),
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
            .description("Enabling it, or giving it another URL, forgets past failures and sends what waits at once; dead_letters says how many deliveries can be replayed.")
            .tag("Webhooks")
            .body::<wire::EndpointUpdate>(json!({ "events": ["message.received"], "enabled": true }))
            .answer::<wire::Endpoint<'static>>(200, "The endpoint as it is now.", example())
            .fails(&[Code::WebhookUrlNotAllowed, Code::ChannelNotAllowed, Code::Conflict]),
        delete("/v1/webhook-endpoints/{endpoint_id}", endpoint_delete)
            .id("webhookEndpointDelete")
            .summary("Remove a webhook endpoint")
            .tag("Webhooks")
            .answers_nothing("The endpoint is gone, and what was on its way to it."),
        post("/v1/webhook-endpoints/{endpoint_id}/rotate-secret", endpoint_secret_rotate)
            .id("webhookEndpointSecretRotate")
            .summary("Give a webhook endpoint a new secret")
            .description("Its Ed25519 key is replaced with it. While the two overlap, webhook-signature carries the signatures of both; X-Gatepost-Signature is made with the new one. A rotation within an overlap ends the oldest secret at once: never more than two sign. With an overlap of 0 the old one signs no more.")
            .tag("Webhooks")
            .creates::<wire::EndpointSecretRotate>(json!({ "overlap_seconds": 86400 }))
            .answer::<wire::EndpointWithSecret<'static>>(200, "The endpoint and its new secret.", created)
            .fails(&[Code::Conflict]),
        post("/v1/webhook-endpoints/{endpoint_id}/test", endpoint_test)
            .id("webhookEndpointTest")
            .summary("Send a test to a webhook endpoint")
            .description("Sends a signed `endpoint.test`, once, to this endpoint alone: whatever it wants to hear, and even where it is disabled. How it went is told by the delivery's attempts. It must be over before the next.")
            .tag("Webhooks")
            .creates::<wire::EndpointTest>(json!({}))
            .answer::<wire::Delivery<'static>>(202, "The test is on its way.", tested_example())
            .fails(&[Code::EndpointTestRunning]),
        get("/.well-known/gatepost/webhook-keys/{endpoint_id}", webhook_keys)
            .id("webhookKeysGet")
            .summary("Read the public keys of a webhook endpoint")
            .description("For receivers that verify Ed25519 signatures (`v1a`). May be kept for five minutes. Tells nothing else of the endpoint; one without Ed25519 is as unknown as one that does not exist.")
            .tag("Webhooks")
            .answer::<wire::WebhookKeys>(
                200,
                "The key in use and, during an overlap, the one before.",
                json!({ "keys": [{
                    "algorithm": "ed25519",
                    "public_key": EXAMPLE_KEY,
                    "valid_until": null,
                }] }),
            ),
    ]
}

const EXAMPLE_KEY: &str = "whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";

fn example() -> Value {
    json!({
        "id": "whk_01kagq5rh8e5htqh9sk95d3x4w",
        "mode": "test",
        "url": "https://example.com/hooks/gatepost",
        "description": "",
        "events": ["message.*"],
        "channels": [],
        "header_names": ["authorization"],
        "metadata": { "team": "shop" },
        "order": "parallel",
        "format": "standard",
        "retry_schedule": null,
        "ed25519": true,
        "public_key": EXAMPLE_KEY,
        "public_key_url": "https://gatepost.example.com/.well-known/gatepost/webhook-keys/whk_01kagq5rh8e5htqh9sk95d3x4w",
        "enabled": true,
        "disabled_reason": null,
        "disabled_at": null,
        "health": { "state": "healthy", "failing_since": null, "failures": 0, "next_probe_at": null },
        "next_action": null,
        "dead_letters": 0,
        "previous_secret_until": null,
        "created_at": "2026-11-01T09:30:00Z",
    })
}

async fn endpoint_create(
    grant: Grant<EndpointManage>,
    State(app): State<App>,
    create: Create<wire::EndpointCreate>,
) -> Answer {
    let (asked, idempotent) = split(create);
    let command = EndpointCreate {
        mode: mode_of(&grant, asked.mode)?,
        url: asked.url,
        description: asked.description,
        events: asked.events,
        channels: asked.channels,
        headers: asked.headers,
        metadata: asked.metadata,
        order: asked.order,
        format: asked.format,
        retry_schedule: asked.retry_schedule,
        ed25519: asked.ed25519,
    };
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
    create: Create<wire::EndpointSecretRotate>,
) -> Answer {
    let (asked, idempotent) = split(create);
    let outcome = app.endpoint_secret_rotate(&grant, id, asked.overlap_seconds, idempotent).await?;
    Ok(reply::made(StatusCode::OK, outcome))
}

async fn endpoint_test(
    grant: Grant<EndpointManage>,
    State(app): State<App>,
    Id(id): Id<EndpointId>,
    create: Create<wire::EndpointTest>,
) -> Answer {
    let (wire::EndpointTest {}, idempotent) = split(create);
    let outcome = app.endpoint_test(&grant, id, idempotent).await?;
    Ok(reply::made(StatusCode::ACCEPTED, outcome))
}

async fn webhook_keys(_: Public, State(app): State<App>, Id(id): Id<EndpointId>) -> Answer {
    let keys = wire::WebhookKeys::from(app.webhook_keys(id).await?);
    let mut answer = reply::ok(&keys);
    answer.extensions_mut().insert(Cacheable(KEYS_KEPT));
    Ok(answer)
}
