//! Whatever one endpoint does, the others get theirs.

use std::time::{Duration, Instant};

use gatepost_testkit::{Engines, eventually};
use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;

use crate::support::{Desk, Scripted};

/// Takes connections and requests, and never answers. Returns its URL.
pub async fn black_hole() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut socket, _)) = listener.accept().await {
            tokio::spawn(async move {
                let mut buffer = [0; 4096];
                while socket.read(&mut buffer).await.is_ok_and(|n| n > 0) {}
            });
        }
    });
    url
}

/// The neighbour that held a healthy endpoint at 45 s elsewhere: hundreds wait for it, and the healthy one does not.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_black_hole_delays_nobody() {
    for engine in Engines::available() {
        let desk = Desk::open(engine).await;
        let hole = black_hole().await;
        desk.endpoint(&hole).await;
        desk.events("before", 300).await;
        let healthy = Scripted::answering(200).await;
        desk.endpoint(&healthy.url).await;
        let started = Instant::now();
        desk.events("after", 200).await;
        eventually("the healthy endpoint's", async || (healthy.count() >= 200).then_some(())).await;
        assert!(started.elapsed() < desk.world.app.config().webhook_timeout / 2, "{:?}", started.elapsed());
        desk.world.stop().await;
    }
}

/// More endpoints that never answer than there are places for those that nobody knows: one that has answered does not
/// notice.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_black_holes_take_only_what_is_theirs() {
    for engine in Engines::available() {
        let desk = Desk::with(engine, |setup| {
            setup.config.webhook_total = 32;
            setup.config.webhook_parallel = 8;
        })
        .await;
        let healthy = Scripted::answering(200).await;
        desk.endpoint(&healthy.url).await;
        desk.events("first", 10).await;
        eventually("the first", async || (healthy.count() == 10).then_some(())).await;
        let hole = black_hole().await;
        for _ in 0..12 {
            desk.endpoint(&hole).await;
        }
        desk.events("second", 10).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        let started = Instant::now();
        desk.write(&[(1, "wamid.now")]).await;
        eventually("the healthy one's", async || (healthy.count() == 21).then_some(())).await;
        let proven = started.elapsed();
        assert!(proven < Duration::from_secs(2), "{proven:?}");
        desk.world.stop().await;
    }
}
