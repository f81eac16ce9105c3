//! Endpoints that Gatepost switches off, what is told of it, and the way back.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use gatepost_core::endpoint::{DeliveryOrder, DisabledReason};
use gatepost_testkit::{Engines, eventually};
use serde_json::json;

use crate::support::{Desk, Scripted};

/// The event, the notice and the audit entry, each once.
async fn told(desk: &Desk, other: &Scripted, id: gatepost_core::EndpointId, reason: &str) {
    let news = eventually("the news at the other endpoint", async || {
        let came =
            other.came().into_iter().map(|c| serde_json::from_slice::<serde_json::Value>(&c.body).unwrap());
        came.filter(|event| event["type"] == "endpoint.disabled").last()
    })
    .await;
    let endpoint = &news["data"]["endpoint"];
    assert_eq!(
        (endpoint["id"].as_str(), endpoint["disabled_reason"].as_str()),
        (Some(&*id.to_string()), Some(reason))
    );
    assert_eq!(endpoint["enabled"], json!(false));
    assert!(endpoint["detail"].is_string() && endpoint["next_action"].is_string(), "{news}");
    let read = desk
        .world
        .store
        .read(desk.scope, async |tx| Ok((tx.notice_list(10).await?, tx.audit_after(0, 1_000).await?)));
    let (notices, audit) = read.await.unwrap();
    assert_eq!(notices.iter().filter(|n| n.kind == "endpoint.disabled" && n.told_at.is_none()).count(), 1);
    let entries: Vec<_> = audit.iter().filter(|a| a.record.action == "endpoint.disabled").collect();
    assert_eq!((entries.len(), entries[0].record.actor.as_str()), (1, "system:courier"));
    assert_eq!(entries[0].record.target, id.to_string());
    let told = format!("{:?}", entries[0].record.details);
    assert!(told.contains(reason), "{told}");
}

/// 410 switches off at once: what waits is dead, what comes becomes dead letters, and enabling begins anew.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gone_is_gone() {
    for engine in Engines::available() {
        let desk = Desk::open(engine).await;
        let status = Arc::new(AtomicU16::new(410));
        let answer = Arc::clone(&status);
        let receiver = Scripted::start(move |_, _| (answer.load(Ordering::SeqCst), vec![])).await;
        let other = Scripted::answering(200).await;
        let id = desk.endpoint(&receiver.url).await;
        desk.endpoint(&other.url).await;
        desk.events("a", 50).await;
        told(&desk, &other, id, "gone").await;
        let row = desk.row(id).await;
        assert!(!row.enabled && row.disabled.is_some_and(|(reason, _)| reason == DisabledReason::Gone));
        eventually("dead letters", async || {
            (desk.deliveries(id, "dead").await.len() >= 51 && desk.deliveries(id, "pending").await.is_empty())
                .then_some(())
        })
        .await;
        let requests = receiver.count();
        assert!(requests <= 5, "{requests}");
        desk.write(&[(1, "wamid.while.off")]).await;
        eventually("a dead letter", async || (desk.deliveries(id, "dead").await.len() == 52).then_some(()))
            .await;
        assert_eq!(receiver.count(), requests);

        status.store(200, Ordering::SeqCst);
        let path = format!("/v1/webhook-endpoints/{id}");
        desk.admin.patch(&path, &json!({"enabled": true})).await.expect(200);
        desk.write(&[(1, "wamid.after")]).await;
        eventually("the next event", async || (receiver.count() == requests + 1).then_some(())).await;
        assert_eq!(desk.row(id).await.health, gatepost_store::EndpointHealth::default());
        assert_eq!(desk.deliveries(id, "dead").await.len(), 52, "the dead stay dead until they are replayed");
        desk.world.stop().await;
    }
}

/// A schedule that is spent without one success switches off; one success of another delivery in between does not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_spent_schedule_switches_off() {
    for engine in Engines::available() {
        let desk = Desk::open(engine).await;
        let receiver = Scripted::answering(500).await;
        let poisoned = Scripted::start(|_, event| {
            let poison = event["data"]["message"]["provider_id"] == "wamid.poison";
            (if poison { 500 } else { 200 }, vec![])
        })
        .await;
        let other = Scripted::answering(200).await;
        let id = desk.endpoint_for(&receiver.url, &["message.*"]).await;
        let sound = desk.endpoint(&poisoned.url).await;
        desk.endpoint(&other.url).await;
        for endpoint in [id, sound] {
            desk.set(endpoint, Some(&[30; 7]), DeliveryOrder::Parallel).await;
        }
        desk.write(&[(1, "wamid.poison")]).await;
        for made in 1..=7_usize {
            desk.one(id, "failed", made).await;
            desk.one(sound, "failed", made).await;
            if made == 4 {
                desk.notice().await;
                eventually("a success", async || {
                    (desk.deliveries(sound, "sent").await.len() == 1).then_some(())
                })
                .await;
            }
            // Longer than the schedule's longest wait, and than the probe's.
            desk.world.clock.advance(Duration::from_secs(37));
        }
        desk.one(sound, "dead", 8).await;
        told(&desk, &other, id, "failing").await;
        assert!(!desk.row(id).await.enabled);
        assert!(desk.row(sound).await.enabled, "one dead letter is not a dead endpoint");
        eventually("dead letters", async || {
            (desk.deliveries(id, "failed").await.is_empty() && desk.deliveries(id, "dead").await.len() == 1)
                .then_some(())
        })
        .await;
        desk.world.stop().await;
    }
}

/// What an address says that the endpoint has left meanwhile is no word about the new one: nothing is switched off, and
/// nothing is lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_farewell_of_an_address_that_was_left() {
    for engine in Engines::available() {
        let desk = Desk::open(engine).await;
        let before = Scripted::slow(Duration::from_millis(1_500), |_, _| (410, vec![])).await;
        let after = Scripted::answering(200).await;
        let id = desk.endpoint(&before.url).await;
        desk.events("a", 3).await;
        tokio::time::sleep(Duration::from_millis(500)).await;
        let path = format!("/v1/webhook-endpoints/{id}");
        desk.admin.patch(&path, &json!({"url": after.url})).await.expect(200);
        eventually("the farewells", async || (before.count() == 3).then_some(())).await;
        desk.one(id, "failed,sent,dead", 1).await;
        tokio::time::sleep(Duration::from_millis(200)).await;
        desk.world.clock.advance(Duration::from_secs(10));
        let row = desk.row(id).await;
        assert!(row.enabled, "{:?}", row.disabled);
        eventually("what the old address did not take", async || (after.count() == 3).then_some(())).await;
        assert_eq!(desk.row(id).await.health, gatepost_store::EndpointHealth::default());
        desk.world.stop().await;
    }
}
