//! One body for both engines: a promise that only one of them kept would be worth nothing.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures_util::FutureExt;
use gatepost_store::engine::{self, EngineKind, Error, Lane, Row, Stmt, Tx, Value};
use gatepost_store::params;
use uuid::Uuid;

use crate::support::*;

/// Declares each body as a test of either engine; one that is left out is dead code, and warned of.
macro_rules! on_both_engines {
    ($($name:ident),+ $(,)?) => {
        mod sqlite {
            use super::*;
            $(#[tokio::test]
            async fn $name() {
                if let Some(harness) = Harness::sqlite().await { super::$name(&harness).await }
            })+
        }
        mod postgres {
            use super::*;
            $(#[tokio::test]
            async fn $name() {
                if let Some(harness) = Harness::postgres().await { super::$name(&harness).await }
            })+
        }
    };
}

on_both_engines!(
    a_failing_closure_spoils_no_neighbour,
    a_panicking_closure_spoils_no_neighbour,
    a_waiting_closure_spoils_no_neighbour,
    a_failure_before_any_write_is_cheap,
    a_failed_commit_runs_the_batch_again,
    a_swallowed_error_undoes_the_closure,
    hooks_run_after_the_commit,
    values_round_trip,
    misfits_name_their_column,
    wrong_parameters_are_refused,
    rows_are_counted,
    many_statements_keep_their_order,
    a_thousand_writers_are_told_the_truth,
    giving_up_in_the_queue_withdraws_the_closure,
    a_read_is_one_snapshot,
    reads_survive_bad_closures,
    a_shutdown_finishes_what_waits,
    statements_are_prepared,
    errors_become_the_callers,
);

/// A closure that fails after a write takes only its own work with it.
async fn a_failing_closure_spoils_no_neighbour(harness: &Harness) {
    let answers = batch_of(harness, &[Then::Keep, Then::Fail, Then::Keep, Then::Fail, Then::Keep]).await;
    assert_eq!(answers[1], Err(Error::Migration("on purpose".into())));
    assert!([0, 2, 4].iter().all(|&i: &usize| answers[i].is_ok()), "{answers:?}");
    assert_eq!(harness.items().await, [0, 2, 4]);
}

/// A panic is answered as one, and the engine lives on.
async fn a_panicking_closure_spoils_no_neighbour(harness: &Harness) {
    let answers = batch_of(harness, &[Then::Keep, Then::Panic, Then::Keep]).await;
    assert_eq!(answers, [Ok(()), Err(Error::Panicked), Ok(())]);
    assert_eq!(harness.items().await, [0, 2]);
    let alone = insert(harness.engine.clone(), 10, Then::Panic).await;
    assert_eq!(alone, Err(Error::Panicked));
    insert(harness.engine.clone(), 11, Then::Keep).await.unwrap();
    assert_eq!(harness.items().await, [0, 2, 11]);
}

/// A closure that waits for something else is answered so, and holds nobody up for long.
async fn a_waiting_closure_spoils_no_neighbour(harness: &Harness) {
    let answers = batch_of(harness, &[Then::Keep, Then::Wait, Then::Keep]).await;
    assert_eq!(answers, [Ok(()), Err(Error::Waited), Ok(())]);
    assert_eq!(harness.items().await, [0, 2]);
}

/// A closure that fails without having written anything costs its neighbours no second run.
async fn a_failure_before_any_write_is_cheap(harness: &Harness) {
    let runs = Arc::new(AtomicU32::new(0));
    let writes = (0..6).map(|id| {
        let runs = Arc::clone(&runs);
        harness.engine.write(LANE, async move |tx| {
            runs.fetch_add(1, Ordering::Relaxed);
            let seen = tx.query(&ITEM_LIST, &[], |row| row.get::<i64>(0)).await?;
            if id % 2 == 1 {
                return Err(Error::Migration("on purpose".into()));
            }
            tx.execute_one(&ITEM_INSERT, params![id, id]).await?;
            Ok(seen.len())
        })
    });
    let answers = harness.batch(writes.collect()).await;
    assert_eq!(
        answers.iter().filter_map(|answer| answer.as_ref().ok()).copied().collect::<Vec<_>>(),
        [0, 1, 2]
    );
    assert_eq!(runs.load(Ordering::Relaxed), 6, "each ran once");
    assert_eq!(harness.items().await, [0, 2, 4]);
}

/// When the commit itself fails, the closures run again one by one, and only the culprit fails.
async fn a_failed_commit_runs_the_batch_again(harness: &Harness) {
    let (runs, hooks) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let writes = (0..4i64).map(|id| {
        let (runs, hooks) = (Arc::clone(&runs), Arc::clone(&hooks));
        harness.engine.write::<_, Error, _>(LANE, async move |tx| {
            runs.fetch_add(1, Ordering::Relaxed);
            let hooks = Arc::clone(&hooks);
            tx.after_commit(Box::new(move || {
                hooks.fetch_add(1, Ordering::Relaxed);
            }));
            tx.execute_one(&ITEM_INSERT, params![id, id]).await?;
            if id == 2 {
                tx.execute_one(&CHILD_INSERT, params![id, 4711]).await?;
            }
            Ok(id)
        })
    });
    let answers = harness.batch(writes.collect()).await;
    assert!(
        matches!(answers[2], Err(Error::ForeignKey { stmt, .. }) if stmt.eq_ignore_ascii_case("commit")),
        "{answers:?}"
    );
    assert_eq!([&answers[0], &answers[1], &answers[3]], [&Ok(0), &Ok(1), &Ok(3)]);
    assert_eq!(harness.items().await, [0, 1, 3]);
    assert_eq!(runs.load(Ordering::Relaxed), 8, "each ran once together and once alone");
    assert_eq!(hooks.load(Ordering::Relaxed), 3, "hooks of a run that was thrown away are forgotten");
}

/// A statement that failed kills its transaction, even if the closure looks away.
async fn a_swallowed_error_undoes_the_closure(harness: &Harness) {
    let writes = [(1, false), (2, true), (3, false)].map(|(id, clash)| {
        harness.engine.write::<_, Error, _>(LANE, async move |tx| {
            tx.execute_one(&ITEM_INSERT, params![id, id]).await?;
            if clash {
                let again = tx.execute(&ITEM_INSERT, params![id, id]).await;
                assert!(matches!(again, Err(Error::UniqueViolation { stmt: "ITEM_INSERT", .. })));
                let dead = tx.query(&ITEM_LIST, &[], |row| row.get::<i64>(0)).await;
                assert_eq!(dead.err(), again.err());
            }
            Ok(id)
        })
    });
    let answers = harness.batch(writes.into()).await;
    assert!(matches!(answers[1], Err(Error::UniqueViolation { .. })), "{answers:?}");
    assert_eq!([&answers[0], &answers[2]], [&Ok(1), &Ok(3)]);
    assert_eq!(harness.items().await, [1, 3]);
}

/// Hooks run after the commit, before the answer, and only for what is kept; one that panics harms nothing.
async fn hooks_run_after_the_commit(harness: &Harness) {
    let told = Arc::new(Mutex::new(Vec::new()));
    for (id, keep) in [(1, true), (2, false)] {
        let notes = Arc::clone(&told);
        let answer = harness.engine.write::<_, Error, _>(LANE, async move |tx| {
            let hook = Arc::clone(&notes);
            tx.after_commit(Box::new(move || hook.lock().unwrap().push(("committed", id))));
            tx.after_commit(Box::new(|| panic!("on purpose")));
            tx.execute_one(&ITEM_INSERT, params![id, id]).await?;
            notes.lock().unwrap().push(("ran", id));
            if keep { Ok(()) } else { Err(Error::Panicked) }
        });
        assert_eq!(answer.await.is_ok(), keep);
        told.lock().unwrap().push(("answered", id));
    }
    assert_eq!(
        *told.lock().unwrap(),
        [("ran", 1), ("committed", 1), ("answered", 1), ("ran", 2), ("answered", 2)]
    );
}

/// Every kind of value comes back as it went in, bound in either order, and ids sort by their bytes.
async fn values_round_trip(harness: &Harness) {
    let ids = [u128::MAX, 1, 1 << 127, 256, (1 << 127) - 1].map(Uuid::from_u128);
    let written = ids;
    harness
        .engine
        .write::<_, Error, _>(LANE, async move |tx| {
            for (i, (row, uuid)) in (1i64..).zip(written).enumerate() {
                let stmt = if i % 2 == 0 { &KIND_INSERT } else { &KIND_INSERT_BACKWARDS };
                let bytes: &[u8] = &[0, 255, i8::MAX as u8];
                tx.execute_one(stmt, params![row, i64::MIN + row, -7, true, "ünï 'code' $1", bytes, uuid])
                    .await?;
            }
            let none = None::<i64>;
            tx.execute_one(
                &KIND_INSERT,
                params![100, none, none, false, None::<&str>, None::<&[u8]>, None::<Uuid>],
            )
            .await
        })
        .await
        .unwrap();
    let rows = harness
        .engine
        .read::<_, Error, _>(LANE, async |tx| {
            tx.query_many(
                &KIND_GET,
                &[[Value::from(1)], [Value::from(2)], [Value::from(100)], [Value::from(101)]],
                everything,
            )
            .await
        })
        .await
        .unwrap();
    let full = |row: i64, uuid| {
        Some(everything_of(
            Some(i64::MIN + row),
            Some(-7),
            Some(true),
            Some("ünï 'code' $1"),
            Some(&[0, 255, 127]),
            Some(uuid),
        ))
    };
    let empty = everything_of(None, None, Some(false), None, None, None);
    assert_eq!(rows, [full(1, ids[0]), full(2, ids[1]), Some(empty), None]);
    let mut sorted = ids;
    sorted.sort();
    let listed = harness
        .engine
        .read::<_, Error, _>(LANE, async |tx| {
            tx.query(&KIND_IDS, &[], |row| row.get::<Option<Uuid>>(0)).await
        })
        .await
        .unwrap();
    assert_eq!(listed.into_iter().flatten().collect::<Vec<_>>(), sorted);
}

type Reader = fn(&Row<'_>) -> Result<(), Error>;

/// A value of the wrong kind is an error that names the column, and not a zero.
async fn misfits_name_their_column(harness: &Harness) {
    harness
        .engine
        .write::<_, Error, _>(LANE, async |tx| {
            tx.execute_one(&KIND_INSERT, params![1, 5_000_000_000i64, 2, 2, "x", &[1u8; 3], Uuid::nil()])
                .await
        })
        .await
        .unwrap();
    let misread: [(&str, Reader); 8] = [
        ("KIND_GET.whole", |row| row.get::<i32>(0).map(drop)),
        ("KIND_GET.whole", |row| row.get::<String>(0).map(drop)),
        ("KIND_GET.flag", |row| row.get::<bool>(2).map(drop)),
        ("KIND_GET.text", |row| row.get::<i64>(3).map(drop)),
        ("KIND_GET.bytes", |row| row.get::<Uuid>(4).map(drop)),
        ("KIND_GET.bytes", |row| row.get::<[u8; 4]>(4).map(drop)),
        ("KIND_GET.uuid", |row| row.get::<i64>(5).map(drop)),
        ("KIND_GET.#6", |row| row.get::<i64>(6).map(drop)),
    ];
    for (column, read) in misread {
        let answer =
            harness.engine.read(LANE, async move |tx| tx.query_one(&KIND_GET, params![1], read).await).await;
        assert_eq!(answer, Err(Error::Corrupt { column: column.into() }));
    }
}

/// A misfit on the way in, or too few parameters, never reaches the table.
async fn wrong_parameters_are_refused(harness: &Harness) {
    let few = harness
        .engine
        .write::<_, Error, _>(LANE, async |tx| tx.execute(&ITEM_INSERT, params![1]).await)
        .await;
    assert!(
        matches!(few, Err(Error::Other { ref context }) if context == "ITEM_INSERT: takes 2 parameters, got 1"),
        "{few:?}"
    );
    let text = harness
        .engine
        .write::<_, Error, _>(LANE, async |tx| tx.execute(&ITEM_INSERT, params!["secret", 1]).await)
        .await;
    assert!(matches!(text, Err(Error::Other { ref context }) if !context.contains("secret")), "{text:?}");
    assert!(harness.items().await.is_empty());
}

/// The numbers of rows are checked where they are named.
async fn rows_are_counted(harness: &Harness) {
    let wrong = |got| Err(Error::Rows { stmt: "ITEM_ADD", expected: 1, got });
    let answer = harness.engine.write(LANE, async |tx| tx.execute_one(&ITEM_ADD, params![9, 1]).await).await;
    assert_eq!(answer, wrong(0));
    let answer =
        harness.engine.write(LANE, async |tx| tx.query_one(&ITEM_ADD, params![9, 1], number).await).await;
    assert_eq!(answer.map(drop), wrong(0));
    harness
        .engine
        .write::<_, Error, _>(LANE, async |tx| {
            assert_eq!(
                tx.execute_many(
                    &ITEM_INSERT,
                    &[[Value::from(1), Value::from(1)], [Value::from(2), Value::from(2)]]
                )
                .await?,
                [1, 1]
            );
            assert_eq!(tx.query_opt(&ITEM_ADD, params![1, 5], number).await?, Some(6));
            assert_eq!(tx.query_opt(&ITEM_ADD, params![3, 5], number).await?, None);
            Ok(())
        })
        .await
        .unwrap();
    let two = harness.engine.read(LANE, async |tx| tx.query_opt(&ITEM_LIST, &[], number).await).await;
    assert_eq!(two, Err(Error::Rows { stmt: "ITEM_LIST", expected: 1, got: 2 }));
}

/// Many statements at once act in order, and answer in order.
async fn many_statements_keep_their_order(harness: &Harness) {
    let (counts, sums) = harness
        .engine
        .write::<_, Error, _>(LANE, async |tx| {
            tx.execute_one(&ITEM_INSERT, params![0, 0]).await?;
            let adds: Vec<Vec<Value<'_>>> = (1..=100).map(|n: i64| vec![0.into(), n.into()]).collect();
            let sums = tx.query_many(&ITEM_ADD, &adds, number).await?;
            let misses: Vec<_> = (0..100i64).map(|id| [Value::from(id % 2), Value::from(1)]).collect();
            Ok((tx.execute_many(&ITEM_ADD, &misses).await?, sums))
        })
        .await
        .unwrap();
    assert_eq!(sums, (1..=100).map(|n| Some(n * (n + 1) / 2)).collect::<Vec<_>>());
    assert_eq!(counts, (0..100).map(|id| 1 - id % 2).collect::<Vec<u64>>());
    let clash = harness
        .engine
        .write::<_, Error, _>(LANE, async |tx| {
            let rows = [7, 8, 7, 9].map(|id: i64| [Value::from(id), Value::from(id)]);
            tx.execute_many(&ITEM_INSERT, &rows).await
        })
        .await;
    assert!(matches!(clash, Err(Error::UniqueViolation { stmt: "ITEM_INSERT", .. })), "{clash:?}");
    assert_eq!(harness.items().await, [5100]);
}

/// A thousand writers: what was answered `Ok` is there, what was answered `Err` is not, whoever gave up in between.
async fn a_thousand_writers_are_told_the_truth(harness: &Harness) {
    let engine = &harness.engine;
    let mut tasks = Vec::new();
    for (id, n) in (0..1000i64).zip(0u32..) {
        let lane = if id % 3 == 0 { Lane::System } else { Lane::Workspace(Uuid::from_u128((n % 5).into())) };
        let write = engine.clone();
        tasks.push(tokio::spawn(async move {
            write
                .write(lane, async move |tx| {
                    tx.execute_one(&ITEM_INSERT, params![id, id]).await?;
                    match id % 7 {
                        0 => Err(Error::Migration("on purpose".into())),
                        // a row that another transaction has, or will have
                        1 => tx.execute_one(&ITEM_INSERT, params![id + 1, id]).await,
                        _ => Ok(()),
                    }
                })
                .await
        }));
        if id % 11 == 0 {
            tokio::task::yield_now().await;
            tasks[tasks.len() / 2].abort();
        }
    }
    let mut answers = Vec::new();
    for task in tasks {
        answers.push(task.await.ok());
    }
    // what was still on its way when its caller gave up has ended once a later write has, on every lane
    for lane in (0..5).map(|n| Lane::Workspace(Uuid::from_u128(n))).chain([Lane::System]) {
        engine.write::<_, Error, _>(lane, async |_| Ok(())).await.unwrap();
    }
    let kept: std::collections::HashSet<i64> = harness.items().await.into_iter().collect();
    let (mut good, mut bad, mut gone) = (0, 0, 0);
    for (id, answer) in (0i64..).zip(&answers) {
        match answer {
            Some(Ok(())) => {
                good += 1;
                assert!(kept.contains(&id), "{id} was answered and is lost");
            }
            Some(Err(_)) => {
                bad += 1;
                // its row may be there only by the hand of its neighbour
                assert!(!kept.contains(&id) || id % 7 == 2, "{id} was refused and is there");
            }
            None => gone += 1,
        }
    }
    assert!(good > 500 && bad > 100 && gone > 0, "{good} {bad} {gone}");
}

/// A caller that gives up before its closure has begun withdraws it.
async fn giving_up_in_the_queue_withdraws_the_closure(harness: &Harness) {
    let gate = harness.shut_gate().await;
    let mut withdrawn = Box::pin(insert(harness.engine.clone(), 1, Then::Keep));
    assert!((&mut withdrawn).now_or_never().is_none());
    drop(withdrawn);
    gate.open().await;
    insert(harness.engine.clone(), 2, Then::Keep).await.unwrap();
    assert_eq!(harness.items().await, [2]);
}

/// A read sees one state of the database, whatever is committed meanwhile, and cannot write.
async fn a_read_is_one_snapshot(harness: &Harness) {
    insert(harness.engine.clone(), 1, Then::Keep).await.unwrap();
    let (seen, first_seen) = tokio::sync::oneshot::channel();
    let (go_on, gone_on) = tokio::sync::oneshot::channel::<()>();
    let (seen, gone_on) = (Mutex::new(Some(seen)), Mutex::new(Some(gone_on)));
    let reading = harness.engine.clone();
    let reader = tokio::spawn(async move {
        reading
            .read::<_, Error, _>(LANE, async move |tx| {
                let before = tx.query(&ITEM_LIST, &[], number).await?;
                seen.lock().unwrap().take().unwrap().send(()).unwrap();
                let gone_on = gone_on.lock().unwrap().take().unwrap();
                match tx.engine_kind() {
                    EngineKind::Sqlite => gone_on.blocking_recv().unwrap(),
                    EngineKind::Postgres => gone_on.await.unwrap(),
                }
                Ok((before, tx.query(&ITEM_LIST, &[], number).await?))
            })
            .await
    });
    first_seen.await.unwrap();
    insert(harness.engine.clone(), 2, Then::Keep).await.unwrap();
    assert_eq!(harness.items().await, [1, 2], "a new read sees what was answered");
    go_on.send(()).unwrap();
    assert_eq!(reader.await.unwrap().unwrap(), (vec![1], vec![1]));
    let written = harness
        .engine
        .read::<_, Error, _>(LANE, async |tx| tx.execute(&ITEM_INSERT, params![3, 3]).await)
        .await;
    assert!(matches!(written, Err(Error::Other { .. })), "{written:?}");
    assert_eq!(harness.items().await, [1, 2]);
}

/// A panic or a wait in a read is answered like in a write.
async fn reads_survive_bad_closures(harness: &Harness) {
    let panicked = harness.engine.read::<(), Error, _>(LANE, async |_| panic!("on purpose")).await;
    assert_eq!(panicked, Err(Error::Panicked));
    let waited = harness.engine.read::<(), Error, _>(LANE, async |_| std::future::pending().await).await;
    assert_eq!(waited, Err(Error::Waited));
    assert!(harness.items().await.is_empty());
}

/// A shutdown finishes what waits, and refuses what comes later.
async fn a_shutdown_finishes_what_waits(harness: &Harness) {
    let gate = harness.shut_gate().await;
    let mut writes: Vec<_> =
        (0..20).map(|id| Box::pin(insert(harness.engine.clone(), id, Then::Keep))).collect();
    for write in &mut writes {
        assert!(write.now_or_never().is_none());
    }
    let mut shutdown = Box::pin(harness.engine.shutdown());
    assert!((&mut shutdown).now_or_never().is_none());
    gate.open().await;
    tokio::time::timeout(Duration::from_secs(10), shutdown).await.unwrap();
    for write in writes {
        write.await.unwrap();
    }
    let late = insert(harness.engine.clone(), 99, Then::Keep).await;
    assert!(matches!(late, Err(Error::Unavailable { maybe_committed: false, .. })), "{late:?}");
    let list = async |tx: &Tx<'_>| tx.query(&ITEM_LIST, &[], number).await;
    let again = harness.reopen().await;
    assert_eq!(again.read::<_, Error, _>(LANE, list).await.unwrap(), (0..20).collect::<Vec<_>>());
}

/// Every statement parses; one that does not is named.
async fn statements_are_prepared(harness: &Harness) {
    static BROKEN: Stmt = Stmt::same("BROKEN", "SELECT nothing FROM nowhere");
    static WRONG: Stmt = Stmt::per("WRONG", "SELEC", "SELECT 1 FOR UPDATE OF item");
    harness.engine.prepare_all(&[&engine::statements(), ALL].concat()).await.unwrap();
    let answer = harness.engine.prepare_all(&[&BROKEN, &ITEM_LIST, &WRONG]).await;
    let Err(Error::Other { context }) = answer else { panic!("{answer:?}") };
    assert!(
        context.contains("BROKEN") && context.contains("WRONG") && !context.contains("ITEM_LIST"),
        "{context}"
    );
    assert!(harness.items().await.is_empty());
}

/// The closure's error type is the caller's own; the engine's errors become it.
async fn errors_become_the_callers(harness: &Harness) {
    #[derive(Debug, PartialEq)]
    enum Mine {
        Refused,
        Store(Error),
    }
    impl From<Error> for Mine {
        fn from(error: Error) -> Self {
            Self::Store(error)
        }
    }
    let own = harness.engine.write::<(), Mine, _>(LANE, async |_| Err(Mine::Refused)).await;
    assert_eq!(own, Err(Mine::Refused));
    let theirs = harness.engine.write::<(), Mine, _>(LANE, async |_| panic!("on purpose")).await;
    assert_eq!(theirs, Err(Mine::Store(Error::Panicked)));
}

/// One insert for each fate, all in one batch.
async fn batch_of(harness: &Harness, fates: &[Then]) -> Vec<Result<(), Error>> {
    let writes = (0i64..).zip(fates).map(|(id, &then)| insert(harness.engine.clone(), id, then));
    harness.batch(writes.collect()).await
}

fn number(row: &Row<'_>) -> Result<i64, Error> {
    row.get(0)
}

type Everything = (Option<i64>, Option<i16>, Option<bool>, Option<String>, Option<Vec<u8>>, Option<Uuid>);

fn everything(row: &Row<'_>) -> Result<Everything, Error> {
    Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?))
}

fn everything_of(
    whole: Option<i64>,
    small: Option<i16>,
    flag: Option<bool>,
    text: Option<&str>,
    bytes: Option<&[u8]>,
    uuid: Option<Uuid>,
) -> Everything {
    (whole, small, flag, text.map(str::to_owned), bytes.map(<[u8]>::to_vec), uuid)
}
