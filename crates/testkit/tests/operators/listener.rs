//! Who gets in at the operators' listener, and that nothing of it answers elsewhere.

use gatepost_core::access::{OperatorRole, Role};
use gatepost_http::{RouteInfo, Surface, inventory};
use gatepost_testkit::{Answer, Browser, Client, Engines, PASSWORD, Setup, World};
use serde_json::json;

use crate::support::{COOKIE, Op, listen};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn operators_sign_in_with_two_factors_and_nobody_else_does() {
    for engine in Engines::available() {
        let world = World::start(Setup::new(engine)).await;
        let tenant = world.tenant("Example Ltd").await;
        let base = listen(&world).await;
        let refused = async |email: &str, password: &str| {
            let browser = Browser::new(&base);
            browser.open("/sign-in").await.expect(200);
            let answer =
                browser.submit("/sign-in", &[("email", email), ("password", password)]).await.expect(422);
            assert!(browser.cookie(COOKIE).is_none());
            answer.text
        };
        // Whoever is no operator hears what a wrong password brings.
        let owner = world.member(tenant.workspace, Role::Owner).await;
        let (nobody, wrong) =
            (refused(&owner.email, PASSWORD).await, refused(&owner.email, "not the password at all").await);
        assert!(nobody.contains("is wrong") && wrong.contains("is wrong"));
        // An operator without a second factor is told where to add one.
        let single = world.somebody(Some(OperatorRole::Administrator)).await;
        assert!(refused(&single.email, PASSWORD).await.contains("second factor"));

        let op = Op::sign_in(&world, &base, OperatorRole::Administrator).await;
        assert!(op.browser.html().contains("Example Ltd"));
        let session = op.browser.cookie(COOKIE).unwrap();
        // Signing in again takes the place of the session before, and signing out ends it.
        op.again(&world).await;
        assert_ne!(op.browser.cookie(COOKIE), Some(session.clone()));
        let old = Browser::new(&base);
        old.set_cookie(COOKIE, &session);
        assert_eq!(old.send("GET", "/operator/v1/status", &[], None).await.status, 401);
        op.browser.open("/workspaces").await.expect(200);
        op.browser.submit("/sign-out", &[]).await.expect(200);
        assert_eq!(op.browser.at(), "/sign-in");
        assert_eq!(op.get("/operator/v1/status").await.code(), "session_ended");
        world.stop().await;
    }
}

/// The route's path with ids that nobody has, and parameters that it asks for.
fn path_of(route: &RouteInfo, workspace: &str) -> String {
    let mut path = route.path.clone();
    for id in &route.ids {
        let value = match id.prefix {
            "ws" => workspace.to_owned(),
            prefix => format!("{prefix}_01kagq5rh8e5htqh9sk95d3x4w"),
        };
        path = path.replace(&format!("{{{}}}", id.name), &value);
    }
    let path = path.replace("{file_name}", "x").replace("{code}", "x").replace("{token}", "x");
    if route.path.ends_with("/logs") && !route.page { format!("{path}?log=sends") } else { path }
}

/// Asks as a program does, with these cookies and this key.
async fn ask(base: &str, cookies: Option<&str>, route: &RouteInfo, path: &str, key: Option<&str>) -> Answer {
    let mut headers = vec![("sec-fetch-site", "same-origin")];
    headers.extend(cookies.map(|cookies| ("cookie", cookies)));
    let body = route.body.as_ref().map(|body| body.to_string().into_bytes());
    Client::new(base, key.map(str::to_owned)).raw(route.method.as_str(), path, &headers, body).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn customers_open_nothing_here_and_operators_nothing_on_the_public_address() {
    let world = World::start(Setup::new(Engines::Sqlite)).await;
    let tenant = world.tenant("Example Ltd").await;
    let workspace = tenant.workspace.to_string();
    let base = listen(&world).await;
    let op = Op::sign_in(&world, &base, OperatorRole::Administrator).await;
    let owner = world.member(tenant.workspace, Role::Owner).await;
    let console = world.sign_in(&owner).await;
    let before = world.rows_of(tenant.workspace).await;

    // Anonymous, with a key, with a member's session under its own name and under ours.
    let token = console.token.expose();
    let (own, ours) = (format!("__Host-gatepost={token}"), format!("{COOKIE}={token}"));
    let customers = [None, Some(own.as_str()), Some(ours.as_str())];
    let routes = inventory();
    let mut asked = 0;
    let pages =
        |path: &str| routes.iter().any(|r| r.surface == Surface::Operators && r.page && r.path == path);
    let programs = |r: &&RouteInfo| r.surface != Surface::Operator && !r.page && !pages(&r.path);
    for route in routes.iter().filter(programs) {
        let path = path_of(route, &workspace);
        for cookies in customers {
            for key in [None, Some(tenant.admin_key.as_str())] {
                let answer = ask(&base, cookies, route, &path, key).await;
                assert_eq!(answer.status, 401, "{} {path}: {}", route.method, answer.text);
                asked += 1;
            }
        }
    }
    assert!(asked > 300, "only {asked} questions were asked");
    // Pages lead to the page for signing in, or are for everybody.
    for route in routes.iter().filter(|r| r.surface == Surface::Operators && r.page) {
        let public = ["/sign-in", "/reauth", "/theme", "/assets", "/"];
        let open = public.iter().any(|start| route.path == *start || route.path.starts_with("/assets/"))
            || route.path == "/sign-in/second-step";
        if open || route.method != http::Method::GET {
            continue;
        }
        let answer = ask(&base, customers[2], route, &path_of(route, &workspace), None).await;
        // The client goes where it is led.
        assert!(answer.text.contains("<title>Sign in as an operator"), "{}: {}", route.path, answer.status);
    }

    // On the public address what is the operators' is not there, whoever asks.
    let cookie = format!("{COOKIE}={}; {own}", op.browser.cookie(COOKIE).unwrap());
    let mut asked = 0;
    for route in routes.iter().filter(|r| matches!(r.surface, Surface::Operators | Surface::Operator)) {
        let known =
            |r: &&RouteInfo| matches!(r.surface, Surface::Public | Surface::Console) && r.path == route.path;
        if routes.iter().any(|r| known(&r)) {
            continue;
        }
        let path = path_of(route, &workspace);
        for key in [None, Some(tenant.admin_key.as_str())] {
            let answer = ask(&world.base, Some(cookie.as_str()), route, &path, key).await;
            assert_eq!(answer.status, 404, "{} {path}: {}", route.method, answer.text);
            asked += 1;
        }
    }
    assert!(asked > 60, "only {asked} questions were asked");
    let after = world.rows_of(tenant.workspace).await;
    for (table, rows) in before.iter().filter(|(table, _)| *table != "audit" && *table != "audit_chain") {
        assert_eq!(rows, &after[table], "{table}");
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_pass_the_same_locks_as_the_consoles() {
    let world = World::start(Setup::new(Engines::Sqlite)).await;
    let tenant = world.tenant("Example Ltd").await;
    let base = listen(&world).await;
    let op = Op::sign_in(&world, &base, OperatorRole::Administrator).await;
    let path = format!("/operator/v1/workspaces/{}/pause-sending", tenant.workspace);
    let body = json!({"reason": "Abuse report 4711"}).to_string();
    let session = op.get("/operator/v1/session").await.expect(200).json();
    let token = session["csrf_token"].as_str().unwrap().to_owned();
    let json_type = ("content-type", "application/json");
    let same = ("sec-fetch-site", "same-origin");
    for headers in [
        vec![json_type, same],
        vec![json_type, same, ("x-csrf-token", "AAAA")],
        vec![json_type, ("sec-fetch-site", "cross-site"), ("x-csrf-token", token.as_str())],
        vec![json_type, ("origin", "https://evil.example"), ("x-csrf-token", token.as_str())],
        vec![json_type, ("x-csrf-token", token.as_str())],
    ] {
        let answer = op.browser.send("POST", &path, &headers, Some(body.clone())).await;
        assert_eq!((answer.status, answer.code().as_str()), (403, "csrf_refused"), "{headers:?}");
    }
    // A form that another site posts.
    let form = [("content-type", "application/x-www-form-urlencoded"), ("sec-fetch-site", "cross-site")];
    let page = format!("/workspaces/{}/pause-sending", tenant.workspace);
    let sent = Some("pause_reason=Abuse+report+4711".to_owned());
    assert_eq!(op.browser.send("POST", &page, &form, sent).await.status, 403);
    let standing = op.get(&format!("/operator/v1/workspaces/{}", tenant.workspace)).await.json();
    assert_eq!(standing["standing"]["sending"], "on");
    // All three open.
    let headers = [json_type, same, ("x-csrf-token", token.as_str())];
    op.browser.send("POST", &path, &headers, Some(body)).await.expect(200);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_answer_carries_the_headers_of_the_house() {
    let world = World::start(Setup::new(Engines::Sqlite)).await;
    let base = listen(&world).await;
    let op = Op::sign_in(&world, &base, OperatorRole::Support).await;
    let public = Client::new(&world.base, None).get("/v1/keys").await;
    for (method, path, status) in [
        ("GET", "/workspaces", 200),
        ("GET", "/operator/v1/status", 200),
        ("GET", "/operator/v1/nothing", 404),
        ("DELETE", "/operator/v1/status", 403),
        ("PATCH", "/workspaces", 403),
        ("GET", "/operator/v1/audit-log", 403),
    ] {
        let answer = op.browser.send(method, path, &[], None).await;
        assert_eq!(answer.status, status, "{method} {path}: {}", answer.text);
        let own =
            ["content-length", "date", "ratelimit", "ratelimit-policy", "content-type", "www-authenticate"];
        for name in public.headers.keys().filter(|name| !own.contains(&name.as_str())) {
            assert!(answer.headers.contains_key(name), "{method} {path}: {name} is missing");
        }
        assert_eq!(answer.headers["x-frame-options"], "DENY");
    }
    world.stop().await;
}

/// What needs a fresh proof asks for it after five minutes, and signing in again gives it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_weighs_more_wants_a_fresh_proof() {
    let world = World::start(Setup::new(Engines::Sqlite)).await;
    let tenant = world.tenant("Example Ltd").await;
    let base = listen(&world).await;
    let op = Op::sign_in(&world, &base, OperatorRole::Support).await;
    world.clock.advance(std::time::Duration::from_mins(6));
    let open = json!({"workspace_id": tenant.workspace.to_string(), "reason": "Ticket 4711: stuck sends"});
    let stale = op.change("POST", "/operator/v1/visits", Some(&open)).await;
    assert_eq!((stale.status, stale.code().as_str()), (401, "reauth_required"));
    op.get("/operator/v1/workspaces").await.expect(200);
    op.again(&world).await;
    op.change("POST", "/operator/v1/visits", Some(&open)).await.expect(201);
    // Support does not administer.
    let refused = op.change("POST", "/operator/v1/workspaces", Some(&json!({"name": "Mine"}))).await;
    assert_eq!(refused.code(), "permission_missing");
    world.stop().await;
}
