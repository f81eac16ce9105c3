//! Codes pass the guard: what stops everything stops them, what is about being bothered does not.

use gatepost_core::guard::SubscriptionState;
use gatepost_testkit::{Engines, eventually};
use serde_json::json;

use crate::support::{PERSON, Stage, events, silent};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_suppressed_person_gets_a_code() {
    for engine in Engines::available() {
        let stage = Stage::start(engine).await;
        let suppress = json!({"to": PERSON, "reason": "asked by phone"});
        stage.live.admin.post("/v1/suppressions", &suppress).await.expect(201);
        let begun = stage.begin(json!({})).await;
        let code = stage.code(&begun).await;
        stage.check(&begun, &code).await.expect(200);
        stage.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_paused_or_suspended_sends_no_code() {
    for engine in Engines::available() {
        let stage = Stage::start(engine).await;
        let begun = stage.begin(json!({})).await;
        let code = stage.code(&begun).await;
        let (app, workspace) = (&stage.world.app, stage.tenant.workspace);
        app.workspace_subscription_set(
            &stage.world.operator(),
            workspace,
            SubscriptionState::Suspended,
            None,
        )
        .await
        .unwrap();
        let refused = stage.try_begin(json!({"to": "+12025550178"})).await.expect(402);
        assert_eq!(refused.code(), "subscription_suspended");
        // Whoever has a code already can still sign in.
        stage.check(&begun, &code).await.expect(200);
        app.workspace_subscription_set(&stage.world.operator(), workspace, SubscriptionState::Active, None)
            .await
            .unwrap();
        let blocked = events(&stage.live.admin).await;
        let list = stage.live.admin.get("/v1/verifications").await.expect(200).json();
        assert_eq!(list["data"].as_array().unwrap().len(), 1, "what is refused leaves no verification");
        assert!(blocked.iter().all(|event| event["type"] != "verification.failed"));
        stage.stop().await;
    }
}

/// A queue of other messages on the same channel never delays a code.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_goes_before_everything_else() {
    for engine in Engines::available() {
        let stage = Stage::bare(engine, silent()).await;
        stage.template("sign_in", "en_US", None).await;
        let mut sends = tokio::task::JoinSet::new();
        for number in 0..400 {
            let caller = stage.world.nobody().with_key(stage.live.admin.key());
            let body = json!({
                "channel_id": stage.live.channel, "to": format!("+1206555{number:04}"),
                "purpose": if number % 2 == 0 { "support" } else { "transactional" },
                "text": "Your order is ready.",
            });
            sends.spawn(async move { caller.post("/v1/messages", &body).await.expect(202) });
        }
        sends.join_all().await;
        // 80 a second: most of them still wait.
        let waiting = 400 - stage.meta.sends().len();
        let begun = stage.begin(json!({})).await;
        stage.sent(&begun).await;
        let behind = 400 - (stage.meta.sends().len() - 1);
        assert!(waiting > 100, "{waiting} were waiting");
        assert!(behind + 60 > waiting, "{behind} of {waiting} went after it");
        eventually("the rest", async || (stage.meta.sends().len() == 401).then_some(())).await;
        stage.stop().await;
    }
}
