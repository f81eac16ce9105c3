//! When what failed is tried again.

use std::time::Duration;

use gatepost_core::endpoint::DeliveryOrder;
use gatepost_testkit::Engines;
use serde_json::{Value, json};

use crate::support::{Desk, Scripted};

/// Each wait is the schedule's, a fifth more or less; then the delivery is dead.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn waits_follow_the_schedule_with_jitter() {
    for engine in Engines::available() {
        let desk = Desk::open(engine).await;
        let receiver = Scripted::answering(500).await;
        let mut endpoints = Vec::new();
        for _ in 0..6 {
            let id = desk.endpoint(&receiver.url).await;
            desk.set(id, Some(&[100, 1000]), DeliveryOrder::Parallel).await;
            endpoints.push(id);
        }
        desk.events("a", 1).await;
        let mut waits = Vec::new();
        for (made, planned) in [(1, 100.0), (2, 1000.0)] {
            for id in &endpoints {
                let delivery = desk.one(*id, "failed", made).await;
                let wait = desk.wait_of(*id, &delivery).await / planned;
                assert!((0.8..1.21).contains(&wait), "{wait} of {planned} s");
                waits.push(format!("{wait:.6}"));
            }
            desk.world.clock.advance(Duration::from_secs(1_300));
        }
        for id in &endpoints {
            let dead = desk.one(*id, "dead", 3).await;
            assert_eq!(dead["next_attempt_at"], Value::Null);
            assert!(desk.row(*id).await.enabled, "three failures switch nothing off");
        }
        waits.sort_unstable();
        waits.dedup();
        assert!(waits.len() > 6, "they do not come together: {waits:?}");
        assert_eq!(receiver.count(), 18);
        desk.world.stop().await;
    }
}

/// The receiver's word counts where it asks for more than the schedule, in both forms, up to a day.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn retry_after_in_both_forms() {
    for engine in Engines::available() {
        let desk = Desk::open(engine).await;
        let now = desk.now().seconds();
        let date = |seconds: i64| {
            let out = std::process::Command::new("date")
                .args(["-u", "-d", &format!("@{}", now + seconds), "+%a, %d %b %Y %H:%M:%S GMT"])
                .env("LC_ALL", "C")
                .output()
                .unwrap();
            String::from_utf8(out.stdout).unwrap().trim().to_owned()
        };
        for (status, asked, expected) in [
            (429, "120".to_owned(), 118.0..121.0),
            (503, "1".to_owned(), 7.9..12.1),
            (503, date(400), 360.0..401.0),
            (502, "999999999".to_owned(), 86_398.0..86_401.0),
            (500, "3600".to_owned(), 7.9..12.1),
            (503, "later".to_owned(), 7.9..12.1),
        ] {
            let header = asked.clone();
            let receiver = Scripted::start(move |_, _| (status, vec![("retry-after", header.clone())])).await;
            let id = desk.endpoint(&receiver.url).await;
            desk.set(id, Some(&[10, 10]), DeliveryOrder::Parallel).await;
            desk.write(&[(7, &format!("wamid.{status}.{}", asked.len()))]).await;
            let delivery = desk.one(id, "failed", 1).await;
            let wait = desk.wait_of(id, &delivery).await;
            assert!(expected.contains(&wait), "{status} {asked:?}: {wait} s");
            desk.admin.delete(&format!("/v1/webhook-endpoints/{id}")).await.expect(204);
        }
        desk.world.stop().await;
    }
}

/// A redirect is a failure that says so and is not followed; a payload that does not open is dead with its reason.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_succeed_says_why() {
    for engine in Engines::available() {
        let desk = Desk::open(engine).await;
        let elsewhere = Scripted::answering(200).await;
        let target = elsewhere.url.clone();
        let receiver = Scripted::start(move |_, _| (308, vec![("location", target.clone())])).await;
        let id = desk.endpoint(&receiver.url).await;
        desk.write(&[(1, "wamid.redirected")]).await;
        let delivery = desk.one(id, "failed", 1).await;
        let attempt = desk.attempts(id, &delivery).await.pop().unwrap();
        assert_eq!(attempt["status"], 308);
        assert!(attempt["error"].as_str().unwrap().starts_with("redirect_refused"), "{attempt}");
        assert_eq!(elsewhere.count(), 0);

        // Somebody changed what lies sealed.
        desk.spoil_payloads().await;
        desk.world.clock.advance(Duration::from_secs(10));
        let dead = desk.one(id, "dead", 2).await;
        let attempt = desk.attempts(id, &dead).await.pop().unwrap();
        assert_eq!((&attempt["status"], &dead["next_attempt_at"]), (&Value::Null, &json!(null)));
        assert!(attempt["error"].as_str().unwrap().starts_with("payload_unreadable"), "{attempt}");
        assert_eq!(receiver.count(), 1, "nothing was sent");
        desk.world.stop().await;
    }
}
