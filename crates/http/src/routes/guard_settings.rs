//! `/v1/guard/settings`

use axum::extract::State;
use gatepost_app::App;
use gatepost_core::access::permission::{GuardManage, GuardRead};
use serde_json::{Value, json};

use crate::access::{Grant, get, put};
use crate::body::Json;
use crate::reply::{self, Answer};
use crate::route::Route;
use crate::wire;

pub fn routes() -> Vec<Route<App>> {
    vec![
        get("/v1/guard/settings", settings_get)
            .id("guardSettingsGet")
            .summary("Read the guard's settings of the workspace")
            .tag("Suppressions")
            .answer::<wire::GuardSettings>(200, "The settings.", example()),
        put("/v1/guard/settings", settings_set)
            .id("guardSettingsSet")
            .summary("Set the guard's settings of the workspace")
            .description("All of them: what is left out is at its usual value, which holds nothing back. They bind the next message on every node.")
            .tag("Suppressions")
            .body::<wire::GuardSettingsSet>(json!({
                "opt_out_reply": "You will get no more messages from us. Write START to undo this.",
            }))
            .answer::<wire::GuardSettings>(200, "The settings as they are now.", example()),
    ]
}

fn example() -> Value {
    json!({
        "opt_out_reply": "You will get no more messages from us. Write START to undo this.",
        "opt_in_reply": null,
        "frequency_caps": [{ "purpose": "operational", "messages": 5, "hours": 24 }],
        "quiet_hours": { "from": "22:00", "to": "07:00", "purposes": ["operational"] },
        "leave_window_to_meta": false,
    })
}

async fn settings_get(grant: Grant<GuardRead>, State(app): State<App>) -> Answer {
    let settings = app.guard_settings_get(&grant).await?;
    Ok(reply::ok(&wire::GuardSettings::from(settings)))
}

async fn settings_set(
    grant: Grant<GuardManage>,
    State(app): State<App>,
    Json(body): Json<wire::GuardSettingsSet>,
) -> Answer {
    let settings = app.guard_settings_set(&grant, body.settings).await?;
    Ok(reply::ok(&wire::GuardSettings::from(settings)))
}
