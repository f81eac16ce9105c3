//! Tests of one endpoint: they go there and nowhere else, and wait for nothing.

use gatepost_testkit::{Engines, Receiver, eventually};
use serde_json::{Value, json};

use crate::support::{Desk, header, heard, id_of, parsed, path, secret_of};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_test_reaches_its_endpoint_alone_whatever_it_wants_to_hear() {
    for engine in Engines::available() {
        let desk = Desk::open(engine).await;
        let (one, all, family) = (Receiver::start().await, Receiver::start().await, Receiver::start().await);
        let made = desk.endpoint(&one, json!({"events": ["message.read"], "channels": [desk.channel]})).await;
        desk.endpoint(&all, json!({})).await;
        desk.endpoint(&family, json!({"events": ["endpoint.*", "endpoint.test"]})).await;
        let id = id_of(&made);
        let answer = desk.try_out(&id).await.expect(202);
        let delivery = answer.json();
        assert_eq!(
            (&delivery["event_type"], &delivery["state"]),
            (&json!("endpoint.test"), &json!("pending"))
        );
        let attempts = desk.attempts(&id, &delivery).await;
        assert_eq!(
            answer.headers["location"].to_str().unwrap(),
            format!("{}/deliveries/{}/attempts", path(&id), delivery["id"].as_str().unwrap())
        );
        assert_eq!((&attempts[0]["status"], &attempts[0]["decision"]), (&json!(200), &json!("allow")));
        assert!(attempts[0]["address"].as_str().unwrap().starts_with("127.0.0.1"));
        let webhook = heard(&one, 1).await.pop().unwrap();
        assert!(webhook.verify(&secret_of(&made)));
        assert_eq!(
            (webhook.event_type(), header(&webhook, "x-gatepost-event")),
            ("endpoint.test".to_owned(), "endpoint.test")
        );
        assert_eq!(webhook.json()["data"]["endpoint"]["id"], id);
        assert!(!String::from_utf8_lossy(&webhook.body).contains(&one.url), "no URL in what goes out");
        let sent = desk.admin.get(&format!("{}/deliveries?state=sent", path(&id))).await.expect(200).json();
        assert_eq!(sent["data"][0]["id"], delivery["id"]);
        // What follows is ordinary again, and the others have heard of that alone.
        desk.send().await;
        heard(&all, 3).await;
        assert!(all.of_type("endpoint.test").is_empty());
        heard(&one, 2).await;
        assert!(family.received().is_empty());
        desk.world.stop().await;
    }
}

/// Disabled, stalled, with a queue: a test goes through, and says what the receiver says.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_test_waits_for_nothing() {
    for engine in Engines::available() {
        let desk = Desk::open(engine).await;
        let receiver = Receiver::start().await;
        let made = desk.endpoint(&receiver, json!({"events": ["message.*"]})).await;
        let id = id_of(&made);
        receiver.answer_with(&[500, 500, 500]);
        desk.send().await;
        heard(&receiver, 3).await;
        desk.change(&id, json!({"enabled": false})).await;
        receiver.answer_with(&[410]);
        let delivery = desk.try_out(&id).await.expect(202).json();
        let attempts = desk.attempts(&id, &delivery).await;
        assert_eq!((attempts.len(), &attempts[0]["status"]), (1, &json!(410)));
        let read = eventually("the test's end", async || {
            let dead =
                desk.admin.get(&format!("{}/deliveries?state=dead", path(&id))).await.expect(200).json();
            let over = dead["data"].as_array().unwrap().iter().any(|d| d["id"] == delivery["id"]);
            if over { Some(desk.read(&id).await) } else { None }
        })
        .await;
        // It failed, and counts for nothing: no dead letter to replay, no other reason to be off.
        assert_eq!((&read["disabled_reason"], &read["dead_letters"]), (&json!("owner"), &json!(0)));
        let delivery = desk.try_out(&id).await.expect(202).json();
        assert_eq!(desk.attempts(&id, &delivery).await[0]["status"], 200);
        assert_eq!(
            desk.read(&id).await["enabled"],
            false,
            "it says that it answers; switching it on is its owner's"
        );
        desk.world.clock.advance(std::time::Duration::from_hours(100));
        assert_eq!(receiver.of_type("endpoint.test").len(), 2, "one attempt each");
        desk.world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_test_at_a_time_and_one_for_each_key() {
    for engine in Engines::available() {
        let mut setup = gatepost_testkit::Setup::new(engine);
        setup.config.webhook_timeout = std::time::Duration::from_millis(700);
        let desk = Desk::with(setup).await;
        let (receiver, stalled) = (Receiver::start().await, Receiver::start().await);
        let id = id_of(&desk.endpoint(&receiver, json!({})).await);
        let test = format!("{}/test", path(&id));
        let keyed = [("idempotency-key", "test-1")];
        let first = desk.admin.raw("POST", &test, &keyed, None).await.expect(202);
        desk.attempts(&id, &first.json()).await;
        let again = desk.admin.raw("POST", &test, &keyed, None).await.expect(202);
        assert_eq!(
            (&again.text, again.headers["idempotency-replayed"].to_str().unwrap()),
            (&first.text, "true")
        );
        heard(&receiver, 1).await;
        stalled.stall();
        let stuck = id_of(&desk.endpoint(&stalled, json!({})).await);
        let delivery = desk.try_out(&stuck).await.expect(202).json();
        assert_eq!(desk.try_out(&stuck).await.expect(409).code(), "endpoint_test_running");
        // Its attempt ends with the time limit, and another may follow.
        let attempts = desk.attempts(&stuck, &delivery).await;
        assert!(attempts[0]["status"].is_null() && attempts[0]["error"].is_string());
        eventually("room for another test", async || {
            (desk.try_out(&stuck).await.status == 202).then_some(())
        })
        .await;
        assert_eq!(receiver.received().len(), 1);
        // A body may be left out or be empty, and holds nothing.
        let keys = desk.admin.post(&test, &json!({"all": true})).await.expect(422);
        assert_eq!(keys.json()["errors"][0]["pointer"], "/all");
        desk.world.stop().await;
    }
}

/// A test that succeeds ends the pause of an endpoint that was failing: what waits goes out.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_success_ends_the_pause_of_a_failing_endpoint() {
    for engine in Engines::available() {
        let desk = Desk::open(engine).await;
        let receiver = Receiver::start().await;
        receiver.answer_with(&[500]);
        let settings = json!({"events": ["message.sent"], "retry_schedule": [86_400]});
        let id = id_of(&desk.endpoint(&receiver, settings).await);
        desk.send().await;
        eventually("a failed delivery", async || {
            let failed =
                desk.admin.get(&format!("{}/deliveries?state=failed", path(&id))).await.expect(200).json();
            (failed["data"].as_array().unwrap().len() == 1).then_some(())
        })
        .await;
        let (scope, endpoint) = (desk.scope().await, parsed(&id));
        let now = gatepost_core::Clock::now(desk.world.clock.as_ref());
        let health = gatepost_store::EndpointHealth { failing_since: Some(now), failures: 1, probe_at: None };
        desk.world
            .store
            .write(scope, async move |tx| {
                tx.endpoint_health_set(endpoint, health).await?;
                tx.commit(gatepost_core::audit::Audit::None("a test"), ())
            })
            .await
            .unwrap();
        let delivery = desk.try_out(&id).await.expect(202).json();
        desk.attempts(&id, &delivery).await;
        heard(&receiver, 3).await;
        eventually("health", async || (desk.read(&id).await["health"]["state"] == "healthy").then_some(()))
            .await;
        assert_eq!(desk.read(&id).await["next_action"], Value::Null);
        desk.world.stop().await;
    }
}

/// A test that is under way is sent once, whatever else is asked for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_test_under_way_is_not_sent_again() {
    for engine in Engines::available() {
        let mut setup = gatepost_testkit::Setup::new(engine);
        setup.config.webhook_timeout = std::time::Duration::from_secs(2);
        let desk = Desk::with(setup).await;
        let receiver = Receiver::start().await;
        receiver.stall();
        let id = id_of(&desk.endpoint(&receiver, json!({})).await);
        let delivery = desk.try_out(&id).await.expect(202).json();
        let retry = format!("{}/deliveries/{}/retry", path(&id), delivery["id"].as_str().unwrap());
        assert_eq!(desk.admin.post(&retry, &json!({})).await.expect(409).code(), "endpoint_test_running");
        let resend = format!("/v1/events/{}/resend", delivery["event_id"].as_str().unwrap());
        let named = desk.admin.post(&resend, &json!({"endpoint_id": id})).await.expect(409);
        assert_eq!(named.code(), "endpoint_test_running");
        assert_eq!(desk.attempts(&id, &delivery).await.len(), 1);
        eventually("nothing more to do", async || (desk.world.work_left().await == 0).then_some(())).await;
        assert_eq!(desk.attempts(&id, &delivery).await.len(), 1);
        desk.world.stop().await;
    }
}
