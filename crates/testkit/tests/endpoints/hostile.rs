//! What a hostile customer sends: tricks with URLs, headers that would be another request, bombs.

use gatepost_testkit::{Client, Engines, Receiver, Setup, tables};
use serde_json::{Map, Value, json};

use crate::support::{Desk, ENDPOINTS, id_of, path};

/// URLs with the rule that refuses each.
const URLS: [(&str, &str); 29] = [
    ("https://example.com\\@127.0.0.1/", "url_characters"),
    ("https:\\\\example.com/", "url_characters"),
    ("https:example.com/", ""),
    ("https://127.0.0.1/", "address_loopback"),
    ("https://127.1/", "address_loopback"),
    ("https://2130706433/", "address_loopback"),
    ("https://0x7f000001/", "address_loopback"),
    ("https://0177.0.0.1/", "address_loopback"),
    ("https://[::1]/", "address_loopback"),
    ("https://0.0.0.0/", "address_unspecified"),
    ("https://10.0.0.1/", "address_private"),
    ("https://192.168.1.1/", "address_private"),
    ("https://172.16.0.1:8443/", "address_private"),
    ("https://[fd00::1]/", "address_private"),
    ("https://100.64.0.1/", "address_shared"),
    ("https://169.254.169.254/latest/meta-data/", "address_metadata"),
    ("https://metadata.google.internal/", "host_metadata"),
    ("https://[::ffff:10.0.0.1]/", "address_private"),
    ("https://[64:ff9b::a00:1]/", "address_private"),
    ("https://localhost/", "host_loopback"),
    ("https://localhost./", "host_loopback"),
    ("https://api.localhost/", "host_loopback"),
    ("https://wiki.internal/", "host_internal"),
    ("https://printer.local/", "host_internal"),
    ("https://buildhost/", "host_single_label"),
    ("https://example.com:22/", "port_not_allowed"),
    ("https://example.com:6379/", "port_not_allowed"),
    ("http://example.com/", "scheme_not_allowed"),
    ("https://1.2.3.4.5.6/", ""),
];
/// URLs that are none, or not one.
const NOT_URLS: [&str; 11] = [
    "",
    "example.com",
    "//example.com/",
    "ftp://example.com/",
    "javascript:alert(1)",
    "file:///etc/passwd",
    "https://user:pass@example.com/",
    "https://example.com/ x",
    "https://example.com/\r\nHost: 127.0.0.1",
    "https://example.com/#here",
    "https:///",
];

/// The first wrong field's pointer, code and words.
async fn refused(admin: &Client, body: &Value) -> (String, String, String) {
    let answer = admin.post(ENDPOINTS, body).await;
    assert_eq!(answer.status, 422, "{body}: {}", answer.text);
    let first = &answer.json()["errors"][0];
    let text = |name: &str| first[name].as_str().unwrap_or_default().to_owned();
    (text("pointer"), text("code"), text("detail"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tricks_with_urls_are_refused_by_name() {
    let mut setup = Setup::new(Engines::Sqlite);
    setup.loopback = false;
    let desk = Desk::with(setup).await;
    let good = desk.admin.post(ENDPOINTS, &json!({"url": "https://example.com/"})).await.expect(201).json();
    for (url, rule) in URLS {
        let (pointer, code, detail) = refused(&desk.admin, &json!({"url": url})).await;
        assert_eq!((pointer.as_str(), code.as_str()), ("/url", "webhook_url_not_allowed"), "{url}");
        assert!(rule.is_empty() || detail.contains(&format!("(rule {rule})")), "{url}: {detail}");
        let changed = desk.admin.patch(&path(&id_of(&good)), &json!({"url": url})).await;
        assert_eq!((changed.status, changed.code().as_str()), (422, "webhook_url_not_allowed"), "{url}");
    }
    for url in NOT_URLS {
        let (pointer, ..) = refused(&desk.admin, &json!({"url": url})).await;
        assert_eq!(pointer, "/url", "{url:?}");
    }
    refused(&desk.admin, &json!({"url": format!("https://example.com/{}", "a".repeat(2048))})).await;
    assert_eq!(desk.read(&id_of(&good)).await["url"], "https://example.com/");
    desk.world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn headers_that_would_be_another_request_are_refused() {
    let desk = Desk::open(Engines::Sqlite).await;
    let receiver = Receiver::start().await;
    let url = &receiver.url;
    for name in [
        "Host",
        "content-length",
        "Content-Type",
        "Transfer-Encoding",
        "connection",
        "Keep-Alive",
        "TE",
        "trailer",
        "Upgrade",
        "proxy-authorization",
        "Expect",
        "Cookie",
        "X-Forwarded-For",
        "forwarded",
        "via",
        "User-Agent",
        "webhook-id",
        "Webhook-Signature",
        "webhook-anything",
        "X-Gatepost-Signature",
        "x-gatepost-event",
        "Sec-Fetch-Mode",
        "",
        " x",
        "x y",
        "x:y",
        "x\r\ny",
        "x\u{e4}",
        "(x)",
    ] {
        let (pointer, _, detail) =
            refused(&desk.admin, &json!({"url": url, "headers": {name: "s3cret-value"}})).await;
        assert!(
            pointer.starts_with("/headers") && !detail.contains("s3cret"),
            "{name:?}: {pointer} {detail}"
        );
    }
    for value in [
        json!("a\r\nX-Injected: 1"),
        json!("a\nb"),
        json!("a\u{0}"),
        json!(" a"),
        json!("ä"),
        json!("x".repeat(1025)),
        json!(7),
        json!(["a"]),
        Value::Null,
    ] {
        let answer = desk.admin.post(ENDPOINTS, &json!({"url": url, "headers": {"x-a": value}})).await;
        assert!(answer.status == 422 || answer.status == 400, "{value}: {}", answer.text);
    }
    refused(&desk.admin, &json!({"url": url, "headers": {"X-A": "1", "x-a": "2"}})).await;
    refused(&desk.admin, &json!({"url": url, "headers": ["x-a"]})).await;
    let many: Map<String, Value> = (0..21).map(|n| (format!("x-{n}"), json!("v"))).collect();
    refused(&desk.admin, &json!({"url": url, "headers": many})).await;
    let large: Map<String, Value> = (0..5).map(|n| (format!("x-{n}"), json!("v".repeat(1000)))).collect();
    refused(&desk.admin, &json!({"url": url, "headers": large})).await;
    assert_eq!(desk.admin.get(ENDPOINTS).await.expect(200).json()["data"], json!([]));
    desk.world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bombs_and_nonsense_are_refused() {
    let desk = Desk::open(Engines::Sqlite).await;
    let receiver = Receiver::start().await;
    let made = id_of(&desk.endpoint(&receiver, json!({"metadata": {"a": "b"}})).await);
    let many: Map<String, Value> = (0..21).map(|n| (format!("n{n}"), json!("v"))).collect();
    let heavy: Map<String, Value> = (0..20).map(|n| (format!("n{n}"), json!("ä".repeat(500)))).collect();
    for settings in [
        json!({"metadata": many}),
        json!({"metadata": heavy}),
        json!({"metadata": {"a": {"b": "c"}}}),
        json!({"metadata": {"a": 1}}),
        json!({"metadata": {"a": null}}),
        json!({"metadata": {"": "x"}}),
        json!({"metadata": {"a": "x".repeat(501)}}),
        json!({"metadata": {"a\u{202e}": "x"}}),
        json!({"metadata": "a=b"}),
        json!({"order": "random"}),
        json!({"order": true}),
        json!({"retry_schedule": [0]}),
        json!({"retry_schedule": [-1]}),
        json!({"retry_schedule": [86_401]}),
        json!({"retry_schedule": vec![1; 21]}),
        json!({"retry_schedule": vec![86_400; 8]}),
        json!({"retry_schedule": "5,300"}),
        json!({"ed25519": "yes"}),
        json!({"secret": "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD"}),
        json!({"signing_seed": "x"}),
        json!({"public_key": "whpk_x"}),
        json!({"health": {"state": "healthy"}}),
        json!({"header_names": ["x"]}),
        json!({"dead_letters": 0}),
        json!({"workspace_id": "ws_01kagq5rh8e5htqh9sk95d3x4w"}),
        json!({"description": "a\nb"}),
        json!({"events": ["endpoint"]}),
        json!({"events": ["*"]}),
    ] {
        let mut body = settings.clone();
        body["url"] = json!(receiver.url);
        refused(&desk.admin, &body).await;
        desk.admin.patch(&path(&made), &settings).await.expect(422);
    }
    desk.admin.patch(&path(&made), &json!({})).await.expect(422);
    assert_eq!(desk.admin.post(ENDPOINTS, &json!({"url": receiver.url, "mode": "live"})).await.status, 403);
    assert_eq!(desk.read(&made).await["metadata"], json!({"a": "b"}));
    // Nothing reveals a secret again, under no name.
    for tail in ["secret", "reveal", "reveal-secret", "secret/reveal"] {
        for method in ["GET", "POST"] {
            let answer =
                desk.admin.call(method, &format!("{}/{tail}", path(&made)), &[], Some(&json!({}))).await;
            assert_eq!(answer.status, 404, "{method} {tail}");
        }
    }
    assert!(gatepost_core::access::PermissionId::ALL.iter().all(|p| !p.as_str().contains("secret")));
    desk.world.stop().await;
}

/// Values of headers and notes lie sealed: none is found in any table.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn headers_and_notes_lie_sealed() {
    for engine in Engines::available() {
        let desk = Desk::open(engine).await;
        let receiver = Receiver::start().await;
        let settings = json!({
            "headers": {"authorization": "Bearer canary-of-a-header"}, "metadata": {"note": "canary-of-a-note"},
        });
        desk.endpoint(&receiver, settings).await;
        assert!(tables(desk.world.store.engine()).await.contains_key("endpoint"));
        let mut rows = 0;
        for (table, dump) in desk.world.rows().await {
            for row in dump {
                let hex = |text: &str| gatepost_testkit::hex(text.as_bytes());
                for canary in ["canary-of-a-header", "canary-of-a-note"] {
                    assert!(!row.contains(canary) && !row.to_uppercase().contains(&hex(canary)), "{table}");
                }
                rows += 1;
            }
        }
        assert!(rows > 5);
        desk.world.stop().await;
    }
}
