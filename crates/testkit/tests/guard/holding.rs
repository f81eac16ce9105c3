//! From a rule that speaks to somebody's decision: held, told of, let go or given up.

use std::time::Duration;

use gatepost_core::access::Role;
use gatepost_testkit::{Engines, Setup, eventually};
use serde_json::{Value, json};

use crate::support::{ANN, Desk, id, refused};

const ASKS: &str = "Please send me your password.";
const TAKES: &str = "To release your parcel we need your card number and CVV";

fn saying(desk: &Desk, words: &str) -> Value {
    let mut message = desk.message(ANN, "support");
    message["text"] = json!(words);
    message
}

/// The review of a message.
async fn review_of(desk: &Desk, message: &str) -> String {
    let open = desk.tenant.admin.get("/v1/reviews").await.expect(200).json();
    let found = open["data"].as_array().unwrap().iter().find(|review| review["message_id"] == message);
    id(found.unwrap())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_rule_holds_waits_for_a_person() {
    for engine in Engines::available() {
        let desk = Desk::open(Setup::new(engine)).await;
        let admin = desk.caller(Role::Admin).await;
        let key = [("idempotency-key", "the-one-order")];
        let message = saying(&desk, ASKS);
        let send = async || {
            desk.tenant.admin.call("POST", "/v1/messages", &key, Some(&message)).await.expect(202).json()
        };
        let held = send().await;
        assert_eq!((&held["state"], &held["error"]["code"]), (&json!("held"), &json!("risk_held")), "{held}");
        // Asked again under its key it is the same answer, held as it was.
        assert_eq!(send().await, held);
        let held = id(&held);
        let review = review_of(&desk, &held).await;
        let news = eventually("the news of it", async || desk.receiver.of_type("policy.held").pop()).await;
        let policy = news.json()["data"]["policy"].clone();
        assert_eq!(
            (&policy["message_id"], &policy["review_id"], &policy["rules"]),
            (&json!(held), &json!(review), &json!(["credential_request"]))
        );
        assert!(
            !news.json().to_string().contains("password") && !news.json().to_string().contains("2025550123")
        );
        assert_eq!(desk.decisions().await[0]["decision"], "hold");
        assert_eq!(desk.read(&held).await["state"], "held");
        let why = json!({"reason": "It is the hint of our own help page"});
        admin.post(&format!("/v1/reviews/{review}/approve"), &why).await.expect(200);
        let read = desk.reaches(&held, "read").await;
        assert!(read["error"].is_null(), "what it waited for is over: {read}");

        // Worse words are not even held.
        let blocked = desk.send(&saying(&desk, TAKES)).await;
        refused(&blocked, 422, "risk_blocked");
        let details = &blocked.json()["details"];
        assert_eq!(details["rules"][0]["rule"], "credential_request", "{details}");
        assert!(details["risk_score"].as_u64().unwrap() >= 90, "{details}");
        desk.sent(&saying(&desk, "Your table is ready.")).await;
        desk.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nobody_looks_at_expires_and_gives_its_unit_back() {
    for engine in Engines::available() {
        let desk = Desk::open(Setup::new(engine)).await;
        let held = desk.sent(&saying(&desk, ASKS)).await;
        let review = review_of(&desk, &held).await;
        assert_eq!(desk.used().await, 1);
        desk.world.clock.advance(Duration::from_hours(72) + Duration::from_secs(1));
        let over = desk.reaches(&held, "expired").await;
        assert_eq!(over["error"]["code"], "message_expired");
        let review = desk.tenant.admin.get(&format!("/v1/reviews/{review}")).await.expect(200).json();
        assert_eq!(review["state"], "expired");
        assert!(desk.receiver.of_type("message.expired").len() <= 1);
        desk.close().await;
    }
}
