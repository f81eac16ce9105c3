//! What the clock decides.

use gatepost_testkit::{Engines, eventually};
use serde_json::json;

use crate::support::{Stage, other};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_is_good_until_its_time_is_over() {
    for engine in Engines::available() {
        let stage = Stage::start(engine).await;
        let (in_time, late, idle) = (
            stage.begin(json!({"ttl": 120})).await,
            stage.begin(json!({"ttl": 120, "to": "+12025550178"})).await,
            stage.begin(json!({"ttl": 120, "to": "+12025550179"})).await,
        );
        let codes = [stage.code(&in_time).await, stage.code(&late).await, stage.code(&idle).await];
        stage.advance(60);
        stage.check(&in_time, &codes[0]).await.expect(200);
        stage.advance(60);
        // Whoever comes first, the check or the job: the code is not compared any more.
        let answer = stage.check(&late, &codes[1]).await.expect(422);
        assert_eq!(answer.code(), "expired");
        assert_eq!(answer.json()["details"], json!({"state": "expired", "attempts_left": 0}));
        assert_eq!(stage.get(&idle).await["status"], "expired", "nobody had to look at it for that");
        for expired in [&late, &idle] {
            stage.hears(expired, "verification.expired").await;
            assert_eq!(stage.told(expired).await, ["verification.created", "verification.expired"]);
            assert_eq!(stage.get(expired).await["status"], "expired");
        }
        assert_eq!(stage.check(&idle, &codes[2]).await.expect(422).code(), "expired");
        assert_eq!(stage.get(&in_time).await["status"], "approved");
        let start = std::time::Instant::now();
        eventually("all work to be done", async || {
            let left = stage.world.work_left().await;
            assert!(left == 0 || start.elapsed().as_secs() < 20, "{:?}", stage.world.rows().await["job"]);
            (left == 0).then_some(())
        })
        .await;
        for expired in [&late, &idle] {
            assert_eq!(stage.told(expired).await.len(), 2, "told once");
        }
        stage.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sending_again_begins_the_time_anew() {
    for engine in Engines::available() {
        let stage = Stage::start(engine).await;
        let begun = stage.begin(json!({"ttl": 120})).await;
        let first = stage.code(&begun).await;
        stage.check(&begun, &other(&first)).await.expect(422);
        stage.advance(90);
        let again = stage.resend(&begun).await.expect(200).json();
        let second = stage.code(&again).await;
        stage.advance(60);
        // The job that came at the end of the first code's time finds more of it.
        assert_eq!(stage.get(&begun).await["status"], "pending");
        stage.check(&again, &second).await.expect(200);
        assert_eq!(stage.told(&begun).await, ["verification.created", "verification.approved"]);
        let begun = stage.begin(json!({"ttl": 60, "to": "+12025550178"})).await;
        stage.advance(30);
        stage.resend(&begun).await.expect(200);
        stage.advance(60);
        stage.hears(&begun, "verification.expired").await;
        stage.stop().await;
    }
}
