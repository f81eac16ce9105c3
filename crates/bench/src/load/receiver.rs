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
    doors: Vec<Rc<Door>>,
    /// What was answered at all doors since `since`.
    answered: Rc<Cell<u64>>,
    since: Cell<Instant>,
}

/// One port.
struct Door {
    port: u16,
    gate: watch::Sender<bool>,
    /// How old each event was when it came, in microseconds: one for each delivery since the last reset.
    ages: RefCell<Vec<u32>>,
    last: Cell<Instant>,
    held: Cell<u64>,
    connections: Cell<u64>,
    ever: Cell<u64>,
    all: Rc<Cell<u64>>,
}

impl Receiver {
    pub async fn start(ports: usize) -> Result<Self> {
        let now = Instant::now();
        let answered = Rc::new(Cell::new(0));
        let mut doors = Vec::with_capacity(ports);
        for _ in 0..ports {
            let listener = TcpListener::bind("127.0.0.1:0").await?;
            let door = Rc::new(Door {
                port: listener.local_addr()?.port(),
                gate: watch::channel(true).0,
                ages: RefCell::default(),
                last: Cell::new(now),
                held: Cell::new(0),
                connections: Cell::new(0),
                ever: Cell::new(0),
                all: Rc::clone(&answered),
            });
            tokio::task::spawn_local(serve(listener, Rc::clone(&door)));
            doors.push(door);
        }
        let ports = doors.iter().map(|door| door.port).collect();
        Ok(Self { ports, doors, answered, since: Cell::new(now) })
    }

    /// The doors of these ports; all where none is named.
    fn doors<'a>(&'a self, ports: &'a [u16]) -> impl Iterator<Item = &'a Rc<Door>> {
        self.doors.iter().filter(|door| ports.is_empty() || ports.contains(&door.port))
    }

    /// Counts anew from now on.
    pub fn reset(&self) {
        let now = Instant::now();
        self.since.set(now);
        self.answered.set(0);
        for door in &self.doors {
            door.ages.borrow_mut().clear();
            door.last.set(now);
        }
    }

    /// Opens or closes gates, and counts anew.
    pub fn set_gate(&self, ports: &[u16], open: bool) {
        self.reset();
        for door in self.doors(ports) {
            door.gate.send_replace(open);
        }
    }

    /// Tells the deliveries answered since the last reset, whenever it is called.
    pub fn counter(&self) -> impl Fn() -> u64 + 'static {
        let answered = Rc::clone(&self.answered);
        move || answered.get()
    }

    pub fn received(&self, ports: &[u16]) -> Result<Received> {
        let mut latencies = Latencies::new()?;
        let mut received = Received::default();
        let mut last = self.since.get();
        for door in self.doors(ports) {
            for age in door.ages.borrow().iter() {
                latencies.record(Duration::from_micros(u64::from(*age)));
            }
            last = last.max(door.last.get());
            received.held += door.held.get();
            received.connections += door.connections.get();
            received.ever += door.ever.get();
        }
        received.deliveries = latencies.count();
        let nanos = last.saturating_duration_since(self.since.get()).as_nanos();
        received.nanos = u64::try_from(nanos).unwrap_or(u64::MAX);
        received.p50_micros = latencies.micros_at(0.5);
        received.p99_micros = latencies.micros_at(0.99);
        received.max_micros = latencies.micros_at(1.0);
        Ok(received)
    }

    /// Waits until so many deliveries were answered at these ports, or the patience ends.
    pub async fn wait(&self, ports: &[u16], deliveries: u64, patience: Duration) -> Result<Received> {
        let started = Instant::now();
        let arrived = || self.doors(ports).map(|door| door.ages.borrow().len() as u64).sum::<u64>();
        while arrived() < deliveries && started.elapsed() < patience {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        self.received(ports)
    }
}

async fn serve(listener: TcpListener, door: Rc<Door>) {
    while let Ok((stream, _)) = listener.accept().await {
        // Without it the answer would wait for an acknowledgement.
        let _ = stream.set_nodelay(true);
        door.connections.update(|count| count + 1);
        let door = Rc::clone(&door);
        let service = service_fn(move |request| answer(request, Rc::clone(&door)));
        tokio::task::spawn_local(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

async fn answer(
    request: Request<Incoming>,
    door: Rc<Door>,
) -> std::result::Result<Response<Empty<Bytes>>, Infallible> {
    // A body that breaks off counts as nothing.
    if let Ok(body) = request.into_body().collect().await {
        let age = age_of(&body.to_bytes(), SystemClock.now());
        {
            let _held = Held::at(&door);
            // The sender is the door's own.
            let _ = door.gate.subscribe().wait_for(|open| *open).await;
        }
        door.ages.borrow_mut().push(age);
        door.last.set(Instant::now());
        door.ever.update(|ever| ever + 1);
        door.all.update(|all| all + 1);
    }
    Ok(Response::new(Empty::new()))
}

/// A request that has come; it may go away without an answer.
struct Held<'a>(&'a Cell<u64>);

impl<'a> Held<'a> {
    fn at(door: &'a Door) -> Self {
        door.held.update(|held| held + 1);
        Self(&door.held)
    }
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        self.0.update(|held| held - 1);
    }
}

/// Microseconds since the event was made; none for what tells no time.
fn age_of(body: &[u8], now: Timestamp) -> u32 {
    let made = std::str::from_utf8(body).ok().and_then(|text| {
        let (_, rest) = text.split_once(CREATED)?;
        Timestamp::parse(rest.split_once('"')?.0)
    });
    made.map_or(0, |made| u32::try_from(now.since(made).as_micros()).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpStream;

    #[test]
    fn an_event_tells_its_age() {
        let body = br#"{"id":"evt_1","type":"message.received","created_at":"2026-11-01T09:30:00.00025Z","data":{}}"#;
        let now = Timestamp::parse("2026-11-01T09:30:01Z").unwrap();
        assert_eq!(age_of(body, now), 999_750);
        assert_eq!(age_of(b"{}", now), 0);
        assert_eq!(age_of(&[0xff], now), 0);
    }

    async fn post(port: u16) -> TcpStream {
        let mut stream = connect(port).await;
        stream.write_all(b"POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}").await.unwrap();
        stream
    }

    #[expect(clippy::disallowed_methods, reason = "to the receiver of this test, on loopback")]
    async fn connect(port: u16) -> TcpStream {
        TcpStream::connect(("127.0.0.1", port)).await.unwrap()
    }

    #[test]
    fn doors_are_counted_and_closed_one_by_one() {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        tokio::task::LocalSet::new().block_on(&runtime, async {
            let receiver = Receiver::start(2).await.unwrap();
            let (first, second) = (receiver.ports[0], receiver.ports[1]);
            receiver.set_gate(&[first], false);
            let mut waiting = post(first).await;
            assert_eq!(post(second).await.read_u8().await.unwrap(), b'H');
            let patience = Duration::from_secs(10);
            let of = |ports: Vec<u16>| receiver.received(&ports).unwrap();
            assert_eq!(receiver.wait(&[second], 1, patience).await.unwrap().deliveries, 1);
            while of(vec![first]).held == 0 {
                tokio::task::yield_now().await;
            }
            assert_eq!((of(vec![first]).deliveries, of(vec![]).deliveries), (0, 1));
            receiver.set_gate(&[], true);
            assert_eq!(waiting.read_u8().await.unwrap(), b'H');
            let all = receiver.wait(&[], 1, patience).await.unwrap();
            assert_eq!((all.deliveries, all.held), (1, 0), "counted anew");
            assert_eq!((all.connections, all.ever), (2, 2), "but for what ever was");
            assert_eq!(receiver.counter()(), 1);
        });
    }
}
