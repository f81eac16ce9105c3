//! Whom a workspace may not write to.
//!
//! Threat note. Defends against: a message that goes out although the person's STOP was committed before it was taken
//! from the queue. On PostgreSQL whoever takes sends from a queue holds a shared lock of the workspace until its commit,
//! and whoever suppresses holds the exclusive one, so either the taker reads the suppression or its commit came first;
//! on SQLite there is one writer. What was taken before is counted as in flight.

use gatepost_core::guard::SuppressionSource;
use gatepost_core::{Result, SuppressionId, Timestamp};

use crate::engine::{self, Row};
use crate::store::WorkspaceTx;
use crate::{params, statements};

/// A suppressed person.
#[derive(Debug, Clone)]
pub struct SuppressionRow {
    pub id: SuppressionId,
    pub source: SuppressionSource,
    /// Sealed.
    pub party: Vec<u8>,
    /// Sealed.
    pub reason: Option<Vec<u8>>,
    pub actor: String,
    pub in_flight: i64,
    pub created_at: Timestamp,
}

statements! {
    /// The key is the workspace's id folded to 64 bits; another workspace with the same waits a moment, no more.
    GATE_SHARED = per(
        "SELECT 1 WHERE $1 = $1",
        "SELECT 1 FROM pg_advisory_xact_lock_shared($1)"
    );
    GATE_EXCLUSIVE = per(
        "SELECT 1 WHERE $1 = $1",
        "SELECT 1 FROM pg_advisory_xact_lock($1)"
    );
    SUPPRESSED = same("SELECT suppression_id FROM suppressed_person WHERE workspace_id = $1 AND person = $2");
    INSERT = same("INSERT INTO suppression (workspace_id, id, source, party, reason, actor, in_flight, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)");
    PERSON = same("INSERT INTO suppressed_person (workspace_id, person, suppression_id) VALUES ($1, $2, $3) ON CONFLICT (workspace_id, person) DO NOTHING");
    GET = same("SELECT id, source, party, reason, actor, in_flight, created_at FROM suppression WHERE workspace_id = $1 AND id = $2");
    LIST = same("SELECT id, source, party, reason, actor, in_flight, created_at FROM suppression WHERE workspace_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3");
    SOURCE = same("UPDATE suppression SET source = $3 WHERE workspace_id = $1 AND id = $2");
    UNPERSON = same("DELETE FROM suppressed_person WHERE workspace_id = $1 AND suppression_id = $2");
    DELETE = same("DELETE FROM suppression WHERE workspace_id = $1 AND id = $2");
    IN_FLIGHT = same("SELECT COUNT(*) FROM job WHERE workspace_id = $1 AND kind = $2 AND order_key = $3 AND lease_until > $4 AND started_at IS NOT NULL");
}

fn suppression(row: &Row<'_>) -> engine::Result<SuppressionRow> {
    Ok(SuppressionRow {
        id: SuppressionId::from_uuid(row.get(0)?),
        source: SuppressionSource::from_number(row.get(1)?).ok_or_else(|| row.corrupt(1))?,
        party: row.get(2)?,
        reason: row.get(3)?,
        actor: row.get(4)?,
        in_flight: row.get(5)?,
        created_at: Timestamp::from_micros(row.get(6)?),
    })
}

impl WorkspaceTx<'_> {
    fn gate(&self) -> i64 {
        let (high, low) = self.workspace.as_u64_pair();
        i64::from_be_bytes((high ^ low).to_be_bytes())
    }

    /// Sends are taken from a queue: until the commit nobody of the workspace is suppressed.
    pub async fn suppression_gate_shared(&self) -> Result<()> {
        self.tx.query_one(&GATE_SHARED, params![self.gate()], |row: &Row<'_>| row.get::<i64>(0)).await?;
        Ok(())
    }

    /// Somebody is suppressed: until the commit no send of the workspace is taken from a queue.
    pub async fn suppression_gate_exclusive(&self) -> Result<()> {
        self.tx.query_one(&GATE_EXCLUSIVE, params![self.gate()], |row: &Row<'_>| row.get::<i64>(0)).await?;
        Ok(())
    }

    /// For each person the suppression they are under.
    pub async fn suppressed(&self, people: &[&[u8]]) -> Result<Vec<Option<SuppressionId>>> {
        let rows: Vec<_> = people.iter().map(|person| params![self.workspace, *person].to_vec()).collect();
        let id = |row: &Row<'_>| Ok(SuppressionId::from_uuid(row.get(0)?));
        Ok(self.tx.query_many(&SUPPRESSED, &rows, id).await?)
    }

    /// Suppresses somebody under all the blind indexes they are known by. Those that are suppressed already stay under
    /// the suppression they are under.
    pub async fn suppression_add(&self, row: &SuppressionRow, people: &[&[u8]]) -> Result<()> {
        let values = params![
            self.workspace,
            row.id.uuid(),
            row.source.number(),
            &row.party,
            row.reason.as_deref(),
            row.actor.as_str(),
            row.in_flight,
            row.created_at.micros()
        ];
        self.tx.execute_one(&INSERT, values).await?;
        self.suppression_covers(row.id, people).await
    }

    /// A suppressed person is known by more indexes from now on.
    pub async fn suppression_covers(&self, id: SuppressionId, people: &[&[u8]]) -> Result<()> {
        let rows: Vec<_> = people.iter().map(|p| params![self.workspace, *p, id.uuid()].to_vec()).collect();
        self.tx.execute_many(&PERSON, &rows).await?;
        Ok(())
    }

    /// What was suppressed by hand is the person's own choice from now on.
    pub async fn suppression_source_set(&self, id: SuppressionId, source: SuppressionSource) -> Result<()> {
        Ok(self.tx.execute_one(&SOURCE, params![self.workspace, id.uuid(), source.number()]).await?)
    }

    pub async fn suppression_get(&self, id: SuppressionId) -> Result<Option<SuppressionRow>> {
        Ok(self.tx.query_opt(&GET, params![self.workspace, id.uuid()], suppression).await?)
    }

    /// Newest first, older than `before`.
    pub async fn suppression_list(&self, before: uuid::Uuid, limit: i64) -> Result<Vec<SuppressionRow>> {
        Ok(self.tx.query(&LIST, params![self.workspace, before, limit], suppression).await?)
    }

    /// True when there was one.
    pub async fn suppression_lift(&self, id: SuppressionId) -> Result<bool> {
        self.tx.execute(&UNPERSON, params![self.workspace, id.uuid()]).await?;
        Ok(self.tx.execute(&DELETE, params![self.workspace, id.uuid()]).await? == 1)
    }

    /// Sends to a person that are being handed to Meta.
    pub async fn sends_in_flight(&self, person: &[u8], now: Timestamp) -> Result<i64> {
        let values =
            params![self.workspace, gatepost_core::job::JobKind::MessageSend.number(), person, now.micros()];
        Ok(self.tx.query_one(&IN_FLIGHT, values, |row: &Row<'_>| row.get::<i64>(0)).await?)
    }
}
