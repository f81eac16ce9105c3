//! Workspaces: made and listed by the operator.

use gatepost_core::access::{OperatorGrant, OperatorIdentity, PermissionSet, Principal, operator_permission};
use gatepost_core::audit::{Action, AuditEntry};
use gatepost_core::{Code, Error, Result, Timestamp, WorkspaceId};
use gatepost_store::{WorkspaceRow, WorkspaceScope};
use std::sync::Arc;

use crate::App;
use crate::audit::Visit;
use crate::guard::AcceptableUse;

#[derive(Debug, Clone)]
pub struct WorkspaceView {
    pub id: WorkspaceId,
    pub name: String,
    pub created_at: Timestamp,
    /// Its owners shut it; the operator can bring it back.
    pub deleted_at: Option<Timestamp>,
    /// The grace is over, and its keys and rows are gone.
    pub destroyed_at: Option<Timestamp>,
}

impl From<WorkspaceRow> for WorkspaceView {
    fn from(row: WorkspaceRow) -> Self {
        let WorkspaceRow { id, name, created_at, deleted_at, destroyed_at } = row;
        Self { id, name, created_at, deleted_at, destroyed_at }
    }
}

/// A workspace's first entry, with the version of the rules that was accepted.
pub(crate) fn with_acceptance(entry: AuditEntry, accepted: Option<&str>) -> AuditEntry {
    match accepted {
        Some(version) => entry.made("acceptable_use", version),
        None => entry,
    }
}

impl App {
    /// The rules that whoever makes a workspace accepts, where there are any.
    pub fn acceptable_use(&self) -> Option<Arc<AcceptableUse>> {
        self.0.config.guard.acceptable_use.clone()
    }

    /// The version that was accepted; `None` where there are no rules.
    ///
    /// Errors: `acceptable_use_required` where there are some and `given` is not their version.
    pub(crate) fn acceptable_use_accepted(&self, given: Option<&str>) -> Result<Option<String>> {
        let Some(rules) = self.acceptable_use() else { return Ok(None) };
        if given == Some(rules.version.as_str()) {
            return Ok(Some(rules.version.clone()));
        }
        let detail = format!("the rules in force are version {}: GET /v1/acceptable-use", rules.version);
        Err(Error::new(Code::AcceptableUseRequired, detail)
            .with_details(serde_json::json!({ "version": rules.version })))
    }

    /// Makes the platform's own keys where the store has none. Called once at every start.
    pub async fn prepare(&self) -> Result<()> {
        let platform = WorkspaceScope::platform().workspace().uuid();
        let known = self.0.store.read_system(async move |tx| tx.wrapped_key_list(platform).await).await?;
        if known.is_empty() {
            let keys = self.0.sealing.new_keys(platform)?;
            let made = self
                .0
                .store
                .write_system(async move |tx| {
                    for key in &keys {
                        tx.wrapped_key_insert(key).await?;
                    }
                    tx.commit(gatepost_core::audit::Audit::None("the platform's first keys"), ())
                })
                .await;
            match made {
                // Another node was faster.
                Err(error) if error.code() == Code::Conflict => {}
                other => other?,
            }
        }
        self.0.sealing.keys(WorkspaceScope::platform()).await.map(drop)
    }

    /// Makes a workspace. Where the installation has rules for acceptable use, `acceptable_use` says which version was
    /// accepted; the operator says so on behalf of whoever will use it.
    ///
    /// Errors: `acceptable_use_required`.
    pub async fn workspace_create(
        &self,
        grant: &OperatorGrant<operator_permission::WorkspaceManage>,
        name: String,
        acceptable_use: Option<&str>,
    ) -> Result<WorkspaceView> {
        let accepted = self.acceptable_use_accepted(acceptable_use)?;
        let now = self.now();
        let id = WorkspaceId::new(now, self.entropy());
        let row = WorkspaceRow { id, name, created_at: now, deleted_at: None, destroyed_at: None };
        let keys = self.0.sealing.new_keys(row.id.uuid())?;
        let audit = self
            .audit_operator(grant, Action::WorkspaceCreated, ("workspace", row.id.to_string()))
            .made("name", &row.name);
        let audit = with_acceptance(audit, accepted.as_deref());
        let shown = row.clone().into();
        self.0
            .store
            .write_system(async move |tx| {
                tx.workspace_insert(&row, &keys, accepted.as_deref()).await?;
                tx.commit(audit.clone(), ())
            })
            .await?;
        Ok(shown)
    }

    /// All of them, newest first.
    pub async fn workspace_list(
        &self,
        _grant: &OperatorGrant<operator_permission::WorkspaceRead>,
    ) -> Result<Vec<WorkspaceView>> {
        let rows = self.0.store.read_system(async |tx| tx.workspace_list().await).await?;
        Ok(rows.into_iter().map(WorkspaceView::from).collect())
    }

    pub async fn workspace_get(
        &self,
        _grant: &OperatorGrant<operator_permission::WorkspaceRead>,
        id: WorkspaceId,
    ) -> Result<WorkspaceView> {
        let row = self.0.store.read_system(async move |tx| tx.workspace_get(id).await).await?;
        row.map(WorkspaceView::from).ok_or_else(|| Error::of(Code::NotFound))
    }

    /// The operator as a principal inside an existing workspace: with everything at the socket, else with what their visit
    /// lets them read. A request is audited there first.
    ///
    /// Errors: `not_found`; `permission_missing` without a visit.
    pub async fn workspace_enter(
        &self,
        grant: &OperatorGrant<operator_permission::WorkspaceEnter>,
        id: WorkspaceId,
        visit: Visit,
    ) -> Result<Arc<Principal>> {
        let row = self.0.store.read_system(async move |tx| tx.workspace_get(id).await).await?;
        let row = row.ok_or_else(|| Error::of(Code::NotFound))?;
        if let OperatorIdentity::Person(user, _) = grant.identity() {
            return self.enter_by_visit(grant, user, row.id, visit).await;
        }
        self.audit_visit(grant, row.id, visit).await?;
        Ok(grant.enter(row.id, PermissionSet::all()))
    }
}
