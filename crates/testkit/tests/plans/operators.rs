//! Plans and subscriptions by the operator's hand.

use std::time::Duration;

use gatepost_core::access::Scope;
use gatepost_core::channel::Mode;
use gatepost_core::guard::{PlanName, SubscriptionState};
use gatepost_core::{Clock as _, Timestamp};
use gatepost_testkit::{Client, Engines, Setup, World};
use serde_json::json;
use std::sync::Arc;

use crate::support::{Desk, channel, send};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn plans_are_made_changed_given_and_removed() {
    for engine in Engines::available() {
        let desk = Desk::start(engine).await;
        let tenant = desk.world.tenant("Example Ltd").await;
        let at = format!("/operator/v1/workspaces/{}", tenant.workspace);
        let plan = json!({"limits": {"workspace_day": 1}, "requests": "steady", "grace_days": 3});
        let (status, made) = desk.ask("PUT", "/operator/v1/plans/growth", Some(&plan)).await;
        assert_eq!(
            (status, &made["limits"]["workspace_day"], &made["features"]),
            (201, &json!(1), &json!(null))
        );
        let (status, again) = desk.ask("PUT", "/operator/v1/plans/growth", Some(&plan)).await;
        assert_eq!((status, &again["created_at"]), (200, &made["created_at"]));
        for (wrong, pointer) in [
            (json!({"requests": "golden"}), "/requests"),
            (json!({"features": ["teleport"]}), "/features/0"),
            (json!({"purposes": ["support"]}), "/purposes/0"),
            (json!({"limits": {"workspace_day": -1}}), "/limits/workspace_day"),
            (json!({"grace_days": 91}), "/grace_days"),
            (json!({"limit": {}}), "/limit"),
        ] {
            let (status, refused) = desk.ask("PUT", "/operator/v1/plans/growth", Some(&wrong)).await;
            assert_eq!(
                (status, &refused["errors"][0]["pointer"]),
                (422, &json!(pointer)),
                "{wrong}: {refused}"
            );
        }
        assert_eq!(desk.ask("GET", "/operator/v1/plans/Growth", None).await.0, 404);
        assert_eq!(desk.ask("GET", "/operator/v1/plans/golden", None).await.0, 404);

        let (status, refused) =
            desk.ask("PUT", &format!("{at}/plan"), Some(&json!({"plan": "golden"}))).await;
        assert_eq!((status, &refused["errors"][0]["pointer"]), (422, &json!("/plan")));
        desk.done("PUT", &format!("{at}/plan"), Some(&json!({"plan": "growth"}))).await;
        let limited =
            async || tenant.admin.get("/v1/channels").await.expect(200).headers.contains_key("ratelimit");
        assert!(limited().await, "{engine:?}: the plan's preset of request limits");
        let (status, refused) = desk.ask("DELETE", "/operator/v1/plans/growth", None).await;
        assert_eq!((status, &refused["code"]), (409, &json!("conflict")));

        // A change binds the next request.
        let channel = channel(&tenant.admin, "Desk").await;
        send(&tenant.admin, &channel, 1).await.expect(202);
        assert_eq!(send(&tenant.admin, &channel, 2).await.code(), "quota_exceeded");
        desk.done("PUT", "/operator/v1/plans/growth", Some(&json!({"limits": {"workspace_day": 2}}))).await;
        send(&tenant.admin, &channel, 2).await.expect(202);
        assert!(!limited().await);

        desk.done("PUT", &format!("{at}/plan"), Some(&json!({"plan": null}))).await;
        desk.done("DELETE", "/operator/v1/plans/growth", None).await;
        assert_eq!(desk.done("GET", "/operator/v1/plans", None).await["data"], json!([]));
        send(&tenant.admin, &channel, 3).await.expect(202);
        desk.world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn workspaces_without_a_plan_have_the_default_one() {
    for engine in Engines::available() {
        let mut setup = Setup::new(engine);
        setup.workers = false;
        setup.config.guard.default_plan = Some(Arc::from("free"));
        let desk = Desk::with(setup).await;
        assert_eq!(desk.world.app.default_plan_missing().await.unwrap().as_deref(), Some("free"));
        let free = json!({"limits": {"workspace_day": 1}, "features": [], "requests": "steady"});
        let made = desk.done("PUT", "/operator/v1/plans/free", Some(&free)).await;
        assert_eq!(made["default"], true);
        assert_eq!(desk.world.app.default_plan_missing().await.unwrap(), None);
        let tenant = desk.world.tenant("Example Ltd").await;
        let channel = channel(&tenant.admin, "Desk").await;
        let first = send(&tenant.admin, &channel, 1).await.expect(202);
        assert!(first.headers.contains_key("ratelimit"));
        assert_eq!(send(&tenant.admin, &channel, 2).await.code(), "quota_exceeded");
        assert_eq!(
            tenant.admin.get("/v1/audit-log/export?format=csv").await.code(),
            "plan_feature_unavailable"
        );
        let image = json!({
            "channel_id": channel, "to": "+12025550123", "purpose": "support",
            "image": {"link": "https://example.com/a.png"},
        });
        let refused = tenant.admin.post("/v1/messages", &image).await;
        assert_eq!((refused.status, refused.code().as_str()), (402, "plan_feature_unavailable"));
        assert_eq!(refused.json()["details"]["feature"], "media");
        assert_eq!(desk.ask("DELETE", "/operator/v1/plans/free", None).await.0, 409);
        desk.world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_subscription_passes_until_its_end() {
    for engine in Engines::available() {
        let desk = Desk::start(engine).await;
        let tenant = desk.world.tenant("Example Ltd").await;
        let channel = channel(&tenant.admin, "Desk").await;
        let at = format!("/operator/v1/workspaces/{}/subscription", tenant.workspace);
        let soon = desk.world.clock.now().plus(Duration::from_hours(24));
        let past = desk.world.clock.now().minus(Duration::from_hours(1));
        for wrong in [
            json!({"state": "golden"}),
            json!({"state": "active", "until": soon.to_string()}),
            json!({"state": "trialing", "until": past.to_string()}),
        ] {
            assert_eq!(desk.ask("PUT", &at, Some(&wrong)).await.0, 422, "{wrong}");
        }
        let code = async || {
            let answer = send(&tenant.admin, &channel, 1).await;
            if answer.status == 202 { "accepted".to_owned() } else { answer.code() }
        };
        let over = "subscription_suspended";
        let trial = json!({"state": "trialing", "until": soon.to_string()});
        assert_eq!(desk.done("PUT", &at, Some(&trial)).await["subscription_until"], json!(soon.to_string()));
        assert_eq!(code().await, "accepted");
        desk.world.clock.advance(Duration::from_hours(25));
        assert_eq!(code().await, over, "{engine:?}: the trial is over");
        // The grace is the plan's, where no end is given.
        let late = desk.done("PUT", &at, Some(&json!({"state": "past_due"}))).await;
        let until = Timestamp::parse(late["subscription_until"].as_str().unwrap()).unwrap();
        let left = until.since(desk.world.clock.now());
        let week = Duration::from_hours(7 * 24);
        assert!(left <= week && left > week.checked_sub(Duration::from_mins(5)).unwrap(), "{left:?}");
        assert_eq!(code().await, "accepted");
        desk.world.clock.advance(Duration::from_hours(7 * 24));
        assert_eq!(code().await, over);
        for state in ["suspended", "cancelled"] {
            desk.done("PUT", &at, Some(&json!({"state": state}))).await;
            assert_eq!(code().await, over, "{state}");
        }
        let told = tenant.admin.get("/v1/workspace/standing").await.expect(200).json();
        assert_eq!(told["subscription"], "cancelled");
        desk.done("PUT", &at, Some(&json!({"state": "active"}))).await;
        assert_eq!(code().await, "accepted");
        assert_eq!(desk.world.audited(Some(tenant.workspace), "subscription.changed").await, 5);
        desk.world.stop().await;
    }
}

/// Every node knows, for keys, tokens and people, by the time that the operator is answered.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_suspension_binds_the_next_request_on_every_node() {
    let Some(engine) = Engines::available().into_iter().find(|engine| *engine == Engines::Postgres) else {
        return;
    };
    let world = World::start(Setup::new(engine)).await;
    let second = world.another(Setup::new(engine)).await;
    let tenant = world.tenant("Example Ltd").await;
    let there = Client::new(&second.base, Some(tenant.admin_key.clone()));
    there.get("/v1/channels").await.expect(200);
    let set = async |state| {
        let operator = world.operator();
        world.app.workspace_subscription_set(&operator, tenant.workspace, state, None).await.unwrap();
    };
    for _ in 0..3 {
        set(SubscriptionState::Suspended).await;
        assert_eq!(there.get("/v1/channels").await.code(), "subscription_suspended");
        set(SubscriptionState::Active).await;
        there.get("/v1/channels").await.expect(200);
    }
    // So does a plan that is changed.
    let name = PlanName::parse("narrow").unwrap();
    let plan = gatepost_core::guard::Plan::parse(r#"{"features":["media"]}"#).unwrap();
    world.app.plan_put(&world.operator(), name.clone(), plan.clone()).await.unwrap();
    world.app.workspace_plan_set(&world.operator(), tenant.workspace, Some(name.clone())).await.unwrap();
    assert_eq!(there.get("/v1/audit-log/export?format=csv").await.code(), "plan_feature_unavailable");
    world.app.plan_put(&world.operator(), name, gatepost_core::guard::Plan::default()).await.unwrap();
    there.get("/v1/audit-log/export?format=csv").await.expect(200);
    second.stop().await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_access_token_is_its_keys_workspaces() {
    for engine in Engines::available() {
        let desk = Desk::start(engine).await;
        let tenant = desk.world.tenant("Example Ltd").await;
        let key = desk.world.key(tenant.workspace, Mode::Test, &[Scope::Read]).await;
        let reader = tenant.admin.with_key(Some(&key));
        let issued = reader.post("/v1/auth/token", &json!({})).await;
        assert!((200..300).contains(&issued.status), "{}", issued.text);
        let token = issued.json()["access_token"].as_str().unwrap().to_owned();
        let bearer = tenant.admin.with_key(Some(&token));
        bearer.get("/v1/messages").await.expect(200);
        let at = format!("/operator/v1/workspaces/{}/subscription", tenant.workspace);
        desk.done("PUT", &at, Some(&json!({"state": "suspended"}))).await;
        assert_eq!(bearer.get("/v1/messages").await.code(), "subscription_suspended");
        bearer.get("/v1/workspace/standing").await.expect(200);
        desk.world.stop().await;
    }
}
