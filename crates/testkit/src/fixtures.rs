//! One of everything that a workspace can own, in one mode.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{Client, Receiver, eventually};

/// Somebody at the simulated Meta who answers.
const REPLIES: &str = "+12025550108";

/// A verification of the person who answers, and who may get a text therefore; it is over, so that nothing of it waits.
async fn verification(admin: &Client, channel: &str) -> String {
    let countries = json!({"allowed_countries": ["US"]});
    admin.call("PUT", "/v1/verifications/settings", &[], Some(&countries)).await.expect(200);
    let ask = json!({"channel_id": channel, "to": REPLIES});
    let begun = admin.post("/v1/verifications", &ask).await.expect(201).json();
    let text = |name: &str| begun[name].as_str().expect("an id").to_owned();
    let (id, message) = (text("id"), format!("/v1/messages/{}", text("message_id")));
    admin.delete(&format!("/v1/verifications/{id}")).await.expect(200);
    // Where the code was on its way already, the person has it, and answers.
    eventually("a code that is withdrawn or answered", async || {
        let state = admin.get(&message).await.expect(200).json()["state"].as_str().map(str::to_owned);
        let messages = admin.get("/v1/messages").await.expect(200).json();
        let heard = messages["data"].as_array().expect("a list").iter();
        let heard = heard.filter(|message| message["direction"] == "inbound").count();
        (state.as_deref() == Some("expired") || heard > 1).then_some(())
    })
    .await;
    id
}

/// The ids of one workspace's things in one mode, by prefix: `chn`, `whk`, `med`, `msg`, `evt`, `dlv`, `key`, `app`,
/// `tpl`, `rpl`, `sup`, `cst`, `kwd`, `sim`, `ver`, `vpg`; `usr` and `inv` where [`Fixtures::with`] was told of them.
#[derive(Debug, Clone)]
pub struct Fixtures(BTreeMap<&'static str, String>);

impl Fixtures {
    /// Makes one of each through the API: a message goes out on `channel` and its news to a fresh endpoint, whose
    /// delivery and event are taken. The person answers, and that answer is the message. Returns once nothing of it is
    /// under way any more.
    ///
    /// # Panics
    /// When something is refused.
    pub async fn make(admin: &Client, channel: &str, meta_app: &str, receiver: &Receiver) -> Self {
        let made = |answer: Value| answer["id"].as_str().expect("an id").to_owned();
        let endpoint = json!({"url": receiver.url, "description": "fixture"});
        let endpoint = made(admin.post("/v1/webhook-endpoints", &endpoint).await.expect(201).json());
        let key = json!({"name": "fixture", "scopes": ["read"]});
        let key = made(admin.post("/v1/keys", &key).await.expect(201).json());
        let template = json!({
            "channel_id": channel, "name": "fixture", "language": "en_US", "category": "UTILITY",
            "components": [{"type": "BODY", "text": "This is a fixture."}],
        });
        let template = made(admin.post("/v1/templates", &template).await.expect(201).json());
        let send = json!({"channel_id": channel, "to": REPLIES, "purpose": "support", "text": "fixture"});
        admin.post("/v1/messages", &send).await.expect(202);
        let deliveries = format!("/v1/webhook-endpoints/{endpoint}/deliveries?state=sent");
        let delivery = eventually("three deliveries", async || {
            let found = admin.get(&deliveries).await.expect(200).json();
            let found = found["data"].as_array().expect("a list").clone();
            (found.len() >= 3).then(|| found[0].clone())
        })
        .await;
        // One that finds nothing to do, so that nothing is sent twice.
        let replay = json!({"since": "2026-01-01T00:00:00Z", "only": "failed"});
        let replays = format!("/v1/webhook-endpoints/{endpoint}/replays");
        let replay = made(admin.post(&replays, &replay).await.expect(201).json());
        eventually("a replay of nothing", async || {
            let found = admin.get(&format!("{replays}/{replay}")).await.expect(200).json();
            (found["state"] == "done").then_some(())
        })
        .await;
        // What a person wrote can be read, replied to and marked as read; what we wrote can only be read and replied to.
        let message = eventually("an answer", async || {
            let found = admin.get("/v1/messages").await.expect(200).json();
            let inbound =
                found["data"].as_array().expect("a list").iter().find(|m| m["direction"] == "inbound");
            inbound.map(|message| made(message.clone()))
        })
        .await;
        let upload = format!("/v1/media?channel_id={channel}");
        let file = b"%PDF-1.7 fixture".to_vec();
        let media = admin.raw("POST", &upload, &[("content-type", "application/pdf")], Some(file)).await;
        let media = made(media.expect(201).json());
        let suppress = json!({"to": "+12025550158", "reason": "fixture"});
        let suppression = made(admin.post("/v1/suppressions", &suppress).await.expect(201).json());
        let consent = json!({"to": "+12025550158", "source": "fixture"});
        let consent = made(admin.post("/v1/consents", &consent).await.expect(201).json());
        // A workspace's keywords are of both modes: each fixture has one of its own.
        let word = format!("fixture {channel}");
        let keyword = json!({"label": "opt_out", "keywords": [word]});
        admin.post("/v1/guard/keywords", &keyword).await.expect(200);
        let keywords = admin.get("/v1/guard/keywords?limit=100").await.expect(200).json();
        let keywords = keywords["data"].as_array().expect("a list").iter();
        let keyword = made(keywords.clone().find(|k| k["keyword"] == word).expect("the keyword").clone());
        let table = [("content-type", "text/csv")];
        let file = b"+12025550158\r\n".to_vec();
        let import = admin.raw("POST", "/v1/suppressions/imports", &table, Some(file)).await;
        let import = made(import.expect(202).json());
        eventually("an import of one", async || {
            let found = admin.get(&format!("/v1/suppressions/imports/{import}")).await.expect(200).json();
            (found["state"] == "done").then_some(())
        })
        .await;
        let verification = verification(admin, channel).await;
        let page = json!({
            "channel_id": channel, "name": "fixture", "app_name": "Fixture",
            "return_urls": ["https://shop.example/signed-in"],
        });
        let page = made(admin.post("/v1/verification-pages", &page).await.expect(201).json());
        let text = |name: &str| delivery[name].as_str().expect("an id").to_owned();
        Self(BTreeMap::from([
            ("app", meta_app.to_owned()),
            ("chn", channel.to_owned()),
            ("cst", consent),
            ("dlv", text("id")),
            ("evt", text("event_id")),
            ("key", key),
            ("kwd", keyword),
            ("med", media),
            ("msg", message),
            ("rpl", replay),
            ("sim", import),
            ("sup", suppression),
            ("tpl", template),
            ("ver", verification),
            ("vpg", page),
            ("whk", endpoint),
        ]))
    }

    /// The same, with one more.
    #[must_use]
    pub fn with(mut self, prefix: &'static str, id: &impl ToString) -> Self {
        self.0.insert(prefix, id.to_string());
        self
    }

    /// The id with this prefix, or nothing where there is no such thing yet.
    pub fn get(&self, prefix: &str) -> Option<&str> {
        self.0.get(prefix).map(String::as_str)
    }

    pub fn ids(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.0.iter().map(|(prefix, id)| (*prefix, id.as_str()))
    }

    /// Ids like these that nobody has: the last characters differ, the time is the same.
    #[must_use]
    pub fn unknown(&self) -> Self {
        let near = |id: &str| {
            let (head, tail) = id.split_at(id.len() - 4);
            let other = tail.bytes().map(|b| if b == b'q' { 'w' } else { 'q' });
            format!("{head}{}", other.collect::<String>())
        };
        Self(self.0.iter().map(|(prefix, id)| (*prefix, near(id))).collect())
    }
}
