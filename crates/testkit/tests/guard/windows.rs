//! Meta's 24-hour window: refused early where it is over for certain, left to Meta where nobody can know.

use std::time::Duration;

use gatepost_channels::sandbox::Window;
use gatepost_testkit::{Engines, Setup, eventually};
use serde_json::json;

use crate::support::{ANN, BEN, Desk, reaches, refused};

/// Waits until the person has written.
async fn heard(desk: &Desk) {
    eventually("an answer", async || {
        let found = desk.tenant.admin.get("/v1/messages").await.expect(200).json();
        let found = found["data"].as_array().unwrap().iter().any(|m| m["direction"] == "inbound");
        found.then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_over_for_certain_is_refused_early() {
    for engine in Engines::available() {
        let desk = Desk::open(Setup::new(engine)).await;
        desk.known_template("table_ready", "UTILITY").await;
        desk.sent(&desk.message(BEN, "support")).await;
        heard(&desk).await;
        // A little longer than Meta's day: clocks differ, and a callback may be on its way.
        desk.world.clock.advance(Duration::from_hours(24) + Duration::from_mins(5));
        desk.sent(&desk.message(BEN, "support")).await;
        heard(&desk).await;
        desk.world.clock.advance(Duration::from_hours(48));
        let closed = desk.send(&desk.message(BEN, "support")).await;
        refused(&closed, 422, "conversation_window_closed");
        assert!(closed.json()["details"]["last_inbound_at"].is_string(), "{}", closed.text);
        // Somebody who never wrote, on a channel on which everything was heard for longer than a day.
        refused(&desk.send(&desk.message(ANN, "support")).await, 422, "conversation_window_closed");
        desk.sent(&desk.template(BEN, "transactional", "table_ready")).await;
        desk.set(&json!({"leave_window_to_meta": true})).await.expect(200);
        desk.sent(&desk.message(BEN, "support")).await;
        desk.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_nobody_can_know_is_left_to_meta() {
    for engine in Engines::available() {
        let mut setup = Setup::new(engine);
        setup.workers = false;
        let desk = Desk::open(setup).await;
        desk.sent(&desk.message(ANN, "support")).await;
        // Nobody was ever heard on this channel: perhaps its callbacks never worked.
        desk.world.clock.advance(Duration::from_hours(72));
        desk.sent(&desk.message(ANN, "support")).await;
        desk.close().await;
    }
}

/// Meta's own word for it, at once or by a status, has the code that the guard would have answered.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metas_refusal_has_the_same_code() {
    for engine in Engines::available() {
        for window in [Window::Refused, Window::Failed] {
            let mut setup = Setup::new(engine);
            setup.sandbox.rules.window = window;
            let desk = Desk::open(setup).await;
            let message = desk.sent(&desk.message(ANN, "support")).await;
            let failed = reaches(&desk.tenant.admin, &message, "failed").await;
            assert_eq!(
                (&failed["error"]["code"], &failed["error"]["provider_code"]),
                (&json!("conversation_window_closed"), &json!(131_047)),
                "{window:?}: {failed}"
            );
            desk.close().await;
        }
    }
}
