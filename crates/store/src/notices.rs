//! Notices to the owners of a workspace: what Gatepost did by itself and they should know. Bodies are sealed.

use gatepost_core::{NoticeId, Result, Timestamp};

use crate::engine::Row;
use crate::store::WorkspaceTx;
use crate::{params, statements};

#[derive(Debug, Clone)]
pub struct NoticeRow {
    pub id: NoticeId,
    /// What it is about: `endpoint.disabled`.
    pub kind: String,
    /// Sealed JSON.
    pub body: Vec<u8>,
    pub created_at: Timestamp,
    /// When the owners were told.
    pub told_at: Option<Timestamp>,
}

statements! {
    INSERT = same("INSERT INTO notice (workspace_id, id, kind, body, created_at) VALUES ($1, $2, $3, $4, $5)");
    LIST = same("SELECT id, kind, body, created_at, told_at FROM notice WHERE workspace_id = $1 ORDER BY id DESC LIMIT $2");
}

impl WorkspaceTx<'_> {
    pub async fn notice_insert(&self, notice: &NoticeRow) -> Result<()> {
        let values =
            params![self.workspace, notice.id.uuid(), &notice.kind, &notice.body, notice.created_at.micros()];
        Ok(self.tx.execute_one(&INSERT, values).await?)
    }

    /// Newest first.
    pub async fn notice_list(&self, limit: i64) -> Result<Vec<NoticeRow>> {
        let notice = |row: &Row<'_>| {
            Ok(NoticeRow {
                id: NoticeId::from_uuid(row.get(0)?),
                kind: row.get(1)?,
                body: row.get(2)?,
                created_at: Timestamp::from_micros(row.get(3)?),
                told_at: row.get::<Option<i64>>(4)?.map(Timestamp::from_micros),
            })
        };
        Ok(self.tx.query(&LIST, params![self.workspace, limit], notice).await?)
    }
}
