//! How many attempts are under way: for one endpoint, and in the whole process.
//!
//! Threat note. Defends against: endpoints that hold on to what they are given. One endpoint has a window of attempts
//! under way that grows with every success and halves with every failure, so a dead one has one. All of them together
//! share pools of bounded size, by what they have shown: those that answered lately, those nobody knows yet, and those
//! that are failing. An attempt that waits long for its answer moves to a pool of its own, so that even many endpoints
//! that answered well and now stall all at once hold up the others for no longer than [`STALLED`]; and one workspace has
//! half of the places at most, however many endpoints it has and whatever these do. Does not defend against: more
//! endpoints that answer well than the machine can serve, which wait for one another, in turn; several workspaces that
//! stall together.

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

/// Places that an endpoint asks for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    pub workspace: Uuid,
    pub repute: Repute,
    /// So many, at most.
    pub wanted: usize,
    /// The largest window.
    pub most: usize,
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
    /// Of the workspace's share; kept to the end, answer or not.
    share: Option<OwnedSemaphorePermit>,
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
    shares: moka::sync::Cache<Uuid, Arc<Semaphore>>,
    /// Places of one workspace, of every kind together.
    share: usize,
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
            shares: moka::sync::Cache::new(REMEMBERED),
            share: (total / 2).clamp(1, Semaphore::MAX_PERMITS),
            proven: pool(total),
            unknown: pool(total / 4),
            failing: pool(total / 8),
            stalled: pool(total),
        }
    }

    pub(super) fn standing(&self, endpoint: Uuid) -> Arc<Standing> {
        self.standings.get_with(endpoint, Arc::default)
    }

    /// Places for attempts of an endpoint. Waits for the first, in turn with the other endpoints of its workspace and then
    /// of its repute; the others are had as far as they are free. None when the endpoint has no room, or once `stop` is
    /// told.
    pub(super) async fn slots(
        &self,
        standing: &Arc<Standing>,
        asked: Asked,
        stop: &CancellationToken,
    ) -> Vec<Slot> {
        let share = self.shares.get_with(asked.workspace, || Arc::new(Semaphore::new(self.share)));
        let pool = match asked.repute {
            Repute::Proven => &self.proven,
            Repute::Unknown => &self.unknown,
            Repute::Failing => &self.failing,
        };
        let reserved = standing.reserve(asked.wanted, asked.most);
        let empty = || Slot { standing: Arc::clone(standing), permit: None, share: None, replay: false };
        let mut slots: Vec<Slot> = std::iter::repeat_with(empty).take(reserved).collect();
        if slots.is_empty() {
            return slots;
        }
        let both = async {
            let share = Arc::clone(&share).acquire_owned().await.ok()?;
            Some((share, Arc::clone(pool).acquire_owned().await.ok()?))
        };
        let first = tokio::select! {
            both = both => both,
            () = stop.cancelled() => None,
        };
        let mut next = first;
        for index in 0..slots.len() {
            let Some((share_of, permit)) = next.take() else {
                slots.truncate(index);
                break;
            };
            (slots[index].share, slots[index].permit) = (Some(share_of), Some(permit));
            let more = Arc::clone(&share).try_acquire_owned().ok();
            next = more.zip(Arc::clone(pool).try_acquire_owned().ok());
        }
        slots
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: usize = 64;

    fn asked(workspace: u128, repute: Repute, wanted: usize) -> Asked {
        Asked { workspace: Uuid::from_u128(workspace), repute, wanted, most: MOST }
    }

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
        let slots = courier.slots(&standing, asked(1, Repute::Unknown, 10), &stop).await;
        assert_eq!(slots.len(), 4, "the window");
        assert!(courier.slots(&standing, asked(1, Repute::Unknown, 10), &stop).await.is_empty());
        drop(slots);
        let mut slots = courier.slots(&standing, asked(1, Repute::Unknown, 1), &stop).await;
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
            held.append(&mut courier.slots(&standing, asked(1, Repute::Unknown, 1), &stop).await);
        }
        assert_eq!(held.len(), 16, "a quarter");
        let next = courier.standing(Uuid::from_u128(99));
        let waits = courier.slots(&next, asked(1, Repute::Unknown, 1), &stop);
        assert!(tokio::time::timeout(Duration::from_millis(20), waits).await.is_err());
        let proven = courier.standing(Uuid::from_u128(100));
        assert_eq!(courier.slots(&proven, asked(1, Repute::Proven, 4), &stop).await.len(), 4);
        for slot in &mut held {
            slot.stall(&courier);
        }
        assert_eq!(courier.slots(&next, asked(1, Repute::Unknown, 1), &stop).await.len(), 1, "they gave way");
        stop.cancel();
    }

    /// All endpoints of a workspace have answered well, and stall at the height of their windows: the others do not wait,
    /// not even for those that stalled to give way.
    #[tokio::test]
    async fn no_workspace_takes_the_places_of_all() {
        let courier = Courier::new(1_024);
        let stop = CancellationToken::new();
        let mut held = Vec::new();
        for number in 0..50 {
            let standing = courier.standing(Uuid::from_u128(number));
            for _ in 0..MOST {
                standing.answered(MOST);
            }
            for _ in 0..2 {
                let some = courier.slots(&standing, asked(1, Repute::Proven, MOST), &stop);
                let Ok(mut some) = tokio::time::timeout(Duration::from_millis(5), some).await else {
                    continue;
                };
                some.iter_mut().for_each(|slot| slot.stall(&courier));
                held.append(&mut some);
            }
        }
        assert_eq!(held.len(), 512);
        let other = courier.standing(Uuid::from_u128(99));
        let places = courier.slots(&other, asked(2, Repute::Proven, 4), &stop);
        let places =
            tokio::time::timeout(Duration::from_millis(100), places).await.map(|places| places.len());
        assert_eq!(places, Ok(4));
        drop(held);
        let again = courier.slots(&other, asked(1, Repute::Proven, 1), &stop);
        assert!(tokio::time::timeout(Duration::from_millis(100), again).await.is_ok(), "places come back");
    }
}
