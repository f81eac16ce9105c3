//! Where callbacks go, and what they may say.

use super::*;
use crate::testing::hearer;

#[tokio::test]
async fn addresses_of_numbers_and_accounts_come_first_and_must_prove_themselves() {
    let rig = Rig::start(config()).await;
    let (of_account, account_url) = hearer().await;
    let (of_number, number_url) = hearer().await;
    let subscribe = "/v25.0/1001/subscribed_apps";
    let wrong = json!({ "override_callback_uri": account_url, "verify_token": "wrong" });
    assert_eq!(post(&rig, subscribe, TOKEN, &wrong).await.1["error"]["code"], 2200);
    let right = json!({ "override_callback_uri": account_url, "verify_token": VERIFY });
    assert_eq!(post(&rig, subscribe, TOKEN, &right).await.0, 200);
    let (_, listed) = call(&rig, Method::Get, subscribe, Some(TOKEN), TrustedBody::Empty).await;
    assert_eq!(listed["data"][0]["override_callback_uri"], account_url.as_str());
    let number =
        json!({ "webhook_configuration": { "override_callback_uri": number_url, "verify_token": VERIFY } });
    assert_eq!(post(&rig, "/v25.0/502", OTHER_TOKEN, &number).await.0, 200);

    let heard = |by: &Arc<crate::testing::Received>| by.posts.lock().unwrap().len();
    accepted(&rig, "+12025550101", 1).await;
    let body = send_body(|_| {});
    assert_eq!(post(&rig, "/v25.0/502/messages", OTHER_TOKEN, &body).await.0, 200);
    assert!(
        rig.meta.emit(NUMBER, "account_alerts", None),
        "goes to the app's address whatever is overridden"
    );
    quiet(&rig).await;
    assert!(heard(&of_account) > 0 && heard(&of_number) > 0);
    let of = |by: &Arc<crate::testing::Received>, text: &str| {
        by.posts
            .lock()
            .unwrap()
            .iter()
            .all(|(signed, b)| *signed && std::str::from_utf8(b).unwrap().contains(text))
    };
    assert!(of(&of_account, "\"phone_number_id\":\"501\"") && of(&of_number, "\"phone_number_id\":\"502\""));
    assert_eq!(heard(&rig.received), 1);
    assert!(of(&rig.received, "account_alerts"));

    // Both are taken back, and the subscription too.
    assert_eq!(post(&rig, subscribe, TOKEN, &json!({})).await.0, 200);
    let none = json!({ "webhook_configuration": { "override_callback_uri": "" } });
    assert_eq!(post(&rig, "/v25.0/502", OTHER_TOKEN, &none).await.0, 200);
    accepted(&rig, "+12025550101", 2).await;
    rig.until(|items| statuses(items, text("+12025550101", 2).id).len() == 3).await;
    assert_eq!(call(&rig, Method::Delete, subscribe, Some(TOKEN), TrustedBody::Empty).await.0, 200);
    accepted(&rig, "+12025550101", 3).await;
    quiet(&rig).await;
    assert_eq!(rig.meta.observed().dropped, 3);
}

#[tokio::test]
async fn every_field_can_be_told() {
    let rig = Rig::start(config()).await;
    for field in FIELDS {
        assert!(rig.meta.emit(NUMBER, field, None), "{field}");
    }
    let own = json!({ "phone_number_id": NUMBER, "field": "brand_new", "value": { "a": "ä" } });
    assert_eq!(post(&rig, "/_sandbox/emit", TOKEN, &own).await.0, 200);
    assert_eq!(post(&rig, "/_sandbox/emit", OTHER_TOKEN, &own).await.0, 400, "another's number");
    assert!(!rig.meta.emit(NUMBER, "brand_new", None), "no sample of it");
    let items = rig.until(|items| items.len() > FIELDS.len()).await;
    let told: HashSet<String> = items
        .iter()
        .filter_map(|i| if let Item::Other(n) = i { Some(n.field.clone()) } else { None })
        .collect();
    assert!(FIELDS.iter().all(|field| told.contains(*field)) && told.contains("brand_new"));
}

#[tokio::test]
async fn people_answer_in_every_way() {
    let rig = Rig::start(config()).await;
    let asks = json!({ "messaging_product": "whatsapp", "type": "interactive", "interactive": {
        "type": "button", "body": { "text": "?" },
        "action": { "buttons": [{ "type": "reply", "reply": { "id": "btn-7", "title": "Seven" } }] } } });
    let kinds = [
        ("12025550151", "interactive"),
        ("12025550152", "interactive"),
        ("12025550153", "image"),
        ("12025550154", "location"),
        ("12025550155", "reaction"),
        ("12025550156", "order"),
        ("12025550157", "interactive"),
        ("12025550158", "contacts"),
        ("12025550159", "audio"),
        ("12025550160", "document"),
        ("12025550161", "video"),
        ("12025550162", "sticker"),
        ("12025550164", "unsupported"),
        ("12025550165", "system"),
    ];
    for (to, _) in kinds {
        let mut body = asks.clone();
        body["to"] = to.into();
        assert_eq!(post(&rig, "/v25.0/501/messages", TOKEN, &body).await.0, 200, "{to}");
    }
    let items = rig.until(|items| inbound(items).len() == kinds.len()).await;
    let said: HashMap<_, _> = inbound(&items).into_iter().map(|m| (m.from.clone().unwrap(), m)).collect();
    for (from, kind) in kinds {
        assert_eq!(said[from].kind, kind, "{from}");
    }
    assert_eq!(said["12025550151"].payload.as_deref(), Some("btn-7"), "the button that was there");
    assert!(said["12025550151"].context.is_some());
    assert!(said["12025550157"].raw.get().contains("nfm_reply"));
    assert_eq!(said["12025550164"].errors[0].code, 131_051);
    assert!(said["12025550165"].contact.is_none(), "system messages come without contacts");

    for (to, code) in [("12025550166", 131_047), ("12025550167", 131_049), ("12025550169", 131_050)] {
        let mut body = asks.clone();
        body["to"] = to.into();
        let (_, answer) = post(&rig, "/v25.0/501/messages", TOKEN, &body).await;
        let failed = |item: &Item| matches!(item, Item::Status(s) if s.wamid == answer["messages"][0]["id"].as_str().unwrap() && s.errors[0].code == code);
        rig.until(|items| items.iter().any(failed)).await;
    }
    let voice = json!({ "messaging_product": "whatsapp", "to": "12025550168", "type": "audio",
        "audio": { "link": "https://example.com/a.ogg", "voice": true } });
    post(&rig, "/v25.0/501/messages", TOKEN, &voice).await;
    rig.until(|items| items.iter().any(|i| matches!(i, Item::Status(s) if s.status.as_str() == "played")))
        .await;
    let reaction = json!({ "messaging_product": "whatsapp", "to": "12025550177", "type": "reaction",
        "reaction": { "message_id": "wamid.A", "emoji": "👍" } });
    let (_, answer) = post(&rig, "/v25.0/501/messages", TOKEN, &reaction).await;
    quiet(&rig).await;
    let wamid = answer["messages"][0]["id"].as_str().unwrap();
    let told = rig.items().iter().filter(|i| matches!(i, Item::Status(s) if s.wamid == wamid)).count();
    assert_eq!(told, 1, "of a reaction only that it was sent");
}

#[tokio::test]
async fn hidden_numbers_are_nowhere_in_callbacks() {
    let rules = SandboxRules { hide_numbers: true, ..SandboxRules::default() };
    let rig = Rig::start(SandboxConfig { rules, ..config() }).await;
    accepted(&rig, "+12025550108", 1).await;
    let items = rig.until(|items| items.len() == 4).await;
    let reply = inbound(&items)[0];
    assert_eq!(
        (reply.from.as_deref(), reply.from_user_id.as_deref()),
        (None, Some(people::user_id("12025550108").as_str()))
    );
    quiet(&rig).await;
    for (_, body) in rig.received.posts.lock().unwrap().iter() {
        let parsed: Value = serde_json::from_slice(body).unwrap();
        let value = &parsed["entry"][0]["changes"][0]["value"];
        assert!(value["contacts"][0].get("wa_id").is_none() && value["contacts"][0]["user_id"].is_string());
        assert!(value["statuses"][0].get("recipient_id").is_none());
    }
}
