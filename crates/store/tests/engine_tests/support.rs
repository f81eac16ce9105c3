//! What the engine's tests share: a fresh database on either engine, and a gate that makes closures queue up.

use std::sync::{Mutex, mpsc};
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::join_all;
use gatepost_store::engine::{Engine, Error, Lane, Migration, PostgresOptions, SqliteOptions, Tx};
use gatepost_store::{params, statements};
use gatepost_testdb::{TestDatabase, TestPostgres};
use uuid::Uuid;

/// How long a closure may take on PostgreSQL in these tests.
pub const CLOSURE_LIMIT: Duration = Duration::from_secs(2);

statements! {
    /// A row of numbers.
    pub ITEM_INSERT = same("INSERT INTO item (id, n) VALUES ($1, $2)");
    /// Its numbers, in the order of their ids.
    pub ITEM_LIST = same("SELECT n FROM item ORDER BY id");
    /// Adds to a number, and returns it.
    pub ITEM_ADD = same("UPDATE item SET n = n + $2 WHERE id = $1 RETURNING n");
    /// A row whose parent is looked for at the commit only.
    pub CHILD_INSERT = same("INSERT INTO child (id, parent_id) VALUES ($1, $2)");
    /// Its children.
    pub CHILD_COUNT = same("SELECT count(*) FROM child");
    /// A row of every kind of value.
    pub KIND_INSERT = same(
        "INSERT INTO kind (id, whole, small, flag, text, bytes, uuid) VALUES ($1, $2, $3, $4, $5, $6, $7)",
    );
    /// The same, in an order that a counter by first appearance would get wrong.
    pub KIND_INSERT_BACKWARDS = same(
        "INSERT INTO kind (uuid, bytes, text, flag, small, whole, id) VALUES ($7, $6, $5, $4, $3, $2, $1)",
    );
    /// Every value of a row.
    pub KIND_GET = same("SELECT whole, small, flag, text, bytes, uuid FROM kind WHERE id = $1");
    /// The ids in their order.
    pub KIND_IDS = same("SELECT uuid FROM kind ORDER BY uuid");
}

/// The tables of these tests.
pub const MIGRATIONS: &[Migration] = &[
    Migration {
        number: 1,
        name: "items",
        sqlite: "CREATE TABLE item (id INTEGER NOT NULL PRIMARY KEY, n INTEGER NOT NULL) STRICT;
                 CREATE TABLE parent (id INTEGER NOT NULL PRIMARY KEY) STRICT;
                 CREATE TABLE child (id INTEGER NOT NULL PRIMARY KEY, parent_id INTEGER NOT NULL
                     REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED) STRICT;",
        postgres: "CREATE TABLE item (id BIGINT NOT NULL PRIMARY KEY, n BIGINT NOT NULL);
                   CREATE TABLE parent (id BIGINT NOT NULL PRIMARY KEY);
                   CREATE TABLE child (id BIGINT NOT NULL PRIMARY KEY, parent_id BIGINT NOT NULL
                       REFERENCES parent (id) DEFERRABLE INITIALLY DEFERRED);",
    },
    Migration {
        number: 2,
        name: "kinds",
        sqlite:
            "CREATE TABLE kind (id INTEGER NOT NULL PRIMARY KEY, whole INTEGER, small INTEGER, flag INTEGER,
                     text TEXT, bytes BLOB, uuid BLOB) STRICT;",
        postgres:
            "CREATE TABLE kind (id BIGINT NOT NULL PRIMARY KEY, whole BIGINT, small SMALLINT, flag SMALLINT,
                       text TEXT COLLATE \"C\", bytes BYTEA, uuid UUID);",
    },
];

/// A fresh database with the tables, and an engine on it.
pub struct Harness {
    pub engine: Engine,
    pub database: Option<TestDatabase>,
    pub directory: tempfile::TempDir,
}

pub fn sqlite_options(directory: &tempfile::TempDir) -> SqliteOptions {
    SqliteOptions::new(directory.path().join("test.db"))
}

pub fn postgres_options(url: &str) -> PostgresOptions {
    let mut options = PostgresOptions::new(url);
    options.closure_limit = CLOSURE_LIMIT;
    options.write_lanes = 2;
    options.read_lanes = 2;
    options
}

impl Harness {
    pub async fn sqlite() -> Option<Self> {
        let directory = tempfile::tempdir().unwrap();
        let engine = Engine::sqlite(sqlite_options(&directory)).await.unwrap();
        engine.migrate(MIGRATIONS, None, 1).await.unwrap();
        Some(Self { engine, database: None, directory })
    }

    /// `None` where no server is installed.
    pub async fn postgres() -> Option<Self> {
        let database = TestPostgres::start()?.create_database();
        let engine = Engine::postgres(postgres_options(&database.owner_url)).await.unwrap();
        engine.migrate(MIGRATIONS, None, 1).await.unwrap();
        Some(Self { engine, database: Some(database), directory: tempfile::tempdir().unwrap() })
    }

    /// Another engine on the same database, as another node would have it.
    pub async fn reopen(&self) -> Engine {
        match &self.database {
            None => Engine::sqlite(sqlite_options(&self.directory)).await.unwrap(),
            Some(database) => Engine::postgres(postgres_options(&database.owner_url)).await.unwrap(),
        }
    }

    pub async fn items(&self) -> Vec<i64> {
        let list = async |tx: &Tx<'_>| tx.query(&ITEM_LIST, &[], |row| row.get(0)).await;
        self.engine.read::<_, Error, _>(LANE, list).await.unwrap()
    }

    /// Holds the engine's thread (all of its write lanes) until the gate is opened.
    pub async fn shut_gate(&self) -> Gate {
        let (open, shut) = mpsc::channel::<()>();
        let shut = Mutex::new(shut);
        let (arrived, arrival) = tokio::sync::oneshot::channel();
        let arrived = Mutex::new(Some(arrived));
        let engine = self.engine.clone();
        let holder = tokio::spawn(async move {
            engine
                .write::<_, Error, _>(LANE, async move |_| {
                    if let Some(arrived) = arrived.lock().unwrap().take() {
                        arrived.send(()).unwrap();
                    }
                    let _ = shut.lock().unwrap().recv();
                    Ok(())
                })
                .await
        });
        arrival.await.unwrap();
        Gate { open, holder }
    }

    /// Queues `writes` behind a gate so that they meet in one batch, then opens it; the answers in order.
    pub async fn batch<T>(&self, writes: Vec<impl Future<Output = T>>) -> Vec<T> {
        assert!(writes.len() < 60, "more would not fit into one batch");
        let gate = self.shut_gate().await;
        let mut all = Box::pin(join_all(writes));
        assert!((&mut all).now_or_never().is_none(), "the gate is shut");
        gate.open().await;
        all.await
    }
}

pub struct Gate {
    open: mpsc::Sender<()>,
    holder: tokio::task::JoinHandle<Result<(), Error>>,
}

impl Gate {
    pub async fn open(self) {
        drop(self.open);
        self.holder.await.unwrap().unwrap();
    }
}

/// The lane of tests that do not care.
pub const LANE: Lane = Lane::Workspace(Uuid::from_u128(1));

/// What a closure does after it has inserted its item.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Then {
    Keep,
    Fail,
    Panic,
    Wait,
}

/// Inserts item `id`, then does as it is told.
pub async fn insert(engine: Engine, id: i64, then: Then) -> Result<(), Error> {
    engine
        .write(LANE, async move |tx| {
            tx.execute_one(&ITEM_INSERT, params![id, id]).await?;
            match then {
                Then::Keep => Ok(()),
                Then::Fail => Err(Error::Migration("on purpose".into())),
                Then::Panic => panic!("on purpose"),
                Then::Wait => std::future::pending().await,
            }
        })
        .await
}
