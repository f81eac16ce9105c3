//! The counts of this process, in bounded memory.

use std::collections::HashMap;
use std::collections::hash_map::{Entry as Slot, RandomState};
use std::hash::{BuildHasher, Hash};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use gatepost_core::channel::Mode;
use gatepost_core::limit::{Full, SlidingLog, Window, WindowState};
use gatepost_core::{ApiKeyId, SessionId, Timestamp, WorkspaceId};

use super::{Admission, Asked, LimitDecision, Limiter, Subject};

/// Parts of a table, so that callers seldom wait for one another.
const SHARDS: usize = 16;
/// Addresses remembered at once; under the built-in preset a count is some 800 bytes at most.
const ADDRESSES_MAX: usize = 65_536;
/// A part is not searched for what can be forgotten before it holds so many.
const SWEEP_FROM: usize = 1_024;
/// A full part is not searched more often.
const SWEEP_PAUSE: Duration = Duration::from_secs(1);

struct Count {
    log: SlidingLog,
    /// The longest window it was counted under: after that it means nothing.
    longest: Duration,
}

impl Count {
    const fn new() -> Self {
        Self { log: SlidingLog::empty(), longest: Duration::ZERO }
    }
}

struct Shard<K> {
    counts: HashMap<K, Count>,
    /// At this size it is searched for what can be forgotten.
    sweep_at: usize,
    swept_at: Timestamp,
    /// What newcomers share while there is no room.
    overflow: Count,
}

/// Counts of one kind of subject. With `room`, no more than so many in each part.
struct Table<K> {
    shards: [Mutex<Shard<K>>; SHARDS],
    hasher: RandomState,
    room: usize,
}

impl<K: Hash + Eq + Copy> Table<K> {
    fn new(room: usize) -> Self {
        let shard = |_| {
            Mutex::new(Shard {
                counts: HashMap::new(),
                sweep_at: SWEEP_FROM.min(room),
                swept_at: Timestamp::UNIX_EPOCH,
                overflow: Count::new(),
            })
        };
        Self { shards: std::array::from_fn(shard), hasher: RandomState::new(), room }
    }

    /// Works on the count of `key`, which is locked meanwhile.
    fn with<T>(
        &self,
        key: K,
        windows: &[Window],
        now: Timestamp,
        work: impl FnOnce(&mut SlidingLog) -> T,
    ) -> T {
        let place = usize::try_from(self.hasher.hash_one(key) % SHARDS as u64).unwrap_or(0);
        // A panic under the lock leaves whole counts behind.
        let mut shard = self.shards[place].lock().unwrap_or_else(PoisonError::into_inner);
        let count = shard.count(key, self.room, now);
        let longest = windows.iter().map(|window| window.span()).max().unwrap_or_default();
        count.longest = count.longest.max(longest);
        work(&mut count.log)
    }
}

impl<K: Hash + Eq + Copy> Shard<K> {
    fn count(&mut self, key: K, room: usize, now: Timestamp) -> &mut Count {
        let full = self.counts.len() >= self.sweep_at && !self.counts.contains_key(&key);
        if full && !self.make_room(room, now) {
            return &mut self.overflow;
        }
        match self.counts.entry(key) {
            Slot::Occupied(slot) => slot.into_mut(),
            Slot::Vacant(slot) => slot.insert(Count::new()),
        }
    }

    /// Forgets what counts no more, and nothing else: to push out what still counts would let whoever floods us begin anew.
    fn make_room(&mut self, room: usize, now: Timestamp) -> bool {
        if self.counts.len() >= room && now.since(self.swept_at) < SWEEP_PAUSE && now >= self.swept_at {
            return false;
        }
        self.swept_at = now;
        self.counts.retain(|_, count| !count.log.is_idle(count.longest, now));
        // Twice what is left, so that a search is paid for by as many newcomers.
        self.sweep_at = (self.counts.len() * 2).max(SWEEP_FROM).min(room);
        self.counts.len() < room
    }
}

/// Counts in this process: exact for what reaches this node.
pub struct LocalLimiter {
    keys: Table<ApiKeyId>,
    workspaces: Table<(WorkspaceId, Mode)>,
    addresses: Table<IpAddr>,
    sessions: Table<SessionId>,
    visitors: Table<IpAddr>,
}

impl Default for LocalLimiter {
    fn default() -> Self {
        Self::with_room(ADDRESSES_MAX)
    }
}

impl LocalLimiter {
    /// Remembers so many addresses. Keys and workspaces are as many as there are: only verified ones are counted.
    pub fn with_room(addresses: usize) -> Self {
        Self {
            keys: Table::new(usize::MAX),
            workspaces: Table::new(usize::MAX),
            addresses: Table::new(addresses.div_ceil(SHARDS).max(1)),
            sessions: Table::new(usize::MAX),
            visitors: Table::new(addresses.div_ceil(SHARDS).max(1)),
        }
    }

    fn with<T>(&self, asked: &Asked<'_>, now: Timestamp, work: impl FnOnce(&mut SlidingLog) -> T) -> T {
        match asked.subject {
            Subject::Key(key) => self.keys.with(key, asked.windows, now, work),
            Subject::Workspace(workspace, mode) => {
                self.workspaces.with((workspace, mode), asked.windows, now, work)
            }
            Subject::Address(address) => self.addresses.with(address, asked.windows, now, work),
            Subject::Session(session) => self.sessions.with(session, asked.windows, now, work),
            Subject::Visitor(address) => self.visitors.with(address, asked.windows, now, work),
        }
    }

    /// Asks one count after the other, holding those before; counts only where all have room.
    fn fit(
        &self,
        asked: &[Asked<'_>],
        now: Timestamp,
        states: &mut Vec<WindowState>,
    ) -> Result<(), (Subject, Full)> {
        let Some((first, rest)) = asked.split_first() else { return Ok(()) };
        self.with(first, now, |log| {
            let fits = log.look(first.windows, now).map_err(|full| (first.subject, full));
            let fits = fits.and_then(|()| self.fit(rest, now, states));
            if fits.is_ok() {
                log.record(first.windows, now);
            }
            states.extend(log.states(first.windows, now));
            fits
        })
    }
}

impl Limiter for LocalLimiter {
    fn admit<'a>(&'a self, asked: &'a [Asked<'a>], now: Timestamp) -> Admission<'a> {
        let mut windows = Vec::with_capacity(4);
        let refused = self.fit(asked, now, &mut windows).err();
        Admission::Ready(LimitDecision { refused, windows })
    }
}
