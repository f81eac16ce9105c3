//! A dead endpoint costs one probe, not a flood.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use gatepost_testkit::{Engines, Setup, World, eventually};

use crate::support::{Desk, Scripted};

/// Attempts under way of an endpoint that nobody knows yet, and the failures that open the circuit.
const FIRST: usize = 5 + 4;

/// Until nothing has come for a while.
async fn quiet(receivers: &[&Scripted]) -> usize {
    let count = || receivers.iter().map(|r| r.count()).sum::<usize>();
    let mut last = count();
    loop {
        tokio::time::sleep(Duration::from_millis(1_300)).await;
        if count() == last {
            return last;
        }
        last = count();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dead_endpoint_costs_one_probe() {
    for engine in Engines::available() {
        let desk = Desk::open(engine).await;
        let alive = Arc::new(AtomicBool::new(false));
        let answer = Arc::clone(&alive);
        let receiver =
            Scripted::start(move |_, _| (if answer.load(Ordering::SeqCst) { 200 } else { 503 }, vec![]))
                .await;
        let id = desk.endpoint(&receiver.url).await;
        desk.events("a", 300).await;
        let first = quiet(&[&receiver]).await;
        assert!((5..=FIRST).contains(&first), "{first} requests before the circuit opened");
        let health = desk.row(id).await.health;
        assert!(health.probe_at.is_some() && health.failing_since.is_some(), "{health:?}");
        assert_eq!(health.failures, first as i64);

        // One for each wait, and the waits grow.
        let mut waits = Vec::new();
        for probe in 1..=4 {
            let at = desk.row(id).await.health.probe_at.unwrap();
            let wait = at.since(desk.now());
            waits.push(wait);
            desk.world.clock.advance(wait);
            eventually("a probe", async || (receiver.count() == first + probe).then_some(())).await;
            eventually("its record", async || {
                (desk.row(id).await.health.failures == (first + probe) as i64).then_some(())
            })
            .await;
            assert_eq!(quiet(&[&receiver]).await, first + probe, "no more than one");
        }
        assert!(waits[3] > waits[0] * 2, "{waits:?}");
        assert_eq!(desk.deliveries(id, "pending").await.len(), 100, "a page of what was not touched");

        // With the first success everything comes, also what was to wait for minutes or hours.
        alive.store(true, Ordering::SeqCst);
        desk.world.clock.advance(desk.row(id).await.health.probe_at.unwrap().since(desk.now()));
        let sent = eventually("all of them", async || {
            let came = receiver.came();
            let ids: BTreeSet<String> =
                came.iter().filter(|c| c.status == 200).map(|c| c.id.clone()).collect();
            (ids.len() == 300).then_some(came)
        })
        .await;
        assert_eq!(sent.iter().filter(|c| c.status == 200).count(), 300, "each once");
        eventually("health", async || (desk.row(id).await.health.failing_since.is_none()).then_some(()))
            .await;
        eventually("their records", async || {
            let open = desk.deliveries(id, "failed").await.len() + desk.deliveries(id, "pending").await.len();
            (open == 0).then_some(())
        })
        .await;
        desk.world.stop().await;
    }
}

/// Two nodes probe once each at most; what one finds out, the other knows.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_probe_once_each() {
    if !Engines::available().contains(&Engines::Postgres) {
        return;
    }
    let desk = Desk::open(Engines::Postgres).await;
    let mut setup = Setup::new(Engines::Postgres);
    setup.config.drain = Duration::from_millis(200);
    let other: World = desk.world.another(setup).await;
    let receiver = Scripted::answering(500).await;
    let id = desk.endpoint(&receiver.url).await;
    desk.events("a", 100).await;
    let first = quiet(&[&receiver]).await;
    assert!((5..=2 * FIRST).contains(&first), "{first} requests before the circuit opened");
    for _ in 0..3 {
        let before = receiver.count();
        let at = desk.row(id).await.health.probe_at.unwrap();
        desk.world.clock.advance(at.since(desk.now()));
        let after = quiet(&[&receiver]).await;
        assert!((1..=2).contains(&(after - before)), "{} probes", after - before);
    }
    other.stop().await;
    desk.world.stop().await;
}

/// An attempt made ahead of its time spends nothing of the schedule.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_hastened_keeps_its_schedule() {
    for engine in Engines::available() {
        let desk = Desk::open(engine).await;
        let receiver = Scripted::answering(500).await;
        let id = desk.endpoint(&receiver.url).await;
        desk.set(id, Some(&[1000, 1000]), gatepost_core::endpoint::DeliveryOrder::Parallel).await;
        desk.write(&[(1, "wamid.once")]).await;
        let planned = desk.one(id, "failed", 1).await["next_attempt_at"].clone();
        let path = format!("/v1/webhook-endpoints/{id}");
        for made in 2..=4_usize {
            desk.admin.patch(&path, &serde_json::json!({"enabled": false})).await.expect(200);
            desk.admin.patch(&path, &serde_json::json!({"enabled": true})).await.expect(200);
            let delivery = desk.one(id, "failed", made).await;
            assert_eq!(delivery["next_attempt_at"], planned);
        }
        for (made, state) in [(5, "failed"), (6, "dead")] {
            desk.world.clock.advance(Duration::from_secs(1_300));
            desk.one(id, state, made).await;
        }
        desk.world.stop().await;
    }
}
