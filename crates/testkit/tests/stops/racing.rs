//! Sends that race a STOP: after its commit nothing more is taken from a queue.

use std::time::Duration;

use futures_util::future::{join, join_all};
use gatepost_testkit::{Client, Engines, World, eventually};
use serde_json::{Value, json};

use crate::support::{PERSON, Stage, events, setup, silent};

/// Sends at once.
const SENDS: usize = 100;

fn words(stage: &Stage, text: &str) -> Value {
    stage.said(Some(PERSON), None, stage.now(), json!({"type": "text", "text": {"body": text}}))
}

fn count(choice: &Value, name: &str) -> usize {
    usize::try_from(choice[name].as_i64().unwrap()).unwrap()
}

/// Nodes of one installation: two on PostgreSQL, one on SQLite, where there is no more.
async fn other_node(stage: &Stage, engine: Engines) -> Option<World> {
    match engine {
        Engines::Sqlite => None,
        Engines::Postgres => Some(stage.world.another(setup(engine, &stage.meta)).await),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_sends_race_a_stop() {
    for engine in Engines::available() {
        let stage = Stage::start(engine).await;
        let other = other_node(&stage, engine).await;
        let mut channels = vec![stage.live.channel.clone()];
        for number in 2..4 {
            let more =
                stage.world.live_channel(&stage.meta, stage.tenant.workspace, &stage.live.app, number).await;
            channels.push(more.channel);
        }
        let nodes: Vec<Client> = [Some(&stage.world), other.as_ref()]
            .into_iter()
            .flatten()
            .map(|node| Client::new(&node.base, stage.live.admin.key().map(str::to_owned)))
            .collect();
        let sends = (0..SENDS).map(|n| {
            let (client, channel) = (&nodes[n % nodes.len()], &channels[n % channels.len()]);
            let body = json!({"channel_id": channel, "to": PERSON, "purpose": "support", "text": format!("news {n}")});
            async move { client.post("/v1/messages", &body).await }
        });
        let speaks = async {
            // In the middle of it.
            eventually("the first at Meta", async || (stage.meta.observed().requests >= 5).then_some(()))
                .await;
            let on = other.as_ref().unwrap_or(&stage.world);
            stage.tell_on(on, &[words(&stage, "STOP")]).await;
            let suppressed = eventually("the STOP's commit", async || {
                let rows = stage.world.rows_of(stage.tenant.workspace).await;
                (!rows["suppressed_person"].is_empty()).then_some(())
            });
            suppressed.await;
            stage.meta.observed().requests
        };
        let (answers, at_stop) = join(join_all(sends), speaks).await;
        stage.settled().await;
        let accepted: Vec<String> = answers
            .iter()
            .filter_map(|answer| match answer.status {
                202 => Some(answer.json()["id"].as_str().unwrap().to_owned()),
                _ => {
                    assert_eq!(answer.code(), "recipient_suppressed", "{}", answer.text);
                    None
                }
            })
            .collect();
        let told = events(&stage.live.admin, "contact.opted_out").await;
        assert_eq!(told.len(), 1);
        let choice = &told[0]["data"]["contact"]["choice"];
        let in_flight = count(choice, "in_flight");
        // Few: messages to one person go one after another, but for those that were accepted at the same moment.
        assert!(in_flight + count(choice, "withdrawn") <= accepted.len(), "{engine:?}: {choice}");
        assert!(in_flight <= SENDS / 4, "{engine:?}: {choice}");
        let at_meta = usize::try_from(stage.meta.observed().requests).unwrap();
        let late = at_meta - usize::try_from(at_stop).unwrap();
        assert!(late <= in_flight, "{engine:?}: {late} calls after the commit, {in_flight} in flight");
        let mut blocked = 0;
        for id in &accepted {
            let message = stage.message(id).await;
            if message["state"] == "blocked" {
                assert_eq!(message["error"]["code"], "recipient_suppressed");
                assert!(
                    !stage.meta.sends().iter().any(|s| s.opaque.as_deref() == Some(id)),
                    "{engine:?} {id}"
                );
                blocked += 1;
            }
        }
        assert_eq!(at_meta + blocked, accepted.len(), "{engine:?}: each is with Meta or blocked");
        assert!(blocked >= count(choice, "withdrawn"), "{engine:?}: {blocked} {choice}");
        // Units of what never went are given back, and each decision is told.
        let usage = stage.live.admin.get("/v1/usage").await.expect(200).json();
        assert_eq!(usage["workspace"]["day"]["used"], accepted.len() - blocked, "{engine:?}: {usage}");
        let policy = events(&stage.live.admin, "policy.blocked").await;
        assert_eq!(policy.len(), blocked + (SENDS - accepted.len()), "{engine:?}");
        if let Some(other) = other {
            other.stop().await;
        }
        stage.stop().await;
    }
}

/// More than one transaction withdraws: the rest is found by the look at the queue.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_queue_is_emptied_and_units_come_back() {
    for engine in Engines::available() {
        let meta = silent().await;
        let mut setup = setup(engine, &meta);
        setup.workers = false;
        let stage = Stage::with(setup, meta).await;
        let ids = join_all((0..250).map(|_| stage.accepted(PERSON, "operational"))).await;
        let other = stage.accepted("+12025550178", "operational").await;
        stage.tell_on(&stage.world, &[words(&stage, "Please stop sending me messages")]).await;
        stage.world.app.start_workers();
        stage.settled().await;
        let told = events(&stage.live.admin, "contact.opted_out").await;
        let choice = &told[0]["data"]["contact"]["choice"];
        let sent: Vec<_> = stage.meta.sends().into_iter().filter(|s| s.to.ends_with("0177")).collect();
        // What went before the STOP was read, went; everything else did not.
        assert_eq!(count(choice, "withdrawn") + sent.len(), ids.len(), "{engine:?}: {choice}");
        let mut blocked = 0;
        for id in &ids {
            blocked += usize::from(stage.message(id).await["state"] == "blocked");
        }
        assert_eq!(blocked + sent.len(), ids.len(), "{engine:?}");
        assert_ne!(stage.message(&other).await["state"], "blocked");
        assert_eq!(events(&stage.live.admin, "policy.blocked").await.len(), blocked);
        stage.stop().await;
    }
}

/// Codes go all the same; what waits for later does not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn essential_messages_still_go() {
    for engine in Engines::available() {
        let stage = Stage::start(engine).await;
        let admin = &stage.live.admin;
        let template = json!({
            "channel_id": stage.live.channel, "name": "login_code", "language": "en_US", "category": "AUTHENTICATION",
            "components": [
                {"type": "BODY", "add_security_recommendation": true},
                {"type": "BUTTONS", "buttons": [{"type": "OTP", "otp_type": "COPY_CODE", "text": "Copy code"}]},
            ],
        });
        let made = admin.post("/v1/templates", &template).await.expect(201).json();
        let submit = format!("/v1/templates/{}/submit", made["id"].as_str().unwrap());
        admin.post(&submit, &Value::Null).await.expect(200);
        stage.says(PERSON, "STOP").await;
        let code = json!({"type": "text", "text": "123456"});
        let send = json!({
            "channel_id": stage.live.channel, "to": PERSON, "purpose": "authentication",
            "template": {"name": "login_code", "language": {"code": "en_US"}, "components": [
                {"type": "body", "parameters": [code]},
                {"type": "button", "sub_type": "url", "index": "0", "parameters": [code]},
            ]},
        });
        let id =
            admin.post("/v1/messages", &send).await.expect(202).json()["id"].as_str().unwrap().to_owned();
        eventually("the code to go", async || {
            let state = stage.message(&id).await["state"].clone();
            assert_ne!(state, "blocked", "{engine:?}");
            (state != "queued").then_some(())
        })
        .await;
        stage.world.clock.advance(Duration::from_secs(1));
        stage.settled().await;
        stage.stop().await;
    }
}
