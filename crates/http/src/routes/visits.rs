//! `/v1/operator-visits` and `/v1/workspace/standing`: what those who run the installation do to a workspace, told to it.

use axum::extract::State;
use gatepost_app::App;
use gatepost_core::access::permission::{OperatorVisitRead, OperatorVisitRevoke, WorkspaceRead};
use gatepost_core::{Code, OperatorVisitId};
use serde_json::{Value, json};

use crate::access::{Grant, delete, get};
use crate::path::Id;
use crate::query::{LIST, Paging, Query};
use crate::reply::{self, Answer};
use crate::route::Route;
use crate::wire;

pub fn routes() -> Vec<Route<App>> {
    vec![
        get("/v1/operator-visits", visit_list)
            .id("operatorVisitList")
            .summary("See when operators may look into the workspace, and why")
            .description("Newest first, those that are over among them. A visit reads and changes nothing; every request of it is in the audit log as workspace.visited.")
            .tag("Workspace")
            .query(&LIST)
            .answer_list::<wire::OperatorVisit<'static>>("A page of visits.", &example()),
        delete("/v1/operator-visits/{visit_id}", visit_end)
            .id("operatorVisitEnd").open_when_suspended()
            .summary("End an operator's visit")
            .description("The operator's next request is refused, on every node. Owners only.")
            .tag("Workspace")
            .answer::<wire::OperatorVisit<'static>>(200, "The visit as it is now.", ended())
            .fails(&[Code::Conflict]),
        get("/v1/workspace/standing", standing)
            .id("workspaceStandingGet")
            .summary("Read whether sending is paused, whether the workspace is under review, its plan and subscription")
            .tag("Workspace")
            .answer::<wire::Standing<'static>>(200, "How the workspace stands.", standing_example())
            .open_when_suspended(),
    ]
}

pub fn example() -> Value {
    json!({
        "id": "opv_01kagq5rh8e5htqh9sk95d3x4w",
        "workspace_id": "ws_01kagq5rh8e5htqh9sk95d3x4w",
        "operator_id": "usr_01kagq5rh8e5htqh9sk95d3x4w",
        "operator_name": "Ann Example",
        "reason": "Ticket 4711: deliveries stuck since Monday",
        "content": false,
        "open": true,
        "opened_at": "2026-11-01T09:30:00Z",
        "expires_at": "2026-11-01T10:30:00Z",
        "ended_at": null,
        "ended_by": null,
    })
}

fn ended() -> Value {
    let mut visit = example();
    visit["open"] = json!(false);
    visit["ended_at"] = json!("2026-11-01T09:40:00Z");
    visit["ended_by"] = json!("usr_01kagq5rh8e5htqh9sk95d3x4x");
    visit
}

pub fn standing_example() -> Value {
    json!({
        "sending": "on",
        "sending_paused_at": null,
        "sending_paused_reason": null,
        "under_review_since": null,
        "review_reason": null,
        "plan": "growth",
        "subscription": "active",
        "subscription_since": null,
        "subscription_until": null,
    })
}

async fn visit_list(grant: Grant<OperatorVisitRead>, State(app): State<App>, query: Query) -> Answer {
    let page = app.operator_visit_list(&grant, Paging::of(&query)?.into()).await?;
    Ok(reply::page::<_, wire::OperatorVisit<'_>>(&page))
}

async fn visit_end(
    grant: Grant<OperatorVisitRevoke>,
    State(app): State<App>,
    Id(id): Id<OperatorVisitId>,
) -> Answer {
    Ok(reply::ok(&wire::OperatorVisit::from(&app.operator_visit_end(&grant, id).await?)))
}

async fn standing(grant: Grant<WorkspaceRead>, State(app): State<App>) -> Answer {
    Ok(reply::ok(&wire::Standing::from(&app.workspace_standing(&grant).await?)))
}
