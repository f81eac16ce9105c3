//! What a change of seats binds, and how soon: requests, streams, nodes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use gatepost_app::{EventBegin, EventSelection, EventStream, StreamEnd, StreamQuery, StreamStep};
use gatepost_core::access::permission::{EventRead, KeyRead, MemberManage};
use gatepost_core::access::{Grant, Person, Role};
use gatepost_core::{Code, WorkspaceId};
use gatepost_testkit::{Engines, Setup, World};

use crate::support::{House, grant_of, inside, invite, person};

async fn stream(world: &World, person: &Person, workspace: WorkspaceId) -> EventStream {
    let grant = grant_of::<EventRead>(world, person, workspace).await.unwrap();
    let query = StreamQuery { begin: EventBegin::Now, select: EventSelection::default() };
    world.app.event_stream(&grant, query).await.unwrap()
}

/// How a stream ends; it must within five seconds.
async fn end_of(mut stream: EventStream) -> StreamEnd {
    let ended = async {
        loop {
            if let StreamStep::Ended(end) = stream.next().await {
                return end;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(5), ended).await.unwrap()
}

/// A hundred requests under way while somebody is demoted: none that begins after the answer succeeds.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_demotion_binds_the_next_request_under_load() {
    for engine in Engines::available() {
        let world = Arc::new(World::start(Setup::new(engine)).await);
        let house = House::build(&world).await;
        let (workspace, admin) = (house.workspace, person(&world, &house.admin).await);
        let (over, answered) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let (before, after) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let tasks: Vec<_> = (0..100)
            .map(|_| {
                let (world, admin) = (Arc::clone(&world), Arc::clone(&admin));
                let (over, answered) = (Arc::clone(&over), Arc::clone(&answered));
                let (before, after) = (Arc::clone(&before), Arc::clone(&after));
                tokio::spawn(async move {
                    while !over.load(Ordering::SeqCst) {
                        let late = answered.load(Ordering::SeqCst);
                        match grant_of::<KeyRead>(&world, &admin, workspace).await {
                            Ok(_) if late => unreachable!("a request succeeded after the answer"),
                            Ok(_) => before.fetch_add(1, Ordering::SeqCst),
                            Err(error) => {
                                assert_eq!(error.code(), Code::PermissionMissing);
                                after.fetch_add(usize::from(late), Ordering::SeqCst)
                            }
                        };
                        tokio::task::yield_now().await;
                    }
                })
            })
            .collect();
        while before.load(Ordering::SeqCst) < 200 {
            tokio::task::yield_now().await;
        }
        let grant = house.grant::<MemberManage>(&world, &house.owner).await.unwrap();
        world.app.member_role_set(&grant, house.admin.id, Role::Agent).await.unwrap();
        answered.store(true, Ordering::SeqCst);
        while after.load(Ordering::SeqCst) < 200 {
            tokio::task::yield_now().await;
        }
        over.store(true, Ordering::SeqCst);
        for task in tasks {
            task.await.unwrap();
        }
        world.app.shutdown().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_removal_ends_streams_and_pending_invitations() {
    for engine in Engines::available() {
        let world = World::start(Setup::new(engine)).await;
        let house = House::build(&world).await;
        let (agent, admin) = (person(&world, &house.agent).await, person(&world, &house.admin).await);
        let theirs = grant_of::<MemberManage>(&world, &admin, house.workspace).await.unwrap();
        let (_, back_door) = invite(&world, &theirs, "friend@example.com", Role::Admin).await.unwrap();
        let (of_agent, of_admin) =
            (stream(&world, &agent, house.workspace).await, stream(&world, &admin, house.workspace).await);
        let owner = house.grant::<MemberManage>(&world, &house.owner).await.unwrap();
        world.app.member_remove(&owner, house.agent.id).await.unwrap();
        assert_eq!(end_of(of_agent).await, StreamEnd::SeatChanged);
        let refused = grant_of::<EventRead>(&world, &agent, house.workspace).await.unwrap_err();
        assert_eq!(refused.code(), Code::NotFound, "like a workspace that there is not");
        // A stream of somebody else goes on, until they sign out.
        let mut of_admin = of_admin;
        let quiet = tokio::time::timeout(Duration::from_millis(200), of_admin.next()).await;
        assert!(!matches!(quiet, Ok(StreamStep::Ended(_))));
        assert!(world.app.invitation_look(&back_door).await.is_ok());
        world.app.session_end(&admin, &world.caller(), admin.session()).await.unwrap();
        assert_eq!(end_of(of_admin).await, StreamEnd::SessionEnded);
        world.app.member_remove(&owner, house.admin.id).await.unwrap();
        let void = world.app.invitation_look(&back_door).await.unwrap_err();
        assert_eq!(void.code(), Code::LinkInvalid, "what the admin left open went with them");
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_closed_account_is_out_everywhere() {
    for engine in Engines::available() {
        let world = World::start(Setup::new(engine)).await;
        let house = House::build(&world).await;
        let session = world.sign_in(&house.agent).await;
        let kind = gatepost_core::access::SessionKind::Console;
        let agent = world.app.person_of_session(session.token.expose(), kind).await.unwrap();
        let listening = stream(&world, &agent, house.workspace).await;
        let users = world.operator::<gatepost_core::access::operator_permission::UserManage>();
        let closed = world.app.user_disable(&users, house.agent.id).await.unwrap();
        assert!(closed.disabled_at.is_some());
        let refused = world.app.person_of_session(session.token.expose(), kind).await.unwrap_err();
        assert_eq!(refused.code(), Code::SessionEnded);
        assert_eq!(end_of(listening).await, StreamEnd::SessionEnded);
        let password = gatepost_core::Secret::new(gatepost_testkit::PASSWORD.to_owned());
        let sign_in = world.app.sign_in_password(&world.caller(), kind, &house.agent.email, &password).await;
        assert_eq!(sign_in.err().unwrap().code(), Code::SignInFailed);
        world.app.user_enable(&users, house.agent.id).await.unwrap();
        let refused = world.app.person_of_session(session.token.expose(), kind).await.unwrap_err();
        assert_eq!(refused.code(), Code::SessionEnded, "what was ended stays so");
        world.sign_in(&house.agent).await;
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_administrator_cannot_be_closed_out() {
    use gatepost_core::access::{OperatorRole, operator_permission};
    for engine in Engines::available() {
        let world = World::start(Setup { set_up: false, ..Setup::new(engine) }).await;
        let only = world.somebody(Some(OperatorRole::Administrator)).await;
        world.somebody(Some(OperatorRole::Support)).await;
        let users = world.operator::<operator_permission::UserManage>();
        let refused = world.app.user_disable(&users, only.id).await.unwrap_err();
        assert_eq!(refused.code(), Code::Conflict);
        world.somebody(Some(OperatorRole::Administrator)).await;
        world.app.user_disable(&users, only.id).await.unwrap();
        world.stop().await;
    }
}

/// Two nodes on one database: whoever is removed on one finds nothing on the other, a second later at most.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_removal_binds_the_other_node() {
    let Some(engine) = Engines::available().into_iter().find(|engine| *engine == Engines::Postgres) else {
        return;
    };
    let world = World::start(Setup::new(engine)).await;
    let second = world.another(Setup::new(engine)).await;
    let house = House::build(&world).await;
    let (agent, analyst) = (person(&second, &house.agent).await, person(&second, &house.analyst).await);
    let (one, other) =
        (stream(&second, &agent, house.workspace).await, stream(&second, &analyst, house.workspace).await);
    let by_hand: Grant<MemberManage> = inside(&world, house.workspace).await.grant().unwrap();
    let began = Instant::now();
    world.app.member_remove(&by_hand, house.agent.id).await.unwrap();
    let refused = grant_of::<EventRead>(&second, &agent, house.workspace).await.unwrap_err();
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    assert_eq!(refused.code(), Code::NotFound);
    assert_eq!(end_of(one).await, StreamEnd::SeatChanged);
    // A narrower role holds there at once, too.
    world.app.member_role_set(&by_hand, house.admin.id, Role::Analyst).await.unwrap();
    let admin = person(&second, &house.admin).await;
    let refused = grant_of::<KeyRead>(&second, &admin, house.workspace).await.unwrap_err();
    assert_eq!(refused.code(), Code::PermissionMissing);
    drop(other);
    second.stop().await;
    world.stop().await;
}
