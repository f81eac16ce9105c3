//! Ordered endpoints: for each person in the order of the event log, whatever fails and however much happens at once.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use gatepost_core::endpoint::DeliveryOrder;
use gatepost_testkit::{Engines, Setup, eventually};
use serde_json::{Value, json};

use crate::support::{Came, Desk, Scripted};

const PEOPLE: u32 = 40;
const BODIES: u32 = 100;
const IN_A_BODY: u32 = 100;

/// How often something came after a later one about the same person, by the numbers of the log.
fn inversions(came: &[Came], seq: &BTreeMap<String, i64>) -> usize {
    let mut last: BTreeMap<String, i64> = BTreeMap::new();
    let mut count = 0;
    for one in came.iter().filter(|c| c.status == 200) {
        let event: Value = serde_json::from_slice(&one.body).unwrap();
        let phone = event["data"]["message"]["contact"]["phone"].as_str().unwrap().to_owned();
        let at = seq[&one.id];
        count += usize::from(last.insert(phone, at).is_some_and(|before| before > at));
    }
    count
}

/// Ten thousand events of forty people from eight callers at once (and two nodes where there can be two); every
/// fiftieth request fails.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_without_an_inversion() {
    for engine in Engines::available() {
        let desk = Desk::open(engine).await;
        let receiver = Scripted::start(|number, _| (if number % 50 == 49 { 500 } else { 200 }, vec![])).await;
        let id = desk.endpoint(&receiver.url).await;
        desk.set(id, Some(&[1; 20]), DeliveryOrder::Contact).await;
        let other = match engine {
            Engines::Sqlite => None,
            Engines::Postgres => Some(desk.world.another(Setup::new(engine)).await),
        };
        let told = AtomicBool::new(false);
        let callers = async {
            let bodies = futures_util::stream::iter(0..BODIES);
            futures_util::StreamExt::for_each_concurrent(bodies, 8, |body| {
                let (desk, other) = (&desk, &other);
                async move {
                    let wamids: Vec<(u32, String)> = (0..IN_A_BODY)
                        .map(|n| ((body * 7 + n) % PEOPLE, format!("wamid.order.{body}.{n}")))
                        .collect();
                    let people: Vec<(u32, &str)> = wamids.iter().map(|(p, w)| (*p, w.as_str())).collect();
                    let node = other.as_ref().filter(|_| body % 2 == 1).unwrap_or(&desk.world);
                    desk.write_to(node, &people).await;
                }
            })
            .await;
            told.store(true, Ordering::SeqCst);
        };
        // What failed comes due; slowly, for leases live by the same clock.
        let wanted = usize::try_from(BODIES * IN_A_BODY).unwrap();
        let arrive = async {
            let mut progress = (0, std::time::Instant::now());
            loop {
                tokio::time::sleep(Duration::from_millis(100)).await;
                desk.world.clock.advance(Duration::from_millis(500));
                let came = receiver.came();
                let arrived: BTreeSet<&str> =
                    came.iter().filter(|c| c.status == 200).map(|c| c.id.as_str()).collect();
                if told.load(Ordering::SeqCst) && arrived.len() == wanted {
                    return came;
                }
                if arrived.len() > progress.0 {
                    progress = (arrived.len(), std::time::Instant::now());
                }
                assert!(progress.1.elapsed() < Duration::from_secs(30), "stuck after {}", progress.0);
            }
        };
        let ((), came) = tokio::join!(callers, arrive);
        let seq: BTreeMap<String, i64> = desk.log().await.iter().map(|e| (e.id.to_string(), e.seq)).collect();
        assert_eq!(inversions(&came, &seq), 0);
        let sent = came.iter().filter(|c| c.status == 200).count();
        assert_eq!(sent, wanted, "each once");
        if let Some(other) = other {
            other.stop().await;
        }
        desk.world.stop().await;
    }
}

/// What fails holds up its own person and nobody else, until it is sent or dead.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failing_one_holds_its_key_alone() {
    for engine in Engines::available() {
        let desk = Desk::open(engine).await;
        let receiver = Scripted::start(|_, event| {
            let bad = event["data"]["message"]["provider_id"] == "wamid.bad";
            (if bad { 500 } else { 200 }, vec![])
        })
        .await;
        let id = desk.endpoint(&receiver.url).await;
        desk.set(id, Some(&[100]), DeliveryOrder::Contact).await;
        desk.write(&[
            (1, "wamid.first"),
            (1, "wamid.bad"),
            (1, "wamid.next"),
            (2, "wamid.other"),
            (1, "wamid.last"),
        ])
        .await;
        let wamids = |came: Vec<Came>| -> Vec<String> {
            let event = |c: &Came| serde_json::from_slice::<Value>(&c.body).unwrap();
            came.iter()
                .map(|c| event(c)["data"]["message"]["provider_id"].as_str().unwrap().to_owned())
                .collect()
        };
        desk.one(id, "failed", 1).await;
        eventually("the other person", async || (receiver.count() == 3).then_some(())).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        let mut first = wamids(receiver.came());
        first.retain(|w| w != "wamid.other");
        assert_eq!(first, ["wamid.first", "wamid.bad"]);
        // An hour's time brings the failed one, and nothing that waits behind it.
        desk.world.clock.advance(Duration::from_secs(130));
        desk.one(id, "dead", 2).await;
        eventually("what waited", async || (receiver.count() == 6).then_some(())).await;
        let all = wamids(receiver.came());
        assert_eq!(all[all.len() - 3..], ["wamid.bad", "wamid.next", "wamid.last"]);
        desk.world.stop().await;
    }
}

/// The same person by phone and by BSUID, and what is about no person.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_person_has_one_key() {
    for engine in Engines::available() {
        let desk = Desk::open(engine).await;
        let scope = desk.scope;
        let logged = async |count: usize| {
            eventually("the log", async || Some(desk.log().await).filter(|log| log.len() == count)).await
        };
        desk.write(&[(1, "wamid.a"), (2, "wamid.b")]).await;
        logged(2).await;
        let by = |wamid: &str, phone: Option<&str>| {
            let mut message = json!({
                "id": wamid, "timestamp": "1793525400", "type": "text", "text": {"body": "hello"},
                "from_user_id": "US.13491208655302741918",
            });
            if let Some(phone) = phone {
                message["from"] = json!(phone);
            }
            message
        };
        desk.write_messages(&desk.world, &[by("wamid.c", None)]).await;
        logged(3).await;
        desk.write_messages(&desk.world, &[by("wamid.d", Some("12025550001"))]).await;
        logged(4).await;
        desk.notice().await;
        let log = logged(5).await;
        let keys: Vec<Option<Vec<u8>>> = log.iter().map(|e| e.order_key.clone()).collect();
        assert_eq!(keys.iter().filter(|key| key.is_none()).count(), 1, "the notice");
        let of = |index: usize| keys[index].clone().unwrap();
        assert_eq!(of(0), of(3), "the phone, where it is known");
        assert!(of(0) != of(1) && of(0) != of(2) && of(1) != of(2));
        // Once both names are known to be one person's, both kinds of events share the key.
        let named: Vec<Vec<u8>> = (0..4).map(of).collect();
        let settled = desk.world.store.read(scope, async move |tx| {
            tx.order_keys(&named.iter().map(Vec::as_slice).collect::<Vec<_>>()).await
        });
        assert_eq!(settled.await.unwrap(), [of(0), of(1), of(0), of(0)]);
        desk.world.stop().await;
    }
}

/// Burying part of a lane leaves nothing behind that waits for a turn which nobody gives it any more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_half_buried_lane_goes_on() {
    for engine in Engines::available() {
        let desk = Desk::open(engine).await;
        let well = std::sync::Arc::new(AtomicBool::new(false));
        let told = std::sync::Arc::clone(&well);
        let receiver =
            Scripted::start(move |_, _| (if told.load(Ordering::SeqCst) { 200 } else { 500 }, vec![])).await;
        let id = desk.endpoint(&receiver.url).await;
        desk.set(id, Some(&[1_000, 1_000]), DeliveryOrder::Contact).await;
        desk.write(&[(1, "wamid.1"), (1, "wamid.2"), (1, "wamid.3"), (1, "wamid.4")]).await;
        desk.one(id, "failed", 1).await;
        // A replay takes the first one over; what stands behind it stays live.
        let replays = format!("/v1/webhook-endpoints/{id}/replays");
        let body = json!({"since": "2026-01-01T00:00:00Z", "only": "failed"});
        desk.admin.post(&replays, &body).await.expect(201);
        desk.one(id, "failed", 2).await;
        let now = desk.now();
        let buried = desk.world.store.write(desk.scope, async move |tx| {
            let buried = tx.deliveries_bury_some(id, now, 1).await?;
            tx.commit(gatepost_core::audit::Audit::None("a test"), buried)
        });
        assert_eq!(buried.await.unwrap(), 1);
        well.store(true, Ordering::SeqCst);
        desk.world.clock.advance(Duration::from_hours(1));
        eventually("the other three", async || (desk.deliveries(id, "sent").await.len() == 3).then_some(()))
            .await;
        desk.world.stop().await;
    }
}
