//! What concerns people's choices, driven.

use gatepost_app::Visit;
use gatepost_core::WorkspaceId;
use gatepost_core::access::operator_permission;
use gatepost_core::audit::Action;
use serde_json::json;

use crate::support::{Stage, made};

/// Whether an action is driven here.
pub fn is(action: Action) -> bool {
    matches!(
        action,
        Action::GuardSettingsChanged
            | Action::VerificationSettingsChanged
            | Action::SuppressionAdded
            | Action::SuppressionLifted
            | Action::SuppressionsImported
            | Action::SuppressionsExported
            | Action::ConsentRecorded
            | Action::ConsentRevoked
            | Action::ConsentsExported
    )
}

/// Prepares whatever an action needs, then counts, then does it. Returns what the log held before.
pub async fn drive(stage: &Stage, action: Action, log: Option<WorkspaceId>) -> usize {
    let Stage { world, tenant, .. } = stage;
    let admin = &tenant.admin;
    let count = async || world.audited(log, action.as_str()).await;
    let suppress = |to: &str| json!({"to": to, "reason": "asked"});
    let consent = json!({"to": "+12025550101", "source": "Web form"});
    let before;
    match action {
        Action::GuardSettingsChanged => {
            before = count().await;
            let add = json!({"label": "opt_out", "keywords": ["schnurz"]});
            admin.post("/v1/guard/keywords", &add).await.expect(200);
        }
        Action::VerificationSettingsChanged => {
            before = count().await;
            let settings = json!({"allowed_countries": ["DE"], "ttl": 120});
            admin.call("PUT", "/v1/verifications/settings", &[], Some(&settings)).await.expect(200);
        }
        Action::SuppressionAdded => {
            before = count().await;
            made(admin, "/v1/suppressions", &suppress("+12025550161")).await;
            // Whoever is suppressed already is not suppressed again.
            made(admin, "/v1/suppressions", &suppress("+12025550161")).await;
        }
        Action::SuppressionLifted => {
            let id = made(admin, "/v1/suppressions", &suppress("+12025550162")).await;
            before = count().await;
            let enter = world.operator::<operator_permission::WorkspaceEnter>();
            let inside = world.app.workspace_enter(&enter, tenant.workspace, Visit::InProcess).await.unwrap();
            let grant = inside.grant().unwrap();
            world.app.suppression_lift(&grant, id.parse().unwrap(), "a mistake".to_owned()).await.unwrap();
        }
        Action::SuppressionsImported => {
            before = count().await;
            let headers = [("content-type", "text/csv")];
            let file = b"+12025550163\n".to_vec();
            admin.raw("POST", "/v1/suppressions/imports", &headers, Some(file)).await.expect(202);
        }
        Action::SuppressionsExported => {
            before = count().await;
            admin.get("/v1/suppressions/export").await.expect(200);
        }
        Action::ConsentRecorded => {
            before = count().await;
            made(admin, "/v1/consents", &consent).await;
        }
        Action::ConsentRevoked => {
            let id = made(admin, "/v1/consents", &consent).await;
            before = count().await;
            let reason = json!({"reason": "by letter"});
            for _ in 0..2 {
                let path = format!("/v1/consents/{id}");
                admin.call("DELETE", &path, &[], Some(&reason)).await.expect(200);
            }
        }
        Action::ConsentsExported => {
            before = count().await;
            admin.get("/v1/consents/export").await.expect(200);
        }
        other => unreachable!("{other} is driven elsewhere"),
    }
    before
}
