//! Every page and form of the console, asked as each role, as a member of another workspace, as a person without a seat
//! and as nobody; with a fresh session and with one whose proof is old. The routes and what each asks for come from
//! their declaration.

use std::time::Duration;

use gatepost_core::WorkspaceId;
use gatepost_core::access::{OperatorRole, Role};
use gatepost_core::guard::SubscriptionState;
use gatepost_http::access::Rule;
use gatepost_http::{RouteInfo, Surface};
use gatepost_testkit::{Answer, Browser, Engines, Setup, World};

use crate::{name, permission};

/// A page that everybody who is signed in may open: its forms carry the token against forged ones.
const ANY_PAGE: &str = "/account/security";

fn console() -> Vec<RouteInfo> {
    gatepost_http::inventory().into_iter().filter(|r| r.surface == Surface::Console).collect()
}

/// A path of the route in this workspace; every other id is one that nobody has.
fn path(route: &RouteInfo, workspace: WorkspaceId) -> String {
    let part = |part: &str| match part.strip_prefix('{').and_then(|p| p.strip_suffix('}')) {
        None => part.to_owned(),
        Some("workspace_id") => workspace.to_string(),
        Some(name) => match route.ids.iter().find(|id| id.name == name) {
            Some(id) => format!("{}_01kagq5rh8e5htqh9sk95d3x4w", id.prefix),
            None => "nothing".to_owned(),
        },
    };
    route.path.split('/').map(part).collect::<Vec<_>>().join("/")
}

async fn token(browser: &Browser) -> String {
    browser.open(ANY_PAGE).await.expect(200);
    browser.csrf().unwrap()
}

/// Asks once, as a browser does; a form is sent with its token and without a field.
async fn ask(browser: &Browser, token: &str, route: &RouteInfo, workspace: WorkspaceId) -> Answer {
    let path = path(route, workspace);
    let answer = match route.method.as_str() {
        "GET" => browser.send("GET", &path, &[("sec-fetch-site", "none")], None).await,
        "POST" => browser.post(&path, &[("csrf", token)]).await,
        other => panic!("{} is asked by {other}", name(route)),
    };
    assert!(answer.status < 500, "{}: {}", name(route), answer.text);
    answer
}

fn leads_to(answer: &Answer, place: &str) -> bool {
    let to = answer.headers.get("location").and_then(|to| to.to_str().ok()).unwrap_or_default();
    answer.status == 303 && to.split('?').next() == Some(place)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_page_as_each_role() {
    for engine in Engines::available() {
        let mut setup = Setup::new(engine);
        setup.workers = false;
        let world = World::start(setup).await;
        // It is set up: somebody runs it.
        world.somebody(Some(OperatorRole::Administrator)).await;
        let (ours, theirs) = (world.tenant("Ours").await.workspace, world.tenant("Theirs").await.workspace);
        world.member(ours, Role::Owner).await;
        let routes: Vec<RouteInfo> = console().into_iter().filter(|r| permission(r).is_some()).collect();
        assert!(routes.len() > 10 && routes.iter().all(|r| r.path.starts_with("/w/{workspace_id}")));

        for role in Role::ALL {
            let browser = world.browser_of(&world.member(ours, role).await).await;
            let token = token(&browser).await;
            for route in &routes {
                let holds = permission(route).unwrap().roles().contains(&role);
                let answer = ask(&browser, &token, route, ours).await;
                let what =
                    format!("{engine:?}: {} as {role}: {} {}", name(route), answer.status, answer.text);
                if holds {
                    assert!(!matches!(answer.status, 401 | 403), "{what}");
                    assert!(!leads_to(&answer, "/sign-in") && !leads_to(&answer, "/reauth"), "{what}");
                } else {
                    assert_eq!(answer.status, 403, "{what}");
                    assert!(answer.text.contains("You may not do this"), "{what}");
                }
                assert_eq!(ask(&browser, &token, route, theirs).await.status, 404, "{what}: elsewhere");
            }
        }
        let outsiders = [world.member(theirs, Role::Owner).await, world.somebody(None).await];
        for outsider in &outsiders {
            let browser = world.browser_of(outsider).await;
            let token = token(&browser).await;
            for route in &routes {
                let (known, unknown) = (
                    ask(&browser, &token, route, ours).await,
                    ask(&browser, &token, route, "ws_01kagq5rh8e5htqh9sk95d3x4w".parse().unwrap()).await,
                );
                assert_eq!((known.status, unknown.status), (404, 404), "{engine:?}: {}", name(route));
            }
        }
        nobody_is_let_in(&world, ours).await;
        an_old_proof_is_asked_for_again(&world, ours, &routes).await;
        world.stop().await;
    }
}

/// Without a session no page of a person or a workspace opens, and no form of theirs is taken.
async fn nobody_is_let_in(world: &World, workspace: WorkspaceId) {
    let nobody = world.browser();
    let mut asked = 0;
    for route in console().iter().filter(|r| matches!(r.rule, Rule::Permission(_) | Rule::Person)) {
        let answer = ask(&nobody, "made-up", route, workspace).await;
        let turned_away = leads_to(&answer, "/sign-in") || (route.method == "POST" && answer.status == 403);
        assert!(turned_away, "{}: {} {}", name(route), answer.status, answer.text);
        asked += 1;
    }
    assert!(asked > 15, "{asked}");
}

/// What gives power or cannot be taken back wants a proof of the last five minutes, and nothing else does.
async fn an_old_proof_is_asked_for_again(world: &World, workspace: WorkspaceId, routes: &[RouteInfo]) {
    let browser = world.browser_of(&world.member(workspace, Role::Owner).await).await;
    world.clock.advance(Duration::from_mins(6));
    let token = token(&browser).await;
    let mut stale = 0;
    for route in routes {
        let answer = ask(&browser, &token, route, workspace).await;
        let wants = permission(route).unwrap().needs_fresh_proof();
        assert_eq!(leads_to(&answer, "/reauth"), wants, "{}: {}", name(route), answer.status);
        stale += usize::from(wants);
    }
    assert!(stale > 5, "{stale}");
}

/// A page of a workspace whose subscription is over opens where its declaration says so, and nowhere else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_suspended_workspaces_pages_are_those_that_are_declared() {
    for engine in Engines::available() {
        let mut setup = Setup::new(engine);
        setup.workers = false;
        let world = World::start(setup).await;
        world.somebody(Some(OperatorRole::Administrator)).await;
        let ours = world.tenant("Ours").await.workspace;
        let browser = world.browser_of(&world.member(ours, Role::Owner).await).await;
        world
            .app
            .workspace_subscription_set(&world.operator(), ours, SubscriptionState::Suspended, None)
            .await
            .unwrap();
        let token = token(&browser).await;
        let (mut open, mut shut) = (0, 0);
        for route in console().iter().filter(|r| permission(r).is_some()) {
            let answer = ask(&browser, &token, route, ours).await;
            let what = format!("{engine:?}: {}: {} {}", name(route), answer.status, answer.text);
            if route.needs.whatever_subscription {
                assert_ne!(answer.status, 402, "{what}");
                open += 1;
            } else {
                assert_eq!(answer.status, 402, "{what}");
                shut += 1;
            }
        }
        assert!(open > 5 && shut > 10, "{open} and {shut}");
        world.stop().await;
    }
}
