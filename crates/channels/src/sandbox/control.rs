//! The ways in that Meta does not have, for the command line and for tests in other processes.
//!
//! They ask for a configured token like all others, and reach that token's numbers only.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::call::Call;
use super::faults::{Fault, Reach};
use super::field_samples;
use super::media::{self, Sample};
use super::messages::{Speech, person_says};
use super::news::{What, Words};
use super::people::Person;
use super::reply::{Answer, GraphError, json_answer, success};
use super::request::digits;
use super::templates::{Review, Verdict};
use super::wamid::Writer;
use super::world::{Fate, Number, World};

/// Longest text that a person writes, characters.
const SAID_MAX: usize = 4096;
/// Largest content of media that comes in a control call, bytes; they share the limit of bodies.
const CONTENT_MAX: usize = 512 * 1024;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct InboundBody {
    phone_number_id: String,
    /// A number, or a BSUID.
    from: String,
    text: Option<String>,
    /// A message of any kind in Meta's form: `{"type":"image","image":{…}}`.
    message: Option<Map<String, Value>>,
    context: Option<String>,
    name: Option<String>,
    #[serde(default)]
    hide_number: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FaultsBody {
    /// `server_error`, `rate_limited`, `bad_gateway`, `hang`, `cut` or `garbled`.
    fault: Option<String>,
    /// `messages`, `media`, `templates`, `management` or `any`.
    on: Option<String>,
    #[serde(default)]
    times: u32,
    /// Whether the call has its effect all the same.
    #[serde(default)]
    taken: bool,
    duplicates: Option<u32>,
    shuffle: Option<bool>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EmitBody {
    phone_number_id: String,
    field: String,
    /// Without one, a sample.
    value: Option<Value>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ReviewBody {
    template_id: String,
    status: Option<String>,
    reason: Option<String>,
    quality: Option<String>,
    category: Option<String>,
}

/// `POST /_sandbox/inbound {phone_number_id, from, text | message, context?, name?, hide_number?}` →
/// `{"id":"wamid.…"}`.
pub(super) fn inbound(world: &World, call: &Call) -> Answer {
    let token = call.token().ok_or_else(GraphError::no_token)?;
    let body: InboundBody = parse(call)?;
    let number = number(world, token, &body.phone_number_id)?;
    let from = person(&body.from).ok_or_else(|| GraphError::value("from is not a phone number."))?;
    let words = match (body.text, body.message) {
        (Some(text), None) if !text.is_empty() && text.chars().count() <= SAID_MAX => Words::Text(text),
        (Some(_), None) => return Err(GraphError::value("text must have 1 to 4096 characters.")),
        (None, Some(message)) => words(world, &number, message)?,
        _ => return Err(GraphError::parameter("Either text or message is required.")),
    };
    let speech =
        Speech { from, name: body.name, hide_number: body.hide_number, words, context: body.context };
    let id = person_says(world, &number, speech)?;
    json_answer(&json!({ "id": id }))
}

/// Somebody by a number or a BSUID.
pub(super) fn person(text: &str) -> Option<Person> {
    digits(text).map(Person::of_digits).or_else(|| Person::of_user_id(text))
}

/// A message in Meta's form as a person would have written it. Media may bring their content as `data` in base64 with
/// its `mime_type`; without an id or content they get a sample.
pub(super) fn words(
    world: &World,
    number: &Number,
    mut message: Map<String, Value>,
) -> Result<Words, GraphError> {
    let Some(Value::String(kind)) = message.remove("type") else {
        return Err(GraphError::parameter("The parameter message['type'] is required."));
    };
    for ours in ["from", "from_user_id", "id", "timestamp", "context"] {
        message.remove(ours);
    }
    if let Some(sample) = Sample::of(&kind) {
        let given = match message.remove(&kind) {
            None => Map::new(),
            Some(Value::Object(given)) => given,
            Some(_) => return Err(GraphError::parameter("Media must be a JSON object.")),
        };
        message.insert(kind.clone(), media_node(world, number, sample, given)?);
    }
    Ok(Words::Other { kind, fields: message })
}

fn media_node(
    world: &World,
    number: &Number,
    sample: Sample,
    mut given: Map<String, Value>,
) -> Result<Value, GraphError> {
    let mut node = match given.remove("data") {
        None if given.contains_key("id") => return Ok(Value::Object(given)),
        None => media::node(world, number, sample),
        Some(data) => {
            let content = data.as_str().and_then(|data| STANDARD.decode(data).ok());
            let content = content.filter(|content| content.len() <= CONTENT_MAX);
            let content =
                content.ok_or_else(|| GraphError::value("data must be base64 of at most 512 KB."))?;
            let mime_type =
                given.get("mime_type").and_then(Value::as_str).unwrap_or("application/octet-stream");
            media::node_of(world, &media::keep(world, number, mime_type, content.into()))
        }
    };
    if let Some(node) = node.as_object_mut() {
        node.extend(given);
    }
    Ok(node)
}

/// `POST /_sandbox/faults {fault?, on?, times?, taken?, duplicates?, shuffle?}`.
pub(super) fn faults(world: &World, call: &Call) -> Answer {
    good_token(world, call)?;
    let body: FaultsBody = parse(call)?;
    let taken = body.taken;
    let reach = match body.on.as_deref() {
        None | Some("messages") => Reach::Messages,
        Some("media") => Reach::Media,
        Some("templates") => Reach::Templates,
        Some("management") => Reach::Management,
        Some("any") => Reach::Any,
        Some(_) => return Err(GraphError::value("on is none of those that are known.")),
    };
    let fault = match body.fault.as_deref() {
        None => None,
        Some("server_error") => Some(Fault::ServerError),
        Some("rate_limited") => Some(Fault::RateLimited),
        Some("bad_gateway") => Some(Fault::BadGateway { taken }),
        Some("hang") => Some(Fault::Hang { taken }),
        Some("cut") => Some(Fault::Cut { taken }),
        Some("garbled") => Some(Fault::Garbled),
        Some(_) => return Err(GraphError::value("fault is none of those that are known.")),
    };
    if let Some(fault) = fault {
        world.faults.add(body.times, fault, reach);
    }
    if let Some(copies) = body.duplicates {
        world.faults.duplicates.store(copies, Ordering::Relaxed);
    }
    if let Some(on) = body.shuffle {
        world.faults.shuffle.store(on, Ordering::Relaxed);
    }
    success()
}

/// `POST /_sandbox/emit {phone_number_id, field, value?}`: a callback of any field.
pub(super) fn emit(world: &World, call: &Call) -> Answer {
    let token = call.token().ok_or_else(GraphError::no_token)?;
    let body: EmitBody = parse(call)?;
    let number = number(world, token, &body.phone_number_id)?;
    emit_field(world, &number, &body.field, body.value)?;
    success()
}

/// Tells a change of any field, with a sample of a value where none is given.
pub(super) fn emit_field(
    world: &World,
    number: &Arc<Number>,
    field: &str,
    value: Option<Value>,
) -> Result<(), GraphError> {
    let sample = || {
        let wamid = world.ids.wamid("12025550101", Writer::Person);
        field_samples::sample(field, number, &wamid, world.clock.now().seconds())
    };
    let value = value.or_else(sample);
    let value = value.ok_or_else(|| GraphError::value("A field without a sample needs a value."))?;
    world.emit(number, field, value)
}

/// `POST /_sandbox/templates {template_id, status?, reason?, quality?, category?}`: verdicts on a template, at once.
pub(super) fn template_review(world: &World, call: &Call) -> Answer {
    let token = good_token(world, call)?;
    let body: ReviewBody = parse(call)?;
    let found = super::templates::find(world, &world.numbers_of(token), &body.template_id)
        .ok_or_else(|| GraphError::object(&body.template_id))?;
    let reason = body.reason;
    let verdicts = [
        body.status.map(|status| Verdict::Status { status: status.to_ascii_uppercase(), reason }),
        body.quality.map(|quality| Verdict::Quality(quality.to_ascii_uppercase())),
        body.category.map(|category| Verdict::Category(category.to_ascii_uppercase())),
    ];
    for verdict in verdicts.into_iter().flatten() {
        let review = Review { template_id: body.template_id.clone(), verdict };
        world.later(Instant::now(), &found.number, What::Review(Arc::new(review)))?;
    }
    success()
}

/// `GET /_sandbox/sends?after=N&limit=N` → `{"data":[{number, wamid, phone_number_id, to, opaque, body, …}]}`: sends
/// that were taken from the token's numbers, oldest first.
pub(super) fn sends(world: &World, call: &Call) -> Answer {
    let token = good_token(world, call)?;
    let own: Vec<String> = world.numbers_of(token).iter().map(|n| n.phone_number_id.clone()).collect();
    let after = call.number("after");
    let limit = usize::try_from(call.number("limit").unwrap_or(100).min(1000)).unwrap_or(100);
    let data: Vec<Value> = world
        .sends()
        .into_iter()
        .filter(|s| after.is_none_or(|after| s.number > after) && own.contains(&s.phone_number_id))
        .take(limit)
        .map(|s| {
            json!({
                "number": s.number,
                "wamid": s.wamid,
                "phone_number_id": s.phone_number_id,
                "to": s.to,
                "opaque": s.opaque,
                "at": s.at,
                "answered": s.fate == Fate::Answered,
                "body": serde_json::from_slice::<Value>(&s.body).unwrap_or_default(),
            })
        })
        .collect();
    json_answer(&json!({ "data": data }))
}

fn good_token<'a>(world: &World, call: &'a Call) -> Result<&'a str, GraphError> {
    let token = call.token().ok_or_else(GraphError::no_token)?;
    if world.numbers_of(token).is_empty() { Err(GraphError::token()) } else { Ok(token) }
}

fn number(world: &World, token: &str, phone_number_id: &str) -> Result<Arc<Number>, GraphError> {
    world
        .number(phone_number_id)
        .filter(|number| number.has_token(token))
        .ok_or_else(|| GraphError::object(phone_number_id))
}

fn parse<T: for<'de> Deserialize<'de>>(call: &Call) -> Result<T, GraphError> {
    serde_json::from_slice(&call.body).map_err(|error| GraphError::parameter(error.to_string()))
}
