//! Invitations: one use, one week, one address.

use std::sync::Arc;
use std::time::Duration;

use gatepost_app::{INVITATION_LIVES, INVITATIONS_MAX};
use gatepost_core::access::permission::{MemberManage, MemberRead};
use gatepost_core::access::{Role, SessionKind};
use gatepost_core::{Code, Secret};
use gatepost_testkit::{Engines, PASSWORD, Setup, World};

use crate::support::{House, code, grant_of, invite, person};

fn password() -> Secret<String> {
    Secret::new(PASSWORD.to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn somebody_new_gets_an_account_and_the_seat() {
    for engine in Engines::available() {
        let world = World::start(Setup::new(engine)).await;
        let house = House::build(&world).await;
        let grant = house.grant::<MemberManage>(&world, &house.admin).await.unwrap();
        let (sent, link) = invite(&world, &grant, "New.Person@Example.com", Role::Agent).await.unwrap();
        assert_eq!((sent.view.role, sent.view.email.as_str()), (Role::Agent, "New.Person@example.com"));
        assert_eq!(sent.view.invited_by, house.admin.id.to_string());
        let look = world.app.invitation_look(&link).await.unwrap();
        assert_eq!((look.workspace_name.as_str(), look.role), ("Ours", Role::Agent));
        let rows = format!("{:?}", world.rows().await);
        assert!(!rows.contains(&link) && !rows.to_lowercase().contains("new.person"), "{engine:?}");

        let join = async |name: &str, password: &str| {
            let password = Secret::new(password.to_owned());
            world.app.invitation_sign_up(&world.caller(), &link, name.to_owned(), password).await
        };
        for weak in ["short", "passwordpassword", "new.person@example.com"] {
            let refused = join("New Person", weak).await.err().unwrap();
            assert_eq!(refused.code(), Code::PasswordRefused, "{weak}");
        }
        let (workspace, session) = join("New Person", PASSWORD).await.unwrap();
        assert_eq!(workspace, house.workspace);
        let person = world.app.person_of_session(session.token.expose(), SessionKind::Console).await.unwrap();
        let refused = grant_of::<MemberRead>(&world, &person, workspace).await.unwrap_err();
        assert_eq!(refused.code(), Code::PermissionMissing, "an agent, as the invitation says");
        assert_eq!(world.app.user_of(&person).await.unwrap().name, "New Person");

        for again in [
            join("Another", PASSWORD).await.err().unwrap(),
            world.app.invitation_look(&link).await.unwrap_err(),
        ] {
            assert_eq!(again.code(), Code::LinkInvalid);
        }
        let refused = world.app.invitation_accept(&person, &world.caller(), &link).await.unwrap_err();
        assert_eq!(refused.code(), Code::LinkInvalid);
        let read = house.grant::<MemberRead>(&world, &house.admin).await.unwrap();
        assert!(world.app.invitation_list(&read).await.unwrap().is_empty());
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_invitation_is_for_one_address() {
    for engine in Engines::available() {
        let world = World::start(Setup::new(engine)).await;
        let house = House::build(&world).await;
        let (ann, other) = (world.somebody(None).await, world.somebody(None).await);
        let grant = house.grant::<MemberManage>(&world, &house.owner).await.unwrap();
        // Another spelling of the same address.
        let (_, link) = invite(&world, &grant, &ann.email.to_uppercase(), Role::Admin).await.unwrap();
        let (as_ann, as_other) = (person(&world, &ann).await, person(&world, &other).await);
        assert!(!world.app.invitation_is_for(&as_other, &link).await.unwrap());
        let refused = world.app.invitation_accept(&as_other, &world.caller(), &link).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvitationForAnother);
        // The address has an account, so nobody makes a second one.
        let refused =
            world.app.invitation_sign_up(&world.caller(), &link, "Ann".to_owned(), password()).await;
        assert_eq!(refused.err().unwrap().code(), Code::Conflict);
        assert!(world.app.invitation_is_for(&as_ann, &link).await.unwrap(), "neither spent it");
        world.app.invitation_accept(&as_ann, &world.caller(), &link).await.unwrap();
        assert!(grant_of::<MemberManage>(&world, &as_ann, house.workspace).await.is_ok());
        let refused = invite(&world, &grant, &ann.email, Role::Agent).await.err().unwrap();
        assert_eq!(refused.code(), Code::MemberExists);
        world.stop().await;
    }
}

/// The inviter is told the same of an address with an account and of one without.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn inviting_tells_nothing_of_accounts() {
    for engine in Engines::available() {
        let world = World::start(Setup::new(engine)).await;
        let house = House::build(&world).await;
        let known = world.somebody(None).await;
        let unknown = known.email.replace("person", "nobody");
        let grant = house.grant::<MemberManage>(&world, &house.owner).await.unwrap();
        let mut told = Vec::new();
        for email in [&known.email, &unknown] {
            let (sent, link) = invite(&world, &grant, email, Role::Agent).await.unwrap();
            let text = format!("{:?} {}", sent.view, sent.link.unwrap().expose());
            let hidden = text.replace(email, "EMAIL").replace(&link, "LINK");
            let hidden = hidden.replace(&sent.view.id.to_string(), "ID");
            let hidden = hidden.replace(&sent.view.created_at.to_string(), "NOW");
            told.push(hidden.replace(&sent.view.expires_at.to_string(), "THEN"));
        }
        assert_eq!(told[0], told[1], "{engine:?}");
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn links_end_by_time_revocation_and_a_newer_one() {
    for engine in Engines::available() {
        let mut setup = Setup::new(engine);
        setup.workers = false;
        let world = World::start(setup).await;
        let house = House::build(&world).await;
        let manage = async || house.grant::<MemberManage>(&world, &house.owner).await.unwrap();
        let void = async |link: &str| match world.app.invitation_look(link).await {
            Err(error) => error.code() == Code::LinkInvalid,
            Ok(_) => false,
        };
        let grant = manage().await;
        let (sent, first) = invite(&world, &grant, "ann@example.com", Role::Agent).await.unwrap();
        let again = world.app.invitation_resend(&grant, sent.view.id).await.unwrap();
        let second = code(&again);
        assert!(void(&first).await && !void(&second).await, "a newer link takes the place");
        let (other, third) = invite(&world, &grant, "Ann@example.com", Role::Analyst).await.unwrap();
        assert!(void(&second).await && !void(&third).await, "so does a newer invitation");
        world.app.invitation_revoke(&grant, other.view.id).await.unwrap();
        assert!(void(&third).await);
        for id in [sent.view.id, other.view.id] {
            assert_eq!(world.app.invitation_resend(&grant, id).await.err().unwrap().code(), Code::NotFound);
            assert_eq!(world.app.invitation_revoke(&grant, id).await.unwrap_err().code(), Code::NotFound);
        }
        let (_, last) = invite(&world, &grant, "ann@example.com", Role::Agent).await.unwrap();
        world.clock.advance(INVITATION_LIVES.saturating_sub(Duration::from_secs(1)));
        assert!(!void(&last).await);
        world.clock.advance(Duration::from_secs(1));
        assert!(void(&last).await, "a week is over");
        let refused =
            world.app.invitation_sign_up(&world.caller(), &last, "Ann".to_owned(), password()).await;
        assert_eq!(refused.err().unwrap().code(), Code::LinkInvalid);
        // An admin's invitations do not reach owners.
        let admin = house.grant::<MemberManage>(&world, &house.admin).await.unwrap();
        let refused = invite(&world, &admin, "boss@example.com", Role::Owner).await.err().unwrap();
        assert_eq!(refused.code(), Code::PermissionMissing);
        let owners = manage().await;
        let (boss, _) = invite(&world, &owners, "boss@example.com", Role::Owner).await.unwrap();
        for refused in [
            world.app.invitation_resend(&admin, boss.view.id).await.err().unwrap(),
            world.app.invitation_revoke(&admin, boss.view.id).await.unwrap_err(),
        ] {
            assert_eq!(refused.code(), Code::PermissionMissing);
        }
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_many_who_take_one_link_at_once_one_gets_the_seat() {
    for engine in Engines::available() {
        let world = Arc::new(World::start(Setup::new(engine)).await);
        let house = House::build(&world).await;
        let ann = world.somebody(None).await;
        let grant = house.grant::<MemberManage>(&world, &house.owner).await.unwrap();
        let (_, link) = invite(&world, &grant, &ann.email, Role::Agent).await.unwrap();
        let as_ann = person(&world, &ann).await;
        let takers: Vec<_> = (0..16)
            .map(|_| {
                let (world, as_ann, link) = (Arc::clone(&world), Arc::clone(&as_ann), link.clone());
                tokio::spawn(
                    async move { world.app.invitation_accept(&as_ann, &world.caller(), &link).await },
                )
            })
            .collect();
        let mut taken = 0;
        for taker in takers {
            match taker.await.unwrap() {
                Ok(_) => taken += 1,
                Err(error) => {
                    assert!(matches!(error.code(), Code::LinkInvalid | Code::MemberExists), "{error}");
                }
            }
        }
        assert_eq!(taken, 1, "{engine:?}");
        world.app.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn so_many_are_open_and_no_more() {
    let world = World::start(Setup::new(Engines::Sqlite)).await;
    let house = House::build(&world).await;
    let grant = house.grant::<MemberManage>(&world, &house.owner).await.unwrap();
    for number in 0..INVITATIONS_MAX {
        invite(&world, &grant, &format!("guest{number}@example.com"), Role::Agent).await.unwrap();
    }
    let refused = invite(&world, &grant, "late@example.com", Role::Agent).await.err().unwrap();
    assert_eq!(refused.code(), Code::MemberLimitReached);
    // One that takes the place of another is none more.
    let (sent, _) = invite(&world, &grant, "guest7@example.com", Role::Agent).await.unwrap();
    world.app.invitation_revoke(&grant, sent.view.id).await.unwrap();
    invite(&world, &grant, "late@example.com", Role::Agent).await.unwrap();
    world.stop().await;
}
