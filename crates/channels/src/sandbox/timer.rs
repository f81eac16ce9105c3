//! One task that holds all news until they are due: a heap, not a timer for each.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::news::News;
use super::world::World;

/// News and when to tell them. The order of equal times is the order in which they were scheduled.
pub(super) struct Due {
    at: Instant,
    turn: u64,
    news: News,
}

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        (self.at, self.turn) == (other.at, other.turn)
    }
}

impl Eq for Due {}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Due {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.turn).cmp(&(other.at, other.turn))
    }
}

/// The way to the timer. Not bounded itself: who schedules has reserved a place among all that waits
/// ([`World::reserve`]).
pub(super) struct Schedule {
    queue: mpsc::UnboundedSender<Due>,
    turns: AtomicU64,
}

impl Schedule {
    pub(super) fn new() -> (Self, mpsc::UnboundedReceiver<Due>) {
        let (queue, incoming) = mpsc::unbounded_channel();
        (Self { queue, turns: AtomicU64::new(0) }, incoming)
    }

    pub(super) fn add(&self, at: Instant, news: News) {
        let turn = self.turns.fetch_add(1, Ordering::Relaxed);
        // After shutdown there is nobody to tell.
        drop(self.queue.send(Due { at, turn, news }));
    }
}

/// Runs until `stop`: hands over what is due.
pub(super) async fn run(
    world: Arc<World>,
    mut incoming: mpsc::UnboundedReceiver<Due>,
    stop: CancellationToken,
) {
    let mut heap: BinaryHeap<Reverse<Due>> = BinaryHeap::new();
    let mut arrived = Vec::with_capacity(256);
    loop {
        let next = heap.peek().map(|Reverse(due)| due.at);
        let wait = async {
            match next {
                Some(at) => sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = stop.cancelled() => return,
            count = incoming.recv_many(&mut arrived, 256) => {
                if count == 0 {
                    return;
                }
                heap.extend(arrived.drain(..).map(Reverse));
            }
            () = wait => {}
        }
        let now = Instant::now();
        while heap.peek().is_some_and(|Reverse(due)| due.at <= now)
            && let Some(Reverse(due)) = heap.pop()
        {
            world.tell(due.news, now);
        }
    }
}
