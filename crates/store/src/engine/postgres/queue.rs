//! Closures waiting for a connection: one queue per lane, served in turn.
//!
//! A busy lane cannot starve its neighbours on the same connection: it gets one batch, then goes to the end of the line.
//! Each lane is bounded; a caller that finds its lane full waits at the door without holding up anybody else's.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};

use crate::engine::Lane;
use crate::engine::error::{Error, Result};
use crate::engine::job::Job;

/// See the module's page. Pushed to from any thread, popped by the engine's own.
pub(super) struct LaneQueue {
    room_per_lane: usize,
    state: Mutex<State>,
    wake: Notify,
}

#[derive(Default)]
struct State {
    lanes: HashMap<Lane, Waiting>,
    /// Lanes with something to do, in the order of their turns; each appears once.
    turns: VecDeque<Lane>,
    closed: bool,
}

struct Waiting {
    jobs: VecDeque<(Box<dyn Job>, OwnedSemaphorePermit)>,
    room: Arc<Semaphore>,
}

impl LaneQueue {
    pub(super) fn new(room_per_lane: usize) -> Self {
        Self { room_per_lane: room_per_lane.max(1), state: Mutex::default(), wake: Notify::new() }
    }

    /// Joins the lane's queue, waiting while it is full.
    pub(super) async fn push(&self, lane: Lane, job: Box<dyn Job>) -> Result<()> {
        let room = {
            let mut state = self.lock();
            let room = Arc::clone(&state.waiting(lane, self.room_per_lane)?.room);
            // Whoever waits at the door goes first: the semaphore is fair, so this fails while somebody does.
            if let Ok(permit) = Arc::clone(&room).try_acquire_owned() {
                state.enqueue(lane, job, permit, self.room_per_lane)?;
                drop(state);
                self.wake.notify_one();
                return Ok(());
            }
            room
        };
        let permit = room.acquire_owned().await.map_err(|_| Error::closed())?;
        self.lock().enqueue(lane, job, permit, self.room_per_lane)?;
        self.wake.notify_one();
        Ok(())
    }

    /// Waits until there is something to pop; `false` when the queue is closed and empty.
    pub(super) async fn ready(&self) -> bool {
        loop {
            {
                let state = self.lock();
                if !state.turns.is_empty() {
                    return true;
                }
                if state.closed {
                    drop(state);
                    self.wake.notify_one(); // the other workers of this queue are to end too
                    return false;
                }
            }
            self.wake.notified().await;
        }
    }

    /// The next lane's closures, `most` at most, without those whose callers are gone. Never waits; may be empty.
    pub(super) fn pop(&self, most: usize) -> Option<(Lane, Vec<Box<dyn Job>>)> {
        let mut state = self.lock();
        let lane = state.turns.pop_front()?;
        let waiting = state.lanes.get_mut(&lane)?;
        let taken = most.min(waiting.jobs.len());
        let jobs =
            waiting.jobs.drain(..taken).map(|(job, _)| job).filter(|job| !job.is_abandoned()).collect();
        if !waiting.jobs.is_empty() {
            state.turns.push_back(lane);
        } else if Arc::strong_count(&waiting.room) == 1 {
            state.lanes.remove(&lane); // nobody waits at its door
        }
        if !state.turns.is_empty() {
            self.wake.notify_one(); // a notice is one wake-up however many it was given for
        }
        Some((lane, jobs))
    }

    /// Answers everything that waits.
    pub(super) fn refuse_all(&self, error: &Error) {
        while let Some((_, jobs)) = self.pop(usize::MAX) {
            for job in jobs {
                job.refuse(error.clone());
            }
        }
    }

    /// Nothing more comes in; what waits can still be popped.
    pub(super) fn close(&self) {
        let mut state = self.lock();
        state.closed = true;
        for waiting in state.lanes.values() {
            waiting.room.close();
        }
        drop(state);
        self.wake.notify_one();
    }

    pub(super) fn is_closed(&self) -> bool {
        self.lock().closed
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn waiting(&mut self, lane: Lane, room: usize) -> Result<&mut Waiting> {
        if self.closed {
            return Err(Error::closed());
        }
        Ok(self
            .lanes
            .entry(lane)
            .or_insert_with(|| Waiting { jobs: VecDeque::new(), room: Arc::new(Semaphore::new(room)) }))
    }

    fn enqueue(
        &mut self,
        lane: Lane,
        job: Box<dyn Job>,
        permit: OwnedSemaphorePermit,
        room: usize,
    ) -> Result<()> {
        let waiting = self.waiting(lane, room)?;
        waiting.jobs.push_back((job, permit));
        if waiting.jobs.len() == 1 {
            self.turns.push_back(lane);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use std::time::Duration;

    use futures_util::FutureExt;
    use tokio::sync::oneshot;
    use uuid::Uuid;

    use super::*;
    use crate::engine::job::job;
    use crate::engine::tx::Tx;

    type Answer = oneshot::Receiver<Result<u8>>;

    fn some_job() -> (Box<dyn Job>, Answer) {
        job(async |_: &Tx<'_>| Ok(1))
    }

    fn lane(n: u128) -> Lane {
        Lane::Workspace(Uuid::from_u128(n))
    }

    #[tokio::test]
    async fn lanes_take_turns() {
        let queue = LaneQueue::new(100);
        let mut answers = Vec::new();
        for n in [1, 1, 1, 1, 1, 2, 3] {
            let (job, answer) = some_job();
            queue.push(lane(n), job).await.unwrap();
            answers.push(answer);
        }
        let mut seen = Vec::new();
        while let Some((lane, jobs)) = queue.pop(2) {
            seen.push((lane, jobs.len()));
        }
        assert_eq!(seen, [(lane(1), 2), (lane(2), 1), (lane(3), 1), (lane(1), 2), (lane(1), 1)]);
        assert!(queue.lock().lanes.is_empty(), "idle lanes are forgotten");
    }

    #[tokio::test]
    async fn a_full_lane_waits_at_its_own_door() {
        let queue = Arc::new(LaneQueue::new(1));
        let (first, _first) = some_job();
        queue.push(lane(1), first).await.unwrap();
        let (second, _second) = some_job();
        let waiting = tokio::spawn({
            let queue = Arc::clone(&queue);
            async move { queue.push(lane(1), second).await }
        });
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(!waiting.is_finished());
        let (other, _other) = some_job();
        queue.push(lane(2), other).now_or_never().unwrap().unwrap();
        assert_eq!(queue.pop(10).unwrap().1.len(), 1);
        waiting.await.unwrap().unwrap();
        assert_eq!(queue.pop(10).unwrap().0, lane(2));
        assert_eq!(queue.pop(10).unwrap().0, lane(1));
    }

    #[tokio::test]
    async fn the_abandoned_are_left_out_and_the_closed_is_emptied() {
        let queue = LaneQueue::new(10);
        let (kept, _kept) = some_job();
        let (gone, answer) = some_job();
        queue.push(Lane::System, gone).await.unwrap();
        queue.push(Lane::System, kept).await.unwrap();
        drop(answer);
        queue.close();
        assert!(queue.ready().await);
        assert_eq!(queue.pop(10).unwrap().1.len(), 1);
        assert!(!queue.ready().await);
        let (late, _late) = some_job();
        assert_eq!(queue.push(Lane::System, late).await, Err(Error::closed()));
    }
}
