//! Who listens to which workspace, and who tells them.
//!
//! News of this process come after its own commits. Where other nodes append to the same log, one look for all
//! workspaces that somebody listens to asks for what they appended, a few times a second; where nobody listens, nobody
//! looks.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gatepost_core::access::Actor;
use gatepost_core::{ApiKeyId, Code, Error, Result, WorkspaceId};
use gatepost_store::WorkspaceScope;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::App;
use crate::config::StreamConfig;

/// Workspaces that one transaction asks about.
const ASKED_AT_ONCE: usize = 100;
/// When a caller that has too many streams may ask again.
const ASK_AGAIN: Duration = Duration::from_secs(5);

/// The streams of this process.
pub(crate) struct Streams {
    config: StreamConfig,
    /// The number of streams, for whoever wants to know quickly that there are none.
    open: AtomicUsize,
    seats: Mutex<Seats>,
    /// Set when streams are to end: a client that goes elsewhere is better than one that holds up a shutdown.
    pub closing: CancellationToken,
}

#[derive(Default)]
struct Seats {
    workspaces: HashMap<WorkspaceId, Workspace>,
    keys: HashMap<ApiKeyId, usize>,
    /// Whether the look for other nodes' events is under way.
    looking: bool,
}

struct Workspace {
    scope: WorkspaceScope,
    streams: usize,
    news: watch::Sender<()>,
    /// The newest event that the look has told of.
    last: Option<i64>,
}

/// The right to one stream. Dropping it makes room for another.
pub(super) struct Seat {
    streams: Arc<Streams>,
    workspace: WorkspaceId,
    key: Option<ApiKeyId>,
    /// Changes when the workspace may have new events.
    pub news: watch::Receiver<()>,
}

impl Streams {
    pub fn new(config: StreamConfig, closing: CancellationToken) -> Self {
        Self { config, open: AtomicUsize::new(0), seats: Mutex::default(), closing }
    }

    fn seats(&self) -> std::sync::MutexGuard<'_, Seats> {
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells those who listen to a workspace. Called on the store's own threads, after a commit.
    pub fn tell(&self, workspace: WorkspaceId) {
        if self.open.load(Ordering::SeqCst) == 0 {
            return;
        }
        if let Some(known) = self.seats().workspaces.get(&workspace) {
            known.news.send_replace(());
        }
    }

    /// Takes a seat; the second value says that the look for other nodes' events has to be started.
    pub(super) fn sit(self: &Arc<Self>, scope: WorkspaceScope, actor: Actor) -> Result<(Seat, bool)> {
        if self.closing.is_cancelled() {
            return Err(Error::new(Code::Unavailable, "the server is shutting down"));
        }
        let key = match actor {
            Actor::ApiKey(id) => Some(id),
            _ => None,
        };
        let workspace = scope.workspace();
        let mut seats = self.seats();
        if self.open.load(Ordering::SeqCst) >= self.config.per_process {
            let detail = "too many event streams are open on this server";
            return Err(Error::new(Code::Unavailable, detail).with_retry_after(ASK_AGAIN));
        }
        let of_workspace = seats.workspaces.get(&workspace).map_or(0, |known| known.streams);
        let of_key = key.and_then(|key| seats.keys.get(&key).copied()).unwrap_or_default();
        if of_workspace >= self.config.per_workspace || (key.is_some() && of_key >= self.config.per_key) {
            return Err(Error::of(Code::StreamLimitReached).with_retry_after(ASK_AGAIN));
        }
        if let Some(key) = key {
            seats.keys.insert(key, of_key + 1);
        }
        let known = seats.workspaces.entry(workspace).or_insert_with(|| Workspace {
            scope,
            streams: 0,
            news: watch::Sender::new(()),
            last: None,
        });
        known.streams += 1;
        let news = known.news.subscribe();
        let begin = !std::mem::replace(&mut seats.looking, true);
        self.open.fetch_add(1, Ordering::SeqCst);
        metrics::gauge!("gatepost_event_streams").increment(1.0);
        Ok((Seat { streams: Arc::clone(self), workspace, key, news }, begin))
    }

    /// The workspaces that somebody listens to. With none the look ends, and says so under the same lock.
    fn heard(&self) -> Vec<WorkspaceScope> {
        let mut seats = self.seats();
        seats.looking = !seats.workspaces.is_empty();
        seats.workspaces.values().map(|known| known.scope).collect()
    }

    fn compare(&self, scope: WorkspaceScope, last: i64) {
        if let Some(known) = self.seats().workspaces.get_mut(&scope.workspace())
            && known.last.replace(last) != Some(last)
        {
            known.news.send_replace(());
        }
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut seats = self.streams.seats();
        if let Some(known) = seats.workspaces.get_mut(&self.workspace) {
            known.streams -= 1;
            if known.streams == 0 {
                seats.workspaces.remove(&self.workspace);
            }
        }
        if let Some(key) = self.key
            && let Some(count) = seats.keys.get_mut(&key)
        {
            *count -= 1;
            if *count == 0 {
                seats.keys.remove(&key);
            }
        }
        self.streams.open.fetch_sub(1, Ordering::SeqCst);
        metrics::gauge!("gatepost_event_streams").decrement(1.0);
    }
}

impl App {
    /// Looks for what other nodes appended, until nobody listens any more. A process that owns its database alone hears
    /// of everything by itself.
    pub(super) fn look_for_news(&self) {
        let app = self.clone();
        self.0.tasks.spawn(async move {
            let streams = &app.0.streams;
            loop {
                tokio::select! {
                    () = streams.closing.cancelled() => return,
                    () = tokio::time::sleep(streams.config.poll) => {}
                }
                let heard = streams.heard();
                if heard.is_empty() {
                    return;
                }
                for some in heard.chunks(ASKED_AT_ONCE) {
                    let asked = some.to_vec();
                    let found =
                        app.0.store.read_system(async move |tx| tx.event_last_seqs(&asked).await).await;
                    match found {
                        Ok(last) => {
                            some.iter().zip(last).for_each(|(scope, last)| streams.compare(*scope, last));
                        }
                        Err(error) => tracing::debug!(%error, "could not look for other nodes' events"),
                    }
                }
            }
        });
    }
}
