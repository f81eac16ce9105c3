//! Windows of events that are sent again.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use gatepost_core::access::operator_permission::StatusRead;
use gatepost_core::job::JobKind;
use gatepost_core::{Clock, EndpointId};
use gatepost_store::engine::{Error, Lane, Stmt, Tx, Value as Column};
use gatepost_testkit::{Engines, Receiver, Setup, eventually};
use serde_json::json;

use crate::support::{ALWAYS, Desk, accepted, setup};

fn ids<'v>(deliveries: &'v [serde_json::Value], name: &str) -> BTreeSet<&'v str> {
    deliveries.iter().map(|d| d[name].as_str().unwrap()).collect()
}

/// An outage until every schedule is spent, then a repair: each event arrives, once, under the id it had.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_outage_is_made_good() {
    for engine in Engines::available() {
        let desk = Desk::open(engine).await;
        let receiver = Receiver::start().await;
        let endpoint = desk.endpoint(&receiver).await;
        desk.hear(5).await;
        desk.settled(&endpoint, "sent", 5).await;
        receiver.answer_always(503);
        desk.hear(40).await;
        desk.spend(&endpoint, 40).await;
        // Days have gone by, and the content of what did not arrive is there.
        desk.world.app.retain().await.unwrap();
        let dead = desk.deliveries(&endpoint, "&state=dead").await;
        assert!(dead.iter().all(|d| d["replayable"] == true && d["next_attempt_at"].is_null()));
        assert!(dead.iter().all(|d| d["next_action"].as_str().unwrap().contains("replay")));
        let attempts = dead[0]["attempts"].as_i64().unwrap();
        receiver.answer_always(200);
        desk.enable(&endpoint, true).await;
        let replay = desk.replay(&endpoint, &json!({"since": ALWAYS, "only": "failed"})).await;
        let done = desk.replayed(&endpoint, &replay).await;
        let progress = &done["progress"];
        assert_eq!(
            (&done["state"], &progress["percent"], &progress["queued"], &progress["sent"], &progress["dead"]),
            (&json!("done"), &json!(100), &json!(40), &json!(40), &json!(0)),
            "{done}"
        );
        assert!(done["finished_at"].is_string() && progress["position"].is_string());
        assert!(progress["scanned"].as_i64().unwrap() >= 45, "{done}");
        let sent = desk.settled(&endpoint, "sent", 45).await;
        assert!(ids(&dead, "id").is_subset(&ids(&sent, "id")), "the deliveries are the same ones");
        let arrived = accepted(&receiver);
        assert_eq!(arrived.len(), 45);
        assert!(arrived.values().all(|times| *times == 1), "{arrived:?}");
        assert!(ids(&sent, "event_id").iter().all(|id| arrived.contains_key(*id)));
        let again = sent.iter().find(|d| d["id"] == dead[0]["id"]).unwrap();
        assert_eq!((&again["attempts"], &again["replay_id"]), (&json!(attempts + 1), &json!(replay)));
        desk.stop().await;
    }
}

/// What an endpoint missed while its owner had switched it off; and what arrived only where everything is asked for.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_missed_and_what_arrived() {
    for engine in Engines::available() {
        let desk = Desk::open(engine).await;
        let receiver = Receiver::start().await;
        let endpoint = desk.endpoint(&receiver).await;
        desk.hear(10).await;
        desk.settled(&endpoint, "sent", 10).await;
        desk.enable(&endpoint, false).await;
        desk.hear(30).await;
        let path = format!("/v1/webhook-endpoints/{endpoint}/replays");
        let refused = desk.admin.post(&path, &json!({"since": ALWAYS})).await;
        assert_eq!(refused.code(), "endpoint_disabled");
        assert!(refused.text.contains("enable"), "{}", refused.text);
        desk.enable(&endpoint, true).await;
        for (only, queued, each) in
            [("failed", 0, 10), ("missing_or_failed", 30, 40), ("all", 40, 80), ("missing_or_failed", 0, 80)]
        {
            let replay = desk.replay(&endpoint, &json!({"since": ALWAYS, "only": only})).await;
            let done = desk.replayed(&endpoint, &replay).await;
            assert_eq!(
                (&done["progress"]["queued"], &done["progress"]["sent"], &done["progress"]["expired"]),
                (&json!(queued), &json!(queued), &json!(0)),
                "{only}: {done}"
            );
            assert_eq!(accepted(&receiver).values().sum::<usize>(), each, "{only}");
        }
        assert_eq!(accepted(&receiver).len(), 40);
        // A window takes its own events only, and an endpoint the events of its filter and mode.
        let middle = desk.world.clock.now();
        desk.world.clock.advance(Duration::from_secs(10));
        desk.hear(3).await;
        desk.settled(&endpoint, "sent", 43).await;
        for (window, queued) in [
            (json!({"since": ALWAYS, "until": middle.to_string(), "only": "all"}), 40),
            (json!({"since": middle.to_string(), "only": "all"}), 3),
        ] {
            let replay = desk.replay(&endpoint, &window).await;
            let done = desk.replayed(&endpoint, &replay).await;
            assert_eq!(done["progress"]["queued"], queued, "{done}");
        }
        let patch = json!({"events": ["message.sent"]});
        desk.admin.patch(&format!("/v1/webhook-endpoints/{endpoint}"), &patch).await.expect(200);
        let replay = desk.replay(&endpoint, &json!({"since": ALWAYS, "only": "all"})).await;
        assert_eq!(desk.replayed(&endpoint, &replay).await["progress"]["queued"], 0);
        desk.stop().await;
    }
}

/// Deliveries that wait after a failure come at once with a replay, each under its one job.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_is_taken_along() {
    for engine in Engines::available() {
        let desk = Desk::open(engine).await;
        let receiver = Receiver::start().await;
        let endpoint = desk.endpoint(&receiver).await;
        receiver.answer_always(500);
        // Fewer than open the circuit.
        desk.hear(4).await;
        desk.settled(&endpoint, "failed", 4).await;
        receiver.answer_always(200);
        let replay = desk.replay(&endpoint, &json!({"since": ALWAYS, "only": "failed"})).await;
        let done = desk.replayed(&endpoint, &replay).await;
        assert_eq!((&done["progress"]["queued"], &done["progress"]["sent"]), (&json!(4), &json!(4)));
        assert!(accepted(&receiver).values().all(|times| *times == 1));
        desk.world.clock.advance(Duration::from_hours(2));
        tokio::time::sleep(Duration::from_millis(1_500)).await;
        assert_eq!(receiver.received().len(), 8, "no job was left over");
        assert_eq!(desk.world.work_left().await, 0);
        // Behind an open circuit the replay is the word that the receiver is mended: nothing waits for the next probe.
        receiver.answer_always(500);
        desk.hear(30).await;
        eventually("an open circuit", async || {
            let waiting = desk.deliveries(&endpoint, "&state=pending,failed").await;
            waiting.iter().all(|d| d["waits_for"] == "circuit").then_some(()).filter(|()| waiting.len() == 30)
        })
        .await;
        receiver.answer_always(200);
        let replay = desk.replay(&endpoint, &json!({"since": ALWAYS, "only": "failed"})).await;
        assert_eq!(desk.replayed(&endpoint, &replay).await["progress"]["dead"], 0);
        desk.settled(&endpoint, "sent", 34).await;
        assert!(accepted(&receiver).values().all(|times| *times == 1));
        desk.stop().await;
    }
}

/// Five thousand events are replayed while others happen: those do not wait, and the job table never fills.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn live_events_do_not_wait_for_a_replay() {
    for engine in Engines::available() {
        let desk = Desk::open(engine).await;
        let receiver = Receiver::start().await;
        let endpoint = desk.endpoint(&receiver).await;
        desk.enable(&endpoint, false).await;
        desk.hear(5_000).await;
        desk.enable(&endpoint, true).await;
        let replay = desk.replay(&endpoint, &json!({"since": ALWAYS})).await;
        eventually("a replay under way", async || (receiver.received().len() > 100).then_some(())).await;
        let mut overtook = 0;
        for round in 0..10_usize {
            let before: BTreeSet<String> = accepted(&receiver).into_keys().collect();
            let started = Instant::now();
            desk.hear(1).await;
            let newest = desk.deliveries_newest(&endpoint).await;
            eventually("the live one", async || accepted(&receiver).contains_key(&newest).then_some(()))
                .await;
            assert!(!before.contains(&newest));
            assert!(
                started.elapsed() < Duration::from_secs(10),
                "live event {round} waited {:?}",
                started.elapsed()
            );
            overtook += usize::from(accepted(&receiver).len() < 5_000 + round);
            let status = desk.world.app.status(&desk.world.operator::<StatusRead>()).await.unwrap();
            let waiting =
                status.work.iter().find(|w| w.kind == JobKind::DeliveryAttempt).map_or(0, |w| w.jobs);
            assert!(waiting <= 1_010, "{waiting} deliveries are queued at once");
        }
        assert!(overtook > 2, "the replay was over before anything live happened");
        let done = desk.replayed(&endpoint, &replay).await;
        assert_eq!((&done["progress"]["queued"], &done["progress"]["sent"]), (&json!(5_000), &json!(5_000)));
        let arrived = accepted(&receiver);
        assert_eq!(arrived.len(), 5_010);
        assert!(arrived.values().all(|times| *times == 1));
        desk.stop().await;
    }
}

impl Desk {
    /// The event of the endpoint's newest delivery.
    async fn deliveries_newest(&self, endpoint: &str) -> String {
        let path = format!("/v1/webhook-endpoints/{endpoint}/deliveries?limit=1");
        let page = self.admin.get(&path).await.expect(200).json();
        page["data"][0]["event_id"].as_str().unwrap().to_owned()
    }
}

/// A process ends in the middle: the next one goes on, and nothing is queued twice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replay_outlives_its_process() {
    for engine in Engines::available() {
        let (mut first, meta) = setup(engine).await;
        first.config.drain = Duration::ZERO;
        first.config.webhook_parallel = 8;
        first.config.job_lease = Duration::from_secs(2);
        let base = first.config.meta_base_url.clone();
        let desk = Desk::open_with(first, meta).await;
        let receiver = Receiver::start().await;
        let endpoint = desk.endpoint(&receiver).await;
        desk.enable(&endpoint, false).await;
        desk.hear(2_000).await;
        desk.enable(&endpoint, true).await;
        let replay = desk.replay(&endpoint, &json!({"since": ALWAYS})).await;
        eventually("a replay under way", async || (receiver.received().len() > 100).then_some(())).await;
        desk.world.app.shutdown().await;
        let before = accepted(&receiver).len();
        assert!(before < 2_000, "it was over too soon to tell");
        let mut next = Setup::new(engine);
        next.config.meta_base_url = base;
        let world = desk.world.another(next).await;
        let desk = desk.at(world);
        let done = desk.replayed(&endpoint, &replay).await;
        assert_eq!(
            (&done["state"], &done["progress"]["queued"], &done["progress"]["sent"]),
            (&json!("done"), &json!(2_000), &json!(2_000)),
            "{done}"
        );
        let arrived = accepted(&receiver);
        assert_eq!(arrived.len(), 2_000);
        let twice = arrived.values().filter(|times| **times > 1).count();
        assert!(twice <= 64, "{twice} came twice; only those whose answer was cut may");
        assert_eq!(desk.world.work_left().await, 0, "one chain of jobs, and it has ended");
        desk.stop().await;
    }
}

/// Two nodes share the work of one replay.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_replay_once() {
    for engine in Engines::available().into_iter().filter(|e| *e == Engines::Postgres) {
        let desk = Desk::open(engine).await;
        let mut setup = Setup::new(engine);
        setup.config.meta_base_url = desk.world.app.config().meta_base_url.clone();
        let other = desk.world.another(setup).await;
        let receiver = Receiver::start().await;
        let endpoint = desk.endpoint(&receiver).await;
        desk.enable(&endpoint, false).await;
        desk.hear(1_000).await;
        desk.enable(&endpoint, true).await;
        let replay = desk.replay(&endpoint, &json!({"since": ALWAYS})).await;
        let done = desk.replayed(&endpoint, &replay).await;
        assert_eq!((&done["progress"]["queued"], &done["progress"]["sent"]), (&json!(1_000), &json!(1_000)));
        let arrived = accepted(&receiver);
        assert_eq!((arrived.len(), arrived.values().sum::<usize>()), (1_000, 1_000));
        other.stop().await;
        desk.stop().await;
    }
}

/// One at a time, named to whoever asks for another; a cancelled one queues nothing more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_at_a_time_and_no_further() {
    for engine in Engines::available() {
        let desk = Desk::open(engine).await;
        let (receiver, neighbour) = (Receiver::start().await, Receiver::start().await);
        let (endpoint, other) = (desk.endpoint(&receiver).await, desk.endpoint(&neighbour).await);
        desk.enable(&endpoint, false).await;
        desk.enable(&other, false).await;
        desk.hear(1_500).await;
        desk.enable(&endpoint, true).await;
        desk.enable(&other, true).await;
        receiver.stall();
        let path = format!("/v1/webhook-endpoints/{endpoint}/replays");
        let body = json!({"since": ALWAYS});
        let key = [("idempotency-key", "once")];
        let first = desk.admin.call("POST", &path, &key, Some(&body)).await.expect(201);
        let replay = first.json()["id"].as_str().unwrap().to_owned();
        assert_eq!(first.headers["location"], format!("{path}/{replay}"));
        let repeated = desk.admin.call("POST", &path, &key, Some(&body)).await.expect(201);
        assert_eq!(repeated.json()["id"], replay.as_str(), "the same request, the same replay");
        let second = desk.admin.post(&path, &body).await;
        assert_eq!((second.status, second.code().as_str()), (409, "replay_running"));
        assert!(second.text.contains(&replay), "{}", second.text);
        // Another endpoint's is its own affair.
        let theirs = desk.replay(&other, &body).await;
        assert_eq!(desk.replayed(&other, &theirs).await["progress"]["sent"], 1_500);
        let full = eventually("a full lane", async || {
            let found = desk.replay_state(&endpoint, &replay).await;
            (found["progress"]["queued"].as_i64().unwrap() >= 1_000).then_some(found)
        })
        .await;
        assert_eq!(
            (&full["progress"]["queued"], &full["progress"]["waits_for"]),
            (&json!(1_000), &json!("deliveries"))
        );
        let percent = full["progress"]["percent"].as_i64().unwrap();
        assert!((50..80).contains(&percent), "{full}");
        let cancelled =
            desk.admin.post(&format!("{path}/{replay}/cancel"), &json!({})).await.expect(200).json();
        assert_eq!(
            (&cancelled["state"], &cancelled["progress"]["percent"]),
            (&json!("cancelled"), &json!(percent))
        );
        assert!(cancelled["finished_at"].is_string());
        let again =
            desk.admin.call("POST", &format!("{path}/{replay}/cancel"), &[], None).await.expect(200).json();
        assert_eq!(again, cancelled, "cancelling twice changes nothing");
        let next = desk.replay(&endpoint, &body).await;
        let list = desk.admin.get(&path).await.expect(200).json();
        assert_eq!(
            ids(list["data"].as_array().unwrap(), "id"),
            BTreeSet::from([replay.as_str(), next.as_str()])
        );
        assert_eq!(list["data"][0]["id"], next.as_str(), "the newest first");
        assert_eq!(desk.replay_state(&endpoint, &replay).await["progress"]["queued"], 1_000);
        for wrong in [
            json!({}),
            json!({"since": "yesterday"}),
            json!({"since": "2999-01-01T00:00:00Z"}),
            json!({"since": ALWAYS, "until": ALWAYS}),
            json!({"since": ALWAYS, "only": "some"}),
        ] {
            assert_eq!(desk.admin.post(&path, &wrong).await.status, 422, "{wrong}");
        }
        desk.world.app.shutdown().await;
    }
}

static STEPS: Stmt = Stmt::same("STEPS", "SELECT fence FROM job WHERE kind = $1 AND lane = $2");

/// A replay that cannot go on, because what it has queued waits, costs next to nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_replay_that_waits_is_in_no_hurry() {
    for engine in Engines::available() {
        for broken in [true, false] {
            let desk = Desk::open(engine).await;
            let receiver = Receiver::start().await;
            let endpoint = desk.endpoint(&receiver).await;
            desk.enable(&endpoint, false).await;
            desk.hear(1_200).await;
            if broken {
                receiver.answer_always(500);
            } else {
                receiver.stall();
            }
            desk.enable(&endpoint, true).await;
            let replay = desk.replay(&endpoint, &json!({"since": ALWAYS})).await;
            eventually("a full lane", async || {
                let found = desk.replay_state(&endpoint, &replay).await;
                (found["progress"]["queued"] == 1_000).then_some(())
            })
            .await;
            tokio::time::sleep(Duration::from_secs(1)).await;
            let before = desk.replay_steps(&endpoint).await;
            tokio::time::sleep(Duration::from_secs(3)).await;
            let steps = desk.replay_steps(&endpoint).await - before;
            assert!(steps <= 6, "{steps} steps in three seconds (broken: {broken})");
            desk.world.app.shutdown().await;
        }
    }
}

impl Desk {
    /// How often the replay that is running has been taken up.
    async fn replay_steps(&self, endpoint: &str) -> i64 {
        let (lane, workspace) = (endpoint.parse::<EndpointId>().unwrap().uuid(), self.workspace.uuid());
        let read = async move |tx: &Tx<'_>| -> Result<i64, Error> {
            let values = [Column::Int(JobKind::WebhookReplay.number()), Column::Uuid(lane)];
            tx.query_one(&STEPS, &values, |row| row.get(0)).await
        };
        self.world.store.engine().read(Lane::Workspace(workspace), read).await.unwrap()
    }
}

/// One that has queued all of its window and waits for schedules that last for days makes room for another.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_only_waits_makes_room() {
    for engine in Engines::available() {
        let desk = Desk::open(engine).await;
        let receiver = Receiver::start().await;
        let endpoint = desk.endpoint(&receiver).await;
        receiver.answer_always(500);
        // Fewer than open the circuit.
        desk.hear(2).await;
        desk.settled(&endpoint, "failed", 2).await;
        let body = json!({"since": ALWAYS, "only": "failed"});
        let first = desk.replay(&endpoint, &body).await;
        eventually("its attempts", async || {
            let failed = desk.deliveries(&endpoint, "&state=failed").await;
            (failed.len() == 2 && failed.iter().all(|d| d["attempts"] == 2)).then_some(())
        })
        .await;
        receiver.answer_always(200);
        let second = desk.replay(&endpoint, &body).await;
        assert_eq!(desk.replay_state(&endpoint, &first).await["state"], "cancelled");
        assert_eq!(desk.replayed(&endpoint, &second).await["progress"]["sent"], 2);
        desk.stop().await;
    }
}
