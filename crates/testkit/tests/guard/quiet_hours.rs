//! Quiet hours, by the clock where the person lives.

use std::time::Duration;

use gatepost_core::guard::Zone;
use gatepost_core::{Clock as _, Timestamp};
use gatepost_testkit::{Engines, Setup};
use serde_json::{Value, json};

use crate::support::{ANN, Desk};

/// Quiet from an hour ago until an hour from now, in a zone.
fn around_now(desk: &Desk, zone: &str, purposes: &[&str]) -> Value {
    let minute = Zone::parse(zone).unwrap().minute_of_day(desk.world.clock.now());
    let clock = |minute: u16| format!("{:02}:{:02}", minute / 60 % 24, minute % 60);
    let (from, to) = (clock(minute + 24 * 60 - 60), clock(minute + 60));
    json!({"quiet_hours": {"from": from, "to": to, "purposes": purposes}})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn messages_wait_for_the_morning_where_the_person_lives() {
    for engine in Engines::available() {
        let desk = Desk::open(Setup::new(engine)).await;
        desk.set(&around_now(&desk, "America/New_York", &["operational", "transactional"])).await.expect(200);
        desk.known_template("login_code", "AUTHENTICATION").await;
        let waits = desk.sent(&desk.message(ANN, "operational")).await;
        // What has no quiet hours goes to the same person before it, and a code does.
        let goes = desk.sent(&desk.message(ANN, "support")).await;
        desk.reaches(&goes, "read").await;
        let code = desk.sent(&desk.template(ANN, "authentication", "login_code")).await;
        let tried = gatepost_testkit::eventually("the code to be tried", async || {
            let found = desk.read(&code).await;
            (found["state"] != "queued").then_some(found)
        });
        tried.await;
        // It is not night in Tokyo.
        let elsewhere = desk.sent(&desk.message("+81312345678", "operational")).await;
        desk.reaches(&elsewhere, "read").await;
        assert_eq!(desk.read(&waits).await["state"], "queued");
        let second = desk.sent(&desk.message(ANN, "operational")).await;
        desk.world.clock.advance(Duration::from_mins(61));
        let (first, second) = (desk.reaches(&waits, "read").await, desk.reaches(&second, "read").await);
        assert!(first["sent_at"].as_str() <= second["sent_at"].as_str(), "in the order in which they came");
        desk.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_time_to_live_ends_while_it_is_quiet() {
    for engine in Engines::available() {
        let desk = Desk::open(Setup::new(engine)).await;
        desk.set(&around_now(&desk, "America/New_York", &["operational"])).await.expect(200);
        let mut message = desk.message(ANN, "operational");
        message["ttl"] = json!(600);
        let waits = desk.sent(&message).await;
        assert_eq!(desk.used().await, 1);
        desk.world.clock.advance(Duration::from_secs(601));
        let over = desk.reaches(&waits, "expired").await;
        assert_eq!(over["error"]["code"], "message_expired");
        assert_eq!(desk.used().await, 0, "its unit is given back");
        desk.close().await;
    }
}

/// A BSUID tells no place: the workspace's own zone decides.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_without_a_number_live_where_the_workspace_does() {
    for engine in Engines::available() {
        let mut setup = Setup::new(engine);
        setup.workers = false;
        let desk = Desk::open(setup).await;
        desk.set(&around_now(&desk, "UTC", &["operational"])).await.expect(200);
        let message = desk.message("US.13491208655302741918", "operational");
        let waits = async || {
            let told = desk.tenant.admin.post("/v1/messages?dry_run=true", &message).await.expect(200).json();
            let until = told["not_before"].as_str().map(|at| Timestamp::parse(at).unwrap());
            until.map(|at| at.since(desk.world.clock.now()))
        };
        let wait = waits().await.unwrap();
        assert!(wait > Duration::from_mins(58) && wait <= Duration::from_hours(1), "{wait:?}");
        desk.world.as_superuser("UPDATE workspace SET time_zone = 'Asia/Tokyo'").await;
        assert_eq!(waits().await, None);
        desk.close().await;
    }
}
