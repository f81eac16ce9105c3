//! Events as they really come out: each fits the catalogue, and one that is made up is like any other.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;

use gatepost_core::access::Scope;
use gatepost_core::channel::Mode;
use gatepost_core::event::check::misfits;
use gatepost_core::event::{EventType, schema};
use gatepost_testkit::{Client, Engines, Receiver, Setup, World, eventually};
use serde_json::{Value, json};

async fn log(admin: &Client) -> Vec<Value> {
    admin.get("/v1/events?limit=100").await.expect(200).json()["data"].as_array().unwrap().clone()
}

/// Everything that a real exchange writes, validated against the schema of its own type.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_written_fits_the_catalogue() {
    let definitions = schema::definitions();
    for engine in Engines::available() {
        let world = World::start(Setup::new(engine)).await;
        let admin = world.tenant("Example Ltd").await.admin;
        admin.post("/v1/channels", &json!({"type": "test", "name": "desk"})).await.expect(201);
        let send = |to: &str| json!({"to": to, "purpose": "support", "text": "hello"});
        // One that answers, and one that Meta refuses.
        let asked = admin.post("/v1/messages", &send("+12025550108")).await.expect(202).json();
        admin.post("/v1/messages", &send("+12025550102")).await.expect(202);
        let events = eventually("an answer and a failure", async || {
            let events = log(&admin).await;
            let has = |name: &str| events.iter().any(|e| e["type"] == name);
            (has("message.received") && has("message.failed") && has("message.read")).then_some(events)
        })
        .await;
        for event in &events {
            let kind = EventType::parse(event["type"].as_str().unwrap()).unwrap();
            let faults = misfits(&definitions, kind.schema_name(), event);
            assert!(faults.is_empty(), "{faults:?}\n{event:#}");
        }
        // Whoever hears an answer learns what it answers, without asking.
        let answer = events.iter().find(|e| e["type"] == "message.received").unwrap();
        let message = &answer["data"]["message"];
        assert!(message["reply_to_provider_id"].is_string(), "{answer:#}");
        assert_eq!(message["reply_to"], asked["id"], "{answer:#}");
        let failed = events.iter().find(|e| e["type"] == "message.failed").unwrap();
        assert!(!failed["data"]["message"]["error"]["action"].as_str().unwrap().is_empty());
        world.stop().await;
    }
}

/// Every event of the catalogue on demand: in the log, at the endpoint, signed, and nothing else changed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_event_can_be_made_up() {
    let definitions = schema::definitions();
    for engine in Engines::available() {
        let world = World::start(Setup::new(engine)).await;
        let tenant = world.tenant("Example Ltd").await;
        let admin = &tenant.admin;
        let channel = json!({"type": "test", "name": "desk"});
        let channel = admin.post("/v1/channels", &channel).await.expect(201).json();
        let receiver = Receiver::start().await;
        let endpoint = admin.post("/v1/webhook-endpoints", &json!({"url": receiver.url})).await.expect(201);
        let secret = endpoint.json()["secret"].as_str().unwrap().to_owned();
        let before = world.rows_of(tenant.workspace).await;

        let mut made = BTreeSet::new();
        for event in EventType::ALL {
            let answer = admin.post("/v1/test/events", &json!({"type": event.as_str()})).await.expect(201);
            let written = answer.json();
            let faults = misfits(&definitions, event.schema_name(), &written);
            assert!(faults.is_empty(), "{faults:?}\n{written:#}");
            assert_eq!((&written["type"], &written["mode"]), (&json!(event.as_str()), &json!("test")));
            if !written["channel_id"].is_null() {
                assert_eq!(written["channel_id"], channel["id"]);
            }
            let id = written["id"].as_str().unwrap();
            assert_eq!(answer.headers["location"], format!("/v1/events/{id}"));
            assert_eq!(admin.get(&format!("/v1/events/{id}")).await.expect(200).text, answer.text);
            made.insert(answer.text);
        }
        // A trial goes to the endpoint that somebody tries, and to no other.
        made.retain(|body| !body.contains("\"endpoint.test\""));
        let heard = eventually("the others at the endpoint", async || {
            let received = receiver.received();
            (received.len() >= made.len()).then_some(received)
        })
        .await;
        assert_eq!((heard.len(), made.len()), (EventType::ALL.len() - 1, EventType::ALL.len() - 1));
        let bodies: BTreeSet<String> =
            heard.iter().map(|r| String::from_utf8(r.body.to_vec()).unwrap()).collect();
        assert_eq!(bodies, made, "byte for byte");
        assert!(heard.iter().all(|webhook| webhook.verify(&secret)));

        let after = world.rows_of(tenant.workspace).await;
        for table in ["message", "contact", "channel", "template", "media"] {
            assert_eq!(before[table], after[table], "{table}");
        }
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_made_up_is_refused() {
    for engine in Engines::available() {
        let world = World::start(Setup::new(engine)).await;
        let tenant = world.tenant("Example Ltd").await;
        let ask = json!({"type": "message.sent"});
        let path = "/v1/test/events";
        let with = async |mode, scope| {
            let key = world.key(tenant.workspace, mode, &[scope]).await;
            world.nobody().with_key(Some(&key))
        };
        let live = with(Mode::Live, Scope::Admin).await.post(path, &ask).await.expect(403);
        assert_eq!(live.code(), "live_mode_only");
        let reader = with(Mode::Test, Scope::Read).await.post(path, &ask).await.expect(403);
        assert_eq!(reader.code(), "permission_missing");
        // Without any channel it works still: the example's channel is nobody's.
        let webhooks = with(Mode::Test, Scope::Webhooks).await;
        assert!(webhooks.post(path, &ask).await.expect(201).json()["channel_id"].is_string());
        let unknown = json!({"type": "message.sent", "channel_id": "chn_01kagq5rh8e5htqh9sk95d3x4w"});
        assert_eq!(webhooks.post(path, &unknown).await.expect(404).code(), "not_found");
        let misspelt = webhooks.post(path, &json!({"type": "message.reed"})).await.expect(422);
        assert!(misspelt.text.contains("message.received"), "the answer names what there is");
        assert!(log(&tenant.admin).await.len() == 1, "nothing of what was refused is in the log");

        let twice = [("idempotency-key", "once")];
        let first = webhooks.call("POST", path, &twice, Some(&ask)).await.expect(201);
        let again = webhooks.call("POST", path, &twice, Some(&ask)).await.expect(201);
        assert_eq!((first.text, log(&tenant.admin).await.len()), (again.text, 2));
        world.stop().await;
    }
}
