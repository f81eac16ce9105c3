//! The schema on both engines: every statement prepares, the columns are the same, every workspace table is keyed by its
//! workspace, and on PostgreSQL row level security stands behind the code.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::{BTreeMap, BTreeSet};

use gatepost_store::engine::{Engine, EngineKind, Error, Lane, PostgresOptions, SqliteOptions, Tx, Value};
use gatepost_store::{MIGRATIONS, all_statements, statements};
use gatepost_testdb::{APP_ROLE, TestDatabase, TestPostgres};
use tokio_postgres::{Client, NoTls};
use uuid::Uuid;

/// Tables that hold a `workspace_id` and are the platform's all the same: read before a workspace is known, or by lane.
/// They hold ids, digests and times. A table joins this list only with a reason as good.
const PLATFORM: [&str; 10] = [
    "api_key_index",
    "callback_route",
    "channel_index",
    "identity_provider_index",
    "job",
    // Who belongs where is asked by person, too.
    "member",
    "meta_app_index",
    "ticket",
    "verification_page_index",
    "webhook_public_key",
];

/// Tables that the application's role may add to and not change.
const APPEND_ONLY: [&str; 2] = ["audit", "audit_checkpoint"];

statements! {
    /// Tables and the columns of their primary keys, in the key's order.
    PRIMARY_KEYS = per(
        "SELECT m.name, p.name, p.pk FROM sqlite_schema m JOIN pragma_table_info(m.name) p \
         WHERE m.type = 'table' AND substr(m.name, 1, 7) <> 'sqlite_' AND p.pk > 0 ORDER BY m.name, p.pk",
        "SELECT c.relname::text, a.attname::text, k.ord FROM pg_catalog.pg_constraint t \
         JOIN pg_catalog.pg_class c ON c.oid = t.conrelid \
         JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace AND n.nspname = current_schema() \
         CROSS JOIN LATERAL unnest(t.conkey) WITH ORDINALITY AS k (attnum, ord) \
         JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = k.attnum \
         WHERE t.contype = 'p' ORDER BY 1, 3",
    );
    /// Tables and the first column of each of their foreign keys that do not point at the workspace itself.
    FOREIGN_KEYS = per(
        "SELECT m.name, f.\"from\" FROM sqlite_schema m JOIN pragma_foreign_key_list(m.name) f \
         WHERE m.type = 'table' AND f.seq = 0 AND f.\"table\" <> 'workspace'",
        "SELECT c.relname::text, a.attname::text FROM pg_catalog.pg_constraint t \
         JOIN pg_catalog.pg_class c ON c.oid = t.conrelid \
         JOIN pg_catalog.pg_class f ON f.oid = t.confrelid AND f.relname <> 'workspace' \
         JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace AND n.nspname = current_schema() \
         JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = t.conkey[1] \
         WHERE t.contype = 'f'",
    );
}

async fn sqlite() -> (Engine, tempfile::TempDir) {
    let directory = tempfile::tempdir().unwrap();
    let engine = Engine::sqlite(SqliteOptions::new(directory.path().join("test.db"))).await.unwrap();
    engine.migrate(MIGRATIONS, None, 1).await.unwrap();
    (engine, directory)
}

/// Migrated by the owner, opened by the application's role. `None` where no server is installed.
async fn postgres() -> Option<(Engine, TestDatabase)> {
    let database = TestPostgres::start()?.create_database();
    let owner = Engine::postgres(PostgresOptions::new(&database.owner_url)).await.unwrap();
    owner.migrate(MIGRATIONS, Some(APP_ROLE), 1).await.unwrap();
    owner.shutdown().await;
    let engine = Engine::postgres(PostgresOptions::new(&database.app_url)).await.unwrap();
    Some((engine, database))
}

async fn connect(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

async fn workspace_tables(engine: &Engine) -> BTreeSet<String> {
    let columns = engine.columns().await.unwrap().into_iter();
    let owned = columns.filter(|c| c.column == "workspace_id" && !PLATFORM.contains(&c.table.as_str()));
    let tables: BTreeSet<String> = owned.map(|c| c.table).collect();
    assert!(tables.len() > 10 && tables.contains("message"), "the list is real: {tables:?}");
    tables
}

#[tokio::test]
async fn every_statement_prepares() {
    let statements = all_statements();
    assert!(statements.len() > 80, "{} statements", statements.len());
    let names: BTreeSet<&str> = statements.iter().map(|s| s.sql(EngineKind::Postgres)).collect();
    assert_eq!(names.len(), statements.len(), "no text is there twice");
    let (engine, _directory) = sqlite().await;
    engine.prepare_all(&statements).await.unwrap();
    let Some((engine, _database)) = postgres().await else { return };
    engine.prepare_all(&statements).await.unwrap();
}

#[tokio::test]
async fn the_schemas_are_the_same() {
    let (ours, _directory) = sqlite().await;
    let Some((theirs, _database)) = postgres().await else { return };
    let (ours, theirs) = (ours.columns().await.unwrap(), theirs.columns().await.unwrap());
    for (ours, theirs) in ours.iter().zip(&theirs) {
        assert_eq!(ours, theirs);
    }
    assert_eq!(ours.len(), theirs.len());
    assert!(ours.len() > 100, "{} columns", ours.len());
}

async fn pairs(engine: &Engine, stmt: &'static gatepost_store::engine::Stmt) -> Vec<(String, String)> {
    let read = async move |tx: &Tx<'_>| -> Result<_, Error> {
        tx.query(stmt, &[] as &[Value<'_>], |row| Ok((row.get(0)?, row.get(1)?))).await
    };
    engine.read(Lane::System, read).await.unwrap()
}

async fn keys_begin_with_the_workspace(engine: &Engine) {
    let mut keys: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (table, column) in pairs(engine, &PRIMARY_KEYS).await {
        keys.entry(table).or_default().push(column);
    }
    for table in workspace_tables(engine).await {
        let key = keys.get(&table).unwrap_or_else(|| unreachable!("{table} has no primary key"));
        assert_eq!(key[0], "workspace_id", "{table}");
        assert!(key.len() > 1, "{table} holds one row per workspace and no more");
    }
    let owned = workspace_tables(engine).await;
    let mut references = 0;
    for (table, first) in pairs(engine, &FOREIGN_KEYS).await {
        if owned.contains(&table) {
            // A channel may belong to an app of the operator's: its reference names the owner, and a CHECK who that may be.
            let composite = first == "workspace_id" || (table == "channel" && first == "app_owner");
            assert!(composite, "{table} refers to another table without its workspace (by {first})");
            references += 1;
        }
    }
    assert!(references >= 7, "{references} references");
}

#[tokio::test]
async fn every_workspace_table_is_keyed_by_its_workspace() {
    let (engine, _directory) = sqlite().await;
    keys_begin_with_the_workspace(&engine).await;
    let Some((engine, _database)) = postgres().await else { return };
    keys_begin_with_the_workspace(&engine).await;
}

/// What is wrong with a table's row level security; nothing where it stands.
async fn weakness(client: &Client, table: &str) -> Option<String> {
    let row = client
        .query_one("SELECT relrowsecurity, relforcerowsecurity FROM pg_class WHERE relname = $1 AND relnamespace = 'public'::regnamespace", &[&table])
        .await
        .unwrap();
    let (enabled, forced): (bool, bool) = (row.get(0), row.get(1));
    let policies = client
        .query("SELECT qual, permissive, cmd, roles::text[] FROM pg_policies WHERE tablename = $1", &[&table])
        .await
        .unwrap();
    let sound = |row: &tokio_postgres::Row| {
        let (qual, cmd): (Option<String>, String) = (row.get(0), row.get(2));
        let qual = qual.unwrap_or_default();
        cmd == "ALL" && qual.contains("workspace_id") && qual.contains("current_setting('gatepost.workspace'")
    };
    match () {
        () if !enabled => Some("row level security is off".to_owned()),
        () if !forced => Some("the owner is not bound".to_owned()),
        // Permissive policies widen one another, so there must be exactly one.
        () if policies.len() != 1 => Some(format!("it has {} policies", policies.len())),
        () if !policies.iter().all(sound) => Some("its policy does not ask for the workspace".to_owned()),
        () => None,
    }
}

#[tokio::test]
async fn row_level_security_stands_on_every_workspace_table() {
    let Some((engine, database)) = postgres().await else { return };
    let client = connect(&database.owner_url).await;
    for table in workspace_tables(&engine).await {
        assert_eq!(weakness(&client, &table).await, None, "{table}");
    }
    // The check can fail: a table that a later migration brings without a policy.
    client.batch_execute("CREATE TABLE forgotten (workspace_id UUID NOT NULL, id UUID NOT NULL, PRIMARY KEY (workspace_id, id))").await.unwrap();
    assert!(workspace_tables(&engine).await.contains("forgotten"));
    assert!(weakness(&client, "forgotten").await.is_some());
    client
        .batch_execute(
            "ALTER TABLE forgotten ENABLE ROW LEVEL SECURITY; ALTER TABLE forgotten FORCE ROW LEVEL SECURITY",
        )
        .await
        .unwrap();
    assert!(weakness(&client, "forgotten").await.is_some(), "no policy");
    client.batch_execute("CREATE POLICY open ON forgotten USING (true)").await.unwrap();
    assert!(weakness(&client, "forgotten").await.is_some(), "a policy that lets everything through");
}

#[tokio::test]
async fn the_applications_role_is_weak() {
    let Some((_engine, database)) = postgres().await else { return };
    let client = connect(&database.app_url).await;
    let count = async |sql: &str| -> i64 { client.query_one(sql, &[]).await.unwrap().get(0) };
    let mine = "SELECT count(*) FROM pg_roles WHERE rolname = current_user AND ";
    assert_eq!(
        count(&format!(
            "{mine} NOT (rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication)"
        ))
        .await,
        1
    );
    assert_eq!(count("SELECT count(*) FROM pg_auth_members m JOIN pg_roles r ON r.oid = m.member WHERE r.rolname = current_user").await, 0, "no other role lends it more");
    assert_eq!(count("SELECT count(*) FROM pg_class c JOIN pg_roles r ON r.oid = c.relowner WHERE r.rolname = current_user").await, 0, "it owns nothing");
    assert!(client.batch_execute("CREATE TABLE mine (id BIGINT)").await.is_err());
    assert!(client.batch_execute("ALTER TABLE message DISABLE ROW LEVEL SECURITY").await.is_err());
    assert!(client.batch_execute("DROP POLICY own_workspace ON message").await.is_err());
    assert!(client.batch_execute("TRUNCATE message").await.is_err());
}

/// What was written into the audit log stays, whatever the application's role is made to say.
#[tokio::test]
async fn the_applications_role_can_only_append_to_the_audit_log() {
    let Some((_engine, database)) = postgres().await else { return };
    let client = connect(&database.app_url).await;
    let refused = async |sql: String| {
        let error = client.batch_execute(&sql).await.unwrap_err();
        assert_eq!(error.code().map(tokio_postgres::error::SqlState::code), Some("42501"), "{sql}");
    };
    for table in APPEND_ONLY {
        refused(format!("UPDATE {table} SET seq = seq")).await;
        refused(format!("DELETE FROM {table}")).await;
        refused(format!("TRUNCATE {table}")).await;
        client.query(&format!("SELECT seq FROM {table}"), &[]).await.unwrap();
    }
    refused("DELETE FROM audit_chain".to_owned()).await;
    refused("TRUNCATE audit_chain".to_owned()).await;
    // A second run of the migration, as every release has one, gives nothing back.
    let owner = Engine::postgres(PostgresOptions::new(&database.owner_url)).await.unwrap();
    owner.migrate(MIGRATIONS, Some(APP_ROLE), 1).await.unwrap();
    owner.shutdown().await;
    refused("UPDATE audit SET seq = seq".to_owned()).await;
}

/// T2(a): rows exist in every workspace table; without a workspace the application's role sees none, with another
/// workspace none either, and it can neither write nor change a row of a workspace that it has not named.
#[tokio::test]
async fn without_a_workspace_nothing_is_seen() {
    let Some((engine, database)) = postgres().await else { return };
    let (ours, theirs) = (Uuid::from_u128(0xA11CE), Uuid::from_u128(0xB0B));
    let superuser = connect(&database.owner_url.replace(gatepost_testdb::OWNER_ROLE, "postgres")).await;
    let client = connect(&database.app_url).await;
    // References are checked elsewhere; here every table needs a row, whatever it refers to.
    superuser.batch_execute("SET session_replication_role = replica").await.unwrap();
    for workspace in [ours, theirs] {
        superuser
            .execute("INSERT INTO workspace (id, name, created_at) VALUES ($1, 'w', 0)", &[&workspace])
            .await
            .unwrap();
    }
    let columns = engine.columns().await.unwrap();
    let tables = workspace_tables(&engine).await;
    for table in &tables {
        let needed =
            columns.iter().filter(|c| c.table == *table && !c.nullable && c.column != "workspace_id");
        let needed: Vec<&str> = needed.map(|c| c.column.as_str()).collect();
        let types = superuser
            .query("SELECT attname::text, atttypid::regtype::text FROM pg_attribute WHERE attrelid = $1::text::regclass AND attnum > 0", &[&table])
            .await
            .unwrap();
        let of = |name: &str| {
            let row = types.iter().find(|r| r.get::<_, String>(0) == name).unwrap();
            match row.get::<_, String>(1).as_str() {
                "uuid" => format!("'{ours}'::uuid"),
                "bytea" => "'\\x01'::bytea".to_owned(),
                "text" => "'x'".to_owned(),
                _ => "1".to_owned(),
            }
        };
        let values: Vec<String> = needed.iter().map(|name| of(name)).collect();
        let insert = format!(
            "INSERT INTO {table} (workspace_id, {}) VALUES ('{ours}', {})",
            needed.join(", "),
            values.join(", ")
        );
        superuser.batch_execute(&insert).await.unwrap();
        let seen = async |table: &str| -> i64 {
            client.query_one(&format!("SELECT count(*) FROM {table}"), &[]).await.unwrap().get(0)
        };
        assert_eq!(seen(table).await, 0, "{table} without a workspace");
        let named = |id: Uuid| format!("SELECT set_config('gatepost.workspace', '{id}', false)");
        client.batch_execute(&named(theirs)).await.unwrap();
        assert_eq!(seen(table).await, 0, "{table} in another workspace");
        let touched = client.execute(&format!("UPDATE {table} SET workspace_id = workspace_id"), &[]).await;
        if APPEND_ONLY.contains(&table.as_str()) {
            assert!(touched.is_err(), "{table} only grows");
        } else {
            assert_eq!(touched.unwrap(), 0, "{table} in another workspace");
        }
        assert!(
            client.batch_execute(&insert).await.is_err(),
            "{table}: a row for a workspace that was not named"
        );
        client.batch_execute(&named(ours)).await.unwrap();
        assert_eq!(seen(table).await, 1, "{table} in its workspace");
        client.batch_execute("SELECT set_config('gatepost.workspace', '', false)").await.unwrap();
        assert_eq!(seen(table).await, 0, "{table} after the workspace was left");
    }
}
