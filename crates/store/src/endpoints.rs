//! Webhook endpoints. URL and secrets are sealed by the caller.

use gatepost_core::channel::Mode;
use gatepost_core::{EndpointId, Result, Timestamp};
use uuid::Uuid;

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

type Raw = (Uuid, i64, Vec<u8>, String, String, bool, Vec<u8>, Option<Vec<u8>>, Option<i64>, i64);

fn raw(row: &Row<'_>) -> engine::Result<Raw> {
    Ok((
        row.get(0)?,
        row.get(1)?,
        row.get(2)?,
        row.get(3)?,
        row.get(4)?,
        row.get(5)?,
        row.get(6)?,
        row.get(7)?,
        row.get(8)?,
        row.get(9)?,
    ))
}

fn parsed(raw: Raw) -> Result<EndpointRow> {
    let (id, m, url, description, events, enabled, secret, previous_secret, previous_until, created_at) = raw;
    Ok(EndpointRow {
        id: EndpointId::from_uuid(id),
        mode: mode(m)?,
        url,
        description,
        events,
        enabled,
        secret,
        previous_secret,
        previous_until: previous_until.map(Timestamp::from_micros),
        created_at: Timestamp::from_micros(created_at),
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
        let found = self.tx.query_opt(&GET, params![self.workspace, id.uuid()], raw).await?;
        found.map(parsed).transpose()
    }

    /// All of the workspace's endpoints, newest first. Their number is small by plan.
    pub async fn endpoint_list(&self) -> Result<Vec<EndpointRow>> {
        let found = self.tx.query(&LIST, params![self.workspace], raw).await?;
        found.into_iter().map(parsed).collect()
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
