//! Migrations: once each, in order, never backwards, and the same schema on both engines.

use gatepost_store::engine::{ColumnKind, Engine, Error, Migration, MigrationState};
use gatepost_testdb::TestPostgres;

use crate::support::*;

async fn engines() -> Vec<(Engine, tempfile::TempDir)> {
    let directory = tempfile::tempdir().unwrap();
    let mut engines = vec![(Engine::sqlite(sqlite_options(&directory)).await.unwrap(), directory)];
    if let Some(server) = TestPostgres::start() {
        let url = server.create_database().owner_url;
        engines.push((Engine::postgres(postgres_options(&url)).await.unwrap(), tempfile::tempdir().unwrap()));
    }
    engines
}

#[tokio::test]
async fn each_migration_runs_once() {
    for (engine, _directory) in engines().await {
        let status = engine.migration_status(MIGRATIONS).await.unwrap();
        assert!(status.iter().all(|status| status.state == MigrationState::Pending) && status.len() == 2);
        assert_eq!(engine.migrate(&MIGRATIONS[..1], None, 11).await.unwrap(), 1);
        assert_eq!(engine.migrate(MIGRATIONS, None, 12).await.unwrap(), 1);
        assert_eq!(engine.migrate(MIGRATIONS, None, 13).await.unwrap(), 0);
        let status = engine.migration_status(MIGRATIONS).await.unwrap();
        let states: Vec<_> = status.iter().map(|status| (status.name.as_str(), status.state)).collect();
        assert_eq!(states, [("items", MigrationState::Applied(11)), ("kinds", MigrationState::Applied(12))]);
    }
}

#[tokio::test]
async fn nodes_that_start_together_take_turns() {
    for (engine, _directory) in engines().await {
        let nodes: Vec<_> = (0..4)
            .map(|_| {
                let engine = engine.clone();
                tokio::spawn(async move { engine.migrate(MIGRATIONS, None, 1).await.unwrap() })
            })
            .collect();
        let mut ran = 0;
        for node in nodes {
            ran += node.await.unwrap();
        }
        assert_eq!(ran, MIGRATIONS.len());
    }
}

#[tokio::test]
async fn a_newer_or_foreign_database_is_refused() {
    for (engine, _directory) in engines().await {
        engine.migrate(MIGRATIONS, None, 1).await.unwrap();
        let before = engine.columns().await.unwrap();
        let older = engine.migrate(&MIGRATIONS[..1], None, 2).await;
        let Err(Error::Migration(text)) = older else { panic!("{older:?}") };
        assert!(text.contains("at migration 2 (`kinds`)") && text.contains("up to 1"), "{text}");
        let status = engine.migration_status(&MIGRATIONS[..1]).await.unwrap();
        assert_eq!(status[1].state, MigrationState::Unknown(1));
        let renamed = [Migration { name: "other", ..MIGRATIONS[0] }, MIGRATIONS[1]];
        let foreign = engine.migrate(&renamed, None, 2).await;
        assert!(
            matches!(foreign, Err(Error::Migration(ref text)) if text.contains("`other`")),
            "{foreign:?}"
        );
        assert_eq!(engine.columns().await.unwrap(), before);
    }
}

#[tokio::test]
async fn a_migration_that_fails_leaves_nothing() {
    const BROKEN: Migration = Migration {
        number: 3,
        name: "broken",
        sqlite: "CREATE TABLE half (id INTEGER NOT NULL PRIMARY KEY) STRICT; INSERT INTO nowhere VALUES (1);",
        postgres: "CREATE TABLE half (id BIGINT NOT NULL PRIMARY KEY); INSERT INTO nowhere VALUES (1);",
    };
    for (engine, _directory) in engines().await {
        let steps = [MIGRATIONS[0], MIGRATIONS[1], BROKEN];
        let failed = engine.migrate(&steps, None, 1).await;
        assert!(
            matches!(failed, Err(Error::Other { ref context }) if context.starts_with("broken")),
            "{failed:?}"
        );
        assert!(engine.columns().await.unwrap().iter().all(|column| column.table != "half"));
        let states: Vec<_> = engine.migration_status(&steps).await.unwrap();
        assert_eq!(states[2].state, MigrationState::Pending);
        assert_eq!(engine.migrate(MIGRATIONS, None, 2).await.unwrap(), 0);
    }
}

#[tokio::test]
async fn both_engines_end_with_the_same_columns() {
    let mut schemas = Vec::new();
    for (engine, _directory) in engines().await {
        engine.migrate(MIGRATIONS, None, 1).await.unwrap();
        schemas.push(engine.columns().await.unwrap());
    }
    let kinds: Vec<_> = schemas[0]
        .iter()
        .filter(|column| column.table == "kind")
        .map(|column| (column.column.as_str(), column.kind.clone(), column.nullable))
        .collect();
    assert_eq!(
        kinds,
        [
            ("bytes", ColumnKind::Bytes, true),
            ("flag", ColumnKind::Integer, true),
            ("id", ColumnKind::Integer, false),
            ("small", ColumnKind::Integer, true),
            ("text", ColumnKind::Text, true),
            ("uuid", ColumnKind::Bytes, true),
            ("whole", ColumnKind::Integer, true),
        ]
    );
    assert!(schemas.iter().all(|schema| *schema == schemas[0]), "{schemas:#?}");
}
