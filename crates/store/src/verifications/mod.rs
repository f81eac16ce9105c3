//! Verifications: one-time codes and what became of them. Party and details are sealed by the caller.
//!
//! Whoever changes one holds its row first ([`WorkspaceTx::verification_hold`]), so that two tries never share a count;
//! the row comes before those of messages and before those of the guard.

pub(crate) mod counters;
pub(crate) mod pages;
pub(crate) mod settings;
pub(crate) mod spoken;
pub(crate) mod stats;

use std::time::Duration;

use gatepost_core::channel::Mode;
use gatepost_core::verification::{CodeLength, Flow, Standing, VerificationState};
use gatepost_core::{ChannelId, MessageId, Result, Timestamp, VerificationId};
use uuid::Uuid;

use crate::engine::{self, Row, Value};
use crate::messages::mode;
use crate::retention::floor_id;
use crate::store::WorkspaceTx;
use crate::{params, statements};

pub use pages::VerificationPageRow;
pub use settings::VerificationFacts;
pub use stats::VerificationCount;

/// A verification as it lies in the table.
#[derive(Debug, Clone)]
pub struct VerificationRow {
    pub id: VerificationId,
    pub mode: Mode,
    pub channel: ChannelId,
    pub flow: Flow,
    pub standing: Standing,
    /// The blind index of the phone; absent where the person is not known beforehand.
    pub person: Option<Vec<u8>>,
    /// Sealed: the phone.
    pub party: Option<Vec<u8>>,
    /// Sealed: what it was asked for with. Absent once its time is over.
    pub details: Option<Vec<u8>>,
    /// The keyed digest of the code. Absent once the verification is over.
    pub code_digest: Option<Vec<u8>>,
    pub code_length: CodeLength,
    /// How long each code is good for; whole seconds.
    pub ttl: Duration,
    /// The message that carries the code.
    pub message: Option<MessageId>,
    pub template: Option<String>,
    /// Two letters, by the number.
    pub country: Option<String>,
    /// Why it ended as it did, where the state does not tell.
    pub reason: Option<String>,
    pub created_at: Timestamp,
    pub sent_at: Option<Timestamp>,
    pub delivered_at: Option<Timestamp>,
    pub ended_at: Option<Timestamp>,
}

macro_rules! columns {
    () => {
        "id, mode, channel_id, flow, state, person, party, details, code_digest, generation, code_length, tries, max_tries, ttl, expires_at, resend_after, message_id, template, country, reason, created_at, sent_at, delivered_at, ended_at"
    };
}

macro_rules! one {
    ($held:literal) => {
        concat!("SELECT ", columns!(), " FROM verification WHERE workspace_id = $1 AND id = $2", $held)
    };
}

statements! {
    INSERT = same(concat!("INSERT INTO verification (", columns!(), ", workspace_id) VALUES ($2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $1)"));
    GET = same(one!(""));
    HOLD = per(one!(""), one!(" FOR UPDATE"));
    LIST = same(concat!("SELECT ", columns!(), " FROM verification WHERE workspace_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3"));
    AWAITED = same("SELECT CAST(COUNT(*) AS BIGINT) FROM verification WHERE workspace_id = $1 AND id = $2 AND message_id = $3 AND state = $4");
    /// Everything that can change: neither whom it is for nor by which channel can.
    UPDATE = same("UPDATE verification SET state = $3, code_digest = $4, generation = $5, tries = $6, expires_at = $7, resend_after = $8, message_id = $9, template = $10, reason = $11, sent_at = $12, delivered_at = $13, ended_at = $14 WHERE workspace_id = $1 AND id = $2");
    DETAILS_PAST = same("UPDATE verification SET details = NULL WHERE workspace_id = $1 AND id IN (SELECT id FROM verification WHERE workspace_id = $1 AND id < $2 AND details IS NOT NULL ORDER BY id LIMIT $3)");
    PAST = same("DELETE FROM verification WHERE workspace_id = $1 AND id IN (SELECT id FROM verification WHERE workspace_id = $1 AND id < $2 ORDER BY id LIMIT $3)");
}

fn small<T: TryFrom<i64>>(row: &Row<'_>, index: usize) -> engine::Result<T> {
    T::try_from(row.get(index)?).map_err(|_| row.corrupt(index))
}

fn verification(row: &Row<'_>) -> engine::Result<VerificationRow> {
    let moment = |index| Ok(row.get::<Option<i64>>(index)?.map(Timestamp::from_micros));
    Ok(VerificationRow {
        id: VerificationId::from_uuid(row.get(0)?),
        mode: mode(row, 1)?,
        channel: ChannelId::from_uuid(row.get(2)?),
        flow: Flow::from_number(row.get(3)?).ok_or_else(|| row.corrupt(3))?,
        standing: Standing {
            state: VerificationState::from_number(row.get(4)?).ok_or_else(|| row.corrupt(4))?,
            generation: small(row, 9)?,
            tries: small(row, 11)?,
            max_tries: small(row, 12)?,
            expires_at: Timestamp::from_micros(row.get(14)?),
            resend_after: Timestamp::from_micros(row.get(15)?),
        },
        person: row.get(5)?,
        party: row.get(6)?,
        details: row.get(7)?,
        code_digest: row.get(8)?,
        code_length: CodeLength::new(row.get(10)?).map_err(|_| row.corrupt(10))?,
        ttl: Duration::from_secs(small(row, 13)?),
        message: row.get::<Option<Uuid>>(16)?.map(MessageId::from_uuid),
        template: row.get(17)?,
        country: row.get(18)?,
        reason: row.get(19)?,
        created_at: Timestamp::from_micros(row.get(20)?),
        sent_at: moment(21)?,
        delivered_at: moment(22)?,
        ended_at: moment(23)?,
    })
}

impl WorkspaceTx<'_> {
    pub async fn verification_insert(&self, row: &VerificationRow) -> Result<()> {
        let standing = &row.standing;
        let values: &[Value<'_>] = params![
            self.workspace,
            row.id.uuid(),
            row.mode.number(),
            row.channel.uuid(),
            row.flow.number(),
            standing.state.number(),
            row.person.as_deref(),
            row.party.as_deref(),
            row.details.as_deref(),
            row.code_digest.as_deref(),
            i64::from(standing.generation),
            i64::try_from(row.code_length.digits()).unwrap_or(i64::MAX),
            i64::from(standing.tries),
            i64::from(standing.max_tries),
            i64::try_from(row.ttl.as_secs()).unwrap_or(i64::MAX),
            standing.expires_at.micros(),
            standing.resend_after.micros(),
            row.message.map(MessageId::uuid),
            row.template.as_deref(),
            row.country.as_deref(),
            row.reason.as_deref(),
            row.created_at.micros(),
            row.sent_at.map(Timestamp::micros),
            row.delivered_at.map(Timestamp::micros),
            row.ended_at.map(Timestamp::micros)
        ];
        Ok(self.tx.execute_one(&INSERT, values).await?)
    }

    pub async fn verification_get(&self, id: VerificationId) -> Result<Option<VerificationRow>> {
        Ok(self.tx.query_opt(&GET, params![self.workspace, id.uuid()], verification).await?)
    }

    /// The same, held until the transaction ends: whoever would change it waits.
    pub async fn verification_hold(&self, id: VerificationId) -> Result<Option<VerificationRow>> {
        Ok(self.tx.query_opt(&HOLD, params![self.workspace, id.uuid()], verification).await?)
    }

    /// Newest first, those older than `before`.
    pub async fn verification_list(&self, before: Uuid, limit: i64) -> Result<Vec<VerificationRow>> {
        Ok(self.tx.query(&LIST, params![self.workspace, before, limit], verification).await?)
    }

    /// Whether the codes that these messages carry are still good for something.
    pub async fn codes_awaited(&self, codes: &[(VerificationId, MessageId)]) -> Result<Vec<bool>> {
        let pending = VerificationState::Pending.number();
        let rows: Vec<_> = codes
            .iter()
            .map(|(id, message)| params![self.workspace, id.uuid(), message.uuid(), pending].to_vec())
            .collect();
        let found = self.tx.query_many(&AWAITED, &rows, |row: &Row<'_>| row.get::<i64>(0)).await?;
        Ok(found.into_iter().map(|count| count.is_some_and(|count| count > 0)).collect())
    }

    /// Writes back everything that can change of a row that is held.
    pub async fn verification_update(&self, row: &VerificationRow) -> Result<()> {
        let standing = &row.standing;
        let values = params![
            self.workspace,
            row.id.uuid(),
            standing.state.number(),
            row.code_digest.as_deref(),
            i64::from(standing.generation),
            i64::from(standing.tries),
            standing.expires_at.micros(),
            standing.resend_after.micros(),
            row.message.map(MessageId::uuid),
            row.template.as_deref(),
            row.reason.as_deref(),
            row.sent_at.map(Timestamp::micros),
            row.delivered_at.map(Timestamp::micros),
            row.ended_at.map(Timestamp::micros)
        ];
        Ok(self.tx.execute_one(&UPDATE, values).await?)
    }

    /// Forgets with what the verifications were asked for that began before `content`, and those altogether that began
    /// before `log`; up to `limit` of each. How many that were.
    pub async fn retain_verifications(&self, content: Timestamp, log: Timestamp, limit: i64) -> Result<u64> {
        let details =
            self.tx.execute(&DETAILS_PAST, params![self.workspace, floor_id(content), limit]).await?;
        let rows = self.tx.execute(&PAST, params![self.workspace, floor_id(log), limit]).await?;
        self.spoken_misses_forget(log).await?;
        Ok(details + rows)
    }
}
