//! What people answer: messages in the shapes that callbacks bring them (Meta, "Webhooks: messages").

use serde_json::{Map, Value, json};

use super::media::{Sample, node};
use super::news::Words;
use super::people::{REPLY_TEXT, ReplyKind};
use super::world::{Number, World};

/// Where …0165 moves to.
const NEW_NUMBER: &str = "12025550175";

/// The answer of a person to a message, and whether it names the message as its context.
pub(super) fn reply(
    world: &World,
    number: &Number,
    kind: ReplyKind,
    sent: &Map<String, Value>,
    wamid: &str,
) -> (Words, bool) {
    let media = |sample: Sample| {
        let name = sample.kind();
        other(name, json!({ name: node(world, number, sample) }))
    };
    let words = match kind {
        ReplyKind::Button => button(sent),
        ReplyKind::List => list(sent),
        ReplyKind::Image => media(Sample::Image),
        ReplyKind::Voice => media(Sample::Voice),
        ReplyKind::Document => media(Sample::Document),
        ReplyKind::Video => media(Sample::Video),
        ReplyKind::Sticker => media(Sample::Sticker),
        ReplyKind::Location => other(
            "location",
            json!({ "location": {
                "latitude": 37.483_307,
                "longitude": 122.148_981,
                "name": "The bakery",
                "address": "1 Hacker Way, Menlo Park",
            } }),
        ),
        ReplyKind::Reaction => {
            other("reaction", json!({ "reaction": { "message_id": wamid, "emoji": "👍" } }))
        }
        ReplyKind::Order => other(
            "order",
            json!({ "order": {
                "catalog_id": "194836987003835",
                "text": "Two loaves, please",
                "product_items": [
                    { "product_retailer_id": "sourdough", "quantity": 2, "item_price": 4.5, "currency": "USD" },
                ],
            } }),
        ),
        ReplyKind::Form => form(sent),
        ReplyKind::Contacts => other(
            "contacts",
            json!({ "contacts": [{
                "name": { "formatted_name": "Łukasz Nowak", "first_name": "Łukasz", "last_name": "Nowak" },
                "phones": [{ "phone": "+1 202-555-0176", "wa_id": "12025550176", "type": "HOME" }],
            }] }),
        ),
        ReplyKind::Hidden => Words::Text(REPLY_TEXT.to_owned()),
        ReplyKind::Unsupported => other(
            "unsupported",
            json!({
                "errors": [{
                    "code": 131_051,
                    "title": "Message type unknown",
                    "message": "Message type unknown",
                    "error_data": { "details": "Message type is currently not supported." },
                }],
                "unsupported": { "type": "poll" },
            }),
        ),
        ReplyKind::NewNumber => other(
            "system",
            json!({ "system": {
                "body": format!("User changed from their number to {NEW_NUMBER}"),
                "wa_id": NEW_NUMBER,
                "type": "user_changed_number",
            } }),
        ),
    };
    let quotes = matches!(kind, ReplyKind::Button | ReplyKind::List | ReplyKind::Form | ReplyKind::Hidden);
    (words, quotes)
}

fn other(kind: &str, fields: Value) -> Words {
    let fields = match fields {
        Value::Object(fields) => fields,
        _ => Map::new(),
    };
    Words::Other { kind: kind.to_owned(), fields }
}

/// A tap on the first button: of an interactive message, or of a template.
fn button(sent: &Map<String, Value>) -> Words {
    if let Some(template) = sent.get("template") {
        let payload = template["components"]
            .as_array()
            .into_iter()
            .flatten()
            .find(|c| c["sub_type"].as_str().is_some_and(|s| s.eq_ignore_ascii_case("quick_reply")))
            .and_then(|c| c["parameters"][0]["payload"].as_str())
            .unwrap_or("Yes");
        return other("button", json!({ "button": { "payload": payload, "text": "Yes" } }));
    }
    let asked = &first(sent)["buttons"][0]["reply"];
    let reply = if asked.is_object() { asked.clone() } else { json!({ "id": "yes", "title": "Yes" }) };
    other("interactive", json!({ "interactive": { "type": "button_reply", "button_reply": reply } }))
}

fn list(sent: &Map<String, Value>) -> Words {
    let row = &first(sent)["sections"][0]["rows"][0];
    let reply = if row.is_object() { row.clone() } else { json!({ "id": "first", "title": "The first" }) };
    other("interactive", json!({ "interactive": { "type": "list_reply", "list_reply": reply } }))
}

fn form(sent: &Map<String, Value>) -> Words {
    let token = first(sent)["parameters"]["flow_token"].as_str().unwrap_or("unused").to_owned();
    let response = json!({ "flow_token": token, "name": "Zoë", "guests": "2" }).to_string();
    other(
        "interactive",
        json!({ "interactive": {
            "type": "nfm_reply",
            "nfm_reply": { "name": "flow", "body": "Sent", "response_json": response },
        } }),
    )
}

/// The action of an interactive message; `null` where there is none.
fn first(sent: &Map<String, Value>) -> &Value {
    static NULL: Value = Value::Null;
    sent.get("interactive").map_or(&NULL, |interactive| &interactive["action"])
}
