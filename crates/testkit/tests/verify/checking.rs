//! The right code approves once; wrong ones cost tries.

use gatepost_testkit::Engines;
use serde_json::{Value, json};

use crate::support::{Stage, check, other};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_right_code_approves_once() {
    for engine in Engines::available() {
        let stage = Stage::start(engine).await;
        let ask = json!({"metadata": {"session": "s_81", "deep": [1, {"two": null}]}, "intent": "sign_in"});
        let begun = stage.begin(ask.clone()).await;
        assert_eq!(
            (&begun["status"], &begun["attempts_left"], &begun["code_length"], &begun["template"]),
            (&json!("pending"), &json!(5), &json!(6), &json!("sign_in"))
        );
        assert_eq!((&begun["metadata"], &begun["intent"]), (&ask["metadata"], &ask["intent"]));
        let code = stage.code(&begun).await;
        assert_eq!(code.len(), 6);
        let approved =
            stage.check(&begun, &format!(" {} {} ", &code[..3], &code[3..])).await.expect(200).json();
        assert_eq!((&approved["status"], &approved["metadata"]), (&json!("approved"), &ask["metadata"]));
        assert_eq!(approved["phone"], "+12025550177");
        assert!(approved["verified_at"].is_string(), "{approved}");
        let again = stage.check(&begun, &code).await.expect(422);
        assert_eq!(again.code(), "already_approved");
        assert_eq!(again.json()["details"], json!({"state": "approved", "attempts_left": 0}));
        assert_eq!(stage.get(&begun).await, approved);
        assert_eq!(stage.told(&begun).await, ["verification.created", "verification.approved"]);
        let told = stage.hears(&begun, "verification.approved").await;
        assert_eq!(told["data"]["verification"]["metadata"], ask["metadata"]);
        assert_eq!(told["data"]["verification"]["verified_at"], approved["verified_at"]);
        stage.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_wrong_codes_block_for_good() {
    for engine in Engines::available() {
        let stage = Stage::start(engine).await;
        let begun = stage.begin(json!({})).await;
        let code = stage.code(&begun).await;
        for shape in ["", "12", "12345a", "123456789"] {
            assert_eq!(stage.check(&begun, shape).await.expect(422).code(), "invalid_field", "{shape:?}");
        }
        for left in (1..5).rev() {
            let wrong = stage.check(&begun, &other(&code)).await.expect(422);
            assert_eq!(wrong.code(), "invalid_code");
            assert_eq!(wrong.json()["details"], json!({"state": "pending", "attempts_left": left}));
            assert_eq!(stage.get(&begun).await["attempts_left"], left);
        }
        for code in [other(&code), code.clone(), code] {
            let blocked = stage.check(&begun, &code).await.expect(422);
            assert_eq!(blocked.code(), "blocked");
            assert_eq!(blocked.json()["details"], json!({"state": "blocked", "attempts_left": 0}));
        }
        assert_eq!(stage.get(&begun).await["status"], "blocked");
        assert_eq!(stage.told(&begun).await, ["verification.created", "verification.blocked"]);
        // Fewer tries where fewer were asked for, and a code of another length.
        let begun = stage.begin(json!({"max_attempts": 1, "code_length": 8})).await;
        let code = stage.code(&begun).await;
        assert_eq!(code.len(), 8);
        assert_eq!(stage.check(&begun, &other(&code)).await.expect(422).code(), "blocked");
        // A code of one verification is none of another's.
        let (one, two) = (stage.begin(json!({})).await, stage.begin(json!({"to": "+12025550178"})).await);
        let code = stage.code(&one).await;
        if stage.code(&two).await != code {
            assert_eq!(stage.check(&two, &code).await.expect(422).code(), "invalid_code");
        }
        stage.check(&one, &code).await.expect(200);
        stage.stop().await;
    }
}

/// P2: fifty right codes at once, on as many nodes as the engine lets there be: one approves.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn fifty_right_codes_at_once_approve_once() {
    for engine in Engines::available() {
        let stage = Stage::start(engine).await;
        let second = match engine {
            Engines::Sqlite => None,
            Engines::Postgres => Some(stage.world.another(crate::support::setup(engine, &stage.meta)).await),
        };
        for _ in 0..3 {
            let begun = stage.begin(json!({})).await;
            let code = stage.code(&begun).await;
            let mut tries = tokio::task::JoinSet::new();
            for number in 0..50 {
                let node = second.as_ref().filter(|_| number % 2 == 0).unwrap_or(&stage.world);
                let caller = node.nobody().with_key(stage.live.admin.key());
                let (begun, code) = (begun.clone(), code.clone());
                tries.spawn(async move {
                    let answer = check(&caller, &begun, &code).await;
                    (answer.status, if answer.status == 200 { String::new() } else { answer.code() })
                });
            }
            let answers = tries.join_all().await;
            let of = |status, code: &str| answers.iter().filter(|a| **a == (status, code.to_owned())).count();
            assert_eq!((of(200, ""), of(422, "already_approved")), (1, 49), "{engine:?}: {answers:?}");
            assert_eq!(stage.told(&begun).await, ["verification.created", "verification.approved"]);
        }
        if let Some(second) = second {
            second.stop().await;
        }
        stage.stop().await;
    }
}

/// A right code among wrong ones at once: either it was among the first five, or everything is blocked.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tries_at_once_never_share_a_count() {
    for engine in Engines::available() {
        let stage = Stage::start(engine).await;
        for round in 0..5 {
            let begun = stage.begin(json!({"to": format!("+1202555018{round}")})).await;
            let code = stage.code(&begun).await;
            let mut tries = tokio::task::JoinSet::new();
            for number in 0..20 {
                let caller = stage.world.nobody().with_key(stage.live.admin.key());
                let code = if number == 4 + round { code.clone() } else { other(&code) };
                let begun = begun.clone();
                tries.spawn(async move { check(&caller, &begun, &code).await });
            }
            let answers = tries.join_all().await;
            let approved = answers.iter().filter(|answer| answer.status == 200).count();
            let refused = |code: &str| {
                answers.iter().filter(|answer| answer.status == 422 && answer.code() == code).count()
            };
            let end: Value = stage.get(&begun).await;
            match approved {
                0 => assert_eq!(
                    (refused("invalid_code"), refused("blocked"), &end["status"]),
                    (4, 16, &json!("blocked"))
                ),
                1 => {
                    assert!(
                        refused("invalid_code") <= 4 && refused("blocked") == 0,
                        "{answers:?}",
                        answers = answers.len()
                    );
                    assert_eq!(end["status"], "approved");
                }
                more => assert!(more < 2, "{more} approvals"),
            }
        }
        stage.stop().await;
    }
}
