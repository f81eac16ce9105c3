//! One connection: its prepared statements, and which workspace row level security sees.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use futures_util::TryStreamExt;
use futures_util::future::{MaybeDone, join, maybe_done};
use tokio_postgres::error::Severity;
use tokio_postgres::{Client, Row, Statement};
use uuid::Uuid;

use super::options::Target;
use crate::engine::error::{Error, Result};
use crate::engine::stmt::Stmt;
use crate::engine::value::Value;
use crate::engine::{EngineKind, Lane};

const SET_WORKSPACE: &str = "SELECT set_config('gatepost.workspace', $1, true)";

/// A connection on the engine's thread.
pub(in crate::engine) struct Session {
    client: Client,
    /// By the statement's address: every one is a `static`.
    prepared: RefCell<HashMap<usize, Statement>>,
    set_workspace: Statement,
    /// What row level security is to see, and what it sees since the last change that was sent.
    wanted: Cell<Option<Uuid>>,
    current: Cell<Option<Uuid>>,
    /// Its state is unknown: it must not be used again.
    broken: Cell<bool>,
}

/// How a transaction begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Write,
    /// One snapshot for all statements.
    Read,
}

impl Session {
    /// `statement_limit` is held by the server; `None` for as long as it takes.
    pub(super) async fn connect(target: &Target, statement_limit: Option<Duration>) -> Result<Self> {
        let failed = |error: tokio_postgres::Error| match Error::from_postgres("connect", &error) {
            // Whatever stands in the way (no such host, no TLS, a wrong password), there is no database for us.
            Error::Other { context } => Error::unavailable(context),
            other => other,
        };
        let client = target.connector.connect(&target.config).await.map_err(failed)?;
        let millis = statement_limit.map_or(0, |limit| limit.as_millis());
        // A node that hangs inside a transaction must not hold its locks for ever.
        let setup = format!(
            "SET statement_timeout = {millis}; SET lock_timeout = 0; \
             SET idle_in_transaction_session_timeout = {}; \
             SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL READ COMMITTED",
            millis * 3
        );
        client.batch_execute(&setup).await.map_err(failed)?;
        let set_workspace = client.prepare(SET_WORKSPACE).await.map_err(failed)?;
        Ok(Self {
            client,
            prepared: RefCell::default(),
            set_workspace,
            wanted: Cell::new(None),
            current: Cell::new(None),
            broken: Cell::new(false),
        })
    }

    pub(super) fn is_usable(&self) -> bool {
        !self.broken.get() && !self.client.is_closed()
    }

    /// Its state is unknown from here on.
    pub(super) fn give_up(&self) {
        self.broken.set(true);
    }

    /// Begins a transaction. The returned future need not have ended before statements are sent: they follow it on the
    /// wire. It must have ended before the transaction is committed; after an error the session is given up.
    pub(super) async fn begin(&self, mode: Mode, lane: Lane) -> Result<()> {
        let workspace = lane.workspace();
        self.wanted.set(workspace);
        self.current.set(workspace);
        let begin = match mode {
            Mode::Write => "BEGIN",
            Mode::Read => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        };
        let sql = format!("{begin}; SET LOCAL gatepost.workspace = '{}'", setting(workspace));
        self.client.batch_execute(&sql).await.map_err(|error| {
            self.give_up();
            // A server that refused to begin and lives on has run what followed without a transaction.
            let lives_on = error
                .as_db_error()
                .is_some_and(|db| !matches!(db.parsed_severity(), Some(Severity::Fatal | Severity::Panic)));
            let error = Error::from_postgres("begin", &error);
            Error::Unavailable { context: error.to_string(), maybe_committed: lives_on }
        })
    }

    pub(super) async fn commit(&self) -> Result<()> {
        self.script("commit", "COMMIT").await
    }

    pub(super) async fn rollback(&self) -> Result<()> {
        self.script("rollback", "ROLLBACK").await
    }

    /// What row level security is to see from the next statement on.
    pub(in crate::engine) fn want_workspace(&self, workspace: Option<Uuid>) {
        self.wanted.set(workspace);
    }

    pub(in crate::engine) async fn script(&self, name: &'static str, sql: &str) -> Result<()> {
        self.client.batch_execute(sql).await.map_err(|error| Error::from_postgres(name, &error))
    }

    pub(in crate::engine) async fn execute(&self, stmt: &'static Stmt, params: &[Value<'_>]) -> Result<u64> {
        let prepared = self.prepare(stmt).await?;
        check(stmt, &prepared, params)?;
        self.behind_workspace(stmt, self.client.execute_raw(&prepared, params)).await
    }

    pub(in crate::engine) async fn query(
        &self,
        stmt: &'static Stmt,
        params: &[Value<'_>],
    ) -> Result<Vec<Row>> {
        let prepared = self.prepare(stmt).await?;
        check(stmt, &prepared, params)?;
        self.behind_workspace(stmt, rows(&self.client, &prepared, params)).await
    }

    pub(in crate::engine) async fn execute_many<'v, R: AsRef<[Value<'v>]>>(
        &self,
        stmt: &'static Stmt,
        all: &[R],
    ) -> Result<Vec<u64>> {
        let prepared = self.prepare(stmt).await?;
        for params in all {
            check(stmt, &prepared, params.as_ref())?;
        }
        let calls = all.iter().map(|params| self.client.execute_raw(&prepared, params.as_ref()));
        self.behind_workspace(stmt, in_order(calls)).await
    }

    pub(in crate::engine) async fn query_many<'v, R: AsRef<[Value<'v>]>>(
        &self,
        stmt: &'static Stmt,
        all: &[R],
    ) -> Result<Vec<Vec<Row>>> {
        let prepared = self.prepare(stmt).await?;
        for params in all {
            check(stmt, &prepared, params.as_ref())?;
        }
        let calls = all.iter().map(|params| rows(&self.client, &prepared, params.as_ref()));
        self.behind_workspace(stmt, in_order(calls)).await
    }

    /// Parses without running; inside a savepoint, so that a failure leaves the transaction alive.
    pub(in crate::engine) async fn prepare_only(&self, stmt: &'static Stmt) -> Result<()> {
        self.script("savepoint", "SAVEPOINT parse").await?;
        let parsed = self.client.prepare(stmt.sql(EngineKind::Postgres)).await;
        self.script("savepoint", "ROLLBACK TO parse").await?;
        parsed.map(drop).map_err(|error| Error::from_postgres(stmt.name(), &error))
    }

    /// After a migration by another node, cached plans may no longer fit.
    pub(super) fn forget_statements(&self) {
        self.prepared.borrow_mut().clear();
    }

    async fn prepare(&self, stmt: &'static Stmt) -> Result<Statement> {
        let key = std::ptr::from_ref(stmt).addr();
        if let Some(prepared) = self.prepared.borrow().get(&key) {
            return Ok(prepared.clone());
        }
        let prepared = self.client.prepare(stmt.sql(EngineKind::Postgres)).await;
        let prepared = prepared.map_err(|error| Error::from_postgres(stmt.name(), &error))?;
        self.prepared.borrow_mut().insert(key, prepared.clone());
        Ok(prepared)
    }

    /// Sends a change of workspace, if one is owed, right ahead of `call`: both are on the wire before either answers.
    async fn behind_workspace<T>(
        &self,
        stmt: &'static Stmt,
        call: impl Future<Output = Result<T, tokio_postgres::Error>>,
    ) -> Result<T> {
        let wanted = self.wanted.get();
        let called = if wanted == self.current.get() {
            call.await
        } else {
            self.current.set(wanted);
            let setting = setting(wanted);
            let params = [Value::Text(&setting)];
            let (changed, called) = join(self.client.execute_raw(&self.set_workspace, &params), call).await;
            changed.and(called)
        };
        called.map_err(|error| Error::from_postgres(stmt.name(), &error))
    }
}

fn setting(workspace: Option<Uuid>) -> String {
    workspace.map_or_else(String::new, |id| id.to_string())
}

fn check(stmt: &'static Stmt, prepared: &Statement, params: &[Value<'_>]) -> Result<()> {
    let wanted = prepared.params().len();
    if wanted == params.len() {
        return Ok(());
    }
    Err(Error::other(format!("{}: takes {wanted} parameters, got {}", stmt.name(), params.len())))
}

async fn rows(
    client: &Client,
    prepared: &Statement,
    params: &[Value<'_>],
) -> Result<Vec<Row>, tokio_postgres::Error> {
    client.query_raw(prepared, params).await?.try_collect().await
}

/// Sends every call before waiting for the first answer (the driver writes a request when its future is first polled),
/// and returns the answers in order. The first error wins: what follows it is only its echo.
async fn in_order<F, T>(calls: impl Iterator<Item = F>) -> Result<Vec<T>, tokio_postgres::Error>
where
    F: Future<Output = Result<T, tokio_postgres::Error>>,
{
    let mut flying: Vec<Pin<Box<MaybeDone<F>>>> = calls.map(|call| Box::pin(maybe_done(call))).collect();
    poll_fn(|cx| {
        for call in &mut flying {
            let _ = call.as_mut().poll(cx);
        }
        Poll::Ready(())
    })
    .await;
    let mut answers = Vec::with_capacity(flying.len());
    for mut call in flying {
        call.as_mut().await;
        if let Some(answer) = call.as_mut().take_output() {
            answers.push(answer?);
        }
    }
    Ok(answers)
}
