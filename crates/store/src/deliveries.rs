//! Deliveries and their attempts.

use futures_util::future::join;
use gatepost_core::endpoint::DeliveryState;
use gatepost_core::event::EventType;
use gatepost_core::{DeliveryId, EndpointId, EventId, ReplayId, Result, Timestamp};
use uuid::Uuid;

use crate::delivery_jobs::DeliveryJob;
use crate::engine::{self, Row, Value};
use crate::store::WorkspaceTx;
use crate::{params, statements};

#[derive(Debug, Clone)]
pub struct DeliveryRow {
    pub id: DeliveryId,
    pub endpoint: EndpointId,
    pub event: EventId,
    pub event_type: EventType,
    pub state: DeliveryState,
    pub attempts: i64,
    pub next_at: Option<Timestamp>,
    pub created_at: Timestamp,
    /// The replay that queued it last.
    pub replay: Option<ReplayId>,
    /// Whether the event still has its content, without which nothing can be sent.
    pub has_content: bool,
    pub last: Option<AttemptRow>,
}

/// What decides whether a delivery is on a page.
#[derive(Debug, Clone, Copy)]
pub struct DeliveryHead {
    pub id: DeliveryId,
    pub state: DeliveryState,
    pub event_type: EventType,
}

/// A stretch of an endpoint's deliveries. Their ids begin with the time of their events.
#[derive(Debug, Clone, Copy)]
pub struct DeliveryRange {
    /// Older than this id.
    pub before: Uuid,
    /// And not older than this one.
    pub from: Uuid,
}

/// One HTTP try.
#[derive(Debug, Clone)]
pub struct AttemptRow {
    pub number: i64,
    pub at: Timestamp,
    /// False: the egress policy refused the address and nothing was sent.
    pub allowed: bool,
    /// The policy's rule.
    pub rule: String,
    pub address: Option<String>,
    pub status: Option<i64>,
    pub latency_ms: i64,
    pub error: Option<String>,
    /// The first bytes of the answer, sealed.
    pub snippet: Option<Vec<u8>>,
}

/// An attempt, and where it leaves its delivery.
#[derive(Debug, Clone)]
pub struct DeliveryRecord {
    pub delivery: DeliveryId,
    pub attempt: AttemptRow,
    pub state: DeliveryState,
    /// When it is tried again; `None`: never.
    pub next_at: Option<Timestamp>,
    /// It was made ahead of its time, and spends nothing of the schedule.
    pub ahead: bool,
}

/// A delivery about to be made.
#[derive(Debug, Clone)]
pub struct NewDelivery {
    pub id: DeliveryId,
    pub endpoint: EndpointId,
    pub event: EventId,
    /// `None`: it is a dead letter from the start, kept to be replayed.
    pub job: Option<DeliveryJob>,
}

statements! {
    INSERT = same("INSERT INTO delivery (workspace_id, endpoint_id, id, event_id, state, attempts, next_at, created_at) VALUES ($1, $2, $3, $4, $5, 0, $6, $7)");
    RESULT = same("UPDATE delivery SET state = $4, attempts = $5, next_at = $6, schedule_from = schedule_from + $7 WHERE workspace_id = $1 AND endpoint_id = $2 AND id = $3");
    ATTEMPT = same("INSERT INTO attempt (workspace_id, endpoint_id, delivery_id, number, at, allowed, rule, address, status, latency_ms, error, snippet) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)");
    HEADS = same("SELECT d.id, d.state, e.type FROM delivery d JOIN event e ON e.workspace_id = d.workspace_id AND e.id = d.event_id WHERE d.workspace_id = $1 AND d.endpoint_id = $2 AND d.id < $3 AND d.id >= $4 ORDER BY d.id DESC LIMIT $5");
    /// For states of `delivery_state`, which holds failed, blocked and dead ones only.
    HEADS_IN_STATE = per("SELECT d.id, d.state, e.type FROM delivery d INDEXED BY delivery_state JOIN event e ON e.workspace_id = d.workspace_id AND e.id = d.event_id WHERE d.workspace_id = $1 AND d.endpoint_id = $2 AND d.id < $3 AND d.id >= $4 AND d.state = $5 AND d.state > 2 ORDER BY d.id DESC LIMIT $6", "SELECT d.id, d.state, e.type FROM delivery d JOIN event e ON e.workspace_id = d.workspace_id AND e.id = d.event_id WHERE d.workspace_id = $1 AND d.endpoint_id = $2 AND d.id < $3 AND d.id >= $4 AND d.state = $5 AND d.state > 2 ORDER BY d.id DESC LIMIT $6");
    /// With its last attempt: attempts are numbered from 1, so their count is its number.
    GET = same("SELECT d.id, d.endpoint_id, d.event_id, e.type, d.state, d.attempts, d.next_at, d.created_at, d.replay_id, CASE WHEN e.payload IS NULL THEN 0 ELSE 1 END, a.number, a.at, a.allowed, a.rule, a.address, a.status, a.latency_ms, a.error, a.snippet FROM delivery d JOIN event e ON e.workspace_id = d.workspace_id AND e.id = d.event_id LEFT JOIN attempt a ON a.workspace_id = d.workspace_id AND a.endpoint_id = d.endpoint_id AND a.delivery_id = d.id AND a.number = d.attempts WHERE d.workspace_id = $1 AND d.endpoint_id = $2 AND d.id = $3");
    ATTEMPTS = same("SELECT number, at, allowed, rule, address, status, latency_ms, error, snippet FROM attempt WHERE workspace_id = $1 AND endpoint_id = $2 AND delivery_id = $3 ORDER BY number");
    pub(crate) BURY = same("UPDATE delivery SET state = $4, next_at = NULL WHERE workspace_id = $1 AND endpoint_id = $2 AND id = $3 AND state IN ($5, $6, $7)");
    ATTEMPT_AT = same("SELECT at FROM attempt WHERE workspace_id = $1 AND endpoint_id = $2 AND delivery_id = $3 AND number > $4 ORDER BY number LIMIT 1");
}

fn event_type(row: &Row<'_>, index: usize) -> engine::Result<EventType> {
    EventType::from_number(row.get(index)?).ok_or_else(|| row.corrupt(index))
}

fn delivery(row: &Row<'_>) -> engine::Result<DeliveryRow> {
    Ok(DeliveryRow {
        id: DeliveryId::from_uuid(row.get(0)?),
        endpoint: EndpointId::from_uuid(row.get(1)?),
        event: EventId::from_uuid(row.get(2)?),
        event_type: event_type(row, 3)?,
        state: DeliveryState::from_number(row.get(4)?).ok_or_else(|| row.corrupt(4))?,
        attempts: row.get(5)?,
        next_at: row.get::<Option<i64>>(6)?.map(Timestamp::from_micros),
        created_at: Timestamp::from_micros(row.get(7)?),
        replay: row.get::<Option<Uuid>>(8)?.map(ReplayId::from_uuid),
        has_content: row.get(9)?,
        last: match row.get::<Option<i64>>(10)? {
            Some(_) => Some(attempt(row, 10)?),
            None => None,
        },
    })
}

fn head(row: &Row<'_>) -> engine::Result<DeliveryHead> {
    Ok(DeliveryHead {
        id: DeliveryId::from_uuid(row.get(0)?),
        state: DeliveryState::from_number(row.get(1)?).ok_or_else(|| row.corrupt(1))?,
        event_type: event_type(row, 2)?,
    })
}

/// An attempt whose columns begin at `at`.
fn attempt(row: &Row<'_>, at: usize) -> engine::Result<AttemptRow> {
    Ok(AttemptRow {
        number: row.get(at)?,
        at: Timestamp::from_micros(row.get(at + 1)?),
        allowed: row.get(at + 2)?,
        rule: row.get(at + 3)?,
        address: row.get(at + 4)?,
        status: row.get(at + 5)?,
        latency_ms: row.get(at + 6)?,
        error: row.get(at + 7)?,
        snippet: row.get(at + 8)?,
    })
}

/// The parameters of [`BURY`].
pub(crate) fn bury_params(workspace: Uuid, endpoint: EndpointId, delivery: Uuid) -> Vec<Value<'static>> {
    params![
        workspace,
        endpoint.uuid(),
        delivery,
        DeliveryState::Dead.number(),
        DeliveryState::Pending.number(),
        DeliveryState::Failed.number(),
        DeliveryState::Blocked.number()
    ]
    .to_vec()
}

impl WorkspaceTx<'_> {
    /// Makes deliveries and queues those that are to be sent.
    pub async fn delivery_insert(&self, deliveries: &[NewDelivery], now: Timestamp) -> Result<()> {
        let rows: Vec<_> = deliveries
            .iter()
            .map(|delivery| {
                let state = match delivery.job {
                    Some(_) => DeliveryState::Pending,
                    None => DeliveryState::Dead,
                };
                params![
                    self.workspace,
                    delivery.endpoint.uuid(),
                    delivery.id.uuid(),
                    delivery.event.uuid(),
                    state.number(),
                    delivery.job.as_ref().map(|job| job.run_at.micros()),
                    now.micros()
                ]
                .to_vec()
            })
            .collect();
        self.tx.execute_many(&INSERT, &rows).await?;
        let queued = |new: &NewDelivery| new.job.clone().map(|job| (new.endpoint, new.id, job));
        let jobs: Vec<_> = deliveries.iter().filter_map(queued).collect();
        self.delivery_queue(&jobs, now).await
    }

    /// When the first attempt after attempt number `after` was made.
    pub async fn attempt_at(
        &self,
        endpoint: EndpointId,
        delivery: DeliveryId,
        after: i64,
    ) -> Result<Option<Timestamp>> {
        let values = params![self.workspace, endpoint.uuid(), delivery.uuid(), after];
        let at = self.tx.query_opt(&ATTEMPT_AT, values, |row: &Row<'_>| row.get(0)).await?;
        Ok(at.map(Timestamp::from_micros))
    }

    /// Records attempts of one endpoint's deliveries and what follows from them.
    pub async fn deliveries_record(&self, endpoint: EndpointId, records: &[DeliveryRecord]) -> Result<()> {
        let attempts: Vec<_> = records
            .iter()
            .map(|record| {
                let attempt = &record.attempt;
                params![
                    self.workspace,
                    endpoint.uuid(),
                    record.delivery.uuid(),
                    attempt.number,
                    attempt.at.micros(),
                    attempt.allowed,
                    &attempt.rule,
                    attempt.address.as_deref(),
                    attempt.status,
                    attempt.latency_ms,
                    attempt.error.as_deref(),
                    attempt.snippet.as_deref()
                ]
                .to_vec()
            })
            .collect();
        let results: Vec<_> = records
            .iter()
            .map(|record| {
                params![
                    self.workspace,
                    endpoint.uuid(),
                    record.delivery.uuid(),
                    record.state.number(),
                    record.attempt.number,
                    record.next_at.map(Timestamp::micros),
                    record.ahead
                ]
                .to_vec()
            })
            .collect();
        let (inserted, changed) =
            join(self.tx.execute_many(&ATTEMPT, &attempts), self.tx.execute_many(&RESULT, &results)).await;
        inserted?;
        if changed?.iter().any(|touched| *touched != 1) {
            return Err(gatepost_core::Error::internal("store: a delivery to record is gone"));
        }
        Ok(())
    }

    /// The newest of a range first. With `state` only those in it: failed, blocked or dead, which have an index; what
    /// is in another state has to be looked for in all.
    pub async fn delivery_heads(
        &self,
        endpoint: EndpointId,
        range: DeliveryRange,
        state: Option<DeliveryState>,
        limit: i64,
    ) -> Result<Vec<DeliveryHead>> {
        let (before, from) = (range.before, range.from);
        Ok(match state {
            None => {
                let values = params![self.workspace, endpoint.uuid(), before, from, limit];
                self.tx.query(&HEADS, values, head).await?
            }
            Some(state) => {
                let values = params![self.workspace, endpoint.uuid(), before, from, state.number(), limit];
                self.tx.query(&HEADS_IN_STATE, values, head).await?
            }
        })
    }

    /// These deliveries, each with its last attempt, in one round trip; `None` for one that is gone.
    pub async fn deliveries_get(
        &self,
        endpoint: EndpointId,
        ids: &[DeliveryId],
    ) -> Result<Vec<Option<DeliveryRow>>> {
        let rows: Vec<_> =
            ids.iter().map(|id| params![self.workspace, endpoint.uuid(), id.uuid()].to_vec()).collect();
        Ok(self.tx.query_many(&GET, &rows, delivery).await?)
    }

    pub async fn delivery_get(&self, endpoint: EndpointId, id: DeliveryId) -> Result<Option<DeliveryRow>> {
        Ok(self.tx.query_opt(&GET, params![self.workspace, endpoint.uuid(), id.uuid()], delivery).await?)
    }

    pub async fn attempt_list(&self, endpoint: EndpointId, delivery: DeliveryId) -> Result<Vec<AttemptRow>> {
        let values = params![self.workspace, endpoint.uuid(), delivery.uuid()];
        Ok(self.tx.query(&ATTEMPTS, values, |row: &Row<'_>| attempt(row, 0)).await?)
    }
}
