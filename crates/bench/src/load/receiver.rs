//! A webhook receiver that counts and times, and can keep its callers waiting.

use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::rc::Rc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use gatepost_app::SystemClock;
use gatepost_core::{Clock as _, Timestamp};
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
use crate::latency::Latencies;

/// What stands before the time in the body of an event.
const CREATED: &str = r#""created_at":""#;

/// Answers every request with 200 while its gate is open.
pub struct Receiver {
    pub ports: Vec<u16>,
    seen: Rc<Seen>,
}

struct Seen {
    gate: watch::Sender<bool>,
    since: Cell<Instant>,
    since_at: Cell<Timestamp>,
    last: Cell<Instant>,
    /// Since then.
    answered: Cell<u64>,
    /// How old events were when they came: those made since then.
    ages: RefCell<Latencies>,
    held: Cell<u64>,
    connections: Cell<u64>,
    ever: Cell<u64>,
}

impl Receiver {
    pub async fn start(ports: usize) -> Result<Self> {
        let now = Instant::now();
        let seen = Rc::new(Seen {
            gate: watch::channel(true).0,
            since: Cell::new(now),
            since_at: Cell::new(SystemClock.now()),
            last: Cell::new(now),
            answered: Cell::new(0),
            ages: RefCell::new(Latencies::new()?),
            held: Cell::new(0),
            connections: Cell::new(0),
            ever: Cell::new(0),
        });
        let mut bound = Vec::with_capacity(ports);
        for _ in 0..ports {
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            bound.push(listener.local_addr()?.port());
            tokio::task::spawn_local(serve(listener, Rc::clone(&seen)));
        }
        Ok(Self { ports: bound, seen })
    }

    /// Counts anew from now on.
    pub fn reset(&self) {
        let now = Instant::now();
        self.seen.since.set(now);
        self.seen.since_at.set(SystemClock.now());
        self.seen.last.set(now);
        self.seen.answered.set(0);
        self.seen.ages.borrow_mut().clear();
    }

    /// Opens or closes the gate, and counts anew.
    pub fn set_gate(&self, open: bool) {
        self.reset();
        self.seen.gate.send_replace(open);
    }

    /// Tells the deliveries answered since the last reset, whenever it is called.
    pub fn counter(&self) -> impl Fn() -> u64 + 'static {
        let seen = Rc::clone(&self.seen);
        move || seen.answered.get()
    }

    pub fn received(&self) -> Received {
        let (seen, ages) = (&self.seen, self.seen.ages.borrow());
        let nanos = seen.last.get().saturating_duration_since(seen.since.get()).as_nanos();
        Received {
            deliveries: seen.answered.get(),
            fresh: ages.count(),
            nanos: u64::try_from(nanos).unwrap_or(u64::MAX),
            p50_micros: ages.micros_at(0.5),
            p99_micros: ages.micros_at(0.99),
            max_micros: ages.micros_at(1.0),
            held: seen.held.get(),
            connections: seen.connections.get(),
            ever: seen.ever.get(),
        }
    }

    /// Waits until so many deliveries were answered, or the patience ends.
    pub async fn wait(&self, deliveries: u64, patience: Duration) -> Received {
        self.wait_until(|| self.seen.answered.get() >= deliveries, patience).await
    }

    /// The same of events made since the last reset.
    pub async fn wait_fresh(&self, deliveries: u64, patience: Duration) -> Received {
        self.wait_until(|| self.seen.ages.borrow().count() >= deliveries, patience).await
    }

    async fn wait_until(&self, done: impl Fn() -> bool, patience: Duration) -> Received {
        let started = Instant::now();
        while !done() && started.elapsed() < patience {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        self.received()
    }
}

async fn serve(listener: TcpListener, seen: Rc<Seen>) {
    while let Ok((stream, _)) = listener.accept().await {
        // Without it the answer would wait for an acknowledgement.
        let _ = stream.set_nodelay(true);
        seen.connections.update(|count| count + 1);
        let seen = Rc::clone(&seen);
        let service = service_fn(move |request| answer(request, Rc::clone(&seen)));
        tokio::task::spawn_local(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

async fn answer(
    request: Request<Incoming>,
    seen: Rc<Seen>,
) -> std::result::Result<Response<Empty<Bytes>>, Infallible> {
    // A body that breaks off counts as nothing.
    if let Ok(body) = request.into_body().collect().await {
        let (made, now) = (made_at(&body.to_bytes()), SystemClock.now());
        if !*seen.gate.borrow() {
            let _held = Held::at(&seen);
            // The sender is here too, so it does not go away.
            let _ = seen.gate.subscribe().wait_for(|open| *open).await;
        }
        if let Some(made) = made.filter(|made| *made >= seen.since_at.get()) {
            seen.ages.borrow_mut().record(now.since(made));
        }
        seen.answered.update(|answered| answered + 1);
        seen.ever.update(|ever| ever + 1);
        seen.last.set(Instant::now());
    }
    Ok(Response::new(Empty::new()))
}

/// A request that has come; it may go away without an answer.
struct Held<'a>(&'a Cell<u64>);

impl<'a> Held<'a> {
    fn at(seen: &'a Seen) -> Self {
        seen.held.update(|held| held + 1);
        Self(&seen.held)
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.update(|held| held - 1);
    }
}

/// When the event was made; `None` for what tells no time.
fn made_at(body: &[u8]) -> Option<Timestamp> {
    let (_, rest) = std::str::from_utf8(body).ok()?.split_once(CREATED)?;
    Timestamp::parse(rest.split_once('"')?.0)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpStream;

    #[test]
    fn an_event_tells_when_it_was_made() {
        let body = br#"{"id":"evt_1","type":"message.received","created_at":"2026-11-01T09:30:00.00025Z","data":{}}"#;
        assert_eq!(made_at(body), Timestamp::parse("2026-11-01T09:30:00.00025Z"));
        assert_eq!(made_at(b"{}"), None);
        assert_eq!(made_at(&[0xff]), None);
    }

    #[expect(clippy::disallowed_methods, reason = "to the receiver of this test, on loopback")]
    async fn post(port: u16, made: Timestamp) -> TcpStream {
        let mut stream = TcpStream::connect(("127.0.0.1", port)).await.unwrap();
        let body = format!(r#"{{"created_at":"{made}"}}"#);
        let request = format!("POST / HTTP/1.1\r\nhost: x\r\ncontent-length: {}\r\n\r\n{body}", body.len());
        stream.write_all(request.as_bytes()).await.unwrap();
        stream
    }

    #[test]
    fn what_the_gate_holds_is_answered_when_it_opens() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        tokio::task::LocalSet::new().block_on(&runtime, async {
            let receiver = Receiver::start(2).await.unwrap();
            let (first, second) = (receiver.ports[0], receiver.ports[1]);
            let long_ago = SystemClock.now();
            assert_eq!(
                post(first, SystemClock.now().plus(Duration::from_secs(1))).await.read_u8().await.unwrap(),
                b'H'
            );
            assert_eq!(receiver.wait_fresh(1, Duration::ZERO).await.deliveries, 1);
            receiver.set_gate(false);
            let mut waiting = post(second, long_ago).await;
            let leaving = post(second, long_ago).await;
            let held = async |count| {
                while receiver.received().held != count {
                    tokio::task::yield_now().await;
                }
            };
            held(2).await;
            drop(leaving);
            held(1).await;
            receiver.set_gate(true);
            assert_eq!(waiting.read_u8().await.unwrap(), b'H');
            let seen = receiver.wait(1, Duration::from_secs(10)).await;
            assert_eq!((seen.deliveries, seen.held), (1, 0), "counted anew");
            assert_eq!(seen.fresh, 0, "it was made before");
            assert_eq!((seen.connections, seen.ever), (3, 2), "but for what ever was");
        });
    }
}
