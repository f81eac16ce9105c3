//! What a plan and a subscription open: every route and every page, in each state and without each feature, against what
//! its declaration says.

use gatepost_core::WorkspaceId;
use gatepost_core::access::Scope;
use gatepost_core::channel::Mode;
use gatepost_core::guard::{Feature, Plan, PlanName, SubscriptionState};
use gatepost_http::RouteInfo;
use gatepost_testkit::{Engines, World};

use crate::asking::{Asked, ask};
use crate::sides::{Side, Sides};
use crate::{name, permission, public};

async fn subscribe(world: &World, workspace: WorkspaceId, state: SubscriptionState) {
    world.app.workspace_subscription_set(&world.operator(), workspace, state, None).await.unwrap();
}

/// What an admin key may call.
fn routes() -> Vec<RouteInfo> {
    let holds = |r: &RouteInfo| permission(r).is_some_and(|p| p.scopes().contains(&Scope::Admin));
    public().into_iter().filter(holds).collect()
}

/// Asks for things that nobody has, so that nothing but the door is tried; the status and the code.
async fn tried(side: &Side, route: &RouteInfo) -> (u16, String) {
    let unknown = side.test.unknown();
    let asked = Asked::new(route).with_ids(&unknown).with_body(route, &side.test);
    let answer = ask(&side.of(Mode::Test), &asked).await;
    let code = if answer.status >= 400 { answer.code() } else { String::new() };
    (answer.status, code)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_route_under_each_subscription_and_without_each_feature() {
    for engine in Engines::available() {
        let sides = Sides::start(engine).await;
        let (world, own) = (&sides.world, &sides.attacker);
        for state in SubscriptionState::ALL {
            subscribe(world, own.workspace, state).await;
            let passes = !matches!(state, SubscriptionState::Suspended | SubscriptionState::Cancelled);
            let mut refused = 0;
            for route in routes() {
                let found = tried(own, &route).await;
                let what = format!("{engine:?}: {} while {state}: {found:?}", name(&route));
                if passes || route.needs.whatever_subscription {
                    assert_ne!(found.0, 402, "{what}");
                } else {
                    assert_eq!(found, (402, "subscription_suspended".to_owned()), "{what}");
                    refused += 1;
                }
            }
            assert!(passes || refused > 40, "{refused}");
        }
        subscribe(world, own.workspace, SubscriptionState::Active).await;
        let plan_name = PlanName::parse("without").unwrap();
        for without in Feature::ALL {
            let features = Feature::ALL.iter().copied().filter(|feature| feature != without).collect();
            let plan = Plan { features: Some(features), ..Plan::default() };
            world.app.plan_put(&world.operator(), plan_name.clone(), plan).await.unwrap();
            let given = Some(plan_name.clone());
            world.app.workspace_plan_set(&world.operator(), own.workspace, given).await.unwrap();
            let mut refused = 0;
            for route in routes().iter().filter(|route| route.needs.feature.is_some()) {
                // A stream that is let in has no end.
                if route.streams && route.needs.feature != Some(*without) {
                    continue;
                }
                let found = tried(own, route).await;
                let what = format!("{engine:?}: {} without {without}: {found:?}", name(route));
                if route.needs.feature == Some(*without) {
                    assert_eq!(found, (402, "plan_feature_unavailable".to_owned()), "{what}");
                    refused += 1;
                } else {
                    assert_ne!(found.0, 402, "{what}");
                }
            }
            // What no key sets up is asked as a person, by the pages.
            assert!(refused > 0 || *without == Feature::Sso, "{without} closes nothing");
        }
        // Whoever else there is goes on.
        assert_ne!(tried(&sides.victim, &routes()[0]).await.0, 402);
        sides.stop().await;
    }
}
