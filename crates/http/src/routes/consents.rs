//! `/v1/consents`

use axum::extract::State;
use gatepost_app::{App, ConsentRecord};
use gatepost_core::access::permission::{self, GuardRead, SuppressionExport};
use gatepost_core::{Code, ConsentId};
use http::StatusCode;
use serde_json::{Value, json};

use super::suppressions::{FORMAT, file, format};
use super::{mode_of, split};
use crate::access::{Grant, delete, get, post};
use crate::body::{Create, Json};
use crate::path::Id;
use crate::query::{LIST, Paging, Query};
use crate::reply::{self, Answer};
use crate::route::Route;
use crate::wire;

pub fn routes() -> Vec<Route<App>> {
    vec![
        post("/v1/consents", consent_record)
            .id("consentRecord")
            .summary("Record that a person agreed to hear from the workspace")
            .description("Purposes that an operator opened for a plan go to people with a recorded opt-in only. It lifts no suppression: only the person does.")
            .tag("Consents")
            .creates::<wire::ConsentRecord>(json!({
                "to": "+12025550156",
                "purpose": "marketing",
                "source": "Web form /newsletter",
                "proof": "Yes, send me offers on WhatsApp. I can stop them at any time by writing STOP.",
            }))
            .answer::<wire::Consent<'static>>(201, "The recorded opt-in.", example())
            .fails(&[Code::ChannelNotAllowed]),
        get("/v1/consents", consent_list)
            .id("consentList")
            .open_when_suspended()
            .summary("List recorded opt-ins, the newest first")
            .tag("Consents")
            .query(&LIST)
            .answer_list::<wire::Consent<'static>>("A page of recorded opt-ins.", &example())
            .fails(&[Code::ChannelNotAllowed]),
        get("/v1/consents/export", consent_export)
            .id("consentExport")
            .open_when_suspended()
            .summary("Export the recorded opt-ins")
            .description("All of them with their proofs, the revoked ones too, the newest first. No cell of the CSV begins a formula.")
            .tag("Consents")
            .query(&FORMAT)
            .answers_file("The ledger, as an attachment.")
            .fails(&[Code::ChannelNotAllowed]),
        get("/v1/consents/{consent_id}", consent_get)
            .id("consentGet")
            .open_when_suspended()
            .summary("Read a recorded opt-in")
            .tag("Consents")
            .answer::<wire::Consent<'static>>(200, "The recorded opt-in.", example())
            .fails(&[Code::ChannelNotAllowed]),
        delete("/v1/consents/{consent_id}", consent_revoke)
            .id("consentRevoke")
            .open_when_suspended()
            .summary("Revoke a recorded opt-in")
            .description("It stays in the ledger, with the reason. An opt-out of the person revokes all of theirs by itself.")
            .tag("Consents")
            .body::<wire::GuardReason>(json!({ "reason": "Withdrawn by letter" }))
            .answer::<wire::Consent<'static>>(200, "The opt-in, revoked.", example())
            .fails(&[Code::ChannelNotAllowed]),
    ]
}

fn example() -> Value {
    json!({
        "id": "cst_01kagq5rh8e5htqh9sk95d3x4w",
        "mode": "live",
        "contact": { "phone": "+12025550156", "bsuid": null },
        "purpose": "marketing",
        "source": "Web form /newsletter",
        "proof": "Yes, send me offers on WhatsApp. I can stop them at any time by writing STOP.",
        "given_at": "2026-11-01T09:30:00Z",
        "recorded_at": "2026-11-01T09:30:00Z",
        "actor": "key_01kagq5rh8e5htqh9sk95d3x4w",
        "revoked_at": null,
        "revoked_why": null,
    })
}

async fn consent_record(
    grant: Grant<permission::ConsentRecord>,
    State(app): State<App>,
    create: Create<wire::ConsentRecord>,
) -> Answer {
    let (body, idempotent) = split(create);
    let wire::ConsentRecord { to, purpose, source, proof, given_at, mode } = body;
    let record = ConsentRecord { to, mode: mode_of(&grant, mode)?, purpose, source, proof, given_at };
    let outcome = app.consent_record(&grant, record, idempotent).await?;
    Ok(reply::made(StatusCode::CREATED, outcome))
}

async fn consent_list(grant: Grant<GuardRead>, State(app): State<App>, query: Query) -> Answer {
    let page = app.consent_list(&grant, Paging::of(&query)?.into()).await?;
    Ok(reply::page::<_, wire::Consent<'_>>(&page))
}

async fn consent_export(grant: Grant<SuppressionExport>, State(app): State<App>, query: Query) -> Answer {
    Ok(file(app.consent_export(&grant, format(&query)?).await?))
}

async fn consent_get(grant: Grant<GuardRead>, State(app): State<App>, Id(id): Id<ConsentId>) -> Answer {
    let view = app.consent_get(&grant, id).await?;
    Ok(reply::ok(&wire::Consent::from(&view)))
}

async fn consent_revoke(
    grant: Grant<permission::ConsentRecord>,
    State(app): State<App>,
    Id(id): Id<ConsentId>,
    Json(body): Json<wire::GuardReason>,
) -> Answer {
    let view = app.consent_revoke(&grant, id, body.reason).await?;
    Ok(reply::ok(&wire::Consent::from(&view)))
}
