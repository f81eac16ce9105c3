//! What all of these tests need: a world with a live channel, bodies like Meta's, and a way to wait.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::Body;
use gatepost_channels::sandbox::{SandboxConfig, SandboxHandle, SandboxTimings};
use gatepost_core::job::JobKind;
use gatepost_testkit::{Client, Engines, Live, Setup, Tenant, World, eventually, sandbox};
use metrics::{Counter, CounterFn, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};
use serde_json::{Value, json};
use tower::ServiceExt;

/// A Meta that takes messages and tells nothing: the news come from the tests.
pub async fn silent() -> SandboxHandle {
    let never = Duration::from_hours(1);
    let timings = SandboxTimings { sent: never, delivered: never, read: never, ..SandboxTimings::default() };
    sandbox(SandboxConfig { timings, ..SandboxConfig::default() }).await
}

pub async fn live(engine: Engines) -> (World, SandboxHandle, Tenant, Live) {
    let meta = silent().await;
    let world = World::start(Setup::new(engine).with_meta(&meta)).await;
    let tenant = world.tenant("Example Ltd").await;
    let live = world.live(&meta, tenant.workspace, 1).await;
    (world, meta, tenant, live)
}

/// A `messages` change of one number.
pub fn change(waba: &str, number: &str, news: &Value) -> Value {
    let mut value = json!({
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "12025550100", "phone_number_id": number},
    });
    for (name, part) in news.as_object().unwrap() {
        value[name] = part.clone();
    }
    json!({"id": waba, "changes": [{"field": "messages", "value": value}]})
}

/// A change of a channel's own number.
pub fn entry(live: &Live, news: &Value) -> Value {
    change(&live.waba_id, &live.phone_number_id, news)
}

pub fn body(entries: &[Value]) -> Vec<u8> {
    json!({"object": "whatsapp_business_account", "entry": entries}).to_string().into_bytes()
}

pub fn inbound(wamid: &str, text: &str) -> Value {
    json!({
        "contacts": [{"profile": {"name": "Zoë"}, "wa_id": "12025550177"}],
        "messages": [{"from": "12025550177", "id": wamid, "timestamp": "1793525400", "type": "text", "text": {"body": text}}],
    })
}

pub fn status(wamid: &str, message: &str, state: &str, second: u32) -> Value {
    let errors = if state == "failed" {
        json!([{"code": 131_026, "title": "Message undeliverable"}])
    } else {
        json!([])
    };
    json!({"statuses": [{
        "id": wamid, "status": state, "timestamp": format!("{}", 1_793_525_400 + second), "recipient_id": "12025550101",
        "biz_opaque_callback_data": message, "errors": errors,
    }]})
}

/// The whole event log, oldest first.
pub async fn events(admin: &Client) -> Vec<Value> {
    let (mut all, mut after) = (Vec::new(), String::new());
    loop {
        let page = admin.get(&format!("/v1/events?limit=100{after}")).await.expect(200).json();
        let found = page["data"].as_array().unwrap();
        if found.is_empty() {
            return all;
        }
        all.extend(found.iter().cloned());
        after = format!("&after={}", page["next_cursor"].as_str().unwrap());
    }
}

/// How often each piece of news is in the log: by Meta's id of the message and the state it tells.
pub fn told(events: &[Value]) -> BTreeMap<(String, String), usize> {
    let mut told = BTreeMap::new();
    for event in events {
        let message = &event["data"]["message"];
        if let Some(wamid) = message["provider_id"].as_str() {
            let state = message["state"].as_str().unwrap().to_owned();
            *told.entry((wamid.to_owned(), state)).or_default() += 1;
        }
    }
    told
}

/// Waits until no job is left but the channels' daily looks.
pub async fn all_read(world: &World) {
    eventually("every callback to be read", async || {
        let left = world.store.read_system(async |tx| tx.job_counts().await).await.unwrap();
        left.iter().all(|(kind, ..)| *kind == JobKind::ChannelCheck).then_some(())
    })
    .await;
}

/// A message that Meta has, with its wamid.
pub async fn sent(live: &Live, meta: &SandboxHandle) -> (String, String) {
    let send = json!({"channel_id": live.channel, "to": "+12025550101", "purpose": "support", "text": "hi"});
    let id =
        live.admin.post("/v1/messages", &send).await.expect(202).json()["id"].as_str().unwrap().to_owned();
    let record = eventually("the message at Meta", async || {
        meta.sends().into_iter().find(|s| s.opaque.as_deref() == Some(id.as_str()))
    })
    .await;
    (id, record.wamid)
}

/// The public router of a world, asked without a socket: as many requests as a test wants.
#[derive(Clone)]
pub struct Door(axum::Router, String);

impl Door {
    pub fn of(world: &World, live: &Live) -> Self {
        let router = gatepost_http::public_router(world.app.clone(), gatepost_http::Settings::default());
        Self(router, format!("/hooks/meta/{}", live.app.id))
    }

    /// The status, and the problem's code where there is one.
    pub async fn post(&self, headers: &[(&str, &str)], body: impl Into<Body>) -> (u16, String) {
        let mut request = http::Request::post(self.1.as_str());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = self.0.clone().oneshot(request.body(body.into()).unwrap()).await.unwrap();
        let status = answer.status().as_u16();
        let text = axum::body::to_bytes(answer.into_body(), usize::MAX).await.unwrap();
        let problem: Value = serde_json::from_slice(&text).unwrap_or_default();
        (status, problem["code"].as_str().unwrap_or_default().to_owned())
    }
}

/// Counts what is counted on this thread: `gatepost_callbacks_total` by its `result`, other counters by name.
#[derive(Clone, Default)]
pub struct Counted(Arc<Mutex<BTreeMap<String, u64>>>);

struct Cell(Counted, String);

impl CounterFn for Cell {
    fn increment(&self, value: u64) {
        *self.0.0.lock().unwrap().entry(self.1.clone()).or_default() += value;
    }

    fn absolute(&self, value: u64) {
        self.0.0.lock().unwrap().insert(self.1.clone(), value);
    }
}

impl Counted {
    pub fn clear(&self) {
        self.0.lock().unwrap().clear();
    }

    pub fn of(&self, name: &str) -> u64 {
        self.0.lock().unwrap().get(name).copied().unwrap_or_default()
    }
}

impl Recorder for Counted {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        let name = match key.labels().find(|label| label.key() == "result") {
            Some(label) if key.name() == "gatepost_callbacks_total" => label.value().to_owned(),
            _ => key.name().to_owned(),
        };
        Counter::from_arc(Arc::new(Cell(self.clone(), name)))
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

/// Numbers that look random and are the same every time (xorshift).
pub struct Dice(u64);

impl Dice {
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn roll(&mut self, below: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % below as u64).unwrap()
    }

    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.roll(i + 1));
        }
    }
}
