//! One delivery that is retried, one event that is resent.

use std::time::Duration;

use gatepost_core::access::Scope;
use gatepost_core::channel::Mode;
use gatepost_testkit::{Engines, Receiver, eventually};
use serde_json::json;

use crate::support::{Desk, accepted};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_delivery_is_retried() {
    for engine in Engines::available() {
        let desk = Desk::open(engine).await;
        let receiver = Receiver::start().await;
        let endpoint = desk.endpoint(&receiver).await;
        receiver.answer_always(500);
        desk.hear(1).await;
        let waiting = desk.settled(&endpoint, "failed", 1).await.remove(0);
        assert_eq!((&waiting["waits_for"], &waiting["attempts"]), (&json!("schedule"), &json!(1)));
        assert!(waiting["next_attempt_at"].is_string() && waiting["next_action"].is_string());
        let path = format!("/v1/webhook-endpoints/{endpoint}/deliveries/{}", waiting["id"].as_str().unwrap());
        assert_eq!(desk.admin.get(&path).await.expect(200).json()["id"], waiting["id"]);

        // One that waits goes now, on the schedule that it is on.
        let retried = desk.admin.call("POST", &format!("{path}/retry"), &[], None).await.expect(202);
        assert_eq!(retried.headers["location"], path);
        let twice = eventually("a second attempt", async || {
            let found = desk.admin.get(&path).await.expect(200).json();
            (found["attempts"] == 2).then_some(found)
        })
        .await;
        assert_eq!(twice["state"], "failed");

        // One whose schedule is spent begins a new one: a failure now is followed by another attempt.
        desk.spend(&endpoint, 1).await;
        let dead = desk.admin.get(&path).await.expect(200).json();
        desk.enable(&endpoint, true).await;
        let spent = dead["attempts"].as_i64().unwrap();
        desk.admin.post(&format!("{path}/retry"), &json!({})).await.expect(202);
        let failed = desk.settled(&endpoint, "failed", 1).await.remove(0);
        assert_eq!((&failed["attempts"], &failed["waits_for"]), (&json!(spent + 1), &json!("schedule")));
        receiver.answer_always(200);
        desk.world.clock.advance(Duration::from_secs(10));
        let sent = desk.settled(&endpoint, "sent", 1).await.remove(0);
        assert_eq!((&sent["attempts"], &sent["next_action"]), (&json!(spent + 2), &json!(null)));

        // One that arrived goes again; the same request under the same key once.
        let key = [("idempotency-key", "again")];
        for replayed in [false, true] {
            let answer =
                desk.admin.call("POST", &format!("{path}/retry"), &key, Some(&json!({}))).await.expect(202);
            assert_eq!(answer.headers.contains_key("idempotency-replayed"), replayed);
            assert_eq!(answer.json()["state"], "pending");
        }
        eventually("the third time", async || {
            (desk.settled(&endpoint, "sent", 1).await[0]["attempts"] == spent + 3).then_some(())
        })
        .await;
        let mut hooks = receiver.received();
        let first = hooks.remove(0);
        assert!(
            hooks
                .iter()
                .all(|h| h.headers["webhook-id"] == first.headers["webhook-id"] && h.body == first.body)
        );
        assert_eq!(hooks.len() + 1, usize::try_from(spent + 3).unwrap());

        // Nothing goes to an endpoint that is off, and its owner learns what to do.
        desk.enable(&endpoint, false).await;
        let refused = desk.admin.post(&format!("{path}/retry"), &json!({})).await;
        assert_eq!((refused.status, refused.code().as_str()), (409, "endpoint_disabled"));
        assert!(refused.text.contains("enable the endpoint"), "{}", refused.text);
        desk.enable(&endpoint, true).await;

        // Nor without content.
        desk.world.clock.advance(Duration::from_hours(73));
        desk.world.app.retain().await.unwrap();
        let refused = desk.admin.post(&format!("{path}/retry"), &json!({})).await;
        assert_eq!((refused.status, refused.code().as_str()), (410, "event_content_expired"));
        assert_eq!(desk.admin.get(&path).await.expect(200).json()["replayable"], false);
        let wrong = desk.admin.post(&format!("{path}/retry"), &json!({"now": true})).await;
        assert_eq!(wrong.status, 422, "{}", wrong.text);
        desk.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_event_is_resent() {
    for engine in Engines::available() {
        let desk = Desk::open(engine).await;
        let (one, two, deaf, off) = (
            Receiver::start().await,
            Receiver::start().await,
            Receiver::start().await,
            Receiver::start().await,
        );
        let (first, off_id) = (desk.endpoint(&one).await, desk.endpoint(&off).await);
        let body = json!({"url": deaf.url, "events": ["message.sent"]});
        let deaf_id = desk.admin.post("/v1/webhook-endpoints", &body).await.expect(201).json();
        let deaf_id = deaf_id["id"].as_str().unwrap();
        desk.hear(1).await;
        let sent = desk.settled(&first, "sent", 1).await.remove(0);
        desk.settled(&off_id, "sent", 1).await;
        desk.enable(&off_id, false).await;
        // This one is younger than the event.
        let second = desk.endpoint(&two).await;
        let path = format!("/v1/events/{}/resend", sent["event_id"].as_str().unwrap());
        let resent = desk.admin.call("POST", &path, &[], None).await.expect(202).json();
        let mut to: Vec<&str> = resent["deliveries"]
            .as_array()
            .unwrap()
            .iter()
            .map(|d| d["endpoint_id"].as_str().unwrap())
            .collect();
        to.sort_unstable();
        let mut wanted = [first.as_str(), second.as_str()];
        wanted.sort_unstable();
        assert_eq!(to, wanted, "the enabled ones that take it");
        desk.settled(&second, "sent", 1).await;
        eventually("the second time", async || (one.received().len() == 2).then_some(())).await;
        assert_eq!((two.received().len(), deaf.received().len(), off.received().len()), (1, 0, 1));
        assert_eq!(two.received()[0].body, one.received()[0].body);

        // A named one gets it whatever its filter says, unless it is off.
        let named = desk.admin.post(&path, &json!({"endpoint_id": deaf_id})).await.expect(202).json();
        assert_eq!(named["deliveries"].as_array().unwrap().len(), 1);
        desk.settled(deaf_id, "sent", 1).await;
        assert_eq!(accepted(&deaf), accepted(&two));
        let refused = desk.admin.post(&path, &json!({"endpoint_id": off_id})).await;
        assert_eq!(refused.code(), "endpoint_disabled");
        let unknown = desk.admin.post(&path, &json!({"endpoint_id": "whk_01kagq5rh8e5htqh9sk95d3x4w"})).await;
        assert_eq!((unknown.status, &unknown.json()["errors"][0]["pointer"]), (422, &json!("/endpoint_id")));
        let gone = desk.admin.post("/v1/events/evt_01kagq5rh8e5htqh9sk95d3x4w/resend", &json!({})).await;
        assert_eq!(gone.status, 404);

        // Who may read events and nothing more sends nothing.
        let reader = desk.world.key(desk.workspace, Mode::Live, &[Scope::Read]).await;
        let reader = desk.world.nobody().with_key(Some(&reader));
        assert_eq!(reader.post(&path, &json!({})).await.code(), "permission_missing");
        let test = desk.world.key(desk.workspace, Mode::Test, &[Scope::Admin]).await;
        let test = desk.world.nobody().with_key(Some(&test));
        assert_eq!(test.post(&path, &json!({})).await.status, 404, "the other mode's");
        desk.stop().await;
    }
}
