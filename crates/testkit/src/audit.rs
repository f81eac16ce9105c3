//! The audit log as it lies, and reaching past the program into the database, as whoever holds it could.

use gatepost_core::audit::ExportLine;
use gatepost_core::{WorkspaceId, audit::Hash};
use gatepost_store::engine::{EngineKind, Error, Lane, Stmt, Tx};
use gatepost_store::{AuditRow, WorkspaceScope};

use crate::World;

impl World {
    /// The whole of a log, oldest first; `None` is the platform's own.
    ///
    /// # Panics
    /// When it cannot be read.
    pub async fn audit_log(&self, workspace: Option<WorkspaceId>) -> Vec<AuditRow> {
        let scope = match workspace {
            None => WorkspaceScope::platform(),
            Some(workspace) => {
                let enter = self.operator::<gatepost_core::access::operator_permission::WorkspaceEnter>();
                let principal = enter.enter(workspace, gatepost_core::access::PermissionSet::all());
                let grant = principal.grant::<gatepost_core::access::permission::AuditRead>().expect("may");
                WorkspaceScope::from(&grant)
            }
        };
        self.store.read(scope, async |tx| tx.audit_after(0, 1_000_000).await).await.expect("the log")
    }

    /// How often an action is in a log.
    ///
    /// # Panics
    /// When the log cannot be read.
    pub async fn audited(&self, workspace: Option<WorkspaceId>, action: &str) -> usize {
        self.audit_log(workspace).await.iter().filter(|row| row.record.action == action).count()
    }

    /// Runs SQL with all the power that there is over the database.
    ///
    /// # Panics
    /// When it is wrong.
    pub async fn as_superuser(&self, sql: &str) {
        match self.superuser_url() {
            None => {
                for one in sql.split(";;") {
                    let text: &'static str = Box::leak(one.to_owned().into_boxed_str());
                    let stmt: &'static Stmt = Box::leak(Box::new(Stmt::same("raw", text)));
                    let run = async move |tx: &Tx<'_>| -> Result<u64, Error> { tx.execute(stmt, &[]).await };
                    self.store.engine().write(Lane::System, run).await.expect("the statement");
                }
            }
            Some(url) => {
                let connected = tokio_postgres::connect(&url, tokio_postgres::NoTls).await;
                let (client, connection) = connected.expect("the superuser connects");
                tokio::spawn(connection);
                client.batch_execute(&sql.replace(";;", ";")).await.expect("the statement");
            }
        }
    }

    /// Gives a workspace a plan, as its text lies in the table.
    ///
    /// # Panics
    /// When the database refuses it.
    pub async fn plan(&self, workspace: WorkspaceId, body: &str) {
        let own = self.sql_id(workspace);
        self.as_superuser(&format!(
            "INSERT INTO plan (name, body, created_at, updated_at) VALUES ('tried', '{body}', 0, 0);;UPDATE workspace SET plan = 'tried' WHERE id = {own}"
        ))
        .await;
    }

    /// An id as SQL of this engine.
    pub fn sql_id(&self, id: WorkspaceId) -> String {
        match self.store.engine().kind() {
            EngineKind::Sqlite => format!("x'{}'", id.uuid().simple()),
            EngineKind::Postgres => format!("'{}'", id.uuid()),
        }
    }

    /// Bytes as SQL of this engine.
    pub fn sql_bytes(&self, bytes: &[u8]) -> String {
        let hex = crate::hex(bytes);
        match self.store.engine().kind() {
            EngineKind::Sqlite => format!("x'{hex}'"),
            EngineKind::Postgres => format!("'\\x{hex}'::bytea"),
        }
    }

    /// A hash as it is stored.
    pub fn sql_hash(&self, hash: &Hash) -> String {
        self.sql_bytes(hash)
    }
}

/// The lines of an export.
///
/// # Panics
/// When one is none.
pub fn export_lines(text: &str) -> Vec<ExportLine> {
    text.lines().map(|line| serde_json::from_str(line).expect("a line of an export")).collect()
}
