//! Sessions and the seats that they give.

use std::time::Duration;

use gatepost_core::access::permission::{KeyManage, MessageSend};
use gatepost_core::access::{Role, SessionKind};
use gatepost_core::{Code, Secret};
use gatepost_testkit::{Engines, PASSWORD, Setup, World};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_gives_the_seat_that_its_person_has() {
    for engine in Engines::available() {
        let world = World::start(Setup::new(engine)).await;
        let (ours, theirs) = (world.tenant("Ours").await, world.tenant("Theirs").await);
        let agent = world.member(ours.workspace, Role::Agent).await;
        let session = world.sign_in(&agent).await;
        let person = world.app.person_of_session(session.token.expose(), SessionKind::Console).await.unwrap();
        assert_eq!(person.user(), agent.id);
        let seat = world.app.principal_of_person(&person, ours.workspace).await.unwrap();
        assert!(seat.grant::<MessageSend>().is_ok());
        assert_eq!(seat.grant::<KeyManage>().unwrap_err().code(), Code::PermissionMissing);
        let other = world.app.principal_of_person(&person, theirs.workspace).await.unwrap_err();
        assert_eq!(other.code(), Code::NotFound, "like a workspace that there is not");

        // The token opens no operator's door, and another token none.
        for (token, kind) in [
            (session.token.expose().as_str(), SessionKind::Operator),
            (session.device.expose().as_str(), SessionKind::Console),
            ("gps_guess", SessionKind::Console),
        ] {
            let refused = world.app.person_of_session(token, kind).await.unwrap_err();
            assert_eq!(refused.code(), Code::SessionEnded);
        }
        // Nothing of a person or a session is in the rows as it is.
        let rows = format!("{:?}", world.rows().await);
        for secret in
            [session.token.expose().as_str(), session.device.expose(), &agent.email, "Ann Example", PASSWORD]
        {
            assert!(!rows.contains(secret), "{engine:?}: {secret}");
        }
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_is_renewed_and_the_old_one_dies() {
    for engine in Engines::available() {
        let mut setup = Setup::new(engine);
        setup.workers = false;
        let world = World::start(setup).await;
        let tenant = world.tenant("Ours").await;
        let owner = world.member(tenant.workspace, Role::Owner).await;
        let first = world.sign_in(&owner).await.token;
        let app = &world.app;
        assert!(app.session_renew(first.expose()).await.unwrap().is_none(), "its time has not come");
        world.clock.advance(Duration::from_mins(16));
        let second = app.session_renew(first.expose()).await.unwrap().unwrap();
        assert!(app.session_renew(first.expose()).await.unwrap().is_none(), "once");
        let opens = async |token: &Secret<String>| {
            app.person_of_session(token.expose(), SessionKind::Console).await.is_ok()
        };
        assert!(opens(&first).await && opens(&second).await, "requests were under way");
        world.clock.advance(Duration::from_secs(31));
        assert!(!opens(&first).await && opens(&second).await);
        let person = app.person_of_session(second.expose(), SessionKind::Console).await.unwrap();
        app.session_end(&person, &world.caller(), person.session()).await.unwrap();
        assert!(!opens(&second).await);
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_ended_on_one_node_is_dead_on_the_other() {
    let Some(engine) = Engines::available().into_iter().find(|engine| *engine == Engines::Postgres) else {
        return;
    };
    let world = World::start(Setup::new(engine)).await;
    let second = world.another(Setup::new(engine)).await;
    let tenant = world.tenant("Ours").await;
    let owner = world.member(tenant.workspace, Role::Owner).await;
    let token = world.sign_in(&owner).await.token;
    let person = second.app.person_of_session(token.expose(), SessionKind::Console).await.unwrap();
    world.app.session_end(&person, &world.caller(), person.session()).await.unwrap();
    let refused = second.app.person_of_session(token.expose(), SessionKind::Console).await.unwrap_err();
    assert_eq!(refused.code(), Code::SessionEnded);
    second.stop().await;
    world.stop().await;
}
