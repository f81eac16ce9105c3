//! What an account keeps as a way in, where a provider's word is one; and what the log says of such a sign-in.

use std::sync::Arc;

use gatepost_app::sso::OperatorProvider;
use gatepost_app::{SignIn, SsoDone, SsoWish};
use gatepost_core::access::permission::MemberManage;
use gatepost_core::access::{Person, Role, SessionKind};
use gatepost_core::{Code, Secret};
use gatepost_testkit::idp::{Idp, Part, Person as There};
use gatepost_testkit::{Engines, Setup, TestClock, World};

use crate::support::{House, invite};

const KEY: &str = "everybody";
const EMAIL: &str = "newcomer@example.com";

fn setup(engine: Engines, idp: &Idp, offered: bool) -> Setup {
    let mut setup = Setup { workers: false, ..Setup::new(engine) };
    setup.config.sso.hosts = idp.hosts();
    if offered {
        let provider = idp.provider();
        setup.config.sso.providers.push(OperatorProvider {
            key: KEY.to_owned(),
            name: "Everybody's".to_owned(),
            provider,
        });
    }
    setup
}

async fn person(world: &World, token: &Secret<String>) -> Arc<Person> {
    world.app.person_of_session(token.expose(), SessionKind::Console).await.unwrap()
}

async fn through(world: &World, idp: &Idp, invitation: Option<&str>) -> Arc<Person> {
    let done = world.visit(idp, KEY, SsoWish::SignIn { invitation }).await.unwrap();
    let SsoDone::SignedIn { step: SignIn::Done(session), .. } = done else { unreachable!("a whole sign-in") };
    person(world, &session.token).await
}

/// Somebody who came by invitation through the operator's provider: no password, and no passkey yet.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_provider_that_is_offered_is_a_way_in() {
    for engine in Engines::available() {
        let clock = Arc::<TestClock>::default();
        let idp = Idp::start(Arc::clone(&clock) as _).await;
        let first = World::start(setup(engine, &idp, true)).await;
        let house = House::build(&first).await;
        let grant = house.grant::<MemberManage>(&first, &house.owner).await.unwrap();
        let (_, code) = invite(&first, &grant, EMAIL, Role::Agent).await.unwrap();
        idp.sign_in(There {
            sub: "1".to_owned(),
            email: EMAIL.to_owned(),
            verified: true,
            name: "Ann".to_owned(),
        });
        let ann = through(&first, &idp, Some(&code)).await;
        let (app, caller) = (&first.app, first.caller());
        let linked = app.identity_list(&ann).await.unwrap()[0].id;
        let only = app.identity_unlink(&ann, &caller, linked).await.err().unwrap();
        assert_eq!(only.code(), Code::LastFactor, "{engine:?}: nothing else opens the account");
        assert_eq!(app.identity_list(&ann).await.unwrap().len(), 1, "and it is linked still");

        // A passkey beside it: either may go, the other stays.
        first.add_passkey(&ann).await;
        let passkey = app.factors_of(&ann).await.unwrap().passkeys[0].id;
        let kept = app.passkey_remove(&ann, &caller, passkey).await.unwrap();
        let ann = person(&first, &kept).await;
        first.add_passkey(&ann).await;
        let passkey = app.factors_of(&ann).await.unwrap().passkeys[0].id;

        // Where the operator offers the provider no more, the linked account opens nothing.
        let token = app.identity_unlink(&ann, &caller, linked).await.unwrap();
        let last = app.passkey_remove(&*person(&first, &token).await, &caller, passkey).await.err().unwrap();
        assert_eq!(last.code(), Code::LastFactor);
        if engine == Engines::Postgres {
            let ann = person(&first, &token).await;
            first.visit(&idp, KEY, SsoWish::Link(&ann)).await.unwrap();
            let second = first.another(setup(engine, &idp, false)).await;
            let there = person(&second, &token).await;
            let last = second.app.passkey_remove(&there, &caller, passkey).await.err().unwrap();
            assert_eq!(last.code(), Code::LastFactor, "its provider is gone");
            app.passkey_remove(&ann, &caller, passkey).await.unwrap();
            second.stop().await;
        }
        first.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_says_what_was_proved_through_a_provider() {
    for engine in Engines::available() {
        let clock = Arc::<TestClock>::default();
        let idp = Idp::start(Arc::clone(&clock) as _).await;
        let world = World::start(setup(engine, &idp, true)).await;
        let owner = world.somebody(None).await;
        let with_password = world.person_of(&world.sign_in(&owner).await).await;
        idp.sign_in(There {
            sub: "7".to_owned(),
            email: owner.email.clone(),
            verified: true,
            name: "Ann".to_owned(),
        });
        world.visit(&idp, KEY, SsoWish::Link(&with_password)).await.unwrap();
        let ann = through(&world, &idp, None).await;
        idp.twist(Part::Claims, |claims| claims["auth_time"] = claims["iat"].clone());
        let proved = world.visit(&idp, KEY, SsoWish::Prove(&ann)).await.unwrap();
        assert!(matches!(proved, SsoDone::Proved { .. }));
        let log = world.audit_log(None).await;
        let told = |action: &str| {
            let of_ann = log.iter().filter(|row| row.record.action == action);
            let proofs = |row: &gatepost_store::AuditRow| row.record.details.get("proofs").map(str::to_owned);
            of_ann.filter_map(proofs).collect::<Vec<_>>()
        };
        assert_eq!(told("session.begun"), ["password", "sso"], "{engine:?}");
        assert_eq!(told("session.proved"), ["sso"], "{engine:?}");
        world.stop().await;
    }
}
