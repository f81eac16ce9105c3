//! SIGKILL at random points under load, again and again, on both engines: nothing accepted is lost, no event is
//! doubled, and no message goes out twice.
//!
//! What the kill may do is said plainly: a message whose POST to Meta was begun and not recorded is doubtful. It is
//! never sent again by itself; a status that carries our id resolves it, otherwise it fails as `outcome_unknown`. The
//! test counts those, and they can be no more than were under way at the kills.
#![expect(clippy::unwrap_used, clippy::panic, clippy::print_stderr, reason = "tests")]

mod server;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use gatepost_testkit::{Client, Engines, eventually};
use serde_json::{Value, json};

use self::server::Installation;

/// Kills per engine.
const ROUNDS: usize = 20;
/// Callers at once.
const CALLERS: usize = 6;
/// Calls to Meta under way at a kill are bounded by the lane's capacity.
const UNDER_WAY: usize = 256;

/// One caller: every message is tried, under its idempotency key, until it is accepted.
async fn call(client: Client, caller: usize, stop: Arc<AtomicBool>, next: Arc<AtomicUsize>) -> Vec<String> {
    let mut accepted = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let number = next.fetch_add(1, Ordering::Relaxed);
        let body = json!({
            "to": format!("+1202555{:04}", 2000 + number % 500),
            "purpose": "transactional",
            "text": format!("number {number}"),
        });
        let key = format!("caller-{caller}-{number}");
        loop {
            match client.try_call("POST", "/v1/messages", &[("idempotency-key", &key)], Some(&body)).await {
                Some(answer) if answer.status == 202 => {
                    accepted.push(answer.json()["id"].as_str().unwrap().to_owned());
                    break;
                }
                // The server is dead, or not up yet: the same message again.
                None => tokio::time::sleep(Duration::from_millis(20)).await,
                Some(answer) if answer.status == 503 => tokio::time::sleep(Duration::from_millis(20)).await,
                Some(answer) => panic!("a send was refused: {}", answer.text),
            }
        }
    }
    accepted
}

/// The whole event log, oldest first.
async fn events(client: &Client) -> Vec<Value> {
    let mut all = Vec::new();
    let mut after = String::new();
    loop {
        let page = client.get(&format!("/v1/events?limit=100{after}")).await.expect(200).json();
        let found = page["data"].as_array().unwrap().clone();
        if found.is_empty() {
            return all;
        }
        after = format!("&after={}", page["next_cursor"].as_str().unwrap());
        all.extend(found);
    }
}

/// What an event tells: of which message, and what.
fn told(event: &Value) -> (String, String) {
    let id = event["data"]["message"]["id"].as_str().unwrap_or_default();
    (id.to_owned(), event["type"].as_str().unwrap().to_owned())
}

async fn survive(engine: Engines) {
    let mut installation = Installation::new(engine).await;
    installation.start().await;
    let client = installation.set_up().await;
    let (stop, next) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicUsize::new(0)));
    let callers: Vec<_> = (0..CALLERS)
        .map(|caller| tokio::spawn(call(client.clone(), caller, Arc::clone(&stop), Arc::clone(&next))))
        .collect();
    for round in 0..ROUNDS {
        // Spread over every phase: accept, send, callback, delivery, and the start itself.
        let random = u64::from(u16::from_be_bytes([0, u8::try_from(round * 37 % 251).unwrap()]));
        tokio::time::sleep(Duration::from_millis(60 + random * 3)).await;
        installation.kill();
        installation.start_unready();
    }
    installation.ready().await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    stop.store(true, Ordering::Relaxed);
    let mut accepted = Vec::new();
    for caller in callers {
        accepted.extend(caller.await.unwrap());
    }
    let accepted: BTreeSet<String> = accepted.into_iter().collect();

    // Every message reaches an end, or is doubtful.
    let mut open: BTreeSet<String> = accepted.clone();
    let mut doubtful = BTreeSet::new();
    eventually("every message to arrive", async || {
        let mut still = BTreeSet::new();
        doubtful.clear();
        for id in &open {
            let message = client.get(&format!("/v1/messages/{id}")).await.expect(200).json();
            match message["state"].as_str().unwrap() {
                "read" => {}
                "sending" if message["provider_id"].is_null() => {
                    doubtful.insert(id.clone());
                    still.insert(id.clone());
                }
                "failed" => panic!("a message failed: {message}"),
                _ => {
                    still.insert(id.clone());
                }
            }
        }
        open = still;
        (open.len() == doubtful.len()).then_some(())
    })
    .await;
    assert!(doubtful.len() <= UNDER_WAY * ROUNDS, "{} doubtful", doubtful.len());

    // At Meta: each accepted message once, except for the doubtful ones, which may be missing; none twice.
    let mut at_meta: BTreeMap<String, usize> = BTreeMap::new();
    for send in installation.sends() {
        *at_meta.entry(send).or_default() += 1;
    }
    for (id, count) in &at_meta {
        assert_eq!(*count, 1, "{id} went out {count} times");
        assert!(accepted.contains(id), "{id} went out, but nobody was told that it was accepted");
    }
    for id in &accepted {
        assert!(at_meta.contains_key(id) || doubtful.contains(id), "{id} was accepted and is lost");
    }

    // In the log: one event per message and state, none missing. A status may still lie in a callback that the dead
    // process had claimed.
    let wanted: BTreeSet<(String, String)> = at_meta
        .keys()
        .flat_map(|id| {
            ["message.sent", "message.delivered", "message.read"].map(|kind| (id.clone(), kind.to_owned()))
        })
        .collect();
    let log = eventually("every status to be told", async || {
        let log = events(&client).await;
        let told: BTreeSet<(String, String)> = log.iter().map(told).collect();
        wanted.is_subset(&told).then_some(log)
    })
    .await;
    let mut seen = BTreeSet::new();
    for event in &log {
        assert!(seen.insert(told(event)), "{:?} was told twice", told(event));
    }

    // At the customer: every event, under its own id; repeated only where an answer was cut.
    let wanted: BTreeSet<String> = log.iter().map(|e| e["id"].as_str().unwrap().to_owned()).collect();
    let received = eventually("every webhook", async || {
        let ids: Vec<String> = installation
            .receiver
            .received()
            .iter()
            .map(|r| r.headers["webhook-id"].to_str().unwrap().to_owned())
            .collect();
        let distinct: BTreeSet<String> = ids.iter().cloned().collect();
        (distinct == wanted).then_some(ids)
    })
    .await;
    eprintln!(
        "{engine:?}: {} accepted over {ROUNDS} kills, {} at Meta, {} doubtful, {} events, {} webhooks ({} repeated)",
        accepted.len(),
        at_meta.len(),
        doubtful.len(),
        log.len(),
        received.len(),
        received.len() - wanted.len(),
    );
    assert!(accepted.len() > ROUNDS, "too little load to mean anything");
    installation.kill();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_survives_kills() {
    survive(Engines::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_survives_kills() {
    if Engines::available().contains(&Engines::Postgres) {
        survive(Engines::Postgres).await;
    }
}
