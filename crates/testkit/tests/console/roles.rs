//! Every page and form as everybody: nobody, a stranger to the workspace, each role, and a proof that is not fresh.

use std::time::Duration;

use gatepost_core::access::{PermissionId, Role};
use gatepost_http::access::Rule;
use gatepost_http::{RouteInfo, Surface};
use gatepost_testkit::{Browser, Engines};

use super::Stage;

/// The pages of a workspace, with what they ask for.
fn pages() -> Vec<(RouteInfo, PermissionId)> {
    gatepost_http::inventory()
        .into_iter()
        .filter(|route| route.surface == Surface::Console)
        .filter_map(|route| match route.rule {
            Rule::Permission(permission) => Some((route, permission)),
            _ => None,
        })
        .collect()
}

/// The route's path with ids of this stage; a key's where it takes one. `None` for a page that takes another id: its own
/// tests look at it.
fn path(stage: &Stage, key: &str, route: &RouteInfo) -> Option<String> {
    let path = route.path.replace("{workspace_id}", &stage.workspace.to_string()).replace("{key_id}", key);
    (!path.contains('{')).then_some(path)
}

async fn ask(browser: &Browser, route: &RouteInfo, path: &str) -> (u16, String, String) {
    let answer = if route.method == http::Method::GET {
        browser.send("GET", path, &[("sec-fetch-site", "none")], None).await
    } else {
        // The token of a page that everybody has.
        browser.open("/workspaces").await;
        let token = browser.csrf().unwrap_or_default();
        browser.post(path, &[("csrf", &token)]).await
    };
    let location = answer.headers.get("location").map_or("", |to| to.to_str().unwrap());
    (answer.status, location.to_owned(), answer.text.clone())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_page_as_everybody() {
    for engine in Engines::available() {
        let stage = Stage::set(engine).await;
        let key = key_id(&stage).await;
        let other = stage.world.tenant("Contoso").await.workspace;
        let stranger = stage.world.member(other, Role::Owner).await;
        let stranger = stage.world.browser_of(&stranger).await;
        let nobody = stage.world.browser();
        let mut count = 0;
        for (route, permission) in pages() {
            let Some(path) = path(&stage, &key, &route) else { continue };
            count += 1;
            let name = format!("{} {}", route.method, route.path);
            let reads = route.method == http::Method::GET;
            let (status, location, _) = ask(&nobody, &route, &path).await;
            if reads {
                assert!(
                    status == 303 && location.starts_with("/sign-in?back=%2Fw%2F"),
                    "{name}: {status} {location}"
                );
            } else {
                assert!(
                    status == 303 && location.starts_with("/sign-in"),
                    "{name}: no cookie, no form: {status} {location}"
                );
            }
            let (status, _, text) = ask(&stranger, &route, &path).await;
            assert!(status == 404 && !text.contains("Northwind"), "{name}: a stranger gets {status}");
            for role in Role::ALL {
                let browser = stage.browser(role).await;
                let (status, _, text) = ask(&browser, &route, &path).await;
                if permission.roles().contains(&role) {
                    let fine = if reads { status == 200 } else { matches!(status, 422 | 303) };
                    assert!(fine, "{name} as {}: {status} {text}", role.as_str());
                } else {
                    assert_eq!(status, 403, "{name} as {}", role.as_str());
                    assert!(text.contains("You may not do this"), "{text}");
                }
            }
        }
        assert!(count >= 12, "only {count} pages");
        stage.world.stop().await;
    }
}

/// A key that pages can be about; none of the forms that are sent empty changes it.
async fn key_id(stage: &Stage) -> String {
    let owner = stage.browser(Role::Owner).await;
    let page = owner.open(&stage.path("/keys")).await.expect(200);
    let start = page.text.find("/keys/key_").unwrap() + "/keys/".len();
    page.text[start..].split('"').next().unwrap().to_owned()
}

/// What gives out secrets or cannot be taken back asks for a proof that is fresh, and leads to where one gives it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_old_proof_is_not_enough() {
    let stage = Stage::set(Engines::Sqlite).await;
    let key = key_id(&stage).await;
    let owner = stage.browser(Role::Owner).await;
    stage.world.clock.advance(Duration::from_mins(6));
    for (route, permission) in pages() {
        let Some(path) = path(&stage, &key, &route) else { continue };
        let (status, location, _) = ask(&owner, &route, &path).await;
        let led = status == 303 && location.starts_with("/reauth");
        assert_eq!(
            led,
            permission.needs_fresh_proof(),
            "{} {}: {status} {location}",
            route.method,
            route.path
        );
        if led && route.method == http::Method::GET {
            assert!(location.starts_with("/reauth?back=%2Fw%2F"), "{location}");
        }
    }
    stage.world.stop().await;
}

/// The sidebar leads to what the viewer may see, and to nothing else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_sidebar_shows_what_one_may_see() {
    let stage = Stage::set(Engines::Sqlite).await;
    for role in Role::ALL {
        let browser = stage.browser(role).await;
        let page = browser.open(&stage.path("")).await.expect(200).text;
        for (rest, permission) in [
            ("/keys", PermissionId::KeyRead),
            ("/allowlist", PermissionId::AllowlistRead),
            ("/audit", PermissionId::AuditRead),
            ("/keys/new", PermissionId::KeyManage),
        ] {
            let shown = page.contains(&format!("href=\"{}\"", stage.path(rest)));
            // The key exists already, so its step offers nothing more.
            let may = permission.roles().contains(&role) && rest != "/keys/new";
            assert_eq!(shown, may, "{rest} as {}", role.as_str());
        }
        assert!(page.contains("Northwind") && page.to_lowercase().contains(&format!(">{}<", role.as_str())));
        let mine = browser.open("/workspaces").await.expect(200).text;
        assert!(mine.contains(&stage.path("")));
    }
    stage.world.stop().await;
}
