//! Own words for opting out and in.

use std::time::Duration;

use gatepost_core::optout::{Label, OwnKeyword};
use gatepost_testkit::Engines;
use serde_json::json;

use crate::support::{PERSON, Stage, setup, silent};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn own_words_bind_the_next_message() {
    for engine in Engines::available() {
        let meta = silent().await;
        let mut setup = setup(engine, &meta);
        setup.config.guard.keywords = vec![OwnKeyword::parse("zonk", Label::OptOut).unwrap()];
        let stage = Stage::with(setup, meta).await;
        let admin = &stage.live.admin;
        stage.says("+12025550141", "Zonk!").await;
        assert!(!stage.takes("+12025550141", "support").await, "{engine:?}: the operator's");
        stage.says(PERSON, "schnurz").await;
        assert!(stage.takes(PERSON, "support").await);
        let add = |label: &str, words: &[&str]| json!({"label": label, "keywords": words});
        let total = admin
            .post("/v1/guard/keywords", &add("opt_out", &["Schnurz", "schnurz", "basta cosi qui"]))
            .await;
        assert_eq!(total.expect(200).json()["total"], 2);
        stage.says(PERSON, "schnurz").await;
        assert!(!stage.takes(PERSON, "support").await, "{engine:?}: the workspace's");
        admin.post("/v1/guard/keywords", &add("opt_in", &["plings"])).await.expect(200);
        stage.world.clock.advance(Duration::from_secs(2));
        stage.says(PERSON, "plings").await;
        assert!(stage.takes(PERSON, "support").await);
        let list = admin.get("/v1/guard/keywords").await.expect(200).json();
        let schnurz =
            list["data"].as_array().unwrap().iter().find(|k| k["keyword"] == "Schnurz").unwrap().clone();
        admin.delete(&format!("/v1/guard/keywords/{}", schnurz["id"].as_str().unwrap())).await.expect(204);
        stage.says(PERSON, "schnurz").await;
        assert!(stage.takes(PERSON, "support").await, "{engine:?}: removed");
        for bad in [
            add("opt_out", &["ok"]),
            add("opt_out", &["!!"]),
            add("opt_in", &["STOP"]),
            add("review", &["x"]),
            add("opt_out", &[]),
        ] {
            assert_eq!(admin.post("/v1/guard/keywords", &bad).await.status, 422, "{bad}");
        }
        assert_eq!(stage.world.audited(Some(stage.tenant.workspace), "guard.settings_changed").await, 3);
        stage.settled().await;
        stage.stop().await;
    }
}
