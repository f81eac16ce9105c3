//! The reads: numbers, tokens, subscriptions.

use std::sync::Arc;

use axum::Json;
use axum::response::{IntoResponse, Response};
use gatepost_vault::constant_time_eq;
use serde_json::{Map, Value, json};

use super::reply::GraphError;
use super::world::{Number, World};

/// What every token here may do.
const SCOPES: [&str; 2] = ["whatsapp_business_management", "whatsapp_business_messaging"];

/// `GET /{version}/{phone_number_id}?fields=…`: what was asked for, and always the id.
pub(super) fn number_get(number: &Number, fields: Option<&str>) -> Result<Response, GraphError> {
    let all = json!({
        "verified_name": number.verified_name,
        "display_phone_number": number.display,
        "quality_rating": "GREEN",
        "throughput": { "level": "STANDARD" },
        "status": "CONNECTED",
        "name_status": "APPROVED",
        "code_verification_status": "VERIFIED",
        "platform_type": "CLOUD_API",
    });
    let mut out = Map::new();
    for field in fields.unwrap_or("verified_name,display_phone_number,quality_rating").split(',') {
        // throughput{level} names the same field as throughput.
        let field = field.split('{').next().unwrap_or_default().trim();
        match all.get(field) {
            Some(value) => out.insert(field.to_owned(), value.clone()),
            None if matches!(field, "" | "id") => None,
            None => {
                return Err(GraphError::parameter(format!(
                    "Tried accessing nonexisting field ({field}) on node type (WhatsAppBusinessPhoneNumber)"
                )));
            }
        };
    }
    out.insert("id".to_owned(), number.phone_number_id.as_str().into());
    Ok(Json(Value::Object(out)).into_response())
}

/// `GET /{version}/debug_token?input_token=…`, asked with an app's own credentials or any good token.
pub(super) fn token_debug(
    world: &World,
    asker: Option<&str>,
    input: Option<&str>,
) -> Result<Response, GraphError> {
    let asker = asker.ok_or_else(GraphError::no_token)?;
    if !is_app_token(world, asker) && world.numbers_of(asker).is_empty() {
        return Err(GraphError::token());
    }
    let input = input.ok_or_else(|| GraphError::parameter("The parameter input_token is required"))?;
    let numbers = world.numbers_of(input);
    let Some(first) = numbers.first() else {
        return Ok(Json(json!({ "data": {
            "error": { "code": 190, "message": "Invalid OAuth access token." },
            "is_valid": false,
            "scopes": [],
        } }))
        .into_response());
    };
    let mut wabas: Vec<&str> = numbers.iter().map(|n| n.waba_id.as_str()).collect();
    wabas.sort_unstable();
    wabas.dedup();
    Ok(Json(json!({ "data": {
        "app_id": first.app_id,
        "type": "SYSTEM_USER",
        "application": "Simulated Meta",
        "data_access_expires_at": 0,
        "expires_at": 0,
        "is_valid": true,
        "issued_at": 1_761_955_200,
        "scopes": SCOPES,
        "granular_scopes": SCOPES.map(|scope| json!({ "scope": scope, "target_ids": wabas })),
    } }))
    .into_response())
}

/// `id|secret` of a known app.
fn is_app_token(world: &World, token: &str) -> bool {
    token.split_once('|').is_some_and(|(id, secret)| {
        world.app(id).is_some_and(|app| constant_time_eq(app.secret.expose().as_bytes(), secret.as_bytes()))
    })
}

/// `GET /{version}/{waba}/subscribed_apps`.
pub(super) fn subscribed_get(world: &World, token: &str, waba_id: &str) -> Result<Response, GraphError> {
    account(world, token, waba_id)?;
    let data: Vec<Value> = world
        .subscribers(waba_id)
        .iter()
        .map(|app| {
            json!({ "whatsapp_business_api_data": {
                "id": app.id,
                "name": "Simulated app",
                "link": "https://www.facebook.com/games/?app_id=0",
            } })
        })
        .collect();
    Ok(Json(json!({ "data": data })).into_response())
}

/// `POST /{version}/{waba}/subscribed_apps`: subscribes the token's app. Other callback addresses are refused, not
/// ignored.
pub(super) fn subscribed_add(
    world: &World,
    token: &str,
    waba_id: &str,
    body: &[u8],
) -> Result<Response, GraphError> {
    let number = account(world, token, waba_id)?;
    let parameters = match serde_json::from_slice::<Value>(body) {
        Ok(Value::Object(parameters)) => parameters,
        _ if body.is_empty() => Map::new(),
        _ => return Err(GraphError::parameter("The body is not a JSON object.")),
    };
    if let Some(name) = parameters.keys().next() {
        return Err(GraphError::parameter(format!("This simulated Meta does not take {name} here.")));
    }
    world.subscribe(waba_id, &number.app_id);
    Ok(Json(json!({ "success": true })).into_response())
}

/// A number of the account that the token may use.
fn account(world: &World, token: &str, waba_id: &str) -> Result<Arc<Number>, GraphError> {
    let numbers = world.numbers_of(token);
    if numbers.is_empty() {
        return Err(GraphError::token());
    }
    numbers.into_iter().find(|n| n.waba_id == waba_id).ok_or_else(|| GraphError::object(waba_id))
}
