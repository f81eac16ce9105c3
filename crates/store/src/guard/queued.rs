//! What waits in queues for a person, and what is being handed to Meta.

use gatepost_core::channel::Mode;
use gatepost_core::job::JobKind;
use gatepost_core::message::MessageState;
use gatepost_core::{JobId, MessageId, Purpose, Result, Timestamp};

use crate::engine::Row;
use crate::store::WorkspaceTx;
use crate::{params, statements};

/// A send that waits, and that nobody has taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QueuedSend {
    pub job: JobId,
    pub message: MessageId,
}

/// What is queued for the person `$4` in channels of the mode `$3`, untouched by `$5`, and of no purpose in the set `$6`.
macro_rules! queued {
    ($what:literal) => {
        concat!("SELECT ", $what, " FROM job j JOIN message m ON m.workspace_id = $1 AND m.id = j.subject WHERE j.kind = $2 AND j.lane IN (SELECT c.id FROM channel c WHERE c.workspace_id = $1 AND c.mode = $3) AND j.order_key = $4 AND j.lease_until <= $5 AND j.started_at IS NULL AND ((CAST(1 AS BIGINT) << CAST(m.purpose AS INTEGER)) & $6) = 0 AND m.state = $7")
    };
}

statements! {
    IN_FLIGHT = same("SELECT COUNT(*) FROM job j WHERE j.kind = $2 AND j.lane IN (SELECT c.id FROM channel c WHERE c.workspace_id = $1 AND c.mode = $3) AND j.order_key = $4 AND j.lease_until > $5 AND j.started_at IS NOT NULL");
    COUNT = same(queued!("COUNT(*)"));
    /// What a lane is taking at this moment is left to it: it looks again after this commit.
    TAKE = per(
        concat!(queued!("j.id, j.subject"), " ORDER BY j.position, j.id LIMIT $8"),
        concat!(queued!("j.id, j.subject"), " ORDER BY j.position, j.id LIMIT $8 FOR UPDATE OF j SKIP LOCKED")
    );
    DROP = same("DELETE FROM job WHERE id = $1 AND workspace_id = $2 AND lease_until <= $3");
}

/// Purposes as a set of bits.
fn bits(purposes: &[Purpose]) -> i64 {
    purposes.iter().fold(0, |bits, purpose| bits | (1 << purpose.number()))
}

impl WorkspaceTx<'_> {
    /// Sends to a person that are being handed to Meta.
    pub async fn sends_in_flight(&self, mode: Mode, person: &[u8], now: Timestamp) -> Result<i64> {
        let kind = JobKind::MessageSend.number();
        let values = params![self.workspace, kind, mode.number(), person, now.micros()];
        Ok(self.tx.query_one(&IN_FLIGHT, values, |row: &Row<'_>| row.get::<i64>(0)).await?)
    }

    /// How many sends to a person wait that are of none of these purposes.
    pub async fn sends_queued(
        &self,
        mode: Mode,
        person: &[u8],
        but: &[Purpose],
        now: Timestamp,
    ) -> Result<i64> {
        let values = params![
            self.workspace,
            JobKind::MessageSend.number(),
            mode.number(),
            person,
            now.micros(),
            bits(but),
            MessageState::Queued.number()
        ];
        Ok(self.tx.query_one(&COUNT, values, |row: &Row<'_>| row.get::<i64>(0)).await?)
    }

    /// The first of them, held until the commit; without those that a lane is taking at this moment.
    pub async fn sends_queued_take(
        &self,
        mode: Mode,
        person: &[u8],
        but: &[Purpose],
        now: Timestamp,
        limit: i64,
    ) -> Result<Vec<QueuedSend>> {
        let values = params![
            self.workspace,
            JobKind::MessageSend.number(),
            mode.number(),
            person,
            now.micros(),
            bits(but),
            MessageState::Queued.number(),
            limit
        ];
        let read = |row: &Row<'_>| {
            Ok(QueuedSend { job: JobId::from_uuid(row.get(0)?), message: MessageId::from_uuid(row.get(1)?) })
        };
        Ok(self.tx.query(&TAKE, values, read).await?)
    }

    /// Takes jobs that nobody has begun out of their queues.
    pub async fn sends_drop(&self, jobs: &[JobId], now: Timestamp) -> Result<()> {
        let rows: Vec<_> =
            jobs.iter().map(|job| params![job.uuid(), self.workspace, now.micros()].to_vec()).collect();
        self.tx.execute_many(&DROP, &rows).await?;
        Ok(())
    }
}
