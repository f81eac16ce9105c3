//! A workspace with a test channel and receivers.

use gatepost_core::EndpointId;
use gatepost_core::access::{Grant, operator_permission, permission};
use gatepost_store::WorkspaceScope;
use gatepost_testkit::{Answer, Client, Engines, Received, Receiver, Setup, Tenant, World, eventually};
use serde_json::{Value, json};

pub const ENDPOINTS: &str = "/v1/webhook-endpoints";

pub struct Desk {
    pub world: World,
    pub tenant: Tenant,
    pub admin: Client,
    pub channel: String,
}

impl Desk {
    pub async fn open(engine: Engines) -> Self {
        Self::with(Setup::new(engine)).await
    }

    pub async fn with(setup: Setup) -> Self {
        let world = World::start(setup).await;
        let tenant = world.tenant("Example Ltd").await;
        let admin = tenant.admin.clone();
        let channel = channel(&admin, "desk").await;
        Self { world, tenant, admin, channel }
    }

    /// Adds an endpoint at `receiver` with more settings.
    pub async fn endpoint(&self, receiver: &Receiver, settings: Value) -> Value {
        let mut body = settings;
        body["url"] = json!(receiver.url);
        self.admin.post(ENDPOINTS, &body).await.expect(201).json()
    }

    pub async fn read(&self, id: &str) -> Value {
        self.admin.get(&path(id)).await.expect(200).json()
    }

    pub async fn change(&self, id: &str, change: Value) -> Value {
        self.admin.patch(&path(id), &change).await.expect(200).json()
    }

    pub async fn rotate(&self, id: &str, overlap: u32) -> Value {
        let path = format!("{}/rotate-secret", path(id));
        self.admin.post(&path, &json!({"overlap_seconds": overlap})).await.expect(200).json()
    }

    /// A message on the desk's channel: its events are `message.sent`, `message.delivered` and `message.read`.
    pub async fn send(&self) {
        self.send_on(&self.channel, "+12025550101").await;
    }

    pub async fn send_on(&self, channel: &str, to: &str) {
        let body = json!({"channel_id": channel, "to": to, "purpose": "support", "text": "hello"});
        self.admin.post("/v1/messages", &body).await.expect(202);
    }

    /// Asks for a test; returns the answer.
    pub async fn try_out(&self, id: &str) -> Answer {
        self.admin.raw("POST", &format!("{}/test", path(id)), &[], None).await
    }

    /// The attempts of a delivery, once there is one.
    pub async fn attempts(&self, id: &str, delivery: &Value) -> Vec<Value> {
        let delivery = delivery["id"].as_str().unwrap();
        let path = format!("{}/deliveries/{delivery}/attempts", path(id));
        eventually("an attempt", async || {
            let made = self.admin.get(&path).await.expect(200).json();
            let made = made["data"].as_array().unwrap().clone();
            (!made.is_empty()).then_some(made)
        })
        .await
    }

    /// The right to the workspace's rows, for what only the delivery lanes write.
    pub async fn scope(&self) -> WorkspaceScope {
        let enter = self.world.operator::<operator_permission::WorkspaceEnter>();
        let principal = self
            .world
            .app
            .workspace_enter(&enter, self.tenant.workspace, gatepost_app::Visit::InProcess)
            .await
            .unwrap();
        let grant: Grant<permission::EndpointManage> = principal.grant().unwrap();
        WorkspaceScope::from(&grant)
    }
}

pub async fn channel(admin: &Client, name: &str) -> String {
    let made = admin.post("/v1/channels", &json!({"type": "test", "name": name})).await.expect(201).json();
    id_of(&made)
}

pub fn path(id: &str) -> String {
    format!("{ENDPOINTS}/{id}")
}

pub fn id_of(made: &Value) -> String {
    made["id"].as_str().unwrap().to_owned()
}

pub fn secret_of(made: &Value) -> String {
    made["secret"].as_str().unwrap().to_owned()
}

pub fn parsed(id: &str) -> EndpointId {
    id.parse().unwrap()
}

pub fn header<'r>(received: &'r Received, name: &str) -> &'r str {
    received.headers.get(name).map(|value| value.to_str().unwrap()).unwrap_or_default()
}

pub async fn heard(receiver: &Receiver, count: usize) -> Vec<Received> {
    eventually(&format!("{count} webhooks"), async || {
        let received = receiver.received();
        (received.len() >= count).then_some(received)
    })
    .await
}
