//! `/operator/v1`: what operators do across workspaces, on their own listener and at the socket.

use axum::extract::State;
use gatepost_app::{App, LogKind, LogQuery, Page};
use gatepost_core::access::OperatorIdentity;
use gatepost_core::access::operator_permission::{
    LogRead, OperatorRead, SendingManage, StatusRead, UserManage, VisitOpen, WorkspaceEnter, WorkspaceManage,
};
use gatepost_core::{Code, Error, Result, Timestamp, WorkspaceId};
use http::StatusCode;
use serde_json::{Value, json};

use super::visits;
use crate::access::{Operator, delete, get, post, put};
use crate::body::Json;
use crate::path::Id;
use crate::query::{LIST, Paging, Query, QueryParameter, invalid};
use crate::reply::{self, Answer};
use crate::route::Route;
use crate::wire;

const LOG: [QueryParameter; 5] = [
    QueryParameter::text(
        "log",
        "sends, inbound, envelopes, deliveries, failures, policy-events or audit.",
        "failures",
    )
    .required(),
    QueryParameter::text("workspace_id", "Of this workspace only.", "ws_01kagq5rh8e5htqh9sk95d3x4w"),
    QueryParameter::text("state", "Of sends, inbound messages and deliveries: in this state only.", "failed"),
    QueryParameter::text("since", "From this time on (RFC 3339).", "2026-01-01T00:00:00Z"),
    QueryParameter::text("until", "Before this time (RFC 3339).", "2027-01-01T00:00:00Z"),
];

/// On the listener and at the socket.
pub fn routes() -> Vec<Route<App>> {
    vec![
        post("/operator/v1/workspaces/{workspace_id}/pause-sending", sending_pause)
            .id("workspaceSendingPause")
            .summary("Pause a workspace's sending")
            .description("From the answer on every send of the workspace is refused with sending_paused, on every node. What is queued waits until sending is resumed, or until its ttl ends; receiving goes on. The workspace's owners see the reason.")
            .tag("Workspaces")
            .body::<wire::ReasonGive>(json!({ "reason": "Abuse report 4711: unsolicited offers" }))
            .answer::<wire::Standing<'static>>(200, "How the workspace stands now.", paused())
            .fails(&[Code::Conflict]),
        post("/operator/v1/workspaces/{workspace_id}/resume-sending", sending_resume)
            .id("workspaceSendingResume")
            .summary("Let a workspace send again")
            .tag("Workspaces")
            .answer::<wire::Standing<'static>>(200, "How the workspace stands now.", visits::standing_example())
            .fails(&[Code::Conflict]),
        put("/operator/v1/workspaces/{workspace_id}/review", review_set)
            .id("workspaceReviewSet")
            .summary("Put a workspace under review, or end the review")
            .description("A word to the workspace's owners and to other operators; by itself it stops nothing.")
            .tag("Workspaces")
            .body::<wire::ReviewSet>(json!({ "reason": "Abuse report 4711: unsolicited offers" }))
            .answer::<wire::Standing<'static>>(200, "How the workspace stands now.", visits::standing_example()),
        put("/operator/v1/workspaces/{workspace_id}/plan", plan_set)
            .id("workspacePlanSet")
            .summary("Give a workspace a plan")
            .description("A plan is one of those under /operator/v1/plans. Binds the next request on every node.")
            .tag("Workspaces")
            .body::<wire::PlanSet>(json!({ "plan": "growth" }))
            .answer::<wire::Standing<'static>>(200, "How the workspace stands now.", visits::standing_example()),
        get("/operator/v1/logs", log)
            .id("operatorLog")
            .summary("Look through a log across workspaces")
            .description("Newest first; ids, states, codes and masked numbers only. Each page that is read is in the platform's audit log.")
            .tag("Logs")
            .query(&LOG)
            .query(&LIST)
            .answer_list::<wire::OperatorLogEntry<'static>>("A page of the log.", &entry()),
        get("/operator/v1/operators", operator_list)
            .id("operatorList")
            .summary("See who is an operator")
            .tag("Operators")
            .answer_list::<wire::OperatorPerson<'static>>("All of them, on one page.", &operator()),
        put("/operator/v1/operators", operator_set)
            .id("operatorSet")
            .summary("Make somebody an operator, or none any more")
            .description("Their sessions as an operator end. An installation keeps at least one administrator.")
            .tag("Operators")
            .body::<wire::OperatorSet>(json!({ "email": "ann@example.com", "role": "support" }))
            .answers_nothing("It is so.")
            .fails(&[Code::Conflict, Code::NotFound]),
    ]
}

/// On the listener alone: what takes a person who signed in.
pub fn visit_routes() -> Vec<Route<App>> {
    vec![
        get("/operator/v1/session", session)
            .id("operatorSessionGet")
            .summary("See who is signed in, and take the token for changes")
            .description("Changes from scripts carry the token as X-CSRF-Token beside the cookie.")
            .tag("Operators")
            .answer::<wire::OperatorSession>(200, "The session.", session_example()),
        post("/operator/v1/visits", visit_open)
            .id("operatorVisitOpen")
            .summary("Open a visit of a workspace")
            .description("Lets you read inside the workspace until it ends, at most eight hours. Its owners see it at once, with the reason, and may end it; each request inside is in their audit log.")
            .tag("Visits")
            .body::<wire::OperatorVisitCreate>(json!({
                "workspace_id": "ws_01kagq5rh8e5htqh9sk95d3x4w",
                "reason": "Ticket 4711: deliveries stuck since Monday",
                "content": false,
                "minutes": 60,
            }))
            .answer::<wire::OperatorVisit<'static>>(201, "The visit is open.", visits::example())
            .fails(&[Code::Conflict, Code::NotFound]),
        get("/operator/v1/visits", visit_list_own)
            .id("operatorVisitListOwn")
            .summary("See your visits that are open")
            .tag("Visits")
            .answer_list::<wire::OperatorVisit<'static>>("All of them, on one page.", &visits::example()),
        delete("/operator/v1/workspaces/{workspace_id}/visit", visit_leave)
            .id("operatorVisitLeave")
            .summary("End your visit of a workspace")
            .tag("Visits")
            .answers_nothing("It is over."),
    ]
}

fn paused() -> Value {
    let mut standing = visits::standing_example();
    standing["sending"] = json!("paused");
    standing["sending_paused_at"] = json!("2026-11-01T09:30:00Z");
    standing["sending_paused_reason"] = json!("Abuse report 4711: unsolicited offers");
    standing
}

fn entry() -> Value {
    json!({
        "kind": "message",
        "id": "msg_01kagq5rh8e5htqh9sk95d3x4w",
        "workspace_id": "ws_01kagq5rh8e5htqh9sk95d3x4w",
        "at": "2026-11-01T09:30:00Z",
        "mode": "live",
        "direction": "outbound",
        "message_type": "text",
        "state": "failed",
        "code": "meta_refused",
        "provider_code": 131_026,
        "contact": "+12•••••••23",
        "channel_id": "chn_01kagq5rh8e5htqh9sk95d3x4w",
    })
}

fn operator() -> Value {
    json!({
        "user_id": "usr_01kagq5rh8e5htqh9sk95d3x4w",
        "email": "ann@example.com",
        "name": "Ann Example",
        "role": "administrator",
        "second_factor": true,
        "disabled": false,
    })
}

fn session_example() -> Value {
    json!({ "operator": "usr_01kagq5rh8e5htqh9sk95d3x4w", "csrf_token": "Zm9yIHRoZSBoZWFkZXI" })
}

async fn sending_pause(
    operator: Operator<SendingManage>,
    State(app): State<App>,
    Id(id): Id<WorkspaceId>,
    Json(body): Json<wire::ReasonGive>,
) -> Answer {
    let view = app.workspace_sending_pause(&operator, id, body.reason).await?;
    Ok(reply::ok(&wire::Standing::from(&view)))
}

async fn sending_resume(
    operator: Operator<SendingManage>,
    State(app): State<App>,
    Id(id): Id<WorkspaceId>,
) -> Answer {
    Ok(reply::ok(&wire::Standing::from(&app.workspace_sending_resume(&operator, id).await?)))
}

async fn review_set(
    operator: Operator<SendingManage>,
    State(app): State<App>,
    Id(id): Id<WorkspaceId>,
    Json(body): Json<wire::ReviewSet>,
) -> Answer {
    Ok(reply::ok(&wire::Standing::from(&app.workspace_review_set(&operator, id, body.reason).await?)))
}

async fn plan_set(
    operator: Operator<WorkspaceManage>,
    State(app): State<App>,
    Id(id): Id<WorkspaceId>,
    Json(body): Json<wire::PlanSet>,
) -> Answer {
    Ok(reply::ok(&wire::Standing::from(&app.workspace_plan_set(&operator, id, body.plan).await?)))
}

/// Which page of which log a query asks for; pages ask the same way.
pub(crate) fn log_query(query: &Query) -> Result<LogQuery> {
    let kind = query.get("log").ok_or_else(|| invalid("log: this parameter is required"))?;
    log_query_of(kind, query)
}

/// The same of a named log.
pub(crate) fn log_query_of(kind: &str, query: &Query) -> Result<LogQuery> {
    let kind = LogKind::parse(kind).ok_or_else(|| {
        let known: Vec<&str> = LogKind::ALL.iter().map(|kind| kind.as_str()).collect();
        invalid(format!("log: expected one of {}", known.join(", ")))
    })?;
    let given = |name: &str| query.get(name).filter(|text| !text.is_empty());
    let workspace = match given("workspace_id") {
        None => None,
        Some(text) => Some(text.parse().map_err(|_| invalid("workspace_id: expected an id (ws_…)"))?),
    };
    let instant = |name: &str| match given(name) {
        None => Ok(None),
        Some(text) => Timestamp::parse(text).map(Some).ok_or_else(|| {
            invalid(format!("{name}: expected an RFC 3339 instant such as 2026-11-01T09:30:00Z"))
        }),
    };
    Ok(LogQuery {
        kind,
        workspace,
        state: given("state").map(str::to_owned),
        since: instant("since")?,
        until: instant("until")?,
        page: Paging::of(query)?.into(),
    })
}

async fn log(operator: Operator<LogRead>, State(app): State<App>, query: Query) -> Answer {
    let page = app.operator_log(&operator, log_query(&query)?).await?;
    Ok(reply::page::<_, wire::OperatorLogEntry<'_>>(&page))
}

async fn operator_list(operator: Operator<OperatorRead>, State(app): State<App>) -> Answer {
    let items = app.operator_list(&operator).await?;
    Ok(reply::page::<_, wire::OperatorPerson<'_>>(&Page { items, next: None }))
}

async fn operator_set(
    operator: Operator<UserManage>,
    State(app): State<App>,
    Json(body): Json<wire::OperatorSet>,
) -> Answer {
    app.operator_role_set(&operator, &body.email, body.role).await?;
    Ok(reply::nothing())
}

async fn session(operator: Operator<StatusRead>, State(app): State<App>) -> Answer {
    let OperatorIdentity::Person(user, session) = operator.identity() else {
        return Err(Error::of(Code::NotFound).into());
    };
    let token = app.csrf_token(&crate::console::csrf::session_binding(session)).await?;
    Ok(reply::ok(&wire::OperatorSession { operator: user, csrf_token: token }))
}

async fn visit_open(
    operator: Operator<VisitOpen>,
    State(app): State<App>,
    Json(body): Json<wire::OperatorVisitCreate>,
) -> Answer {
    let view = app.operator_visit_open(&operator, body.into()).await?;
    let mut response = reply::ok(&wire::OperatorVisit::from(&view));
    *response.status_mut() = StatusCode::CREATED;
    Ok(response)
}

async fn visit_list_own(operator: Operator<WorkspaceEnter>, State(app): State<App>) -> Answer {
    let items = app.operator_visits_own(&operator).await?;
    Ok(reply::page::<_, wire::OperatorVisit<'_>>(&Page { items, next: None }))
}

async fn visit_leave(
    operator: Operator<WorkspaceEnter>,
    State(app): State<App>,
    Id(id): Id<WorkspaceId>,
) -> Answer {
    app.operator_visit_leave(&operator, id).await?;
    Ok(reply::nothing())
}
