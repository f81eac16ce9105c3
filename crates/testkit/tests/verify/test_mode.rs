//! Codes that mean something in test mode.

use gatepost_testkit::Engines;
use serde_json::{Value, json};

use crate::support::{Stage, check, text};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn test_codes_are_right_wrong_and_late() {
    for engine in Engines::available() {
        let stage = Stage::start(engine).await;
        let admin = &stage.tenant.admin;
        let channel = admin.post("/v1/channels", &json!({"name": "Trial", "type": "test"})).await;
        let channel = channel.expect(201).json();
        let begin = async |ask: Value| {
            let mut ask = ask;
            ask["to"] = json!("+12025550101");
            ask["channel_id"] = channel["id"].clone();
            admin.post("/v1/verifications", &ask).await.expect(201).json()
        };
        for (digits, right, wrong, late) in [
            (4, "4242", "0000", "1111"),
            (6, "424242", "000000", "111111"),
            (8, "42424242", "00000000", "11111111"),
        ] {
            let begun = begin(json!({"code_length": digits})).await;
            assert_eq!((text(&begun, "mode"), begun["template"].is_null()), ("test", true));
            let answer = check(admin, &begun, wrong).await.expect(422);
            assert_eq!(
                (answer.code().as_str(), &answer.json()["details"]["attempts_left"]),
                ("invalid_code", &json!(4))
            );
            check(admin, &begun, right).await.expect(200);
            assert_eq!(check(admin, &begun, right).await.expect(422).code(), "already_approved");
            let begun = begin(json!({"code_length": digits})).await;
            assert_eq!(check(admin, &begun, late).await.expect(422).code(), "expired");
            assert_eq!(check(admin, &begun, right).await.expect(422).code(), "expired");
        }
        let begun = begin(json!({})).await;
        for left in [4, 3, 2, 1] {
            assert_eq!(check(admin, &begun, "000000").await.json()["details"]["attempts_left"], left);
        }
        assert_eq!(check(admin, &begun, "000000").await.expect(422).code(), "blocked");
        assert_eq!(check(admin, &begun, "424242").await.expect(422).code(), "blocked");
        // In live mode they are codes like any other.
        let begun = stage.begin(json!({})).await;
        let code = stage.code(&begun).await;
        for trial in ["424242", "111111", "000000"].into_iter().filter(|trial| *trial != code) {
            assert_eq!(stage.check(&begun, trial).await.expect(422).code(), "invalid_code");
        }
        stage.check(&begun, &code).await.expect(200);
        stage.stop().await;
    }
}
