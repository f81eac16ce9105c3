//! Replays: a window of the event log, sent to one endpoint again.
//!
//! A replay is a row and one job whose id is the replay's own. Each step looks at a stretch of the log and writes, in
//! one short transaction, the deliveries it queues, how far it came, and its own next step; whatever ends a process in
//! between, the next one goes on from there. It queues behind what is live (its jobs have a priority of their own) and
//! never has more than [`OPEN_MAX`] of them open, so a window of any size costs the same.

use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use gatepost_core::access::{Grant, permission};
use gatepost_core::audit::{Action, Audit};
use gatepost_core::endpoint::{DeliveryOrder, DeliveryState, ReplayOnly, ReplayState};
use gatepost_core::job::JobKind;
use gatepost_core::{Code, DeliveryId, EndpointId, Error, FieldError, JobId, ReplayId, Result, Timestamp};
use gatepost_store::{
    Claimed, DeliveryJob, EndpointRow, EventHead, LaneKey, NewJob, ReplayRow, ReplayStep, Revival,
    WorkspaceScope, WorkspaceTx,
};

use crate::App;
use crate::delivering::{REPLAYED, Wish, order_keys, target};
use crate::idempotency::{Idempotent, Outcome};
use crate::lanes::{Taken, Work};
use crate::pages::{Page, PageQuery};
use crate::resends::{disabled, probe_now};

/// Replayed deliveries of one endpoint that are open at once, at most.
pub const OPEN_MAX: i64 = 1_000;
/// Deliveries queued by one step, at most.
const QUEUE: usize = 200;
/// Events that one step looks at.
const LOOK: i64 = 500;
/// Between two looks at a full lane: the longer it stays full, the more seldom.
const FULL: (Duration, Duration) = (Duration::from_millis(100), Duration::from_millis(1_600));
/// Between two looks at a full lane whose circuit is open: room comes with a probe that succeeds, or with the schedule.
const RESTING: Duration = Duration::from_secs(10);
/// Between two looks at an endpoint that was disabled meanwhile.
const DISABLED: Duration = Duration::from_secs(10);
/// Between two looks at the last deliveries: the longer it takes, the more seldom.
const TAIL: (Duration, Duration) = (Duration::from_millis(200), Duration::from_mins(1));
/// Events are numbered when they are committed, and dated a little before, by less than this.
const SKEW: Duration = Duration::from_mins(5);
/// What marks the order keys of replayed deliveries: they keep the order among themselves and hold up nothing live.
const APART: u8 = 1;

/// Which events to send again.
pub struct ReplayCreate {
    /// Those made at this time or later,
    pub since: Timestamp,
    /// and before this one; `None` means now.
    pub until: Option<Timestamp>,
    pub only: ReplayOnly,
}

pub struct ReplayView {
    pub row: ReplayRow,
    /// 0 to 100: how much of the window it has looked at; 100 only when it is done.
    pub percent: i64,
    /// What it waits for, while it does: `deliveries` or `endpoint_enabled`.
    pub waits_for: Option<&'static str>,
}

fn view(endpoint: &EndpointRow, row: ReplayRow) -> ReplayView {
    let (walked, all) = (row.position - row.first_seq, (row.last_seq - row.first_seq).max(1));
    let walked = (walked.saturating_mul(100) / all).clamp(0, 100);
    let (percent, waits_for) = match row.state {
        ReplayState::Done => (100, None),
        ReplayState::Cancelled => (walked, None),
        ReplayState::Running if !endpoint.enabled => (walked.min(99), Some("endpoint_enabled")),
        ReplayState::Running => {
            let full = row.position >= row.last_seq || row.queued - row.sent - row.dead >= OPEN_MAX;
            (walked.min(99), full.then_some("deliveries"))
        }
    };
    ReplayView { row, percent, waits_for }
}

impl App {
    async fn replay_endpoint<P>(&self, grant: &Grant<P>, id: EndpointId) -> Result<EndpointRow> {
        let scope = WorkspaceScope::from(grant);
        let row = self.0.store.read(scope, async move |tx| tx.endpoint_get(id).await).await?;
        row.filter(|e| crate::endpoints::visible(grant, e)).ok_or_else(|| Error::of(Code::NotFound))
    }

    /// Begins to send a window of events to an endpoint again. One that has queued all of its window, and only waits for
    /// what it queued, ends as cancelled and makes room; what it queued goes its way.
    ///
    /// Errors: `endpoint_disabled`; `replay_running`, which names the one that is.
    pub async fn replay_create(
        &self,
        grant: &Grant<permission::EndpointManage>,
        endpoint: EndpointId,
        create: ReplayCreate,
        idempotent: Option<Idempotent<ReplayView>>,
    ) -> Result<Outcome<ReplayView>> {
        let now = self.now();
        let until = create.until.map_or(now, |until| until.min(now));
        if create.since >= until {
            let detail = "expected an instant before until and before now";
            return Err(Error::fields(vec![FieldError::new("/since", "invalid_value", detail)]));
        }
        self.replay_endpoint(grant, endpoint).await?;
        let scope = WorkspaceScope::from(grant);
        let keys = self.0.sealing.keys(scope).await?;
        let row = ReplayRow {
            id: ReplayId::new(now, self.entropy()),
            endpoint,
            since: create.since,
            until,
            only: create.only,
            state: ReplayState::Running,
            first_seq: 0,
            last_seq: 0,
            position: 0,
            position_at: None,
            scanned: 0,
            queued: 0,
            sent: 0,
            dead: 0,
            expired: 0,
            created_at: now,
            finished_at: None,
        };
        let job = NewJob {
            id: JobId::from_uuid(row.id.uuid()),
            kind: JobKind::WebhookReplay,
            lane: endpoint.uuid(),
            order_key: None,
            priority: 0,
            queued_at: now,
            run_at: now,
            subject: row.id.uuid(),
        };
        let audit = self.audit(
            grant,
            Action::ReplayStarted,
            ("replay", row.id.to_string()),
            vec![
                ("endpoint", endpoint.to_string()),
                ("since", row.since.to_string()),
                ("until", row.until.to_string()),
                ("only", row.only.as_str().to_owned()),
            ],
        );
        let work = async move {
            self.0
                .store
                .write(scope, async move |tx| {
                    let found = tx.endpoint_lock(row.endpoint).await?;
                    let endpoint = found.ok_or_else(|| Error::of(Code::NotFound))?;
                    if !endpoint.enabled {
                        return Err(disabled());
                    }
                    let mut row = row.clone();
                    (row.first_seq, row.last_seq) = tx.event_window(row.since, row.until, SKEW).await?;
                    row.position = row.first_seq;
                    let mut audit = audit.clone();
                    if let Some(running) = tx.replay_running(row.endpoint).await? {
                        // One that waits for the last attempts of what it has queued may do so for days.
                        if running.position < running.last_seq {
                            let detail = format!("{} is running; follow it, or cancel it first", running.id);
                            return Err(Error::new(Code::ReplayRunning, detail));
                        }
                        tx.replay_finish(row.endpoint, running.id, ReplayState::Cancelled, now).await?;
                        audit = audit.changed("running", running.id.to_string(), row.id.to_string());
                    }
                    if !tx.replay_insert(&row).await? {
                        return Err(Error::internal("a replay runs that nobody saw begin"));
                    }
                    tx.job_insert(&job).await?;
                    probe_now(tx, &endpoint, now).await?;
                    tx.commit(audit, view(&endpoint, row))
                })
                .await
        };
        self.once(scope, &keys, idempotent, work).await
    }

    pub async fn replay_get(
        &self,
        grant: &Grant<permission::EndpointRead>,
        endpoint: EndpointId,
        id: ReplayId,
    ) -> Result<ReplayView> {
        let endpoint = self.replay_endpoint(grant, endpoint).await?;
        let (scope, of) = (WorkspaceScope::from(grant), endpoint.id);
        let row = self.0.store.read(scope, async move |tx| tx.replay_get(of, id).await).await?;
        Ok(view(&endpoint, row.ok_or_else(|| Error::of(Code::NotFound))?))
    }

    /// Newest first.
    pub async fn replay_list(
        &self,
        grant: &Grant<permission::EndpointRead>,
        endpoint: EndpointId,
        query: PageQuery,
    ) -> Result<Page<ReplayView>> {
        let endpoint = self.replay_endpoint(grant, endpoint).await?;
        let (scope, of) = (WorkspaceScope::from(grant), endpoint.id);
        let (before, limit) = query.bounds()?;
        let rows = self.0.store.read(scope, async move |tx| tx.replay_list(of, before, limit).await).await?;
        query.page(rows, |r| r.id.uuid(), |row| Ok(view(&endpoint, row)))
    }

    /// Ends a replay: nothing more is queued; what was queued goes its way. One that has ended stays as it is.
    pub async fn replay_cancel(
        &self,
        grant: &Grant<permission::EndpointManage>,
        endpoint: EndpointId,
        id: ReplayId,
    ) -> Result<ReplayView> {
        let endpoint = self.replay_endpoint(grant, endpoint).await?;
        let (scope, of, now) = (WorkspaceScope::from(grant), endpoint.id, self.now());
        let audit = self.audit(
            grant,
            Action::ReplayCancelled,
            ("replay", id.to_string()),
            vec![("endpoint", of.to_string())],
        );
        let row = self
            .0
            .store
            .write(scope, async move |tx| {
                let ended = tx.replay_finish(of, id, ReplayState::Cancelled, now).await?;
                let row = tx.replay_get(of, id).await?.ok_or_else(|| Error::of(Code::NotFound))?;
                if ended {
                    return tx.commit(audit.clone(), row);
                }
                tx.commit(Audit::None("it had ended before"), row)
            })
            .await?;
        Ok(view(&endpoint, row))
    }
}

/// The lane of one endpoint's replay.
pub(crate) struct Replaying {
    app: App,
    key: LaneKey,
    /// How many steps in a row found the lane full.
    full: AtomicU32,
    /// The wait until the next look, milliseconds, where it is so short that the lane stays awake for it; 0 otherwise.
    soon: AtomicU64,
}

/// What one step is to write.
enum Step {
    /// The replay has ended, or is gone.
    Over,
    /// It ends now.
    End(ReplayState),
    /// Nothing to do until then.
    Wait(Duration),
    /// There is no room for more.
    Full,
    Walk(ReplayStep, Vec<Revival>),
}

impl Work for Replaying {
    type Item = Claimed;
    type Done = Claimed;

    fn new(app: App, key: LaneKey) -> Self {
        Self { app, key, full: AtomicU32::new(0), soon: AtomicU64::new(0) }
    }

    fn capacity(&self) -> usize {
        1
    }

    async fn take(&self, limit: usize) -> Result<Taken<Claimed>> {
        let items = self.app.claim(self.key, 0..=0, limit).await?;
        let soon = Duration::from_millis(self.soon.load(Ordering::Relaxed));
        Ok(Taken { again: (items.is_empty() && !soon.is_zero()).then_some(soon), items })
    }

    async fn perform(&self, item: Claimed) -> Claimed {
        item
    }

    async fn record(&self, done: Vec<Claimed>) -> Result<()> {
        for job in done {
            self.step(job).await?;
        }
        Ok(())
    }
}

impl Replaying {
    /// Looks at the next stretch of the log on a reader, then writes what follows from it.
    async fn step(&self, job: Claimed) -> Result<()> {
        let app = &self.app;
        let (scope, now) = (job.scope(), app.now());
        let (endpoint, id) = (EndpointId::from_uuid(job.lane), ReplayId::from_uuid(job.subject));
        let step = app
            .0
            .store
            .read(scope, async move |tx| {
                let Some(replay) = tx.replay_get(endpoint, id).await? else { return Ok(Step::Over) };
                if replay.state != ReplayState::Running {
                    return Ok(Step::Over);
                }
                let Some(row) = tx.endpoint_get(endpoint).await? else {
                    return Ok(Step::End(ReplayState::Cancelled));
                };
                if !row.enabled {
                    return Ok(Step::Wait(DISABLED));
                }
                let open = tx.deliveries_open(endpoint, REPLAYED, OPEN_MAX).await?;
                if replay.position >= replay.last_seq {
                    // Every one that it queued has ended, or none waits any more.
                    if open == 0 || replay.queued <= replay.sent + replay.dead {
                        return Ok(Step::End(ReplayState::Done));
                    }
                    let wait = now.since(replay.created_at) / 20;
                    return Ok(Step::Wait(wait.clamp(TAIL.0, TAIL.1)));
                }
                let room = usize::try_from(OPEN_MAX - open).unwrap_or(0).min(QUEUE);
                if room == 0 {
                    let resting = row.health.probe_at.is_some();
                    return Ok(if resting { Step::Wait(RESTING) } else { Step::Full });
                }
                let mut events = tx.event_heads(replay.position, LOOK).await?;
                events.retain(|event| event.seq <= replay.last_seq);
                let target = target(&row);
                let wish = Wish::of(&target);
                let wants = |e: &EventHead| {
                    let channel = e.channel.map(|id| id.to_string());
                    wish.as_ref().is_some_and(|w| w.wants(e.event_type, e.mode, channel.as_deref()))
                };
                let inside = |e: &EventHead| (replay.since..replay.until).contains(&e.created_at);
                let wanted: Vec<DeliveryId> = events
                    .iter()
                    .filter(|e| inside(e) && wants(e))
                    .map(|e| DeliveryId::of(e.id, endpoint))
                    .collect();
                let states = tx.delivery_states(endpoint, &wanted).await?;
                let mut states = wanted.into_iter().zip(states).peekable();
                let mut step = ReplayStep { position: replay.position, ..ReplayStep::default() };
                let mut taken: Vec<(EventHead, Option<DeliveryState>)> = Vec::new();
                let whole = events.len() < usize::try_from(LOOK).unwrap_or(usize::MAX);
                for event in events {
                    if taken.len() == room {
                        return Ok(Step::Walk(step, revivals(tx, &row, taken, now).await?));
                    }
                    (step.position, step.position_at) = (event.seq, Some(event.created_at));
                    step.scanned += i64::from(inside(&event));
                    let delivery = DeliveryId::of(event.id, endpoint);
                    let Some((_, seen)) = states.next_if(|(id, _)| *id == delivery) else { continue };
                    if !replay.only.takes(seen) {
                        continue;
                    }
                    if event.has_content() {
                        taken.push((event, seen));
                    } else {
                        step.expired += 1;
                    }
                }
                if whole {
                    step.position = replay.last_seq;
                }
                Ok(Step::Walk(step, revivals(tx, &row, taken, now).await?))
            })
            .await?;
        let step = match step {
            Step::Full => {
                let before = self.full.fetch_add(1, Ordering::Relaxed).min(8);
                Step::Wait(FULL.0.saturating_mul(1 << before).min(FULL.1))
            }
            other => {
                self.full.store(0, Ordering::Relaxed);
                other
            }
        };
        let soon = match &step {
            Step::Wait(wait) if *wait <= FULL.1 => u64::try_from(wait.as_millis()).unwrap_or(0),
            _ => 0,
        };
        app.0
            .store
            .write(scope, async move |tx| {
                match &step {
                    Step::Over => tx.job_complete(&job).await?,
                    Step::End(state) => {
                        tx.replay_finish(endpoint, id, *state, now).await?;
                        tx.job_complete(&job).await?;
                    }
                    Step::Wait(wait) => tx.job_defer(&job, now.plus(*wait), false).await?,
                    Step::Full => tx.job_defer(&job, now.plus(FULL.0), false).await?,
                    Step::Walk(step, revivals) => {
                        // Somebody may have cancelled it in between.
                        if tx.replay_advance(endpoint, id, *step).await? {
                            let queued = tx.deliveries_revive(endpoint, revivals, Some(id), now).await?;
                            tx.replay_queued(endpoint, id, queued).await?;
                            tx.job_defer(&job, now, false).await?;
                        } else {
                            tx.job_complete(&job).await?;
                        }
                    }
                }
                tx.commit(Audit::None("a replay was audited when it began"), ())
            })
            .await?;
        self.soon.store(soon, Ordering::Relaxed);
        Ok(())
    }
}

/// The new schedules of one step's deliveries, in the order of the log.
async fn revivals(
    tx: &WorkspaceTx<'_>,
    endpoint: &EndpointRow,
    taken: Vec<(EventHead, Option<DeliveryState>)>,
    now: Timestamp,
) -> Result<Vec<Revival>> {
    let mut keys = match endpoint.order {
        DeliveryOrder::Parallel => Vec::new(),
        DeliveryOrder::Contact => {
            let named: Vec<_> = taken.iter().map(|(e, _)| (e.order_key.as_deref(), e.channel)).collect();
            order_keys(tx, &named).await?
        }
    }
    .into_iter();
    let revival = |(event, seen): (EventHead, Option<DeliveryState>)| {
        let order = keys.next().map(|mut key| {
            key.push(APART);
            (key, event.seq)
        });
        let job = DeliveryJob { order, priority: REPLAYED, run_at: now };
        Revival { delivery: DeliveryId::of(event.id, endpoint.id), event: event.id, seen, job }
    };
    Ok(taken.into_iter().map(revival).collect())
}
