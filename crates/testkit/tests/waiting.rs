//! Messages that have to wait: their senders hear why, and others do not wait with them.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use gatepost_app::PairLimit;
use gatepost_channels::sandbox::{Fault, SandboxConfig, SandboxHandle, SandboxLimits, SandboxTimings};
use gatepost_testkit::{Engines, Live, Setup, World, eventually, sandbox};
use serde_json::{Value, json};

struct Line {
    world: World,
    meta: SandboxHandle,
    live: Live,
}

impl Line {
    async fn open(engine: Engines, change: impl FnOnce(&mut Setup)) -> Self {
        let never = Duration::from_hours(1);
        let timings = SandboxTimings {
            sent: never,
            delivered: never,
            read: never,
            slow_delivered: never,
            reply: never,
        };
        let config = SandboxConfig { timings, limits: SandboxLimits::NONE, ..SandboxConfig::default() };
        let meta = sandbox(config).await;
        let mut setup = Setup::new(engine).with_meta(&meta);
        setup.config.job_lease = Duration::from_hours(72);
        change(&mut setup);
        let world = World::start(setup).await;
        let tenant = world.tenant("Example Ltd").await;
        let live = world.live(&meta, tenant.workspace, 1).await;
        Self { world, meta, live }
    }

    async fn send(&self, to: &str) -> String {
        let body = json!({"to": to, "purpose": "support", "text": "hello"});
        let made = self.live.admin.post("/v1/messages", &body).await.expect(202).json();
        made["id"].as_str().unwrap().to_owned()
    }

    async fn until(&self, id: &str, what: &str, good: impl Fn(&Value) -> bool) -> Value {
        eventually(what, async || {
            let message = self.live.admin.get(&format!("/v1/messages/{id}")).await.expect(200).json();
            good(&message).then_some(message)
        })
        .await
    }

    async fn events(&self, kind: &str) -> Vec<Value> {
        let page =
            self.live.admin.get(&format!("/v1/events?limit=100&types={kind}")).await.expect(200).json();
        page["data"].as_array().unwrap().clone()
    }

    async fn status(&self, wamid: &str, message: &str, state: &str, errors: Value) {
        let body = json!({"object": "whatsapp_business_account", "entry": [{"id": self.live.waba_id, "changes": [{"field": "messages", "value": {
            "messaging_product": "whatsapp", "metadata": {"display_phone_number": "1", "phone_number_id": self.live.phone_number_id},
            "statuses": [{"id": wamid, "status": state, "timestamp": "1793525400", "recipient_id": "12025550101",
                "biz_opaque_callback_data": message, "errors": errors}],
        }}]}]});
        self.live.app.call(&self.world, body.to_string()).await.expect(200);
    }
}

/// More to one person than Meta allows: the rest waits its turn, and nobody else waits with it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pair_at_its_limit_holds_up_nobody_else() {
    for engine in Engines::available() {
        let limit = PairLimit { every: Duration::from_millis(400), burst: 3 };
        let line = Line::open(engine, |setup| setup.config.send_pair_limit = limit).await;
        let started = std::time::Instant::now();
        let mut many = Vec::new();
        for _ in 0..6 {
            many.push(line.send("+12025550101").await);
        }
        let other = line.send("+12025550102").await;
        line.until(&other, "the other to go", |m| m["state"] == "sending").await;
        let sends = line.meta.sends().len();
        assert!(sends <= 5, "{engine:?}: {sends} sends, and three to one person were allowed");
        for id in &many {
            eventually("the rest", async || {
                // The database's clock is the test's; the pace is real time.
                line.world.clock.advance(Duration::from_millis(200));
                let message = line.live.admin.get(&format!("/v1/messages/{id}")).await.json();
                (message["state"] == "sending").then_some(())
            })
            .await;
        }
        let took = started.elapsed();
        assert!(took >= Duration::from_millis(1150), "three more at 400 ms each took {took:?}");
        let order: Vec<String> = line
            .meta
            .sends()
            .into_iter()
            .filter(|s| s.to.ends_with("0101"))
            .map(|s| s.opaque.unwrap())
            .collect();
        assert_eq!(order, many, "{engine:?}");
        assert!(line.events("message.delayed").await.is_empty(), "{engine:?}");
        line.world.stop().await;
    }
}

/// A refusal that Meta asks to repeat is visible while it lasts, and gone with the success.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refusal_is_seen_while_it_lasts() {
    for engine in Engines::available() {
        let line = Line::open(engine, |_| {}).await;
        line.meta.fail_next(1, Fault::RateLimited);
        let id = line.send("+12025550101").await;
        let waiting = line.until(&id, "the refusal", |m| !m["error"].is_null()).await;
        assert_eq!(
            (&waiting["state"], &waiting["error"]["provider_code"], &waiting["error"]["class"]),
            (&json!("queued"), &json!(130_429), &json!("retrying")),
            "{engine:?}"
        );
        eventually("the next try", async || {
            line.world.clock.advance(Duration::from_secs(1));
            (line.meta.sends().len() == 1).then_some(())
        })
        .await;
        let sent = line.until(&id, "the success", |m| m["state"] == "sending").await;
        assert_eq!(sent["error"], Value::Null, "{engine:?}");
        line.world.stop().await;
    }
}

/// A channel that Meta refuses tells once what is wrong, and so does the message that met it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_refused_channel_tells_what_is_wrong() {
    for engine in Engines::available() {
        let line = Line::open(engine, |_| {}).await;
        let secret = gatepost_core::Secret::new("EAAlive-another-token".to_owned());
        line.meta.set_token(&line.live.phone_number_id, secret);
        let id = line.send("+12025550101").await;
        let waiting = line.until(&id, "the refusal", |m| !m["error"].is_null()).await;
        assert_eq!(
            (&waiting["state"], &waiting["error"]["class"]),
            (&json!("queued"), &json!("needs_action"))
        );
        let channel = line.events("channel.updated").await;
        let delayed = line.events("message.delayed").await;
        assert_eq!((channel.len(), delayed.len()), (1, 1), "{engine:?}");
        assert_eq!(channel[0]["data"]["channel"]["state"], "token_invalid");
        assert_eq!(delayed[0]["data"]["message"]["id"], json!(id));
        line.world.stop().await;
    }
}

/// A failure that is about the whole channel, told by callback only, parks it too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failed_status_can_park_the_channel() {
    for engine in Engines::available() {
        let line = Line::open(engine, |_| {}).await;
        let id = line.send("+12025550101").await;
        let sent = line.until(&id, "the send", |m| m["state"] == "sending").await;
        let wamid = sent["provider_id"].as_str().unwrap();
        let errors = json!([{"code": 131_042, "title": "Business eligibility payment issue"}]);
        line.status(wamid, &id, "failed", errors).await;
        let failed = line.until(&id, "the failure", |m| m["state"] == "failed").await;
        assert_eq!(
            (&failed["error"]["provider_code"], &failed["error"]["class"]),
            (&json!(131_042), &json!("needs_action"))
        );
        let path = format!("/v1/channels/{}", line.live.channel);
        let channel = line.live.admin.get(&path).await.expect(200).json();
        assert_eq!(channel["state"], "payment_required", "{engine:?}");
        assert_eq!(line.events("channel.updated").await.len(), 1);
        line.world.stop().await;
    }
}

/// What was still queued on a channel that is deleted fails, and its sender hears of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_channel_leaves_no_message_without_an_end() {
    for engine in Engines::available() {
        let line = Line::open(engine, |_| {}).await;
        let path = format!("/v1/channels/{}", line.live.channel);
        line.meta.fail_next(5, Fault::ServerError);
        let ids = [line.send("+12025550101").await, line.send("+12025550101").await];
        line.until(&ids[0], "the refusal", |m| !m["error"].is_null()).await;
        line.live.admin.delete(&path).await.expect(204);
        for id in &ids {
            let failed = line.until(id, "the end", |m| m["state"] == "failed").await;
            assert_eq!(failed["error"]["code"], "channel_deleted", "{engine:?}: {failed}");
        }
        assert_eq!(line.events("message.failed").await.len(), 2, "{engine:?}");
        assert_eq!(line.world.work_left().await, 0, "{engine:?}");
        line.world.stop().await;
    }
}
