//! A customer who holds the secret of an app of its own, and means ill.

use std::time::{Duration, Instant};

use futures_util::future::{join, join_all};
use gatepost_channels::sandbox::SandboxHandle;
use gatepost_core::WorkspaceId;
use gatepost_testkit::{Engines, Live, Setup, World};
use serde_json::json;

use crate::support::{all_read, body, change, entry, events, inbound, live, silent, told};

/// Two workspaces of one installation, each with a channel on an app of its own.
async fn two(engine: Engines) -> (World, SandboxHandle, Live, Live) {
    let meta = silent().await;
    let world = World::start(Setup::new(engine).with_meta(&meta)).await;
    let (attacker, victim) = (world.tenant("Attacker").await, world.tenant("Victim").await);
    let attacker = world.live(&meta, attacker.workspace, 1).await;
    let victim = world.live(&meta, victim.workspace, 2).await;
    (world, meta, attacker, victim)
}

/// How long it takes until a text to the victim is in its event log.
async fn heard_after(world: &World, victim: &Live, wamid: &str) -> Duration {
    let started = Instant::now();
    victim.app.call(world, body(&[entry(victim, &inbound(wamid, "hello"))])).await.expect(200);
    loop {
        let found = victim.admin.get("/v1/events?limit=100&types=message.received").await.expect(200);
        if found.text.contains(wamid) {
            return started.elapsed();
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// A body of `count` changes, written as text: values of this size take longer to build than to read.
fn changes(of: &Live, count: usize, value: impl Fn(usize) -> String) -> Vec<u8> {
    let (waba, number) = (&of.waba_id, &of.phone_number_id);
    let metadata = format!(r#""metadata":{{"phone_number_id":"{number}"}}"#);
    let change = |n| {
        let value = value(n).replace("METADATA", &metadata);
        format!(r#"{{"id":"{waba}","changes":[{{"field":"messages","value":{{{value}}}}}]}}"#)
    };
    let entries: Vec<String> = (0..count).map(change).collect();
    format!(r#"{{"object":"whatsapp_business_account","entry":[{}]}}"#, entries.join(",")).into_bytes()
}

/// Everything that Meta would accept as a body, and that costs as much as its size allows.
fn bombs(attacker: &Live) -> Vec<(&'static str, Vec<u8>)> {
    let many = |one: &str, count: usize| vec![one; count].join(",");
    let (objects, zeros) = (many("{}", 9_000), many("0", 9_900));
    let statuses: Vec<String> = (0..9_900).map(|n| format!(r#"{{"id":"w{n}","status":"sent"}}"#)).collect();
    let deep = format!("{}1{}", "[".repeat(80), "]".repeat(80));
    let body = |count: usize, value: &dyn Fn(usize) -> String| changes(attacker, count, value);
    vec![
        ("numbers that nobody has", body(9_900, &|n| format!(r#""metadata":{{"phone_number_id":"9{n}"}}"#))),
        ("its own number, ten thousand times", body(9_900, &|n| format!(r#"METADATA,"n":{n}"#))),
        ("a million objects", body(100, &|_| format!(r#"METADATA,"statuses":[{objects}]"#))),
        ("a million zeros", body(70, &|_| format!(r#"METADATA,"messages":[{zeros}],"statuses":[{zeros}]"#))),
        ("ten thousand statuses", body(1, &|_| format!(r#"METADATA,"statuses":[{}]"#, statuses.join(",")))),
        ("deep ones", body(4_000, &|n| format!(r#"METADATA,"messages":[{n},{deep}]"#))),
    ]
}

/// Whatever one customer's app is told, another customer's news are taken and read meanwhile.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bomb_holds_up_nobody_else() {
    for engine in Engines::available() {
        let (world, _meta, attacker, victim) = two(engine).await;
        for (name, bomb) in bombs(&attacker) {
            assert!(bomb.len() < 3 * 1024 * 1024, "{name}: {}", bomb.len());
            let calls = (0..2).map(|_| attacker.app.call(&world, bomb.clone()));
            let watch = async {
                let mut worst = Duration::ZERO;
                for n in 0..8 {
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    worst = worst.max(heard_after(&world, &victim, &format!("wamid.{name}.{n}")).await);
                }
                worst
            };
            let (answers, worst) = join(join_all(calls), watch).await;
            for answer in answers {
                assert!(
                    answer.status == 200 || (400..500).contains(&answer.status),
                    "{name}: {}",
                    answer.text
                );
            }
            all_read(&world).await;
            // Debug builds on a busy machine; what is meant is seconds, not the minutes of a lane that is blocked.
            assert!(worst < Duration::from_secs(30), "{engine:?}: {name} held up the other for {worst:?}");
        }
        assert_eq!(told(&events(&victim.admin).await).len(), 6 * 8);
        world.stop().await;
    }
}

/// Signed news that no column, calendar or reader could hold are told all the same, each once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_signed_is_lost_whatever_it_holds() {
    for engine in Engines::available() {
        let (world, _meta, _, live) = live(engine).await;
        let text = |id: &str, kind: &str, at: &str| json!({"id": id, "from": "12025550177", "timestamp": at, "type": kind, "text": {"body": "a\u{0}b"}});
        let mut odd = vec![
            json!({"messages": [text("wamid.nul-kind", "te\u{0}xt", "1793525400")]}),
            json!({"messages": [text("wamid.long-kind", &"t".repeat(100_000), "1793525400")]}),
            json!({"messages": [text("wamid.last", "text", "9223372036854775807")]}),
            json!({"messages": [text("wamid.first", "text", "-9223372036854775808")]}),
            json!({"messages": [text("wamid.nul\u{0}", "text", "1793525400")]}),
            json!({"messages": [text(&"w".repeat(500), "text", "1793525400")]}),
            json!({"messages": [text("", "", "")]}),
            json!({
                "contacts": [{"wa_id": "1\u{0}2", "user_id": "\u{0}", "profile": {"name": "\u{0}\u{202e}"}}],
                "messages": [{"id": "wamid.nul-user", "from": "1\u{0}2", "from_user_id": "\u{0}", "type": "text"}],
            }),
        ];
        for (n, at) in ["9223372036854775807", "-1", "0", "\u{0}"].iter().enumerate() {
            let one = json!({
                "id": format!("wamid.s{n}"), "status": "failed", "timestamp": at, "recipient_id": "1\u{0}",
                "biz_opaque_callback_data": "msg_\u{0}", "recipient_participant_id": "\u{0}",
                "errors": [{"code": 9_223_372_036_854_775_807_i64, "title": "\u{0}"}],
            });
            odd.push(json!({"statuses": [one]}));
        }
        for news in &odd {
            live.app.call(&world, body(&[entry(&live, news)])).await.expect(200);
        }
        all_read(&world).await;
        let events = events(&live.admin).await;
        assert_eq!(events.len(), odd.len(), "{engine:?}: {events:?}");
        for event in &events {
            let at = event["data"]["message"]["occurred_at"].as_str().unwrap();
            assert!(gatepost_core::Timestamp::parse(at).is_some(), "{at} is no instant");
        }
        let list = live.admin.get("/v1/messages?limit=100").await.expect(200);
        assert!(list.text.len() < 20_000, "{} bytes of {} messages", list.text.len(), odd.len());
        world.stop().await;
    }
}

/// What belongs to nobody is content as well: it goes when its time is over.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orphans_do_not_stay_for_ever() {
    for engine in Engines::available() {
        let (world, _meta, attacker, _) = two(engine).await;
        let orphan = body(&[change("1069999", "1059999", &inbound("wamid.nobody", "for nobody"))]);
        for _ in 0..3 {
            attacker.app.call(&world, orphan.clone()).await.expect(200);
        }
        let platform = WorkspaceId::from_uuid(uuid::Uuid::nil());
        world.app.retain().await.unwrap();
        assert_eq!(world.rows_of(platform).await["envelope"].len(), 3, "{engine:?}: kept for those who look");
        world.clock.advance(Duration::from_hours(73));
        world.app.retain().await.unwrap();
        assert_eq!(world.rows_of(platform).await["envelope"].len(), 0, "{engine:?}");
        world.stop().await;
    }
}
