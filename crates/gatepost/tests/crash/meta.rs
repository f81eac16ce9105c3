//! What people and Meta tell, written by the test itself: it knows which body was answered with 200 and which was not.

use gatepost_testkit::Client;
use gatepost_vault::AppSecret;
use serde_json::{Value, json};

use crate::dice::Dice;
use crate::server::{APP_SECRET, PHONE, WABA};

/// One piece of news, and by what it is known in the event log.
#[derive(Clone)]
pub struct News {
    /// The wamid and state of a message, or the mark of a notice.
    pub known: Known,
    change: Value,
}

#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Known {
    Message { wamid: String, state: &'static str },
    Notice { mark: String },
}

fn messages(news: &Value) -> Value {
    let mut value = json!({
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "12025550100", "phone_number_id": PHONE},
    });
    for (name, part) in news.as_object().unwrap() {
        value[name] = part.clone();
    }
    json!({"field": "messages", "value": value})
}

/// The objects of messages that people write, by kind.
fn written(kind: &str, number: usize) -> Value {
    let media = |mime: &str| json!({"id": format!("{}", 9_000_000 + number), "mime_type": mime, "sha256": "3q2+7w=="});
    match kind {
        "text" => json!({"body": format!("number {number} 👋")}),
        "image" => {
            json!({"id": format!("{number}"), "mime_type": "image/jpeg", "sha256": "3q2+7w==", "caption": "look"})
        }
        "audio" => json!({"id": format!("{number}"), "mime_type": "audio/ogg; codecs=opus", "voice": true}),
        "document" => {
            json!({"id": format!("{number}"), "mime_type": "application/pdf", "filename": "bill.pdf"})
        }
        "location" => json!({"latitude": 52.5, "longitude": 13.4}),
        "interactive" => json!({"type": "button_reply", "button_reply": {"id": "yes", "title": "Yes"}}),
        "reaction" => json!({"message_id": format!("wamid.r{number}"), "emoji": "👍"}),
        _ => media("image/webp"),
    }
}

const KINDS: [&str; 8] =
    ["text", "image", "audio", "document", "location", "interactive", "reaction", "sticker"];

impl News {
    /// The `number`th piece of news of `teller`, of any kind.
    pub fn any(teller: usize, number: usize, dice: &mut Dice) -> Self {
        let wamid = format!("wamid.T{teller}N{number}");
        match dice.roll(8) {
            0 => {
                let mark = format!("mark-{teller}-{number}");
                let field = ["account_update", "brand_new_field_2031"][dice.roll(2)];
                let change = json!({"field": field, "value": {"event": mark}});
                Self { known: Known::Notice { mark }, change }
            }
            // Of messages that were not sent through this installation.
            1 | 2 => {
                let state = ["sent", "delivered", "read"][dice.roll(3)];
                let status = json!({
                    "id": wamid, "status": state, "timestamp": "1793525400", "recipient_id": "12025550177",
                });
                let change = messages(&json!({"statuses": [status]}));
                Self { known: Known::Message { wamid, state }, change }
            }
            _ => {
                let kind = KINDS[dice.roll(KINDS.len())];
                let phone = format!("1202555{:04}", 3000 + dice.roll(300));
                let mut message =
                    json!({"from": phone, "id": wamid, "timestamp": "1793525400", "type": kind});
                message[kind] = written(kind, number);
                let contact = json!({"profile": {"name": "A person"}, "wa_id": phone});
                let change = messages(&json!({"contacts": [contact], "messages": [message]}));
                Self { known: Known::Message { wamid, state: "received" }, change }
            }
        }
    }
}

/// A callback body: one entry with all changes.
pub fn body(news: &[News], time: usize) -> Vec<u8> {
    let changes: Vec<&Value> = news.iter().map(|n| &n.change).collect();
    let entry = json!({"id": WABA, "time": time, "changes": changes});
    json!({"object": "whatsapp_business_account", "entry": [entry]}).to_string().into_bytes()
}

/// Posts a body once, as Meta does; whether it was answered with 200.
pub async fn tell(client: &Client, path: &str, body: Vec<u8>) -> bool {
    let signature = AppSecret::new(APP_SECRET).unwrap().sign(&body);
    match client.try_raw("POST", path, &[("x-hub-signature-256", &signature)], Some(body)).await {
        None => false,
        Some(answer) if answer.status == 200 => true,
        // Not up yet, or on its way down. Any other answer would be a callback that Meta gives up in the end.
        Some(answer) if answer.status == 503 => false,
        Some(answer) => panic!("a callback was refused: {} {}", answer.status, answer.text),
    }
}
