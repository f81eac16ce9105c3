//! Trying every code there is.

use gatepost_core::access::permission::VerificationCheck;
use gatepost_core::verification::VerificationCode;
use gatepost_testkit::Engines;
use serde_json::json;

use crate::support::{Stage, text};

/// All 10,000 codes of four digits, many at a time: at most five are compared, whether or not the right one is among them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_guesses_are_five_tries() {
    for engine in Engines::available() {
        let stage = Stage::start(engine).await;
        let begun = stage.begin(json!({"code_length": 4})).await;
        let right = stage.code(&begun).await;
        let id = text(&begun, "id").parse().unwrap();
        let key = stage.live.admin.key().unwrap().to_owned();
        let principal = stage.world.app.principal_of_key(&key, None).await.unwrap();
        let grant = principal.grant::<VerificationCheck>().unwrap();
        // The right one is tried last of all, and again when everything is over.
        let guesses: Vec<String> = (0..10_000).map(|n| format!("{n:04}")).filter(|n| *n != right).collect();
        let mut tries = tokio::task::JoinSet::new();
        for part in guesses.chunks(guesses.len().div_ceil(32)) {
            let (app, grant, part) = (stage.world.app.clone(), grant.clone(), part.to_vec());
            tries.spawn(async move {
                let mut compared = 0;
                for guess in part {
                    let code = VerificationCode::parse(&guess).ok().unwrap();
                    let error = app.verification_check(&grant, id, code).await.err().unwrap();
                    match error.code().as_str() {
                        "invalid_code" => compared += 1,
                        "blocked" => {}
                        other => panic!("{other}"),
                    }
                }
                compared
            });
        }
        let compared: i32 = tries.join_all().await.into_iter().sum();
        assert_eq!(compared, 4, "four wrong, the fifth blocked it: {engine:?}");
        let code = VerificationCode::parse(&right).ok().unwrap();
        let error = stage.world.app.verification_check(&grant, id, code).await.err().unwrap();
        assert_eq!(error.code().as_str(), "blocked");
        let row = stage.world.rows_of(stage.tenant.workspace).await["verification"].concat();
        assert!(!row.is_empty());
        assert_eq!(stage.told(&begun).await, ["verification.created", "verification.blocked"]);
        stage.stop().await;
    }
}
