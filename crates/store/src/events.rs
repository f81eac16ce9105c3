//! The event log. `seq` is given inside the transaction, so that a reader who follows it never skips an entry.

use gatepost_core::channel::Mode;
use gatepost_core::event::EventType;
use gatepost_core::{ChannelId, EventId, Result, Timestamp};
use uuid::Uuid;

use crate::engine::{self, Row};
use crate::messages::mode;
use crate::store::WorkspaceTx;
use crate::{params, statements};

/// An event about to be appended.
pub struct NewEvent {
    pub id: EventId,
    pub event_type: EventType,
    pub mode: Mode,
    pub channel: Option<ChannelId>,
    /// A blind index of the person it is about, where it is about one.
    pub order_key: Option<Vec<u8>>,
    pub created_at: Timestamp,
    /// The sealed JSON of the webhook body.
    pub payload: Vec<u8>,
}

/// An event as it lies in the log.
#[derive(Debug, Clone)]
pub struct EventRow {
    pub id: EventId,
    pub seq: i64,
    pub event_type: EventType,
    pub mode: Mode,
    pub channel: Option<ChannelId>,
    /// A blind index of the person it is about, where it is about one.
    pub order_key: Option<Vec<u8>>,
    pub created_at: Timestamp,
    /// Absent once its time is over.
    pub payload: Option<Vec<u8>>,
}

statements! {
    SEQ = same("INSERT INTO workspace_counter (workspace_id, name, value) VALUES ($1, $2, $3) ON CONFLICT (workspace_id, name) DO UPDATE SET value = workspace_counter.value + excluded.value RETURNING value");
    INSERT = same("INSERT INTO event (workspace_id, id, seq, type, mode, channel_id, order_key, created_at, payload) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)");
    GET = same("SELECT id, seq, type, mode, channel_id, order_key, created_at, payload FROM event WHERE workspace_id = $1 AND id = $2");
    LIST = same("SELECT id, seq, type, mode, channel_id, order_key, created_at, payload FROM event WHERE workspace_id = $1 AND seq > $2 ORDER BY seq LIMIT $3");
    LAST = same("SELECT value FROM workspace_counter WHERE workspace_id = $1 AND name = 'event'");
}

fn event(row: &Row<'_>) -> engine::Result<EventRow> {
    Ok(EventRow {
        id: EventId::from_uuid(row.get(0)?),
        seq: row.get(1)?,
        event_type: EventType::from_number(row.get(2)?).ok_or_else(|| row.corrupt(2))?,
        mode: mode(row, 3)?,
        channel: row.get::<Option<Uuid>>(4)?.map(ChannelId::from_uuid),
        order_key: row.get(5)?,
        created_at: Timestamp::from_micros(row.get(6)?),
        payload: row.get(7)?,
    })
}

impl WorkspaceTx<'_> {
    /// Takes `count` numbers of a per-workspace counter; returns the first. The row stays locked until the commit, so
    /// numbers become visible in their order.
    pub(crate) async fn counter_take(&self, name: &'static str, count: i64) -> Result<i64> {
        let values = params![self.workspace, name, count];
        let last: i64 = self.tx.query_one(&SEQ, values, |row: &Row<'_>| row.get(0)).await?;
        Ok(last - count + 1)
    }

    /// Appends events in the given order; returns the number of the first in the log, those after it follow.
    pub async fn event_append(&self, events: &[NewEvent]) -> Result<i64> {
        if events.is_empty() {
            return Ok(0);
        }
        let count = i64::try_from(events.len()).unwrap_or(i64::MAX);
        let first = self.counter_take("event", count).await?;
        let rows: Vec<_> = events
            .iter()
            .zip(first..)
            .map(|(event, seq)| {
                params![
                    self.workspace,
                    event.id.uuid(),
                    seq,
                    event.event_type.number(),
                    event.mode.number(),
                    event.channel.map(ChannelId::uuid),
                    event.order_key.as_deref(),
                    event.created_at.micros(),
                    &event.payload
                ]
                .to_vec()
            })
            .collect();
        self.tx.execute_many(&INSERT, &rows).await?;
        Ok(first)
    }

    pub async fn event_get(&self, id: EventId) -> Result<Option<EventRow>> {
        Ok(self.tx.query_opt(&GET, params![self.workspace, id.uuid()], event).await?)
    }

    /// Events after `seq`, oldest first.
    pub async fn event_list(&self, after: i64, limit: i64) -> Result<Vec<EventRow>> {
        Ok(self.tx.query(&LIST, params![self.workspace, after, limit], event).await?)
    }

    /// The number of the newest event; 0 when there is none.
    pub async fn event_last_seq(&self) -> Result<i64> {
        let last = self.tx.query_opt(&LAST, params![self.workspace], |row: &Row<'_>| row.get(0)).await?;
        Ok(last.unwrap_or(0))
    }
}
