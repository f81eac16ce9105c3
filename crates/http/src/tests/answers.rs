//! Every answer has the same form, whoever made it.

use std::collections::BTreeSet;
use std::time::Duration;

use axum::body::Body;
use bytes::Bytes;
use gatepost_core::Code;

use super::harness::{Answered, ask, request, router, send};
use crate::headers;
use crate::state::Settings;

const ADMIN: (&str, &str) = ("authorization", "Bearer gp_test_admin");
const JSON: (&str, &str) = ("content-type", "application/json");
const PAGE: (&str, &str) = ("origin", "https://shop.example");
const MESSAGE: &str = r#"{"to":"+12025550101","purpose":"support","text":"hi"}"#;

fn check(answer: &Answered) {
    for (name, value) in &headers::security(false) {
        let got: Vec<_> = answer.headers.get_all(name).iter().collect();
        assert_eq!(got, [value], "{name} of a {}", answer.status);
    }
    let id = answer.headers["request-id"].to_str().unwrap();
    assert!(id.parse::<gatepost_core::RequestId>().is_ok(), "{id}");
    for banner in ["server", "x-powered-by", "via", "set-cookie"] {
        assert!(!answer.headers.contains_key(banner));
    }
    assert!(!String::from_utf8_lossy(&answer.body).contains("private"), "{}", answer.status);
    if answer.status >= 400 && !answer.body.is_empty() {
        assert_eq!(answer.headers["content-type"], "application/problem+json");
        let problem = answer.json();
        assert_eq!(problem["request_id"], id);
        assert_eq!(problem["status"], answer.status);
        let code = Code::parse(problem["code"].as_str().unwrap()).unwrap();
        assert_eq!(code.status(), answer.status);
        assert_eq!(problem["type"], format!("/problems/{code}"));
        assert_eq!(answer.headers.contains_key("www-authenticate"), answer.status == 401);
    }
}

#[tokio::test]
async fn the_same_headers_and_form_on_every_status() {
    let large = format!("{{\"to\":\"{}\"}}", "x".repeat(300_000));
    let long = "x".repeat(40_000);
    let app = "/hooks/meta/app_01kagq5rh8e5htqh9sk95d3x4w";
    let mut seen = BTreeSet::new();
    let mut ids = BTreeSet::new();
    let mut note = |answer: &Answered, wanted: u16, code: &str| {
        check(answer);
        assert_eq!(answer.status, wanted, "{code}");
        if wanted >= 400 {
            assert_eq!(answer.code(), code);
        }
        seen.insert(answer.status);
        ids.insert(answer.headers["request-id"].clone());
    };
    let shared = router(Settings {
        body_timeout: Duration::from_millis(200),
        request_timeout: Duration::from_secs(1),
        ..Settings::default()
    });
    for (method, uri, headers, body, status, code) in [
        ("GET", "/free", vec![], "", 200, ""),
        ("POST", "/v1/messages", vec![ADMIN, JSON], MESSAGE, 202, ""),
        ("PATCH", "/v1/keys", vec![ADMIN, JSON], r#"{"name":"a"}"#, 204, ""),
        ("POST", "/v1/messages", vec![ADMIN, JSON], "{", 400, "invalid_json"),
        ("GET", "/v1/messages?limit=0", vec![ADMIN], "", 400, "invalid_parameter"),
        ("GET", "/v1/messages?nonsense=1", vec![ADMIN], "", 400, "invalid_parameter"),
        ("GET", "/free?nonsense=1", vec![], "", 400, "invalid_parameter"),
        ("GET", "/v1/messages", vec![], "", 401, "unauthorized"),
        ("PATCH", "/v1/keys", vec![("x-api-key", "gp_test_send"), JSON], "", 403, "permission_missing"),
        ("GET", "/nothing/here", vec![], "", 404, "not_found"),
        ("GET", "/v1/messages/", vec![ADMIN], "", 404, "not_found"),
        ("GET", "/v1/messages/chn_01kagq5rh8e5htqh9sk95d3x4w", vec![ADMIN], "", 404, "not_found"),
        ("GET", "/v1/messages/%ff", vec![ADMIN], "", 404, "not_found"),
        ("GET", "/operator/v1/workspaces", vec![ADMIN], "", 404, "not_found"),
        ("DELETE", "/v1/messages", vec![ADMIN], "", 405, "method_not_allowed"),
        ("TRACE", "/v1/messages", vec![], "", 405, "method_not_allowed"),
        ("OPTIONS", "/v1/messages", vec![], "", 405, "method_not_allowed"),
        ("OPTIONS", "/v1/messages", vec![PAGE], "", 405, "method_not_allowed"),
        ("OPTIONS", "/v1/messages", vec![PAGE, ("access-control-request-method", "POST")], "", 204, ""),
        (
            "OPTIONS",
            "/free",
            vec![PAGE, ("access-control-request-method", "GET")],
            "",
            405,
            "method_not_allowed",
        ),
        ("OPTIONS", "*", vec![], "", 404, "not_found"),
        ("GET", "/v1/messages", vec![("x-api-key", "gp_test_page"), PAGE], "", 200, ""),
        ("GET", "/v1/messages", vec![("x-api-key", "gp_live_page"), PAGE], "", 200, ""),
        ("PATCH", "/v1/keys", vec![("x-api-key", "gp_test_office"), JSON], "{", 403, "ip_not_allowed"),
        ("POST", "/v1/messages", vec![ADMIN, JSON], &large, 413, "payload_too_large"),
        (
            "POST",
            "/v1/messages",
            vec![ADMIN, JSON, ("content-length", "999999999")],
            MESSAGE,
            413,
            "payload_too_large",
        ),
        ("POST", "/v1/messages", vec![ADMIN], MESSAGE, 415, "unsupported_media_type"),
        (
            "POST",
            "/v1/messages",
            vec![ADMIN, JSON, ("content-encoding", "gzip")],
            MESSAGE,
            415,
            "unsupported_media_type",
        ),
        ("POST", "/v1/messages", vec![ADMIN, JSON], "{}", 422, "invalid_field"),
        (
            "POST",
            "/v1/messages",
            vec![ADMIN, JSON, ("idempotency-key", "a b")],
            MESSAGE,
            400,
            "invalid_parameter",
        ),
        ("GET", "/fail?code=rate_limited", vec![], "", 429, "rate_limited"),
        ("GET", "/fail?code=conflict", vec![], "", 409, "conflict"),
        ("GET", "/fail?code=meta_unreachable", vec![], "", 502, "meta_unreachable"),
        ("GET", "/fail?code=internal_error", vec![], "", 500, "internal_error"),
        ("GET", "/explode", vec![], "", 500, "internal_error"),
        ("GET", "/bare", vec![], "", 500, "internal_error"),
        ("GET", "/sleep", vec![], "", 503, "unavailable"),
        ("GET", "/free", vec![("x-long", &long)], "", 431, "headers_too_large"),
        ("POST", app, vec![], "{}", 401, "signature_invalid"),
        ("POST", app, vec![("x-hub-signature-256", "sha256=bad")], "{}", 401, "signature_invalid"),
        (
            "POST",
            app,
            vec![("x-hub-signature-256", "sha256=good"), ("x-hub-signature-256", "sha256=good")],
            "{}",
            401,
            "signature_invalid",
        ),
        ("POST", app, vec![("x-hub-signature-256", "sha256=good")], "anything at all", 200, ""),
    ] {
        let answer = send(shared.clone(), request(method, uri, &headers, body.to_owned())).await;
        note(&answer, status, code);
    }
    // A body that never ends.
    let drip = futures_body();
    let answer = send(shared, request("POST", "/v1/messages", &[ADMIN, JSON], drip)).await;
    note(&answer, 408, "request_timeout");
    // No slot left.
    let full = router(Settings { in_flight: 0, ..Settings::default() });
    let answer = send(full, request("GET", "/free", &[], "")).await;
    note(&answer, 503, "unavailable");
    assert_eq!(answer.headers["retry-after"], "1");
    assert_eq!(
        seen.into_iter().collect::<Vec<_>>(),
        [200, 202, 204, 400, 401, 403, 404, 405, 408, 409, 413, 415, 422, 429, 431, 500, 502, 503]
    );
    assert!(ids.len() > 30, "request ids differ");
}

/// A body whose first bytes come and whose rest does not.
fn futures_body() -> Body {
    struct Drip(bool);
    impl http_body::Body for Drip {
        type Data = Bytes;
        type Error = std::convert::Infallible;

        fn poll_frame(
            mut self: std::pin::Pin<&mut Self>,
            _: &mut std::task::Context<'_>,
        ) -> std::task::Poll<Option<Result<http_body::Frame<Bytes>, Self::Error>>> {
            if std::mem::replace(&mut self.0, true) {
                std::task::Poll::Pending
            } else {
                std::task::Poll::Ready(Some(Ok(http_body::Frame::data(Bytes::from_static(b"{\"to\"")))))
            }
        }
    }
    Body::new(Drip(false))
}

/// With a test key a listed page reads every answer, refusals too; with a live key it reads none.
#[tokio::test]
async fn a_listed_page_reads_refusals_too() {
    for (key, status, readable) in
        [("gp_test_page", 404, true), ("gp_live_page", 404, false), ("gp_test_none", 401, false)]
    {
        let path = "/v1/messages/chn_01kagq5rh8e5htqh9sk95d3x4w";
        let answer = ask("GET", path, &[("x-api-key", key), PAGE], "").await;
        check(&answer);
        assert_eq!(answer.status, status, "{key}");
        assert_eq!(answer.headers.contains_key("access-control-allow-origin"), readable, "{key}");
        assert_eq!(answer.headers.contains_key("vary"), readable, "{key}");
    }
}

#[tokio::test]
async fn methods_of_a_path_are_told() {
    let answer = ask("DELETE", "/v1/messages", &[], "").await;
    assert_eq!(answer.headers["allow"], "GET,HEAD,POST");
    let head = ask("HEAD", "/free", &[], "").await;
    assert_eq!((head.status, head.body.len()), (200, 0));
    check(&head);
}

#[tokio::test]
async fn https_is_promised_only_where_it_is() {
    let hsts = "strict-transport-security";
    let plain = ask("GET", "/free", &[], "").await;
    assert!(!plain.headers.contains_key(hsts));
    let tls = router(Settings { tls: true, ..Settings::default() });
    assert!(send(tls, request("GET", "/free", &[], "")).await.headers.contains_key(hsts));
}

#[tokio::test]
async fn behind_a_proxy_in_the_clear() {
    let proxied = || {
        router(Settings {
            proxies: crate::client::Proxies {
                networks: vec![gatepost_core::Network::parse("127.0.0.0/8").unwrap()],
                ..Default::default()
            },
            ..Settings::default()
        })
    };
    let via = |proto: &str| {
        let mut request = request("GET", "/free", &[("x-forwarded-proto", proto)], "");
        let peer: std::net::SocketAddr = "127.0.0.1:9".parse().unwrap();
        request.extensions_mut().insert(axum::extract::ConnectInfo(peer));
        request
    };
    let refused = send(proxied(), via("http")).await;
    assert_eq!((refused.status, refused.code().as_str()), (403, "https_required"));
    assert_eq!(send(proxied(), via("https")).await.status, 200);
}

#[tokio::test]
async fn a_request_in_time_is_not_cut() {
    let patient = Settings { request_timeout: Duration::from_secs(5), ..Settings::default() };
    let answer = send(router(patient), request("POST", "/v1/messages", &[ADMIN, JSON], MESSAGE)).await;
    assert_eq!(answer.body, "support false");
    let keyed = ask("POST", "/v1/messages", &[ADMIN, JSON, ("idempotency-key", "order-17")], MESSAGE).await;
    assert_eq!(keyed.body, "support true");
}
