//! How a workspace stands with whoever runs the installation: paused, under review, on which plan.

use gatepost_core::guard::Subscription;
use gatepost_core::{Result, Timestamp, WorkspaceId};
use uuid::Uuid;

use crate::engine::{self, Row};
use crate::guard::plans::subscription;
use crate::notices::NewNotice;
use crate::scope::WorkspaceScope;
use crate::store::{SystemTx, WorkspaceTx};
use crate::{params, statements};

/// What operators set for a workspace. A state has its beginning and its reason.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StandingRow {
    pub paused: Option<(Timestamp, String)>,
    pub review: Option<(Timestamp, String)>,
    /// The name of a plan; `None`: the default one.
    pub plan: Option<String>,
    pub subscription: Subscription,
    /// Since when it is in its state; `None`: since the workspace was made.
    pub subscription_since: Option<Timestamp>,
}

/// How much there is of what a workspace owns.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WorkspaceCounts {
    pub members: i64,
    pub channels: i64,
    pub endpoints: i64,
    /// Keys that were not revoked.
    pub keys: i64,
}

statements! {
    GET = same("SELECT sending_paused_at, sending_paused_why, review_since, review_why, plan, subscription, subscription_until, subscription_since FROM workspace WHERE id = $1");
    /// Held until the commit, so that what is told to have been before was.
    HOLD = per(
        "SELECT sending_paused_at, sending_paused_why, review_since, review_why, plan, subscription, subscription_until, subscription_since FROM workspace WHERE id = $1 AND id <> $2",
        "SELECT sending_paused_at, sending_paused_why, review_since, review_why, plan, subscription, subscription_until, subscription_since FROM workspace WHERE id = $1 AND id <> $2 FOR UPDATE"
    );
    SET = same("UPDATE workspace SET sending_paused_at = $2, sending_paused_why = $3, review_since = $4, review_why = $5, plan = $6, subscription = $7, subscription_until = $8, subscription_since = $9 WHERE id = $1");
    STANDINGS = same("SELECT sending_paused_at, sending_paused_why, review_since, review_why, plan, subscription, subscription_until, subscription_since, id FROM workspace WHERE sending_paused_at IS NOT NULL OR review_since IS NOT NULL OR plan IS NOT NULL OR subscription <> 2");
    CHANNELS = same("SELECT COUNT(*) FROM channel WHERE workspace_id = $1 AND deleted_at IS NULL");
    ENDPOINTS = same("SELECT COUNT(*) FROM endpoint WHERE workspace_id = $1 AND deleted_at IS NULL");
    KEYS = same("SELECT COUNT(*) FROM api_key WHERE workspace_id = $1 AND revoked_at IS NULL");
}

fn state(row: &Row<'_>, since: usize) -> engine::Result<Option<(Timestamp, String)>> {
    let why: Option<String> = row.get(since + 1)?;
    let since: Option<i64> = row.get(since)?;
    Ok(since.map(|since| (Timestamp::from_micros(since), why.unwrap_or_default())))
}

fn standing(row: &Row<'_>) -> engine::Result<StandingRow> {
    Ok(StandingRow {
        paused: state(row, 0)?,
        review: state(row, 2)?,
        plan: row.get(4)?,
        subscription: subscription(row, 5)?,
        subscription_since: row.get::<Option<i64>>(7)?.map(Timestamp::from_micros),
    })
}

impl WorkspaceTx<'_> {
    pub async fn standing(&self) -> Result<StandingRow> {
        Ok(self.tx.query_opt(&GET, params![self.workspace], standing).await?.unwrap_or_default())
    }
}

impl SystemTx<'_> {
    pub async fn standing_of(&self, workspace: WorkspaceId) -> Result<StandingRow> {
        Ok(self.tx.query_opt(&GET, params![workspace.uuid()], standing).await?.unwrap_or_default())
    }

    /// How a workspace stands; whoever else would change it waits until this transaction is over. `None`: there is no
    /// such workspace.
    pub async fn standing_hold(&self, workspace: WorkspaceId) -> Result<Option<StandingRow>> {
        Ok(self.tx.query_opt(&HOLD, params![workspace.uuid(), Uuid::nil()], standing).await?)
    }

    pub async fn standing_set(&self, workspace: WorkspaceId, new: &StandingRow) -> Result<()> {
        let (paused, review) = (new.paused.as_ref(), new.review.as_ref());
        let values = params![
            workspace.uuid(),
            paused.map(|(since, _)| since.micros()),
            paused.map(|(_, why)| why.as_str()),
            review.map(|(since, _)| since.micros()),
            review.map(|(_, why)| why.as_str()),
            new.plan.as_deref(),
            new.subscription.state.number(),
            new.subscription.until.map(Timestamp::micros),
            new.subscription_since.map(Timestamp::micros)
        ];
        Ok(self.tx.execute_one(&SET, values).await?)
    }

    /// Of all workspaces that anything was set for.
    pub async fn standings(&self) -> Result<Vec<(WorkspaceId, StandingRow)>> {
        let read = |row: &Row<'_>| Ok((WorkspaceId::from_uuid(row.get(8)?), standing(row)?));
        Ok(self.tx.query(&STANDINGS, params![], read).await?)
    }

    /// Tells a workspace's owners.
    pub async fn workspace_tell(&self, workspace: WorkspaceId, notice: &NewNotice) -> Result<()> {
        self.enter(WorkspaceScope::of(workspace)).notice_add(notice).await
    }

    /// How much there is of what a workspace owns.
    pub async fn workspace_counts(&self, workspace: WorkspaceId) -> Result<WorkspaceCounts> {
        let inside = self.enter(WorkspaceScope::of(workspace));
        let id = workspace.uuid();
        let count = |row: &Row<'_>| row.get::<i64>(0);
        Ok(WorkspaceCounts {
            members: inside.member_count().await?,
            channels: inside.tx.query_one(&CHANNELS, params![id], count).await?,
            endpoints: inside.tx.query_one(&ENDPOINTS, params![id], count).await?,
            keys: inside.tx.query_one(&KEYS, params![id], count).await?,
        })
    }

    /// The right to a workspace's rows for what operators see of it; `None`: there is no such workspace, or nothing left of
    /// it.
    pub async fn workspace_scope(&self, workspace: WorkspaceId) -> Result<Option<WorkspaceScope>> {
        let row = self.workspace_get(workspace).await?.filter(|row| row.destroyed_at.is_none());
        Ok(row.map(|row| row.scope()))
    }
}
