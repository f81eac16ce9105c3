//! Numbers, accounts, apps and tokens.

use super::*;

async fn get(rig: &Rig, path: &str) -> (u16, Value) {
    call(rig, Method::Get, path, Some(TOKEN), TrustedBody::Empty).await
}

#[tokio::test]
async fn registering_and_its_limits() {
    let rig = Rig::start(config()).await;
    let register = async |pin: &str| {
        let body = json!({ "messaging_product": "whatsapp", "pin": pin });
        post(&rig, "/v25.0/501/register", TOKEN, &body).await.1
    };
    assert_eq!(register("12345").await["error"]["code"], 100);
    assert_eq!(register("123456").await, json!({ "success": true }));
    assert_eq!(register("654321").await["error"]["code"], 133_005);
    assert_eq!(post(&rig, "/v25.0/501/deregister", TOKEN, &json!({})).await.0, 200);
    assert_eq!(get(&rig, "/v25.0/501?fields=status").await.1["status"], "DISCONNECTED");
    let (_, refused) = post(&rig, "/v25.0/501/messages", TOKEN, &send_body(|_| {})).await;
    assert_eq!(refused["error"]["code"], 133_010);
    assert_eq!(register("123456").await, json!({ "success": true }));
    for _ in 0..6 {
        register("654321").await;
    }
    assert_eq!(register("123456").await["error"]["code"], 133_016, "ten in 72 hours");
    assert_eq!(post(&rig, "/v25.0/501", TOKEN, &json!({ "pin": "111111" })).await.0, 200);
    assert_eq!(get(&rig, "/v25.0/501?fields=is_pin_enabled").await.1["is_pin_enabled"], true);
    // What is set outlives the number being added again, as after a restart of its gateway.
    rig.meta.add_number(config().numbers[0].clone());
    assert_eq!(register("123456").await["error"]["code"], 133_016);
}

#[tokio::test]
async fn a_new_number_is_verified_and_registered() {
    let rig = Rig::start(config()).await;
    let new = json!({ "cc": "1", "phone_number": "2025550188", "verified_name": "Second" });
    let (_, made) = post(&rig, "/v25.0/1001/phone_numbers", TOKEN, &new).await;
    let id = made["id"].as_str().unwrap().to_owned();
    assert_eq!(
        post(&rig, "/v25.0/1001/phone_numbers", TOKEN, &new).await.1["error"]["error_subcode"],
        2_388_012
    );
    let call_of =
        async |tail: &str, body: Value| post(&rig, &format!("/v25.0/{id}/{tail}"), TOKEN, &body).await.1;
    let pin = json!({ "messaging_product": "whatsapp", "pin": "123456" });
    assert_eq!(call_of("register", pin.clone()).await["error"]["code"], 133_006);
    assert_eq!(
        call_of("verify_code", json!({ "code": "424242" })).await["error"]["code"],
        136_025,
        "none asked for"
    );
    assert_eq!(
        call_of("request_code", json!({ "code_method": "PIGEON", "language": "en" })).await["error"]["code"],
        100
    );
    assert_eq!(
        call_of("request_code", json!({ "code_method": "SMS", "language": "en_US" })).await["success"],
        true
    );
    assert_eq!(call_of("verify_code", json!({ "code": "000000" })).await["error"]["code"], 136_025);
    assert_eq!(call_of("verify_code", json!({ "code": "424-242" })).await["success"], true);
    assert_eq!(call_of("register", pin).await["success"], true);
    let (_, numbers) = get(&rig, "/v25.0/1001/phone_numbers?fields=id,status,display_phone_number").await;
    let found = numbers["data"].as_array().unwrap().iter().find(|n| n["id"] == id.as_str()).unwrap();
    assert_eq!(
        (&found["status"], &found["display_phone_number"]),
        (&json!("CONNECTED"), &json!("+1 2025550188"))
    );
}

#[tokio::test]
async fn profile_and_settings() {
    let rig = Rig::start(config()).await;
    let path = "/v25.0/501/whatsapp_business_profile";
    let update = async |body: Value| post(&rig, path, TOKEN, &body).await.1;
    for (field, value) in [
        ("about", json!("x".repeat(140))),
        ("email", json!("nobody")),
        ("websites", json!(["https://a.example", "https://b.example", "https://c.example"])),
        ("vertical", json!("BAKERY")),
    ] {
        let code =
            update(json!({ "messaging_product": "whatsapp", field: value })).await["error"]["code"].clone();
        assert!(code == 100 || code == 131_009, "{field} {code}");
    }
    let good = json!({ "messaging_product": "whatsapp", "about": "Brot", "websites": ["https://a.example"], "vertical": "RETAIL" });
    assert_eq!(update(good).await, json!({ "success": true }));
    let (_, profile) = get(&rig, &format!("{path}?fields=about,websites,vertical,email")).await;
    assert_eq!(
        profile,
        json!({ "data": [{ "messaging_product": "whatsapp", "about": "Brot", "websites": ["https://a.example"], "vertical": "RETAIL" }] })
    );
    let settings = "/v25.0/501/settings";
    let calling = json!({ "calling": { "status": "ENABLED" } });
    assert_eq!(post(&rig, settings, TOKEN, &calling).await.0, 200);
    assert_eq!(get(&rig, settings).await.1["calling"]["status"], "ENABLED");
    let two = json!({ "calling": {}, "payload_encryption": {} });
    assert_eq!(post(&rig, settings, TOKEN, &two).await.0, 400, "one at a time");
    let (_, code) =
        post(&rig, "/v25.0/501/message_qrdls", TOKEN, &json!({ "prefilled_message": "Hi" })).await;
    let one = format!("/v25.0/501/message_qrdls/{}", code["code"].as_str().unwrap());
    assert_eq!(get(&rig, &one).await.1["data"][0]["prefilled_message"], "Hi");
    let delete = async || call(&rig, Method::Delete, &one, Some(TOKEN), TrustedBody::Empty).await.0;
    assert_eq!((delete().await, delete().await), (200, 400));
}

#[tokio::test]
async fn blocked_people_are_neither_written_to_nor_heard() {
    let rig = Rig::start(config()).await;
    let path = "/v25.0/501/block_users";
    let body = json!({ "messaging_product": "whatsapp", "block_users": [{ "user": "+1 202 555 0101" }] });
    let (_, answer) = post(&rig, path, TOKEN, &body).await;
    assert_eq!(
        answer["block_users"]["added_users"][0],
        json!({ "input": "+1 202 555 0101", "wa_id": "12025550101" })
    );
    assert_eq!(get(&rig, path).await.1["data"][0]["wa_id"], "12025550101");
    let (_, refused) = post(&rig, "/v25.0/501/messages", TOKEN, &send_body(|_| {})).await;
    assert_eq!(refused["error"]["code"], 130_403);
    let say = Say { from: "12025550101", text: "hello?", context: None, name: None, hide_number: false };
    assert!(rig.meta.person_says(NUMBER, &say).is_some());
    assert_eq!(rig.meta.observed().pending, 0);
    let remove = TrustedBody::Json(body.to_string().into());
    assert_eq!(call(&rig, Method::Delete, path, Some(TOKEN), remove).await.0, 200);
    assert_eq!(post(&rig, "/v25.0/501/messages", TOKEN, &send_body(|_| {})).await.0, 200);
}

#[tokio::test]
async fn accounts_apps_and_tokens() {
    let rig = Rig::start(config()).await;
    let (_, account) = get(&rig, "/v25.0/1001?fields=id,currency,account_review_status").await;
    assert_eq!(account, json!({ "id": "1001", "currency": "USD", "account_review_status": "APPROVED" }));
    assert!(get(&rig, "/v25.0/me").await.1["id"].is_string());
    assert_eq!(get(&rig, "/v25.0/900").await.1["name"], "Simulated app");
    for path in ["/v25.0/1002", "/v25.0/901", "/v25.0/999/message_templates"] {
        assert_eq!(get(&rig, path).await.1["error"]["error_subcode"], 33, "{path}");
    }
    let exchange = async |query: &str| {
        let path = format!("/v25.0/oauth/access_token?client_id={APP}&{query}");
        call(&rig, Method::Get, &path, None, TrustedBody::Empty).await.1
    };
    let secret = crate::testing::SECRET;
    assert_eq!(exchange("client_secret=wrong&code=x").await["error"]["code"], 1);
    assert_eq!(exchange(&format!("client_secret={secret}&code=x")).await["access_token"], TOKEN);
    let app = exchange(&format!("client_secret={secret}&grant_type=client_credentials")).await;
    assert_eq!(app["access_token"], format!("{APP}|{secret}"));
    let longer = format!("client_secret={secret}&grant_type=fb_exchange_token&fb_exchange_token={TOKEN}");
    assert!(exchange(&longer).await["expires_in"].as_u64().is_some());
    let nobodys = format!("client_secret={secret}&grant_type=fb_exchange_token&fb_exchange_token=x");
    assert_eq!(exchange(&nobodys).await["error"]["code"], 190);
}

#[tokio::test]
async fn the_hourly_limit_of_management_calls() {
    let rules = SandboxRules { management_calls: Some(4), ..SandboxRules::default() };
    let rig = Rig::start(SandboxConfig { rules, ..config() }).await;
    let url = format!("{}/v25.0/501", rig.meta.base_url());
    let get = async || {
        let request = TrustedRequest {
            method: Method::Get,
            url: &url,
            bearer: Some(TOKEN),
            headers: &[],
            body: TrustedBody::Empty,
            timeout: Duration::from_secs(5),
        };
        rig.http.send(request).await.unwrap()
    };
    let first = get().await;
    assert_eq!(first.header("x-app-usage"), Some(r#"{"call_count":25,"total_cputime":25,"total_time":25}"#));
    for _ in 0..3 {
        assert_eq!(get().await.status, 200);
    }
    let refused = get().await;
    let body: Value = serde_json::from_slice(&refused.body).unwrap();
    assert_eq!(body["error"]["code"], 80_007);
    let usage: Value = serde_json::from_str(refused.header("x-business-use-case-usage").unwrap()).unwrap();
    assert!((1..=60).contains(&usage["1001"][0]["estimated_time_to_regain_access"].as_u64().unwrap()));
    assert_eq!(
        post(&rig, "/v25.0/501/messages", TOKEN, &send_body(|_| {})).await.0,
        200,
        "sends are not counted"
    );
}
