//! The pages of IP allowlists.

use gatepost_core::access::{Role, Scope};
use gatepost_core::channel::Mode;
use gatepost_testkit::{Client, Engines};

use super::{Stage, harmless};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_list_that_binds_and_does_not_lock_out_by_mistake() {
    for engine in Engines::available() {
        let stage = Stage::set(engine).await;
        let owner = stage.browser(Role::Owner).await;
        let live = stage.world.key(stage.workspace, Mode::Live, &[Scope::Read]).await;
        let live = Client::new(&stage.world.base, Some(live));
        let path = format!("{}?mode=live", stage.path("/allowlist"));
        let page = owner.open(&path).await.expect(200);
        assert!(page.text.contains("The list is off.") && page.text.contains("127.0.0.1"));

        let wrong =
            [("entries", "192.0.2.0/24 Office\nnonsense\n10.0.0.1/8"), ("enabled", "on"), ("do", "save")];
        let answer = owner.submit(&path, &wrong).await.expect(422);
        assert!(answer.text.contains("Line 2: ") && answer.text.contains("line 3: "), "{}", answer.text);
        assert!(answer.text.contains("192.0.2.0/24 Office"), "what was typed stays");

        let office = [("entries", "192.0.2.0/24 Office"), ("enabled", "on"), ("do", "save")];
        let answer = owner.submit(&path, &office).await.expect(422);
        assert!(
            answer.text.contains("127.0.0.1, is not on this list.")
                && answer.text.contains("confirm_lockout")
        );
        assert_eq!(live.get("/v1/messages").await.status, 200, "nothing changed");

        // One's own address, by a button that saves nothing yet.
        let add = [("entries", "192.0.2.0/24 <b>Office</b>"), ("enabled", "on"), ("do", "add")];
        let answer = owner.submit(&path, &add).await.expect(200);
        assert!(answer.text.contains("127.0.0.1 My address") && answer.text.contains("The list is off."));
        harmless(&answer.text);
        let both = [
            ("entries", "192.0.2.0/24 <b>Office</b>\r\n127.0.0.1 My address"),
            ("enabled", "on"),
            ("do", "save"),
        ];
        let answer = owner.submit(&path, &both).await.expect(200);
        assert!(answer.text.contains("The list is on.") && answer.text.contains("The list is saved"));
        assert!(answer.text.contains("192.0.2.0/24 &lt;b&gt;Office") && !answer.text.contains("<b>"));
        assert_eq!(live.get("/v1/messages").await.status, 200);

        let meant =
            [("entries", "192.0.2.0/24"), ("enabled", "on"), ("confirm_lockout", "on"), ("do", "save")];
        owner.submit(&path, &meant).await.expect(200);
        assert_eq!(live.get("/v1/messages").await.code(), "ip_not_allowed");
        // The list of test keys is another.
        let test = owner.open(&format!("{}?mode=test", stage.path("/allowlist"))).await.expect(200);
        assert!(test.text.contains("The list is off.") && test.text.contains("Test mode."));
        // A form without a mark at the box switches it off.
        owner.open(&path).await.expect(200);
        owner.submit(&path, &[("entries", "192.0.2.0/24"), ("do", "save")]).await.expect(200);
        assert_eq!(live.get("/v1/messages").await.status, 200);
        stage.world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_has_a_list_of_its_own() {
    let stage = Stage::set(Engines::Sqlite).await;
    let owner = stage.browser(Role::Owner).await;
    let list = owner.open(&stage.path("/keys")).await.expect(200).text;
    let start = list.find("/keys/key_").unwrap();
    let id = list[start + "/keys/".len()..].split('"').next().unwrap().to_owned();
    let path = stage.path(&format!("/keys/{id}/allowlist"));
    owner.open(&path).await.expect(200);
    let office = [("entries", "192.0.2.0/24"), ("enabled", "on"), ("do", "save")];
    let saved = owner.submit(&path, &office).await.expect(200);
    assert!(saved.text.contains("The list is on."));
    let unknown = stage.path("/keys/key_01kagq5rh8e5htqh9sk95d3x4w/allowlist");
    owner.open(&unknown).await.expect(404);
    stage.world.stop().await;
}
