//! Signing in, out and elsewhere through the pages; what is ended is dead on every node, and so are its streams.

use std::time::{Duration, Instant};

use gatepost_core::access::{Role, SessionKind};
use gatepost_testkit::{Browser, Engines, PASSWORD, Setup, Somebody, World};

/// Within which an ended session opens nothing, on any node.
const DEAD_WITHIN: Duration = Duration::from_secs(1);

async fn sign_in(browser: &Browser, somebody: &Somebody, path: &str) -> gatepost_testkit::Answer {
    browser.open(path).await.expect(200);
    browser.submit("/sign-in", &[("email", &somebody.email), ("password", PASSWORD)]).await
}

/// Whether the browser's session opens a page of the account; without following where else it leads.
async fn opens(browser: &Browser) -> bool {
    let answer = browser.send("GET", "/account/sessions", &[], None).await;
    match answer.status {
        200 => true,
        303 => {
            let to = answer.headers["location"].to_str().unwrap().to_owned();
            assert!(to.starts_with("/sign-in"), "{to}");
            false
        }
        other => unreachable!("{other}: {}", answer.text),
    }
}

/// Waits until the session is dead for this browser; how long that took.
async fn dies(browser: &Browser) -> Duration {
    let begin = Instant::now();
    while opens(browser).await {
        assert!(begin.elapsed() < Duration::from_secs(10), "it lives on");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    begin.elapsed()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signed_in_by_the_page_and_back_to_where_one_wanted() {
    for engine in Engines::available() {
        let world = World::start(Setup { workers: false, ..Setup::new(engine) }).await;
        let owner = world.somebody(None).await;
        let browser = world.browser();
        let asked = browser.send("GET", "/account/sessions", &[], None).await.expect(303);
        let to = asked.headers["location"].to_str().unwrap().to_owned();
        assert_eq!(to, "/sign-in?back=%2Faccount%2Fsessions");
        let visit = browser.cookie("__Host-gatepost-visit");
        sign_in(&browser, &owner, &to).await.expect(200);
        assert_eq!(browser.at(), "/account/sessions");
        assert!(browser.html().contains("This one"), "{}", browser.html());
        assert!(browser.session().is_some() && visit.is_none());

        // No way leads elsewhere.
        for back in ["https://evil.example/", "//evil.example", "/\\evil.example", "javascript:alert(1)"] {
            let other = world.browser();
            let path = format!("/sign-in?back={}", back.replace('/', "%2F").replace(':', "%3A"));
            other.open(&path).await.expect(200);
            let fields = [("email", owner.email.as_str()), ("password", PASSWORD), ("back", back)];
            let all = other.filled("/sign-in", &fields);
            let all: Vec<(&str, &str)> = all.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
            let answer = other.post("/sign-in", &all).await.expect(303);
            assert_eq!(answer.headers["location"], "/workspaces", "{back}: nobody is led elsewhere");
        }
        // A session that a stranger chose is none: the token is made here, at the last proof.
        let fixed = world.browser();
        fixed.set_cookie("__Host-gatepost", "gps_chosen_by_a_stranger");
        sign_in(&fixed, &owner, "/sign-in").await;
        assert_ne!(fixed.session().as_deref(), Some("gps_chosen_by_a_stranger"));
        // Only digests are at rest.
        let rows = format!("{:?}", world.rows().await);
        for browser in [&browser, &fixed] {
            assert!(!rows.contains(&browser.session().unwrap()), "a token is in the database");
        }
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stolen_cookie_dies_at_sign_out_on_every_node_within_a_second() {
    for engine in Engines::available() {
        let world = World::start(Setup { workers: false, ..Setup::new(engine) }).await;
        // SQLite has one node.
        let node = match engine {
            Engines::Postgres => Some(world.another(Setup { workers: false, ..Setup::new(engine) }).await),
            Engines::Sqlite => None,
        };
        let owner = world.somebody(None).await;
        let browser = world.browser_of(&owner).await;
        let thief = browser.at_node(node.as_ref().unwrap_or(&world));
        assert!(opens(&thief).await);
        browser.open("/account/sessions").await.expect(200);
        let begin = Instant::now();
        browser.submit("/sign-out", &[]).await.expect(200);
        assert_eq!((browser.at().as_str(), browser.session()), ("/sign-in", None));
        dies(&thief).await;
        assert!(begin.elapsed() < DEAD_WITHIN, "{engine:?}: {:?}", begin.elapsed());
        if let Some(node) = node {
            node.stop().await;
        }
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_elsewhere_are_listed_and_ended() {
    for engine in Engines::available() {
        let world = World::start(Setup { workers: false, ..Setup::new(engine) }).await;
        let owner = world.somebody(None).await;
        let (here, phone, laptop) =
            (world.browser_of(&owner).await, world.browser_of(&owner).await, world.browser_of(&owner).await);
        here.open("/account/sessions").await.expect(200);
        assert_eq!(here.html().matches("Firefox on Linux").count() + here.html().matches("Linux").count(), 3);
        assert!(here.html().contains("127.0.0.1"));
        let person =
            world.app.person_of_session(&phone.session().unwrap(), SessionKind::Console).await.unwrap();
        let of_phone = person.session();
        // Somebody else cannot end it, nor see that it is there.
        let other = world.somebody(None).await;
        let stranger = world.browser_of(&other).await;
        stranger.open("/account/sessions").await.expect(200);
        assert!(!stranger.html().contains(&of_phone.to_string()));
        let csrf = stranger.csrf().unwrap();
        let path = format!("/account/sessions/{of_phone}/end");
        stranger.post(&path, &[("csrf", &csrf)]).await.expect(404);
        assert!(opens(&phone).await);

        here.submit(&path, &[]).await.expect(200);
        assert!(here.html().contains("The session is over"));
        assert!(!opens(&phone).await && opens(&laptop).await);
        here.submit("/account/sessions/end-others", &[]).await.expect(200);
        assert!(!opens(&laptop).await && opens(&here).await);
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_gets_another_token_every_quarter_of_an_hour_and_ends_when_idle() {
    for engine in Engines::available() {
        let world = World::start(Setup { workers: false, ..Setup::new(engine) }).await;
        let owner = world.somebody(None).await;
        let browser = world.browser_of(&owner).await;
        let first = browser.session().unwrap();
        let thief = browser.at_node(&world);
        browser.open("/account/sessions").await.expect(200);
        assert_eq!(browser.session().as_deref(), Some(first.as_str()));
        // A form that was opened before the renewal is good after it.
        let form = browser.filled("/sign-out", &[]);
        world.clock.advance(Duration::from_mins(16));
        browser.send("GET", "/account/sessions", &[], None).await.expect(200);
        let second = browser.session().unwrap();
        assert_ne!(first, second);
        world.clock.advance(Duration::from_secs(31));
        assert!(opens(&browser).await && !opens(&thief).await, "the old token is dead");
        let form: Vec<(&str, &str)> = form.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        browser.post("/sign-out", &form).await.expect(303);
        assert!(!opens(&browser).await);

        let idle = world.browser_of(&owner).await;
        world.clock.advance(Duration::from_mins(59));
        assert!(opens(&idle).await);
        world.clock.advance(Duration::from_hours(1));
        assert!(!opens(&idle).await, "an hour without a request");
        let busy = world.browser_of(&owner).await;
        for _ in 0..47 {
            world.clock.advance(Duration::from_mins(30));
            assert!(opens(&busy).await);
        }
        world.clock.advance(Duration::from_mins(30));
        assert!(!opens(&busy).await, "a day altogether");
        world.stop().await;
    }
}

/// A seat that is gone or narrower binds the next request on the other node.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_disabled_account_opens_nothing() {
    for engine in Engines::available() {
        let world = World::start(Setup { workers: false, ..Setup::new(engine) }).await;
        let tenant = world.tenant("Ours").await;
        let agent = world.member(tenant.workspace, Role::Agent).await;
        let browser = world.browser_of(&agent).await;
        let (id, now) = (agent.id, gatepost_core::Clock::now(world.clock.as_ref()));
        assert!(opens(&browser).await);
        let disabled = world.store.write_system(async move |tx| {
            tx.user_disabled_set(id, Some(now)).await?;
            tx.credential_epoch_raise().await?;
            tx.commit(gatepost_core::audit::Audit::None("a test"), ())
        });
        disabled.await.unwrap();
        // Whoever disables waits for the nodes; the row alone binds after what was read of it has lost its belief.
        world.clock.advance(Duration::from_secs(21));
        assert!(!opens(&browser).await);
        let tried = world.browser();
        sign_in(&tried, &agent, "/sign-in").await.expect(422);
        world.stop().await;
    }
}

/// Windows of pages: counted by session where there is one, else by address.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pages_have_windows_of_their_own() {
    for engine in Engines::available() {
        let mut setup = Setup { workers: false, ..Setup::new(engine) };
        setup.config.limits = gatepost_app::LimitConfig::default();
        let world = World::start(setup).await;
        let owner = world.somebody(None).await;
        let visitor = world.browser();
        let mut statuses = Vec::new();
        for _ in 0..5 {
            let answer = visitor.send("GET", "/sign-in", &[], None).await;
            let policy = answer.headers["ratelimit-policy"].to_str().unwrap();
            assert_eq!(policy, r#""3/s";q=3;w=1, "20/10s";q=20;w=10, "100/min";q=100;w=60"#);
            if answer.status == 429 {
                assert!(answer.headers.contains_key("retry-after") && answer.text.contains("<html"));
            }
            statuses.push(answer.status);
        }
        assert_eq!(statuses, [200, 200, 200, 429, 429]);
        // Whoever is signed in behind the same address is not slowed by it, and parts of pages are not counted.
        let browser = world.browser_of(&owner).await;
        browser.send("GET", "/account/sessions", &[], None).await.expect(200);
        let asset = browser.html();
        drop(asset);
        for _ in 0..10 {
            visitor.send("GET", "/assets/none.css", &[], None).await.expect(404);
        }
        world.stop().await;
    }
}
