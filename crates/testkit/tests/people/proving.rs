//! Proving again who one is, for what cannot be taken back.

use std::time::Duration;

use gatepost_app::{GuessRules, Proof};
use gatepost_core::access::permission::KeyManage;
use gatepost_core::access::{Role, SessionKind};
use gatepost_core::{Clock as _, Code, Secret};
use gatepost_testkit::{Browser, Engines, PASSWORD, Setup, World};

async fn world(engine: Engines) -> World {
    World::start(Setup { workers: false, ..Setup::new(engine) }).await
}

async fn may_manage_keys(
    world: &World,
    browser: &Browser,
    workspace: gatepost_core::WorkspaceId,
) -> Option<Code> {
    let person =
        world.app.person_of_session(&browser.session().unwrap(), SessionKind::Console).await.unwrap();
    let seat = world.app.principal_of_person(&person, workspace).await.unwrap();
    seat.grant::<KeyManage>().err().map(|error| error.code())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_makes_a_proof_fresh_and_leads_back() {
    for engine in Engines::available() {
        let world = world(engine).await;
        let tenant = world.tenant("Ours").await;
        let owner = world.member(tenant.workspace, Role::Owner).await;
        let browser = world.browser_of(&owner).await;
        assert_eq!(may_manage_keys(&world, &browser, tenant.workspace).await, None);
        world.clock.advance(Duration::from_mins(6));
        assert_eq!(may_manage_keys(&world, &browser, tenant.workspace).await, Some(Code::ReauthRequired));
        browser.open("/reauth?back=%2Faccount%2Fsessions").await.expect(200);
        let old = browser.session().unwrap();
        let thief = browser.at_node(&world);
        browser.submit("/reauth", &[("password", "not it at all")]).await.expect(422);
        assert_eq!(may_manage_keys(&world, &browser, tenant.workspace).await, Some(Code::ReauthRequired));
        browser.submit("/reauth", &[("password", PASSWORD)]).await.expect(200);
        assert_eq!(browser.at(), "/account/sessions");
        assert_eq!(may_manage_keys(&world, &browser, tenant.workspace).await, None);
        // What may do more has another token: the one from before dies after what was under way.
        assert_ne!(browser.session().unwrap(), old);
        world.clock.advance(Duration::from_secs(31));
        thief.send("GET", "/account/sessions", &[], None).await.expect(303);
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_has_a_second_factor_proves_it_too() {
    for engine in Engines::available() {
        let world = world(engine).await;
        let owner = world.somebody(None).await;
        let session = world.sign_in(&owner).await;
        let person = world.person_of(&session).await;
        let (app, codes) = world.add_app(&person).await;
        let browser = world.browser();
        browser.adopt(&session);
        world.clock.advance(Duration::from_mins(6));
        // The app's confirmation renewed the token; the new one is with whoever confirmed. Sign in anew, in two steps.
        let browser = world.browser();
        browser.open("/sign-in?back=%2Freauth").await.expect(200);
        browser.submit("/sign-in", &[("email", &owner.email), ("password", PASSWORD)]).await.expect(200);
        assert!(browser.session().is_none(), "half a sign-in is none");
        let code = app.code(world.clock.now());
        browser.submit("/sign-in/second-step", &[("code", &code)]).await.expect(200);
        assert_eq!(browser.at(), "/reauth");
        world.clock.advance(Duration::from_mins(6));

        let fresh = async || {
            let token = browser.session().unwrap();
            let person = world.app.person_of_session(&token, SessionKind::Console).await.unwrap();
            person.is_fresh(world.clock.now())
        };
        assert!(!fresh().await);
        browser.open("/reauth").await.expect(200);
        for wrong in ["", "000000", &codes[0].replace(|c: char| c.is_ascii_alphanumeric(), "A"), &code] {
            browser.submit("/reauth", &[("password", PASSWORD), ("code", wrong)]).await.expect(422);
            assert!(!fresh().await, "{wrong}");
            world.clock.advance(Duration::from_secs(20));
        }
        let code = app.code(world.clock.now());
        browser.submit("/reauth", &[("password", PASSWORD), ("code", &code)]).await.expect(200);
        assert!(fresh().await);
        // A recovery code stands in for the app, once.
        world.clock.advance(Duration::from_mins(6));
        for (status, is_fresh) in [(200, true), (422, true)] {
            browser.open("/reauth").await.expect(200);
            let tried = browser.submit("/reauth", &[("password", PASSWORD), ("code", &codes[1])]).await;
            assert_eq!((tried.status, fresh().await), (status, is_fresh));
        }
        world.stop().await;
    }
}

/// Who holds a stolen session guesses at the password no faster than at the front door.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn guesses_here_are_counted_with_those_at_sign_in() {
    for engine in Engines::available() {
        let mut setup = Setup { workers: false, ..Setup::new(engine) };
        setup.config.guesses = GuessRules::default();
        let world = World::start(setup).await;
        let owner = world.somebody(None).await;
        let session = world.sign_in(&owner).await;
        let person = world.person_of(&session).await;
        let prove = async |password: &str| {
            let proof = Proof { password: Some(Secret::new(password.to_owned())), second_factor: None };
            world.app.session_prove(&person, &world.caller(), session.token.expose(), proof).await.map(drop)
        };
        for _ in 0..5 {
            assert_eq!(prove("a guess at it").await.unwrap_err().code(), Code::SignInFailed);
        }
        assert_eq!(prove(PASSWORD).await.unwrap_err().code(), Code::SignInFailed, "not looked at");
        let at_the_door = world
            .app
            .sign_in_password(
                &world.caller(),
                SessionKind::Console,
                &owner.email,
                &Secret::new(PASSWORD.to_owned()),
            )
            .await;
        assert_eq!(at_the_door.err().unwrap().code(), Code::SignInFailed, "nor there");
        world.clock.advance(Duration::from_secs(2));
        assert!(prove(PASSWORD).await.is_ok());
        world.stop().await;
    }
}
