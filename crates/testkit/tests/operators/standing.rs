//! What operators set for a workspace: pausing, reviews, plans.

use gatepost_core::access::{OperatorReason, OperatorRole, Scope};
use gatepost_core::channel::Mode;
use gatepost_testkit::{Client, Engines, Setup, World};
use serde_json::{Value, json};

use crate::support::{Op, inside, listen};

async fn channel(admin: &Client) -> String {
    let made = admin.post("/v1/channels", &json!({"type": "test", "name": "Desk"})).await.expect(201).json();
    made["id"].as_str().unwrap().to_owned()
}

fn message(channel: &str) -> Value {
    json!({"channel_id": channel, "to": "+12025550123", "purpose": "support", "text": "hello"})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_paused_workspace_sends_nothing_until_it_is_resumed() {
    for engine in Engines::available() {
        let world = World::start(Setup::new(engine)).await;
        let tenant = world.tenant("Example Ltd").await;
        let other = world.tenant("Other Ltd").await;
        let base = listen(&world).await;
        let op = Op::sign_in(&world, &base, OperatorRole::Support).await;
        let own = tenant.workspace;
        let send = message(&channel(&tenant.admin).await);
        let theirs = message(&channel(&other.admin).await);
        let key = [("idempotency-key", "before")];
        let first = tenant.admin.call("POST", "/v1/messages", &key, Some(&send)).await.expect(202);

        let reason = json!({"reason": "Abuse report 4711: offers"});
        let paused =
            op.change("POST", &inside(own, "/pause-sending"), Some(&reason)).await.expect(200).json();
        assert_eq!(paused["sending"], "paused");
        let refused = tenant.admin.post("/v1/messages", &send).await;
        assert_eq!((refused.status, refused.code().as_str()), (403, "sending_paused"));
        // An answer that was given is given again.
        let again = tenant.admin.call("POST", "/v1/messages", &key, Some(&send)).await.expect(202);
        assert_eq!(first.json()["id"], again.json()["id"]);
        other.admin.post("/v1/messages", &theirs).await.expect(202);
        let twice = op.change("POST", &inside(own, "/pause-sending"), Some(&reason)).await;
        assert_eq!(twice.code(), "conflict");

        // The owners read why; a key that sends reads that it is so.
        let told = tenant.admin.get("/v1/workspace/standing").await.expect(200).json();
        assert_eq!((&told["sending"], &told["sending_paused_reason"]), (&json!("paused"), &reason["reason"]));
        let sender = world.key(own, Mode::Test, &[Scope::Send]).await;
        let told =
            tenant.admin.with_key(Some(&sender)).get("/v1/workspace/standing").await.expect(200).json();
        assert_eq!((&told["sending"], &told["sending_paused_reason"]), (&json!("paused"), &Value::Null));

        world.app.refusals_settle().await;
        let refusals = op.get("/operator/v1/logs?log=policy-events").await.expect(200).json();
        assert_eq!(refusals["data"][0]["code"], "sending_paused");
        op.change("POST", &inside(own, "/resume-sending"), None).await.expect(200);
        tenant.admin.post("/v1/messages", &send).await.expect(202);
        for action in ["workspace.sending_paused", "workspace.sending_resumed"] {
            assert_eq!(world.audited(Some(own), action).await, 1, "{action}");
        }
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pause_binds_the_next_send_on_every_node() {
    let Some(engine) = Engines::available().into_iter().find(|engine| *engine == Engines::Postgres) else {
        return;
    };
    let world = World::start(Setup::new(engine)).await;
    let second = world.another(Setup::new(engine)).await;
    let tenant = world.tenant("Example Ltd").await;
    let send = message(&channel(&tenant.admin).await);
    let there = Client::new(&second.base, Some(tenant.admin_key.clone()));
    there.post("/v1/messages", &send).await.expect(202);
    let reason = OperatorReason::parse("Abuse report 4711").unwrap();
    world.app.workspace_sending_pause(&world.operator(), tenant.workspace, reason).await.unwrap();
    assert_eq!(there.post("/v1/messages", &send).await.code(), "sending_paused");
    world.app.workspace_sending_resume(&world.operator(), tenant.workspace).await.unwrap();
    there.post("/v1/messages", &send).await.expect(202);
    second.stop().await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_plan_holds_for_keys_without_a_limit_of_their_own() {
    for engine in Engines::available() {
        let world = World::start(Setup::new(engine)).await;
        let tenant = world.tenant("Example Ltd").await;
        let base = listen(&world).await;
        let op = Op::sign_in(&world, &base, OperatorRole::Administrator).await;
        let own = tenant.workspace;
        let limited =
            async || tenant.admin.get("/v1/channels").await.expect(200).headers.contains_key("ratelimit");
        assert!(!limited().await);
        let plan = json!({"requests": "steady"});
        op.change("PUT", "/operator/v1/plans/growth", Some(&plan)).await.expect(201);
        op.change("PUT", &inside(own, "/plan"), Some(&json!({"plan": "growth"}))).await.expect(200);
        assert!(limited().await);
        let unknown = op.change("PUT", &inside(own, "/plan"), Some(&json!({"plan": "golden"}))).await;
        assert_eq!((unknown.status, unknown.code().as_str()), (422, "invalid_field"));
        op.change("PUT", &inside(own, "/plan"), Some(&json!({"plan": null}))).await.expect(200);
        assert!(!limited().await);

        let review = json!({"reason": "Abuse report 4711"});
        op.change("PUT", &inside(own, "/review"), Some(&review)).await.expect(200);
        let detail = op.get(&format!("/operator/v1/workspaces/{own}")).await.expect(200).json();
        assert_eq!(detail["standing"]["review_reason"], review["reason"]);
        assert_eq!(detail["counts"]["keys"], 1);
        op.change("PUT", &inside(own, "/review"), Some(&json!({}))).await.expect(200);
        let all = op.get("/operator/v1/workspaces").await.expect(200).json();
        assert_eq!(all["data"][0]["standing"]["review_reason"], Value::Null);
        world.stop().await;
    }
}

/// By the pages, as a person without scripts would.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_pages_do_the_same() {
    let world = World::start(Setup { set_up: false, ..Setup::new(Engines::Sqlite) }).await;
    let tenant = world.tenant("Example <b>Ltd").await;
    let base = listen(&world).await;
    let op = Op::sign_in(&world, &base, OperatorRole::Administrator).await;
    let page = format!("/workspaces/{}", tenant.workspace);
    let at = |rest: &str| format!("{page}/{rest}");
    op.browser.open(&page).await.expect(200);
    assert!(op.browser.html().contains("Example &lt;b&gt;Ltd"));
    op.browser.submit(&at("pause-sending"), &[("pause_reason", "short")]).await.expect(422);
    assert!(op.browser.html().contains("10 to 500"));
    op.browser.submit(&at("pause-sending"), &[("pause_reason", "Abuse report 4711")]).await.expect(200);
    assert!(op.browser.html().contains("Sending is paused."));
    op.browser.submit(&at("resume-sending"), &[]).await.expect(200);
    op.browser.submit(&at("review"), &[("review_reason", "Abuse report 4711")]).await.expect(200);
    op.browser.submit(&at("review/end"), &[]).await.expect(200);
    op.change("PUT", "/operator/v1/plans/growth", Some(&json!({}))).await.expect(201);
    op.browser.open(&page).await.expect(200);
    op.browser.submit(&at("plan"), &[("plan", "growth")]).await.expect(200);
    let visit = [("reason", "Ticket 4711: stuck sends"), ("minutes", "60")];
    op.browser.submit(&at("visit"), &visit).await.expect(200);
    op.browser.open("/visits").await.expect(200);
    assert!(op.browser.html().contains("Ticket 4711"));
    op.browser.submit(&at("visit/end"), &[]).await.expect(200);
    op.browser.open("/workspaces").await.expect(200);
    op.browser.submit("/workspaces", &[("name", "Another Ltd")]).await.expect(200);
    assert!(op.browser.html().contains("Another Ltd"));
    op.browser.open("/logs?log=audit").await.expect(200);
    assert!(op.browser.html().contains("operator_visit.opened"));
    op.browser.open("/operators").await.expect(200);
    let last = [("email", op.who.email.as_str()), ("role", "none")];
    op.browser.submit("/operators", &last).await.expect(422);
    assert!(op.browser.html().contains("at least one administrator"));
    world.stop().await;
}
