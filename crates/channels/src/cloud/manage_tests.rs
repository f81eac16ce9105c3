//! Management calls against a stand-in that answers what it is told and keeps what it was asked.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::collections::VecDeque;
use std::future::IntoFuture;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri};
use axum::response::IntoResponse;
use gatepost_core::{Secret, Timestamp};
use serde_json::{Value, json};

use super::*;
use crate::testing::{APP, NUMBER, SECRET, TOKEN, WABA, http};

struct Answer {
    status: u16,
    headers: Vec<(&'static str, String)>,
    body: Value,
}

/// Method, path, query without the proof, bearer, body.
type Asked = (String, String, String, String, Value);

#[derive(Default)]
struct Desk {
    answers: Mutex<VecDeque<Answer>>,
    asked: Mutex<Vec<Asked>>,
}

async fn answer(
    State(desk): State<Arc<Desk>>,
    method: Method,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> impl IntoResponse {
    let query = uri.query().unwrap_or_default();
    let query: Vec<&str> = query.split('&').filter(|p| !p.starts_with("appsecret_proof=")).collect();
    let bearer = headers["authorization"].to_str().unwrap().trim_start_matches("Bearer ").to_owned();
    let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
    desk.asked.lock().unwrap().push((
        method.to_string(),
        uri.path().to_owned(),
        query.join("&"),
        bearer,
        body,
    ));
    let Answer { status, headers, body } = desk.answers.lock().unwrap().pop_front().unwrap_or(Answer {
        status: 200,
        headers: Vec::new(),
        body: json!({ "success": true }),
    });
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.insert(name, value.parse().unwrap());
    }
    (StatusCode::from_u16(status).unwrap(), map, body.to_string())
}

struct Stand {
    desk: Arc<Desk>,
    cloud: CloudClient,
    channel: CloudChannel,
}

impl Stand {
    async fn start() -> Self {
        let desk = Arc::new(Desk::default());
        let router = Router::new().fallback(answer).with_state(Arc::clone(&desk));
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base_url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(axum::serve(listener, router).into_future());
        let channel = CloudChannel {
            base_url,
            graph_version: "v25.0".to_owned(),
            phone_number_id: NUMBER.to_owned(),
            waba_id: WABA.to_owned(),
            token: Secret::new(TOKEN.to_owned()),
            app: Some(CloudApp { app_id: APP.to_owned(), app_secret: Secret::new(SECRET.to_owned()) }),
        };
        Self { desk, cloud: CloudClient::new(http()), channel }
    }

    fn will(&self, status: u16, body: Value) -> &Self {
        self.will_with(status, Vec::new(), body)
    }

    fn will_with(&self, status: u16, headers: Vec<(&'static str, String)>, body: Value) -> &Self {
        self.desk.answers.lock().unwrap().push_back(Answer { status, headers, body });
        self
    }

    fn asked(&self) -> Vec<Asked> {
        std::mem::take(&mut *self.desk.asked.lock().unwrap())
    }

    /// The only call there was: method, path, body.
    fn only(&self) -> (String, String, Value) {
        let asked = self.asked();
        let [(method, path, _, bearer, body)] = asked.as_slice() else { panic!("{asked:?}") };
        assert_eq!(bearer, TOKEN);
        (method.clone(), path.clone(), body.clone())
    }
}

fn error(code: i64) -> Value {
    json!({ "error": { "message": "no", "type": "OAuthException", "code": code, "fbtrace_id": "A" } })
}

fn post(path: &str, body: Value) -> (String, String, Value) {
    ("POST".to_owned(), format!("/v25.0/{path}"), body)
}

#[tokio::test]
async fn changes_are_one_call_each_in_metas_words() {
    let s = Stand::start().await;
    let pin = Pin::parse("012345").unwrap();
    s.cloud.number_register(&s.channel, &pin, None).await.unwrap();
    assert_eq!(s.only(), post("501/register", json!({ "messaging_product": "whatsapp", "pin": "012345" })));
    s.cloud.number_register(&s.channel, &pin, Some("DE")).await.unwrap();
    assert_eq!(s.only().2["data_localization_region"], "DE");
    s.cloud.number_deregister(&s.channel).await.unwrap();
    assert_eq!(s.only(), post("501/deregister", json!({ "messaging_product": "whatsapp" })));
    s.cloud.number_request_code(&s.channel, CodeMethod::Voice, "en_US").await.unwrap();
    assert_eq!(s.only(), post("501/request_code", json!({ "code_method": "VOICE", "language": "en_US" })));
    s.cloud.number_verify_code(&s.channel, &Secret::new("123456".to_owned())).await.unwrap();
    assert_eq!(s.only(), post("501/verify_code", json!({ "code": "123456" })));
    s.cloud.number_pin_set(&s.channel, &pin).await.unwrap();
    assert_eq!(s.only(), post("501", json!({ "pin": "012345" })));
    let calling = serde_json::value::to_raw_value(&json!({ "status": "ENABLED" })).unwrap();
    s.cloud.number_setting_set(&s.channel, NumberSetting::Calling, &calling).await.unwrap();
    assert_eq!(s.only(), post("501/settings", json!({ "calling": { "status": "ENABLED" } })));
    let change = ProfileChange { about: Some("Hello".to_owned()), ..ProfileChange::default() };
    s.cloud.profile_set(&s.channel, &change).await.unwrap();
    let body = json!({ "messaging_product": "whatsapp", "about": "Hello" });
    assert_eq!(s.only(), post("501/whatsapp_business_profile", body));
    let at = CallbackOverride {
        uri: "https://hooks.example.com/wa".to_owned(),
        verify_token: Secret::new("hush".to_owned()),
    };
    let body = json!({ "override_callback_uri": "https://hooks.example.com/wa", "verify_token": "hush" });
    s.cloud.subscribe_app_at(&s.channel, WABA, &at).await.unwrap();
    assert_eq!(s.only(), post("1001/subscribed_apps", body.clone()));
    s.cloud.number_override(&s.channel, Some(&at)).await.unwrap();
    assert_eq!(s.only(), post("501", json!({ "webhook_configuration": body })));
    s.cloud.number_override(&s.channel, None).await.unwrap();
    assert_eq!(s.only().2, json!({ "webhook_configuration": { "override_callback_uri": "" } }));
    s.cloud.unsubscribe_app(&s.channel, WABA).await.unwrap();
    assert_eq!(s.only(), ("DELETE".to_owned(), "/v25.0/1001/subscribed_apps".to_owned(), Value::Null));
}

#[tokio::test]
async fn a_wrong_pin_is_asked_once_and_told() {
    let s = Stand::start().await;
    s.will(400, error(133_005));
    let refused = s.cloud.number_register(&s.channel, &Pin::parse("000000").unwrap(), None).await;
    let Err(CallError::Refused(refusal)) = refused else { panic!("{refused:?}") };
    assert_eq!(refusal.code, Some(133_005));
    assert_eq!(s.asked().len(), 1);
    for bad in ["", "12345", "1234567", "12345a", "१२३४५६"] {
        assert!(Pin::parse(bad).is_err(), "{bad}");
    }
}

#[tokio::test]
async fn success_must_be_said() {
    let s = Stand::start().await;
    for body in [json!({ "success": false }), json!({}), json!([])] {
        s.will(200, body);
        let done = s.cloud.number_deregister(&s.channel).await;
        assert!(matches!(done, Err(CallError::Unreadable)), "{done:?}");
    }
}

#[tokio::test]
async fn what_is_read() {
    let s = Stand::start().await;
    s.will(
        200,
        json!({
            "verified_name": "Example", "status": "CONNECTED", "throughput": { "level": "HIGH" }, "id": "501",
            "whatsapp_business_manager_messaging_limit": "TIER_2K",
            "webhook_configuration": { "application": "https://gatepost.example.com/hooks/meta/app_1", "phone_number": "https://b.example" },
        }),
    );
    let number = s.cloud.number_get(&s.channel).await.unwrap();
    assert_eq!(number.messaging_limit.as_deref(), Some("TIER_2K"));
    assert_eq!(number.throughput_level.as_deref(), Some("HIGH"));
    assert_eq!(number.webhooks.phone_number.as_deref(), Some("https://b.example"));
    let (method, path, query, ..) = s.asked().remove(0);
    assert_eq!((method.as_str(), path.as_str()), ("GET", "/v25.0/501"));
    assert!(query.ends_with("whatsapp_business_manager_messaging_limit,webhook_configuration"), "{query}");

    // A version that lacks a field refuses the whole question.
    s.will(400, error(100)).will(200, json!({ "status": "CONNECTED" }));
    assert_eq!(s.cloud.number_get(&s.channel).await.unwrap().status.as_deref(), Some("CONNECTED"));
    assert_eq!(s.asked().len(), 2);

    s.will(200, json!({ "data": [{ "about": "Hi", "websites": ["https://a.example"], "vertical": "RETAIL", "messaging_product": "whatsapp" }] }));
    assert_eq!(s.cloud.profile_get(&s.channel).await.unwrap().websites, ["https://a.example"]);
    s.will(200, json!({ "data": [] }));
    assert_eq!(s.cloud.profile_get(&s.channel).await.unwrap(), BusinessProfile::default());
    s.will(200, json!({ "calling": { "status": "DISABLED" }, "new_thing": 1 }));
    let settings = s.cloud.number_settings_get(&s.channel).await.unwrap();
    assert!(settings.get().contains("new_thing"));
    s.will(
        200,
        json!({ "data": [{ "whatsapp_business_api_data": { "id": "900", "name": "Ours", "link": "https://x" }, "override_callback_uri": "https://o.example" }] }),
    );
    let apps = s.cloud.subscription_list(&s.channel, WABA).await.unwrap();
    assert_eq!(
        (apps[0].id.as_str(), apps[0].override_callback_uri.as_deref()),
        ("900", Some("https://o.example"))
    );
}

fn token(valid: bool, expires_at: i64, scopes: &[&str]) -> Value {
    json!({ "data": { "app_id": APP, "is_valid": valid, "expires_at": expires_at, "scopes": scopes } })
}

const BOTH: [&str; 2] = ["whatsapp_business_messaging", "whatsapp_business_management"];

#[tokio::test]
async fn looks_find_what_is_wrong_the_gravest_first() {
    let s = Stand::start().await;
    let now = Timestamp::from_seconds(1_000_000_000);
    let look = async || s.cloud.check_channel(&s.channel, Some(WABA), now).await;
    let connected = json!({ "status": "CONNECTED" });
    let day = 86_400;

    s.will(200, token(true, 1_000_000_000 + 7 * day, &BOTH)).will(200, json!({ "status": "PENDING" }));
    let findings = look().await.unwrap().findings;
    let expires = Timestamp::from_seconds(1_000_000_000 + 7 * day);
    assert_eq!(findings, [Finding::NotRegistered("PENDING".to_owned()), Finding::TokenExpires(expires)]);

    s.will(200, token(true, 1_000_000_000 + 8 * day, &BOTH)).will(200, connected.clone());
    assert_eq!(look().await.unwrap().findings, []);
    s.will(200, token(true, 1_000_000_000, &BOTH));
    assert_eq!(look().await.unwrap().findings, [Finding::TokenInvalid], "its time is over");
    s.will(200, token(false, 0, &[]));
    assert_eq!(look().await.unwrap().findings, [Finding::TokenInvalid]);
    s.will(200, token(true, 0, &BOTH[..1])).will(200, connected.clone());
    let findings = look().await.unwrap().findings;
    assert_eq!(findings, [Finding::PermissionMissing("whatsapp_business_management")]);
    s.will(200, token(true, 0, &BOTH)).will(200, json!({ "status": "BANNED", "quality_rating": "RED" }));
    let findings = look().await.unwrap().findings;
    assert_eq!(findings, [Finding::NumberRestricted("BANNED".to_owned()), Finding::QualityLow]);
    s.will(200, token(true, 0, &BOTH)).will(
        400,
        json!({ "error": { "code": 100, "error_subcode": 33, "message": "Unsupported get request" } }),
    );
    assert!(matches!(look().await.unwrap().findings.as_slice(), [Finding::NumberRefused(_)]));
    // Meta unwell is nothing about the channel.
    s.will(503, json!({ "error": { "code": 2, "message": "try later" } }));
    assert!(matches!(look().await, Err(CallError::Refused(_))));
    let (_, path, query, bearer, _) = s.asked().remove(0);
    assert_eq!((path.as_str(), query.as_str()), ("/v25.0/debug_token", "input_token=EAAG-test-token-1"));
    assert_eq!(bearer, format!("{APP}|{SECRET}"));
}

#[tokio::test]
async fn metas_limit_is_kept_without_asking() {
    let s = Stand::start().await;
    let cloud = s.cloud.clone().with_management_limit(3);
    for _ in 0..3 {
        cloud.number_deregister(&s.channel).await.unwrap();
    }
    let over = cloud.subscribe_app(&s.channel, WABA).await;
    let Err(CallError::Limited(wait)) = over else { panic!("{over:?}") };
    assert!(wait > Duration::from_mins(59) && wait <= Duration::from_mins(61), "{wait:?}");
    assert_eq!(s.asked().len(), 3);
    let other = CloudChannel { waba_id: "1002".to_owned(), ..s.channel.clone() };
    cloud.number_deregister(&other).await.unwrap();
    // Sends have limits of their own.
    let sent = cloud.send(&s.channel, &crate::testing::text("+12025550101", 1)).await;
    assert!(!matches!(sent, SendOutcome::NotSent { .. }), "{sent:?}");
}

#[tokio::test]
async fn metas_usage_headers_close_the_account() {
    let s = Stand::start().await;
    let line = |percent| {
        let usage = json!({ WABA: [{ "type": "whatsapp", "call_count": percent, "total_cputime": 0, "total_time": 0, "estimated_time_to_regain_access": 9 }] });
        vec![("x-business-use-case-usage", usage.to_string())]
    };
    s.will_with(200, line(95), json!({ "success": true }));
    s.cloud.number_deregister(&s.channel).await.unwrap();
    let Err(CallError::Limited(wait)) = s.cloud.number_deregister(&s.channel).await else { panic!() };
    assert!(wait > Duration::from_mins(8) && wait <= Duration::from_mins(9), "{wait:?}");

    let s = Stand::start().await;
    s.will(400, error(80_007));
    assert!(matches!(s.cloud.number_deregister(&s.channel).await, Err(CallError::Refused(_))));
    assert!(matches!(s.cloud.number_deregister(&s.channel).await, Err(CallError::Limited(_))));
    assert_eq!(s.asked().len(), 1);
}
