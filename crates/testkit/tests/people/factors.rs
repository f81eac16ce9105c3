//! Authenticator apps and recovery codes: enrolled, used once by whatever way, removed.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;
use gatepost_app::{SecondFactor, WorkspaceChange};
use gatepost_core::access::permission::WorkspaceManage;
use gatepost_core::access::{OperatorRole, Role, SessionKind};
use gatepost_core::{Clock as _, Code, Secret};
use gatepost_testkit::{Engines, Setup, Somebody, World};
use gatepost_vault::TotpSecret;

pub async fn world(engine: Engines) -> World {
    let mut setup = Setup::new(engine);
    setup.workers = false;
    World::start(setup).await
}

pub fn code(text: impl Into<String>) -> SecondFactor {
    SecondFactor::Totp(Secret::new(text.into()))
}

pub fn recovery(text: impl Into<String>) -> SecondFactor {
    SecondFactor::RecoveryCode(Secret::new(text.into()))
}

/// Somebody with an app; its next code is good.
async fn with_app(world: &World) -> (Somebody, TotpSecret, Vec<String>) {
    let somebody = world.somebody(None).await;
    let session = world.sign_in(&somebody).await;
    let (app, codes) = world.add_app(&*world.person_of(&session).await).await;
    world.clock.advance(Duration::from_secs(31));
    (somebody, app, codes)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_app_counts_from_its_first_code_on() {
    for engine in Engines::available() {
        let world = world(engine).await;
        let somebody = world.somebody(None).await;
        let session = world.sign_in(&somebody).await;
        let person = world.person_of(&session).await;
        assert!(!person.second_factor());
        let begun = world.app.totp_enrol(&person).await.unwrap();
        assert!(begun.uri.expose().starts_with("otpauth://totp/Gatepost:person"), "{}", begun.uri.expose());
        // Begun is not confirmed: nothing is asked for yet, and beginning again makes another secret.
        world.sign_in(&somebody).await;
        let again = world.app.totp_enrol(&person).await.unwrap();
        assert_ne!(begun.secret.expose(), again.secret.expose());
        let shown = world.app.totp_begun(&person).await.unwrap().unwrap();
        assert_eq!(shown.secret.expose(), again.secret.expose());
        let old = TotpSecret::parse(begun.secret.expose()).unwrap().code(world.clock.now());
        let app = TotpSecret::parse(again.secret.expose()).unwrap();
        for wrong in ["", "12345", &old] {
            let refused = world.app.totp_confirm(&person, &world.caller(), wrong).await.err().unwrap();
            assert_eq!(refused.code(), Code::CodeInvalid, "{wrong}");
        }
        let first = app.code(world.clock.now());
        let added = world.app.totp_confirm(&person, &world.caller(), &first).await.unwrap();
        assert_eq!(added.recovery_codes.len(), 10);

        // What the session may do has changed, so it has another token; the old one lasts for a moment.
        let token = added.token.unwrap();
        let renewed = world.app.person_of_session(token.expose(), SessionKind::Console).await.unwrap();
        assert!(renewed.second_factor() && renewed.session() == person.session());
        let view = world.app.factors_of(&renewed).await.unwrap();
        assert!(view.password && view.totp.is_some() && view.passkeys.is_empty());
        assert_eq!(view.recovery_codes, 10);
        let refused = world.app.totp_enrol(&renewed).await.err().unwrap();
        assert_eq!(refused.code(), Code::Conflict, "one app at a time");

        // From now on the password is half of it. The code that confirmed is used up.
        let ticket = world.half_sign_in(&somebody).await;
        let offers = world.app.sign_in_offers(ticket.expose()).await.unwrap();
        assert!(offers.totp && offers.recovery_codes && !offers.passkeys);
        assert_eq!(world.second_step(&ticket, code(&first)).await.err().unwrap().code(), Code::SignInFailed);
        world.clock.advance(Duration::from_secs(31));
        let session = world.second_step(&ticket, code(app.code(world.clock.now()))).await.unwrap();
        assert!(world.person_of(&session).await.second_factor());
        let gone = world.second_step(&ticket, code("000000")).await.err().unwrap();
        assert_eq!(gone.code(), Code::SignInFailed, "the ticket served");
        assert!(world.app.sign_in_offers(ticket.expose()).await.is_err());
        // Nothing that proves anything lies in the rows as it is.
        let rows = format!("{:?}", world.rows().await);
        let bytes = gatepost_testkit::hex(app.expose());
        for secret in [again.secret.expose().replace(' ', ""), bytes, ticket.expose().clone()] {
            assert!(!rows.contains(&secret), "{engine:?}");
        }
        for recovery in &added.recovery_codes {
            assert!(!rows.contains(recovery.expose().as_str()), "{engine:?}");
        }
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_code_brought_by_many_at_once_opens_once() {
    for engine in Engines::available() {
        let world = Arc::new(world(engine).await);
        let (somebody, app, codes) = with_app(&world).await;
        // Each on a ticket of its own, as an attacker who knows the password would have them.
        let mut tickets = Vec::new();
        for _ in 0..64 {
            tickets.push(world.half_sign_in(&somebody).await);
        }
        let now = app.code(world.clock.now());
        let tries = tickets.iter().map(|ticket| world.second_step(ticket, code(&now)));
        let opened = join_all(tries).await.into_iter().flatten().count();
        assert_eq!(opened, 1, "{engine:?}: one-time codes");

        let mut tickets = Vec::new();
        for _ in 0..64 {
            tickets.push(world.half_sign_in(&somebody).await);
        }
        let tries = tickets.iter().map(|ticket| world.second_step(ticket, recovery(&codes[3])));
        let opened = join_all(tries).await.into_iter().flatten().count();
        assert_eq!(opened, 1, "{engine:?}: recovery codes");

        // All on one ticket: it serves for one success, and five tries.
        world.clock.advance(Duration::from_secs(31));
        let ticket = world.half_sign_in(&somebody).await;
        let now = app.code(world.clock.now());
        let tries = (0..64).map(|_| world.second_step(&ticket, code(&now)));
        let opened = join_all(tries).await.into_iter().flatten().count();
        assert_eq!(opened, 1, "{engine:?}: one ticket");
        Arc::into_inner(world).unwrap().stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_ticket_bears_five_tries() {
    for engine in Engines::available() {
        let world = world(engine).await;
        let (somebody, app, codes) = with_app(&world).await;
        let ticket = world.half_sign_in(&somebody).await;
        for _ in 0..5 {
            assert!(world.second_step(&ticket, recovery("0000-0000-0000-0000")).await.is_err());
        }
        let right = app.code(world.clock.now());
        assert_eq!(world.second_step(&ticket, code(&right)).await.err().unwrap().code(), Code::SignInFailed);
        let ticket = world.half_sign_in(&somebody).await;
        assert!(world.second_step(&ticket, code(&right)).await.is_ok(), "the right code was not used up");
        // Ten minutes for the second step.
        let ticket = world.half_sign_in(&somebody).await;
        world.clock.advance(Duration::from_mins(10));
        assert!(world.second_step(&ticket, recovery(&codes[0])).await.is_err());
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn recovery_codes_are_of_one_person_and_good_once() {
    for engine in Engines::available() {
        let world = world(engine).await;
        let (ann, _, anns) = with_app(&world).await;
        let (bob, _, bobs) = with_app(&world).await;
        let ticket = world.half_sign_in(&bob).await;
        assert!(world.second_step(&ticket, recovery(&anns[0])).await.is_err(), "Ann's is none of Bob's");
        let lower = bobs[0].to_lowercase().replace('-', " ");
        assert!(world.second_step(&ticket, recovery(lower)).await.is_ok());
        let ticket = world.half_sign_in(&bob).await;
        assert!(world.second_step(&ticket, recovery(&bobs[0])).await.is_err(), "it was used");
        let ticket = world.half_sign_in(&ann).await;
        let session = world.second_step(&ticket, recovery(&anns[0])).await.unwrap();
        let person = world.person_of(&session).await;
        assert_eq!(world.app.factors_of(&person).await.unwrap().recovery_codes, 9);

        let made = world.app.recovery_codes_make(&person, &world.caller()).await.unwrap().recovery_codes;
        assert_eq!((made.len(), world.app.factors_of(&person).await.unwrap().recovery_codes), (10, 10));
        let ticket = world.half_sign_in(&ann).await;
        assert!(world.second_step(&ticket, recovery(&anns[1])).await.is_err(), "the old ones are void");
        assert!(world.second_step(&ticket, recovery(made[1].expose())).await.is_ok());

        // Without a second factor there is nothing that a code could stand in for.
        let plain = world.person_of(&world.sign_in(&world.somebody(None).await).await).await;
        let refused = world.app.recovery_codes_make(&plain, &world.caller()).await.err().unwrap();
        assert_eq!(refused.code(), Code::Conflict);
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_want_a_fresh_proof() {
    for engine in Engines::available() {
        let world = world(engine).await;
        let session = world.sign_in(&world.somebody(None).await).await;
        let (app, caller) = (&world.app, world.caller());
        let (_, codes) = world.add_app(&*world.person_of(&session).await).await;
        assert_eq!(codes.len(), 10);
        let (mut device, _) = world.add_passkey(&*world.person_of(&session).await).await;
        let session = world.sign_in_by(&mut device).await.unwrap();
        world.clock.advance(Duration::from_mins(5));
        let person = world.person_of(&session).await;
        let passkey = app.factors_of(&person).await.unwrap().passkeys[0].id;
        let refusals = [
            app.totp_enrol(&person).await.err(),
            app.totp_begun(&person).await.err(),
            app.totp_confirm(&person, &caller, "000000").await.err(),
            app.totp_remove(&person, &caller).await.err(),
            app.recovery_codes_make(&person, &caller).await.err(),
            app.passkey_make_start(&person).await.err(),
            app.passkey_make_finish(&person, &caller, "x", "{}", "mine").await.err(),
            app.passkey_rename(&person, &caller, passkey, "mine").await.err(),
            app.passkey_remove(&person, &caller, passkey).await.err(),
        ];
        for (at, refused) in refusals.into_iter().enumerate() {
            assert_eq!(refused.unwrap().code(), Code::ReauthRequired, "{at}");
        }
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn removing_a_factor_ends_the_other_sessions() {
    for engine in Engines::available() {
        let world = world(engine).await;
        let (somebody, app, _) = with_app(&world).await;
        let mut sessions = Vec::new();
        for _ in 0..2 {
            world.clock.advance(Duration::from_secs(31));
            let ticket = world.half_sign_in(&somebody).await;
            sessions.push(world.second_step(&ticket, code(app.code(world.clock.now()))).await.unwrap());
        }
        let person = world.person_of(&sessions[1]).await;
        let kept = world.app.totp_remove(&person, &world.caller()).await.unwrap();
        // Neither another session nor a copy of this one's token.
        for session in &sessions {
            let token = session.token.expose();
            let ended = world.app.person_of_session(token, SessionKind::Console).await.err().unwrap();
            assert_eq!(ended.code(), Code::SessionEnded);
        }
        let here = world.app.person_of_session(kept.expose(), SessionKind::Console).await.unwrap();
        assert!(here.session() == person.session() && !here.second_factor(), "it has none any more");
        world.sign_in(&somebody).await;
        let person = here;
        assert_eq!(
            world.app.totp_remove(&person, &world.caller()).await.err().unwrap().code(),
            Code::NotFound
        );
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_owes_a_second_factor_keeps_one() {
    for engine in Engines::available() {
        let world = world(engine).await;
        let operator = world.somebody(Some(OperatorRole::Administrator)).await;
        let session = world.sign_in(&operator).await;
        let person = world.person_of(&session).await;
        assert!(world.app.factors_of(&person).await.unwrap().second_factor_owed);
        world.add_app(&person).await;
        let caller = world.caller();
        let refused = world.app.totp_remove(&person, &caller).await.err().unwrap();
        assert_eq!(refused.code(), Code::LastFactor);
        world.add_passkey(&person).await;
        world.add_passkey(&person).await;
        world.app.totp_remove(&person, &caller).await.unwrap();
        // Both at once: one stays.
        let passkeys = world.app.factors_of(&person).await.unwrap().passkeys;
        let removals = passkeys.iter().map(|passkey| world.app.passkey_remove(&person, &caller, passkey.id));
        let removed: Vec<_> = join_all(removals).await.into_iter().map(|done| done.map(drop)).collect();
        assert_eq!(removed.iter().filter(|removed| removed.is_ok()).count(), 1, "{engine:?}: {removed:?}");
        assert_eq!(world.app.factors_of(&person).await.unwrap().passkeys.len(), 1);
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_workspace_that_asks_for_a_second_factor_keeps_its_members_from_removing_theirs() {
    for engine in Engines::available() {
        let world = world(engine).await;
        let tenant = world.tenant("Ours").await;
        let owner = world.member(tenant.workspace, Role::Owner).await;
        let session = world.sign_in(&owner).await;
        let (mut device, _) = world.add_passkey(&*world.person_of(&session).await).await;
        let person = world.person_of(&world.sign_in_by(&mut device).await.unwrap()).await;
        let seat = world.app.principal_of_person(&person, tenant.workspace).await.unwrap();
        let grant = seat.grant::<WorkspaceManage>().unwrap();
        let set = async |required| {
            let change = WorkspaceChange {
                name: None,
                second_factor_required: Some(required),
                time_zone: None,
                confirm_lockout: true,
            };
            world.app.workspace_update(&grant, change).await.unwrap();
        };
        set(true).await;
        let passkey = world.app.factors_of(&person).await.unwrap().passkeys[0].id;
        let caller = world.caller();
        let refused = world.app.passkey_remove(&person, &caller, passkey).await.err().unwrap();
        assert_eq!(refused.code(), Code::LastFactor);
        set(false).await;
        world.app.passkey_remove(&person, &caller, passkey).await.unwrap();
        world.stop().await;
    }
}
