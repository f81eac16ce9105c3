//! The pages of API keys.

use gatepost_core::access::Role;
use gatepost_testkit::{Browser, Client, Engines};

use super::{HOSTILE, Stage, harmless};

/// The secret in a page that shows one.
fn secret(html: &str) -> Option<String> {
    let field = html.split("id=\"secret\"").nth(1)?;
    Some(field.split("value=\"").nth(1)?.split('"').next()?.to_owned())
}

/// The id of the key with that name, from the list.
async fn id_of(stage: &Stage, browser: &Browser, name: &str) -> String {
    let page = browser.open(&stage.path("/keys")).await.expect(200).text;
    let row =
        page.split("<tr>").find(|row| row.contains(name)).unwrap_or_else(|| panic!("no {name} in {page}"));
    let start = row.find("/keys/key_").unwrap() + "/keys/".len();
    row[start..].split('"').next().unwrap().to_owned()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_from_its_making_to_its_end() {
    for engine in Engines::available() {
        let stage = Stage::set(engine).await;
        let admin = stage.browser(Role::Admin).await;
        let new = stage.path("/keys/new");
        admin.open(&new).await.expect(200);
        let made =
            admin.submit(&new, &[("name", HOSTILE), ("mode", "test"), ("scopes", "read")]).await.expect(200);
        harmless(&made.text);
        let first = secret(&made.text).unwrap();
        let opens = async |key: &str| {
            Client::new(&stage.world.base, Some(key.to_owned())).get("/v1/messages").await.status
        };
        assert_eq!(opens(&first).await, 200);
        // Nowhere again.
        let list = admin.open(&stage.path("/keys")).await.expect(200);
        harmless(&list.text);
        let id = id_of(&stage, &admin, &escaped(HOSTILE)).await;
        let page = admin.open(&stage.path(&format!("/keys/{id}"))).await.expect(200);
        harmless(&page.text);
        assert!(!page.text.contains(&first) && !list.text.contains(&first));

        let rotate = stage.path(&format!("/keys/{id}/rotate"));
        admin.open(&rotate).await.expect(200);
        let rotated = admin.submit(&rotate, &[("overlap", "3600")]).await.expect(200);
        let second = secret(&rotated.text).unwrap();
        assert_eq!((opens(&first).await, opens(&second).await), (200, 200), "both, for an hour");
        admin.open(&rotate).await.expect(200);
        let twice = admin.submit(&rotate, &[("overlap", "0")]).await.expect(422);
        assert!(twice.text.contains("This key was revoked or rotated already."), "{}", twice.text);

        let id = id_of(&stage, &admin, "Active").await;
        let revoke = stage.path(&format!("/keys/{id}/revoke"));
        admin.open(&revoke).await.expect(200);
        let other = admin.submit(&revoke, &[("confirm", "something else")]).await.expect(422);
        assert!(other.text.contains("That is another name."));
        assert_eq!(opens(&second).await, 200);
        let revoked = admin.submit(&revoke, &[("confirm", HOSTILE)]).await.expect(200);
        assert!(revoked.text.contains("The key is revoked.") && admin.at() == stage.path("/keys"));
        assert_eq!((opens(&first).await, opens(&second).await), (200, 401));
        let again = admin.open(&stage.path("/keys")).await.expect(200);
        assert!(!again.text.contains("The key is revoked."), "it is said once");
        stage.world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_wrong_with_a_new_key_is_said_beside_its_fields() {
    let stage = Stage::set(Engines::Sqlite).await;
    let owner = stage.browser(Role::Owner).await;
    let new = stage.path("/keys/new");
    owner.open(&new).await.expect(200);
    let wrong = [("name", "  "), ("mode", "both"), ("expires_at", "tomorrow"), ("channels", "x")];
    let answer = owner.submit(&new, &wrong).await.expect(422);
    for said in [
        "href=\"#f-name\"",
        "href=\"#f-mode\"",
        "href=\"#f-scopes\"",
        "href=\"#f-expires_at\"",
        "5 things are not right yet.",
        "Choose at least one.",
    ] {
        assert!(answer.text.contains(said), "{said}: {}", answer.text);
    }
    let past = [("name", "Shop"), ("mode", "live"), ("scopes", "send"), ("expires_at", "2020-01-31")];
    let answer = owner.submit(&new, &past).await.expect(422);
    assert!(answer.text.contains("Lies in the past.") && answer.text.contains("value=\"Shop\""));
    let before = owner.open(&stage.path("/keys")).await.text.matches("/keys/key_").count();
    assert_eq!(before, 1, "nothing was made");
    stage.world.stop().await;
}

/// A form that is sent twice makes one key.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_form_that_is_sent_twice_makes_one_key() {
    let stage = Stage::set(Engines::Sqlite).await;
    let owner = stage.browser(Role::Owner).await;
    let new = stage.path("/keys/new");
    owner.open(&new).await.expect(200);
    let form = owner.filled(&new, &[("name", "Shop"), ("mode", "live"), ("scopes", "send")]);
    let form: Vec<(&str, &str)> = form.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let first = owner.post(&new, &form).await.expect(200);
    assert!(secret(&first.text).is_some());
    let second = owner.post(&new, &form).await.expect(200);
    assert!(second.text.contains("This key was made already") && secret(&second.text).is_none());
    let list = owner.open(&stage.path("/keys")).await.text;
    assert_eq!(list.matches("<bdi>Shop</bdi>").count(), 1);
    stage.world.stop().await;
}
