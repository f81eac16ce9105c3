//! Channels and the truth about them: numbers registered and lost, tokens that end, what callbacks tell, Meta apps that
//! change; over the real router, against a simulated Meta.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use gatepost_channels::sandbox::{Fault, Reach, SandboxConfig, SandboxHandle};
use gatepost_core::Secret;
use gatepost_testkit::{Client, Engines, Live, Setup, World, eventually, sandbox};
use serde_json::{Value, json};

async fn live(engine: Engines, change: impl FnOnce(&mut Setup)) -> (World, SandboxHandle, Live) {
    let meta = sandbox(SandboxConfig { seed: 3, ..SandboxConfig::default() }).await;
    let mut setup = Setup::new(engine).with_meta(&meta);
    change(&mut setup);
    let world = World::start(setup).await;
    let tenant = world.tenant("Example Ltd").await;
    let live = world.live(&meta, tenant.workspace, 1).await;
    (world, meta, live)
}

/// The path of something of the live channel.
fn at(live: &Live, rest: &str) -> String {
    format!("/v1/channels/{}{rest}", live.channel)
}

async fn channel(live: &Live) -> Value {
    live.admin.get(&at(live, "")).await.expect(200).json()
}

async fn until(live: &Live, state: &str) -> Value {
    eventually(state, async || {
        let now = channel(live).await;
        (now["state"] == state).then_some(now)
    })
    .await
}

/// The states that `channel.updated` told of, in their order.
async fn told(admin: &Client) -> Vec<(String, Vec<String>)> {
    let events = admin.get("/v1/events?limit=100").await.expect(200).json();
    let events = events["data"].as_array().unwrap().clone();
    events
        .iter()
        .filter(|event| event["type"] == "channel.updated")
        .map(|event| {
            let news = &event["data"]["channel"];
            let changed = news["changed"].as_array().unwrap();
            let changed = changed.iter().map(|c| c.as_str().unwrap().to_owned()).collect();
            (news["state"].as_str().unwrap().to_owned(), changed)
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_number_is_registered_with_its_pin_and_a_wrong_one_is_asked_once() {
    for engine in Engines::available() {
        let (world, meta, live) = live(engine, |_| {}).await;
        let admin = &live.admin;
        let pin = |pin: &str| json!({ "pin": pin });
        admin.post(&at(&live, "/register"), &pin("012345")).await.expect(200);
        let off = admin.raw("POST", &at(&live, "/deregister"), &[], None).await.expect(200).json();
        assert_eq!(
            (off["state"].as_str(), off["next_action"].as_str()),
            (Some("unregistered"), Some("register the number with its PIN"))
        );
        assert!(off["detail"].as_str().unwrap().contains("not registered"), "{off}");
        let send =
            json!({ "channel_id": live.channel, "to": "+12025550101", "purpose": "support", "text": "hi" });
        assert_eq!(admin.post("/v1/messages", &send).await.expect(409).code(), "channel_not_ready");

        let wrong = admin.post(&at(&live, "/register"), &pin("999999")).await.expect(422).json();
        assert_eq!((&wrong["code"], &wrong["provider_code"]), (&json!("meta_refused"), &json!(133_005)));
        assert_eq!(wrong["class"], "needs_action");
        assert!(wrong["action"].as_str().unwrap().ends_with('.') && !wrong.to_string().contains("999999"));
        assert_eq!(channel(&live).await["state"], "unregistered");
        for bad in [json!({ "pin": "12345" }), json!({ "pin": 123_456 }), json!({})] {
            let wrong = admin.post(&at(&live, "/register"), &bad).await.expect(422).json();
            assert_eq!(wrong["errors"][0]["pointer"], "/pin", "{wrong}");
        }
        let on = admin.post(&at(&live, "/register"), &pin("012345")).await.expect(200).json();
        assert_eq!(
            (&on["state"], &on["detail"], &on["next_action"]),
            (&json!("active"), &Value::Null, &Value::Null)
        );
        admin.post("/v1/messages", &send).await.expect(202);
        let states: Vec<String> = told(admin).await.into_iter().map(|(state, _)| state).collect();
        assert_eq!(states, ["unregistered", "active"], "{engine:?}");

        // Meta takes ten of these in 72 hours: there were four, so each was asked once.
        for _ in 0..3 {
            admin.raw("POST", &at(&live, "/deregister"), &[], None).await.expect(200);
            admin.post(&at(&live, "/register"), &pin("012345")).await.expect(200);
        }
        let over = admin.raw("POST", &at(&live, "/deregister"), &[], None).await.expect(422).json();
        assert_eq!((&over["provider_code"], &over["class"]), (&json!(133_016), &json!("retrying")), "{over}");
        assert!(over["action"].as_str().unwrap().contains("repeats no management call"), "{over}");

        let audit = audited(&world).await;
        assert_eq!(
            audit
                .iter()
                .filter(|(action, _)| action == "channel.registered")
                .map(|(_, d)| d["outcome"].clone())
                .collect::<Vec<_>>(),
            [
                json!("done"),
                json!("refused: 133005"),
                json!("done"),
                json!("done"),
                json!("done"),
                json!("done")
            ]
        );
        assert!(
            !audit.iter().any(|(_, details)| details.to_string().contains("012345")),
            "no PIN in the audit log"
        );
        world.stop().await;
        meta.shutdown().await;
    }
}

/// Every audit entry of every workspace: action and details.
async fn audited(world: &World) -> Vec<(String, Value)> {
    let rows = world.app.store().read_system(async |tx| tx.workspace_list().await).await.unwrap();
    let mut found = Vec::new();
    for workspace in rows {
        let grant = world.operator::<gatepost_core::access::operator_permission::WorkspaceEnter>();
        let principal = grant.enter(workspace.id, gatepost_core::access::PermissionSet::all());
        let grant = principal.grant::<gatepost_core::access::permission::ChannelRead>().unwrap();
        let entries =
            world.app.store().read((&grant).into(), async |tx| tx.audit_after(0, 1_000).await).await.unwrap();
        found.extend(
            entries
                .into_iter()
                .map(|e| (e.record.action, serde_json::from_str(&e.record.details.to_json()).unwrap())),
        );
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_that_ended_is_found_by_the_daily_look_and_by_hand() {
    for engine in Engines::available() {
        let (world, meta, live) = live(engine, |_| {}).await;
        let made = channel(&live).await;
        assert_eq!((&made["quality_rating"], &made["messaging_limit"]), (&json!("GREEN"), &json!("TIER_2K")));
        assert!(made["checked_at"].is_string(), "{made}");
        let look = live.admin.raw("POST", &at(&live, "/check"), &[], None).await.expect(200).json();
        assert_eq!((&look["channel"]["state"], &look["findings"]), (&json!("active"), &json!([])));

        assert!(meta.set_token(&live.phone_number_id, Secret::new("EAAanother-token".to_owned())));
        world.clock.advance(Duration::from_hours(27));
        let found = until(&live, "token_invalid").await;
        assert_eq!(found["next_action"], "give the channel a new access token");
        let look = live.admin.raw("POST", &at(&live, "/check"), &[], None).await.expect(200).json();
        assert_eq!(look["findings"][0]["blocks"], true, "{look}");
        let states: Vec<String> = told(&live.admin).await.into_iter().map(|(state, _)| state).collect();
        assert_eq!(states, ["token_invalid"], "told once on {engine:?}");

        // Enabling does not make a bad token good; a new one does, and a bad one is not taken.
        let still = live.admin.patch(&at(&live, ""), &json!({ "enabled": true })).await.expect(200).json();
        assert_eq!(still["state"], "token_invalid");
        let bad = json!({ "access_token": "EAAno-such-token" });
        assert_eq!(live.admin.patch(&at(&live, ""), &bad).await.expect(422).code(), "meta_refused");
        let good = json!({ "access_token": "EAAanother-token" });
        let now = live.admin.patch(&at(&live, ""), &good).await.expect(200).json();
        assert_eq!((&now["state"], &now["detail"]), (&json!("active"), &Value::Null));
        world.stop().await;
        meta.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callbacks_tell_of_accounts_and_numbers() {
    for engine in Engines::available() {
        let (world, meta, live) = live(engine, |_| {}).await;
        let emit = |field: &str, value: Value| assert!(meta.emit(&live.phone_number_id, field, Some(value)));
        let number = channel(&live).await["display_phone_number"].clone();
        emit(
            "phone_number_quality_update",
            json!({ "display_phone_number": number, "event": "THROUGHPUT_UPGRADE" }),
        );
        eventually("the throughput", async || (channel(&live).await["throughput"] == 1000).then_some(()))
            .await;
        emit("business_capability_update", json!({ "max_daily_conversation_per_phone": 10_000 }));
        eventually("the limit", async || {
            (channel(&live).await["messaging_limit"] == "TIER_10K").then_some(())
        })
        .await;

        let ban =
            |state: &str| json!({ "event": "DISABLED_UPDATE", "ban_info": { "waba_ban_state": state } });
        emit("account_update", ban("DISABLE"));
        let restricted = until(&live, "restricted").await;
        assert_eq!(restricted["detail"], "Meta disabled the account");
        // A look sees nothing of that, and must not undo it.
        live.admin.raw("POST", &at(&live, "/check"), &[], None).await.expect(200);
        assert_eq!(channel(&live).await["state"], "restricted");
        emit("account_update", ban("REINSTATE"));
        until(&live, "active").await;

        // Told that the account left, Meta is asked, and it has not: the last word is the look's.
        emit(
            "account_update",
            json!({ "event": "PARTNER_REMOVED", "waba_info": { "waba_id": live.waba_id } }),
        );
        eventually("lost and found", async || {
            let states: Vec<String> = told(&live.admin).await.into_iter().map(|(state, _)| state).collect();
            states.ends_with(&["access_lost".to_owned(), "active".to_owned()]).then_some(())
        })
        .await;
        let news = told(&live.admin).await;
        let changed: Vec<&str> = news.iter().flat_map(|(_, changed)| changed).map(String::as_str).collect();
        assert_eq!(&changed[..2], ["throughput", "messaging_limit"], "{engine:?}");

        // Another app, rightly signed, says nothing about this app's channels.
        let stranger = world.shared_meta_app(&meta, 9).await;
        let body = json!({ "object": "whatsapp_business_account", "entry": [{ "id": live.waba_id, "time": 1,
            "changes": [{ "field": "account_update", "value": ban("DISABLE") }] }] });
        stranger.call(&world, body.to_string()).await.expect(200);
        // The same callback ten times is one effect.
        let own = json!({ "object": "whatsapp_business_account", "entry": [{ "id": live.waba_id, "time": 2,
            "changes": [{ "field": "account_update", "value": ban("DISABLE") }] }] });
        for _ in 0..10 {
            live.app.call(&world, own.to_string()).await.expect(200);
        }
        until(&live, "restricted").await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        let after = told(&live.admin).await;
        assert_eq!(after.len(), news.len() + 1, "{after:?}");
        world.stop().await;
        meta.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn profiles_settings_and_subscriptions() {
    let (world, meta, live) = live(Engines::Sqlite, |_| {}).await;
    let admin = &live.admin;
    let change = json!({ "about": "Open Monday to Friday", "websites": ["https://example.com"] });
    admin.patch(&at(&live, "/profile"), &change).await.expect(204);
    let profile = admin.get(&at(&live, "/profile")).await.expect(200).json();
    assert_eq!((&profile["about"], &profile["websites"]), (&change["about"], &change["websites"]));
    meta.fail_next_of(Reach::Management, 1, Fault::ServerError);
    let wrong = json!({ "about": "x".repeat(140), "email": "nobody", "websites": ["a", "https://b.example", "https://c.example"] });
    let wrong = admin.patch(&at(&live, "/profile"), &wrong).await.expect(422).json();
    let pointers: Vec<&str> =
        wrong["errors"].as_array().unwrap().iter().map(|e| e["pointer"].as_str().unwrap()).collect();
    assert_eq!(pointers, ["/about", "/email", "/websites", "/websites/0"]);
    let next = admin.get(&at(&live, "/profile")).await;
    assert_ne!(next.status, 200, "the fault waited for it: Meta was not asked before");

    admin.patch(&at(&live, "/settings"), &json!({ "calling": { "status": "ENABLED" } })).await.expect(204);
    let settings = admin.get(&at(&live, "/settings")).await.expect(200).json();
    assert_eq!(settings["settings"]["calling"]["status"], "ENABLED", "{settings}");
    let two = json!({ "calling": { "status": "ENABLED" }, "user_identity_change": {} });
    assert_eq!(admin.patch(&at(&live, "/settings"), &two).await.expect(422).code(), "invalid_field");
    let put = async |body: Value| admin.call("PUT", &at(&live, "/subscription"), &[], Some(&body)).await;
    put(json!({ "level": "account" })).await.expect(204);
    let subscription = admin.get(&at(&live, "/subscription")).await.expect(200).json();
    assert_eq!(subscription["apps"][0]["id"], live.app.app_id.as_str(), "{subscription}");
    for uri in [
        "https://169.254.169.254/latest",
        "http://hooks.example.com/wa",
        "https://hooks.internal/wa",
        "https://user:pw@hooks.example.com/",
        "https://10.0.0.7/wa",
    ] {
        let at = json!({ "level": "number", "override_callback_uri": uri, "verify_token": "hush-hush" });
        let refused = put(at).await.expect(422).json();
        assert_eq!(refused["errors"][0]["pointer"], "/override_callback_uri", "{uri}: {refused}");
    }
    let half = json!({ "level": "number", "override_callback_uri": "https://hooks.example.com/wa" });
    assert_eq!(put(half).await.expect(422).json()["errors"][0]["pointer"], "/verify_token");
    admin.delete(&at(&live, "/subscription")).await.expect(204);
    let subscription = admin.get(&at(&live, "/subscription")).await.expect(200).json();
    assert_eq!(subscription["apps"], json!([]), "{subscription}");
    world.stop().await;
    meta.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metas_hourly_limit_is_kept() {
    let (world, meta, live) = live(Engines::Sqlite, |setup| setup.config.meta_management_calls = 6).await;
    let mut asked = 0;
    let refused = loop {
        let answer = live.admin.get(&at(&live, "/settings")).await;
        if answer.status != 200 {
            break answer;
        }
        asked += 1;
        assert!(asked < 6, "the limit holds");
    };
    assert_eq!((refused.status, refused.code().as_str()), (429, "meta_limit_reached"));
    let wait: u64 = refused.headers["retry-after"].to_str().unwrap().parse().unwrap();
    assert!((3_000..=3_660).contains(&wait), "{wait}");
    assert_eq!(live.admin.raw("POST", &at(&live, "/check"), &[], None).await.status, 429);
    // Sends are another matter.
    let send =
        json!({ "channel_id": live.channel, "to": "+12025550101", "purpose": "support", "text": "hi" });
    live.admin.post("/v1/messages", &send).await.expect(202);
    eventually("the message at Meta", async || (meta.sends().len() == 1).then_some(())).await;
    world.stop().await;
    meta.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn meta_apps_change_and_go() {
    for engine in Engines::available() {
        let named = "https://graph.example.net".to_owned();
        let (world, meta, live) =
            live(engine, |setup| setup.config.meta_base_urls = vec![named.clone()]).await;
        let admin = &live.admin;
        let app = format!("/v1/meta-apps/{}", live.app.id);
        for inward in [
            "http://127.0.0.1:5432",
            "https://graph.facebook.com.evil.example",
            "https://graph.facebook.com",
            "",
        ] {
            let wrong = admin.patch(&app, &json!({ "base_url": inward })).await.expect(422).json();
            assert_eq!(wrong["errors"][0]["pointer"], "/base_url", "{inward}");
        }
        let create = json!({ "name": "x", "app_id": "77", "app_secret": "0123456789abcdef", "base_url": "http://10.0.0.1" });
        assert_eq!(
            admin.post("/v1/meta-apps", &create).await.expect(422).json()["errors"][0]["pointer"],
            "/base_url"
        );
        let now = admin
            .patch(&app, &json!({ "base_url": format!("{named}/"), "graph_version": "v24.0" }))
            .await
            .expect(200)
            .json();
        assert_eq!((&now["base_url"], &now["graph_version"]), (&json!(named), &json!("v24.0")));
        let now = admin
            .patch(&app, &json!({ "base_url": "default", "graph_version": "default" }))
            .await
            .expect(200)
            .json();
        assert_eq!(
            (&now["base_url"], &now["graph_version"], &now["verify_token"]),
            (&Value::Null, &Value::Null, &Value::Null)
        );

        // A new secret binds at once; so does a new verify token.
        let hello = json!({ "object": "whatsapp_business_account", "entry": [] }).to_string();
        live.app.call(&world, hello.clone()).await.expect(200);
        let changed = json!({ "app_secret": "a-new-secret-of-the-app", "new_verify_token": true });
        let token =
            admin.patch(&app, &changed).await.expect(200).json()["verify_token"].as_str().unwrap().to_owned();
        assert_eq!(live.app.call(&world, hello.clone()).await.expect(401).code(), "signature_invalid");
        let mut renewed = live.app.clone();
        renewed.secret = "a-new-secret-of-the-app".to_owned();
        renewed.call(&world, hello.clone()).await.expect(200);
        let shake = |token: &str| {
            format!("/hooks/meta/{}?hub.mode=subscribe&hub.challenge=7&hub.verify_token={token}", live.app.id)
        };
        world.nobody().get(&shake(&live.app.verify_token)).await.expect(403);
        assert_eq!(world.nobody().get(&shake(&token)).await.expect(200).text, "7");

        assert_eq!(admin.delete(&app).await.expect(409).code(), "conflict");
        admin.delete(&at(&live, "")).await.expect(204);
        admin.delete(&app).await.expect(204);
        admin.get(&app).await.expect(404);
        renewed.call(&world, hello).await.expect(404);

        // The operator's apps: seen by all, changed by the operator alone.
        let shared = world.shared_meta_app(&meta, 5).await;
        let seen = admin.get(&format!("/v1/meta-apps/{}", shared.id)).await.expect(200).json();
        assert_eq!((&seen["shared"], seen.get("verify_token")), (&json!(true), None));
        admin.patch(&format!("/v1/meta-apps/{}", shared.id), &json!({ "name": "mine" })).await.expect(404);
        admin.delete(&format!("/v1/meta-apps/{}", shared.id)).await.expect(404);
        let listed = admin.get("/v1/meta-apps").await.expect(200).json();
        assert_eq!(listed["data"].as_array().unwrap().len(), 1, "{listed}");
        world.stop().await;
        meta.shutdown().await;
    }
}
