//! Messages that wait for somebody's decision, and refusals, written down.

use std::sync::Arc;

use gatepost_core::audit::Audit;
use gatepost_core::event::MessageError;
use gatepost_core::guard::PolicyDecision;
use gatepost_core::message::MessageState;
use gatepost_core::verification::fraud::FraudRule;
use gatepost_core::verification::{Flow, Funnel, Stage};
use gatepost_core::{Error, Result, ReviewId};
use gatepost_store::{ReviewKind, ReviewRow, ReviewState, VerificationCount, WorkspaceScope, WorkspaceTx};
use gatepost_vault::WorkspaceKeys;
use serde_json::json;

use super::judging::{Asked, Hold};
use super::policy::{Refused, policy_refusal_add};
use crate::App;
use crate::messages::{MessageView, seal_error};

/// A verification that was not begun, as far as numbers tell of it.
#[derive(Debug, Clone)]
pub(crate) struct RefusedVerification {
    pub flow: Flow,
    /// Two letters, by the number.
    pub country: Option<&'static str>,
    pub template: Option<String>,
}

impl App {
    /// Opens the review of a message that was just stored as held; returns the message as its sender sees it.
    pub(crate) async fn message_hold(
        &self,
        tx: &WorkspaceTx<'_>,
        keys: &WorkspaceKeys,
        asked: &Asked,
        draft: &MessageView,
        hold: &Hold,
        actor: &str,
    ) -> Result<MessageView> {
        let now = draft.created_at;
        let review = ReviewId::new(now, self.entropy());
        let found = json!({ "risk_score": hold.score, "rules": hold.rules });
        let error = MessageError {
            code: "risk_held".to_owned(),
            provider_code: None,
            class: "needs_action".to_owned(),
            detail: format!("held by {} with a score of {}", hold.rules.join(", "), hold.score),
            action: "Wait for the decision of an owner or admin of the workspace, or of the operator."
                .to_owned(),
        };
        tx.message_error_set(draft.id, &seal_error(keys, draft.id, &error)?).await?;
        tx.review_open(&ReviewRow {
            id: review,
            kind: ReviewKind::Message,
            message: draft.id,
            channel: asked.channel,
            mode: asked.mode,
            found: found.to_string(),
            state: ReviewState::Open,
            opened_at: now,
            expires_at: Some(now.plus(self.0.config.guard.review_for)),
            decided_at: None,
            decided_by: None,
            reason: None,
        })
        .await?;
        let refused = Refused {
            decision: PolicyDecision::Hold,
            code: "risk_held".to_owned(),
            rules: hold.rules.clone(),
            score: Some(hold.score),
            purpose: Some(asked.purpose),
            mode: asked.mode,
            channel: Some(asked.channel),
            message: Some(draft.id),
            review: Some(review),
            actor: actor.to_owned(),
            details: Some(found.to_string()),
            person: asked.person.to_vec(),
        };
        policy_refusal_add(tx, &[refused.prepare(keys, now, self.entropy())?], now).await?;
        Ok(MessageView { state: MessageState::Held, error: Some(error), ..draft.clone() })
    }

    /// The same of a verification that was not begun: it is among the numbers of verifications, too.
    pub(crate) async fn verification_refused(
        &self,
        scope: WorkspaceScope,
        keys: &Arc<WorkspaceKeys>,
        asked: &Asked,
        of: RefusedVerification,
        error: &Error,
        actor: String,
    ) {
        self.refusal_write(scope, keys, asked, Some(of), error, actor).await;
    }

    /// Notes that the guard refused a send, after the send's own transaction was undone. Where that cannot be written
    /// the send stays refused, and the log says so.
    pub(crate) async fn policy_refused(
        &self,
        scope: WorkspaceScope,
        keys: &Arc<WorkspaceKeys>,
        asked: &Asked,
        error: &Error,
        actor: String,
    ) {
        self.refusal_write(scope, keys, asked, None, error, actor).await;
    }

    async fn refusal_write(
        &self,
        scope: WorkspaceScope,
        keys: &Arc<WorkspaceKeys>,
        asked: &Asked,
        verification: Option<RefusedVerification>,
        error: &Error,
        actor: String,
    ) {
        let Some(refused) = Refused::of(error, asked, actor) else { return };
        let rule = error.details().and_then(|details| FraudRule::parse(details["rule"].as_str()?));
        if let Some(rule) = rule {
            metrics::counter!("gatepost_verification_refusals_total", "rule" => rule.as_str()).increment(1);
        }
        let now = self.now();
        let (channel, mode) = (asked.channel, asked.mode);
        let written = match refused.prepare(keys, now, self.entropy()) {
            Ok(prepared) => {
                self.0
                    .store
                    .write(scope, async move |tx| {
                        policy_refusal_add(tx, std::slice::from_ref(&prepared), now).await?;
                        if let Some(of) = &verification {
                            let count = VerificationCount {
                                mode,
                                flow: of.flow,
                                channel,
                                country: of.country,
                                template: of.template.as_deref(),
                                begun: now,
                            };
                            tx.verification_count(&count, &Funnel::one(Stage::Refused)).await?;
                        }
                        tx.commit(Audit::None("decisions of the guard are in its own log"), ())
                    })
                    .await
            }
            Err(error) => Err(error),
        };
        if let Err(error) = written {
            tracing::error!(%error, "a refusal of the guard could not be written down");
        }
    }
}
