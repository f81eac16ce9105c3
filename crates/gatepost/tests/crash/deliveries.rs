//! SIGKILL in the middle of ten thousand deliveries: each event arrives, and twice only where a kill fell between.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use gatepost_testkit::{Client, Engines, eventually};

use crate::dice::Dice;
use crate::judge::events;
use crate::meta::{self, News};
use crate::server::Installation;

const BODIES: usize = 200;
const IN_A_BODY: usize = 50;
const KILLS: usize = 5;
/// What a process can have under way, or done and not written down, when it dies.
const UNDER_WAY: usize = 3 * 64;

/// Tells everything once, to a server that may be dead at times.
async fn tell(client: Client, hooks: String, mut dice: Dice) {
    for body in 0..BODIES {
        let news: Vec<News> = (0..IN_A_BODY).map(|n| News::any(9, body * IN_A_BODY + n, &mut dice)).collect();
        let bytes = meta::body(&news, body);
        while !meta::tell(&client, &hooks, bytes.clone()).await {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

async fn survive(engine: Engines) {
    let mut dice = Dice::from_environment();
    eprintln!("{engine:?}: GATEPOST_CRASH_SEED={}", dice.seed());
    let mut installation = Installation::new(engine).await;
    installation.start().await;
    let client = installation.set_up().await;
    let telling = tokio::spawn(tell(client.with_key(None), installation.hooks.clone(), dice.fork()));
    let all = BODIES * IN_A_BODY;
    let mut points: Vec<usize> = (0..KILLS).map(|_| dice.roll(all * 9 / 10)).collect();
    points.sort_unstable();
    // After each kill: how many requests had come. Between a kill and the next start nothing comes.
    let mut marks = Vec::new();
    for point in points {
        eventually("deliveries", async || (installation.receiver.received().len() > point).then_some(()))
            .await;
        installation.kill();
        tokio::time::sleep(Duration::from_millis(200)).await;
        marks.push(installation.receiver.received().len());
        installation.start_unready();
    }
    installation.ready().await;
    telling.await.unwrap();
    let log = eventually("every event in the log", async || {
        Some(events(&client).await).filter(|log| log.len() >= all)
    })
    .await;
    let wanted: BTreeSet<&str> = log.iter().map(|event| event["id"].as_str().unwrap()).collect();
    let received = eventually("every event at the receiver", async || {
        let received = installation.receiver.received();
        let ids: BTreeSet<&str> =
            received.iter().map(|r| r.headers["webhook-id"].to_str().unwrap()).collect();
        wanted.is_subset(&ids).then(|| received.clone())
    })
    .await;
    let mut at: BTreeMap<&str, usize> = BTreeMap::new();
    let mut twice = 0;
    for (index, one) in received.iter().enumerate() {
        let id = one.headers["webhook-id"].to_str().unwrap();
        let Some(before) = at.insert(id, index) else { continue };
        twice += 1;
        let cut = marks.iter().any(|mark| before < *mark && *mark <= index);
        assert!(cut, "{id} came as number {before} and again as {index}; kills after {marks:?}");
    }
    eprintln!(
        "{engine:?}: {} events, {} requests, {twice} repeated; kills after {marks:?}",
        log.len(),
        received.len()
    );
    assert!(twice <= KILLS * UNDER_WAY, "{twice} repeated");
    installation.kill();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqlite_loses_no_delivery() {
    survive(Engines::Sqlite).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgres_loses_no_delivery() {
    if crate::postgres() {
        survive(Engines::Postgres).await;
    }
}
