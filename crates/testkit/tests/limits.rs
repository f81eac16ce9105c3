//! Rate limits as callers meet them: exact in every sliding window, told truthfully, and never at a neighbour's cost.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use gatepost_app::LimitConfig;
use gatepost_core::access::{Scope, operator_permission};
use gatepost_core::channel::Mode;
use gatepost_core::limit::{Preset, Window};
use gatepost_core::{ApiKeyId, Network, WorkspaceId};
use gatepost_http::Proxies;
use gatepost_testkit::{Answer, Client, Engines, Setup, World};
use serde_json::json;

fn setup(engine: Engines) -> Setup {
    let mut setup = Setup::new(engine);
    setup.proxies = Proxies { networks: vec![Network::parse("127.0.0.0/8").unwrap()], ..Proxies::default() };
    let windows = |texts: &[&str]| texts.iter().map(|text| Window::parse(text).unwrap()).collect();
    let own = vec![
        Preset::new("two-an-hour", windows(&["2/h"])).unwrap(),
        Preset::new("five-an-hour", windows(&["5/h"])).unwrap(),
    ];
    setup.config.limits = LimitConfig::new(own, None, None).unwrap();
    setup
}

async fn from(caller: &Client, address: &str, path: &str) -> Answer {
    caller.call("GET", path, &[("x-forwarded-for", address)], None).await
}

async fn heard(caller: &Client) -> (u16, String) {
    let answer = from(caller, "192.0.2.9", "/v1/messages?limit=1").await;
    (answer.status, answer.code())
}

async fn choose(
    world: &World,
    workspace: WorkspaceId,
    mode: Mode,
    key: Option<ApiKeyId>,
    preset: Option<&str>,
) {
    let enter = world.operator::<operator_permission::WorkspaceEnter>();
    world.app.limits_set(&enter, workspace, mode, key, preset.map(str::to_owned)).await.unwrap();
}

async fn make(admin: &Client) -> (ApiKeyId, Client) {
    let made = admin.post("/v1/keys", &json!({"name": "k", "scopes": ["read"]})).await.expect(201).json();
    (made["id"].as_str().unwrap().parse().unwrap(), admin.with_key(made["secret"].as_str()))
}

/// Whoever tries keys is slowed by address; whoever holds one is not, even behind the same address.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guessing_is_throttled_by_address_and_a_valid_key_never() {
    for engine in Engines::available() {
        let world = World::start(setup(engine)).await;
        let tenant = world.tenant("Example Ltd").await;
        let guesser = world.nobody().with_key(Some("gp_test_nonsense"));
        let mut statuses = Vec::new();
        for _ in 0..12 {
            let answer = from(&guesser, "203.0.113.1", "/v1/messages").await;
            if answer.status == 429 {
                assert_eq!(answer.code(), "rate_limited");
                let wait: u64 = answer.headers["retry-after"].to_str().unwrap().parse().unwrap();
                assert!((1..=60).contains(&wait), "{wait}");
                assert_eq!(answer.json()["retry_after"], wait);
                assert_eq!(answer.json()["retryable"], true);
                assert!(answer.json()["detail"].as_str().unwrap().contains("/s"), "{}", answer.text);
                assert!(answer.headers["ratelimit"].to_str().unwrap().contains("\"3/s\";r=0;t="));
            }
            let policy = answer.headers["ratelimit-policy"].to_str().unwrap();
            assert_eq!(policy, r#""3/s";q=3;w=1, "20/10s";q=20;w=10, "100/min";q=100;w=60"#);
            statuses.push(answer.status);
            // Behind the same address, all the while.
            let valid = from(&tenant.admin, "203.0.113.1", "/v1/messages").await.expect(200);
            assert!(!valid.headers.contains_key("ratelimit"), "a key without a limit has none to tell of");
        }
        assert_eq!(statuses[..3], [401, 401, 401]);
        assert!(statuses.iter().filter(|s| **s == 429).count() >= 3, "{statuses:?}");
        // Another address, another count; without a key it is the same as with a wrong one.
        from(&guesser, "203.0.113.2", "/v1/messages").await.expect(401);
        for _ in 0..3 {
            from(&world.nobody(), "203.0.113.3", "/v1/messages").await;
        }
        assert_eq!(from(&world.nobody(), "203.0.113.3", "/v1/messages").await.status, 429);
        // One v6 caller has a whole /64.
        let statuses: Vec<u16> = {
            let mut out = Vec::new();
            for n in 0..4 {
                out.push(from(&guesser, &format!("2001:db8::{n:x}"), "/v1/messages").await.status);
            }
            out
        };
        assert_eq!(statuses[3], 429, "{statuses:?}");
        // Callbacks, health and documents are exempt.
        for path in ["/healthz", "/readyz", "/openapi.json", "/"] {
            for _ in 0..5 {
                from(&world.nobody(), "203.0.113.3", path).await.expect(200);
            }
        }
        for _ in 0..10 {
            let callback = "/hooks/meta/app_01kagq5rh8e5htqh9sk95d3x4w";
            let answer =
                world.nobody().call("POST", callback, &[("x-forwarded-for", "203.0.113.3")], None).await;
            assert_eq!(answer.code(), "signature_invalid");
        }
        world.stop().await;
    }
}

/// Who waits as long as `Retry-After` says meets no other refusal, whichever window it was.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn obeying_is_enough() {
    let world = World::start(setup(Engines::Sqlite)).await;
    let tenant = world.tenant("Example Ltd").await;
    let (id, caller) = make(&tenant.admin).await;
    choose(&world, tenant.workspace, Mode::Test, Some(id), Some("interactive")).await;
    let (mut accepted, mut waits) = (0, 0);
    while accepted < 130 {
        let answer = from(&caller, "192.0.2.9", "/v1/messages?limit=1").await;
        if answer.status == 200 {
            accepted += 1;
            continue;
        }
        assert_eq!(answer.code(), "rate_limited");
        let wait: u64 = answer.headers["retry-after"].to_str().unwrap().parse().unwrap();
        world.clock.advance(Duration::from_secs(wait));
        waits += 1;
        from(&caller, "192.0.2.9", "/v1/messages?limit=1").await.expect(200);
        accepted += 1;
    }
    assert!(waits > 10, "{waits} waits");
    world.stop().await;
}

/// A workspace's plan is shared by its keys of one mode; a key's own holds beside it; nobody else is concerned, and a
/// change binds the next request.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn plans_of_workspaces_and_keys() {
    for engine in Engines::available() {
        let world = World::start(setup(engine)).await;
        let tenant = world.tenant("Example Ltd").await;
        let stranger = world.tenant("Stranger Ltd").await;
        let (first_id, first) = make(&tenant.admin).await;
        let (_, second) = make(&tenant.admin).await;
        for _ in 0..30 {
            assert_eq!(heard(&first).await.0, 200, "no limit unless one is given");
        }
        choose(&world, tenant.workspace, Mode::Test, None, Some("five-an-hour")).await;
        choose(&world, tenant.workspace, Mode::Test, Some(first_id), Some("two-an-hour")).await;
        let limited = (429, "rate_limited".to_owned());
        let of_first = [heard(&first).await.0, heard(&first).await.0];
        assert_eq!((of_first, heard(&first).await), ([200, 200], limited.clone()));
        let of_second = [heard(&second).await.0, heard(&second).await.0, heard(&second).await.0];
        assert_eq!((of_second, heard(&second).await), ([200, 200, 200], limited.clone()), "five in all");
        let told = from(&second, "192.0.2.9", "/v1/messages").await;
        assert!(told.json()["detail"].as_str().unwrap().contains("5/h"), "{}", told.text);
        // Refused before anything else is looked at, and told in the headers of every answer.
        let body = "not json".as_bytes().to_vec();
        let early = second.raw("POST", "/v1/messages", &[], Some(body)).await;
        assert_eq!((early.status, early.code().as_str()), (429, "rate_limited"));
        let live = world.key(tenant.workspace, Mode::Live, &[Scope::Read]).await;
        assert_eq!(heard(&world.nobody().with_key(Some(&live))).await.0, 200, "another mode");
        assert_eq!(heard(&stranger.admin).await.0, 200, "another workspace");
        world.clock.advance(Duration::from_hours(1));
        let again = from(&first, "192.0.2.9", "/v1/messages").await.expect(200);
        assert_eq!(again.headers["ratelimit-policy"], r#""5/h";q=5;w=3600, "2/h";q=2;w=3600"#);
        assert_eq!(again.headers["ratelimit"], r#""5/h";r=4;t=3600, "2/h";r=1;t=3600"#);
        for (key, preset) in [(Some(first_id), None), (None, None)] {
            choose(&world, tenant.workspace, Mode::Test, key, preset).await;
        }
        for _ in 0..10 {
            assert_eq!(heard(&first).await.0, 200);
        }
        // Rotation does not wash a limit off.
        choose(&world, tenant.workspace, Mode::Test, Some(first_id), Some("two-an-hour")).await;
        let path = format!("/v1/keys/{first_id}/rotate");
        let next = tenant.admin.post(&path, &json!({})).await.expect(201).json();
        let next = world.nobody().with_key(next["secret"].as_str());
        let heard_next = [heard(&next).await.0, heard(&next).await.0, heard(&next).await.0];
        assert_eq!(heard_next, [200, 200, 429]);
        world.stop().await;
    }
}

/// Two hundred at once: exactly as many as the window holds, and all of those.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn exact_under_load() {
    let mut setup = setup(Engines::Sqlite);
    let preset = Preset::new("sixty-an-hour", vec![Window::parse("60/h").unwrap()]).unwrap();
    setup.config.limits = LimitConfig::new(vec![preset], Some("sixty-an-hour"), None).unwrap();
    let world = World::start(setup).await;
    let tenant = world.tenant("Example Ltd").await;
    let (_, caller) = make(&tenant.admin).await;
    let calls: Vec<_> = (0..200)
        .map(|_| {
            let caller = caller.clone();
            tokio::spawn(async move { heard(&caller).await.0 })
        })
        .collect();
    let mut accepted = 0;
    for call in calls {
        accepted += u32::from(call.await.unwrap() == 200);
    }
    assert_eq!(accepted, 60);
    world.stop().await;
}
