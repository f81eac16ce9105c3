//! Refusals leave a trace, and do not become a means to fill the log.

use std::str::FromStr as _;
use std::time::Duration;

use gatepost_core::ApiKeyId;
use gatepost_core::access::Scope;
use gatepost_core::channel::Mode;
use gatepost_testkit::Engines;
use gatepost_vault::{ApiKeyToken, SystemEntropy};
use serde_json::json;

use crate::support::{Stage, key};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_refusals_of_one_kind_are_one_entry_and_a_count() {
    for engine in Engines::available() {
        let stage = Stage::start(engine).await;
        let (world, admin, own) = (&stage.world, &stage.tenant.admin, Some(stage.tenant.workspace));
        let id = ApiKeyId::from_str(&key(admin).await).unwrap();
        let forged = || ApiKeyToken::generate(Mode::Test, id, &SystemEntropy).0.expose().to_owned();
        for _ in 0..50 {
            // Each time another secret: the kind is the key, the code and the route.
            let refused = admin.with_key(Some(&forged())).get("/v1/messages").await;
            assert_eq!((refused.status, refused.code().as_str()), (401, "unauthorized"));
        }
        world.app.refusals_settle().await;
        let log = world.audit_log(own).await;
        let of: Vec<_> = log.iter().filter(|row| row.record.action == "api_key.refused").collect();
        let counted: u64 =
            of.iter().map(|row| row.record.details.get("repeated").map_or(1, |n| n.parse().unwrap())).sum();
        // A minute may have ended meanwhile.
        assert!(of.len() <= 4 && counted == 50, "{engine:?}: {} entries for {counted}", of.len());
        let first = &of[0].record;
        assert_eq!(
            (first.actor.as_str(), first.target.as_str(), first.credential.as_deref()),
            ("nobody", id.to_string().as_str(), None)
        );
        assert_eq!(
            (first.source.as_deref(), first.details.get("route")),
            (Some("127.0.0.1"), Some("GET /v1/messages"))
        );
        assert!(first.request.is_some() && first.outcome == "unauthorized");

        // Another minute, another entry; another route as well.
        world.clock.advance(Duration::from_secs(61));
        let before = of.len();
        admin.with_key(Some(&forged())).get("/v1/messages").await;
        admin.with_key(Some(&forged())).get("/v1/events").await;
        world.app.refusals_settle().await;
        assert_eq!(world.audited(own, "api_key.refused").await, before + 2);

        // A key that nobody has is nobody's affair.
        let nobodys = ApiKeyId::new(gatepost_core::Timestamp::from_seconds(1_793_525_400), &SystemEntropy);
        let (token, _) = ApiKeyToken::generate(Mode::Test, nobodys, &SystemEntropy);
        let logs = world.rows().await["audit"].len();
        admin.with_key(Some(token.expose())).get("/v1/messages").await.expect(401);
        world.nobody().get("/v1/messages").await.expect(401);
        world.app.refusals_settle().await;
        assert_eq!(world.rows().await["audit"].len(), logs);
        stage.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_kind_of_overreach_is_told_with_its_code() {
    for engine in Engines::available() {
        let stage = Stage::start(engine).await;
        let Stage { world, tenant, live, .. } = &stage;
        let admin = &tenant.admin;
        // No permission.
        let reader = world.key(tenant.workspace, Mode::Test, &[Scope::Read]).await;
        admin.with_key(Some(&reader)).delete(&format!("/v1/keys/{}", key(admin).await)).await.expect(403);
        // The other mode.
        let live_key = json!({"name": "x", "mode": "live", "scopes": ["read"]});
        assert_eq!(admin.post("/v1/keys", &live_key).await.code(), "test_mode_only");
        // More than one holds: bound to another channel.
        let bound = json!({"name": "bound", "scopes": ["send"], "channels": [live.channel]});
        live.admin.post("/v1/keys", &bound).await.expect(201);
        // A URL that the egress policy refuses.
        let inside = json!({"url": "https://169.254.169.254/latest", "description": "x"});
        assert_eq!(admin.post("/v1/webhook-endpoints", &inside).await.code(), "webhook_url_not_allowed");
        // A revoked key, by whoever holds it.
        let ended =
            admin.post("/v1/keys", &json!({"name": "x", "scopes": ["read"]})).await.expect(201).json();
        admin.delete(&format!("/v1/keys/{}", ended["id"].as_str().unwrap())).await.expect(200);
        let held = admin.with_key(ended["secret"].as_str());
        assert_eq!(held.get("/v1/messages").await.code(), "api_key_revoked");
        // Callbacks: no signature, a wrong one, a wrong verify token; all under the app that the workspace owns.
        live.app.call_signed(world, b"{}".to_vec(), &[]).await.expect(401);
        live.app
            .call_signed(world, b"{}".to_vec(), &[("x-hub-signature-256", "sha256=00")])
            .await
            .expect(401);
        let hello =
            format!("/hooks/meta/{}?hub.mode=subscribe&hub.challenge=1&hub.verify_token=x", live.app.id);
        assert_eq!(world.nobody().get(&hello).await.code(), "verify_token_invalid");
        // A mistyped field is no overreach.
        admin.post("/v1/keys", &json!({"name": "x"})).await.expect(422);

        world.app.refusals_settle().await;
        let log = world.audit_log(Some(tenant.workspace)).await;
        let mut told: Vec<(String, String)> = log
            .iter()
            .filter(|row| row.record.outcome != "done" && row.record.details.get("repeated").is_none())
            .map(|row| (row.record.action.clone(), row.record.outcome.clone()))
            .collect();
        told.sort();
        let expected = [
            ("api_key.refused", "api_key_revoked"),
            ("callback.refused", "signature_invalid"),
            ("callback.refused", "verify_token_invalid"),
            ("request.refused", "permission_missing"),
            ("request.refused", "test_mode_only"),
            ("request.refused", "webhook_url_not_allowed"),
        ];
        assert_eq!(told, expected.map(|(action, code)| (action.to_owned(), code.to_owned())), "{engine:?}");
        let refused = log.iter().find(|row| row.record.outcome == "permission_missing").unwrap();
        assert_eq!(refused.record.target, "DELETE /v1/keys/{key_id}");
        stage.stop().await;
    }
}
