//! What operators do across workspaces: pauses, decisions, and the log of both.

use axum::extract::ConnectInfo;
use gatepost_http::{Settings, SocketPeer, operator_router};
use gatepost_testkit::{Engines, Setup, World};
use serde_json::{Value, json};
use tower::ServiceExt as _;

use crate::support::{ANN, Desk, id, refused};

/// The system user that is the operator here.
const UID: u32 = 4711;

async fn ask(world: &World, method: &str, path: &str, body: Option<&Value>) -> (u16, Value) {
    let settings = Settings { operator_uid: UID, ..Settings::default() };
    let mut request = http::Request::builder().method(method).uri(path);
    if body.is_some() {
        request = request.header("content-type", "application/json");
    }
    let body = axum::body::Body::from(body.map(Value::to_string).unwrap_or_default());
    let mut request = request.body(body).unwrap();
    request.extensions_mut().insert(ConnectInfo(SocketPeer { uid: Some(UID) }));
    let answer = operator_router(world.app.clone(), settings).oneshot(request).await.unwrap();
    let status = answer.status().as_u16();
    let text = axum::body::to_bytes(answer.into_body(), usize::MAX).await.unwrap();
    (status, serde_json::from_slice(&text).unwrap_or_default())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn operators_pause_decide_and_see_what_was_refused() {
    for engine in Engines::available() {
        let mut setup = Setup::new(engine);
        setup.workers = false;
        let desk = Desk::open(setup).await;
        let owner = desk.owner().await;
        let (world, own) = (&desk.world, desk.tenant.workspace);
        let at = |rest: &str| format!("/operator/v1/workspaces/{own}/{rest}");
        let held = desk.sent(&desk.message(ANN, "operational")).await;
        let review = desk.hold(&held).await;

        let why = json!({"scope": "purpose", "purpose": "operational", "reason": "Abuse report 4711"});
        let (status, pause) = ask(world, "POST", &at("pauses"), Some(&why)).await;
        assert_eq!((status, &pause["paused_by"]), (201, &json!("operator")), "{pause}");
        refused(&desk.send(&desk.message(ANN, "operational")).await, 403, "sending_paused");
        // The owners see it and why, and cannot lift it.
        let seen = owner.get("/v1/pauses").await.expect(200).json();
        assert_eq!((&seen["data"][0]["id"], &seen["data"][0]["reason"]), (&pause["id"], &why["reason"]));
        refused(&owner.delete(&format!("/v1/pauses/{}", id(&pause))).await, 403, "permission_missing");
        let whole = json!({"scope": "workspace", "reason": "Abuse report 4711"});
        let (status, told) = ask(world, "POST", &at("pauses"), Some(&whole)).await;
        assert_eq!((status, &told["errors"][0]["pointer"]), (422, &json!("/scope")), "{told}");
        ask(world, "POST", &at("pause-sending"), Some(&json!({"reason": "Abuse report 4711"}))).await;
        let (_, all) = ask(world, "GET", &at("pauses"), None).await;
        let kinds: Vec<_> = all["data"].as_array().unwrap().iter().map(|p| p["scope"].clone()).collect();
        assert_eq!(kinds, ["workspace", "purpose"]);
        assert_eq!(all["data"][0]["id"], Value::Null);
        assert_eq!(ask(world, "POST", &at("resume-sending"), None).await.0, 200);
        let lift = at(&format!("pauses/{}", id(&pause)));
        assert_eq!(ask(world, "DELETE", &lift, None).await.0, 204);
        assert_eq!(ask(world, "DELETE", &lift, None).await.0, 404);
        desk.sent(&desk.message(ANN, "operational")).await;

        let (_, open) = ask(world, "GET", &at("reviews"), None).await;
        assert_eq!((&open["data"][0]["id"], &open["data"][0]["risk_score"]), (&json!(review), &json!(64)));
        let reason = json!({"reason": "Looked at it with the customer"});
        let decide = at(&format!("reviews/{review}/approve"));
        assert_eq!(ask(world, "POST", &decide, Some(&reason)).await.0, 200);
        let (status, again) = ask(world, "POST", &decide, Some(&reason)).await;
        assert_eq!((status, &again["code"]), (409, &json!("review_decided")));
        assert_eq!(desk.read(&held).await["state"], "queued");

        let path = format!("/operator/v1/logs?log=policy-events&workspace_id={own}");
        let (_, log) = ask(world, "GET", &path, None).await;
        let entries = log["data"].as_array().unwrap();
        let of_guard: Vec<_> = entries.iter().filter(|e| e["kind"] == "policy").collect();
        let told: Vec<_> =
            of_guard.iter().map(|e| (e["action"].as_str().unwrap(), e["code"].as_str().unwrap())).collect();
        assert_eq!(told, [("release", "review_approved"), ("block", "sending_paused")]);
        assert_eq!(
            (&of_guard[0]["message_id"], &of_guard[1]["purpose"]),
            (&json!(held), &json!("operational"))
        );
        for action in ["pause.set", "pause.lifted", "review.approved"] {
            assert_eq!(world.audited(Some(own), action).await, 1, "{action}");
        }
        desk.close().await;
    }
}
