//! A connection's working day: wait for closures, be connected, run them.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::PostgresOptions;
use super::batch::{self, Limits};
use super::options::Target;
use super::queue::LaneQueue;
use super::session::Session;
use crate::engine::Lane;
use crate::engine::error::{Error, Result};
use crate::engine::job::Entry;

const FIRST_PAUSE: Duration = Duration::from_millis(50);
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// What all workers share.
pub(super) struct Context {
    pub(super) target: Target,
    pub(super) options: PostgresOptions,
}

impl Context {
    /// A new connection. The limit also holds for a server that takes the connection and then says nothing.
    pub(super) async fn connect(&self) -> Result<Session> {
        let limit = self.options.closure_limit;
        match tokio::time::timeout(limit, Session::connect(&self.target, Some(limit))).await {
            Ok(connected) => connected,
            Err(_) => Err(Error::unavailable("connect: no answer in time")),
        }
    }

    fn limits(&self) -> Limits {
        Limits { closure: Some(self.options.closure_limit) }
    }
}

/// The connection of one worker, made anew whenever it is lost.
struct Link {
    context: Rc<Context>,
    session: Option<Session>,
    /// Since when there is no server.
    down_since: Cell<Option<Instant>>,
    /// How many of the workers that share the queue are connected.
    connected: Rc<Cell<usize>>,
}

impl Link {
    fn new(context: Rc<Context>, session: Option<Session>, connected: Rc<Cell<usize>>) -> Self {
        connected.update(|count| count + usize::from(session.is_some()));
        Self { context, session, down_since: Cell::new(None), connected }
    }

    /// A usable session. While the server is away, `queue` waits as long as the patience lasts; then everything in it
    /// is refused, and `None` says to wait for new work before the next try.
    async fn session(&mut self, queue: &LaneQueue) -> Option<&Session> {
        if self.session.as_ref().is_some_and(|session| !session.is_usable()) {
            self.session = None;
            self.connected.update(|count| count - 1);
        }
        if self.session.is_none() {
            self.session = self.reconnect(queue).await;
            self.connected.update(|count| count + usize::from(self.session.is_some()));
        }
        self.session.as_ref()
    }

    async fn reconnect(&self, queue: &LaneQueue) -> Option<Session> {
        let mut pause = FIRST_PAUSE;
        loop {
            let error = match self.context.connect().await {
                Ok(session) => {
                    self.down_since.set(None);
                    return Some(session);
                }
                Err(error) => error,
            };
            let since = self.down_since.get().unwrap_or_else(Instant::now);
            self.down_since.set(Some(since));
            if self.connected.get() > 0 {
                // The others serve the queue meanwhile (the server may be out of connections).
                tokio::time::sleep(LONGEST_PAUSE).await;
                return None;
            }
            if queue.is_closed() || since.elapsed() >= self.context.options.outage_patience {
                tracing::warn!(%error, "PostgreSQL is away: refusing what waits for it");
                queue.refuse_all(&error);
                return None;
            }
            tokio::time::sleep(pause).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

/// Serves a write queue, batch by batch, until it is closed and empty.
pub(super) async fn serve_writes(context: Rc<Context>, queue: Arc<LaneQueue>, session: Option<Session>) {
    let most = context.options.batch.max(1);
    let limits = context.limits();
    let mut link = Link::new(context, session, Rc::default());
    while queue.ready().await {
        let Some(session) = link.session(&queue).await else { continue };
        if let Some((lane, jobs)) = queue.pop(most) {
            batch::write(session, limits, lane, jobs.into_iter().map(Entry::new).collect()).await;
        }
    }
}

/// Serves the read queue, which it shares with the other read connections.
pub(super) async fn serve_reads(context: Rc<Context>, queue: Arc<LaneQueue>, connected: Rc<Cell<usize>>) {
    let limits = context.limits();
    let mut link = Link::new(context, None, connected);
    while queue.ready().await {
        let Some(session) = link.session(&queue).await else { continue };
        if let Some((lane, jobs)) = queue.pop(1) {
            for job in jobs {
                batch::read(session, limits, lane, Entry::new(job)).await;
            }
        }
    }
}

/// Runs a migration's closure on a connection of its own, without a limit.
pub(super) async fn administer(context: &Context, entry: Entry) {
    match Session::connect(&context.target, None).await {
        Ok(session) => batch::alone(&session, Limits { closure: None }, Lane::System, entry).await,
        Err(error) => entry.refuse(error),
    }
}
