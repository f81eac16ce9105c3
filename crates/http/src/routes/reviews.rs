//! `/v1/reviews`

use axum::extract::State;
use gatepost_app::{App, ReviewState};
use gatepost_core::access::operator_permission::SendingManage;
use gatepost_core::access::permission::{ReviewDecide, ReviewRead};
use gatepost_core::{Code, Result, ReviewId, WorkspaceId};
use serde_json::{Value, json};

use crate::access::{Grant, Operator, get, post};
use crate::body::Json;
use crate::path::Id;
use crate::query::{LIST, Paging, Query, QueryParameter, invalid};
use crate::reply::{self, Answer};
use crate::route::Route;
use crate::wire;

const STATE: QueryParameter =
    QueryParameter::text("state", "open (where it is not said), approved, rejected or expired.", "open");

pub fn routes() -> Vec<Route<App>> {
    vec![
        get("/v1/reviews", review_list)
            .id("reviewList")
            .summary("List what waits for a decision, or was decided, the newest first")
            .tag("Guard")
            .query(&[STATE])
            .query(&LIST)
            .answer_list::<wire::Review<'static>>("A page of reviews.", &example()),
        get("/v1/reviews/{review_id}", review_get)
            .id("reviewGet")
            .summary("Read a review")
            .tag("Guard")
            .answer::<wire::Review<'static>>(200, "The review.", example()),
        post("/v1/reviews/{review_id}/approve", review_approve)
            .id("reviewApprove")
            .summary("Let go what is held, or say that a person opted out")
            .description("A held message goes to its queue at once. Of a person's words it says that they want no more messages.")
            .tag("Guard")
            .body::<wire::ReasonGive>(reason())
            .answer::<wire::Review<'static>>(200, "The review as it is now.", decided())
            .fails(&[Code::ReviewDecided]),
        post("/v1/reviews/{review_id}/reject", review_reject)
            .id("reviewReject")
            .summary("Refuse what is held, or say that a person did not opt out")
            .description("A held message is blocked for good, and the plan gets its unit back.")
            .tag("Guard")
            .body::<wire::ReasonGive>(reason())
            .answer::<wire::Review<'static>>(200, "The review as it is now.", decided())
            .fails(&[Code::ReviewDecided]),
    ]
}

/// The operator's, of any workspace: scores and rules, no words and no numbers of people.
pub fn operator_routes() -> Vec<Route<App>> {
    vec![
        get("/operator/v1/workspaces/{workspace_id}/reviews", list_by_operator)
            .id("workspaceReviewList")
            .summary("List what waits for a decision in a workspace, the newest first")
            .tag("Guard")
            .query(&LIST)
            .answer_list::<wire::Review<'static>>("A page of reviews.", &example()),
        post("/operator/v1/workspaces/{workspace_id}/reviews/{review_id}/approve", approve_by_operator)
            .id("workspaceReviewApprove")
            .summary("Let go what is held in a workspace")
            .tag("Guard")
            .body::<wire::ReasonGive>(reason())
            .answer::<wire::Review<'static>>(200, "The review as it is now.", decided())
            .fails(&[Code::ReviewDecided]),
        post("/operator/v1/workspaces/{workspace_id}/reviews/{review_id}/reject", reject_by_operator)
            .id("workspaceReviewReject")
            .summary("Refuse what is held in a workspace")
            .tag("Guard")
            .body::<wire::ReasonGive>(reason())
            .answer::<wire::Review<'static>>(200, "The review as it is now.", decided())
            .fails(&[Code::ReviewDecided]),
    ]
}

fn reason() -> Value {
    json!({ "reason": "Looked at it: our own shop's link" })
}

fn example() -> Value {
    json!({
        "id": "rvw_01kagq5rh8e5htqh9sk95d3x4w",
        "kind": "message",
        "message_id": "msg_01kagq5rh8e5htqh9sk95d3x4w",
        "channel_id": "chn_01kagq5rh8e5htqh9sk95d3x4w",
        "mode": "live",
        "risk_score": 64,
        "rules": ["identical_text"],
        "state": "open",
        "opened_at": "2026-11-01T09:30:00Z",
        "expires_at": "2026-11-04T09:30:00Z",
        "decided_at": null,
        "decided_by": null,
        "reason": null,
    })
}

fn decided() -> Value {
    let mut review = example();
    review["state"] = json!("approved");
    review["decided_at"] = json!("2026-11-01T09:45:00Z");
    review["decided_by"] = json!("usr_01kagq5rh8e5htqh9sk95d3x4w");
    review["reason"] = json!("Looked at it: our own shop's link");
    review
}

fn wanted_state(query: &Query) -> Result<ReviewState> {
    let text = query.get("state").unwrap_or(ReviewState::Open.as_str());
    ReviewState::parse(text).ok_or_else(|| invalid("state: expected open, approved, rejected or expired"))
}

async fn review_list(grant: Grant<ReviewRead>, State(app): State<App>, query: Query) -> Answer {
    let page = app.review_list(&grant, wanted_state(&query)?, Paging::of(&query)?.into()).await?;
    Ok(reply::page::<_, wire::Review<'_>>(&page))
}

async fn review_get(grant: Grant<ReviewRead>, State(app): State<App>, Id(id): Id<ReviewId>) -> Answer {
    Ok(reply::ok(&wire::Review::from(&app.review_get(&grant, id).await?)))
}

async fn review_approve(
    grant: Grant<ReviewDecide>,
    State(app): State<App>,
    Id(id): Id<ReviewId>,
    Json(body): Json<wire::ReasonGive>,
) -> Answer {
    Ok(reply::ok(&wire::Review::from(&app.review_decide(&grant, id, true, body.reason).await?)))
}

async fn review_reject(
    grant: Grant<ReviewDecide>,
    State(app): State<App>,
    Id(id): Id<ReviewId>,
    Json(body): Json<wire::ReasonGive>,
) -> Answer {
    Ok(reply::ok(&wire::Review::from(&app.review_decide(&grant, id, false, body.reason).await?)))
}

async fn list_by_operator(
    operator: Operator<SendingManage>,
    State(app): State<App>,
    Id(workspace): Id<WorkspaceId>,
    query: Query,
) -> Answer {
    let page = app.review_list_by_operator(&operator, workspace, Paging::of(&query)?.into()).await?;
    Ok(reply::page::<_, wire::Review<'_>>(&page))
}

async fn approve_by_operator(
    operator: Operator<SendingManage>,
    State(app): State<App>,
    Id(workspace): Id<WorkspaceId>,
    Id(id): Id<ReviewId>,
    Json(body): Json<wire::ReasonGive>,
) -> Answer {
    let view = app.review_decide_by_operator(&operator, workspace, id, true, body.reason).await?;
    Ok(reply::ok(&wire::Review::from(&view)))
}

async fn reject_by_operator(
    operator: Operator<SendingManage>,
    State(app): State<App>,
    Id(workspace): Id<WorkspaceId>,
    Id(id): Id<ReviewId>,
    Json(body): Json<wire::ReasonGive>,
) -> Answer {
    let view = app.review_decide_by_operator(&operator, workspace, id, false, body.reason).await?;
    Ok(reply::ok(&wire::Review::from(&view)))
}
