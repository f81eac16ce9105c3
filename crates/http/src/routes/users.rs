//! `/operator/v1/users`, and seats by the operator's hand.

use axum::extract::State;
use gatepost_app::{App, UserCreate};
use gatepost_core::access::operator_permission::{UserManage, WorkspaceManage};
use gatepost_core::{Code, UserId, WorkspaceId};
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
        post("/operator/v1/users", user_create)
            .id("userCreate")
            .summary("Make an account")
            .description("It has no password yet: make a link to set one, or invite the person instead.")
            .tag("People")
            .body::<wire::UserNew>(json!({ "email": "ann@example.com", "name": "Ann Example" }))
            .answer::<wire::User<'static>>(201, "The account was made.", example())
            .fails(&[Code::Conflict]),
        get("/operator/v1/users", user_list)
            .id("userList")
            .summary("List accounts")
            .tag("People")
            .query(&LIST)
            .answer_list::<wire::User<'static>>("A page of accounts, newest first.", &example()),
        get("/operator/v1/users/{user_id}", user_get)
            .id("userGet")
            .summary("Read an account")
            .tag("People")
            .answer::<wire::User<'static>>(200, "The account.", example()),
        post("/operator/v1/users/{user_id}/disable", user_disable)
            .id("userDisable")
            .summary("Close an account")
            .description("Its person is signed out everywhere at once, and cannot sign in again. Seats stay.")
            .tag("People")
            .answer::<wire::User<'static>>(200, "The account as it is now.", example())
            .fails(&[Code::Conflict]),
        post("/operator/v1/users/{user_id}/enable", user_enable)
            .id("userEnable")
            .summary("Open an account again")
            .tag("People")
            .answer::<wire::User<'static>>(200, "The account as it is now.", example()),
        post("/operator/v1/workspaces/{workspace_id}/members", member_add)
            .id("memberAdd")
            .summary("Give somebody with an account a seat in a workspace")
            .tag("Members")
            .body::<wire::MemberAdd>(json!({ "email": "ann@example.com", "role": "owner" }))
            .answers_nothing("They are a member.")
            .fails(&[Code::MemberExists, Code::MemberLimitReached]),
        post("/operator/v1/workspaces/{workspace_id}/restore", workspace_restore)
            .id("workspaceRestore")
            .summary("Bring a deleted workspace back")
            .tag("Workspaces")
            .answers_nothing("Members and keys open it again.")
            .fails(&[Code::Conflict]),
    ]
}

fn example() -> Value {
    json!({
        "id": "usr_01kagq5rh8e5htqh9sk95d3x4w",
        "email": "ann@example.com",
        "name": "Ann Example",
        "has_password": false,
        "has_totp": false,
        "operator": null,
        "created_at": "2026-11-01T09:30:00Z",
        "disabled_at": null,
    })
}

async fn user_create(
    operator: Operator<UserManage>,
    State(app): State<App>,
    Json(body): Json<wire::UserNew>,
) -> Answer {
    let create = UserCreate { email: body.email, name: body.name, password: None, operator: None };
    let view = app.user_create(&operator, create).await?;
    let mut response = reply::ok(&wire::User::from(&view));
    *response.status_mut() = StatusCode::CREATED;
    if let Ok(location) = HeaderValue::try_from(format!("/operator/v1/users/{}", view.id)) {
        response.headers_mut().insert(LOCATION, location);
    }
    Ok(response)
}

async fn user_list(operator: Operator<UserManage>, State(app): State<App>, query: Query) -> Answer {
    let page = app.user_list(&operator, Paging::of(&query)?.into()).await?;
    Ok(reply::page::<_, wire::User<'_>>(&page))
}

async fn user_get(operator: Operator<UserManage>, State(app): State<App>, Id(id): Id<UserId>) -> Answer {
    Ok(reply::ok(&wire::User::from(&app.user_get(&operator, id).await?)))
}

async fn user_disable(operator: Operator<UserManage>, State(app): State<App>, Id(id): Id<UserId>) -> Answer {
    Ok(reply::ok(&wire::User::from(&app.user_disable(&operator, id).await?)))
}

async fn user_enable(operator: Operator<UserManage>, State(app): State<App>, Id(id): Id<UserId>) -> Answer {
    Ok(reply::ok(&wire::User::from(&app.user_enable(&operator, id).await?)))
}

async fn member_add(
    operator: Operator<UserManage>,
    State(app): State<App>,
    Id(workspace): Id<WorkspaceId>,
    Json(body): Json<wire::MemberAdd>,
) -> Answer {
    let user = app.user_find(&operator, &body.email).await?;
    app.member_add(&operator, workspace, user.id, body.role).await?;
    Ok(reply::nothing())
}

async fn workspace_restore(
    operator: Operator<WorkspaceManage>,
    State(app): State<App>,
    Id(workspace): Id<WorkspaceId>,
) -> Answer {
    app.workspace_restore(&operator, workspace).await?;
    Ok(reply::nothing())
}
