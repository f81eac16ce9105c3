//! `/v1/ip-allowlist`, `/v1/keys/{key_id}/ip-allowlist`, `/v1/cors-origins`, and the operator's limits.

use axum::extract::State;
use gatepost_app::{App, Visit};
use gatepost_core::access::operator_permission::WorkspaceEnter;
use gatepost_core::access::permission::{AllowlistManage, AllowlistRead, OriginManage, OriginRead};
use gatepost_core::channel::Mode;
use gatepost_core::{ApiKeyId, Code, Error, WorkspaceId};
use serde_json::{Value, json};

use super::mode_of;
use crate::access::{Grant, Operator, get, put};
use crate::body::Json;
use crate::path::Id;
use crate::query::{Query, QueryParameter, invalid};
use crate::reply::{self, Answer};
use crate::route::Route;
use crate::wire;

const MODE: QueryParameter = QueryParameter::text(
    "mode",
    "test or live: that of the API key, and need not be said. At the operator's socket it must be.",
    "",
);
const OPERATORS_MODE: QueryParameter = QueryParameter::text("mode", "test or live", "live").required();

const LIMITS: &str = "/operator/v1/workspaces/{workspace_id}/limits";

pub fn routes() -> Vec<Route<App>> {
    vec![
        get("/v1/ip-allowlist", allowlist_get)
            .id("ipAllowlistGet")
            .summary("See from where this workspace's keys may be used")
            .description("The list holds for every key of the mode, test or live, that the key in use has. A key may have a list of its own beside it; both must hold the caller's address.")
            .tag("Access")
            .query(&[MODE])
            .answer::<wire::Allowlist<'static>>(200, "The list.", example()),
        put("/v1/ip-allowlist", allowlist_set)
            .id("ipAllowlistSet")
            .summary("Change from where this workspace's keys may be used")
            .description("Binds the very next request, on every node. A list that would shut out the address that this request comes from is refused, unless confirm_lockout is true.")
            .tag("Access")
            .query(&[MODE])
            .body::<wire::AllowlistSet>(set_example())
            .answer::<wire::Allowlist<'static>>(200, "The list as it is now.", example())
            .fails(&[Code::AllowlistLockout, Code::ChannelNotAllowed]),
        get("/v1/keys/{key_id}/ip-allowlist", key_allowlist_get)
            .id("keyIpAllowlistGet")
            .summary("See from where an API key may be used")
            .tag("Access")
            .answer::<wire::Allowlist<'static>>(200, "The key's own list.", example()),
        put("/v1/keys/{key_id}/ip-allowlist", key_allowlist_set)
            .id("keyIpAllowlistSet")
            .summary("Change from where an API key may be used")
            .description("Binds the very next request, on every node. Where it is the key in use, a list that would shut out the address that this request comes from is refused, unless confirm_lockout is true.")
            .tag("Access")
            .body::<wire::AllowlistSet>(set_example())
            .answer::<wire::Allowlist<'static>>(200, "The key's own list as it is now.", example())
            .fails(&[Code::AllowlistLockout, Code::ChannelNotAllowed]),
        get("/v1/cors-origins", origins_get)
            .id("corsOriginsGet")
            .summary("See which web pages may use this workspace's test keys")
            .tag("Access")
            .answer::<wire::Origins<'static>>(200, "The origins.", origins_example()),
        put("/v1/cors-origins", origins_set)
            .id("corsOriginsSet")
            .summary("Change which web pages may use this workspace's test keys")
            .description("Pages of these origins, and of no others, may read answers that a test key gets. Live keys do not belong into browsers, and no page may read their answers.")
            .tag("Access")
            .body::<wire::OriginsSet>(origins_example())
            .answer::<wire::Origins<'static>>(200, "The origins as they are now.", origins_example())
            .fails(&[Code::ChannelNotAllowed]),
    ]
}

/// What only the operator chooses.
pub fn operator_routes() -> Vec<Route<App>> {
    vec![
        get(LIMITS, limits_get)
            .id("workspaceLimitsGet")
            .summary("See the rate limits of a workspace's keys")
            .tag("Workspaces")
            .query(&[OPERATORS_MODE])
            .answer::<wire::Limits<'static>>(200, "The limits.", limits_example()),
        put(LIMITS, limits_set)
            .id("workspaceLimitsSet")
            .summary("Give a workspace, or one of its keys, a preset of rate limits")
            .description("Binds the very next request, on every node.")
            .tag("Workspaces")
            .body::<wire::LimitSet>(json!({ "mode": "live", "preset": "interactive" }))
            .answer::<wire::Limits<'static>>(200, "The limits as they are now.", limits_example()),
    ]
}

fn example() -> Value {
    json!({
        "enabled": true,
        "entries": [{ "network": "192.0.2.0/24", "note": "Office", "created_at": "2026-11-01T09:30:00Z" }],
        "your_address": "192.0.2.7",
    })
}

/// Switched off, so that whoever tries the example shuts out nobody.
fn set_example() -> Value {
    json!({ "enabled": false, "entries": [{ "network": "192.0.2.0/24", "note": "Office" }] })
}

fn origins_example() -> Value {
    json!({ "origins": ["https://shop.example"] })
}

fn limits_example() -> Value {
    json!({
        "mode": "live",
        "preset": "interactive",
        "keys": [{ "key_id": "key_01kagq5rh8e5htqh9sk95d3x4w", "preset": "steady" }],
    })
}

/// The mode that a query names.
pub(super) fn mode_in(query: &Query) -> Result<Option<Mode>, Error> {
    let Some(text) = query.get("mode") else { return Ok(None) };
    let mode = [Mode::Test, Mode::Live].into_iter().find(|mode| mode.as_str() == text);
    mode.map(Some).ok_or_else(|| invalid("mode: expected test or live"))
}

async fn allowlist_get(grant: Grant<AllowlistRead>, State(app): State<App>, query: Query) -> Answer {
    let mode = mode_of(&grant, mode_in(&query)?)?;
    Ok(reply::ok(&wire::Allowlist::from(&app.allowlist_get(&grant, mode).await?)))
}

async fn allowlist_set(
    grant: Grant<AllowlistManage>,
    State(app): State<App>,
    query: Query,
    Json(body): Json<wire::AllowlistSet>,
) -> Answer {
    let mode = mode_of(&grant, mode_in(&query)?)?;
    Ok(reply::ok(&wire::Allowlist::from(&app.allowlist_set(&grant, mode, body.into()).await?)))
}

async fn key_allowlist_get(
    grant: Grant<AllowlistRead>,
    State(app): State<App>,
    Id(id): Id<ApiKeyId>,
) -> Answer {
    Ok(reply::ok(&wire::Allowlist::from(&app.key_allowlist_get(&grant, id).await?)))
}

async fn key_allowlist_set(
    grant: Grant<AllowlistManage>,
    State(app): State<App>,
    Id(id): Id<ApiKeyId>,
    Json(body): Json<wire::AllowlistSet>,
) -> Answer {
    Ok(reply::ok(&wire::Allowlist::from(&app.key_allowlist_set(&grant, id, body.into()).await?)))
}

async fn origins_get(grant: Grant<OriginRead>, State(app): State<App>) -> Answer {
    let origins = app.origins_get(&grant).await?;
    Ok(reply::ok(&wire::Origins::from(origins.as_slice())))
}

async fn origins_set(
    grant: Grant<OriginManage>,
    State(app): State<App>,
    Json(body): Json<wire::OriginsSet>,
) -> Answer {
    let origins = app.origins_set(&grant, body.origins).await?;
    Ok(reply::ok(&wire::Origins::from(origins.as_slice())))
}

async fn limits_get(
    operator: Operator<WorkspaceEnter>,
    State(app): State<App>,
    Id(id): Id<WorkspaceId>,
    query: Query,
) -> Answer {
    let mode = mode_in(&query)?.ok_or_else(|| invalid("mode: expected test or live"))?;
    let visit = Visit::Request(format!("GET {LIMITS}"));
    Ok(reply::ok(&wire::Limits::from(&app.limits_get(&operator, id, mode, visit).await?)))
}

async fn limits_set(
    operator: Operator<WorkspaceEnter>,
    State(app): State<App>,
    Id(id): Id<WorkspaceId>,
    Json(body): Json<wire::LimitSet>,
) -> Answer {
    let view = app.limits_set(&operator, id, body.mode, body.key_id, body.preset).await?;
    Ok(reply::ok(&wire::Limits::from(&view)))
}
