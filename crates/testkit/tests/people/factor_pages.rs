//! The pages of a person's factors, without scripts; the touch of a passkey is played.

use std::time::Duration;

use gatepost_core::Clock as _;
use gatepost_testkit::soft_passkey::{Manner, SoftPasskey};
use gatepost_testkit::{Answer, Browser, Engines, ORIGIN, World};
use gatepost_vault::TotpSecret;

use crate::factors::world;

const SECURITY: &str = "/account/security";
const APP: &str = "/account/security/app";
const CONFIRM: &str = "/account/security/app/confirm";
const PASSKEYS: &str = "/account/security/passkeys";
const STEP: &str = "/sign-in/second-step";

/// What stands between two marks.
fn between<'t>(text: &'t str, start: &str, end: &str) -> &'t str {
    let rest = text.split_once(start).unwrap_or_else(|| unreachable!("no {start} in {text}")).1;
    rest.split_once(end).unwrap().0
}

fn unescaped(text: &str) -> String {
    text.replace("&quot;", "\"").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
}

fn codes(answer: &Answer) -> Vec<String> {
    let area = between(&answer.text, "<textarea id=\"secret\"", "</textarea>");
    area.split_once('>').unwrap().1.lines().map(str::to_owned).collect()
}

/// The options of the ceremony that the page shows.
fn options(browser: &Browser) -> String {
    unescaped(between(&browser.html(), "data-options=\"", "\""))
}

async fn signed_in(world: &World) -> (Browser, gatepost_testkit::Somebody) {
    let somebody = world.somebody(None).await;
    // Passkeys are offered where the console is opened by its name.
    let named = ORIGIN.split_once("://").unwrap().1;
    (world.browser_of(&somebody).await.with_header("host", named), somebody)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_is_set_up_and_removed_by_forms() {
    for engine in Engines::available() {
        let world = world(engine).await;
        let (browser, somebody) = signed_in(&world).await;
        let page = browser.open(SECURITY).await.expect(200);
        assert!(
            page.text.contains("No passkey yet") && !page.text.contains("Recovery codes"),
            "{}",
            page.text
        );
        let page = browser.submit(APP, &[]).await.expect(200);
        assert_eq!(browser.at(), APP);
        assert!(page.text.contains("<svg class=\"qr\""), "a picture to scan");
        let secret = between(&page.text, "<code class=\"whole\" dir=\"ltr\">", "</code>").to_owned();
        let app = TotpSecret::parse(&secret).unwrap();
        let old = browser.session();
        for (wrong, word) in [("", "Type the code"), ("12", "not the code"), ("000 000", "not the code")] {
            let page = browser.submit(CONFIRM, &[("code", wrong)]).await.expect(422);
            assert!(page.text.contains(word) && page.text.contains(&secret), "{wrong}: {}", page.text);
        }
        let code = app.code(world.clock.now());
        let page = browser.submit(CONFIRM, &[("code", &code)]).await.expect(200);
        let codes = codes(&page);
        assert_eq!(codes.len(), 10);
        assert!(page.headers["cache-control"].to_str().unwrap().contains("no-store"));
        assert_ne!(browser.session(), old, "another token, for what it may do has changed");

        let page = browser.open(SECURITY).await.expect(200);
        assert!(page.text.contains("10 left") && page.text.contains(">On<"), "{}", page.text);
        assert!(!page.text.contains(&codes[0]) && !page.text.contains(&secret), "shown once");
        browser.open(APP).await.expect(200);
        assert_eq!(browser.at(), SECURITY, "nothing is begun any more");
        browser.open(SECURITY).await.expect(200);
        let page = browser.submit("/account/security/recovery-codes", &[]).await.expect(200);
        assert_eq!(self::codes(&page).len(), 10);
        assert_ne!(self::codes(&page), codes);

        browser.open("/account/security/app/remove").await.expect(200);
        let page = browser.submit("/account/security/app/remove", &[]).await.expect(200);
        assert!(page.text.contains("The authenticator app is removed"), "{}", page.text);
        world.sign_in(&somebody).await;
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn passkeys_are_made_named_and_removed_by_forms() {
    for engine in Engines::available() {
        let world = world(engine).await;
        let (browser, somebody) = signed_in(&world).await;
        browser.open(SECURITY).await.expect(200);
        browser.submit("/account/security/passkeys/new", &[]).await.expect(200);
        let page = browser.submit(PASSKEYS, &[("name", "Key")]).await.expect(422);
        assert!(page.text.contains("The browser sent no passkey"), "without a script: {}", page.text);
        let (mut device, answer) = SoftPasskey::make(&options(&browser), ORIGIN, &Manner::default());
        // A name that is none: what the browser made is not asked for again.
        let page =
            browser.submit(PASSKEYS, &[("answer", &answer), ("name", &"x".repeat(61))]).await.expect(422);
        assert!(page.text.contains("A name has 1 to 60 characters"), "{}", page.text);
        let page = browser.submit(PASSKEYS, &[("name", "<b>Blue</b> key")]).await.expect(200);
        assert_eq!(codes(&page).len(), 10);
        let page = browser.open(SECURITY).await.expect(200);
        assert!(
            page.text.contains("&lt;b&gt;Blue&lt;/b&gt; key") && !page.text.contains("<b>"),
            "{}",
            page.text
        );
        assert_eq!(world.sign_in_by(&mut device).await.unwrap().user, somebody.id);

        let path = format!("{PASSKEYS}/{}", between(&page.text, "href=\"/account/security/passkeys/", "\""));
        let page = browser.open(&path).await.expect(200);
        assert!(page.text.contains("value=\"&lt;b&gt;Blue"), "{}", page.text);
        let page = browser.submit(&path, &[("name", " ")]).await.expect(422);
        assert!(page.text.contains("Give the passkey a name"), "{}", page.text);
        let page = browser.submit(&path, &[("name", "Green key")]).await.expect(200);
        assert!(page.text.contains("Green key") && page.text.contains("has its new name"), "{}", page.text);
        // Somebody else's page knows nothing of it.
        let (other, _) = signed_in(&world).await;
        other.open(&path).await.expect(404);
        browser.open(&path).await.expect(200);
        let page = browser.submit(&format!("{path}/remove"), &[]).await.expect(200);
        assert!(
            page.text.contains("The passkey is removed") && page.text.contains("No passkey yet"),
            "{}",
            page.text
        );
        assert!(world.sign_in_by(&mut device).await.is_err());
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_pages_want_a_session_and_changes_a_fresh_proof() {
    for engine in Engines::available() {
        let world = world(engine).await;
        let nobody = world.browser();
        let answer = nobody.send("GET", SECURITY, &[("sec-fetch-site", "none")], None).await;
        assert_eq!(
            (answer.status, &answer.headers["location"]),
            (303, &"/sign-in?back=%2Faccount%2Fsecurity".parse().unwrap())
        );
        let (browser, _) = signed_in(&world).await;
        browser.open(SECURITY).await.expect(200);
        let csrf = browser.csrf().unwrap();
        world.clock.advance(Duration::from_mins(5));
        browser.open(SECURITY).await.expect(200);
        for path in [APP, CONFIRM, "/account/security/app/remove", "/account/security/recovery-codes"] {
            let fields: &[(&str, &str)] =
                if path == CONFIRM { &[("csrf", &csrf), ("code", "123456")] } else { &[("csrf", &csrf)] };
            let answer = browser.post(path, fields).await;
            let to = answer.headers.get("location").map(|to| to.to_str().unwrap().to_owned());
            assert!(
                to.as_deref().is_some_and(|to| to.starts_with("/reauth")),
                "{path}: {} {to:?}",
                answer.status
            );
        }
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_second_step_by_forms() {
    for engine in Engines::available() {
        let world = world(engine).await;
        let (browser, somebody) = signed_in(&world).await;
        let session = world.sign_in(&somebody).await;
        let (app, recovery) = world.add_app(&*world.person_of(&session).await).await;
        world.clock.advance(Duration::from_secs(31));
        // The ticket of a right password; its page is another's to show, so the guard's token comes from any page.
        browser.open(SECURITY).await.expect(200);
        let csrf = browser.csrf().unwrap();
        let ticket = world.half_sign_in(&somebody).await;
        let send = async |path: &str, field: (&str, &str), back: &str| {
            let fields = [("csrf", csrf.as_str()), ("ticket", ticket.expose()), ("back", back), field];
            browser.post(path, &fields).await
        };
        let page = send(STEP, ("code", ""), "/w/x").await.expect(422);
        assert!(page.text.contains("Type the code that the app shows"), "{}", page.text);
        let page = send(STEP, ("code", "000000"), "/w/x").await.expect(422);
        assert!(
            page.text.contains("did not open your account") && page.text.contains("value=\"/w/x\""),
            "{}",
            page.text
        );
        let now = app.code(world.clock.now());
        for elsewhere in ["//evil.example", "https://evil.example"] {
            let fields = [("csrf", csrf.as_str()), ("ticket", "none"), ("back", elsewhere), ("code", &now)];
            let answer = browser.post(STEP, &fields).await;
            assert_eq!(answer.status, 303);
            assert!(answer.headers["location"].to_str().unwrap().starts_with("/sign-in?back="));
        }
        let answer = send(STEP, ("code", &now), "//evil.example").await;
        assert_eq!(
            (answer.status, &answer.headers["location"]),
            (303, &"/workspaces".parse().unwrap()),
            "never elsewhere"
        );
        let token = browser.session().unwrap();
        let person =
            world.app.person_of_session(&token, gatepost_core::access::SessionKind::Console).await.unwrap();
        assert!(person.user() == somebody.id && person.second_factor());

        // The session is another one, and so is the token of its forms.
        browser.open(SECURITY).await.expect(200);
        let csrf = browser.csrf().unwrap();
        let ticket = world.half_sign_in(&somebody).await;
        let fields = [
            ("csrf", csrf.as_str()),
            ("ticket", ticket.expose()),
            ("back", SECURITY),
            ("recovery", &recovery[0]),
        ];
        let answer = browser.post("/sign-in/second-step/recovery-code", &fields).await;
        assert_eq!((answer.status, &answer.headers["location"]), (303, &SECURITY.parse().unwrap()));
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn passkeys_open_by_forms() {
    for engine in Engines::available() {
        let world = world(engine).await;
        let somebody = world.somebody(None).await;
        let (mut device, _) =
            world.add_passkey(&*world.person_of(&world.sign_in(&somebody).await).await).await;
        let (browser, _) = signed_in(&world).await;
        browser.open(SECURITY).await.expect(200);
        let csrf = browser.csrf().unwrap();
        let page = browser.post("/sign-in/passkey", &[("csrf", &csrf), ("back", SECURITY)]).await.expect(200);
        let (options, ticket) = (
            unescaped(between(&page.text, "data-options=\"", "\"")),
            between(&page.text, "name=\"ticket\" value=\"", "\"").to_owned(),
        );
        let answer = device.answer(&options, ORIGIN, &Manner::default());
        let fields = [("csrf", csrf.as_str()), ("ticket", &ticket), ("answer", &answer), ("back", SECURITY)];
        let wrong = [fields[0], fields[1], ("answer", "{}"), fields[3]];
        let page = browser.post("/sign-in/passkey/answer", &wrong).await.expect(422);
        assert!(page.text.contains("This passkey opened no account"), "{}", page.text);
        browser.post("/sign-in/passkey/answer", &fields).await.expect(422);
        // The ceremony was used up by the wrong answer; the page that came has another.
        let options = unescaped(between(&page.text, "data-options=\"", "\""));
        let ticket = between(&page.text, "name=\"ticket\" value=\"", "\"").to_owned();
        let answer = device.answer(&options, ORIGIN, &Manner { count: 2, ..Manner::default() });
        let fields = [("csrf", csrf.as_str()), ("ticket", &ticket), ("answer", &answer), ("back", SECURITY)];
        let done = browser.post("/sign-in/passkey/answer", &fields).await;
        assert_eq!((done.status, &done.headers["location"]), (303, &SECURITY.parse().unwrap()));
        let page = browser.open(SECURITY).await.expect(200);
        assert!(page.text.contains(&somebody.email), "{}", page.text);

        // As second factor.
        let csrf = browser.csrf().unwrap();
        let step = world.half_sign_in(&somebody).await;
        let fields = [("csrf", csrf.as_str()), ("ticket", step.expose()), ("back", SECURITY)];
        let page = browser.post("/sign-in/second-step/passkey", &fields).await.expect(200);
        let options = unescaped(between(&page.text, "data-options=\"", "\""));
        let ticket = between(&page.text, "name=\"ticket\" value=\"", "\"").to_owned();
        let answer = device.answer(&options, ORIGIN, &Manner::default());
        let fields = [
            ("csrf", csrf.as_str()),
            ("ticket", &ticket),
            ("answer", &answer),
            ("step", step.expose()),
            ("back", SECURITY),
        ];
        let done = browser.post("/sign-in/second-step/passkey/answer", &fields).await;
        assert_eq!(done.status, 303, "{}", done.text);
        world.stop().await;
    }
}
