//! The pages around identity providers, in a browser without scripts.

use std::collections::HashMap;
use std::sync::Arc;

use gatepost_core::access::Role;
use gatepost_testkit::idp::{CLIENT_ID, CLIENT_SECRET, Idp, Person as There};
use gatepost_testkit::{Browser, Engines, Setup, Tenant, World};
use serde_json::json;

const COOKIE: &str = "__Host-gatepost-sso";

struct Scene {
    world: World,
    idp: Idp,
    tenant: Tenant,
    browser: Browser,
}

impl Scene {
    async fn start(engine: Engines) -> Self {
        let mut setup = Setup::new(engine);
        setup.workers = false;
        let world = World::start(setup).await;
        let idp = Idp::start(Arc::clone(&world.clock) as _).await;
        let tenant = world.tenant("Ours").await;
        let owner = world.member(tenant.workspace, Role::Owner).await;
        let browser = world.browser_of(&owner).await;
        let scene = Self { world, idp, tenant, browser };
        scene.there("1", "ann@example.org");
        scene
    }

    fn there(&self, sub: &str, email: &str) {
        let (sub, email, name) = (sub.to_owned(), email.to_owned(), "Ann".to_owned());
        self.idp.sign_in(There { sub, email, verified: true, name });
    }

    fn path(&self, rest: &str) -> String {
        format!("/w/{}{rest}", self.tenant.workspace)
    }

    /// Adds the workspace's provider by its form; the provider's place in addresses.
    async fn provider(&self) -> String {
        let all = self.path("/sso");
        self.browser.open(&all).await.expect(200);
        let issuer = self.idp.issuer.clone();
        let fields = [
            ("kind", "oidc"),
            ("name", "Our <b>ID</b>"),
            ("issuer", issuer.as_str()),
            ("client_id", CLIENT_ID),
            ("client_secret", CLIENT_SECRET),
        ];
        self.browser.submit(&all, &fields).await.expect(200);
        assert_eq!(self.browser.at(), all);
        let page = self.browser.html();
        assert!(page.contains("Our &lt;b&gt;ID&lt;/b&gt;") && !page.contains(CLIENT_SECRET));
        let key = page.split("/sso/idp_").nth(1).unwrap().split('"').next().unwrap();
        format!("idp_{}", &key[..26])
    }

    /// Sends a form that leads to the provider, and goes there.
    async fn leave(&self, browser: &Browser, page: &str, action: &str) -> HashMap<String, String> {
        browser.open(page).await.expect(200);
        let answer = browser.submit(action, &[]).await.expect(200);
        let refresh = answer.headers["refresh"].to_str().unwrap().to_owned();
        let url = refresh.strip_prefix("0; url=").unwrap();
        assert!(url.starts_with(&self.idp.issuer), "{url}");
        // Without that, a link; and never a redirect of the form to another host.
        assert!(answer.text.contains("Go on") && !answer.headers.contains_key("location"));
        assert!(browser.cookie(COOKIE).is_some());
        self.idp.consent(url).await
    }

    /// Comes back as the provider sends one back: from another site.
    async fn come_back(
        &self,
        browser: &Browser,
        key: &str,
        back: &HashMap<String, String>,
    ) -> gatepost_testkit::Answer {
        let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(back).finish();
        let path = format!("/sso/{key}/callback?{query}");
        browser.send("GET", &path, &[("sec-fetch-site", "cross-site")], None).await
    }

    async fn link(&self, key: &str) {
        let back = self.leave(&self.browser, "/account/linked", &format!("/sso/{key}/link")).await;
        let answer = self.come_back(&self.browser, key, &back).await.expect(303);
        assert_eq!(answer.headers["location"], "/account/linked");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signing_in_through_a_workspaces_provider() {
    for engine in Engines::available() {
        let scene = Scene::start(engine).await;
        let key = scene.provider().await;
        scene.link(&key).await;
        scene.browser.open("/account/linked").await.expect(200);
        assert!(scene.browser.html().contains("ann@example.org"));

        let browser = scene.world.browser();
        let back = scene.leave(&browser, &format!("/sso/{key}"), &format!("/sso/{key}/start")).await;
        // Login CSRF: the same callback in somebody else's browser. It gets nothing, and the attempt is used up.
        let victim = scene.world.browser();
        let refused = scene.come_back(&victim, &key, &back).await.expect(403);
        assert!(victim.session().is_none() && refused.text.contains("That did not work"));
        scene.come_back(&browser, &key, &back).await.expect(403);

        let back = scene.leave(&browser, &format!("/sso/{key}"), &format!("/sso/{key}/start")).await;
        let answer = scene.come_back(&browser, &key, &back).await.expect(303);
        assert_eq!(answer.headers["location"].to_str().unwrap(), scene.path(""));
        assert!(browser.session().is_some() && browser.cookie(COOKIE).is_none());
        browser.open(&scene.path("/sso")).await.expect(200);
        // The account itself is out of this session's reach.
        browser.open("/account/linked").await.expect(403);
        // A callback is good once.
        scene.come_back(&browser, &key, &back).await.expect(403);
        scene.world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_comes_back_to_the_page_that_was_asked_for() {
    for engine in Engines::available() {
        let scene = Scene::start(engine).await;
        let key = scene.provider().await;
        scene.link(&key).await;
        let (home, keys) = (scene.path(""), scene.path("/keys?limit=5"));
        let other = scene.world.tenant("Theirs").await.workspace;
        // A session through a workspace's provider opens that workspace only, and no link leads to another server.
        for (asked, comes_to) in [
            (keys.as_str(), keys.as_str()),
            (home.as_str(), home.as_str()),
            ("", home.as_str()),
            ("/account/security", home.as_str()),
            (format!("/w/{other}/keys").as_str(), home.as_str()),
            (format!("{home}.evil.example").as_str(), home.as_str()),
            ("//evil.example", home.as_str()),
            ("https://evil.example", home.as_str()),
        ] {
            let query =
                url::form_urlencoded::Serializer::new(String::new()).append_pair("back", asked).finish();
            let browser = scene.world.browser();
            let page = format!("/sso/{key}?{query}");
            let back = scene.leave(&browser, &page, &format!("/sso/{key}/start")).await;
            let answer = scene.come_back(&browser, &key, &back).await.expect(303);
            assert_eq!(answer.headers["location"].to_str().unwrap(), comes_to, "{asked}");
        }
        scene.world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_of_a_callback_reaches_a_page() {
    let scene = Scene::start(Engines::Sqlite).await;
    let key = scene.provider().await;
    let script = "<script>alert(1)</script>";
    for name in ["state", "code", "iss", "error", "error_description", "evil"] {
        let browser = scene.world.browser();
        let mut back = scene.leave(&browser, &format!("/sso/{key}"), &format!("/sso/{key}/start")).await;
        back.insert(name.to_owned(), script.to_owned());
        let answer = scene.come_back(&browser, &key, &back).await;
        assert_ne!(answer.status, 500, "{name}");
        assert!(!answer.text.contains("alert(1)"), "{name}");
        assert!(browser.session().is_none(), "nobody is linked yet");
    }
    for place in ["nowhere", "idp_01kagq5rh8e5htqh9sk95d3x4w", "%3Cscript%3E", "a.b"] {
        scene.world.browser().open(&format!("/sso/{place}")).await.expect(404);
        let answer = scene.come_back(&scene.world.browser(), place, &HashMap::new()).await;
        assert_eq!(answer.status, 403, "no visit was begun");
    }
    scene.world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_visit_begins_with_a_form_of_ours() {
    let scene = Scene::start(Engines::Sqlite).await;
    let key = scene.provider().await;
    for action in ["start", "link", "prove"] {
        let path = format!("/sso/{key}/{action}");
        let headers =
            [("content-type", "application/x-www-form-urlencoded"), ("sec-fetch-site", "cross-site")];
        let refused = scene.browser.send("POST", &path, &headers, Some("csrf=guess".to_owned())).await;
        assert_eq!(refused.status, 403, "{action}");
        scene.browser.send("GET", &path, &[], None).await.expect(405);
    }
    assert!(scene.browser.cookie(COOKIE).is_none());
    scene.world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_is_kept_out_is_led_to_the_only_way_in() {
    for engine in Engines::available() {
        let scene = Scene::start(engine).await;
        let key = scene.provider().await;
        let one = scene.path(&format!("/sso/{key}"));
        let settings = |only: bool| {
            let mut fields = vec![("name", "Our ID"), ("client_id", CLIENT_ID), ("enabled", "on")];
            if only {
                fields.push(("only_way_in", "on"));
            }
            fields
        };
        scene.browser.open(&one).await.expect(200);
        let refused = scene.browser.submit(&one, &settings(true)).await.expect(422);
        assert!(refused.text.contains("Nobody has signed in through this identity provider yet"));
        scene.link(&key).await;
        let through = scene.world.browser();
        let back = scene.leave(&through, &format!("/sso/{key}"), &format!("/sso/{key}/start")).await;
        scene.come_back(&through, &key, &back).await.expect(303);
        through.open(&one).await.expect(200);
        through.submit(&one, &settings(true)).await.expect(200);
        assert!(through.html().contains("Members come in through this provider alone."));

        let agent = scene.world.member(scene.tenant.workspace, Role::Admin).await;
        let browser = scene.world.browser_of(&agent).await;
        let page = browser.open(&scene.path("/sso")).await.expect(403);
        let enter = scene.path("/enter");
        // With the page that was asked for, to come back to.
        let asked = scene.path("/sso").replace('/', "%2F");
        assert!(page.text.contains(&format!("href=\"{enter}?back={asked}\"")), "{}", page.text);
        browser.open(&format!("{enter}?back={asked}")).await.expect(200);
        assert_eq!(browser.at(), format!("/sso/{key}?back={asked}"));
        // Who has no seat learns nothing.
        let stranger = scene.world.browser_of(&scene.world.somebody(None).await).await;
        stranger.open(&enter).await.expect(404);
        scene.world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn forms_say_what_is_wrong_and_accounts_are_unlinked() {
    let scene = Scene::start(Engines::Sqlite).await;
    let all = scene.path("/sso");
    scene.browser.open(&all).await.expect(200);
    let inside = [
        ("kind", "oidc"),
        ("name", "Inside"),
        ("issuer", "https://10.0.0.1"),
        ("client_id", "x"),
        ("client_secret", "secret"),
    ];
    let answer = scene.browser.submit(&all, &inside).await.expect(422);
    assert!(answer.text.contains("cannot be used") && !answer.text.contains("\"secret\""));
    scene.browser.open(&all).await.expect(200);
    let answer =
        scene.browser.submit(&all, &[("kind", "microsoft"), ("tenant", "acme.example")]).await.expect(422);
    assert!(answer.text.contains("Expected a tenant id") && answer.text.contains("Give the client id"));

    let key = scene.provider().await;
    scene.link(&key).await;
    scene.browser.open("/account/linked").await.expect(200);
    scene.browser.submit("/account/linked/unlink", &[]).await.expect(200);
    assert!(!scene.browser.html().contains("ann@example.org"));
    let one = scene.path(&format!("/sso/{key}"));
    scene.browser.open(&one).await.expect(200);
    scene.browser.submit(&format!("{one}/remove"), &[]).await.expect(200);
    scene.browser.open(&one).await.expect(404);

    // An agent sees none of it, and an admin's key reads and changes nothing.
    let agent = scene.world.member(scene.tenant.workspace, Role::Agent).await;
    scene.world.browser_of(&agent).await.open(&all).await.expect(403);
    let admin = &scene.tenant.admin;
    assert_eq!(admin.get("/v1/identity-providers").await.expect(200).json()["data"], json!([]));
    let create = json!({
        "name": "GitHub", "kind": "github", "client_id": "gatepost", "client_secret": "hunter2hunter2",
    });
    let refused = admin.post("/v1/identity-providers", &create).await.expect(403);
    assert_eq!(refused.code(), "permission_missing");
    scene.world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invitation_is_accepted_through_a_provider() {
    for engine in Engines::available() {
        let scene = Scene::start(engine).await;
        let key = scene.provider().await;
        let invite = async |email: &str| {
            scene.browser.open(&scene.path("/members/invite")).await.expect(200);
            let fields = [("email", email), ("role", "agent")];
            let answer = scene.browser.submit(&scene.path("/members/invite"), &fields).await;
            let link =
                answer.text.split("/invitation/").nth(1).unwrap_or_else(|| unreachable!("{}", answer.text));
            link[..43].to_owned()
        };
        let word = invite("new@shop.example").await;
        let page = format!("/invitation/{word}");
        let start = format!("/sso/{key}/start");
        // Another address, verified or not, is not the invited one.
        for (sub, email, verified) in [("5", "other@shop.example", true), ("6", "new@shop.example", false)] {
            let (sub, email) = (sub.to_owned(), email.to_owned());
            scene.idp.sign_in(There { sub, email, verified, name: String::new() });
            let browser = scene.world.browser();
            let back = scene.leave(&browser, &page, &start).await;
            scene.come_back(&browser, &key, &back).await.expect(403);
        }
        scene.there("7", "New@Shop.example");
        let browser = scene.world.browser();
        let back = scene.leave(&browser, &page, &start).await;
        let answer = scene.come_back(&browser, &key, &back).await.expect(303);
        assert_eq!(answer.headers["location"].to_str().unwrap(), scene.path(""));
        assert!(browser.session().is_some());
        // The invitation is used up.
        scene.world.browser().open(&page).await.expect(410);
        scene.world.stop().await;
    }
}
