//! Receivers that mean harm: bounded in time and memory, and nobody else's business.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use gatepost_testkit::{Engines, eventually};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{Desk, Scripted, resident};

/// What the attempts of these tests may take.
const TIMEOUT: Duration = Duration::from_secs(2);
/// What the kernel may take of an answer beside what is read: buffers of both ends.
const IN_BUFFERS: u64 = 16 << 20;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Harm {
    Stalls,
    DripsItsHead,
    DripsItsBody,
    NeverEnds,
    Bomb,
    ManyHeaders,
    NeverCloses,
    ClosesEarly,
    OnlyInforms,
}

const ALL: [Harm; 9] = [
    Harm::Stalls,
    Harm::DripsItsHead,
    Harm::DripsItsBody,
    Harm::NeverEnds,
    Harm::Bomb,
    Harm::ManyHeaders,
    Harm::NeverCloses,
    Harm::ClosesEarly,
    Harm::OnlyInforms,
];

impl Harm {
    /// Whether the receiver has said that it has the event.
    const fn accepts(self) -> bool {
        matches!(self, Self::DripsItsBody | Self::NeverEnds | Self::Bomb | Self::NeverCloses)
    }

    async fn answer(self, socket: &mut TcpStream, written: &AtomicU64) -> std::io::Result<()> {
        let head = b"HTTP/1.1 200 OK\r\n";
        match self {
            Self::Stalls => std::future::pending().await,
            Self::DripsItsHead => {
                socket.write_all(head).await?;
                loop {
                    socket.write_all(b"x").await?;
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
            Self::DripsItsBody => {
                socket.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n").await?;
                loop {
                    socket.write_all(b"x").await?;
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
            Self::NeverEnds | Self::Bomb => {
                let encoding = if self == Self::Bomb { "Content-Encoding: gzip\r\n" } else { "" };
                let head = format!("HTTP/1.1 200 OK\r\n{encoding}Content-Length: 10000000000\r\n\r\n");
                socket.write_all(head.as_bytes()).await?;
                let block = vec![0_u8; 64 * 1024];
                loop {
                    socket.write_all(&block).await?;
                    written.fetch_add(block.len() as u64, Ordering::Relaxed);
                }
            }
            Self::ManyHeaders => {
                socket.write_all(head).await?;
                for n in 0..100_000 {
                    socket.write_all(format!("x-{n}: y\r\n").as_bytes()).await?;
                }
                socket.write_all(b"\r\n").await
            }
            Self::NeverCloses => {
                socket.write_all(b"HTTP/1.1 200 OK\r\n\r\nok").await?;
                std::future::pending().await
            }
            Self::ClosesEarly => socket.write_all(b"HTTP/1.1 2").await,
            Self::OnlyInforms => loop {
                socket.write_all(b"HTTP/1.1 103 Early Hints\r\n\r\n").await?;
                tokio::time::sleep(Duration::from_millis(20)).await;
            },
        }
    }

    /// Listens; counts what it could write.
    async fn start(self) -> (String, Arc<AtomicU64>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let written = Arc::new(AtomicU64::new(0));
        let count = Arc::clone(&written);
        tokio::spawn(async move {
            while let Ok((mut socket, _)) = listener.accept().await {
                let count = Arc::clone(&count);
                tokio::spawn(async move {
                    let mut buffer = vec![0; 64 * 1024];
                    if socket.read(&mut buffer).await.is_ok_and(|n| n > 0) {
                        let _ = self.answer(&mut socket, &count).await;
                    }
                });
            }
        });
        (url, written)
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn receivers_that_mean_harm_are_bounded() {
    for engine in Engines::available() {
        let desk = Desk::with(engine, |setup| setup.config.webhook_timeout = TIMEOUT).await;
        let mut endpoints = Vec::new();
        for harm in ALL {
            let (url, written) = harm.start().await;
            endpoints.push((harm, desk.endpoint(&url).await, written));
        }
        let healthy = Scripted::answering(200).await;
        desk.endpoint(&healthy.url).await;
        let before = resident();
        let started = Instant::now();
        desk.events("a", 8).await;
        eventually("the healthy endpoint's", async || (healthy.count() == 8).then_some(())).await;
        assert!(started.elapsed() < TIMEOUT, "others are not affected: {:?}", started.elapsed());
        for (harm, id, written) in &endpoints {
            let state = if harm.accepts() { "sent" } else { "failed" };
            let found = eventually(&format!("{harm:?}"), async || {
                desk.deliveries(*id, state).await.into_iter().next()
            })
            .await;
            let attempt = desk.attempts(*id, &found).await.pop().unwrap();
            let latency = Duration::from_millis(attempt["latency_ms"].as_u64().unwrap());
            assert!(latency < TIMEOUT + Duration::from_secs(1), "{harm:?}: {attempt}");
            let snippet = attempt["response_snippet"].as_str().unwrap_or_default();
            assert!(snippet.len() <= 1_024, "{harm:?}");
            let written = written.load(Ordering::Relaxed);
            assert!(written < 8 * IN_BUFFERS, "{harm:?} could write {written} bytes");
        }
        let grown = resident().saturating_sub(before);
        assert!(grown < 48 << 20, "{grown} bytes more");
        desk.world.stop().await;
    }
}
