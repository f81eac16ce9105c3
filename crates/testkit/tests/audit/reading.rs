//! Lists and exports.

use std::collections::BTreeSet;

use gatepost_app::{Elsewhere, Fault, public_key_of, verify_export};
use gatepost_core::access::{Actor, Scope};
use gatepost_core::audit::{Action, Audit, AuditEntry, ExportLine};
use gatepost_core::channel::Mode;
use gatepost_core::{AuditId, Clock as _};
use gatepost_testkit::{Client, Engines, World, export_lines};
use gatepost_vault::{MasterKey, MasterKeyring, SystemEntropy};
use serde_json::{Value, json};

use crate::chain::quiet;
use crate::support::{Stage, key};

async fn list(caller: &Client, query: &str) -> Vec<Value> {
    let mut found = Vec::new();
    let mut after = String::new();
    loop {
        let page = caller.get(&format!("/v1/audit-log?limit=3{query}{after}")).await.expect(200).json();
        found.extend(page["data"].as_array().unwrap().clone());
        match page["next_cursor"].as_str() {
            Some(cursor) => after = format!("&after={cursor}"),
            None => return found,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_is_read_in_pages_and_filtered() {
    for engine in Engines::available() {
        let stage = Stage::start(engine).await;
        let (live, test) = (&stage.live.admin, &stage.tenant.admin);
        let id = key(live).await;
        live.delete(&format!("/v1/keys/{id}")).await.expect(200);
        let tested = key(test).await;
        let seqs =
            |found: &[Value]| -> Vec<i64> { found.iter().map(|e| e["seq"].as_i64().unwrap()).collect() };
        let all = list(live, "").await;
        let seen = list(test, "").await;
        let mut both = [seqs(&all), seqs(&seen)].concat();
        assert!(seqs(&all).is_sorted_by(|a, b| a > b), "the newest first");
        both.sort_unstable();
        assert_eq!(both, (1..=i64::try_from(both.len()).unwrap()).collect::<Vec<_>>(), "every entry once");
        let actions = |found: &[Value]| -> Vec<String> {
            found.iter().map(|e| e["action"].as_str().unwrap().to_owned()).collect()
        };
        let keys = list(live, "&action=api_key").await;
        assert!(keys.len() >= 3 && actions(&keys).iter().all(|a| a.starts_with("api_key.")));
        assert_eq!(actions(&list(live, "&action=api_key.revoked").await), ["api_key.revoked"]);
        assert_eq!(
            actions(&list(live, &format!("&target={id}")).await),
            ["api_key.revoked", "api_key.created"]
        );
        assert!(list(live, "&actor=operator:local").await.len() >= 2);
        assert!(list(live, "&outcome=refused").await.is_empty());
        assert_eq!(list(live, "&outcome=done").await.len(), all.len());
        assert!(list(live, "&since=2100-01-01T00:00:00Z").await.is_empty());
        assert!(list(live, "&until=2000-01-01T00:00:00Z").await.is_empty());
        assert_eq!(
            list(live, "&since=2000-01-01T00:00:00Z&until=2100-01-01T00:00:00Z").await.len(),
            all.len()
        );
        let revoked = &list(live, "&action=api_key.revoked").await[0];
        assert_eq!((&revoked["source"], &revoked["mode"]), (&json!("127.0.0.1"), &json!("live")));
        assert!(revoked["hash"].as_str().unwrap().len() == 64 && revoked["before"]["revoked_at"] == "never");

        // A test key sees what was done in test mode, a live key the rest.
        assert!(!seen.is_empty() && seen.iter().all(|e| e["mode"] == "test"), "{seen:?}");
        assert_eq!(
            (
                list(live, &format!("&target={tested}")).await.len(),
                list(test, &format!("&target={tested}")).await.len()
            ),
            (0, 1)
        );
        for wrong in
            ["action=api", "action=api_key.flown", "outcome=maybe", "since=yesterday", "target=", "after=x"]
        {
            assert_eq!(
                live.get(&format!("/v1/audit-log?{wrong}")).await.code(),
                "invalid_parameter",
                "{wrong}"
            );
        }
        let bound = json!({"name": "bound", "scopes": ["admin"], "channels": [stage.live.channel]});
        let bound = live.post("/v1/keys", &bound).await.expect(201).json();
        let bound = live.with_key(bound["secret"].as_str());
        assert_eq!(bound.get("/v1/audit-log").await.code(), "channel_not_allowed");
        assert_eq!(bound.get("/v1/audit-log/export").await.code(), "channel_not_allowed");

        // The platform's own, at the operator's socket.
        let own: Value =
            serde_json::from_str(&stage.operator("GET", "/operator/v1/audit-log", None).await).unwrap();
        let own = own["data"].as_array().unwrap().clone();
        assert!(
            actions(&own).contains(&"server.started".to_owned())
                && actions(&own).contains(&"workspace.created".to_owned())
        );
        stage.world.app.checkpoints_make().await;
        let signed = stage.operator("GET", "/operator/v1/audit-log/checkpoints", None).await;
        let signed: Value = serde_json::from_str(&signed).unwrap();
        assert_eq!(signed["public_key"].as_str().unwrap().len(), 64);
        assert_eq!(signed["logs"].as_array().unwrap().len(), 2);
        assert!(signed["logs"][0]["checkpoint"]["seq"].is_i64(), "{signed}");
        stage.stop().await;
    }
}

/// Beside the id stands what the actor is called now, for whoever may know.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn actors_have_names() {
    for engine in Engines::available() {
        let stage = Stage::start(engine).await;
        let (world, live, workspace) = (&stage.world, &stage.live.admin, stage.tenant.workspace);
        key(live).await;
        let owner = world.member(workspace, gatepost_core::access::Role::Owner).await;
        let person = world.person_of(&world.sign_in(&owner).await).await;
        let principal = world.app.principal_of_person(&person, workspace).await.unwrap();
        let change = gatepost_app::WorkspaceChange {
            name: Some("Another name".to_owned()),
            ..gatepost_app::WorkspaceChange::default()
        };
        world.app.workspace_update(&principal.grant().unwrap(), change).await.unwrap();
        let names = |found: &[Value], actor: &str| -> BTreeSet<Option<String>> {
            let of_them = found.iter().filter(|entry| entry["actor"].as_str().unwrap().starts_with(actor));
            of_them.map(|entry| entry["actor_name"].as_str().map(str::to_owned)).collect()
        };
        let one = |name: &str| BTreeSet::from([Some(name.to_owned())]);
        let all = list(live, "").await;
        assert_eq!(names(&all, "key_"), one("a key"), "{engine:?}");
        assert_eq!(names(&all, "usr_"), one(&format!("Ann Example ({})", owner.email)), "{engine:?}");
        assert_eq!(names(&all, "operator:local"), one("Operator"), "{engine:?}");
        // The platform's log names people, and tells nobody's address.
        let own = stage.operator("GET", "/operator/v1/audit-log?action=session", None).await;
        assert!(own.contains("Ann Example") && !own.contains("@example.com"), "{engine:?}: {own}");
        stage.stop().await;
    }
}

async fn public_key(world: &World) -> gatepost_app::CheckpointPublicKey {
    let ring = MasterKeyring::new(MasterKey::parse("test", &world.master).unwrap(), Vec::new());
    public_key_of(&world.store, &ring).await.unwrap().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_is_checked_without_the_database() {
    for engine in Engines::available() {
        let directory = tempfile::tempdir().unwrap();
        let kept = directory.path().join("kept.jsonl");
        let mut setup = quiet(engine);
        setup.config.audit_checkpoint_file = Some(kept.clone());
        let world = World::start(setup).await;
        let tenant = world.tenant("Example Ltd").await;
        let live = world.key(tenant.workspace, Mode::Live, &[Scope::Admin]).await;
        let live = world.nobody().with_key(Some(&live));
        // More than one piece.
        let (workspace, now) = (tenant.workspace, world.clock.now());
        let entries: Vec<AuditEntry> = (0..1_100)
            .map(|_| {
                let target = ("route", "=HYPERLINK(\"x\")\r\n@evil\u{202e}".to_owned());
                let id = AuditId::new(now, &SystemEntropy);
                AuditEntry::new(id, now, Actor::System("+test"), Action::RequestRefused, target)
                    .made("name", "-1")
            })
            .collect();
        let write = async move |tx: &gatepost_store::SystemTx<'_>| {
            tx.audit_add(workspace, &entries).await?;
            tx.commit(Audit::None("a test"), ())
        };
        world.store.write_system(write).await.unwrap();
        world.app.checkpoints_make().await;

        let answer = live.get("/v1/audit-log/export").await.expect(200);
        let disposition = answer.headers["content-disposition"].to_str().unwrap().to_owned();
        assert!(disposition.starts_with("attachment") && disposition.contains(".jsonl"), "{disposition}");
        let text = answer.text;
        let lines = export_lines(&text);
        let count = lines.iter().filter(|line| matches!(line, ExportLine::Entry(_))).count();
        assert_eq!(count, 1_102);
        let own = world.audit_log(Some(workspace)).await;
        assert_eq!(own.last().unwrap().record.action, "audit.exported");
        let file = directory.path().join("export.jsonl");
        let key = public_key(&world).await;
        let checked = |text: &str| {
            std::fs::write(&file, text).unwrap();
            verify_export(&file, key, &Elsewhere::read(&kept).unwrap())
        };
        let good = checked(&text).unwrap().unwrap();
        assert_eq!((good.entries, good.signed_to, good.hidden), (1_102, 1_102, 0), "{engine:?}");
        // Other software may have written the same objects in its own way.
        let reordered: Vec<String> = text
            .lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap())
            .map(|value| serde_json::to_string_pretty(&value).unwrap().replace('\n', " "))
            .collect();
        assert!(checked(&format!("{}\n", reordered.join("\n"))).unwrap().is_ok());
        let edited = text.replacen("\"-1\"", "\"-2\"", 1);
        let found = checked(&edited).unwrap().unwrap_err();
        assert_eq!((found.seq, found.fault), (3, Fault::Changed));
        let without: Vec<&str> =
            text.lines().enumerate().filter(|(at, _)| *at != 40).map(|(_, line)| line).collect();
        assert_eq!(checked(&without.join("\n")).unwrap().unwrap_err().seq, 41);
        let cut: Vec<&str> = text.lines().take(500).collect();
        assert!(checked(&cut.join("\n")).is_err(), "an export without its end is none");

        // A test key's export hides the other mode and keeps the chain whole.
        let hidden = tenant.admin.get("/v1/audit-log/export").await.expect(200).text;
        assert!(!hidden.contains("+test"));
        let half = checked(&hidden).unwrap().unwrap();
        assert!(half.hidden > 1_000 && half.entries == 1_103, "{half:?}");

        let csv = live.get("/v1/audit-log/export?format=csv").await.expect(200).text;
        let rows: Vec<&str> = csv.trim_end().split("\r\n").collect();
        assert_eq!(rows.len(), 1_104, "a head, and a line for each entry that a live key sees");
        assert!(rows.iter().all(|row| !row.contains(['\n', '\r', '\u{202e}'])));
        for cell in rows.iter().flat_map(|row| row.trim_matches('"').split("\",\"")) {
            assert!(!cell.starts_with(['=', '+', '-', '@', '\t', '\r']), "{cell}");
        }
        assert!(csv.contains("\"'=HYPERLINK(\"\"x\"\")\\u{000d}\\u{000a}@evil\\u{202e}\""), "{}", rows[3]);
        assert_eq!(live.get("/v1/audit-log/export?format=xml").await.code(), "invalid_parameter");
        world.stop().await;
    }
}
