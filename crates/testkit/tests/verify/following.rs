//! What becomes of the message becomes of the verification.

use gatepost_testkit::{Engines, eventually};
use serde_json::json;

use crate::support::{Stage, talking};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sent_delivered_and_approved() {
    for engine in Engines::available() {
        let stage = Stage::bare(engine, talking()).await;
        stage.template("sign_in", "en_US", None).await;
        let begun = stage.begin(json!({})).await;
        let delivered = stage.hears(&begun, "verification.delivered").await;
        let news = &delivered["data"]["verification"];
        assert_eq!((&news["state"], &news["attempts_left"]), (&json!("pending"), &json!(5)));
        assert_eq!((&news["phone"], &news["message_id"]), (&json!("+12025550177"), &begun["message_id"]));
        let now = stage.get(&begun).await;
        assert!(now["sent_at"].is_string() && now["delivered_at"].is_string(), "{now}");
        let message = eventually("a read message", async || {
            let message = stage.message(&begun).await;
            (message["state"] == "read").then_some(message)
        })
        .await;
        assert_eq!((&message["text"], &message["content"]), (&json!(null), &json!(null)));
        let code = stage.code(&begun).await;
        stage.check(&begun, &code).await.expect(200);
        let told = stage.told(&begun).await;
        assert_eq!(
            told,
            ["verification.created", "verification.sent", "verification.delivered", "verification.approved"]
        );
        stage.stop().await;
    }
}

/// Who is not on WhatsApp gets no code, and whoever waits for it hears so.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_that_does_not_arrive_fails() {
    for engine in Engines::available() {
        let stage = Stage::bare(engine, talking()).await;
        stage.template("sign_in", "en_US", None).await;
        let begun = stage.begin(json!({"to": "+12025550102"})).await;
        let code = stage.code(&begun).await;
        let failed = stage.hears(&begun, "verification.failed").await;
        assert_eq!(failed["data"]["verification"]["reason"], "number_unreachable");
        let now = stage.get(&begun).await;
        assert_eq!((&now["status"], &now["reason"]), (&json!("failed"), &json!("number_unreachable")));
        assert_eq!(stage.check(&begun, &code).await.expect(422).code(), "verification_failed");
        assert_eq!(stage.resend(&begun).await.expect(409).code(), "verification_not_pending");
        assert_eq!(stage.told(&begun).await.last().unwrap(), "verification.failed");
        stage.stop().await;
    }
}
