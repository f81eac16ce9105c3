//! `POST /{version}/{phone_number_id}/messages`.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::Json;
use axum::http::StatusCode;
use axum::response::{Html, IntoResponse, Response};
use serde_json::json;
use tokio::time::Instant;

use super::faults::Fault;
use super::limits::Exceeded;
use super::news::{News, Reached, Said, Sent, What};
use super::people::{self, Behaviour};
use super::reply::GraphError;
use super::request::Request;
use super::wamid::Writer;
use super::world::{Counts, Fate, Number, SendRecord, World, locked};

/// Most news that one message can make: three states and an answer.
const NEWS_MAX: usize = 4;

/// What the connection is to do with a send.
pub(super) enum Verdict {
    Answer(Response),
    /// No answer, ever.
    Hang,
    /// The end of the connection.
    Cut,
}

/// Judges a send whose token was found good.
pub(super) fn message_send(world: &World, number: &Arc<Number>, body: &[u8]) -> Verdict {
    Counts::add(&world.counts.requests, 1);
    let fault = world.faults.take();
    let refuse = |error: GraphError| {
        Counts::add(&world.counts.refused, 1);
        Verdict::Answer(error.into_response(world.ids.number()))
    };
    match fault {
        Some(Fault::ServerError) => {
            return refuse(GraphError::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                131_000,
                "Something went wrong",
                "Message failed to send due to an unknown error.",
            ));
        }
        Some(Fault::RateLimited) => return refuse(GraphError::throughput().after(1)),
        _ => {}
    }
    if fault.is_none_or(Fault::takes) {
        let fate = if fault.is_none() { Fate::Answered } else { Fate::Unanswered };
        match take(world, number, body, fate) {
            Err(error) if fault.is_none() => return refuse(error),
            Ok(answer) if fault.is_none() => return Verdict::Answer(answer),
            _ => {}
        }
    }
    match fault {
        Some(Fault::Hang { .. }) => Verdict::Hang,
        Some(Fault::Cut { .. }) => Verdict::Cut,
        Some(Fault::BadGateway { .. }) => Verdict::Answer(
            (StatusCode::BAD_GATEWAY, Html("<html><body><h1>502 Bad Gateway</h1></body></html>"))
                .into_response(),
        ),
        _ => Verdict::Answer(Html("<html><body>It works!</body></html>").into_response()),
    }
}

fn take(world: &World, number: &Arc<Number>, body: &[u8], fate: Fate) -> Result<Response, GraphError> {
    let request = Request::read(body, &world.config)?;
    if request.to == number.digits {
        return Err(GraphError::new(
            StatusCode::BAD_REQUEST,
            131_021,
            "Recipient cannot be sender",
            "Sender and recipient phone number is the same.",
        ));
    }
    let behaviour = Behaviour::of(&request.to);
    match behaviour {
        Behaviour::Unreachable => {
            return Err(GraphError::unavailable("This number is never reached (+1 202 555 0106)."));
        }
        Behaviour::RefusedOnce => {
            let key = request.opaque.clone().unwrap_or_else(|| String::from_utf8_lossy(body).into_owned());
            if world.refuse_once(format!("{}\n{key}", number.phone_number_id)) {
                return Err(GraphError::throughput().after(1));
            }
        }
        _ => {}
    }
    let now = Instant::now();
    locked(&number.meters).admit(&world.config.limits, &request.to, now).map_err(
        |exceeded| match exceeded {
            Exceeded::Throughput => GraphError::throughput(),
            Exceeded::Pair => GraphError::pair(),
        },
    )?;
    if !world.reserve(NEWS_MAX) {
        return Err(GraphError::unavailable("Too many callbacks wait to be heard."));
    }
    let wamid = world.ids.wamid(&request.to, Writer::Business);
    let at = world.clock.now();
    world.record(|record| SendRecord {
        number: record,
        wamid: wamid.clone(),
        phone_number_id: number.phone_number_id.clone(),
        to: request.to.clone(),
        opaque: request.opaque.clone(),
        body: body.into(),
        at,
        fate,
    });
    let user_id = people::user_id(&request.to);
    let mut message = json!({ "id": wamid });
    if request.template {
        message["message_status"] = "accepted".into();
    }
    let answer = Json(json!({
        "messaging_product": "whatsapp",
        "contacts": [{ "input": request.input, "wa_id": request.to, "user_id": user_id }],
        "messages": [message],
    }));
    let sent = Sent { wamid, to: request.to, opaque: request.opaque, template: request.template };
    let told = schedule(world, number, &Arc::new(sent), behaviour, now);
    world.release(NEWS_MAX - told);
    Ok(answer.into_response())
}

/// Schedules what becomes of a message; how many pieces of news that makes.
fn schedule(
    world: &World,
    number: &Arc<Number>,
    sent: &Arc<Sent>,
    behaviour: Behaviour,
    now: Instant,
) -> usize {
    let timings = world.config.timings;
    let mut count = 0;
    let mut add = |after, what| {
        count += 1;
        world.schedule.add(now + after, News { number: Arc::clone(number), at: None, what });
    };
    let status = |reached| What::Status { sent: Arc::clone(sent), reached };
    match behaviour {
        Behaviour::NotOnWhatsApp => add(timings.sent, status(Reached::Failed)),
        Behaviour::Slow => {
            add(timings.sent, status(Reached::Sent));
            add(timings.slow_delivered.max(timings.sent), status(Reached::Delivered));
        }
        _ => {
            let delivered = timings.delivered.max(timings.sent);
            let read = timings.read.max(delivered);
            add(timings.sent, status(Reached::Sent));
            add(delivered, status(Reached::Delivered));
            add(read, status(Reached::Read));
            let (text, context) = match behaviour {
                Behaviour::RepliesStop => ("STOP", None),
                Behaviour::RepliesText => (people::REPLY_TEXT, Some(sent.wamid.clone())),
                _ => return count,
            };
            add(
                read + timings.reply,
                What::Said(Arc::new(Said {
                    wamid: world.ids.wamid(&sent.to, Writer::Person),
                    from: sent.to.clone(),
                    shows_number: true,
                    name: people::profile_name(&sent.to),
                    text: text.to_owned(),
                    context,
                })),
            );
        }
    }
    count
}

/// Lets a person write to a number; the wamid of what they wrote.
pub(super) fn person_says(world: &World, number: &Arc<Number>, mut said: Said) -> Result<String, GraphError> {
    if !world.reserve(1) {
        return Err(GraphError::unavailable("Too many callbacks wait to be heard."));
    }
    said.wamid = world.ids.wamid(&said.from, Writer::Person);
    let wamid = said.wamid.clone();
    let news = News { number: Arc::clone(number), at: None, what: What::Said(Arc::new(said)) };
    world.schedule.add(Instant::now(), news);
    Ok(wamid)
}

/// Totals, for those who look.
pub(super) fn total(counter: &std::sync::atomic::AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}
