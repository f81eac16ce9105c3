//! The operator's rules for acceptable use are accepted when a workspace is made.

use std::sync::Arc;

use gatepost_app::AcceptableUse;
use gatepost_core::Code;
use gatepost_core::access::{OperatorRole, Role, SessionKind};
use gatepost_testkit::{Engines, Setup};
use serde_json::{Value, json};

use crate::support::Desk;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_rules_nothing_is_asked() {
    let desk = Desk::start(Engines::Sqlite).await;
    let rules = desk.world.nobody().get("/v1/acceptable-use").await.expect(200).json();
    assert_eq!(rules, json!({"version": null, "text": null}));
    desk.done("POST", "/operator/v1/workspaces", Some(&json!({"name": "Example Ltd"}))).await;
    desk.world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_version_in_force_is_accepted_and_written_down() {
    for engine in Engines::available() {
        let mut setup = Setup::new(engine);
        setup.workers = false;
        setup.config.workspaces_self_service = true;
        let rules = AcceptableUse::new("Write only to people who asked for it.".to_owned());
        setup.config.guard.acceptable_use = Some(Arc::new(rules.clone()));
        let desk = Desk::with(setup).await;
        let shown = desk.world.nobody().get("/v1/acceptable-use").await.expect(200).json();
        assert_eq!(shown, json!({"version": rules.version, "text": rules.text}));

        for accepted in [Value::Null, json!("0123456789abcdef")] {
            let ask = json!({"name": "Example Ltd", "acceptable_use": accepted});
            let (status, refused) = desk.ask("POST", "/operator/v1/workspaces", Some(&ask)).await;
            assert_eq!((status, &refused["code"]), (409, &json!("acceptable_use_required")));
            assert_eq!(refused["details"]["version"], json!(rules.version));
        }
        let ask = json!({"name": "Example Ltd", "acceptable_use": rules.version});
        let made = desk.done("POST", "/operator/v1/workspaces", Some(&ask)).await;
        let entries = desk.done("GET", "/operator/v1/audit-log?action=workspace.created", None).await;
        assert_eq!(
            entries["data"][0]["after"]["acceptable_use"],
            json!(rules.version),
            "{engine:?}: {entries}"
        );

        // Whoever owns a workspace and makes another accepts them, too.
        let owner = desk.world.member(made["id"].as_str().unwrap().parse().unwrap(), Role::Owner).await;
        let session = desk.world.sign_in(&owner).await;
        let token = session.token.expose();
        let person = desk.world.app.person_of_session(token, SessionKind::Console).await.unwrap();
        let create = async |accepted: Option<&str>| {
            let caller = desk.world.caller();
            desk.world.app.workspace_create_own(&person, &caller, "Second".to_owned(), accepted).await
        };
        assert_eq!(create(None).await.unwrap_err().code(), Code::AcceptableUseRequired);
        create(Some(&rules.version)).await.unwrap();
        desk.world.stop().await;
    }
}

/// By the page, as a person without scripts would.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_page_shows_the_rules_and_wants_the_box_ticked() {
    let mut setup = Setup::new(Engines::Sqlite);
    setup.config.workspaces_self_service = true;
    let first = desk_with_rules(setup).await;
    let rules = first.world.app.acceptable_use().unwrap();
    let ask = json!({"name": "Example Ltd", "acceptable_use": rules.version});
    let made = first.done("POST", "/operator/v1/workspaces", Some(&ask)).await;
    first.world.somebody(Some(OperatorRole::Administrator)).await;
    let owner = first.world.member(made["id"].as_str().unwrap().parse().unwrap(), Role::Owner).await;
    let browser = first.world.browser_of(&owner).await;
    browser.open("/workspaces/new").await.expect(200);
    assert!(browser.html().contains("Write only to &lt;people&gt;"), "{}", browser.html());
    browser.submit("/workspaces/new", &[("name", "Second")]).await.expect(422);
    assert!(browser.html().contains("acceptable use"));
    browser.submit("/workspaces/new", &[("name", "Second"), ("acceptable_use", "on")]).await.expect(200);
    assert!(browser.at().starts_with("/w/ws_"), "{}", browser.at());
    first.world.stop().await;
}

async fn desk_with_rules(mut setup: Setup) -> Desk {
    let rules = AcceptableUse::new("Write only to <people> who asked for it.".to_owned());
    setup.config.guard.acceptable_use = Some(Arc::new(rules));
    Desk::with(setup).await
}
