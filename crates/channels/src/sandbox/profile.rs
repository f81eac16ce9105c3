//! The business profile, settings, blocked people, and what else is stored of a number as it comes.

use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::call::Call;
use super::check::Node;
use super::fields;
use super::numbers::Number;
use super::reply::{Answer, GraphError, json_answer, success};
use super::request::digits;
use super::world::{World, locked};

/// Text fields of a profile and their longest values, characters. Meta's pages give 256 and 512 for the description;
/// the larger one refuses nothing that Meta takes.
const TEXTS: &[(&str, usize)] = &[("about", 139), ("address", 256), ("description", 512), ("email", 128)];
/// The kinds of business (Meta, "Business profiles").
const VERTICALS: &[&str] = &[
    "ALCOHOL",
    "APPAREL",
    "AUTO",
    "BEAUTY",
    "EDU",
    "ENTERTAIN",
    "EVENT_PLAN",
    "FINANCE",
    "GOVT",
    "GROCERY",
    "HEALTH",
    "HOTEL",
    "MATRIMONY_SERVICE",
    "NONPROFIT",
    "ONLINE_GAMBLING",
    "OTC_DRUGS",
    "OTHER",
    "PHYSICAL_GAMBLING",
    "PROF_SERVICES",
    "RESTAURANT",
    "RETAIL",
    "TRAVEL",
    "UNDEFINED",
    "NOT_A_BIZ",
    "",
];
/// One setting may be changed at a time.
const SETTINGS: &[&str] = &["calling", "payload_encryption", "user_identity_change", "storage_configuration"];

/// `GET /{phone_number_id}/whatsapp_business_profile?fields=…` → `{"data":[{…}]}`.
pub(super) fn get(_: &World, call: &Call, number: &Arc<Number>) -> Answer {
    let stored = locked(&number.state).profile.clone();
    let mut all = json!({ "id": number.phone_number_id, "messaging_product": "whatsapp" });
    for name in ["about", "address", "description", "email", "profile_picture_url", "websites", "vertical"] {
        all[name] = stored.get(name).cloned().unwrap_or_default();
    }
    if all["vertical"].is_null() {
        all["vertical"] = "UNDEFINED".into();
    }
    let mut shown =
        fields::select(&all, call.text("fields"), &["messaging_product"], "WhatsAppBusinessProfile")?;
    if let Some(shown) = shown.as_object_mut() {
        // The profile itself has no id that anybody could use.
        shown.remove("id");
        shown.insert("messaging_product".to_owned(), "whatsapp".into());
    }
    json_answer(&json!({ "data": [shown] }))
}

/// `POST /{phone_number_id}/whatsapp_business_profile`.
pub(super) fn update(world: &World, call: &Call, number: &Arc<Number>) -> Answer {
    call.need_product()?;
    let mut changes = Map::new();
    for (name, max) in TEXTS {
        if let Some(node) = Node::top(&call.params, name) {
            let text = node.str()?;
            if text.chars().count() > *max {
                return Err(node.wrong(&format!("must be at most {max} characters long.")));
            }
            if *name == "email" && !text.is_empty() && !text.contains('@') {
                return Err(node.wrong("must be a valid email address."));
            }
            changes.insert((*name).to_owned(), text.into());
        }
    }
    if let Some(node) = Node::top(&call.params, "vertical") {
        changes.insert("vertical".to_owned(), node.one_of(VERTICALS)?.into());
    }
    if let Some(node) = Node::top(&call.params, "websites") {
        let sites = node.items()?;
        if sites.len() > 2 {
            return Err(node.wrong("may have at most 2 elements."));
        }
        for site in &sites {
            if site.link()?.chars().count() > 256 {
                return Err(site.wrong("must be at most 256 characters long."));
            }
        }
        changes.insert("websites".to_owned(), node.value().clone());
    }
    if let Some(node) = Node::top(&call.params, "profile_picture_handle") {
        if !locked(&world.uploads).knows(node.str()?) {
            return Err(node.wrong("is not the handle of an upload."));
        }
        let url = format!("http://{}/profile_pictures/{}.jpg", world.addr, number.phone_number_id);
        changes.insert("profile_picture_url".to_owned(), url.into());
    }
    locked(&number.state).profile.extend(changes);
    success()
}

/// `GET /{phone_number_id}/settings`.
pub(super) fn settings_get(_: &World, call: &Call, number: &Arc<Number>) -> Answer {
    let stored = locked(&number.state).settings.clone();
    let mut all = json!({
        "id": number.phone_number_id,
        "calling": { "status": "DISABLED" },
        "payload_encryption": { "status": "DISABLED" },
        "user_identity_change": { "enable_identity_key_check": false },
        "storage_configuration": { "status": "DEFAULT" },
    });
    for (name, value) in stored {
        all[&name] = value;
    }
    let mut shown =
        fields::select(&all, call.text("fields"), SETTINGS, "WhatsAppBusinessPhoneNumberSettings")?;
    if let Some(shown) = shown.as_object_mut() {
        shown.remove("id");
    }
    json_answer(&shown)
}

/// `POST /{phone_number_id}/settings`: one object of [`SETTINGS`].
pub(super) fn settings_update(_: &World, call: &Call, number: &Arc<Number>) -> Answer {
    let given: Vec<&str> = SETTINGS.iter().copied().filter(|name| call.params.contains_key(*name)).collect();
    let [name] = given[..] else {
        return Err(GraphError::parameter(format!(
            "Exactly one of {{{}}} is required.",
            SETTINGS.join(", ")
        )));
    };
    let value = Node::need_top(&call.params, name)?;
    let value = Value::Object(value.object()?.clone());
    locked(&number.state).settings.insert(name.to_owned(), value);
    success()
}

/// `GET /{phone_number_id}/block_users`.
pub(super) fn blocked(_: &World, call: &Call, number: &Arc<Number>) -> Answer {
    let blocked = locked(&number.state).blocked.clone();
    let items = blocked.into_iter().map(|digits| {
        let value = json!({ "messaging_product": "whatsapp", "input": digits, "wa_id": digits });
        (digits, value)
    });
    json_answer(&fields::page(call, items.collect())?)
}

/// `POST` and `DELETE /{phone_number_id}/block_users {messaging_product, block_users:[{user}]}`.
pub(super) fn block(_: &World, call: &Call, number: &Arc<Number>) -> Answer {
    call.need_product()?;
    let node = Node::top(&call.params, "block_users")
        .ok_or_else(|| GraphError::parameter("The parameter block_users is required."))?;
    let mut users = Vec::new();
    for user in &node.items()? {
        let input = user.need("user")?.text(64)?;
        let digits =
            digits(input).ok_or_else(|| GraphError::value(format!("{user} is not a phone number.")))?;
        users.push((input, digits));
    }
    let add = call.method == axum::http::Method::POST;
    let mut state = locked(&number.state);
    let done: Vec<Value> = users
        .into_iter()
        .map(|(input, digits)| {
            let user = json!({ "input": input, "wa_id": digits });
            if add {
                state.blocked.insert(digits);
            } else {
                state.blocked.remove(&digits);
            }
            user
        })
        .collect();
    let name = if add { "added_users" } else { "removed_users" };
    json_answer(&json!({ "messaging_product": "whatsapp", "block_users": { name: done } }))
}

/// Reads what [`document_update`] stored: `{"data":[{…}]}`.
pub(super) fn document_get(_: &World, call: &Call, number: &Arc<Number>) -> Answer {
    let name = document_name(call)?;
    let mut document = locked(&number.state).documents.get(name).cloned().unwrap_or_default();
    if name == "whatsapp_commerce_settings" {
        document.entry("is_cart_enabled").or_insert(true.into());
        document.entry("is_catalog_visible").or_insert(false.into());
        document.insert("id".to_owned(), number.phone_number_id.as_str().into());
    }
    json_answer(&json!({ "data": [document] }))
}

/// `POST` of commerce settings, the public key for flows, automation and compliance: stored, and told again.
pub(super) fn document_update(_: &World, call: &Call, number: &Arc<Number>) -> Answer {
    let name = document_name(call)?;
    let mut state = locked(&number.state);
    let document = state.documents.entry(name).or_default();
    for (key, value) in &call.params {
        if !matches!(key.as_str(), "access_token" | "appsecret_proof" | "messaging_product") {
            document.insert(key.clone(), value.clone());
        }
    }
    if name == "whatsapp_business_encryption" {
        document.insert("business_public_key_signature_status".to_owned(), "VALID".into());
    }
    success()
}

fn document_name(call: &Call) -> Result<&'static str, GraphError> {
    const NAMES: [&str; 4] = [
        "whatsapp_commerce_settings",
        "whatsapp_business_encryption",
        "conversational_automation",
        "business_compliance_info",
    ];
    let tail = call.path.get(1).map(String::as_str);
    NAMES.into_iter().find(|name| Some(*name) == tail).ok_or_else(GraphError::path)
}

/// `GET /{phone_number_id}/message_qrdls[/{code}]`.
pub(super) fn codes(_: &World, call: &Call, number: &Arc<Number>) -> Answer {
    let wanted = call.path.get(2);
    let shown: Vec<(String, Value)> = locked(&number.state)
        .codes
        .iter()
        .filter(|(code, _)| wanted.is_none_or(|wanted| wanted == code))
        .map(|(code, text)| (code.clone(), code_shown(code, text)))
        .collect();
    if let (Some(wanted), true) = (wanted, shown.is_empty()) {
        return Err(GraphError::object(wanted));
    }
    json_answer(&fields::page(call, shown)?)
}

fn code_shown(code: &str, text: &str) -> Value {
    json!({ "code": code, "prefilled_message": text, "deep_link_url": format!("https://wa.me/message/{code}") })
}

/// `POST /{phone_number_id}/message_qrdls {prefilled_message, code?, generate_qr_image?}`: makes one, or changes the
/// one that is named.
pub(super) fn code_set(world: &World, call: &Call, number: &Arc<Number>) -> Answer {
    let text = call.need("prefilled_message")?;
    let mut state = locked(&number.state);
    let named = call.path.get(2).map(String::as_str).or_else(|| call.text("code"));
    let code = match named {
        Some(code) => {
            let known = state.codes.iter_mut().find(|(known, _)| known == code);
            let known = known.ok_or_else(|| GraphError::object(code))?;
            text.clone_into(&mut known.1);
            code.to_owned()
        }
        None => {
            let code = format!("{:014X}", world.ids.number() >> 8);
            state.codes.push((code.clone(), text.to_owned()));
            code
        }
    };
    let mut shown = code_shown(&code, text);
    if let Some(format) = call.text("generate_qr_image") {
        let format = format.to_ascii_lowercase();
        shown["qr_image_url"] = format!("http://{}/qr/{code}.{format}", world.addr).into();
    }
    json_answer(&shown)
}

/// `DELETE /{phone_number_id}/message_qrdls/{code}`.
pub(super) fn code_delete(_: &World, call: &Call, number: &Arc<Number>) -> Answer {
    let wanted = call.path.get(2).map(String::as_str).unwrap_or_default();
    let mut state = locked(&number.state);
    let before = state.codes.len();
    state.codes.retain(|(code, _)| code != wanted);
    if state.codes.len() < before { success() } else { Err(GraphError::object(wanted)) }
}
