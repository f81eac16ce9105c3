//! Passwords and addresses that people change themselves.

use std::time::Duration;

use gatepost_core::Code;
use gatepost_core::access::SessionKind;
use gatepost_testkit::Engines;

use crate::support::{ANNA, House, OTHER_PASSWORD, PASSWORD, caller, secret};

const NEW: &str = "anna.bell@example.org";

#[tokio::test]
async fn a_password_is_changed_with_the_present_one_and_ends_other_sessions() {
    for engine in Engines::available() {
        let house = House::open(engine).await;
        house.person(ANNA).await;
        let (here, there) =
            (house.sign_in(ANNA, PASSWORD).await.unwrap(), house.sign_in(ANNA, PASSWORD).await.unwrap());
        let person = house.who(&here).await.unwrap();
        let app = &house.world.app;
        let change = async |present: Option<&str>, new: &str| {
            let present = present.map(secret);
            let changed = app.password_change(&person, &caller(1), present.as_ref(), &secret(new)).await;
            changed.map(drop).map_err(|e| e.code())
        };
        assert_eq!(change(Some("a wrong guess at it"), OTHER_PASSWORD).await, Err(Code::SignInFailed));
        assert_eq!(change(Some(PASSWORD), "short").await, Err(Code::PasswordRefused));
        house.who(&there).await.unwrap();
        let (present, new) = (secret(PASSWORD), secret(OTHER_PASSWORD));
        let kept = app.password_change(&person, &caller(1), Some(&present), &new).await.unwrap();
        assert!(house.who(&here).await.is_err() && house.who(&there).await.is_err(), "its token is another");
        let here = app.person_of_session(kept.expose(), SessionKind::Console).await.unwrap();
        assert_eq!(here.session(), person.session());
        assert!(house.sign_in(ANNA, PASSWORD).await.is_err());
        house.server.mail_to(ANNA, "Your password was changed").await;
        // Without it, only soon after a proof.
        assert_eq!(change(None, PASSWORD).await, Ok(()));
        house.world.clock.advance(Duration::from_secs(301));
        assert_eq!(change(None, OTHER_PASSWORD).await, Err(Code::ReauthRequired));
    }
}

#[tokio::test]
async fn an_address_counts_once_its_mailbox_has_said_so() {
    for engine in Engines::available() {
        let house = House::open(engine).await;
        house.person(ANNA).await;
        let session = house.sign_in(ANNA, PASSWORD).await.unwrap();
        let person = house.who(&session).await.unwrap();
        let app = &house.world.app;
        app.email_change(&person, &caller(1), "first@example.org").await.unwrap();
        let first = House::token(&house.server.mail_to("first@example.org", "Confirm").await.link());
        app.email_change(&person, &caller(1), NEW).await.unwrap();
        let token = House::token(&house.server.mail_to(NEW, "Confirm").await.link());
        assert_eq!(
            app.email_change_look(&first).await.unwrap_err().code(),
            Code::LinkInvalid,
            "the last one counts"
        );
        assert_eq!(app.email_change_look(&token).await.unwrap(), NEW);
        assert!(house.sign_in(NEW, PASSWORD).await.is_err(), "not yet");
        app.email_confirm(&caller(2), &token).await.unwrap();
        assert_eq!(
            app.email_confirm(&caller(2), &token).await.unwrap_err().code(),
            Code::LinkInvalid,
            "once"
        );
        assert!(house.sign_in(NEW, PASSWORD).await.is_ok() && house.sign_in(ANNA, PASSWORD).await.is_err());
        let farewell = house.server.mail_to(ANNA, "Your e-mail address was changed").await;
        assert!(
            farewell.text().contains("203.0.113.2") && !farewell.text().contains(NEW),
            "{}",
            farewell.text()
        );
        assert_eq!((house.audited("email.change_asked").await, house.audited("email.changed").await), (2, 1));
    }
}

#[tokio::test]
async fn the_old_mailbox_takes_a_change_back() {
    for engine in Engines::available() {
        let house = House::open(engine).await;
        house.person(ANNA).await;
        let session = house.sign_in(ANNA, PASSWORD).await.unwrap();
        let person = house.who(&session).await.unwrap();
        let app = &house.world.app;
        app.email_change(&person, &caller(1), NEW).await.unwrap();
        let token = House::token(&house.server.mail_to(NEW, "Confirm").await.link());
        app.email_confirm(&caller(1), &token).await.unwrap();
        let undo = House::token(&house.server.mail_to(ANNA, "Your e-mail address was changed").await.link());
        // The thief asks for a link to the address that is theirs now.
        app.password_forgotten(&caller(1), NEW).await.unwrap();
        let reset = House::token(&house.server.mail_to(NEW, "Set a new password").await.link());
        house.later(Duration::from_hours(6 * 24)).await;
        app.password_forgotten(&caller(1), NEW).await.unwrap();
        house.settled().await;
        let fresh = House::token(&house.server.mails_to(NEW).last().unwrap().link());
        let session = house.sign_in(NEW, PASSWORD).await.unwrap();
        assert_eq!(app.email_undo_look(&undo).await.unwrap(), ANNA);
        app.email_undo(&caller(1), &undo).await.unwrap();
        assert!(house.who(&session).await.is_err(), "every session ends");
        for token in [reset, fresh] {
            assert_eq!(app.password_reset_look(&token).await.unwrap_err().code(), Code::LinkInvalid);
        }
        assert!(house.sign_in(ANNA, PASSWORD).await.is_ok() && house.sign_in(NEW, PASSWORD).await.is_err());
        assert_eq!(app.email_undo(&caller(1), &undo).await.unwrap_err().code(), Code::LinkInvalid);
    }
}

#[tokio::test]
async fn an_address_that_has_an_account_shows_to_its_mailbox_alone() {
    let house = House::open(Engines::Sqlite).await;
    house.person(ANNA).await;
    house.person(NEW).await;
    let person = house.who(&house.sign_in(ANNA, PASSWORD).await.unwrap()).await.unwrap();
    let app = &house.world.app;
    app.email_change(&person, &caller(1), NEW).await.unwrap();
    let token = House::token(&house.server.mail_to(NEW, "Confirm").await.link());
    assert_eq!(app.email_confirm(&caller(1), &token).await.unwrap_err().code(), Code::Conflict);
    assert!(house.sign_in(ANNA, PASSWORD).await.is_ok());
    assert_eq!(
        app.email_change(&person, &caller(1), "nonsense").await.unwrap_err().code(),
        Code::InvalidField
    );
    house.world.clock.advance(Duration::from_secs(301));
    assert_eq!(app.email_change(&person, &caller(1), NEW).await.unwrap_err().code(), Code::ReauthRequired);
}

/// A link of one kind opens no door of another.
#[tokio::test]
async fn links_are_for_one_thing() {
    let house = House::open(Engines::Sqlite).await;
    house.person(ANNA).await;
    let person = house.who(&house.sign_in(ANNA, PASSWORD).await.unwrap()).await.unwrap();
    let app = &house.world.app;
    app.email_change(&person, &caller(1), NEW).await.unwrap();
    let verify = House::token(&house.server.mail_to(NEW, "Confirm").await.link());
    app.password_forgotten(&caller(1), ANNA).await.unwrap();
    let reset = House::token(&house.server.mail_to(ANNA, "Set a new password").await.link());
    let invalid = |error: gatepost_core::Error| assert_eq!(error.code(), Code::LinkInvalid);
    invalid(app.password_reset(&caller(1), &verify, &secret(OTHER_PASSWORD)).await.unwrap_err());
    invalid(app.email_undo(&caller(1), &verify).await.unwrap_err());
    invalid(app.email_confirm(&caller(1), &reset).await.unwrap_err());
    invalid(app.email_undo(&caller(1), &reset).await.unwrap_err());
    // Both are still good.
    app.email_confirm(&caller(1), &verify).await.unwrap();
    invalid(app.password_reset_look(&reset).await.unwrap_err());
}

/// A session that was left open is no place to guess at the password.
#[tokio::test]
async fn guesses_at_the_present_password_end() {
    for engine in Engines::available() {
        let house = House::open(engine).await;
        house.person(ANNA).await;
        let person = house.who(&house.sign_in(ANNA, PASSWORD).await.unwrap()).await.unwrap();
        let change = async |present: &str| {
            let (present, new) = (secret(present), secret(OTHER_PASSWORD));
            house
                .world
                .app
                .password_change(&person, &caller(1), Some(&present), &new)
                .await
                .map(drop)
                .map_err(|e| e.code())
        };
        for n in 0..10 {
            assert_eq!(change(&format!("guess number {n}")).await, Err(Code::SignInFailed));
        }
        assert_eq!(change(PASSWORD).await, Err(Code::SignInFailed), "not even the right one");
        house.world.clock.advance(Duration::from_secs(3_601));
        assert_eq!(change(PASSWORD).await, Ok(()));
    }
}
