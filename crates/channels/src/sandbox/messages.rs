//! `POST /{version}/{phone_number_id}/messages`: what is taken, and what becomes of it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use axum::Json;
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::call::Call;
use super::config::Window;
use super::limits::Exceeded;
use super::news::{News, Reached, Said, Sent, What, Words};
use super::people::{self, Behaviour, Person, ReplyKind};
use super::registration::not_registered;
use super::replies;
use super::reply::{Answer, GraphError, success};
use super::request::{Asked, Kind, Request};
use super::wamid::Writer;
use super::world::{Number, SendRecord, World, locked};

/// How long after a person's last message anything may be sent to them.
pub(super) const WINDOW: Duration = Duration::from_hours(24);

/// Most news that one message can make: four states and an answer.
const NEWS_MAX: usize = 5;

/// Judges a send whose token was found good.
pub(super) fn message_send(world: &World, call: &Call, number: &Arc<Number>) -> Answer {
    match Asked::read(&call.params, world, number)? {
        Asked::MarkRead => success(),
        Asked::Send(request) => take(world, call, number, request),
    }
}

fn take(world: &World, call: &Call, number: &Arc<Number>, request: Request) -> Result<Response, GraphError> {
    let behaviour = judge(world, call, number, &request)?;
    let now = Instant::now();
    locked(&number.meters).admit(&world.config.limits, request.to.key(), now).map_err(|exceeded| {
        match exceeded {
            Exceeded::Throughput => GraphError::throughput(),
            Exceeded::Pair => GraphError::pair(),
        }
    })?;
    if !world.reserve(NEWS_MAX) {
        return Err(GraphError::unavailable("Too many callbacks wait to be heard."));
    }
    let Request { input, to, by_user_id, opaque, kind } = request;
    let wamid = world.ids.wamid(to.key(), Writer::Business);
    let at = world.clock.now();
    world.record(|record| SendRecord {
        number: record,
        wamid: wamid.clone(),
        phone_number_id: number.phone_number_id.clone(),
        to: to.key().to_owned(),
        opaque: opaque.clone(),
        body: call.json_body(),
        at,
        fate: call.fate,
    });
    let mut contact = json!({ "input": input, "user_id": to.user_id });
    let shows_number = !by_user_id && !world.config.rules.hide_numbers;
    if let Some(digits) = to.digits.as_deref().filter(|_| !by_user_id) {
        contact["wa_id"] = digits.into();
    }
    let mut message = json!({ "id": wamid });
    if matches!(kind, Kind::Template(_)) {
        message["message_status"] = "accepted".into();
    }
    let answer = Json(json!({
        "messaging_product": "whatsapp",
        "contacts": [contact],
        "messages": [message],
    }));
    let category = match kind {
        Kind::Template(category) => Some(category),
        _ => None,
    };
    let sent = Arc::new(Sent { wamid, to, shows_number, opaque, category });
    let told = schedule(world, number, &Fresh { sent, kind, behaviour, params: &call.params, now });
    world.release(NEWS_MAX - told);
    Ok(answer.into_response())
}

/// Whether a well-formed message may go at all, and what its recipient will do with it.
fn judge(world: &World, call: &Call, number: &Number, request: &Request) -> Result<Behaviour, GraphError> {
    let to = &request.to;
    if to.digits.as_deref() == Some(number.digits.as_str()) {
        return Err(GraphError::bad(
            131_021,
            "Recipient cannot be sender",
            "Sender and recipient phone number is the same.",
        ));
    }
    let window = world.config.rules.window;
    let outside = {
        let state = locked(&number.state);
        if !state.registered {
            return Err(not_registered());
        }
        if to.digits.as_ref().is_some_and(|digits| state.blocked.contains(digits)) {
            return Err(GraphError::bad(
                130_403,
                "Blocked user",
                "The business has blocked this user; unblock the user first.",
            ));
        }
        window != Window::Ignored
            && !matches!(request.kind, Kind::Template(_))
            && !state.window_open(to, world.clock.now())
    };
    if outside && window == Window::Refused {
        return Err(GraphError::bad(
            131_047,
            "Re-engagement message",
            "Message failed to send because more than 24 hours have passed since the customer last replied to this number.",
        ));
    }
    let behaviour = to.behaviour();
    match behaviour {
        Behaviour::Unreachable => {
            Err(GraphError::unavailable("This number is never reached (+1 202 555 0106)."))
        }
        Behaviour::RefusedOnce => {
            let key = request.opaque.clone();
            let key = key.unwrap_or_else(|| String::from_utf8_lossy(&call.body).into_owned());
            if world.refuse_once(format!("{}\n{key}", number.phone_number_id)) {
                return Err(GraphError::throughput().after(1));
            }
            Ok(behaviour)
        }
        _ if outside => Ok(Behaviour::Fails(131_047)),
        _ => Ok(behaviour),
    }
}

/// A message that was taken just now.
struct Fresh<'a> {
    sent: Arc<Sent>,
    kind: Kind,
    behaviour: Behaviour,
    /// The send itself, for those who answer to its buttons.
    params: &'a Map<String, Value>,
    now: Instant,
}

/// Schedules what becomes of a message; how many pieces of news that makes.
fn schedule(world: &World, number: &Arc<Number>, fresh: &Fresh<'_>) -> usize {
    let timings = world.config.timings;
    let Fresh { sent, kind, behaviour, params, now } = fresh;
    let mut count = 0;
    let mut add = |after, what| {
        count += 1;
        world.schedule.add(*now + after, News { number: Arc::clone(number), at: None, what });
    };
    let status = |reached| What::Status { sent: Arc::clone(sent), reached };
    let fails = match behaviour {
        Behaviour::NotOnWhatsApp => Some(131_026),
        Behaviour::Fails(code) => Some(*code),
        _ => None,
    };
    if let Some(code) = fails {
        add(timings.sent, status(Reached::Failed(code)));
        return count;
    }
    add(timings.sent, status(Reached::Sent));
    if *behaviour == Behaviour::Slow {
        add(timings.slow_delivered.max(timings.sent), status(Reached::Delivered));
        return count;
    }
    let delivered = timings.delivered.max(timings.sent);
    let read = timings.read.max(delivered);
    if *kind != Kind::Reaction {
        add(delivered, status(Reached::Delivered));
        add(read, status(Reached::Read));
    }
    let reply = match behaviour {
        Behaviour::RepliesStop => Some((Words::Text("STOP".to_owned()), false, true)),
        Behaviour::RepliesText => Some((Words::Text(people::REPLY_TEXT.to_owned()), true, true)),
        Behaviour::Replies(kind) => {
            let (words, quotes) = replies::reply(world, number, *kind, params, &sent.wamid);
            Some((words, quotes, *kind != ReplyKind::Hidden))
        }
        Behaviour::Plays if *kind == Kind::Voice => {
            add(read + timings.reply, status(Reached::Played));
            None
        }
        _ => None,
    };
    if let Some((words, quotes, shows_number)) = reply {
        let said = Said {
            wamid: world.ids.wamid(sent.to.key(), Writer::Person),
            from: sent.to.clone(),
            shows_number: shows_number && !world.config.rules.hide_numbers,
            name: people::profile_name(sent.to.key()),
            words,
            context: quotes.then(|| sent.wamid.clone()),
        };
        add(read + timings.reply, What::Said(Arc::new(said)));
    }
    count
}

/// Somebody who writes to a number by themselves.
pub(super) struct Speech {
    pub from: Person,
    pub name: Option<String>,
    pub hide_number: bool,
    pub words: Words,
    pub context: Option<String>,
}

/// Lets a person write to a number; the wamid of what they wrote. Meta drops what blocked people write, so nothing is
/// told of it then.
pub(super) fn person_says(world: &World, number: &Arc<Number>, speech: Speech) -> Result<String, GraphError> {
    let Speech { from, name, hide_number, words, context } = speech;
    let wamid = world.ids.wamid(from.key(), Writer::Person);
    let blocked = from.digits.as_ref().is_some_and(|digits| locked(&number.state).blocked.contains(digits));
    if blocked {
        return Ok(wamid);
    }
    let said = Said {
        wamid: wamid.clone(),
        shows_number: !hide_number && !world.config.rules.hide_numbers,
        name: name.unwrap_or_else(|| people::profile_name(from.key())),
        from,
        words,
        context,
    };
    world.later(Instant::now(), number, What::Said(Arc::new(said)))?;
    Ok(wamid)
}

/// Totals, for those who look.
pub(super) fn total(counter: &AtomicU64) -> u64 {
    counter.load(Ordering::Relaxed)
}
