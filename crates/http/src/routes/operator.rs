//! `/operator/v1`: the installation itself, at the operator's socket.

use axum::extract::State;
use gatepost_app::App;
use gatepost_core::access::operator_permission::{StatusRead, VaultManage, WorkspaceManage, WorkspaceRead};
use gatepost_core::{Code, WorkspaceId};
use http::header::LOCATION;
use http::{HeaderValue, StatusCode};
use serde_json::{Value, json};

use crate::access::{Operator, get, post};
use crate::body::Json;
use crate::path::Id;
use crate::query::{LIST, Paging, Query};
use crate::reply::{self, Answer};
use crate::route::Route;
use crate::wire;

pub fn routes() -> Vec<Route<App>> {
    vec![
        post("/operator/v1/workspaces", workspace_create)
            .id("workspaceCreate")
            .summary("Make a workspace")
            .tag("Workspaces")
            .body::<wire::WorkspaceCreate>(json!({ "name": "Example Ltd" }))
            .answer::<wire::Workspace<'static>>(201, "The workspace was made.", example())
            .fails(&[Code::Conflict]),
        get("/operator/v1/workspaces", workspace_list)
            .id("workspaceList")
            .summary("List workspaces")
            .tag("Workspaces")
            .query(&LIST)
            .answer_list::<wire::Workspace<'static>>("A page of workspaces.", example()),
        get("/operator/v1/workspaces/{workspace_id}", workspace_get)
            .id("workspaceGet")
            .summary("Read a workspace")
            .tag("Workspaces")
            .answer::<wire::Workspace<'static>>(200, "The workspace.", example()),
    ]
}

fn example() -> Value {
    json!({
        "id": "ws_01kagq5rh8e5htqh9sk95d3x4w",
        "name": "Example Ltd",
        "created_at": "2026-11-01T09:30:00Z",
    })
}

async fn workspace_create(
    operator: Operator<WorkspaceManage>,
    State(app): State<App>,
    Json(body): Json<wire::WorkspaceCreate>,
) -> Answer {
    let view = app.workspace_create(&operator, body.name).await?;
    let mut response = reply::ok(&wire::Workspace::from(&view));
    *response.status_mut() = StatusCode::CREATED;
    if let Ok(location) = HeaderValue::try_from(format!("/operator/v1/workspaces/{}", view.id)) {
        response.headers_mut().insert(LOCATION, location);
    }
    Ok(response)
}

async fn workspace_list(operator: Operator<WorkspaceRead>, State(app): State<App>, query: Query) -> Answer {
    let page = app.workspace_list(&operator, Paging::of(&query)?.into()).await?;
    Ok(reply::page::<_, wire::Workspace<'_>>(&page))
}

async fn workspace_get(
    operator: Operator<WorkspaceRead>,
    State(app): State<App>,
    Id(id): Id<WorkspaceId>,
) -> Answer {
    let view = app.workspace_get(&operator, id).await?;
    Ok(reply::ok(&wire::Workspace::from(&view)))
}
