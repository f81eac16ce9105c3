//! What was used is shown, given back where nothing reached Meta, and told of where a limit is near.

use std::time::Duration;

use gatepost_core::Clock as _;
use gatepost_testkit::{Client, Engines, eventually};
use serde_json::{Value, json};

use crate::support::{Desk, channel, send, usage};

async fn told(admin: &Client) -> Vec<Value> {
    let events = admin.get("/v1/events?types=usage.reached&limit=100&after=start").await.expect(200).json();
    events["data"].as_array().unwrap().iter().map(|event| event["data"]["usage"].clone()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shares_of_a_limit_are_told_of_once_in_each_period() {
    for engine in Engines::available() {
        let desk = Desk::start(engine).await;
        desk.begin_in_a_month();
        let tenant = desk.world.tenant("Example Ltd").await;
        let channel = channel(&tenant.admin, "Desk").await;
        let limits = json!({"limits": {"workspace_day": 5, "channel_month": 10}});
        desk.give(tenant.workspace, "small", &limits).await;
        for person in 0..3 {
            send(&tenant.admin, &channel, person).await.expect(202);
        }
        assert!(told(&tenant.admin).await.is_empty());
        for person in 3..8 {
            send(&tenant.admin, &channel, person).await;
        }
        let said = |events: &[Value]| -> Vec<(String, String, i64, i64)> {
            let text = |value: &Value| value.as_str().unwrap().to_owned();
            let number = |value: &Value| value.as_i64().unwrap();
            let of = |e: &Value| {
                (text(&e["scope"]), text(&e["period"]), number(&e["percent"]), number(&e["used"]))
            };
            events.iter().map(of).collect()
        };
        let day = |percent, used| ("workspace".to_owned(), "day".to_owned(), percent, used);
        let month = |percent, used| ("channel".to_owned(), "month".to_owned(), percent, used);
        assert_eq!(said(&told(&tenant.admin).await), [day(80, 4), day(100, 5)], "{engine:?}");
        // The next day, of the same month.
        desk.world.clock.advance(Duration::from_hours(24));
        for person in 10..15 {
            send(&tenant.admin, &channel, person).await.expect(202);
        }
        let all = said(&told(&tenant.admin).await);
        let rest = &all[2..];
        assert_eq!(rest.len(), 4, "{engine:?}: {rest:?}");
        for wanted in [month(80, 8), day(80, 4), day(100, 5), month(100, 10)] {
            assert!(rest.contains(&wanted), "{engine:?}: {wanted:?} in {rest:?}");
        }
        desk.world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_never_reached_meta_is_given_back() {
    for engine in Engines::available() {
        let desk = Desk::start(engine).await;
        desk.begin_in_a_month();
        let tenant = desk.world.tenant("Example Ltd").await;
        let channel = channel(&tenant.admin, "Desk").await;
        desk.give(tenant.workspace, "two", &json!({"limits": {"workspace_day": 2, "channel_month": 2}}))
            .await;
        let short = json!({
            "channel_id": channel, "to": "+12025550101", "purpose": "support", "text": "hello", "ttl": 60,
        });
        tenant.admin.post("/v1/messages", &short).await.expect(202);
        send(&tenant.admin, &channel, 2).await.expect(202);
        assert_eq!(send(&tenant.admin, &channel, 3).await.code(), "quota_exceeded");
        // What is refused for another reason takes nothing.
        let refused = json!({
            "channel_id": channel, "to": "+12025550101", "purpose": "marketing", "text": "offers!",
        });
        assert_eq!(tenant.admin.post("/v1/messages", &refused).await.status, 422);
        desk.world.clock.advance(Duration::from_mins(2));
        // Only now anything is sent; the first message's time is over by then.
        desk.world.app.start_workers();
        eventually("a unit that is given back", async || {
            (usage(&tenant.admin).await["workspace"]["day"]["used"] == 1).then_some(())
        })
        .await;
        let used = usage(&tenant.admin).await;
        assert_eq!(used["channels"][0]["month"]["used"], 1, "{engine:?}: {used}");
        send(&tenant.admin, &channel, 4).await.expect(202);
        assert_eq!(send(&tenant.admin, &channel, 5).await.code(), "quota_exceeded");
        desk.world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn usage_shows_days_limits_and_a_forecast() {
    for engine in Engines::available() {
        let desk = Desk::start(engine).await;
        desk.begin_in_a_month();
        let tenant = desk.world.tenant("Example Ltd").await;
        let (one, two) = (channel(&tenant.admin, "One").await, channel(&tenant.admin, "Two").await);
        let empty = usage(&tenant.admin).await;
        assert_eq!((&empty["plan"], &empty["time_zone"]), (&Value::Null, &json!("UTC")));
        assert_eq!(empty["workspace"]["day"], json!({"used": 0, "limit": null}));
        assert_eq!(empty["channels"].as_array().unwrap().len(), 2);

        desk.give(tenant.workspace, "growth", &json!({"limits": {"workspace_month": 100, "channel_day": 7}}))
            .await;
        for person in 0..3 {
            send(&tenant.admin, &one, person).await.expect(202);
        }
        let before = usage(&tenant.admin).await["day"].clone();
        desk.world.clock.advance(Duration::from_hours(24));
        send(&tenant.admin, &two, 4).await.expect(202);
        let used = usage(&tenant.admin).await;
        assert_eq!(used["plan"], "growth");
        assert_eq!(used["workspace"]["day"], json!({"used": 1, "limit": null}));
        let month = &used["workspace"]["month"];
        assert_eq!((&month["used"], &month["limit"]), (&json!(4), &json!(100)), "{engine:?}: {used}");
        assert!(month["forecast"].as_i64().unwrap() >= 4);
        let history = &used["workspace"]["history"];
        assert_eq!(history, &json!([{"day": before, "used": 3}, {"day": used["day"], "used": 1}]));
        let of = |id: &str| {
            let all = used["channels"].as_array().unwrap();
            all.iter().find(|channel| channel["channel_id"] == id).unwrap().clone()
        };
        assert_eq!((&of(&one)["day"]["used"], &of(&two)["day"]["used"]), (&json!(0), &json!(1)));
        assert_eq!(of(&one)["day"]["limit"], 7);
        let resets = used["day_resets_at"].as_str().unwrap();
        assert!(gatepost_core::Timestamp::parse(resets).unwrap() > desk.world.clock.now());
        // The other mode is counted apart, and is not this key's.
        assert_eq!(tenant.admin.get("/v1/usage?mode=live").await.code(), "test_mode_only");
        desk.world.stop().await;
    }
}
