//! Who may change whom, and the owners that a workspace keeps.

use gatepost_core::Code;
use gatepost_core::access::permission::{MemberManage, MemberRead, WorkspaceManage};
use gatepost_core::access::{Grant, Role};
use gatepost_testkit::{Engines, Setup, Somebody, World};

use crate::support::{House, grant_of, inside, person};

async fn role_of(world: &World, house: &House, somebody: &Somebody) -> Option<Role> {
    let grant: Grant<MemberRead> = inside(world, house.workspace).await.grant().unwrap();
    world.app.member_get(&grant, somebody.id).await.ok().map(|member| member.role)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn members_see_each_other_where_they_may() {
    for engine in Engines::available() {
        let world = World::start(Setup::new(engine)).await;
        let house = House::build(&world).await;
        for who in [&house.owner, &house.admin] {
            let grant = house.grant::<MemberRead>(&world, who).await.unwrap();
            let members = world.app.member_list(&grant).await.unwrap();
            let found: Vec<_> = members.iter().map(|m| (m.user, m.role, m.email.as_str())).collect();
            let expected: Vec<_> = [
                (&house.owner, Role::Owner),
                (&house.admin, Role::Admin),
                (&house.agent, Role::Agent),
                (&house.analyst, Role::Analyst),
            ]
            .map(|(somebody, role)| (somebody.id, role, somebody.email.as_str()))
            .into();
            assert_eq!(found, expected);
            assert!(members.iter().all(|m| m.name == "Ann Example" && !m.second_factor && !m.disabled));
        }
        for who in [&house.agent, &house.analyst] {
            let refused = house.grant::<MemberRead>(&world, who).await.unwrap_err();
            assert_eq!(refused.code(), Code::PermissionMissing);
        }
        world.stop().await;
    }
}

/// Every role on every role: what the table of roles says happens, and nothing else.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_reaches_above_their_own_place() {
    for engine in Engines::available() {
        let world = World::start(Setup::new(engine)).await;
        let house = House::build(&world).await;
        let target = world.member(house.workspace, Role::Agent).await;
        let by_hand: Grant<MemberManage> = inside(&world, house.workspace).await.grant().unwrap();
        for (who, acting) in [(&house.owner, Role::Owner), (&house.admin, Role::Admin)] {
            let person = person(&world, who).await;
            for from in Role::ALL {
                for to in Role::ALL {
                    world.app.member_role_set(&by_hand, target.id, from).await.unwrap();
                    let grant = grant_of::<MemberManage>(&world, &person, house.workspace).await.unwrap();
                    let done = world.app.member_role_set(&grant, target.id, to).await;
                    let may = acting.reaches(from) && acting.reaches(to);
                    let what = format!("{engine:?}: {acting} makes {from} {to}");
                    match done {
                        Ok(member) => assert!(may && member.role == to, "{what}"),
                        Err(error) => {
                            assert!(!may && error.code() == Code::PermissionMissing, "{what}: {error}");
                            assert_eq!(role_of(&world, &house, &target).await, Some(from), "{what}");
                        }
                    }
                }
                world.app.member_role_set(&by_hand, target.id, from).await.unwrap();
                if !acting.reaches(from) {
                    let grant = grant_of::<MemberManage>(&world, &person, house.workspace).await.unwrap();
                    let refused = world.app.member_remove(&grant, target.id).await.unwrap_err();
                    assert_eq!(refused.code(), Code::PermissionMissing);
                }
            }
            // Nobody raises themselves.
            let grant = grant_of::<MemberManage>(&world, &person, house.workspace).await.unwrap();
            if acting != Role::Owner {
                let refused = world.app.member_role_set(&grant, who.id, Role::Owner).await.unwrap_err();
                assert_eq!(refused.code(), Code::PermissionMissing);
            }
        }
        for who in [&house.agent, &house.analyst] {
            assert!(house.grant::<MemberManage>(&world, who).await.is_err());
            assert!(house.grant::<WorkspaceManage>(&world, who).await.is_err());
        }
        assert!(house.grant::<WorkspaceManage>(&world, &house.admin).await.is_err());
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_owner_stays() {
    for engine in Engines::available() {
        let world = World::start(Setup::new(engine)).await;
        let house = House::build(&world).await;
        let owner = person(&world, &house.owner).await;
        let manage = grant_of::<MemberManage>(&world, &owner, house.workspace).await.unwrap();
        let app = &world.app;
        let last = [
            app.member_role_set(&manage, house.owner.id, Role::Admin).await.map(drop),
            app.member_remove(&manage, house.owner.id).await,
            app.member_leave(&owner, &world.caller(), house.workspace).await,
        ];
        for refused in last {
            assert_eq!(refused.unwrap_err().code(), Code::LastOwner, "{engine:?}");
        }
        // An owner whose account is closed owns for nobody else.
        let other = world.member(house.workspace, Role::Owner).await;
        let users = world.operator::<gatepost_core::access::operator_permission::UserManage>();
        app.user_disable(&users, other.id).await.unwrap();
        let refused = app.member_leave(&owner, &world.caller(), house.workspace).await.unwrap_err();
        assert_eq!(refused.code(), Code::LastOwner);
        app.user_enable(&users, other.id).await.unwrap();

        let own = grant_of::<WorkspaceManage>(&world, &owner, house.workspace).await.unwrap();
        let refused = app.ownership_transfer(&own, other.id).await.unwrap_err();
        assert_eq!(refused.code(), Code::Conflict, "an owner already");
        let stranger = world.somebody(None).await;
        assert_eq!(app.ownership_transfer(&own, stranger.id).await.unwrap_err().code(), Code::NotFound);
        let heir = app.ownership_transfer(&own, house.agent.id).await.unwrap();
        assert_eq!(heir.role, Role::Owner);
        assert_eq!(role_of(&world, &house, &house.owner).await, Some(Role::Admin));
        // The old grant is of no use any more, though it lies about.
        let refused = app.ownership_transfer(&own, house.analyst.id).await.unwrap_err();
        assert_eq!(refused.code(), Code::PermissionMissing);
        app.member_leave(&owner, &world.caller(), house.workspace).await.unwrap();
        let gone = app.member_leave(&owner, &world.caller(), house.workspace).await.unwrap_err();
        assert_eq!(gone.code(), Code::NotFound);
        world.stop().await;
    }
}

/// Two owners who demote each other at once, on two nodes where there can be two.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_two_owners_who_demote_each_other_one_stays() {
    for engine in Engines::available() {
        let world = World::start(Setup::new(engine)).await;
        let second = match engine {
            Engines::Sqlite => None,
            Engines::Postgres => Some(world.another(Setup::new(engine)).await),
        };
        let workspace = world.tenant("Ours").await.workspace;
        let (ann, ben) =
            (world.member(workspace, Role::Owner).await, world.member(workspace, Role::Owner).await);
        let by_hand: Grant<MemberManage> = inside(&world, workspace).await.grant().unwrap();
        let (as_ann, as_ben) = (person(&world, &ann).await, person(&world, &ben).await);
        for round in 0..8 {
            let apps = (&world.app, second.as_ref().map_or(&world.app, |second| &second.app));
            let grant = async |person| grant_of::<MemberManage>(&world, person, workspace).await.unwrap();
            let (of_ann, of_ben) = (grant(&as_ann).await, grant(&as_ben).await);
            let (one, other) = tokio::join!(
                apps.0.member_role_set(&of_ann, ben.id, Role::Agent),
                apps.1.member_role_set(&of_ben, ann.id, Role::Agent),
            );
            let refused = match (one, other) {
                (Ok(_), Err(refused)) | (Err(refused), Ok(_)) => refused,
                both => unreachable!("{engine:?}, round {round}: {both:?}"),
            };
            assert_eq!(refused.code(), Code::LastOwner, "{engine:?}, round {round}");
            for who in [&ann, &ben] {
                world.app.member_role_set(&by_hand, who.id, Role::Owner).await.unwrap();
            }
        }
        if let Some(second) = second {
            second.stop().await;
        }
        world.stop().await;
    }
}
