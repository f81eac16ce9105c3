//! What an operator sees of waiting work and of endpoints, on both engines.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use gatepost_testkit::{Engines, Receiver, Setup, World};
use metrics::{Counter, Gauge, GaugeFn, Histogram, Key, KeyName, Metadata, Recorder, SharedString, Unit};
use serde_json::json;

/// The gauges as they were set last, as `name{label}`.
#[derive(Default)]
struct Gauges(Arc<Mutex<BTreeMap<String, f64>>>);

struct One(String, Arc<Mutex<BTreeMap<String, f64>>>);

impl GaugeFn for One {
    fn increment(&self, _: f64) {}
    fn decrement(&self, _: f64) {}
    fn set(&self, value: f64) {
        self.1.lock().unwrap().insert(self.0.clone(), value);
    }
}

impl Recorder for Gauges {
    fn describe_counter(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_gauge(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn describe_histogram(&self, _: KeyName, _: Option<Unit>, _: SharedString) {}
    fn register_counter(&self, _: &Key, _: &Metadata<'_>) -> Counter {
        Counter::noop()
    }
    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        let labels: Vec<&str> = key.labels().map(metrics::Label::value).collect();
        Gauge::from_arc(Arc::new(One(format!("{}{{{}}}", key.name(), labels.join(",")), Arc::clone(&self.0))))
    }
    fn register_histogram(&self, _: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::noop()
    }
}

/// What a look at an installation finds.
async fn look(world: &World) -> BTreeMap<String, f64> {
    // A look is believed for a while.
    world.clock.advance(Duration::from_secs(6));
    let gauges = Gauges::default();
    let _guard = metrics::set_default_local_recorder(&gauges);
    world.app.gauges_refresh().await;
    gauges.0.lock().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn waiting_work_and_endpoints_are_seen() {
    for engine in Engines::available() {
        // Nobody delivers here, so what is queued waits.
        let world = World::start(Setup { workers: false, ..Setup::new(engine) }).await;
        let receiver = Receiver::start().await;
        let found = look(&world).await;
        assert_eq!(
            (found["gatepost_jobs{delivery_attempt}"], found["gatepost_webhook_lag_seconds{}"]),
            (0.0, 0.0)
        );

        let mut endpoints = Vec::new();
        // Workspaces are walked one after another, and their numbers come together.
        for name in ["One Ltd", "Two Ltd"] {
            let admin = world.tenant(name).await.admin;
            for _ in 0..2 {
                let made =
                    admin.post("/v1/webhook-endpoints", &json!({"url": receiver.url})).await.expect(201);
                endpoints.push((admin.clone(), made.json()["id"].as_str().unwrap().to_owned()));
            }
            admin.post("/v1/test/events", &json!({"type": "message.sent"})).await.expect(201);
        }
        let found = look(&world).await;
        let jobs = found["gatepost_jobs{delivery_attempt}"];
        assert_eq!((jobs, found["gatepost_webhook_endpoints{healthy}"]), (4.0, 4.0));
        assert!((6.0..60.0).contains(&found["gatepost_webhook_lag_seconds{}"]), "{found:?}");
        assert!((6.0..60.0).contains(&found["gatepost_jobs_late_seconds{delivery_attempt}"]), "{found:?}");
        assert!(found["gatepost_jobs_late_seconds{message_send}"] <= 0.0, "{found:?}");

        // What waits for those that are switched off is not late.
        for (admin, id) in &endpoints {
            let path = format!("/v1/webhook-endpoints/{id}");
            admin.patch(&path, &json!({"enabled": false})).await.expect(200);
        }
        let found = look(&world).await;
        let disabled = found["gatepost_webhook_endpoints{disabled}"];
        assert_eq!((disabled, found["gatepost_webhook_endpoints{healthy}"]), (4.0, 0.0));
        assert!(found["gatepost_webhook_lag_seconds{}"] <= 0.0, "{found:?}");
        world.stop().await;
    }
}

/// Asked again at once, nothing is looked up.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_look_is_believed_for_a_while() {
    let world = World::start(Setup { workers: false, ..Setup::new(Engines::Sqlite) }).await;
    assert!(!look(&world).await.is_empty());
    let gauges = Gauges::default();
    let _guard = metrics::set_default_local_recorder(&gauges);
    world.app.gauges_refresh().await;
    assert!(gauges.0.lock().unwrap().is_empty());
    world.stop().await;
}
