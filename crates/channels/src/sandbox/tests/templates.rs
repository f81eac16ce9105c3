//! Templates: making, reviewing, listing, sending.

use super::*;
use crate::testing::WABA;

async fn create(rig: &Rig, change: impl FnOnce(&mut Value)) -> (u16, Value) {
    let mut body = json!({ "name": "order_up", "language": "en_US", "category": "utility", "components": [
        { "type": "header", "format": "text", "text": "Order {{1}}", "example": { "header_text": ["4711"] } },
        { "type": "BODY", "text": "Dear {{1}}, your order of {{2}} is ready to be collected from us now.",
          "example": { "body_text": [["Zoë", "bread"]] } },
        { "type": "FOOTER", "text": "Thank you" },
        { "type": "BUTTONS", "buttons": [
            { "type": "URL", "text": "Follow", "url": "https://example.com/{{1}}", "example": ["https://example.com/1"] },
            { "type": "QUICK_REPLY", "text": "Stop" },
        ] },
    ] });
    change(&mut body);
    post(rig, "/v25.0/1001/message_templates", TOKEN, &body).await
}

async fn list(rig: &Rig, query: &str) -> Value {
    let path = format!("/v25.0/1001/message_templates?{query}");
    call(rig, Method::Get, &path, Some(TOKEN), TrustedBody::Empty).await.1
}

fn notices(items: &[Item], field: &str) -> Vec<Value> {
    let notice = |item: &Item| match item {
        Item::Other(n) if n.field == field => serde_json::from_str(n.raw.get()).ok(),
        _ => None,
    };
    items.iter().filter_map(notice).collect()
}

fn reviewed_at_once() -> SandboxConfig {
    let rules = SandboxRules { template_review: Duration::ZERO, ..SandboxRules::default() };
    SandboxConfig { rules, templates: Some(Vec::new()), ..config() }
}

#[tokio::test]
async fn made_reviewed_told_edited_and_deleted() {
    let rig = Rig::start(reviewed_at_once()).await;
    let (status, made) = create(&rig, |_| {}).await;
    assert_eq!(
        (status, &made["status"], &made["category"]),
        (200, &json!("PENDING"), &json!("UTILITY")),
        "{made}"
    );
    let id = made["id"].as_str().unwrap().to_owned();
    let items = rig.until(|items| !notices(items, "message_template_status_update").is_empty()).await;
    let told = notices(&items, "message_template_status_update");
    let value = told[0].get("value").unwrap_or(&told[0]);
    assert_eq!(value["message_template_id"].as_u64().map(|n| n.to_string()).as_deref(), Some(id.as_str()));
    assert_eq!((&value["event"], &value["message_template_language"]), (&json!("APPROVED"), &json!("en-US")));

    let path = format!("/v25.0/{id}");
    let get = async || call(&rig, Method::Get, &path, Some(TOKEN), TrustedBody::Empty).await.1;
    let shown = get().await;
    assert_eq!((&shown["status"], &shown["language"]), (&json!("APPROVED"), &json!("en_US")));
    assert_eq!(shown["components"][0]["format"], "TEXT");
    assert_eq!(create(&rig, |_| {}).await.1["error"]["error_subcode"], 2_388_024);

    let edit = json!({ "category": "MARKETING", "components": [{ "type": "BODY", "text": "Your bread is ready." }] });
    assert_eq!(post(&rig, &path, TOKEN, &edit).await.1["success"], true);
    rig.until(|items| notices(items, "message_template_status_update").len() == 2).await;
    assert_eq!(get().await["components"].as_array().unwrap().len(), 1);

    assert!(rig.meta.rate_template(WABA, &id, "RED"));
    assert!(rig.meta.recategorise_template(WABA, &id, "UTILITY"));
    let items = rig.until(|items| !notices(items, "template_category_update").is_empty()).await;
    assert!(notices(&items, "message_template_quality_update")[0].to_string().contains("\"RED\""));
    assert!(
        notices(&items, "template_category_update")[0]
            .to_string()
            .contains("\"previous_category\":\"MARKETING\"")
    );
    assert_eq!(list(&rig, "quality_score=RED").await["data"][0]["id"], id.as_str());

    let delete = async || {
        let path = format!("/v25.0/1001/message_templates?name=order_up&hsm_id={id}");
        call(&rig, Method::Delete, &path, Some(TOKEN), TrustedBody::Empty).await
    };
    assert_eq!(delete().await, (200, json!({ "success": true })));
    assert_eq!(delete().await.1["error"]["code"], 100);
    let items = rig.until(|items| notices(items, "message_template_status_update").len() == 3).await;
    assert!(
        notices(&items, "message_template_status_update")
            .iter()
            .any(|n| n.to_string().contains("\"DELETED\""))
    );
}

#[tokio::test]
async fn names_decide_the_verdict() {
    let rig = Rig::start(reviewed_at_once()).await;
    let mut ids = HashMap::new();
    for name in ["rejected_one", "paused_one", "disabled_one", "pending_one"] {
        let (_, made) = create(&rig, |b| b["name"] = name.into()).await;
        ids.insert(name, made["id"].as_str().unwrap().to_owned());
    }
    let last = |items: &[Item]| notices(items, "message_template_status_update").len() == 5;
    rig.until(last).await;
    let send = async |name: &str| {
        let body = json!({ "messaging_product": "whatsapp", "to": "+12025550101", "type": "template",
            "template": { "name": name, "language": { "code": "en_US" } } });
        post(&rig, "/v25.0/501/messages", TOKEN, &body).await.1["error"]["code"].clone()
    };
    for (name, status, code) in [
        ("rejected_one", "REJECTED", 132_001),
        ("paused_one", "PAUSED", 132_015),
        ("disabled_one", "DISABLED", 132_016),
        ("pending_one", "PENDING", 132_001),
        ("no_such", "", 132_001),
    ] {
        assert_eq!(send(name).await, code, "{name}");
        if !status.is_empty() {
            assert_eq!(list(&rig, &format!("name={name}")).await["data"][0]["status"], status);
        }
    }
    let body = json!({ "template_id": ids["pending_one"], "status": "approved" });
    assert_eq!(post(&rig, "/_sandbox/templates", TOKEN, &body).await.0, 200);
    rig.until(|items| notices(items, "message_template_status_update").len() == 6).await;
    assert_eq!(list(&rig, "name=pending_one").await["data"][0]["status"], "APPROVED");
    // Other accounts' templates cannot be touched.
    assert!(!rig.meta.review_template("1002", &ids["pending_one"], "REJECTED", None));
}

#[tokio::test]
async fn what_a_template_may_look_like() {
    let rig = Rig::start(reviewed_at_once()).await;
    let body =
        |text: &str| json!([{ "type": "BODY", "text": text, "example": { "body_text": [["a", "b"]] } }]);
    let cases: Vec<(u64, Value, &str)> = vec![
        (0, json!("Order Up"), "name"),
        (0, json!("english"), "language"),
        (0, json!("SERVICE"), "category"),
        (0, json!([]), "components"),
        (0, json!([{ "type": "FOOTER", "text": "x" }]), "components"),
        (2_388_040, body(&"x".repeat(1025)), "components"),
        (2_388_072, body("First {{1}} and then {{3}} and then some more words"), "components"),
        (2_388_299, body("{{1}} and {{2}} are names of people who came here"), "components"),
        (2_388_293, body("Hi {{1}} {{2}} now"), "components"),
        (2_388_043, body("Dear {{1}}, this needs one sample only, not two of them"), "components"),
        (
            2_388_073,
            json!([{ "type": "BODY", "text": "x" }, { "type": "FOOTER", "text": "{{1}}" }]),
            "components",
        ),
        (
            2_388_047,
            json!([{ "type": "BODY", "text": "x" }, { "type": "HEADER", "format": "TEXT", "text": "x".repeat(61) }]),
            "components",
        ),
        (
            2_388_273,
            json!([{ "type": "BODY", "text": "x" }, { "type": "HEADER", "format": "IMAGE" }]),
            "components",
        ),
        (
            0,
            json!([{ "type": "BODY", "text": "x" }, { "type": "BUTTONS", "buttons": [{ "type": "QUICK_REPLY", "text": "x".repeat(26) }] }]),
            "components",
        ),
        (
            0,
            json!([{ "type": "BODY", "text": "x" }, { "type": "BUTTONS", "buttons": [{ "type": "URL", "text": "x", "url": "https://e.com/{{1}}" }] }]),
            "components",
        ),
    ];
    for (subcode, value, field) in cases {
        let (status, answer) = create(&rig, |b| b[field] = value.clone()).await;
        assert_eq!((status, &answer["error"]["code"]), (400, &json!(100)), "{value} {answer}");
        assert_eq!(answer["error"]["error_subcode"].as_u64().unwrap_or(0), subcode, "{value} {answer}");
    }
    let code = json!([{ "type": "BODY", "add_security_recommendation": true }, { "type": "FOOTER", "code_expiration_minutes": 5 },
        { "type": "BUTTONS", "buttons": [{ "type": "OTP", "otp_type": "ONE_TAP", "supported_apps": [{ "package_name": "a.b", "signature_hash": "h" }] }] }]);
    let auth = async |components: Value| {
        create(&rig, |b| {
            b["name"] = "code".into();
            b["category"] = "AUTHENTICATION".into();
            b["components"] = components;
        })
        .await
    };
    let mut late = code.clone();
    late[1]["code_expiration_minutes"] = 91.into();
    assert_eq!(auth(late).await.0, 400);
    assert_eq!(auth(json!([{ "type": "BODY" }])).await.0, 400, "no button");
    assert_eq!(auth(code).await.0, 200);
    let shown = list(&rig, "name=code").await;
    assert_eq!(
        shown["data"][0]["components"][0]["text"],
        "*{{1}}* is your verification code. For your security, do not share this code."
    );
    let languages = json!({ "name": "multi", "languages": ["en_US", "de"], "category": "AUTHENTICATION", "components": [
        { "type": "BODY" }, { "type": "BUTTONS", "buttons": [{ "type": "OTP", "otp_type": "COPY_CODE" }] }] });
    let (_, made) = post(&rig, "/v25.0/1001/upsert_message_templates", TOKEN, &languages).await;
    assert_eq!(made["data"].as_array().map(Vec::len), Some(2), "{made}");
}

#[tokio::test]
async fn parameters_must_fit() {
    let rig = Rig::start(reviewed_at_once()).await;
    create(&rig, |_| {}).await;
    rig.until(|items| !notices(items, "message_template_status_update").is_empty()).await;
    let text = |text: &str| json!({ "type": "text", "text": text });
    let good = json!([
        { "type": "header", "parameters": [text("4711")] },
        { "type": "body", "parameters": [text("Zoë"), { "type": "currency", "currency": { "fallback_value": "1 €", "code": "EUR", "amount_1000": 1000 } }] },
        { "type": "button", "sub_type": "url", "index": "0", "parameters": [text("1")] },
        { "type": "button", "sub_type": "quick_reply", "index": 1, "parameters": [{ "type": "payload", "payload": "stop" }] },
    ]);
    let send = async |components: &Value| {
        let body = json!({ "messaging_product": "whatsapp", "to": "+12025550151", "type": "template",
            "template": { "name": "order_up", "language": { "code": "en_US" }, "components": components } });
        post(&rig, "/v25.0/501/messages", TOKEN, &body).await.1
    };
    let with = |pointer: &str, new: Value| {
        let mut changed = good.clone();
        *changed.pointer_mut(pointer).unwrap() = new;
        changed
    };
    for (components, code) in [
        (with("/1/parameters", json!([text("a")])), 132_000),
        (with("/0/parameters", json!([])), 132_000),
        (
            with(
                "/0/parameters",
                json!([{ "type": "image", "image": { "link": "https://example.com/a.jpg" } }]),
            ),
            132_012,
        ),
        (with("/2/parameters", json!([])), 131_008),
        (with("/2/index", json!("5")), 132_018),
        (with("/1/parameters/0", text("a\nb")), 132_018),
        (with("/1/parameters/0", text(&"x".repeat(1000))), 132_005),
        (with("/1/parameters/0", json!({ "type": "text" })), 131_008),
        (with("/1/parameters/0", json!({ "type": "magic" })), 132_012),
        (with("/1/type", json!("torso")), 100),
    ] {
        let answer = send(&components).await;
        assert_eq!(answer["error"]["code"], code, "{components} {answer}");
    }
    let answer = send(&good).await;
    assert_eq!(answer["messages"][0]["message_status"], "accepted", "{answer}");
    let items = rig.until(|items| inbound(items).len() == 1).await;
    assert_eq!(inbound(&items)[0].payload.as_deref(), Some("stop"), "the button's own payload comes back");
    let charged =
        |item: &Item| matches!(item, Item::Status(s) if s.raw.get().contains("\"category\":\"utility\""));
    assert!(items.iter().any(charged));

    // Named parameters are told apart by their names.
    create(&rig, |b| {
        b["name"] = "named".into();
        b["parameter_format"] = "NAMED".into();
        b["components"] = json!([{ "type": "BODY", "text": "Your order {{order}} is ready to be collected.",
            "example": { "body_text_named_params": [{ "param_name": "order", "example": "1" }] } }]);
    })
    .await;
    rig.until(|items| notices(items, "message_template_status_update").len() == 2).await;
    let send = async |name: &str| {
        let body = json!({ "messaging_product": "whatsapp", "to": "+12025550101", "type": "template",
            "template": { "name": "named", "language": { "code": "en_US" }, "components": [
                { "type": "body", "parameters": [{ "type": "text", "text": "1", "parameter_name": name }] }] } });
        post(&rig, "/v25.0/501/messages", TOKEN, &body).await.1
    };
    assert_eq!(send("colour").await["error"]["code"], 132_012);
    assert!(send("order").await["messages"][0]["id"].is_string());
}

#[tokio::test]
async fn pages_and_filters() {
    let rig = Rig::start(reviewed_at_once()).await;
    for n in 0..7 {
        create(&rig, |b| b["name"] = format!("page_{n}").into()).await;
    }
    let names = |page: &Value| -> Vec<String> {
        page["data"].as_array().unwrap().iter().map(|t| t["name"].as_str().unwrap().to_owned()).collect()
    };
    let first = list(&rig, "name=page_&limit=3&fields=name").await;
    assert_eq!(names(&first), ["page_0", "page_1", "page_2"]);
    assert_eq!(first["data"][0].as_object().unwrap().len(), 2, "the name and the id");
    assert!(first["paging"].get("previous").is_none());
    // The address of the next page is followed as it stands.
    let next =
        first["paging"]["next"].as_str().unwrap().strip_prefix(&rig.meta.base_url()).unwrap().to_owned();
    let second = call(&rig, Method::Get, &next, Some(TOKEN), TrustedBody::Empty).await.1;
    assert_eq!(names(&second), ["page_3", "page_4", "page_5"]);
    let after = second["paging"]["cursors"]["after"].as_str().unwrap();
    let third = list(&rig, &format!("name=page_&limit=3&after={after}")).await;
    assert_eq!(names(&third), ["page_6"]);
    assert!(third["paging"].get("next").is_none());
    let before = second["paging"]["cursors"]["before"].as_str().unwrap();
    assert_eq!(
        names(&list(&rig, &format!("name=page_&limit=2&before={before}")).await),
        ["page_1", "page_2"]
    );

    assert_eq!(list(&rig, "name=nothing_like_it").await, json!({ "data": [] }));
    assert_eq!(
        names(&list(&rig, "status=%5B%22APPROVED%22%5D&category=MARKETING").await),
        ["sample_purchase_feedback"]
    );
    assert_eq!(names(&list(&rig, "content=congratulations").await), ["hello_world"]);
    assert_eq!(list(&rig, "limit=1&summary=total_count").await["summary"]["total_count"], 12);
    for bad in ["limit=0", "limit=x", "after=nonsense", "fields=shoe_size"] {
        assert_eq!(list(&rig, bad).await["error"]["code"], 100, "{bad}");
    }
    assert_eq!(list(&rig, "limit=100&language=de").await["data"], json!([]));
}
