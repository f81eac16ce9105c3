//! A workspace that hears from people, endpoints with settings, and receivers that do as they are told.

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use gatepost_channels::sandbox::SandboxHandle;
use gatepost_core::access::{Grant, permission};
use gatepost_core::endpoint::{DeliveryOrder, RetrySchedule};
use gatepost_core::{Clock, EndpointId, Timestamp};
use gatepost_store::engine::{Lane, Tx};
use gatepost_store::{EndpointRow, EventHead, WorkspaceScope, params, statements};
use gatepost_testkit::{Client, Engines, Live, Setup, World, eventually, sandbox};
use serde_json::{Value, json};
use tokio::net::TcpListener;

statements! {
    SPOIL = same("UPDATE event SET payload = $2 WHERE workspace_id = $1");
}

/// A workspace with a live channel, and people who write to it.
pub struct Desk {
    pub world: World,
    pub live: Live,
    pub admin: Client,
    pub scope: WorkspaceScope,
    _meta: SandboxHandle,
}

impl Desk {
    pub async fn open(engine: Engines) -> Self {
        Self::with(engine, |_| {}).await
    }

    pub async fn with(engine: Engines, change: impl FnOnce(&mut Setup)) -> Self {
        let meta = sandbox(gatepost_channels::sandbox::SandboxConfig::default()).await;
        let mut setup = Setup::new(engine).with_meta(&meta);
        setup.config.drain = std::time::Duration::from_millis(200);
        change(&mut setup);
        let world = World::start(setup).await;
        let tenant = world.tenant("Example Ltd").await;
        let live = world.live(&meta, tenant.workspace, 1).await;
        let scope = WorkspaceScope::from(&manager(&world, tenant.workspace).await);
        let admin = live.admin.clone();
        Self { world, live, admin, scope, _meta: meta }
    }

    pub async fn endpoint(&self, url: &str) -> EndpointId {
        self.endpoint_for(url, &[]).await
    }

    pub async fn endpoint_for(&self, url: &str, events: &[&str]) -> EndpointId {
        let body = json!({"url": url, "events": events});
        let made = self.admin.post("/v1/webhook-endpoints", &body).await.expect(201).json();
        made["id"].as_str().unwrap().parse().unwrap()
    }

    /// Changes what the owner can set, as it lies in the store.
    pub async fn set(&self, id: EndpointId, schedule: Option<&[u32]>, order: DeliveryOrder) {
        let schedule = schedule.map(|seconds| RetrySchedule::new(seconds.to_vec()).unwrap());
        let write = self.world.store.write(self.scope, async move |tx| {
            let row = tx.endpoint_get(id).await?.unwrap();
            tx.endpoint_update(&EndpointRow { retry_schedule: schedule.clone(), order, ..row }).await?;
            tx.commit(gatepost_core::audit::Audit::None("a test"), ())
        });
        write.await.unwrap();
    }

    pub async fn row(&self, id: EndpointId) -> EndpointRow {
        self.world.store.read(self.scope, async move |tx| tx.endpoint_get(id).await).await.unwrap().unwrap()
    }

    /// Each of these people writes once: one callback, one event for each.
    pub async fn write(&self, people: &[(u32, &str)]) {
        self.write_to(&self.world, people).await;
    }

    pub async fn write_to(&self, node: &World, people: &[(u32, &str)]) {
        let messages: Vec<Value> = people
            .iter()
            .map(|(person, wamid)| {
                json!({
                    "from": format!("1202555{person:04}"), "id": wamid, "timestamp": "1793525400", "type": "text",
                    "text": {"body": "hello"},
                })
            })
            .collect();
        self.write_messages(node, &messages).await;
    }

    /// Messages as Meta tells of them.
    pub async fn write_messages(&self, node: &World, messages: &[Value]) {
        let value = json!({
            "messaging_product": "whatsapp",
            "metadata": {"display_phone_number": "12025550100", "phone_number_id": self.live.phone_number_id},
            "messages": messages,
        });
        let change = json!({"id": self.live.waba_id, "changes": [{"field": "messages", "value": value}]});
        let body = json!({"object": "whatsapp_business_account", "entry": [change]});
        self.live.app.call(node, body.to_string()).await.expect(200);
    }

    /// An event that is about no person.
    pub async fn notice(&self) {
        let value = json!({"event": format!("TOLD_{}", self.now())});
        let change =
            json!({"id": self.live.waba_id, "changes": [{"field": "account_update", "value": value}]});
        let body = json!({"object": "whatsapp_business_account", "entry": [change]});
        self.live.app.call(&self.world, body.to_string()).await.expect(200);
    }

    /// Changes what lies sealed, as somebody with the database could.
    pub async fn spoil_payloads(&self) {
        let workspace = self.scope.workspace().uuid();
        let spoil = self.world.store.engine().write(Lane::Workspace(workspace), async move |tx: &Tx<'_>| {
            tx.execute(&SPOIL, params![workspace, &[1_u8, 2, 3]]).await
        });
        assert!(spoil.await.unwrap() > 0);
    }

    /// `count` events, about as many people.
    pub async fn events(&self, mark: &str, count: u32) {
        let wamids: Vec<(u32, String)> =
            (0..count).map(|n| (n % 10_000, format!("wamid.{mark}.{n}"))).collect();
        for some in wamids.chunks(100) {
            let people: Vec<(u32, &str)> = some.iter().map(|(n, wamid)| (*n, wamid.as_str())).collect();
            self.write(&people).await;
        }
        let wanted = usize::try_from(count).unwrap();
        eventually("the events", async || (self.log().await.len() >= wanted).then_some(())).await;
    }

    /// The event log, oldest first.
    pub async fn log(&self) -> Vec<EventHead> {
        let read = self.world.store.read(self.scope, async |tx| tx.event_heads(0, 1_000_000).await);
        read.await.unwrap()
    }

    pub async fn deliveries(&self, endpoint: EndpointId, state: &str) -> Vec<Value> {
        let path = format!("/v1/webhook-endpoints/{endpoint}/deliveries?limit=100&state={state}");
        self.admin.get(&path).await.expect(200).json()["data"].as_array().unwrap().clone()
    }

    pub async fn attempts(&self, endpoint: EndpointId, delivery: &Value) -> Vec<Value> {
        let delivery = delivery["id"].as_str().unwrap();
        let path = format!("/v1/webhook-endpoints/{endpoint}/deliveries/{delivery}/attempts");
        self.admin.get(&path).await.expect(200).json()["data"].as_array().unwrap().clone()
    }

    /// Waits until one delivery is in this state after so many attempts.
    pub async fn one(&self, endpoint: EndpointId, state: &str, attempts: usize) -> Value {
        eventually(&format!("a {state} delivery after {attempts} attempts"), async || {
            self.deliveries(endpoint, state).await.into_iter().find(|d| d["attempts"] == attempts)
        })
        .await
    }

    /// The seconds from the last attempt to the next.
    pub async fn wait_of(&self, endpoint: EndpointId, delivery: &Value) -> f64 {
        let last = self.attempts(endpoint, delivery).await.pop().unwrap();
        let at = |value: &Value| Timestamp::parse(value.as_str().unwrap()).unwrap();
        at(&delivery["next_attempt_at"]).since(at(&last["at"])).as_secs_f64()
    }

    pub fn now(&self) -> Timestamp {
        self.world.clock.now()
    }
}

async fn manager(world: &World, workspace: gatepost_core::WorkspaceId) -> Grant<permission::EndpointManage> {
    let enter = world.operator::<gatepost_core::access::operator_permission::WorkspaceEnter>();
    let principal =
        world.app.workspace_enter(&enter, workspace, gatepost_app::Visit::InProcess).await.unwrap();
    principal.grant().unwrap()
}

/// One request as it came.
#[derive(Debug, Clone)]
pub struct Came {
    pub id: String,
    pub body: Bytes,
    /// What it was answered.
    pub status: u16,
}

type Script = dyn Fn(usize, &Value) -> (u16, Vec<(&'static str, String)>) + Send + Sync;

struct Shared {
    script: Box<Script>,
    came: Mutex<Vec<Came>>,
    pause: std::time::Duration,
}

/// Answers by a script: given the number of the request (from 0) and the event, the status and headers.
#[derive(Clone)]
pub struct Scripted {
    pub url: String,
    shared: Arc<Shared>,
}

impl Scripted {
    pub async fn start(
        script: impl Fn(usize, &Value) -> (u16, Vec<(&'static str, String)>) + Send + Sync + 'static,
    ) -> Self {
        Self::slow(std::time::Duration::ZERO, script).await
    }

    pub async fn slow(
        pause: std::time::Duration,
        script: impl Fn(usize, &Value) -> (u16, Vec<(&'static str, String)>) + Send + Sync + 'static,
    ) -> Self {
        let shared = Arc::new(Shared { script: Box::new(script), came: Mutex::default(), pause });
        let router = Router::new().fallback(answer).with_state(Arc::clone(&shared));
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, shared }
    }

    /// Always the same answer.
    pub async fn answering(status: u16) -> Self {
        Self::start(move |_, _| (status, vec![])).await
    }

    pub fn came(&self) -> Vec<Came> {
        self.shared.came.lock().unwrap().clone()
    }

    pub fn count(&self) -> usize {
        self.shared.came.lock().unwrap().len()
    }
}

async fn answer(State(shared): State<Arc<Shared>>, headers: HeaderMap, body: Bytes) -> Response {
    let id = headers["webhook-id"].to_str().unwrap().to_owned();
    let event: Value = serde_json::from_slice(&body).unwrap();
    if !shared.pause.is_zero() {
        tokio::time::sleep(shared.pause).await;
    }
    let (status, extra) = {
        let mut came = shared.came.lock().unwrap();
        let (status, extra) = (shared.script)(came.len(), &event);
        came.push(Came { id, body, status });
        (status, extra)
    };
    let mut response = Response::builder().status(status);
    for (name, value) in extra {
        response = response.header(name, value);
    }
    response.body(Body::empty()).unwrap()
}

/// Resident memory of this process, bytes: the gateway and all receivers.
pub fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
    line.split_ascii_whitespace().nth(1).unwrap().parse::<u64>().unwrap() * 1024
}
