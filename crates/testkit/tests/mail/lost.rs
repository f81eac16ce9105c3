//! Forgotten passwords.

use std::time::Duration;

use gatepost_core::Code;
use gatepost_core::access::operator_permission;
use gatepost_testkit::{Engines, Setup, World};

use crate::support::{ANNA, House, OTHER_PASSWORD, PASSWORD, caller, secret};

async fn link(house: &House) -> String {
    let before = house.server.mails_to(ANNA).len();
    house.world.app.password_forgotten(&caller(9), ANNA).await.unwrap();
    gatepost_testkit::eventually("the link", async || {
        house.server.mails_to(ANNA).into_iter().nth(before).map(|mail| House::token(&mail.link()))
    })
    .await
}

#[tokio::test]
async fn a_link_sets_a_password_once_and_ends_every_session() {
    for engine in Engines::available() {
        let house = House::open(engine).await;
        house.person(ANNA).await;
        let (one, two) =
            (house.sign_in(ANNA, PASSWORD).await.unwrap(), house.sign_in(ANNA, PASSWORD).await.unwrap());
        let token = link(&house).await;
        let app = &house.world.app;
        app.password_reset_look(&token).await.unwrap();
        app.password_reset(&caller(9), &token, &secret(OTHER_PASSWORD)).await.unwrap();
        for session in [one, two] {
            assert_eq!(house.who(&session).await.unwrap_err().code(), Code::SessionEnded);
        }
        for used in [
            app.password_reset_look(&token).await,
            app.password_reset(&caller(9), &token, &secret(PASSWORD)).await,
        ] {
            assert_eq!(used.unwrap_err().code(), Code::LinkInvalid);
        }
        assert!(house.sign_in(ANNA, PASSWORD).await.is_err());
        assert!(house.sign_in(ANNA, OTHER_PASSWORD).await.is_ok());
        assert_eq!(house.audited("password.changed").await, 1);
        let told = house.server.mail_to(ANNA, "Your password was changed").await.text();
        assert!(told.contains("203.0.113.9") && told.contains("“Firefox on Linux”"), "{told}");
    }
}

#[tokio::test]
async fn of_many_who_use_a_link_at_once_one_does() {
    for engine in Engines::available() {
        let house = House::open(engine).await;
        house.person(ANNA).await;
        let token = link(&house).await;
        let tries = (0..16).map(|n| {
            let (app, token) = (house.world.app.clone(), token.clone());
            tokio::spawn(async move {
                app.password_reset(&caller(n), &token, &secret(&format!("{OTHER_PASSWORD} {n}")))
                    .await
                    .is_ok()
            })
        });
        let mut won = 0;
        for one in tries.collect::<Vec<_>>() {
            won += usize::from(one.await.unwrap());
        }
        assert_eq!(won, 1);
    }
}

#[tokio::test]
async fn a_bad_password_leaves_the_link_as_it_was() {
    let house = House::open(Engines::Sqlite).await;
    house.person(ANNA).await;
    let token = link(&house).await;
    for bad in ["short", "password12345678", "anna@example.com", "Anna Bell Anna Bell"] {
        let refused = house.world.app.password_reset(&caller(1), &token, &secret(bad)).await.unwrap_err();
        assert_eq!(refused.code(), Code::PasswordRefused, "{bad}");
    }
    assert!(house.world.app.password_reset(&caller(1), &token, &secret(OTHER_PASSWORD)).await.is_ok());
}

#[tokio::test]
async fn a_link_ends_after_an_hour_and_with_the_next_one() {
    let house = House::open(Engines::Sqlite).await;
    house.person(ANNA).await;
    let first = link(&house).await;
    let second = link(&house).await;
    let look = async |token: &str| house.world.app.password_reset_look(token).await;
    assert!(look(&first).await.is_err() && look(&second).await.is_ok());
    house.world.clock.advance(Duration::from_secs(3_599));
    assert!(look(&second).await.is_ok());
    house.world.clock.advance(Duration::from_secs(1));
    assert_eq!(look(&second).await.unwrap_err().code(), Code::LinkInvalid);
    let tried = house.world.app.password_reset(&caller(1), &second, &secret(OTHER_PASSWORD)).await;
    assert_eq!(tried.unwrap_err().code(), Code::LinkInvalid);
    for nonsense in ["", "x", &"x".repeat(5_000), "gps_0123"] {
        assert!(look(nonsense).await.is_err());
    }
}

/// One row and no look at accounts, whoever is asked for; what follows happens out of sight.
#[tokio::test]
async fn asking_tells_nobody_who_has_an_account() {
    for engine in Engines::available() {
        let setup = Setup { workers: false, ..Setup::new(engine) };
        let server = gatepost_testkit::MailServer::start().await;
        let world = World::start(Setup { mail: Some(server.mailer()), ..setup }).await;
        let house = House { world, server };
        house.person(ANNA).await;
        let (mut known, mut unknown) = (Vec::new(), Vec::new());
        for (email, seen) in [(ANNA, &mut known), ("nobody@example.com", &mut unknown)] {
            let before = house.queue().await;
            house.world.app.password_forgotten(&caller(1), email).await.unwrap();
            *seen = house.queue().await.into_iter().skip(before.len()).collect();
        }
        assert_eq!(known, unknown);
        assert_eq!(known.len(), 1);
        house.world.app.start_workers();
        house.server.mail_to(ANNA, "Set a new password").await;
        house.settled().await;
        assert!(house.server.mails_to("nobody@example.com").is_empty());
        assert!(house.queue().await.iter().all(|mail| mail.state == 2 && mail.erased));
    }
}

#[tokio::test]
async fn nobody_fills_a_mailbox_with_links() {
    for engine in Engines::available() {
        let house = House::open(engine).await;
        house.person(ANNA).await;
        for spelling in [ANNA, "Anna@Example.com", " ANNA@example.com ", ANNA, "anna@example.com."] {
            // The answer never changes, and another caller does not begin anew.
            house.world.app.password_forgotten(&caller(7), spelling).await.unwrap();
        }
        house.settled().await;
        assert_eq!(house.server.mails_to(ANNA).len(), 3);
        house.later(Duration::from_secs(3_601)).await;
        house.world.app.password_forgotten(&caller(7), ANNA).await.unwrap();
        house.settled().await;
        assert_eq!(house.server.mails_to(ANNA).len(), 4);
        // One caller asks for many.
        for n in 0..40 {
            house.world.app.password_forgotten(&caller(8), &format!("person-{n}@example.com")).await.unwrap();
        }
        let asked = house.queue().await.into_iter().filter(|mail| mail.kind == "reset_asked").count();
        assert_eq!(asked, 4 + 20);
    }
}

#[tokio::test]
async fn a_disabled_account_gets_no_link() {
    let house = House::open(Engines::Sqlite).await;
    let user = house.person(ANNA).await;
    let token = link(&house).await;
    let now = house.world.app.now();
    let disable = house.world.store.write_system(async move |tx| {
        tx.user_disabled_set(user, Some(now)).await?;
        tx.commit(gatepost_core::audit::Audit::None("a test"), ())
    });
    disable.await.unwrap();
    let tried = house.world.app.password_reset(&caller(1), &token, &secret(OTHER_PASSWORD)).await;
    assert_eq!(tried.unwrap_err().code(), Code::LinkInvalid);
    house.world.app.password_forgotten(&caller(1), ANNA).await.unwrap();
    house.settled().await;
    assert_eq!(house.server.mails_to(ANNA).len(), 1, "the one from before");
}

/// Without e-mail the operator helps, and it is written down.
#[tokio::test]
async fn the_operator_lets_somebody_in_again() {
    for engine in Engines::available() {
        let world = World::start(Setup::new(engine)).await;
        let server = gatepost_testkit::MailServer::start().await;
        let house = House { world, server };
        house.person(ANNA).await;
        assert_eq!(
            house.world.app.password_forgotten(&caller(1), ANNA).await.unwrap_err().code(),
            Code::MailOff
        );
        let grant = || house.world.operator::<operator_permission::UserManage>();
        let made = house.world.app.user_recover(&grant(), "ANNA@example.com").await.unwrap();
        assert!(made.link.expose().starts_with("http://localhost:8080/reset/"));
        let token = House::token(made.link.expose());
        house.world.app.password_reset(&caller(1), &token, &secret(OTHER_PASSWORD)).await.unwrap();
        assert!(house.sign_in(ANNA, OTHER_PASSWORD).await.is_ok());
        assert_eq!(house.audited("user.recovered").await, 1);
        let unknown = house.world.app.user_recover(&grant(), "nobody@example.com").await;
        assert_eq!(unknown.err().unwrap().code(), Code::NotFound);
    }
}

/// Guesses of others shut nobody out for good: a link by e-mail begins anew.
#[tokio::test]
async fn a_new_password_ends_the_wait_for_guesses_at_the_old_one() {
    for engine in Engines::available() {
        let server = gatepost_testkit::MailServer::start().await;
        let mut setup = Setup { mail: Some(server.mailer()), ..Setup::new(engine) };
        setup.config.guesses = gatepost_app::GuessRules::default();
        let house = House { world: World::start(setup).await, server };
        house.person(ANNA).await;
        for n in 0..20 {
            assert!(house.sign_in_from(&caller(n), ANNA, "a guess at the password").await.is_err());
        }
        assert!(house.sign_in_from(&caller(50), ANNA, PASSWORD).await.is_err(), "kept out for now");
        let token = link(&house).await;
        house.world.app.password_reset(&caller(50), &token, &secret(OTHER_PASSWORD)).await.unwrap();
        assert!(house.sign_in_from(&caller(50), ANNA, OTHER_PASSWORD).await.is_ok());
    }
}
