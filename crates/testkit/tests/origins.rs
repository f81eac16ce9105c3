//! Which web pages may read answers.
#![expect(clippy::unwrap_used, reason = "tests")]

use gatepost_core::access::Scope;
use gatepost_core::channel::Mode;
use gatepost_testkit::{Answer, Engines, Setup, World};
use serde_json::json;

/// H4: a page may read answers where its origin is listed to the letter and the key is a test key; nothing tells of the
/// list without a key.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_listed_pages_may_read_answers_to_test_keys() {
    for engine in Engines::available() {
        let world = World::start(Setup::new(engine)).await;
        let tenant = world.tenant("Example Ltd").await;
        let stranger = world.tenant("Stranger Ltd").await;
        let body = json!({"origins": ["https://shop.example", "http://localhost:3000"]});
        let live = world.key(tenant.workspace, Mode::Live, &[Scope::Admin]).await;
        let live = world.nobody().with_key(Some(&live));
        let before =
            tenant.admin.call("GET", "/v1/messages", &[("origin", "https://shop.example")], None).await;
        assert!(!before.headers.contains_key("access-control-allow-origin"), "closed by default");
        tenant.admin.call("PUT", "/v1/cors-origins", &[], Some(&body)).await.expect(200);
        assert_eq!(tenant.admin.get("/v1/cors-origins").await.json(), body);
        let allowed = |answer: &Answer| {
            assert!(!answer.headers.contains_key("access-control-allow-credentials"));
            answer.headers.get("access-control-allow-origin").map(|v| v.to_str().unwrap().to_owned())
        };
        for origin in ["https://shop.example", "http://localhost:3000"] {
            for (path, status) in
                [("/v1/messages", 200), ("/v1/messages/msg_x", 404), ("/v1/messages?x=1", 400)]
            {
                let answer = tenant.admin.call("GET", path, &[("origin", origin)], None).await.expect(status);
                assert_eq!(allowed(&answer).as_deref(), Some(origin), "{path}");
                assert_eq!(answer.headers["vary"], "Origin");
                assert!(
                    answer.headers["access-control-expose-headers"].to_str().unwrap().contains("Request-Id")
                );
            }
            for other in
                [&live, &stranger.admin, &world.nobody(), &world.nobody().with_key(Some("gp_test_x"))]
            {
                let answer = other.call("GET", "/v1/messages", &[("origin", origin)], None).await;
                assert_eq!(allowed(&answer), None, "{}", answer.text);
            }
        }
        for hostile in [
            "null",
            "*",
            "https://shop.example.evil.example",
            "https://evilshop.example",
            "https://evil.example",
            "https://sub.shop.example",
            "http://shop.example",
            "https://shop.example:8443",
            "https://shop.example:443",
            "https://shop.example/",
            "https://shop.example.",
            "HTTPS://shop.example",
            "https://SHOP.example",
            "https://shop.example@evil.example",
            "https://user@shop.example",
            "https://shop.exampl",
            "https://shop",
            "https://shop.example https://evil.example",
            "https://shop.example,https://evil.example",
            "shop.example",
            "//shop.example",
            "https://shop_example",
            "https://shop%2eexample",
            "file://",
            "http://localhost",
            "http://localhost:3001",
            "https://localhost:3000",
            "http://127.0.0.1:3000",
            "http://[::1]:3000",
            "chrome-extension://shop.example",
            "https://shop.example\t",
            "https:/shop.example",
            "",
        ] {
            let answer = tenant.admin.call("GET", "/v1/messages", &[("origin", hostile)], None).await;
            let read = allowed(&answer);
            // A trailing tab is cut off by HTTP itself.
            assert!(read.is_none() || hostile.trim_end() == "https://shop.example", "{hostile:?}: {read:?}");
        }
        let doubled = [("origin", "https://shop.example"), ("origin", "https://shop.example")];
        assert_eq!(allowed(&tenant.admin.call("GET", "/v1/messages", &doubled, None).await), None);
        // Preflights: alike for listed and unlisted pages, with and without a key.
        let preflight = async |origin: &str, path: &str| {
            let headers = [
                ("origin", origin),
                ("access-control-request-method", "POST"),
                ("access-control-request-headers", "authorization,content-type"),
            ];
            let answer = world.nobody().call("OPTIONS", path, &headers, None).await;
            assert_eq!(answer.headers["x-content-type-options"], "nosniff");
            // The methods of a path are no secret: they stand in the OpenAPI document.
            let apart = ["request-id", "date", "allow"];
            let mut shown: Vec<(String, String)> = answer
                .headers
                .iter()
                .filter(|(name, _)| !apart.contains(&name.as_str()))
                .map(|(n, v)| (n.to_string(), v.to_str().unwrap().replace(origin, "ORIGIN")))
                .collect();
            shown.sort();
            (answer.status, shown)
        };
        let listed = preflight("https://shop.example", "/v1/messages").await;
        assert_eq!(listed.0, 204);
        assert_eq!(preflight("https://unlisted.example", "/v1/messages").await, listed);
        assert_eq!(preflight("https://shop.example", "/v1/no/such/path").await, listed);
        assert!(
            listed.1.iter().any(|(n, v)| n == "access-control-allow-headers" && v.contains("Authorization"))
        );
        for (origin, path) in [
            ("null", "/v1/messages"),
            ("http://shop.example", "/v1/messages"),
            ("https://shop.example", "/healthz"),
            ("https://shop.example", "/hooks/meta/app_01kagq5rh8e5htqh9sk95d3x4w"),
            ("https://shop.example", "/operator/v1/workspaces"),
        ] {
            let (_, headers) = preflight(origin, path).await;
            assert!(!headers.iter().any(|(name, _)| name.starts_with("access-control")), "{origin} {path}");
        }
        for (bad, code) in [
            (json!(["*"]), "invalid_value"),
            (json!(["null"]), "invalid_value"),
            (json!(["https://shop.example/"]), "invalid_value"),
            (json!(["https://a.example", "https://a.example"]), "duplicate_entry"),
            (json!((0..21).map(|n| format!("https://{n}.example")).collect::<Vec<_>>()), "too_many"),
        ] {
            let body = json!({ "origins": bad });
            let refused = tenant.admin.call("PUT", "/v1/cors-origins", &[], Some(&body)).await.expect(422);
            assert_eq!(refused.json()["errors"][0]["code"], code, "{}", refused.text);
        }
        let log = world.audit_log(Some(tenant.workspace)).await;
        let change = log.iter().find(|row| row.record.action == "cors_origins.changed").unwrap();
        let origins = "https://shop.example http://localhost:3000";
        assert_eq!(change.record.after.get("origins"), Some(origins));
        world.stop().await;
    }
}
