//! Reviews: what is held waits for somebody's decision, and every decision is written down.

use gatepost_core::access::{Grant, OperatorGrant, OperatorReason, operator_permission, permission};
use gatepost_core::audit::{Action, AuditEntry};
use gatepost_core::channel::Mode;
use gatepost_core::guard::PolicyDecision;
use gatepost_core::job::JobKind;
use gatepost_core::message::MessageState;
use gatepost_core::{ChannelId, Code, Error, MessageId, Result, ReviewId, Timestamp, WorkspaceId};
use gatepost_store::{
    MessageChange, MessageRow, NewJob, ReviewKind, ReviewRow, ReviewState, WorkspaceScope, WorkspaceTx,
};
use gatepost_vault::WorkspaceKeys;
use serde::Deserialize;

use super::policy::{Refused, policy_refusal_add};
use super::withdrawing::Withdrawal;
use crate::App;
use crate::choices::Choice;
use crate::messages::send_job_id;
use crate::pages::{Page, PageQuery};

/// Something that waits, or waited, for a decision. The words of the message are read with the message.
#[derive(Debug, Clone)]
pub struct ReviewView {
    pub id: ReviewId,
    pub kind: ReviewKind,
    pub message: MessageId,
    pub channel: ChannelId,
    pub mode: Mode,
    /// 0 to 100, where a score decided.
    pub risk_score: Option<u8>,
    /// The rules that spoke, the gravest first.
    pub rules: Vec<String>,
    pub state: ReviewState,
    pub opened_at: Timestamp,
    pub expires_at: Option<Timestamp>,
    pub decided_at: Option<Timestamp>,
    pub decided_by: Option<String>,
    pub reason: Option<String>,
}

/// What is kept of why it is held.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Found {
    risk_score: Option<u8>,
    rules: Vec<String>,
}

impl From<ReviewRow> for ReviewView {
    fn from(row: ReviewRow) -> Self {
        let found: Found = serde_json::from_str(&row.found).unwrap_or_default();
        Self {
            id: row.id,
            kind: row.kind,
            message: row.message,
            channel: row.channel,
            mode: row.mode,
            risk_score: found.risk_score,
            rules: found.rules,
            state: row.state,
            opened_at: row.opened_at,
            expires_at: row.expires_at,
            decided_at: row.decided_at,
            decided_by: row.decided_by,
            reason: row.reason,
        }
    }
}

/// A decision on its way into the tables.
#[derive(Clone)]
struct Deciding {
    id: ReviewId,
    approve: bool,
    by: String,
    reason: String,
    audit: AuditEntry,
    /// Whom it may be about.
    mode: Option<Mode>,
    channels: Option<Vec<ChannelId>>,
}

impl App {
    /// What waits for a decision, or was decided, newest first.
    pub async fn review_list(
        &self,
        grant: &Grant<permission::ReviewRead>,
        state: ReviewState,
        query: PageQuery,
    ) -> Result<Page<ReviewView>> {
        let (before, limit) = query.bounds()?;
        let (mode, bound) = (grant.mode(), grant.channels().map(<[ChannelId]>::to_vec));
        let rows = self
            .0
            .store
            .read(grant.into(), async move |tx| {
                let seen = |row: &ReviewRow| {
                    mode.is_none_or(|m| m == row.mode)
                        && bound.as_ref().is_none_or(|b| b.contains(&row.channel))
                };
                crate::pages::sifted(
                    before,
                    limit,
                    async |before| tx.review_list(state, before, 200).await,
                    |row| row.id.uuid(),
                    seen,
                )
                .await
            })
            .await?;
        query.page(rows, |row| row.id.uuid(), |row| Ok(row.into()))
    }

    /// Errors: `not_found`.
    pub async fn review_get(
        &self,
        grant: &Grant<permission::ReviewRead>,
        id: ReviewId,
    ) -> Result<ReviewView> {
        let row = self.0.store.read(grant.into(), async move |tx| tx.review_get(id).await).await?;
        let row = row.filter(|row| grant.sees(row.mode) && grant.reaches(row.channel));
        row.map(Into::into).ok_or_else(|| Error::of(Code::NotFound))
    }

    /// Lets what is held go, or refuses it.
    ///
    /// Errors: `not_found`, `review_decided`.
    pub async fn review_decide(
        &self,
        grant: &Grant<permission::ReviewDecide>,
        id: ReviewId,
        approve: bool,
        reason: OperatorReason,
    ) -> Result<ReviewView> {
        let audit = self.audit(grant, decision(approve), ("review", id.to_string()), Vec::new());
        let deciding = Deciding {
            id,
            approve,
            by: grant.actor().to_string(),
            reason: reason.into(),
            audit,
            mode: grant.mode(),
            channels: grant.channels().map(<[ChannelId]>::to_vec),
        };
        self.review_settle(grant.into(), deciding).await
    }

    /// The operator decides, without seeing the message.
    ///
    /// Errors: `not_found`, `review_decided`.
    pub async fn review_decide_by_operator(
        &self,
        grant: &OperatorGrant<operator_permission::SendingManage>,
        workspace: WorkspaceId,
        id: ReviewId,
        approve: bool,
        reason: OperatorReason,
    ) -> Result<ReviewView> {
        let audit = self.audit_operator(grant, decision(approve), ("review", id.to_string()));
        let deciding = Deciding {
            id,
            approve,
            by: grant.actor().to_string(),
            reason: reason.into(),
            audit,
            mode: None,
            channels: None,
        };
        let inside = self.workspace_inside(workspace).await?;
        self.review_settle(inside, deciding).await
    }

    /// What waits for a decision in a workspace, for the operator: no words, no numbers.
    pub async fn review_list_by_operator(
        &self,
        _grant: &OperatorGrant<operator_permission::SendingManage>,
        workspace: WorkspaceId,
        query: PageQuery,
    ) -> Result<Page<ReviewView>> {
        let (before, limit) = query.bounds()?;
        let inside = self.workspace_inside(workspace).await?;
        let read =
            self.0.store.read(inside, async move |tx| tx.review_list(ReviewState::Open, before, limit).await);
        query.page(read.await?, |row| row.id.uuid(), |row| Ok(row.into()))
    }

    async fn review_settle(&self, scope: WorkspaceScope, deciding: Deciding) -> Result<ReviewView> {
        let keys = self.0.sealing.keys(scope).await?;
        let (app, now) = (self.clone(), self.now());
        let row = self
            .0
            .store
            .write(scope, async move |tx| {
                let row = tx.review_get(deciding.id).await?.filter(|row| {
                    deciding.mode.is_none_or(|m| m == row.mode)
                        && deciding.channels.as_ref().is_none_or(|b| b.contains(&row.channel))
                });
                let row = row.ok_or_else(|| Error::of(Code::NotFound))?;
                if row.kind == ReviewKind::OptOut && deciding.approve {
                    tx.suppression_gate_exclusive().await?;
                }
                let state = if deciding.approve { ReviewState::Approved } else { ReviewState::Rejected };
                if !tx.review_decide(row.id, state, &deciding.by, &deciding.reason, now).await? {
                    return Err(Error::of(Code::ReviewDecided));
                }
                match row.kind {
                    ReviewKind::Message => app.message_settle(tx, &keys, &row, &deciding, now).await?,
                    ReviewKind::OptOut => app.opt_out_settle(tx, &keys, &row, deciding.approve, now).await?,
                }
                let mut entry = deciding.audit.clone();
                entry.details.push(("message", row.message.to_string()));
                entry.details.push(("reason", deciding.reason.clone()));
                let row = tx.review_get(deciding.id).await?.ok_or_else(|| Error::of(Code::NotFound))?;
                tx.commit(entry, row)
            })
            .await?;
        Ok(row.into())
    }

    /// A held message goes to its queue, or is blocked for good.
    async fn message_settle(
        &self,
        tx: &WorkspaceTx<'_>,
        keys: &WorkspaceKeys,
        review: &ReviewRow,
        deciding: &Deciding,
        now: Timestamp,
    ) -> Result<()> {
        let row = tx.message_get(review.message).await?.ok_or_else(|| Error::of(Code::NotFound))?;
        if row.state != MessageState::Held {
            return Err(Error::of(Code::ReviewDecided));
        }
        if !deciding.approve {
            let end = Withdrawal::prepare(keys, &row, Code::RiskBlocked, now, self.entropy())?;
            if end.write(tx).await?
                && let Some(following) = end.following()
            {
                following.write(self, tx, keys, now).await?;
            }
            return Ok(());
        }
        tx.message_change(&[MessageChange {
            id: row.id,
            state: MessageState::Queued,
            reached: None,
            provider: None,
            error: None,
            doubtful: false,
            drop_content: false,
        }])
        .await?;
        tx.job_insert(&Self::send_job(&row, now)?).await?;
        let release = Refused {
            decision: PolicyDecision::Release,
            code: "review_approved".to_owned(),
            rules: Vec::new(),
            score: None,
            purpose: row.purpose,
            mode: row.mode,
            channel: Some(row.channel),
            message: Some(row.id),
            review: Some(review.id),
            actor: deciding.by.clone(),
            details: None,
            person: row.person.clone().unwrap_or_default(),
        };
        policy_refusal_add(tx, &[release.prepare(keys, now, self.entropy())?], now).await
    }

    fn send_job(row: &MessageRow, now: Timestamp) -> Result<NewJob> {
        let purpose = row.purpose.ok_or_else(|| Error::internal("an outbound message without a purpose"))?;
        Ok(NewJob {
            id: send_job_id(row.id),
            kind: JobKind::MessageSend,
            lane: row.channel.uuid(),
            order_key: row.person.clone(),
            priority: purpose.priority(),
            queued_at: now,
            run_at: now,
            subject: row.id.uuid(),
        })
    }

    /// A person's words were an opt-out, or were not.
    async fn opt_out_settle(
        &self,
        tx: &WorkspaceTx<'_>,
        keys: &WorkspaceKeys,
        review: &ReviewRow,
        opt_out: bool,
        now: Timestamp,
    ) -> Result<()> {
        if !opt_out {
            return Ok(());
        }
        let row = tx.message_get(review.message).await?.ok_or_else(|| Error::of(Code::NotFound))?;
        let choice = Choice::of_review(keys, &row)?;
        self.choices_write(tx, keys, &[&choice], now).await
    }
}

const fn decision(approve: bool) -> Action {
    if approve { Action::ReviewApproved } else { Action::ReviewRejected }
}
