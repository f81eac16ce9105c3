//! Two workspaces that do the same things at the same time, with the same numbers, keys and ids of Meta's: neither ever
//! sees a row of the other's, nor an answer that was made for it.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::future::join_all;
use gatepost_channels::sandbox::{SandboxConfig, SandboxHandle, SandboxLimits, SandboxTimings};
use gatepost_testkit::{Engines, Live, MetaSide, Receiver, Setup, Tenant, World, eventually, sandbox};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};

/// What one side does; small numbers, so that both sides often choose alike.
#[derive(Debug, Clone)]
enum Step {
    Send {
        person: u8,
        text: u8,
        key: Option<u8>,
    },
    Inbound {
        wamid: u8,
        person: u8,
    },
    Status {
        wamid: u8,
    },
    Key,
    Endpoint,
    /// Asks for what the other side made last.
    Pry,
    Look,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        5 => (0..3_u8, 0..3_u8, proptest::option::of(0..4_u8)).prop_map(|(person, text, key)| Step::Send { person, text, key }),
        4 => (0..4_u8, 0..3_u8).prop_map(|(wamid, person)| Step::Inbound { wamid, person }),
        2 => (0..4_u8).prop_map(|wamid| Step::Status { wamid }),
        1 => Just(Step::Key),
        1 => Just(Step::Endpoint),
        3 => Just(Step::Pry),
        2 => Just(Step::Look),
    ]
}

/// One workspace and what it knows to be its own.
struct Side {
    tenant: Tenant,
    live: Live,
    /// A word in everything that this side says or is told.
    word: String,
    receiver: Receiver,
    /// By idempotency key: the text and the id of the first answer.
    keyed: BTreeMap<u8, (u8, u8, String)>,
    messages: BTreeSet<String>,
    heard: BTreeSet<u8>,
    things: Vec<String>,
}

impl Side {
    async fn make(world: &World, meta: &SandboxHandle, app: &MetaSide, number: u32) -> Self {
        let tenant = world.tenant(&format!("Workspace {number}")).await;
        let live = world.live_channel(meta, tenant.workspace, app, number).await;
        let receiver = Receiver::start().await;
        let mut side = Self {
            tenant,
            live,
            word: format!("word-{number}-of-this-side"),
            receiver,
            keyed: BTreeMap::new(),
            messages: BTreeSet::new(),
            heard: BTreeSet::new(),
            things: Vec::new(),
        };
        side.endpoint().await;
        // What people write here is old: whether it opens a window is not what is asked.
        let leave = json!({"leave_window_to_meta": true});
        side.live.admin.call("PUT", "/v1/guard/settings", &[], Some(&leave)).await.expect(200);
        side
    }

    async fn endpoint(&mut self) {
        let body = json!({"url": self.receiver.url, "description": self.word});
        let made = self.live.admin.post("/v1/webhook-endpoints", &body).await.expect(201).json();
        self.things.push(format!("/v1/webhook-endpoints/{}", made["id"].as_str().unwrap()));
    }

    fn own(&self, text: &str, foreign: &Self) {
        assert!(!text.contains(&foreign.word), "{} was told: {text}", self.word);
        assert!(!text.contains(&foreign.tenant.workspace.to_string()), "{} was told: {text}", self.word);
    }

    fn news(&self, news: &Value) -> Vec<u8> {
        let mut value = json!({
            "messaging_product": "whatsapp",
            "metadata": {"display_phone_number": "1", "phone_number_id": self.live.phone_number_id},
        });
        value.as_object_mut().unwrap().extend(news.as_object().unwrap().clone());
        json!({"object": "whatsapp_business_account", "entry": [
            {"id": self.live.waba_id, "changes": [{"field": "messages", "value": value}]},
        ]})
        .to_string()
        .into_bytes()
    }

    async fn take(&mut self, world: &World, step: &Step, theirs: Option<String>) {
        match step {
            Step::Send { person, text, key } => {
                let body = json!({
                    "to": format!("+1202555018{person}"), "purpose": "support", "text": format!("text {text}, {}", self.word),
                });
                let name = key.map(|k| format!("key-{k}"));
                let headers: Vec<(&str, &str)> =
                    name.iter().map(|n| ("idempotency-key", n.as_str())).collect();
                let answer = self.live.admin.call("POST", "/v1/messages", &headers, Some(&body)).await;
                let first = key.and_then(|k| self.keyed.get(&k).cloned());
                match (&first, key) {
                    (Some((to, said, id)), _) if (to, said) == (person, text) => {
                        assert_eq!(answer.expect(202).json()["id"], id.as_str(), "its own first answer");
                    }
                    (Some(_), _) => assert_eq!(answer.code(), "idempotency_key_reused"),
                    (None, key) => {
                        let made = answer.expect(202);
                        assert!(
                            !made.headers.contains_key("idempotency-replayed"),
                            "nobody used this key here"
                        );
                        let id = made.json()["id"].as_str().unwrap().to_owned();
                        self.messages.insert(id.clone());
                        self.things.push(format!("/v1/messages/{id}"));
                        if let Some(key) = key {
                            self.keyed.insert(*key, (*person, *text, id));
                        }
                    }
                }
            }
            Step::Inbound { wamid, person } => {
                let from = format!("1202555018{person}");
                let body = self.news(&json!({
                    "contacts": [{"profile": {"name": "Person"}, "wa_id": from}],
                    "messages": [{"from": from, "id": format!("wamid.{wamid}"), "timestamp": "1793525400", "type": "text",
                        "text": {"body": format!("to {}", self.word)}}],
                }));
                self.live.app.call(world, body).await.expect(200);
                self.heard.insert(*wamid);
            }
            Step::Status { wamid } => {
                let body = self.news(&json!({"statuses": [{
                    "id": format!("wamid.{wamid}"), "status": "sent", "timestamp": "1793525400", "recipient_id": "12025550180",
                }]}));
                self.live.app.call(world, body).await.expect(200);
            }
            Step::Key => {
                let body = json!({"name": self.word, "scopes": ["read"]});
                let made = self.live.admin.post("/v1/keys", &body).await.expect(201).json();
                self.things.push(format!("/v1/keys/{}", made["id"].as_str().unwrap()));
            }
            Step::Endpoint => self.endpoint().await,
            Step::Pry => {
                if let Some(path) = theirs {
                    assert_eq!(self.live.admin.get(&path).await.status, 404, "{path}");
                }
                if let Some(path) = self.things.last() {
                    self.live.admin.get(path).await.expect(200);
                }
            }
            Step::Look => drop(self.live.admin.get("/v1/messages?limit=100").await.expect(200)),
        }
    }

    /// Everything this side can read is its own, and all of its own is there.
    async fn check(&self, foreign: &Self) {
        for path in ["/v1/messages", "/v1/events", "/v1/keys", "/v1/channels", "/v1/webhook-endpoints"] {
            self.own(&self.live.admin.get(&format!("{path}?limit=100")).await.expect(200).text, foreign);
        }
        let listed = self.live.admin.get("/v1/messages?limit=100").await.expect(200).json();
        let of = |direction: &str| -> BTreeSet<String> {
            let all = listed["data"].as_array().unwrap().iter();
            all.filter(|m| m["direction"] == direction)
                .map(|m| m["id"].as_str().unwrap().to_owned())
                .collect()
        };
        assert_eq!(of("outbound"), self.messages);
        assert_eq!(of("inbound").len(), self.heard.len(), "each wamid once in each workspace");
        for webhook in self.receiver.received() {
            assert_eq!(webhook.json()["workspace_id"], self.tenant.workspace.to_string());
            self.own(std::str::from_utf8(&webhook.body).unwrap(), foreign);
        }
    }
}

async fn quiet(world: &World) {
    eventually("all work to be done", async || {
        (world.work_left().await == 0 && world.rows().await["envelope"].is_empty()).then_some(())
    })
    .await;
}

fn silent() -> SandboxConfig {
    let never = Duration::from_hours(1);
    let timings = SandboxTimings { sent: never, delivered: never, read: never, ..SandboxTimings::default() };
    SandboxConfig { timings, limits: SandboxLimits::NONE, ..SandboxConfig::default() }
}

#[test]
fn interleaved_workspaces_stay_apart() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    for engine in Engines::available() {
        let (world, meta, app) = runtime.block_on(async {
            let meta = sandbox(silent()).await;
            let mut setup = Setup::new(engine).with_meta(&meta);
            setup.few_connections = true;
            let world = World::start(setup).await;
            let app = world.shared_meta_app(&meta, 1).await;
            (world, meta, app)
        });
        let number = std::cell::Cell::new(10);
        let config =
            Config { cases: 6, max_shrink_iters: 30, failure_persistence: None, ..Config::default() };
        let steps = proptest::collection::vec((step(), step()), 8..20);
        let ran = TestRunner::new(config).run(&steps, |steps| {
            number.set(number.get() + 2);
            runtime.block_on(async {
                let mut one = Side::make(&world, &meta, &app, number.get()).await;
                let mut two = Side::make(&world, &meta, &app, number.get() + 1).await;
                for (ours, theirs) in &steps {
                    let (of_one, of_two) = (one.things.last().cloned(), two.things.last().cloned());
                    tokio::join!(one.take(&world, ours, of_two), two.take(&world, theirs, of_one));
                }
                quiet(&world).await;
                one.check(&two).await;
                two.check(&one).await;
            });
            Ok(())
        });
        ran.unwrap_or_else(|failure| unreachable!("{engine:?}: {failure}"));
        runtime.block_on(world.stop());
    }
}

/// T2(c): many requests of two workspaces over one pair of connections, a third of them given up half way.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn given_up_requests_leave_nothing_behind() {
    for engine in Engines::available() {
        let meta = sandbox(silent()).await;
        let mut setup = Setup::new(engine).with_meta(&meta);
        setup.few_connections = true;
        // More goes to one person than Meta would take.
        setup.config.send_pair_limit.every = Duration::ZERO;
        let world = World::start(setup).await;
        let app = world.shared_meta_app(&meta, 1).await;
        let sides = [Side::make(&world, &meta, &app, 1).await, Side::make(&world, &meta, &app, 2).await];
        let tasks = (0..16_usize).map(|task| {
            let (own, foreign) = (&sides[task % 2], &sides[(task + 1) % 2]);
            async move {
                for n in 0..27_usize {
                    let body = json!({"to": "+12025550180", "purpose": "support", "text": own.word});
                    let call = async {
                        if (task + n).is_multiple_of(3) {
                            own.live.admin.post("/v1/messages", &body).await.expect(202)
                        } else {
                            own.live.admin.get("/v1/messages?limit=20").await.expect(200)
                        }
                    };
                    let patience = match n % 3 {
                        // From before the request is read to after it is answered.
                        0 => Duration::from_micros(u64::try_from((task * 131 + n * 977) % 6000).unwrap()),
                        _ => Duration::from_mins(1),
                    };
                    if let Ok(answer) = tokio::time::timeout(patience, call).await {
                        own.own(&answer.text, foreign);
                    }
                }
            }
        });
        join_all(tasks).await;
        for (own, foreign) in [(&sides[0], &sides[1]), (&sides[1], &sides[0])] {
            let listed = own.live.admin.get("/v1/messages?limit=100").await.expect(200);
            own.own(&listed.text, foreign);
            let listed = listed.json();
            assert!(listed["data"].as_array().unwrap().len() > 40, "work was done");
        }
        quiet(&world).await;
        world.stop().await;
    }
}
