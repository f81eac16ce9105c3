//! Idempotency keys: the first answer is kept, sealed, and given again.

use gatepost_core::{Result, Timestamp};

use crate::engine::Row;
use crate::store::WorkspaceTx;
use crate::{params, statements};

/// What is known of an idempotency key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recorded {
    /// Not seen before; it is now.
    New,
    /// Seen: the digest of that request, and its sealed answer once there is one.
    Seen { request: Vec<u8>, answer: Option<Vec<u8>> },
}

statements! {
    INSERT = same("INSERT INTO idempotency (workspace_id, id, request, answer, created_at) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (workspace_id, id) DO NOTHING");
    GET = same("SELECT request, answer FROM idempotency WHERE workspace_id = $1 AND id = $2");
    ANSWER = same("UPDATE idempotency SET answer = $3 WHERE workspace_id = $1 AND id = $2 AND answer IS NULL");
    REPLACE = same("UPDATE idempotency SET answer = $3 WHERE workspace_id = $1 AND id = $2");
    FORGET = same("DELETE FROM idempotency WHERE workspace_id = $1 AND id = $2 AND answer IS NULL");
}

impl WorkspaceTx<'_> {
    /// Records a key. `answer` is given at once where the whole work is this transaction, and later
    /// ([`Self::idempotency_answer`]) where it is not.
    pub async fn idempotency_record(
        &self,
        key: &[u8; 16],
        request: &[u8],
        answer: Option<&[u8]>,
        now: Timestamp,
    ) -> Result<Recorded> {
        let values = params![self.workspace, key.as_slice(), request, answer, now.micros()];
        if self.tx.execute(&INSERT, values).await? == 1 {
            return Ok(Recorded::New);
        }
        let (request, answer) = self
            .tx
            .query_one(&GET, params![self.workspace, key.as_slice()], |row: &Row<'_>| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .await?;
        Ok(Recorded::Seen { request, answer })
    }

    pub async fn idempotency_answer(&self, key: &[u8; 16], answer: &[u8]) -> Result<()> {
        Ok(self.tx.execute_one(&ANSWER, params![self.workspace, key.as_slice(), answer]).await?)
    }

    /// Another answer than the one recorded earlier in the same transaction.
    pub async fn idempotency_replace(&self, key: &[u8; 16], answer: &[u8]) -> Result<()> {
        Ok(self.tx.execute_one(&REPLACE, params![self.workspace, key.as_slice(), answer]).await?)
    }

    /// The work failed before anything was done: the key may be used again.
    pub async fn idempotency_forget(&self, key: &[u8; 16]) -> Result<()> {
        self.tx.execute(&FORGET, params![self.workspace, key.as_slice()]).await?;
        Ok(())
    }
}
