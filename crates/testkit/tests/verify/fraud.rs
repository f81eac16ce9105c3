//! The rules that keep verifications from being misused, as customers meet them.

use std::time::Duration;

use gatepost_core::verification::fraud::FraudRules;
use gatepost_testkit::{Answer, Client, Engines, World, eventually};
use serde_json::{Value, json};

use crate::support::{PERSON, Stage, path, setup, talking, text};

/// Numbers of another range and another region.
const ELSEWHERE: &str = "+13105550177";

async fn set(admin: &Client, settings: Value) {
    let mut settings = settings;
    if settings["allowed_countries"].is_null() {
        settings["allowed_countries"] = json!(["US"]);
    }
    admin.call("PUT", "/v1/verifications/settings", &[], Some(&settings)).await.expect(200);
}

/// Refused by a rule; how long to wait.
#[track_caller]
fn refused(answer: &Answer, code: &str, rule: &str) -> u64 {
    let body = answer.json();
    assert_eq!((answer.code().as_str(), &body["details"]["rule"]), (code, &json!(rule)), "{}", answer.text);
    let Some(header) = answer.headers.get("retry-after") else {
        assert_eq!(answer.status, 422, "{}", answer.text);
        return 0;
    };
    assert_eq!(answer.status, 429, "{}", answer.text);
    let wait: u64 = header.to_str().unwrap().parse().unwrap();
    assert_eq!((&body["retry_after"], &body["details"]["retry_after"]), (&json!(wait), &json!(wait)));
    assert!(wait > 0);
    wait
}

/// The workspace's decisions, newest first.
async fn decisions(admin: &Client) -> Vec<Value> {
    let page = admin.get("/v1/policy-events?limit=100").await.expect(200).json();
    page["data"].as_array().unwrap().clone()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cool_downs_grow_with_every_code_and_end_with_an_approval() {
    for engine in Engines::available() {
        let stage = Stage::start(engine).await;
        let steps = json!({"cool_downs": [30, 60, 120, 300]});
        set(&stage.live.admin, steps).await;
        let ask = || json!({"to": PERSON, "ttl": 600});
        let first = stage.begin(ask()).await;
        // Another verification is no way around the wait.
        let wait = refused(&stage.try_begin(ask()).await, "verification_cool_down", "phone_cool_down");
        assert!((15..=30).contains(&wait), "{wait}");
        assert_eq!(stage.resend(&first).await.expect(429).code(), "resend_too_soon");
        stage.advance(wait);
        stage.resend(&first).await.expect(200);
        let wait = refused(&stage.try_begin(ask()).await, "verification_cool_down", "phone_cool_down");
        assert!((45..=60).contains(&wait), "{wait}");
        let told = stage.get(&first).await;
        assert!(told["resend_after"].is_string());
        stage.advance(wait);
        let third = stage.begin(ask()).await;
        let wait = refused(&stage.try_begin(ask()).await, "verification_cool_down", "phone_cool_down");
        assert!((100..=120).contains(&wait), "{wait}");
        // Somebody else is not concerned, and an approval ends it.
        stage.begin(json!({"to": ELSEWHERE})).await;
        let code = stage.code(&third).await;
        stage.check(&third, &code).await.expect(200);
        stage.begin(ask()).await;
        let wait = refused(&stage.try_begin(ask()).await, "verification_cool_down", "phone_cool_down");
        assert!(wait <= 30, "from the beginning: {wait}");
        stage.stop().await;
    }
}

/// However many ask at once, and of however many nodes: not one more than the limit.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn limits_are_exact_for_any_number_at_once() {
    for engine in Engines::available() {
        let stage = Stage::start(engine).await;
        let velocity = json!({"phone": {"per_hour": 5}, "workspace": {"per_day": 12}});
        set(&stage.live.admin, json!({"velocity": velocity, "cool_downs": []})).await;
        // Two nodes, where there can be two.
        let another: Option<World> = match engine {
            Engines::Postgres => Some(stage.world.another(setup(engine, &stage.meta)).await),
            Engines::Sqlite => None,
        };
        let nodes = [Some(&stage.world), another.as_ref()];
        let callers: Vec<Client> = nodes
            .into_iter()
            .flatten()
            .map(|world| world.nobody().with_key(Some(&stage.live.admin_key)))
            .collect();
        let mut asked = tokio::task::JoinSet::new();
        for number in 0..60 {
            let caller = callers[number % callers.len()].with_key(Some(&stage.live.admin_key));
            let to = ["+12025550170", "+12025550171", "+13105550172"][number % 3];
            let ask = json!({"to": to, "channel_id": stage.live.channel});
            asked.spawn(async move { (to, caller.post("/v1/verifications", &ask).await) });
        }
        let answers = asked.join_all().await;
        let made = |to: Option<&str>| {
            let made = answers.iter().filter(|(of, a)| a.status == 201 && to.is_none_or(|to| to == *of));
            made.count()
        };
        for to in ["+12025550170", "+12025550171", "+13105550172"] {
            assert!(made(Some(to)) <= 5, "{to}: {}", made(Some(to)));
        }
        assert_eq!(made(None), 12, "three times five, but for the workspace's limit");
        let rules = ["phone_velocity", "workspace_velocity"];
        for (_, answer) in answers.iter().filter(|(_, answer)| answer.status != 201) {
            assert_eq!(answer.code(), "verification_velocity", "{}", answer.text);
            assert!(rules.contains(&answer.json()["details"]["rule"].as_str().unwrap()));
        }
        if let Some(node) = another {
            node.stop().await;
        }
        stage.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_address_asks_for_few_numbers() {
    for engine in Engines::available() {
        let stage = Stage::start(engine).await;
        set(&stage.live.admin, json!({"velocity": {"client_ip": {"per_hour": 2}}, "cool_downs": []})).await;
        let from = async |to: &str, ip: &str| stage.try_begin(json!({"to": to, "client_ip": ip})).await;
        from("+12025550171", "2001:db8:1:2::1").await.expect(201);
        from("+13105550172", "2001:db8:1:2:ffff::2").await.expect(201);
        let third = from("+14155550173", "2001:db8:1:2::3").await;
        let wait = refused(&third, "verification_velocity", "client_ip_velocity");
        assert!((3_500..=3_660).contains(&wait), "{wait}");
        assert_eq!(
            (&third.json()["details"]["limit"], &third.json()["details"]["per"]),
            (&json!(2), &json!("hour"))
        );
        from("+14155550173", "2001:db8:1:3::3").await.expect(201);
        stage.begin(json!({"to": "+14155550174"})).await;
        stage.advance(wait);
        from("+14155550173", "2001:db8:1:2::3").await.expect(201);
        stage.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_range_gets_few_codes_an_hour() {
    for engine in Engines::available() {
        let stage = Stage::start(engine).await;
        set(&stage.live.admin, json!({"velocity": {"range": {"per_hour": 3}}, "cool_downs": []})).await;
        for number in 1..=3 {
            stage.begin(json!({"to": format!("+1202555117{number}")})).await;
        }
        let answer = stage.try_begin(json!({"to": "+12025551999"})).await;
        refused(&answer, "verification_velocity", "range_velocity");
        stage.begin(json!({"to": "+12025560177"})).await;
        stage.stop().await;
    }
}

/// So many verifications of a range that nobody approves.
async fn wasted(stage: &Stage, numbers: std::ops::Range<u32>, sent: bool) {
    let mut begun = Vec::new();
    for number in numbers {
        begun.push(stage.begin(json!({"to": format!("+1202555{number:04}"), "ttl": 60})).await);
    }
    for one in &begun {
        if sent {
            stage.hears(one, "verification.sent").await;
        } else {
            stage.sent(one).await;
        }
    }
    stage.advance(61);
    for one in &begun {
        stage.hears(one, "verification.expired").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_range_whose_codes_nobody_enters_is_blocked() {
    for engine in Engines::available() {
        let stage = Stage::bare(engine, talking()).await;
        stage.template("sign_in", "en_US", None).await;
        let pumping = json!({"tries": 4, "percent": 30, "block_minutes": [10, 30]});
        set(&stage.live.admin, json!({"pumping": pumping, "cool_downs": []})).await;
        wasted(&stage, 7_000..7_003, true).await;
        stage.begin(json!({"to": "+12025557000", "ttl": 60})).await;
        wasted(&stage, 7_003..7_004, true).await;
        let answer = stage.try_begin(json!({"to": "+12025557999"})).await;
        let wait = refused(&answer, "verification_pumping", "range_pumping");
        assert!((1..=600).contains(&wait), "{wait}");
        assert_eq!(answer.json()["details"]["country"], "US");
        // The next range, and people elsewhere, sign in meanwhile.
        let other = stage.begin(json!({"to": "+12025560001"})).await;
        let code = stage.code(&other).await;
        stage.check(&other, &code).await.expect(200);
        let blocks: Vec<Value> = decisions(&stage.live.admin).await;
        let begun = blocks.iter().find(|one| one["actor"] == "system:guard").unwrap();
        assert_eq!(
            (&begun["decision"], &begun["code"], &begun["rule"]),
            (&json!("block"), &json!("verification_pumping"), &json!("range_pumping"))
        );
        assert!(begun["details"]["blocked_until"].is_string());
        // Afterwards a few are let through, and the second block is longer.
        stage.advance(600);
        wasted(&stage, 7_010..7_013, true).await;
        let answer = stage.try_begin(json!({"to": "+12025557020"})).await;
        let wait = refused(&answer, "verification_pumping", "range_pumping");
        assert!((1_700..=1_800).contains(&wait), "{wait}");
        set(&stage.live.admin, json!({"pumping": {"enabled": false}, "cool_downs": []})).await;
        stage.begin(json!({"to": "+12025557020"})).await;
        stage.stop().await;
    }
}

/// What never left says nothing of its range: not the fault of whoever waited for it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_range_is_not_blocked_for_our_own_faults() {
    for engine in Engines::available() {
        // This Meta tells nothing of sends.
        let stage = Stage::start(engine).await;
        let pumping = json!({"tries": 3, "percent": 50});
        set(&stage.live.admin, json!({"pumping": pumping, "cool_downs": []})).await;
        wasted(&stage, 7_000..7_006, false).await;
        stage.begin(json!({"to": "+12025557999"})).await;
        stage.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn codes_go_to_countries_that_are_named_or_known() {
    for engine in Engines::available() {
        let stage = Stage::start(engine).await;
        let fresh = json!({"allowed_countries": [], "cool_downs": []});
        set(&stage.live.admin, fresh.clone()).await;
        let answer = stage.try_begin(json!({})).await;
        refused(&answer, "country_not_allowed", "country");
        assert_eq!(answer.json()["details"]["country"], "US");
        let free = stage.try_begin(json!({"to": "+18005550123"})).await;
        refused(&free, "country_not_allowed", "country");
        assert_eq!(free.json()["details"]["country"], json!(null));
        // In test mode nobody is written to.
        let channel = json!({"type": "test", "name": "Desk"});
        stage.tenant.admin.post("/v1/channels", &channel).await.expect(201);
        let tried = json!({"to": "+4915112345678", "text": "{code}"});
        let tried = stage.tenant.admin.post("/v1/verifications", &tried).await.expect(201).json();
        assert_eq!(tried["country"], "DE");
        let code = json!({"code": "424242"});
        stage.tenant.admin.post(&format!("{}/check", path(&tried)), &code).await.expect(200);
        assert_eq!(
            stage.try_begin(json!({"to": "+4915112345678"})).await.code(),
            "country_not_allowed",
            "what is verified in test mode opens nothing"
        );
        // Named, and then known by an approval.
        set(&stage.live.admin, json!({"cool_downs": []})).await;
        let begun = stage.begin(json!({})).await;
        assert_eq!(begun["country"], "US");
        let code = stage.code(&begun).await;
        stage.check(&begun, &code).await.expect(200);
        set(&stage.live.admin, fresh).await;
        stage.begin(json!({})).await;
        let known = stage.live.admin.get("/v1/verifications/countries").await.expect(200).json();
        assert_eq!(known["data"].as_array().unwrap().len(), 1);
        assert_eq!(
            (&known["data"][0]["country"], &known["data"][0]["allowed"]),
            (&json!("US"), &json!(true))
        );
        assert!(known["data"][0]["verified_at"].is_string());
        // Shut out all the same.
        let shut = json!({"allowed_countries": [], "blocked_countries": ["US"], "cool_downs": []});
        set(&stage.live.admin, shut).await;
        refused(&stage.try_begin(json!({})).await, "country_not_allowed", "country");
        // Another workspace knows nothing of it.
        let other = stage.world.tenant("Other Ltd").await;
        let live = stage.world.live(&stage.meta, other.workspace, 2).await;
        let known = live.admin.get("/v1/verifications/countries").await.expect(200).json();
        assert_eq!(known["data"], json!([]));
        stage.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_suppressed_person_is_verified_within_the_limits() {
    for engine in Engines::available() {
        let stage = Stage::start(engine).await;
        set(&stage.live.admin, json!({"velocity": {"phone": {"per_hour": 1}}})).await;
        let suppress = json!({"to": PERSON, "reason": "asked by phone"});
        stage.live.admin.post("/v1/suppressions", &suppress).await.expect(201);
        let begun = stage.begin(json!({})).await;
        let code = stage.code(&begun).await;
        stage.check(&begun, &code).await.expect(200);
        refused(&stage.try_begin(json!({})).await, "verification_velocity", "phone_velocity");
        stage.stop().await;
    }
}

/// What was tried out counts nothing where people are written to, nor in another workspace.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn modes_and_workspaces_are_counted_apart() {
    for engine in Engines::available() {
        let stage = Stage::start(engine).await;
        set(&stage.live.admin, json!({"velocity": {"phone": {"per_hour": 1}}, "cool_downs": []})).await;
        let channel = json!({"type": "test", "name": "Desk"});
        stage.tenant.admin.post("/v1/channels", &channel).await.expect(201);
        let ask = json!({"to": PERSON, "text": "{code}"});
        stage.tenant.admin.post("/v1/verifications", &ask).await.expect(201);
        let again = stage.tenant.admin.post("/v1/verifications", &ask).await;
        refused(&again, "verification_velocity", "phone_velocity");
        stage.begin(json!({})).await;
        refused(&stage.try_begin(json!({})).await, "verification_velocity", "phone_velocity");
        let other = stage.world.tenant("Other Ltd").await;
        other.admin.post("/v1/channels", &channel).await.expect(201);
        for _ in 0..3 {
            other.admin.post("/v1/verifications", &ask).await.expect(201);
        }
        stage.stop().await;
    }
}

/// The usual rules, as a workspace has them that set nothing.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_usual_rules_hold_where_nothing_is_set() {
    for engine in Engines::available() {
        let meta = gatepost_testkit::sandbox(talking()).await;
        let mut setup = setup(engine, &meta);
        setup.config.guard.verification_rules = FraudRules::default();
        let world = World::start(setup).await;
        let tenant = world.tenant("Example Ltd").await;
        tenant.admin.post("/v1/channels", &json!({"type": "test", "name": "Desk"})).await.expect(201);
        let settings = tenant.admin.get("/v1/verifications/settings").await.expect(200).json();
        assert_eq!(settings["cool_downs"], json!([30, 60, 120, 300, 600, 1_800, 3_600]));
        assert_eq!(settings["velocity"]["phone"], json!({"per_hour": 8, "per_day": 20}));
        let ask = json!({"to": PERSON, "text": "{code}"});
        let mut waits = Vec::new();
        for _ in 0..5 {
            tenant.admin.post("/v1/verifications", &ask).await.expect(201);
            let answer = tenant.admin.post("/v1/verifications", &ask).await;
            let wait = refused(&answer, "verification_cool_down", "phone_cool_down");
            waits.push(wait);
            world.clock.advance(Duration::from_secs(wait));
        }
        let grown = [30, 60, 120, 300, 600];
        let near = |(wait, step): (&u64, u64)| *wait <= step && *wait + 15 >= step;
        assert!(waits.iter().zip(grown).all(near), "{waits:?}");
        world.stop().await;
        meta.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_refusal_is_written_down_and_tells_nothing_of_the_number() {
    for engine in Engines::available() {
        let stage = Stage::start(engine).await;
        let receiver = gatepost_testkit::Receiver::start().await;
        let endpoint = json!({"url": receiver.url});
        stage.live.admin.post("/v1/webhook-endpoints", &endpoint).await.expect(201);
        set(&stage.live.admin, json!({"cool_downs": [30]})).await;
        stage.begin(json!({})).await;
        stage.try_begin(json!({})).await.expect(429);
        set(&stage.live.admin, json!({"velocity": {"phone": {"per_hour": 1}}, "cool_downs": []})).await;
        stage.try_begin(json!({})).await.expect(429);
        stage.try_begin(json!({"to": "+4915112345678"})).await.expect(422);
        let told = decisions(&stage.live.admin).await;
        let rules: Vec<&str> = told.iter().map(|one| text(one, "rule")).collect();
        assert_eq!(rules, ["country", "phone_velocity", "phone_cool_down"], "newest first");
        let codes: Vec<&str> = told.iter().map(|one| text(one, "code")).collect();
        assert_eq!(codes, ["country_not_allowed", "verification_velocity", "verification_cool_down"]);
        for one in &told {
            assert_eq!((&one["decision"], &one["purpose"]), (&json!("block"), &json!("authentication")));
            assert!(text(one, "actor").starts_with("key_"));
        }
        let news = eventually("webhooks of all", async || {
            let news = receiver.of_type("policy.blocked");
            (news.len() == 3).then_some(news)
        })
        .await;
        let rows = stage.world.rows_of(stage.tenant.workspace).await;
        let news: Vec<String> = news.iter().map(|one| one.json().to_string()).collect();
        for row in rows["policy_event"].iter().chain(&rows["verification_counter"]).chain(&news) {
            for digits in ["2025550177", "202555", "15112345678"] {
                assert!(!row.contains(digits), "{row}");
            }
        }
        assert!(!rows["verification_counter"].is_empty());
        stage.stop().await;
    }
}

/// What nobody asked of for two weeks is forgotten.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn counts_are_forgotten() {
    for engine in Engines::available() {
        let stage = Stage::start(engine).await;
        set(&stage.live.admin, json!({"cool_downs": []})).await;
        stage.begin(json!({})).await;
        let counters = async || {
            let rows = stage.world.rows_of(stage.tenant.workspace).await;
            (rows["verification_counter"].len(), rows["verification_stat"].len())
        };
        assert_eq!(counters().await, (4, 1));
        stage.world.app.retain().await.unwrap();
        assert_eq!(counters().await, (4, 1));
        stage.world.clock.advance(Duration::from_hours(16 * 24));
        stage.world.app.retain().await.unwrap();
        assert_eq!(counters().await, (0, 1));
        stage.world.clock.advance(Duration::from_hours(400 * 24));
        stage.world.app.retain().await.unwrap();
        assert_eq!(counters().await, (0, 0));
        stage.stop().await;
    }
}
