//! Workspaces: the tenants.

use gatepost_core::{Result, Timestamp, WorkspaceId};
use uuid::Uuid;

use crate::engine::{self, Row};
use crate::scope::WorkspaceScope;
use crate::store::SystemTx;
use crate::wrapped_keys::WrappedKeyRow;
use crate::{params, statements};

#[derive(Debug, Clone)]
pub struct WorkspaceRow {
    pub id: WorkspaceId,
    pub name: String,
    pub created_at: Timestamp,
}

statements! {
    INSERT = same("INSERT INTO workspace (id, name, created_at) VALUES ($1, $2, $3)");
    GET = same("SELECT id, name, created_at FROM workspace WHERE id = $1 AND id <> $2");
    LIST = same("SELECT id, name, created_at FROM workspace WHERE id <> $1 ORDER BY id DESC");
}

fn raw(row: &Row<'_>) -> engine::Result<WorkspaceRow> {
    Ok(WorkspaceRow {
        id: WorkspaceId::from_uuid(row.get::<Uuid>(0)?),
        name: row.get(1)?,
        created_at: Timestamp::from_micros(row.get(2)?),
    })
}

impl SystemTx<'_> {
    /// Makes a workspace and its keys.
    pub async fn workspace_insert(&self, workspace: &WorkspaceRow, keys: &[WrappedKeyRow]) -> Result<()> {
        let values = params![workspace.id.uuid(), &workspace.name, workspace.created_at.micros()];
        self.tx.execute_one(&INSERT, values).await?;
        for key in keys {
            self.wrapped_key_insert(key).await?;
        }
        Ok(())
    }

    pub async fn workspace_get(&self, id: WorkspaceId) -> Result<Option<WorkspaceRow>> {
        Ok(self.tx.query_opt(&GET, params![id.uuid(), Uuid::nil()], raw).await?)
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
