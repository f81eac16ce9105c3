//! WhatsApp Business accounts: their state, their reads, their numbers.

use std::collections::HashMap;
use std::sync::Arc;

use gatepost_core::Timestamp;
use serde_json::{Value, json};

use super::apps::{Callback, as_text};
use super::call::Call;
use super::config::SandboxNumber;
use super::fields;
use super::numbers::{self, Number};
use super::reply::{Answer, GraphError, json_answer, success};
use super::subscriptions;
use super::templates::{self, Template};
use super::wamid::Ids;
use super::world::{World, locked};

/// Most numbers of one account (Meta, "Phone numbers": 20 for most).
const NUMBERS_MAX: usize = 20;

/// An account that a token may touch, and one of its numbers that the token is good for.
pub(super) struct Account {
    pub waba_id: String,
    pub number: Arc<Number>,
}

/// What is set and remembered of an account.
pub(super) struct AccountState {
    pub name: String,
    pub templates: Vec<Arc<Template>>,
    /// Callback addresses of its own, by app.
    pub callbacks: HashMap<String, Callback>,
    /// Management calls since the hour began, and when that was.
    pub calls: (u32, Option<Timestamp>),
}

impl AccountState {
    pub(super) fn new(ids: &Ids) -> Self {
        Self {
            name: "Simulated account".to_owned(),
            templates: templates::ready(ids),
            callbacks: HashMap::new(),
            calls: (0, None),
        }
    }
}

/// `GET /{waba}?fields=…`.
pub(super) fn get(world: &World, call: &Call, account: &Account) -> Answer {
    let id = &account.waba_id;
    let name = world.account(id, |state| state.name.clone());
    let all = json!({
        "id": id,
        "name": name,
        "timezone_id": "1",
        "currency": "USD",
        "country": "US",
        "status": "ACTIVE",
        "account_review_status": "APPROVED",
        "business_verification_status": "verified",
        "message_template_namespace": format!("{id}_namespace"),
        "ownership_type": "SELF",
        "primary_funding_id": null,
        "purchase_order_number": null,
        "is_enabled_for_insights": true,
        "marketing_messages_lite_api_status": "ELIGIBLE",
        "owner_business_info": { "name": "Simulated business", "id": format!("101{id}") },
        "on_behalf_of_business_info": { "name": "Simulated business", "id": format!("101{id}"), "status": "APPROVED", "type": "SELF" },
        "health_status": { "can_send_message": "AVAILABLE", "entities": [] },
        "marketing_messages_onboarding_status": "ELIGIBLE",
        "disable_marketing_messages_on_cloud_api": null,
        "auth_international_rate_eligibility": null,
        "is_shared_with_partners": null,
        "linked_commerce_account": null,
        "creation_time": null,
        "whatsapp_business_manager_messaging_limit": "TIER_2K",
        "assigned_users": { "data": [] },
        "subscribed_apps": subscriptions::list(world, id),
        "phone_numbers": { "data": numbers_shown(world, id)? },
    });
    let default = &["name", "timezone_id", "message_template_namespace"];
    json_answer(&fields::select(&all, call.text("fields"), default, "WhatsAppBusinessAccount")?)
}

/// `POST /{waba}`: its name.
pub(super) fn update(world: &World, call: &Call, account: &Account) -> Answer {
    if let Some(name) = call.text("name") {
        world.account(&account.waba_id, |state| name.clone_into(&mut state.name));
    }
    success()
}

/// The account's numbers as they are told without any wish.
fn numbers_shown(world: &World, waba_id: &str) -> Result<Vec<Value>, GraphError> {
    let shown =
        |number: Arc<Number>| fields::select(&number.fields(world), None, numbers::DEFAULT, numbers::NODE);
    world.numbers_in(waba_id).into_iter().map(shown).collect()
}

/// `GET /{waba}/phone_numbers?fields=…`.
pub(super) fn phone_numbers(world: &World, call: &Call, account: &Account) -> Answer {
    let mut shown = Vec::new();
    for number in world.numbers_in(&account.waba_id) {
        let all = number.fields(world);
        let value = fields::select(&all, call.text("fields"), numbers::DEFAULT, numbers::NODE)?;
        shown.push((number.phone_number_id.clone(), value));
    }
    json_answer(&fields::page(call, shown)?)
}

/// `POST /{waba}/phone_numbers {cc, phone_number, verified_name}` → `{"id":"…"}`: a number to be verified and
/// registered, good for the same token.
pub(super) fn phone_number_add(world: &World, call: &Call, account: &Account) -> Answer {
    let digits_of = |name: &str| -> Result<String, GraphError> {
        let value = call.params.get(name).map(as_text).unwrap_or_default();
        let digits: String = value.chars().filter(char::is_ascii_digit).collect();
        if digits.is_empty() {
            return Err(GraphError::parameter(format!("The parameter {name} is required.")));
        }
        Ok(digits)
    };
    let (country, local) = (digits_of("cc")?, digits_of("phone_number")?);
    let name = call.need("verified_name")?;
    let digits = format!("{country}{local}");
    if !(7..=15).contains(&digits.len()) {
        return Err(GraphError::parameter("Param phone_number is not a phone number."));
    }
    if world.has_display(&digits) {
        return Err(GraphError::management(
            2_388_012,
            "Phone number already added",
            "This number is registered to an account already.",
        ));
    }
    if world.numbers_in(&account.waba_id).len() >= NUMBERS_MAX {
        return Err(GraphError::parameter(format!("An account has at most {NUMBERS_MAX} numbers.")));
    }
    let id = world.ids.object();
    world.number_add(SandboxNumber {
        phone_number_id: id.clone(),
        waba_id: account.waba_id.clone(),
        app_id: account.number.app_id.clone(),
        token: locked(&account.number.token).clone(),
        display_phone_number: format!("+{country} {local}"),
        verified_name: name.to_owned(),
    });
    if let Some(number) = world.number(&id) {
        let mut state = locked(&number.state);
        (state.registered, state.verified) = (false, false);
    }
    json_answer(&json!({ "id": id }))
}

/// `GET` of lists that are always empty here.
pub(super) fn nothing(_: &World, _: &Call, _: &Account) -> Answer {
    json_answer(&Value::Object([("data".to_owned(), json!([]))].into_iter().collect()))
}
