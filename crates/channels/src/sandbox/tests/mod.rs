//! What the simulated Meta does beyond answering: callbacks, people, faults, limits on itself.

#![expect(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use gatepost_net::{Method, TrustedBody, TrustedRequest};
use serde_json::{Value, json};

use super::*;
use crate::cloud::SendOutcome;
use crate::graph::{DeliveryStatus, Inbound, Item};
use crate::testing::{
    APP, NUMBER, OTHER_NUMBER, OTHER_TOKEN, Rig, TOKEN, TestClock, VERIFY, config, http, statuses, text,
};

mod callbacks;
mod content;
mod management;
mod media;
mod templates;

async fn accepted(rig: &Rig, to: &str, n: u128) {
    let outcome = rig.cloud.send(&rig.channel(), &text(to, n)).await;
    assert!(matches!(outcome, SendOutcome::Accepted(_)), "{to}: {outcome:?}");
}

fn inbound(items: &[Item]) -> Vec<&Inbound> {
    items.iter().filter_map(|i| if let Item::Inbound(m) = i { Some(m) } else { None }).collect()
}

async fn post(rig: &Rig, path: &str, token: &str, body: &Value) -> (u16, Value) {
    call(rig, Method::Post, path, Some(token), TrustedBody::Json(body.to_string().into())).await
}

async fn call(rig: &Rig, method: Method, path: &str, token: Option<&str>, body: TrustedBody) -> (u16, Value) {
    let url = format!("{}{path}", rig.meta.base_url());
    let request = TrustedRequest {
        method,
        url: &url,
        bearer: token,
        headers: &[],
        body,
        timeout: Duration::from_secs(5),
    };
    let answer = rig.http.send(request).await.unwrap();
    (answer.status, serde_json::from_slice(&answer.body).unwrap())
}

/// Waits until no news wait: every place among them is given back.
async fn quiet(rig: &Rig) {
    for _ in 0..2_000 {
        if rig.meta.observed().pending == 0 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("{:?}", rig.meta.observed());
}

fn send_body(change: impl FnOnce(&mut Value)) -> Value {
    let mut body = json!({
        "messaging_product": "whatsapp", "to": "+1 (202) 555-0101", "type": "text", "text": { "body": "hi" },
    });
    change(&mut body);
    body
}

#[tokio::test]
async fn the_contract_of_a_send() {
    let rig = Rig::start(config()).await;
    let cases: Vec<(u16, i64, Value)> = vec![
        (400, 100, json!([])),
        (400, 100, send_body(|b| b["messaging_product"] = "sms".into())),
        (400, 100, send_body(|b| b["to"] = 12.into())),
        (400, 131_009, send_body(|b| b["to"] = "call me".into())),
        (400, 131_009, send_body(|b| b["recipient_type"] = "group".into())),
        (400, 131_008, send_body(|b| b["text"] = json!({}))),
        (400, 131_008, send_body(|b| b["text"]["body"] = "".into())),
        (400, 100, send_body(|b| b["text"] = "hi".into())),
        (400, 100, send_body(|b| b["text"]["body"] = "x".repeat(4097).into())),
        (400, 100, send_body(|b| b["text"]["preview_url"] = "yes".into())),
        (400, 100, send_body(|b| b["biz_opaque_callback_data"] = "x".repeat(513).into())),
        (400, 131_009, send_body(|b| b["context"] = json!({ "message_id": "msg_1" }))),
        (400, 131_051, send_body(|b| b["type"] = "hologram".into())),
        (400, 131_008, send_body(|b| b["type"] = "template".into())),
        (
            400,
            131_008,
            send_body(|b| {
                b["type"] = "template".into();
                b["template"] = json!({ "name": "a" });
            }),
        ),
        (
            400,
            100,
            send_body(|b| {
                b["type"] = "template".into();
                b["template"] = json!({ "name": "a", "language": { "code": "en" }, "components": {} });
            }),
        ),
        (
            404,
            132_001,
            send_body(|b| {
                b["type"] = "template".into();
                b["template"] = json!({ "name": "No Such", "language": { "code": "en" } });
            }),
        ),
        (400, 131_021, send_body(|b| b["to"] = "12025550190".into())),
    ];
    for (http, code, body) in cases {
        let (status, answer) = post(&rig, "/v23.0/501/messages", TOKEN, &body).await;
        assert_eq!((status, answer["error"]["code"].as_i64()), (http, Some(code)), "{body}");
        assert_eq!(answer["error"]["type"], "OAuthException");
        assert_eq!(answer["error"]["error_data"]["messaging_product"], "whatsapp");
        let message = answer["error"]["message"].as_str().unwrap();
        assert!(message.starts_with(&format!("(#{code}) ")), "{message}");
    }
    let (status, _) = call(&rig, Method::Post, "/v23.0/501/messages", None, TrustedBody::Empty).await;
    assert_eq!(status, 401);
    let deep = "[".repeat(5_000) + &"]".repeat(5_000);
    let body = TrustedBody::Json(deep.into_bytes().into());
    assert_eq!(call(&rig, Method::Post, "/v23.0/501/messages", Some(TOKEN), body).await.0, 400);
    assert!(rig.meta.sends().is_empty());
    // The type may be missing for text, and the number is read as people write it.
    let (status, answer) = post(
        &rig,
        "/v99.0/501/messages",
        TOKEN,
        &send_body(|b| {
            b.as_object_mut().unwrap().remove("type");
        }),
    )
    .await;
    assert_eq!(status, 200);
    assert_eq!(answer["contacts"][0]["input"], "+1 (202) 555-0101");
    assert_eq!(answer["contacts"][0]["wa_id"], "12025550101");
}

#[tokio::test]
async fn reads_of_objects() {
    let rig = Rig::start(config()).await;
    let get = async |path: &str, token| call(&rig, Method::Get, path, token, TrustedBody::Empty).await;
    let (_, number) = get("/v25.0/501?fields=throughput%7Blevel%7D,status", Some(TOKEN)).await;
    assert_eq!(number, json!({ "id": "501", "throughput": { "level": "STANDARD" }, "status": "CONNECTED" }));
    assert_eq!(get("/v25.0/501?fields=shoe_size", Some(TOKEN)).await.1["error"]["code"], 100);
    assert_eq!(get("/v25.0/501", None).await.1["error"]["code"], 104);
    let (_, by_parameter) = get(&format!("/v25.0/501?access_token={TOKEN}"), None).await;
    assert_eq!(by_parameter["id"], "501");
    let (_, apps) = get("/v25.0/1001/subscribed_apps", Some(TOKEN)).await;
    assert_eq!(apps["data"][0]["whatsapp_business_api_data"]["id"], APP);
    let (_, token) = get(&format!("/v25.0/debug_token?input_token={TOKEN}"), Some(TOKEN)).await;
    assert_eq!(token["data"]["is_valid"], true);
    let (_, token) = get("/v25.0/debug_token?input_token=nobody", Some(TOKEN)).await;
    assert_eq!(token["data"]["is_valid"], false);
    assert_eq!(get("/v25.0/debug_token?input_token=x", Some("900|wrong")).await.0, 401);
    for path in ["/", "/v25.0", "/v25.0/501/nonsense/x", "/v25.0/501/messages"] {
        assert_eq!(get(path, Some(TOKEN)).await.1["error"]["code"], 2500, "{path}");
    }
}

#[tokio::test]
async fn people_behave_as_their_numbers_say() {
    let rig = Rig::start(config()).await;
    let channel = rig.channel();
    accepted(&rig, "+12025550102", 2).await;
    accepted(&rig, "+12025550105", 5).await;
    accepted(&rig, "+12025550107", 7).await;
    accepted(&rig, "+12025550108", 8).await;

    // Refused once, then taken; each message by itself.
    for n in [40, 41] {
        let message = text("+12025550104", n);
        let SendOutcome::Refused(first) = rig.cloud.send(&channel, &message).await else { panic!("taken") };
        assert_eq!((first.http, first.code), (429, Some(130_429)));
        assert!(matches!(rig.cloud.send(&channel, &message).await, SendOutcome::Accepted(_)));
    }
    for _ in 0..3 {
        let SendOutcome::Refused(never) = rig.cloud.send(&channel, &text("+12025550106", 6)).await else {
            panic!("taken");
        };
        assert_eq!((never.http, never.code), (503, Some(131_016)));
        assert!(never.advice.class.retries());
    }

    let id = |n| text("+12025550101", n).id;
    let items = rig
        .until(|items| {
            inbound(items).len() == 2
                && statuses(items, id(41)).len() == 3
                && statuses(items, id(8)).len() == 3
        })
        .await;
    assert_eq!(statuses(&items, id(2)), ["failed"]);
    assert_eq!(statuses(&items, id(5)), ["sent"], "it has 30 seconds");
    let failed = items.iter().find_map(|i| match i {
        Item::Status(s) if s.status == DeliveryStatus::Failed => Some(s),
        _ => None,
    });
    assert_eq!(failed.unwrap().errors[0].code, 131_026);
    let said: HashMap<_, _> = inbound(&items).into_iter().map(|m| (m.from.clone().unwrap(), m)).collect();
    assert_eq!(said["12025550107"].text.as_deref(), Some("STOP"));
    let answer = said["12025550108"];
    assert_eq!(answer.text.as_deref(), Some(people::REPLY_TEXT));
    let asked = rig.meta.sends().into_iter().find(|s| s.to == "12025550108").unwrap();
    assert_eq!(answer.context.as_deref(), Some(asked.wamid.as_str()));
    assert!(answer.profile_name.is_some());
}

#[tokio::test]
async fn callbacks_are_ascii_and_signed_over_these_very_bytes() {
    let rig = Rig::start(config()).await;
    let say =
        Say {
            from: "+12025550133", text: "Grüße 👋", context: None, name: Some("Zoë"), hide_number: true
        };
    let wamid = rig.meta.person_says(NUMBER, &say).unwrap();
    let items = rig.until(|items| !items.is_empty()).await;
    let heard = inbound(&items)[0];
    assert_eq!((heard.wamid.as_str(), heard.text.as_deref()), (wamid.as_str(), Some("Grüße 👋")));
    assert_eq!((heard.from.as_deref(), heard.profile_name.as_deref()), (None, Some("Zoë")));
    assert!(heard.from_user_id.is_some());
    let posts = rig.received.posts.lock().unwrap();
    let body = std::str::from_utf8(&posts[0].1).unwrap();
    assert!(body.is_ascii() && body.contains(r"Gr\u00fc\u00dfe \ud83d\udc4b"), "{body}");
    let parsed: Value = serde_json::from_str(body).unwrap();
    assert_eq!(parsed["entry"][0]["changes"][0]["value"]["metadata"]["display_phone_number"], "12025550190");
    assert_eq!(rig.meta.person_says("no such", &say), None);
    assert_eq!(rig.meta.person_says(NUMBER, &Say { from: "nobody", ..say }), None);
}

#[tokio::test]
async fn the_shape_of_a_status() {
    let mut config = config();
    config.callbacks.workers = 1;
    let rig = Rig::start(config).await;
    accepted(&rig, "+12025550101", 9).await;
    rig.until(|items| items.len() == 3).await;
    let posts = rig.received.posts.lock().unwrap();
    let first: Value = serde_json::from_slice(&posts[0].1).unwrap();
    let mut value = first["entry"][0]["changes"][0]["value"].clone();
    let status = &mut value["statuses"][0];
    assert!(status["id"].as_str().unwrap().starts_with("wamid."));
    assert_eq!(status["timestamp"].as_str().unwrap().len(), 10);
    status["id"] = "[id]".into();
    status["timestamp"] = "[time]".into();
    insta::assert_json_snapshot!(value, @r#"
    {
      "contacts": [
        {
          "user_id": "US.11977490239086534791",
          "wa_id": "12025550101"
        }
      ],
      "messaging_product": "whatsapp",
      "metadata": {
        "display_phone_number": "12025550190",
        "phone_number_id": "501"
      },
      "statuses": [
        {
          "biz_opaque_callback_data": "msg_00000000000000000000000009",
          "id": "[id]",
          "pricing": {
            "billable": false,
            "category": "service",
            "pricing_model": "PMP",
            "type": "free_customer_service"
          },
          "recipient_id": "12025550101",
          "recipient_user_id": "US.11977490239086534791",
          "status": "sent",
          "timestamp": "[time]"
        }
      ]
    }
    "#);
}

#[tokio::test]
async fn a_failing_receiver_hears_later_and_the_same() {
    let rig = Rig::start(config()).await;
    rig.received.refuse.store(5, Ordering::SeqCst);
    accepted(&rig, "+12025550101", 1).await;
    rig.until(|items| items.len() == 3).await;
    quiet(&rig).await;
    let observed = rig.meta.observed();
    assert_eq!((observed.failed_posts, observed.told, observed.dropped), (5, 3, 0));
}

#[tokio::test]
async fn copies_and_disorder_change_no_identity() {
    let rig = Rig::start(config()).await;
    rig.meta.duplicate_callbacks(3);
    rig.meta.shuffle_callbacks(true);
    for n in 0..40 {
        accepted(&rig, "+12025550101", n).await;
    }
    let items = rig.until(|items| items.len() >= 40 * 3 * 4).await;
    quiet(&rig).await;
    let identities: HashSet<_> = items.iter().map(Item::identity).collect();
    assert_eq!((items.len(), identities.len()), (480, 120));
    let order: Vec<_> =
        items.iter().filter_map(|i| if let Item::Status(s) = i { s.opaque.clone() } else { None }).collect();
    assert!(!order.is_sorted(), "told in order");
    let bodies: HashSet<_> = rig.received.posts.lock().unwrap().iter().map(|(_, b)| b.clone()).collect();
    assert!(bodies.len() > 1, "copies ride in other batches");
}

#[tokio::test]
async fn news_are_batched_up_to_the_limit() {
    let mut config = config();
    config.callbacks.batch = 10;
    config.callbacks.linger = Duration::from_millis(100);
    config.callbacks.workers = 1;
    let rig = Rig::start(config).await;
    for n in 0..30 {
        accepted(&rig, "+12025550101", n).await;
    }
    rig.until(|items| items.len() == 90).await;
    let posts = rig.received.posts.lock().unwrap();
    assert!((9..=20).contains(&posts.len()), "{} posts", posts.len());
}

#[tokio::test]
async fn a_full_house_refuses_instead_of_growing() {
    let config = SandboxConfig { max_pending: 10, ..config() };
    let rig = Rig::start(config).await;
    rig.received.refuse.store(usize::MAX, Ordering::SeqCst);
    let mut refused = 0;
    for n in 0..20 {
        match rig.cloud.send(&rig.channel(), &text("+12025550101", n)).await {
            SendOutcome::Accepted(_) => {}
            SendOutcome::Refused(refusal) => {
                assert_eq!(refusal.code, Some(131_016));
                refused += 1;
            }
            other => panic!("{other:?}"),
        }
    }
    assert!(refused >= 17, "{refused}");
    assert!(rig.meta.observed().pending <= 10);
    rig.received.refuse.store(0, Ordering::SeqCst);
    rig.until(|items| items.len() == (20 - refused) * 3).await;
    quiet(&rig).await;
}

#[tokio::test]
async fn the_handshake() {
    let rig = Rig::start(config()).await;
    assert_eq!(rig.meta.verify_callback(APP).await, Ok(()));
    rig.meta.set_callback(APP, Some(&rig.callback_url), "wrong");
    assert_eq!(rig.meta.verify_callback(APP).await, Err(VerifyError::WrongAnswer(403)));
    rig.meta.set_callback(APP, None, VERIFY);
    assert!(matches!(rig.meta.verify_callback(APP).await, Err(VerifyError::NoCallback(_))));
    rig.meta.set_callback(APP, Some("http://127.0.0.1:1/hook"), VERIFY);
    assert!(matches!(rig.meta.verify_callback(APP).await, Err(VerifyError::Unreachable(_))));
}

#[tokio::test]
async fn control_ways_ask_for_a_token_and_reach_its_numbers_only() {
    let rig = Rig::start(config()).await;
    let body = json!({ "phone_number_id": NUMBER, "from": "+12025550150", "text": "hello" });
    assert_eq!(post(&rig, "/_sandbox/inbound", "nobody", &body).await.0, 400);
    assert_eq!(post(&rig, "/_sandbox/inbound", OTHER_TOKEN, &body).await.0, 400);
    let unknown = json!({ "phone_number_id": NUMBER, "from": "+12025550150", "text": "x", "colour": 1 });
    assert_eq!(post(&rig, "/_sandbox/inbound", TOKEN, &unknown).await.0, 400);
    let (status, answer) = post(&rig, "/_sandbox/inbound", TOKEN, &body).await;
    assert_eq!(status, 200);
    let items = rig.until(|items| !items.is_empty()).await;
    assert_eq!(answer["id"], inbound(&items)[0].wamid);

    accepted(&rig, "+12025550101", 1).await;
    accepted(&rig, "+12025550102", 2).await;
    let sends = async |query: &str, token| {
        let path = format!("/_sandbox/sends{query}");
        call(&rig, Method::Get, &path, Some(token), TrustedBody::Empty).await.1
    };
    let all = sends("", TOKEN).await;
    assert_eq!(all["data"].as_array().unwrap().len(), 2);
    assert_eq!(all["data"][1]["to"], "12025550102");
    assert_eq!(all["data"][0]["body"]["text"]["body"], "Grüße 👋");
    assert_eq!(sends("?after=0", TOKEN).await["data"].as_array().unwrap().len(), 1);
    assert_eq!(sends("", OTHER_TOKEN).await["data"].as_array().unwrap().len(), 0);

    assert_eq!(post(&rig, "/_sandbox/faults", "nobody", &json!({})).await.0, 401);
    assert_eq!(
        post(&rig, "/_sandbox/faults", TOKEN, &json!({ "fault": "server_error", "times": 1 })).await.0,
        200
    );
    assert!(matches!(
        rig.cloud.send(&rig.channel(), &text("+12025550101", 3)).await,
        SendOutcome::Refused(_)
    ));
}

#[tokio::test]
async fn numbers_and_apps_come_at_run_time() {
    let rig = Rig::start(config()).await;
    rig.meta.add_number(SandboxNumber {
        phone_number_id: "777".to_owned(),
        waba_id: "2002".to_owned(),
        ..config().numbers[0].clone()
    });
    let channel = crate::cloud::CloudChannel { phone_number_id: "777".to_owned(), ..rig.channel() };
    let message = text("+12025550101", 1);
    assert!(matches!(rig.cloud.send(&channel, &message).await, SendOutcome::Accepted(_)));
    let items = rig.until(|items| items.len() == 3).await;
    assert!(items.iter().all(|i| i.phone_number_id() == Some("777")));
    assert_ne!(OTHER_NUMBER, "777");
    let nameless = SandboxApp { app_secret: String::new().into(), ..config().apps[0].clone() };
    assert!(matches!(rig.meta.add_app(nameless), Err(SandboxError::AppSecretMissing(_))));
}

#[tokio::test]
async fn only_loopback_unless_told() {
    let clock = Arc::new(TestClock(Instant::now()));
    let open = SandboxConfig { listen: "0.0.0.0:0".parse().unwrap(), ..config() };
    let refused = Sandbox::start(open.clone(), http(), clock.clone()).await;
    assert!(matches!(refused, Err(SandboxError::NotLoopback(_))));
    let told = SandboxConfig { allow_non_loopback: true, ..open };
    Sandbox::start(told, http(), clock).await.unwrap().shutdown().await;
}

#[tokio::test]
async fn shutdown_ends_hanging_sends_and_frees_the_port() {
    let rig = Rig::start(config()).await;
    let addr = rig.meta.addr();
    rig.meta.fail_next(1, Fault::Hang { taken: false });
    let (cloud, channel) = (rig.cloud.clone(), rig.channel());
    let hanging = tokio::spawn(async move { cloud.send(&channel, &text("+12025550101", 1)).await });
    while rig.meta.observed().requests == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    rig.meta.shutdown().await;
    assert!(matches!(hanging.await.unwrap(), SendOutcome::Ambiguous { .. }));
    tokio::net::TcpListener::bind(addr).await.unwrap();
}
