//! The server engine: one thread, one connection per write lane, a few for reading.
//!
//! All connections live on one thread with a single-threaded runtime, so a closure's future need not be `Send` and a
//! statement costs no hop. Who runs on which connection: see [`queue`]; how a batch runs: see [`batch`].

mod batch;
mod options;
mod queue;
mod session;
mod tls;
mod worker;

use std::hash::{DefaultHasher, Hash, Hasher};
use std::rc::Rc;
use std::sync::Arc;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::LocalSet;

use self::options::Target;
use self::queue::LaneQueue;
use super::Lane;
use super::error::{Error, Result};
use super::job::{Entry, Job};

pub use self::options::PostgresOptions;
pub(super) use self::session::Session;

/// The doors to the connections.
pub(super) struct Pool {
    /// One for each write connection; the first is the system lane's own.
    writers: Vec<Arc<LaneQueue>>,
    /// Shared by all read connections.
    readers: Arc<LaneQueue>,
    admin: mpsc::UnboundedSender<Box<dyn Job>>,
    alive: watch::Receiver<()>,
}

impl Pool {
    pub(super) async fn open(options: PostgresOptions) -> Result<Self> {
        let target = Target::resolve(&options)?;
        let writers: Vec<_> =
            (0..=options.write_lanes.max(1)).map(|_| Arc::new(LaneQueue::new(options.queue))).collect();
        let readers = Arc::new(LaneQueue::new(options.queue));
        let (admin, admin_inbox) = mpsc::unbounded_channel();
        let (alive_sender, alive) = watch::channel(());
        let (opened, first_contact) = oneshot::channel();
        let (write_queues, read_queue) = (writers.clone(), Arc::clone(&readers));
        let body = move || {
            let thread = Thread { options, target, write_queues, read_queue, admin: admin_inbox };
            match tokio::runtime::Builder::new_current_thread().enable_all().build() {
                Ok(runtime) => LocalSet::new().block_on(&runtime, thread.serve(opened)),
                Err(error) => {
                    let _ = opened.send(Err(Error::unavailable(format!("cannot start a runtime: {error}"))));
                }
            }
            drop(alive_sender);
        };
        let started = std::thread::Builder::new().name("store-postgres".into()).spawn(body);
        started.map_err(|error| Error::unavailable(format!("cannot start a thread: {error}")))?;
        // From here on dropping the pool ends the thread.
        let pool = Self { writers, readers, admin, alive };
        first_contact.await.map_err(|_| Error::closed())??;
        Ok(pool)
    }

    pub(super) async fn write(&self, lane: Lane, job: Box<dyn Job>) -> Result<()> {
        self.writer(lane).push(lane, job).await
    }

    pub(super) async fn read(&self, lane: Lane, job: Box<dyn Job>) -> Result<()> {
        self.readers.push(lane, job).await
    }

    pub(super) fn administer(&self, job: Box<dyn Job>) -> Result<()> {
        self.admin.send(job).map_err(|_| Error::closed())
    }

    pub(super) async fn shutdown(&self) {
        self.close();
        let mut alive = self.alive.clone();
        while alive.changed().await.is_ok() {}
    }

    /// The system lane has a connection to itself, so that no workspace can hold up the job claim.
    fn writer(&self, lane: Lane) -> &Arc<LaneQueue> {
        let index = match lane {
            Lane::System => 0,
            Lane::Workspace(id) => {
                let mut hasher = DefaultHasher::new();
                id.hash(&mut hasher);
                let lanes = self.writers.len() as u64 - 1;
                1 + usize::try_from(hasher.finish() % lanes).unwrap_or_default()
            }
        };
        &self.writers[index]
    }

    fn close(&self) {
        for queue in self.writers.iter().chain([&self.readers]) {
            queue.close();
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.close();
    }
}

/// What the engine's thread works on.
struct Thread {
    options: PostgresOptions,
    target: Target,
    write_queues: Vec<Arc<LaneQueue>>,
    read_queue: Arc<LaneQueue>,
    admin: mpsc::UnboundedReceiver<Box<dyn Job>>,
}

impl Thread {
    async fn serve(mut self, opened: oneshot::Sender<Result<()>>) {
        let context = Rc::new(worker::Context { target: self.target, options: self.options });
        let first = match context.connect().await {
            Ok(session) => session,
            Err(error) => {
                let _ = opened.send(Err(error));
                return;
            }
        };
        let mut tasks = Vec::new();
        let mut first = Some(first);
        for queue in self.write_queues {
            tasks.push(tokio::task::spawn_local(worker::serve_writes(
                Rc::clone(&context),
                queue,
                first.take(),
            )));
        }
        let connected = Rc::default();
        for _ in 0..context.options.read_lanes.max(1) {
            let queue = Arc::clone(&self.read_queue);
            tasks.push(tokio::task::spawn_local(worker::serve_reads(
                Rc::clone(&context),
                queue,
                Rc::clone(&connected),
            )));
        }
        // A caller that stopped waiting drops the pool, which closes the queues.
        let _ = opened.send(Ok(()));
        let admin = tokio::task::spawn_local(async move {
            while let Some(job) = self.admin.recv().await {
                let context = Rc::clone(&context);
                tokio::task::spawn_local(async move { worker::administer(&context, Entry::new(job)).await });
            }
        });
        for task in tasks {
            if let Err(error) = task.await {
                tracing::error!(%error, "a store lane ended badly");
            }
        }
        admin.abort();
    }
}
