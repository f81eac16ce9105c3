//! Every action of the table, driven: exactly one entry tells of it.

use std::str::FromStr as _;

use gatepost_core::access::{Scope, operator_permission};
use gatepost_core::audit::{Action, AuditRecord};
use gatepost_core::channel::Mode;
use gatepost_core::{ApiKeyId, Clock as _, WorkspaceId};
use gatepost_testkit::{Engines, Receiver, eventually};
use gatepost_vault::{ApiKeyToken, MasterKey, MasterKeyring, SystemEntropy};
use serde_json::{Value, json};

use crate::support::{Stage, UID, key, made};
use crate::{deciding, guard, operators, people};

/// In whose log an action is told of.
fn is_platforms(action: Action) -> bool {
    matches!(
        action,
        Action::ServerStarted | Action::VaultRotated | Action::OperatorRefused | Action::WorkspaceCreated
    ) || people::is_platforms(action)
        || operators::is_platforms(action)
}

async fn template(stage: &Stage, name: &str, submit: bool) -> String {
    let admin = &stage.tenant.admin;
    let body = json!({
        "channel_id": test_channel(stage).await, "name": name, "language": "en_US", "category": "UTILITY",
        "components": [{"type": "BODY", "text": "Your order is ready for you."}],
    });
    let id = made(admin, "/v1/templates", &body).await;
    if submit {
        admin.post(&format!("/v1/templates/{id}/submit"), &Value::Null).await.expect(200);
        eventually("Meta's review", async || {
            let template = admin.get(&format!("/v1/templates/{id}")).await.expect(200).json();
            (template["status"] == "APPROVED").then_some(())
        })
        .await;
    }
    id
}

async fn endpoint(stage: &Stage) -> String {
    let body = json!({"url": "http://127.0.0.1:8089/hook?token=hush", "description": "ours"});
    made(&stage.tenant.admin, "/v1/webhook-endpoints", &body).await
}

/// An endpoint that has taken a delivery, and that delivery; its receiver, which lives as long as it is held.
async fn delivered(stage: &Stage) -> (String, Value, Receiver) {
    let admin = &stage.tenant.admin;
    let receiver = Receiver::start().await;
    let endpoint =
        made(admin, "/v1/webhook-endpoints", &json!({"url": receiver.url, "description": "ours"})).await;
    say_something(stage).await;
    let path = format!("/v1/webhook-endpoints/{endpoint}/deliveries?state=sent");
    let delivery = eventually("a delivery", async || {
        let found = admin.get(&path).await.expect(200).json();
        found["data"].as_array().unwrap().first().cloned()
    })
    .await;
    (endpoint, delivery, receiver)
}

/// Makes events.
async fn say_something(stage: &Stage) {
    let body = json!({
        "channel_id": test_channel(stage).await, "to": "+12025550101", "purpose": "support", "text": "hi",
    });
    stage.tenant.admin.post("/v1/messages", &body).await.expect(202);
}

async fn replay(stage: &Stage, endpoint: &str) -> String {
    let since = stage.world.clock.now().minus(std::time::Duration::from_hours(1)).to_string();
    let body = json!({"since": since});
    made(&stage.tenant.admin, &format!("/v1/webhook-endpoints/{endpoint}/replays"), &body).await
}

async fn meta_app(stage: &Stage) -> String {
    let body =
        json!({"name": "Ours", "app_id": "1234567890", "app_secret": "0123456789abcdef0123456789abcdef"});
    made(&stage.tenant.admin, "/v1/meta-apps", &body).await
}

async fn test_channel(stage: &Stage) -> String {
    made(&stage.tenant.admin, "/v1/channels", &json!({"type": "test", "name": "Desk"})).await
}

async fn verification_page(stage: &Stage, channel: &str) -> String {
    let body = json!({
        "name": "Ours", "app_name": "Example Shop", "channel_id": channel,
        "return_urls": ["https://shop.example/signed-in"],
    });
    made(&stage.tenant.admin, "/v1/verification-pages", &body).await
}

/// Prepares whatever an action needs, then counts, then does it. Returns the log and what it held before.
async fn drive(stage: &Stage, action: Action) -> (Option<WorkspaceId>, usize) {
    let Stage { world, tenant, live, .. } = stage;
    let (admin, own) = (&tenant.admin, Some(tenant.workspace));
    let log = if is_platforms(action) { None } else { own };
    let at_live = |rest: &str| format!("/v1/channels/{}{rest}", live.channel);
    let count = async || world.audited(log, action.as_str()).await;
    let before;
    match action {
        // The world's own start.
        Action::ServerStarted => return (None, 0),
        Action::VaultRotated => {
            before = count().await;
            let old = MasterKey::parse("test", &world.master).unwrap();
            let ring = MasterKeyring::new(MasterKey::generate(&SystemEntropy).unwrap(), vec![old]);
            let grant = world.operator::<operator_permission::VaultManage>();
            world.app.vault_rotate(&grant, ring).await.unwrap();
        }
        Action::OperatorRefused => {
            before = count().await;
            for _ in 0..3 {
                assert_eq!(stage.ask(UID + 1, "GET", "/operator/v1/status", None).await.0, 403);
            }
        }
        Action::AuditChainBegun => {
            let grant = world.operator::<operator_permission::WorkspaceManage>();
            let fresh = world.app.workspace_create(&grant, "Early".to_owned(), None).await.unwrap().id;
            crate::chain::early_entries(world, fresh, 3).await;
            world.key(fresh, Mode::Test, &[Scope::Read]).await;
            return (Some(fresh), 0);
        }
        Action::AuditExported => {
            before = count().await;
            admin.get("/v1/audit-log/export?format=csv").await.expect(200);
        }
        Action::WorkspaceCreated => {
            before = count().await;
            stage.operator("POST", "/operator/v1/workspaces", Some(&json!({"name": "Another"}))).await;
        }
        Action::WorkspaceVisited => {
            before = count().await;
            stage.operator("GET", &format!("/operator/v1/workspaces/{}/keys", tenant.workspace), None).await;
        }
        Action::ApiKeyAllowlistChanged => {
            let id = key(admin).await;
            before = count().await;
            let list = json!({"enabled": true, "entries": [{"network": "192.0.2.0/24"}]});
            let path = format!("/v1/keys/{id}/ip-allowlist");
            admin.call("PUT", &path, &[], Some(&list)).await.expect(200);
        }
        Action::IpAllowlistChanged => {
            before = count().await;
            let list = json!({"enabled": true, "entries": [{"network": "127.0.0.0/8"}]});
            admin.call("PUT", "/v1/ip-allowlist", &[], Some(&list)).await.expect(200);
        }
        Action::CorsOriginsChanged => {
            before = count().await;
            let origins = json!({"origins": ["https://shop.example"]});
            admin.call("PUT", "/v1/cors-origins", &[], Some(&origins)).await.expect(200);
        }
        Action::RateLimitChanged => {
            before = count().await;
            let path = format!("/operator/v1/workspaces/{}/limits", tenant.workspace);
            let limit = json!({"mode": "live", "preset": "steady"});
            stage.operator("PUT", &path, Some(&limit)).await;
        }
        Action::ApiKeyCreated => {
            before = count().await;
            key(admin).await;
        }
        Action::ApiKeyRotated => {
            let id = key(admin).await;
            before = count().await;
            admin.post(&format!("/v1/keys/{id}/rotate"), &json!({})).await.expect(201);
        }
        Action::ApiKeyRevoked => {
            let id = key(admin).await;
            before = count().await;
            admin.delete(&format!("/v1/keys/{id}")).await.expect(200);
        }
        Action::ApiKeyRefused => {
            let id = ApiKeyId::from_str(&key(admin).await).unwrap();
            let (forged, _) = ApiKeyToken::generate(Mode::Test, id, &SystemEntropy);
            before = count().await;
            let caller = admin.with_key(Some(forged.expose()));
            assert_eq!(caller.get("/v1/keys").await.code(), "unauthorized");
        }
        Action::RequestRefused => {
            let reader = world.key(tenant.workspace, Mode::Test, &[Scope::Read]).await;
            before = count().await;
            assert_eq!(admin.with_key(Some(&reader)).get("/v1/keys").await.code(), "permission_missing");
        }
        Action::MetaAppCreated => {
            before = count().await;
            meta_app(stage).await;
        }
        Action::MetaAppUpdated => {
            let id = meta_app(stage).await;
            before = count().await;
            admin.patch(&format!("/v1/meta-apps/{id}"), &json!({"name": "Theirs"})).await.expect(200);
        }
        Action::MetaAppDeleted => {
            let id = meta_app(stage).await;
            before = count().await;
            admin.delete(&format!("/v1/meta-apps/{id}")).await.expect(204);
        }
        Action::CallbackRefused => {
            before = count().await;
            let wrong = [("x-hub-signature-256", "sha256=00")];
            assert_eq!(live.app.call_signed(world, b"{}".to_vec(), &wrong).await.status, 401);
        }
        Action::ChannelCreated => {
            before = count().await;
            test_channel(stage).await;
        }
        Action::ChannelUpdated => {
            let id = test_channel(stage).await;
            before = count().await;
            admin.patch(&format!("/v1/channels/{id}"), &json!({"name": "Front desk"})).await.expect(200);
        }
        Action::ChannelDeleted => {
            let id = test_channel(stage).await;
            before = count().await;
            admin.delete(&format!("/v1/channels/{id}")).await.expect(204);
        }
        Action::ChannelRegistered => {
            before = count().await;
            live.admin.post(&at_live("/register"), &json!({"pin": "012345"})).await;
        }
        Action::ChannelDeregistered => {
            before = count().await;
            live.admin.raw("POST", &at_live("/deregister"), &[], None).await;
        }
        Action::ChannelCodeRequested => {
            before = count().await;
            let body = json!({"method": "sms", "language": "en_US"});
            live.admin.post(&at_live("/verification-code"), &body).await;
        }
        Action::ChannelVerified => {
            before = count().await;
            live.admin.post(&at_live("/verify"), &json!({"code": "424-242"})).await;
        }
        Action::ChannelPinSet => {
            before = count().await;
            live.admin.call("PUT", &at_live("/pin"), &[], Some(&json!({"pin": "012345"}))).await;
        }
        Action::ChannelSettingsChanged => {
            before = count().await;
            live.admin.patch(&at_live("/settings"), &json!({"calling": {"status": "ENABLED"}})).await;
        }
        Action::ChannelProfileChanged => {
            before = count().await;
            live.admin.patch(&at_live("/profile"), &json!({"about": "Open Monday to Friday"})).await;
        }
        Action::ChannelSubscribed => {
            before = count().await;
            live.admin.call("PUT", &at_live("/subscription"), &[], Some(&json!({"level": "account"}))).await;
        }
        Action::ChannelUnsubscribed => {
            before = count().await;
            live.admin.delete(&at_live("/subscription")).await;
        }
        Action::TemplateCreated => {
            before = count().await;
            template(stage, "made", false).await;
        }
        Action::TemplateUpdated => {
            let id = template(stage, "changed", false).await;
            before = count().await;
            let change = json!({"category": "MARKETING"});
            admin.patch(&format!("/v1/templates/{id}"), &change).await.expect(200);
        }
        Action::TemplateDeleted => {
            let id = template(stage, "deleted", false).await;
            before = count().await;
            admin.delete(&format!("/v1/templates/{id}")).await.expect(204);
        }
        Action::TemplateSubmitted => {
            before = count().await;
            template(stage, "submitted", true).await;
        }
        Action::TemplateSynced => {
            let channel = test_channel(stage).await;
            before = count().await;
            admin.post("/v1/templates/sync", &json!({"channel_id": channel})).await.expect(200);
        }
        Action::TemplateTestSent => {
            let id = template(stage, "tried", true).await;
            before = count().await;
            let body = json!({"to": "+12025550101", "purpose": "internal_team"});
            admin.post(&format!("/v1/templates/{id}/test-send"), &body).await.expect(202);
        }
        Action::MediaDeleted => {
            let path = format!("/v1/media?channel_id={}", test_channel(stage).await);
            let file = [("content-type", "application/pdf")];
            let sent = admin.raw("POST", &path, &file, Some(b"%PDF-1.7 x".to_vec())).await.expect(201);
            before = count().await;
            let id = sent.json()["id"].as_str().unwrap().to_owned();
            admin.delete(&format!("/v1/media/{id}")).await.expect(204);
        }
        Action::EndpointCreated => {
            before = count().await;
            endpoint(stage).await;
        }
        Action::EndpointUpdated => {
            let id = endpoint(stage).await;
            before = count().await;
            let change = json!({"enabled": false});
            admin.patch(&format!("/v1/webhook-endpoints/{id}"), &change).await.expect(200);
        }
        Action::EndpointDeleted => {
            let id = endpoint(stage).await;
            before = count().await;
            admin.delete(&format!("/v1/webhook-endpoints/{id}")).await.expect(204);
        }
        Action::VerificationPageCreated => {
            let channel = test_channel(stage).await;
            before = count().await;
            verification_page(stage, &channel).await;
        }
        Action::VerificationPageDeleted => {
            let id = verification_page(stage, &test_channel(stage).await).await;
            before = count().await;
            admin.delete(&format!("/v1/verification-pages/{id}")).await.expect(204);
        }
        Action::EndpointSecretRotated => {
            let id = endpoint(stage).await;
            before = count().await;
            admin.post(&format!("/v1/webhook-endpoints/{id}/rotate-secret"), &json!({})).await.expect(200);
        }
        Action::EndpointTested => {
            let receiver = Receiver::start().await;
            let body = json!({"url": receiver.url, "description": "ours"});
            let id = made(admin, "/v1/webhook-endpoints", &body).await;
            before = count().await;
            let answer = admin.post(&format!("/v1/webhook-endpoints/{id}/test"), &json!({})).await;
            assert!((200..300).contains(&answer.status), "{}", answer.text);
        }
        Action::EndpointDisabled => {
            let receiver = Receiver::start().await;
            receiver.answer_always(410);
            before = count().await;
            made(admin, "/v1/webhook-endpoints", &json!({"url": receiver.url, "description": "gone"})).await;
            say_something(stage).await;
            eventually("the end of an endpoint", async || (count().await > before).then_some(())).await;
        }
        Action::DeliveryRetried => {
            let (endpoint, delivery, _receiver) = delivered(stage).await;
            before = count().await;
            let id = delivery["id"].as_str().unwrap();
            let path = format!("/v1/webhook-endpoints/{endpoint}/deliveries/{id}/retry");
            let answer = admin.raw("POST", &path, &[], None).await;
            assert!((200..300).contains(&answer.status), "{}", answer.text);
        }
        Action::EventResent => {
            let (_, delivery, _receiver) = delivered(stage).await;
            before = count().await;
            let id = delivery["event_id"].as_str().unwrap();
            let answer = admin.post(&format!("/v1/events/{id}/resend"), &json!({})).await;
            assert!((200..300).contains(&answer.status), "{}", answer.text);
        }
        Action::ReplayStarted => {
            let endpoint = endpoint(stage).await;
            before = count().await;
            replay(stage, &endpoint).await;
        }
        Action::ReplayCancelled => {
            // Nobody listens there, so it does not end by itself before it is ended.
            let endpoint = endpoint(stage).await;
            before = count().await;
            for _ in 0..20 {
                let id = replay(stage, &endpoint).await;
                let path = format!("/v1/webhook-endpoints/{endpoint}/replays/{id}/cancel");
                admin.raw("POST", &path, &[], None).await.expect(200);
                if count().await > before {
                    break;
                }
            }
        }
        other if guard::is(other) => before = guard::drive(stage, other, log).await,
        other if deciding::is(other) => before = deciding::drive(stage, other).await,
        other if operators::is(other) => before = operators::drive(stage, other, log).await,
        other => before = people::drive(stage, other, log).await,
    }
    (log, before)
}

/// What every entry must hold.
fn sound(record: &AuditRecord) {
    let what = format!("{record:?}");
    assert!(
        !record.actor.is_empty() && !record.target.is_empty() && !record.target_kind.is_empty(),
        "{what}"
    );
    let by_request = !record.actor.starts_with("system:") && record.details.get("repeated").is_none();
    if by_request && record.action != "vault.rotated" && record.action != "workspace.created" {
        // What the tests themselves do in this process comes by no request.
        let in_process = record.credential.as_deref() == Some("uid:0")
            // Of a session, whatever it asks for first; the session's own entry has where it comes from.
            || record.action == "identity_provider.bypassed";
        assert!(record.request.is_some() || in_process, "{what}");
    }
    if record.actor.starts_with("key_") {
        assert_eq!(record.credential.as_ref(), Some(&record.actor), "{what}");
        assert_eq!(record.source.as_deref(), Some("127.0.0.1"), "{what}");
        assert!(record.mode.is_some(), "{what}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_action_of_the_table_leaves_exactly_one_entry() {
    for engine in Engines::available() {
        let stage = Stage::with_mail(engine).await;
        for action in Action::ALL {
            let (log, before) = drive(&stage, *action).await;
            stage.world.app.refusals_settle().await;
            let found = stage.world.audit_log(log).await;
            let of = found.iter().filter(|row| row.record.action == action.as_str());
            let mut new = of.skip(before);
            let entry = new.next().unwrap_or_else(|| unreachable!("{engine:?} {action}: no entry"));
            sound(&entry.record);
            let refusal = action.as_str().ends_with("_refused") || action.as_str().ends_with(".refused");
            assert_eq!(
                refusal,
                entry.record.outcome != "done" && !entry.record.action.starts_with("channel."),
                "{action}"
            );
            match new.next() {
                // Three attempts of a system user, told as the first and a count of two.
                Some(more) => assert_eq!(
                    (*action, more.record.details.get("repeated")),
                    (Action::OperatorRefused, Some("2"))
                ),
                None => assert_ne!(*action, Action::OperatorRefused),
            }
        }
        // What was brought along to be kept secret is nowhere in it.
        let all: Vec<String> = stage.world.rows().await["audit"].clone();
        for secret in ["hush", "0123456789abcdef0123456789abcdef", "012345\"", "+12025550101", "424-242"] {
            assert!(!all.iter().any(|row| row.contains(secret)), "{engine:?}: {secret}");
        }
        stage.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_tell_before_and_after() {
    for engine in Engines::available() {
        let stage = Stage::with_mail(engine).await;
        let admin = &stage.tenant.admin;
        let id = endpoint(&stage).await;
        let change = json!({"enabled": false, "url": "http://127.0.0.1:8089/other?token=hush"});
        admin.patch(&format!("/v1/webhook-endpoints/{id}"), &change).await.expect(200);
        let key = key(admin).await;
        admin.delete(&format!("/v1/keys/{key}")).await.expect(200);
        let path = format!("/operator/v1/workspaces/{}/channels", stage.tenant.workspace);
        stage.operator("GET", &path, None).await;
        let log = stage.world.audit_log(Some(stage.tenant.workspace)).await;
        let last =
            |action: &str| log.iter().rev().find(|row| row.record.action == action).unwrap().record.clone();
        let updated = last("endpoint.updated");
        assert_eq!(
            (updated.before.get("enabled"), updated.after.get("enabled")),
            (Some("true"), Some("false"))
        );
        // Another path on the same host: that the URL changed is told, what it holds is not.
        assert_eq!(updated.before.get("host"), None);
        assert!(updated.details.get("changed").unwrap().contains("url"));
        let revoked = last("api_key.revoked");
        assert_eq!(revoked.before.get("revoked_at"), Some("never"));
        assert!(revoked.after.get("revoked_at").unwrap().starts_with("20"));
        let visited = last("workspace.visited");
        assert_eq!(
            (visited.actor.as_str(), visited.credential.as_deref()),
            ("operator:local", Some("uid:4711"))
        );
        let route = "GET /operator/v1/workspaces/{workspace_id}/channels";
        assert_eq!(visited.details.get("route"), Some(route));
        stage.stop().await;
    }
}
