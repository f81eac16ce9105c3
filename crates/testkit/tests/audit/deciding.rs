//! Pauses and decisions, driven.

use gatepost_core::MessageId;
use gatepost_core::audit::Action;
use gatepost_store::engine::EngineKind;
use gatepost_testkit::eventually;
use serde_json::{Value, json};

use crate::support::{Stage, made};

/// Whether it is an action of this file.
pub fn is(action: Action) -> bool {
    matches!(action, Action::PauseSet | Action::PauseLifted | Action::ReviewApproved | Action::ReviewRejected)
}

/// Prepares whatever an action needs, then counts, then does it. Returns what the log held before.
pub async fn drive(stage: &Stage, action: Action) -> usize {
    let Stage { world, tenant, .. } = stage;
    let count = async || world.audited(Some(tenant.workspace), action.as_str()).await;
    let at = |rest: &str| format!("/operator/v1/workspaces/{}/{rest}", tenant.workspace);
    let reason = json!({"reason": "Abuse report 4711"});
    // Nothing here is sent for this purpose, so nothing else is stopped.
    let pause = json!({"scope": "purpose", "purpose": "political", "reason": "Abuse report 4711"});
    let before;
    match action {
        Action::PauseSet => {
            before = count().await;
            let set = stage.operator("POST", &at("pauses"), Some(&pause)).await;
            stage.operator("DELETE", &lift(&at("pauses"), &set), None).await;
        }
        Action::PauseLifted => {
            let set = stage.operator("POST", &at("pauses"), Some(&pause)).await;
            before = count().await;
            stage.operator("DELETE", &lift(&at("pauses"), &set), None).await;
        }
        Action::ReviewApproved => {
            let review = held(stage).await;
            before = count().await;
            stage.operator("POST", &at(&format!("reviews/{review}/approve")), Some(&reason)).await;
        }
        Action::ReviewRejected => {
            let review = held(stage).await;
            before = count().await;
            stage.operator("POST", &at(&format!("reviews/{review}/reject")), Some(&reason)).await;
        }
        other => unreachable!("nothing drives {other}"),
    }
    before
}

fn lift(pauses: &str, set: &str) -> String {
    let set: Value = serde_json::from_str(set).unwrap();
    format!("{pauses}/{}", set["id"].as_str().unwrap())
}

/// A message that is held, as a rule would hold it; its review's id.
async fn held(stage: &Stage) -> String {
    let Stage { world, tenant, .. } = stage;
    let channel = made(&tenant.admin, "/v1/channels", &json!({"type": "test", "name": "Held"})).await;
    // Meta never takes it, so it waits for the next try.
    let body = json!({"channel_id": channel, "to": "+12025550106", "purpose": "support", "text": "hi"});
    let message = tenant.admin.post("/v1/messages", &body).await.expect(202).json();
    let path = format!("/v1/messages/{}", message["id"].as_str().unwrap());
    eventually("the first try to be over", async || {
        (!tenant.admin.get(&path).await.expect(200).json()["error"].is_null()).then_some(())
    })
    .await;
    let message: MessageId = message["id"].as_str().unwrap().parse().unwrap();
    let key = match world.store.engine().kind() {
        EngineKind::Sqlite => format!("x'{}'", message.uuid().simple()),
        EngineKind::Postgres => format!("'{}'", message.uuid()),
    };
    world
        .as_superuser(&format!(
            "DELETE FROM job WHERE id = {key};;\
             UPDATE message SET state = 15 WHERE id = {key};;\
             INSERT INTO review (workspace_id, id, kind, message_id, channel_id, mode, found, state, opened_at) \
             SELECT workspace_id, id, 1, id, channel_id, mode, '{{}}', 1, created_at FROM message WHERE id = {key}"
        ))
        .await;
    message.to_string().replace("msg_", "rvw_")
}
