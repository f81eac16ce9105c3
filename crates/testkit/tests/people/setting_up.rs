//! The first run: nothing but the set-up, once, with a token.

use std::time::Duration;

use gatepost_app::SetupAsk;
use gatepost_core::access::{Role, SessionKind, operator_permission::UserManage};
use gatepost_core::{Code, Secret};
use gatepost_testkit::{Browser, Engines, PASSWORD, Setup, World};

fn fresh(engine: Engines) -> Setup {
    Setup { set_up: false, workers: false, ..Setup::new(engine) }
}

fn ask(token: &Secret<String>) -> SetupAsk {
    SetupAsk {
        acceptable_use: None,
        token: Secret::new(token.expose().clone()),
        workspace: "Northwind".to_owned(),
        name: "Ana Kovač".to_owned(),
        email: "ana@northwind.example".to_owned(),
        password: Secret::new(PASSWORD.to_owned()),
    }
}

async fn fill(browser: &Browser, token: &str, password: &str) -> gatepost_testkit::Answer {
    browser.open("/setup").await.expect(200);
    let fields = [
        ("token", token),
        ("workspace", "Northwind"),
        ("name", "Ana Kovač"),
        ("email", "ana@northwind.example"),
        ("password", password),
    ];
    let all = browser.filled("/setup", &fields);
    let all: Vec<(&str, &str)> = all.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
    browser.post("/setup", &all).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_but_the_set_up_before_somebody_is_the_operator() {
    for engine in Engines::available() {
        let world = World::start(fresh(engine)).await;
        let tenant = world.tenant("By hand").await;
        let browser = world.browser();
        let pages: Vec<_> = gatepost_http::inventory()
            .into_iter()
            .filter(|route| route.surface == gatepost_http::Surface::Console && route.method == "GET")
            .filter(|route| !route.path.starts_with("/assets/") && route.path != "/setup")
            // For visitors of somebody's site, who set nothing up.
            .filter(|route| !route.path.starts_with("/verify/"))
            .collect();
        assert!(pages.len() > 5, "there are pages");
        for page in pages {
            let path = page.path.replace(['{', '}'], "");
            let answer = browser.send("GET", &path, &[], None).await.expect(303);
            assert_eq!(answer.headers["location"], "/setup", "{path}");
        }
        // The API works regardless, and so does whoever looks whether the server is well.
        tenant.admin.get("/v1/messages").await.expect(200);
        world.nobody().get("/healthz").await.expect(200);

        // Somebody guesses, somebody's password is too well known: nothing is done, and the token stays good.
        let token = world.app.setup_token_at_start().await.unwrap().unwrap().token;
        let guessed = fill(&browser, "0123456789abcdef", PASSWORD).await.expect(422);
        assert!(guessed.text.contains("never good"), "{}", guessed.text);
        let weak = fill(&browser, token.expose(), "password123").await.expect(422);
        assert!(weak.text.contains("f-password") && !weak.text.contains("password123"), "{}", weak.text);
        let done = fill(&browser, token.expose(), PASSWORD).await.expect(303);
        let home = done.headers["location"].to_str().unwrap().to_owned();
        assert!(home.starts_with("/w/ws_"), "{home}");

        // Signed in, as owner of the workspace; an operator's rights begin with a second factor, elsewhere.
        let person =
            world.app.person_of_session(&browser.session().unwrap(), SessionKind::Console).await.unwrap();
        let seats = world.app.seats_of(&person).await.unwrap();
        assert_eq!(
            (seats[0].role, seats[0].workspace_name.as_str(), seats.len()),
            (Role::Owner, "Northwind", 1)
        );
        assert!(person.operator().is_some() && person.operator_grant::<UserManage>(world.app.now()).is_err());

        // Afterwards there is no such page, for nobody, and the token opens nothing.
        for other in [&browser, &world.browser()] {
            other.open("/setup").await.expect(404);
        }
        let again = world.app.setup_complete(&world.caller(), ask(&token)).await.err().unwrap();
        assert_eq!(again.code(), Code::NotFound);
        assert!(world.app.setup_token_at_start().await.unwrap().is_none());
        let made = world.app.setup_token_make(&world.operator()).await.err().unwrap();
        assert_eq!(made.code(), Code::Conflict);
        // What a browser knows now leads in.
        world.browser().open("/").await.expect(200);
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_with_tokens_one_succeeds() {
    for engine in Engines::available() {
        let world = World::start(fresh(engine)).await;
        let first = world.app.setup_token_at_start().await.unwrap().unwrap().token;
        let second = world.app.setup_token_at_start().await.unwrap().unwrap().token;
        let asks = [&first, &first, &second, &second].map(|token| {
            let (app, caller, ask) = (world.app.clone(), world.caller(), ask(token));
            tokio::spawn(async move { app.setup_complete(&caller, ask).await.map(drop) })
        });
        let mut done = 0;
        for asked in asks {
            match asked.await.unwrap() {
                Ok(()) => done += 1,
                Err(error) => assert!(
                    matches!(error.code(), Code::LinkInvalid | Code::NotFound | Code::Conflict),
                    "{error}"
                ),
            }
        }
        assert_eq!(done, 1, "{engine:?}");
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tokens_are_good_for_an_hour_and_the_operators_own_voids_the_others() {
    for engine in Engines::available() {
        let world = World::start(fresh(engine)).await;
        let code = async |token: &Secret<String>| {
            world.app.setup_complete(&world.caller(), ask(token)).await.err().map(|error| error.code())
        };
        let first = world.app.setup_token_at_start().await.unwrap().unwrap().token;
        let second = world.app.setup_token_make(&world.operator()).await.unwrap().token;
        assert_eq!(code(&first).await, Some(Code::LinkInvalid), "the second voided it");
        world.clock.advance(Duration::from_hours(1));
        assert_eq!(code(&second).await, Some(Code::LinkInvalid), "its hour is over");
        let third = world.app.setup_token_make(&world.operator()).await.unwrap().token;
        world.clock.advance(Duration::from_mins(59));
        assert_eq!(code(&third).await, None);
        world.stop().await;
    }
}

/// There is no account before the set-up, and afterwards none that everybody knows.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_default_credential_opens_anything() {
    for engine in Engines::available() {
        let world = World::start(fresh(engine)).await;
        let known = async || {
            for email in ["admin@example.com", "admin@localhost.localdomain", "root@gatepost.local", "admin"]
            {
                for password in
                    ["admin", "gatepost", "password", "changeme", "admin123", "root", "letmein", ""]
                {
                    let password = Secret::new(password.to_owned());
                    let caller = gatepost_app::Caller { client: None, ..world.caller() };
                    let tried =
                        world.app.sign_in_password(&caller, SessionKind::Console, email, &password).await;
                    assert_eq!(tried.err().map(|error| error.code()), Some(Code::SignInFailed), "{email}");
                    world.clock.advance(Duration::from_mins(20));
                }
            }
        };
        let accounts = world.rows().await;
        assert_eq!(accounts.get("user_account").map_or(0, Vec::len), 0, "nobody is there beforehand");
        known().await;
        let token = world.app.setup_token_make(&world.operator()).await.unwrap().token;
        world.app.setup_complete(&world.caller(), ask(&token)).await.unwrap();
        assert_eq!(world.rows().await["user_account"].len(), 1);
        known().await;
        world.stop().await;
    }
}
