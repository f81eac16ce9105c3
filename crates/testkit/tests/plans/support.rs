//! An installation with its operator's socket, and tenants that send.

use axum::Router;
use axum::extract::ConnectInfo;
use gatepost_core::guard::{Plan, PlanName, Zone};
use gatepost_core::{Clock as _, WorkspaceId};
use gatepost_http::{Settings, SocketPeer, operator_router};
use gatepost_testkit::{Answer, Client, Engines, Setup, World};
use serde_json::{Value, json};
use std::time::Duration;
use tower::ServiceExt as _;

/// The system user that is the operator here.
const UID: u32 = 4711;

pub struct Desk {
    pub world: World,
    operator: Router,
}

impl Desk {
    /// Nothing that is accepted leaves by itself.
    pub async fn start(engine: Engines) -> Self {
        let mut setup = Setup::new(engine);
        setup.workers = false;
        Self::with(setup).await
    }

    pub async fn with(setup: Setup) -> Self {
        let world = World::start(setup).await;
        let settings = Settings { operator_uid: UID, ..Settings::default() };
        let operator = operator_router(world.app.clone(), settings);
        Self { world, operator }
    }

    /// Sets the clock to the fifth of next month, so that a day more is of the same month.
    pub fn begin_in_a_month(&self) {
        let now = self.world.clock.now();
        let first = Zone::UTC.begin(Zone::UTC.day(now).month().next().first());
        self.world.clock.advance(first.plus(Duration::from_hours(4 * 24 + 12)).since(now));
    }

    /// Asks at the operator's socket.
    pub async fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
        let mut request = http::Request::builder().method(method).uri(path);
        if body.is_some() {
            request = request.header("content-type", "application/json");
        }
        let body = body.map(Value::to_string).unwrap_or_default();
        let mut request = request.body(axum::body::Body::from(body)).unwrap();
        request.extensions_mut().insert(ConnectInfo(SocketPeer { uid: Some(UID) }));
        let answer = self.operator.clone().oneshot(request).await.unwrap();
        let status = answer.status().as_u16();
        let bytes = axum::body::to_bytes(answer.into_body(), usize::MAX).await.unwrap();
        (status, serde_json::from_slice(&bytes).unwrap_or(Value::Null))
    }

    /// The same, where it must succeed.
    pub async fn done(&self, method: &str, path: &str, body: Option<&Value>) -> Value {
        let (status, answer) = self.ask(method, path, body).await;
        assert!((200..300).contains(&status), "{method} {path}: {status} {answer}");
        answer
    }

    /// Gives a workspace a plan of its own.
    pub async fn give(&self, workspace: WorkspaceId, name: &str, plan: &Value) {
        let plan = Plan::parse(&plan.to_string()).unwrap();
        let name = PlanName::parse(name).unwrap();
        self.world.app.plan_put(&self.world.operator(), name.clone(), plan).await.unwrap();
        self.world.app.workspace_plan_set(&self.world.operator(), workspace, Some(name)).await.unwrap();
    }
}

/// A new test channel.
pub async fn channel(admin: &Client, name: &str) -> String {
    let made = admin.post("/v1/channels", &json!({"type": "test", "name": name})).await.expect(201).json();
    made["id"].as_str().unwrap().to_owned()
}

/// A message to one of many people.
pub async fn send(admin: &Client, channel: &str, person: usize) -> Answer {
    let body = json!({
        "channel_id": channel, "to": format!("+1202555{person:04}"), "purpose": "support", "text": "hello",
    });
    admin.post("/v1/messages", &body).await
}

/// What was used, as the API says.
pub async fn usage(admin: &Client) -> Value {
    admin.get("/v1/usage").await.expect(200).json()
}
