//! Visits: what they let read, who knows of them, and how they end.

use std::time::Duration;

use gatepost_app::PageQuery;
use gatepost_core::access::permission::{NoticeRead, OperatorVisitRead, OperatorVisitRevoke};
use gatepost_core::access::{OperatorRole, Role, Scope};
use gatepost_core::channel::Mode;
use gatepost_core::{Code, WorkspaceId};
use gatepost_testkit::{Engines, Setup, World};
use serde_json::{Value, json};

use crate::support::{Op, inside, listen, member};

fn ask(workspace: WorkspaceId, content: bool) -> Value {
    json!({
        "workspace_id": workspace.to_string(),
        "reason": "Ticket 4711: deliveries stuck since Monday",
        "content": content,
        "minutes": 60,
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn inside_only_with_a_visit_and_every_request_is_told_of() {
    for engine in Engines::available() {
        let world = World::start(Setup::new(engine)).await;
        let tenant = world.tenant("Example Ltd").await;
        let other = world.tenant("Other Ltd").await;
        let base = listen(&world).await;
        let op = Op::sign_in(&world, &base, OperatorRole::Support).await;
        let own = tenant.workspace;
        let count = async |action: &str| world.audited(Some(own), action).await;

        let refused = op.get(&inside(own, "/channels")).await;
        assert_eq!((refused.status, refused.code().as_str()), (403, "permission_missing"));
        world.app.refusals_settle().await;
        assert_eq!(count("request.refused").await, 1, "who tries without is in the workspace's log");
        assert_eq!(count("workspace.visited").await, 0);

        let visit = op.change("POST", "/operator/v1/visits", Some(&ask(own, false))).await.expect(201).json();
        assert_eq!((&visit["open"], &visit["content"]), (&json!(true), &json!(false)));
        assert_eq!(op.change("POST", "/operator/v1/visits", Some(&ask(own, true))).await.code(), "conflict");
        assert_eq!(count("operator_visit.opened").await, 1);

        op.get(&inside(own, "/channels")).await.expect(200);
        op.get(&inside(own, "/keys")).await.expect(200);
        for closed in ["/messages", "/events", "/members"] {
            let refused = op.get(&inside(own, closed)).await;
            assert_eq!((refused.status, refused.code().as_str()), (403, "permission_missing"), "{closed}");
        }
        // One visit opens one workspace, to one operator.
        assert_eq!(op.get(&inside(other.workspace, "/channels")).await.code(), "permission_missing");
        let colleague = Op::sign_in(&world, &base, OperatorRole::Administrator).await;
        assert_eq!(colleague.get(&inside(own, "/channels")).await.code(), "permission_missing");
        // Nothing that changes is there at all.
        for (method, path) in
            [("POST", "/keys"), ("POST", "/messages"), ("DELETE", "/keys/key_01kagq5rh8e5htqh9sk95d3x4w")]
        {
            let answer = op.change(method, &inside(own, path), Some(&json!({}))).await;
            assert!([404, 405].contains(&answer.status), "{method} {path}: {}", answer.status);
        }

        // What was let in and what was refused inside: one entry each, with route and visit.
        let log = world.audit_log(Some(own)).await;
        let visited: Vec<_> = log.iter().filter(|row| row.record.action == "workspace.visited").collect();
        assert_eq!(visited.len(), 5, "two that opened, three that the visit does not hold");
        for row in &visited {
            assert_eq!(row.record.details.get("visit"), visit["id"].as_str());
            assert_eq!(row.record.actor, format!("operator:{}", op.who.id));
            assert!(row.record.source.is_some() && row.record.request.is_some());
        }
        let opened = log.iter().find(|row| row.record.action == "operator_visit.opened").unwrap();
        assert_eq!(opened.record.after.get("reason"), Some("Ticket 4711: deliveries stuck since Monday"));

        // With content, after the first is left.
        op.change("DELETE", &inside(own, "/visit"), None).await.expect(204);
        assert_eq!(count("operator_visit.ended").await, 1);
        assert_eq!(op.get(&inside(own, "/channels")).await.status, 403);
        op.change("POST", "/operator/v1/visits", Some(&ask(own, true))).await.expect(201);
        for open in ["/channels", "/messages", "/events", "/members", "/audit-log"] {
            op.get(&inside(own, open)).await.expect(200);
        }
        assert_eq!(op.get(&inside(own, "/audit-log/export")).await.status, 404, "nothing is taken away");
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn owners_see_visits_and_end_them() {
    for engine in Engines::available() {
        let world = World::start(Setup::new(engine)).await;
        let tenant = world.tenant("Example Ltd").await;
        let base = listen(&world).await;
        let op = Op::sign_in(&world, &base, OperatorRole::Support).await;
        let own = tenant.workspace;
        let visit = op.change("POST", "/operator/v1/visits", Some(&ask(own, false))).await.expect(201).json();
        let id = visit["id"].as_str().unwrap();

        let seen = tenant.admin.get("/v1/operator-visits").await.expect(200).json();
        assert_eq!(seen["data"][0]["id"], visit["id"]);
        assert_eq!(seen["data"][0]["operator_name"], "Ann Example");
        let sender = world.key(own, Mode::Test, &[Scope::Send]).await;
        let sender = tenant.admin.with_key(Some(&sender));
        assert_eq!(sender.get("/v1/operator-visits").await.code(), "permission_missing");
        let by_key = tenant.admin.delete(&format!("/v1/operator-visits/{id}")).await;
        assert_eq!(by_key.code(), "permission_missing", "a key does not decide about people");

        let (owner, admin) = (member(&world, own, Role::Owner).await, member(&world, own, Role::Admin).await);
        let reading = admin.grant::<OperatorVisitRead>().unwrap();
        let page = world.app.operator_visit_list(&reading, PageQuery::default());
        assert!(page.await.unwrap().items[0].open);
        assert_eq!(admin.grant::<OperatorVisitRevoke>().unwrap_err().code(), Code::PermissionMissing);
        let notices = world.app.notice_list(&owner.grant::<NoticeRead>().unwrap()).await.unwrap();
        let told = notices.iter().find(|notice| notice.kind == "operator_visit.opened").unwrap();
        assert!(told.facts.iter().any(|(_, value)| value.starts_with("Ticket 4711")), "{:?}", told.facts);
        let grant = owner.grant::<OperatorVisitRevoke>().unwrap();
        op.get(&inside(own, "/channels")).await.expect(200);
        let ended = world.app.operator_visit_end(&grant, id.parse().unwrap()).await.unwrap();
        assert!(!ended.open && ended.ended_by == Some(owner.actor().to_string()));
        assert_eq!(op.get(&inside(own, "/channels")).await.code(), "permission_missing");
        let twice = world.app.operator_visit_end(&grant, id.parse().unwrap()).await.unwrap_err();
        assert_eq!(twice.code(), Code::Conflict);
        // Not another workspace's.
        let stranger = member(&world, world.tenant("Other Ltd").await.workspace, Role::Owner).await;
        let grant = stranger.grant::<OperatorVisitRevoke>().unwrap();
        let unknown = world.app.operator_visit_end(&grant, id.parse().unwrap()).await.unwrap_err();
        assert_eq!(unknown.code(), Code::NotFound);
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_visit_has_an_end_and_a_reason() {
    let world = World::start(Setup::new(Engines::Sqlite)).await;
    let tenant = world.tenant("Example Ltd").await;
    let base = listen(&world).await;
    let op = Op::sign_in(&world, &base, OperatorRole::Support).await;
    let own = tenant.workspace;
    for (field, value) in [
        ("reason", json!("too short")),
        ("reason", json!("x".repeat(501))),
        ("minutes", json!(481)),
        ("minutes", json!(0)),
        ("workspace_id", json!("ws_nobody")),
    ] {
        let mut body = ask(own, false);
        body[field] = value.clone();
        let refused = op.change("POST", "/operator/v1/visits", Some(&body)).await;
        assert_eq!((refused.status, refused.code().as_str()), (422, "invalid_field"), "{field}: {value}");
    }
    let mut unknown = ask(own, false);
    unknown["workspace_id"] = json!("ws_01kagq5rh8e5htqh9sk95d3x4w");
    assert_eq!(op.change("POST", "/operator/v1/visits", Some(&unknown)).await.status, 404);

    let mut short = ask(own, false);
    short["minutes"] = json!(30);
    op.change("POST", "/operator/v1/visits", Some(&short)).await.expect(201);
    world.clock.advance(Duration::from_mins(29));
    op.get(&inside(own, "/channels")).await.expect(200);
    world.clock.advance(Duration::from_mins(2));
    assert_eq!(op.get(&inside(own, "/channels")).await.code(), "permission_missing");
    assert_eq!(op.get("/operator/v1/visits").await.expect(200).json()["data"], json!([]));
    // A new one can be opened, though the old one was never ended.
    op.again(&world).await;
    op.change("POST", "/operator/v1/visits", Some(&short)).await.expect(201);
    op.get(&inside(own, "/channels")).await.expect(200);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ended_on_one_node_is_ended_on_the_other() {
    let Some(engine) = Engines::available().into_iter().find(|engine| *engine == Engines::Postgres) else {
        return;
    };
    let world = World::start(Setup::new(engine)).await;
    let second = world.another(Setup::new(engine)).await;
    let tenant = world.tenant("Example Ltd").await;
    let own = tenant.workspace;
    let base = listen(&second).await;
    let op = Op::sign_in(&second, &base, OperatorRole::Support).await;
    let visit = op.change("POST", "/operator/v1/visits", Some(&ask(own, false))).await.expect(201).json();
    op.get(&inside(own, "/channels")).await.expect(200);
    let owner = member(&world, own, Role::Owner).await;
    let grant = owner.grant::<OperatorVisitRevoke>().unwrap();
    world.app.operator_visit_end(&grant, visit["id"].as_str().unwrap().parse().unwrap()).await.unwrap();
    assert_eq!(op.get(&inside(own, "/channels")).await.code(), "permission_missing", "the very next request");

    // And so does whoever is no operator any more.
    op.change("POST", "/operator/v1/visits", Some(&ask(own, false))).await.expect(201);
    let email = gatepost_core::EmailAddress::parse(&op.who.email).unwrap();
    world.app.operator_role_set(&world.operator(), &email, None).await.unwrap();
    assert_eq!(op.get(&inside(own, "/channels")).await.code(), "session_ended");
    assert_eq!(world.audited(Some(own), "operator_visit.ended").await, 2, "the visit ended with the role");
    second.stop().await;
    world.stop().await;
}

/// Whoever's account is closed visits nobody, and neither does whoever's account is opened again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn visits_end_with_the_account() {
    for engine in Engines::available() {
        let world = World::start(Setup::new(engine)).await;
        let tenant = world.tenant("Example Ltd").await;
        let own = tenant.workspace;
        let base = listen(&world).await;
        let op = Op::sign_in(&world, &base, OperatorRole::Support).await;
        op.change("POST", "/operator/v1/visits", Some(&ask(own, false))).await.expect(201);
        op.get(&inside(own, "/channels")).await.expect(200);
        world.app.user_disable(&world.operator(), op.who.id).await.unwrap();
        assert_eq!(op.get(&inside(own, "/channels")).await.code(), "session_ended");
        assert_eq!(world.audited(Some(own), "operator_visit.ended").await, 1, "{engine:?}");
        world.app.user_enable(&world.operator(), op.who.id).await.unwrap();
        op.again(&world).await;
        assert_eq!(op.get(&inside(own, "/channels")).await.code(), "permission_missing", "{engine:?}");
        world.stop().await;
    }
}

/// Two visits of one workspace opened at once: one is there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_visit_of_a_workspace_at_a_time() {
    for engine in Engines::available() {
        let world = World::start(Setup::new(engine)).await;
        let tenant = world.tenant("Example Ltd").await;
        let base = listen(&world).await;
        let op = Op::sign_in(&world, &base, OperatorRole::Support).await;
        let body = ask(tenant.workspace, false);
        let open = async || op.change("POST", "/operator/v1/visits", Some(&body)).await.status;
        let (a, b, c, d) = tokio::join!(open(), open(), open(), open());
        let mut statuses = [a, b, c, d];
        statuses.sort_unstable();
        assert_eq!(statuses, [201, 409, 409, 409]);
        assert_eq!(world.audited(Some(tenant.workspace), "operator_visit.opened").await, 1);
        world.stop().await;
    }
}
