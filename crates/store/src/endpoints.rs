//! Webhook endpoints. URL and secrets are sealed by the caller.

use gatepost_core::channel::Mode;
use gatepost_core::{EndpointId, Result, Timestamp};

use crate::engine::{self, Row};
use crate::messages::mode;
use crate::store::WorkspaceTx;
use crate::{params, statements};

#[derive(Debug, Clone)]
pub struct EndpointRow {
    pub id: EndpointId,
    pub mode: Mode,
    pub url: Vec<u8>,
    pub description: String,
    /// Blank-separated names of the filter; empty for all.
    pub events: String,
    pub enabled: bool,
    pub secret: Vec<u8>,
    pub previous_secret: Option<Vec<u8>>,
    pub previous_until: Option<Timestamp>,
    pub created_at: Timestamp,
}

statements! {
    INSERT = same("INSERT INTO endpoint (workspace_id, id, mode, url, description, events, enabled, secret, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)");
    GET = same("SELECT id, mode, url, description, events, enabled, secret, previous_secret, previous_until, created_at FROM endpoint WHERE workspace_id = $1 AND id = $2 AND deleted_at IS NULL");
    LIST = same("SELECT id, mode, url, description, events, enabled, secret, previous_secret, previous_until, created_at FROM endpoint WHERE workspace_id = $1 AND deleted_at IS NULL ORDER BY id DESC");
    UPDATE = same("UPDATE endpoint SET url = $3, description = $4, events = $5, enabled = $6 WHERE workspace_id = $1 AND id = $2 AND deleted_at IS NULL");
    ROTATE = same("UPDATE endpoint SET secret = $3, previous_secret = $4, previous_until = $5 WHERE workspace_id = $1 AND id = $2 AND deleted_at IS NULL");
    DELETE = same("UPDATE endpoint SET deleted_at = $3, enabled = 0 WHERE workspace_id = $1 AND id = $2 AND deleted_at IS NULL");
}

fn endpoint(row: &Row<'_>) -> engine::Result<EndpointRow> {
    Ok(EndpointRow {
        id: EndpointId::from_uuid(row.get(0)?),
        mode: mode(row, 1)?,
        url: row.get(2)?,
        description: row.get(3)?,
        events: row.get(4)?,
        enabled: row.get(5)?,
        secret: row.get(6)?,
        previous_secret: row.get(7)?,
        previous_until: row.get::<Option<i64>>(8)?.map(Timestamp::from_micros),
        created_at: Timestamp::from_micros(row.get(9)?),
    })
}

impl WorkspaceTx<'_> {
    pub async fn endpoint_insert(&self, e: &EndpointRow) -> Result<()> {
        let values = params![
            self.workspace,
            e.id.uuid(),
            e.mode.number(),
            &e.url,
            &e.description,
            &e.events,
            e.enabled,
            &e.secret,
            e.created_at.micros()
        ];
        Ok(self.tx.execute_one(&INSERT, values).await?)
    }

    pub async fn endpoint_get(&self, id: EndpointId) -> Result<Option<EndpointRow>> {
        Ok(self.tx.query_opt(&GET, params![self.workspace, id.uuid()], endpoint).await?)
    }

    /// All of the workspace's endpoints, newest first. Their number is small by plan.
    pub async fn endpoint_list(&self) -> Result<Vec<EndpointRow>> {
        Ok(self.tx.query(&LIST, params![self.workspace], endpoint).await?)
    }

    pub async fn endpoint_update(&self, e: &EndpointRow) -> Result<()> {
        let values = params![self.workspace, e.id.uuid(), &e.url, &e.description, &e.events, e.enabled];
        Ok(self.tx.execute_one(&UPDATE, values).await?)
    }

    /// Writes the secrets of a rotated endpoint.
    pub async fn endpoint_rotate(&self, e: &EndpointRow) -> Result<()> {
        let values = params![
            self.workspace,
            e.id.uuid(),
            &e.secret,
            e.previous_secret.as_deref(),
            e.previous_until.map(Timestamp::micros)
        ];
        Ok(self.tx.execute_one(&ROTATE, values).await?)
    }

    pub async fn endpoint_delete(&self, id: EndpointId, now: Timestamp) -> Result<()> {
        Ok(self.tx.execute_one(&DELETE, params![self.workspace, id.uuid(), now.micros()]).await?)
    }
}
