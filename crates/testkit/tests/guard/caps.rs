//! How much one person gets.

use std::time::Duration;

use gatepost_testkit::{Engines, Setup};
use serde_json::json;

use crate::support::{ANN, BEN, Desk, refused};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_person_gets_so_many_messages_and_no_more() {
    for engine in Engines::available() {
        let mut setup = Setup::new(engine);
        setup.workers = false;
        let desk = Desk::open(setup).await;
        let caps = json!({"frequency_caps": [
            {"messages": 3, "hours": 24},
            {"purpose": "operational", "messages": 2, "hours": 1},
        ]});
        desk.set(&caps).await.expect(200);
        desk.known_template("login_code", "AUTHENTICATION").await;
        for _ in 0..2 {
            desk.sent(&desk.message(ANN, "operational")).await;
        }
        let capped = desk.send(&desk.message(ANN, "operational")).await;
        refused(&capped, 429, "frequency_capped");
        let details = &capped.json()["details"];
        assert_eq!((&details["limit"], &details["hours"]), (&json!(2), &json!(1)));
        let wait: u64 = capped.headers["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((3_500..=3_602).contains(&wait), "{wait}");
        // Another person, and another purpose until the cap of all together.
        desk.sent(&desk.message(BEN, "operational")).await;
        desk.sent(&desk.message(ANN, "support")).await;
        refused(&desk.send(&desk.message(ANN, "support")).await, 429, "frequency_capped");
        // Codes are counted by no cap and held back by none.
        for _ in 0..3 {
            desk.sent(&desk.template(ANN, "authentication", "login_code")).await;
        }
        // What was refused was not counted: the hour passes, and the day's cap alone holds.
        desk.world.clock.advance(Duration::from_secs(wait));
        refused(&desk.send(&desk.message(ANN, "operational")).await, 429, "frequency_capped");
        desk.world.clock.advance(Duration::from_hours(24));
        desk.sent(&desk.message(ANN, "operational")).await;
        desk.close().await;
    }
}
