//! The lane of an endpoint: signed requests out, every attempt recorded, a schedule of retries.
//!
//! The lane reads the endpoint before it claims: while the circuit is open, or the endpoint is switched off, deliveries
//! stay as they are, and nothing is spent or rewritten however many wait.

mod courier;
mod course;
mod disabling;
mod matching;
mod prepared;
mod record;
mod result;

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use gatepost_core::audit::Audit;
use gatepost_core::endpoint::DisabledReason;
use gatepost_core::{Code, EndpointId, Result, Timestamp};
use gatepost_store::{Claimed, DeliveryWork, EndpointRow, LaneKey, WorkspaceScope};

use crate::App;
use crate::lanes::{Taken, Work};

pub(crate) use courier::Courier;
use courier::{Asked, STALLED, Slot, Standing};
pub(crate) use disabling::BURIED_AT_ONCE;
pub(crate) use matching::{Wish, deliveries, order_keys, target};
use prepared::Known;
pub(crate) use prepared::Prepared;
use result::Outcome;
pub(crate) use result::row as attempt_row;

/// Priorities of delivery jobs: live ones go before replayed ones.
const LIVE: i64 = 0;
pub(crate) const REPLAYED: i64 = 1;
/// How long what was read of a resting endpoint is believed: its owner may have enabled it meanwhile.
const BELIEVED: Duration = Duration::from_secs(1);

/// An endpoint whose address is refused is told of in the log so often at most: each of its deliveries would be a line.
const BLOCKED_TOLD_EVERY: Duration = Duration::from_hours(1);

const UNREADABLE: &str = "payload_unreadable: the event's content could not be opened; nothing was sent";
const PAST: &str = "payload_gone: the event's content was kept no longer; nothing was sent";
const WORDLESS: &str = "format_wordless: the endpoint's format has no such event; nothing was sent";
const UNSIGNED: &str = "unsigned: the request could not be signed; nothing was sent";

pub(crate) struct Delivering {
    app: App,
    key: LaneKey,
    scope: Mutex<Option<WorkspaceScope>>,
    known: Known,
    standing: Arc<Standing>,
    /// Enabled and with nothing against it when it was last read; the ordinary case, which costs no look of its own.
    well: AtomicBool,
    /// Until when nothing goes out, and when that was read.
    rest: Mutex<Option<(Timestamp, Instant)>>,
    /// When the log was last told that its address is refused.
    blocked_told: Mutex<Option<Timestamp>>,
}

pub(crate) struct Outgoing {
    job: Claimed,
    /// `None`: the delivery or its event is gone.
    work: Option<(DeliveryWork, Result<Bytes, &'static str>)>,
    endpoint: Arc<Prepared>,
    slot: Slot,
}

#[derive(Clone)]
pub(crate) struct Delivered {
    job: Claimed,
    tried: Option<Arc<Tried>>,
}

struct Tried {
    work: DeliveryWork,
    outcome: Outcome,
    at: Timestamp,
    endpoint: Arc<Prepared>,
}

/// What the endpoint's row lets happen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Gate {
    Open,
    /// The circuit is open and it is time for one attempt.
    Probe,
    /// The circuit is open until then.
    Rests(Timestamp),
    /// Its owner switched it off; what waits stays.
    Off,
    /// Gone, or switched off by Gatepost: what waits is dead.
    Dead,
}

impl Gate {
    fn of(row: Option<&EndpointRow>, now: Timestamp) -> Self {
        let Some(row) = row else { return Self::Dead };
        match (row.enabled, row.disabled, row.health.probe_at) {
            (false, Some((DisabledReason::Gone | DisabledReason::Failing, _)), _) => Self::Dead,
            (false, ..) => Self::Off,
            (true, _, None) => Self::Open,
            (true, _, Some(at)) if at <= now => Self::Probe,
            (true, _, Some(at)) => Self::Rests(at),
        }
    }
}

type Claims = Vec<(Claimed, Option<DeliveryWork>)>;

/// What a claim found.
enum Found {
    Shut(Gate),
    Claimed { row: Box<EndpointRow>, live: Claims, replayed: Claims },
}

impl Work for Delivering {
    type Item = Outgoing;
    type Done = Delivered;

    fn new(app: App, key: LaneKey) -> Self {
        let standing = app.0.courier.standing(key.lane);
        Self {
            app,
            key,
            scope: Mutex::default(),
            known: Known::default(),
            standing,
            well: AtomicBool::new(false),
            rest: Mutex::default(),
            blocked_told: Mutex::default(),
        }
    }

    fn capacity(&self) -> usize {
        self.standing.window(self.app.0.config.webhook_parallel)
    }

    async fn take(&self, limit: usize) -> Result<Taken<Outgoing>> {
        if let Some(wait) = self.resting() {
            return Ok(Taken { items: Vec::new(), again: Some(wait) });
        }
        let Some(scope) = self.scope().await? else {
            return Ok(Taken { items: Vec::new(), again: None });
        };
        let (app, endpoint) = (&self.app, self.endpoint());
        let mut wanted = limit;
        let mut failing = false;
        if !self.is_well() {
            let row = app.0.store.read(scope, async move |tx| tx.endpoint_get(endpoint).await).await?;
            match Gate::of(row.as_ref(), app.now()) {
                Gate::Open => {}
                Gate::Probe => wanted = 1,
                shut => return self.shut(scope, shut).await,
            }
            failing = row.is_some_and(|row| row.health.failing_since.is_some());
        }
        let most = app.0.config.webhook_parallel;
        let repute = self.standing.repute(failing);
        let asked = Asked { workspace: scope.workspace().uuid(), repute, wanted, most };
        let slots = app.0.courier.slots(&self.standing, asked, &app.0.stop).await;
        if slots.is_empty() {
            return Ok(Taken { items: Vec::new(), again: None });
        }
        let keys = app.0.sealing.keys(scope).await?;
        let (row, live, replayed) = match self.claim(scope, slots.len()).await? {
            Found::Shut(gate) => {
                self.set_well(false);
                return self.shut(scope, gate).await;
            }
            Found::Claimed { row, live, replayed } => (row, live, replayed),
        };
        self.set_well(row.health.failing_since.is_none() && row.health.probe_at.is_none());
        let prepared = self.known.prepared(&keys, &row, &app.0.safe, &app.0.config.retry_schedule)?;
        let mut items = Vec::with_capacity(live.len() + replayed.len());
        let jobs =
            live.into_iter().map(|one| (one, false)).chain(replayed.into_iter().map(|one| (one, true)));
        for (((job, work), replay), mut slot) in jobs.zip(slots) {
            if replay {
                slot.replays();
            }
            let work = match work {
                Some(work) => {
                    let payload = self.payload(scope, &work).await?;
                    Some((work, payload))
                }
                None => None,
            };
            items.push(Outgoing { job, work, endpoint: Arc::clone(&prepared), slot });
        }
        Ok(Taken { items, again: None })
    }

    async fn perform(&self, item: Outgoing) -> Delivered {
        let Outgoing { job, work, endpoint, mut slot } = item;
        let Some((work, payload)) = work else { return Delivered { job, tried: None } };
        let wire = self.standing.wire().await;
        if wire.is_none() {
            // Those before it have no answers: it goes out, but not in the place of an endpoint that answers.
            slot.stall(&self.app.0.courier);
        }
        let at = self.app.now();
        let outcome = match payload {
            // The endpoint was given another format after the delivery was made.
            Ok(_) if !endpoint.speaks_of(work.event_type) => Outcome::Unsendable(WORDLESS),
            Ok(payload) => self.attempt(&work, payload, &endpoint, at, &mut slot).await,
            Err(why) => {
                tracing::error!(endpoint = %self.endpoint(), delivery = %work.id, why, "a delivery is dead");
                Outcome::Unsendable(why)
            }
        };
        let most = self.app.0.config.webhook_parallel;
        match &outcome {
            Outcome::Tried(attempt) if attempt.is_success() => self.standing.answered(attempt.latency, most),
            Outcome::Tried(_) => self.standing.failed(),
            Outcome::TriedElsewhere(_) | Outcome::Unsendable(_) => {}
        }
        drop(wire);
        Delivered { job, tried: Some(Arc::new(Tried { work, outcome, at, endpoint })) }
    }

    async fn record(&self, done: Vec<Delivered>) -> Result<()> {
        self.write_down(done).await
    }
}

impl Delivering {
    fn endpoint(&self) -> EndpointId {
        EndpointId::from_uuid(self.key.lane)
    }

    fn is_well(&self) -> bool {
        self.well.load(Ordering::Relaxed)
    }

    fn set_well(&self, well: bool) {
        self.well.store(well, Ordering::Relaxed);
    }

    /// Whether it is time to say in the log that the address is refused.
    fn tells_of_blocked(&self) -> bool {
        let now = self.app.now();
        let mut told = self.blocked_told.lock().unwrap_or_else(PoisonError::into_inner);
        let due = told.is_none_or(|at| now.since(at) >= BLOCKED_TOLD_EVERY);
        if due {
            *told = Some(now);
        }
        due
    }

    /// How long the endpoint still rests, as far as that was read a moment ago: wakes come with every event.
    fn resting(&self) -> Option<Duration> {
        let rest = *self.rest.lock().unwrap_or_else(PoisonError::into_inner);
        let (until, read_at) = rest?;
        let left = until.since(self.app.now());
        let believed = BELIEVED.checked_sub(read_at.elapsed())?;
        (!left.is_zero()).then_some(left.min(believed))
    }

    async fn scope(&self) -> Result<Option<WorkspaceScope>> {
        let known = *self.scope.lock().unwrap_or_else(PoisonError::into_inner);
        if known.is_some() {
            return Ok(known);
        }
        let key = self.key;
        let found = self.app.0.store.read_system(async move |tx| tx.lane_scope(key).await).await?;
        *self.scope.lock().unwrap_or_else(PoisonError::into_inner) = found;
        Ok(found)
    }

    /// Nothing goes out now.
    async fn shut(&self, scope: WorkspaceScope, gate: Gate) -> Result<Taken<Outgoing>> {
        let again = match gate {
            Gate::Rests(until) => {
                *self.rest.lock().unwrap_or_else(PoisonError::into_inner) = Some((until, Instant::now()));
                Some(until.since(self.app.now()).max(Duration::from_millis(1)))
            }
            Gate::Dead => self.bury(scope).await?.then_some(Duration::ZERO),
            Gate::Off | Gate::Open | Gate::Probe => None,
        };
        Ok(Taken { items: Vec::new(), again })
    }

    /// What waits becomes dead letters, some at a time; true when there may be more.
    async fn bury(&self, scope: WorkspaceScope) -> Result<bool> {
        let (endpoint, now) = (self.endpoint(), self.app.now());
        let limit = BURIED_AT_ONCE;
        let buried = self
            .app
            .0
            .store
            .write(scope, async move |tx| {
                let buried = tx.deliveries_bury_some(endpoint, now, limit).await?;
                tx.commit(Audit::None("the endpoint was switched off; that has its entry"), buried)
            })
            .await?;
        Ok(i64::try_from(buried).is_ok_and(|buried| buried >= limit))
    }

    /// Claims what is due, in the transaction that looks at the endpoint.
    async fn claim(&self, scope: WorkspaceScope, places: usize) -> Result<Found> {
        let (app, endpoint) = (&self.app, self.endpoint());
        let (node, now) = (app.node(), app.now());
        let until = now.plus(app.0.config.job_lease);
        let for_replays = self.standing.room_for_replays(app.0.config.webhook_parallel);
        app.0
            .store
            .write(scope, async move |tx| {
                let row = tx.endpoint_get(endpoint).await?;
                let places = match (Gate::of(row.as_ref(), now), &row) {
                    (Gate::Open, Some(_)) => places,
                    (Gate::Probe, Some(_)) => 1,
                    (shut, _) => return tx.commit(Audit::None("nothing goes out now"), Found::Shut(shut)),
                };
                let live = tx.deliveries_claim(endpoint, LIVE, node, now, until, places).await?;
                let rest = (places - live.len()).min(for_replays);
                let replayed = match rest {
                    0 => Vec::new(),
                    rest => tx.deliveries_claim(endpoint, REPLAYED, node, now, until, rest).await?,
                };
                let found = match row {
                    Some(row) => Found::Claimed { row: Box::new(row), live, replayed },
                    None => Found::Shut(Gate::Dead),
                };
                tx.commit(Audit::None("a claim"), found)
            })
            .await
    }

    async fn payload(
        &self,
        scope: WorkspaceScope,
        work: &DeliveryWork,
    ) -> Result<Result<Bytes, &'static str>> {
        let Some(sealed) = &work.payload else { return Ok(Err(PAST)) };
        let aad = crate::events::place(scope.workspace(), work.event);
        match self.app.0.sealing.open(scope, &aad, sealed).await {
            Ok(payload) => Ok(Ok(Bytes::from(payload))),
            // It holds up no other.
            Err(error) if error.code() == Code::Internal => Ok(Err(UNREADABLE)),
            Err(error) => Err(error),
        }
    }

    /// One request; one that stays without an answer for long gives up its place.
    async fn attempt(
        &self,
        work: &DeliveryWork,
        payload: Bytes,
        endpoint: &Prepared,
        at: Timestamp,
        slot: &mut Slot,
    ) -> Outcome {
        let app = &self.app.0;
        let timeout = app.config.webhook_timeout;
        let posting = endpoint.post(&app.safe, work.event, work.event_type, payload, at, timeout);
        let mut posting = std::pin::pin!(posting);
        let posted = match tokio::time::timeout(STALLED, &mut posting).await {
            Ok(posted) => posted,
            Err(_) => {
                slot.stall(&app.courier);
                posting.await
            }
        };
        match posted {
            Ok(attempt) => Outcome::Tried(attempt),
            Err(error) => {
                tracing::error!(%error, endpoint = %self.endpoint(), delivery = %work.id, "a delivery cannot be signed and is dead");
                Outcome::Unsendable(UNSIGNED)
            }
        }
    }
}
