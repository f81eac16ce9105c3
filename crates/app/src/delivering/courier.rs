//! How many attempts are under way: for one endpoint, and in the whole process.
//!
//! Threat note. Defends against: endpoints that hold on to what they are given. One endpoint has a window of attempts
//! under way that grows with every success and halves with every failure, so a dead one has one; of these no more are on
//! the wire than its answers' times call for, so that a burst to one that answers at once does not open connections only
//! to close them. All of them together share pools of bounded size, by what they have shown: those that answered lately,
//! those nobody knows yet, and those that are failing. An attempt that waits long for its answer moves to a pool of its
//! own, so that even many endpoints that answered well and now stall all at once hold up the others for no longer than
//! [`STALLED`]; and the endpoints of one workspace that answered well have half of the places at most, however many
//! they are, however much there is to send and whatever they do. Does not defend against: more endpoints that answer well than the machine can serve, which
//! wait for one another, in turn; several workspaces that stall together.

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
/// Requests on the wire to one endpoint: at least so many,
const WIRE_LEAST: usize = 8;
/// and as many as bring this many answers in a millisecond.
const WIRE_PER_MS: u128 = 8;
/// Answers whose shortest time counts.
const WIRE_ANSWERS: u32 = 64;
/// Places that a lane waits for at once: a claim is worth its transaction.
const HANDFUL: usize = 16;
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
    wire: Arc<Semaphore>,
    pace: Mutex<Pace>,
}

/// How fast an endpoint answers, and how many requests are on the wire for that.
#[derive(Debug)]
struct Pace {
    width: usize,
    answers: u32,
    shortest: Duration,
}

impl Pace {
    /// After so many answers the shortest of them tells the width: it is the endpoint's own time, where the others waited
    /// for one another too.
    fn answered(&mut self, took: Duration, most: usize) -> Option<usize> {
        self.shortest = self.shortest.min(took);
        self.answers += 1;
        if self.answers < WIRE_ANSWERS {
            return None;
        }
        let (micros, most) = (self.shortest.as_micros(), most.max(1));
        let wanted = micros.saturating_mul(WIRE_PER_MS) / 1_000;
        (self.answers, self.shortest) = (0, Duration::MAX);
        Some(usize::try_from(wanted).unwrap_or(most).clamp(WIRE_LEAST.min(most), most))
    }
}

impl Default for Standing {
    fn default() -> Self {
        Self {
            window: AtomicUsize::new(FIRST_WINDOW),
            in_flight: AtomicUsize::new(0),
            replays: AtomicUsize::new(0),
            answered_at: Mutex::new(None),
            wire: Arc::new(Semaphore::new(WIRE_LEAST)),
            pace: Mutex::new(Pace { width: WIRE_LEAST, answers: 0, shortest: Duration::MAX }),
        }
    }
}

impl Standing {
    /// Attempts that may be under way at once, at most `most`.
    pub fn window(&self, most: usize) -> usize {
        self.window.load(Ordering::Relaxed).clamp(1, most.max(1))
    }

    /// A place on the wire; one that is not had for long is not waited for.
    pub async fn wire(&self) -> Option<OwnedSemaphorePermit> {
        let permit = tokio::time::timeout(STALLED, Arc::clone(&self.wire).acquire_owned()).await;
        permit.ok().and_then(Result::ok)
    }

    /// A success, and how long it took: one more at once.
    pub fn answered(&self, took: Duration, most: usize) {
        let mut pace = self.pace.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(width) = pace.answered(took, most) {
            if width > pace.width {
                self.wire.add_permits(width - pace.width);
                pace.width = width;
            } else {
                pace.width -= self.wire.forget_permits(pace.width - width);
            }
        }
        drop(pace);
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
    /// Of the workspace's share, where the endpoint had answered; kept to the end, answer or not.
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
    /// Places of one workspace, for endpoints that answered.
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
            // A share is held by whoever has a place of it, so forgetting one in use lends at most another.
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
        let pool = match asked.repute {
            Repute::Proven => &self.proven,
            Repute::Unknown => &self.unknown,
            Repute::Failing => &self.failing,
        };
        let reserved = standing.reserve(asked.wanted, asked.most);
        let empty = || Slot { standing: Arc::clone(standing), permit: None, share: None, replay: false };
        let mut slots: Vec<Slot> = std::iter::repeat_with(empty).take(reserved).collect();
        // A few at once are worth a claim's transaction; who has not proven itself takes what there is.
        let handful = if asked.repute == Repute::Proven { HANDFUL.min(self.share) } else { 1 };
        // Those that nobody knows and those that fail have small pools of their own: were they in the share, a workspace's
        // black holes would stand in the way of its endpoints that answer.
        if asked.repute == Repute::Proven {
            let share = self.shares.get_with(asked.workspace, || Arc::new(Semaphore::new(self.share)));
            let permits = places(&share, handful, slots.len(), stop).await;
            slots.truncate(permits.len());
            slots.iter_mut().zip(permits).for_each(|(slot, permit)| slot.share = Some(permit));
        }
        let permits = places(pool, handful, slots.len(), stop).await;
        slots.truncate(permits.len());
        slots.iter_mut().zip(permits).for_each(|(slot, permit)| slot.permit = Some(permit));
        slots
    }
}

/// Up to `wanted` places: waits, in turn, for as many as `handful`; the others are had as far as they are free.
async fn places(
    pool: &Arc<Semaphore>,
    handful: usize,
    wanted: usize,
    stop: &CancellationToken,
) -> Vec<OwnedSemaphorePermit> {
    let first = u32::try_from(handful.min(wanted)).unwrap_or(u32::MAX);
    if first == 0 {
        return Vec::new();
    }
    let mut all = tokio::select! {
        permit = Arc::clone(pool).acquire_many_owned(first) => match permit {
            Ok(permit) => permit,
            Err(_) => return Vec::new(),
        },
        () = stop.cancelled() => return Vec::new(),
    };
    let mut places = Vec::with_capacity(wanted);
    while let Some(one) = all.split(1) {
        places.push(one);
    }
    while places.len() < wanted
        && let Ok(one) = Arc::clone(pool).try_acquire_owned()
    {
        places.push(one);
    }
    places
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
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
            standing.answered(Duration::from_millis(1), MOST);
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

    #[tokio::test]
    async fn the_wire_is_as_wide_as_answers_are_slow() {
        let standing = Standing::default();
        let answer = |millis| {
            (0..WIRE_ANSWERS).for_each(|_| standing.answered(Duration::from_millis(millis), MOST));
            standing.wire.available_permits()
        };
        assert_eq!(standing.wire.available_permits(), WIRE_LEAST);
        assert_eq!([answer(3), answer(100), answer(1)], [24, MOST, WIRE_LEAST]);
        // Those under way keep their places, and give back what is too much.
        answer(2);
        let held: Vec<_> = (0..16).map(|_| Arc::clone(&standing.wire).try_acquire_owned().unwrap()).collect();
        assert_eq!(answer(1), 0);
        drop(held);
        assert_eq!(answer(1), WIRE_LEAST);
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
                standing.answered(Duration::from_millis(1), MOST);
            }
            for _ in 0..2 {
                let some = courier.slots(&standing, asked(1, Repute::Proven, MOST), &stop);
                let Ok(mut some) = tokio::time::timeout(Duration::from_millis(5), some).await else {
                    continue;
                };
                for slot in &mut some {
                    slot.stall(&courier);
                }
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
