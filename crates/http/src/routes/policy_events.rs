//! `/v1/policy-events`

use axum::extract::State;
use gatepost_app::App;
use gatepost_core::access::permission::GuardRead;
use serde_json::{Value, json};

use crate::access::{Grant, get};
use crate::query::{LIST, Paging, Query};
use crate::reply::{self, Answer};
use crate::route::Route;
use crate::wire;

pub fn routes() -> Vec<Route<App>> {
    vec![
        get("/v1/policy-events", policy_event_list)
            .id("policyEventList")
            .summary("List what the guard did not simply let through, the newest first")
            .description("Each decision with its code, rules and score; never the text or the number. The same news come by webhook as policy.blocked and policy.held.")
            .tag("Guard")
            .query(&LIST)
            .answer_list::<wire::PolicyEvent<'static>>("A page of decisions.", &policy_event()),
    ]
}

fn policy_event() -> Value {
    json!({
        "id": "pol_01kagq5rh8e5htqh9sk95d3x4w",
        "decision": "block",
        "code": "frequency_capped",
        "rule": null,
        "risk_score": null,
        "purpose": "operational",
        "mode": "live",
        "channel_id": "chn_01kagq5rh8e5htqh9sk95d3x4w",
        "message_id": null,
        "actor": "key_01kagq5rh8e5htqh9sk95d3x4w",
        "details": { "action": "block", "limit": 3, "hours": 24 },
        "at": "2026-11-01T09:30:00Z",
    })
}

async fn policy_event_list(grant: Grant<GuardRead>, State(app): State<App>, query: Query) -> Answer {
    let page = app.policy_event_list(&grant, Paging::of(&query)?.into()).await?;
    Ok(reply::page::<_, wire::PolicyEvent<'_>>(&page))
}
