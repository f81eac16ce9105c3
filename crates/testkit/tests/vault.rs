//! The vault over real tables: what lies sealed opens in its place only, and master keys change without a pause.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use gatepost_channels::sandbox::{SandboxConfig, SandboxTimings};
use gatepost_core::access::operator_permission::VaultManage;
use gatepost_core::{ChannelId, EndpointId, EventId, MessageId, WorkspaceId};
use gatepost_testkit::{Client, Engines, Place, Receiver, Setup, Tenant, World, eventually, hex};
use gatepost_vault::{MasterKey, MasterKeyring, SystemEntropy};
use metrics::{Counter, Gauge, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};
use serde_json::{Value, json};

/// How often something sealed did not open.
static REFUSALS: AtomicU64 = AtomicU64::new(0);

struct Refusals;

impl Recorder for Refusals {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}

    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        struct Up;
        impl metrics::CounterFn for Up {
            fn increment(&self, value: u64) {
                REFUSALS.fetch_add(value, Ordering::SeqCst);
            }
            fn absolute(&self, _: u64) {}
        }
        if key.name() == "gatepost_vault_refusals_total" {
            Counter::from_arc(Arc::new(Up))
        } else {
            Counter::noop()
        }
    }

    fn register_gauge(&self, _: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::noop()
    }

    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

const NEVER: Duration = Duration::from_hours(1);

/// Messages stay "sending": their content is kept.
fn quiet(engine: Engines) -> Setup {
    let mut setup = Setup::new(engine);
    setup.sandbox.timings =
        SandboxTimings { sent: NEVER, delivered: NEVER, read: NEVER, ..SandboxTimings::default() };
    setup
}

async fn desk(world: &World, name: &str) -> (Tenant, String) {
    let tenant = world.tenant(name).await;
    let channel =
        tenant.admin.post("/v1/channels", &json!({"type": "test", "name": "desk"})).await.expect(201);
    (tenant, channel.json()["id"].as_str().unwrap().to_owned())
}

async fn send(admin: &Client, text: &str) -> String {
    let body = json!({"to": "+12025550101", "purpose": "support", "text": text});
    admin.post("/v1/messages", &body).await.expect(202).json()["id"].as_str().unwrap().to_owned()
}

fn of(workspace: WorkspaceId, column: &'static str, message: &str) -> Place {
    Place { workspace, table: "message", column, row: message.parse::<MessageId>().unwrap().uuid() }
}

/// E5: the master key moves twice while messages are sent and read, and not one request fails.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_master_key_moves_under_load() {
    for engine in Engines::available() {
        let mut world = World::start(Setup::new(engine)).await;
        let mut tenants = Vec::new();
        for n in 0..10 {
            tenants.push(desk(&world, &format!("Workspace {n}")).await.0);
        }
        let (stop, count) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let load: Vec<_> = (0..4_usize)
            .map(|worker| {
                let admins: Vec<Client> = tenants.iter().map(|t| t.admin.clone()).collect();
                let (stop, count) = (stop.clone(), count.clone());
                tokio::spawn(async move {
                    let mut turn = worker;
                    while !stop.load(Ordering::SeqCst) {
                        let admin = &admins[turn % admins.len()];
                        let id = send(admin, "under load").await;
                        admin.get(&format!("/v1/messages/{id}")).await.expect(200);
                        count.fetch_add(1, Ordering::SeqCst);
                        turn += 3;
                    }
                })
            })
            .collect();
        let old = world.master.clone();
        for _ in 0..2 {
            let before = count.load(Ordering::SeqCst);
            let new = MasterKey::generate(&SystemEntropy).unwrap();
            let hex = new.to_hex().expose().clone();
            let held = MasterKey::parse("the test's key", &world.master).unwrap();
            let status = world
                .app
                .vault_rotate(&world.operator::<VaultManage>(), MasterKeyring::new(new, vec![held]))
                .await
                .unwrap();
            assert!(status.complete(), "{status:?}");
            // A workspace made between is wrapped by the new key from the start.
            let (tenant, _) = desk(&world, "Newcomer").await;
            send(&tenant.admin, "hello").await;
            eventually("some load", async || (count.load(Ordering::SeqCst) > before + 20).then_some(()))
                .await;
            world.master = hex;
        }
        stop.store(true, Ordering::SeqCst);
        for worker in load {
            worker.await.unwrap();
        }
        // The old key is worth nothing any more, the new one opens everything in a new process.
        let refused = world.vault_check_with(&old).await.unwrap_err();
        assert!(!refused.to_string().contains(&old), "the key is not told");
        world.vault_check_with(&world.master).await.unwrap();
        world.app.shutdown().await;
        let next = world.another(Setup::new(engine)).await;
        for tenant in &tenants {
            let admin = next.nobody().with_key(Some(&tenant.admin_key));
            let page = admin.get("/v1/messages").await.expect(200).json();
            assert_eq!(page["data"][0]["contact"]["phone"], "+12025550101");
        }
        let stranger = MasterKey::generate(&SystemEntropy).unwrap().to_hex().expose().clone();
        assert!(next.vault_check_with(&stranger).await.is_err(), "a key that wraps nothing here is refused");
        next.stop().await;
    }
}

/// E2: what was moved or changed never opens, is counted, and spoils nothing but itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_moved_does_not_open() {
    // Another test of this process may have been first; it counts the same.
    let _ = metrics::set_global_recorder(Refusals);
    for engine in Engines::available() {
        let world = World::start(quiet(engine)).await;
        let ((one, channel), (two, _)) = (desk(&world, "One").await, desk(&world, "Two").await);
        let ours = [
            send(&one.admin, "first").await,
            send(&one.admin, "second").await,
            send(&one.admin, "third").await,
        ];
        let theirs = send(&two.admin, "of somebody else").await;
        let receiver = Receiver::start().await;
        let endpoint =
            one.admin.post("/v1/webhook-endpoints", &json!({"url": receiver.url})).await.expect(201).json();
        let endpoint_path = format!("/v1/webhook-endpoints/{}", endpoint["id"].as_str().unwrap());
        for id in &ours {
            eventually("the message at Meta", async || {
                let message = one.admin.get(&format!("/v1/messages/{id}")).await.expect(200).json();
                message["provider_id"].is_string().then_some(())
            })
            .await;
        }
        let at = |column, id: &str| of(one.workspace, column, id);
        let channel_row = channel.parse::<ChannelId>().unwrap().uuid();
        let endpoint_row = endpoint["id"].as_str().unwrap().parse::<EndpointId>().unwrap().uuid();
        let places = [
            at("content", &ours[0]),
            at("party", &ours[0]),
            at("provider_id", &ours[0]),
            at("content", &ours[1]),
            at("party", &ours[1]),
            of(two.workspace, "content", &theirs),
            of(two.workspace, "party", &theirs),
            Place { workspace: one.workspace, table: "channel", column: "display", row: channel_row },
            Place { workspace: one.workspace, table: "channel", column: "token", row: channel_row },
            Place { workspace: one.workspace, table: "endpoint", column: "url", row: endpoint_row },
            Place { workspace: one.workspace, table: "endpoint", column: "secret", row: endpoint_row },
        ];
        // What reads each place, where there is a request that does.
        let reads = async |place: &Place| match (place.table, place.column) {
            ("message", _) if place.workspace == two.workspace => {
                Some(two.admin.get(&format!("/v1/messages/{theirs}")).await)
            }
            ("message", _) => {
                let id = MessageId::from_uuid(place.row);
                Some(one.admin.get(&format!("/v1/messages/{id}")).await)
            }
            ("channel", "display") => Some(one.admin.get(&format!("/v1/channels/{channel}")).await),
            ("endpoint", "url") => Some(one.admin.get(&endpoint_path).await),
            _ => None,
        };
        for to in &places {
            let Some(good) = reads(to).await else { continue };
            let good = good.expect(200).text;
            let kept = world.sealed(*to).await;
            let mut wrong: Vec<Vec<u8>> = Vec::new();
            for from in places.iter().filter(|from| *from != to) {
                wrong.push(world.sealed(*from).await);
            }
            for at in [0, kept.len() / 2, kept.len() - 1] {
                let mut flipped = kept.clone();
                flipped[at] ^= 1;
                wrong.push(flipped);
            }
            wrong.extend([kept[..kept.len() - 1].to_vec(), Vec::new(), vec![0; 64]]);
            for bytes in wrong {
                let before = REFUSALS.load(Ordering::SeqCst);
                world.tamper(*to, bytes).await;
                let answer = reads(to).await.unwrap();
                assert_eq!(
                    (answer.status, answer.code().as_str()),
                    (500, "internal_error"),
                    "{to:?} on {engine:?}"
                );
                assert!(REFUSALS.load(Ordering::SeqCst) > before, "{to:?} was not counted");
                one.admin.get(&format!("/v1/messages/{}", ours[2])).await.expect(200);
            }
            world.tamper(*to, kept).await;
            assert_eq!(reads(to).await.unwrap().expect(200).text, good, "back in its place it opens");
        }
        world.stop().await;
    }
}

/// A payload or an envelope that does not open holds up no other.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_row_holds_up_no_other() {
    for engine in Engines::available() {
        let world = World::start(Setup::new(engine)).await;
        let (tenant, _) = desk(&world, "Example Ltd").await;
        let receiver = Receiver::start().await;
        receiver.answer_with(&[500, 500, 500]);
        let endpoint = tenant
            .admin
            .post("/v1/webhook-endpoints", &json!({"url": receiver.url}))
            .await
            .expect(201)
            .json();
        let path =
            format!("/v1/webhook-endpoints/{}/deliveries?state=failed", endpoint["id"].as_str().unwrap());
        send(&tenant.admin, "hello").await;
        let failed = eventually("three failures", async || {
            let found = tenant.admin.get(&path).await.expect(200).json()["data"].as_array().unwrap().clone();
            (found.len() == 3).then_some(found)
        })
        .await;
        let damaged = failed[1]["event_id"].as_str().unwrap();
        let row = damaged.parse::<EventId>().unwrap().uuid();
        let place = Place { workspace: tenant.workspace, table: "event", column: "payload", row };
        world.tamper(place, vec![7; 80]).await;
        world.clock.advance(Duration::from_secs(10));
        let received = eventually("the two others", async || {
            let received = receiver.received();
            (received.len() >= 5).then_some(received)
        })
        .await;
        assert!(received[3..].iter().all(|w| w.headers["webhook-id"] != damaged));
        assert_eq!(tenant.admin.get(&format!("/v1/events/{damaged}")).await.status, 500);
        for other in [&failed[0], &failed[2]] {
            tenant
                .admin
                .get(&format!("/v1/events/{}", other["event_id"].as_str().unwrap()))
                .await
                .expect(200);
        }
        world.stop().await;
    }
}

/// P1: content goes when it is final, and after 72 hours at the latest; what it was about stays known.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn content_goes_after_its_time() {
    for engine in Engines::available() {
        let world = World::start(quiet(engine)).await;
        let (tenant, channel) = desk(&world, "Example Ltd").await;
        let id = send(&tenant.admin, "content with a clock").await;
        let path = format!("/v1/messages/{id}");
        eventually("the message at Meta", async || {
            let message = tenant.admin.get(&path).await.expect(200).json();
            message["provider_id"].is_string().then_some(())
        })
        .await;
        let content = of(tenant.workspace, "content", &id);
        let kept = world.sealed(content).await;
        assert!(format!("{:?}", world.rows().await).to_uppercase().contains(&hex(&kept)));
        world.clock.advance(Duration::from_mins(72 * 60 - 1));
        world.app.retain().await.unwrap();
        assert_eq!(tenant.admin.get(&path).await.expect(200).json()["text"], "content with a clock");
        assert_eq!(world.sealed(content).await, kept);
        world.clock.advance(Duration::from_mins(2));
        world.app.retain().await.unwrap();
        let message = tenant.admin.get(&path).await.expect(200).json();
        assert_eq!(
            (&message["text"], &message["state"], &message["channel_id"]),
            (&Value::Null, &json!("sending"), &json!(channel))
        );
        let rows = format!("{:?}", world.rows().await).to_uppercase();
        assert!(!rows.contains(&hex(&kept)), "the sealed bytes are gone too");
        world.stop().await;
    }
    // In its final state a message's content goes at once, an event's payload with its time.
    for engine in Engines::available() {
        let mut setup = Setup::new(engine);
        setup.sandbox = SandboxConfig { seed: 3, ..SandboxConfig::default() };
        let world = World::start(setup).await;
        let (tenant, _) = desk(&world, "Example Ltd").await;
        let id = send(&tenant.admin, "read and gone").await;
        eventually("the content to go", async || {
            let message = tenant.admin.get(&format!("/v1/messages/{id}")).await.expect(200).json();
            (message["state"] == "read" && message["text"].is_null()).then_some(())
        })
        .await;
        let event = |page: Value| page["data"][0].clone();
        let first = event(tenant.admin.get("/v1/events?limit=1").await.expect(200).json());
        assert!(first["data"].is_object());
        world.clock.advance(Duration::from_mins(72 * 60 + 1));
        world.app.retain().await.unwrap();
        let later = event(tenant.admin.get("/v1/events?limit=1").await.expect(200).json());
        assert_eq!(
            (&later["id"], &later["type"], &later["data"]),
            (&first["id"], &first["type"], &Value::Null)
        );
        world.stop().await;
    }
}
