//! Every route of the API, asked with the access tokens of people: as each role, in their own workspace and with another's
//! ids; and with nothing but a session's cookie, which is no credential there. Routes and what each asks for come from
//! their declaration.

use gatepost_core::access::Role;
use gatepost_core::channel::Mode;
use gatepost_http::access::Rule;
use gatepost_testkit::{Client, Engines};

use crate::asking::{Asked, ask, normal};
use crate::sides::Sides;
use crate::{compare, name, permission, public};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_route_with_the_access_token_of_each_role() {
    for engine in Engines::available() {
        let sides = Sides::start(engine).await;
        let before = sides.world.rows_of(sides.victim.workspace).await;
        for role in Role::ALL {
            let (caller, cookie) = signed_in(&sides, role).await;
            roles_open_what_the_matrix_says(&sides, role, &caller).await;
            others_ids_are_unknown(&sides, role, &caller).await;
            a_cookie_alone_opens_nothing(&sides, role, &cookie).await;
        }
        let after = sides.world.rows_of(sides.victim.workspace).await;
        for (table, rows) in &before {
            assert_eq!(rows, &after[table], "{table}");
        }
        sides.stop().await;
    }
}

/// A member of the attacking workspace: a caller with their access token, and their cookie.
async fn signed_in(sides: &Sides, role: Role) -> (Client, String) {
    let (world, workspace) = (&sides.world, sides.attacker.workspace);
    let somebody = world.member(workspace, role).await;
    let session = world.sign_in(&somebody).await;
    let person = world.person_of(&session).await;
    let tokens = world.app.tokens_of_session(&person, &world.caller(), workspace, Mode::Test).await.unwrap();
    let cookie = format!("__Host-gatepost={}", session.token.expose());
    (world.nobody().with_key(Some(tokens.access.expose())), cookie)
}

/// A role's token opens the routes whose permission the role holds, except for those that want a fresh proof: a token is
/// none. What is no matter of permissions answers as it answers nobody.
async fn roles_open_what_the_matrix_says(sides: &Sides, role: Role, caller: &Client) {
    let own = &sides.attacker.test;
    let (unknown, nobody) = (own.unknown(), sides.world.nobody());
    let (mut opened, mut refused, mut stale) = (0, 0, 0);
    for route in &public() {
        let asked = Asked::new(route).with_ids(&unknown).with_body(route, own);
        let answer = ask(caller, &asked).await;
        let code = answer.code();
        let what = format!("{} as {role}: {} {}", name(route), answer.status, answer.text);
        match route.rule {
            Rule::Permission(_) => {}
            Rule::Holder => {
                assert_eq!((answer.status, code.as_str()), (403, "permission_missing"), "{what}");
                continue;
            }
            _ => {
                assert_eq!(normal(&answer), normal(&ask(&nobody, &asked).await), "{what}");
                continue;
            }
        }
        let permission = permission(route).unwrap();
        if !permission.roles().contains(&role) {
            assert_eq!((answer.status, code.as_str()), (403, "permission_missing"), "{what}");
            assert!(answer.text.contains(permission.as_str()), "{what}");
            refused += 1;
        } else if permission.needs_fresh_proof() {
            assert_eq!((answer.status, code.as_str()), (401, "reauth_required"), "{what}");
            stale += 1;
        } else if route.operation_id == "verificationResultTake" {
            assert_eq!(code, "result_token_invalid", "{what}");
            opened += 1;
        } else if route.ids.is_empty() {
            assert_eq!(answer.status, route.success, "{what}");
            opened += 1;
        } else {
            assert_eq!((answer.status, code.as_str()), (404, "not_found"), "{what}");
            opened += 1;
        }
    }
    let all = match role {
        Role::Owner => opened > 30 && refused == 0 && stale > 5,
        Role::Admin => opened > 30 && stale > 5,
        Role::Agent | Role::Analyst => opened > 5 && refused > 10,
    };
    assert!(all, "as {role}: {opened} opened, {refused} refused, {stale} stale");
}

/// Another workspace's ids answer like ids that nobody has, whatever the role; its secrets are in no answer.
async fn others_ids_are_unknown(sides: &Sides, role: Role, caller: &Client) {
    let (own, secrets) = (&sides.attacker.test, sides.victim.secrets());
    let mut compared = 0;
    for route in public().iter().filter(|route| permission(route).is_some()) {
        for foreign in [&sides.victim.test, &sides.victim.live] {
            compared += compare(caller, route, own, foreign, &secrets).await;
        }
    }
    assert!(compared > 75, "as {role}: only {compared} questions were asked");
}

/// A browser sends its cookies wherever it is led: on the API they are nobody's.
async fn a_cookie_alone_opens_nothing(sides: &Sides, role: Role, cookie: &str) {
    let (own, nobody) = (&sides.attacker.test, sides.world.nobody());
    for route in public().iter().filter(|route| permission(route).is_some()) {
        let asked = Asked::new(route).with_ids(own).with_body(route, own);
        let plain = ask(&nobody, &asked).await;
        let answer = ask(&nobody, &asked.with_header("cookie", cookie)).await;
        let what = format!("{} with a cookie as {role}", name(route));
        assert_eq!((answer.status, answer.code().as_str()), (401, "unauthorized"), "{what}");
        assert_eq!(normal(&plain), normal(&answer), "{what}");
    }
}
