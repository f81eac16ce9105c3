//! The ways in that Meta does not have, for the command line and for tests in other processes.
//!
//! They ask for a configured token like all others, and reach that token's numbers only.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::HeaderMap;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::faults::Fault;
use super::messages::person_says;
use super::news::Said;
use super::people;
use super::reply::GraphError;
use super::request::digits;
use super::server::{Gate, Parameters, token};
use super::world::{Fate, World};
use std::sync::atomic::Ordering;

/// Longest text that a person writes, characters.
const SAID_MAX: usize = 4096;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct InboundBody {
    phone_number_id: String,
    from: String,
    text: String,
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
    #[serde(default)]
    times: u32,
    /// Whether the message goes out all the same.
    #[serde(default)]
    taken: bool,
    duplicates: Option<u32>,
    shuffle: Option<bool>,
}

/// `POST /_sandbox/inbound {phone_number_id, from, text, context?, name?, hide_number?}` → `{"id":"wamid.…"}`.
pub(super) async fn inbound(
    State(Gate { world, .. }): State<Gate>,
    Query(query): Parameters,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let said = || -> Result<String, GraphError> {
        let token = token(&headers, &query).ok_or_else(GraphError::no_token)?;
        let body: InboundBody = parse(&body)?;
        let number = world
            .number(&body.phone_number_id)
            .filter(|n| n.has_token(token))
            .ok_or_else(|| GraphError::object(&body.phone_number_id))?;
        let from = digits(&body.from).ok_or_else(|| GraphError::value("from is not a phone number."))?;
        if body.text.is_empty() || body.text.chars().count() > SAID_MAX {
            return Err(GraphError::value("text must have 1 to 4096 characters."));
        }
        let said = Said {
            wamid: String::new(),
            name: body.name.unwrap_or_else(|| people::profile_name(&from)),
            from,
            shows_number: !body.hide_number,
            text: body.text,
            context: body.context,
        };
        person_says(&world, &number, said)
    };
    answer(&world, said().map(|id| json!({ "id": id })))
}

/// `POST /_sandbox/faults {fault?, times?, taken?, duplicates?, shuffle?}` → `{"success":true}`.
pub(super) async fn faults(
    State(Gate { world, .. }): State<Gate>,
    Query(query): Parameters,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let set = || -> Result<Value, GraphError> {
        good_token(&world, &headers, &query)?;
        let body: FaultsBody = parse(&body)?;
        let taken = body.taken;
        match body.fault.as_deref() {
            None => {}
            Some("server_error") => world.faults.add(body.times, Fault::ServerError),
            Some("rate_limited") => world.faults.add(body.times, Fault::RateLimited),
            Some("bad_gateway") => world.faults.add(body.times, Fault::BadGateway { taken }),
            Some("hang") => world.faults.add(body.times, Fault::Hang { taken }),
            Some("cut") => world.faults.add(body.times, Fault::Cut { taken }),
            Some("garbled") => world.faults.add(body.times, Fault::Garbled),
            Some(_) => return Err(GraphError::value("fault is none of those that are known.")),
        }
        if let Some(copies) = body.duplicates {
            world.faults.duplicates.store(copies, Ordering::Relaxed);
        }
        if let Some(on) = body.shuffle {
            world.faults.shuffle.store(on, Ordering::Relaxed);
        }
        Ok(json!({ "success": true }))
    };
    answer(&world, set())
}

/// `GET /_sandbox/sends?after=N&limit=N` → `{"data":[{number, wamid, phone_number_id, to, opaque, body, …}]}`: sends
/// that were taken from the token's numbers, oldest first.
pub(super) async fn sends(
    State(Gate { world, .. }): State<Gate>,
    Query(query): Parameters,
    headers: HeaderMap,
) -> Response {
    let list = || -> Result<Value, GraphError> {
        let token = good_token(&world, &headers, &query)?;
        let own: Vec<String> = world.numbers_of(token).iter().map(|n| n.phone_number_id.clone()).collect();
        let parameter = |name: &str| query.get(name).and_then(|v| v.parse::<u64>().ok());
        let after = parameter("after");
        let limit = usize::try_from(parameter("limit").unwrap_or(100).min(1000)).unwrap_or(100);
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
        Ok(json!({ "data": data }))
    };
    answer(&world, list())
}

fn good_token<'a>(
    world: &World,
    headers: &'a HeaderMap,
    query: &'a std::collections::HashMap<String, String>,
) -> Result<&'a str, GraphError> {
    let token = token(headers, query).ok_or_else(GraphError::no_token)?;
    if world.numbers_of(token).is_empty() { Err(GraphError::token()) } else { Ok(token) }
}

fn parse<T: for<'de> Deserialize<'de>>(body: &[u8]) -> Result<T, GraphError> {
    serde_json::from_slice(body).map_err(|error| GraphError::parameter(error.to_string()))
}

fn answer(world: &World, result: Result<Value, GraphError>) -> Response {
    match result {
        Ok(value) => Json(value).into_response(),
        Err(error) => error.into_response(world.ids.number()),
    }
}
