//! Passkeys of people: made, used alone and as second factor, named, removed.

use futures_util::future::join_all;
use gatepost_app::SecondFactor;
use gatepost_core::access::SessionKind;
use gatepost_core::{Code, PasskeyId, Secret};
use gatepost_testkit::soft_passkey::{Manner, SoftPasskey};
use gatepost_testkit::{Engines, ORIGIN, World};
use uuid::Uuid;

use crate::factors::world;

async fn second_by(world: &World, ticket: &Secret<String>, device: &mut SoftPasskey) -> SecondFactor {
    let start = world.app.sign_in_second_passkey(ticket.expose()).await.unwrap();
    let answer = device.answer(&start.options, ORIGIN, &Manner::default());
    SecondFactor::Passkey { ticket: start.ticket, answer }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_passkey_opens_alone_and_beside_a_password() {
    for engine in Engines::available() {
        let world = world(engine).await;
        let somebody = world.somebody(None).await;
        let person = world.person_of(&world.sign_in(&somebody).await).await;
        let (mut device, codes) = world.add_passkey(&person).await;
        assert_eq!(codes.len(), 10, "codes come with the first second factor");
        let (mut other, codes) = world.add_passkey(&person).await;
        assert!(codes.is_empty(), "and with no further one");

        let session = world.sign_in_by(&mut device).await.unwrap();
        assert_eq!(session.user, somebody.id);
        assert!(world.person_of(&session).await.second_factor());
        let ticket = world.half_sign_in(&somebody).await;
        let offers = world.app.sign_in_offers(ticket.expose()).await.unwrap();
        assert!(offers.passkeys && offers.recovery_codes && !offers.totp);
        let proof = second_by(&world, &ticket, &mut other).await;
        let session = world.second_step(&ticket, proof).await.unwrap();
        let person = world.person_of(&session).await;
        assert!(person.second_factor());

        let view = world.app.factors_of(&person).await.unwrap();
        assert!(view.passkeys.iter().all(|passkey| passkey.last_used_at.is_some()));
        let id = view.passkeys[0].id;
        let caller = world.caller();
        world.app.passkey_rename(&person, &caller, id, "  Blue key 🔑 ").await.unwrap();
        assert_eq!(world.app.factors_of(&person).await.unwrap().passkeys[0].name, "Blue key 🔑");
        for bad in ["", "  ", "a\nb", &"x".repeat(61)] {
            let refused = world.app.passkey_rename(&person, &caller, id, bad).await.err().unwrap();
            assert_eq!(refused.code(), Code::InvalidField, "{bad}");
        }
        world.app.passkey_remove(&person, &caller, id).await.unwrap();
        assert_eq!(world.sign_in_by(&mut device).await.err().unwrap().code(), Code::SignInFailed);
        let nobodys = PasskeyId::from_uuid(Uuid::from_u128(5));
        for id in [id, nobodys] {
            let refused = world.app.passkey_remove(&person, &caller, id).await.err().unwrap();
            assert_eq!(refused.code(), Code::NotFound);
        }
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_opens_once_however_many_bring_it() {
    for engine in Engines::available() {
        let world = world(engine).await;
        let person = world.person_of(&world.sign_in(&world.somebody(None).await).await).await;
        let (mut device, _) = world.add_passkey(&person).await;
        let start = world.app.sign_in_passkey_start().await.unwrap();
        let answer = device.answer(&start.options, ORIGIN, &Manner::default());
        let caller = world.caller();
        let tries = (0..16).map(|_| {
            world.app.sign_in_passkey(&caller, SessionKind::Console, start.ticket.expose(), &answer)
        });
        assert_eq!(join_all(tries).await.iter().filter(|opened| opened.is_ok()).count(), 1, "{engine:?}");
        // Many ceremonies at once of a device and of its copies, all with the same count.
        let mut answers = Vec::new();
        for _ in 0..8 {
            let start = world.app.sign_in_passkey_start().await.unwrap();
            let answer = device.clone().answer(&start.options, ORIGIN, &Manner::default());
            answers.push((start.ticket, answer));
        }
        let tries = answers.iter().map(|(ticket, answer)| {
            world.app.sign_in_passkey(&caller, SessionKind::Console, ticket.expose(), answer)
        });
        assert_eq!(join_all(tries).await.iter().filter(|opened| opened.is_ok()).count(), 1, "{engine:?}");
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_passkey_is_its_persons_alone() {
    for engine in Engines::available() {
        let world = world(engine).await;
        let (ann, bob) = (world.somebody(None).await, world.somebody(None).await);
        let anns = world.person_of(&world.sign_in(&ann).await).await;
        let bobs = world.person_of(&world.sign_in(&bob).await).await;
        let (_, _) = world.add_passkey(&anns).await;
        let (mut device, _) = world.add_passkey(&bobs).await;
        let caller = world.caller();
        // Bob's device at Ann's second step, with her ceremony and with one of his own.
        let ticket = world.half_sign_in(&ann).await;
        let proof = second_by(&world, &ticket, &mut device).await;
        assert_eq!(world.second_step(&ticket, proof).await.err().unwrap().code(), Code::SignInFailed);
        let alone = world.app.sign_in_passkey_start().await.unwrap();
        let answer = device.answer(&alone.options, ORIGIN, &Manner::default());
        let proof = SecondFactor::Passkey { ticket: alone.ticket, answer };
        assert_eq!(world.second_step(&ticket, proof).await.err().unwrap().code(), Code::SignInFailed);
        // A ceremony of Ann's account page does not end on Bob's, nor twice.
        let start = world.app.passkey_make_start(&anns).await.unwrap();
        let (_, answer) = SoftPasskey::make(&start.options, ORIGIN, &Manner::default());
        for person in [&bobs, &anns] {
            let ended = world.app.passkey_make_finish(person, &caller, start.ticket.expose(), &answer, "x");
            assert_eq!(ended.await.err().unwrap().code(), Code::LinkInvalid, "taken away by the first");
        }
        // Bob cannot touch Ann's.
        let id = world.app.factors_of(&anns).await.unwrap().passkeys[0].id;
        let refused = world.app.passkey_remove(&bobs, &caller, id).await.err().unwrap();
        assert_eq!(refused.code(), Code::NotFound);
        let refused = world.app.passkey_rename(&bobs, &caller, id, "mine").await.err().unwrap();
        assert_eq!(refused.code(), Code::NotFound);
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_same_passkey_is_not_registered_twice() {
    for engine in Engines::available() {
        let world = world(engine).await;
        let anns = world.person_of(&world.sign_in(&world.somebody(None).await).await).await;
        let bobs = world.person_of(&world.sign_in(&world.somebody(None).await).await).await;
        let caller = world.caller();
        let start = world.app.passkey_make_start(&anns).await.unwrap();
        let hidden = Manner { discoverable: false, ..Manner::default() };
        let (_, answer) = SoftPasskey::make(&start.options, ORIGIN, &hidden);
        let made = world.app.passkey_make_finish(&anns, &caller, start.ticket.expose(), &answer, "x");
        let refused = made.await.err().unwrap();
        assert_eq!(refused.code(), Code::PasskeyRefused);
        assert!(refused.detail().contains("discoverable"), "{}", refused.detail());
        assert!(world.app.factors_of(&bobs).await.unwrap().passkeys.is_empty());
        assert!(world.app.factors_of(&anns).await.unwrap().passkeys.is_empty());
        world.stop().await;
    }
}
