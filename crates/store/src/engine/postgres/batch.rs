//! How closures run on a connection.
//!
//! A batch holds closures of one lane. They run one after another in one transaction, without a savepoint each (that
//! would double the round trips), and are committed together. A closure that fails before it wrote anything harms
//! nobody and the batch goes on; after a write, or when the transaction is aborted, the batch is rolled back and its
//! closures run again, each in a transaction of its own.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::panic::AssertUnwindSafe;
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::future::join;

use super::session::{Mode, Session};
use crate::engine::error::{Error, Result};
use crate::engine::job::{Entry, Outcome};
use crate::engine::tx::{Conn, Tx};
use crate::engine::{Lane, meter};

/// Runs of a closure that collides with other transactions.
const ATTEMPTS: u32 = 6;

/// What holds for every closure of a connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// For one closure, and for COMMIT and ROLLBACK; `None` while migrating.
    pub(super) closure: Option<Duration>,
}

impl Limits {
    async fn hold<T>(self, work: impl Future<Output = T>) -> Option<T> {
        match self.closure {
            Some(limit) => tokio::time::timeout(limit, work).await.ok(),
            None => Some(work.await),
        }
    }
}

/// How a batch ended.
enum Together {
    /// Committed: settle every closure.
    Committed,
    /// Rolled back: run the closures one by one.
    Spoiled,
    /// The connection is lost.
    Lost(Error),
}

/// Runs the batch and answers every caller.
pub(super) async fn write(session: &Session, limits: Limits, lane: Lane, mut batch: Vec<Entry>) {
    if batch.len() > 1 {
        match together(session, limits, lane, &mut batch).await {
            Together::Committed => return batch.into_iter().for_each(Entry::settle),
            Together::Lost(error) => return batch.into_iter().for_each(|entry| entry.refuse(error.clone())),
            Together::Spoiled => tracing::debug!(size = batch.len(), "running a batch one by one"),
        }
    }
    for entry in batch {
        if matches!(entry.fault, Some(Error::Panicked | Error::Waited)) {
            entry.settle(); // it would again
        } else if session.is_usable() {
            alone(session, limits, lane, entry).await;
        } else {
            entry.refuse(Error::unavailable("the connection was lost"));
        }
    }
}

/// Runs the closure in a snapshot and answers its caller; the transaction's end is nobody's concern.
pub(super) async fn read(session: &Session, limits: Limits, lane: Lane, mut entry: Entry) {
    let (begun, _) = join(session.begin(Mode::Read, lane), run(session, limits, &mut entry)).await;
    if let Err(error) = begun {
        return entry.refuse(error);
    }
    entry.settle();
    roll_back(session, limits).await;
}

async fn together(session: &Session, limits: Limits, lane: Lane, batch: &mut [Entry]) -> Together {
    // BEGIN is sent ahead, and its answer heard with the first statement's.
    let (begun, spoiled) = join(session.begin(Mode::Write, lane), async {
        for entry in batch.iter_mut() {
            let ran = run(session, limits, entry).await;
            session.want_workspace(lane.workspace()); // the next closure starts as the lane does
            match ran.outcome {
                Outcome::Keep => {}
                Outcome::Undo(None) | Outcome::Fault(Error::Panicked) if !ran.wrote && !ran.aborted => {}
                Outcome::Undo(_) | Outcome::Fault(_) => return true,
            }
        }
        false
    })
    .await;
    if let Err(error) = begun {
        return Together::Lost(error);
    }
    if spoiled {
        roll_back(session, limits).await;
        return Together::Spoiled;
    }
    match commit(session, limits, batch.len()).await {
        Ok(()) => Together::Committed,
        Err(error @ Error::Unavailable { .. }) => Together::Lost(error),
        // A deferred key or a collision: the server has rolled back; one by one the culprit shows itself.
        Err(_) => Together::Spoiled,
    }
}

/// Runs the closure in a transaction of its own, again if it collides, and answers its caller.
pub(super) async fn alone(session: &Session, limits: Limits, lane: Lane, mut entry: Entry) {
    for attempt in 1..=ATTEMPTS {
        let (begun, ran) = join(session.begin(Mode::Write, lane), run(session, limits, &mut entry)).await;
        if let Err(error) = begun {
            return entry.refuse(error);
        }
        let collision = match ran.outcome {
            Outcome::Keep => match commit(session, limits, 1).await {
                Ok(()) => return entry.settle(),
                Err(error @ Error::Conflict { .. }) => error,
                Err(error) => return entry.refuse(error),
            },
            Outcome::Undo(Some(error @ Error::Conflict { .. }))
            | Outcome::Fault(error @ Error::Conflict { .. }) => {
                roll_back(session, limits).await;
                error
            }
            Outcome::Undo(_) | Outcome::Fault(_) => {
                roll_back(session, limits).await;
                return entry.settle();
            }
        };
        if attempt == ATTEMPTS || !session.is_usable() {
            return entry.refuse(collision);
        }
        session.forget_statements(); // the collision may have been with a migration
        tokio::time::sleep(pause(attempt)).await;
    }
}

struct Ran {
    outcome: Outcome,
    wrote: bool,
    /// A statement failed or was left behind unanswered. COMMIT would then roll back, and say nothing of it.
    aborted: bool,
}

/// One run of a closure; hooks are kept only when its work is.
async fn run(session: &Session, limits: Limits, entry: &mut Entry) -> Ran {
    let tx = Tx::new(Conn::Postgres(session));
    let ran = limits.hold(AssertUnwindSafe(entry.job.run(&tx)).catch_unwind()).await;
    let wrote = tx.wrote();
    let (failed, hooks) = tx.into_parts();
    let aborted = failed.is_some();
    let outcome = match ran {
        Some(Ok(ran)) => Outcome::of(ran, failed),
        Some(Err(_)) => Outcome::Fault(Error::Panicked),
        None => Outcome::Fault(Error::Waited),
    };
    entry.hooks = if matches!(outcome, Outcome::Keep) { hooks } else { Vec::new() };
    entry.fault = match &outcome {
        Outcome::Fault(error) => Some(error.clone()),
        Outcome::Keep | Outcome::Undo(_) => None,
    };
    Ran { outcome, wrote, aborted }
}

async fn commit(session: &Session, limits: Limits, size: usize) -> Result<()> {
    let started = Instant::now();
    let done = match limits.hold(session.commit()).await {
        Some(done) => done.map_err(Error::at_commit),
        None => Err(Error::unavailable("no answer to COMMIT in time").at_commit()),
    };
    if matches!(done, Err(Error::Unavailable { .. })) {
        session.give_up();
    }
    meter::commit("postgres", size, started.elapsed());
    done
}

async fn roll_back(session: &Session, limits: Limits) {
    // Also after a lost connection: then it fails at once.
    if !matches!(limits.hold(session.rollback()).await, Some(Ok(()))) {
        session.give_up();
    }
}

/// Grows with the attempts and differs between nodes, so that the same two do not meet again.
fn pause(attempt: u32) -> Duration {
    let noise = RandomState::new().build_hasher().finish() % 1000; // std's own seeds: no secret, no clock
    let most = 5u64 << attempt.min(6);
    Duration::from_micros(most * 500 + most * noise / 2)
}
