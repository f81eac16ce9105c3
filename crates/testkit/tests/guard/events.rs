//! Every refusal is written down and told of, without the text and without the number.

use gatepost_testkit::{Engines, Setup, eventually};
use serde_json::json;

use crate::support::{ANN, Desk, refused};

const WORDS: &str = "A word that nobody else may read";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn refusals_leave_a_policy_event_and_a_webhook_and_nothing_of_the_message() {
    for engine in Engines::available() {
        let desk = Desk::open(Setup::new(engine)).await;
        let owner = desk.owner().await;
        let send = async |purpose: &str| {
            let mut message = desk.message(ANN, purpose);
            message["text"] = json!(WORDS);
            desk.send(&message).await
        };
        refused(&send("marketing").await, 422, "message_purpose_not_allowed");
        desk.set(&json!({"frequency_caps": [{"messages": 1, "hours": 1}]})).await.expect(200);
        assert_eq!(send("support").await.status, 202);
        refused(&send("support").await, 429, "frequency_capped");
        desk.set(&json!({})).await.expect(200);
        desk.plan(r#"{"purposes":["promotion"],"limits":{"workspace_day":1}}"#).await;
        refused(&send("support").await, 429, "quota_exceeded");
        refused(&send("promotion").await, 422, "consent_required");
        let pause = json!({"scope": "workspace", "reason": "Wrong prices in the reminders"});
        owner.post("/v1/pauses", &pause).await.expect(201);
        refused(&send("support").await, 403, "sending_paused");
        desk.world.as_superuser("UPDATE workspace SET subscription = 4").await;
        refused(&send("support").await, 402, "subscription_suspended");
        desk.world.as_superuser("UPDATE workspace SET subscription = 2").await;

        let codes = [
            "subscription_suspended",
            "sending_paused",
            "consent_required",
            "quota_exceeded",
            "frequency_capped",
            "message_purpose_not_allowed",
        ];
        let decisions = desk.decisions().await;
        let told: Vec<&str> = decisions.iter().map(|d| d["code"].as_str().unwrap()).collect();
        assert_eq!(told, codes, "newest first, each once");
        for decision in &decisions {
            assert_eq!(decision["decision"], "block");
            assert!(
                decision["actor"].as_str().unwrap().starts_with("key_") && decision["message_id"].is_null()
            );
            assert_eq!(decision["channel_id"], json!(desk.channel));
        }
        assert_eq!(
            (&decisions[3]["details"]["limit"], &decisions[3]["purpose"]),
            (&json!(1), &json!("support"))
        );
        let news = eventually("a webhook of each", async || {
            let news = desk.receiver.of_type("policy.blocked");
            (news.len() == codes.len()).then_some(news)
        })
        .await;
        for one in news {
            let data = one.json()["data"]["policy"].clone();
            assert!(decisions.iter().any(|d| d["id"] == data["id"] && d["code"] == data["code"]), "{data}");
        }
        // Neither what was said nor to whom.
        let rows = desk.world.rows_of(desk.tenant.workspace).await;
        let told: Vec<String> =
            desk.receiver.of_type("policy.blocked").iter().map(|n| n.json().to_string()).collect();
        for text in rows["policy_event"].iter().chain(&told) {
            assert!(!text.contains("nobody else") && !text.contains("2025550123"), "{text}");
        }
        desk.close().await;
    }
}
