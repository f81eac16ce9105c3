//! What receivers answered: redacted, sealed, and not for everybody.

use gatepost_core::access::Scope;
use gatepost_core::channel::Mode;
use gatepost_store::engine::{Error, Lane, Stmt, Tx, Value as Column};
use gatepost_testkit::{Client, Engines, Receiver};
use serde_json::{Value, json};

use crate::support::Desk;

static SPOIL: Stmt = Stmt::same("SPOIL", "UPDATE attempt SET snippet = $2 WHERE workspace_id = $1");

async fn attempt(caller: &Client, endpoint: &str, delivery: &Value) -> Value {
    let path = format!("/v1/webhook-endpoints/{endpoint}/deliveries/{}", delivery["id"].as_str().unwrap());
    let attempts = caller.get(&format!("{path}/attempts")).await.expect(200).json();
    let last = attempts["data"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(caller.get(&path).await.expect(200).json()["last_attempt"], last, "both say the same");
    last
}

/// W6 of the bar: the words of a stranger, with what is nobody's business taken out.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_are_redacted() {
    const SECRETS: [&str; 9] = [
        "s3cr3tb34r3r",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "gp_live_0123456789abcdef",
        "ada@example.com",
        "+1 202 555 0123",
        "0f1e2d3c4b5a69788796a5b4c3d2e1f0",
        "sid=abc123",
        "hunter2",
        "dXNlcjpodW50ZXIyaHVudGVyMg",
    ];
    for engine in Engines::available() {
        let desk = Desk::open(engine).await;
        let receiver = Receiver::start().await;
        let endpoint = desk.endpoint(&receiver).await;
        receiver.say(
            "no: Authorization: Bearer s3cr3tb34r3r\nkey whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw or gp_live_0123456789abcdef \
             of ada@example.com, call +1 202 555 0123, hash 0f1e2d3c4b5a69788796a5b4c3d2e1f0 \u{1b}[31m\0 \
             {\"password\": \"hunter2\"} dXNlcjpodW50ZXIyaHVudGVyMg== Set-Cookie: sid=abc123; HttpOnly",
        );
        receiver.answer_always(500);
        desk.hear(1).await;
        let delivery = desk.settled(&endpoint, "failed", 1).await.remove(0);
        let last = attempt(&desk.admin, &endpoint, &delivery).await;
        let text = last["response_snippet"].as_str().unwrap();
        assert_eq!(last["response"], "shown");
        assert!(text.starts_with("no: ") && text.contains("[redacted]"), "{text}");
        assert!(text.chars().all(|c| !c.is_control() || c == '\n'), "{text:?}");
        for secret in SECRETS {
            assert!(!text.contains(secret), "{secret} in {text}");
        }
        assert_eq!((&last["status"], &last["decision"]), (&json!(500), &json!("allow")));

        // Who may see deliveries is not by that who may see answers.
        for (scope, response) in [(Scope::Webhooks, "hidden"), (Scope::Admin, "shown")] {
            let key = desk.world.key(desk.workspace, Mode::Live, &[scope]).await;
            let seen = attempt(&desk.world.nobody().with_key(Some(&key)), &endpoint, &delivery).await;
            assert_eq!(seen["response"], response);
            assert_eq!(seen["response_snippet"].is_null(), response == "hidden", "{seen}");
            assert_eq!(seen["status"], 500);
        }

        // What was changed where it lies is shown as that, and spoils nothing else.
        let workspace = desk.workspace.uuid();
        let write = async move |tx: &Tx<'_>| -> Result<(), Error> {
            tx.execute(&SPOIL, &[Column::Uuid(workspace), Column::Bytes(&[7; 80])]).await.map(drop)
        };
        desk.world.store.engine().write(Lane::Workspace(workspace), write).await.unwrap();
        receiver.say("");
        desk.hear(1).await;
        let both = desk.settled(&endpoint, "failed", 2).await;
        let of = |d: &Value| d["last_attempt"]["response"].clone();
        assert_eq!(both.iter().map(of).collect::<Vec<_>>(), [json!("none"), json!("unreadable")]);
        assert_eq!(attempt(&desk.admin, &endpoint, &delivery).await["response_snippet"], Value::Null);
        desk.stop().await;
    }
}

/// An answer without end is kept as its first kilobyte.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_are_short() {
    for engine in Engines::available() {
        let desk = Desk::open(engine).await;
        let receiver = Receiver::start().await;
        let endpoint = desk.endpoint(&receiver).await;
        receiver.say(&"word ".repeat(100_000));
        desk.hear(1).await;
        let delivery = desk.settled(&endpoint, "sent", 1).await.remove(0);
        let text = delivery["last_attempt"]["response_snippet"].as_str().unwrap().to_owned();
        assert!((1_000..=1_024).contains(&text.len()), "{}", text.len());
        desk.stop().await;
    }
}
