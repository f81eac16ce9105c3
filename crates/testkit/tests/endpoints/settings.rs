//! What an endpoint is set up with comes back as it was given, arrives where it should, and nothing secret comes back.

use gatepost_core::endpoint::DisabledReason;
use gatepost_store::EndpointHealth;
use gatepost_testkit::{Engines, Receiver};
use serde_json::{Value, json};

use crate::support::{Desk, ENDPOINTS, header, heard, id_of, parsed, path, secret_of};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settings_come_back_and_take_effect() {
    for engine in Engines::available() {
        let desk = Desk::open(engine).await;
        let receiver = Receiver::start().await;
        let made = desk
            .endpoint(
                &receiver,
                json!({
                    "description": "orders", "events": ["message.sent"], "channels": [desk.channel],
                    "headers": {"Authorization": "Bearer s3cret-of-the-receiver", "X-Team": "shop"},
                    "metadata": {"team": "shop", "größe": "zwölf"}, "order": "ordered",
                    "retry_schedule": [5, 300], "ed25519": true,
                }),
            )
            .await;
        let id = id_of(&made);
        let read = desk.read(&id).await;
        for shown in [&made, &read] {
            assert_eq!(shown["header_names"], json!(["authorization", "x-team"]));
            assert_eq!(shown["metadata"], json!({"team": "shop", "größe": "zwölf"}));
            assert_eq!((&shown["order"], &shown["retry_schedule"]), (&json!("ordered"), &json!([5, 300])));
            assert_eq!((&shown["channels"], &shown["ed25519"]), (&json!([desk.channel]), &json!(true)));
            let healthy =
                json!({"state": "healthy", "failing_since": null, "failures": 0, "next_probe_at": null});
            assert_eq!((&shown["health"], &shown["next_action"]), (&healthy, &Value::Null));
            assert!(shown["public_key"].as_str().unwrap().starts_with("whpk_"));
            assert!(!shown.to_string().contains("s3cret-of-the-receiver"));
        }
        assert!(read.get("secret").is_none() && !read.to_string().contains("whsec_"));
        let list = desk.admin.get(ENDPOINTS).await.expect(200);
        assert!(!list.text.contains("whsec_") && !list.text.contains("s3cret"));
        assert_eq!(list.json()["data"][0]["dead_letters"], Value::Null);
        assert_eq!(receiver.received().len(), 0, "making one sends nothing");

        desk.send().await;
        let webhook = heard(&receiver, 1).await.pop().unwrap();
        assert_eq!(header(&webhook, "authorization"), "Bearer s3cret-of-the-receiver");
        assert_eq!(header(&webhook, "x-team"), "shop");
        assert!(webhook.verify(&secret_of(&made)));

        // What is left out stays, what is given replaces, null clears.
        let changed = desk.change(&id, json!({"headers": {"x-new": "1"}, "description": "x"})).await;
        assert_eq!(
            (&changed["header_names"], &changed["metadata"]["team"]),
            (&json!(["x-new"]), &json!("shop"))
        );
        let changed = desk
            .change(&id, json!({"headers": null, "metadata": null, "retry_schedule": null, "channels": null}))
            .await;
        assert_eq!((&changed["header_names"], &changed["metadata"]), (&json!([]), &json!({})));
        assert_eq!((&changed["retry_schedule"], &changed["channels"]), (&Value::Null, &json!([])));
        assert_eq!(changed["description"], "x");
        let changed =
            desk.change(&id, json!({"retry_schedule": [], "order": "parallel", "headers": {}})).await;
        assert_eq!((&changed["retry_schedule"], &changed["order"]), (&json!([]), &json!("parallel")));
        desk.send().await;
        let webhook = heard(&receiver, 2).await.pop().unwrap();
        assert_eq!((header(&webhook, "authorization"), header(&webhook, "x-team")), ("", ""));
        desk.world.stop().await;
    }
}

/// An endpoint without retries gives up after its one attempt; one with a schedule of its own keeps to that.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn its_own_schedule_holds() {
    for engine in Engines::available() {
        let desk = Desk::open(engine).await;
        let (once, twice) = (Receiver::start().await, Receiver::start().await);
        once.answer_with(&[500]);
        twice.answer_with(&[500, 500]);
        let filter = json!(["message.sent"]);
        let once_id = id_of(&desk.endpoint(&once, json!({"events": filter, "retry_schedule": []})).await);
        let twice_id =
            id_of(&desk.endpoint(&twice, json!({"events": filter, "retry_schedule": [3600]})).await);
        desk.send().await;
        heard(&once, 1).await;
        heard(&twice, 1).await;
        let state = async |id: &str, wanted: &str| {
            let path = format!("{}/deliveries?state={wanted}", path(id));
            gatepost_testkit::eventually(wanted, async || {
                let found = desk.admin.get(&path).await.expect(200).json();
                found["data"].as_array().unwrap().first().cloned()
            })
            .await
        };
        let dead = state(&once_id, "dead").await;
        assert_eq!((&dead["attempts"], &dead["next_attempt_at"]), (&json!(1), &Value::Null));
        let failed = state(&twice_id, "failed").await;
        assert!(failed["next_attempt_at"].is_string());
        desk.world.clock.advance(std::time::Duration::from_mins(10));
        desk.send().await;
        heard(&twice, 2).await;
        assert_eq!(twice.received().len(), 2, "an hour is not over after ten minutes");
        desk.world.clock.advance(std::time::Duration::from_secs(5000));
        desk.send().await;
        heard(&twice, 4).await;
        desk.world.stop().await;
    }
}

/// What went wrong shows with the one thing to do; enabling forgets it and says what can be replayed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn health_shows_and_enabling_begins_anew() {
    for engine in Engines::available() {
        let desk = Desk::open(engine).await;
        let receiver = Receiver::start().await;
        receiver.answer_with(&[500]);
        let made = desk.endpoint(&receiver, json!({"events": ["message.sent"], "retry_schedule": []})).await;
        let id = id_of(&made);
        desk.send().await;
        gatepost_testkit::eventually("a dead letter", async || {
            (desk.read(&id).await["dead_letters"] == 1).then_some(())
        })
        .await;
        let (scope, endpoint) = (desk.scope().await, parsed(&id));
        let now = gatepost_core::Clock::now(desk.world.clock.as_ref());
        let health = EndpointHealth { failing_since: Some(now), failures: 7, probe_at: Some(now) };
        let audit = || gatepost_core::audit::Audit::None("a test");
        let fail = async || {
            desk.world
                .store
                .write(scope, async move |tx| {
                    tx.endpoint_health_set(endpoint, health).await?;
                    tx.commit(audit(), ())
                })
                .await
                .unwrap();
        };
        fail().await;
        let read = desk.read(&id).await;
        assert_eq!((&read["health"]["state"], &read["health"]["failures"]), (&json!("failing"), &json!(7)));
        assert!(read["health"]["next_probe_at"].is_string() && read["next_action"].is_string());
        // Another URL: what was held against the old one is forgotten.
        let moved = desk.change(&id, json!({"url": receiver.url})).await;
        assert_eq!(moved["health"]["state"], "healthy");
        for reason in [DisabledReason::Gone, DisabledReason::Failing] {
            fail().await;
            desk.world
                .store
                .write(scope, async move |tx| {
                    assert!(tx.endpoint_disable(endpoint, reason, now).await?);
                    tx.commit(audit(), ())
                })
                .await
                .unwrap();
            let read = desk.read(&id).await;
            assert_eq!(
                (&read["enabled"], &read["disabled_reason"]),
                (&json!(false), &json!(reason.as_str()))
            );
            assert_eq!(read["health"]["state"], "disabled");
            assert!(read["next_action"].as_str().unwrap().contains("enable"), "{read}");
            // Its owner's switch does not hide why it was off before.
            assert_eq!(desk.change(&id, json!({"enabled": false})).await["disabled_reason"], reason.as_str());
            let on = desk.change(&id, json!({"enabled": true})).await;
            assert_eq!(
                (&on["enabled"], &on["disabled_reason"], &on["disabled_at"]),
                (&json!(true), &Value::Null, &Value::Null)
            );
            assert_eq!((&on["health"]["state"], &on["health"]["failures"]), (&json!("healthy"), &json!(0)));
            assert_eq!((&on["next_action"], &on["dead_letters"]), (&Value::Null, &json!(1)));
        }
        let off = desk.change(&id, json!({"enabled": false})).await;
        assert_eq!((&off["disabled_reason"], &off["next_action"]), (&json!("owner"), &Value::Null));
        desk.world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_workspace_has_so_many_and_no_more() {
    let desk = Desk::open(Engines::Sqlite).await;
    let receiver = Receiver::start().await;
    let mut last = String::new();
    for _ in 0..50 {
        last = id_of(&desk.endpoint(&receiver, json!({})).await);
    }
    let refused = desk.admin.post(ENDPOINTS, &json!({"url": receiver.url})).await.expect(409);
    assert_eq!(refused.code(), "endpoint_limit_reached");
    // Each mode counts for itself, and what is removed makes room.
    let live = desk
        .world
        .key(
            desk.tenant.workspace,
            gatepost_core::channel::Mode::Live,
            &[gatepost_core::access::Scope::Webhooks],
        )
        .await;
    let live = desk.world.nobody().with_key(Some(&live));
    live.post(ENDPOINTS, &json!({"url": receiver.url})).await.expect(201);
    desk.admin.delete(&path(&last)).await.expect(204);
    desk.admin.post(ENDPOINTS, &json!({"url": receiver.url})).await.expect(201);
    desk.world.stop().await;
}

/// The limit holds for two nodes that add at once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn so_many_and_no_more() {
    for engine in Engines::available() {
        let desk = Desk::open(engine).await;
        let other = match engine {
            Engines::Sqlite => None,
            Engines::Postgres => Some(desk.world.another(gatepost_testkit::Setup::new(engine)).await),
        };
        let here = desk.admin.clone();
        let there = other.as_ref().map_or(here.clone(), |node| node.nobody().with_key(here.key()));
        let receiver = Receiver::start().await;
        let body = json!({"url": receiver.url});
        let adding = (0..70).map(|n| {
            let (admin, body) = (if n % 2 == 0 { &here } else { &there }, &body);
            async move { admin.post(ENDPOINTS, body).await.status }
        });
        let answers = futures_util::future::join_all(adding).await;
        assert_eq!(answers.iter().filter(|status| **status == 201).count(), 50, "{answers:?}");
        if let Some(other) = other {
            other.stop().await;
        }
        desk.world.stop().await;
    }
}
