//! The transaction that a closure works in.

use std::cell::{Cell, RefCell};

use uuid::Uuid;

use super::error::{Error, Result};
use super::postgres::Session;
use super::row::Row;
use super::stmt::Stmt;
use super::value::Value;
use super::{EngineKind, sqlite_calls};

/// What a closure asked to happen after its commit.
pub(super) type Hook = Box<dyn FnOnce() + Send>;

/// A transaction, lent to a closure for one run.
///
/// After a statement has failed the transaction is dead, on both engines: every further statement returns the same
/// error, and the closure's work is undone even if it returns `Ok`. Where a conflict is to be expected, write the
/// statement so that it does not fail (`ON CONFLICT DO NOTHING`) and look at the number of rows.
pub struct Tx<'c> {
    conn: Conn<'c>,
    failed: RefCell<Option<Error>>,
    wrote: Cell<bool>,
    /// Statements sent and not yet answered.
    flying: Cell<u32>,
    hooks: RefCell<Vec<Hook>>,
}

pub(super) enum Conn<'c> {
    Sqlite(&'c rusqlite::Connection),
    Postgres(&'c Session),
}

impl<'c> Tx<'c> {
    pub(super) fn new(conn: Conn<'c>) -> Self {
        Self {
            conn,
            failed: RefCell::default(),
            wrote: Cell::new(false),
            flying: Cell::new(0),
            hooks: RefCell::default(),
        }
    }

    /// Which engine this is, for the rare place where one SQL text is not enough.
    pub fn engine_kind(&self) -> EngineKind {
        match self.conn {
            Conn::Sqlite(_) => EngineKind::Sqlite,
            Conn::Postgres(_) => EngineKind::Postgres,
        }
    }

    /// Runs a statement that returns no rows; the answer is the number of rows it touched.
    pub async fn execute(&self, stmt: &'static Stmt, params: &[Value<'_>]) -> Result<u64> {
        self.enter(stmt)?;
        self.note(match self.conn {
            Conn::Sqlite(conn) => sqlite_calls::execute(conn, stmt, params),
            Conn::Postgres(session) => session.execute(stmt, params).await,
        })
    }

    /// Like [`Tx::execute`], and the number of rows must be 1.
    pub async fn execute_one(&self, stmt: &'static Stmt, params: &[Value<'_>]) -> Result<()> {
        match self.execute(stmt, params).await? {
            1 => Ok(()),
            got => Err(Error::Rows { stmt: stmt.name(), expected: 1, got }),
        }
    }

    /// Runs the statement once for each row of parameters, in order; the answers are the rows touched by each.
    ///
    /// On PostgreSQL all of them are in flight at once: the wait is one round trip.
    pub async fn execute_many<'v, R: AsRef<[Value<'v>]>>(
        &self,
        stmt: &'static Stmt,
        rows: &[R],
    ) -> Result<Vec<u64>> {
        self.enter(stmt)?;
        self.note(match self.conn {
            Conn::Sqlite(conn) => {
                rows.iter().map(|params| sqlite_calls::execute(conn, stmt, params.as_ref())).collect()
            }
            Conn::Postgres(session) => session.execute_many(stmt, rows).await,
        })
    }

    /// Every row of the answer, read by `f`.
    pub async fn query<T>(
        &self,
        stmt: &'static Stmt,
        params: &[Value<'_>],
        f: impl Fn(&Row<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        self.rows(stmt, params, usize::MAX, f).await
    }

    /// The row of the answer, if there is one; a second row is [`Error::Rows`].
    pub async fn query_opt<T>(
        &self,
        stmt: &'static Stmt,
        params: &[Value<'_>],
        f: impl Fn(&Row<'_>) -> Result<T>,
    ) -> Result<Option<T>> {
        at_most_one(stmt, self.rows(stmt, params, 2, f).await?)
    }

    /// The one row of the answer; none or a second one is [`Error::Rows`].
    pub async fn query_one<T>(
        &self,
        stmt: &'static Stmt,
        params: &[Value<'_>],
        f: impl Fn(&Row<'_>) -> Result<T>,
    ) -> Result<T> {
        let row = self.query_opt(stmt, params, f).await?;
        row.ok_or(Error::Rows { stmt: stmt.name(), expected: 1, got: 0 })
    }

    /// [`Tx::query_opt`] once for each row of parameters, in order; all in flight at once on PostgreSQL.
    pub async fn query_many<'v, T, R: AsRef<[Value<'v>]>>(
        &self,
        stmt: &'static Stmt,
        rows: &[R],
        f: impl Fn(&Row<'_>) -> Result<T>,
    ) -> Result<Vec<Option<T>>> {
        let answers = match self.conn {
            Conn::Sqlite(_) => {
                let mut answers = Vec::with_capacity(rows.len());
                for params in rows {
                    answers.push(self.rows(stmt, params.as_ref(), 2, &f).await?);
                }
                answers
            }
            Conn::Postgres(session) => {
                self.enter(stmt)?;
                self.note(session.query_many(stmt, rows).await)?
                    .iter()
                    .map(|rows| rows.iter().map(|row| f(&Row::postgres(stmt, row))).collect())
                    .collect::<Result<Vec<Vec<T>>>>()?
            }
        };
        answers.into_iter().map(|found| at_most_one(stmt, found)).collect()
    }

    /// Asks for `hook` to run once the transaction is on disk, on the engine's own thread: it must be quick and never
    /// wait (wake a worker, count a metric). Forgotten when the closure fails or runs again.
    pub fn after_commit(&self, hook: Box<dyn FnOnce() + Send>) {
        self.hooks.borrow_mut().push(hook);
    }

    /// From the next statement on, row level security sees this workspace (PostgreSQL; nothing to do on SQLite). Costs
    /// no round trip, and ends with the closure.
    pub fn set_workspace(&self, workspace: Uuid) {
        if let Conn::Postgres(session) = self.conn {
            session.want_workspace(Some(workspace));
        }
    }

    /// From the next statement on, row level security sees no workspace.
    pub fn clear_workspace(&self) {
        if let Conn::Postgres(session) = self.conn {
            session.want_workspace(None);
        }
    }

    /// Runs SQL of several statements without parameters: migrations only.
    pub(super) async fn script(&self, name: &'static str, sql: &str) -> Result<()> {
        self.check()?;
        self.wrote.set(true);
        self.flying.update(|flying| flying + 1);
        self.note(match self.conn {
            Conn::Sqlite(conn) => conn.execute_batch(sql).map_err(|error| Error::from_sqlite(name, &error)),
            Conn::Postgres(session) => session.script(name, sql).await,
        })
    }

    /// Lets the engine parse the statement, without running it. A statement that does not parse spoils nothing.
    pub(super) async fn prepare(&self, stmt: &'static Stmt) -> Result<()> {
        match self.conn {
            Conn::Sqlite(conn) => sqlite_calls::prepare(conn, stmt),
            Conn::Postgres(session) => session.prepare_only(stmt).await,
        }
    }

    /// Whether a statement that may write was sent.
    pub(super) fn wrote(&self) -> bool {
        self.wrote.get()
    }

    /// What the run left: the first failure of a statement, and the hooks. A statement whose future was dropped before
    /// its answer counts as failed: it may have been.
    pub(super) fn into_parts(self) -> (Option<Error>, Vec<Hook>) {
        let left_behind =
            (self.flying.get() > 0).then(|| Error::other("a statement was left behind unanswered"));
        (self.failed.into_inner().or(left_behind), self.hooks.into_inner())
    }

    async fn rows<T>(
        &self,
        stmt: &'static Stmt,
        params: &[Value<'_>],
        limit: usize,
        f: impl Fn(&Row<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        self.enter(stmt)?;
        match self.conn {
            Conn::Sqlite(conn) => {
                let mut found = Vec::new();
                let mut misread = None;
                let walked = sqlite_calls::query(conn, stmt, params, |row| {
                    match f(row) {
                        Ok(value) => found.push(value),
                        Err(error) => misread = Some(error),
                    }
                    misread.is_none() && found.len() < limit
                });
                self.note(walked)?;
                misread.map_or(Ok(found), Err)
            }
            Conn::Postgres(session) => {
                let rows = self.note(session.query(stmt, params).await)?;
                rows.iter().take(limit).map(|row| f(&Row::postgres(stmt, row))).collect()
            }
        }
    }

    fn enter(&self, stmt: &'static Stmt) -> Result<()> {
        self.check()?;
        if stmt.writes() {
            self.wrote.set(true);
        }
        self.flying.update(|flying| flying + 1);
        Ok(())
    }

    fn check(&self) -> Result<()> {
        self.failed.borrow().clone().map_or(Ok(()), Err)
    }

    /// The answer to a statement that was entered. Its failure is remembered: the transaction is dead from then on.
    fn note<T>(&self, result: Result<T>) -> Result<T> {
        self.flying.update(|flying| flying - 1);
        if let Err(error) = &result {
            self.failed.borrow_mut().get_or_insert_with(|| error.clone());
        }
        result
    }
}

fn at_most_one<T>(stmt: &'static Stmt, found: Vec<T>) -> Result<Option<T>> {
    let mut found = found.into_iter();
    match (found.next(), found.next()) {
        (first, None) => Ok(first),
        (_, Some(_)) => Err(Error::Rows { stmt: stmt.name(), expected: 1, got: 2 }),
    }
}
