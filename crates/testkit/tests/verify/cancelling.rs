//! Taking a verification back, and codes that still wait to be sent.

use gatepost_testkit::{Engines, eventually};
use serde_json::{Value, json};

use crate::support::{Stage, path};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_cancelled_is_over() {
    for engine in Engines::available() {
        let stage = Stage::start(engine).await;
        let begun = stage.begin(json!({})).await;
        let code = stage.code(&begun).await;
        let cancelled = stage.live.admin.delete(&path(&begun)).await.expect(200).json();
        assert_eq!((&cancelled["status"], &cancelled["attempts_left"]), (&json!("cancelled"), &json!(0)));
        assert_eq!(stage.check(&begun, &code).await.expect(422).code(), "verification_cancelled");
        assert_eq!(stage.resend(&begun).await.expect(409).code(), "verification_not_pending");
        let again = stage.live.admin.delete(&path(&begun)).await.expect(409);
        assert_eq!(again.json()["details"], json!({"state": "cancelled"}));
        assert_eq!(stage.told(&begun).await, ["verification.created"], "whoever cancels knows");
        stage.stop().await;
    }
}

/// Whom no message reaches: Meta refuses each for now, and it waits.
const AWAY: &str = "+12025550106";

/// A code that Meta did not take yet is not sent once another has taken its place, or nobody waits for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_that_waits_is_withdrawn() {
    for engine in Engines::available() {
        let stage = Stage::start(engine).await;
        let begin = async || {
            let begun = stage.begin(json!({"ttl": 600, "to": AWAY})).await;
            eventually("a message to wait", async || {
                stage.message(&begun).await["error"].is_object().then_some(())
            })
            .await;
            begun
        };
        let gone = async |verification: &Value| {
            eventually("a message to be withdrawn", async || {
                (stage.message(verification).await["state"] == "expired").then_some(())
            })
            .await;
        };
        let begun = begin().await;
        let usage = async || {
            let usage = stage.live.admin.get("/v1/usage").await.expect(200).json();
            usage.to_string()
        };
        let before = usage().await;
        stage.live.admin.delete(&path(&begun)).await.expect(200);
        gone(&begun).await;
        assert_ne!(usage().await, before, "its unit is given back");
        let replaced = begin().await;
        stage.advance(30);
        let again = stage.resend(&replaced).await.expect(200).json();
        gone(&replaced).await;
        stage.live.admin.delete(&path(&again)).await.expect(200);
        gone(&again).await;
        let blocked = begin().await;
        stage.advance(1);
        for _ in 0..5 {
            stage.check(&blocked, "123").await.expect(422);
            stage.check(&blocked, "0000").await.expect(422);
        }
        assert_eq!(stage.get(&blocked).await["status"], "blocked");
        // Its next try finds that nobody waits for it.
        stage.advance(590);
        gone(&blocked).await;
        stage.stop().await;
    }
}
