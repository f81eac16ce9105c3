//! A workspace's rules for its members, its end, and another one.

use gatepost_app::WorkspaceChange;
use gatepost_core::access::permission::{MessageRead, WorkspaceManage, WorkspaceRead};
use gatepost_core::access::{Grant, operator_permission};
use gatepost_core::{Code, Error};
use gatepost_testkit::{Engines, Setup, World};

use crate::support::{House, grant_of, inside, person};

fn code<T>(result: Result<T, Error>) -> Option<Code> {
    result.err().map(|error| error.code())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_factor_can_be_asked_of_everybody() {
    for engine in Engines::available() {
        let world = World::start(Setup::new(engine)).await;
        let house = House::build(&world).await;
        let app = &world.app;
        let ask = |confirm_lockout| WorkspaceChange {
            second_factor_required: Some(true),
            confirm_lockout,
            ..WorkspaceChange::default()
        };
        let owner = house.grant::<WorkspaceManage>(&world, &house.owner).await.unwrap();
        let refused = app.workspace_update(&owner, ask(true)).await;
        assert_eq!(code(refused), Some(Code::SecondFactorRequired), "whoever asks for one has one");
        let renamed = WorkspaceChange { name: Some("Theirs".to_owned()), ..WorkspaceChange::default() };
        assert_eq!(app.workspace_update(&owner, renamed).await.unwrap().name, "Theirs");

        let by_hand: Grant<WorkspaceManage> = inside(&world, house.workspace).await.grant().unwrap();
        let refused = app.workspace_update(&by_hand, ask(false)).await.unwrap_err();
        assert_eq!(refused.code(), Code::MembersShutOut);
        assert!(refused.detail().ends_with(": 4"), "{}", refused.detail());
        let agent = person(&world, &house.agent).await;
        assert!(grant_of::<WorkspaceRead>(&world, &agent, house.workspace).await.is_ok());
        assert!(app.workspace_update(&by_hand, ask(true)).await.unwrap().second_factor_required);
        let refused = grant_of::<WorkspaceRead>(&world, &agent, house.workspace).await;
        assert_eq!(code(refused), Some(Code::SecondFactorRequired), "the very next request");
        // They may go all the same.
        app.member_leave(&agent, &world.caller(), house.workspace).await.unwrap();
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_deleted_workspace_is_shut_and_can_be_brought_back() {
    for engine in Engines::available() {
        let world = World::start(Setup::new(engine)).await;
        let tenant = world.tenant("Mine").await;
        let somebody = world.member(tenant.workspace, gatepost_core::access::Role::Owner).await;
        let owner = person(&world, &somebody).await;
        let app = &world.app;
        let grant = grant_of::<WorkspaceManage>(&world, &owner, tenant.workspace).await.unwrap();
        assert_eq!(code(app.workspace_delete(&grant, "mine").await), Some(Code::InvalidField));
        tenant.admin.get("/v1/workspace").await.expect(200);
        app.workspace_delete(&grant, "Mine").await.unwrap();
        assert_eq!(tenant.admin.get("/v1/workspace").await.code(), "unauthorized");
        let seat = grant_of::<MessageRead>(&world, &owner, tenant.workspace).await;
        assert_eq!(code(seat), Some(Code::NotFound));
        assert!(app.seats_of(&owner).await.unwrap().is_empty());
        let operator = world.operator::<operator_permission::WorkspaceManage>();
        app.workspace_restore(&operator, tenant.workspace).await.unwrap();
        let again = app.workspace_restore(&operator, tenant.workspace).await;
        assert_eq!(code(again), Some(Code::Conflict));
        tenant.admin.get("/v1/workspace").await.expect(200);
        assert!(grant_of::<MessageRead>(&world, &owner, tenant.workspace).await.is_ok());
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_workspace_where_the_installation_allows_it() {
    for engine in Engines::available() {
        for allowed in [false, true] {
            let mut setup = Setup::new(engine);
            setup.config.workspaces_self_service = allowed;
            setup.workers = false;
            let world = World::start(setup).await;
            let house = House::build(&world).await;
            let make = async |somebody| {
                let person = person(&world, somebody).await;
                let made = world
                    .app
                    .workspace_create_own(&person, &world.caller(), "Second".to_owned(), None)
                    .await?;
                assert!(grant_of::<WorkspaceManage>(&world, &person, made).await.is_ok());
                Ok::<_, Error>(())
            };
            let expected = (!allowed).then_some(Code::PermissionMissing);
            assert_eq!(code(make(&house.owner).await), expected);
            assert_eq!(code(make(&house.admin).await), Some(Code::PermissionMissing), "owns none");
            let stale = person(&world, &house.owner).await;
            world.clock.advance(std::time::Duration::from_mins(6));
            let late =
                world.app.workspace_create_own(&stale, &world.caller(), "Third".to_owned(), None).await;
            let expected = if allowed { Code::ReauthRequired } else { Code::PermissionMissing };
            assert_eq!(code(late), Some(expected));
            world.stop().await;
        }
    }
}
