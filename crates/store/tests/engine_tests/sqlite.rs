//! What only the embedded engine can get wrong: its file, and other processes that hold it.

use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use futures_util::FutureExt;
use gatepost_store::engine::{Engine, Error, Lane, Tx};
use uuid::Uuid;

use crate::support::*;

fn lane(n: u128) -> Lane {
    Lane::Workspace(Uuid::from_u128(n))
}

#[tokio::test]
async fn a_write_lock_held_elsewhere_is_waited_for_and_then_told() {
    let directory = tempfile::tempdir().unwrap();
    let mut options = sqlite_options(&directory);
    options.busy_timeout = Duration::from_millis(200);
    let engine = Engine::sqlite(options).await.unwrap();
    engine.migrate(MIGRATIONS, None, 1).await.unwrap();
    let other = rusqlite::Connection::open(directory.path().join("test.db")).unwrap();

    other.execute_batch("BEGIN IMMEDIATE; INSERT INTO item VALUES (1, 1)").unwrap();
    let started = Instant::now();
    let refused = insert(engine.clone(), 2, Then::Keep).await;
    assert!(matches!(refused, Err(Error::Unavailable { maybe_committed: false, .. })), "{refused:?}");
    assert!(started.elapsed() >= Duration::from_millis(200));

    let waiting = tokio::spawn(insert(engine.clone(), 3, Then::Keep));
    tokio::time::sleep(Duration::from_millis(50)).await;
    other.execute_batch("COMMIT").unwrap();
    waiting.await.unwrap().unwrap();
    let harness = Harness { engine, database: None, directory };
    assert_eq!(harness.items().await, [1, 3]);
}

#[tokio::test]
async fn a_busy_lane_delays_others_by_a_single_closure() {
    let harness = Harness::sqlite().await.unwrap();
    let ((begun, begins), (open, closed)) = (mpsc::channel(), mpsc::channel::<()>());
    let closed = Mutex::new(closed);
    // The writer is busy while the others come in.
    let engine = harness.engine.clone();
    let busy = tokio::spawn(async move {
        let wait = async move |_: &Tx<'_>| {
            begun.send(()).unwrap();
            closed.lock().unwrap().recv().unwrap();
            Ok::<_, Error>(())
        };
        engine.write(lane(3), wait).await
    });
    tokio::task::spawn_blocking(move || begins.recv()).await.unwrap().unwrap();
    let order = Arc::new(Mutex::new(Vec::new()));
    let mut waiting = Vec::new();
    for name in [1, 1, 1, 1, 2] {
        let (engine, order) = (harness.engine.clone(), Arc::clone(&order));
        let note = async move |_: &Tx<'_>| {
            order.lock().unwrap().push(name);
            Ok::<_, Error>(())
        };
        let mut written = Box::pin(async move { engine.write(lane(name), note).await });
        assert!((&mut written).now_or_never().is_none(), "it is in line, in this order");
        waiting.push(written);
    }
    open.send(()).unwrap();
    busy.await.unwrap().unwrap();
    for written in waiting {
        written.await.unwrap();
    }
    assert_eq!(*order.lock().unwrap(), [1, 2, 1, 1, 1]);
}

#[tokio::test]
async fn what_was_answered_survives_the_loss_of_everything_else() {
    let harness = Harness::sqlite().await.unwrap();
    for id in 0..10 {
        insert(harness.engine.clone(), id, Then::Keep).await.unwrap();
    }
    // as a crash would leave them: the files of this very moment, no connection closed in order
    let crashed = tempfile::tempdir().unwrap();
    for file in ["test.db", "test.db-wal"] {
        std::fs::copy(harness.directory.path().join(file), crashed.path().join(file)).unwrap();
    }
    let engine = Engine::sqlite(sqlite_options(&crashed)).await.unwrap();
    let recovered = Harness { engine, database: None, directory: crashed };
    assert_eq!(recovered.items().await, (0..10).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_shutdown_tidies_up_the_log() {
    let harness = Harness::sqlite().await.unwrap();
    insert(harness.engine.clone(), 1, Then::Keep).await.unwrap();
    let log = harness.directory.path().join("test.db-wal");
    assert!(log.exists());
    harness.engine.shutdown().await;
    assert!(!log.exists(), "the writer is the last to close, and moves the log into the file");
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("test.db"), [7u8; 8192]).unwrap();
    let opened = Engine::sqlite(sqlite_options(&directory)).await;
    assert!(matches!(opened.err(), Some(Error::Other { .. })));
    let opened = Engine::sqlite(gatepost_store::engine::SqliteOptions::new("/nonexistent/test.db")).await;
    assert!(matches!(opened.err(), Some(Error::Unavailable { .. })));
}
