//! Finding deliveries.

use std::collections::BTreeSet;
use std::time::Duration;

use gatepost_core::Clock;
use gatepost_testkit::{Engines, Receiver, eventually};
use serde_json::{Value, json};

use crate::support::Desk;

fn ids(found: &[Value]) -> Vec<String> {
    found.iter().map(|d| d["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deliveries_are_found() {
    for engine in Engines::available() {
        let desk = Desk::open(engine).await;
        let (receiver, other) = (Receiver::start().await, Receiver::start().await);
        let (endpoint, second) = (desk.endpoint(&receiver).await, desk.endpoint(&other).await);
        desk.hear(7).await;
        let sent = desk.settled(&endpoint, "sent", 7).await;
        desk.world.clock.advance(Duration::from_mins(1));
        let middle = desk.world.clock.now();
        desk.world.clock.advance(Duration::from_mins(1));
        receiver.answer_always(500);
        desk.hear(5).await;
        let failed = desk.settled(&endpoint, "failed", 5).await;
        let all = desk.deliveries(&endpoint, "").await;
        assert_eq!(ids(&all), [ids(&failed), ids(&sent)].concat(), "the newest first");
        let mut sorted = ids(&all);
        sorted.sort_unstable_by(|a, b| b.cmp(a));
        assert_eq!(ids(&all), sorted);
        for delivery in &all {
            let attempts = delivery["attempts"].as_i64().unwrap();
            assert_eq!(delivery["last_attempt"]["number"], attempts, "{delivery}");
        }
        for (query, wanted) in [
            ("&state=sent,failed", 12),
            ("&state=failed,dead,blocked", 5),
            ("&state=dead", 0),
            ("&state=pending", 0),
            ("&state=pending,sent", 7),
            ("&event_type=message.received", 12),
            ("&event_type=message.*&state=failed", 5),
            ("&event_type=message.sent,message.received&state=sent", 7),
            ("&event_type=message.sent", 0),
            ("&event_type=channel.*&state=failed", 0),
        ] {
            assert_eq!(desk.deliveries(&endpoint, query).await.len(), wanted, "{query}");
        }
        for (query, wanted) in [
            (format!("&since={middle}"), ids(&failed)),
            (format!("&until={middle}"), ids(&sent)),
            (format!("&since={middle}&state=sent"), Vec::new()),
            (format!("&until={middle}&state=failed"), Vec::new()),
            (format!("&since={middle}&until={}", desk.world.clock.now()), ids(&failed)),
            (format!("&event_id={}", sent[3]["event_id"].as_str().unwrap()), vec![ids(&sent)[3].clone()]),
            (format!("&event_id={}&state=dead", sent[3]["event_id"].as_str().unwrap()), Vec::new()),
            (format!("&event_id={}&since={middle}", sent[3]["event_id"].as_str().unwrap()), Vec::new()),
        ] {
            assert_eq!(ids(&desk.deliveries(&endpoint, &query).await), wanted, "{query}");
        }
        paged(&desk, &endpoint, &ids(&all)).await;
        // The same event, another delivery; and no endpoint shows another's.
        let theirs = desk.settled(&second, "sent", 12).await;
        assert!(ids(&theirs).iter().all(|id| !ids(&all).contains(id)));
        let path = format!("/v1/webhook-endpoints/{second}/deliveries/{}", ids(&all)[0]);
        for path in [path.clone(), format!("{path}/attempts")] {
            assert_eq!(desk.admin.get(&path).await.status, 404, "{path}");
        }
        let base = format!("/v1/webhook-endpoints/{endpoint}/deliveries");
        for wrong in [
            "state=lost",
            "state=",
            "event_type=message.reed",
            "event_id=x",
            "since=yesterday",
            "until=1",
            "after=x",
            "limit=0",
        ] {
            assert_eq!(
                desk.admin.get(&format!("{base}?{wrong}")).await.code(),
                "invalid_parameter",
                "{wrong}"
            );
        }
        desk.stop().await;
    }
}

/// Pages of any size hold everything once, with and without filters.
async fn paged(desk: &Desk, endpoint: &str, all: &[String]) {
    for query in ["", "&state=failed,sent", "&event_type=message.*"] {
        for limit in [1, 4, 12, 13] {
            let (mut found, mut after, mut pages) = (Vec::new(), String::new(), 0);
            loop {
                let path = format!("/v1/webhook-endpoints/{endpoint}/deliveries?limit={limit}{query}{after}");
                let page = desk.admin.get(&path).await.expect(200).json();
                found.extend(ids(page["data"].as_array().unwrap()));
                pages += 1;
                match page["next_cursor"].as_str() {
                    Some(cursor) => after = format!("&after={cursor}"),
                    None => break,
                }
            }
            assert_eq!(found, all, "{limit} {query}");
            assert_eq!(pages, all.len().div_ceil(limit), "{limit} {query}: no page is empty");
        }
    }
}

/// Why a delivery waits is told, and changes with its endpoint.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_it_waits_for_is_told() {
    for engine in Engines::available() {
        let desk = Desk::open(engine).await;
        let receiver = Receiver::start().await;
        let endpoint = desk.endpoint(&receiver).await;
        receiver.stall();
        desk.hear(1).await;
        let first = eventually("a delivery", async || desk.deliveries(&endpoint, "").await.pop()).await;
        assert_eq!((&first["state"], &first["waits_for"]), (&json!("pending"), &json!("attempt")));
        assert!(first["last_attempt"].is_null());
        desk.enable(&endpoint, false).await;
        let off = desk.deliveries(&endpoint, "").await.remove(0);
        assert_eq!(
            (&off["waits_for"], &off["next_action"], &off["next_attempt_at"]),
            (&json!("endpoint_enabled"), &json!("enable the endpoint"), &Value::Null)
        );
        let words: BTreeSet<&str> = off.as_object().unwrap().keys().map(String::as_str).collect();
        assert!(words.is_superset(&BTreeSet::from(["replayable", "replay_id", "endpoint_id"])));
        desk.world.app.shutdown().await;
    }
}
