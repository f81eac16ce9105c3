//! Plans, and what they and the subscription come to for a workspace.

use gatepost_core::guard::{Entitlements, Plan, PlanName, Subscription, SubscriptionState};
use gatepost_core::{Error, Result, Timestamp, WorkspaceId};

use crate::engine::{self, Row};
use crate::store::{SystemTx, WorkspaceTx};
use crate::{params, statements};

/// A plan as it is stored.
#[derive(Debug, Clone)]
pub struct PlanRow {
    pub name: String,
    /// JSON.
    pub body: String,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// How many workspaces have it.
    pub workspaces: i64,
}

/// What a workspace may use, and under which plan.
#[derive(Debug, Clone, Default)]
pub struct Entitled {
    pub subscription: Subscription,
    /// `None`: everything, without limits.
    pub plan: Option<Plan>,
}

impl Entitled {
    pub fn entitlements(&self) -> Entitlements {
        match &self.plan {
            Some(plan) => Entitlements::of(self.subscription, plan),
            None => Entitlements { subscription: self.subscription, ..Entitlements::default() },
        }
    }
}

statements! {
    LIST = same("SELECT p.name, p.body, p.created_at, p.updated_at, (SELECT COUNT(*) FROM workspace w WHERE w.plan = p.name) FROM plan p ORDER BY p.name");
    GET = same("SELECT p.name, p.body, p.created_at, p.updated_at, (SELECT COUNT(*) FROM workspace w WHERE w.plan = p.name) FROM plan p WHERE p.name = $1");
    /// Held until the commit: nobody is given a plan that goes, and none goes that somebody is being given.
    HOLD = per("SELECT body FROM plan WHERE name = $1", "SELECT body FROM plan WHERE name = $1 FOR UPDATE");
    INSERT = same("INSERT INTO plan (name, body, created_at, updated_at) VALUES ($1, $2, $3, $3)");
    UPDATE = same("UPDATE plan SET body = $2, updated_at = $3 WHERE name = $1");
    DELETE = same("DELETE FROM plan WHERE name = $1");
    OF = same("SELECT id FROM workspace WHERE plan = $1 ORDER BY id LIMIT 1");
    ENTITLED = same("SELECT w.subscription, w.subscription_until, p.body FROM workspace w LEFT JOIN plan p ON p.name = COALESCE(w.plan, $2) WHERE w.id = $1");
}

fn plan(row: &Row<'_>) -> engine::Result<PlanRow> {
    Ok(PlanRow {
        name: row.get(0)?,
        body: row.get(1)?,
        created_at: Timestamp::from_micros(row.get(2)?),
        updated_at: Timestamp::from_micros(row.get(3)?),
        workspaces: row.get(4)?,
    })
}

/// A subscription in two columns, its state and its end.
pub(crate) fn subscription(row: &Row<'_>, index: usize) -> engine::Result<Subscription> {
    Ok(Subscription {
        state: SubscriptionState::from_number(row.get(index)?).ok_or_else(|| row.corrupt(index))?,
        until: row.get::<Option<i64>>(index + 1)?.map(Timestamp::from_micros),
    })
}

/// A plan's text in a column that may be missing. What cannot be read was damaged, and opens nothing.
pub(crate) fn plan_body(row: &Row<'_>, index: usize) -> engine::Result<Option<Plan>> {
    let body: Option<String> = row.get(index)?;
    body.map(|body| Plan::parse(&body).map_err(|_| row.corrupt(index))).transpose()
}

impl WorkspaceTx<'_> {
    /// What the workspace may use; `default_plan` is that of workspaces without one.
    pub async fn entitled(&self, default_plan: Option<&str>) -> Result<Entitled> {
        let read =
            |row: &Row<'_>| Ok(Entitled { subscription: subscription(row, 0)?, plan: plan_body(row, 2)? });
        Ok(self
            .tx
            .query_opt(&ENTITLED, params![self.workspace, default_plan], read)
            .await?
            .unwrap_or_default())
    }
}

impl SystemTx<'_> {
    /// All plans, by name.
    pub async fn plan_list(&self) -> Result<Vec<PlanRow>> {
        Ok(self.tx.query(&LIST, params![], plan).await?)
    }

    pub async fn plan_get(&self, name: &PlanName) -> Result<Option<PlanRow>> {
        Ok(self.tx.query_opt(&GET, params![name.as_str()], plan).await?)
    }

    /// A plan's text; whoever else would change it, or give it to a workspace, waits until this transaction is over.
    pub async fn plan_hold(&self, name: &PlanName) -> Result<Option<String>> {
        Ok(self.tx.query_opt(&HOLD, params![name.as_str()], |row: &Row<'_>| row.get(0)).await?)
    }

    /// Writes a plan; `new` says whether there is none of the name yet.
    pub async fn plan_put(&self, name: &PlanName, plan: &Plan, new: bool, now: Timestamp) -> Result<()> {
        let body = serde_json::to_string(plan).map_err(Error::internal)?;
        let statement = if new { &INSERT } else { &UPDATE };
        Ok(self.tx.execute_one(statement, params![name.as_str(), body.as_str(), now.micros()]).await?)
    }

    /// A workspace that has the plan, where one has.
    pub async fn plan_in_use(&self, name: &PlanName) -> Result<Option<WorkspaceId>> {
        let read = |row: &Row<'_>| Ok(WorkspaceId::from_uuid(row.get(0)?));
        Ok(self.tx.query_opt(&OF, params![name.as_str()], read).await?)
    }

    pub async fn plan_delete(&self, name: &PlanName) -> Result<()> {
        Ok(self.tx.execute_one(&DELETE, params![name.as_str()]).await?)
    }
}
