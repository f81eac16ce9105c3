//! A hundred thousand deliveries wait: looks at them stay short, and nothing of them lies in memory.

use std::time::{Duration, Instant};

use gatepost_core::job::JobKind;
use gatepost_core::{EndpointId, Timestamp};
use gatepost_store::engine::{Lane, Tx};
use gatepost_store::{params, statements};
use gatepost_testkit::Engines;

use crate::support::{Desk, Scripted, resident};

const MANY: i64 = 100_000;
/// So many in one transaction.
const PART: i64 = 5_000;
/// Their numbers begin after this, and are their times as well: long past.
const FIRST: i64 = 1_000_000;

statements! {
    EVENTS = per(
        "WITH RECURSIVE n(i) AS (SELECT $2 + 1 UNION ALL SELECT i + 1 FROM n WHERE i < $3) INSERT INTO event (workspace_id, id, seq, type, mode, created_at, payload) SELECT $1, unhex(printf('%032x', i)), i, 5, 1, $4, NULL FROM n",
        "WITH n(i) AS (SELECT generate_series($2::bigint + 1, $3::bigint)) INSERT INTO event (workspace_id, id, seq, type, mode, created_at, payload) SELECT $1, lpad(to_hex(i), 32, '0')::uuid, i, 5, 1, $4::bigint, NULL FROM n",
    );
    DELIVERIES = same("INSERT INTO delivery (workspace_id, endpoint_id, id, event_id, state, attempts, next_at, created_at) SELECT workspace_id, $2, id, id, 1, 0, created_at, created_at FROM event WHERE workspace_id = $1 AND seq > $3 AND seq <= $4");
    JOBS = same("INSERT INTO job (id, workspace_id, kind, lane, order_key, priority, position, queued_at, run_at, subject, attempts, lease_until, fence) SELECT id, workspace_id, 3, $2, NULL, 0, seq, seq, seq, id, 0, 0, 0 FROM event WHERE workspace_id = $1 AND seq > $3 AND seq <= $4");
    KEYED = per("UPDATE job SET order_key = id, run_at = CASE WHEN run_at < 1090000 THEN 9223372036854775807 ELSE run_at END WHERE lane = $1",
        "UPDATE job SET order_key = uuid_send(id), run_at = CASE WHEN run_at < 1090000 THEN 9223372036854775807 ELSE run_at END WHERE lane = $1");
    RELEASE = same("UPDATE job SET run_at = position WHERE lane = $1");
    LEFT = same("SELECT COUNT(*) FROM job WHERE kind = 3 AND lane = $1");
    OPEN = same("SELECT COUNT(*) FROM delivery WHERE workspace_id = $1 AND endpoint_id = $2 AND state <> 5");
    BURIED = same("UPDATE delivery SET state = 5 WHERE workspace_id = $1 AND endpoint_id = $2");
    LATER = same("UPDATE job SET priority = CASE WHEN run_at < 1050000 THEN 0 ELSE 1 END, run_at = run_at + $2 WHERE lane = $1");
}

async fn run(
    desk: &Desk,
    work: impl AsyncFn(&Tx<'_>) -> gatepost_store::engine::Result<u64> + Send + 'static,
) -> u64 {
    let lane = Lane::Workspace(desk.scope.workspace().uuid());
    desk.world.store.engine().write(lane, work).await.unwrap()
}

/// A hundred thousand deliveries of an endpoint, put into the tables without the way that makes them.
async fn fill(desk: &Desk, endpoint: EndpointId) {
    fill_with(desk, endpoint, MANY).await;
}

async fn fill_with(desk: &Desk, endpoint: EndpointId, count: i64) {
    let (workspace, now) = (desk.scope.workspace().uuid(), desk.now().micros());
    for part in 0..count / PART {
        let (after, last) = (FIRST + part * PART, FIRST + (part + 1) * PART);
        let filled = run(desk, async move |tx: &Tx<'_>| {
            tx.execute(&EVENTS, params![workspace, after, last, now]).await?;
            tx.execute(&DELIVERIES, params![workspace, endpoint.uuid(), after, last]).await?;
            tx.execute(&JOBS, params![workspace, endpoint.uuid(), after, last]).await
        });
        assert_eq!(filled.await, u64::try_from(PART).unwrap());
    }
}

/// The shortest of a few: the machine is shared.
async fn shortest<T>(mut work: impl AsyncFnMut() -> T) -> Duration {
    let mut best = Duration::MAX;
    for _ in 0..5 {
        let started = Instant::now();
        work().await;
        best = best.min(started.elapsed());
    }
    best
}

/// Claims, looks for due lanes and burials, with everything due, with order keys, and with everything waiting for later.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn looks_at_many_stay_short() {
    for engine in Engines::available() {
        let desk = Desk::with(engine, |setup| setup.workers = false).await;
        let id = desk.endpoint("http://127.0.0.1:39999/hook").await;
        fill(&desk, id).await;
        let lane = id.uuid();
        let node = desk.world.app.node();
        let claim = async |priority: i64, now: Timestamp| {
            let claimed = desk.world.store.write(desk.scope, async move |tx| {
                let found = tx.deliveries_claim(id, priority, node, now, now, 64).await?;
                tx.commit(gatepost_core::audit::Audit::None("a test"), found.len())
            });
            claimed.await.unwrap()
        };
        let due = async |now: Timestamp| {
            let lanes = desk
                .world
                .store
                .read_system(async move |tx| tx.lanes_due(JobKind::DeliveryAttempt, now).await);
            lanes.await.unwrap().len()
        };
        let now = desk.now();
        let limit = Duration::from_millis(30);
        assert_eq!((claim(0, now).await, claim(1, now).await, due(now).await), (64, 0, 1));
        let all_due = shortest(async || claim(0, now).await).await;
        let look = shortest(async || due(now).await).await;

        run(&desk, async move |tx: &Tx<'_>| tx.execute(&KEYED, params![lane]).await).await;
        assert_eq!(claim(0, now).await, 64, "those whose turn it is");
        let keyed = shortest(async || claim(0, now).await).await;

        // In two halves of different priority, an hour from now.
        let hour = 3_600_000_000_i64 + now.micros();
        run(&desk, async move |tx: &Tx<'_>| {
            tx.execute(&RELEASE, params![lane]).await?;
            tx.execute(&LATER, params![lane, hour]).await
        })
        .await;
        assert_eq!((claim(0, now).await, claim(1, now).await, due(now).await), (0, 0, 0));
        let none_due = shortest(async || claim(0, now).await + due(now).await).await;
        let hasten = shortest(async || {
            let hastened = desk.world.store.write(desk.scope, async move |tx| {
                let hastened = tx.jobs_hasten(JobKind::DeliveryAttempt, lane, now).await?;
                tx.commit(gatepost_core::audit::Audit::None("a test"), hastened)
            });
            assert_eq!(hastened.await.unwrap(), 2_000, "a bounded part, of either priority");
        })
        .await;
        let bury = shortest(async || {
            let buried = desk.world.store.write(desk.scope, async move |tx| {
                let buried = tx.deliveries_bury_some(id, now, 500).await?;
                tx.commit(gatepost_core::audit::Audit::None("a test"), buried)
            });
            assert_eq!(buried.await.unwrap(), 500);
        })
        .await;
        for (what, took) in [("claim", all_due), ("keyed", keyed), ("none due", none_due), ("look", look)] {
            assert!(took < limit, "{engine:?} {what}: {took:?}");
        }
        // Debug builds are slow; what matters is that it is far from the hundred thousand.
        assert!(
            bury < Duration::from_millis(400) && hasten < Duration::from_millis(400),
            "{bury:?} {hasten:?}"
        );
        desk.world.stop().await;
    }
}

/// Rows, not tasks: a resting endpoint's queue costs no memory, and no work either.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_is_rows() {
    for engine in Engines::available() {
        let desk = Desk::open(engine).await;
        let receiver = Scripted::answering(500).await;
        let id = desk.endpoint(&receiver.url).await;
        desk.events("a", 10).await;
        let opened = gatepost_testkit::eventually("the circuit", async || desk.row(id).await.health.probe_at);
        opened.await;
        fill(&desk, id).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
        let before = resident();
        tokio::time::sleep(Duration::from_secs(2)).await;
        let grown = resident().saturating_sub(before);
        assert!(grown < 20 << 20, "{grown} bytes");
        assert!(receiver.count() < 12, "{}", receiver.count());
        desk.world.stop().await;
    }
}

/// Removing an endpoint that has many deliveries waiting holds up nobody: they are buried some at a time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_removal_is_short() {
    for engine in Engines::available() {
        let desk = Desk::with(engine, |setup| setup.workers = false).await;
        let id = desk.endpoint("http://127.0.0.1:39999/hook").await;
        fill_with(&desk, id, 10_000).await;
        let (workspace, lane) = (desk.scope.workspace().uuid(), id.uuid());
        let left = async || {
            let read = async move |tx: &Tx<'_>| -> gatepost_store::engine::Result<(i64, i64)> {
                let jobs = tx.query_one(&LEFT, params![lane], |row| row.get(0)).await?;
                Ok((jobs, tx.query_one(&OPEN, params![workspace, lane], |row| row.get(0)).await?))
            };
            desk.world.store.engine().read(Lane::Workspace(workspace), read).await.unwrap()
        };
        desk.admin.delete(&format!("/v1/webhook-endpoints/{id}")).await.expect(204);
        let (jobs, open) = left().await;
        assert_eq!(jobs, open, "what has no job any more is dead");
        assert!(jobs >= 9_000, "one transaction buried {}", 10_000 - jobs);
        desk.admin.delete(&format!("/v1/webhook-endpoints/{id}")).await.expect(404);
        desk.world.app.start_workers();
        gatepost_testkit::eventually("the rest", async || (left().await == (0, 0)).then_some(())).await;
        desk.world.stop().await;
    }
}

/// A look at an endpoint does not pass by a hundred thousand dead letters, whose content is gone, to count the others.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn dead_letters_are_counted_up_to_a_number() {
    for engine in Engines::available() {
        let desk = Desk::with(engine, |setup| setup.workers = false).await;
        let id = desk.endpoint("http://127.0.0.1:39999/hook").await;
        let path = format!("/v1/webhook-endpoints/{id}");
        let none = shortest(async || desk.admin.get(&path).await.expect(200)).await;
        fill(&desk, id).await;
        let (workspace, lane) = (desk.scope.workspace().uuid(), id.uuid());
        run(&desk, async move |tx: &Tx<'_>| tx.execute(&BURIED, params![workspace, lane]).await).await;
        let many = shortest(async || desk.admin.get(&path).await.expect(200)).await;
        assert!(many < none + Duration::from_millis(40), "{engine:?}: {many:?} instead of {none:?}");
        desk.world.stop().await;
    }
}
