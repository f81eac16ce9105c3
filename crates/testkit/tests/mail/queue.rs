//! The queue: once, again, and given up.

use std::time::Duration;

use gatepost_core::access::Role;
use gatepost_testkit::{Engines, MailServer, Setup, World, eventually, hex};

use crate::support::{ANNA, House, Queued, caller};

/// Asks for a link and waits for its mail.
async fn link(house: &House) -> String {
    house.world.app.password_forgotten(&caller(1), ANNA).await.unwrap();
    house.server.mail_to(ANNA, "Set a new password").await.link()
}

#[tokio::test]
async fn a_mail_is_sent_once_and_nothing_of_it_stays() {
    for engine in Engines::available() {
        let house = House::open(engine).await;
        house.person(ANNA).await;
        let link = link(&house).await;
        house.settled().await;
        assert_eq!(house.server.mails().len(), 1);
        let queue = house.queue().await;
        assert_eq!(queue.len(), 2, "what was asked for, and the mail that followed");
        assert!(queue.iter().all(|mail| mail.erased && mail.state == 2), "{queue:?}");
        // Neither the link nor the address lies anywhere.
        let rows = house.world.rows().await;
        let found = |text: &str| {
            rows.values().flatten().any(|row| row.contains(text) || row.contains(&hex(text.as_bytes())))
        };
        assert!(!found(&House::token(&link)) && !found(ANNA));
        for (file, bytes) in house.world.files() {
            let text = House::token(&link).into_bytes();
            assert!(!bytes.windows(text.len()).any(|w| w == text), "{file} holds the token");
        }
    }
}

#[tokio::test]
async fn what_lies_in_the_queue_is_sealed() {
    for engine in Engines::available() {
        let house = House::open(engine).await;
        house.person(ANNA).await;
        house.server.answer_always("MAIL", "451 later");
        house.world.app.password_forgotten(&caller(1), ANNA).await.unwrap();
        eventually("a deferred mail", async || {
            house
                .queue()
                .await
                .iter()
                .any(|mail| mail.kind == "reset_link" && mail.attempts == 1)
                .then_some(())
        })
        .await;
        let rows = house.world.rows().await;
        let found = |text: &str| {
            rows.values().flatten().any(|row| row.contains(text) || row.contains(&hex(text.as_bytes())))
        };
        assert!(!found("anna@") && !found("/reset/") && !found("new password"));
    }
}

#[tokio::test]
async fn a_server_that_is_away_is_tried_again_with_growing_waits() {
    for engine in Engines::available() {
        let house = House::open(engine).await;
        let user = house.person(ANNA).await;
        let tenant = house.world.tenant("Example Ltd").await;
        house.settled().await;
        house.seat(tenant.workspace, user, Role::Owner).await;
        let before = house.server.connections();
        house.server.answer_always("CONNECT", "421 too busy");
        house
            .world
            .key(tenant.workspace, gatepost_core::channel::Mode::Test, &[gatepost_core::access::Scope::Read])
            .await;
        let mail = async || {
            house.queue().await.into_iter().find(|mail| mail.kind == "owners_notice" && mail.state != 2)
        };
        for (tries, wait) in [(1, 1), (2, 5)] {
            let mail =
                eventually("another try", async || mail().await.filter(|mail| mail.attempts == tries)).await;
            assert_eq!((mail.outcome.as_str(), mail.erased), ("try_again connect 421", false));
            assert_eq!(house.server.connections() - before, usize::try_from(tries).unwrap());
            house.later(Duration::from_secs(wait * 60 - 10)).await;
            tokio::time::sleep(Duration::from_millis(1_100)).await;
            assert_eq!(
                house.server.connections() - before,
                usize::try_from(tries).unwrap(),
                "not before its time"
            );
            house.later(Duration::from_secs(10)).await;
        }
        house.server.answer_always("CONNECT", "");
        eventually("the mail", async || {
            house.server.mails_to(ANNA).into_iter().find(|m| m.subject().contains("key"))
        })
        .await;
        house.settled().await;
    }
}

#[tokio::test]
async fn a_day_later_it_is_given_up_and_told() {
    for engine in Engines::available() {
        let house = House::open(engine).await;
        let user = house.person(ANNA).await;
        let tenant = house.world.tenant("Example Ltd").await;
        house.settled().await;
        house.seat(tenant.workspace, user, Role::Owner).await;
        house.server.answer_always("MAIL", "451 later");
        house
            .world
            .key(tenant.workspace, gatepost_core::channel::Mode::Test, &[gatepost_core::access::Scope::Read])
            .await;
        let deferred = |mails: Vec<Queued>| {
            mails.into_iter().find(|mail| mail.kind == "owners_notice" && mail.state == 1)
        };
        eventually("a try", async || deferred(house.queue().await).filter(|mail| mail.attempts > 0)).await;
        house.later(Duration::from_hours(24)).await;
        house.settled().await;
        let dead = house.queue().await.into_iter().find(|mail| mail.state == 3).unwrap();
        assert!(dead.erased && dead.outcome == "try_again sender 451", "{dead:?}");
        // The person finds it in the console.
        let session = house.sign_in(ANNA, crate::support::PASSWORD).await.unwrap();
        let notices = house.world.app.notices_of(&house.who(&session).await.unwrap()).await.unwrap();
        assert!(notices.iter().any(|notice| notice.kind == "mail.failed" && notice.unread), "{notices:?}");
    }
}

#[tokio::test]
async fn a_refusal_for_good_is_not_tried_again() {
    let house = House::open(Engines::Sqlite).await;
    house.person(ANNA).await;
    house.server.answer_always("RCPT", "550 5.1.1 no such user");
    house.world.app.password_forgotten(&caller(1), ANNA).await.unwrap();
    house.settled().await;
    let dead: Vec<Queued> = house.queue().await.into_iter().filter(|mail| mail.state == 3).collect();
    let [dead] = &dead[..] else { unreachable!("{dead:?}") };
    assert_eq!((dead.attempts, dead.outcome.as_str(), dead.erased), (1, "refused recipient 550", true));
}

/// The one doubtful window: the server took the mail, and nobody heard so.
#[tokio::test]
async fn a_cut_at_the_end_sends_the_same_mail_again() {
    let house = House::open(Engines::Sqlite).await;
    house.person(ANNA).await;
    house.server.cut_after_mails(true);
    house.world.app.password_forgotten(&caller(1), ANNA).await.unwrap();
    eventually("the first", async || (house.server.mails().len() == 1).then_some(())).await;
    eventually("its end", async || {
        house.queue().await.iter().any(|mail| mail.kind == "reset_link" && mail.attempts == 1).then_some(())
    })
    .await;
    house.server.cut_after_mails(false);
    house.later(Duration::from_mins(1)).await;
    house.settled().await;
    let mails = house.server.mails();
    assert_eq!(mails.len(), 2);
    assert_eq!(mails[0].header("Message-ID"), mails[1].header("Message-ID"), "a receiver can tell");
    assert_eq!(mails[0].link(), mails[1].link());
}

/// A link that is over is not sent.
#[tokio::test]
async fn a_late_link_stays_here() {
    let house = House::open(Engines::Sqlite).await;
    house.person(ANNA).await;
    house.server.answer_always("MAIL", "451 later");
    house.world.app.password_forgotten(&caller(1), ANNA).await.unwrap();
    eventually("a try", async || {
        house.queue().await.into_iter().find(|m| m.kind == "reset_link" && m.attempts == 1)
    })
    .await;
    house.later(Duration::from_hours(2)).await;
    house.server.answer_always("MAIL", "");
    house.settled().await;
    assert!(house.server.mails().is_empty());
    assert!(house.queue().await.iter().all(|mail| mail.erased));
}

/// A node without a mail server leaves mails alone; when nobody comes for them they go.
#[tokio::test]
async fn mails_do_not_lie_for_ever_where_mail_was_switched_off() {
    for engine in Engines::available() {
        let house = House::open(engine).await;
        house.person(ANNA).await;
        house.server.answer_always("MAIL", "451 later");
        house.world.app.password_forgotten(&caller(1), ANNA).await.unwrap();
        eventually("a try", async || {
            house.queue().await.into_iter().find(|m| m.kind == "reset_link" && m.attempts == 1)
        })
        .await;
        house.world.app.shutdown().await;
        let without = house.world.another(Setup::new(engine)).await;
        assert!(!without.app.mail_on());
        house.world.clock.advance(Duration::from_hours(30));
        without.app.retain().await.unwrap();
        assert_eq!(without.work_left().await, 0);
        let rows = without.rows().await.remove("mail").unwrap();
        assert!(rows.iter().all(|row| row.contains("not_sent") || row.contains("NULL")), "{rows:?}");
        assert!(without.app.password_forgotten(&caller(1), ANNA).await.is_err(), "and says so");
        without.stop().await;
    }
}

#[tokio::test]
async fn the_operator_tries_the_mail_server() {
    let server = MailServer::start().await;
    let world = World::start(Setup { mail: Some(server.mailer()), ..Setup::new(Engines::Sqlite) }).await;
    let grant = || world.operator::<gatepost_core::access::operator_permission::MailTest>();
    let tested = world.app.mail_test(&grant(), ANNA).await.unwrap();
    assert_eq!((tested.from.as_str(), tested.receipt.as_str()), ("noreply@example.com", "2.0.0 queued as 1"));
    assert!(server.mails_to(ANNA)[0].text().contains("This is a test"));
    server.answer("RCPT", &["550 5.1.1 no such user"]);
    let error = world.app.mail_test(&grant(), ANNA).await.unwrap_err();
    assert_eq!(error.code().as_str(), "mail_failed");
    assert!(
        error.detail().contains("recipient") && error.detail().contains("5.1.1 no such user"),
        "{error:?}"
    );
    assert_eq!(world.app.mail_test(&grant(), "nobody").await.unwrap_err().code().as_str(), "invalid_field");
    let without = World::start(Setup::new(Engines::Sqlite)).await;
    let grant = without.operator::<gatepost_core::access::operator_permission::MailTest>();
    assert_eq!(without.app.mail_test(&grant, ANNA).await.unwrap_err().code().as_str(), "mail_off");
}
