//! A lean load generator: HTTP/1.1 connections that are kept, each with one request on the way.

use std::cell::{Cell, RefCell};
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::protocol::Report;
use crate::error::{Failure, Result};
use crate::latency::Latencies;

/// What a connection does next.
pub enum Step {
    Send(Box<Request<Full<Bytes>>>),
    /// Asks again at this time.
    Wait(Instant),
    End,
}

/// Decides what the connection of this number does next.
pub type Next = dyn Fn(usize) -> Result<Step>;

struct Counts {
    latencies: RefCell<Latencies>,
    failed: Cell<u64>,
    first_failure: RefCell<Option<String>>,
}

/// Runs `next` on so many connections until it ends, or the time is over. The clock starts when all are connected.
pub async fn drive(
    address: SocketAddr,
    connections: usize,
    time: Option<Duration>,
    next: Rc<Next>,
) -> Result<Report> {
    let mut open = Vec::with_capacity(connections);
    for _ in 0..connections {
        open.push(connect(address).await?);
    }
    let counts = Rc::new(Counts {
        latencies: RefCell::new(Latencies::new()?),
        failed: Cell::new(0),
        first_failure: RefCell::default(),
    });
    let started = Instant::now();
    let end = time.map(|time| started + time);
    let mut running = JoinSet::new();
    for (index, connection) in open.into_iter().enumerate() {
        running.spawn_local(one(connection, index, end, Rc::clone(&next), Rc::clone(&counts)));
    }
    while let Some(ended) = running.join_next().await {
        ended??;
    }
    let nanos = u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX);
    let latencies = counts.latencies.borrow();
    Ok(Report {
        done: latencies.count(),
        failed: counts.failed.get(),
        first_failure: counts.first_failure.take(),
        nanos,
        p50_micros: latencies.micros_at(0.5),
        p99_micros: latencies.micros_at(0.99),
        max_micros: latencies.micros_at(1.0),
    })
}

#[expect(clippy::disallowed_methods, reason = "to our own server, on loopback")]
async fn connect(address: SocketAddr) -> Result<SendRequest<Full<Bytes>>> {
    if !address.ip().is_loopback() {
        return Err(Failure::new(format!("{address} is not loopback")));
    }
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let (sender, connection) = handshake(TokioIo::new(stream)).await?;
    // Its end shows at the sender.
    tokio::task::spawn_local(connection);
    Ok(sender)
}

async fn one(
    mut connection: SendRequest<Full<Bytes>>,
    index: usize,
    end: Option<Instant>,
    next: Rc<Next>,
    counts: Rc<Counts>,
) -> Result<()> {
    while end.is_none_or(|end| Instant::now() < end) {
        let request = match next(index)? {
            Step::Send(request) => *request,
            Step::Wait(until) => {
                tokio::time::sleep_until(until.min(end.unwrap_or(until)).into()).await;
                continue;
            }
            Step::End => return Ok(()),
        };
        let started = Instant::now();
        connection.ready().await?;
        let answer = connection.send_request(request).await?;
        let status = answer.status();
        let body = answer.into_body().collect().await?.to_bytes();
        if status.is_success() {
            counts.latencies.borrow_mut().record(started.elapsed());
        } else {
            counts.failed.update(|failed| failed + 1);
            counts
                .first_failure
                .borrow_mut()
                .get_or_insert_with(|| format!("{status}: {}", String::from_utf8_lossy(&body)));
        }
    }
    Ok(())
}
