//! A webhook receiver that counts, and can keep its callers waiting.

use std::cell::Cell;
use std::convert::Infallible;
use std::rc::Rc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::protocol::Received;
use crate::error::Result;

/// Answers every request with 200 while its gate is open.
pub struct Receiver {
    pub ports: Vec<u16>,
    count: Rc<Count>,
    gate: watch::Sender<bool>,
}

struct Count {
    since: Cell<Instant>,
    answered: Cell<u64>,
    last: Cell<Instant>,
}

impl Receiver {
    pub async fn start(ports: usize) -> Result<Self> {
        let now = Instant::now();
        let count = Rc::new(Count { since: Cell::new(now), answered: Cell::new(0), last: Cell::new(now) });
        let (gate, watched) = watch::channel(true);
        let mut bound = Vec::with_capacity(ports);
        for _ in 0..ports {
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            bound.push(listener.local_addr()?.port());
            tokio::task::spawn_local(serve(listener, Rc::clone(&count), watched.clone()));
        }
        Ok(Self { ports: bound, count, gate })
    }

    /// Counts anew from now on.
    pub fn reset(&self) {
        self.count.answered.set(0);
        self.count.since.set(Instant::now());
        self.count.last.set(Instant::now());
    }

    /// Opens or closes the gate, and counts anew.
    pub fn set_gate(&self, open: bool) {
        self.reset();
        self.gate.send_replace(open);
    }

    /// Tells the deliveries answered since the last reset, whenever it is called.
    pub fn counter(&self) -> impl Fn() -> u64 + 'static {
        let count = Rc::clone(&self.count);
        move || count.answered.get()
    }

    pub fn received(&self) -> Received {
        let nanos = self.count.last.get().saturating_duration_since(self.count.since.get()).as_nanos();
        Received { deliveries: self.count.answered.get(), nanos: u64::try_from(nanos).unwrap_or(u64::MAX) }
    }

    /// Waits until so many deliveries were answered, or the patience ends.
    pub async fn wait(&self, deliveries: u64, patience: Duration) -> Received {
        let started = Instant::now();
        while self.count.answered.get() < deliveries && started.elapsed() < patience {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        self.received()
    }
}

async fn serve(listener: TcpListener, count: Rc<Count>, gate: watch::Receiver<bool>) {
    while let Ok((stream, _)) = listener.accept().await {
        // Without it the answer would wait for an acknowledgement.
        let _ = stream.set_nodelay(true);
        let (count, gate) = (Rc::clone(&count), gate.clone());
        let service = service_fn(move |request| answer(request, Rc::clone(&count), gate.clone()));
        tokio::task::spawn_local(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

async fn answer(
    request: Request<Incoming>,
    count: Rc<Count>,
    mut gate: watch::Receiver<bool>,
) -> std::result::Result<Response<Empty<Bytes>>, Infallible> {
    // A body that breaks off counts as nothing.
    if request.into_body().collect().await.is_ok() {
        // The sender lives as long as the receiver.
        let _ = gate.wait_for(|open| *open).await;
        count.answered.update(|answered| answered + 1);
        count.last.set(Instant::now());
    }
    Ok(Response::new(Empty::new()))
}
