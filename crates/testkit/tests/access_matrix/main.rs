//! Who may call what: every public route, asked as everybody who could call it, against the permission matrix.
//!
//! The routes come from the same declaration as the router, so a new one joins by itself. One that takes an id which no
//! fixture has fails here until it gets one.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "tests")]

mod asking;
mod assignment;
mod entitled;
mod positions;
mod roles;
mod sides;
mod tokens;

use gatepost_core::access::{PermissionId, Scope};
use gatepost_core::channel::Mode;
use gatepost_http::access::Rule;
use gatepost_http::{RouteInfo, Surface};
use gatepost_testkit::{Engines, Fixtures};

use asking::{Asked, ask, normal, same_answer};
use positions::{Position, positions};
use sides::{Side, Sides};

/// But for those that answer in LoginWA's form, which the suite `verify` asks as everybody.
fn public() -> Vec<RouteInfo> {
    let ours = |r: &RouteInfo| r.surface == Surface::Public && !r.path.starts_with("/api/");
    gatepost_http::inventory().into_iter().filter(ours).collect()
}

fn permission(route: &RouteInfo) -> Option<PermissionId> {
    match route.rule {
        Rule::Permission(permission) => Some(permission),
        _ => None,
    }
}

fn name(route: &RouteInfo) -> String {
    format!("{} {}", route.method, route.path)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_route_as_everybody() {
    for engine in Engines::available() {
        let sides = Sides::start(engine).await;
        without_a_good_key_nothing_opens(&sides).await;
        the_operators_routes_are_not_public(&sides).await;
        another_workspaces_ids_are_unknown(&sides).await;
        the_other_mode_is_unknown(&sides).await;
        scopes_open_what_the_matrix_says(&sides).await;
        ones_own_things_open(&sides).await;
        sides.stop().await;
    }
}

/// Nobody and wrong keys: 401 where a permission is needed, no difference where none is.
async fn without_a_good_key_nothing_opens(sides: &Sides) {
    let nobody = sides.world.nobody();
    let good = sides.attacker.test_key.clone();
    let wrong: Vec<String> = vec![
        "gp_test_nonsense".to_owned(),
        // The checksum is right, the key is nobody's.
        sides.unknown_key(),
        // One character away from a good key.
        format!("{}{}", &good[..good.len() - 1], if good.ends_with('0') { '1' } else { '0' }),
        good.to_uppercase(),
    ];
    for route in public() {
        let asked = Asked::new(&route).with_ids(&sides.attacker.test).with_body(&route, &sides.attacker.test);
        let plain = ask(&nobody, &asked).await;
        match route.rule {
            Rule::Permission(_) | Rule::Holder => {
                assert_eq!(plain.status, 401, "{}: {}", name(&route), plain.text);
                assert_eq!(plain.code(), "unauthorized");
            }
            Rule::Signed(_) => assert_eq!(plain.code(), "signature_invalid", "{}", name(&route)),
            Rule::Public => assert!(plain.status != 401, "{}: {}", name(&route), plain.text),
            Rule::Person => assert_eq!(plain.code(), "session_ended", "{}", name(&route)),
            Rule::Operator(_) => panic!("{} is the operator's, and public", name(&route)),
        }
        for key in &wrong {
            let other = ask(&nobody.with_key(Some(key)), &asked).await;
            assert_eq!(normal(&plain), normal(&other), "{} with the key {key}", name(&route));
        }
        if permission(&route).is_none() && route.rule != Rule::Holder {
            // A key is no credential here: it must neither open nor shut anything.
            let keyed = ask(&sides.attacker.of(Mode::Test), &asked).await;
            assert_eq!(normal(&plain), normal(&keyed), "{} with a good key", name(&route));
        }
    }
}

/// The operator's routes do not exist at the public address, whoever asks.
async fn the_operators_routes_are_not_public(sides: &Sides) {
    let operators = gatepost_http::inventory().into_iter().filter(|r| r.path.starts_with("/operator"));
    let mut count = 0;
    for route in operators {
        assert!(matches!(route.surface, Surface::Operator | Surface::Operators), "{}", name(&route));
        let asked = Asked::new(&route).with_ids(&sides.attacker.test).with_body(&route, &sides.attacker.test);
        for caller in [sides.world.nobody(), sides.attacker.of(Mode::Test), sides.attacker.of(Mode::Live)] {
            let answer = ask(&caller, &asked).await;
            assert_eq!((answer.status, answer.code().as_str()), (404, "not_found"), "{}", name(&route));
        }
        count += 1;
    }
    assert!(count > 10, "the operator has routes");
}

/// Another workspace's ids answer like ids that nobody has, in every place where an id can stand, and its rows are the
/// same byte for byte afterwards.
async fn another_workspaces_ids_are_unknown(sides: &Sides) {
    let (attacker, victim) = (&sides.attacker, &sides.victim);
    let before = sides.world.rows_of(victim.workspace).await;
    assert!(before["message"].len() >= 2 && before["delivery"].len() >= 6, "there is something to protect");
    let mut compared = 0;
    for route in public().iter().filter(|r| permission(r).is_some()) {
        for own_mode in [Mode::Test, Mode::Live] {
            let (caller, own) = (attacker.of(own_mode), attacker.fixtures(own_mode));
            for foreign in [&victim.test, &victim.live] {
                compared += compare(&caller, route, own, foreign, &victim.secrets()).await;
            }
        }
    }
    assert!(compared > 150, "only {compared} questions were asked");
    let after = sides.world.rows_of(victim.workspace).await;
    for (table, rows) in &before {
        assert_eq!(rows, &after[table], "{table}");
    }
}

/// Asks with a foreign and with an unknown id in each place; returns how many places there were.
async fn compare(
    caller: &gatepost_testkit::Client,
    route: &RouteInfo,
    own: &Fixtures,
    foreign: &Fixtures,
    secrets: &[String],
) -> usize {
    let unknown = foreign.unknown();
    let mut count = 0;
    for position in positions(route) {
        let base = Asked::new(route).with_ids(own).with_body(route, own);
        let (theirs, nobodys) = (base.clone().put(&position, foreign), base.put(&position, &unknown));
        let (theirs, nobodys) = (ask(caller, &theirs).await, ask(caller, &nobodys).await);
        same_answer(&theirs, foreign, &nobodys, &unknown, &format!("{} {position:?}", name(route)));
        assert!(
            theirs.status >= 400 || matches!(position, Position::Query { .. }),
            "{} {position:?}",
            name(route)
        );
        for secret in secrets {
            let sent = foreign.ids().any(|(_, id)| id == secret);
            assert!(sent || !theirs.text.contains(secret.as_str()), "{} tells {secret}", name(route));
        }
        count += 1;
    }
    count
}

/// A test key finds no live thing of its own workspace, a live key no test thing; the answer is that of an unknown id.
async fn the_other_mode_is_unknown(sides: &Sides) {
    let own = &sides.attacker;
    let before = sides.world.rows_of(own.workspace).await;
    for route in public().iter().filter(|r| permission(r).is_some()) {
        for (mode, other) in [(Mode::Test, Mode::Live), (Mode::Live, Mode::Test)] {
            let (caller, here, there) = (own.of(mode), own.fixtures(mode), own.fixtures(other));
            let unknown = there.unknown();
            // A Meta app serves both modes, and so do people, what lets them in and what their words mean.
            let of_both = |p: &Position| {
                ["app", "usr", "inv", "idp", "opv", "kwd", "pse"].iter().any(|prefix| p.takes(prefix))
            };
            for position in positions(route).into_iter().filter(|p| !of_both(p)) {
                let base = Asked::new(route).with_ids(here).with_body(route, here);
                let (other, none) = (base.clone().put(&position, there), base.put(&position, &unknown));
                let (other, none) = (ask(&caller, &other).await, ask(&caller, &none).await);
                let what = format!("{} {position:?} with a {} key", name(route), mode.as_str());
                same_answer(&other, there, &none, &unknown, &what);
            }
        }
    }
    let after = sides.world.rows_of(own.workspace).await;
    for (table, rows) in &before {
        // Refusals of one kind are told of together, after a while.
        if !table.starts_with("audit") {
            assert_eq!(rows, &after[table], "{table}");
        }
    }
}

/// Each scope opens exactly the routes whose permission it holds.
async fn scopes_open_what_the_matrix_says(sides: &Sides) {
    let own = &sides.attacker;
    let unknown = own.test.unknown();
    for scope in Scope::ALL {
        let key = sides.world.key(own.workspace, Mode::Test, &[scope]).await;
        let caller = sides.world.nobody().with_key(Some(&key));
        for route in &public() {
            let Some(permission) = permission(route) else { continue };
            let asked = Asked::new(route).with_ids(&unknown).with_body(route, &own.test);
            let answer = ask(&caller, &asked).await;
            let what = format!("{} with the scope {scope}: {}", name(route), answer.text);
            if !permission.scopes().contains(&scope) {
                assert_eq!((answer.status, answer.code().as_str()), (403, "permission_missing"), "{what}");
                assert!(answer.text.contains(permission.as_str()), "{what}");
            } else if route.operation_id == "verificationResultTake" {
                // The example's result is nobody's.
                assert_eq!(answer.code(), "result_token_invalid", "{what}");
            } else if route.ids.is_empty() {
                assert_eq!(answer.status, route.success, "{what}");
            } else {
                assert_eq!((answer.status, answer.code().as_str()), (404, "not_found"), "{what}");
            }
        }
    }
}

/// What a route answers where the thing is one's own and its state is in the way: the fixture's verification is over,
/// and a code to a stranger needs a template, which the simulated Meta does not ask for.
fn refused_by_its_state(route: &RouteInfo, mode: Mode) -> Option<&'static str> {
    match route.operation_id {
        "verificationCheck" => Some("verification_cancelled"),
        "verificationResultTake" => Some("result_token_invalid"),
        "verificationResend" | "verificationCancel" => Some("verification_not_pending"),
        "verificationStart" if mode == Mode::Live => Some("verification_template_required"),
        _ => None,
    }
}

/// With a good key and one's own ids every route does what it says: no 404 above was for another reason.
async fn ones_own_things_open(sides: &Sides) {
    for mode in [Mode::Test, Mode::Live] {
        let own: &Side = &sides.attacker;
        // What no key holds is for people.
        let holds = |r: &RouteInfo| permission(r).is_some_and(|p| p.scopes().contains(&Scope::Admin));
        let mut routes: Vec<RouteInfo> = public().into_iter().filter(holds).collect();
        routes.sort_by_key(|r| {
            ["GET", "PATCH", "PUT", "POST", "DELETE"].iter().position(|m| *m == r.method.as_str())
        });
        for route in routes {
            // A live channel needs Meta's credentials; adding one is how this side was made.
            if mode == Mode::Live && route.operation_id == "channelCreate" {
                continue;
            }
            // Events are made up in test mode only; a live key is told so.
            if mode == Mode::Live && route.operation_id == "testEventTrigger" {
                let asked = Asked::new(&route).with_body(&route, own.fixtures(mode));
                assert_eq!(ask(&own.of(mode), &asked).await.code(), "live_mode_only");
                continue;
            }
            // The live channel uses it still.
            if mode == Mode::Test && route.operation_id == "metaAppDelete" {
                continue;
            }
            let fixtures = own.fixtures(mode);
            let asked = Asked::new(&route).with_ids(fixtures).with_body(&route, fixtures);
            let answer = ask(&own.of(mode), &asked).await;
            if let Some(code) = refused_by_its_state(&route, mode) {
                assert_eq!(answer.code(), code, "{} in {mode:?}", name(&route));
                continue;
            }
            assert_eq!(answer.status, route.success, "{} in {mode:?}: {}", name(&route), answer.text);
        }
    }
}
