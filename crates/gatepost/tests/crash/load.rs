//! Customers that send, and people that write, all at once and without a rest.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use gatepost_testkit::{Client, eventually};
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::dice::Dice;
use crate::meta::{self, Known, News};
use crate::server::Installation;

/// Customers' callers at once.
const CALLERS: usize = 5;
/// Meta's postmen at once, besides those of the simulated one.
const TELLERS: usize = 3;
/// Most pieces of news of one body.
const BATCH: usize = 6;
/// Until a dead server is asked again.
const PAUSE: Duration = Duration::from_millis(20);

/// What a message was sent with.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Wish {
    /// `on_unknown` is `resend`: it may go out twice where an answer was cut.
    pub resend: bool,
    /// Of a reaction Meta tells `sent` and no more.
    pub reaction: bool,
}

impl Wish {
    /// What Meta tells of it.
    pub const fn states(self) -> &'static [&'static str] {
        if self.reaction { &["sent"] } else { &["sent", "delivered", "read"] }
    }
}

pub struct Load {
    stop: Arc<AtomicBool>,
    /// How many sends, and how many bodies of news, were acknowledged so far.
    accepted: Arc<AtomicUsize>,
    heard: Arc<AtomicUsize>,
    callers: Vec<JoinHandle<BTreeMap<String, Wish>>>,
    tellers: Vec<JoinHandle<Vec<Known>>>,
}

/// What the load did, all of it acknowledged.
pub struct Done {
    /// Messages answered with 202.
    pub accepted: BTreeMap<String, Wish>,
    /// News in bodies answered with 200.
    pub heard: BTreeSet<Known>,
    /// News told again after that.
    pub told: usize,
}

impl Load {
    pub fn start(client: &Client, installation: &Installation, dice: &mut Dice) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let (accepted, heard) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let hooks = installation.hooks.clone();
        let callers = (0..CALLERS)
            .map(|n| tokio::spawn(call(client.clone(), n, Arc::clone(&stop), Arc::clone(&accepted))))
            .collect();
        let tellers = (0..TELLERS)
            .map(|n| {
                let (stop, heard) = (Arc::clone(&stop), Arc::clone(&heard));
                tokio::spawn(tell(client.with_key(None), hooks.clone(), n, stop, heard, dice.fork()))
            })
            .collect();
        Self { stop, accepted, heard, callers, tellers }
    }

    /// Waits until so many of each are acknowledged: how fast that goes is the machine's business.
    pub async fn reaches(&self, least: usize) {
        let enough = || [&self.accepted, &self.heard].iter().all(|n| n.load(Ordering::Relaxed) > least);
        eventually("enough load to mean anything", async || enough().then_some(())).await;
    }

    /// Ends when what was begun is acknowledged.
    pub async fn stop(self) -> Done {
        self.stop.store(true, Ordering::Relaxed);
        let mut accepted = BTreeMap::new();
        for caller in self.callers {
            accepted.extend(caller.await.unwrap());
        }
        let mut told = Vec::new();
        for teller in self.tellers {
            told.extend(teller.await.unwrap());
        }
        let count = told.len();
        let heard: BTreeSet<Known> = told.into_iter().collect();
        Done { accepted, told: count - heard.len(), heard }
    }
}

/// Every kind of content.
fn contents(number: usize) -> Vec<(&'static str, Value)> {
    let button = json!({"type": "reply", "reply": {"id": format!("b{number}"), "title": "Yes"}});
    let parameter = json!({"type": "text", "text": format!("{number}")});
    let link = |name: &str| format!("https://files.example.com/{number}/{name}");
    vec![
        ("text", json!(format!("number {number}"))),
        ("text", json!({"body": "see https://example.com/", "preview_url": true})),
        (
            "template",
            json!({
                "name": "order_ready", "language": {"code": "en_US"},
                "components": [{"type": "body", "parameters": [parameter]}],
            }),
        ),
        ("image", json!({"link": link("a.jpg"), "caption": "look"})),
        ("audio", json!({"link": link("a.ogg")})),
        ("video", json!({"link": link("a.mp4")})),
        ("document", json!({"link": link("a.pdf"), "filename": "bill.pdf"})),
        ("sticker", json!({"link": link("a.webp")})),
        ("location", json!({"latitude": 52.5, "longitude": 13.4, "name": "Here"})),
        ("contacts", json!([{"name": {"formatted_name": "Ann Example", "first_name": "Ann"}}])),
        (
            "interactive",
            json!({
                "type": "button", "body": {"text": "Is it?"}, "action": {"buttons": [button]},
            }),
        ),
        ("reaction", json!({"message_id": format!("wamid.T0N{number}"), "emoji": "👍"})),
    ]
}

/// The messages that callers send: every kind in turn, some of them replies.
fn message(number: usize, caller: usize, replies_to: Option<&String>) -> (Value, Wish) {
    let to = format!("+1202555{:04}", 2000 + (number * 7 + caller * 131) % 500);
    let mut contents = contents(number);
    let at = number % contents.len();
    let (kind, object) = contents.swap_remove(at);
    let mut message = json!({"to": to, "purpose": "transactional"});
    message[kind] = object;
    let wish = Wish { resend: number % 10 == 7, reaction: kind == "reaction" };
    if wish.resend {
        message["on_unknown"] = json!("resend");
    }
    if let Some(id) = replies_to
        && number.is_multiple_of(3)
        && !wish.reaction
    {
        message["reply_to"] = json!(id);
    }
    (message, wish)
}

/// One caller: every message is tried, under its idempotency key, until it is accepted.
async fn call(
    client: Client,
    caller: usize,
    stop: Arc<AtomicBool>,
    count: Arc<AtomicUsize>,
) -> BTreeMap<String, Wish> {
    let mut accepted = BTreeMap::new();
    let mut last: Option<String> = None;
    for number in 0.. {
        if stop.load(Ordering::Relaxed) {
            break;
        }
        let (body, wish) = message(number, caller, last.as_ref());
        let key = format!("caller-{caller}-{number}");
        loop {
            match client.try_call("POST", "/v1/messages", &[("idempotency-key", &key)], Some(&body)).await {
                Some(answer) if answer.status == 202 => {
                    let id = answer.json()["id"].as_str().unwrap().to_owned();
                    accepted.insert(id.clone(), wish);
                    count.fetch_add(1, Ordering::Relaxed);
                    // A reaction is no message that one could answer.
                    if !wish.reaction {
                        last = Some(id);
                    }
                    break;
                }
                // The server is dead, or not up yet: the same message again.
                None => tokio::time::sleep(PAUSE).await,
                Some(answer) if answer.status == 503 => tokio::time::sleep(PAUSE).await,
                Some(answer) => panic!("a send was refused: {}", answer.text),
            }
        }
    }
    accepted
}

/// One of Meta's postmen: a body is posted until it is heard; some of its news come again later in another one.
async fn tell(
    client: Client,
    path: String,
    teller: usize,
    stop: Arc<AtomicBool>,
    count: Arc<AtomicUsize>,
    mut dice: Dice,
) -> Vec<Known> {
    let mut heard = Vec::new();
    let mut again: Vec<News> = Vec::new();
    let mut number = 0;
    while !stop.load(Ordering::Relaxed) {
        let mut batch: Vec<News> = Vec::new();
        for _ in 0..=dice.roll(BATCH) {
            batch.push(News::any(teller, number, &mut dice));
            number += 1;
        }
        let fresh = batch.len();
        batch.append(&mut again);
        let body = meta::body(&batch, teller);
        while !meta::tell(&client, &path, body.clone()).await {
            tokio::time::sleep(PAUSE).await;
        }
        count.fetch_add(1, Ordering::Relaxed);
        // Meta promises neither to tell once nor to batch alike: half of the news come again among others.
        again = batch[..fresh].iter().filter(|_| dice.roll(2) == 0).cloned().collect();
        heard.extend(batch.into_iter().map(|news| news.known));
        tokio::time::sleep(Duration::from_millis(u64::try_from(dice.roll(25)).unwrap())).await;
    }
    heard
}
