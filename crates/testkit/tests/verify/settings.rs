//! What a workspace sets for its verifications.

use gatepost_core::access::Scope;
use gatepost_core::channel::Mode;
use gatepost_testkit::{Answer, Client, Engines};
use serde_json::{Value, json};

use crate::support::Stage;

async fn set(admin: &Client, settings: &Value) -> Answer {
    admin.call("PUT", "/v1/verifications/settings", &[], Some(settings)).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settings_are_replaced_whole_checked_and_audited() {
    for engine in Engines::available() {
        let stage = Stage::start(engine).await;
        let admin = &stage.live.admin;
        set(admin, &json!({})).await.expect(200);
        let usual = admin.get("/v1/verifications/settings").await.expect(200).json();
        assert_eq!((&usual["template"], &usual["allowed_countries"]), (&json!(null), &json!([])));
        let whole = json!({
            "template": "sign_in", "text": "{code} for {app}", "app_name": "Example Shop", "ttl": 120,
            "code_length": 8, "max_attempts": 3, "allowed_countries": ["DE", "AT", "US"],
            "blocked_countries": ["FR"], "cool_downs": [10, 20],
            "velocity": {
                "phone": {"per_hour": 5, "per_day": null}, "client_ip": {"per_hour": 6, "per_day": 7},
                "range": {"per_hour": null, "per_day": null}, "workspace": {"per_hour": 100, "per_day": 200},
            },
            "pumping": {"enabled": true, "tries": 9, "percent": 20, "block_minutes": [5, 10]},
        });
        let answered = set(admin, &whole).await.expect(200).json();
        let mut wanted = whole.clone();
        wanted["allowed_countries"] = json!(["AT", "DE", "US"]);
        assert_eq!(answered, wanted);
        let read = admin.get("/v1/verifications/settings").await.expect(200).json();
        assert_eq!(read, wanted);
        assert_eq!(set(admin, &read).await.expect(200).json(), wanted, "what was read can be sent back");
        for (wrong, pointer) in [
            (json!({"ttl": 30}), "/ttl"),
            (json!({"code_length": 9}), "/code_length"),
            (json!({"max_attempts": 6}), "/max_attempts"),
            (json!({"text": "no place"}), "/text"),
            (json!({"allowed_countries": ["UK"]}), "/allowed_countries/0"),
            (json!({"allowed_countries": ["FR"], "blocked_countries": ["FR"]}), "/blocked_countries"),
            (json!({"cool_downs": [60, 30]}), "/cool_downs"),
            (json!({"velocity": {"phone": {"per_hour": 0}}}), "/velocity/phone/per_hour"),
            (json!({"velocity": {"person": {}}}), "/velocity/person"),
            (json!({"pumping": {"percent": 101}}), "/pumping/percent"),
            (json!({"app": "x"}), "/app"),
        ] {
            let answer = set(admin, &wrong).await;
            assert_eq!(answer.status, 422, "{wrong}: {}", answer.text);
            assert_eq!(answer.json()["errors"][0]["pointer"], pointer, "{}", answer.text);
        }
        assert_eq!(admin.get("/v1/verifications/settings").await.expect(200).json(), wanted);
        set(admin, &json!({"ttl": 90})).await.expect(200);
        let log = stage.world.audit_log(Some(stage.tenant.workspace)).await;
        let action = "verification.settings_changed";
        let changes: Vec<_> = log.iter().filter(|entry| entry.record.action == action).collect();
        let last = &changes.last().unwrap().record;
        assert_eq!((last.before.get("ttl"), last.after.get("ttl")), (Some("120"), Some("90")));
        assert_eq!((last.before.get("text"), last.after.get("text")), (Some("set"), Some("none")));
        assert_eq!(last.before.get("allowed_countries"), Some(r#"["AT","DE","US"]"#));
        stage.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn settings_bind_the_next_verification() {
    for engine in Engines::available() {
        let stage = Stage::start(engine).await;
        stage.template("other", "en_US", None).await;
        let admin = &stage.live.admin;
        let settings = json!({
            "template": "sign_in", "ttl": 120, "code_length": 8, "max_attempts": 2, "allowed_countries": ["US"],
        });
        set(admin, &settings).await.expect(200);
        let begun = stage.begin(json!({})).await;
        assert_eq!(
            (&begun["template"], &begun["code_length"], &begun["attempts_left"]),
            (&json!("sign_in"), &json!(8), &json!(2))
        );
        let code = stage.code(&begun).await;
        assert_eq!(code.len(), 8);
        stage.advance(121);
        assert_eq!(stage.check(&begun, &code).await.expect(422).code(), "expired");
        // What a request says goes before.
        let asked = stage.begin(json!({"template": "other", "code_length": 4, "ttl": 600})).await;
        assert_eq!((&asked["template"], &asked["code_length"]), (&json!("other"), &json!(4)));
        set(admin, &json!({"allowed_countries": ["US"]})).await.expect(200);
        assert_eq!(stage.begin(json!({})).await["code_length"], 6);
        stage.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_may_read_may_not_set() {
    for engine in Engines::available() {
        let stage = Stage::start(engine).await;
        for scope in [Scope::Read, Scope::Send] {
            let key = stage.world.key(stage.tenant.workspace, Mode::Live, &[scope]).await;
            let caller = stage.live.admin.with_key(Some(&key));
            caller.get("/v1/verifications/settings").await.expect(200);
            caller.get("/v1/verifications/countries").await.expect(200);
            assert_eq!(set(&caller, &json!({})).await.expect(403).code(), "permission_missing");
        }
        let other = stage.world.tenant("Other Ltd").await;
        set(&other.admin, &json!({"ttl": 90})).await.expect(200);
        let own = stage.live.admin.get("/v1/verifications/settings").await.expect(200).json();
        assert_eq!(own["ttl"], json!(null));
        stage.stop().await;
    }
}
