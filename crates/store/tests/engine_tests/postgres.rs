//! What only the server engine can get wrong: lanes, row level security's setting, lost connections, collisions.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use futures_util::future::join_all;
use gatepost_store::engine::{Engine, Error, Lane, Tx, Value};
use gatepost_store::{params, statements};
use gatepost_testdb::{APP_ROLE, TestDatabase, TestPostgres};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf, copy_bidirectional};
use tokio::net::{UnixListener, UnixStream};
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

use crate::support::*;

statements! {
    /// What row level security sees.
    pub(crate) SETTING = same("SELECT current_setting('gatepost.workspace')");
    /// Takes that many seconds.
    pub(crate) SLEEP = same("SELECT pg_sleep($1::bigint)::text");
    /// The server process of this connection.
    pub(crate) BACKEND = same("SELECT pg_backend_pid()");
}

fn workspace(n: u128) -> Uuid {
    Uuid::from_u128(n)
}

fn lane(n: u128) -> Lane {
    Lane::Workspace(workspace(n))
}

/// A database with the tables, and an engine whose workspaces all share one connection.
async fn one_lane() -> Option<(Engine, TestDatabase)> {
    let database = TestPostgres::start()?.create_database();
    let mut options = postgres_options(&database.owner_url);
    options.write_lanes = 1;
    let engine = Engine::postgres(options).await.unwrap();
    engine.migrate(MIGRATIONS, None, 1).await.unwrap();
    Some((engine, database))
}

async fn admin(database: &TestDatabase) -> Client {
    let (client, connection) = tokio_postgres::connect(&database.owner_url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

async fn setting(tx: &Tx<'_>) -> Result<String, Error> {
    tx.query_one(&SETTING, &[], |row| row.get(0)).await
}

async fn items(engine: &Engine) -> Vec<i64> {
    let list = async |tx: &Tx<'_>| tx.query(&ITEM_LIST, &[], |row| row.get(0)).await;
    engine.read::<_, Error, _>(LANE, list).await.unwrap()
}

async fn insert_one(engine: &Engine, lane: Lane, id: i64) -> Result<(), Error> {
    engine.write(lane, async move |tx| tx.execute_one(&ITEM_INSERT, params![id, id]).await).await
}

#[tokio::test]
async fn statements_of_these_tests_parse() {
    let Some((engine, _)) = one_lane().await else { return };
    engine.prepare_all(ALL).await.unwrap();
}

#[tokio::test]
async fn each_lane_sees_its_own_workspace_only() {
    let Some((engine, _)) = one_lane().await else { return };
    let mut tasks = Vec::new();
    for n in 0..300u128 {
        let (own, other) = (workspace(n % 2 + 1), workspace(9));
        let write = engine.clone();
        tasks.push(tokio::spawn(async move {
            if n % 3 == 0 {
                // a system closure that visits a workspace, and may leave without clearing up, or fail on its way
                let visit = write.write(Lane::System, async move |tx| {
                    assert_eq!(setting(tx).await?, "");
                    tx.set_workspace(other);
                    assert_eq!(setting(tx).await?, other.to_string());
                    match n % 4 {
                        0 => tx.clear_workspace(),
                        1 => return Err(Error::Migration("on purpose".into())),
                        _ => return Ok(()),
                    }
                    assert_eq!(setting(tx).await?, "");
                    Ok(())
                });
                return visit.await.is_ok() != (n % 4 == 1);
            }
            let reading = n % 5 == 0;
            let look = async move |tx: &Tx<'_>| {
                let first = setting(tx).await?;
                if n % 7 == 0 {
                    tx.set_workspace(other); // not this lane's: it ends with the closure
                    assert_eq!(setting(tx).await?, other.to_string());
                } else if !reading {
                    let id = i64::try_from(n).unwrap();
                    tx.execute_one(&ITEM_INSERT, params![id, id]).await?;
                    if n % 11 == 0 {
                        return Err(Error::Migration("on purpose".into()));
                    }
                    assert_eq!(setting(tx).await?, own.to_string());
                }
                Ok(first)
            };
            let lane = Lane::Workspace(own);
            let seen = if reading { write.read(lane, look).await } else { write.write(lane, look).await };
            seen.map_or_else(|error| matches!(error, Error::Migration(_)), |seen| seen == own.to_string())
        }));
    }
    for (n, task) in tasks.into_iter().enumerate() {
        assert!(task.await.unwrap(), "{n}");
    }
}

#[tokio::test]
async fn a_busy_lane_starves_nobody() {
    let Some((engine, _)) = one_lane().await else { return };
    let done = AtomicU32::new(0);
    let busy = join_all((0..400i64).map(async |id| {
        insert_one(&engine, lane(1), id).await.unwrap();
        done.fetch_add(1, Ordering::Relaxed);
    }));
    let mut busy = Box::pin(busy);
    assert!((&mut busy).now_or_never().is_none());
    let before_us = async {
        insert_one(&engine, lane(2), 1000).await.unwrap();
        done.load(Ordering::Relaxed)
    };
    let (_, before_us) = futures_util::future::join(busy, before_us).await;
    assert!(before_us <= 192, "{before_us} of the 400 that came first were answered first");
}

#[tokio::test]
async fn a_killed_connection_answers_unavailable_and_comes_back() {
    let Some((engine, database)) = one_lane().await else { return };
    let admin = admin(&database).await;
    let (tell, backend) = tokio::sync::oneshot::channel();
    let tell = Mutex::new(Some(tell));
    let sleeping = engine.clone();
    let sleeping = tokio::spawn(async move {
        sleeping
            .write::<_, Error, _>(LANE, async move |tx| {
                tx.execute_one(&ITEM_INSERT, params![1, 1]).await?;
                let pid: i64 = tx.query_one(&BACKEND, &[], |row| row.get(0)).await?;
                tell.lock().unwrap().take().unwrap().send(pid).unwrap();
                tx.query_one(&SLEEP, params![30], |row| row.get::<String>(0)).await
            })
            .await
    });
    let pid = i32::try_from(backend.await.unwrap()).unwrap();
    admin.execute("SELECT pg_terminate_backend($1)", &[&pid]).await.unwrap();
    let answer = sleeping.await.unwrap();
    assert!(matches!(answer, Err(Error::Unavailable { maybe_committed: false, .. })), "{answer:?}");
    insert_one(&engine, LANE, 2).await.unwrap();

    // connections that die in their sleep are noticed before they are used
    let kill_all = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                    WHERE datname = current_database() AND pid <> pg_backend_pid()";
    admin.execute(kill_all, &[]).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    insert_one(&engine, LANE, 3).await.unwrap();
    insert_one(&engine, Lane::System, 4).await.unwrap();
    assert_eq!(items(&engine).await, [2, 3, 4]);
}

#[tokio::test]
async fn a_lost_answer_to_commit_is_told_as_such() {
    let Some((engine, database)) = one_lane().await else { return };
    let admin = admin(&database).await;
    admin
        .batch_execute(
            "CREATE FUNCTION dawdle() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(30); RETURN NULL; END $$;
             CREATE CONSTRAINT TRIGGER dawdle AFTER INSERT ON item DEFERRABLE INITIALLY DEFERRED
                 FOR EACH ROW WHEN (NEW.n = 7) EXECUTE FUNCTION dawdle();",
        )
        .await
        .unwrap();
    let committing = engine.clone();
    let committing = tokio::spawn(async move { insert_one(&committing, LANE, 7).await });
    let kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                WHERE datname = current_database() AND query = 'COMMIT' AND state = 'active'";
    let started = Instant::now();
    while admin.execute(kill, &[]).await.unwrap() == 0 {
        assert!(started.elapsed() < CLOSURE_LIMIT, "no COMMIT was seen");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let answer = committing.await.unwrap();
    assert!(answer.as_ref().is_err_and(Error::maybe_committed), "{answer:?}");
    insert_one(&engine, LANE, 8).await.unwrap();
}

#[tokio::test]
async fn a_slow_statement_is_cut_off() {
    let Some((engine, _)) = one_lane().await else { return };
    let started = Instant::now();
    let slow = engine
        .write::<_, Error, _>(LANE, async |tx| {
            tx.query_one(&SLEEP, params![30], |row| row.get::<String>(0)).await
        })
        .await;
    assert_eq!(slow, Err(Error::Waited));
    insert_one(&engine, LANE, 1).await.unwrap();
    assert!(started.elapsed() < CLOSURE_LIMIT * 3);
}

#[tokio::test]
async fn a_deadlock_between_nodes_is_run_again() {
    let Some((engine, database)) = one_lane().await else { return };
    let mut options = postgres_options(&database.owner_url);
    options.closure_limit = Duration::from_secs(10); // the server looks for deadlocks after a second
    let nodes = [Engine::postgres(options.clone()).await.unwrap(), Engine::postgres(options).await.unwrap()];
    insert_one(&engine, LANE, 1).await.unwrap();
    insert_one(&engine, LANE, 2).await.unwrap();
    let (runs, meet) = (Arc::new(AtomicU32::new(0)), Arc::new(tokio::sync::Barrier::new(2)));
    let crossing = nodes.iter().zip([[1i64, 2], [2, 1]]).map(|(node, [first, second])| {
        let (runs, meet) = (Arc::clone(&runs), Arc::clone(&meet));
        node.write::<_, Error, _>(LANE, async move |tx| {
            let again = runs.fetch_add(1, Ordering::Relaxed) >= 2;
            tx.query_one(&ITEM_ADD, params![first, 10], |row| row.get::<i64>(0)).await?;
            if !again {
                meet.wait().await;
            }
            tx.query_one(&ITEM_ADD, params![second, 10], |row| row.get::<i64>(0)).await
        })
    });
    for answer in join_all(crossing).await {
        answer.unwrap();
    }
    assert_eq!(runs.load(Ordering::Relaxed), 3);
    assert_eq!(items(&engine).await, [21, 22]);
}

#[tokio::test]
async fn a_closure_that_leaves_a_statement_behind_is_undone() {
    let Some((engine, _)) = one_lane().await else { return };
    insert_one(&engine, LANE, 1).await.unwrap();
    // The clash is on its way when the closure says all is well: COMMIT would silently roll back.
    let answer = engine
        .write::<_, Error, _>(LANE, async |tx| {
            tx.execute_one(&ITEM_INSERT, params![2, 2]).await?;
            assert!(tx.execute(&ITEM_INSERT, params![1, 1]).now_or_never().is_none());
            Ok(())
        })
        .await;
    assert!(matches!(answer, Err(Error::Other { .. })), "{answer:?}");
    insert_one(&engine, LANE, 3).await.unwrap();
    assert_eq!(items(&engine).await, [1, 3]);
}

#[tokio::test]
async fn the_app_role_reads_and_writes_rows_and_nothing_else() {
    let Some(server) = TestPostgres::start() else { return };
    let database = server.create_database();
    let owner = Engine::postgres(postgres_options(&database.owner_url)).await.unwrap();
    assert_eq!(owner.migrate(MIGRATIONS, Some(APP_ROLE), 1).await.unwrap(), MIGRATIONS.len());
    let app = Engine::postgres(postgres_options(&database.app_url)).await.unwrap();
    insert_one(&app, LANE, 1).await.unwrap();
    assert_eq!(items(&app).await, [1]);
    assert_eq!(app.migration_status(MIGRATIONS).await.unwrap().len(), MIGRATIONS.len());
    assert_eq!(app.columns().await.unwrap(), owner.columns().await.unwrap());
    let (client, connection) = tokio_postgres::connect(&database.app_url, NoTls).await.unwrap();
    tokio::spawn(connection);
    for forbidden in [
        "DELETE FROM schema_migration",
        "INSERT INTO schema_migration VALUES (9, 'x', 1)",
        "ALTER TABLE item ADD COLUMN x BIGINT",
        "CREATE TABLE mine (id BIGINT)",
        "TRUNCATE item",
        "DROP TABLE item",
    ] {
        assert!(client.batch_execute(forbidden).await.is_err(), "{forbidden}");
    }
}

#[tokio::test]
async fn an_unreachable_server_is_told_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let url = format!("host={} user=gatepost dbname=none", directory.path().display());
    let opened = Engine::postgres(postgres_options(&url)).await;
    assert!(matches!(opened.err(), Some(Error::Unavailable { maybe_committed: false, .. })));
}

/// Stands between an engine and the server, so that a test can cut the line.
struct Line {
    directory: tempfile::TempDir,
    server: String,
    carrier: Option<tokio::task::JoinHandle<()>>,
    /// How often the server was spoken to after it had answered.
    turns: Arc<AtomicU32>,
}

/// The server's end of a line: counts round trips.
struct Counted {
    line: UnixStream,
    turns: Arc<AtomicU32>,
    listening: bool,
}

impl AsyncRead for Counted {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = Pin::new(&mut self.line).poll_read(cx, buf);
        self.listening |= read.is_ready();
        read
    }
}

impl AsyncWrite for Counted {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.line).poll_write(cx, buf);
        if written.is_ready() && std::mem::take(&mut self.listening) {
            self.turns.fetch_add(1, Ordering::Relaxed);
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.line).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.line).poll_shutdown(cx)
    }
}

impl Line {
    fn new(database: &TestDatabase) -> (Self, String) {
        let directory = tempfile::tempdir().unwrap();
        let (user, rest) = database.owner_url.split_once('@').unwrap();
        let (socket, name) = rest.split_once('/').unwrap();
        let url = format!("{user}@{}/{name}", directory.path().display().to_string().replace('/', "%2F"));
        let server = format!("{}/.s.PGSQL.5432", socket.replace("%2F", "/"));
        let mut line = Self { directory, server, carrier: None, turns: Arc::default() };
        line.mend();
        (line, url)
    }

    fn mend(&mut self) {
        let listener = UnixListener::bind(self.directory.path().join(".s.PGSQL.5432")).unwrap();
        let (server, turns) = (self.server.clone(), Arc::clone(&self.turns));
        self.carrier = Some(tokio::spawn(async move {
            let mut calls = tokio::task::JoinSet::new(); // dropped, and so cut, with this task
            loop {
                let (mut near, _) = listener.accept().await.unwrap();
                let far = UnixStream::connect(&server).await.unwrap();
                let mut far = Counted { line: far, turns: Arc::clone(&turns), listening: true };
                calls.spawn(async move { copy_bidirectional(&mut near, &mut far).await });
            }
        }));
    }

    async fn cut(&mut self) {
        let carrier = self.carrier.take().unwrap();
        carrier.abort();
        let _ = carrier.await;
        std::fs::remove_file(self.directory.path().join(".s.PGSQL.5432")).unwrap();
    }
}

#[tokio::test]
async fn an_outage_is_waited_for_a_while_and_then_told() {
    let Some((_, database)) = one_lane().await else { return };
    let (mut line, url) = Line::new(&database);
    let mut options = postgres_options(&url);
    options.outage_patience = Duration::from_millis(600);
    let engine = Engine::postgres(options).await.unwrap();
    insert_one(&engine, LANE, 1).await.unwrap();

    // a short cut is not even noticed by who comes in the middle of it
    line.cut().await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    let mut patient = Box::pin(insert_one(&engine, LANE, 2));
    assert!(tokio::time::timeout(Duration::from_millis(100), &mut patient).await.is_err());
    line.mend();
    patient.await.unwrap();

    line.cut().await;
    tokio::time::sleep(Duration::from_millis(50)).await;
    let started = Instant::now();
    let refused = insert_one(&engine, LANE, 3).await;
    assert!(matches!(refused, Err(Error::Unavailable { maybe_committed: false, .. })), "{refused:?}");
    assert!(started.elapsed() >= Duration::from_millis(500));
    let started = Instant::now();
    assert!(insert_one(&engine, LANE, 3).await.is_err());
    assert!(
        started.elapsed() < Duration::from_millis(500),
        "patience is for the outage, not for each closure"
    );
    let read = engine.read::<_, Error, _>(LANE, async |tx| setting(tx).await).await;
    assert!(matches!(read, Err(Error::Unavailable { .. })), "{read:?}");
    line.mend();
    insert_one(&engine, LANE, 4).await.unwrap();
    assert_eq!(items(&engine).await, [1, 2, 4]);
}

#[tokio::test]
async fn many_statements_are_one_round_trip() {
    let Some((_, database)) = one_lane().await else { return };
    let (line, url) = Line::new(&database);
    let engine = Engine::postgres(postgres_options(&url)).await.unwrap();
    let turns_for = async |many: bool, first: i64| {
        let before = line.turns.load(Ordering::Relaxed);
        let rows: Vec<[i64; 2]> = (first..first + 50).map(|id| [id, id]).collect();
        let work = async move |tx: &Tx<'_>| {
            let rows: Vec<_> = rows.iter().map(|row| row.map(Value::from)).collect();
            if many {
                return tx.execute_many(&ITEM_INSERT, &rows).await.map(drop);
            }
            for row in &rows {
                tx.execute_one(&ITEM_INSERT, row).await?;
            }
            Ok(())
        };
        engine.write::<_, Error, _>(LANE, work).await.unwrap();
        line.turns.load(Ordering::Relaxed) - before
    };
    assert!(turns_for(false, 0).await >= 50, "one by one, each waits for its answer");
    let turns = turns_for(true, 100).await;
    // BEGIN with the statements, COMMIT; the server may begin to answer before it has heard them all
    assert!(turns < 15, "{turns} round trips for 50 statements at once");
    assert_eq!(items(&engine).await.len(), 100);
}
