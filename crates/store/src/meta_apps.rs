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
}

statements! {
    INSERT = same("INSERT INTO meta_app (workspace_id, id, name, app_id, secret, verify_digest, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)");
    INDEX_INSERT = same("INSERT INTO meta_app_index (id, workspace_id) VALUES ($1, $2)");
    GET = same("SELECT id, name, app_id, secret, verify_digest, created_at FROM meta_app WHERE workspace_id = $1 AND id = $2");
    LIST = same("SELECT id, name, app_id, secret, verify_digest, created_at FROM meta_app WHERE workspace_id = $1 ORDER BY id DESC");
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
            app.created_at.micros()
        ];
        self.tx.execute_one(&INSERT, values).await?;
        Ok(self.tx.execute_one(&INDEX_INSERT, params![app.id.uuid(), self.workspace]).await?)
    }

    pub async fn meta_app_get(&self, id: MetaAppId) -> Result<Option<MetaAppRow>> {
        Ok(self.tx.query_opt(&GET, params![self.workspace, id.uuid()], meta_app).await?)
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
