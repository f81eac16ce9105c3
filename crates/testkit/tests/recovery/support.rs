//! A workspace that hears from people and tells endpoints of it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use gatepost_channels::sandbox::{SandboxConfig, SandboxHandle};
use gatepost_core::event::EventType;
use gatepost_core::{Clock, Timestamp, WorkspaceId};
use gatepost_store::engine::{Error, Lane, Stmt, Tx, Value as Column};
use gatepost_testkit::{Client, Engines, Live, Receiver, Setup, World, eventually, sandbox};
use serde_json::{Value, json};

/// Inbound messages of one callback.
const BATCH: usize = 500;

static RECEIVED: Stmt =
    Stmt::same("RECEIVED", "SELECT COUNT(*) FROM event WHERE workspace_id = $1 AND type = $2");

pub struct Desk {
    pub world: World,
    pub workspace: WorkspaceId,
    pub live: Live,
    pub admin: Client,
    meta: SandboxHandle,
    heard: AtomicUsize,
    gone: AtomicUsize,
}

/// A setup for these tests.
pub async fn setup(engine: Engines) -> (Setup, SandboxHandle) {
    let meta = sandbox(SandboxConfig::default()).await;
    (Setup::new(engine).with_meta(&meta), meta)
}

impl Desk {
    pub async fn open(engine: Engines) -> Self {
        let (setup, meta) = setup(engine).await;
        Self::open_with(setup, meta).await
    }

    pub async fn open_with(setup: Setup, meta: SandboxHandle) -> Self {
        let world = World::start(setup).await;
        let workspace = world.tenant("Example Ltd").await.workspace;
        let live = world.live(&meta, workspace, 1).await;
        let admin = live.admin.clone();
        Self { world, workspace, live, admin, meta, heard: AtomicUsize::new(0), gone: AtomicUsize::new(0) }
    }

    /// The same desk at another node.
    pub fn at(self, world: World) -> Self {
        let admin = world.nobody().with_key(Some(&self.live.admin_key));
        Self { world, admin, ..self }
    }

    pub async fn endpoint(&self, receiver: &Receiver) -> String {
        let body = json!({"url": receiver.url, "events": ["message.received"]});
        let made = self.admin.post("/v1/webhook-endpoints", &body).await.expect(201).json();
        made["id"].as_str().unwrap().to_owned()
    }

    pub async fn enable(&self, endpoint: &str, enabled: bool) {
        let path = format!("/v1/webhook-endpoints/{endpoint}");
        self.admin.patch(&path, &json!({"enabled": enabled})).await.expect(200);
    }

    /// So many people write; returns once each is an event.
    pub async fn hear(&self, count: usize) {
        let first = self.heard.fetch_add(count, Ordering::SeqCst);
        let now = self.world.clock.now().seconds().to_string();
        for batch in (first..first + count).collect::<Vec<_>>().chunks(BATCH) {
            let messages: Vec<Value> = batch
                .iter()
                .map(|n| {
                    json!({"from": "12025550180", "id": format!("wamid.{n}"), "timestamp": now, "type": "text",
                        "text": {"body": format!("hello {n}")}})
                })
                .collect();
            let body = json!({"object": "whatsapp_business_account", "entry": [{"id": self.live.waba_id, "changes": [
                {"field": "messages", "value": {
                    "messaging_product": "whatsapp",
                    "metadata": {"display_phone_number": "1", "phone_number_id": self.live.phone_number_id},
                    "contacts": [{"profile": {"name": "Person"}, "wa_id": "12025550180"}],
                    "messages": messages,
                }},
            ]}]});
            self.live.app.call(&self.world, body.to_string().into_bytes()).await.expect(200);
        }
        let wanted = first + count - self.gone.load(Ordering::SeqCst);
        eventually("every message to be an event", async || {
            (self.received().await >= i64::try_from(wanted).unwrap()).then_some(())
        })
        .await;
    }

    /// How many of these events there are.
    pub async fn received(&self) -> i64 {
        let workspace = self.workspace.uuid();
        let read = async move |tx: &Tx<'_>| -> Result<i64, Error> {
            let values = [Column::Uuid(workspace), Column::Int(EventType::MessageReceived.number())];
            tx.query_one(&RECEIVED, &values, |row| row.get(0)).await
        };
        self.world.store.engine().read(Lane::Workspace(workspace), read).await.unwrap()
    }

    /// From here on only what is heard from now on is counted: what was there before is gone.
    pub fn forget(&self) {
        self.gone.store(self.heard.load(Ordering::SeqCst), Ordering::SeqCst);
    }

    /// Every delivery of an endpoint that fits, page after page, the newest first.
    pub async fn deliveries(&self, endpoint: &str, query: &str) -> Vec<Value> {
        let path = format!("/v1/webhook-endpoints/{endpoint}/deliveries?limit=100{query}");
        let (mut found, mut after) = (Vec::new(), String::new());
        loop {
            let page = self.admin.get(&format!("{path}{after}")).await.expect(200).json();
            found.extend(page["data"].as_array().unwrap().clone());
            match page["next_cursor"].as_str() {
                Some(cursor) => after = format!("&after={cursor}"),
                None => return found,
            }
        }
    }

    /// The endpoint's deliveries, once there are so many in this state.
    pub async fn settled(&self, endpoint: &str, state: &str, count: usize) -> Vec<Value> {
        eventually(&format!("{count} deliveries {state}"), async || {
            let found = self.deliveries(endpoint, &format!("&state={state}")).await;
            (found.len() == count).then_some(found)
        })
        .await
    }

    /// Lets the whole schedule go by.
    pub async fn spend(&self, endpoint: &str, count: usize) {
        eventually("the schedule to be spent", async || {
            if self.deliveries(endpoint, "&state=dead").await.len() == count {
                return Some(());
            }
            let now = self.world.clock.now();
            let waiting = self.deliveries(endpoint, "&state=failed,pending").await;
            // Behind an open circuit one probe goes at a time, every few minutes.
            if waiting.iter().any(|d| d["waits_for"] != "attempt") {
                let due =
                    waiting.iter().filter_map(|d| Timestamp::parse(d["next_attempt_at"].as_str()?)).max();
                let wait = due.map_or(Duration::ZERO, |due| due.since(now));
                self.world.clock.advance(wait.max(Duration::from_hours(5)) + Duration::from_secs(1));
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
            None
        })
        .await;
    }

    pub async fn replay(&self, endpoint: &str, body: &Value) -> String {
        let path = format!("/v1/webhook-endpoints/{endpoint}/replays");
        self.admin.post(&path, body).await.expect(201).json()["id"].as_str().unwrap().to_owned()
    }

    pub async fn replay_state(&self, endpoint: &str, replay: &str) -> Value {
        self.admin.get(&format!("/v1/webhook-endpoints/{endpoint}/replays/{replay}")).await.expect(200).json()
    }

    pub async fn replayed(&self, endpoint: &str, replay: &str) -> Value {
        eventually("the replay to be done", async || {
            let found = self.replay_state(endpoint, replay).await;
            (found["state"] != "running").then_some(found)
        })
        .await
    }

    pub async fn stop(self) {
        self.world.stop().await;
        self.meta.shutdown().await;
    }
}

/// How often each event was accepted, by its `webhook-id`.
pub fn accepted(receiver: &Receiver) -> BTreeMap<String, usize> {
    let mut found = BTreeMap::new();
    for webhook in receiver.received().iter().filter(|r| r.status == 200) {
        let id = webhook.headers["webhook-id"].to_str().unwrap().to_owned();
        assert_eq!(webhook.json()["id"], id.as_str());
        *found.entry(id).or_insert(0) += 1;
    }
    found
}

pub const ALWAYS: &str = "2026-01-01T00:00:00Z";
