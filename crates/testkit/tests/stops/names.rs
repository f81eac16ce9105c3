//! A person who is suppressed is so under every name they are known by.

use gatepost_testkit::Engines;
use serde_json::json;

use crate::support::{PERSON, Stage};

const BSUID: &str = "US.13491208655302741918";
const OTHER: &str = "US.99991208655302741918";
const NEW_PHONE: &str = "+12025550199";

fn text(words: &str) -> serde_json::Value {
    json!({"type": "text", "text": {"body": words}})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_names_are_covered_whenever_they_are_learned() {
    for engine in Engines::available() {
        let stage = Stage::start(engine).await;
        // Known by both, said under one.
        stage.tell(&[stage.said(Some(PERSON), Some(BSUID), stage.now(), text("hello"))]).await;
        stage.tell(&[stage.said(None, Some(BSUID), stage.now(), text("STOP"))]).await;
        assert!(!stage.takes(PERSON, "support").await && !stage.takes(BSUID, "support").await, "{engine:?}");
        // Suppressed by hand before anybody wrote, and the second name comes with the first word.
        let (phone, bsuid) = ("+12025550142", "DE.17");
        stage.live.admin.post("/v1/suppressions", &json!({"to": phone})).await.expect(201);
        assert!(stage.takes(bsuid, "support").await);
        stage.tell(&[stage.said(Some(phone), Some(bsuid), stage.now(), text("hi"))]).await;
        assert!(!stage.takes(bsuid, "support").await, "{engine:?}: learned later");
        stage.settled().await;
        stage.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_number_of_the_same_person_and_an_old_one_of_another() {
    for engine in Engines::available() {
        let stage = Stage::start(engine).await;
        stage.tell(&[stage.said(Some(PERSON), Some(BSUID), stage.now(), text("STOP"))]).await;
        let moved = json!({"type": "system", "system": {
            "type": "user_changed_number", "body": "changed", "wa_id": NEW_PHONE.trim_start_matches('+'),
        }});
        stage.tell(&[stage.said(Some(PERSON), Some(BSUID), stage.now(), moved)]).await;
        assert!(!stage.takes(NEW_PHONE, "support").await, "{engine:?}: the person's new number");
        // Somebody else has the old number now: they did not ask for anything.
        stage.tell(&[stage.said(Some(PERSON), Some(OTHER), stage.now(), text("hello"))]).await;
        assert!(stage.takes(OTHER, "support").await, "{engine:?}: another person");
        stage.settled().await;
        stage.stop().await;
    }
}
