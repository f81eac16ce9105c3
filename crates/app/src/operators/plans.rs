//! Plans, as operators write them. A change binds the next request of every workspace that has the plan, on every node.

use gatepost_core::access::{OperatorGrant, operator_permission};
use gatepost_core::audit::Action;
use gatepost_core::guard::{Plan, PlanName};
use gatepost_core::{Code, Error, FieldError, Result, Timestamp};
use gatepost_store::PlanRow;

use crate::App;

/// A plan as operators see it.
#[derive(Debug, Clone)]
pub struct PlanView {
    pub name: String,
    pub plan: Plan,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    /// How many workspaces were given it.
    pub workspaces: i64,
    /// Whether workspaces without a plan have it.
    pub default: bool,
}

/// A plan as it is written into the audit log.
fn written(plan: &Plan) -> Result<String> {
    serde_json::to_string(plan).map_err(Error::internal)
}

impl App {
    /// The name of the plan of workspaces that have none.
    pub(crate) fn default_plan(&self) -> Option<std::sync::Arc<str>> {
        self.0.config.guard.default_plan.clone()
    }

    /// The name of the configured plan of workspaces without one, where there is no such plan.
    pub async fn default_plan_missing(&self) -> Result<Option<String>> {
        let Some(name) = self.default_plan() else { return Ok(None) };
        let wanted = PlanName::parse(&name).map_err(Error::internal)?;
        let found = self.0.store.read_system(async move |tx| tx.plan_get(&wanted).await).await?;
        Ok(found.is_none().then(|| name.to_string()))
    }

    fn plan_view(&self, row: PlanRow) -> Result<PlanView> {
        Ok(PlanView {
            plan: Plan::parse(&row.body)
                .map_err(|error| Error::internal(format!("the plan {} cannot be read: {error}", row.name)))?,
            default: self.default_plan().as_deref() == Some(row.name.as_str()),
            name: row.name,
            created_at: row.created_at,
            updated_at: row.updated_at,
            workspaces: row.workspaces,
        })
    }

    /// All plans, by name.
    pub async fn plan_list(
        &self,
        _grant: &OperatorGrant<operator_permission::WorkspaceRead>,
    ) -> Result<Vec<PlanView>> {
        let rows = self.0.store.read_system(async |tx| tx.plan_list().await).await?;
        rows.into_iter().map(|row| self.plan_view(row)).collect()
    }

    /// Errors: `not_found`.
    pub async fn plan_get(
        &self,
        _grant: &OperatorGrant<operator_permission::WorkspaceRead>,
        name: PlanName,
    ) -> Result<PlanView> {
        let row = self.0.store.read_system(async move |tx| tx.plan_get(&name).await).await?;
        self.plan_view(row.ok_or_else(|| Error::of(Code::NotFound))?)
    }

    /// Makes a plan, or changes the one of this name. When this returns, the next request of every workspace that has it
    /// is held against it. True beside it where it was made.
    ///
    /// Errors: `invalid_field` for a preset of request limits that the configuration does not know.
    pub async fn plan_put(
        &self,
        grant: &OperatorGrant<operator_permission::WorkspaceManage>,
        name: PlanName,
        plan: Plan,
    ) -> Result<(PlanView, bool)> {
        let limits = &self.0.config.limits;
        if let Some(preset) = plan.requests.as_deref().filter(|name| limits.preset(name).is_none()) {
            let detail = format!("there is no preset {preset}; there are {}", limits.names());
            return Err(Error::fields(vec![FieldError::new("/requests", "invalid_value", detail)]));
        }
        let now = self.now();
        let target = || ("plan", name.to_string());
        let after = written(&plan)?;
        let made = self.audit_operator(grant, Action::PlanCreated, target()).made("plan", after.clone());
        let changed = self.audit_operator(grant, Action::PlanUpdated, target());
        let (row, new, epoch) = self
            .0
            .store
            .write_system(async move |tx| {
                let before = tx.plan_hold(&name).await?;
                tx.plan_put(&name, &plan, before.is_none(), now).await?;
                let row = tx.plan_get(&name).await?.ok_or_else(|| Error::of(Code::NotFound))?;
                let epoch = tx.credential_epoch_raise().await?;
                let entry = match &before {
                    None => made.clone(),
                    Some(before) => changed.clone().changed("plan", before.clone(), after.clone()),
                };
                tx.commit(entry, (row, before.is_none(), epoch))
            })
            .await?;
        self.await_epoch(epoch).await?;
        Ok((self.plan_view(row)?, new))
    }

    /// Removes a plan that nobody has.
    ///
    /// Errors: `not_found`; `conflict` where a workspace has it, or it is that of workspaces without one.
    pub async fn plan_delete(
        &self,
        grant: &OperatorGrant<operator_permission::WorkspaceManage>,
        name: PlanName,
    ) -> Result<()> {
        if self.default_plan().as_deref() == Some(name.as_str()) {
            let detail =
                "workspaces without a plan have this one, as the configuration says (guard.default_plan)";
            return Err(Error::new(Code::Conflict, detail));
        }
        let entry = self.audit_operator(grant, Action::PlanDeleted, ("plan", name.to_string()));
        self.0
            .store
            .write_system(async move |tx| {
                let before = tx.plan_hold(&name).await?.ok_or_else(|| Error::of(Code::NotFound))?;
                if let Some(workspace) = tx.plan_in_use(&name).await? {
                    let detail = format!("a workspace has this plan: {workspace}; give it another one first");
                    return Err(Error::new(Code::Conflict, detail));
                }
                tx.plan_delete(&name).await?;
                tx.commit(entry.clone().was("plan", before), ())
            })
            .await
    }
}
