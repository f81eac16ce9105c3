//! The embedded engine: one writer thread with group commit, a few reader threads.
//!
//! The writer takes whatever waits into one physical transaction, a savepoint for each closure, and commits once; every
//! answer is given after that commit. Ten callers at once therefore cost one fsync, not ten. Lanes take turns, and a
//! transaction ends after a short while: whoever comes next waits for that, however much somebody else has waiting.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::config::DbConfig;
use rusqlite::{Connection, OpenFlags};
use tokio::sync::{mpsc, watch};

use super::error::{Error, Result};
use super::job::{Entry, Job, Outcome};
use super::turns::Turns;
use super::tx::{Conn, Tx};
use super::{Lane, meter};

/// Closures that may wait for a connection before callers wait at the door.
const QUEUE: usize = 4096;
/// Closures in one physical transaction: bounds the latency of the first and the work lost with a failed commit.
const BATCH: usize = 512;
/// How long the closures of one physical transaction may run, the last one's end apart.
const BATCH_TIME: Duration = Duration::from_millis(5);
/// Where the disk is slow they may run as long as the last commit took, so that it does not commit most of the time; but
/// no longer than this.
const BATCH_TIME_MOST: Duration = Duration::from_millis(20);
/// More than the statements of the house, so that none is ever parsed twice.
const STATEMENTS: usize = 512;

/// How to open the embedded engine.
#[derive(Debug, Clone)]
pub struct SqliteOptions {
    /// The database file; created when missing (its directory must exist). Two more files appear beside it (`-wal`,
    /// `-shm`).
    pub path: PathBuf,
    /// Reader threads, each with a connection of its own; at least 1.
    pub readers: usize,
    /// How long to wait for another process that holds the write lock.
    pub busy_timeout: Duration,
    /// Page cache of the writer in KiB; a reader gets an eighth.
    pub cache_kib: u32,
    /// Pages (of 4 KiB) in the write-ahead log before the writer moves them into the database file.
    pub checkpoint_pages: u32,
}

impl SqliteOptions {
    /// The defaults for a small server.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            readers: 2,
            busy_timeout: Duration::from_secs(5),
            cache_kib: 32 * 1024,
            checkpoint_pages: 2000,
        }
    }

    fn open_writer(&self) -> rusqlite::Result<Connection> {
        let conn = Connection::open(&self.path)?;
        self.set_up(&conn, self.cache_kib)?;
        conn.pragma_update(None, "journal_mode", "wal")?;
        conn.pragma_update(None, "synchronous", "full")?;
        conn.pragma_update(None, "wal_autocheckpoint", self.checkpoint_pages)?;
        conn.pragma_update(None, "journal_size_limit", i64::from(self.checkpoint_pages) * 4096 * 4)?;
        Ok(conn)
    }

    fn open_reader(&self) -> rusqlite::Result<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let conn = Connection::open_with_flags(&self.path, flags)?;
        self.set_up(&conn, self.cache_kib / 8)?;
        Ok(conn)
    }

    // No mmap: a read error would be a SIGBUS instead of an error, and mapped pages count as resident memory.
    fn set_up(&self, conn: &Connection, cache_kib: u32) -> rusqlite::Result<()> {
        conn.busy_timeout(self.busy_timeout)?;
        conn.pragma_update(None, "foreign_keys", true)?;
        conn.pragma_update(None, "temp_store", "memory")?; // savepoints keep their undo pages there
        conn.pragma_update(None, "cache_size", -i64::from(cache_kib))?;
        conn.pragma_update(None, "trusted_schema", false)?;
        // Without it the planner looks at bound values (every LIMIT is one) and parses the statement anew at each run.
        conn.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
        conn.set_prepared_statement_cache_capacity(STATEMENTS);
        Ok(())
    }
}

enum Message {
    Work(Lane, Box<dyn Job>),
    /// Finish what waits, then end.
    Stop,
}

/// The doors to the writer and to the readers.
pub(super) struct Pool {
    writer: mpsc::Sender<Message>,
    readers: mpsc::Sender<Message>,
    writer_alive: watch::Receiver<()>,
    readers_alive: watch::Receiver<()>,
}

impl Pool {
    pub(super) fn open(options: &SqliteOptions) -> Result<Self> {
        let failed = |error: rusqlite::Error| Error::from_sqlite("open", &error);
        let (writer, inbox) = mpsc::channel(QUEUE);
        let (alive, writer_alive) = watch::channel(());
        let conn = options.open_writer().map_err(failed)?;
        spawn("store-writer".into(), move || {
            Writer::new(conn).serve(inbox);
            drop(alive);
        })?;

        let (readers, inbox) = mpsc::channel(QUEUE);
        let (alive, readers_alive) = watch::channel(());
        let inbox = Arc::new(Mutex::new(inbox));
        for number in 0..options.readers.max(1) {
            let conn = options.open_reader().map_err(failed)?;
            let (inbox, alive) = (Arc::clone(&inbox), alive.clone());
            spawn(format!("store-reader-{number}"), move || {
                serve_reads(&conn, &inbox);
                drop(conn); // closed before we are known to have ended
                drop(alive);
            })?;
        }
        Ok(Self { writer, readers, writer_alive, readers_alive })
    }

    pub(super) async fn write(&self, lane: Lane, job: Box<dyn Job>) -> Result<()> {
        self.writer.send(Message::Work(lane, job)).await.map_err(|_| Error::closed())
    }

    pub(super) async fn read(&self, lane: Lane, job: Box<dyn Job>) -> Result<()> {
        self.readers.send(Message::Work(lane, job)).await.map_err(|_| Error::closed())
    }

    /// Readers end first: the last connection to close tidies the write-ahead log, and only the writer may.
    pub(super) async fn shutdown(&self) {
        for (door, alive) in [(&self.readers, &self.readers_alive), (&self.writer, &self.writer_alive)] {
            // A closed channel means that it has ended already.
            let _ = door.send(Message::Stop).await;
            let mut alive = alive.clone();
            while alive.changed().await.is_ok() {}
        }
    }
}

fn spawn(name: String, body: impl FnOnce() + Send + 'static) -> Result<()> {
    let started = thread::Builder::new().name(name).spawn(body);
    started.map(drop).map_err(|error| Error::unavailable(format!("cannot start a thread: {error}")))
}

/// Runs the closure on this connection; hooks are kept only when its work is.
fn run(conn: &Connection, entry: &mut Entry) -> Outcome {
    let tx = Tx::new(Conn::Sqlite(conn));
    let ran = catch_unwind(AssertUnwindSafe(|| entry.job.run_now(&tx)));
    let (failed, hooks) = tx.into_parts();
    let outcome = match ran {
        Ok(Some(ran)) => Outcome::of(ran, failed),
        Ok(None) => Outcome::Fault(Error::Waited),
        Err(_) => Outcome::Fault(Error::Panicked),
    };
    (entry.hooks, entry.fault) = match &outcome {
        Outcome::Keep => (hooks, None),
        Outcome::Undo(_) => (Vec::new(), None),
        Outcome::Fault(error) => (Vec::new(), Some(error.clone())),
    };
    outcome
}

fn serve_reads(conn: &Connection, inbox: &Mutex<mpsc::Receiver<Message>>) {
    loop {
        // Whoever holds the lock waits for the next message, the others for the lock.
        let message = {
            let mut inbox = inbox.lock().unwrap_or_else(PoisonError::into_inner);
            let message = inbox.blocking_recv();
            if matches!(message, Some(Message::Stop)) {
                inbox.close();
                continue;
            }
            message
        };
        let Some(Message::Work(_, job)) = message else { return };
        if job.is_abandoned() {
            continue;
        }
        let mut entry = Entry::new(job);
        if let Err(error) = call(conn, "BEGIN DEFERRED") {
            entry.refuse(error);
            continue;
        }
        run(conn, &mut entry);
        match call(conn, "COMMIT") {
            Ok(()) => entry.settle(),
            Err(error) => {
                roll_back(conn);
                entry.refuse(error);
            }
        }
    }
}

/// One of the transaction statements, prepared once.
fn call(conn: &Connection, sql: &'static str) -> Result<()> {
    let called = conn.prepare_cached(sql).and_then(|mut prepared| prepared.raw_execute());
    called.map(drop).map_err(|error| Error::from_sqlite(sql, &error))
}

fn roll_back(conn: &Connection) {
    // SQLite has rolled back by itself after some errors.
    if !conn.is_autocommit()
        && let Err(error) = call(conn, "ROLLBACK")
    {
        tracing::error!(%error, "cannot roll back");
    }
}

struct Writer {
    conn: Connection,
    turns: Turns,
    /// How long the closures of the next transaction may run.
    time: Duration,
}

impl Writer {
    fn new(conn: Connection) -> Self {
        Self { conn, turns: Turns::default(), time: BATCH_TIME }
    }

    fn serve(mut self, mut inbox: mpsc::Receiver<Message>) {
        let mut messages = Vec::with_capacity(BATCH);
        let mut batch = Vec::with_capacity(BATCH);
        loop {
            self.take_in(&mut inbox, &mut messages);
            if self.turns.is_empty() && inbox.blocking_recv_many(&mut messages, BATCH) == 0 {
                return;
            }
            self.line_up(&mut inbox, &mut messages);
            self.run_batch(&mut batch);
        }
    }

    /// What has come in meanwhile, as far as there is room.
    fn take_in(&mut self, inbox: &mut mpsc::Receiver<Message>, messages: &mut Vec<Message>) {
        while self.turns.len() + messages.len() < QUEUE
            && let Ok(message) = inbox.try_recv()
        {
            messages.push(message);
        }
        self.line_up(inbox, messages);
    }

    fn line_up(&mut self, inbox: &mut mpsc::Receiver<Message>, messages: &mut Vec<Message>) {
        for message in messages.drain(..) {
            match message {
                Message::Work(lane, job) => self.turns.push(lane, job),
                Message::Stop => inbox.close(),
            }
        }
    }

    fn next(&mut self) -> Option<Entry> {
        while let Some(job) = self.turns.pop() {
            if !job.is_abandoned() {
                return Some(Entry::new(job));
            }
        }
        None
    }

    fn fill(&mut self, batch: &mut Vec<Entry>, most: usize) {
        while batch.len() < most
            && let Some(entry) = self.next()
        {
            batch.push(entry);
        }
    }

    fn run_batch(&mut self, batch: &mut Vec<Entry>) {
        if self.turns.len() > 1 {
            match self.together(batch) {
                Ok(()) => {
                    batch.drain(..).for_each(Entry::settle);
                    return;
                }
                // The database is not to be had: all hear of it at once.
                Err(_) if batch.is_empty() => self.fill(batch, BATCH),
                // One of them spoils the commit (a deferred key, a full disk): find out which.
                Err(error) => tracing::debug!(%error, size = batch.len(), "running a batch one by one"),
            }
        } else {
            self.fill(batch, 1);
        }
        let mut down: Option<Error> = None;
        for mut entry in batch.drain(..) {
            if let Some(error) = &down {
                entry.refuse(error.clone());
                continue;
            }
            match self.alone(&mut entry) {
                Ok(()) => entry.settle(),
                Err(error) => {
                    // The next would only wait as long for the same.
                    if let Error::Unavailable { context, .. } = &error {
                        down = Some(Error::unavailable(context.clone()));
                    }
                    entry.refuse(error);
                }
            }
        }
    }

    /// Closures in turn, in one physical transaction, as many as its time allows. After an error nothing of `batch` was
    /// kept.
    fn together(&mut self, batch: &mut Vec<Entry>) -> Result<()> {
        self.begin()?;
        let started = Instant::now();
        let mut ran = Ok(());
        while ran.is_ok()
            && batch.len() < BATCH
            && started.elapsed() < self.time
            && let Some(mut entry) = self.next()
        {
            ran = self.one_of_many(&mut entry);
            batch.push(entry);
        }
        let done = ran.and_then(|()| self.commit(batch.len()));
        if done.is_err() {
            roll_back(&self.conn);
        }
        done
    }

    fn one_of_many(&self, entry: &mut Entry) -> Result<()> {
        call(&self.conn, "SAVEPOINT closure")?;
        if !matches!(run(&self.conn, entry), Outcome::Keep) && !self.conn.is_autocommit() {
            call(&self.conn, "ROLLBACK TO closure")?;
        }
        call(&self.conn, "RELEASE closure") // fails when SQLite has rolled everything back by itself
    }

    /// The closure in a transaction of its own. `Ok`: to be settled, kept or undone by its own decision.
    fn alone(&mut self, entry: &mut Entry) -> Result<()> {
        self.begin()?;
        let done = match run(&self.conn, entry) {
            Outcome::Keep => self.commit(1).map_err(Error::at_commit),
            Outcome::Undo(_) | Outcome::Fault(_) => {
                roll_back(&self.conn);
                Ok(())
            }
        };
        if done.is_err() {
            roll_back(&self.conn);
        }
        done
    }

    /// Another process may hold the write lock for longer than we care to wait.
    fn begin(&self) -> Result<()> {
        call(&self.conn, "BEGIN IMMEDIATE").map_err(|error| match error {
            Error::Conflict { context } => Error::unavailable(context),
            other => other,
        })
    }

    fn commit(&mut self, size: usize) -> Result<()> {
        let started = Instant::now();
        let done = call(&self.conn, "COMMIT");
        let took = started.elapsed();
        self.time = took.clamp(BATCH_TIME, BATCH_TIME_MOST);
        meter::commit("sqlite", size, took);
        done
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn connections_are_set_up_for_durability() {
        let directory = tempfile::tempdir().unwrap();
        let options = SqliteOptions::new(directory.path().join("test.db"));
        let (writer, reader) = (options.open_writer().unwrap(), options.open_reader().unwrap());
        let setting = |conn: &Connection, name: &str| -> String {
            conn.query_row(&format!("SELECT CAST({name} AS TEXT) FROM pragma_{name}"), [], |row| row.get(0))
                .unwrap()
        };
        assert_eq!(setting(&writer, "journal_mode"), "wal");
        assert_eq!(setting(&writer, "synchronous"), "2", "FULL: a commit is on disk before it is answered");
        for conn in [&writer, &reader] {
            assert_eq!(setting(conn, "foreign_keys"), "1");
            assert_eq!(setting(conn, "trusted_schema"), "0");
        }
        assert!(reader.execute_batch("CREATE TABLE t (a INTEGER)").is_err());
    }
}
