//! What forms are taken, and what the guard refuses, on every form that there is.

use gatepost_core::access::Role;
use gatepost_http::Surface;
use gatepost_testkit::{Engines, Setup, World};

use super::Stage;

/// Every form of the console, sent as another site would send it, with the cookie and without the token, and with the
/// token of somebody else: refused, and nothing changes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_form_is_guarded() {
    for engine in Engines::available() {
        let stage = Stage::set(engine).await;
        let owner = stage.browser(Role::Owner).await;
        let other = stage.browser(Role::Owner).await;
        owner.open(&stage.path("")).await.expect(200);
        other.open(&stage.path("")).await.expect(200);
        let (token, theirs) = (owner.csrf().unwrap(), other.csrf().unwrap());
        assert_ne!(token, theirs);
        let list = owner.open(&stage.path("/keys")).await.expect(200).text;
        let start = list.find("/keys/key_").unwrap();
        let key = list[start + "/keys/".len()..].split('"').next().unwrap();
        let before = stage.world.rows_of(stage.workspace).await;
        let form = ("content-type", "application/x-www-form-urlencoded");
        let (same, cross) = (("sec-fetch-site", "same-origin"), ("sec-fetch-site", "cross-site"));
        let mut count = 0;
        for route in gatepost_http::inventory() {
            if route.surface != Surface::Console || route.method == http::Method::GET {
                continue;
            }
            // A visitor of a verification page has no cookie that another site could use; its form is bound to the visit.
            if route.path == "/verify/{public_token}" {
                continue;
            }
            let path =
                route.path.replace("{workspace_id}", &stage.workspace.to_string()).replace("{key_id}", key);
            let path = route.ids.iter().fold(path, |path, id| {
                path.replace(
                    &format!("{{{}}}", id.name),
                    &format!("{}_01kagq5rh8e5htqh9sk95d3x4w", id.prefix),
                )
            });
            let body = |token: &str| {
                Some(format!(
                    "csrf={token}&name=x&confirm=a+key&mode=live&scopes=admin&overlap=0&do=save&theme=dark"
                ))
            };
            for (what, headers, body, status) in [
                ("another site", vec![form, cross], body(&token), 403),
                ("a neighbour", vec![form, ("sec-fetch-site", "same-site")], body(&token), 403),
                ("no word of where", vec![form], body(&token), 403),
                ("a null origin", vec![form, ("origin", "null")], body(&token), 403),
                ("no token", vec![form, same], body(""), 403),
                ("another's token", vec![form, same], body(&theirs), 403),
                ("plain text", vec![("content-type", "text/plain"), same], body(&token), 415),
                ("JSON", vec![("content-type", "application/json"), same], Some("{}".to_owned()), 415),
                ("nothing", vec![same], None, 415),
            ] {
                let answer = owner.send(route.method.as_str(), &path, &headers, body).await;
                assert_eq!(answer.status, status, "{what}: {} {path}: {}", route.method, answer.text);
                assert!(answer.text.starts_with("<!DOCTYPE html>"), "{what}");
            }
            // Other methods, however they are asked for.
            for method in ["PUT", "PATCH", "DELETE"] {
                let answer = owner.send(method, &path, &[form, same], body(&token)).await;
                assert_eq!(answer.status, 405, "{method} {path}");
            }
            let overridden = [("sec-fetch-site", "none"), ("x-http-method-override", "POST")];
            owner.send("GET", &format!("{path}?_method=POST"), &overridden, None).await;
            count += 1;
        }
        assert!(count >= 6, "only {count} forms");
        let after = stage.world.rows_of(stage.workspace).await;
        for (table, rows) in before.iter().filter(|(table, _)| !table.starts_with("audit")) {
            assert_eq!(rows, &after[table], "{table}");
        }
        stage.world.stop().await;
    }
}

/// The token is the session's, not the cookie's: a page that was open while the cookie was renewed still works.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forms_outlive_the_renewal_of_a_session() {
    let stage = Stage::set(Engines::Sqlite).await;
    let owner = stage.browser(Role::Owner).await;
    owner.open(&stage.path("")).await.expect(200);
    let token = owner.csrf().unwrap();
    let session = owner.session().unwrap();
    stage.world.clock.advance(std::time::Duration::from_mins(16));
    // Whoever asks first gets another cookie; the console does so by itself where it renews.
    if let Some(fresh) = stage.world.app.session_renew(&session).await.unwrap() {
        owner.set_cookie("__Host-gatepost", fresh.expose());
    }
    assert_ne!(owner.session().unwrap(), session);
    let answer = owner.post("/theme", &[("csrf", &token), ("theme", "dark"), ("back", "/workspaces")]).await;
    assert_eq!(answer.status, 303);
    stage.world.stop().await;
}

/// An API key opens no page, and a session's cookie no route of the API.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_are_for_programs_and_cookies_for_people() {
    let world = World::start(Setup::new(Engines::Sqlite)).await;
    let tenant = world.tenant("Northwind").await;
    let program = world.browser().with_header("x-api-key", &tenant.admin_key);
    let page = program.send("GET", &format!("/w/{}/keys", tenant.workspace), &[], None).await;
    assert_eq!(page.status, 303, "led to where people sign in: {}", page.text);
    let owner = world.member(tenant.workspace, Role::Owner).await;
    let owner = world.browser_of(&owner).await;
    let answer = owner.send("GET", "/v1/keys", &[("accept", "application/json")], None).await;
    assert_eq!((answer.status, answer.code().as_str()), (401, "unauthorized"));
    world.stop().await;
}
