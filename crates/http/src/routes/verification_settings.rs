//! `/v1/verifications/settings` and `/v1/verifications/countries`

use axum::extract::State;
use gatepost_app::{App, Page};
use gatepost_core::access::permission::{VerificationManage, VerificationRead};
use serde_json::{Value, json};

use crate::access::{Grant, get, put};
use crate::body::Json;
use crate::reply::{self, Answer};
use crate::route::Route;
use crate::wire;

pub fn routes() -> Vec<Route<App>> {
    vec![
        get("/v1/verifications/settings", settings_get)
            .id("verificationSettingsGet")
            .open_when_suspended()
            .summary("Read what verifications are made with and held against")
            .tag("Verifications")
            .answer::<wire::VerificationSettings>(200, "The settings as they hold.", example()),
        put("/v1/verifications/settings", settings_set)
            .id("verificationSettingsSet")
            .summary("Set what verifications are made with and held against")
            .description("All of them: what is left out, or null, is the usual again. They bind the next verification on every node. What was read can be sent back; what is usual is then set to what it was.")
            .tag("Verifications")
            .body::<wire::VerificationSettingsSet>(json!({
                "app_name": "Example Shop",
                "allowed_countries": ["US", "CA"],
                "velocity": { "phone": { "per_hour": 5, "per_day": 10 } },
            }))
            .answer::<wire::VerificationSettings>(200, "The settings as they hold now.", example()),
        get("/v1/verifications/countries", country_list)
            .id("verificationCountryList")
            .open_when_suspended()
            .summary("List the countries that codes go to")
            .description("Those that the settings name, and those in which somebody was verified. In live mode codes go to no others; in test mode this list is not asked.")
            .tag("Verifications")
            .answer_list::<wire::VerificationCountry>("All of them, on one page.", &json!({
                "country": "US",
                "allowed": true,
                "verified_at": "2026-11-01T09:30:21Z",
            })),
    ]
}

fn example() -> Value {
    json!({
        "template": null,
        "text": null,
        "app_name": "Example Shop",
        "ttl": null,
        "code_length": null,
        "max_attempts": null,
        "allowed_countries": ["CA", "US"],
        "blocked_countries": [],
        "cool_downs": [30, 60, 120, 300, 600, 1_800, 3_600],
        "velocity": {
            "phone": { "per_hour": 5, "per_day": 10 },
            "client_ip": { "per_hour": 30, "per_day": 200 },
            "range": { "per_hour": 100, "per_day": 500 },
            "workspace": { "per_hour": 20_000, "per_day": null },
        },
        "pumping": { "enabled": true, "tries": 20, "percent": 10, "block_minutes": [15, 60, 240, 1_440] },
    })
}

async fn settings_get(grant: Grant<VerificationRead>, State(app): State<App>) -> Answer {
    Ok(reply::ok(&wire::VerificationSettings::from(app.verification_settings_get(&grant).await?)))
}

async fn settings_set(
    grant: Grant<VerificationManage>,
    State(app): State<App>,
    Json(wire::VerificationSettingsSet(settings)): Json<wire::VerificationSettingsSet>,
) -> Answer {
    Ok(reply::ok(&wire::VerificationSettings::from(app.verification_settings_set(&grant, settings).await?)))
}

async fn country_list(grant: Grant<VerificationRead>, State(app): State<App>) -> Answer {
    let items = app.verification_country_list(&grant).await?;
    Ok(reply::page::<_, wire::VerificationCountry>(&Page { items, next: None }))
}
