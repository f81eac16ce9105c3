//! Which apps hear of an account, and callback addresses of its own (Meta, "Webhook overrides").

use std::sync::atomic::Ordering;
use std::time::Duration;

use gatepost_net::{Method, TrustedBody, TrustedClient, TrustedRequest};
use serde_json::{Map, Value, json};

use super::accounts::Account;
use super::apps::Callback;
use super::call::Call;
use super::handle::VerifyError;
use super::reply::{Answer, GraphError, json_answer, success};
use super::world::World;

/// How long the handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(10);

/// `GET /{waba}/subscribed_apps`.
pub(super) fn get(world: &World, _: &Call, account: &Account) -> Answer {
    json_answer(&list(world, &account.waba_id))
}

/// The apps that hear of an account, as a list of Graph.
pub(super) fn list(world: &World, waba: &str) -> Value {
    let data: Vec<Value> = world
        .subscribers(waba)
        .iter()
        .map(|app| {
            let mut shown = json!({ "whatsapp_business_api_data": {
                "id": app.id,
                "name": "Simulated app",
                "link": "https://www.facebook.com/games/?app_id=0",
            } });
            let own = world.account(waba, |a| a.callbacks.get(&app.id).and_then(|c| c.url.clone()));
            if let Some(url) = own {
                shown["override_callback_uri"] = url.into();
            }
            shown
        })
        .collect();
    json!({ "data": data })
}

/// `POST /{waba}/subscribed_apps [{override_callback_uri, verify_token}]`: subscribes the token's app. A call without
/// an address takes an earlier one back.
pub(super) fn add(world: &World, call: &Call, account: &Account) -> Answer {
    let app_id = &account.number.app_id;
    let callback = wanted(&call.params)?;
    world.account(&account.waba_id, |state| match callback {
        Some(callback) => {
            state.callbacks.insert(app_id.clone(), callback);
            world.overridden.store(true, Ordering::Release);
        }
        None => drop(state.callbacks.remove(app_id)),
    });
    world.subscribe(&account.waba_id, app_id);
    success()
}

/// `DELETE /{waba}/subscribed_apps`.
pub(super) fn remove(world: &World, _: &Call, account: &Account) -> Answer {
    let app_id = &account.number.app_id;
    world.account(&account.waba_id, |state| drop(state.callbacks.remove(app_id)));
    world.unsubscribe(&account.waba_id, app_id);
    success()
}

/// The callback address in these parameters; an empty or missing one means none.
pub(super) fn wanted(params: &Map<String, Value>) -> Result<Option<Callback>, GraphError> {
    let text = |name: &str| match params.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.is_empty() => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(GraphError::parameter(format!("Param {name} must be a string."))),
    };
    let Some(url) = text("override_callback_uri")? else {
        return Ok(None);
    };
    if url.len() > 200 || !(url.starts_with("https://") || url.starts_with("http://")) {
        return Err(GraphError::parameter(
            "Param override_callback_uri is not a URL of at most 200 characters.",
        ));
    }
    let verify_token = text("verify_token")?
        .ok_or_else(|| GraphError::parameter("The parameter verify_token is required."))?;
    Ok(Some(Callback { url: Some(url), verify_token }))
}

/// Has the address in a call prove itself, before the call changes anything.
pub(super) async fn prove(world: &World, http: &TrustedClient, call: &Call) -> Result<(), GraphError> {
    let inner = call.params.get("webhook_configuration").and_then(Value::as_object);
    let Some(callback) = wanted(inner.unwrap_or(&call.params))? else {
        return Ok(());
    };
    handshake(world, http, &callback).await.map_err(|error| {
        let details = format!("Callback verification failed with the following errors: {error}");
        GraphError::bad(2200, "Callback verification failed", details)
    })
}

/// Meta's handshake: `GET …?hub.mode=subscribe&hub.challenge=…&hub.verify_token=…` must answer 200 and the challenge
/// (Meta, "Webhooks: getting started").
pub(super) async fn handshake(
    world: &World,
    http: &TrustedClient,
    callback: &Callback,
) -> Result<(), VerifyError> {
    let Some(url) = &callback.url else {
        return Err(VerifyError::NoCallback(String::new()));
    };
    let challenge = (world.ids.number() >> 32).to_string();
    let separator = if url.contains('?') { '&' } else { '?' };
    let mut url = format!("{url}{separator}hub.mode=subscribe&hub.challenge={challenge}&hub.verify_token=");
    crate::cloud::push_encoded(&mut url, &callback.verify_token);
    let answer = http
        .send(TrustedRequest {
            method: Method::Get,
            url: &url,
            bearer: None,
            headers: &[],
            body: TrustedBody::Empty,
            timeout: HANDSHAKE,
        })
        .await
        .map_err(|error| VerifyError::Unreachable(error.failure().detail.clone()))?;
    if answer.status == 200 && answer.body == challenge.as_bytes() {
        Ok(())
    } else {
        Err(VerifyError::WrongAnswer(answer.status))
    }
}
