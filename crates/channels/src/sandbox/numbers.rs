//! Phone numbers: what they are, reading and changing them (Meta, "Phone numbers").

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use gatepost_core::{Secret, Timestamp};
use gatepost_vault::constant_time_eq;
use serde_json::{Map, Value, json};

use super::apps::Callback;
use super::call::Call;
use super::config::SandboxNumber;
use super::fields;
use super::limits::Meters;
use super::people::Person;
use super::reply::{Answer, GraphError, json_answer, success};
use super::world::{World, locked};

/// Most people of whom it is remembered when they last wrote.
const HEARD_MAX: usize = 50_000;

/// A number at work.
pub(super) struct Number {
    pub phone_number_id: String,
    pub waba_id: String,
    pub app_id: String,
    /// As people write it.
    pub display: String,
    /// The display number's digits.
    pub digits: String,
    pub verified_name: String,
    pub token: Mutex<Secret<String>>,
    pub meters: Mutex<Meters>,
    /// What outlives the number being added again.
    pub state: Arc<Mutex<NumberState>>,
}

/// What is set and remembered of a number.
pub(super) struct NumberState {
    pub registered: bool,
    pub verified: bool,
    /// Whether a verification code was asked for and not used yet.
    pub code_sent: bool,
    /// The PIN of two-step verification, once one was set.
    pub pin: Option<String>,
    /// When it was registered and deregistered of late.
    pub registrations: VecDeque<Timestamp>,
    pub profile: Map<String, Value>,
    pub settings: Map<String, Value>,
    /// Other things that are stored as they come, by the name of their path.
    pub documents: HashMap<&'static str, Map<String, Value>>,
    pub codes: Vec<(String, String)>,
    /// Digits of people whose messages are not wanted.
    pub blocked: BTreeSet<String>,
    /// A callback address of its own.
    pub callback: Option<Callback>,
    pub quality: &'static str,
    heard: HashMap<String, Timestamp>,
}

impl Default for NumberState {
    fn default() -> Self {
        Self {
            registered: true,
            verified: true,
            code_sent: false,
            pin: None,
            registrations: VecDeque::new(),
            profile: Map::new(),
            settings: Map::new(),
            documents: HashMap::new(),
            codes: Vec::new(),
            blocked: BTreeSet::new(),
            callback: None,
            quality: "GREEN",
            heard: HashMap::new(),
        }
    }
}

impl NumberState {
    /// Notes that a person wrote, which opens the 24 hours.
    pub(super) fn hear(&mut self, person: &str, at: Timestamp) {
        if self.heard.len() >= HEARD_MAX {
            self.heard.retain(|_, heard| at.since(*heard) < super::messages::WINDOW);
        }
        self.heard.insert(person.to_owned(), at);
    }

    /// Whether a person wrote in the last 24 hours.
    pub(super) fn window_open(&self, person: &Person, now: Timestamp) -> bool {
        self.heard.get(person.key()).is_some_and(|heard| now.since(*heard) < super::messages::WINDOW)
    }
}

impl Number {
    pub(super) fn new(number: SandboxNumber, state: Arc<Mutex<NumberState>>) -> Self {
        Self {
            digits: number.display_phone_number.chars().filter(char::is_ascii_digit).collect(),
            phone_number_id: number.phone_number_id,
            waba_id: number.waba_id,
            app_id: number.app_id,
            display: number.display_phone_number,
            verified_name: number.verified_name,
            token: Mutex::new(number.token),
            meters: Mutex::default(),
            state,
        }
    }

    pub(super) fn has_token(&self, token: &str) -> bool {
        constant_time_eq(locked(&self.token).expose().as_bytes(), token.as_bytes())
    }

    /// Every field that a phone number has; `null` where nothing is set.
    pub(super) fn fields(&self, world: &World) -> Value {
        let state = locked(&self.state);
        let own = |callback: Option<&Callback>| callback.and_then(|c| c.url.clone());
        let of_account = world.account(&self.waba_id, |account| own(account.callbacks.get(&self.app_id)));
        let of_app = world.app(&self.app_id).and_then(|app| own(Some(&locked(&app.callback))));
        let automation = state.documents.get("conversational_automation").map(|document| {
            let mut shown = Value::Object(document.clone());
            shown["id"] = self.phone_number_id.as_str().into();
            shown
        });
        json!({
            "id": self.phone_number_id,
            "verified_name": self.verified_name,
            "display_phone_number": self.display,
            "quality_rating": state.quality,
            "quality_score": { "score": state.quality },
            "throughput": { "level": "STANDARD" },
            "status": if state.registered { "CONNECTED" } else { "DISCONNECTED" },
            "name_status": "APPROVED",
            "new_name_status": "NONE",
            "code_verification_status": if state.verified { "VERIFIED" } else { "NOT_VERIFIED" },
            "platform_type": if state.registered { "CLOUD_API" } else { "NOT_APPLICABLE" },
            "account_mode": "LIVE",
            "is_official_business_account": false,
            "is_pin_enabled": state.pin.is_some(),
            "is_on_biz_app": false,
            "messaging_limit_tier": "TIER_1K",
            "whatsapp_business_manager_messaging_limit": "TIER_2K",
            "health_status": {
                "can_send_message": if state.registered { "AVAILABLE" } else { "BLOCKED" },
                "entities": [{
                    "entity_type": "PHONE_NUMBER",
                    "id": self.phone_number_id,
                    "can_send_message": if state.registered { "AVAILABLE" } else { "BLOCKED" },
                }],
            },
            "last_onboarded_time": "2026-01-02T03:04:05+0000",
            "conversational_automation": automation,
            "search_visibility": "VISIBLE",
            "certificate": null,
            "new_certificate": null,
            "country_code": null,
            "country_dial_code": null,
            "username": null,
            "official_business_account": null,
            "unified_cert_status": null,
            "new_display_name": null,
            "has_pending_name_change": null,
            "eligibility_for_api_business_global_search": "NON_ELIGIBLE_UNDEFINED_COUNTRY",
            "is_preverified_number": false,
            "webhook_configuration": set([
                ("phone_number", own(state.callback.as_ref())),
                ("whatsapp_business_account", of_account),
                ("application", of_app),
            ]),
        })
    }
}

/// An object of the fields that have a value.
fn set<const N: usize>(fields: [(&str, Option<String>); N]) -> Value {
    fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), Value::from(value?)))).collect()
}

/// What is told of a number when no fields are asked for.
pub(super) const DEFAULT: &[&str] = &[
    "verified_name",
    "code_verification_status",
    "display_phone_number",
    "quality_rating",
    "platform_type",
    "throughput",
    "last_onboarded_time",
    "webhook_configuration",
];

pub(super) const NODE: &str = "WhatsAppBusinessPhoneNumber";

/// `GET /{phone_number_id}?fields=…`.
pub(super) fn get(world: &World, call: &Call, number: &Arc<Number>) -> Answer {
    let fields = call.text("fields");
    json_answer(&fields::select(&number.fields(world), fields, DEFAULT, NODE)?)
}

/// `POST /{phone_number_id}`: a PIN for two-step verification, or a callback address of its own
/// (`webhook_configuration {override_callback_uri, verify_token}`, already proven; empty takes it back).
pub(super) fn update(world: &World, call: &Call, number: &Arc<Number>) -> Answer {
    let mut state = locked(&number.state);
    if let Some(configuration) = call.params.get("webhook_configuration") {
        let configuration = configuration
            .as_object()
            .ok_or_else(|| GraphError::parameter("Param webhook_configuration must be a JSON object."))?;
        state.callback = super::subscriptions::wanted(configuration)?;
        world.overridden.store(true, std::sync::atomic::Ordering::Release);
        return success();
    }
    if call.params.contains_key("pin") {
        state.pin = Some(super::registration::pin(call)?);
        return success();
    }
    if ["new_display_name", "status", "search_visibility"].iter().any(|name| call.params.contains_key(*name))
    {
        return success();
    }
    Err(GraphError::parameter(
        "Nothing was given that can be changed: pin, webhook_configuration, new_display_name.",
    ))
}
