//! Webhooks: signed so that others can check them, tried again, and never in one another's way.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use gatepost_testkit::{Client, Engines, Received, Receiver, Setup, World, eventually};
use serde_json::{Value, json};

/// A workspace with a test channel, and how to make events in it.
struct Desk {
    world: World,
    admin: Client,
}

impl Desk {
    async fn open(setup: Setup) -> Self {
        let world = World::start(setup).await;
        let admin = world.tenant("Example Ltd").await.admin;
        admin.post("/v1/channels", &json!({"type": "test", "name": "desk"})).await.expect(201);
        Self { world, admin }
    }

    async fn endpoint(&self, receiver: &Receiver, events: &[&str]) -> (String, String) {
        let body = json!({"url": receiver.url, "events": events});
        let made = self.admin.post("/v1/webhook-endpoints", &body).await.expect(201).json();
        (made["id"].as_str().unwrap().to_owned(), made["secret"].as_str().unwrap().to_owned())
    }

    /// Three events: sent, delivered, read.
    async fn send(&self) -> String {
        let body = json!({"to": "+12025550101", "purpose": "support", "text": "hello"});
        let made = self.admin.post("/v1/messages", &body).await.expect(202).json();
        made["id"].as_str().unwrap().to_owned()
    }

    async fn deliveries(&self, endpoint: &str, state: &str) -> Vec<Value> {
        let path = format!("/v1/webhook-endpoints/{endpoint}/deliveries?limit=100&state={state}");
        self.admin.get(&path).await.expect(200).json()["data"].as_array().unwrap().clone()
    }

    async fn attempts(&self, endpoint: &str, delivery: &Value) -> Vec<Value> {
        let delivery = delivery["id"].as_str().unwrap();
        let path = format!("/v1/webhook-endpoints/{endpoint}/deliveries/{delivery}/attempts");
        self.admin.get(&path).await.expect(200).json()["data"].as_array().unwrap().clone()
    }
}

fn header<'r>(received: &'r Received, name: &str) -> &'r str {
    received.headers[name].to_str().unwrap()
}

async fn heard(receiver: &Receiver, count: usize) -> Vec<Received> {
    eventually(&format!("{count} webhooks at {}", receiver.url), async || {
        let received = receiver.received();
        (received.len() >= count).then_some(received)
    })
    .await
}

/// W1, W2, W5: every delivery verifies, nothing changed does, and each attempt has its row.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_delivery_verifies() {
    for engine in Engines::available() {
        let desk = Desk::open(Setup::new(engine)).await;
        let receiver = Receiver::start().await;
        let (endpoint, secret) = desk.endpoint(&receiver, &["message.*"]).await;
        for _ in 0..5 {
            desk.send().await;
        }
        let received = heard(&receiver, 15).await;
        for webhook in &received {
            assert!(webhook.verify(&secret));
            assert_eq!(header(webhook, "webhook-id"), webhook.json()["id"]);
            assert_eq!(header(webhook, "x-gatepost-event"), webhook.event_type());
            let raw = gatepost_vault::WebhookSecret::parse(&secret).unwrap().signing_key().unwrap();
            assert_eq!(
                header(webhook, "x-gatepost-signature"),
                gatepost_vault::sign_raw_body(&raw, &webhook.body).unwrap()
            );
            let mut changed = webhook.clone();
            let mut body = webhook.body.to_vec();
            let middle = body.len() / 2;
            body[middle] ^= 1;
            changed.body = body.into();
            assert!(!changed.verify(&secret));
            for name in ["webhook-id", "webhook-timestamp", "webhook-signature"] {
                let mut changed = webhook.clone();
                let other = header(webhook, name).replace(['1', '2', '3', '4', 'a', 'b', 'c'], "5");
                changed.headers.insert(name, other.parse().unwrap());
                assert!(
                    !changed.verify(&secret) || header(&changed, name) == header(webhook, name),
                    "{name}"
                );
            }
        }
        let mut ids: Vec<&str> = received.iter().map(|w| header(w, "webhook-id")).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), 15, "each event once");
        let sent = eventually("fifteen deliveries", async || {
            let sent = desk.deliveries(&endpoint, "sent").await;
            (sent.len() == 15).then_some(sent)
        })
        .await;
        for delivery in &sent {
            assert!(ids.contains(&delivery["event_id"].as_str().unwrap()));
            let attempts = desk.attempts(&endpoint, delivery).await;
            assert_eq!(attempts.len(), 1);
            assert_eq!((&attempts[0]["status"], &attempts[0]["decision"]), (&json!(200), &json!("allow")));
            assert!(attempts[0]["address"].as_str().unwrap().starts_with("127.0.0.1"));
            assert_eq!(delivery["last_attempt"], attempts[0]);
        }
        desk.world.stop().await;
    }
}

/// What fails comes again with the same id and a new time, on the schedule; what is refused is recorded as such.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_fails_is_tried_again() {
    for engine in Engines::available() {
        let desk = Desk::open(Setup::new(engine)).await;
        let receiver = Receiver::start().await;
        let (endpoint, secret) = desk.endpoint(&receiver, &["message.sent"]).await;
        receiver.answer_with(&[500, 302, 404]);
        desk.send().await;
        let mut states = Vec::new();
        for tries in 1..=4_usize {
            let received = heard(&receiver, tries).await;
            assert_eq!(received.len(), tries);
            assert!(received[tries - 1].verify_at(&secret, &desk.world), "try {tries}");
            assert_eq!(header(&received[0], "webhook-id"), header(&received[tries - 1], "webhook-id"));
            assert_eq!(received[0].body, received[tries - 1].body);
            if tries > 1 {
                assert!(
                    header(&received[tries - 1], "webhook-timestamp")
                        > header(&received[tries - 2], "webhook-timestamp")
                );
            }
            let wanted = if tries < 4 { "failed" } else { "sent" };
            let delivery = eventually(wanted, async || {
                let found = desk.deliveries(&endpoint, wanted).await.pop()?;
                (found["attempts"] == tries).then_some(found)
            })
            .await;
            assert_eq!(delivery["next_attempt_at"].is_string(), tries < 4);
            states = desk.attempts(&endpoint, &delivery).await.iter().map(|a| a["status"].clone()).collect();
            // The longest of these pauses is half an hour and a fifth.
            desk.world.clock.advance(Duration::from_secs(2200));
        }
        assert_eq!(states, [500, 302, 404, 200].map(|s| json!(s)));
        assert_eq!(heard(&receiver, 4).await.len(), 4, "a redirect is not followed");
        desk.world.stop().await;
    }
}

/// A URL that was good and is refused by the policy later: the attempt is recorded with its rule, nothing is sent.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_blocked_address_is_recorded() {
    for engine in Engines::available() {
        let desk = Desk::open(Setup::new(engine)).await;
        let receiver = Receiver::start().await;
        let (endpoint, _) = desk.endpoint(&receiver, &["message.sent"]).await;
        let mut strict = Setup::new(engine);
        strict.loopback = false;
        desk.world.app.shutdown().await;
        let strict = Desk { world: desk.world.another(strict).await, admin: desk.admin.clone() };
        let strict = Desk { admin: strict.world.nobody().with_key(desk.admin.key()), ..strict };
        strict.send().await;
        let delivery =
            eventually("a blocked delivery", async || strict.deliveries(&endpoint, "blocked").await.pop())
                .await;
        let attempts = strict.attempts(&endpoint, &delivery).await;
        assert_eq!((&attempts[0]["decision"], &attempts[0]["status"]), (&json!("blocked"), &Value::Null));
        assert!(!attempts[0]["rule"].as_str().unwrap().is_empty());
        assert_eq!(receiver.received().len(), 0);
        strict.world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_local_url_is_refused_with_a_way_on() {
    let mut setup = Setup::new(Engines::Sqlite);
    setup.loopback = false;
    let desk = Desk::open(setup).await;
    for url in [
        "http://localhost:3000/hook",
        "http://127.0.0.1:3000/",
        "https://[::1]/",
        "https://0x7f000001/",
        "https://10.0.0.1/",
        "http://example.com/",
    ] {
        let answer = desk.admin.post("/v1/webhook-endpoints", &json!({"url": url})).await;
        let problem = answer.json();
        assert_eq!(
            (answer.status, &problem["errors"][0]["pointer"]),
            (422, &json!("/url")),
            "{url}: {}",
            answer.text
        );
        assert_eq!(problem["errors"][0]["code"], "webhook_url_not_allowed", "{url}");
        if url.contains("localhost") || url.contains("127.0.0.1") {
            assert!(
                answer.text.contains("gatepost listen") && answer.text.contains("egress"),
                "{url}: {}",
                answer.text
            );
        }
    }
    let good = desk
        .admin
        .post("/v1/webhook-endpoints", &json!({"url": "https://example.com/"}))
        .await
        .expect(201)
        .json();
    let path = format!("/v1/webhook-endpoints/{}", good["id"].as_str().unwrap());
    assert_eq!(
        desk.admin.patch(&path, &json!({"url": "http://localhost/"})).await.status,
        422,
        "nor by a change"
    );
    desk.world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn filters_and_switches_hold() {
    for engine in Engines::available() {
        let desk = Desk::open(Setup::new(engine)).await;
        let (all, read, off, gone) = (
            Receiver::start().await,
            Receiver::start().await,
            Receiver::start().await,
            Receiver::start().await,
        );
        let (all_id, _) = desk.endpoint(&all, &["message.*"]).await;
        desk.endpoint(&read, &["message.read", "channel.*"]).await;
        let (off_id, off_secret) = desk.endpoint(&off, &["message.*"]).await;
        let (gone_id, _) = desk.endpoint(&gone, &["message.*"]).await;
        let off_path = format!("/v1/webhook-endpoints/{off_id}");
        off.answer_with(&[500, 500, 500]);
        desk.send().await;
        heard(&all, 3).await;
        heard(&read, 1).await;
        heard(&off, 3).await;
        heard(&gone, 3).await;
        eventually("three failures", async || {
            (desk.deliveries(&off_id, "failed").await.len() == 3).then_some(())
        })
        .await;
        desk.admin.patch(&off_path, &json!({"enabled": false})).await.expect(200);
        let gone_path = format!("/v1/webhook-endpoints/{gone_id}");
        desk.admin.delete(&gone_path).await.expect(204);
        assert_eq!(desk.admin.get(&gone_path).await.status, 404);
        // What waits for a disabled endpoint comes due, and stays.
        desk.world.clock.advance(Duration::from_mins(10));
        desk.send().await;
        heard(&all, 6).await;
        heard(&read, 2).await;
        eventually("all that is due", async || {
            (desk.deliveries(&all_id, "sent").await.len() == 6).then_some(())
        })
        .await;
        assert_eq!((off.received().len(), gone.received().len()), (3, 3));
        assert!(read.received().iter().all(|w| w.event_type() == "message.read"));
        desk.admin.patch(&off_path, &json!({"enabled": true})).await.expect(200);
        let resumed = heard(&off, 6).await;
        assert!(resumed[3..].iter().all(|w| w.verify_at(&off_secret, &desk.world)));
        let mut before: Vec<&str> = resumed[..3].iter().map(|w| header(w, "webhook-id")).collect();
        let mut after: Vec<&str> = resumed[3..].iter().map(|w| header(w, "webhook-id")).collect();
        before.sort_unstable();
        after.sort_unstable();
        assert_eq!(before, after, "what waited, and nothing of the time in between");
        desk.world.stop().await;
    }
}

/// W3: in the overlap both secrets verify; after it, or without one, only the new.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn secrets_rotate_without_a_lost_event() {
    for engine in Engines::available() {
        let desk = Desk::open(Setup::new(engine)).await;
        let receiver = Receiver::start().await;
        let (endpoint, first) = desk.endpoint(&receiver, &["message.sent"]).await;
        let rotate = async |overlap: u32| {
            let path = format!("/v1/webhook-endpoints/{endpoint}/rotate-secret");
            let answer =
                desk.admin.post(&path, &json!({"overlap_seconds": overlap})).await.expect(200).json();
            answer["secret"].as_str().unwrap().to_owned()
        };
        let last = async |count: usize| {
            desk.send().await;
            heard(&receiver, count).await.pop().unwrap()
        };
        let webhook = last(1).await;
        assert!(webhook.verify(&first));
        let second = rotate(3600).await;
        let webhook = last(2).await;
        assert!(webhook.verify(&first) && webhook.verify(&second), "both in the overlap");
        desk.world.clock.advance(Duration::from_secs(3601));
        let webhook = last(3).await;
        assert!(
            !webhook.verify_at(&first, &desk.world) && webhook.verify_at(&second, &desk.world),
            "after it the new one only"
        );
        let third = rotate(0).await;
        let webhook = last(4).await;
        assert!(!webhook.verify_at(&second, &desk.world) && webhook.verify_at(&third, &desk.world));
        assert_eq!(header(&webhook, "webhook-signature").split(' ').count(), 1);
        let shown = desk.admin.get(&format!("/v1/webhook-endpoints/{endpoint}")).await.expect(200);
        assert!(!shown.text.contains("whsec_"), "{}", shown.text);
        desk.world.stop().await;
    }
}

/// W8, T8 in small: an endpoint that takes and never answers delays nobody.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stalled_endpoint_delays_nobody() {
    for engine in Engines::available() {
        let mut setup = Setup::new(engine);
        setup.config.webhook_parallel = 4;
        setup.config.drain = Duration::from_millis(100);
        let desk = Desk::open(setup).await;
        let (dead, alive) = (Receiver::start().await, Receiver::start().await);
        dead.stall();
        let (dead_id, _) = desk.endpoint(&dead, &["message.*"]).await;
        desk.endpoint(&alive, &["message.*"]).await;
        for _ in 0..10 {
            desk.send().await;
        }
        let started = std::time::Instant::now();
        heard(&alive, 30).await;
        assert!(started.elapsed() < desk.world.app.config().webhook_timeout / 2, "it waited for the other");
        assert_eq!(desk.deliveries(&dead_id, "pending").await.len(), 30, "none of its own has an end yet");
        desk.world.stop().await;
    }
}
