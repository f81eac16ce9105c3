//! What operators do, driven.

use gatepost_app::OperatorVisitOpen;
use gatepost_core::WorkspaceId;
use gatepost_core::access::{OperatorReason, OperatorRole, VISIT_LASTS};
use gatepost_core::audit::Action;
use serde_json::json;

use crate::support::Stage;

/// Whether it is an action of this file.
pub fn is(action: Action) -> bool {
    is_platforms(action)
        || matches!(
            action,
            Action::OperatorVisitOpened
                | Action::OperatorVisitEnded
                | Action::WorkspaceSendingPaused
                | Action::WorkspaceSendingResumed
                | Action::WorkspaceReviewChanged
                | Action::WorkspacePlanChanged
                | Action::SubscriptionChanged
        )
}

/// Whether it is told of in the platform's log.
pub fn is_platforms(action: Action) -> bool {
    matches!(
        action,
        Action::OperatorRoleChanged
            | Action::OperatorLogRead
            | Action::PlanCreated
            | Action::PlanUpdated
            | Action::PlanDeleted
            | Action::BillingRefused
    )
}

/// Prepares whatever an action needs, then counts, then does it. Returns what the log held before.
pub async fn drive(stage: &Stage, action: Action, log: Option<WorkspaceId>) -> usize {
    let Stage { world, tenant, .. } = stage;
    let count = async || world.audited(log, action.as_str()).await;
    let at = |rest: &str| format!("/operator/v1/workspaces/{}/{rest}", tenant.workspace);
    let reason = json!({"reason": "Abuse report 4711"});
    let before;
    match action {
        Action::WorkspaceSendingPaused => {
            before = count().await;
            stage.operator("POST", &at("pause-sending"), Some(&reason)).await;
            stage.operator("POST", &at("resume-sending"), None).await;
        }
        Action::WorkspaceSendingResumed => {
            stage.operator("POST", &at("pause-sending"), Some(&reason)).await;
            before = count().await;
            stage.operator("POST", &at("resume-sending"), None).await;
        }
        Action::WorkspaceReviewChanged => {
            before = count().await;
            stage.operator("PUT", &at("review"), Some(&reason)).await;
        }
        Action::WorkspacePlanChanged => {
            stage.operator("PUT", "/operator/v1/plans/growth", Some(&json!({}))).await;
            before = count().await;
            stage.operator("PUT", &at("plan"), Some(&json!({"plan": "growth"}))).await;
            return before;
        }
        Action::SubscriptionChanged => {
            before = count().await;
            stage.operator("PUT", &at("subscription"), Some(&json!({"state": "trialing"}))).await;
        }
        Action::PlanCreated => {
            before = count().await;
            stage.operator("PUT", "/operator/v1/plans/made", Some(&json!({}))).await;
        }
        Action::PlanUpdated => {
            stage.operator("PUT", "/operator/v1/plans/changed", Some(&json!({}))).await;
            before = count().await;
            stage.operator("PUT", "/operator/v1/plans/changed", Some(&json!({"grace_days": 3}))).await;
        }
        Action::PlanDeleted => {
            stage.operator("PUT", "/operator/v1/plans/gone", Some(&json!({}))).await;
            before = count().await;
            stage.operator("DELETE", "/operator/v1/plans/gone", None).await;
        }
        Action::BillingRefused => {
            before = count().await;
            let forged = [("stripe-signature", "t=1,v1=00")];
            let nobody = world.nobody();
            let answer = nobody.raw("POST", "/hooks/billing/stripe", &forged, Some(b"{}".to_vec())).await;
            assert_eq!(answer.code(), "signature_invalid");
            world.app.refusals_settle().await;
        }
        Action::OperatorVisitOpened | Action::OperatorVisitEnded => {
            let (_, session) = world.operator_signed_in(OperatorRole::Support).await;
            let open = OperatorVisitOpen {
                workspace: tenant.workspace,
                reason: OperatorReason::parse("Ticket 4711: stuck sends").unwrap(),
                content: false,
                lasts: VISIT_LASTS,
            };
            before = count().await;
            let request = world.caller().request.unwrap();
            let grant = world.operator_grant(&session).await.in_request(request);
            world.app.operator_visit_open(&grant, open).await.unwrap();
            let grant = world.operator_grant(&session).await.in_request(request);
            world.app.operator_visit_leave(&grant, tenant.workspace).await.unwrap();
        }
        Action::OperatorRoleChanged => {
            let somebody = world.somebody(None).await;
            before = count().await;
            let role = json!({"email": somebody.email, "role": "support"});
            stage.operator("PUT", "/operator/v1/operators", Some(&role)).await;
        }
        Action::OperatorLogRead => {
            before = count().await;
            stage.operator("GET", "/operator/v1/logs?log=failures", None).await;
        }
        other => unreachable!("nothing drives {other}"),
    }
    before
}
