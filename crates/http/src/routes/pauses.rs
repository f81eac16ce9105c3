//! `/v1/pauses`

use axum::extract::State;
use gatepost_app::{App, Page};
use gatepost_core::access::operator_permission::SendingManage;
use gatepost_core::access::permission::{GuardRead, SendingPause};
use gatepost_core::{Code, PauseId, WorkspaceId};
use http::StatusCode;
use serde_json::{Value, json};

use super::split;
use crate::access::{Grant, Operator, delete, get, post};
use crate::body::{Create, Json};
use crate::path::Id;
use crate::reply::{self, Answer};
use crate::route::Route;
use crate::wire;

pub fn routes() -> Vec<Route<App>> {
    vec![
        get("/v1/pauses", pause_list)
            .id("pauseList")
            .summary("See what is paused")
            .tag("Guard")
            .answer_list::<wire::Pause>("All of it, on one page.", &example()),
        post("/v1/pauses", pause_set)
            .id("pauseSet")
            .summary("Pause the workspace, a channel or a purpose")
            .description("From the answer on every such send is refused with sending_paused, on every node. What is queued waits until the pause is lifted, or until its ttl ends; receiving goes on.")
            .tag("Guard")
            .creates::<wire::PauseSet>(set_example())
            .answer::<wire::Pause>(201, "It is paused.", example())
            .fails(&[Code::Conflict, Code::NotFound]),
        delete("/v1/pauses/{pause_id}", pause_lift)
            .id("pauseLift")
            .summary("Lift a pause")
            .description("What waited goes on within half a minute. A pause of the operator's is the operator's to lift.")
            .tag("Guard")
            .answers_nothing("It is lifted."),
    ]
}

/// The operator's, of any workspace.
pub fn operator_routes() -> Vec<Route<App>> {
    vec![
        get("/operator/v1/workspaces/{workspace_id}/pauses", list_by_operator)
            .id("workspacePauseList")
            .summary("See what is paused in a workspace")
            .tag("Guard")
            .answer_list::<wire::Pause>("All of it, on one page.", &example()),
        post("/operator/v1/workspaces/{workspace_id}/pauses", set_by_operator)
            .id("workspacePauseSet")
            .summary("Pause a channel or a purpose of a workspace")
            .description("As the workspace's owners would, but they cannot lift it. The workspace as a whole is paused with pause-sending.")
            .tag("Guard")
            .body::<wire::PauseSet>(set_example())
            .answer::<wire::Pause>(201, "It is paused.", example())
            .fails(&[Code::Conflict]),
        delete("/operator/v1/workspaces/{workspace_id}/pauses/{pause_id}", lift_by_operator)
            .id("workspacePauseLift")
            .summary("Lift a pause of a workspace, whoever set it")
            .tag("Guard")
            .answers_nothing("It is lifted."),
    ]
}

fn set_example() -> Value {
    json!({ "scope": "purpose", "purpose": "operational", "reason": "Wrong prices in the reminders of today" })
}

fn example() -> Value {
    json!({
        "id": "pse_01kagq5rh8e5htqh9sk95d3x4w",
        "scope": "purpose",
        "channel_id": null,
        "purpose": "operational",
        "paused_by": "workspace",
        "actor": "usr_01kagq5rh8e5htqh9sk95d3x4w",
        "reason": "Wrong prices in the reminders of today",
        "since": "2026-11-01T09:30:00Z",
    })
}

async fn pause_list(grant: Grant<GuardRead>, State(app): State<App>) -> Answer {
    let items = app.pause_list(&grant).await?;
    Ok(reply::page::<_, wire::Pause>(&Page { items, next: None }))
}

async fn pause_set(
    grant: Grant<SendingPause>,
    State(app): State<App>,
    create: Create<wire::PauseSet>,
) -> Answer {
    let (wire::PauseSet { scope, reason }, idempotent) = split(create);
    Ok(reply::made(StatusCode::CREATED, app.pause_set(&grant, scope, reason, idempotent).await?))
}

async fn pause_lift(grant: Grant<SendingPause>, State(app): State<App>, Id(id): Id<PauseId>) -> Answer {
    app.pause_lift(&grant, id).await?;
    Ok(reply::nothing())
}

async fn list_by_operator(
    operator: Operator<SendingManage>,
    State(app): State<App>,
    Id(workspace): Id<WorkspaceId>,
) -> Answer {
    let items = app.pause_list_by_operator(&operator, workspace).await?;
    Ok(reply::page::<_, wire::Pause>(&Page { items, next: None }))
}

async fn set_by_operator(
    operator: Operator<SendingManage>,
    State(app): State<App>,
    Id(workspace): Id<WorkspaceId>,
    Json(body): Json<wire::PauseSet>,
) -> Answer {
    let view = app.pause_set_by_operator(&operator, workspace, body.scope, body.reason).await?;
    let mut response = reply::ok(&wire::Pause::from(&view));
    *response.status_mut() = StatusCode::CREATED;
    Ok(response)
}

async fn lift_by_operator(
    operator: Operator<SendingManage>,
    State(app): State<App>,
    Id(workspace): Id<WorkspaceId>,
    Id(id): Id<PauseId>,
) -> Answer {
    app.pause_lift_by_operator(&operator, workspace, id).await?;
    Ok(reply::nothing())
}
