//! Plans and subscriptions as operators set them, and how much of a plan a workspace used.

use axum::extract::State;
use gatepost_app::{App, Page};
use gatepost_core::access::operator_permission::{WorkspaceManage, WorkspaceRead};
use gatepost_core::access::permission::GuardRead;
use gatepost_core::channel::Mode;
use gatepost_core::{Code, WorkspaceId};
use http::StatusCode;
use serde_json::{Value, json};

use super::access_rules::mode_in;
use super::visits;
use crate::access::{Grant, Operator, Public, delete, get, put};
use crate::body::Json;
use crate::path::{Id, PlanKey};
use crate::query::{Query, QueryParameter};
use crate::reply::{self, Answer};
use crate::route::Route;
use crate::wire;

const MODE: [QueryParameter; 1] = [QueryParameter::text(
    "mode",
    "test or live; a key sees its own alone, people live where they do not say.",
    "live",
)];

/// On the operators' listener and at the socket.
pub fn operator_routes() -> Vec<Route<App>> {
    vec![
        get("/operator/v1/plans", plan_list)
            .id("planList")
            .summary("List the plans")
            .tag("Plans")
            .answer_list::<wire::PlanShown<'static>>("All of them, on one page.", &example()),
        get("/operator/v1/plans/{plan}", plan_get)
            .id("planGet")
            .summary("Read a plan")
            .tag("Plans")
            .answer::<wire::PlanShown<'static>>(200, "The plan.", example()),
        put("/operator/v1/plans/{plan}", plan_put)
            .id("planPut")
            .summary("Make a plan, or replace it")
            .description("Its name is in the path: 1 to 40 of a-z, 0-9, - and _. From the answer on the next request of every workspace that has it is held against it, on every node.")
            .tag("Plans")
            .body::<wire::PlanPut>(json!({
                "limits": { "workspace_day": 1_000, "workspace_month": 20_000 },
                "requests": "steady",
                "features": ["media", "templates"],
                "grace_days": 7,
            }))
            .answer::<wire::PlanShown<'static>>(200, "The plan as it is now; 201 where it was made.", example())
            .fails(&[Code::InvalidField]),
        delete("/operator/v1/plans/{plan}", plan_delete)
            .id("planDelete")
            .summary("Remove a plan that nobody has")
            .tag("Plans")
            .answers_nothing("It is gone.")
            .fails(&[Code::Conflict]),
        put("/operator/v1/workspaces/{workspace_id}/subscription", subscription_set)
            .id("workspaceSubscriptionSet")
            .summary("Say how a workspace stands with whoever bills it")
            .description("trialing, active and past_due pass (the first and the last until their end); otherwise every route that needs a permission answers 402 subscription_suspended, but for reading what is the workspace's own to take along. Receiving, opt-outs and signing in go on. Binds the next request on every node.")
            .tag("Workspaces")
            .body::<wire::SubscriptionStateSet>(json!({ "state": "active" }))
            .answer::<wire::Standing<'static>>(200, "How the workspace stands now.", visits::standing_example()),
    ]
}

/// For those who use a plan.
pub fn routes() -> Vec<Route<App>> {
    vec![
        get("/v1/usage", usage_get)
            .id("usageGet")
            .summary("Read how much of the plan was used")
            .description("Of the workspace and of each channel: today, this month with a forecast, and the days before. usage.reached tells of 80 and 100 per cent.")
            .tag("Workspace")
            .query(&MODE)
            .answer::<wire::Usage<'static>>(200, "What was used.", usage_example())
            .open_when_suspended(),
    ]
}

/// For everybody.
pub fn public_routes() -> Vec<Route<App>> {
    vec![
        get("/v1/acceptable-use", acceptable_use_get)
            .id("acceptableUseGet")
            .summary("Read the rules that whoever makes a workspace accepts")
            .tag("Service")
            .answer::<wire::AcceptableUse>(
                200,
                "The rules; nulls where there are none.",
                json!({
                    "version": "5f2b7c1e90ad4433",
                    "text": "Do not write to people who did not ask for it.",
                }),
            ),
    ]
}

fn example() -> Value {
    json!({
        "name": "growth",
        "limits": { "workspace_day": 1_000, "workspace_month": 20_000, "channel_day": null, "channel_month": null },
        "requests": "steady",
        "features": ["media", "templates"],
        "purposes": [],
        "grace_days": 7,
        "workspaces": 12,
        "default": false,
        "created_at": "2026-11-01T09:30:00Z",
        "updated_at": "2026-11-01T09:30:00Z",
    })
}

fn usage_example() -> Value {
    let of = json!({
        "day": { "used": 120, "limit": 1_000 },
        "month": { "used": 7_000, "limit": 20_000, "forecast": 10_000 },
        "history": [{ "day": "2026-11-20", "used": 340 }, { "day": "2026-11-21", "used": 120 }],
    });
    let mut channel = of.clone();
    channel["channel_id"] = json!("chn_01kagq5rh8e5htqh9sk95d3x4w");
    channel["day"]["limit"] = json!(null);
    channel["month"]["limit"] = json!(null);
    json!({
        "mode": "live",
        "plan": "growth",
        "time_zone": "Europe/Berlin",
        "day": "2026-11-21",
        "month": "2026-11",
        "day_resets_at": "2026-11-21T23:00:00Z",
        "month_resets_at": "2026-11-30T23:00:00Z",
        "workspace": of,
        "channels": [channel],
    })
}

async fn plan_list(operator: Operator<WorkspaceRead>, State(app): State<App>) -> Answer {
    let items = app.plan_list(&operator).await?;
    Ok(reply::page::<_, wire::PlanShown<'_>>(&Page { items, next: None }))
}

async fn plan_get(
    operator: Operator<WorkspaceRead>,
    State(app): State<App>,
    PlanKey(name): PlanKey,
) -> Answer {
    Ok(reply::ok(&wire::PlanShown::from(&app.plan_get(&operator, name).await?)))
}

async fn plan_put(
    operator: Operator<WorkspaceManage>,
    State(app): State<App>,
    PlanKey(name): PlanKey,
    Json(wire::PlanPut(plan)): Json<wire::PlanPut>,
) -> Answer {
    let (view, made) = app.plan_put(&operator, name, plan).await?;
    let mut response = reply::ok(&wire::PlanShown::from(&view));
    if made {
        *response.status_mut() = StatusCode::CREATED;
    }
    Ok(response)
}

async fn plan_delete(
    operator: Operator<WorkspaceManage>,
    State(app): State<App>,
    PlanKey(name): PlanKey,
) -> Answer {
    app.plan_delete(&operator, name).await?;
    Ok(reply::nothing())
}

async fn subscription_set(
    operator: Operator<WorkspaceManage>,
    State(app): State<App>,
    Id(id): Id<WorkspaceId>,
    Json(body): Json<wire::SubscriptionStateSet>,
) -> Answer {
    let view = app.workspace_subscription_set(&operator, id, body.state, body.until).await?;
    Ok(reply::ok(&wire::Standing::from(&view)))
}

async fn usage_get(grant: Grant<GuardRead>, State(app): State<App>, query: Query) -> Answer {
    let asked = mode_in(&query)?;
    super::mode_fits(grant.mode(), asked)?;
    let mode = grant.mode().or(asked).unwrap_or(Mode::Live);
    Ok(reply::ok(&wire::Usage::from(&app.usage_get(&grant, mode).await?)))
}

async fn acceptable_use_get(_: Public, State(app): State<App>) -> Answer {
    let rules = app.acceptable_use();
    let version = rules.as_ref().map(|rules| rules.version.clone());
    Ok(reply::ok(&wire::AcceptableUse { version, text: rules.map(|rules| rules.text.clone()) }))
}
