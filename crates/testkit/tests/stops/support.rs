//! A live channel at a Meta that tells nothing of itself, and people who write to it.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use gatepost_channels::sandbox::{SandboxConfig, SandboxHandle, SandboxTimings};
use gatepost_core::Clock as _;
use gatepost_core::access::Role;
use gatepost_testkit::{Answer, Client, Engines, Live, Setup, Tenant, World, eventually, sandbox};
use serde_json::{Value, json};

const NEVER: Duration = Duration::from_hours(24);

/// The person of most tests.
pub const PERSON: &str = "+12025550177";

pub struct Stage {
    pub world: World,
    pub meta: SandboxHandle,
    pub tenant: Tenant,
    pub live: Live,
}

static WAMIDS: AtomicU32 = AtomicU32::new(0);

pub fn wamid() -> String {
    format!("wamid.stops.{}", WAMIDS.fetch_add(1, Ordering::Relaxed))
}

pub async fn silent() -> SandboxHandle {
    let timings = SandboxTimings {
        sent: NEVER,
        delivered: NEVER,
        read: NEVER,
        reply: NEVER,
        ..SandboxTimings::default()
    };
    sandbox(SandboxConfig { timings, ..SandboxConfig::default() }).await
}

/// A setup in which only the guard holds sends back.
pub fn setup(engine: Engines, meta: &SandboxHandle) -> Setup {
    let mut setup = Setup::new(engine).with_meta(meta);
    setup.config.send_pair_limit.burst = 100_000;
    setup.config.send_pair_limit.every = Duration::from_micros(1);
    setup
}

impl Stage {
    pub async fn start(engine: Engines) -> Self {
        let meta = silent().await;
        Self::with(setup(engine, &meta), meta).await
    }

    pub async fn with(setup: Setup, meta: SandboxHandle) -> Self {
        let world = World::start(setup).await;
        let tenant = world.tenant("Example Ltd").await;
        let live = world.live(&meta, tenant.workspace, 1).await;
        Self { world, meta, tenant, live }
    }

    pub async fn stop(self) {
        self.world.stop().await;
        self.meta.shutdown().await;
    }

    /// Seconds by the world's clock.
    pub fn now(&self) -> i64 {
        self.world.clock.now().seconds()
    }

    /// What a person says, as Meta tells it; at this second.
    pub fn said(&self, phone: Option<&str>, bsuid: Option<&str>, at: i64, message: Value) -> Value {
        let mut message = message;
        let digits = phone.map(|phone| phone.trim_start_matches('+').to_owned());
        message["id"] = json!(wamid());
        message["timestamp"] = json!(at.to_string());
        if let Some(digits) = &digits {
            message["from"] = json!(digits);
        }
        if let Some(bsuid) = bsuid {
            message["from_user_id"] = json!(bsuid);
        }
        let contact = json!({"profile": {"name": "Zoë"}, "wa_id": digits, "user_id": bsuid});
        self.change("messages", json!({"contacts": [contact], "messages": [message]}))
    }

    /// A change of the channel's number.
    pub fn change(&self, field: &str, news: Value) -> Value {
        let mut value = news;
        value["messaging_product"] = json!("whatsapp");
        value["metadata"] = json!({
            "display_phone_number": "12025550100", "phone_number_id": self.live.phone_number_id,
        });
        json!({"id": self.live.waba_id, "changes": [{"field": field, "value": value}]})
    }

    /// Meta tells this, on a node.
    pub async fn tell_on(&self, node: &World, entries: &[Value]) {
        let body = json!({"object": "whatsapp_business_account", "entry": entries}).to_string();
        self.live.app.call(node, body.into_bytes()).await.expect(200);
    }

    /// Meta tells this, and it is read.
    pub async fn tell(&self, entries: &[Value]) {
        self.tell_on(&self.world, entries).await;
        self.read().await;
    }

    /// Every callback is read.
    pub async fn read(&self) {
        eventually("callbacks to be read", async || {
            self.world.rows().await["envelope"].is_empty().then_some(())
        })
        .await;
    }

    /// A person writes a text, which is read.
    pub async fn says(&self, phone: &str, text: &str) {
        let text = json!({"type": "text", "text": {"body": text}});
        self.tell(&[self.said(Some(phone), None, self.now(), text)]).await;
    }

    pub async fn send(&self, to: &str, purpose: &str) -> Answer {
        let body = json!({"channel_id": self.live.channel, "to": to, "purpose": purpose, "text": "Your order is ready."});
        self.live.admin.post("/v1/messages", &body).await
    }

    /// The id of a send that is accepted.
    pub async fn accepted(&self, to: &str, purpose: &str) -> String {
        let answer = self.send(to, purpose).await.expect(202).json();
        answer["id"].as_str().unwrap().to_owned()
    }

    /// Whether a send of this purpose is taken.
    pub async fn takes(&self, to: &str, purpose: &str) -> bool {
        let answer = self.send(to, purpose).await;
        match answer.status {
            202 => true,
            _ => {
                assert_eq!(answer.code(), "recipient_suppressed", "{}", answer.text);
                false
            }
        }
    }

    pub async fn message(&self, id: &str) -> Value {
        self.live.admin.get(&format!("/v1/messages/{id}")).await.expect(200).json()
    }

    pub async fn suppressions(&self) -> Vec<Value> {
        let list = self.live.admin.get("/v1/suppressions").await.expect(200).json();
        list["data"].as_array().unwrap().clone()
    }

    /// Events of a type, oldest first.
    pub async fn events(&self, event_type: &str) -> Vec<Value> {
        events(&self.live.admin, event_type).await
    }

    /// The workspace's own settings of the guard.
    pub async fn settings(&self, settings: &Value) {
        self.live.admin.call("PUT", "/v1/guard/settings", &[], Some(settings)).await.expect(200);
    }

    /// What an owner of the workspace asks with, in live mode.
    pub async fn owner(&self) -> Client {
        let owner = self.world.member(self.tenant.workspace, Role::Owner).await;
        let browser = self.world.browser_of(&owner).await;
        browser.open("/account/sessions").await.expect(200);
        let csrf = browser.csrf().unwrap();
        let headers = [
            ("content-type", "application/json"),
            ("sec-fetch-site", "same-origin"),
            ("x-csrf-token", csrf.as_str()),
        ];
        let ask = json!({"workspace_id": self.tenant.workspace, "mode": "live"}).to_string();
        let tokens = browser.send("POST", "/v1/auth/token", &headers, Some(ask)).await.expect(200).json();
        self.world.nobody().with_key(tokens["access_token"].as_str())
    }

    /// Nothing but the channels' daily looks is left to do.
    pub async fn settled(&self) {
        let start = std::time::Instant::now();
        eventually("all work to be done", async || {
            let left = self.world.work_left().await;
            if left > 0 && start.elapsed() > Duration::from_secs(30) {
                let rows = self.world.rows_of(self.tenant.workspace).await;
                panic!("left: {:?} {:?}", rows["job"], rows["message"]);
            }
            (left == 0).then_some(())
        })
        .await;
    }
}

pub async fn events(admin: &Client, event_type: &str) -> Vec<Value> {
    let (mut all, mut after) = (Vec::new(), String::new());
    loop {
        let page = admin.get(&format!("/v1/events?limit=100{after}")).await.expect(200).json();
        let found = page["data"].as_array().unwrap();
        if found.is_empty() {
            return all;
        }
        all.extend(found.iter().filter(|event| event["type"] == event_type).cloned());
        after = format!("&after={}", page["next_cursor"].as_str().unwrap());
    }
}

/// A purpose that is essential beside codes: what is essential is configuration.
pub fn also_essential(setup: &mut Setup) {
    setup.config.guard.essential.push(gatepost_core::Purpose::Transactional);
}
