//! Workspaces: the tenants.

use gatepost_core::{IdentityProviderId, Result, Timestamp, WorkspaceId};
use uuid::Uuid;

use crate::engine::{self, Row};
use crate::scope::WorkspaceScope;
use crate::store::{SystemTx, WorkspaceTx};
use crate::wrapped_keys::WrappedKeyRow;
use crate::{params, statements};

#[derive(Debug, Clone)]
pub struct WorkspaceRow {
    pub id: WorkspaceId,
    pub name: String,
    pub created_at: Timestamp,
    /// Nobody opens it any more.
    pub deleted_at: Option<Timestamp>,
    /// Its keys are gone: it cannot be brought back.
    pub destroyed_at: Option<Timestamp>,
}

impl WorkspaceRow {
    /// The right to its rows, for maintenance that walks workspaces.
    pub const fn scope(&self) -> WorkspaceScope {
        WorkspaceScope::of(self.id)
    }
}

/// The rules of a workspace for its members.
#[derive(Debug, Clone)]
pub struct WorkspaceRules {
    pub name: String,
    pub created_at: Timestamp,
    pub second_factor_required: bool,
    pub only_through: Option<IdentityProviderId>,
    /// IANA name; days and months are counted in it.
    pub time_zone: String,
}

statements! {
    INSERT = same("INSERT INTO workspace (id, name, created_at, acceptable_use) VALUES ($1, $2, $3, $4)");
    GET = same("SELECT id, name, created_at, deleted_at, destroyed_at FROM workspace WHERE id = $1 AND id <> $2");
    LIST = same("SELECT id, name, created_at, deleted_at, destroyed_at FROM workspace WHERE id <> $1 ORDER BY id DESC");
    RULES = same("SELECT name, created_at, second_factor_required, only_through, time_zone FROM workspace WHERE id = $1");
    SET_RULES = same("UPDATE workspace SET name = $2, second_factor_required = $3, time_zone = $4 WHERE id = $1");
    SET_DELETED = same("UPDATE workspace SET deleted_at = $2 WHERE id = $1");
}

pub(crate) fn raw(row: &Row<'_>) -> engine::Result<WorkspaceRow> {
    Ok(WorkspaceRow {
        id: WorkspaceId::from_uuid(row.get::<Uuid>(0)?),
        name: row.get(1)?,
        created_at: Timestamp::from_micros(row.get(2)?),
        deleted_at: row.get::<Option<i64>>(3)?.map(Timestamp::from_micros),
        destroyed_at: row.get::<Option<i64>>(4)?.map(Timestamp::from_micros),
    })
}

impl WorkspaceTx<'_> {
    /// The workspace itself.
    pub async fn workspace_rules(&self) -> Result<WorkspaceRules> {
        let rules = |row: &Row<'_>| {
            Ok(WorkspaceRules {
                name: row.get(0)?,
                created_at: Timestamp::from_micros(row.get(1)?),
                second_factor_required: row.get(2)?,
                only_through: row.get::<Option<Uuid>>(3)?.map(IdentityProviderId::from_uuid),
                time_zone: row.get(4)?,
            })
        };
        Ok(self.tx.query_one(&RULES, params![self.workspace], rules).await?)
    }

    /// Sets the name, the time zone, and whether members need a second factor.
    pub async fn workspace_rules_set(&self, rules: &WorkspaceRules) -> Result<()> {
        let values = params![
            self.workspace,
            rules.name.as_str(),
            rules.second_factor_required,
            rules.time_zone.as_str()
        ];
        Ok(self.tx.execute_one(&SET_RULES, values).await?)
    }

    /// From then on nobody and no key opens the workspace.
    pub async fn workspace_delete(&self, at: Timestamp) -> Result<()> {
        Ok(self.tx.execute_one(&SET_DELETED, params![self.workspace, at.micros()]).await?)
    }
}

impl SystemTx<'_> {
    /// Makes a workspace and its keys. `accepted` is the version of the rules for acceptable use that was accepted.
    pub async fn workspace_insert(
        &self,
        workspace: &WorkspaceRow,
        keys: &[WrappedKeyRow],
        accepted: Option<&str>,
    ) -> Result<()> {
        let values = params![workspace.id.uuid(), &workspace.name, workspace.created_at.micros(), accepted];
        self.tx.execute_one(&INSERT, values).await?;
        for key in keys {
            self.wrapped_key_insert(key).await?;
        }
        Ok(())
    }

    pub async fn workspace_get(&self, id: WorkspaceId) -> Result<Option<WorkspaceRow>> {
        Ok(self.tx.query_opt(&GET, params![id.uuid(), Uuid::nil()], raw).await?)
    }

    /// Takes a deletion back.
    pub async fn workspace_restore(&self, id: WorkspaceId) -> Result<()> {
        Ok(self.tx.execute_one(&SET_DELETED, params![id.uuid(), None::<i64>]).await?)
    }

    /// All workspaces, newest first; the platform itself is not one.
    pub async fn workspace_list(&self) -> Result<Vec<WorkspaceRow>> {
        Ok(self.tx.query(&LIST, params![Uuid::nil()], raw).await?)
    }

    /// The scopes of all workspaces, for maintenance that walks them.
    pub async fn workspace_scopes(&self) -> Result<Vec<WorkspaceScope>> {
        Ok(self.workspace_list().await?.into_iter().map(|w| WorkspaceScope::of(w.id)).collect())
    }
}
