//! Notices: in the console and by e-mail, to those whom they concern.

use gatepost_app::{SecondFactor, SignIn};
use gatepost_core::access::{Role, Scope, SessionKind, permission};
use gatepost_core::channel::Mode;
use gatepost_testkit::Engines;

use crate::support::{ANNA, House, PASSWORD, caller, secret};

const BEN: &str = "ben@example.com";

#[tokio::test]
async fn a_new_browser_is_told_of_once() {
    for engine in Engines::available() {
        let house = House::open(engine).await;
        house.person(ANNA).await;
        let first = house.sign_in_from(&caller(1), ANNA, PASSWORD).await.unwrap();
        assert!(!first.new_device, "the first one is nobody's surprise");
        let second = house.sign_in_from(&caller(2), ANNA, PASSWORD).await.unwrap();
        assert!(second.new_device);
        house.sign_in_from(&caller(2), ANNA, PASSWORD).await.unwrap();
        let mail = house.server.mail_to(ANNA, "browser that was not seen before").await;
        assert!(mail.text().contains("203.0.113.2"), "{}", mail.text());
        house.settled().await;
        assert_eq!(house.server.mails_to(ANNA).len(), 1);
        let person = house.who(&first).await.unwrap();
        let app = &house.world.app;
        let notices = app.notices_of(&person).await.unwrap();
        assert_eq!(
            notices.iter().map(|n| (n.kind.as_str(), n.unread)).collect::<Vec<_>>(),
            [("session.new_device", true)]
        );
        assert_eq!(app.notices_unread(&person).await.unwrap(), 1);
        app.notices_of_see(&person).await.unwrap();
        assert_eq!(app.notices_unread(&person).await.unwrap(), 0);
        assert!(!app.notices_of(&person).await.unwrap()[0].unread);
    }
}

#[tokio::test]
async fn owners_hear_of_new_keys_and_nobody_else_does() {
    for engine in Engines::available() {
        let house = House::open(engine).await;
        let (anna, ben) = (house.person(ANNA).await, house.person(BEN).await);
        let (ours, theirs) = (house.world.tenant("Ours").await, house.world.tenant("Theirs").await);
        house.settled().await;
        house.seat(ours.workspace, anna, Role::Owner).await;
        house.seat(ours.workspace, ben, Role::Admin).await;
        house.seat(theirs.workspace, ben, Role::Owner).await;
        house.world.key(ours.workspace, Mode::Live, &[Scope::Send]).await;
        let mail = house.server.mail_to(ANNA, "An API key was made in “Ours”").await;
        assert!(mail.text().contains("“a key”") && mail.text().contains("live"), "{}", mail.text());
        house.settled().await;
        assert_eq!((house.server.mails_to(ANNA).len(), house.server.mails_to(BEN).len()), (1, 0));
        // In the console: to the workspace's owners and admins, each with what they have not read.
        let person = house.who(&house.sign_in(ANNA, PASSWORD).await.unwrap()).await.unwrap();
        let app = &house.world.app;
        let seat = app.principal_of_person(&person, ours.workspace).await.unwrap();
        let grant = seat.grant::<permission::NoticeRead>().unwrap();
        let notices = app.notice_list(&grant).await.unwrap();
        assert!(notices.iter().all(|notice| notice.kind == "key.created" && notice.unread), "{notices:?}");
        assert!(notices[0].facts.iter().any(|(label, value)| label == "Key" && value == "a key"));
        app.notices_see(&grant).await.unwrap();
        assert!(app.notice_list(&grant).await.unwrap().iter().all(|notice| !notice.unread));
        let ben = house.who(&house.sign_in(BEN, PASSWORD).await.unwrap()).await.unwrap();
        let seat = app.principal_of_person(&ben, ours.workspace).await.unwrap();
        let unread = app.notice_list(&seat.grant::<permission::NoticeRead>().unwrap()).await.unwrap();
        assert!(unread.iter().all(|notice| notice.unread), "what Anna read is not read by Ben");
        assert_eq!(unread.len(), notices.len());
    }
}

/// The mail goes to whoever is an owner when its turn comes.
#[tokio::test]
async fn somebody_who_left_gets_no_mail() {
    let house = House::open(Engines::Sqlite).await;
    let anna = house.person(ANNA).await;
    let ours = house.world.tenant("Ours").await;
    // Its first key was made before it had an owner.
    house.settled().await;
    house.seat(ours.workspace, anna, Role::Owner).await;
    let scope = gatepost_store::WorkspaceScope::from(
        &house
            .world
            .app
            .principal_of_person(
                &house.who(&house.sign_in(ANNA, PASSWORD).await.unwrap()).await.unwrap(),
                ours.workspace,
            )
            .await
            .unwrap()
            .grant::<permission::NoticeRead>()
            .unwrap(),
    );
    let left = house.world.store.write(scope, async move |tx| {
        tx.member_delete(anna).await?;
        tx.commit(gatepost_core::audit::Audit::None("a test"), ())
    });
    left.await.unwrap();
    house.world.key(ours.workspace, Mode::Test, &[Scope::Send]).await;
    house.settled().await;
    assert!(house.server.mails_to(ANNA).is_empty());
}

#[tokio::test]
async fn people_hear_of_every_change_of_their_factors() {
    for engine in Engines::available() {
        let house = House::open(engine).await;
        house.person(ANNA).await;
        let (world, app) = (&house.world, &house.world.app);
        let person = house.who(&house.sign_in(ANNA, PASSWORD).await.unwrap()).await.unwrap();
        let (totp, codes) = world.add_app(&person).await;
        house.server.mail_to(ANNA, "An authenticator app was added to your account").await;
        let SignIn::SecondFactor { ticket } =
            app.sign_in_password(&caller(1), SessionKind::Console, ANNA, &secret(PASSWORD)).await.unwrap()
        else {
            unreachable!("the app is asked for")
        };
        let proof = SecondFactor::RecoveryCode(secret(&codes[0]));
        let begun = world.second_step(&ticket, proof).await.unwrap();
        let mail = house.server.mail_to(ANNA, "A recovery code of your account was used").await;
        assert!(mail.text().contains("127.0.0.1") && !mail.text().contains(&codes[0]), "{}", mail.text());
        let person = house.who(&begun).await.unwrap();
        let (mut device, _) = world.add_passkey(&person).await;
        house.server.mail_to(ANNA, "A passkey was added to your account").await;
        let mut copy = device.clone();
        let begun = world.sign_in_by(&mut device).await.unwrap();
        assert!(world.sign_in_by(&mut copy).await.is_err());
        house.server.mail_to(ANNA, "somebody may hold a copy of it").await;
        let person = house.who(&begun).await.unwrap();
        app.recovery_codes_make(&person, &caller(1)).await.unwrap();
        house.server.mail_to(ANNA, "New recovery codes were made for your account").await;
        app.totp_remove(&person, &caller(1)).await.unwrap();
        house.server.mail_to(ANNA, "The authenticator app was removed from your account").await;
        let id = app.factors_of(&person).await.unwrap().passkeys[0].id;
        app.passkey_remove(&person, &caller(1), id).await.unwrap();
        house.server.mail_to(ANNA, "A passkey was removed from your account").await;
        let told = app.notices_of(&person).await.unwrap();
        assert_eq!(told.iter().filter(|notice| notice.kind == "factor.changed").count(), 7, "{told:?}");
        for mail in house.server.mails_to(ANNA) {
            assert!(!mail.text().contains(totp.to_text().expose().as_str()), "no secret is sent");
        }
    }
}
