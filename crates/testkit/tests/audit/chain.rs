//! One chain, whoever appends.

use std::time::Duration;

use gatepost_app::{Elsewhere, public_key_of, verify_store};
use gatepost_core::access::{Scope, operator_permission};
use gatepost_core::audit::{Audit, ExportLine};
use gatepost_core::channel::Mode;
use gatepost_core::{ApiKeyId, AuditId, Timestamp, WorkspaceId};
use gatepost_testkit::{Engines, Setup, World, eventually};
use gatepost_vault::{MasterKey, MasterKeyring, SystemEntropy};
use serde_json::json;
use uuid::Uuid;

/// Entries as an earlier version left them: without a hash.
pub async fn early_entries(world: &World, workspace: WorkspaceId, count: i64) {
    let owner = world.sql_id(workspace);
    let rows: Vec<String> = (1..=count)
        .map(|seq| {
            let id = world.sql_id(WorkspaceId::from_uuid(Uuid::from_u128(u128::try_from(seq).unwrap())));
            format!(
                "({owner}, {id}, {seq}, {seq}, 'operator:local', 'api_key.created', 'api_key', 'key {seq}', '{{}}', '{{}}', '{{\"mode\": \"test\"}}', 'done', {})",
                world.sql_bytes(b"")
            )
        })
        .collect();
    let columns = "workspace_id, id, seq, at, actor, action, target_kind, target, old_values, new_values, details, outcome, hash";
    world.as_superuser(&format!("INSERT INTO audit ({columns}) VALUES {}", rows.join(", "))).await;
}

/// Checks every log of a world; what is wrong first.
pub async fn verify(world: &World, elsewhere: &Elsewhere) -> Vec<gatepost_app::Checked> {
    let ring = MasterKeyring::new(MasterKey::parse("test", &world.master).unwrap(), Vec::new());
    let key = public_key_of(&world.store, &ring).await.unwrap().unwrap();
    verify_store(&world.store, key, elsewhere).await.unwrap()
}

pub fn quiet(engine: Engines) -> Setup {
    let mut setup = Setup::new(engine);
    setup.workers = false;
    // Only when a test asks for it.
    setup.config.audit_checkpoint_every = Duration::from_hours(10);
    setup
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_writers_on_two_nodes_make_one_chain() {
    for engine in Engines::available() {
        let world = World::start(quiet(engine)).await;
        let tenant = world.tenant("Example Ltd").await;
        let other = world.tenant("Another").await;
        // A second node where there can be one; the same process twice else.
        let second = match engine {
            Engines::Postgres => Some(world.another(quiet(engine)).await),
            Engines::Sqlite => None,
        };
        let mut tasks = tokio::task::JoinSet::new();
        for number in 0..40 {
            let node = second.as_ref().filter(|_| number % 2 == 0).unwrap_or(&world);
            let key = if number % 5 == 0 { &other.admin_key } else { &tenant.admin_key };
            let admin = node.nobody().with_key(Some(key));
            tasks.spawn(async move {
                let body = json!({"name": format!("key {number}"), "scopes": ["read"]});
                admin.post("/v1/keys", &body).await.expect(201);
            });
        }
        while let Some(done) = tasks.join_next().await {
            done.unwrap();
        }
        for (tenant, keys) in [(&tenant, 32), (&other, 8)] {
            let log = world.audit_log(Some(tenant.workspace)).await;
            assert_eq!(log.len(), keys + 1, "{engine:?}");
            assert!(log.iter().zip(1..).all(|(row, seq)| row.record.seq == seq && row.hash.is_some()));
        }
        for node in second.iter().chain([&world]) {
            node.app.checkpoints_make().await;
        }
        for checked in verify(&world, &Elsewhere::default()).await {
            let good = checked.unwrap();
            assert_eq!(good.signed_to, good.entries, "{engine:?}");
        }
        if let Some(second) = second {
            second.stop().await;
        }
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn entries_from_before_the_chain_get_a_place_in_it() {
    for engine in Engines::available() {
        let world = World::start(quiet(engine)).await;
        let grant = world.operator::<operator_permission::WorkspaceManage>();
        let workspace = world.app.workspace_create(&grant, "Early".to_owned(), None).await.unwrap().id;
        early_entries(&world, workspace, 1_203).await;
        world.key(workspace, Mode::Test, &[Scope::Read]).await;
        let log = world.audit_log(Some(workspace)).await;
        assert_eq!(log.len(), 1_205);
        assert!(log[..1_203].iter().all(|row| row.hash.is_none()) && log[1_203].hash.is_some());
        let begun = &log[1_203].record;
        assert_eq!(
            (begun.action.as_str(), begun.details.get("entries_before")),
            ("audit.chain_begun", Some("1203"))
        );
        world.app.checkpoints_make().await;
        assert!(verify(&world, &Elsewhere::default()).await.iter().all(Result::is_ok), "{engine:?}");
        let owner = world.sql_id(workspace);
        world
            .as_superuser(&format!(
                "UPDATE audit SET actor = 'nobody' WHERE workspace_id = {owner} AND seq = 600"
            ))
            .await;
        let found: Vec<_> =
            verify(&world, &Elsewhere::default()).await.into_iter().filter_map(Result::err).collect();
        assert_eq!((found.len(), found[0].workspace, found[0].seq), (1, workspace, 1), "{engine:?}");
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn checkpoints_come_with_time_and_with_the_thousandth_entry() {
    for engine in Engines::available() {
        let directory = tempfile::tempdir().unwrap();
        let mut setup = quiet(engine);
        setup.config.audit_checkpoint_file = Some(directory.path().to_owned());
        let world = World::start(setup).await;
        let tenant = world.tenant("Example Ltd").await;
        let workspace = tenant.workspace;
        let made = async |count: i64| {
            let (now, id) = (Timestamp::from_seconds(1_793_525_400), ApiKeyId::from_uuid(Uuid::from_u128(1)));
            let entries: Vec<_> = (0..count)
                .map(|_| {
                    gatepost_core::audit::AuditEntry::new(
                        AuditId::new(now, &SystemEntropy),
                        now,
                        gatepost_core::access::Actor::System("test"),
                        gatepost_core::audit::Action::ApiKeyCreated,
                        ("api_key", id.to_string()),
                    )
                })
                .collect();
            let write = async move |tx: &gatepost_store::SystemTx<'_>| {
                tx.audit_add(workspace, &entries).await?;
                tx.commit(Audit::None("a test"), ())
            };
            world.store.write_system(write).await.unwrap();
        };
        // The first entry is waited for (ten hours here), the thousandth is not.
        made(997).await;
        let marks = async || world.rows_of(workspace).await["audit_checkpoint"].len();
        assert_eq!(marks().await, 0);
        made(5).await;
        eventually("the checkpoint of the thousandth", async || (marks().await == 1).then_some(())).await;
        made(7).await;
        world.app.checkpoints_make().await;
        world.app.checkpoints_make().await;
        assert_eq!(marks().await, 2, "nothing new, nothing signed");
        let file = directory.path().join("gatepost-audit-checkpoints.jsonl");
        let shipped = std::fs::read_to_string(&file).unwrap();
        let own: Vec<i64> = gatepost_testkit::export_lines(&shipped)
            .iter()
            .filter_map(|line| match line {
                ExportLine::Checkpoint(c) if c.workspace_id == workspace => Some(c.seq),
                _ => None,
            })
            .collect();
        assert_eq!((own.len(), own[1]), (2, 1_010), "{engine:?}");
        let elsewhere = Elsewhere::read(&file).unwrap();
        assert!(verify(&world, &elsewhere).await.iter().all(Result::is_ok));
        world.stop().await;
    }
}
