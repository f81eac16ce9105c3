//! API keys: shown once, presented one way, and ended for the very next request.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use gatepost_core::Clock;
use gatepost_core::access::Scope;
use gatepost_core::channel::Mode;
use gatepost_testkit::{Client, Engines, Setup, World, eventually};
use serde_json::{Value, json};

/// A key made through the API; its id and its secret.
async fn make(admin: &Client, body: &Value) -> (String, String) {
    let made = admin.post("/v1/keys", body).await.expect(201).json();
    (made["id"].as_str().unwrap().to_owned(), made["secret"].as_str().unwrap().to_owned())
}

async fn channel(admin: &Client, name: &str) -> String {
    let made = admin.post("/v1/channels", &json!({"type": "test", "name": name})).await.expect(201).json();
    made["id"].as_str().unwrap().to_owned()
}

fn send(channel: Option<&str>) -> Value {
    let mut body = json!({"to": "+12025550101", "purpose": "support", "text": "hello"});
    if let Some(channel) = channel {
        body["channel_id"] = json!(channel);
    }
    body
}

/// What a key hears now: the status and the code.
async fn heard(caller: &Client) -> (u16, String) {
    let answer = caller.get("/v1/messages?limit=1").await;
    (answer.status, answer.code())
}

fn refused(code: &str) -> (u16, String) {
    (401, code.to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_shown_once() {
    for engine in Engines::available() {
        let world = World::start(Setup::new(engine)).await;
        let admin = world.tenant("Example Ltd").await.admin;
        let body = json!({"name": "Shop", "scopes": ["read"]});
        let first =
            admin.call("POST", "/v1/keys", &[("idempotency-key", "k1")], Some(&body)).await.expect(201);
        let (id, secret) = (first.json()["id"].clone(), first.json()["secret"].clone());
        let (id, secret) = (id.as_str().unwrap(), secret.as_str().unwrap());
        let shown = first.json();
        let (display, last4) = (shown["display"].as_str().unwrap(), shown["last4"].as_str().unwrap());
        assert_eq!((display.len(), last4.len()), (14, 4));
        assert!(secret.starts_with(display) && secret.ends_with(last4));
        let again =
            admin.call("POST", "/v1/keys", &[("idempotency-key", "k1")], Some(&body)).await.expect(201);
        assert_eq!(again.json()["secret"], Value::Null, "a repeated answer holds no secret");
        assert_eq!(again.json()["id"], id, "and speaks of the same key");
        for path in [format!("/v1/keys/{id}"), "/v1/keys".to_owned(), "/v1/events".to_owned()] {
            let answer = admin.get(&path).await.expect(200);
            assert!(!answer.text.contains(&secret[14..secret.len() - 4]), "{path} tells the secret");
        }
        let caller = world.nobody().with_key(Some(secret));
        assert_eq!(heard(&caller).await.0, 200);
        eventually("the time of the last use", async || {
            let key = admin.get(&format!("/v1/keys/{id}")).await.expect(200).json();
            key["last_used_at"].is_string().then_some(())
        })
        .await;
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_credential_in_either_header_and_never_a_pick() {
    let world = World::start(Setup::new(Engines::Sqlite)).await;
    let tenant = world.tenant("Example Ltd").await;
    let (_, other) = make(&tenant.admin, &json!({"name": "other", "scopes": ["read"]})).await;
    let (nobody, key) = (world.nobody(), tenant.admin_key.as_str());
    let bearer = format!("Bearer {key}");
    let ask = async |path: &str, headers: &[(&str, &str)]| {
        let answer = nobody.call("GET", path, headers, None).await;
        (answer.status, answer.code())
    };
    let path = "/v1/messages";
    assert_eq!(ask(path, &[("authorization", &bearer)]).await.0, 200);
    assert_eq!(ask(path, &[("x-api-key", key)]).await.0, 200);
    assert_eq!(ask(path, &[("authorization", &bearer), ("x-api-key", key)]).await.0, 200);
    let conflict = refused("credentials_conflict");
    assert_eq!(ask(path, &[("authorization", &bearer), ("x-api-key", &other)]).await, conflict);
    assert_eq!(ask(path, &[("x-api-key", &other), ("authorization", &bearer)]).await, conflict);
    assert_eq!(ask(path, &[("authorization", &bearer), ("authorization", &bearer)]).await, conflict);
    assert_eq!(ask(path, &[("cookie", &format!("key={key}"))]).await, refused("unauthorized"));
    for name in ["api_key", "access_token", "anything"] {
        assert_eq!(ask(&format!("{path}?{name}={key}"), &[]).await, refused("unauthorized"));
        let right_as_well = ask(&format!("{path}?{name}={key}"), &[("x-api-key", key)]).await;
        assert_eq!(
            right_as_well,
            refused("unauthorized"),
            "a key in the URL is refused though another is right"
        );
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_ends_at_its_time() {
    for engine in Engines::available() {
        let world = World::start(Setup::new(engine)).await;
        let admin = world.tenant("Example Ltd").await.admin;
        let end = |seconds: u64| world.clock.now().plus(Duration::from_secs(seconds)).to_string();
        let past = json!({"name": "late", "scopes": ["read"], "expires_at": "2020-01-01T00:00:00Z"});
        assert_eq!(admin.post("/v1/keys", &past).await.status, 422);
        let (_, secret) =
            make(&admin, &json!({"name": "hour", "scopes": ["read"], "expires_at": end(3600)})).await;
        let caller = world.nobody().with_key(Some(&secret));
        assert_eq!(heard(&caller).await.0, 200);
        world.clock.advance(Duration::from_secs(3590));
        assert_eq!(heard(&caller).await.0, 200);
        world.clock.advance(Duration::from_secs(11));
        assert_eq!(heard(&caller).await, refused("api_key_expired"));
        // Whoever does not hold the secret learns nothing of the key's end.
        let mut wrong = secret.clone();
        let last = wrong.pop().unwrap();
        wrong.push(if last == 'x' { 'y' } else { 'x' });
        assert_eq!(heard(&caller.with_key(Some(&wrong))).await, refused("unauthorized"));
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn revoking_and_rotating_bind_the_next_request() {
    for engine in Engines::available() {
        let world = World::start(Setup::new(engine)).await;
        let admin = world.tenant("Example Ltd").await.admin;
        for _ in 0..10 {
            let (id, secret) = make(&admin, &json!({"name": "a", "scopes": ["read"]})).await;
            let caller = world.nobody().with_key(Some(&secret));
            assert_eq!(heard(&caller).await.0, 200);
            let revoked = admin.delete(&format!("/v1/keys/{id}")).await.expect(200).json();
            assert!(revoked["revoked_at"].is_string());
            assert_eq!(heard(&caller).await, refused("api_key_revoked"));
        }
        let (id, old) = make(&admin, &json!({"name": "b", "scopes": ["read"]})).await;
        let old = world.nobody().with_key(Some(&old));
        assert_eq!(heard(&old).await.0, 200);
        let rotate = async |id: &str, body: Value| admin.post(&format!("/v1/keys/{id}/rotate"), &body).await;
        let second = rotate(&id, json!({})).await.expect(201).json();
        let new = world.nobody().with_key(second["secret"].as_str());
        assert_eq!((heard(&old).await, heard(&new).await.0), (refused("api_key_revoked"), 200));
        assert_eq!(rotate(&id, json!({})).await.status, 409, "a key is replaced once");
        let third =
            rotate(second["id"].as_str().unwrap(), json!({"overlap_seconds": 60})).await.expect(201).json();
        let newest = world.nobody().with_key(third["secret"].as_str());
        assert_eq!((heard(&new).await.0, heard(&newest).await.0), (200, 200), "both open in the overlap");
        world.clock.advance(Duration::from_secs(61));
        assert_eq!((heard(&new).await, heard(&newest).await.0), (refused("api_key_revoked"), 200));
        assert_eq!(third["scopes"], json!(["read"]), "the successor holds what the key held");
        // A key that revokes itself hears so and is heard no more.
        let (id, own) = make(&admin, &json!({"name": "c", "scopes": ["admin"]})).await;
        let own = world.nobody().with_key(Some(&own));
        own.delete(&format!("/v1/keys/{id}")).await.expect(200);
        assert_eq!(heard(&own).await, refused("api_key_revoked"));
        world.stop().await;
    }
}

/// K3: with requests going on, none that starts after the revocation was answered is let in, on whichever node.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revocation_binds_on_every_node() {
    if !Engines::available().contains(&Engines::Postgres) {
        return;
    }
    let first = World::start(Setup::new(Engines::Postgres)).await;
    let second = first.another(Setup::new(Engines::Postgres)).await;
    let admin = first.tenant("Example Ltd").await.admin;
    for round in 0..5 {
        let (id, secret) = make(&admin, &json!({"name": "busy", "scopes": ["read"]})).await;
        let (answered, stop) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let (good, late) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let callers: Vec<_> = [&first, &second, &second]
            .into_iter()
            .map(|node| {
                let (caller, answered, stop) =
                    (node.nobody().with_key(Some(&secret)), answered.clone(), stop.clone());
                let (good, late) = (good.clone(), late.clone());
                tokio::spawn(async move {
                    while !stop.load(Ordering::SeqCst) {
                        let after = answered.load(Ordering::SeqCst);
                        let (status, code) = heard(&caller).await;
                        assert!(status == 200 || code == "api_key_revoked", "{status} {code}");
                        if status == 200 {
                            if after { &late } else { &good }.fetch_add(1, Ordering::SeqCst);
                        } else if after {
                            return;
                        }
                    }
                })
            })
            .collect();
        eventually("some load", async || (good.load(Ordering::SeqCst) > 30).then_some(())).await;
        admin.delete(&format!("/v1/keys/{id}")).await.expect(200);
        answered.store(true, Ordering::SeqCst);
        let on_second = heard(&second.nobody().with_key(Some(&secret))).await;
        assert_eq!(on_second, refused("api_key_revoked"), "round {round}");
        for caller in callers {
            caller.await.unwrap();
        }
        assert_eq!(late.load(Ordering::SeqCst), 0, "round {round}");
    }
    second.stop().await;
    first.stop().await;
}

/// Rotation with an overlap under load fails no request.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_rotation_with_overlap_fails_nobody() {
    for engine in Engines::available() {
        let world = World::start(Setup::new(engine)).await;
        let admin = world.tenant("Example Ltd").await.admin;
        let (mut id, secret) = make(&admin, &json!({"name": "busy", "scopes": ["read"]})).await;
        let key = Arc::new(std::sync::Mutex::new(secret));
        let (stop, count) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (caller, held, done, counted) = (world.nobody(), key.clone(), stop.clone(), count.clone());
        let load = tokio::spawn(async move {
            while !done.load(Ordering::SeqCst) {
                let key = held.lock().unwrap().clone();
                assert_eq!(heard(&caller.with_key(Some(&key))).await.0, 200);
                counted.fetch_add(1, Ordering::SeqCst);
            }
        });
        for round in 1..=5 {
            let body = json!({"overlap_seconds": 60});
            let new = admin.post(&format!("/v1/keys/{id}/rotate"), &body).await.expect(201).json();
            let some = count.load(Ordering::SeqCst) + 5;
            eventually("requests with the old key", async || {
                (count.load(Ordering::SeqCst) > some).then_some(())
            })
            .await;
            new["id"].as_str().unwrap().clone_into(&mut id);
            new["secret"].as_str().unwrap().clone_into(&mut key.lock().unwrap());
            eventually("requests with the new key", async || {
                (count.load(Ordering::SeqCst) > some + 5).then_some(())
            })
            .await;
            assert!(!load.is_finished(), "round {round}");
        }
        stop.store(true, Ordering::SeqCst);
        load.await.unwrap();
        world.stop().await;
    }
}

/// A node that cannot renew its lease serves nothing from its cache: others need not wait for it longer than its lease.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_node_without_a_lease_serves_nothing_from_its_cache() {
    if !Engines::available().contains(&Engines::Postgres) {
        return;
    }
    let first = World::start(Setup::new(Engines::Postgres)).await;
    let mut mute = Setup::new(Engines::Postgres);
    // It announces itself once and then never again, as behind a cut link to the others.
    mute.config.heartbeat = Duration::from_hours(1);
    let mute = first.another(mute).await;
    let admin = first.tenant("Example Ltd").await.admin;
    let (id, secret) = make(&admin, &json!({"name": "cached", "scopes": ["read"]})).await;
    let caller = mute.nobody().with_key(Some(&secret));
    assert_eq!(heard(&caller).await.0, 200, "it is in the silent node's cache now");
    let path = format!("/v1/keys/{id}");
    let revoked = admin.delete(&path);
    tokio::pin!(revoked);
    // While the silent node's lease lives, the revocation is not answered: that node may still let the key in.
    let early = tokio::time::timeout(Duration::from_millis(300), &mut revoked).await;
    assert!(early.is_err(), "the revocation did not wait for a node that has not heard of it");
    assert_eq!(heard(&caller).await.0, 200, "the cache is what this test is about");
    first.clock.advance(Duration::from_secs(4));
    revoked.await.expect(200);
    assert_eq!(heard(&caller).await, refused("api_key_revoked"));
    mute.stop().await;
    first.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_bound_to_channels_reach_no_others() {
    for engine in Engines::available() {
        let world = World::start(Setup::new(engine)).await;
        let tenant = world.tenant("Example Ltd").await;
        let (one, two) = (channel(&tenant.admin, "one").await, channel(&tenant.admin, "two").await);
        let bound = json!({"name": "bound", "scopes": ["admin"], "channels": [one]});
        let (_, secret) = make(&tenant.admin, &bound).await;
        let bound = world.nobody().with_key(Some(&secret));
        let id = |answer: Value| answer["id"].as_str().unwrap().to_owned();
        let mine = id(bound.post("/v1/messages", &send(None)).await.expect(202).json());
        let theirs = id(tenant.admin.post("/v1/messages", &send(Some(&two))).await.expect(202).json());
        for (path, status) in [
            (format!("/v1/messages/{mine}"), 200),
            (format!("/v1/messages/{theirs}"), 404),
            (format!("/v1/channels/{one}"), 200),
            (format!("/v1/channels/{two}"), 404),
        ] {
            assert_eq!(bound.get(&path).await.status, status, "{path}");
        }
        assert_eq!(bound.post("/v1/messages", &send(Some(&two))).await.status, 404);
        for path in ["/v1/messages", "/v1/channels"] {
            let text = bound.get(path).await.expect(200).text;
            assert!(text.contains(&one) && !text.contains(&two), "{path}: {text}");
        }
        // It hands out no more than it has, and adds nothing beside what it is bound to.
        let wide = json!({"name": "wide", "scopes": ["read"]});
        assert_eq!(bound.post("/v1/keys", &wide).await.code(), "channel_not_allowed");
        let other = json!({"name": "other", "scopes": ["read"], "channels": [two]});
        assert_eq!(bound.post("/v1/keys", &other).await.code(), "channel_not_allowed");
        let narrow = json!({"name": "narrow", "scopes": ["read"], "channels": [one]});
        bound.post("/v1/keys", &narrow).await.expect(201);
        assert_eq!(bound.patch(&format!("/v1/channels/{two}"), &json!({"name": "x"})).await.status, 404);
        assert_eq!(bound.delete(&format!("/v1/channels/{two}")).await.status, 404);
        // Nor can it take hold of a key that reaches further than itself.
        let (free, _) = make(&tenant.admin, &json!({"name": "free", "scopes": ["send"]})).await;
        let rotated = bound.post(&format!("/v1/keys/{free}/rotate"), &json!({})).await;
        assert!((400..500).contains(&rotated.status), "{}", rotated.text);
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_channel_header_chooses() {
    for engine in Engines::available() {
        let world = World::start(Setup::new(engine)).await;
        let tenant = world.tenant("Example Ltd").await;
        let stranger = world.tenant("Stranger Ltd").await;
        let foreign = channel(&stranger.admin, "theirs").await;
        let post = async |headers: &[(&str, &str)], body: &Value| {
            let answer = tenant.admin.call("POST", "/v1/messages", headers, Some(body)).await;
            let code = answer.code();
            (
                answer.status,
                if code.is_empty() { answer.json()["channel_id"].as_str().unwrap().to_owned() } else { code },
            )
        };
        let code = |status: u16, code: &str| (status, code.to_owned());
        assert_eq!(post(&[], &send(None)).await, code(400, "channel_required"), "there is none yet");
        let one = channel(&tenant.admin, "one").await;
        assert_eq!(post(&[], &send(None)).await, code(202, &one), "only one can be meant");
        let two = channel(&tenant.admin, "two").await;
        assert_eq!(post(&[], &send(None)).await, code(400, "channel_required"));
        assert_eq!(post(&[("X-Channel-Id", &two)], &send(None)).await, code(202, &two));
        assert_eq!(post(&[("X-Instance-Id", &one)], &send(None)).await, code(202, &one));
        assert_eq!(post(&[("X-Channel-Id", &one)], &send(Some(&one))).await, code(202, &one));
        assert_eq!(post(&[("X-Channel-Id", &one)], &send(Some(&two))).await, code(400, "channel_conflict"));
        assert_eq!(
            post(&[("X-Channel-Id", &one), ("X-Instance-Id", &two)], &send(None)).await,
            code(400, "channel_conflict")
        );
        assert_eq!(post(&[("X-Channel-Id", &foreign)], &send(None)).await, code(404, "not_found"));
        assert_eq!(post(&[], &send(Some(&foreign))).await, code(404, "not_found"));
        assert_eq!(post(&[("X-Channel-Id", "chn_nonsense")], &send(None)).await, code(404, "not_found"));
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_hands_out_more_than_they_have() {
    for engine in Engines::available() {
        let world = World::start(Setup::new(engine)).await;
        let tenant = world.tenant("Example Ltd").await;
        let live = json!({"name": "live", "scopes": ["read"], "mode": "live"});
        assert_eq!(tenant.admin.post("/v1/keys", &live).await.code(), "test_mode_only");
        let live_key = world.key(tenant.workspace, Mode::Live, &[Scope::Admin]).await;
        let live_admin = world.nobody().with_key(Some(&live_key));
        let test = json!({"name": "test", "scopes": ["read"], "mode": "test"});
        assert_eq!(live_admin.post("/v1/keys", &test).await.code(), "live_mode_only");
        let (id, _) = make(&tenant.admin, &json!({"name": "t", "scopes": ["read"]})).await;
        for path in [format!("/v1/keys/{id}/rotate"), format!("/v1/keys/{id}")] {
            let method = if path.ends_with("rotate") { "POST" } else { "DELETE" };
            let answer = live_admin.call(method, &path, &[], Some(&json!({}))).await;
            assert_eq!((answer.status, answer.code().as_str()), (404, "not_found"), "{method} {path}");
        }
        assert!(
            !live_admin.get("/v1/keys").await.expect(200).text.contains(&id),
            "the other mode's keys are not listed"
        );
        let test_channel = json!({"type": "test", "name": "desk"});
        assert_eq!(
            live_admin.post("/v1/channels", &test_channel).await.status / 100,
            4,
            "a live key makes no test channel"
        );
        world.stop().await;
    }
}
