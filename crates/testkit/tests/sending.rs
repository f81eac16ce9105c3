//! Sending through the real client to a Meta that misbehaves: nothing is lost, nothing goes twice that need not.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::join_all;
use gatepost_channels::sandbox::{Fault, SandboxConfig, SandboxHandle, SandboxLimits, SandboxTimings};
use gatepost_core::{Secret, WorkspaceId};
use gatepost_testkit::{Client, Engines, Live, Setup, World, eventually, sandbox};
use serde_json::{Value, json};

const NEVER: Duration = Duration::from_hours(1);
/// Told by the test, not by the simulated Meta.
const SILENT: SandboxTimings =
    SandboxTimings { sent: NEVER, delivered: NEVER, read: NEVER, slow_delivered: NEVER, reply: NEVER };

struct Line {
    world: World,
    workspace: WorkspaceId,
    meta: SandboxHandle,
    live: Live,
}

impl Line {
    async fn open(engine: Engines, config: SandboxConfig) -> Self {
        let meta = sandbox(config).await;
        let mut setup = Setup::new(engine).with_meta(&meta);
        // The clock is set forward by minutes: leases of work under way must not run out by that.
        setup.config.job_lease = Duration::from_hours(24);
        setup.config.meta_timeout = Duration::from_millis(400);
        let world = World::start(setup).await;
        let tenant = world.tenant("Example Ltd").await;
        let live = world.live(&meta, tenant.workspace, 1).await;
        Self { world, workspace: tenant.workspace, meta, live }
    }

    async fn send(&self, extra: Value) -> String {
        accept(&self.live.admin, extra).await
    }

    async fn message(&self, id: &str) -> Value {
        self.live.admin.get(&format!("/v1/messages/{id}")).await.expect(200).json()
    }

    /// Waits for a state while the clock runs fast.
    async fn until(&self, id: &str, state: &str) -> Value {
        eventually(&format!("{id} to be {state}"), async || {
            let message = self.message(id).await;
            self.world.clock.advance(Duration::from_secs(1));
            (message["state"] == state).then_some(message)
        })
        .await
    }

    async fn requests(&self, count: u64) {
        eventually(&format!("{count} requests at Meta"), async || {
            (self.meta.observed().requests >= count).then_some(())
        })
        .await;
    }
}

async fn accept(admin: &Client, extra: Value) -> String {
    let mut body = json!({"to": "+12025550101", "purpose": "support", "text": "hello"});
    for (name, value) in extra.as_object().unwrap() {
        body[name] = value.clone();
    }
    admin.post("/v1/messages", &body).await.expect(202).json()["id"].as_str().unwrap().to_owned()
}

fn status(live: &Live, wamid: &str, message: &str, state: &str) -> Vec<u8> {
    json!({"object": "whatsapp_business_account", "entry": [{"id": live.waba_id, "changes": [{"field": "messages", "value": {
        "messaging_product": "whatsapp", "metadata": {"display_phone_number": "1", "phone_number_id": live.phone_number_id},
        "statuses": [{"id": wamid, "status": state, "timestamp": "1793525400", "recipient_id": "12025550101", "biz_opaque_callback_data": message}],
    }}]}]})
    .to_string()
    .into_bytes()
}

/// A refusal that Meta asks to repeat is repeated, until it goes: once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_meta_could_not_take_goes_later() {
    for engine in Engines::available() {
        let line = Line::open(engine, SandboxConfig::default()).await;
        line.meta.fail_next(2, Fault::ServerError);
        line.meta.fail_next(1, Fault::RateLimited);
        let id = line.send(json!({})).await;
        line.until(&id, "read").await;
        assert_eq!((line.meta.sends().len(), line.meta.observed().requests), (1, 4), "{engine:?}");
        line.world.stop().await;
    }
}

/// An answer that was cut is no licence to send twice: the message waits for news, then fails as unknown, and proof that
/// it went out after all corrects that.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cut_answer_is_not_a_second_try() {
    for engine in Engines::available() {
        let line = Line::open(engine, SandboxConfig { timings: SILENT, ..SandboxConfig::default() }).await;
        for (count, fault) in [
            (1, Fault::Cut { taken: true }),
            (2, Fault::Hang { taken: true }),
            (3, Fault::Cut { taken: false }),
            (4, Fault::Garbled),
        ] {
            line.meta.fail_next(1, fault);
            let id = line.send(json!({})).await;
            line.requests(count).await;
            let waiting = eventually("the cut to be noticed", async || {
                let message = line.message(&id).await;
                (message["state"] == "sending").then_some(message)
            })
            .await;
            assert_eq!(
                (&waiting["provider_id"], &waiting["error"]),
                (&Value::Null, &Value::Null),
                "{fault:?}"
            );
            line.world.clock.advance(line.world.app.config().outcome_wait);
            let failed = line.until(&id, "failed").await;
            assert_eq!(failed["error"]["code"], "outcome_unknown", "{fault:?}: {failed}");
            assert_eq!(line.meta.observed().requests, count, "{fault:?}: one POST and no other");
            let Some(record) = line.meta.sends().into_iter().find(|s| s.opaque.as_deref() == Some(&id))
            else {
                continue;
            };
            line.live.app.call(&line.world, status(&line.live, &record.wamid, &id, "sent")).await.expect(200);
            let sent = line.until(&id, "sent").await;
            assert_eq!(
                (&sent["provider_id"], &sent["error"]),
                (&json!(record.wamid), &Value::Null),
                "{fault:?}"
            );
            line.live
                .app
                .call(&line.world, status(&line.live, &record.wamid, &id, "delivered"))
                .await
                .expect(200);
            line.until(&id, "delivered").await;
        }
        let events = line.live.admin.get("/v1/events?limit=100").await.expect(200).json();
        let of = |kind: &str| events["data"].as_array().unwrap().iter().filter(|e| e["type"] == kind).count();
        assert_eq!(
            (of("message.failed"), of("message.sent"), of("message.delivered")),
            (4, 3, 3),
            "{engine:?}"
        );
        line.world.stop().await;
    }
}

/// News that carry our id settle a cut answer before anybody has to decide.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn news_settle_a_cut_answer() {
    for engine in Engines::available() {
        let line = Line::open(engine, SandboxConfig::default()).await;
        line.meta.fail_next(1, Fault::Cut { taken: true });
        let id = line.send(json!({})).await;
        let read = line.until(&id, "read").await;
        assert!(read["provider_id"].is_string(), "{read}");
        line.world.clock.advance(line.world.app.config().outcome_wait);
        eventually("the decision", async || (line.world.work_left().await == 0).then_some(())).await;
        assert_eq!(line.message(&id).await["state"], "read");
        assert_eq!(line.meta.observed().requests, 1);
        line.world.stop().await;
    }
}

/// Whoever chose `resend` gets a second try, and it is the only case that makes two.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn resend_sends_again() {
    for engine in Engines::available() {
        let line = Line::open(engine, SandboxConfig { timings: SILENT, ..SandboxConfig::default() }).await;
        line.meta.fail_next(1, Fault::Cut { taken: true });
        let id = line.send(json!({"on_unknown": "resend"})).await;
        line.requests(1).await;
        eventually("the second try", async || {
            line.world.clock.advance(Duration::from_secs(1));
            (line.meta.sends().len() == 2).then_some(())
        })
        .await;
        let sends = line.meta.sends();
        assert!(sends.iter().all(|s| s.opaque.as_deref() == Some(id.as_str())));
        let sending = line.until(&id, "sending").await;
        assert_eq!(sending["provider_id"], sends[1].wamid.as_str());
        line.world.stop().await;
    }
}

/// A token that Meta refuses parks the channel; what waits goes out when a new one comes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_token_parks_the_channel() {
    for engine in Engines::available() {
        let line = Line::open(engine, SandboxConfig::default()).await;
        let new = "EAAlive-the-new-token-8Yw2";
        line.meta.set_token(&line.live.phone_number_id, Secret::new(new.to_owned()));
        let waiting = line.send(json!({})).await;
        let path = format!("/v1/channels/{}", line.live.channel);
        let channel = eventually("the channel to be parked", async || {
            let channel = line.live.admin.get(&path).await.expect(200).json();
            (channel["state"] == "token_invalid").then_some(channel)
        })
        .await;
        assert!(channel["next_action"].is_string());
        assert_eq!(line.message(&waiting).await["state"], "queued");
        let body = json!({"to": "+12025550101", "purpose": "support", "text": "x"});
        let refused = line.live.admin.post("/v1/messages", &body).await;
        assert_eq!((refused.status, refused.code().as_str()), (409, "channel_not_ready"));
        let wrong =
            line.live.admin.patch(&path, &json!({"access_token": "EAAlive-not-this-one-at-all"})).await;
        assert_eq!(wrong.code(), "meta_refused", "a new token is checked first: {}", wrong.text);
        assert_eq!(line.live.admin.get(&path).await.json()["state"], "token_invalid");
        let changed = line.live.admin.patch(&path, &json!({"access_token": new})).await.expect(200).json();
        assert_eq!((&changed["state"], &changed["access_token_last4"]), (&json!("active"), &json!("8Yw2")));
        eventually("what waited", async || (line.message(&waiting).await["state"] == "read").then_some(()))
            .await;
        assert_eq!(line.meta.sends().len(), 1);
        line.world.stop().await;
    }
}

/// Two hundred messages to five people, with refusals in between: each person gets theirs in order, each once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_contact_gets_messages_in_order() {
    for engine in Engines::available() {
        let config =
            SandboxConfig { limits: SandboxLimits::NONE, timings: SILENT, ..SandboxConfig::default() };
        let line = Line::open(engine, config).await;
        let path = format!("/v1/channels/{}", line.live.channel);
        line.live.admin.patch(&path, &json!({"throughput": 1000})).await.expect(200);
        line.meta.fail_next(12, Fault::ServerError);
        let people = (0..5).map(|person| {
            let line = &line;
            async move {
                let to = format!("+1202555013{person}");
                let mut ids = Vec::new();
                for n in 0..40 {
                    ids.push(line.send(json!({"to": to, "text": format!("number {n}")})).await);
                }
                (to.trim_start_matches('+').to_owned(), ids)
            }
        });
        let accepted: BTreeMap<String, Vec<String>> = join_all(people).await.into_iter().collect();
        eventually("two hundred sends", async || {
            line.world.clock.advance(Duration::from_secs(2));
            (line.meta.sends().len() >= 200).then_some(())
        })
        .await;
        let mut arrived: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for record in line.meta.sends() {
            arrived.entry(record.to).or_default().push(record.opaque.unwrap());
        }
        assert_eq!(accepted, arrived, "{engine:?}");
        line.world.stop().await;
    }
}

/// A channel keeps to its throughput: a Meta that takes little more than that never has to refuse.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_throughput_is_kept() {
    for engine in Engines::available() {
        let limits = SandboxLimits { throughput: Some(60), pair: None };
        let line =
            Line::open(engine, SandboxConfig { limits, timings: SILENT, ..SandboxConfig::default() }).await;
        let path = format!("/v1/channels/{}", line.live.channel);
        line.live.admin.patch(&path, &json!({"throughput": 50})).await.expect(200);
        // A burst to a hundred strangers is what the risk rules are there to stop.
        line.world.plan(line.workspace, r#"{"risk":{"preset":"off"}}"#).await;
        let sends = (0..100).map(|n| line.send(json!({"to": format!("+120255500{n:02}")})));
        let started = std::time::Instant::now();
        join_all(sends).await;
        eventually("a hundred sends", async || (line.meta.sends().len() == 100).then_some(())).await;
        assert!(
            started.elapsed() > Duration::from_millis(1700),
            "faster than 50 a second: {:?}",
            started.elapsed()
        );
        assert_eq!(line.meta.observed().refused, 0, "{engine:?}");
        line.world.stop().await;
    }
}

/// What was accepted before a stop goes out after it, each once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_goes_on_with_what_was_queued() {
    for engine in Engines::available() {
        let meta = sandbox(SandboxConfig::default()).await;
        let mut idle = Setup::new(engine).with_meta(&meta);
        idle.workers = false;
        let first = World::start(idle).await;
        let tenant = first.tenant("Example Ltd").await;
        let live = first.live(&meta, tenant.workspace, 1).await;
        let sends = (0..20).map(|n| accept(&live.admin, json!({"to": format!("+1202555015{}", n % 10)})));
        let mut accepted = join_all(sends).await;
        assert_eq!(meta.observed().requests, 0);
        first.app.shutdown().await;
        let second = first.another(Setup::new(engine).with_meta(&meta)).await;
        meta.set_callback(&live.app.app_id, Some(&format!("{}/hooks/meta/{}", second.base, live.app.id)), "");
        let admin = second.nobody().with_key(Some(&live.admin_key));
        for id in &accepted {
            eventually("the message to be read", async || {
                let message = admin.get(&format!("/v1/messages/{id}")).await.expect(200).json();
                (message["state"] == "read").then_some(())
            })
            .await;
        }
        let mut arrived: Vec<String> = meta.sends().into_iter().map(|s| s.opaque.unwrap()).collect();
        accepted.sort_unstable();
        arrived.sort_unstable();
        assert_eq!(accepted, arrived, "{engine:?}");
        second.stop().await;
    }
}

/// Templates and replies reach Meta in Meta's own form.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn templates_and_replies_arrive_as_meta_wants_them() {
    for engine in Engines::available() {
        let line = Line::open(engine, SandboxConfig::default()).await;
        let first = line.send(json!({})).await;
        let wamid = line.until(&first, "read").await["provider_id"].as_str().unwrap().to_owned();
        line.send(json!({"text": "an answer", "reply_to": first})).await;
        let components = json!([{"type": "body", "parameters": [{"type": "text", "text": "17"}]}]);
        let template =
            json!({"name": "order_ready", "language": {"code": "en_US"}, "components": components});
        let body = json!({"to": "+12025550133", "purpose": "transactional", "template": template});
        line.live.admin.post("/v1/messages", &body).await.expect(202);
        eventually("three sends", async || (line.meta.sends().len() == 3).then_some(())).await;
        let bodies: Vec<Value> =
            line.meta.sends().iter().map(|s| serde_json::from_slice(&s.body).unwrap()).collect();
        let of = |kind: &str, to: &str| {
            bodies.iter().rfind(|b| b["type"] == kind && b["to"].as_str().unwrap().ends_with(to)).unwrap()
        };
        let reply = of("text", "12025550101");
        assert_eq!(
            (&reply["context"]["message_id"], &reply["text"]["body"]),
            (&json!(wamid), &json!("an answer"))
        );
        let sent = of("template", "12025550133");
        assert_eq!(sent["template"], template);
        assert_eq!(sent["messaging_product"], "whatsapp");
        line.world.stop().await;
    }
}
