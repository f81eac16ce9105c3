//! Reading every table as it lies, past the code under test: what must not change, and what must not be found.

use std::collections::BTreeMap;

use gatepost_core::WorkspaceId;
use gatepost_store::engine::{ColumnKind, Engine, Error, Lane, Stmt, Value};

use crate::World;

/// Tables that hold a workspace's id although they are the platform's: read before a workspace is known, or by lane.
/// They hold ids and digests only.
const PLATFORM: [&str; 6] =
    ["api_key_index", "meta_app_index", "channel_index", "callback_route", "job", "webhook_public_key"];

/// Rows as text, by table; each row holds every column.
pub type Dump = BTreeMap<String, Vec<String>>;

/// Every table, with the names of its columns in a stable order.
///
/// # Panics
/// When the database does not tell.
pub async fn tables(engine: &Engine) -> BTreeMap<String, Vec<String>> {
    let mut tables: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for column in engine.columns().await.expect("columns") {
        assert!(
            !matches!(column.kind, ColumnKind::Other(_)),
            "{column:?} is of a type the house does not use"
        );
        tables.entry(column.table).or_default().push(column.column);
    }
    tables
}

/// The tables that belong to workspaces: those with a `workspace_id` that are not the platform's.
///
/// # Panics
/// When the database does not tell.
pub async fn workspace_tables(engine: &Engine) -> Vec<String> {
    let tables = tables(engine).await.into_iter();
    let owned = tables.filter(|(name, columns)| {
        columns.iter().any(|c| c == "workspace_id") && !PLATFORM.contains(&name.as_str())
    });
    owned.map(|(name, _)| name).collect()
}

/// Bytes as upper-case hex. A dump shows bytes as SQLite or PostgreSQL writes them: compare in upper case.
pub fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}

/// Bytes show as hex, a missing value as NULL.
fn row_text(columns: &[String], kind: gatepost_store::engine::EngineKind) -> String {
    let shown = columns.iter().map(|column| match kind {
        gatepost_store::engine::EngineKind::Sqlite => format!("quote(\"{column}\")"),
        gatepost_store::engine::EngineKind::Postgres => {
            format!("COALESCE(quote_literal(\"{column}\"::text), 'NULL')")
        }
    });
    let shown: Vec<String> = shown.collect();
    shown.join(" || ',' || ")
}

/// Statements live for ever, so each test leaks the few it makes.
fn statement(sql: String) -> &'static Stmt {
    Box::leak(Box::new(Stmt::same("a dump", Box::leak(sql.into_boxed_str()))))
}

async fn texts(
    engine: &Engine,
    lane: Lane,
    stmt: &'static Stmt,
    workspace: Option<WorkspaceId>,
) -> Vec<String> {
    let read = async move |tx: &gatepost_store::engine::Tx<'_>| -> Result<Vec<String>, Error> {
        let values: Vec<Value<'_>> = workspace.iter().map(|id| Value::Uuid(id.uuid())).collect();
        tx.query(stmt, &values, |row| row.get(0)).await
    };
    engine.read(lane, read).await.expect("rows")
}

impl World {
    /// One workspace's rows in every table that has a `workspace_id`, the platform's included. When a key was last used is
    /// left out: nodes note it whenever they come to it.
    ///
    /// # Panics
    /// When they cannot be read.
    pub async fn rows_of(&self, workspace: WorkspaceId) -> Dump {
        let engine = self.store.engine();
        let mut dump = Dump::new();
        for (table, mut columns) in tables(engine).await {
            if !columns.iter().any(|c| c == "workspace_id") {
                continue;
            }
            columns.retain(|column| column != "last_used_at");
            let shown = row_text(&columns, engine.kind());
            let sql = format!("SELECT {shown} FROM \"{table}\" WHERE workspace_id = $1 ORDER BY 1");
            let rows =
                texts(engine, Lane::Workspace(workspace.uuid()), statement(sql), Some(workspace)).await;
            dump.insert(table, rows);
        }
        dump
    }

    /// Every row of every table, whoever owns it.
    ///
    /// # Panics
    /// When they cannot be read.
    pub async fn rows(&self) -> Dump {
        let engine = self.store.engine();
        let workspaces = texts(engine, Lane::System, statement(ids_sql(engine)), None).await;
        let mut dump = Dump::new();
        for (table, columns) in tables(engine).await {
            let sql = statement(format!("SELECT {} FROM \"{table}\"", row_text(&columns, engine.kind())));
            let rows = dump.entry(table).or_default();
            for workspace in &workspaces {
                // On PostgreSQL each lane sees its own rows; on SQLite one look sees all.
                rows.extend(texts(engine, Lane::Workspace(uuid_of(workspace)), sql, None).await);
            }
            rows.sort();
            rows.dedup();
        }
        dump
    }
}

impl World {
    /// How much work is left in the job table; the daily looks at channels, which are always there, are not counted.
    ///
    /// # Panics
    /// When it cannot be read.
    pub async fn work_left(&self) -> i64 {
        let counts = self.store.read_system(async |tx| tx.job_counts().await).await.expect("the job table");
        let look = gatepost_core::job::JobKind::ChannelCheck;
        counts.into_iter().filter(|(kind, ..)| *kind != look).map(|(_, count, _)| count).sum()
    }
}

/// A sealed column of a table whose rows have an id of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    pub workspace: WorkspaceId,
    pub table: &'static str,
    pub column: &'static str,
    pub row: uuid::Uuid,
}

impl World {
    /// What lies sealed in a place.
    ///
    /// # Panics
    /// When there is no such row, or nothing in it.
    pub async fn sealed(&self, place: Place) -> Vec<u8> {
        let Place { workspace, table, column, row } = place;
        let sql = format!("SELECT {column} FROM {table} WHERE workspace_id = $1 AND id = $2");
        let stmt = statement(sql);
        let read = async move |tx: &gatepost_store::engine::Tx<'_>| -> Result<Vec<u8>, Error> {
            tx.query_one(stmt, &[Value::Uuid(workspace.uuid()), Value::Uuid(row)], |row| row.get(0)).await
        };
        self.store.engine().read(Lane::Workspace(workspace.uuid()), read).await.expect("a sealed value")
    }

    /// Puts something else there, as whoever holds the database could.
    ///
    /// # Panics
    /// When there is no such row.
    pub async fn tamper(&self, place: Place, bytes: Vec<u8>) {
        let Place { workspace, table, column, row } = place;
        let sql = format!("UPDATE {table} SET {column} = $3 WHERE workspace_id = $1 AND id = $2");
        let stmt = statement(sql);
        let write = async move |tx: &gatepost_store::engine::Tx<'_>| -> Result<(), Error> {
            let values = [Value::Uuid(workspace.uuid()), Value::Uuid(row), Value::Bytes(&bytes)];
            tx.execute_one(stmt, &values).await
        };
        self.store.engine().write(Lane::Workspace(workspace.uuid()), write).await.expect("a row");
    }
}

fn ids_sql(engine: &Engine) -> String {
    match engine.kind() {
        gatepost_store::engine::EngineKind::Sqlite => "SELECT hex(id) FROM workspace".to_owned(),
        gatepost_store::engine::EngineKind::Postgres => {
            "SELECT replace(id::text, '-', '') FROM workspace".to_owned()
        }
    }
}

fn uuid_of(hex: &str) -> uuid::Uuid {
    uuid::Uuid::parse_str(hex).expect("an id")
}
