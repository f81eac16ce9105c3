//! The numbers of verifications, held against the verifications themselves and their events.

use std::collections::{BTreeMap, BTreeSet};

use gatepost_core::access::Scope;
use gatepost_core::channel::Mode;
use gatepost_testkit::{Client, Engines, eventually};
use serde_json::{Value, json};

use crate::support::{Stage, events, other, talking, text};

const STEPS: [&str; 9] =
    ["created", "sent", "delivered", "approved", "expired", "blocked", "failed", "cancelled", "refused"];

async fn stats(caller: &Client, query: &str) -> Value {
    caller.get(&format!("/v1/verifications/stats?{query}")).await.expect(200).json()
}

fn counts(funnel: &Value) -> [i64; 9] {
    STEPS.map(|step| funnel[step].as_i64().unwrap())
}

/// Every verification there is.
async fn all(caller: &Client) -> Vec<Value> {
    let (mut all, mut after) = (Vec::new(), String::new());
    loop {
        let page = caller.get(&format!("/v1/verifications?limit=100{after}")).await.expect(200).json();
        all.extend(page["data"].as_array().unwrap().iter().cloned());
        let Some(next) = page["next_cursor"].as_str() else { return all };
        after = format!("&after={next}");
    }
}

/// What the numbers must be, by a key of each verification: counted from the verifications and the event log.
async fn counted(caller: &Client, key: impl Fn(&Value) -> Value) -> BTreeMap<String, [i64; 9]> {
    let mut told: BTreeSet<(String, String)> = BTreeSet::new();
    for event in events(caller).await {
        if let Some(id) = event["data"]["verification"]["id"].as_str() {
            told.insert((id.to_owned(), text(&event, "type").replace("verification.", "")));
        }
    }
    let mut found: BTreeMap<String, [i64; 9]> = BTreeMap::new();
    for verification in all(caller).await {
        let row = found.entry(key(&verification).to_string()).or_default();
        let id = text(&verification, "id").to_owned();
        let is = |step: &str| told.contains(&(id.clone(), step.to_owned()));
        for (place, step) in STEPS.into_iter().enumerate() {
            row[place] += i64::from(match step {
                "created" => true,
                // Meta may tell of the second alone.
                "sent" => is("sent") || is("delivered"),
                "delivered" => is("delivered"),
                "refused" => false,
                end => verification["status"] == end,
            });
        }
    }
    found
}

/// Waits until all are over, and those whose time ran out are marked so: by the clock alone they are before.
async fn over(stage: &Stage) {
    eventually("all to be over", async || {
        let events = events(&stage.live.admin).await;
        let told = |one: &Value| {
            let told = |event: &&Value| event["data"]["verification"]["id"] == one["id"];
            events.iter().filter(told).any(|event| event["type"] == "verification.expired")
        };
        let done = |one: &Value| one["status"] != "pending" && (one["status"] != "expired" || told(one));
        all(&stage.live.admin).await.iter().all(done).then_some(())
    })
    .await;
}

fn shown(answer: &Value) -> BTreeMap<String, [i64; 9]> {
    let parts = answer["data"].as_array().unwrap();
    parts.iter().map(|part| (part["key"].to_string(), counts(part))).collect()
}

/// Every end that a verification can have, several times over and at once.
async fn lives(stage: &Stage) {
    let mut asked = tokio::task::JoinSet::new();
    for number in 0..24_u32 {
        let caller = stage.live.admin.with_key(Some(&stage.live.admin_key));
        let to = match number % 3 {
            0 => format!("+1202555{:04}", 3_000 + number),
            1 => format!("+49151123456{number:02}"),
            _ => format!("+43664123456{number:02}"),
        };
        let template = if number % 2 == 0 { "sign_in" } else { "pay" };
        let ask = json!({"to": to, "template": template, "ttl": 600});
        asked.spawn(async move { caller.post("/v1/verifications", &ask).await.expect(201).json() });
    }
    let begun = asked.join_all().await;
    for one in &begun {
        stage.hears(one, "verification.delivered").await;
    }
    for (number, one) in begun.iter().enumerate() {
        let code = stage.code(one).await;
        match number % 6 {
            0 | 1 => drop(stage.check(one, &code).await.expect(200)),
            2 => {
                for _ in 0..5 {
                    stage.check(one, &other(&code)).await.expect(422);
                }
            }
            3 => drop(stage.live.admin.delete(&crate::support::path(one)).await.expect(200)),
            _ => {}
        }
    }
    stage.advance(30);
    // Sent again, and some of them in another template than before.
    for one in begun.iter().enumerate().filter(|(n, _)| n % 6 == 4).map(|(_, one)| one) {
        stage.resend(one).await.expect(200);
        stage.hears(&stage.get(one).await, "verification.delivered").await;
    }
    stage.advance(700);
    over(stage).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn numbers_are_those_of_the_rows_and_events() {
    for engine in Engines::available() {
        let stage = Stage::bare(engine, talking()).await;
        stage.template("sign_in", "en_US", None).await;
        stage.template("pay", "en_US", None).await;
        let settings = json!({"allowed_countries": ["US", "DE", "AT"], "cool_downs": []});
        stage.live.admin.call("PUT", "/v1/verifications/settings", &[], Some(&settings)).await.expect(200);
        lives(&stage).await;
        stage.advance(3_600);
        lives_later(&stage).await;
        let admin = &stage.live.admin;
        let wanted = counted(admin, |one| one["country"].clone()).await;
        assert_eq!(shown(&stats(admin, "by=country").await), wanted);
        assert_eq!(wanted.len(), 3);
        let total = stats(admin, "by=country").await["total"].clone();
        let sums = wanted.values().fold([0; 9], |mut sums, row| {
            sums.iter_mut().zip(row).for_each(|(sum, count)| *sum += count);
            sums
        });
        assert_eq!(counts(&total), sums);
        assert_eq!((sums[0], sums[3], sums[5], sums[7]), (27, 9, 4, 4), "{sums:?}");
        assert_eq!(sums[0], sums[3..8].iter().sum::<i64>(), "each ended once");
        assert_eq!(total["conversion"], json!(0.3333));
        for (by, key) in [("channel", "channel_id"), ("template", "template")] {
            let wanted = counted(admin, |one| one[key].clone()).await;
            assert_eq!(shown(&stats(admin, &format!("by={by}")).await), wanted, "{by}");
        }
        let hour = |one: &Value| json!(format!("{}:00:00Z", &text(one, "created_at")[..13]));
        let hours = stats(admin, "by=hour").await;
        assert_eq!(shown(&hours), counted(admin, hour).await);
        let order: Vec<&str> =
            hours["data"].as_array().unwrap().iter().map(|part| text(part, "key")).collect();
        assert!(order.len() >= 2 && order.is_sorted(), "{order:?}");
        // One hour alone.
        let first = format!("by=country&from={}&to={}", order[0], order[1]);
        let first = stats(admin, &first).await;
        assert_eq!(counts(&first["total"]), counts(&hours["data"][0]));
        stage.stop().await;
    }
}

/// A few more, in another hour.
async fn lives_later(stage: &Stage) {
    for number in 0..3 {
        let begun =
            stage.begin(json!({"to": format!("+1202555{:04}", 4_000 + number), "template": "pay"})).await;
        stage.hears(&begun, "verification.delivered").await;
        if number == 0 {
            let code = stage.code(&begun).await;
            stage.check(&begun, &code).await.expect(200);
        }
    }
    stage.advance(700);
    over(stage).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_refused_is_counted_apart() {
    for engine in Engines::available() {
        let stage = Stage::start(engine).await;
        let settings = json!({"allowed_countries": ["US"], "cool_downs": [30]});
        stage.live.admin.call("PUT", "/v1/verifications/settings", &[], Some(&settings)).await.expect(200);
        stage.begin(json!({})).await;
        stage.try_begin(json!({})).await.expect(429);
        stage.try_begin(json!({"to": "+4915112345678"})).await.expect(422);
        // What is wrong in itself is no refusal.
        stage.try_begin(json!({"to": "nobody"})).await.expect(422);
        let found = stats(&stage.live.admin, "by=country").await;
        let of = |key: &str| {
            let part = found["data"].as_array().unwrap().iter().find(|part| part["key"] == key).cloned();
            let part = part.unwrap();
            (part["created"].clone(), part["refused"].clone(), part["conversion"].clone())
        };
        assert_eq!(of("US"), (json!(1), json!(1), json!(0.0)));
        assert_eq!(of("DE"), (json!(0), json!(1), json!(null)));
        stage.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn numbers_are_seen_by_whom_they_concern() {
    for engine in Engines::available() {
        let stage = Stage::start(engine).await;
        stage.begin(json!({})).await;
        let reader = stage.world.key(stage.tenant.workspace, Mode::Live, &[Scope::Read]).await;
        let reader = stage.live.admin.with_key(Some(&reader));
        assert_eq!(stats(&reader, "").await["total"]["created"], 1);
        assert_eq!(stats(&stage.tenant.admin, "").await["total"]["created"], 0, "test mode");
        let other = stage.world.tenant("Other Ltd").await;
        let other = stage.world.live(&stage.meta, other.workspace, 2).await;
        assert_eq!(stats(&other.admin, "").await["total"]["created"], 0);
        let webhooks = stage.world.key(stage.tenant.workspace, Mode::Live, &[Scope::Webhooks]).await;
        let webhooks = stage.live.admin.with_key(Some(&webhooks));
        webhooks.get("/v1/verifications/stats").await.expect(403);
        // A key that is bound to a channel sees what that one sent.
        let second = stage.world.live(&stage.meta, stage.tenant.workspace, 3).await;
        for (channel, created) in [(&stage.live.channel, 1), (&second.channel, 0)] {
            let bound = json!({"name": "bound", "mode": "live", "scopes": ["read"], "channels": [channel]});
            let bound = stage.live.admin.post("/v1/keys", &bound).await.expect(201).json();
            let bound = stage.live.admin.with_key(bound["secret"].as_str());
            assert_eq!(stats(&bound, "").await["total"]["created"], created);
        }
        for query in ["by=person", "from=yesterday", "from=2030-01-01T00:00:00Z", "mode=test", "until=now"] {
            let answer = stage.live.admin.get(&format!("/v1/verifications/stats?{query}")).await;
            assert!((400..=404).contains(&answer.status), "{query}: {}", answer.text);
        }
        stage.stop().await;
    }
}
