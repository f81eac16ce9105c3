//! Dry runs: they answer as the send would, and spend nothing.

use gatepost_core::access::Scope;
use gatepost_core::channel::Mode;
use gatepost_testkit::{Answer, Engines, Setup};
use serde_json::{Value, json};

use crate::support::{ANN, Desk, refused};

async fn tried(desk: &Desk, message: &Value) -> Answer {
    let key = [("idempotency-key", "the-one-order")];
    desk.tenant.admin.call("POST", "/v1/messages?dry_run=true", &key, Some(message)).await
}

/// Everything that a send could have changed.
async fn rows(desk: &Desk) -> Vec<Vec<String>> {
    let mut rows = desk.world.rows_of(desk.tenant.workspace).await;
    let tables =
        ["message", "job", "usage", "conversation", "policy_event", "event", "idempotency", "risk", "review"];
    tables.iter().map(|table| rows.remove(*table).unwrap()).collect()
}

/// Asks first and sends then; both say the same, and asking changed nothing.
async fn agrees(desk: &Desk, message: &Value, what: &str) -> Value {
    let before = rows(desk).await;
    let told = tried(desk, message).await.expect(200).json();
    assert_eq!(rows(desk).await, before, "{what}");
    let answer = desk.send(message).await;
    match told["action"].as_str().unwrap() {
        "hold" => assert_eq!((answer.status, &answer.json()["state"]), (202, &json!("held")), "{what}"),
        "allow" => assert_eq!(answer.status, 202, "{what}: {told} but {}", answer.text),
        _ => assert_eq!(
            (&told["code"], &told["detail"]),
            (&answer.json()["code"], &answer.json()["detail"]),
            "{what}"
        ),
    }
    told
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dry_run_agrees_with_the_send_and_spends_nothing() {
    for engine in Engines::available() {
        let mut setup = Setup::new(engine);
        setup.workers = false;
        let desk = Desk::open(setup).await;
        let owner = desk.owner().await;
        let allowed = agrees(&desk, &desk.message(ANN, "support"), "a message").await;
        assert_eq!(
            (&allowed["action"], &allowed["channel_id"], &allowed["rules"]),
            (&json!("allow"), &json!(desk.channel), &json!([]))
        );
        assert!(allowed["code"].is_null() && allowed["risk_score"].is_u64());
        for purpose in ["marketing", "authentication"] {
            let told = agrees(&desk, &desk.message(ANN, purpose), purpose).await;
            assert_eq!(
                (&told["action"], &told["code"]),
                (&json!("block"), &json!("message_purpose_not_allowed"))
            );
        }
        for (words, action) in
            [("Please send me your password.", "hold"), ("We need your card number and CVV", "block")]
        {
            let mut message = desk.message("+12025550124", "support");
            message["text"] = json!(words);
            let told = agrees(&desk, &message, words).await;
            assert_eq!(
                (&told["action"], &told["rules"][0]["rule"]),
                (&json!(action), &json!("credential_request"))
            );
        }
        desk.set(&json!({"frequency_caps": [{"messages": 2, "hours": 1}]})).await.expect(200);
        assert_eq!(
            agrees(&desk, &desk.message(ANN, "support"), "the last of a cap").await["action"],
            "allow"
        );
        assert_eq!(agrees(&desk, &desk.message(ANN, "support"), "a cap").await["code"], "frequency_capped");
        desk.set(&json!({})).await.expect(200);
        desk.plan(r#"{"limits":{"workspace_day":4}}"#).await;
        assert_eq!(
            agrees(&desk, &desk.message(ANN, "support"), "the last of a day").await["action"],
            "allow"
        );
        assert_eq!(agrees(&desk, &desk.message(ANN, "support"), "a quota").await["code"], "quota_exceeded");
        let pause = json!({"scope": "workspace", "reason": "Wrong prices in the reminders"});
        owner.post("/v1/pauses", &pause).await.expect(201);
        assert_eq!(agrees(&desk, &desk.message(ANN, "support"), "a pause").await["code"], "sending_paused");
        desk.close().await;
    }
}

/// What is none of the guard's is answered as a send would be.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dry_run_is_for_whoever_may_send() {
    for engine in Engines::available() {
        let mut setup = Setup::new(engine);
        setup.workers = false;
        let desk = Desk::open(setup).await;
        let message = desk.message(ANN, "support");
        let reader = desk.world.key(desk.tenant.workspace, Mode::Test, &[Scope::Read]).await;
        let reader = desk.tenant.admin.with_key(Some(&reader));
        refused(&reader.post("/v1/messages?dry_run=true", &message).await, 403, "permission_missing");
        refused(
            &desk.tenant.admin.post("/v1/messages?dry_run=yes", &message).await,
            400,
            "invalid_parameter",
        );
        for (member, value) in [
            ("to", json!("12")),
            ("reply_to", json!("msg_01kagq5rh8e5htqh9sk95d3x4w")),
            ("channel_id", json!("chn_01kagq5rh8e5htqh9sk95d3x4w")),
        ] {
            let mut wrong = message.clone();
            wrong[member] = value;
            let (asked, sent) = (tried(&desk, &wrong).await, desk.send(&wrong).await);
            assert_eq!((asked.status, asked.code()), (sent.status, sent.code()), "{member}: {}", asked.text);
            assert!(asked.status >= 400);
        }
        // The key of a dry run is free for the send.
        tried(&desk, &message).await.expect(200);
        let key = [("idempotency-key", "the-one-order")];
        let sent = desk.tenant.admin.call("POST", "/v1/messages", &key, Some(&message)).await.expect(202);
        assert!(sent.headers.get("idempotency-replayed").is_none());
        desk.close().await;
    }
}
