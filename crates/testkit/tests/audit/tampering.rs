//! What somebody with the whole database does to the log is found, on both engines, and the first bad entry named.

use gatepost_app::{Elsewhere, Fault};
use gatepost_core::WorkspaceId;
use gatepost_core::audit::{Checkpoint, NO_HASH};
use gatepost_testkit::{Engines, World, eventually};
use gatepost_vault::SystemEntropy;
use gatepost_vault::audit::{CheckpointKey, entry_hash};

use crate::chain::{quiet, verify};
use crate::support::key;

struct Case {
    world: World,
    workspace: WorkspaceId,
    owner: String,
    /// A copy of the checkpoints as they were.
    elsewhere: std::path::PathBuf,
    _directory: tempfile::TempDir,
}

impl Case {
    /// Entries 1 to 9, checkpoints at 4 and 7.
    async fn start(engine: Engines) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let elsewhere = directory.path().join("checkpoints.jsonl");
        let mut setup = quiet(engine);
        setup.config.audit_checkpoint_file = Some(elsewhere.clone());
        let world = World::start(setup).await;
        // A starting server signs what it finds, the platform's own log last; not to be met in between.
        let platform = WorkspaceId::from_uuid(uuid::Uuid::nil());
        eventually("the first look", async || {
            (!world.rows_of(platform).await["audit_checkpoint"].is_empty()).then_some(())
        })
        .await;
        let tenant = world.tenant("Example Ltd").await;
        for (keys, sign) in [(3, true), (3, true), (2, false)] {
            for _ in 0..keys {
                key(&tenant.admin).await;
            }
            if sign {
                world.app.checkpoints_make().await;
            }
        }
        let owner = world.sql_id(tenant.workspace);
        assert_eq!(world.audit_log(Some(tenant.workspace)).await.len(), 9);
        Self { world, workspace: tenant.workspace, owner, elsewhere, _directory: directory }
    }

    async fn run(&self, sql: &str) {
        self.world.as_superuser(&sql.replace("OWNER", &self.owner)).await;
    }

    /// Hashes the whole log anew and notes its end, as a careful forger would.
    async fn rehash(&self) {
        let mut previous = NO_HASH;
        let mut seq = 0;
        for row in self.world.audit_log(Some(self.workspace)).await {
            previous = entry_hash(&row.record, &previous);
            seq = row.record.seq;
            let hash = self.world.sql_hash(&previous);
            self.run(&format!("UPDATE audit SET hash = {hash} WHERE workspace_id = OWNER AND seq = {seq}"))
                .await;
        }
        let hash = self.world.sql_hash(&previous);
        self.run(&format!("UPDATE audit_chain SET seq = {seq}, hash = {hash} WHERE workspace_id = OWNER"))
            .await;
    }

    /// What is found, with and without what was kept elsewhere.
    async fn found(&self, with: bool) -> Option<(i64, Fault)> {
        let elsewhere = if with { Elsewhere::read(&self.elsewhere).unwrap() } else { Elsewhere::default() };
        let mut found = verify(&self.world, &elsewhere).await.into_iter().filter_map(Result::err);
        let first = found.next();
        assert!(found.next().is_none(), "only one log was touched");
        first.map(|finding| {
            assert_eq!(finding.workspace, self.workspace);
            (finding.seq, finding.fault)
        })
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_kinds_of_tampering_are_found() {
    for engine in Engines::available() {
        let both = async |case: Case, expected: (i64, Fault)| {
            assert_eq!(case.found(false).await, Some(expected), "{engine:?}");
            assert_eq!(case.found(true).await, Some(expected), "{engine:?}");
            case.world.stop().await;
        };
        let case = Case::start(engine).await;
        assert_eq!(
            (case.found(false).await, case.found(true).await),
            (None, None),
            "a clean log gives no alarm"
        );

        // An edit.
        case.run("UPDATE audit SET actor = 'nobody' WHERE workspace_id = OWNER AND seq = 3").await;
        both(case, (3, Fault::Changed)).await;
        // A deletion.
        let case = Case::start(engine).await;
        case.run("DELETE FROM audit WHERE workspace_id = OWNER AND seq = 6").await;
        both(case, (6, Fault::Missing)).await;
        // An insertion, behind the end.
        let case = Case::start(engine).await;
        let id = if engine == Engines::Sqlite {
            "x'00000000000000000000000000000009'"
        } else {
            "'00000000-0000-0000-0000-000000000009'"
        };
        case.run(&format!(
            "INSERT INTO audit (workspace_id, id, seq, at, actor, action, target_kind, target, old_values, new_values, details, outcome, hash) \
             SELECT workspace_id, {id}, 10, at, actor, action, target_kind, target, old_values, new_values, details, outcome, hash \
             FROM audit WHERE workspace_id = OWNER AND seq = 9"
        ))
        .await;
        both(case, (10, Fault::BeyondTheEnd)).await;
        // A swap.
        let case = Case::start(engine).await;
        case.run(
            "UPDATE audit SET seq = 100 WHERE workspace_id = OWNER AND seq = 5;;\
             UPDATE audit SET seq = 5 WHERE workspace_id = OWNER AND seq = 6;;\
             UPDATE audit SET seq = 6 WHERE workspace_id = OWNER AND seq = 100",
        )
        .await;
        both(case, (5, Fault::Changed)).await;
        // The end is cut off, and the log's own note of it with it.
        let case = Case::start(engine).await;
        case.run("DELETE FROM audit WHERE workspace_id = OWNER AND seq > 5").await;
        case.rehash().await;
        both(case, (6, Fault::Truncated { reached: 7 })).await;
        // The whole log is written anew.
        let case = Case::start(engine).await;
        case.run("UPDATE audit SET actor = 'nobody' WHERE workspace_id = OWNER").await;
        case.rehash().await;
        both(case, (1, Fault::Rewritten { checkpoint: 4 })).await;
        // Without the database's own checkpoints only those that were kept elsewhere tell of it.
        let case = Case::start(engine).await;
        case.run("UPDATE audit SET actor = 'nobody' WHERE workspace_id = OWNER").await;
        case.run("DELETE FROM audit_checkpoint WHERE workspace_id = OWNER").await;
        case.rehash().await;
        assert_eq!(case.found(true).await, Some((1, Fault::Rewritten { checkpoint: 4 })));
        // Nor does the running server sign it: it remembers.
        case.world.app.checkpoints_make().await;
        assert!(case.world.rows_of(case.workspace).await["audit_checkpoint"].is_empty(), "{engine:?}");
        case.world.stop().await;
        // Signed again with another key, over a rewritten log.
        let case = Case::start(engine).await;
        case.run("UPDATE audit SET actor = 'nobody' WHERE workspace_id = OWNER").await;
        case.rehash().await;
        let log = case.world.audit_log(Some(case.workspace)).await;
        let foreign = CheckpointKey::generate(&SystemEntropy).unwrap();
        let forged = foreign.sign(Checkpoint {
            workspace_id: case.workspace,
            seq: 4,
            head: log[3].hash.unwrap(),
            at: log[3].record.at,
            previous: NO_HASH,
            key: [0; 32],
            signature: [0; 64],
        });
        case.run("DELETE FROM audit_checkpoint WHERE workspace_id = OWNER AND seq > 4").await;
        case.run(&format!(
            "UPDATE audit_checkpoint SET head = {}, previous = {}, key = {}, signature = {} WHERE workspace_id = OWNER",
            case.world.sql_bytes(&forged.head),
            case.world.sql_bytes(&forged.previous),
            case.world.sql_bytes(&forged.key),
            case.world.sql_bytes(&forged.signature),
        ))
        .await;
        both(case, (4, Fault::NotSigned)).await;
        // A fork: the server goes on from a database that was set back.
        let case = Case::start(engine).await;
        case.run("DELETE FROM audit WHERE workspace_id = OWNER AND seq > 4").await;
        case.run("DELETE FROM audit_checkpoint WHERE workspace_id = OWNER AND seq > 4").await;
        case.rehash().await;
        let mut setup = quiet(engine);
        setup.config.sole_owner = false;
        let next = case.world.another(setup).await;
        next.app.checkpoints_make().await;
        let admin = next
            .key(case.workspace, gatepost_core::channel::Mode::Test, &[gatepost_core::access::Scope::Admin])
            .await;
        for _ in 0..2 {
            key(&next.nobody().with_key(Some(&admin))).await;
        }
        next.app.checkpoints_make().await;
        assert_eq!(case.found(false).await, None, "by itself it is sound");
        assert_eq!(case.found(true).await, Some((7, Fault::Forked)), "{engine:?}");
        next.stop().await;
        case.world.stop().await;
    }
}
