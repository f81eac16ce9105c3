//! Meta apps: the operator's (platform) or a workspace's own.

use gatepost_core::{MetaAppId, Result, Timestamp, WorkspaceId};
use uuid::Uuid;

use crate::engine::{self, Row};
use crate::scope::WorkspaceScope;
use crate::store::{SystemTx, WorkspaceTx};
use crate::{params, statements};

#[derive(Debug, Clone)]
pub struct MetaAppRow {
    pub id: MetaAppId,
    pub name: String,
    /// Meta's own id of the app.
    pub app_id: String,
    /// The app secret, sealed.
    pub secret: Vec<u8>,
    /// SHA-256 of the verify token.
    pub verify_digest: Vec<u8>,
    pub created_at: Timestamp,
    /// `v25.0`; `None`: the installation's.
    pub graph_version: Option<String>,
    /// Where this app finds Meta; `None`: the installation's.
    pub base_url: Option<String>,
}

/// How a removal ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetaAppRemoval {
    Removed,
    /// There is no such app.
    Unknown,
    /// So many channels still use it; nothing was changed.
    InUse(i64),
}

statements! {
    INSERT = same("INSERT INTO meta_app (workspace_id, id, name, app_id, secret, verify_digest, created_at, graph_version, base_url) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)");
    INDEX_INSERT = same("INSERT INTO meta_app_index (id, workspace_id) VALUES ($1, $2)");
    GET = same("SELECT id, name, app_id, secret, verify_digest, created_at, graph_version, base_url FROM meta_app WHERE workspace_id = $1 AND id = $2 AND deleted_at IS NULL");
    LIST = same("SELECT id, name, app_id, secret, verify_digest, created_at, graph_version, base_url FROM meta_app WHERE workspace_id = $1 AND deleted_at IS NULL ORDER BY id DESC");
    UPDATE = same("UPDATE meta_app SET name = $3, secret = $4, verify_digest = $5, graph_version = $6, base_url = $7 WHERE workspace_id = $1 AND id = $2 AND deleted_at IS NULL");
    DELETE = same("UPDATE meta_app SET deleted_at = $3, secret = $4, verify_digest = $4 WHERE workspace_id = $1 AND id = $2 AND deleted_at IS NULL");
    INDEX_DELETE = same("DELETE FROM meta_app_index WHERE id = $1 AND workspace_id = $2");
    INDEX_HOLD = per("SELECT 1 FROM meta_app_index WHERE id = $1 AND workspace_id = $2", "SELECT 1::bigint FROM meta_app_index WHERE id = $1 AND workspace_id = $2 FOR SHARE");
    USED_BY = same("SELECT COUNT(DISTINCT channel_id) FROM callback_route WHERE meta_app_id = $1");
    OWNER = same("SELECT workspace_id FROM meta_app_index WHERE id = $1");
}

fn meta_app(row: &Row<'_>) -> engine::Result<MetaAppRow> {
    Ok(MetaAppRow {
        id: MetaAppId::from_uuid(row.get(0)?),
        name: row.get(1)?,
        app_id: row.get(2)?,
        secret: row.get(3)?,
        verify_digest: row.get(4)?,
        created_at: Timestamp::from_micros(row.get(5)?),
        graph_version: row.get(6)?,
        base_url: row.get(7)?,
    })
}

impl WorkspaceTx<'_> {
    pub async fn meta_app_insert(&self, app: &MetaAppRow) -> Result<()> {
        let values = params![
            self.workspace,
            app.id.uuid(),
            &app.name,
            &app.app_id,
            &app.secret,
            &app.verify_digest,
            app.created_at.micros(),
            app.graph_version.as_deref(),
            app.base_url.as_deref()
        ];
        self.tx.execute_one(&INSERT, values).await?;
        Ok(self.tx.execute_one(&INDEX_INSERT, params![app.id.uuid(), self.workspace]).await?)
    }

    pub async fn meta_app_get(&self, id: MetaAppId) -> Result<Option<MetaAppRow>> {
        Ok(self.tx.query_opt(&GET, params![self.workspace, id.uuid()], meta_app).await?)
    }

    /// Writes down everything of an app that can change.
    pub async fn meta_app_update(&self, app: &MetaAppRow) -> Result<()> {
        let values = params![
            self.workspace,
            app.id.uuid(),
            &app.name,
            &app.secret,
            &app.verify_digest,
            app.graph_version.as_deref(),
            app.base_url.as_deref()
        ];
        Ok(self.tx.execute_one(&UPDATE, values).await?)
    }

    /// Removes an app that no channel uses any more, its secret with it. The row stays, for messages of channels that are
    /// gone refer to it.
    pub async fn meta_app_delete(&self, id: MetaAppId, now: Timestamp) -> Result<MetaAppRemoval> {
        // The index row first: a channel that is being added holds it, so it is either counted below or refused.
        if self.tx.execute(&INDEX_DELETE, params![id.uuid(), self.workspace]).await? == 0 {
            return Ok(MetaAppRemoval::Unknown);
        }
        let used: i64 = self.tx.query_one(&USED_BY, params![id.uuid()], |row: &Row<'_>| row.get(0)).await?;
        if used > 0 {
            self.tx.execute_one(&INDEX_INSERT, params![id.uuid(), self.workspace]).await?;
            return Ok(MetaAppRemoval::InUse(used));
        }
        let nothing: &[u8] = &[];
        let values = params![self.workspace, id.uuid(), now.micros(), nothing];
        self.tx.execute_one(&DELETE, values).await?;
        Ok(MetaAppRemoval::Removed)
    }

    /// Keeps an app from being removed while a channel of it is being added; false when it is gone. `owner` is this
    /// workspace, or the platform for a shared app.
    pub(crate) async fn meta_app_hold(&self, id: MetaAppId, owner: WorkspaceId) -> Result<bool> {
        let values = params![id.uuid(), owner.uuid()];
        let held: Option<i64> = self.tx.query_opt(&INDEX_HOLD, values, |row: &Row<'_>| row.get(0)).await?;
        Ok(held.is_some())
    }

    pub async fn meta_app_list(&self) -> Result<Vec<MetaAppRow>> {
        Ok(self.tx.query(&LIST, params![self.workspace], meta_app).await?)
    }
}

impl SystemTx<'_> {
    /// An app and the workspace that owns it, before that workspace is known: what a callback's path names.
    pub async fn meta_app_find(&self, id: MetaAppId) -> Result<Option<(WorkspaceScope, MetaAppRow)>> {
        let owner: Option<Uuid> =
            self.tx.query_opt(&OWNER, params![id.uuid()], |row: &Row<'_>| row.get(0)).await?;
        let Some(owner) = owner else { return Ok(None) };
        let scope = WorkspaceScope::of(WorkspaceId::from_uuid(owner));
        let row = self.enter(scope).meta_app_get(id).await?;
        Ok(row.map(|row| (scope, row)))
    }
}
