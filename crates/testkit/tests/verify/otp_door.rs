//! The calls of LoginWA's customers: their paths, names, statuses and errors.

use gatepost_core::access::Scope;
use gatepost_core::channel::Mode;
use gatepost_testkit::{Answer, Client, Engines};
use serde_json::{Value, json};

use crate::spoken::say;
use crate::support::{PERSON, Stage, text};

/// The newest verification of the workspace.
async fn newest(stage: &Stage) -> Value {
    stage.live.admin.get("/v1/verifications").await.expect(200).json()["data"][0].clone()
}

/// Name and message of an error, in their form and no other.
fn error(answer: &Answer) -> String {
    let body = answer.json();
    assert!(
        body["message"].is_string() && body["code"].is_null() && body["type"].is_null(),
        "{}",
        answer.text
    );
    assert_eq!(answer.headers["content-type"], "application/json");
    text(&body, "error").to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn start_and_verify() {
    for engine in Engines::available() {
        let stage = Stage::start(engine).await;
        let caller = &stage.live.admin;
        for (base, phone, debug) in [("/api/v1/auth", "phone", false), ("/api/auth", "phone_number", true)] {
            let ask = json!({
                "phone": "0202-555-0177", "country_code": "1", "otp_length": 4, "meta": {"cart": 7, "x": 1.50},
                "message_template": "{{code}} is it, for {{ttl}} minutes", "unheard_of": true,
            });
            let started = caller.post(&format!("{base}/start"), &ask).await.expect(200).json();
            assert_eq!((&started["expires_in"], &started["sent_via_engine"]), (&json!(300), &json!(true)));
            assert_eq!(started.as_object().unwrap().contains_key("debug_code"), debug);
            assert!(started["debug_code"].is_null() && started["quota_remaining"].is_null());
            let session = text(&started, "session_id");
            assert_eq!((session.len(), session.matches('-').count()), (36, 4), "a UUID");
            let verification = newest(&stage).await;
            assert_eq!((text(&verification, "phone"), &verification["code_length"]), (PERSON, &json!(4)));
            let code = stage.code(&verification).await;
            let wrong = json!({"session_id": session, "otp_code": crate::support::other(&code)});
            let refused = caller.post(&format!("{base}/verify"), &wrong).await.expect(422);
            assert_eq!(
                (error(&refused).as_str(), &refused.json()["attempts_left"]),
                ("invalid_code", &json!(4))
            );
            let right = json!({"session_id": session, "otp_code": code});
            let verified = caller.post(&format!("{base}/verify"), &right).await.expect(200).json();
            assert_eq!((text(&verified, "status"), text(&verified, phone)), ("verified", PERSON));
            assert!(verified["verified_at"].is_string());
            assert_eq!(verified["meta"], json!({"cart": 7, "x": 1.50}));
            let again = caller.post(&format!("{base}/verify"), &right).await.expect(422);
            assert_eq!(error(&again), "expired", "a used session fails");
            stage.advance(61);
        }
        stage.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_other_way_round() {
    for engine in Engines::available() {
        let stage = Stage::bare(engine, crate::support::silent()).await;
        let caller = &stage.live.admin;
        let at = |session: &Value| format!("/api/v1/auth/reverse/{}", text(session, "session_id"));
        let bound = json!({"phone": PERSON, "meta": {"a": 1}});
        let started = caller.post("/api/v1/auth/reverse/start", &bound).await.expect(200).json();
        assert_eq!((text(&started, "mode"), text(&started, "code").len()), ("bound", 6));
        assert_eq!(text(&started, "message"), format!("LOGIN {}", text(&started, "code")));
        assert!(text(&started, "wa_link").starts_with("https://wa.me/12025552001?text=LOGIN%20"));
        assert_eq!((text(&started, "receiver_phone"), &started["expires_in"]), ("+12025552001", &json!(300)));
        let pending = caller.get(&at(&started)).await.expect(200).json();
        assert_eq!((text(&pending, "status"), &pending["expires_in"]), ("pending", &json!(300)));
        say(&stage, PERSON, text(&started, "message")).await;
        let verified = caller.get(&at(&started)).await.expect(200).json();
        assert_eq!((text(&verified, "status"), text(&verified, "phone")), ("verified", PERSON));
        assert_eq!((&verified["meta"], verified["verified_at"].is_string()), (&json!({"a": 1}), true));
        // Without a body, without a version.
        let unbound = caller.call("POST", "/api/auth/reverse/start", &[], None).await.expect(200).json();
        assert_eq!((text(&unbound, "mode"), text(&unbound, "code").len()), ("unbound", 8));
        stage.advance(301);
        let late = format!("/api/auth/reverse/{}", text(&unbound, "session_id"));
        assert_eq!(text(&caller.get(&late).await.expect(200).json(), "status"), "expired");
        for unknown in ["01932f6c-1a2b-7c3d-8e4f-5a6b7c8d9e0f", "nonsense", "ver_01kagq5rh8e5htqh9sk95d3x4w"]
        {
            let missing = caller.get(&format!("/api/v1/auth/reverse/{unknown}")).await.expect(404);
            assert_eq!(error(&missing), "session_not_found");
        }
        stage.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn their_errors() {
    let stage = Stage::start(Engines::Sqlite).await;
    let start = "/api/v1/auth/start";
    let key = stage.live.admin_key.clone();
    let nobody = stage.world.nobody();
    // Both forms of the key; two that differ are none.
    let ask = json!({"phone": PERSON});
    nobody.call("POST", start, &[("x-api-key", &key)], Some(&ask)).await.expect(200);
    let two = [("x-api-key", key.as_str()), ("authorization", "Bearer gp_live_x")];
    for headers in [&[][..], &two, &[("authorization", "Bearer sk_live_x")]] {
        let refused = nobody.call("POST", start, headers, Some(&ask)).await.expect(401);
        assert_eq!(error(&refused), "unauthorized");
    }
    let caller = &stage.live.admin;
    let refused = caller.post(start, &json!({"phone": "abc"})).await.expect(422);
    assert_eq!(error(&refused), "invalid_phone");
    let refused = caller.post(start, &json!({"otp_length": 9})).await.expect(422);
    assert_eq!(error(&refused), "validation_failed");
    let errors = refused.json()["errors"].clone();
    assert!(errors["phone"][0].is_string() && errors["otp_length"][0].is_string(), "{errors}");
    let device = json!({"phone": PERSON, "device_id": "chn_01kagq5rh8e5htqh9sk95d3x4w"});
    assert_eq!(error(&caller.post(start, &device).await.expect(503)), "no_device_connected");
    let read = stage.world.key(stage.tenant.workspace, Mode::Live, &[Scope::Read]).await;
    let reader = Client::new(&stage.world.base, Some(read));
    assert_eq!(error(&reader.post(start, &ask).await.expect(403)), "permission_missing");
    assert_eq!(error(&caller.get("/api/v1/nothing").await.expect(404)), "not_found");
    assert_eq!(error(&caller.get(start).await.expect(405)), "method_not_allowed");
    // Wrong codes end it, and then the right one is refused too.
    let verification = newest(&stage).await;
    let code = stage.code(&verification).await;
    let uuid = verification_uuid(&stage).await;
    let with = |code: &str| json!({"session_id": uuid, "otp_code": code});
    let wrong = crate::support::other(&code);
    for last in ["invalid_code", "invalid_code", "invalid_code", "invalid_code", "blocked", "blocked"] {
        assert_eq!(error(&caller.post("/api/auth/verify", &with(&wrong)).await.expect(422)), last);
    }
    assert_eq!(error(&caller.post("/api/auth/verify", &with(&code)).await.expect(422)), "blocked");
    // Another workspace knows nothing of it.
    let elsewhere = stage.world.tenant("Elsewhere").await;
    let theirs = elsewhere.admin.post("/api/auth/verify", &with(&code)).await.expect(404);
    assert_eq!(error(&theirs), "session_not_found");
    stage.stop().await;
}

/// These routes answer in a form of their own, so the matrix of all others passes them over: here is who may call them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_door_has_the_locks_of_the_house() {
    let stage = Stage::start(Engines::Sqlite).await;
    let routes: Vec<_> =
        gatepost_http::inventory().into_iter().filter(|route| route.path.starts_with("/api/")).collect();
    assert_eq!(routes.len(), 12);
    let workspace = stage.tenant.workspace;
    let mut callers = Vec::new();
    for scope in Scope::ALL {
        let key = stage.world.key(workspace, Mode::Live, &[scope]).await;
        callers.push((scope, Client::new(&stage.world.base, Some(key))));
    }
    let ask = async |caller: &Client, route: &gatepost_http::RouteInfo| {
        let path = route.path.replace("{otp_session}", "01932f6c-1a2b-7c3d-8e4f-5a6b7c8d9e0f");
        let path = path.replace("{otp_entry}", "5f2c1f0e9d8c7b6a");
        caller.call(route.method.as_str(), &path, &[], route.body.as_ref()).await
    };
    for route in &routes {
        let gatepost_http::access::Rule::Permission(permission) = route.rule else { panic!("{route:?}") };
        let refused = ask(&stage.world.nobody(), route).await.expect(401);
        assert_eq!(error(&refused), "unauthorized");
        for (scope, caller) in &callers {
            let answer = ask(caller, route).await;
            let may = permission.scopes().contains(scope);
            let refused = answer.status == 403 && error(&answer) == "permission_missing";
            assert_eq!(refused, !may, "{} {} with {scope}: {}", route.method, route.path, answer.text);
        }
    }
    let state = gatepost_core::guard::SubscriptionState::Suspended;
    let operator = stage.world.operator();
    stage.world.app.workspace_subscription_set(&operator, workspace, state, None).await.unwrap();
    for route in &routes {
        let answer = ask(&stage.live.admin, route).await;
        let shut = answer.status == 402 && error(&answer) == "subscription_suspended";
        assert_eq!(shut, !route.needs.whatever_subscription, "{} {}", route.path, answer.text);
    }
    stage.stop().await;
}

/// The session's id, as the door says it.
async fn verification_uuid(stage: &Stage) -> String {
    let id: gatepost_core::VerificationId = text(&newest(stage).await, "id").parse().unwrap();
    id.uuid().to_string()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_where_a_key_may_be_used() {
    let stage = Stage::bare(Engines::Sqlite, crate::support::silent()).await;
    let (caller, at) = (&stage.live.admin, "/api/v1/ip-whitelist");
    assert_eq!(caller.get(at).await.expect(200).json(), json!({"enabled": false, "data": []}));
    let toggle = format!("{at}/toggle");
    let empty = caller.post(&toggle, &json!({"enabled": true})).await.expect(422);
    assert_eq!(error(&empty), "validation_failed");
    caller.post(at, &json!({"ip_address": "192.0.2.7", "label": "Office"})).await.expect(200);
    let shut = caller.post(&toggle, &json!({"enabled": true})).await.expect(409);
    assert_eq!(error(&shut), "allowlist_lockout");
    for (address, label) in [("127.0.0.1", "Here"), ("192.0.2.7", "Desk")] {
        caller.post(at, &json!({"ip_address": address, "label": label})).await.expect(200);
    }
    let list = caller.post(&toggle, &json!({"enabled": true})).await.expect(200).json();
    assert_eq!((list["enabled"].as_bool(), list["data"].as_array().unwrap().len()), (Some(true), 2));
    let labels: Vec<&str> = list["data"].as_array().unwrap().iter().map(|e| text(e, "label")).collect();
    assert!(labels.contains(&"Desk") && !labels.contains(&"Office"));
    let bad = caller.post(at, &json!({"ip_address": "300.1.1.1"})).await.expect(422);
    assert_eq!(error(&bad), "validation_failed");
    let here = list["data"].as_array().unwrap().iter().find(|e| text(e, "label") == "Here").unwrap();
    let desk = list["data"].as_array().unwrap().iter().find(|e| text(e, "label") == "Desk").unwrap();
    let own = caller.delete(&format!("{at}/{}", text(here, "id"))).await;
    assert_eq!(error(&own), "allowlist_lockout");
    let left = caller.delete(&format!("{at}/{}", text(desk, "id"))).await.expect(200).json();
    assert_eq!(left["data"].as_array().unwrap().len(), 1);
    assert_eq!(error(&caller.delete(&format!("{at}/nothing")).await.expect(404)), "not_found");
    // It is the list of this key alone.
    let other = stage.world.key(stage.tenant.workspace, Mode::Live, &[Scope::Admin]).await;
    let other = Client::new(&stage.world.base, Some(other));
    assert_eq!(other.get(at).await.expect(200).json()["enabled"], false);
    stage.stop().await;
}
