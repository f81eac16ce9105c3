//! Purposes: what each needs, and which are carried.

use gatepost_testkit::{Engines, Setup};
use serde_json::json;

use crate::support::{ANN, BEN, Desk, id, refused};

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
        let admin = &desk.tenant.admin;
        let agrees = async |purpose: &str| {
            let record = json!({"to": ANN, "purpose": purpose, "source": "form"});
            format!("/v1/consents/{}", id(&admin.post("/v1/consents", &record).await.expect(201).json()))
        };
        agrees("promotion").await;
        refused(&desk.send(&sale).await, 422, "consent_required");
        let agreed = agrees("marketing").await;
        desk.sent(&sale).await;
        refused(&desk.send(&desk.template(BEN, "marketing", "autumn_sale")).await, 422, "consent_required");
        admin.call("DELETE", &agreed, &[], Some(&json!({"reason": "By letter"}))).await.expect(200);
        refused(&desk.send(&sale).await, 422, "consent_required");
        desk.close().await;
    }
}
