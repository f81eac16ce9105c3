//! The load process: obeys orders from its standard input until that closes. One thread, so that it takes as little of
//! the machine as it can from the server that is measured.

use std::cell::Cell;
use std::io::Write as _;
use std::rc::Rc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use gatepost_vault::AppSecret;
use http_body_util::Full;
use hyper::Request;
use serde::Serialize;
use tokio::task::LocalSet;

use super::client::{Next, Step, drive};
use super::protocol::{CallbackReport, Callbacks, Listening, Order, Received, What};
use super::receiver::Receiver;
use super::sends::send;
use super::{callback, pace, whole};
use crate::error::{Failure, Result};

/// As many bytes as a send has.
const FILLER: &[u8] = br#"{"channel_id":"chn_01kagq5rh8e5htqh9sk95d3x4w","to":"+4915112345678","purpose":"transactional","text":"Your parcel 12345678 is here."}"#;

/// Runs the load process.
pub fn run() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    LocalSet::new().block_on(&runtime, async {
        let mut receiver = None;
        while let Some(line) = next_line().await? {
            let answer = match obey(serde_json::from_str(&line)?, &mut receiver).await {
                Ok(answer) => answer,
                Err(failure) => said(&serde_json::json!({ "failure": failure.to_string() }))?,
            };
            let mut out = std::io::stdout().lock();
            writeln!(out, "{answer}")?;
            out.flush()?;
        }
        Ok(())
    })
}

/// The next order; `None` when the measuring process has gone. Reading waits on a thread of its own.
async fn next_line() -> Result<Option<String>> {
    let read = tokio::task::spawn_blocking(|| {
        let mut line = String::new();
        std::io::stdin().read_line(&mut line).map(|length| (length > 0).then_some(line))
    });
    Ok(read.await??)
}

fn said<T: Serialize>(answer: &T) -> Result<String> {
    Ok(serde_json::to_string(answer)?)
}

async fn obey(order: Order, receiver: &mut Option<Receiver>) -> Result<String> {
    match order {
        Order::Requests { address, connections, millis, what } => {
            let time = Duration::from_millis(millis);
            said(&drive(address, connections, Some(time), requests(what)).await?)
        }
        Order::Callbacks(callbacks) => said(&post_callbacks(callbacks, receiver.as_ref()).await?),
        Order::Loop(order) => said(&whole::run(order, known(receiver.as_ref())?).await?),
        Order::Listen { ports } => {
            let started = Receiver::start(ports).await?;
            let ports = started.ports.clone();
            *receiver = Some(started);
            said(&Listening { ports })
        }
        Order::Gate { open } => {
            let receiver = known(receiver.as_ref())?;
            let before = receiver.received();
            receiver.set_gate(open);
            said(&before)
        }
        Order::Await { deliveries, seconds } => {
            said(&known(receiver.as_ref())?.wait(deliveries, Duration::from_secs(seconds)).await)
        }
        Order::Tell => said(&known(receiver.as_ref())?.received()),
    }
}

fn known(receiver: Option<&Receiver>) -> Result<&Receiver> {
    receiver.ok_or_else(|| Failure::new("there is no receiver"))
}

fn requests(what: What) -> Rc<Next> {
    match what {
        What::Get { path } => Rc::new(move |_| Ok(Step::Send(Box::new(get(&path)?)))),
        What::Post { path } => Rc::new(move |_| {
            Ok(Step::Send(Box::new(Request::post(&path).body(Full::new(Bytes::from_static(FILLER)))?)))
        }),
        What::Send { senders, idempotency } => {
            let number = Cell::new(0_u64);
            Rc::new(move |connection| {
                number.update(|n| n + 1);
                let n = number.get();
                let key = idempotency.then(|| format!("{connection}-{}-{n}", std::process::id()));
                Ok(Step::Send(Box::new(send(&senders, connection, n, false, key.as_deref())?)))
            })
        }
    }
}

fn get(path: &str) -> Result<Request<Full<Bytes>>> {
    Ok(Request::get(path).header("host", "127.0.0.1").body(Full::default())?)
}

async fn post_callbacks(order: Callbacks, receiver: Option<&Receiver>) -> Result<CallbackReport> {
    let mut sources = Vec::with_capacity(order.sources.len());
    for source in order.sources {
        let secret = AppSecret::new(&source.app_secret)?;
        sources.push((source, secret));
    }
    let mut prepared = Vec::with_capacity(order.bodies);
    for number in 0..order.bodies as u64 {
        prepared.push(callback::prepare(&sources, number, order.items, order.run)?);
    }
    let make = move |number: u64| {
        let Some(callback) = prepared.get(number as usize) else { return Ok(None) };
        let request = Request::post(&callback.path)
            .header("host", "127.0.0.1")
            .header("content-type", "application/json")
            .header("x-hub-signature-256", &callback.signature);
        Ok(Some(request.body(Full::new(callback.body.clone()))?))
    };
    if let Some(receiver) = receiver {
        receiver.reset();
    }
    let next = match order.per_second {
        Some(per_second) => pace::fixed(order.connections, Instant::now(), per_second, Box::new(make)),
        None => pace::at_once(Box::new(make)),
    };
    let answered = drive(order.address, order.connections, None, next).await?;
    if order.deliveries == 0 {
        return Ok(CallbackReport { answered, webhooks: Received::default() });
    }
    let patience = Duration::from_secs(order.patience_seconds);
    let webhooks = known(receiver)?.wait_fresh(order.deliveries, patience).await;
    Ok(CallbackReport { answered, webhooks })
}
