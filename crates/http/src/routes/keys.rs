//! `/v1/keys`

use axum::extract::State;
use gatepost_app::{App, KeyCreate, Outcome};
use gatepost_core::access::permission::{KeyManage, KeyRead};
use gatepost_core::{ApiKeyId, Code};
use http::StatusCode;
use serde_json::{Value, json};

use super::{mode_of, split};
use crate::access::{Grant, delete, get, post};
use crate::body::{Create, Json};
use crate::path::Id;
use crate::query::{LIST, Paging, Query};
use crate::reply::{self, Answer};
use crate::route::Route;
use crate::wire;

pub fn routes() -> Vec<Route<App>> {
    let mut created = example();
    created["secret"] = json!("gp_test_3fKq0000000000000000000000000000000000000000000000000000000000x9Qz");
    vec![
        post("/v1/keys", key_create)
            .id("keyCreate")
            .summary("Make an API key")
            .description("The answer holds the key itself, shown this once. A key hands out no scope that it does not cover.")
            .tag("API keys")
            .creates::<wire::KeyCreate>(json!({ "name": "Shop backend", "scopes": ["send"] }))
            .answer::<wire::KeyWithSecret<'static>>(201, "The key was made.", created.clone())
            .fails(&[Code::TestModeOnly, Code::LiveModeOnly, Code::ChannelNotAllowed]),
        get("/v1/keys", key_list)
            .id("keyList")
            .summary("List API keys")
            .tag("API keys")
            .query(&LIST)
            .answer_list::<wire::Key<'static>>("A page of keys.", &example()),
        get("/v1/keys/{key_id}", key_get)
            .id("keyGet")
            .summary("Read an API key")
            .tag("API keys")
            .answer::<wire::Key<'static>>(200, "The key, without its secret.", example()),
        post("/v1/keys/{key_id}/rotate", key_rotate)
            .id("keyRotate")
            .summary("Replace an API key")
            .description("Makes a new key for the same purpose, shown this once; the old one ends at once, or after the overlap.")
            .tag("API keys")
            .body::<wire::KeyRotate>(json!({ "overlap_seconds": 60 }))
            .answer::<wire::KeyWithSecret<'static>>(201, "The new key.", created)
            .fails(&[Code::Conflict]),
        delete("/v1/keys/{key_id}", key_revoke)
            .id("keyRevoke").open_when_suspended()
            .summary("Revoke an API key")
            .description("Binds the very next request. The key stays listed.")
            .tag("API keys")
            .answer::<wire::Key<'static>>(200, "The key as it is now.", example()),
    ]
}

fn example() -> Value {
    json!({
        "id": "key_01kagq5rh8e5htqh9sk95d3x4w",
        "name": "Shop backend",
        "mode": "test",
        "scopes": ["send"],
        "channels": null,
        "display": "gp_test_3fKq",
        "last4": "x9Qz",
        "created_at": "2026-11-01T09:30:00Z",
        "expires_at": null,
        "revoked_at": null,
        "last_used_at": null,
    })
}

async fn key_create(
    grant: Grant<KeyManage>,
    State(app): State<App>,
    create: Create<wire::KeyCreate>,
) -> Answer {
    let (wire::KeyCreate { name, mode, scopes, channels, expires_at }, idempotent) = split(create);
    let mode = mode_of(&grant, mode)?;
    let command = KeyCreate { name, mode, scopes, channels, expires_at };
    let outcome = app.key_create(&grant, command, idempotent).await?;
    Ok(reply::made(StatusCode::CREATED, outcome))
}

async fn key_list(grant: Grant<KeyRead>, State(app): State<App>, query: Query) -> Answer {
    let page = app.key_list(&grant, Paging::of(&query)?.into()).await?;
    Ok(reply::page::<_, wire::Key<'_>>(&page))
}

async fn key_get(grant: Grant<KeyRead>, State(app): State<App>, Id(id): Id<ApiKeyId>) -> Answer {
    let view = app.key_get(&grant, id).await?;
    Ok(reply::ok(&wire::Key::from(&view)))
}

async fn key_rotate(
    grant: Grant<KeyManage>,
    State(app): State<App>,
    Id(id): Id<ApiKeyId>,
    Json(body): Json<wire::KeyRotate>,
) -> Answer {
    let successor = app.key_rotate(&grant, id, body.overlap_seconds).await?;
    Ok(reply::made(StatusCode::CREATED, Outcome::Fresh(successor)))
}

async fn key_revoke(grant: Grant<KeyManage>, State(app): State<App>, Id(id): Id<ApiKeyId>) -> Answer {
    let view = app.key_revoke(&grant, id).await?;
    Ok(reply::ok(&wire::Key::from(&view)))
}
