//! A workspace with a channel, a receiver and an owner.

use gatepost_core::WorkspaceId;
use gatepost_core::access::{PermissionSet, Role, operator_permission, permission};
use gatepost_core::channel::Mode;
use gatepost_store::WorkspaceScope;
use gatepost_store::engine::EngineKind;
use gatepost_testkit::{Answer, Client, Receiver, Setup, Tenant, World, eventually};
use serde_json::{Value, json};

/// Somebody who reads what they get.
pub const ANN: &str = "+12025550123";
/// Somebody who answers.
pub const BEN: &str = "+12025550108";

pub struct Desk {
    pub world: World,
    pub tenant: Tenant,
    pub channel: String,
    pub receiver: Receiver,
}

impl Desk {
    pub async fn open(setup: Setup) -> Self {
        let world = World::start(setup).await;
        let tenant = world.tenant("Example Ltd").await;
        let channel = json!({"type": "test", "name": "Desk"});
        let channel = tenant.admin.post("/v1/channels", &channel).await.expect(201).json();
        let receiver = Receiver::start().await;
        let endpoint = json!({"url": receiver.url, "description": "ours"});
        tenant.admin.post("/v1/webhook-endpoints", &endpoint).await.expect(201);
        Self { world, tenant, channel: channel["id"].as_str().unwrap().to_owned(), receiver }
    }

    pub fn message(&self, to: &str, purpose: &str) -> Value {
        json!({"channel_id": self.channel, "to": to, "purpose": purpose, "text": "Your table is ready."})
    }

    /// A template in the place of words.
    pub fn template(&self, to: &str, purpose: &str, name: &str) -> Value {
        let template = json!({"name": name, "language": {"code": "en_US"}});
        json!({"channel_id": self.channel, "to": to, "purpose": purpose, "template": template})
    }

    pub async fn send(&self, message: &Value) -> Answer {
        self.tenant.admin.post("/v1/messages", message).await
    }

    /// Sends what is accepted; its id.
    pub async fn sent(&self, message: &Value) -> String {
        id(&self.send(message).await.expect(202).json())
    }

    pub async fn read(&self, message: &str) -> Value {
        read(&self.tenant.admin, message).await
    }

    /// Waits for a message's state.
    pub async fn reaches(&self, message: &str, state: &str) -> Value {
        reaches(&self.tenant.admin, message, state).await
    }

    /// What the guard is set to.
    pub async fn set(&self, settings: &Value) -> Answer {
        self.tenant.admin.call("PUT", "/v1/guard/settings", &[], Some(settings)).await
    }

    /// A template of a category, as Meta files it.
    pub async fn known_template(&self, name: &str, category: &str) {
        let draft = json!({
            "channel_id": self.channel, "name": name, "language": "en_US", "category": "UTILITY",
            "components": [{"type": "BODY", "text": "Your table is ready for you."}],
        });
        self.tenant.admin.post("/v1/templates", &draft).await.expect(201);
        let sql = format!("UPDATE template SET category = '{category}' WHERE name = '{name}'");
        self.world.as_superuser(&sql).await;
    }

    /// Gives the workspace a plan.
    pub async fn plan(&self, body: &str) {
        self.world.plan(self.tenant.workspace, body).await;
    }

    /// The owner, as a script of theirs calls.
    pub async fn owner(&self) -> Client {
        self.caller(Role::Owner).await
    }

    /// A member with an access token.
    pub async fn caller(&self, role: Role) -> Client {
        let member = self.world.member(self.tenant.workspace, role).await;
        let browser = self.world.browser_of(&member).await;
        browser.open("/account/sessions").await.expect(200);
        let csrf = browser.csrf().unwrap();
        let headers = [
            ("content-type", "application/json"),
            ("sec-fetch-site", "same-origin"),
            ("x-csrf-token", csrf.as_str()),
        ];
        let ask = json!({"workspace_id": self.tenant.workspace, "mode": "test"}).to_string();
        let tokens = browser.send("POST", "/v1/auth/token", &headers, Some(ask)).await.expect(200).json();
        self.world.nobody().with_key(tokens["access_token"].as_str())
    }

    /// The workspace's policy events, newest first.
    pub async fn decisions(&self) -> Vec<Value> {
        let page = self.tenant.admin.get("/v1/policy-events?limit=100").await.expect(200).json();
        page["data"].as_array().unwrap().clone()
    }

    /// Messages of today that count, of the whole workspace.
    pub async fn used(&self) -> i64 {
        used(&self.world, self.tenant.workspace).await
    }

    /// Makes a queued message one that is held, as a rule would; the review's id.
    pub async fn hold(&self, message: &str) -> String {
        let key = self.sql_message(message);
        self.world
            .as_superuser(&format!(
                "DELETE FROM job WHERE id = {key};;\
                 UPDATE message SET state = 15 WHERE id = {key};;\
                 INSERT INTO review (workspace_id, id, kind, message_id, channel_id, mode, found, state, opened_at) \
                 SELECT workspace_id, id, 1, id, channel_id, mode, '{{\"risk_score\":64,\"rules\":[\"identical_text\"]}}', 1, created_at FROM message WHERE id = {key}"
            ))
            .await;
        message.replace("msg_", "rvw_")
    }

    /// A message's id as SQL of this engine.
    pub fn sql_message(&self, message: &str) -> String {
        let id: gatepost_core::MessageId = message.parse().unwrap();
        match self.world.store.engine().kind() {
            EngineKind::Sqlite => format!("x'{}'", id.uuid().simple()),
            EngineKind::Postgres => format!("'{}'", id.uuid()),
        }
    }

    pub async fn close(self) {
        self.world.stop().await;
    }
}

pub fn id(made: &Value) -> String {
    made["id"].as_str().unwrap().to_owned()
}

pub async fn read(admin: &Client, message: &str) -> Value {
    admin.get(&format!("/v1/messages/{message}")).await.expect(200).json()
}

pub async fn reaches(admin: &Client, message: &str, state: &str) -> Value {
    eventually(state, async || {
        let found = read(admin, message).await;
        (found["state"] == state).then_some(found)
    })
    .await
}

/// Refused, and by which code.
#[track_caller]
pub fn refused(answer: &Answer, status: u16, code: &str) {
    assert_eq!((answer.status, answer.code().as_str()), (status, code), "{}", answer.text);
}

/// Messages of today that count, of a whole workspace.
pub async fn used(world: &World, workspace: WorkspaceId) -> i64 {
    let enter = world.operator::<operator_permission::WorkspaceEnter>();
    let inside = enter.enter(workspace, PermissionSet::all());
    let scope = WorkspaceScope::from(&inside.grant::<permission::GuardRead>().unwrap());
    let rows = world.store.read(scope, async |tx| tx.usage_list(Mode::Test).await).await.unwrap();
    let own = rows.iter().find(|row| row.subject == workspace.uuid());
    own.map_or(0, |row| row.day_used)
}
