//! `Idempotency-Key`: the same request once, another one refused, nobody else's answer.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use futures_util::future::join_all;
use gatepost_channels::sandbox::SandboxConfig;
use gatepost_testkit::{Answer, Client, Engines, Setup, World, eventually, sandbox};
use serde_json::{Value, json};

async fn send(caller: &Client, key: &str, body: &Value) -> Answer {
    caller.call("POST", "/v1/messages", &[("idempotency-key", key)], Some(body)).await
}

fn hello(text: &str) -> Value {
    json!({"to": "+12025550101", "purpose": "support", "text": text})
}

fn replayed(answer: &Answer) -> bool {
    answer.headers.get("idempotency-replayed").is_some_and(|v| v == "true")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_request_is_done_once() {
    for engine in Engines::available() {
        let meta = sandbox(SandboxConfig::default()).await;
        let world = World::start(Setup::new(engine).with_meta(&meta)).await;
        let tenant = world.tenant("Example Ltd").await;
        let live = world.live(&meta, tenant.workspace, 1).await;
        let first = send(&live.admin, "order-17", &hello("one")).await.expect(202);
        assert!(!replayed(&first));
        for _ in 0..3 {
            let again = send(&live.admin, "order-17", &hello("one")).await.expect(202);
            assert!(replayed(&again));
            assert_eq!(again.text, first.text);
            assert_eq!(again.headers["location"], first.headers["location"]);
        }
        let other = send(&live.admin, "order-17", &hello("two")).await;
        assert_eq!((other.status, other.code().as_str()), (422, "idempotency_key_reused"));
        // The same body by another way in is another request too.
        let elsewhere = live
            .admin
            .call(
                "POST",
                "/v1/messages",
                &[("idempotency-key", "order-17"), ("x-channel-id", &live.channel)],
                Some(&hello("one")),
            )
            .await;
        assert_eq!(elsewhere.code(), "idempotency_key_reused");
        // Fifty at once under a key that is new: one message.
        let body = hello("three");
        let calls = (0..50).map(|_| send(&live.admin, "rush", &body));
        let answers = join_all(calls).await;
        let mut ids: Vec<String> = Vec::new();
        for answer in &answers {
            match answer.status {
                202 => ids.push(answer.json()["id"].as_str().unwrap().to_owned()),
                409 => assert_eq!(answer.code(), "idempotency_in_progress"),
                _ => unreachable!("{}", answer.text),
            }
        }
        assert_eq!(answers.iter().filter(|a| a.status == 202 && !replayed(a)).count(), 1);
        ids.dedup();
        assert_eq!(ids.len(), 1, "all heard of one message");
        eventually("both messages at Meta", async || (meta.sends().len() >= 2).then_some(())).await;
        let listed = live.admin.get("/v1/messages").await.expect(200).json();
        assert_eq!(listed["data"].as_array().unwrap().len(), 2);
        // After 24 hours the key is forgotten, and not before.
        world.clock.advance(Duration::from_mins(24 * 60 - 1));
        world.app.retain().await.unwrap();
        assert!(replayed(&send(&live.admin, "order-17", &hello("one")).await.expect(202)));
        world.clock.advance(Duration::from_mins(2));
        world.app.retain().await.unwrap();
        let new = send(&live.admin, "order-17", &hello("two")).await.expect(202);
        assert!(!replayed(&new));
        eventually("the third message at Meta", async || (meta.sends().len() == 3).then_some(())).await;
        assert_eq!(meta.observed().accepted, 3);
        world.stop().await;
    }
}

/// T7: a key that two workspaces chose alike is two keys, and tells neither of the other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_shared_between_workspaces() {
    for engine in Engines::available() {
        let world = World::start(Setup::new(engine)).await;
        let (one, two) = (world.tenant("One").await, world.tenant("Two").await);
        for tenant in [&one, &two] {
            tenant.admin.post("/v1/channels", &json!({"type": "test", "name": "desk"})).await.expect(201);
        }
        let body = hello("the very same");
        let first = send(&one.admin, "shared", &body).await.expect(202);
        let second = send(&two.admin, "shared", &body).await.expect(202);
        assert!(!replayed(&second));
        assert_ne!(first.json()["id"], second.json()["id"]);
        let other = send(&two.admin, "shared", &hello("another")).await;
        assert_eq!(other.code(), "idempotency_key_reused", "its own use counts");
        send(&two.admin, "fresh", &hello("x")).await.expect(202);
        assert!(!replayed(&send(&one.admin, "fresh", &hello("y")).await.expect(202)));
        let rows = world.rows().await;
        assert_eq!(rows["idempotency"].len(), 4);
        assert!(!rows["idempotency"].iter().any(|row| row.contains("shared")), "keys lie as indexes");
        world.stop().await;
    }
}

/// Every route that makes something keeps its promise.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn creations_of_every_kind_happen_once() {
    for engine in Engines::available() {
        let world = World::start(Setup::new(engine)).await;
        let admin = world.tenant("Example Ltd").await.admin;
        for (path, body) in [
            ("/v1/channels", json!({"type": "test", "name": "desk"})),
            ("/v1/keys", json!({"name": "k", "scopes": ["read"]})),
            (
                "/v1/meta-apps",
                json!({"name": "a", "app_id": "12345678", "app_secret": "0123456789abcdef0123456789abcdef"}),
            ),
            ("/v1/webhook-endpoints", json!({"url": "https://example.com/hook"})),
        ] {
            let before = admin.get(path).await.expect(200).json()["data"].as_array().unwrap().len();
            let headers = [("idempotency-key", path)];
            let post = async || admin.call("POST", path, &headers, Some(&body)).await;
            let first = post().await.expect(201);
            let again = post().await.expect(201);
            assert!(!replayed(&first) && replayed(&again), "{path}");
            assert_eq!(first.json()["id"], again.json()["id"], "{path}");
            let after = admin.get(path).await.expect(200).json()["data"].as_array().unwrap().len();
            assert_eq!(after, before + 1, "{path}");
            for secret in ["secret", "verify_token"] {
                let (was, is) = (&first.json()[secret], &again.json()[secret]);
                assert!(was.is_null() || is.is_null(), "{path}: a secret is shown once");
            }
        }
        let bad = json!({"name": "", "scopes": []});
        assert_eq!(
            admin.call("POST", "/v1/keys", &[("idempotency-key", "free")], Some(&bad)).await.status,
            422
        );
        let good = json!({"name": "k2", "scopes": ["read"]});
        admin.call("POST", "/v1/keys", &[("idempotency-key", "free")], Some(&good)).await.expect(201);
        world.stop().await;
    }
}
