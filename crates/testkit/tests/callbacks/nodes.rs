//! W7 with two nodes: whoever reads an item first writes it down; the other finds it done.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use futures_util::future::join_all;
use gatepost_testkit::{Engines, Live, Setup, World};
use serde_json::{Value, json};

use crate::support::{Dice, all_read, body, change, entry, events, inbound, live, sent, status, told};

/// A text of one of many people, so that both nodes meet the same new contacts.
fn text_of(person: usize, wamid: &str) -> Value {
    let phone = format!("1202555{person:04}");
    json!({
        "contacts": [{"profile": {"name": "A person"}, "wa_id": phone, "user_id": format!("US.{person}")}],
        "messages": [{"from": phone, "id": wamid, "timestamp": "1793525400", "type": "text", "text": {"body": "hi"}}],
    })
}

/// A second node of the same installation, where the engine knows such a thing.
async fn two_nodes() -> Option<(World, World, gatepost_channels::sandbox::SandboxHandle, Live)> {
    if !Engines::available().contains(&Engines::Postgres) {
        return None;
    }
    let (world, meta, _, live) = live(Engines::Postgres).await;
    let other = world.another(Setup::new(Engines::Postgres).with_meta(&meta)).await;
    Some((world, other, meta, live))
}

/// The same items reach two nodes at the same time, in other batches and orders.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_read_the_same_items_at_once() {
    let Some((world, other, _meta, live)) = two_nodes().await else { return };
    let items: Vec<Value> = (0..240)
        .map(|n| match n % 4 {
            0 => entry(&live, &status(&format!("wamid.{n}"), "", "read", n)),
            1 => json!({"id": live.waba_id, "time": n, "changes": [{"field": "account_update", "value": {"event": format!("E{n}")}}]}),
            _ => entry(&live, &text_of(n as usize / 8, &format!("wamid.{n}"))),
        })
        .collect();
    let mut dice = Dice::new(0x5eed_0003);
    let mut calls = Vec::new();
    for copy in 0..6 {
        let mut mixed = items.clone();
        dice.shuffle(&mut mixed);
        for chunk in mixed.chunks(7 + copy * 5) {
            calls.push((copy % 2, body(chunk)));
        }
    }
    dice.shuffle(&mut calls);
    let started = Instant::now();
    let nodes = [&world, &other];
    for answer in join_all(calls.into_iter().map(|(node, raw)| live.app.call(nodes[node], raw))).await {
        answer.expect(200);
    }
    all_read(&world).await;
    // A job that failed comes back when its lease ends: that would show.
    let took = started.elapsed();
    assert!(took < Duration::from_secs(40), "reading took {took:?}");
    let events = events(&live.admin).await;
    let told = told(&events);
    assert!(told.len() == 180 && told.values().all(|count| *count == 1), "{told:?}");
    let notices: BTreeSet<String> = events
        .iter()
        .filter(|e| !e["data"]["notification"].is_null())
        .map(|e| e["data"]["notification"]["value"].to_string())
        .collect();
    assert_eq!((notices.len(), events.len()), (60, 240));
    let rows = world.rows().await;
    assert_eq!(rows["contact"].len(), 60 / 2, "each person once");
    assert_eq!(rows["envelope"].len(), 0);
    other.stop().await;
    world.stop().await;
}

/// The news of one message, on two nodes at the same moment and in the wrong order.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_nodes_move_a_message_forward_only() {
    let Some((world, other, meta, live)) = two_nodes().await else { return };
    let mut dice = Dice::new(0x5eed_0004);
    let mut sends = Vec::new();
    for _ in 0..12 {
        sends.push(sent(&live, &meta).await);
    }
    let mut calls: Vec<Vec<u8>> = sends
        .iter()
        .flat_map(|(id, wamid)| {
            [("read", 3), ("delivered", 2), ("sent", 1)].map(|(state, second)| {
                let news = status(wamid, id, state, second);
                body(&[change(&live.waba_id, &live.phone_number_id, &news)])
            })
        })
        .collect();
    calls.extend(calls.clone());
    dice.shuffle(&mut calls);
    let nodes = [&world, &other];
    let calls = calls.into_iter().enumerate().map(|(n, raw)| live.app.call(nodes[n % 2], raw));
    for answer in join_all(calls).await {
        answer.expect(200);
    }
    all_read(&world).await;
    for (id, _) in &sends {
        let message = live.admin.get(&format!("/v1/messages/{id}")).await.expect(200).json();
        assert_eq!(message["state"], "read", "{message}");
        let at =
            |name: &str| message[name].as_str().unwrap_or_else(|| panic!("{name}: {message}")).to_owned();
        assert!(at("sent_at") < at("delivered_at") && at("delivered_at") < at("read_at"), "{message}");
    }
    let told = told(&events(&live.admin).await);
    assert!(told.len() == 36 && told.values().all(|count| *count == 1), "{told:?}");
    // What the other node could still do afterwards: nothing.
    live.app.call(&other, body(&[entry(&live, &inbound("wamid.last", "bye"))])).await.expect(200);
    all_read(&world).await;
    other.stop().await;
    world.stop().await;
}
