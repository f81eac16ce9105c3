//! Two engines under one SQL text: SQLite, embedded, and PostgreSQL, for more than one node.
//!
//! A transaction is an async closure that travels to the thread owning the connection: one hop per transaction instead
//! of one per statement. Many callers' closures share one physical commit (group commit), and a caller hears its answer
//! only after that commit.
//!
//! ```no_run
//! use gatepost_store::engine::{Engine, Error, Lane, SqliteOptions};
//! use gatepost_store::{params, statements};
//!
//! statements! {
//!     /// Counts one up, and returns the count.
//!     pub(crate) COUNT_UP = same("UPDATE counter SET n = n + 1 WHERE name = $1 RETURNING n");
//! }
//!
//! # async fn example() -> Result<(), Error> {
//! let engine = Engine::sqlite(SqliteOptions::new("gatepost.db")).await?;
//! let name = String::from("sends");
//! let count: i64 = engine
//!     .write(Lane::System, async move |tx| {
//!         tx.query_one(&COUNT_UP, params![&name], |row| row.get(0)).await
//!     })
//!     .await?;
//! # assert!(ALL.len() == 1 && count > 0);
//! # Ok(()) }
//! ```
//!
//! **Closures run again.** When a batch fails, or PostgreSQL reports a collision, its closures run again, each in a
//! transaction of its own. A closure must therefore own its arguments, only read them, and have no effect but its
//! statements and [`Tx::after_commit`]. It must not wait for anything but statements: on SQLite that is refused at once
//! ([`Error::Waited`]), on PostgreSQL after a limit.
//!
//! **Giving up.** A caller that drops the future of [`Engine::write`] before its closure has begun withdraws it; after
//! that the closure runs to its end and what it wrote is kept.

mod columns;
mod error;
mod job;
mod meter;
mod migrate;
mod postgres;
mod role;
mod row;
mod sqlite;
mod sqlite_calls;
mod stmt;
mod turns;
mod tx;
mod value;

use std::sync::Arc;

use tokio::sync::oneshot;
use uuid::Uuid;

pub use self::columns::{ColumnInfo, ColumnKind};
pub use self::error::{Error, Result};
pub use self::migrate::{Migration, MigrationState, MigrationStatus};
pub use self::postgres::PostgresOptions;
pub use self::row::{Column, Row};
pub use self::sqlite::SqliteOptions;
pub use self::stmt::Stmt;
pub use self::tx::Tx;
pub use self::value::Value;

/// The engine's own statements, for the test that prepares each on both engines.
pub fn statements() -> Vec<&'static Stmt> {
    [columns::ALL, migrate::ALL, role::ALL].concat()
}

/// Which database is underneath.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EngineKind {
    /// The embedded engine.
    Sqlite,
    /// A server.
    Postgres,
}

/// Whose transaction it is. Lanes take turns. On PostgreSQL a batch holds the closures of one lane, a workspace always has the same
/// connection (so its batches are serial on this node), and row level security sees the lane's workspace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Lane {
    /// One workspace's rows.
    Workspace(Uuid),
    /// Platform tables; row level security sees no workspace unless the closure calls [`Tx::set_workspace`].
    System,
}

impl Lane {
    fn workspace(self) -> Option<Uuid> {
        match self {
            Self::Workspace(id) => Some(id),
            Self::System => None,
        }
    }
}

/// A handle on the database; clones share it. When the last one is dropped, what waits is finished in the background.
#[derive(Clone)]
pub struct Engine {
    pool: Arc<Pool>,
}

enum Pool {
    Sqlite(sqlite::Pool),
    Postgres(postgres::Pool),
}

impl Engine {
    /// Opens (or creates) a database file.
    pub async fn sqlite(options: SqliteOptions) -> Result<Self> {
        let opened = tokio::task::spawn_blocking(move || sqlite::Pool::open(&options)).await;
        let pool = opened.map_err(|error| Error::unavailable(format!("opening was cut off: {error}")))??;
        Ok(Self { pool: Arc::new(Pool::Sqlite(pool)) })
    }

    /// Connects to a server; fails at once if it cannot be reached or does not let us in.
    pub async fn postgres(options: PostgresOptions) -> Result<Self> {
        let pool = postgres::Pool::open(options).await?;
        Ok(Self { pool: Arc::new(Pool::Postgres(pool)) })
    }

    /// Which database is underneath.
    pub fn kind(&self) -> EngineKind {
        match *self.pool {
            Pool::Sqlite(_) => EngineKind::Sqlite,
            Pool::Postgres(_) => EngineKind::Postgres,
        }
    }

    /// Runs `work` in a transaction that may write; the answer comes after the physical commit.
    ///
    /// `Err` from `work` undoes its own statements and nobody else's. See the module's page for what a closure may do.
    pub async fn write<T, E, W>(&self, lane: Lane, work: W) -> Result<T, E>
    where
        W: AsyncFn(&Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let (job, answer) = job::job(work);
        match &*self.pool {
            Pool::Sqlite(pool) => pool.write(lane, job).await?,
            Pool::Postgres(pool) => pool.write(lane, job).await?,
        }
        heard(answer).await
    }

    /// Runs `work` on a reader connection, in one snapshot; a statement that writes fails.
    ///
    /// The snapshot holds every transaction that was answered before the call.
    pub async fn read<T, E, W>(&self, lane: Lane, work: W) -> Result<T, E>
    where
        W: AsyncFn(&Tx<'_>) -> Result<T, E> + Send + 'static,
        T: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        let (job, answer) = job::job(work);
        match &*self.pool {
            Pool::Sqlite(pool) => pool.read(lane, job).await?,
            Pool::Postgres(pool) => pool.read(lane, job).await?,
        }
        heard(answer).await
    }

    /// Parses every statement on this engine without running it. [`Error::Other`] lists those that do not parse.
    pub async fn prepare_all(&self, statements: &[&'static Stmt]) -> Result<()> {
        let statements = statements.to_vec();
        let failures = self
            .administer(async move |tx| {
                let mut failures = Vec::new();
                for stmt in &statements {
                    if let Err(error) = tx.prepare(stmt).await {
                        failures.push(error.to_string());
                    }
                }
                Ok(failures)
            })
            .await?;
        if failures.is_empty() { Ok(()) } else { Err(Error::other(failures.join("; "))) }
    }

    /// Finishes what waits, then closes every connection. Later calls answer [`Error::Unavailable`].
    pub async fn shutdown(&self) {
        match &*self.pool {
            Pool::Sqlite(pool) => pool.shutdown().await,
            Pool::Postgres(pool) => pool.shutdown().await,
        }
    }

    /// A transaction outside the lanes and without a time limit, for migrations: on PostgreSQL on a connection of its
    /// own.
    async fn administer<T, W>(&self, work: W) -> Result<T>
    where
        W: AsyncFn(&Tx<'_>) -> Result<T> + Send + 'static,
        T: Send + 'static,
    {
        let (job, answer) = job::job(work);
        match &*self.pool {
            Pool::Sqlite(pool) => pool.write(Lane::System, job).await?,
            Pool::Postgres(pool) => pool.administer(job)?,
        }
        heard(answer).await
    }
}

/// Waits for the answer; without one the thread is gone.
async fn heard<T, E: From<Error>>(answer: oneshot::Receiver<Result<T, E>>) -> Result<T, E> {
    answer.await.unwrap_or_else(|_| Err(Error::closed().into()))
}
