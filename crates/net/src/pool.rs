//! Idle connections, by origin.
//!
//! A connection in here was judged when it was made and speaks to the same peer for its whole life, so using it again
//! goes around nothing; the URL itself is judged at every attempt all the same. Connections are kept briefly: an
//! idle one for less than the five seconds after which common servers (Node) close theirs, so that a request seldom
//! meets a closing connection; a busy one for a few minutes, so that a changed DNS record is followed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::exchange::Conn;

/// How many connections are kept, and for how long.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PoolLimits {
    pub(crate) idle_per_origin: usize,
    pub(crate) idle_total: usize,
    pub(crate) idle_for: Duration,
    pub(crate) max_age: Duration,
}

pub(crate) struct Pool {
    limits: PoolLimits,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    idle: HashMap<Arc<str>, Vec<Idle>>,
    count: usize,
    sweeping: bool,
}

struct Idle {
    conn: Conn,
    since: Instant,
}

impl Pool {
    pub(crate) fn new(limits: PoolLimits) -> Arc<Self> {
        Arc::new(Self { limits, state: Mutex::default() })
    }

    /// The most recently used live connection to `origin`.
    pub(crate) fn take(&self, origin: &str) -> Option<Conn> {
        let now = Instant::now();
        let mut state = self.lock();
        let (taken, removed) = {
            let list = state.idle.get_mut(origin)?;
            let before = list.len();
            let taken = loop {
                match list.pop() {
                    None => break None,
                    Some(idle) if self.is_usable(&idle, now) => break Some(idle.conn),
                    Some(_dead) => {}
                }
            };
            (taken, before - list.len())
        };
        state.count -= removed;
        taken
    }

    /// Keeps a connection whose last response was read to its end; drops it where there is no room.
    pub(crate) fn put(self: &Arc<Self>, origin: Arc<str>, conn: Conn) {
        if conn.is_closed() || conn.opened.elapsed() > self.limits.max_age {
            return;
        }
        let mut state = self.lock();
        if state.count >= self.limits.idle_total {
            return;
        }
        let list = state.idle.entry(origin).or_default();
        if list.len() >= self.limits.idle_per_origin {
            return;
        }
        list.push(Idle { conn, since: Instant::now() });
        state.count += 1;
        if !std::mem::replace(&mut state.sweeping, true) {
            drop(state);
            self.sweep_until_empty();
        }
    }

    fn is_usable(&self, idle: &Idle, now: Instant) -> bool {
        now.duration_since(idle.since) < self.limits.idle_for
            && now.duration_since(idle.conn.opened) < self.limits.max_age
            && !idle.conn.is_closed()
    }

    /// Closes what has idled too long, from a task that lives only while there is something to close.
    fn sweep_until_empty(self: &Arc<Self>) {
        let pool = Arc::downgrade(self);
        let every = self.limits.idle_for;
        tokio::spawn(async move {
            loop {
                tokio::time::sleep(every).await;
                let Some(pool) = pool.upgrade() else { return };
                let now = Instant::now();
                let mut state = pool.lock();
                state.idle.retain(|_, list| {
                    list.retain(|idle| pool.is_usable(idle, now));
                    !list.is_empty()
                });
                state.count = state.idle.values().map(Vec::len).sum();
                if state.count == 0 {
                    state.sweeping = false;
                    return;
                }
            }
        });
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        // Every change above leaves the state whole, so a panic elsewhere does not make it unusable.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
