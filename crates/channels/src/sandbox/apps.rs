//! Meta apps and tokens: who speaks, and for whom.

use std::sync::{Arc, Mutex};

use gatepost_core::Secret;
use gatepost_vault::{AppSecret, constant_time_eq};
use serde_json::{Value, json};

use super::call::Call;
use super::fields;
use super::postman::Outbox;
use super::reply::{Answer, GraphError, json_answer};
use super::world::World;

/// What every token here may do.
const SCOPES: [&str; 2] = ["whatsapp_business_management", "whatsapp_business_messaging"];

/// How long a token is said to live that was exchanged for a longer one, seconds.
const EXCHANGED_LIFE: u32 = 5_183_944;

/// A Meta app at work.
pub(super) struct App {
    pub id: String,
    pub secret: Secret<String>,
    pub signer: AppSecret,
    pub require_proof: bool,
    pub callback: Mutex<Callback>,
    pub outbox: Outbox,
}

/// Where callbacks go.
#[derive(Clone)]
pub(super) struct Callback {
    pub url: Option<String>,
    pub verify_token: String,
}

impl App {
    fn has_secret(&self, secret: &str) -> bool {
        constant_time_eq(self.secret.expose().as_bytes(), secret.as_bytes())
    }
}

/// Refuses a call whose `appsecret_proof` is wrong, or missing where the app demands it ("Securing Graph API Calls").
pub(super) fn proof_check(world: &World, call: &Call, token: &str, app_id: &str) -> Result<(), GraphError> {
    let Some(app) = world.app(app_id) else {
        return Ok(());
    };
    match call.text("appsecret_proof") {
        Some(proof) if !constant_time_eq(proof.as_bytes(), app.signer.proof(token).as_bytes()) => {
            Err(GraphError::parameter("Invalid appsecret_proof provided in the API argument"))
        }
        None if app.require_proof => {
            Err(GraphError::parameter("API calls from the server require an appsecret_proof argument"))
        }
        _ => Ok(()),
    }
}

/// The app of an app token, `id|secret`.
pub(super) fn of_app_token(world: &World, token: &str) -> Option<Arc<App>> {
    let (id, secret) = token.split_once('|')?;
    world.app(id).filter(|app| app.has_secret(secret))
}

/// The app that the token speaks for, if it is the one of this id.
pub(super) fn of_token(world: &World, token: &str, app_id: &str) -> Option<Arc<App>> {
    let by_number = || world.numbers_of(token).iter().any(|n| n.app_id == app_id);
    match of_app_token(world, token) {
        Some(app) => (app.id == app_id).then_some(app),
        None => by_number().then(|| world.app(app_id)).flatten(),
    }
}

/// `GET /{app_id}`.
pub(super) fn get(_: &World, call: &Call, app: &Arc<App>) -> Answer {
    let all = json!({
        "id": app.id,
        "name": "Simulated app",
        "link": "https://www.facebook.com/games/?app_id=0",
        "category": "Business",
    });
    json_answer(&fields::select(&all, call.text("fields"), &["name", "link", "category"], "Application")?)
}

/// `GET /me`: the system user that the token belongs to.
pub(super) fn me(world: &World, call: &Call) -> Answer {
    let token = call.token().ok_or_else(GraphError::no_token)?;
    let numbers = world.numbers_of(token);
    let first = numbers.first().ok_or_else(GraphError::token)?;
    proof_check(world, call, token, &first.app_id)?;
    let all = json!({ "id": format!("122{}", first.app_id), "name": "Simulated system user" });
    json_answer(&fields::select(&all, call.text("fields"), &["name"], "SystemUser")?)
}

/// `GET /debug_token?input_token=…`, asked with an app's own credentials or any good token.
pub(super) fn token_debug(world: &World, call: &Call) -> Answer {
    let asker = call.token().ok_or_else(GraphError::no_token)?;
    if of_app_token(world, asker).is_none() && world.numbers_of(asker).is_empty() {
        return Err(GraphError::token());
    }
    let input = call.need("input_token")?;
    if let Some(app) = of_app_token(world, input) {
        return json_answer(&json!({ "data": {
            "app_id": app.id,
            "type": "APP",
            "application": "Simulated Meta",
            "is_valid": true,
            "scopes": [],
        } }));
    }
    let numbers = world.numbers_of(input);
    let Some(first) = numbers.first() else {
        return json_answer(&json!({ "data": {
            "error": { "code": 190, "message": "Invalid OAuth access token." },
            "is_valid": false,
            "scopes": [],
        } }));
    };
    let mut wabas: Vec<&str> = numbers.iter().map(|n| n.waba_id.as_str()).collect();
    wabas.sort_unstable();
    wabas.dedup();
    json_answer(&json!({ "data": {
        "app_id": first.app_id,
        "type": "SYSTEM_USER",
        "application": "Simulated Meta",
        "data_access_expires_at": 0,
        "expires_at": 0,
        "is_valid": true,
        "issued_at": 1_761_955_200,
        "scopes": SCOPES,
        "granular_scopes": SCOPES.map(|scope| json!({ "scope": scope, "target_ids": wabas })),
        "user_id": format!("122{}", first.app_id),
    } }))
}

/// `GET|POST /oauth/access_token`: an app token, a token for the code of an onboarding, or a token of longer life.
/// Any code is good for the token of the app's first number.
pub(super) fn token_exchange(world: &World, call: &Call) -> Answer {
    let client = call.params.get("client_id").map(as_text).unwrap_or_default();
    let secret = call.need("client_secret")?;
    let Some(app) = world.app(&client).filter(|app| app.has_secret(secret)) else {
        return Err(GraphError::bad(1, "Error validating client secret.", ""));
    };
    match call.text("grant_type") {
        Some("client_credentials") => {
            let token = format!("{}|{secret}", app.id);
            return json_answer(&json!({ "access_token": token, "token_type": "bearer" }));
        }
        Some("fb_exchange_token") => {
            let token = call.need("fb_exchange_token")?;
            if !world.numbers_of(token).iter().any(|n| n.app_id == app.id) {
                return Err(GraphError::token());
            }
            return json_answer(
                &json!({ "access_token": token, "token_type": "bearer", "expires_in": EXCHANGED_LIFE }),
            );
        }
        _ => {
            call.need("code")?;
        }
    }
    let token = world.token_of_app(&app.id).ok_or_else(|| {
        GraphError::bad(100, "This authorization code has been used.", "The app has no number here.")
    })?;
    json_answer(&json!({ "access_token": token.expose(), "token_type": "bearer" }))
}

/// An id, which JSON may carry as a number.
pub(super) fn as_text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned)
}
