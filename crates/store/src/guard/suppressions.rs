//! Whom a workspace may not write to.
//!
//! Threat note. Defends against: a message that goes out although the person's STOP was committed before it was taken
//! from the queue. On PostgreSQL whoever takes sends from a queue holds a shared lock of the workspace until its commit,
//! and whoever suppresses holds the exclusive one, so either the taker reads the suppression or its commit came first;
//! on SQLite there is one writer. What was taken before is counted as in flight. Whoever suppresses takes the lock
//! before any row, so that nobody who waits for it holds what it waits for.

use gatepost_core::channel::Mode;
use gatepost_core::guard::SuppressionSource;
use gatepost_core::{MessageId, Result, SuppressionId, Timestamp};
use uuid::Uuid;

use crate::engine::{self, Row};
use crate::messages::mode;
use crate::store::WorkspaceTx;
use crate::{params, statements};

/// A suppressed person.
#[derive(Debug, Clone)]
pub struct SuppressionRow {
    pub id: SuppressionId,
    pub mode: Mode,
    pub source: SuppressionSource,
    /// The source by hand that it has, too, where the person opted out beside.
    pub hand: Option<SuppressionSource>,
    /// Sealed.
    pub party: Vec<u8>,
    /// Sealed.
    pub reason: Option<Vec<u8>>,
    pub actor: String,
    pub in_flight: i64,
    /// When the person said so.
    pub said_at: Option<Timestamp>,
    pub created_at: Timestamp,
}

/// The suppression that a person is under, as far as decisions need it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Suppressed {
    pub id: SuppressionId,
    pub source: SuppressionSource,
    pub hand: Option<SuppressionSource>,
    pub said_at: Option<Timestamp>,
    /// The message that answers the person, which goes to them all the same.
    pub reply: Option<MessageId>,
}

statements! {
    /// The key is the workspace's id folded to 64 bits; another workspace with the same waits a moment, no more.
    GATE_SHARED = per(
        "SELECT 1 WHERE $1 = $1",
        "SELECT 1 FROM pg_advisory_xact_lock_shared($1)"
    );
    GATE_EXCLUSIVE = per(
        "SELECT 2 WHERE $1 = $1",
        "SELECT 1 FROM pg_advisory_xact_lock($1)"
    );
    SUPPRESSED = same("SELECT s.id, s.source, s.hand, s.said_at, s.reply_id FROM suppressed_person p JOIN suppression s ON s.workspace_id = p.workspace_id AND s.id = p.suppression_id WHERE p.workspace_id = $1 AND p.mode = $2 AND p.person = $3");
    INSERT = same("INSERT INTO suppression (workspace_id, id, mode, source, hand, party, reason, actor, in_flight, said_at, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)");
    PERSON = same("INSERT INTO suppressed_person (workspace_id, mode, person, suppression_id) VALUES ($1, $2, $3, $4) ON CONFLICT (workspace_id, mode, person) DO NOTHING");
    /// Under the same suppression in either mode.
    PERSON_TOO = same("INSERT INTO suppressed_person (workspace_id, mode, person, suppression_id) SELECT p.workspace_id, p.mode, $3, p.suppression_id FROM suppressed_person p WHERE p.workspace_id = $1 AND p.mode IN ($4, $5) AND p.person = $2 ON CONFLICT (workspace_id, mode, person) DO NOTHING");
    /// What was suppressed under this index alone stays so.
    PERSON_GONE = same("DELETE FROM suppressed_person WHERE workspace_id = $1 AND mode IN ($3, $4) AND person = $2 AND EXISTS (SELECT 1 FROM suppressed_person o WHERE o.workspace_id = $1 AND o.suppression_id = suppressed_person.suppression_id AND o.person <> $2)");
    GET = same("SELECT id, mode, source, hand, party, reason, actor, in_flight, said_at, created_at FROM suppression WHERE workspace_id = $1 AND id = $2");
    LIST = same("SELECT id, mode, source, hand, party, reason, actor, in_flight, said_at, created_at FROM suppression WHERE workspace_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3");
    LIST_MODE = same("SELECT id, mode, source, hand, party, reason, actor, in_flight, said_at, created_at FROM suppression WHERE workspace_id = $1 AND id < $2 AND mode = $4 ORDER BY id DESC LIMIT $3");
    SET = same("UPDATE suppression SET source = $3, hand = $4, said_at = $5, in_flight = in_flight + $6 WHERE workspace_id = $1 AND id = $2");
    REPLY = same("UPDATE suppression SET reply_id = $3 WHERE workspace_id = $1 AND id = $2");
    UNPERSON = same("DELETE FROM suppressed_person WHERE workspace_id = $1 AND suppression_id = $2");
    DELETE = same("DELETE FROM suppression WHERE workspace_id = $1 AND id = $2");
    COUNT = same("SELECT COUNT(*) FROM (SELECT 1 AS one FROM suppression WHERE workspace_id = $1 LIMIT $2) AS some_of_them");
}

pub(super) fn source(row: &Row<'_>, index: usize) -> engine::Result<SuppressionSource> {
    SuppressionSource::from_number(row.get(index)?).ok_or_else(|| row.corrupt(index))
}

fn source_opt(row: &Row<'_>, index: usize) -> engine::Result<Option<SuppressionSource>> {
    let number: Option<i64> = row.get(index)?;
    number.map(|n| SuppressionSource::from_number(n).ok_or_else(|| row.corrupt(index))).transpose()
}

fn moment(row: &Row<'_>, index: usize) -> engine::Result<Option<Timestamp>> {
    Ok(row.get::<Option<i64>>(index)?.map(Timestamp::from_micros))
}

fn suppression(row: &Row<'_>) -> engine::Result<SuppressionRow> {
    Ok(SuppressionRow {
        id: SuppressionId::from_uuid(row.get(0)?),
        mode: mode(row, 1)?,
        source: source(row, 2)?,
        hand: source_opt(row, 3)?,
        party: row.get(4)?,
        reason: row.get(5)?,
        actor: row.get(6)?,
        in_flight: row.get(7)?,
        said_at: moment(row, 8)?,
        created_at: Timestamp::from_micros(row.get(9)?),
    })
}

fn suppressed(row: &Row<'_>) -> engine::Result<Suppressed> {
    Ok(Suppressed {
        id: SuppressionId::from_uuid(row.get(0)?),
        source: source(row, 1)?,
        hand: source_opt(row, 2)?,
        said_at: moment(row, 3)?,
        reply: row.get::<Option<Uuid>>(4)?.map(MessageId::from_uuid),
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

    /// Somebody is suppressed: until the commit no send of the workspace is taken from a queue, and nobody else is
    /// suppressed. To be called before any row is touched.
    pub async fn suppression_gate_exclusive(&self) -> Result<()> {
        self.tx.query_one(&GATE_EXCLUSIVE, params![self.gate()], |row: &Row<'_>| row.get::<i64>(0)).await?;
        Ok(())
    }

    /// For each person the suppression they are under.
    pub async fn suppressed(&self, mode: Mode, people: &[&[u8]]) -> Result<Vec<Option<Suppressed>>> {
        let rows: Vec<_> =
            people.iter().map(|person| params![self.workspace, mode.number(), *person].to_vec()).collect();
        Ok(self.tx.query_many(&SUPPRESSED, &rows, suppressed).await?)
    }

    /// Suppresses people, each under all the blind indexes they are known by. An index that is suppressed already stays
    /// under the suppression it is under.
    pub async fn suppressions_add(&self, added: &[(SuppressionRow, Vec<[u8; 16]>)]) -> Result<()> {
        let rows: Vec<_> = added
            .iter()
            .map(|(row, _)| {
                params![
                    self.workspace,
                    row.id.uuid(),
                    row.mode.number(),
                    row.source.number(),
                    row.hand.map(SuppressionSource::number),
                    &row.party,
                    row.reason.as_deref(),
                    row.actor.as_str(),
                    row.in_flight,
                    row.said_at.map(Timestamp::micros),
                    row.created_at.micros()
                ]
                .to_vec()
            })
            .collect();
        self.tx.execute_many(&INSERT, &rows).await?;
        let people: Vec<_> = added
            .iter()
            .flat_map(|(row, people)| people.iter().map(move |person| (row, person)))
            .map(|(row, person)| {
                params![self.workspace, row.mode.number(), person.as_slice(), row.id.uuid()].to_vec()
            })
            .collect();
        self.tx.execute_many(&PERSON, &people).await?;
        Ok(())
    }

    /// A suppressed person is known by more indexes from now on.
    pub async fn suppression_covers(&self, mode: Mode, id: SuppressionId, people: &[[u8; 16]]) -> Result<()> {
        let rows: Vec<_> = people
            .iter()
            .map(|person| params![self.workspace, mode.number(), person.as_slice(), id.uuid()].to_vec())
            .collect();
        self.tx.execute_many(&PERSON, &rows).await?;
        Ok(())
    }

    /// Whoever has the first index has the second, too: what the first is suppressed by covers it.
    pub async fn suppressions_follow(&self, pairs: &[([u8; 16], [u8; 16])]) -> Result<()> {
        let rows: Vec<_> = pairs
            .iter()
            .map(|(known, new)| {
                let (live, test) = (Mode::Live.number(), Mode::Test.number());
                params![self.workspace, known.as_slice(), new.as_slice(), live, test].to_vec()
            })
            .collect();
        self.tx.execute_many(&PERSON_TOO, &rows).await?;
        Ok(())
    }

    /// These indexes are not those of the people any more whom they were suppressed with: whoever has them now neither
    /// inherits that, nor undoes it.
    pub async fn suppressions_leave(&self, people: &[[u8; 16]]) -> Result<()> {
        let (live, test) = (Mode::Live.number(), Mode::Test.number());
        let rows: Vec<_> = people
            .iter()
            .map(|person| params![self.workspace, person.as_slice(), live, test].to_vec())
            .collect();
        self.tx.execute_many(&PERSON_GONE, &rows).await?;
        Ok(())
    }

    /// Another source, or another moment at which the person said so; `in_flight` more sends were with Meta.
    pub async fn suppression_set(&self, state: &Suppressed, in_flight: i64) -> Result<()> {
        let values = params![
            self.workspace,
            state.id.uuid(),
            state.source.number(),
            state.hand.map(SuppressionSource::number),
            state.said_at.map(Timestamp::micros),
            in_flight
        ];
        Ok(self.tx.execute_one(&SET, values).await?)
    }

    /// Names the message that answers the person: it goes to them all the same.
    pub async fn suppression_reply_set(&self, id: SuppressionId, reply: MessageId) -> Result<()> {
        Ok(self.tx.execute_one(&REPLY, params![self.workspace, id.uuid(), reply.uuid()]).await?)
    }

    pub async fn suppression_get(&self, id: SuppressionId) -> Result<Option<SuppressionRow>> {
        Ok(self.tx.query_opt(&GET, params![self.workspace, id.uuid()], suppression).await?)
    }

    /// Newest first, older than `before`; those of one mode, or of both.
    pub async fn suppression_list(
        &self,
        mode: Option<Mode>,
        before: Uuid,
        limit: i64,
    ) -> Result<Vec<SuppressionRow>> {
        Ok(match mode {
            None => self.tx.query(&LIST, params![self.workspace, before, limit], suppression).await?,
            Some(mode) => {
                let values = params![self.workspace, before, limit, mode.number()];
                self.tx.query(&LIST_MODE, values, suppression).await?
            }
        })
    }

    /// True when there was one.
    pub async fn suppression_lift(&self, id: SuppressionId) -> Result<bool> {
        self.tx.execute(&UNPERSON, params![self.workspace, id.uuid()]).await?;
        Ok(self.tx.execute(&DELETE, params![self.workspace, id.uuid()]).await? == 1)
    }

    /// How many there are, counted up to `most`.
    pub async fn suppression_count(&self, most: i64) -> Result<i64> {
        Ok(self.tx.query_one(&COUNT, params![self.workspace, most], |row: &Row<'_>| row.get(0)).await?)
    }
}
