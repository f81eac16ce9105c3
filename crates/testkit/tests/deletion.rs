//! Deleted workspaces: what they had queued rests, what is brought back goes on, and what is not is destroyed.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;
use std::time::Duration;

use gatepost_app::{AuditQuery, PageQuery, Visit};
use gatepost_core::access::{Grant, operator_permission, permission};
use gatepost_core::audit::Action;
use gatepost_core::{Code, WorkspaceId};
use gatepost_testkit::{
    Client, Engines, Fixtures, Receiver, Setup, Tenant, World, eventually, workspace_tables,
};
use serde_json::{Value, json};

const DAY: Duration = Duration::from_hours(24);
/// Somebody at the simulated Meta who takes messages.
const TO: &str = "+12025550101";

async fn by_hand(world: &World, workspace: WorkspaceId) -> Grant<permission::WorkspaceManage> {
    let enter = world.operator::<operator_permission::WorkspaceEnter>();
    world.app.workspace_enter(&enter, workspace, Visit::InProcess).await.unwrap().grant().unwrap()
}

async fn delete(world: &World, workspace: WorkspaceId, name: &str) {
    let grant = by_hand(world, workspace).await;
    world.app.workspace_delete(&grant, name).await.unwrap();
}

async fn channel(admin: &Client) -> String {
    let made = admin.post("/v1/channels", &json!({"type": "test", "name": "Desk"})).await.expect(201).json();
    made["id"].as_str().unwrap().to_owned()
}

async fn send(admin: &Client, channel: &str) -> String {
    let body = json!({"channel_id": channel, "to": TO, "purpose": "support", "text": "hello"});
    admin.post("/v1/messages", &body).await.expect(202).json()["id"].as_str().unwrap().to_owned()
}

async fn state(admin: &Client, message: &str) -> Value {
    admin.get(&format!("/v1/messages/{message}")).await.expect(200).json()["state"].clone()
}

/// A workspace with a message and a webhook that wait.
async fn busy(world: &World, name: &str, receiver: &Receiver) -> (Tenant, String) {
    let tenant = world.tenant(name).await;
    let channel = channel(&tenant.admin).await;
    let endpoint = json!({"url": receiver.url, "description": "ours"});
    tenant.admin.post("/v1/webhook-endpoints", &endpoint).await.expect(201);
    let message = send(&tenant.admin, &channel).await;
    (tenant, message)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_deleted_workspace_had_queued_waits_until_it_is_brought_back() {
    for engine in Engines::available() {
        let world = World::start(Setup { workers: false, ..Setup::new(engine) }).await;
        let (theirs, ours) = (Receiver::start().await, Receiver::start().await);
        let (gone, waiting) = busy(&world, "Gone", &theirs).await;
        let (open, sent) = busy(&world, "Open", &ours).await;
        let jobs = world.rows_of(gone.workspace).await["job"].len();
        assert!(jobs >= 2, "a message and a delivery wait");
        delete(&world, gone.workspace, "Gone").await;

        world.app.start_workers();
        // Another workspace's work is done, by the same workers.
        eventually("the other message", async || (state(&open.admin, &sent).await != "queued").then_some(()))
            .await;
        eventually("the other webhook", async || (!ours.received().is_empty()).then_some(())).await;
        // Longer than it takes to look for due work.
        tokio::time::sleep(Duration::from_millis(2_500)).await;
        assert!(theirs.received().is_empty(), "{engine:?}: a webhook of a deleted workspace went out");
        let rows = world.rows_of(gone.workspace).await;
        assert!(rows["job"].len() >= jobs && rows["attempt"].is_empty(), "{engine:?}: {:?}", rows["job"]);

        let manage = world.operator::<operator_permission::WorkspaceManage>();
        world.app.workspace_restore(&manage, gone.workspace).await.unwrap();
        eventually("the message", async || (state(&gone.admin, &waiting).await != "queued").then_some(()))
            .await;
        eventually("the webhook", async || (!theirs.received().is_empty()).then_some(())).await;
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_workspace_is_destroyed_when_its_grace_is_over() {
    for engine in Engines::available() {
        let world = World::start(Setup::new(engine)).await;
        let receiver = Receiver::start().await;
        let (gone, kept) = (world.tenant("Gone").await, world.tenant("Kept").await);
        for tenant in [&gone, &kept] {
            let channel = channel(&tenant.admin).await;
            Fixtures::make(&tenant.admin, &channel, "", &receiver).await;
            world.member(tenant.workspace, gatepost_core::access::Role::Owner).await;
        }
        let manage = world.operator::<operator_permission::WorkspaceManage>();
        let (app, id) = (&world.app, gone.workspace);
        let keys = async |workspace: WorkspaceId| {
            let owner = workspace.uuid();
            world.store.read_system(async move |tx| tx.wrapped_key_list(owner).await).await.unwrap().len()
        };
        let full = world.rows_of(id).await;
        for table in ["message", "contact", "event", "delivery", "attempt", "api_key", "channel", "member"] {
            assert!(!full[table].is_empty(), "{table}");
        }
        delete(&world, id, "Gone").await;
        world.clock.advance(29 * DAY);
        app.retain().await.unwrap();
        assert_eq!(keys(id).await, 2, "within its grace");
        app.workspace_restore(&manage, id).await.unwrap();
        gone.admin.get("/v1/channels").await.expect(200);
        delete(&world, id, "Gone").await;
        // The grace begins anew.
        world.clock.advance(29 * DAY);
        app.retain().await.unwrap();
        assert_eq!(keys(id).await, 2, "{engine:?}");

        world.clock.advance(2 * DAY);
        app.retain().await.unwrap();
        assert_eq!((keys(id).await, keys(kept.workspace).await), (0, 2), "{engine:?}");
        let audit = ["audit", "audit_chain", "audit_checkpoint"];
        for (table, rows) in world.rows_of(id).await {
            assert!(rows.is_empty() || audit.contains(&table.as_str()), "{engine:?}: {table}: {rows:?}");
        }
        for (table, rows) in world.rows().await {
            let left = rows.iter().filter(|row| row.contains("Gone")).count();
            assert!(left == 0 || table == "audit", "{engine:?}: its name is in {table}");
        }
        // Nothing leads there any more, and nobody brings it back.
        assert_eq!(gone.admin.get("/v1/channels").await.code(), "unauthorized");
        let late = app.workspace_restore(&manage, id).await.unwrap_err();
        assert_eq!(late.code(), Code::Conflict);
        assert_eq!(world.audited(None, Action::WorkspaceDestroyed.as_str()).await, 1);
        let read = world.operator::<operator_permission::WorkspaceRead>();
        assert!(app.workspace_get(&read, id).await.unwrap().destroyed_at.is_some());
        // What stays can be read: what was done there, by whoever runs the installation.
        let enter = world.operator::<operator_permission::WorkspaceEnter>();
        let inside = app.workspace_enter(&enter, id, Visit::InProcess).await.unwrap();
        let grant = inside.grant::<permission::AuditRead>().unwrap();
        let told = app.audit_list(&grant, AuditQuery::default(), PageQuery::default()).await.unwrap().items;
        assert!(told.iter().any(|entry| entry.record.action == Action::WorkspaceDeleted.as_str()));
        // Once is enough; what others have is theirs.
        app.retain().await.unwrap();
        assert_eq!(world.audited(None, Action::WorkspaceDestroyed.as_str()).await, 1);
        kept.admin.get("/v1/channels").await.expect(200);
        // A fresh channel: nobody has written to the other one for a month.
        send(&kept.admin, &channel(&kept.admin).await).await;
        world.stop().await;
    }
}

/// A table that is new belongs among those that go with their workspace.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_table_of_workspaces_is_swept() {
    let world = World::start(Setup { workers: false, ..Setup::new(Engines::Sqlite) }).await;
    let swept: BTreeSet<String> = gatepost_store::SWEPT.iter().map(|name| (*name).to_owned()).collect();
    // Tickets and ways in go with the keys, what waits is the platform's table, and the audit log stays.
    let others = [
        "ticket",
        "identity_provider_index",
        "verification_page_index",
        "audit",
        "audit_chain",
        "audit_checkpoint",
    ];
    let others = others.map(str::to_owned);
    let mut known: BTreeSet<String> = others.into_iter().chain(["job".to_owned()]).collect();
    let owned: BTreeSet<String> = workspace_tables(world.store.engine()).await.into_iter().collect();
    let missing: Vec<_> = owned.iter().filter(|t| !swept.contains(*t) && !known.contains(*t)).collect();
    assert!(missing.is_empty(), "name these in gatepost_store::SWEPT, with a statement: {missing:?}");
    known.extend(owned);
    let unknown: Vec<_> = swept.difference(&known).collect();
    assert!(unknown.is_empty(), "there are no such tables: {unknown:?}");
    world.stop().await;
}
