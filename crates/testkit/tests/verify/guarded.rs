//! Codes pass the guard: what stops everything stops them, what is about being bothered does not.

use gatepost_core::Timestamp;
use gatepost_core::guard::SubscriptionState;
use gatepost_testkit::{Engines, eventually};
use serde_json::{Value, json};

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
        let admin = &stage.tenant.admin;
        let channel = admin.post("/v1/channels", &json!({"name": "Trial", "type": "test"})).await;
        let channel = channel.expect(201).json();
        let place = format!("/v1/channels/{}", channel["id"].as_str().unwrap());
        admin.patch(&place, &json!({"throughput": 8})).await.expect(200);
        let messages = async || {
            let (mut all, mut after) = (Vec::new(), String::new());
            loop {
                let page = admin.get(&format!("/v1/messages?limit=100{after}")).await.expect(200).json();
                all.extend(page["data"].as_array().unwrap().iter().cloned());
                match page["next_cursor"].as_str() {
                    Some(cursor) => after = format!("&after={cursor}"),
                    None => return all,
                }
            }
        };
        let mut sends = tokio::task::JoinSet::new();
        for number in 0..120 {
            let caller = stage.world.nobody().with_key(admin.key());
            let body = json!({
                "channel_id": channel["id"], "to": format!("+1206555{number:04}"),
                "purpose": if number % 2 == 0 { "support" } else { "transactional" },
                "text": "Your order is ready.",
            });
            sends.spawn(async move { caller.post("/v1/messages", &body).await.expect(202) });
        }
        sends.join_all().await;
        let ask = json!({"channel_id": channel["id"], "to": "+12025550101"});
        let begun = admin.post("/v1/verifications", &ask).await.expect(201).json();
        let all = eventually("everything at Meta", async || {
            let all = messages().await;
            all.iter().all(|message| message["sending_at"].is_string()).then_some(all)
        })
        .await;
        let at = |message: &Value, name: &str| Timestamp::parse(message[name].as_str().unwrap()).unwrap();
        let code = all.iter().find(|message| message["id"] == begun["message_id"]).unwrap();
        let (came, went) = (at(code, "created_at"), at(code, "sending_at"));
        let others = all.iter().filter(|message| message["id"] != code["id"]);
        let sent: Vec<Timestamp> = others.map(|message| at(message, "sending_at")).collect();
        let waited = sent.iter().filter(|sent| **sent > came).count();
        let overtaken = sent.iter().filter(|sent| **sent > went).count();
        // 8 a second: most of them waited when it came, and those that were being handed over then went before it.
        assert!(waited > 30 && overtaken * 2 > waited, "{waited} waited, {overtaken} were overtaken");
        stage.stop().await;
    }
}
