//! Files of people to suppress, and how far they came.

use gatepost_core::channel::Mode;
use gatepost_core::{Result, SuppressionImportId, Timestamp};
use uuid::Uuid;

use crate::engine::{self, Row};
use crate::messages::mode;
use crate::store::WorkspaceTx;
use crate::{params, statements};

/// An import of a file.
#[derive(Debug, Clone)]
pub struct SuppressionImportRow {
    pub id: SuppressionImportId,
    pub mode: Mode,
    pub done: bool,
    pub actor: String,
    /// Rows with a number.
    pub total: i64,
    /// Parts that are done.
    pub position: i64,
    pub added: i64,
    /// Were suppressed already.
    pub known: i64,
    pub bad: i64,
    /// JSON: the first bad rows, by line.
    pub faults: String,
    pub created_at: Timestamp,
    pub finished_at: Option<Timestamp>,
}

statements! {
    INSERT = same("INSERT INTO suppression_import (workspace_id, id, mode, state, actor, total, position, added, known, bad, faults, created_at) VALUES ($1, $2, $3, 1, $4, $5, 0, 0, 0, $6, $7, $8)");
    RUNNING = same("SELECT COUNT(*) FROM suppression_import WHERE workspace_id = $1 AND state = 1");
    PART = same("INSERT INTO suppression_import_part (workspace_id, import_id, part, body) VALUES ($1, $2, $3, $4)");
    PART_GET = same("SELECT part, body FROM suppression_import_part WHERE workspace_id = $1 AND import_id = $2 ORDER BY part LIMIT 1");
    PART_DONE = same("DELETE FROM suppression_import_part WHERE workspace_id = $1 AND import_id = $2 AND part = $3");
    GET = same("SELECT id, mode, state, actor, total, position, added, known, bad, faults, created_at, finished_at FROM suppression_import WHERE workspace_id = $1 AND id = $2");
    LIST = same("SELECT id, mode, state, actor, total, position, added, known, bad, faults, created_at, finished_at FROM suppression_import WHERE workspace_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3");
    ADVANCE = same("UPDATE suppression_import SET position = position + 1, added = added + $3, known = known + $4 WHERE workspace_id = $1 AND id = $2 AND state = 1");
    FINISH = same("UPDATE suppression_import SET state = 2, finished_at = $3 WHERE workspace_id = $1 AND id = $2 AND state = 1");
}

fn import(row: &Row<'_>) -> engine::Result<SuppressionImportRow> {
    Ok(SuppressionImportRow {
        id: SuppressionImportId::from_uuid(row.get(0)?),
        mode: mode(row, 1)?,
        done: row.get::<i64>(2)? != 1,
        actor: row.get(3)?,
        total: row.get(4)?,
        position: row.get(5)?,
        added: row.get(6)?,
        known: row.get(7)?,
        bad: row.get(8)?,
        faults: row.get(9)?,
        created_at: Timestamp::from_micros(row.get(10)?),
        finished_at: row.get::<Option<i64>>(11)?.map(Timestamp::from_micros),
    })
}

impl WorkspaceTx<'_> {
    /// How many are running.
    pub async fn suppression_imports_running(&self) -> Result<i64> {
        Ok(self.tx.query_one(&RUNNING, params![self.workspace], |row: &Row<'_>| row.get(0)).await?)
    }

    /// Begins an import with the sealed parts of its file.
    pub async fn suppression_import_add(&self, row: &SuppressionImportRow, parts: &[Vec<u8>]) -> Result<()> {
        let values = params![
            self.workspace,
            row.id.uuid(),
            row.mode.number(),
            row.actor.as_str(),
            row.total,
            row.bad,
            row.faults.as_str(),
            row.created_at.micros()
        ];
        self.tx.execute_one(&INSERT, values).await?;
        let rows: Vec<_> = (0_i64..)
            .zip(parts)
            .map(|(part, body)| params![self.workspace, row.id.uuid(), part, body].to_vec())
            .collect();
        self.tx.execute_many(&PART, &rows).await?;
        Ok(())
    }

    pub async fn suppression_import_get(
        &self,
        id: SuppressionImportId,
    ) -> Result<Option<SuppressionImportRow>> {
        Ok(self.tx.query_opt(&GET, params![self.workspace, id.uuid()], import).await?)
    }

    /// Newest first, older than `before`.
    pub async fn suppression_import_list(
        &self,
        before: Uuid,
        limit: i64,
    ) -> Result<Vec<SuppressionImportRow>> {
        Ok(self.tx.query(&LIST, params![self.workspace, before, limit], import).await?)
    }

    /// The next part and what it holds, sealed; `None` where all are done.
    pub async fn suppression_import_part(&self, id: SuppressionImportId) -> Result<Option<(i64, Vec<u8>)>> {
        let read = |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?));
        Ok(self.tx.query_opt(&PART_GET, params![self.workspace, id.uuid()], read).await?)
    }

    /// A part is done.
    pub async fn suppression_import_advance(
        &self,
        id: SuppressionImportId,
        part: i64,
        added: i64,
        known: i64,
    ) -> Result<()> {
        self.tx.execute_one(&PART_DONE, params![self.workspace, id.uuid(), part]).await?;
        Ok(self.tx.execute_one(&ADVANCE, params![self.workspace, id.uuid(), added, known]).await?)
    }

    pub async fn suppression_import_finish(&self, id: SuppressionImportId, now: Timestamp) -> Result<()> {
        self.tx.execute(&FINISH, params![self.workspace, id.uuid(), now.micros()]).await?;
        Ok(())
    }
}
