//! Every kind of content on its whole way: taken, shown, and passed on to Meta as it is; reactions and reading.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;

use gatepost_channels::sandbox::{Fault, SandboxConfig, SandboxHandle, SandboxLimits};
use gatepost_core::content::examples::EXAMPLES;
use gatepost_testkit::{Client, Engines, Live, Setup, World, eventually, sandbox};
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// Somebody at the simulated Meta who answers.
const REPLIES: &str = "+12025550108";

struct Line {
    world: World,
    meta: SandboxHandle,
    live: Live,
    other: Live,
}

impl Line {
    async fn open(engine: Engines) -> Self {
        let config = SandboxConfig { limits: SandboxLimits::NONE, ..SandboxConfig::default() };
        let meta = sandbox(config).await;
        let world = World::start(Setup::new(engine).with_meta(&meta)).await;
        let tenant = world.tenant("Example Ltd").await;
        let other = world.tenant("Other Ltd").await;
        let live = world.live(&meta, tenant.workspace, 1).await;
        let other = world.live(&meta, other.workspace, 2).await;
        Self { world, meta, live, other }
    }

    /// Sends a message to somebody who answers: ours, and theirs.
    async fn exchange(&self, side: &Live) -> (String, Value) {
        let body = json!({"to": REPLIES, "purpose": "support", "text": "hello"});
        let sent = side.admin.post("/v1/messages", &body).await.expect(202).json();
        let answer = eventually("an answer", async || {
            let list = side.admin.get("/v1/messages").await.expect(200).json();
            list["data"].as_array().unwrap().iter().find(|m| m["direction"] == "inbound").cloned()
        })
        .await;
        (sent["id"].as_str().unwrap().to_owned(), answer)
    }

    async fn stop(self) {
        self.world.stop().await;
        self.meta.shutdown().await;
    }
}

async fn react(admin: &Client, message: &str, key: &str) -> gatepost_testkit::Answer {
    let body =
        json!({"to": REPLIES, "purpose": "support", "reaction": {"message_id": message, "emoji": "👍"}});
    admin.call("POST", "/v1/messages", &[("idempotency-key", key)], Some(&body)).await
}

/// What was given is what Meta gets, to the byte, and what a reader of the message sees.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_kind_reaches_meta_as_it_was_given() {
    for engine in Engines::available() {
        let line = Line::open(engine).await;
        let mut given = BTreeMap::new();
        for (n, example) in EXAMPLES.iter().enumerate() {
            let kind = example.kind.as_str();
            // Blanks that no writer of JSON would make show whether somebody wrote it anew.
            let object = example.object.replacen(':', " : ", 1);
            let body = format!(r#"{{"to":"+120255503{n:02}","purpose":"support","{kind}":{object}}}"#);
            let sent = line.live.admin.raw("POST", "/v1/messages", &[], Some(body.into())).await.expect(202);
            assert_eq!(sent.json()["type"], kind);
            assert!(sent.text.contains(&format!(r#""content":{object}"#)), "{}: {}", example.name, sent.text);
            let id = sent.json()["id"].as_str().unwrap().to_owned();
            let read = line.live.admin.get(&format!("/v1/messages/{id}")).await.expect(200);
            assert!(read.text.contains(&format!(r#""content":{object}"#)), "{}", read.text);
            given.insert(id, (example.name, kind, object));
        }
        for (id, (name, ..)) in &given {
            let message = eventually(name, async || {
                let message = line.live.admin.get(&format!("/v1/messages/{id}")).await.expect(200).json();
                (message["state"] != "queued").then_some(message)
            })
            .await;
            assert_eq!(message["error"], Value::Null, "{name}");
        }
        assert_eq!(line.meta.sends().len(), given.len());
        for send in line.meta.sends() {
            let (name, kind, object) = &given[send.opaque.as_deref().unwrap()];
            let body: BTreeMap<String, &RawValue> = serde_json::from_slice(&send.body).unwrap();
            assert_eq!(
                (body["type"].get(), body[*kind].get()),
                (format!("\"{kind}\"").as_str(), object.as_str()),
                "{name}"
            );
        }
        line.stop().await;
    }
}

/// A reaction names one of our messages, in either direction; Meta hears its own id of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reactions_find_their_message() {
    for engine in Engines::available() {
        let line = Line::open(engine).await;
        let (ours, theirs) = line.exchange(&line.live).await;
        let (foreign, _) = line.exchange(&line.other).await;
        let admin = &line.live.admin;
        let wamid = theirs["provider_id"].as_str().unwrap();
        let sent = react(admin, theirs["id"].as_str().unwrap(), "first").await.expect(202).json();
        assert_eq!((&sent["text"], &sent["content"]["message_id"]), (&json!("👍"), &json!(wamid)));
        react(admin, &ours, "second").await.expect(202);
        react(admin, wamid, "third").await.expect(202);
        let again = react(admin, theirs["id"].as_str().unwrap(), "first").await.expect(202);
        assert_eq!(again.json()["id"], sent["id"]);
        let reactions = eventually("three reactions", async || {
            let bodies =
                line.meta.sends().into_iter().map(|s| serde_json::from_slice::<Value>(&s.body).unwrap());
            let found: Vec<Value> = bodies.filter(|b| b["type"] == "reaction").collect();
            (found.len() == 3).then_some(found)
        })
        .await;
        let ids: Vec<&str> =
            reactions.iter().map(|b| b["reaction"]["message_id"].as_str().unwrap()).collect();
        assert_eq!(ids.iter().filter(|id| **id == wamid).count(), 2, "{ids:?}");
        assert!(ids.iter().all(|id| id.starts_with("wamid.")), "{ids:?}");

        // Another workspace's message and one that nobody has look the same.
        for unknown in [foreign.as_str(), "msg_01kagq5rh8e5htqh9sk95d3x4w"] {
            let refused = react(admin, unknown, unknown).await.expect(422);
            let error = &refused.json()["errors"][0];
            assert_eq!(
                (&error["pointer"], &error["code"]),
                (&json!("/reaction/message_id"), &json!("not_found"))
            );
            assert!(
                refused.json()["detail"].as_str().unwrap().contains("no such message"),
                "{}",
                refused.text
            );
        }
        line.meta.fail_next(50, Fault::ServerError);
        let body = json!({"to": "+12025550160", "purpose": "support", "text": "waits"});
        let waiting = admin.post("/v1/messages", &body).await.expect(202).json();
        let refused = react(admin, waiting["id"].as_str().unwrap(), "too-early").await.expect(422);
        assert_eq!(refused.json()["errors"][0]["code"], "not_sent");
        line.meta.clear_faults();
        line.stop().await;
    }
}

/// What a person wrote can be marked as read, as often as one likes; nothing else can.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reading_is_told() {
    for engine in Engines::available() {
        let line = Line::open(engine).await;
        let (ours, theirs) = line.exchange(&line.live).await;
        let admin = &line.live.admin;
        assert_eq!(theirs["content"]["body"], theirs["text"]);
        let read = |id: &str| format!("/v1/messages/{id}/read");
        let inbound = read(theirs["id"].as_str().unwrap());
        admin.call("POST", &inbound, &[], None).await.expect(204);
        admin.post(&inbound, &json!({})).await.expect(204);
        admin.post(&inbound, &json!({"typing": true})).await.expect(204);
        let wrong = admin.post(&inbound, &json!({"typing": "yes", "tiping": 1})).await.expect(422).json();
        assert_eq!(wrong["errors"].as_array().unwrap().len(), 2, "{wrong}");
        let outbound = admin.post(&read(&ours), &json!({})).await;
        assert_eq!((outbound.status, outbound.code().as_str()), (409, "message_not_inbound"));
        for id in ["msg_01kagq5rh8e5htqh9sk95d3x4w", theirs["id"].as_str().unwrap()] {
            let other = line.other.admin.post(&read(id), &json!({})).await;
            assert_eq!((other.status, other.code().as_str()), (404, "not_found"));
        }
        line.meta.set_token(
            &line.live.phone_number_id,
            gatepost_core::Secret::new("EAAanother-token-1".to_owned()),
        );
        let refused = admin.post(&inbound, &json!({})).await;
        assert_eq!((refused.status, refused.code().as_str()), (422, "meta_refused"), "{}", refused.text);
        line.stop().await;
    }
}
