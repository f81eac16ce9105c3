//! Meta's callbacks: proven, split, read once, and never able to harm.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::time::Duration;

use futures_util::future::join_all;
use gatepost_channels::sandbox::{SandboxConfig, SandboxHandle, SandboxTimings};
use gatepost_core::WorkspaceId;
use gatepost_testkit::{Client, Engines, Live, MetaSide, Setup, Tenant, World, eventually, hex, sandbox};
use gatepost_vault::AppSecret;
use serde_json::{Value, json};

/// A Meta that takes messages and tells nothing: the news come from the tests.
async fn silent() -> SandboxHandle {
    let never = Duration::from_hours(1);
    let timings = SandboxTimings { sent: never, delivered: never, read: never, ..SandboxTimings::default() };
    sandbox(SandboxConfig { timings, ..SandboxConfig::default() }).await
}

async fn live(engine: Engines) -> (World, SandboxHandle, Tenant, Live) {
    let meta = silent().await;
    let world = World::start(Setup::new(engine).with_meta(&meta)).await;
    let tenant = world.tenant("Example Ltd").await;
    let live = world.live(&meta, tenant.workspace, 1).await;
    (world, meta, tenant, live)
}

/// A change of one number.
fn change(waba: &str, number: &str, news: &Value) -> Value {
    let mut value = json!({
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "12025550100", "phone_number_id": number},
    });
    for (name, part) in news.as_object().unwrap() {
        value[name] = part.clone();
    }
    json!({"id": waba, "changes": [{"field": "messages", "value": value}]})
}

fn body(entries: &[Value]) -> Vec<u8> {
    json!({"object": "whatsapp_business_account", "entry": entries}).to_string().into_bytes()
}

fn inbound(wamid: &str, text: &str) -> Value {
    json!({
        "contacts": [{"profile": {"name": "Zoë"}, "wa_id": "12025550177"}],
        "messages": [{"from": "12025550177", "id": wamid, "timestamp": "1793525400", "type": "text", "text": {"body": text}}],
    })
}

fn status(wamid: &str, message: &str, state: &str, second: u32) -> Value {
    let errors = if state == "failed" {
        json!([{"code": 131_026, "title": "Message undeliverable"}])
    } else {
        json!([])
    };
    json!({"statuses": [{
        "id": wamid, "status": state, "timestamp": format!("{}", 1_793_525_400 + second), "recipient_id": "12025550101",
        "biz_opaque_callback_data": message, "errors": errors,
    }]})
}

async fn events(admin: &Client) -> Vec<Value> {
    admin.get("/v1/events?limit=100").await.expect(200).json()["data"].as_array().unwrap().clone()
}

async fn all_read(world: &World) {
    eventually("every callback to be read", async || {
        let rows = world.rows().await;
        let platform = "00000000000000000000000000000000";
        let waits = rows["envelope"].iter().any(|row| !row.replace('-', "").contains(platform));
        (!waits && rows["job"].is_empty()).then_some(())
    })
    .await;
}

/// A message that Meta has, with its wamid.
async fn sent(live: &Live, meta: &SandboxHandle) -> (String, String) {
    let send = json!({"channel_id": live.channel, "to": "+12025550101", "purpose": "support", "text": "hi"});
    let id =
        live.admin.post("/v1/messages", &send).await.expect(202).json()["id"].as_str().unwrap().to_owned();
    let record = eventually("the message at Meta", async || {
        meta.sends().into_iter().find(|s| s.opaque.as_deref() == Some(id.as_str()))
    })
    .await;
    (id, record.wamid)
}

/// W6b.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_handshake_needs_the_right_token() {
    for engine in Engines::available() {
        let (world, meta, _, live) = live(engine).await;
        meta.verify_callback(&live.app.app_id).await.unwrap();
        let ask = async |app: &str, token: &str| {
            let query = format!("hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token={token}");
            world.nobody().get(&format!("/hooks/meta/{app}?{query}")).await
        };
        let good = ask(&live.app.id, &live.app.verify_token).await.expect(200);
        assert_eq!(good.text, "1158201444");
        assert!(good.headers["content-type"].to_str().unwrap().starts_with("text/plain"));
        let short = &live.app.verify_token[..live.app.verify_token.len() - 1];
        for wrong in ["", "nonsense", short, &format!("{}x", live.app.verify_token)] {
            let answer = ask(&live.app.id, wrong).await;
            assert!(answer.status == 403 && !answer.text.contains("1158201444"), "{wrong}: {}", answer.text);
        }
        assert_eq!(ask("app_01kagq5rh8e5htqh9sk95d3x4w", &live.app.verify_token).await.status, 404);
        world.stop().await;
    }
}

/// W6: what Meta did not sign is refused, and changes nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_right_signature_over_the_raw_bytes_opens() {
    for engine in Engines::available() {
        let (world, _meta, tenant, live) = live(engine).await;
        let before = world.rows_of(tenant.workspace).await;
        let raw = body(&[change(&live.waba_id, &live.phone_number_id, &inbound("wamid.one", "hello"))]);
        let good = live.app.sign(&raw);
        let foreign = AppSecret::new("another secret").unwrap().sign(&raw);
        let mut wrong: Vec<String> = vec![
            String::new(),
            "sha256=".to_owned(),
            foreign,
            good.replace("sha256=", "sha1="),
            good.replace("sha256=", ""),
            format!("{good}00"),
            format!("{good}, {good}"),
        ];
        wrong.extend((1..good.len()).step_by(9).map(|end| good[..end].to_owned()));
        for signature in &wrong {
            let headers = [("x-hub-signature-256", signature.as_str())];
            let answer = live.app.call_signed(&world, raw.clone(), &headers).await;
            assert_eq!((answer.status, answer.code().as_str()), (401, "signature_invalid"), "{signature}");
        }
        assert_eq!(live.app.call_signed(&world, raw.clone(), &[]).await.status, 401);
        let twice = [("x-hub-signature-256", good.as_str()), ("x-hub-signature-256", good.as_str())];
        assert_eq!(live.app.call_signed(&world, raw.clone(), &twice).await.status, 401);
        // The same JSON in other bytes, and single bits.
        let spaced = serde_json::to_vec_pretty(&serde_json::from_slice::<Value>(&raw).unwrap()).unwrap();
        let headers = [("x-hub-signature-256", good.as_str())];
        assert_eq!(live.app.call_signed(&world, spaced, &headers).await.status, 401);
        for at in (0..raw.len()).step_by(7) {
            let mut flipped = raw.clone();
            flipped[at] ^= 1 << (at % 8);
            assert_eq!(live.app.call_signed(&world, flipped, &headers).await.status, 401, "byte {at}");
        }
        let after = world.rows_of(tenant.workspace).await;
        for table in ["envelope", "job", "event", "message", "callback_item"] {
            assert_eq!(before[table], after[table], "{table}");
        }
        live.app.call(&world, raw).await.expect(200);
        all_read(&world).await;
        assert_eq!(events(&live.admin).await.len(), 1);
        world.stop().await;
    }
}

/// W7: the same item ten times, in whatever batches, on two nodes: one event.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_news_make_one_event() {
    for engine in Engines::available() {
        let (world, meta, _, live) = live(engine).await;
        let other = match engine {
            Engines::Postgres => Some(world.another(Setup::new(engine).with_meta(&meta)).await),
            Engines::Sqlite => None,
        };
        let (id, wamid) = sent(&live, &meta).await;
        let entry = |news: &Value| change(&live.waba_id, &live.phone_number_id, news);
        let same = [entry(&inbound("wamid.same", "hello")), entry(&status(&wamid, &id, "sent", 1))];
        let batches: Vec<Vec<u8>> = (0..10)
            .map(|n| {
                let own = entry(&inbound(&format!("wamid.{n}"), "other"));
                match n % 4 {
                    0 => body(&[same[0].clone(), same[1].clone(), same[0].clone()]),
                    1 => body(&[own, same[1].clone(), same[0].clone()]),
                    2 => body(&[same[1].clone(), own, same[0].clone()]),
                    _ => body(&[same[0].clone(), same[1].clone()]),
                }
            })
            .collect();
        let nodes: Vec<&World> = std::iter::once(&world).chain(other.as_ref()).collect();
        let calls =
            batches.iter().enumerate().map(|(n, batch)| live.app.call(nodes[n % nodes.len()], batch.clone()));
        for answer in join_all(calls).await {
            answer.expect(200);
        }
        all_read(&world).await;
        let events = events(&live.admin).await;
        let about =
            |wamid: &str| events.iter().filter(|e| e["data"]["message"]["provider_id"] == wamid).count();
        assert_eq!((about("wamid.same"), about(&wamid)), (1, 1), "{engine:?}");
        assert_eq!(events.len(), 2 + 5, "and the five others once each");
        let messages = live.admin.get("/v1/messages").await.expect(200).json();
        assert_eq!(messages["data"].as_array().unwrap().len(), 1 + 6);
        if let Some(other) = other {
            other.stop().await;
        }
        world.stop().await;
    }
}

/// Whatever order the news come in, a message only moves forward.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn states_only_move_forward() {
    for engine in Engines::available() {
        let (world, meta, _, live) = live(engine).await;
        let orders: [(&[&str], &str); 8] = [
            (&["sent", "delivered", "read"], "read"),
            (&["read", "delivered", "sent"], "read"),
            (&["delivered", "sent"], "delivered"),
            (&["delivered", "read", "sent", "failed"], "read"),
            (&["failed", "sent"], "failed"),
            (&["sent", "failed"], "failed"),
            (&["delivered", "failed"], "delivered"),
            (&["sent", "sent", "sent"], "sent"),
        ];
        for (order, end) in orders {
            let (id, wamid) = sent(&live, &meta).await;
            let mut seen = Vec::new();
            for (second, state) in (0_u32..).zip(order) {
                let news = status(&wamid, &id, state, second);
                live.app
                    .call(&world, body(&[change(&live.waba_id, &live.phone_number_id, &news)]))
                    .await
                    .expect(200);
                all_read(&world).await;
                let message = live.admin.get(&format!("/v1/messages/{id}")).await.expect(200).json();
                seen.push(message["state"].as_str().unwrap().to_owned());
            }
            assert_eq!(seen.last().unwrap(), end, "{order:?}: {seen:?}");
            let message = live.admin.get(&format!("/v1/messages/{id}")).await.expect(200).json();
            assert_eq!(message["failed_at"].is_string(), end == "failed", "{order:?}: {message}");
            assert_eq!(message["error"].is_object(), end == "failed", "{order:?}: {message}");
            assert_eq!(message["delivered_at"].is_string(), order.contains(&"delivered"), "{order:?}");
        }
        world.stop().await;
    }
}

/// One Meta app with channels of two workspaces: a batch for both is split, and neither sees what is the other's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mixed_batch_is_split() {
    for engine in Engines::available() {
        let meta = silent().await;
        let world = World::start(Setup::new(engine).with_meta(&meta)).await;
        let app = world.shared_meta_app(&meta, 9).await;
        let (one, two) = (world.tenant("One").await, world.tenant("Two").await);
        let ours = world.live_channel(&meta, one.workspace, &app, 1).await;
        let theirs = world.live_channel(&meta, two.workspace, &app, 2).await;
        let batch = body(&[
            change(&ours.waba_id, &ours.phone_number_id, &inbound("wamid.a", "for one, canary-one")),
            change(&theirs.waba_id, &theirs.phone_number_id, &inbound("wamid.b", "for two, canary-two")),
            change("1069999", "1059999", &inbound("wamid.c", "for nobody")),
            change(&ours.waba_id, &ours.phone_number_id, &inbound("wamid.d", "for one again")),
            json!({"id": theirs.waba_id, "changes": [{"field": "account_update", "value": {"event": "canary-account"}}]}),
        ]);
        app.call(&world, batch.clone()).await.expect(200);
        app.call(&world, batch).await.expect(200);
        all_read(&world).await;
        for (side, own, foreign, count) in [
            (&ours, ["canary-one", "for one again"], ["canary-two", "canary-account"], 2),
            (&theirs, ["canary-two", "canary-account"], ["canary-one", "for one again"], 2),
        ] {
            let events = events(&side.admin).await;
            let text = serde_json::to_string(&events).unwrap();
            assert_eq!(events.len(), count, "{text}");
            assert!(
                own.iter().all(|w| text.contains(w)) && !foreign.iter().any(|w| text.contains(w)),
                "{text}"
            );
            assert!(!text.contains("for nobody"), "{text}");
        }
        let kept = world.rows_of(WorkspaceId::from_uuid(uuid::Uuid::nil())).await;
        assert_eq!(kept["envelope"].len(), 2, "what belongs to no channel is kept under the platform");
        assert!(
            !format!("{:?}", world.rows().await).to_uppercase().contains(&hex(b"for nobody")),
            "and sealed"
        );
        world.stop().await;
    }
}

/// A workspace's own app, or its owner, cannot speak for a number of somebody else's.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_speaks_for_its_own_numbers_only() {
    for engine in Engines::available() {
        let (world, meta, _, attacker) = live(engine).await;
        let victim = world.tenant("Victim Ltd").await;
        let theirs = world.live(&meta, victim.workspace, 2).await;
        let (id, wamid) = sent(&theirs, &meta).await;
        all_read(&world).await;
        let before = world.rows_of(victim.workspace).await;
        for news in [inbound("wamid.forged", "pay here"), status(&wamid, &id, "read", 1)] {
            // Under the victim's account, and under the attacker's own.
            for waba in [&theirs.waba_id, &attacker.waba_id] {
                let forged = body(&[change(waba, &theirs.phone_number_id, &news)]);
                attacker.app.call(&world, forged).await.expect(200);
            }
            // Its own number, but the victim's message.
            let forged = body(&[change(&attacker.waba_id, &attacker.phone_number_id, &news)]);
            attacker.app.call(&world, forged).await.expect(200);
        }
        let account = json!({"id": theirs.waba_id, "changes": [{"field": "account_update", "value": {"event": "BAN"}}]});
        attacker.app.call(&world, body(&[account])).await.expect(200);
        all_read(&world).await;
        let after = world.rows_of(victim.workspace).await;
        for (table, rows) in &before {
            if table != "api_key" {
                assert_eq!(rows, &after[table], "{table} on {engine:?}");
            }
        }
        let kept = world.rows_of(WorkspaceId::from_uuid(uuid::Uuid::nil())).await;
        assert_eq!(kept["envelope"].len(), 5, "kept as orphans");
        world.stop().await;
    }
}

fn odd_bodies(live: &Live) -> Vec<Vec<u8>> {
    let (waba, number) = (live.waba_id.as_str(), live.phone_number_id.as_str());
    let mut odd: Vec<Vec<u8>> = [
        "",
        " ",
        "x",
        "null",
        "true",
        "1e999",
        "\"text\"",
        "[]",
        "[[[]]]",
        "{}",
        "{\"entry\":1}",
        "{\"entry\":[]}",
        "{\"entry\":[null,1,\"x\",[],{}]}",
        "{\"object\":7,\"entry\":[{\"id\":{},\"changes\":{}}]}",
        "{\"entry\":[{\"changes\":[null,1,[],{}]}]}",
        "\u{feff}{}",
        "{\"a\":1,}",
    ]
    .iter()
    .map(|text| text.as_bytes().to_vec())
    .collect();
    odd.push(b"\xff\xfe{}".to_vec());
    odd.push("[".repeat(10_000).into_bytes());
    odd.push(format!("{}{}", "[".repeat(10_000), "]".repeat(10_000)).into_bytes());
    odd.push(format!("{}1{}", "{\"a\":".repeat(10_000), "}".repeat(10_000)).into_bytes());
    let nested = |depth: usize| {
        let deep = format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        format!(
            "{{\"entry\":[{{\"id\":\"{waba}\",\"changes\":[{{\"field\":\"messages\",\"value\":{{\"metadata\":{{\"phone_number_id\":\"{number}\"}},\"deep\":{deep}}}}}]}}]}}"
        )
    };
    for value in [
        json!({"statuses": {}}),
        json!({"statuses": [null, 1, "x", {}]}),
        json!({"messages": [null, {}, {"id": 1}]}),
        json!({"messages": [{"id": "wamid.x", "from": {}, "timestamp": "tomorrow", "type": 7}]}),
        json!({"messages": [{"id": "wamid.nul", "from": "12025550177", "timestamp": "99999999999999999999", "type": "text", "text": {"body": "a\u{0}b"}}]}),
        json!({"messages": [{"id": "w".repeat(5000), "from": "1".repeat(500), "timestamp": "-5", "type": "t".repeat(5000), "text": {"body": ""}}]}),
        json!({"statuses": [{"id": "wamid.u", "status": "teleported", "timestamp": "1793525400", "recipient_id": "x"}]}),
        json!({"statuses": [{"id": "", "status": "read", "timestamp": "0", "biz_opaque_callback_data": "msg_nonsense"}]}),
        json!({"statuses": [{"id": "wamid.v", "status": "failed", "timestamp": "1", "errors": [{"code": "many"}, 1, null]}]}),
        json!({"brand_new": {"unknown": [1, 2, 3]}}),
        json!({"contacts": 1, "messages": 2, "statuses": 3}),
    ] {
        odd.push(body(&[change(waba, number, &value)]));
    }
    for text in [
        nested(80),
        nested(10_000),
        format!(
            "{{\"entry\":[{{\"id\":\"{waba}\",\"changes\":[{{\"field\":\"messages\",\"value\":{{\"metadata\":{{\"phone_number_id\":\"{number}\"}},\"messages\":[{{\"id\":\"wamid.s\",\"from\":\"1202555017\\ud800\",\"type\":\"text\",\"text\":{{\"body\":\"\\udead\"}}}}]}}}}]}}]}}"
        ),
        format!(
            "{{\"entry\":[{{\"id\":{waba},\"changes\":[{{\"field\":\"messages\",\"field\":\"x\",\"value\":{{\"metadata\":{{\"phone_number_id\":{number}}}}}}}]}}]}}"
        ),
        format!(
            "{{\"entry\":[{{\"id\":\"{waba}\",\"changes\":[{{\"field\":\"{}\",\"value\":null}}]}}]}}",
            "f".repeat(10_000)
        ),
    ] {
        odd.push(text.into_bytes());
    }
    odd
}

/// Whatever is signed is taken or refused, never a failure of ours; what follows is read all the same.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn odd_bodies_do_no_harm() {
    for engine in Engines::available() {
        let (world, _meta, _, live) = live(engine).await;
        let app: &MetaSide = &live.app;
        let mut taken = 0;
        for odd in odd_bodies(&live) {
            let shown = String::from_utf8_lossy(&odd[..odd.len().min(200)]).into_owned();
            let answer = app.call(&world, odd).await;
            assert!(answer.status == 200 || (400..500).contains(&answer.status), "{shown}: {}", answer.text);
            assert!(answer.status == 200 || !answer.code().is_empty(), "{shown}: {}", answer.text);
            taken += usize::from(answer.status == 200);
        }
        assert!(taken > 20, "{taken} were taken");
        all_read(&world).await;
        let before = events(&live.admin).await;
        let notices = before.iter().filter(|e| e["type"] == "channel.notification").count();
        assert!(notices >= 8, "{notices} notices on {engine:?}: {before:?}");
        app.call(
            &world,
            body(&[change(&live.waba_id, &live.phone_number_id, &inbound("wamid.good", "still here"))]),
        )
        .await
        .expect(200);
        all_read(&world).await;
        let after = live.admin.get("/v1/events?types=message.received&limit=100").await.expect(200);
        assert!(after.text.contains("still here"), "{}", after.text);
        world.stop().await;
    }
}
