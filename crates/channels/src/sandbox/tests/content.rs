//! Messages of every kind, and what is wrong with them.

use super::*;

async fn send(rig: &Rig, kind: &str, object: Value) -> (u16, Value) {
    let mut body = json!({ "messaging_product": "whatsapp", "to": "+12025550101", "type": kind });
    body[kind] = object;
    post(rig, "/v25.0/501/messages", TOKEN, &body).await
}

fn interactive(kind: &str, action: impl Into<Value>) -> Value {
    json!({ "type": kind, "body": { "text": "Choose" }, "action": action.into() })
}

fn reply_buttons(count: usize) -> Value {
    (0..count)
        .map(|n| json!({ "type": "reply", "reply": { "id": n.to_string(), "title": format!("B{n}") } }))
        .collect()
}

fn rows(count: usize) -> Value {
    (0..count).map(|n| json!({ "id": n.to_string(), "title": format!("R{n}") })).collect()
}

#[tokio::test]
async fn every_kind_is_taken() {
    let rig = Rig::start(config()).await;
    let link = json!({ "link": "https://example.com/file" });
    let flow = json!({ "flow_message_version": "3", "flow_name": "f", "flow_cta": "Open", "mode": "draft",
        "flow_action": "navigate", "flow_action_payload": { "screen": "A" } });
    let order = json!({ "reference_id": "r", "type": "digital-goods", "currency": "INR",
        "total_amount": { "value": 100, "offset": 100 }, "order": { "status": "pending" } });
    let card = json!({ "card_index": 0, "type": "cta_url", "header": { "type": "image", "image": link }, "action": {} });
    let mut product_list = interactive(
        "product_list",
        json!({ "catalog_id": "c",
        "sections": [{ "title": "s", "product_items": [{ "product_retailer_id": "p" }] }] }),
    );
    product_list["header"] = json!({ "type": "text", "text": "H" });
    let named = |name: &str| json!({ "name": name, "parameters": { "country": "IN", "display_text": "Go", "url": "https://example.com" } });
    let all = [
        ("text", json!({ "body": "hi", "preview_url": true })),
        ("image", json!({ "link": "https://example.com/a.jpg", "caption": "c" })),
        ("audio", json!({ "link": "https://example.com/a.ogg", "voice": true })),
        ("video", link.clone()),
        ("document", json!({ "link": "https://example.com/a.pdf", "filename": "a.pdf" })),
        ("sticker", link.clone()),
        ("location", json!({ "latitude": 52.5, "longitude": "13.4", "name": "Berlin" })),
        (
            "contacts",
            json!([{ "name": { "formatted_name": "A B", "first_name": "A" }, "phones": [{ "phone": "+1" }], "birthday": "2000-01-31" }]),
        ),
        ("reaction", json!({ "message_id": "wamid.A", "emoji": "👍🏽" })),
        ("reaction", json!({ "message_id": "wamid.A", "emoji": "" })),
        ("interactive", interactive("button", json!({ "buttons": reply_buttons(3) }))),
        (
            "interactive",
            interactive(
                "list",
                json!({ "button": "Pick", "sections": [{ "title": "s", "rows": rows(10) }] }),
            ),
        ),
        ("interactive", interactive("cta_url", named("cta_url"))),
        ("interactive", interactive("flow", json!({ "name": "flow", "parameters": flow }))),
        ("interactive", interactive("product", json!({ "catalog_id": "c", "product_retailer_id": "p" }))),
        ("interactive", product_list),
        ("interactive", interactive("catalog_message", named("catalog_message"))),
        ("interactive", interactive("location_request_message", named("send_location"))),
        ("interactive", interactive("address_message", named("address_message"))),
        ("interactive", interactive("call_permission_request", named("call_permission_request"))),
        ("interactive", interactive("voice_call", named("voice_call"))),
        ("interactive", interactive("request_contact_info", named("request_contact_info"))),
        (
            "interactive",
            interactive("order_details", json!({ "name": "review_and_pay", "parameters": order })),
        ),
        (
            "interactive",
            interactive(
                "order_status",
                json!({ "name": "review_order", "parameters": { "reference_id": "r", "order": { "status": "shipped" } } }),
            ),
        ),
        ("interactive", interactive("carousel", json!({ "cards": [card, card] }))),
        ("template", json!({ "name": "hello_world", "language": { "code": "en_US" } })),
    ];
    for (kind, object) in all {
        let (status, answer) = send(&rig, kind, object.clone()).await;
        assert_eq!(status, 200, "{kind} {object} {answer}");
        assert_eq!(answer["messages"][0].get("message_status").is_some(), kind == "template");
    }
}

#[tokio::test]
async fn every_kind_has_its_limits() {
    let rig = Rig::start(config()).await;
    let text = |n: usize| "x".repeat(n);
    let with = |mut value: Value, pointer: &str, new: Value| {
        *value.pointer_mut(pointer).unwrap() = new;
        value
    };
    let buttons = interactive("button", json!({ "buttons": reply_buttons(2) }));
    let list =
        interactive("list", json!({ "button": "Pick", "sections": [{ "title": "s", "rows": rows(2) }] }));
    let cases = [
        ("image", json!({}), 131_008),
        ("image", json!({ "id": "123" }), 100),
        ("image", json!({ "link": "ftp://example.com" }), 100),
        ("image", json!({ "link": "https://example.com/", "caption": text(1025) }), 100),
        ("audio", json!({ "link": "https://example.com/", "caption": "c" }), 100),
        ("video", json!({ "link": "https://example.com/", "filename": "c" }), 100),
        ("location", json!({ "latitude": 1 }), 131_008),
        ("location", json!({ "latitude": 91, "longitude": 1 }), 131_009),
        ("location", json!({ "latitude": "north", "longitude": 1 }), 100),
        ("contacts", json!([]), 131_008),
        ("contacts", json!([{ "name": {} }]), 131_008),
        ("contacts", json!([{ "name": { "formatted_name": "A" }, "birthday": "31.1.2000" }]), 131_009),
        ("reaction", json!({ "message_id": "wamid.A", "emoji": "ok" }), 131_009),
        ("reaction", json!({ "message_id": "msg_1", "emoji": "👍" }), 131_009),
        ("reaction", json!({ "message_id": "wamid.A" }), 131_008),
        ("interactive", interactive("riddle", json!({})), 131_009),
        ("interactive", json!({ "type": "button", "action": { "buttons": reply_buttons(1) } }), 131_008),
        ("interactive", interactive("button", json!({ "buttons": reply_buttons(4) })), 131_009),
        ("interactive", with(buttons.clone(), "/action/buttons/0/reply/title", text(21).into()), 131_009),
        ("interactive", with(buttons.clone(), "/action/buttons/0/reply/id", text(257).into()), 131_009),
        ("interactive", with(buttons.clone(), "/action/buttons/0/reply/id", "1".into()), 131_009),
        ("interactive", with(buttons.clone(), "/body/text", text(1025).into()), 131_009),
        ("interactive", with(list.clone(), "/action/sections/0/rows", rows(11)), 131_009),
        ("interactive", with(list.clone(), "/action/sections/0/rows/0/title", text(25).into()), 131_009),
        ("interactive", with(list.clone(), "/action/button", text(21).into()), 131_009),
        ("interactive", interactive("cta_url", json!({ "name": "other", "parameters": {} })), 131_009),
        (
            "interactive",
            interactive(
                "flow",
                json!({ "name": "flow", "parameters": { "flow_message_version": "3", "flow_cta": "x" } }),
            ),
            131_008,
        ),
        ("interactive", interactive("product_list", json!({})), 131_008),
        ("interactive", interactive("carousel", json!({ "cards": [] })), 131_009),
    ];
    for (kind, object, code) in cases {
        let (status, answer) = send(&rig, kind, object.clone()).await;
        assert_eq!((status, &answer["error"]["code"]), (400, &json!(code)), "{kind} {object} {answer}");
    }
    let (_, answer) =
        send(&rig, "interactive", with(buttons, "/action/buttons/1/reply", json!({ "id": "9" }))).await;
    assert_eq!(
        answer["error"]["error_data"]["details"],
        "The parameter interactive['action']['buttons'][1]['reply']['title'] is required."
    );
    assert!(rig.meta.sends().is_empty());
}

#[tokio::test]
async fn a_user_id_is_a_recipient() {
    let rig = Rig::start(config()).await;
    let person = people::user_id("12025550151");
    let body = json!({ "messaging_product": "whatsapp", "recipient": person, "text": { "body": "hi" } });
    let (status, answer) = post(&rig, "/v25.0/501/messages", TOKEN, &body).await;
    assert_eq!((status, &answer["contacts"]), (200, &json!([{ "input": person, "user_id": person }])));
    let items = rig.until(|items| items.len() == 4).await;
    let Some(Item::Status(sent)) = items.iter().find(|i| matches!(i, Item::Status(_))) else { panic!() };
    assert_eq!((sent.recipient.as_deref(), sent.recipient_user_id.as_deref()), (None, Some(person.as_str())));
    assert_eq!(inbound(&items)[0].payload.as_deref(), Some("yes"), "the person behind it is …0151");

    // A number wins over a BSUID; nonsense is neither.
    let both = json!({ "messaging_product": "whatsapp", "to": "+12025550101", "recipient": person, "text": { "body": "hi" } });
    let (_, answer) = post(&rig, "/v25.0/501/messages", TOKEN, &both).await;
    assert_eq!(answer["contacts"][0]["wa_id"], "12025550101");
    for (recipient, code) in [(json!("nobody"), 131_009), (json!(5), 100)] {
        let body =
            json!({ "messaging_product": "whatsapp", "recipient": recipient, "text": { "body": "hi" } });
        assert_eq!(post(&rig, "/v25.0/501/messages", TOKEN, &body).await.1["error"]["code"], code);
    }
    let code = json!({ "messaging_product": "whatsapp", "recipient": person, "type": "template", "template": {
        "name": "sample_verification_code", "language": { "code": "en_US" }, "components": [
            { "type": "body", "parameters": [{ "type": "text", "text": "1" }] },
            { "type": "button", "sub_type": "url", "index": "0", "parameters": [{ "type": "text", "text": "1" }] },
        ] } });
    assert_eq!(post(&rig, "/v25.0/501/messages", TOKEN, &code).await.1["error"]["code"], 131_062);
}

#[tokio::test]
async fn read_receipts_and_forms_and_missing_versions() {
    let rig = Rig::start(config()).await;
    let read = json!({ "messaging_product": "whatsapp", "status": "read", "message_id": "wamid.A", "typing_indicator": { "type": "text" } });
    assert_eq!(post(&rig, "/v25.0/501/messages", TOKEN, &read).await, (200, json!({ "success": true })));
    let wrong = json!({ "messaging_product": "whatsapp", "status": "seen", "message_id": "wamid.A" });
    assert_eq!(post(&rig, "/v25.0/501/messages", TOKEN, &wrong).await.1["error"]["code"], 131_009);
    assert!(rig.meta.sends().is_empty(), "neither is a message");

    let form = "messaging_product=whatsapp&to=%2B12025550101&text=%7B%22body%22%3A%22a+b%22%7D&biz_opaque_callback_data=%7B%22a%22%3A1%7D";
    let body = TrustedBody::Other("application/x-www-form-urlencoded", form.as_bytes().into());
    let path = format!("/501/messages?access_token={TOKEN}");
    let (status, answer) = call(&rig, Method::Post, &path, None, body).await;
    assert_eq!(status, 200, "{answer}");
    // A client may write objects as text inside JSON, as Graph's forms have them.
    let text = json!({ "messaging_product": "whatsapp", "to": "+12025550101", "type": "contacts",
        "contacts": "[{\"name\":{\"formatted_name\":\"A\"}}]" });
    assert_eq!(post(&rig, "/v25.0/501/messages", TOKEN, &text).await.0, 200);
    let sends = rig.meta.sends();
    assert_eq!(sends[0].opaque.as_deref(), Some(r#"{"a":1}"#), "text that looks like JSON stays text");
    let kept: Value = serde_json::from_slice(&sends[0].body).unwrap();
    assert_eq!(kept["text"]["body"], "a b");
}

#[tokio::test]
async fn the_24_hours() {
    let rules = SandboxRules { window: Window::Refused, ..SandboxRules::default() };
    let rig = Rig::start(SandboxConfig { rules, ..config() }).await;
    let text = json!({ "body": "hi" });
    assert_eq!(send(&rig, "text", text.clone()).await.1["error"]["code"], 131_047);
    let template = json!({ "name": "hello_world", "language": { "code": "en_US" } });
    assert_eq!(send(&rig, "template", template).await.0, 200);
    let say = Say { from: "+12025550101", text: "hello", context: None, name: None, hide_number: false };
    rig.meta.person_says(NUMBER, &say).unwrap();
    rig.until(|items| inbound(items).len() == 1).await;
    assert_eq!(send(&rig, "text", text.clone()).await.0, 200);

    let rules = SandboxRules { window: Window::Failed, ..SandboxRules::default() };
    let rig = Rig::start(SandboxConfig { rules, ..config() }).await;
    assert_eq!(send(&rig, "text", text).await.0, 200);
    let items = rig.until(|items| !items.is_empty()).await;
    let Item::Status(failed) = &items[0] else { panic!() };
    assert_eq!((failed.errors[0].code, items.len()), (131_047, 1));
}
