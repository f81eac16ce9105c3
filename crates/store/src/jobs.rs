//! The job table: leases and fences.
//!
//! A job belongs to a lane (a channel, an endpoint, a workspace). It is claimed under a lease; each claim raises the
//! fence, and only the holder of the live fence can complete or defer it. A claim is the beginning of a try: whoever
//! claims does the work at once, so a try that nobody ended shows up as `cut_at` at the next claim. Jobs with the same
//! order key are handed out one at a time, oldest first, so order holds per (channel, contact). Deliveries keep theirs in
//! another way, because a lane of them may hold a hundred thousand: see `delivery_jobs`.

use gatepost_core::job::JobKind;
use gatepost_core::{ChannelId, EndpointId, JobId, NodeId, Result, Timestamp, WorkspaceId};
use uuid::Uuid;

use crate::engine::{EngineKind, Row, Tx, Value};
use crate::scope::WorkspaceScope;
use crate::store::{SystemTx, WorkspaceTx, wake_after_commit};
use crate::{params, statements};

/// Every priority there is; lower goes first.
const PRIORITIES: std::ops::RangeInclusive<i64> = 0..=2;
/// Bounds how long hastening a lane holds the writer.
const HASTEN_MAX: i64 = 1_000;
/// The time of a job that waits for another to be done, and not for a time.
pub(crate) const HELD: Timestamp = Timestamp::from_micros(i64::MAX);

/// A lane of one kind of work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct LaneKey {
    pub kind: JobKind,
    pub lane: Uuid,
}

impl LaneKey {
    /// The lane's id as people know it: `whk_…`, `chn_…`, `ws_…`. For logs.
    #[must_use]
    pub fn named(self) -> String {
        match self.kind {
            JobKind::MessageSend
            | JobKind::OutcomeDecide
            | JobKind::ChannelCheck
            | JobKind::MessageExpire => ChannelId::from_uuid(self.lane).to_string(),
            JobKind::EnvelopeProcess | JobKind::SuppressionImport | JobKind::VerificationExpire => {
                WorkspaceId::from_uuid(self.lane).to_string()
            }
            JobKind::DeliveryAttempt | JobKind::WebhookReplay | JobKind::EndpointTest => {
                EndpointId::from_uuid(self.lane).to_string()
            }
            JobKind::MailSend => "mail".to_owned(),
        }
    }
}

/// A job to be put into the table.
#[derive(Debug, Clone)]
pub struct NewJob {
    pub id: JobId,
    pub kind: JobKind,
    pub lane: Uuid,
    /// Jobs of one lane that share it run one after another.
    pub order_key: Option<Vec<u8>>,
    /// Lower goes first.
    pub priority: i64,
    pub queued_at: Timestamp,
    pub run_at: Timestamp,
    /// The id of what it is about.
    pub subject: Uuid,
}

/// A job under a live lease. Completing it twice, or after the lease went to somebody else, fails.
#[derive(Debug, Clone)]
pub struct Claimed {
    pub id: JobId,
    pub kind: JobKind,
    pub lane: Uuid,
    pub subject: Uuid,
    pub queued_at: Timestamp,
    pub run_at: Timestamp,
    /// Tries begun so far, this one included.
    pub attempts: i64,
    /// See [`NewJob::order_key`].
    pub order_key: Option<Vec<u8>>,
    /// When an earlier try was begun whose end nobody recorded: a process died, or its lease ran out.
    pub cut_at: Option<Timestamp>,
    pub lease_until: Timestamp,
    pub(crate) workspace: WorkspaceId,
    pub(crate) owner: Uuid,
    pub(crate) fence: i64,
}

impl Claimed {
    /// Rises with each claim, so that two tries of one job can be told apart.
    pub const fn fence(&self) -> i64 {
        self.fence
    }

    /// The right to the rows of the job's workspace.
    pub const fn scope(&self) -> WorkspaceScope {
        WorkspaceScope::of(self.workspace)
    }
}

statements! {
    INSERT = same("INSERT INTO job (id, workspace_id, kind, lane, order_key, priority, position, queued_at, run_at, subject, attempts, lease_until, fence) VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8, $9, 0, 0, 0)");
    INSERT_ONCE = same("INSERT INTO job (id, workspace_id, kind, lane, order_key, priority, position, queued_at, run_at, subject, attempts, lease_until, fence) VALUES ($1, $2, $3, $4, $5, $6, $7, $7, $8, $9, 0, 0, 0) ON CONFLICT (id) DO NOTHING");
    /// On SQLite it only tells what the claim will be, and [`CLAIM_MARK`] makes it so: the one writer sees no other, and
    /// an UPDATE that looks for its rows and returns them builds two tables each time.
    CLAIM = per(
        "SELECT j.id, j.workspace_id, j.subject, j.queued_at, j.run_at, j.attempts + 1, j.started_at, j.fence + 1, j.order_key FROM job j WHERE j.kind = $3 AND j.lane = $4 AND j.priority = $5 AND j.run_at <= $6 AND j.lease_until <= $6 AND (j.order_key IS NULL OR NOT EXISTS (SELECT 1 FROM job e WHERE e.kind = j.kind AND e.lane = j.lane AND e.order_key = j.order_key AND e.position < j.position)) ORDER BY j.run_at, j.id LIMIT $7",
        "UPDATE job SET lease_owner = $1, lease_until = $2, fence = fence + 1, attempts = attempts + 1, cut_at = started_at, started_at = $6 WHERE id IN (SELECT j.id FROM job j WHERE j.kind = $3 AND j.lane = $4 AND j.priority = $5 AND j.run_at <= $6 AND j.lease_until <= $6 AND (j.order_key IS NULL OR NOT EXISTS (SELECT 1 FROM job e WHERE e.kind = j.kind AND e.lane = j.lane AND e.order_key = j.order_key AND e.position < j.position)) ORDER BY j.run_at, j.id LIMIT $7 FOR UPDATE SKIP LOCKED) RETURNING id, workspace_id, subject, queued_at, run_at, attempts, cut_at, fence, order_key"
    );
    CLAIM_MARK = same("UPDATE job SET lease_owner = $1, lease_until = $2, fence = fence + 1, attempts = attempts + 1, cut_at = started_at, started_at = $3 WHERE id = $4 AND fence = $5");
    COMPLETE = same("DELETE FROM job WHERE id = $1 AND fence = $2 AND lease_owner = $3");
    DEFER = same("UPDATE job SET run_at = $4, order_key = CASE WHEN $5 = 1 THEN order_key END, started_at = NULL, cut_at = NULL, lease_owner = NULL, lease_until = 0 WHERE id = $1 AND fence = $2 AND lease_owner = $3");
    PUT_BACK = same("UPDATE job SET run_at = $4, attempts = attempts - 1, started_at = cut_at, lease_owner = NULL, lease_until = 0 WHERE id = $1 AND fence = $2 AND lease_owner = $3");
    PUT_BEHIND = same("UPDATE job SET run_at = $4, position = $4, attempts = attempts - 1, started_at = cut_at, lease_owner = NULL, lease_until = 0 WHERE id = $1 AND fence = $2 AND lease_owner = $3");
    /// With the priority in it, what is due already is not looked at.
    HASTEN = same("UPDATE job SET run_at = $5 WHERE id IN (SELECT id FROM job WHERE workspace_id = $1 AND kind = $2 AND lane = $3 AND priority = $4 AND run_at > $5 AND run_at < $6 AND lease_until <= $5 ORDER BY run_at LIMIT $7)");
    RELEASE_OTHERS = same("UPDATE job SET lease_owner = NULL, lease_until = 0 WHERE lease_owner IS NOT NULL AND lease_owner <> $1");
    LEASED = same("SELECT id, fence FROM job WHERE lease_owner = $1 AND kind = $2");
    UNBEGIN = same("UPDATE job SET started_at = cut_at WHERE id = $1 AND fence = $2 AND lease_owner = $3");
    RELEASE_OF = same("UPDATE job SET lease_owner = NULL, lease_until = 0 WHERE lease_owner = $1");
    /// A lane's jobs of one priority lie in the order of their times, so each look at them ends at the first. As EXISTS,
    /// PostgreSQL would rather read all due jobs once and hash them.
    LANES = same("WITH RECURSIVE lanes(lane) AS (SELECT (SELECT lane FROM job WHERE kind = $1 ORDER BY lane LIMIT 1) UNION ALL SELECT (SELECT j.lane FROM job j WHERE j.kind = $1 AND j.lane > lanes.lane ORDER BY j.lane LIMIT 1) FROM lanes WHERE lanes.lane IS NOT NULL) SELECT lane FROM lanes WHERE lane IS NOT NULL AND COALESCE((SELECT d.run_at FROM job d WHERE d.kind = $1 AND d.lane = lanes.lane AND d.priority = 0 AND d.run_at <= $2 AND d.lease_until <= $2 ORDER BY d.run_at LIMIT 1), (SELECT d.run_at FROM job d WHERE d.kind = $1 AND d.lane = lanes.lane AND d.priority = 1 AND d.run_at <= $2 AND d.lease_until <= $2 ORDER BY d.run_at LIMIT 1), (SELECT d.run_at FROM job d WHERE d.kind = $1 AND d.lane = lanes.lane AND d.priority = 2 AND d.run_at <= $2 AND d.lease_until <= $2 ORDER BY d.run_at LIMIT 1)) IS NOT NULL");
    DROP_WAITING = same("DELETE FROM job WHERE workspace_id = $1 AND id = $2 AND lease_until <= $3");
    EXISTS = same("SELECT COUNT(*) FROM job WHERE workspace_id = $1 AND id = $2");
    SCOPE = same("SELECT workspace_id FROM job WHERE kind = $1 AND lane = $2 LIMIT 1");
    DROP_LANE = same("DELETE FROM job WHERE workspace_id = $1 AND kind = $2 AND lane = $3");
}

fn insert_params(job: &NewJob, workspace: Uuid) -> Vec<Value<'_>> {
    params![
        job.id.uuid(),
        workspace,
        job.kind.number(),
        job.lane,
        job.order_key.as_deref(),
        job.priority,
        job.queued_at.micros(),
        job.run_at.micros(),
        job.subject
    ]
    .to_vec()
}

/// Makes claims that were only looked up so far. See `CLAIM`.
pub(crate) async fn claim_mark(tx: &Tx<'_>, found: &[&Claimed], now: Timestamp) -> Result<()> {
    let rows: Vec<_> = found
        .iter()
        .map(|job| {
            params![job.owner, job.lease_until.micros(), now.micros(), job.id.uuid(), job.fence - 1].to_vec()
        })
        .collect();
    let touched = tx.execute_many(&CLAIM_MARK, &rows).await?;
    if touched.iter().any(|n| *n != 1) {
        return Err(gatepost_core::Error::internal("store: a job to claim is gone"));
    }
    Ok(())
}

impl WorkspaceTx<'_> {
    pub async fn job_insert(&self, job: &NewJob) -> Result<()> {
        self.tx.execute_one(&INSERT, &insert_params(job, self.workspace)).await?;
        wake_after_commit(self.tx, self.wakes, job.kind, job.lane);
        Ok(())
    }

    /// As [`Self::job_insert`], for a job that is there once by its id; false when it was there already.
    pub async fn job_insert_once(&self, job: &NewJob) -> Result<bool> {
        let inserted = self.tx.execute(&INSERT_ONCE, &insert_params(job, self.workspace)).await? == 1;
        if inserted {
            wake_after_commit(self.tx, self.wakes, job.kind, job.lane);
        }
        Ok(inserted)
    }

    pub async fn job_insert_many(&self, jobs: &[NewJob]) -> Result<()> {
        let rows: Vec<_> = jobs.iter().map(|job| insert_params(job, self.workspace)).collect();
        self.tx.execute_many(&INSERT, &rows).await?;
        let mut woken: Vec<LaneKey> = Vec::new();
        for job in jobs {
            let key = LaneKey { kind: job.kind, lane: job.lane };
            if !woken.contains(&key) {
                woken.push(key);
                wake_after_commit(self.tx, self.wakes, job.kind, job.lane);
            }
        }
        Ok(())
    }

    /// The work is done: the job goes, in the transaction that records the result.
    pub async fn job_complete(&self, job: &Claimed) -> Result<()> {
        Ok(self.tx.execute_one(&COMPLETE, params![job.id.uuid(), job.fence, job.owner]).await?)
    }

    pub async fn job_complete_many(&self, jobs: &[Claimed]) -> Result<()> {
        let rows: Vec<_> = jobs.iter().map(|j| params![j.id.uuid(), j.fence, j.owner].to_vec()).collect();
        let touched = self.tx.execute_many(&COMPLETE, &rows).await?;
        if touched.iter().any(|n| *n != 1) {
            return Err(
                gatepost_core::Error::of(gatepost_core::Code::Conflict).with_context("a lease was lost")
            );
        }
        Ok(())
    }

    /// Another try at `run_at`; the lease is given back. What shares its order key waits for it, unless it is to wait
    /// `aside`.
    pub async fn job_defer(&self, job: &Claimed, run_at: Timestamp, aside: bool) -> Result<()> {
        let values = params![job.id.uuid(), job.fence, job.owner, run_at.micros(), !aside];
        Ok(self.tx.execute_one(&DEFER, values).await?)
    }

    /// Gives claims back until their times, as if they had not been made.
    pub async fn jobs_put_back(&self, jobs: &[(Claimed, Timestamp)]) -> Result<()> {
        let rows: Vec<_> = jobs
            .iter()
            .map(|(j, run_at)| params![j.id.uuid(), j.fence, j.owner, run_at.micros()].to_vec())
            .collect();
        self.tx.execute_many(&PUT_BACK, &rows).await?;
        Ok(())
    }

    /// The same, and nothing of their order key waits behind them until then.
    pub async fn jobs_put_behind(&self, jobs: &[(Claimed, Timestamp)]) -> Result<()> {
        let rows: Vec<_> = jobs
            .iter()
            .map(|(j, run_at)| params![j.id.uuid(), j.fence, j.owner, run_at.micros()].to_vec())
            .collect();
        self.tx.execute_many(&PUT_BEHIND, &rows).await?;
        Ok(())
    }

    /// What waits in a lane for a later time is due now, except what waits for its turn; returns how much that was. At
    /// most [`HASTEN_MAX`] of each priority, the soonest first: the rest keeps its time.
    pub async fn jobs_hasten(&self, kind: JobKind, lane: Uuid, now: Timestamp) -> Result<u64> {
        let mut touched = 0;
        for priority in PRIORITIES {
            let values = params![
                self.workspace,
                kind.number(),
                lane,
                priority,
                now.micros(),
                HELD.micros(),
                HASTEN_MAX
            ];
            touched += self.tx.execute(&HASTEN, values).await?;
        }
        wake_after_commit(self.tx, self.wakes, kind, lane);
        Ok(touched)
    }

    /// Drops a job that waits, if there is one; false where somebody has it in their hands.
    pub async fn job_drop_waiting(&self, job: JobId, now: Timestamp) -> Result<bool> {
        let values = params![self.workspace, job.uuid(), now.micros()];
        if self.tx.execute(&DROP_WAITING, values).await? > 0 {
            return Ok(true);
        }
        let left = params![self.workspace, job.uuid()];
        Ok(self.tx.query_one(&EXISTS, left, |row: &Row<'_>| row.get::<i64>(0)).await? == 0)
    }

    /// Drops what waits in a lane whose owner is gone; returns how much that was.
    pub async fn jobs_drop_lane(&self, kind: JobKind, lane: Uuid) -> Result<u64> {
        Ok(self.tx.execute(&DROP_LANE, params![self.workspace, kind.number(), lane]).await?)
    }
}

impl SystemTx<'_> {
    /// Takes up to `limit` due jobs of a lane under a lease until `lease_until`, lowest priority number first, and
    /// begins a try of each.
    pub async fn jobs_claim(
        &self,
        key: LaneKey,
        priorities: std::ops::RangeInclusive<i64>,
        node: NodeId,
        now: Timestamp,
        lease_until: Timestamp,
        limit: usize,
    ) -> Result<Vec<Claimed>> {
        let owner = node.uuid();
        let mut claimed = Vec::new();
        for priority in priorities {
            let rest = limit.saturating_sub(claimed.len());
            if rest == 0 {
                break;
            }
            let values = params![
                owner,
                lease_until.micros(),
                key.kind.number(),
                key.lane,
                priority,
                now.micros(),
                i64::try_from(rest).unwrap_or(i64::MAX)
            ];
            let mut found = self
                .tx
                .query(&CLAIM, values, |row: &Row<'_>| {
                    Ok(Claimed {
                        id: JobId::from_uuid(row.get(0)?),
                        kind: key.kind,
                        lane: key.lane,
                        workspace: WorkspaceId::from_uuid(row.get(1)?),
                        subject: row.get(2)?,
                        queued_at: Timestamp::from_micros(row.get(3)?),
                        run_at: Timestamp::from_micros(row.get(4)?),
                        attempts: row.get(5)?,
                        cut_at: row.get::<Option<i64>>(6)?.map(Timestamp::from_micros),
                        fence: row.get(7)?,
                        order_key: row.get(8)?,
                        lease_until,
                        owner,
                    })
                })
                .await?;
            if self.tx.engine_kind() == EngineKind::Sqlite {
                claim_mark(self.tx, &found.iter().collect::<Vec<_>>(), now).await?;
            }
            found.sort_by_key(|job| (job.run_at, job.id));
            claimed.append(&mut found);
        }
        Ok(claimed)
    }

    /// The right to the rows of the workspace whose work waits in a lane; `None` when none does.
    pub async fn lane_scope(&self, key: LaneKey) -> Result<Option<WorkspaceScope>> {
        let values = params![key.kind.number(), key.lane];
        let workspace = self.tx.query_opt(&SCOPE, values, |row: &Row<'_>| row.get::<Uuid>(0)).await?;
        Ok(workspace.map(|id| WorkspaceScope::of(WorkspaceId::from_uuid(id))))
    }

    /// The rows of the workspace that a claimed job belongs to, in the transaction of the claim.
    pub fn work_of(&self, job: &Claimed) -> WorkspaceTx<'_> {
        self.enter(job.scope())
    }

    /// The lanes of a kind that have work due now and not under a lease.
    pub async fn lanes_due(&self, kind: JobKind, now: Timestamp) -> Result<Vec<Uuid>> {
        Ok(self.tx.query(&LANES, params![kind.number(), now.micros()], |row: &Row<'_>| row.get(0)).await?)
    }

    /// Gives back every lease that is not `node`'s: only for a process that owns the database alone.
    pub async fn jobs_release_others(&self, node: NodeId) -> Result<u64> {
        Ok(self.tx.execute(&RELEASE_OTHERS, params![node.uuid()]).await?)
    }

    /// Takes over from an earlier process of which it is known which sends had begun: its other claims were not begun, so
    /// no doubt hangs on them. Returns how many claims it left and how many of them are without doubt.
    pub async fn jobs_resume(&self, node: NodeId, begun: &[(JobId, i64)]) -> Result<(usize, usize)> {
        let values = params![node.uuid(), JobKind::MessageSend.number()];
        let leased: Vec<(JobId, i64)> = self
            .tx
            .query(&LEASED, values, |row: &Row<'_>| Ok((JobId::from_uuid(row.get(0)?), row.get(1)?)))
            .await?;
        let rows: Vec<_> = leased
            .iter()
            .filter(|claim| !begun.contains(claim))
            .map(|(id, fence)| params![id.uuid(), *fence, node.uuid()].to_vec())
            .collect();
        self.tx.execute_many(&UNBEGIN, &rows).await?;
        self.jobs_release_of(node).await?;
        Ok((leased.len(), rows.len()))
    }

    /// Gives back the leases of a node that is gone; returns how many. A try it had begun shows as cut at the next claim.
    pub async fn jobs_release_of(&self, node: NodeId) -> Result<u64> {
        Ok(self.tx.execute(&RELEASE_OF, params![node.uuid()]).await?)
    }
}
