//! Purposes: what each needs, and which are carried.

use gatepost_testkit::{Engines, Setup};

use crate::support::{ANN, BEN, Desk, refused};

fn quiet_world(engine: Engines) -> Setup {
    let mut setup = Setup::new(engine);
    setup.workers = false;
    setup
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_purpose_is_needed_and_only_some_are_carried() {
    for engine in Engines::available() {
        let desk = Desk::open(quiet_world(engine)).await;
        let mut without = desk.message(ANN, "support");
        without.as_object_mut().unwrap().remove("purpose");
        refused(&desk.send(&without).await, 422, "message_purpose_required");
        for purpose in ["marketing", "promotion", "cold_outreach", "bulk_campaign", "political", "unknown"] {
            refused(&desk.send(&desk.message(ANN, purpose)).await, 422, "message_purpose_not_allowed");
        }
        for purpose in ["transactional", "operational", "support", "internal_team"] {
            desk.sent(&desk.message(ANN, purpose)).await;
        }
        desk.close().await;
    }
}

/// The essential purpose is no way around a suppression.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn authentication_needs_a_template_of_that_category() {
    for engine in Engines::available() {
        let desk = Desk::open(quiet_world(engine)).await;
        desk.known_template("login_code", "AUTHENTICATION").await;
        desk.known_template("table_ready", "UTILITY").await;
        refused(&desk.send(&desk.message(ANN, "authentication")).await, 422, "message_purpose_not_allowed");
        for unfit in ["table_ready", "nobody_knows_it"] {
            let answer = desk.send(&desk.template(ANN, "authentication", unfit)).await;
            refused(&answer, 422, "message_purpose_not_allowed");
            assert!(
                answer.json()["detail"].as_str().unwrap().contains("AUTHENTICATION")
                    || unfit == "table_ready"
            );
        }
        desk.sent(&desk.template(ANN, "authentication", "login_code")).await;
        desk.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_marketing_template_is_not_sent_under_another_purpose() {
    for engine in Engines::available() {
        let desk = Desk::open(quiet_world(engine)).await;
        desk.known_template("autumn_sale", "MARKETING").await;
        for purpose in ["transactional", "operational", "support", "internal_team", "authentication"] {
            let answer = desk.send(&desk.template(ANN, purpose, "autumn_sale")).await;
            refused(&answer, 422, "message_purpose_not_allowed");
        }
        desk.close().await;
    }
}

/// What the operator opens for a plan goes to people who agreed, and to nobody else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_opened_purpose_needs_the_persons_opt_in() {
    for engine in Engines::available() {
        let desk = Desk::open(quiet_world(engine)).await;
        desk.plan(r#"{"purposes":["marketing"]}"#).await;
        desk.known_template("autumn_sale", "MARKETING").await;
        let sale = desk.template(ANN, "marketing", "autumn_sale");
        refused(&desk.send(&sale).await, 422, "consent_required");
        refused(&desk.send(&desk.message(ANN, "political")).await, 422, "message_purpose_not_allowed");
        // The person is known by the message that they got before.
        let known = desk.sent(&desk.message(ANN, "support")).await;
        let key = desk.sql_message(&known);
        let agreed = |purpose: i64| {
            format!(
                "INSERT INTO consent (workspace_id, id, person, party, purpose, source, given_at, recorded_at, actor) \
                 SELECT workspace_id, id, person, party, {purpose}, 'form', 0, 0, 'test' FROM message WHERE id = {key}"
            )
        };
        desk.world.as_superuser(&agreed(10)).await;
        refused(&desk.send(&sale).await, 422, "consent_required");
        desk.world.as_superuser("UPDATE consent SET purpose = 6").await;
        desk.sent(&sale).await;
        refused(&desk.send(&desk.template(BEN, "marketing", "autumn_sale")).await, 422, "consent_required");
        desk.world.as_superuser("UPDATE consent SET revoked_at = 1").await;
        refused(&desk.send(&sale).await, 422, "consent_required");
        desk.close().await;
    }
}
