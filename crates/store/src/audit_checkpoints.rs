//! Checkpoints of the audit log: signed by the caller, kept here, never changed.

use gatepost_core::audit::{ChainHead, Checkpoint};
use gatepost_core::{Result, Timestamp, WorkspaceId};
use uuid::Uuid;

use crate::engine::{self, Row};
use crate::store::WorkspaceTx;
use crate::{params, statements};

statements! {
    INSERT = same("INSERT INTO audit_checkpoint (workspace_id, seq, head, at, previous, key, signature) VALUES ($1, $2, $3, $4, $5, $6, $7)");
    AFTER = same("SELECT seq, head, at, previous, key, signature FROM audit_checkpoint WHERE workspace_id = $1 AND seq > $2 ORDER BY seq LIMIT $3");
    LAST = same("SELECT seq, head, at, previous, key, signature FROM audit_checkpoint WHERE workspace_id = $1 ORDER BY seq DESC LIMIT 1");
}

fn checkpoint(workspace: Uuid, row: &Row<'_>) -> engine::Result<Checkpoint> {
    Ok(Checkpoint {
        workspace_id: WorkspaceId::from_uuid(workspace),
        seq: row.get(0)?,
        head: row.get(1)?,
        at: Timestamp::from_micros(row.get(2)?),
        previous: row.get(3)?,
        key: row.get(4)?,
        signature: row.get(5)?,
    })
}

impl WorkspaceTx<'_> {
    /// The newest.
    pub async fn audit_checkpoint_last(&self) -> Result<Option<Checkpoint>> {
        Ok(self.tx.query_opt(&LAST, params![self.workspace], |row| checkpoint(self.workspace, row)).await?)
    }

    /// Those after `seq`, oldest first.
    pub async fn audit_checkpoints_after(&self, seq: i64, limit: i64) -> Result<Vec<Checkpoint>> {
        let values = params![self.workspace, seq, limit];
        Ok(self.tx.query(&AFTER, values, |row| checkpoint(self.workspace, row)).await?)
    }

    /// Keeps a checkpoint, unless another was made since `last` was the newest; then false. Whoever signs holds the
    /// end of the chain meanwhile, so that checkpoints follow one another on all nodes.
    pub async fn audit_checkpoint_insert(&self, last: Option<i64>, new: &Checkpoint) -> Result<bool> {
        let _end: ChainHead = self.audit_head_take().await?;
        if self.audit_checkpoint_last().await?.map(|c| c.seq) != last {
            return Ok(false);
        }
        let values = params![
            self.workspace,
            new.seq,
            &new.head,
            new.at.micros(),
            &new.previous,
            &new.key,
            &new.signature
        ];
        self.tx.execute_one(&INSERT, values).await?;
        Ok(true)
    }
}
