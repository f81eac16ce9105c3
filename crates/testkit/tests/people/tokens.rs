//! Access tokens: exchanged, used, renewed, ended.

use std::time::Duration;

use gatepost_core::access::{Role, Scope};
use gatepost_core::channel::Mode;
use gatepost_testkit::{Answer, Browser, Client, Engines, Setup, Tenant, World};
use serde_json::{Value, json};

const TOKEN: &str = "/v1/auth/token";

async fn world(engine: Engines) -> World {
    World::start(Setup { workers: false, ..Setup::new(engine) }).await
}

/// A browser's script asks for tokens.
async fn exchange(browser: &Browser, body: &Value) -> Answer {
    browser.open("/account/sessions").await.expect(200);
    let csrf = browser.csrf().unwrap();
    let headers = [
        ("content-type", "application/json"),
        ("sec-fetch-site", "same-origin"),
        ("x-csrf-token", csrf.as_str()),
    ];
    browser.send("POST", TOKEN, &headers, Some(body.to_string())).await
}

fn text(tokens: &Value, name: &str) -> String {
    tokens[name].as_str().unwrap().to_owned()
}

fn bearer(world: &World, tokens: &Value) -> Client {
    world.nobody().with_key(tokens["access_token"].as_str())
}

async fn refresh(world: &World, token: &str) -> Answer {
    world.nobody().post("/v1/auth/token/refresh", &json!({ "refresh_token": token })).await
}

async fn code(client: &Client) -> (u16, String) {
    let answer = client.get("/v1/messages?limit=1").await;
    (answer.status, answer.code())
}

fn ended() -> (u16, String) {
    (401, "access_token_ended".to_owned())
}

async fn owners(world: &World, tenant: &Tenant, mode: &str) -> (Browser, Value) {
    let owner = world.member(tenant.workspace, Role::Owner).await;
    let browser = world.browser_of(&owner).await;
    let ask = json!({ "workspace_id": tenant.workspace, "mode": mode });
    let tokens = exchange(&browser, &ask).await.expect(200).json();
    (browser, tokens)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_is_exchanged_for_one_workspace_and_mode() {
    for engine in Engines::available() {
        let world = world(engine).await;
        let (ours, theirs) = (world.tenant("Ours").await, world.tenant("Theirs").await);
        let (browser, tokens) = owners(&world, &ours, "test").await;
        assert_eq!(
            (tokens["token_type"].as_str(), tokens["expires_in"].as_i64()),
            (Some("Bearer"), Some(900))
        );
        let caller = bearer(&world, &tokens);
        assert_eq!(code(&caller).await.0, 200);
        let made =
            ours.admin.post("/v1/channels", &json!({"type": "test", "name": "Desk"})).await.expect(201);
        assert_eq!(caller.get("/v1/channels").await.expect(200).json()["data"][0]["id"], made.json()["id"]);
        // Nothing that wants a fresh proof, however fresh the session's is.
        let key = caller.post("/v1/keys", &json!({"name": "k", "scopes": ["read"]})).await;
        assert_eq!((key.status, key.code().as_str()), (401, "reauth_required"));
        let channel = caller.post("/v1/channels", &json!({"type": "test", "name": "Desk"})).await;
        assert_eq!(channel.code(), "reauth_required");
        // It is exchanged for nothing itself.
        let again = caller.post(TOKEN, &json!({})).await;
        assert_eq!((again.status, again.code().as_str()), (403, "permission_missing"));
        // Without the token of a page, from elsewhere, for a workspace of others, without saying which: nothing.
        let ask = json!({ "workspace_id": ours.workspace, "mode": "test" });
        let json = ("content-type", "application/json");
        let csrf = browser.csrf().unwrap();
        for headers in [
            vec![json, ("sec-fetch-site", "same-origin")],
            vec![json, ("sec-fetch-site", "cross-site"), ("x-csrf-token", csrf.as_str())],
            vec![json, ("sec-fetch-site", "same-origin"), ("x-csrf-token", "guess")],
        ] {
            let answer = browser.send("POST", TOKEN, &headers, Some(ask.to_string())).await;
            assert_eq!((answer.status, answer.code().as_str()), (403, "csrf_refused"), "{headers:?}");
        }
        let foreign = exchange(&browser, &json!({ "workspace_id": theirs.workspace, "mode": "test" })).await;
        assert_eq!(foreign.status, 404);
        let vague = exchange(&browser, &json!({})).await.expect(422).json();
        assert_eq!(vague["errors"].as_array().unwrap().len(), 2);
        assert_eq!(world.nobody().post(TOKEN, &ask).await.status, 401);
        // Neither token is at rest as it is.
        let rows = format!("{:?}", world.rows().await);
        for name in ["access_token", "refresh_token"] {
            assert!(!rows.contains(&text(&tokens, name)), "{name}");
        }
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_exchanged_for_no_more_than_it_is() {
    for engine in Engines::available() {
        let world = world(engine).await;
        let tenant = world.tenant("Ours").await;
        let secret = world.key(tenant.workspace, Mode::Test, &[Scope::Read]).await;
        let key = world.nobody().with_key(Some(&secret));
        for (ask, status, code) in [
            (json!({ "mode": "live" }), 403, "test_mode_only"),
            (json!({ "workspace_id": world.tenant("Other").await.workspace }), 404, "not_found"),
            (json!({ "scopes": ["admin"] }), 422, "invalid_field"),
        ] {
            let refused = key.post(TOKEN, &ask).await;
            assert_eq!((refused.status, refused.code().as_str()), (status, code), "{ask}");
        }
        let tokens = key.call("POST", TOKEN, &[], None).await.expect(200).json();
        let caller = bearer(&world, &tokens);
        assert_eq!(code(&caller).await.0, 200);
        let send = json!({"to": "+12025550101", "purpose": "support", "text": "hi"});
        assert_eq!(caller.post("/v1/messages", &send).await.code(), "permission_missing");
        let admin = tenant.admin.call("POST", TOKEN, &[], None).await.expect(200).json();
        let made = bearer(&world, &admin).post("/v1/keys", &json!({"name": "k", "scopes": ["read"]})).await;
        assert_eq!(made.code(), "reauth_required", "a key itself may, its token may not");

        // It ends with the key, and so does whatever renews it.
        let listed = tenant.admin.get("/v1/keys").await.expect(200).json();
        let id =
            listed["data"].as_array().unwrap().iter().find(|key| key["scopes"] == json!(["read"])).unwrap();
        let id = id["id"].as_str().unwrap().to_owned();
        tenant.admin.delete(&format!("/v1/keys/{id}")).await.expect(200);
        assert_eq!(code(&caller).await, (401, "api_key_revoked".to_owned()));
        let renewed = refresh(&world, &text(&tokens, "refresh_token")).await;
        assert_eq!((renewed.status, renewed.code().as_str()), (400, "refresh_token_invalid"));
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_are_renewed_and_a_second_use_ends_the_family() {
    for engine in Engines::available() {
        let world = world(engine).await;
        let tenant = world.tenant("Ours").await;
        let first = tenant.admin.call("POST", TOKEN, &[], None).await.expect(200).json();
        let other = tenant.admin.call("POST", TOKEN, &[], None).await.expect(200).json();
        world.clock.advance(Duration::from_mins(15));
        assert_eq!(code(&bearer(&world, &first)).await, (401, "access_token_expired".to_owned()));
        let second = refresh(&world, &text(&first, "refresh_token")).await.expect(200).json();
        assert_eq!(code(&bearer(&world, &second)).await.0, 200);
        let third = refresh(&world, &text(&second, "refresh_token")).await.expect(200).json();
        // The stolen one comes second, or the thief came first: nobody knows, so all of them are void.
        let stolen = refresh(&world, &text(&first, "refresh_token")).await;
        assert_eq!((stolen.status, stolen.code().as_str()), (400, "refresh_token_invalid"));
        for tokens in [&second, &third] {
            assert_eq!(code(&bearer(&world, tokens)).await, ended());
            assert_eq!(refresh(&world, &text(tokens, "refresh_token")).await.status, 400);
        }
        // Another exchange of the same key is another family.
        let renewed = refresh(&world, &text(&other, "refresh_token")).await.expect(200).json();
        assert_eq!(code(&bearer(&world, &renewed)).await.0, 200);
        let told = world.audited(Some(tenant.workspace), "refresh_token.refused").await;
        assert_eq!(told, 1, "what is unknown by then is told of no more");
        // By hand, with either token; what is none of ours is not told apart.
        for token in ["access_token", "refresh_token"] {
            let pair = tenant.admin.call("POST", TOKEN, &[], None).await.expect(200).json();
            assert_eq!(code(&bearer(&world, &pair)).await.0, 200);
            let body = json!({ "token": pair[token] });
            world.nobody().post("/v1/auth/token/revoke", &body).await.expect(204);
            assert_eq!(code(&bearer(&world, &pair)).await, ended(), "{token}");
        }
        world.nobody().post("/v1/auth/token/revoke", &json!({ "token": "gp_rt_nonsense" })).await.expect(204);
        world.stop().await;
    }
}

/// Of many who use one refresh token at once one gets the next, and then none of them has anything.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_many_at_once() {
    for engine in Engines::available() {
        let world = world(engine).await;
        let tenant = world.tenant("Ours").await;
        let tokens = tenant.admin.call("POST", TOKEN, &[], None).await.expect(200).json();
        let token = text(&tokens, "refresh_token");
        let asked: Vec<_> = (0..16)
            .map(|_| {
                let (nobody, body) = (world.nobody(), json!({ "refresh_token": token }));
                tokio::spawn(async move { nobody.post("/v1/auth/token/refresh", &body).await })
            })
            .collect();
        let mut given = Vec::new();
        for answer in asked {
            let answer = answer.await.unwrap();
            if answer.status == 200 {
                given.push(answer.json());
            }
        }
        assert_eq!(given.len(), 1, "{engine:?}");
        assert_eq!(code(&bearer(&world, &given[0])).await, ended());
        world.stop().await;
    }
}

/// What ends a session ends its tokens and their streams, on the other node too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sign_out_is_immediate_for_tokens_and_their_streams() {
    for engine in Engines::available() {
        let world = world(engine).await;
        let node = match engine {
            Engines::Postgres => Some(world.another(Setup { workers: false, ..Setup::new(engine) }).await),
            Engines::Sqlite => None,
        };
        let elsewhere = node.as_ref().unwrap_or(&world);
        let tenant = world.tenant("Ours").await;
        let (browser, tokens) = owners(&world, &tenant, "test").await;
        let (near, far) = (bearer(&world, &tokens), bearer(elsewhere, &tokens));
        assert_eq!((code(&near).await.0, code(&far).await.0), (200, 200));
        let mut stream =
            far.listen("/v1/events/stream", None).await.unwrap_or_else(|a| unreachable!("{a:?}"));
        stream.frame().await.unwrap();
        browser.open("/account/sessions").await.expect(200);
        let begin = std::time::Instant::now();
        browser.submit("/sign-out", &[]).await.expect(200);
        assert_eq!((code(&near).await, code(&far).await), (ended(), ended()));
        assert!(begin.elapsed() < Duration::from_secs(1), "{:?}", begin.elapsed());
        let closed = tokio::time::timeout(Duration::from_secs(5), async {
            while let Some(frame) = stream.frame().await {
                drop(frame);
            }
        });
        assert!(closed.await.is_ok(), "the stream is closed within five seconds");
        assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
        assert_eq!(refresh(elsewhere, &text(&tokens, "refresh_token")).await.status, 400);
        if let Some(node) = node {
            node.stop().await;
        }
        world.stop().await;
    }
}

/// A session that nobody uses ends; its tokens' uses keep it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_in_use_keeps_its_session() {
    for engine in Engines::available() {
        let world = world(engine).await;
        let tenant = world.tenant("Ours").await;
        let (_, mut tokens) = owners(&world, &tenant, "live").await;
        for _ in 0..8 {
            world.clock.advance(Duration::from_mins(14));
            assert_eq!(code(&bearer(&world, &tokens)).await.0, 200);
            tokens = refresh(&world, &text(&tokens, "refresh_token")).await.expect(200).json();
        }
        world.clock.advance(Duration::from_mins(61));
        assert_eq!(refresh(&world, &text(&tokens, "refresh_token")).await.status, 400);
        world.stop().await;
    }
}
