//! Single statements on a SQLite connection: plain calls that never wait.

use rusqlite::{CachedStatement, Connection};

use super::EngineKind;
use super::error::{Error, Result};
use super::row::Row;
use super::stmt::Stmt;
use super::value::Value;

/// The number of rows touched; rows that the statement returns are walked over.
pub(super) fn execute(conn: &Connection, stmt: &'static Stmt, params: &[Value<'_>]) -> Result<u64> {
    let mut bound = bind(conn, stmt, params)?;
    if bound.column_count() == 0 {
        let touched = bound.raw_execute().map_err(|error| Error::from_sqlite(stmt.name(), &error))?;
        return Ok(touched as u64);
    }
    let mut returned = 0;
    let mut rows = bound.raw_query();
    while rows.next().map_err(|error| Error::from_sqlite(stmt.name(), &error))?.is_some() {
        returned += 1;
    }
    Ok(returned)
}

/// Shows each row to `f` until that returns `false`.
pub(super) fn query(
    conn: &Connection,
    stmt: &'static Stmt,
    params: &[Value<'_>],
    mut f: impl FnMut(&Row<'_>) -> bool,
) -> Result<()> {
    let mut bound = bind(conn, stmt, params)?;
    let mut rows = bound.raw_query();
    while let Some(row) = rows.next().map_err(|error| Error::from_sqlite(stmt.name(), &error))? {
        if !f(&Row::sqlite(stmt, row)) {
            break;
        }
    }
    Ok(())
}

pub(super) fn prepare(conn: &Connection, stmt: &'static Stmt) -> Result<()> {
    match conn.prepare(stmt.sql(EngineKind::Sqlite)) {
        Ok(_) => Ok(()),
        Err(error) => Err(Error::from_sqlite(stmt.name(), &error)),
    }
}

fn bind<'c>(conn: &'c Connection, stmt: &'static Stmt, params: &[Value<'_>]) -> Result<CachedStatement<'c>> {
    let failed = |error: rusqlite::Error| Error::from_sqlite(stmt.name(), &error);
    let mut prepared = conn.prepare_cached(stmt.sql(EngineKind::Sqlite)).map_err(failed)?;
    // An unbound parameter would silently be NULL.
    let wanted = prepared.parameter_count();
    if wanted != params.len() {
        return Err(Error::other(format!(
            "{}: takes {wanted} parameters, got {}",
            stmt.name(),
            params.len()
        )));
    }
    for (index, value) in params.iter().enumerate() {
        prepared.raw_bind_parameter(index + 1, value).map_err(failed)?;
    }
    Ok(prepared)
}
