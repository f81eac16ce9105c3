//! What the rules of verifications remember: bytes to this module.

use gatepost_core::channel::Mode;
use gatepost_core::verification::fraud::Subject;
use gatepost_core::{Error, Result, Timestamp};

use crate::engine::Row;
use crate::store::WorkspaceTx;
use crate::{params, statements};

statements! {
    /// Makes the row where there is none, so that there is something to hold: two first ones must not miss each other.
    HOLD = same("INSERT INTO verification_counter (workspace_id, mode, subject, key, state, touched_at) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (workspace_id, mode, subject, key) DO UPDATE SET touched_at = excluded.touched_at RETURNING state");
    SET = same("UPDATE verification_counter SET state = $5 WHERE workspace_id = $1 AND mode = $2 AND subject = $3 AND key = $4");
    FORGET = same("DELETE FROM verification_counter WHERE workspace_id = $1 AND (mode, subject, key) IN (SELECT mode, subject, key FROM verification_counter WHERE workspace_id = $1 AND touched_at < $2 ORDER BY touched_at LIMIT $3)");
}

impl WorkspaceTx<'_> {
    /// What is remembered of each, held until the commit; empty where nothing is. Whoever asks for several does so in the
    /// order of [`Subject`].
    pub async fn verification_counters_hold(
        &self,
        mode: Mode,
        keys: &[(Subject, [u8; 16])],
        now: Timestamp,
    ) -> Result<Vec<Vec<u8>>> {
        let nothing: &[u8] = &[];
        let rows: Vec<_> = keys
            .iter()
            .map(|(subject, key)| {
                params![self.workspace, mode.number(), subject.number(), &key[..], nothing, now.micros()]
                    .to_vec()
            })
            .collect();
        let found = self.tx.query_many(&HOLD, &rows, |row: &Row<'_>| row.get::<Vec<u8>>(0)).await?;
        Ok(found.into_iter().map(Option::unwrap_or_default).collect())
    }

    /// Writes back what is held.
    pub async fn verification_counters_set(
        &self,
        mode: Mode,
        states: &[(Subject, [u8; 16], Vec<u8>)],
    ) -> Result<()> {
        let rows: Vec<_> = states
            .iter()
            .map(|(subject, key, state)| {
                params![self.workspace, mode.number(), subject.number(), &key[..], state.as_slice()].to_vec()
            })
            .collect();
        let touched = self.tx.execute_many(&SET, &rows).await?;
        if touched.iter().all(|touched| *touched == 1) {
            Ok(())
        } else {
            Err(Error::internal("a counter that was held is gone"))
        }
    }

    /// Forgets what nobody asked of since; up to `limit`. How many that were.
    pub async fn verification_counters_forget(&self, before: Timestamp, limit: i64) -> Result<u64> {
        Ok(self.tx.execute(&FORGET, params![self.workspace, before.micros(), limit]).await?)
    }
}
