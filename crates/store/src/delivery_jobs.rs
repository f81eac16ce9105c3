//! The queue of deliveries: one job for each delivery that is not at its end, under the delivery's own id.
//!
//! Order. Jobs of an ordered endpoint carry the key of the person their event is about, and their event's number as
//! position. Of those that share a key only the first has a time; the others are *held* until it is done, and
//! then the one with the lowest position gets its turn. So a claim looks at due jobs only, however many are held, and a
//! failing delivery holds its key by being there. On PostgreSQL whoever adds to a key and whoever ends its first job
//! might miss one another; both take the lock of the event log first, as every publisher has it already.
//!
//! Jobs of priority 0 are live; those of priority 1 are replayed.

use gatepost_core::event::EventType;
use gatepost_core::job::JobKind;
use gatepost_core::{DeliveryId, EndpointId, EventId, JobId, NodeId, ReplayId, Result, Timestamp};
use uuid::Uuid;

use crate::deliveries::{BURY, bury_params};
use crate::engine::{self, EngineKind, Row, Value};
use crate::jobs::{Claimed, HELD, claim_mark};
use crate::store::{WorkspaceTx, wake_after_commit};
use crate::{params, statements};

/// When and in which order a delivery is made.
#[derive(Debug, Clone)]
pub struct DeliveryJob {
    /// At an ordered endpoint: the key, and the place among those that share it.
    pub order: Option<(Vec<u8>, i64)>,
    /// 0 for live ones, 1 for those that are replayed.
    pub priority: i64,
    pub run_at: Timestamp,
}

/// What a delivery lane needs of one delivery.
#[derive(Debug, Clone)]
pub struct DeliveryWork {
    pub id: DeliveryId,
    pub event: EventId,
    pub event_type: EventType,
    pub attempts: i64,
    /// The attempts made before the schedule that runs now was begun.
    pub schedule_from: i64,
    /// When it was to be tried next, by its schedule.
    pub next_at: Option<Timestamp>,
    /// The replay that queued it.
    pub replay: Option<ReplayId>,
    /// Sealed; absent once its time is over.
    pub payload: Option<Vec<u8>>,
}

statements! {
    QUEUE = same("INSERT INTO job (id, workspace_id, kind, lane, priority, position, queued_at, run_at, subject, attempts, lease_until, fence) VALUES ($1, $2, $3, $4, $5, $6, $6, $7, $1, 0, 0, 0) ON CONFLICT (id) DO NOTHING");
    QUEUE_ORDERED = same("INSERT INTO job (id, workspace_id, kind, lane, priority, position, queued_at, run_at, subject, attempts, lease_until, fence, order_key) VALUES ($1, $2, $3, $4, $5, $8, $6, CASE WHEN EXISTS (SELECT 1 FROM job o WHERE o.kind = $3 AND o.lane = $4 AND o.order_key = $9) THEN 9223372036854775807 ELSE $7 END, $1, 0, 0, 0, $9) ON CONFLICT (id) DO NOTHING");
    /// Whoever publishes holds it until the commit.
    LOG_LOCK = per(
        "SELECT 1 FROM workspace_counter WHERE workspace_id = $1 AND name = 'event'",
        "SELECT 1 FROM workspace_counter WHERE workspace_id = $1 AND name = 'event' FOR UPDATE"
    );
    NEXT_OF_KEY = same("UPDATE job SET run_at = $4 WHERE run_at = 9223372036854775807 AND id = (SELECT id FROM job WHERE kind = $1 AND lane = $2 AND order_key = $3 ORDER BY position LIMIT 1)");
    /// See the claim of other jobs for why SQLite looks first and marks then.
    CLAIM = per(
        "SELECT j.id, j.queued_at, j.run_at, j.attempts + 1, j.started_at, j.fence + 1, j.order_key, d.event_id, e.type, d.attempts, d.schedule_from, d.next_at, d.replay_id, e.payload FROM job j LEFT JOIN delivery d ON d.workspace_id = j.workspace_id AND d.endpoint_id = j.lane AND d.id = j.subject LEFT JOIN event e ON e.workspace_id = d.workspace_id AND e.id = d.event_id WHERE j.kind = $3 AND j.lane = $4 AND j.priority = $5 AND j.run_at <= $6 AND j.lease_until <= $6 AND j.workspace_id = $8 ORDER BY j.run_at, j.id LIMIT $7",
        "WITH claimed AS (UPDATE job SET lease_owner = $1, lease_until = $2, fence = fence + 1, attempts = attempts + 1, cut_at = started_at, started_at = $6 WHERE id IN (SELECT j.id FROM job j WHERE j.kind = $3 AND j.lane = $4 AND j.priority = $5 AND j.run_at <= $6 AND j.lease_until <= $6 AND j.workspace_id = $8 ORDER BY j.run_at, j.id LIMIT $7 FOR UPDATE SKIP LOCKED) RETURNING id, workspace_id, lane, subject, queued_at, run_at, attempts, cut_at, fence, order_key) SELECT c.id, c.queued_at, c.run_at, c.attempts, c.cut_at, c.fence, c.order_key, d.event_id, e.type, d.attempts, d.schedule_from, d.next_at, d.replay_id, e.payload FROM claimed c LEFT JOIN delivery d ON d.workspace_id = c.workspace_id AND d.endpoint_id = c.lane AND d.id = c.subject LEFT JOIN event e ON e.workspace_id = d.workspace_id AND e.id = d.event_id"
    );
    /// Those with a time from `$7` to `$8`, the last first: what waits for later wakes nobody, so it must not be what is
    /// left over.
    PICK = per(
        "SELECT p.id, d.replay_id FROM (SELECT j.id, j.workspace_id, j.lane FROM job j WHERE j.workspace_id = $1 AND j.kind = $2 AND j.lane = $3 AND j.priority = $6 AND j.run_at >= $7 AND j.run_at <= $8 AND j.lease_until <= $4 ORDER BY j.run_at DESC, j.id DESC LIMIT $5) p LEFT JOIN delivery d ON d.workspace_id = p.workspace_id AND d.endpoint_id = p.lane AND d.id = p.id",
        "SELECT p.id, d.replay_id FROM (SELECT j.id, j.workspace_id, j.lane FROM job j WHERE j.workspace_id = $1 AND j.kind = $2 AND j.lane = $3 AND j.priority = $6 AND j.run_at >= $7 AND j.run_at <= $8 AND j.lease_until <= $4 ORDER BY j.run_at DESC, j.id DESC LIMIT $5 FOR UPDATE SKIP LOCKED) p LEFT JOIN delivery d ON d.workspace_id = p.workspace_id AND d.endpoint_id = p.lane AND d.id = p.id"
    );
    DROP = same("DELETE FROM job WHERE id = $1");
    PHONE_KEY = same("SELECT phone_index FROM contact WHERE workspace_id = $1 AND bsuid_index = $2");
    REPLAY_PROGRESS = same("UPDATE replay SET sent = sent + $4, dead = dead + $5 WHERE workspace_id = $1 AND endpoint_id = $2 AND id = $3");
}

fn work(row: &Row<'_>, id: DeliveryId) -> engine::Result<Option<DeliveryWork>> {
    let Some(event) = row.get::<Option<Uuid>>(7)? else { return Ok(None) };
    let Some(event_type) = row.get::<Option<i64>>(8)? else { return Ok(None) };
    Ok(Some(DeliveryWork {
        id,
        event: EventId::from_uuid(event),
        event_type: EventType::from_number(event_type).ok_or_else(|| row.corrupt(8))?,
        attempts: row.get(9)?,
        schedule_from: row.get(10)?,
        next_at: row.get::<Option<i64>>(11)?.map(Timestamp::from_micros),
        replay: row.get::<Option<Uuid>>(12)?.map(ReplayId::from_uuid),
        payload: row.get(13)?,
    }))
}

impl WorkspaceTx<'_> {
    /// Queues deliveries whose rows are there. One that is queued already stays as it is.
    pub async fn delivery_queue(
        &self,
        jobs: &[(EndpointId, DeliveryId, DeliveryJob)],
        now: Timestamp,
    ) -> Result<()> {
        let (mut free, mut ordered) = (Vec::new(), Vec::new());
        let mut woken: Vec<EndpointId> = Vec::new();
        for (endpoint, delivery, job) in jobs {
            let mut values: Vec<Value<'_>> = params![
                delivery.uuid(),
                self.workspace,
                JobKind::DeliveryAttempt.number(),
                endpoint.uuid(),
                job.priority,
                now.micros(),
                job.run_at.micros()
            ]
            .to_vec();
            match &job.order {
                None => free.push(values),
                Some((key, position)) => {
                    values.extend_from_slice(params![*position, key.as_slice()]);
                    ordered.push(values);
                }
            }
            if !woken.contains(endpoint) {
                woken.push(*endpoint);
            }
        }
        self.tx.execute_many(&QUEUE, &free).await?;
        if !ordered.is_empty() {
            self.event_log_lock().await?;
            self.tx.execute_many(&QUEUE_ORDERED, &ordered).await?;
        }
        for endpoint in woken {
            wake_after_commit(self.tx, self.wakes, JobKind::DeliveryAttempt, endpoint.uuid());
        }
        Ok(())
    }

    /// From here on nobody appends to the event log before this transaction ends.
    async fn event_log_lock(&self) -> Result<()> {
        self.tx.query_opt(&LOG_LOCK, params![self.workspace], |_: &Row<'_>| Ok(())).await?;
        Ok(())
    }

    /// Jobs of these order keys were done, in this transaction: who is next gets its turn now.
    pub async fn delivery_turns(&self, endpoint: EndpointId, keys: &[&[u8]], now: Timestamp) -> Result<()> {
        if keys.is_empty() {
            return Ok(());
        }
        let kind = JobKind::DeliveryAttempt;
        let rows: Vec<_> = keys
            .iter()
            .map(|key| params![kind.number(), endpoint.uuid(), *key, now.micros()].to_vec())
            .collect();
        let turned = self.tx.execute_many(&NEXT_OF_KEY, &rows).await?;
        if turned.iter().any(|n| *n > 0) {
            wake_after_commit(self.tx, self.wakes, kind, endpoint.uuid());
        }
        Ok(())
    }

    /// To be called before [`Self::delivery_turns`], and before the jobs are removed.
    pub async fn delivery_turns_lock(&self) -> Result<()> {
        self.event_log_lock().await
    }

    /// Takes up to `limit` due deliveries of an endpoint under a lease until `lease_until`, the longest due first, and
    /// begins a try of each. A delivery that is gone comes without work.
    pub async fn deliveries_claim(
        &self,
        endpoint: EndpointId,
        priority: i64,
        node: NodeId,
        now: Timestamp,
        lease_until: Timestamp,
        limit: usize,
    ) -> Result<Vec<(Claimed, Option<DeliveryWork>)>> {
        let (kind, owner) = (JobKind::DeliveryAttempt, node.uuid());
        let values = params![
            owner,
            lease_until.micros(),
            kind.number(),
            endpoint.uuid(),
            priority,
            now.micros(),
            i64::try_from(limit).unwrap_or(i64::MAX),
            self.workspace
        ];
        let claim = |row: &Row<'_>| {
            let id: Uuid = row.get(0)?;
            let claimed = Claimed {
                id: JobId::from_uuid(id),
                kind,
                lane: endpoint.uuid(),
                workspace: self.scope().workspace(),
                subject: id,
                queued_at: Timestamp::from_micros(row.get(1)?),
                run_at: Timestamp::from_micros(row.get(2)?),
                attempts: row.get(3)?,
                cut_at: row.get::<Option<i64>>(4)?.map(Timestamp::from_micros),
                fence: row.get(5)?,
                order_key: row.get(6)?,
                lease_until,
                owner,
            };
            Ok((claimed, work(row, DeliveryId::from_uuid(id))?))
        };
        let mut found = self.tx.query(&CLAIM, values, claim).await?;
        if self.tx.engine_kind() == EngineKind::Sqlite {
            let jobs: Vec<&Claimed> = found.iter().map(|(job, _)| job).collect();
            claim_mark(self.tx, &jobs, now).await?;
        } else {
            found.sort_by_key(|(job, _)| (job.run_at, job.id));
        }
        Ok(found)
    }

    /// Deliveries of an endpoint that nobody works on become dead, at most `limit` of them, and their jobs go; returns
    /// how many that were. Every delivery that is not at its end has a job, so nothing is looked for elsewhere.
    pub async fn deliveries_bury_some(
        &self,
        endpoint: EndpointId,
        now: Timestamp,
        limit: i64,
    ) -> Result<usize> {
        let kind = JobKind::DeliveryAttempt.number();
        let mut picked: Vec<(Uuid, Option<Uuid>)> = Vec::new();
        // What is held goes before all that has a time: the first of a key may have been given another priority since, and
        // nothing would tell of those behind it once it is gone.
        let held = HELD.micros();
        for (from, to, priority) in [(held, held, 1), (held, held, 0), (0, held - 1, 1), (0, held - 1, 0)] {
            let rest = limit - i64::try_from(picked.len()).unwrap_or(limit);
            if rest == 0 {
                break;
            }
            let values =
                params![self.workspace, kind, endpoint.uuid(), now.micros(), rest, priority, from, to];
            let some = self.tx.query(&PICK, values, |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?))).await?;
            picked.extend(some);
        }
        let buried: Vec<_> =
            picked.iter().map(|(id, _)| bury_params(self.workspace, endpoint, *id)).collect();
        let drops: Vec<_> = picked.iter().map(|(id, _)| params![id].to_vec()).collect();
        self.tx.execute_many(&BURY, &buried).await?;
        self.tx.execute_many(&DROP, &drops).await?;
        let mut replays: Vec<(Uuid, i64)> = Vec::new();
        for replay in picked.iter().filter_map(|(_, replay)| *replay) {
            match replays.iter_mut().find(|(id, _)| *id == replay) {
                Some((_, count)) => *count += 1,
                None => replays.push((replay, 1)),
            }
        }
        for (replay, dead) in replays {
            self.replay_progress(endpoint, ReplayId::from_uuid(replay), 0, dead).await?;
        }
        Ok(picked.len())
    }

    /// Deliveries that a replay had queued have come to their end.
    pub async fn replay_progress(
        &self,
        endpoint: EndpointId,
        replay: ReplayId,
        sent: i64,
        dead: i64,
    ) -> Result<()> {
        let values = params![self.workspace, endpoint.uuid(), replay.uuid(), sent, dead];
        self.tx.execute(&REPLAY_PROGRESS, values).await?;
        Ok(())
    }

    /// The keys under which these people's deliveries are ordered. An event names a person by phone, or by BSUID where it
    /// knows no phone; one whose phone is known is ordered by that, so that both kinds of events share a key.
    pub async fn order_keys(&self, named: &[&[u8]]) -> Result<Vec<Vec<u8>>> {
        let rows: Vec<_> = named.iter().map(|key| params![self.workspace, *key].to_vec()).collect();
        let phones =
            self.tx.query_many(&PHONE_KEY, &rows, |row: &Row<'_>| row.get::<Option<Vec<u8>>>(0)).await?;
        Ok(named
            .iter()
            .zip(phones)
            .map(|(key, phone)| phone.flatten().unwrap_or_else(|| key.to_vec()))
            .collect())
    }
}

#[cfg(test)]
mod tests {
    use crate::jobs::HELD;

    /// The statements say it as a number.
    #[test]
    fn held_is_the_number_in_the_statements() {
        assert_eq!(HELD.micros(), 9_223_372_036_854_775_807);
    }
}
