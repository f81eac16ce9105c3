//! Lanes: work that must not be mixed runs side by side, each lane with its own bounds.
//!
//! The job table is the truth; a wake after a commit only saves the wait for the next look at it. A lane is one task
//! that lives while there is work: it claims jobs, performs them (many at once), and records results, those that
//! finish while a record is being written together in the next one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use gatepost_core::job::JobKind;
use gatepost_core::{Code, Result};
use gatepost_store::LaneKey;
use tokio::runtime::Handle;
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::App;
use crate::deleted::LaneOwner;
use crate::store_away::StoreAway;

/// How long a lane without work stays in memory.
const IDLE: Duration = Duration::from_secs(2);
/// Between two looks at the table for work that no wake told of: retries that came due, other nodes' leftovers.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// Between two looks for channels that are due to be checked; a day more or less does not matter to them.
const LOOK_FOR_CHECKS_EVERY: Duration = Duration::from_secs(20);
/// After a failure of the store.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_millis(500);

/// The lanes that are awake.
#[derive(Default)]
pub(crate) struct Lanes {
    awake: Mutex<HashMap<LaneKey, Arc<Notify>>>,
    /// Wakes come from the store's own threads, which have no runtime.
    runtime: OnceLock<Handle>,
    away: StoreAway,
}

/// What a lane does with one kind of job.
pub(crate) trait Work: Send + Sync + Sized + 'static {
    type Item: Send + 'static;
    type Done: Clone + Send + 'static;

    fn new(app: App, key: LaneKey) -> Self;
    /// Items under way at once.
    fn capacity(&self) -> usize;
    /// Claims up to `limit` jobs and loads what they need. An empty answer with `Some(wait)` asks to be called again
    /// after that time.
    fn take(&self, limit: usize) -> impl Future<Output = Result<Taken<Self::Item>>> + Send;
    /// Does one thing, with no transaction open.
    fn perform(&self, item: Self::Item) -> impl Future<Output = Self::Done> + Send;
    /// Writes down results in one transaction.
    fn record(&self, done: Vec<Self::Done>) -> impl Future<Output = Result<()>> + Send;
}

/// How long results wait for a store that does not answer: what is not written down by then is taken up again.
const RECORD_PATIENCE: [Duration; 6] = [
    Duration::from_millis(100),
    Duration::from_millis(500),
    Duration::from_secs(1),
    Duration::from_secs(3),
    Duration::from_secs(6),
    Duration::from_secs(12),
];

/// Records results: again while the store is away; one by one when the batch fails otherwise, so that one lost lease
/// spoils no neighbour.
async fn record<W: Work>(work: &W, away: &StoreAway, key: LaneKey, done: Vec<W::Done>) {
    for wait in RECORD_PATIENCE {
        match work.record(done.clone()).await {
            Ok(()) => return,
            Err(error) if error.code() == Code::Unavailable => {
                away.tell(&error, Some(key), "results wait");
                tokio::time::sleep(wait).await;
            }
            Err(_) => break,
        }
    }
    for one in done {
        if let Err(error) = work.record(vec![one]).await {
            away.tell(
                &error,
                Some(key),
                "a result was not recorded, and its job comes back when its lease ends",
            );
        }
    }
}

/// What [`Work::take`] found.
pub(crate) struct Taken<T> {
    pub items: Vec<T>,
    /// Look again after this time, whatever else happens.
    pub again: Option<Duration>,
}

impl App {
    /// Starts working: from now on due jobs of every kind are done on this node.
    pub fn start_workers(&self) {
        let _ = self.0.lanes.runtime.set(Handle::current());
        let app = self.clone();
        self.0.store.on_wake(move |key| app.wake(key));
        let app = self.clone();
        self.0.tasks.spawn(async move { app.look_for_work().await });
        let app = self.clone();
        self.0.tasks.spawn(async move { app.retain_forever().await });
        let app = self.clone();
        self.0.tasks.spawn(async move { app.channel_checks_begin().await });
    }

    async fn look_for_work(&self) {
        // Every channel has a look at Meta waiting for its day, so whoever looks for due ones passes all of them.
        let mut checks_at = self.now();
        loop {
            let now = self.now();
            let checks = now >= checks_at;
            if checks {
                checks_at = now.plus(LOOK_FOR_CHECKS_EVERY);
            }
            for kind in JobKind::ALL.into_iter().filter(|kind| *kind != JobKind::ChannelCheck || checks) {
                match self.0.store.read_system(async move |tx| tx.lanes_due(kind, now).await).await {
                    Ok(lanes) => lanes.into_iter().for_each(|lane| self.wake(LaneKey { kind, lane })),
                    Err(error) => self.0.lanes.away.tell(&error, None, "could not look for due work"),
                }
            }
            tokio::select! {
                () = self.0.stop.cancelled() => return,
                () = tokio::time::sleep(LOOK_EVERY) => {}
            }
        }
    }

    /// Tells a lane of new work, or brings it to life.
    pub(crate) fn wake(&self, key: LaneKey) {
        let Some(runtime) = self.0.lanes.runtime.get() else { return };
        // A node that has no mail server leaves mails to those that have one.
        if self.0.stop.is_cancelled() || (key.kind == JobKind::MailSend && !self.mail_on()) {
            return;
        }
        let mut awake = self.0.lanes.awake.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(notify) = awake.get(&key) {
            notify.notify_one();
            return;
        }
        let notify = Arc::new(Notify::new());
        awake.insert(key, Arc::clone(&notify));
        drop(awake);
        let app = self.clone();
        let lane = async move {
            match key.kind {
                JobKind::MessageSend => {
                    run(&app, key, &notify, crate::sending::Sending::new(app.clone(), key)).await;
                }
                JobKind::EnvelopeProcess => {
                    run(&app, key, &notify, crate::inbound::Inbound::new(app.clone(), key)).await;
                }
                JobKind::DeliveryAttempt => {
                    run(&app, key, &notify, crate::delivering::Delivering::new(app.clone(), key)).await;
                }
                JobKind::OutcomeDecide => {
                    run(&app, key, &notify, crate::outcome::Deciding::new(app.clone(), key)).await;
                }
                JobKind::ChannelCheck => {
                    run(&app, key, &notify, crate::channel_checks::Checking::new(app.clone(), key)).await;
                }
                JobKind::WebhookReplay => {
                    run(&app, key, &notify, crate::replays::Replaying::new(app.clone(), key)).await;
                }
                JobKind::EndpointTest => {
                    run(&app, key, &notify, crate::endpoints::Testing::new(app.clone(), key)).await;
                }
                JobKind::MessageExpire => {
                    run(&app, key, &notify, crate::guard::Expiring::new(app.clone(), key)).await;
                }
                JobKind::MailSend => {
                    run(&app, key, &notify, crate::mail::Posting::new(app.clone(), key)).await;
                }
                JobKind::VerificationExpire => {
                    run(&app, key, &notify, crate::verifications::Expiring::new(app.clone(), key)).await;
                }
                JobKind::SuppressionImport => {
                    run(&app, key, &notify, crate::suppressions::Importing::new(app.clone(), key)).await;
                }
            }
        };
        self.0.tasks.spawn_on(lane, runtime);
    }

    /// Takes a lane's task off the list; a newer task of the same lane stays on it.
    fn sleep_lane(&self, key: LaneKey, notify: &Arc<Notify>) {
        let mut awake = self.0.lanes.awake.lock().unwrap_or_else(PoisonError::into_inner);
        if awake.get(&key).is_some_and(|own| Arc::ptr_eq(own, notify)) {
            awake.remove(&key);
        }
    }
}

async fn run<W: Work>(app: &App, key: LaneKey, notify: &Arc<Notify>, work: W) {
    let work = Arc::new(work);
    let mut taking: JoinSet<Result<Taken<W::Item>>> = JoinSet::new();
    let mut flying: JoinSet<W::Done> = JoinSet::new();
    let mut finished: Vec<W::Done> = Vec::new();
    let mut writing: JoinSet<()> = JoinSet::new();
    let owner = LaneOwner::default();
    let mut hungry = true;
    let mut asked = 0;
    // When to look again although nothing told of new work: the pace, a pause, or the end of idleness.
    let mut look_at: Option<Instant> = None;
    let mut parting = false;
    loop {
        let stopping = app.0.stop.is_cancelled();
        let room = work.capacity().saturating_sub(flying.len());
        if hungry && !stopping && taking.is_empty() && room > 0 && room * 2 >= work.capacity() {
            hungry = false;
            asked = room;
            let (app, work, owner) = (app.clone(), Arc::clone(&work), owner.clone());
            taking.spawn(async move {
                if app.lane_rests(key, &owner).await? {
                    return Ok(Taken { items: Vec::new(), again: None });
                }
                work.take(room).await
            });
        }
        if !finished.is_empty() && writing.is_empty() {
            let (work, done) = (Arc::clone(&work), std::mem::take(&mut finished));
            let app = app.clone();
            writing.spawn(async move { record(work.as_ref(), &app.0.lanes.away, key, done).await });
        }
        let idle = taking.is_empty() && flying.is_empty() && finished.is_empty() && writing.is_empty();
        if idle && (stopping || parting) {
            app.sleep_lane(key, notify);
            return;
        }
        let leave_at = Instant::now() + IDLE;
        tokio::select! {
            Some(taken) = taking.join_next(), if !taking.is_empty() => {
                let taken = taken.unwrap_or_else(|error| Err(gatepost_core::Error::internal(error)));
                match taken {
                    Ok(taken) => {
                        hungry |= taken.items.len() >= asked;
                        look_at = taken.again.map(|wait| Instant::now() + wait);
                        parting &= taken.items.is_empty();
                        for item in taken.items {
                            let work = Arc::clone(&work);
                            flying.spawn(async move { work.perform(item).await });
                        }
                    }
                    Err(error) => {
                        app.0.lanes.away.tell(&error, Some(key), "could not take work");
                        look_at = Some(Instant::now() + PAUSE_AFTER_FAILURE);
                        hungry = false;
                    }
                }
            }
            Some(done) = flying.join_next(), if !flying.is_empty() => {
                take_done(done, &mut finished);
                while let Some(done) = flying.try_join_next() {
                    take_done(done, &mut finished);
                }
            }
            Some(_) = writing.join_next(), if !writing.is_empty() => {
                // What an order key held back may be free now.
                hungry |= flying.is_empty();
            }
            () = notify.notified() => hungry = true,
            () = app.0.stop.cancelled(), if !stopping => {}
            () = tokio::time::sleep_until(look_at.unwrap_or(leave_at)), if idle || look_at.is_some() => {
                if look_at.take().is_none() {
                    // Off the list first, then one more look: a wake in between starts a new task.
                    app.sleep_lane(key, notify);
                    parting = true;
                }
                hungry = true;
            }
        }
    }
}

fn take_done<T>(done: Result<T, tokio::task::JoinError>, finished: &mut Vec<T>) {
    match done {
        Ok(done) => finished.push(done),
        Err(error) => {
            tracing::error!(%error, "a task of a lane panicked; its job comes back when its lease ends");
        }
    }
}
