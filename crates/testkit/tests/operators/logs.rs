//! Logs across workspaces: what they show, what they do not, and that reading them is told of.

use gatepost_core::access::OperatorRole;
use gatepost_testkit::{Engines, Receiver, Setup, Tenant, World, eventually};
use serde_json::{Value, json};

use crate::support::{Op, listen};

const PHONE: &str = "+12025550123";
const WORDS: &str = "a word that nobody else should read";

async fn send(tenant: &Tenant) -> String {
    let channel = json!({"type": "test", "name": "Desk"});
    let channel = tenant.admin.post("/v1/channels", &channel).await.expect(201).json();
    let body = json!({"channel_id": channel["id"], "to": PHONE, "purpose": "support", "text": WORDS});
    let sent = tenant.admin.post("/v1/messages", &body).await.expect(202).json();
    sent["id"].as_str().unwrap().to_owned()
}

fn ids(page: &Value) -> Vec<String> {
    let data = page["data"].as_array().unwrap();
    data.iter().map(|entry| entry["id"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn newest_first_across_workspaces_without_contents() {
    for engine in Engines::available() {
        let world = World::start(Setup::new(engine)).await;
        let (ours, theirs) = (world.tenant("Example Ltd").await, world.tenant("Other Ltd").await);
        let base = listen(&world).await;
        let op = Op::sign_in(&world, &base, OperatorRole::Support).await;
        let receiver = Receiver::start().await;
        receiver.answer_always(410);
        let hook = json!({"url": receiver.url, "description": "gone"});
        ours.admin.post("/v1/webhook-endpoints", &hook).await.expect(201);
        let mut sent = Vec::new();
        for tenant in [&ours, &theirs, &ours] {
            world.clock.advance(std::time::Duration::from_secs(1));
            sent.push(send(tenant).await);
        }
        sent.reverse();
        let log = async |query: &str| op.get(&format!("/operator/v1/logs?{query}")).await;
        let read = async |query: &str| log(query).await.expect(200);

        let page = read("log=sends").await;
        assert_eq!(ids(&page.json()), sent);
        let mut seen = page.text;
        // One at a time gives the same, and ends.
        let (mut walked, mut after) = (Vec::new(), String::new());
        for _ in 0..sent.len() {
            let page = read(&format!("log=sends&limit=1{after}")).await.json();
            walked.extend(ids(&page));
            after = match page["next_cursor"].as_str() {
                Some(cursor) => format!("&after={cursor}"),
                None => String::new(),
            };
        }
        assert_eq!((walked, after.as_str()), (sent.clone(), ""));
        let own = read(&format!("log=sends&workspace_id={}", theirs.workspace)).await.json();
        assert_eq!(ids(&own), [sent[1].clone()]);
        assert_eq!(own["data"][0]["contact"], "+12•••••••23");
        assert_eq!(ids(&read("log=sends&since=2100-01-01T00:00:00Z").await.json()), Vec::<String>::new());
        assert_eq!(ids(&read("log=sends&until=2000-01-01T00:00:00Z").await.json()), Vec::<String>::new());

        let dead = eventually("a delivery that is given up", async || {
            let page = read("log=failures").await;
            let found = page.json()["data"].as_array().unwrap().iter().any(|e| e["kind"] == "delivery");
            found.then_some(page.text)
        })
        .await;
        assert!(dead.contains("http_410") && !dead.contains(&receiver.url));
        seen.push_str(&dead);
        for query in
            ["log=deliveries&state=dead", "log=audit", "log=inbound", "log=envelopes", "log=policy-events"]
        {
            seen.push_str(&read(query).await.text);
        }
        for secret in [PHONE, &PHONE[1..], WORDS, "Desk"] {
            assert!(!seen.contains(secret), "{secret}");
        }
        for (query, status) in [
            ("log=nothing", 400),
            ("", 400),
            ("log=sends&state=dead", 400),
            ("log=audit&state=done", 400),
            ("log=sends&since=yesterday", 400),
            ("log=sends&workspace_id=x", 400),
            ("log=sends&workspace_id=ws_01kagq5rh8e5htqh9sk95d3x4w", 404),
        ] {
            assert_eq!(log(query).await.status, status, "{query}");
        }
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_page_that_is_read_is_told_of() {
    let world = World::start(Setup::new(Engines::Sqlite)).await;
    let tenant = world.tenant("Example Ltd").await;
    let base = listen(&world).await;
    let op = Op::sign_in(&world, &base, OperatorRole::Support).await;
    let filter = format!("log=failures&workspace_id={}&since=2026-01-01T00:00:00Z", tenant.workspace);
    op.get(&format!("/operator/v1/logs?{filter}")).await.expect(200);
    op.browser.open("/logs").await.expect(200);
    let log = world.audit_log(None).await;
    let read: Vec<_> = log.iter().filter(|row| row.record.action == "operator_log.read").collect();
    assert_eq!(read.len(), 2);
    let by = format!("operator:{}", op.who.id);
    let asked = read.iter().find(|row| row.record.details.get("workspace").is_some()).unwrap();
    assert_eq!((asked.record.actor.as_str(), asked.record.target.as_str()), (by.as_str(), "failures"));
    assert_eq!(asked.record.details.get("workspace"), Some(tenant.workspace.to_string().as_str()));
    world.stop().await;
}
