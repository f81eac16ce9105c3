//! Verifications the other way round: the person sends the code.

use std::sync::atomic::{AtomicU32, Ordering};

use gatepost_core::Clock as _;
use gatepost_core::guard::{Plan, PlanName};
use gatepost_testkit::{Answer, Engines, World, eventually};
use serde_json::{Value, json};

use crate::canary::look;
use crate::support::{PERSON, Stage, events, path, text};

const OTHER: &str = "+12025550178";

/// Every message is one of its own.
static NUMBER: AtomicU32 = AtomicU32::new(0);

/// A message as Meta tells of it; `who` is merged into it, and names its writer.
fn written(stage: &Stage, who: &Value, words: &str) -> Value {
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let at = stage.world.clock.now().seconds();
    let mut message = json!({
        "id": format!("wamid.spoken.{number}"), "timestamp": at.to_string(),
        "type": "text", "text": {"body": words},
    });
    for (name, value) in who.as_object().unwrap() {
        message[name] = value.clone();
    }
    message
}

/// People write, all in one callback.
pub async fn write(stage: &Stage, messages: &[Value]) {
    let value = json!({
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "12025552001", "phone_number_id": stage.live.phone_number_id},
        "messages": messages,
    });
    let body = json!({"object": "whatsapp_business_account", "entry": [
        {"id": stage.live.waba_id, "changes": [{"field": "messages", "value": value}]},
    ]});
    stage.live.app.call(&stage.world, body.to_string().into_bytes()).await.expect(200);
    read(&stage.world).await;
}

async fn read(world: &World) {
    eventually("callbacks to be read", async || world.rows().await["envelope"].is_empty().then_some(()))
        .await;
}

pub async fn say(stage: &Stage, phone: &str, words: &str) {
    let who = json!({"from": phone.trim_start_matches('+')});
    write(stage, &[written(stage, &who, words)]).await;
}

async fn try_invite(stage: &Stage, mut ask: Value) -> Answer {
    ask["mode"] = json!("inbound");
    stage.live.admin.post("/v1/verifications", &ask).await
}

pub async fn invite(stage: &Stage, ask: Value) -> Value {
    try_invite(stage, ask).await.expect(201).json()
}

async fn status(stage: &Stage, verification: &Value) -> String {
    text(&stage.get(verification).await, "status").to_owned()
}

/// What the log of messages and events shows of what people wrote.
async fn shown(stage: &Stage) -> String {
    let messages = stage.live.admin.get("/v1/messages?limit=100").await.expect(200).text;
    let told: Vec<String> = events(&stage.live.admin).await.iter().map(Value::to_string).collect();
    format!("{messages}\n{}", told.join("\n"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_from_its_own_number_approves() {
    for engine in Engines::available() {
        let stage = Stage::bare(engine, crate::support::silent()).await;
        let metadata = json!({"session": "s_81", "n": 1.50});
        let begun = invite(&stage, json!({"to": PERSON, "metadata": metadata})).await;
        let code = text(&begun, "code").to_owned();
        assert_eq!((code.len(), text(&begun, "status"), text(&begun, "flow")), (6, "pending", "inbound"));
        assert_eq!(text(&begun, "message"), format!("LOGIN {code}"));
        assert_eq!(text(&begun, "receiver_phone"), "+12025552001");
        let link = format!("https://wa.me/12025552001?text=LOGIN%20{code}");
        assert_eq!(text(&begun, "wa_link"), link);
        assert!(begun["message_id"].is_null() && begun["template"].is_null());
        look(&stage, std::slice::from_ref(&code), "while it is good").await;
        let later = stage.get(&begun).await;
        assert!(later["code"].is_null() && later["message"].is_null() && later["wa_link"].is_null());

        let mut digits = String::new();
        digits
            .extend(code.chars().map(|c| char::from_u32(u32::from('٠') + c.to_digit(10).unwrap()).unwrap()));
        say(&stage, PERSON, &format!("Hello 👋 login: {digits} thank you")).await;
        let approved = stage.get(&begun).await;
        assert_eq!((text(&approved, "status"), text(&approved, "phone")), ("approved", PERSON));
        assert!(approved["verified_at"].is_string());
        assert_eq!(approved["metadata"], metadata);
        assert_eq!(stage.told(&begun).await, ["verification.created", "verification.approved"]);
        look(&stage, &[code.clone(), digits.clone()], "once it is spent").await;
        let log = shown(&stage).await;
        assert!(!log.contains(&code) && !log.contains(&digits), "{log}");
        assert!(log.contains("login: ••••••"), "the message itself is there");
        assert!(!log.contains("contact.opted_"));
        // It is good once, and nothing else is done with it.
        say(&stage, PERSON, &format!("LOGIN {code}")).await;
        assert_eq!(stage.told(&begun).await.len(), 2);
        assert_eq!(stage.check(&begun, &code).await.expect(409).code(), "verification_inbound");
        assert_eq!(stage.resend(&begun).await.status, 409);
        stage.stop().await;
    }
}

/// Whoever quotes a code while refusing it has not signed in; and who says STOP beside it has said STOP.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn words_beside_a_code_approve_nothing_and_are_heard() {
    for engine in Engines::available() {
        let stage = Stage::bare(engine, crate::support::silent()).await;
        let begun = invite(&stage, json!({"to": PERSON})).await;
        let code = text(&begun, "code").to_owned();
        for words in ["Do not LOGIN CODE", "Somebody asked me to send LOGIN CODE, is this a scam?"] {
            say(&stage, PERSON, &words.replace("CODE", &code)).await;
            assert_eq!(text(&stage.get(&begun).await, "status"), "pending", "{engine:?} {words}");
        }
        say(&stage, PERSON, &format!("I never asked for LOGIN {code}. Stop texting me")).await;
        assert_eq!(text(&stage.get(&begun).await, "status"), "pending");
        let log = shown(&stage).await;
        assert!(!log.contains(&code) && log.contains("Do not LOGIN ••••••"), "{log}");
        assert!(log.contains("contact.opted_out"), "{engine:?}: STOP is STOP");
        say(&stage, PERSON, &format!("LOGIN {code}")).await;
        assert_eq!(text(&stage.get(&begun).await, "status"), "approved");
        stage.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_that_is_bound_to_nobody_tells_whose_number_it_was() {
    for engine in Engines::available() {
        let stage = Stage::bare(engine, crate::support::silent()).await;
        let begun = invite(&stage, json!({})).await;
        assert_eq!(text(&begun, "code").len(), 8);
        assert!(begun["phone"].is_null());
        say(&stage, OTHER, text(&begun, "message")).await;
        let approved = stage.get(&begun).await;
        assert_eq!((text(&approved, "status"), text(&approved, "phone")), ("approved", OTHER));
        let told = stage.hears(&begun, "verification.approved").await;
        assert_eq!(told["data"]["verification"]["phone"], OTHER);
        stage.stop().await;
    }
}

/// Twenty people send the same code at once: it is good once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_many_one_is_approved() {
    for engine in Engines::available() {
        let stage = Stage::bare(engine, crate::support::silent()).await;
        let begun = invite(&stage, json!({})).await;
        let words = text(&begun, "message");
        let together: Vec<Value> =
            (0..10).map(|n| written(&stage, &json!({"from": format!("120255501{n:02}")}), words)).collect();
        let apart = (10..20).map(|n| {
            let message = written(&stage, &json!({"from": format!("120255501{n:02}")}), words);
            let stage = &stage;
            async move { write(stage, &[message]).await }
        });
        tokio::join!(write(&stage, &together), futures_util::future::join_all(apart));
        assert_eq!(status(&stage, &begun).await, "approved");
        let told = stage.told(&begun).await;
        assert_eq!(told.iter().filter(|told| *told == "verification.approved").count(), 1, "{told:?}");
        stage.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_number_changes_nothing_and_a_hidden_one_fails() {
    for engine in Engines::available() {
        let stage = Stage::bare(engine, crate::support::silent()).await;
        let begun = invite(&stage, json!({"to": PERSON})).await;
        say(&stage, OTHER, text(&begun, "message")).await;
        assert_eq!(status(&stage, &begun).await, "pending");
        assert!(!shown(&stage).await.contains(text(&begun, "code")), "it is good still, so nobody reads it");
        say(&stage, PERSON, text(&begun, "message")).await;
        assert_eq!(status(&stage, &begun).await, "approved");
        for ask in [json!({"to": PERSON}), json!({})] {
            let begun = invite(&stage, ask).await;
            let who = json!({"from_user_id": "US.13491208655302741918"});
            write(&stage, &[written(&stage, &who, text(&begun, "message"))]).await;
            let failed = stage.get(&begun).await;
            assert_eq!((text(&failed, "status"), text(&failed, "reason")), ("failed", "sender_hidden"));
            assert_eq!(stage.told(&begun).await, ["verification.created", "verification.failed"]);
            say(&stage, PERSON, text(&begun, "message")).await;
            assert_eq!(status(&stage, &begun).await, "failed");
        }
        stage.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_guesses_is_heard_no_more() {
    for engine in Engines::available() {
        let stage = Stage::bare(engine, crate::support::silent()).await;
        let begun = invite(&stage, json!({"ttl": 600})).await;
        let code = text(&begun, "code");
        for last in 0..5 {
            let wrong = format!("{}{last}", &code[..7]);
            let wrong = if wrong == code { format!("{}9", &code[..7]) } else { wrong };
            say(&stage, OTHER, &format!("LOGIN {wrong}")).await;
        }
        say(&stage, OTHER, text(&begun, "message")).await;
        assert_eq!(status(&stage, &begun).await, "pending", "not even with the right one");
        // What says no code is no guess, and others are heard.
        for _ in 0..6 {
            say(&stage, PERSON, "LOGIN please").await;
        }
        say(&stage, PERSON, text(&begun, "message")).await;
        assert_eq!(status(&stage, &begun).await, "approved");
        // And in time the guesser again.
        stage.advance(601);
        let begun = invite(&stage, json!({})).await;
        say(&stage, OTHER, text(&begun, "message")).await;
        assert_eq!(status(&stage, &begun).await, "approved");
        stage.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_ends_with_its_time_and_when_it_is_taken_back() {
    for engine in Engines::available() {
        let stage = Stage::bare(engine, crate::support::silent()).await;
        let late = invite(&stage, json!({"to": PERSON, "ttl": 60})).await;
        stage.advance(61);
        say(&stage, PERSON, text(&late, "message")).await;
        assert_eq!(status(&stage, &late).await, "expired");
        stage.hears(&late, "verification.expired").await;
        let unheard = invite(&stage, json!({"to": PERSON, "ttl": 60})).await;
        stage.advance(61);
        stage.hears(&unheard, "verification.expired").await;
        let back = invite(&stage, json!({"to": PERSON})).await;
        stage.live.admin.delete(&path(&back)).await.expect(200);
        say(&stage, PERSON, text(&back, "message")).await;
        assert_eq!(status(&stage, &back).await, "cancelled");
        // Their codes are free again.
        assert!(stage.world.rows().await["spoken_code"].is_empty());
        stage.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_success_counts_against_the_plan() {
    for engine in Engines::available() {
        let stage = Stage::bare(engine, crate::support::silent()).await;
        let plan = Plan::parse(&json!({"limits": {"workspace_day": 2}}).to_string()).unwrap();
        let name = PlanName::parse("small").unwrap();
        stage.world.app.plan_put(&stage.world.operator(), name.clone(), plan).await.unwrap();
        let workspace = stage.tenant.workspace;
        stage.world.app.workspace_plan_set(&stage.world.operator(), workspace, Some(name)).await.unwrap();
        let used = async || {
            let usage = stage.live.admin.get("/v1/usage").await.expect(200).json();
            usage["workspace"]["day"]["used"].as_i64().unwrap()
        };
        let begun = [
            invite(&stage, json!({"to": PERSON})).await,
            invite(&stage, json!({"to": PERSON})).await,
            invite(&stage, json!({"to": PERSON})).await,
        ];
        assert_eq!(used().await, 0, "nothing before it succeeds");
        for verification in &begun {
            say(&stage, PERSON, text(verification, "message")).await;
            assert_eq!(
                status(&stage, verification).await,
                "approved",
                "what was begun is approved, limit or not"
            );
        }
        assert_eq!(used().await, 3);
        let refused = try_invite(&stage, json!({"to": PERSON})).await.expect(429);
        assert_eq!(refused.code(), "quota_exceeded");
        assert!(refused.headers.contains_key("retry-after"));
        stage.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_is_asked_for_in_one_way() {
    let stage = Stage::bare(Engines::Sqlite, crate::support::silent()).await;
    for (name, value) in [
        ("code_length", json!(4)),
        ("max_attempts", json!(3)),
        ("template", json!("a")),
        ("text", json!("{code}")),
    ] {
        let mut ask = json!({"to": PERSON});
        ask[name] = value;
        let refused = try_invite(&stage, ask).await.expect(422).json();
        assert_eq!(refused["errors"][0]["pointer"], format!("/{name}"));
    }
    let missing = stage.live.admin.post("/v1/verifications", &json!({"mode": "outbound"})).await.expect(422);
    assert_eq!(missing.json()["errors"][0]["pointer"], "/to");
    let odd = stage.live.admin.post("/v1/verifications", &json!({"mode": "sideways", "to": PERSON})).await;
    assert_eq!(odd.expect(422).json()["errors"][0]["pointer"], "/mode");
    // The code is in the first answer and in no repetition of it.
    let ask = json!({"mode": "inbound", "to": PERSON});
    let once = [("idempotency-key", "sign-in-81")];
    let first =
        stage.live.admin.call("POST", "/v1/verifications", &once, Some(&ask)).await.expect(201).json();
    let again = stage.live.admin.call("POST", "/v1/verifications", &once, Some(&ask)).await.expect(201);
    assert_eq!(again.headers["idempotency-replayed"], "true");
    assert_eq!(again.json()["id"], first["id"]);
    assert!(first["code"].is_string() && again.json()["code"].is_null() && again.json()["wa_link"].is_null());
    look(&stage, &[text(&first, "code").to_owned()], "with its key").await;
    say(&stage, PERSON, text(&first, "message")).await;
    assert_eq!(status(&stage, &first).await, "approved");
    stage.stop().await;
}

/// The same digits, sent to another workspace's channel, are nobody's there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_code_is_good_on_its_own_channel_alone() {
    let stage = Stage::bare(Engines::Sqlite, crate::support::silent()).await;
    let begun = invite(&stage, json!({"to": PERSON})).await;
    let elsewhere = stage.world.tenant("Elsewhere").await;
    let theirs = stage.world.live(&stage.meta, elsewhere.workspace, 2).await;
    let neighbour = stage.world.live_channel(&stage.meta, stage.tenant.workspace, &stage.live.app, 3).await;
    for other in [&theirs, &neighbour] {
        let value = json!({
            "messaging_product": "whatsapp",
            "metadata": {"display_phone_number": "12025552002", "phone_number_id": other.phone_number_id},
            "messages": [written(&stage, &json!({"from": &PERSON[1..]}), text(&begun, "message"))],
        });
        let body = json!({"object": "whatsapp_business_account", "entry": [
            {"id": other.waba_id, "changes": [{"field": "messages", "value": value}]},
        ]});
        other.app.call(&stage.world, body.to_string().into_bytes()).await.expect(200);
        read(&stage.world).await;
        assert_eq!(status(&stage, &begun).await, "pending");
    }
    theirs.admin.get(&path(&begun)).await.expect(404);
    say(&stage, PERSON, text(&begun, "message")).await;
    assert_eq!(status(&stage, &begun).await, "approved");
    stage.stop().await;
}
