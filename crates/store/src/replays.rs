//! Sending again: deliveries that begin a new schedule, and replays of whole windows of the event log.

use std::time::Duration;

use gatepost_core::endpoint::{DeliveryState, ReplayOnly, ReplayState};
use gatepost_core::job::JobKind;
use gatepost_core::{DeliveryId, EndpointId, EventId, ReplayId, Result, Timestamp};
use uuid::Uuid;

use crate::delivery_jobs::DeliveryJob;
use crate::engine::{self, Row};
use crate::retention::floor_id;
use crate::store::{WorkspaceTx, wake_after_commit};
use crate::{params, statements};

#[derive(Debug, Clone)]
pub struct ReplayRow {
    pub id: ReplayId,
    pub endpoint: EndpointId,
    /// Events made at this time or later,
    pub since: Timestamp,
    /// and before this one.
    pub until: Timestamp,
    pub only: ReplayOnly,
    pub state: ReplayState,
    /// It walks the event log from after this number
    pub first_seq: i64,
    /// to this one.
    pub last_seq: i64,
    /// The last number it has looked at.
    pub position: i64,
    /// When the event of that number was made.
    pub position_at: Option<Timestamp>,
    /// Events of the window that it has looked at.
    pub scanned: i64,
    /// Deliveries that it has queued; each becomes sent or dead.
    pub queued: i64,
    pub sent: i64,
    pub dead: i64,
    /// Events that were to be sent again, and whose content is gone.
    pub expired: i64,
    pub created_at: Timestamp,
    pub finished_at: Option<Timestamp>,
}

/// A delivery that is to begin a new schedule.
#[derive(Debug, Clone)]
pub struct Revival {
    pub delivery: DeliveryId,
    pub event: EventId,
    /// Where it stood when it was looked at; `None` where there was none. Nothing happens where it stands elsewhere
    /// by now.
    pub seen: Option<DeliveryState>,
    /// When and in which order it is made.
    pub job: DeliveryJob,
}

/// How far one step brought a replay.
#[derive(Debug, Clone, Copy, Default)]
pub struct ReplayStep {
    pub position: i64,
    pub position_at: Option<Timestamp>,
    pub scanned: i64,
    pub expired: i64,
}

statements! {
    INSERT = same("INSERT INTO replay (workspace_id, endpoint_id, id, since, until, wanted, state, position, scanned, queued, sent, dead, created_at, first_seq, last_seq) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, 0, 0, 0, $9, $8, $10) ON CONFLICT DO NOTHING");
    GET = same("SELECT id, endpoint_id, since, until, wanted, state, first_seq, last_seq, position, position_at, scanned, queued, sent, dead, expired, created_at, finished_at FROM replay WHERE workspace_id = $1 AND endpoint_id = $2 AND id = $3");
    LIST = same("SELECT id, endpoint_id, since, until, wanted, state, first_seq, last_seq, position, position_at, scanned, queued, sent, dead, expired, created_at, finished_at FROM replay WHERE workspace_id = $1 AND endpoint_id = $2 AND id < $3 ORDER BY id DESC LIMIT $4");
    RUNNING = same("SELECT id, endpoint_id, since, until, wanted, state, first_seq, last_seq, position, position_at, scanned, queued, sent, dead, expired, created_at, finished_at FROM replay WHERE workspace_id = $1 AND endpoint_id = $2 AND state = 1");
    ADVANCE = same("UPDATE replay SET position = $4, position_at = COALESCE($5, position_at), scanned = scanned + $6, expired = expired + $7 WHERE workspace_id = $1 AND endpoint_id = $2 AND id = $3 AND state = 1");
    QUEUED = same("UPDATE replay SET queued = queued + $4 WHERE workspace_id = $1 AND endpoint_id = $2 AND id = $3");
    FINISH = same("UPDATE replay SET state = $4, finished_at = $5 WHERE workspace_id = $1 AND endpoint_id = $2 AND id = $3 AND state = 1");
    BEFORE = same("SELECT seq FROM event WHERE workspace_id = $1 AND id < $2 ORDER BY id DESC LIMIT 1");
    STATE = same("SELECT state FROM delivery WHERE workspace_id = $1 AND endpoint_id = $2 AND id = $3");
    /// What has no content any more begins nothing, nor does what is gone.
    CREATE = same("INSERT INTO delivery (workspace_id, endpoint_id, id, event_id, state, attempts, next_at, created_at, schedule_from, replay_id) SELECT e.workspace_id, $2, $3, e.id, $5, 0, $6, $6, 0, $7 FROM event e WHERE e.workspace_id = $1 AND e.id = $4 AND e.payload IS NOT NULL ON CONFLICT DO NOTHING");
    REVIVE = same("UPDATE delivery SET state = $5, schedule_from = attempts, next_at = $6, replay_id = $7 WHERE workspace_id = $1 AND endpoint_id = $2 AND id = $3 AND state = $4 AND EXISTS (SELECT 1 FROM event e WHERE e.workspace_id = delivery.workspace_id AND e.id = delivery.event_id AND e.payload IS NOT NULL)");
    /// One that is at work is left to it, and one that waits for its turn keeps its place.
    JOB_TAKE = same("UPDATE job SET run_at = $3, priority = $4 WHERE id = $1 AND workspace_id = $2 AND lease_until <= $3 AND run_at < 9223372036854775807");
    JOB_HERE = same("SELECT lease_until FROM job WHERE id = $1 AND workspace_id = $2");
    JOB_HASTEN = same("UPDATE job SET run_at = $3, priority = 0 WHERE id = $1 AND workspace_id = $2 AND lease_until <= $3 AND run_at < 9223372036854775807");
    JOB_HASTEN_SUBJECT = same("UPDATE job SET run_at = $5 WHERE workspace_id = $1 AND kind = $2 AND lane = $3 AND subject = $4 AND lease_until <= $5");
    OPEN = same("SELECT COUNT(*) FROM (SELECT 1 AS one FROM job WHERE kind = $1 AND lane = $2 AND priority = $3 LIMIT $4) AS waiting");
}

fn replay(row: &Row<'_>) -> engine::Result<ReplayRow> {
    Ok(ReplayRow {
        id: ReplayId::from_uuid(row.get(0)?),
        endpoint: EndpointId::from_uuid(row.get(1)?),
        since: Timestamp::from_micros(row.get(2)?),
        until: Timestamp::from_micros(row.get(3)?),
        only: ReplayOnly::from_number(row.get(4)?).ok_or_else(|| row.corrupt(4))?,
        state: ReplayState::from_number(row.get(5)?).ok_or_else(|| row.corrupt(5))?,
        first_seq: row.get(6)?,
        last_seq: row.get(7)?,
        position: row.get(8)?,
        position_at: row.get::<Option<i64>>(9)?.map(Timestamp::from_micros),
        scanned: row.get(10)?,
        queued: row.get(11)?,
        sent: row.get(12)?,
        dead: row.get(13)?,
        expired: row.get(14)?,
        created_at: Timestamp::from_micros(row.get(15)?),
        finished_at: row.get::<Option<i64>>(16)?.map(Timestamp::from_micros),
    })
}

fn state(row: &Row<'_>) -> engine::Result<DeliveryState> {
    DeliveryState::from_number(row.get(0)?).ok_or_else(|| row.corrupt(0))
}

impl WorkspaceTx<'_> {
    /// Begins a replay; false where one of this endpoint is running.
    pub async fn replay_insert(&self, r: &ReplayRow) -> Result<bool> {
        let values = params![
            self.workspace,
            r.endpoint.uuid(),
            r.id.uuid(),
            r.since.micros(),
            r.until.micros(),
            r.only.number(),
            r.state.number(),
            r.first_seq,
            r.created_at.micros(),
            r.last_seq
        ];
        Ok(self.tx.execute(&INSERT, values).await? == 1)
    }

    pub async fn replay_get(&self, endpoint: EndpointId, id: ReplayId) -> Result<Option<ReplayRow>> {
        Ok(self.tx.query_opt(&GET, params![self.workspace, endpoint.uuid(), id.uuid()], replay).await?)
    }

    /// Newest first, those older than `before`.
    pub async fn replay_list(
        &self,
        endpoint: EndpointId,
        before: Uuid,
        limit: i64,
    ) -> Result<Vec<ReplayRow>> {
        Ok(self.tx.query(&LIST, params![self.workspace, endpoint.uuid(), before, limit], replay).await?)
    }

    /// The one that is running.
    pub async fn replay_running(&self, endpoint: EndpointId) -> Result<Option<ReplayRow>> {
        Ok(self.tx.query_opt(&RUNNING, params![self.workspace, endpoint.uuid()], replay).await?)
    }

    /// Writes how far a running replay came; false where it is not running any more.
    pub async fn replay_advance(&self, endpoint: EndpointId, id: ReplayId, step: ReplayStep) -> Result<bool> {
        let values = params![
            self.workspace,
            endpoint.uuid(),
            id.uuid(),
            step.position,
            step.position_at.map(Timestamp::micros),
            step.scanned,
            step.expired
        ];
        Ok(self.tx.execute(&ADVANCE, values).await? == 1)
    }

    /// Counts deliveries that a replay queued.
    pub async fn replay_queued(&self, endpoint: EndpointId, id: ReplayId, queued: i64) -> Result<()> {
        let values = params![self.workspace, endpoint.uuid(), id.uuid(), queued];
        Ok(self.tx.execute_one(&QUEUED, values).await?)
    }

    /// Ends a replay; false where it had ended already, or is gone.
    pub async fn replay_finish(
        &self,
        endpoint: EndpointId,
        id: ReplayId,
        state: ReplayState,
        now: Timestamp,
    ) -> Result<bool> {
        let values = params![self.workspace, endpoint.uuid(), id.uuid(), state.number(), now.micros()];
        Ok(self.tx.execute(&FINISH, values).await? == 1)
    }

    /// Two numbers of the event log between which, the second included, every event made in a window has its own.
    ///
    /// Numbers are given at the commit and ids a little before, so their orders differ; but where two events were made
    /// `skew` apart, the later one has the higher number. So nothing of the window stands before the last that was made
    /// `skew` earlier, nor after the first that was made `skew` later.
    pub async fn event_window(
        &self,
        since: Timestamp,
        until: Timestamp,
        skew: Duration,
    ) -> Result<(i64, i64)> {
        let seq = |row: &Row<'_>| row.get::<i64>(0);
        let early = floor_id(since.minus(skew));
        let first = match self.tx.query_opt(&BEFORE, params![self.workspace, early], seq).await? {
            Some(before) => before,
            None => {
                let oldest = self.event_first_seq().await?;
                oldest.map_or(0, |oldest| oldest - 1)
            }
        };
        let last = match self.event_seq_from(until.plus(skew)).await? {
            Some(after) => after - 1,
            None => self.event_last_seq().await?,
        };
        Ok((first.min(last), last))
    }

    /// Where deliveries stand; `None` for those that there are not.
    pub async fn delivery_states(
        &self,
        endpoint: EndpointId,
        ids: &[DeliveryId],
    ) -> Result<Vec<Option<DeliveryState>>> {
        let rows: Vec<_> =
            ids.iter().map(|id| params![self.workspace, endpoint.uuid(), id.uuid()].to_vec()).collect();
        Ok(self.tx.query_many(&STATE, &rows, state).await?)
    }

    /// Gives deliveries of one endpoint a new schedule that begins at their job's time, and makes those that are missing.
    /// Returns how many that were: not those that stand elsewhere by now, are at work, or have no content any more.
    pub async fn deliveries_revive(
        &self,
        endpoint: EndpointId,
        revivals: &[Revival],
        replay: Option<ReplayId>,
        now: Timestamp,
    ) -> Result<i64> {
        let mut due: Vec<(EndpointId, DeliveryId, DeliveryJob)> = Vec::new();
        let queued = |revival: &Revival| (endpoint, revival.delivery, revival.job.clone());
        let waiting = |seen: DeliveryState| matches!(seen, DeliveryState::Failed | DeliveryState::Blocked);
        let replay = replay.map(ReplayId::uuid);
        let pending = DeliveryState::Pending.number();
        let missing: Vec<&Revival> = revivals.iter().filter(|r| r.seen.is_none()).collect();
        let rows: Vec<_> = missing
            .iter()
            .map(|r| {
                params![
                    self.workspace,
                    endpoint.uuid(),
                    r.delivery.uuid(),
                    r.event.uuid(),
                    pending,
                    now.micros(),
                    replay
                ]
                .to_vec()
            })
            .collect();
        let made = self.tx.execute_many(&CREATE, &rows).await?;
        let made = missing.iter().zip(made).filter(|(_, touched)| *touched == 1);
        due.extend(made.map(|(revival, _)| queued(revival)));
        // What waits for another attempt has its job; one that is at work is on its way.
        let rested: Vec<&Revival> = revivals.iter().filter(|r| r.seen.is_some_and(waiting)).collect();
        let rows: Vec<_> = rested
            .iter()
            .map(|r| {
                params![r.delivery.uuid(), self.workspace, r.job.run_at.micros(), r.job.priority].to_vec()
            })
            .collect();
        let taken = self.tx.execute_many(&JOB_TAKE, &rows).await?;
        let taken = rested.into_iter().zip(taken).filter(|(_, touched)| *touched == 1).map(|(r, _)| r);
        let ended = revivals.iter().filter(|r| r.seen.is_some_and(|seen| !waiting(seen)));
        let again: Vec<&Revival> = taken.chain(ended).collect();
        let rows: Vec<_> = again
            .iter()
            .map(|r| {
                params![
                    self.workspace,
                    endpoint.uuid(),
                    r.delivery.uuid(),
                    r.seen.map_or(0, DeliveryState::number),
                    pending,
                    now.micros(),
                    replay
                ]
                .to_vec()
            })
            .collect();
        let touched = self.tx.execute_many(&REVIVE, &rows).await?;
        let again = again.into_iter().zip(touched).filter(|(_, touched)| *touched == 1);
        due.extend(again.map(|(revival, _)| queued(revival)));
        self.delivery_queue(&due, now).await?;
        Ok(i64::try_from(due.len()).unwrap_or(i64::MAX))
    }

    /// Makes a waiting delivery due now. Its schedule stays as it was: an attempt ahead of its time is one more.
    pub async fn delivery_hasten(&self, endpoint: EndpointId, id: DeliveryId, now: Timestamp) -> Result<()> {
        let here = params![id.uuid(), self.workspace];
        let lease: Option<i64> = self.tx.query_opt(&JOB_HERE, here, |row: &Row<'_>| row.get(0)).await?;
        match lease {
            // It is at work.
            Some(until) if until > now.micros() => return Ok(()),
            Some(_) => {
                let values = params![id.uuid(), self.workspace, now.micros()];
                self.tx.execute(&JOB_HASTEN, values).await?;
            }
            // Its job was queued under another id, by an earlier version; or is missing.
            None => {
                let kind = JobKind::DeliveryAttempt.number();
                let values = params![self.workspace, kind, endpoint.uuid(), id.uuid(), now.micros()];
                if self.tx.execute(&JOB_HASTEN_SUBJECT, values).await? == 0 {
                    let job = DeliveryJob { order: None, priority: 0, run_at: now };
                    self.delivery_queue(&[(endpoint, id, job)], now).await?;
                }
            }
        }
        wake_after_commit(self.tx, self.wakes, JobKind::DeliveryAttempt, endpoint.uuid());
        Ok(())
    }

    /// How many jobs of one priority wait in an endpoint's lane or are at work, up to `limit`.
    pub async fn deliveries_open(&self, endpoint: EndpointId, priority: i64, limit: i64) -> Result<i64> {
        let values = params![JobKind::DeliveryAttempt.number(), endpoint.uuid(), priority, limit];
        Ok(self.tx.query_one(&OPEN, values, |row: &Row<'_>| row.get(0)).await?)
    }
}
