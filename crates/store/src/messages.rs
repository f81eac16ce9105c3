//! Messages. Party, content, provider id and error are sealed by the caller; this module sees bytes.

use futures_util::future::join;
use gatepost_core::channel::Mode;
use gatepost_core::guard::Day;
use gatepost_core::message::{Direction, MessageState, OnUnknown};
use gatepost_core::{ChannelId, ContactId, MessageId, Purpose, Result, Timestamp, VerificationId};
use uuid::Uuid;

use crate::engine::{self, Row, Value};
use crate::jobs::NewJob;
use crate::store::WorkspaceTx;
use crate::{params, statements};

/// An outbound message about to be queued.
pub struct NewOutbound {
    pub id: MessageId,
    pub channel: ChannelId,
    pub mode: Mode,
    pub kind: &'static str,
    pub purpose: Purpose,
    pub party: Vec<u8>,
    pub content: Vec<u8>,
    pub reply_to: Option<MessageId>,
    pub on_unknown: OnUnknown,
    /// Queued, or held.
    pub state: MessageState,
    /// The blind index of the person it is for.
    pub person: [u8; 16],
    /// It is not sent after that.
    pub expires_at: Option<Timestamp>,
    /// The day it was counted on; `None`: it is not counted.
    pub counted: Option<Day>,
    /// The verification whose code it carries.
    pub verification: Option<VerificationId>,
    pub created_at: Timestamp,
}

/// A message from a person.
pub struct NewInbound {
    pub id: MessageId,
    pub channel: ChannelId,
    pub mode: Mode,
    pub kind: String,
    pub contact: Option<ContactId>,
    pub party: Vec<u8>,
    pub content: Vec<u8>,
    pub provider_index: [u8; 16],
    pub provider_id: Vec<u8>,
    pub reply_to: Option<MessageId>,
    pub created_at: Timestamp,
}

/// A message as it lies in the table.
#[derive(Debug, Clone)]
pub struct MessageRow {
    pub id: MessageId,
    pub channel: ChannelId,
    pub mode: Mode,
    pub direction: Direction,
    pub state: MessageState,
    pub kind: String,
    pub purpose: Option<Purpose>,
    pub party: Vec<u8>,
    /// Absent once its time is over.
    pub content: Option<Vec<u8>>,
    pub provider_id: Option<Vec<u8>>,
    pub reply_to: Option<MessageId>,
    pub on_unknown: OnUnknown,
    pub doubtful: bool,
    pub error: Option<Vec<u8>>,
    pub created_at: Timestamp,
    pub sending_at: Option<Timestamp>,
    pub sent_at: Option<Timestamp>,
    pub delivered_at: Option<Timestamp>,
    pub read_at: Option<Timestamp>,
    pub failed_at: Option<Timestamp>,
    /// The blind index of the person an outbound one is for; absent on old ones.
    pub person: Option<Vec<u8>>,
    pub expires_at: Option<Timestamp>,
    /// The verification whose code it carries: nobody is shown what it says.
    pub verification: Option<VerificationId>,
    /// Whether it counts on the plan: what does not is an answer to a person's choice, or was not sent by us.
    pub counted: bool,
}

/// What a status needs to know of its message.
#[derive(Debug, Clone, Copy)]
pub struct MessageStatusRow {
    pub id: MessageId,
    pub channel: ChannelId,
    pub mode: Mode,
    pub state: MessageState,
    pub doubtful: bool,
    /// The provider's id is known.
    pub named: bool,
    /// The verification whose code it carries.
    pub verification: Option<VerificationId>,
}

/// What a status or a result changes. Times already set are kept.
pub struct MessageChange {
    pub id: MessageId,
    pub state: MessageState,
    /// The state whose time this is, and the time.
    pub reached: Option<(MessageState, Timestamp)>,
    /// The provider's id, where it may be news (see [`MessageStatusRow::named`]).
    pub provider: Option<([u8; 16], Vec<u8>)>,
    /// Why it failed or has to wait; `None` keeps the reason of a message that failed, and clears it otherwise.
    pub error: Option<Vec<u8>>,
    pub doubtful: bool,
    /// True when the content is not needed any more.
    pub drop_content: bool,
}

/// Where in time a provider's id became known: events of the workspace so far, in steps of 65,536.
///
/// Those ids look random, and in one large index each new one would touch a page of its own. The span comes first in
/// the index, so that new ones meet in the pages of the newest span, however many are stored. Events are what is
/// counted because their number is at hand.
macro_rules! span {
    () => {
        "COALESCE((SELECT value FROM workspace_counter WHERE workspace_id = $1 AND name = 'event'), 0) / 65536"
    };
}

/// Spans that a provider's id is looked for in, from the newest: some 16 million events. One that is older is as good as
/// unknown, so that nobody can keep the writer busy by answering to what never was.
const SPANS_SEARCHED: i64 = 256;

statements! {
    INSERT_OUTBOUND = same("INSERT INTO message (workspace_id, id, channel_id, mode, direction, state, kind, purpose, party, content, reply_to, on_unknown, doubtful, created_at, person, expires_at, counted_day, verification_id) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, 0, $13, $14, $15, $16, $17)");
    INSERT_INBOUND = same(concat!("INSERT INTO message (workspace_id, id, channel_id, mode, direction, state, kind, contact_id, party, content, provider_span, provider_index, provider_id, reply_to, on_unknown, doubtful, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, ", span!(), ", $11, $12, $13, 0, 0, $14)"));
    GET = same("SELECT id, channel_id, mode, direction, state, kind, purpose, party, content, provider_id, reply_to, on_unknown, doubtful, error, created_at, sending_at, sent_at, delivered_at, read_at, failed_at, person, expires_at, verification_id, counted_day FROM message WHERE workspace_id = $1 AND id = $2");
    LIST = same("SELECT id, channel_id, mode, direction, state, kind, purpose, party, content, provider_id, reply_to, on_unknown, doubtful, error, created_at, sending_at, sent_at, delivered_at, read_at, failed_at, person, expires_at, verification_id, counted_day FROM message WHERE workspace_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3");
    STATUS = per(
        "SELECT id, channel_id, mode, state, doubtful, CAST(CASE WHEN provider_index IS NULL THEN 0 ELSE 1 END AS BIGINT), verification_id FROM message WHERE workspace_id = $1 AND id = $2",
        "SELECT id, channel_id, mode, state, doubtful, CAST(CASE WHEN provider_index IS NULL THEN 0 ELSE 1 END AS BIGINT), verification_id FROM message WHERE workspace_id = $1 AND id = $2 FOR UPDATE"
    );
    /// Looks through the spans from the newest down, and stops at the first that has it.
    FIND_PROVIDER = same(concat!("WITH RECURSIVE newest(span) AS (SELECT ", span!(), "), probe(span, oldest, id) AS (SELECT span + 1, span - $3, CAST(NULL AS UUID) FROM newest UNION ALL SELECT span - 1, oldest, (SELECT m.id FROM message m WHERE m.workspace_id = $1 AND m.provider_span = span - 1 AND m.provider_index = $2 ORDER BY m.id LIMIT 1) FROM probe WHERE id IS NULL AND span > 0 AND span > oldest) SELECT id FROM probe WHERE id IS NOT NULL"));
    ERROR = same("UPDATE message SET error = $3 WHERE workspace_id = $1 AND id = $2");
    /// It leaves the columns of `message_provider` alone: naming them would write that index anew each time.
    CHANGE = same("UPDATE message SET state = $3, sending_at = COALESCE(sending_at, $4), sent_at = COALESCE(sent_at, $5), delivered_at = COALESCE(delivered_at, $6), read_at = COALESCE(read_at, $7), failed_at = CASE WHEN $3 = CAST($12 AS BIGINT) THEN COALESCE(failed_at, $8) END, error = CASE WHEN $3 = CAST($12 AS BIGINT) THEN COALESCE($9, error) ELSE $9 END, doubtful = $10, content = CASE WHEN $11 = 1 THEN NULL ELSE content END WHERE workspace_id = $1 AND id = $2");
    CHANGE_NAMED = same(concat!("UPDATE message SET state = $3, sending_at = COALESCE(sending_at, $4), sent_at = COALESCE(sent_at, $5), delivered_at = COALESCE(delivered_at, $6), read_at = COALESCE(read_at, $7), failed_at = CASE WHEN $3 = CAST($12 AS BIGINT) THEN COALESCE(failed_at, $8) END, error = CASE WHEN $3 = CAST($12 AS BIGINT) THEN COALESCE($9, error) ELSE $9 END, doubtful = $10, content = CASE WHEN $11 = 1 THEN NULL ELSE content END, provider_span = CASE WHEN provider_index IS NULL THEN ", span!(), " ELSE provider_span END, provider_index = COALESCE(provider_index, $13), provider_id = COALESCE(provider_id, $14) WHERE workspace_id = $1 AND id = $2"));
}

/// A mode out of a column; every table with one stores it alike.
pub(crate) fn mode(row: &Row<'_>, index: usize) -> engine::Result<Mode> {
    Mode::from_number(row.get(index)?).ok_or_else(|| row.corrupt(index))
}

fn state(row: &Row<'_>, index: usize) -> engine::Result<MessageState> {
    MessageState::from_number(row.get(index)?).ok_or_else(|| row.corrupt(index))
}

fn at(row: &Row<'_>, index: usize) -> engine::Result<Option<Timestamp>> {
    Ok(row.get::<Option<i64>>(index)?.map(Timestamp::from_micros))
}

fn verification(row: &Row<'_>, index: usize) -> engine::Result<Option<VerificationId>> {
    Ok(row.get::<Option<Uuid>>(index)?.map(VerificationId::from_uuid))
}

fn message(row: &Row<'_>) -> engine::Result<MessageRow> {
    let purpose: Option<i64> = row.get(6)?;
    Ok(MessageRow {
        id: MessageId::from_uuid(row.get(0)?),
        channel: ChannelId::from_uuid(row.get(1)?),
        mode: mode(row, 2)?,
        direction: Direction::from_number(row.get(3)?).ok_or_else(|| row.corrupt(3))?,
        state: state(row, 4)?,
        kind: row.get(5)?,
        purpose: purpose.map(|n| Purpose::from_number(n).ok_or_else(|| row.corrupt(6))).transpose()?,
        party: row.get(7)?,
        content: row.get(8)?,
        provider_id: row.get(9)?,
        reply_to: row.get::<Option<Uuid>>(10)?.map(MessageId::from_uuid),
        on_unknown: if row.get(11)? { OnUnknown::Resend } else { OnUnknown::Fail },
        doubtful: row.get(12)?,
        error: row.get(13)?,
        created_at: Timestamp::from_micros(row.get(14)?),
        sending_at: at(row, 15)?,
        sent_at: at(row, 16)?,
        delivered_at: at(row, 17)?,
        read_at: at(row, 18)?,
        failed_at: at(row, 19)?,
        person: row.get(20)?,
        expires_at: at(row, 21)?,
        verification: verification(row, 22)?,
        counted: row.get::<Option<i64>>(23)?.is_some(),
    })
}

fn status(row: &Row<'_>) -> engine::Result<MessageStatusRow> {
    Ok(MessageStatusRow {
        id: MessageId::from_uuid(row.get(0)?),
        channel: ChannelId::from_uuid(row.get(1)?),
        mode: mode(row, 2)?,
        state: state(row, 3)?,
        doubtful: row.get(4)?,
        named: row.get(5)?,
        verification: verification(row, 6)?,
    })
}

impl WorkspaceTx<'_> {
    /// Why a message waits, sealed.
    pub async fn message_error_set(&self, id: MessageId, error: &[u8]) -> Result<()> {
        Ok(self.tx.execute_one(&ERROR, params![self.workspace, id.uuid(), error]).await?)
    }

    /// Stores an outbound message and the job that will carry it, in one round trip; a held one has none.
    pub async fn message_queue(&self, message: &NewOutbound, job: Option<&NewJob>) -> Result<()> {
        let values = params![
            self.workspace,
            message.id.uuid(),
            message.channel.uuid(),
            message.mode.number(),
            Direction::Outbound.number(),
            message.state.number(),
            message.kind,
            message.purpose.number(),
            &message.party,
            &message.content,
            message.reply_to.map(MessageId::uuid),
            i64::from(message.on_unknown == OnUnknown::Resend),
            message.created_at.micros(),
            message.person.as_slice(),
            message.expires_at.map(Timestamp::micros),
            message.counted.map(Day::number),
            message.verification.map(VerificationId::uuid)
        ];
        let Some(job) = job else { return Ok(self.tx.execute_one(&INSERT_OUTBOUND, values).await?) };
        let (inserted, queued) =
            join(self.tx.execute_one(&INSERT_OUTBOUND, values), self.job_insert(job)).await;
        inserted?;
        queued
    }

    pub async fn message_insert_inbound(&self, messages: &[NewInbound]) -> Result<()> {
        let rows: Vec<Vec<Value<'_>>> = messages
            .iter()
            .map(|m| {
                params![
                    self.workspace,
                    m.id.uuid(),
                    m.channel.uuid(),
                    m.mode.number(),
                    Direction::Inbound.number(),
                    MessageState::Received.number(),
                    &m.kind,
                    m.contact.map(ContactId::uuid),
                    &m.party,
                    &m.content,
                    m.provider_index.as_slice(),
                    &m.provider_id,
                    m.reply_to.map(MessageId::uuid),
                    m.created_at.micros()
                ]
                .to_vec()
            })
            .collect();
        self.tx.execute_many(&INSERT_INBOUND, &rows).await?;
        Ok(())
    }

    pub async fn message_get(&self, id: MessageId) -> Result<Option<MessageRow>> {
        Ok(self.tx.query_opt(&GET, params![self.workspace, id.uuid()], message).await?)
    }

    pub async fn messages_get(&self, ids: &[MessageId]) -> Result<Vec<Option<MessageRow>>> {
        let rows: Vec<_> = ids.iter().map(|id| params![self.workspace, id.uuid()].to_vec()).collect();
        Ok(self.tx.query_many(&GET, &rows, message).await?)
    }

    /// Newest first, those older than `before`.
    pub async fn message_list(&self, before: Uuid, limit: i64) -> Result<Vec<MessageRow>> {
        Ok(self.tx.query(&LIST, params![self.workspace, before, limit], message).await?)
    }

    /// Where messages stand, held until the transaction ends.
    pub async fn message_status(&self, ids: &[MessageId]) -> Result<Vec<Option<MessageStatusRow>>> {
        let rows: Vec<_> = ids.iter().map(|id| params![self.workspace, id.uuid()].to_vec()).collect();
        Ok(self.tx.query_many(&STATUS, &rows, status).await?)
    }

    /// Finds messages by the blind index of the provider's id; those of the last 16 million events at least.
    pub async fn message_find_by_provider(&self, indexes: &[[u8; 16]]) -> Result<Vec<Option<MessageId>>> {
        let rows: Vec<_> = indexes
            .iter()
            .map(|index| params![self.workspace, index.as_slice(), SPANS_SEARCHED].to_vec())
            .collect();
        let found = self.tx.query_many(&FIND_PROVIDER, &rows, |r: &Row<'_>| r.get::<Uuid>(0)).await?;
        Ok(found.into_iter().map(|id| id.map(MessageId::from_uuid)).collect())
    }

    /// Writes down news of messages in the given order; those that bring the provider's id first. A time that is known
    /// stays.
    pub async fn message_change(&self, changes: &[MessageChange]) -> Result<()> {
        let (named, others): (Vec<&MessageChange>, Vec<&MessageChange>) =
            changes.iter().partition(|change| change.provider.is_some());
        let named: Vec<Vec<Value<'_>>> = named
            .into_iter()
            .map(|change| {
                let mut values = self.change_values(change);
                let provider = change.provider.as_ref();
                values.push(provider.map(|(index, _)| index.as_slice()).into());
                values.push(provider.map(|(_, sealed)| sealed.as_slice()).into());
                values
            })
            .collect();
        let others: Vec<Vec<Value<'_>>> =
            others.into_iter().map(|change| self.change_values(change)).collect();
        // One after the other: both may speak of one message.
        let mut touched = self.tx.execute_many(&CHANGE_NAMED, &named).await?;
        touched.extend(self.tx.execute_many(&CHANGE, &others).await?);
        if touched.iter().any(|n| *n != 1) {
            return Err(gatepost_core::Error::internal("store: a message to change is gone"));
        }
        Ok(())
    }

    fn change_values<'c>(&self, change: &'c MessageChange) -> Vec<Value<'c>> {
        let at = |state| change.reached.filter(|(s, _)| *s == state).map(|(_, t)| t.micros());
        params![
            self.workspace,
            change.id.uuid(),
            change.state.number(),
            at(MessageState::Sending),
            at(MessageState::Sent),
            at(MessageState::Delivered),
            at(MessageState::Read),
            at(MessageState::Failed),
            change.error.as_deref(),
            change.doubtful,
            change.drop_content,
            MessageState::Failed.number()
        ]
        .to_vec()
    }
}
