//! Another code takes the place of the one before.

use gatepost_testkit::Engines;
use serde_json::json;

use crate::support::Stage;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_last_code_is_good() {
    for engine in Engines::available() {
        let stage = Stage::start(engine).await;
        let begun = stage.begin(json!({"ttl": 600})).await;
        let first = stage.code(&begun).await;
        let early = stage.resend(&begun).await.expect(429);
        let wait = early.json()["retry_after"].as_u64().unwrap();
        assert!(early.code() == "resend_too_soon" && (15..=30).contains(&wait), "{}", early.text);
        assert_eq!(early.headers["retry-after"], wait.to_string());
        stage.advance(30);
        let again = stage.resend(&begun).await.expect(200).json();
        assert_ne!(again["message_id"], begun["message_id"]);
        assert_eq!((&again["resends"], &again["attempts_left"]), (&json!(1), &json!(5)));
        let second = stage.code(&again).await;
        if first != second {
            let wrong = stage.check(&begun, &first).await.expect(422);
            assert_eq!(
                (wrong.code().as_str(), &wrong.json()["details"]["attempts_left"]),
                ("invalid_code", &json!(4))
            );
            assert_eq!(stage.resend(&begun).await.expect(429).code(), "resend_too_soon");
            stage.advance(30);
            let third = stage.resend(&begun).await.expect(200).json();
            assert_eq!(third["attempts_left"], 4, "sending again gives no tries");
        }
        let last = stage.code(&stage.get(&begun).await).await;
        stage.check(&begun, &last).await.expect(200);
        assert_eq!(stage.resend(&begun).await.expect(409).code(), "verification_not_pending");
        stage.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn there_is_an_end_to_sending_again() {
    for engine in Engines::available() {
        let stage = Stage::start(engine).await;
        let begun = stage.begin(json!({})).await;
        for turn in 1..=5 {
            stage.advance(30);
            assert_eq!(stage.resend(&begun).await.expect(200).json()["resends"], turn);
        }
        stage.advance(30);
        assert_eq!(stage.resend(&begun).await.expect(409).code(), "resend_limit_reached");
        let last = stage.code(&stage.get(&begun).await).await;
        stage.check(&begun, &last).await.expect(200);
        stage.stop().await;
    }
}

/// Two who ask at once: one of them sends, and its code is the good one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn asking_twice_at_once_sends_once() {
    for engine in Engines::available() {
        let stage = Stage::start(engine).await;
        let begun = stage.begin(json!({})).await;
        stage.code(&begun).await;
        stage.advance(30);
        let answers = tokio::join!(stage.resend(&begun), stage.resend(&begun), stage.resend(&begun));
        let statuses = [answers.0.status, answers.1.status, answers.2.status];
        assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
        let now = stage.get(&begun).await;
        assert_eq!(now["resends"], 1);
        let code = stage.code(&now).await;
        stage.check(&begun, &code).await.expect(200);
        stage.stop().await;
    }
}
