//! Who sees and touches whose verifications.

use gatepost_core::access::Scope;
use gatepost_core::channel::Mode;
use gatepost_testkit::{Client, Engines};
use serde_json::json;

use crate::support::{Stage, check, path, text};

async fn key(stage: &Stage, mode: Mode, scopes: &[Scope]) -> Client {
    stage.world.nobody().with_key(Some(&stage.world.key(stage.tenant.workspace, mode, scopes).await))
}

/// Whatever it asks for, it is told that there is nothing.
async fn sees_nothing(caller: &Client, verification: &serde_json::Value) {
    let place = path(verification);
    assert_eq!(caller.get(&place).await.expect(404).code(), "not_found");
    assert_eq!(check(caller, verification, "123456").await.expect(404).code(), "not_found");
    assert_eq!(caller.post(&format!("{place}/resend"), &json!({})).await.expect(404).code(), "not_found");
    assert_eq!(caller.delete(&place).await.expect(404).code(), "not_found");
    assert_eq!(caller.get("/v1/verifications").await.expect(200).json()["data"], json!([]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_verification_is_its_workspaces_own() {
    for engine in Engines::available() {
        let stage = Stage::start(engine).await;
        let begun = stage.begin(json!({})).await;
        let code = stage.code(&begun).await;
        let other = stage.world.tenant("Other Ltd").await;
        let theirs = stage.world.live(&stage.meta, other.workspace, 2).await;
        sees_nothing(&theirs.admin, &begun).await;
        sees_nothing(&key(&stage, Mode::Test, &[Scope::Admin]).await, &begun).await;
        // A key of another channel of the same workspace.
        let second = stage.world.live_channel(&stage.meta, stage.tenant.workspace, &stage.live.app, 3).await;
        let bound = json!({"name": "bound", "scopes": ["send"], "channels": [second.channel]});
        let bound = stage.live.admin.post("/v1/keys", &bound).await.expect(201).json();
        sees_nothing(&stage.world.nobody().with_key(bound["secret"].as_str()), &begun).await;
        let now = stage.get(&begun).await;
        assert_eq!(
            (&now["attempts_left"], &now["status"]),
            (&json!(5), &json!("pending")),
            "nothing of it counted"
        );
        stage.check(&begun, &code).await.expect(200);
        stage.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_may_only_read_sees_no_number() {
    for engine in Engines::available() {
        let stage = Stage::start(engine).await;
        let begun = stage.begin(json!({"metadata": {"a": 1}})).await;
        stage.code(&begun).await;
        let reader = key(&stage, Mode::Live, &[Scope::Read]).await;
        let seen = reader.get(&path(&begun)).await.expect(200).json();
        assert_eq!((text(&seen, "phone"), &seen["metadata"]), ("+12•••••••77", &json!({"a": 1})));
        let list = reader.get("/v1/verifications?status=pending").await.expect(200);
        assert!(!list.text.contains("2025550177") && list.text.contains(text(&begun, "id")), "{}", list.text);
        assert_eq!(
            reader.get("/v1/verifications?status=approved").await.expect(200).json()["data"],
            json!([])
        );
        reader.get("/v1/verifications?status=sent").await.expect(400);
        assert_eq!(check(&reader, &begun, "123456").await.expect(403).code(), "permission_missing");
        reader.post("/v1/verifications", &json!({"to": "+12025550101"})).await.expect(403);
        reader.post(&format!("{}/resend", path(&begun)), &json!({})).await.expect(403);
        reader.delete(&path(&begun)).await.expect(403);
        let sender = key(&stage, Mode::Live, &[Scope::Send]).await;
        assert_eq!(sender.get(&path(&begun)).await.expect(200).json()["phone"], "+12025550177");
        check(&sender, &begun, "1234").await.expect(422);
        let webhooks = key(&stage, Mode::Live, &[Scope::Webhooks]).await;
        webhooks.get(&path(&begun)).await.expect(403);
        stage.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_request_begins_one_verification() {
    for engine in Engines::available() {
        let stage = Stage::start(engine).await;
        let ask = json!({"to": "+12025550177"});
        let once = [("idempotency-key", "sign-in-17")];
        let post =
            async || stage.live.admin.call("POST", "/v1/verifications", &once, Some(&ask)).await.expect(201);
        let (first, second) = (post().await, post().await);
        assert_eq!(first.json(), second.json());
        assert_eq!(second.headers["idempotency-replayed"], "true");
        stage.code(&first.json()).await;
        assert_eq!(stage.meta.sends().len(), 1);
        for (wrong, pointer) in [
            (json!({}), "/to"),
            (json!({"to": "US.13491208655302741918"}), "/to"),
            (json!({"to": "+12025550177", "code_length": 9}), "/code_length"),
            (json!({"to": "+12025550177", "ttl": 59}), "/ttl"),
            (json!({"to": "+12025550177", "ttl": 601}), "/ttl"),
            (json!({"to": "+12025550177", "max_attempts": 6}), "/max_attempts"),
            (json!({"to": "+12025550177", "client_ip": "here"}), "/client_ip"),
            (json!({"to": "+12025550177", "metadata": [1]}), "/metadata"),
            (json!({"to": "+12025550177", "metadata": {"a": "x".repeat(4_100)}}), "/metadata"),
            (json!({"to": "+12025550177", "locale": "english"}), "/locale"),
            (json!({"to": "+12025550177", "code": "123456"}), "/code"),
        ] {
            let refused = stage.live.admin.post("/v1/verifications", &wrong).await.expect(422);
            assert_eq!(refused.json()["errors"][0]["pointer"], pointer, "{wrong}: {}", refused.text);
        }
        stage.stop().await;
    }
}
