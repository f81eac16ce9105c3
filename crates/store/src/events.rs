//! The event log. `seq` is given inside the transaction, so that a reader who follows it never skips an entry.

use gatepost_core::channel::Mode;
use gatepost_core::event::EventType;
use gatepost_core::{ChannelId, EventId, Result, Timestamp};
use uuid::Uuid;

use crate::engine::{self, Row};
use crate::messages::mode;
use crate::retention::floor_id;
use crate::scope::WorkspaceScope;
use crate::store::{SystemTx, WorkspaceTx, tell_after_commit};
use crate::{params, statements};

/// An event about to be appended.
#[derive(Clone)]
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

/// An event as it lies in the log, without its payload: what decides who sees it.
#[derive(Debug, Clone)]
pub struct EventHead {
    pub id: EventId,
    pub seq: i64,
    pub event_type: EventType,
    pub mode: Mode,
    pub channel: Option<ChannelId>,
    /// A blind index of the person it is about, where it is about one.
    pub order_key: Option<Vec<u8>>,
    pub created_at: Timestamp,
    /// Bytes of the sealed payload; 0 once its time is over.
    pub size: i64,
}

impl EventHead {
    /// Whether it can still be sent: its time is not over.
    pub const fn has_content(&self) -> bool {
        self.size > 0
    }
}

/// An event with its payload.
#[derive(Debug, Clone)]
pub struct EventRow {
    pub head: EventHead,
    /// Sealed; absent once its time is over.
    pub payload: Option<Vec<u8>>,
}

statements! {
    SEQ = same("INSERT INTO workspace_counter (workspace_id, name, value) VALUES ($1, $2, $3) ON CONFLICT (workspace_id, name) DO UPDATE SET value = workspace_counter.value + excluded.value RETURNING value");
    INSERT = same("INSERT INTO event (workspace_id, id, seq, type, mode, channel_id, order_key, created_at, payload) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)");
    HEAD = same("SELECT id, seq, type, mode, channel_id, order_key, created_at, CAST(COALESCE(LENGTH(payload), 0) AS BIGINT) FROM event WHERE workspace_id = $1 AND id = $2");
    HEADS = same("SELECT id, seq, type, mode, channel_id, order_key, created_at, CAST(COALESCE(LENGTH(payload), 0) AS BIGINT) FROM event WHERE workspace_id = $1 AND seq > $2 ORDER BY seq LIMIT $3");
    PAYLOAD = same("SELECT payload FROM event WHERE workspace_id = $1 AND id = $2");
    FIRST = same("SELECT seq FROM event WHERE workspace_id = $1 ORDER BY seq LIMIT 1");
    FROM_TIME = same("SELECT seq FROM event WHERE workspace_id = $1 AND id >= $2 ORDER BY id LIMIT 1");
    LAST = same("SELECT value FROM workspace_counter WHERE workspace_id = $1 AND name = 'event'");
}

fn head(row: &Row<'_>) -> engine::Result<EventHead> {
    Ok(EventHead {
        id: EventId::from_uuid(row.get(0)?),
        seq: row.get(1)?,
        event_type: EventType::from_number(row.get(2)?).ok_or_else(|| row.corrupt(2))?,
        mode: mode(row, 3)?,
        channel: row.get::<Option<Uuid>>(4)?.map(ChannelId::from_uuid),
        order_key: row.get(5)?,
        created_at: Timestamp::from_micros(row.get(6)?),
        size: row.get(7)?,
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
        tell_after_commit(self.tx, self.wakes, self.workspace);
        Ok(first)
    }

    pub async fn event_head(&self, id: EventId) -> Result<Option<EventHead>> {
        Ok(self.tx.query_opt(&HEAD, params![self.workspace, id.uuid()], head).await?)
    }

    /// Events after `seq`, oldest first.
    pub async fn event_heads(&self, after: i64, limit: i64) -> Result<Vec<EventHead>> {
        Ok(self.tx.query(&HEADS, params![self.workspace, after, limit], head).await?)
    }

    /// These events with their payloads; one that is gone meanwhile is as one whose time is over.
    pub async fn event_rows(&self, heads: Vec<EventHead>) -> Result<Vec<EventRow>> {
        let keys: Vec<_> = heads.iter().map(|h| params![self.workspace, h.id.uuid()].to_vec()).collect();
        let payloads: Vec<Option<Option<Vec<u8>>>> =
            self.tx.query_many(&PAYLOAD, &keys, |row: &Row<'_>| row.get(0)).await?;
        let rows = heads.into_iter().zip(payloads);
        Ok(rows.map(|(head, payload)| EventRow { head, payload: payload.flatten() }).collect())
    }

    /// The number of the oldest event that is kept.
    pub async fn event_first_seq(&self) -> Result<Option<i64>> {
        Ok(self.tx.query_opt(&FIRST, params![self.workspace], |row: &Row<'_>| row.get(0)).await?)
    }

    /// The number of the oldest event that was made at `at` or later, by the time in its id (milliseconds).
    pub async fn event_seq_from(&self, at: Timestamp) -> Result<Option<i64>> {
        let values = params![self.workspace, floor_id(at)];
        Ok(self.tx.query_opt(&FROM_TIME, values, |row: &Row<'_>| row.get(0)).await?)
    }

    /// The number of the newest event; 0 when there is none.
    pub async fn event_last_seq(&self) -> Result<i64> {
        let last = self.tx.query_opt(&LAST, params![self.workspace], |row: &Row<'_>| row.get(0)).await?;
        Ok(last.unwrap_or(0))
    }
}

impl SystemTx<'_> {
    /// The number of each workspace's newest event, in one transaction: for whoever waits for what other nodes append.
    pub async fn event_last_seqs(&self, scopes: &[WorkspaceScope]) -> Result<Vec<i64>> {
        let mut found = Vec::with_capacity(scopes.len());
        for scope in scopes {
            found.push(self.enter(*scope).event_last_seq().await?);
        }
        Ok(found)
    }
}
