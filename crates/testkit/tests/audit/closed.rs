//! No entry, no action. And what owes no entry goes on.

use gatepost_testkit::{Answer, Engines};
use serde_json::{Value, json};

use crate::support::{Stage, UID, key};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_audited_is_not_done() {
    for engine in Engines::available() {
        let stage = Stage::start(engine).await;
        let Stage { world, tenant, live, .. } = &stage;
        let admin = &tenant.admin;
        let id = key(admin).await;
        let sound = || (503, "unavailable".to_owned());
        let heard = |answer: Answer| (answer.status, answer.code());
        world.app.refusals_settle().await;
        let before = world.rows_of(tenant.workspace).await;

        let (shut, open) = match engine {
            // As when the disk is full: the row cannot be written.
            Engines::Sqlite => (
                "CREATE TRIGGER full BEFORE INSERT ON audit BEGIN SELECT RAISE(ABORT, 'disk full'); END",
                "DROP TRIGGER full",
            ),
            Engines::Postgres => {
                ("REVOKE INSERT ON audit FROM gatepost_app", "GRANT INSERT ON audit TO gatepost_app")
            }
        };
        world.as_superuser(shut).await;
        assert_eq!(heard(admin.post("/v1/keys", &json!({"name": "x", "scopes": ["read"]})).await), sound());
        assert_eq!(heard(admin.post(&format!("/v1/keys/{id}/rotate"), &json!({})).await), sound());
        assert_eq!(heard(admin.delete(&format!("/v1/keys/{id}")).await), sound());
        assert_eq!(heard(admin.post("/v1/channels", &json!({"type": "test", "name": "x"})).await), sound());
        let endpoint = json!({"url": "http://127.0.0.1:8089/hook", "description": "x"});
        assert_eq!(heard(admin.post("/v1/webhook-endpoints", &endpoint).await), sound());
        assert_eq!(heard(admin.get("/v1/audit-log/export").await), sound());
        // Meta is not asked for what could not be audited afterwards.
        let deregister = format!("/v1/channels/{}/deregister", live.channel);
        assert_eq!(heard(live.admin.raw("POST", &deregister, &[], None).await), sound());
        let keys = format!("/operator/v1/workspaces/{}/keys", tenant.workspace);
        assert_eq!(stage.ask(UID, "GET", &keys, None).await.0, 503, "the operator sees nothing unseen");
        let another = json!({"name": "Another"});
        assert_eq!(stage.ask(UID, "POST", "/operator/v1/workspaces", Some(&another)).await.0, 503);
        // A refusal stands whether it can be written down or not.
        let reader = admin.with_key(Some("gp_test_nonsense"));
        assert_eq!(reader.get("/v1/keys").await.status, 401);
        world.app.refusals_settle().await;
        let after = world.rows_of(tenant.workspace).await;
        for (table, rows) in &before {
            assert_eq!(rows, &after[table], "{engine:?} {table}");
        }

        // Reading and sending owe nothing: sends are in the message log.
        admin.get("/v1/audit-log").await.expect(200);
        let send =
            json!({"channel_id": live.channel, "to": "+12025550101", "purpose": "support", "text": "hi"});
        live.admin.post("/v1/messages", &send).await.expect(202);
        let sends = async || world.rows_of(tenant.workspace).await["message"].len();
        assert!(sends().await > before["message"].len());

        world.as_superuser(open).await;
        admin.delete(&format!("/v1/keys/{id}")).await.expect(200);
        // The number is still registered at Meta.
        let off = live.admin.raw("POST", &deregister, &[], None).await.expect(200).json();
        assert_eq!(off["state"], "unregistered");
        assert_eq!(world.audited(Some(tenant.workspace), "channel.deregistered").await, 1);
        stage.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sends_are_in_the_message_log_and_not_in_the_audit_log() {
    for engine in Engines::available() {
        let stage = Stage::start(engine).await;
        let own = Some(stage.tenant.workspace);
        let before = stage.world.audit_log(own).await.len();
        for text in ["one", "two"] {
            let send = json!({"channel_id": stage.live.channel, "to": "+12025550101", "purpose": "support", "text": text});
            stage.live.admin.post("/v1/messages", &send).await.expect(202);
        }
        let list: Value = stage.live.admin.get("/v1/messages").await.expect(200).json();
        assert!(list["data"].as_array().unwrap().len() >= 2);
        assert_eq!(stage.world.audit_log(own).await.len(), before);
        stage.stop().await;
    }
}
