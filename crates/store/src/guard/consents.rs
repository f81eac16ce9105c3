//! Who agreed to hear from a workspace, when and how.

use gatepost_core::channel::Mode;
use gatepost_core::{ConsentId, Purpose, Result, Timestamp};
use uuid::Uuid;

use crate::engine::{self, Row};
use crate::messages::mode;
use crate::store::WorkspaceTx;
use crate::{params, statements};

/// A recorded opt-in.
#[derive(Debug, Clone)]
pub struct ConsentRow {
    pub id: ConsentId,
    pub mode: Mode,
    /// The blind index of the person.
    pub person: Vec<u8>,
    /// Sealed.
    pub party: Vec<u8>,
    /// `None`: any purpose that needs one.
    pub purpose: Option<Purpose>,
    /// How it came about, in the words of whoever recorded it.
    pub source: String,
    /// Sealed: the words that were agreed to, or where the proof lies.
    pub proof: Option<Vec<u8>>,
    pub given_at: Timestamp,
    pub recorded_at: Timestamp,
    pub actor: String,
    pub revoked_at: Option<Timestamp>,
    pub revoked_why: Option<String>,
}

statements! {
    INSERT = same("INSERT INTO consent (workspace_id, id, mode, person, party, purpose, source, proof, given_at, recorded_at, actor) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)");
    GET = same("SELECT id, mode, person, party, purpose, source, proof, given_at, recorded_at, actor, revoked_at, revoked_why FROM consent WHERE workspace_id = $1 AND id = $2");
    LIST = same("SELECT id, mode, person, party, purpose, source, proof, given_at, recorded_at, actor, revoked_at, revoked_why FROM consent WHERE workspace_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3");
    REVOKE = same("UPDATE consent SET revoked_at = $3, revoked_why = $4 WHERE workspace_id = $1 AND id = $2 AND revoked_at IS NULL");
    REVOKE_ALL = same("UPDATE consent SET revoked_at = $4, revoked_why = $5 WHERE workspace_id = $1 AND mode = $2 AND person = $3 AND revoked_at IS NULL");
}

fn consent(row: &Row<'_>) -> engine::Result<ConsentRow> {
    let purpose: Option<i64> = row.get(4)?;
    Ok(ConsentRow {
        id: ConsentId::from_uuid(row.get(0)?),
        mode: mode(row, 1)?,
        person: row.get(2)?,
        party: row.get(3)?,
        purpose: purpose.map(|n| Purpose::from_number(n).ok_or_else(|| row.corrupt(4))).transpose()?,
        source: row.get(5)?,
        proof: row.get(6)?,
        given_at: Timestamp::from_micros(row.get(7)?),
        recorded_at: Timestamp::from_micros(row.get(8)?),
        actor: row.get(9)?,
        revoked_at: row.get::<Option<i64>>(10)?.map(Timestamp::from_micros),
        revoked_why: row.get(11)?,
    })
}

impl WorkspaceTx<'_> {
    pub async fn consent_add(&self, row: &ConsentRow) -> Result<()> {
        let values = params![
            self.workspace,
            row.id.uuid(),
            row.mode.number(),
            &row.person,
            &row.party,
            row.purpose.map(Purpose::number),
            row.source.as_str(),
            row.proof.as_deref(),
            row.given_at.micros(),
            row.recorded_at.micros(),
            row.actor.as_str()
        ];
        Ok(self.tx.execute_one(&INSERT, values).await?)
    }

    pub async fn consent_get(&self, id: ConsentId) -> Result<Option<ConsentRow>> {
        Ok(self.tx.query_opt(&GET, params![self.workspace, id.uuid()], consent).await?)
    }

    /// Newest first, older than `before`.
    pub async fn consent_list(&self, before: Uuid, limit: i64) -> Result<Vec<ConsentRow>> {
        Ok(self.tx.query(&LIST, params![self.workspace, before, limit], consent).await?)
    }

    /// True when it stood until now.
    pub async fn consent_revoke(&self, id: ConsentId, why: &str, now: Timestamp) -> Result<bool> {
        let values = params![self.workspace, id.uuid(), now.micros(), why];
        Ok(self.tx.execute(&REVOKE, values).await? == 1)
    }

    /// Whatever these people agreed to is over.
    pub async fn consents_revoke_of(
        &self,
        mode: Mode,
        people: &[[u8; 16]],
        why: &str,
        now: Timestamp,
    ) -> Result<()> {
        let rows: Vec<_> = people
            .iter()
            .map(|person| {
                params![self.workspace, mode.number(), person.as_slice(), now.micros(), why].to_vec()
            })
            .collect();
        self.tx.execute_many(&REVOKE_ALL, &rows).await?;
        Ok(())
    }
}
