//! How many attempts are under way: for one endpoint, and in the whole process.
//!
//! Threat note. Defends against: endpoints that hold on to what they are given. One endpoint has a window of attempts
//! under way that grows with every success and halves with every failure, so a dead one has one. All of them together
//! share pools of bounded size, by what they have shown: those that answered lately, those nobody knows yet, and those
//! that are failing. An attempt that waits long for its answer moves to a pool of its own, so that even many endpoints
//! that answered well and now stall all at once hold up the others for no longer than [`STALLED`]. Does not defend
//! against: more endpoints that answer well than the machine can serve; these wait for one another, in turn.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// Endpoints whose standing is remembered; beyond that the longest unused is forgotten and begins anew.
const REMEMBERED: u64 = 20_000;
/// Attempts under way of an endpoint that nobody knows yet.
const FIRST_WINDOW: usize = 4;
/// How long a success vouches for an endpoint.
const PROVEN_FOR: Duration = Duration::from_mins(5);
/// An attempt without an answer after this time gives up its place among those of its kind.
pub(super) const STALLED: Duration = Duration::from_secs(2);

/// What an endpoint has shown lately.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Repute {
    /// It answered within the last minutes.
    Proven,
    /// Nobody knows.
    Unknown,
    /// Its last attempt failed.
    Failing,
}

/// One endpoint's share, on this node.
#[derive(Debug)]
pub(super) struct Standing {
    window: AtomicUsize,
    in_flight: AtomicUsize,
    replays: AtomicUsize,
    answered_at: Mutex<Option<Instant>>,
}

impl Default for Standing {
    fn default() -> Self {
        Self {
            window: AtomicUsize::new(FIRST_WINDOW),
            in_flight: AtomicUsize::new(0),
            replays: AtomicUsize::new(0),
            answered_at: Mutex::new(None),
        }
    }
}

impl Standing {
    /// Attempts that may be under way at once, at most `most`.
    pub fn window(&self, most: usize) -> usize {
        self.window.load(Ordering::Relaxed).clamp(1, most.max(1))
    }

    /// A success: one more at once.
    pub fn answered(&self, most: usize) {
        let _ = self.window.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |window| {
            (window < most).then_some(window + 1)
        });
        *self.answered_at.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    /// A failure: half as many.
    pub fn failed(&self) {
        let halve = |window: usize| Some((window / 2).max(1));
        let _ = self.window.fetch_update(Ordering::Relaxed, Ordering::Relaxed, halve);
    }

    pub fn repute(&self, failing: bool) -> Repute {
        let answered = *self.answered_at.lock().unwrap_or_else(PoisonError::into_inner);
        match answered {
            _ if failing => Repute::Failing,
            Some(at) if at.elapsed() < PROVEN_FOR => Repute::Proven,
            _ => Repute::Unknown,
        }
    }

    /// How many replayed deliveries may be begun: together they take a quarter of the window, and one where that is less.
    pub fn room_for_replays(&self, most: usize) -> usize {
        (self.window(most) / 4).max(1).saturating_sub(self.replays.load(Ordering::Relaxed))
    }

    /// Takes up to `wanted` places, as far as there are any.
    fn reserve(&self, wanted: usize, most: usize) -> usize {
        let window = self.window(most);
        let mut got = 0;
        let _ = self.in_flight.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |flying| {
            got = wanted.min(window.saturating_sub(flying));
            (got > 0).then_some(flying + got)
        });
        got
    }
}

/// A place for one attempt; given back when dropped.
#[derive(Debug)]
pub(super) struct Slot {
    standing: Arc<Standing>,
    permit: Option<OwnedSemaphorePermit>,
    replay: bool,
}

impl Slot {
    /// This attempt is a replayed one.
    pub fn replays(&mut self) {
        if !self.replay {
            self.replay = true;
            self.standing.replays.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// No answer for long: the place goes to somebody else, as long as there is one among those that wait long.
    pub fn stall(&mut self, courier: &Courier) {
        if let Ok(permit) = Arc::clone(&courier.stalled).try_acquire_owned() {
            self.permit = Some(permit);
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.standing.in_flight.fetch_sub(1, Ordering::Relaxed);
        if self.replay {
            self.standing.replays.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

/// The pools of this process, and what is known of its endpoints.
pub(crate) struct Courier {
    standings: moka::sync::Cache<Uuid, Arc<Standing>>,
    proven: Arc<Semaphore>,
    unknown: Arc<Semaphore>,
    failing: Arc<Semaphore>,
    stalled: Arc<Semaphore>,
}

impl Courier {
    /// `total` attempts of endpoints that answer; a quarter of that for those nobody knows, an eighth for those that
    /// fail, and as many again for attempts that wait long for their answer.
    pub fn new(total: usize) -> Self {
        let pool = |size: usize| Arc::new(Semaphore::new(size.clamp(1, Semaphore::MAX_PERMITS)));
        Self {
            standings: moka::sync::Cache::new(REMEMBERED),
            proven: pool(total),
            unknown: pool(total / 4),
            failing: pool(total / 8),
            stalled: pool(total),
        }
    }

    pub(super) fn standing(&self, endpoint: Uuid) -> Arc<Standing> {
        self.standings.get_with(endpoint, Arc::default)
    }

    /// Up to `wanted` places for attempts of an endpoint whose window is `most` at most. Waits for the first, in turn
    /// with the other endpoints of its repute; the others are had as far as they are free. None when the endpoint has no
    /// room, or once `stop` is told.
    pub(super) async fn slots(
        &self,
        standing: &Arc<Standing>,
        repute: Repute,
        wanted: usize,
        most: usize,
        stop: &CancellationToken,
    ) -> Vec<Slot> {
        let pool = match repute {
            Repute::Proven => &self.proven,
            Repute::Unknown => &self.unknown,
            Repute::Failing => &self.failing,
        };
        let reserved = standing.reserve(wanted, most);
        let empty = || Slot { standing: Arc::clone(standing), permit: None, replay: false };
        let mut slots: Vec<Slot> = std::iter::repeat_with(empty).take(reserved).collect();
        if slots.is_empty() {
            return slots;
        }
        let first = tokio::select! {
            permit = Arc::clone(pool).acquire_owned() => permit.ok(),
            () = stop.cancelled() => None,
        };
        let mut next = first;
        for index in 0..slots.len() {
            let Some(permit) = next.take() else {
                slots.truncate(index);
                break;
            };
            slots[index].permit = Some(permit);
            next = Arc::clone(pool).try_acquire_owned().ok();
        }
        slots
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: usize = 64;

    #[tokio::test]
    async fn a_window_follows_what_the_endpoint_does() {
        let courier = Courier::new(1_024);
        let standing = courier.standing(Uuid::nil());
        assert_eq!((standing.window(MOST), standing.repute(false)), (4, Repute::Unknown));
        for _ in 0..100 {
            standing.answered(MOST);
        }
        assert_eq!((standing.window(MOST), standing.repute(false)), (64, Repute::Proven));
        for expected in [32, 16, 8, 4, 2, 1, 1] {
            standing.failed();
            assert_eq!(standing.window(MOST), expected);
        }
        assert_eq!(standing.repute(true), Repute::Failing);
        assert!(Arc::ptr_eq(&standing, &courier.standing(Uuid::nil())));
    }

    #[tokio::test]
    async fn places_are_given_back() {
        let courier = Courier::new(1_024);
        let standing = courier.standing(Uuid::nil());
        let stop = CancellationToken::new();
        let slots = courier.slots(&standing, Repute::Unknown, 10, MOST, &stop).await;
        assert_eq!(slots.len(), 4, "the window");
        assert!(courier.slots(&standing, Repute::Unknown, 10, MOST, &stop).await.is_empty());
        drop(slots);
        let mut slots = courier.slots(&standing, Repute::Unknown, 1, MOST, &stop).await;
        assert_eq!((slots.len(), standing.room_for_replays(MOST)), (1, 1));
        slots[0].replays();
        assert_eq!(standing.room_for_replays(MOST), 0);
        drop(slots);
        assert_eq!(standing.room_for_replays(MOST), 1);
    }

    /// A thousand endpoints that nobody knows and that never answer leave those that answer alone, and one another too.
    #[tokio::test]
    async fn black_holes_take_only_what_is_theirs() {
        let courier = Courier::new(64);
        let stop = CancellationToken::new();
        let mut held = Vec::new();
        for number in 0..16 {
            let standing = courier.standing(Uuid::from_u128(number));
            held.append(&mut courier.slots(&standing, Repute::Unknown, 1, MOST, &stop).await);
        }
        assert_eq!(held.len(), 16, "a quarter");
        let next = courier.standing(Uuid::from_u128(99));
        let waits = courier.slots(&next, Repute::Unknown, 1, MOST, &stop);
        assert!(tokio::time::timeout(Duration::from_millis(20), waits).await.is_err());
        let proven = courier.standing(Uuid::from_u128(100));
        assert_eq!(courier.slots(&proven, Repute::Proven, 4, MOST, &stop).await.len(), 4);
        for slot in &mut held {
            slot.stall(&courier);
        }
        assert_eq!(courier.slots(&next, Repute::Unknown, 1, MOST, &stop).await.len(), 1, "they gave way");
        stop.cancel();
    }
}
