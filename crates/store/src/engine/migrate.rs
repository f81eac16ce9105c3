//! The schema's way from one version to the next.
//!
//! A migration is one number and two texts, one for each engine. Each runs in a transaction of its own that also notes
//! it in `schema_migration`; nodes that start together take turns (an advisory lock, SQLite's write lock).

use super::error::{Error, Result};
use super::{Engine, EngineKind, Lane, Tx};
use crate::params;

crate::statements! {
    /// Whether migrations have ever run here: a count of 0 or 1.
    MIGRATION_TABLE_COUNT = per(
        "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'schema_migration'",
        "SELECT count(*) FROM pg_catalog.pg_tables \
         WHERE schemaname = current_schema() AND tablename = 'schema_migration'",
    );
    /// The migrations that have run.
    MIGRATION_LIST = same("SELECT number, name, applied_at FROM schema_migration ORDER BY number");
    /// Notes one that has.
    MIGRATION_INSERT = same("INSERT INTO schema_migration (number, name, applied_at) VALUES ($1, $2, $3)");
}

const CREATE_TABLE_SQLITE: &str = "CREATE TABLE IF NOT EXISTS schema_migration (\
     number INTEGER NOT NULL PRIMARY KEY, name TEXT NOT NULL, applied_at INTEGER NOT NULL) STRICT";
/// The number is ours alone (the bytes of `gatepost`), so it collides with no other program's lock.
const CREATE_TABLE_POSTGRES: &str = "SELECT pg_advisory_xact_lock(7449365936287052660); \
     CREATE TABLE IF NOT EXISTS schema_migration (\
     number BIGINT NOT NULL PRIMARY KEY, name TEXT COLLATE \"C\" NOT NULL, applied_at BIGINT NOT NULL)";

/// One step of the schema. Numbers rise; a step that has been released is never changed.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    /// From 1, rising.
    pub number: i64,
    /// A few words with underscores.
    pub name: &'static str,
    /// SQL for SQLite, many statements, no transaction control.
    pub sqlite: &'static str,
    /// The same for PostgreSQL.
    pub postgres: &'static str,
}

/// Where one migration stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MigrationStatus {
    /// Its number.
    pub number: i64,
    /// Its name, as the binary (or, for an unknown one, the database) has it.
    pub name: String,
    /// Whether it has run.
    pub state: MigrationState,
}

/// Whether a migration has run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MigrationState {
    /// It has, at this time (microseconds UTC).
    Applied(i64),
    /// Not yet.
    Pending,
    /// It has, but this binary does not know it: a newer one was here.
    Unknown(i64),
}

struct Applied {
    number: i64,
    name: String,
    at: i64,
}

impl Engine {
    /// Brings the schema up to `migrations`, in order; the answer is how many have run.
    ///
    /// `app_role` (PostgreSQL): the role that `serve` connects as; it is granted reading and writing of every table
    /// (adding only, where the table's comment says `append only`), never their ownership. `now` is noted with each migration, in microseconds UTC. [`Error::Migration`] when the
    /// database is newer than this binary or has another history; then nothing is changed.
    pub async fn migrate(&self, migrations: &[Migration], app_role: Option<&str>, now: i64) -> Result<usize> {
        check_order(migrations)?;
        let mut ran = 0;
        let states = self.migration_status(migrations).await?;
        refuse_unknown(&states, migrations)?;
        let pending = states.iter().filter(|status| status.state == MigrationState::Pending);
        for status in pending {
            let Some(&migration) = migrations.iter().find(|migration| migration.number == status.number)
            else {
                continue;
            };
            let known = migrations.to_vec();
            if self.administer(async move |tx| apply(tx, &known, migration, now).await).await? {
                tracing::info!(number = migration.number, name = migration.name, "migrated");
                ran += 1;
            }
        }
        if let (Some(role), EngineKind::Postgres) = (app_role, self.kind()) {
            let grants = grants(role);
            self.administer(async move |tx| tx.script("grant", &grants).await).await?;
        }
        Ok(ran)
    }

    /// Where each migration stands, by number; changes nothing. [`Error::Migration`] when a number has run here under
    /// another name.
    pub async fn migration_status(&self, migrations: &[Migration]) -> Result<Vec<MigrationStatus>> {
        let applied = self.read(Lane::System, async |tx| applied(tx).await).await?;
        merged(&applied, migrations)
    }
}

/// One migration and its note; `false` when another node was faster.
async fn apply(tx: &Tx<'_>, known: &[Migration], migration: Migration, now: i64) -> Result<bool> {
    let (table, sql) = match tx.engine_kind() {
        EngineKind::Sqlite => (CREATE_TABLE_SQLITE, migration.sqlite),
        EngineKind::Postgres => (CREATE_TABLE_POSTGRES, migration.postgres),
    };
    tx.script("schema_migration", table).await?;
    let states = merged(&applied(tx).await?, known)?;
    refuse_unknown(&states, known)?;
    let here = states.iter().find(|status| status.number == migration.number);
    if here.is_some_and(|status| matches!(status.state, MigrationState::Applied(_))) {
        return Ok(false);
    }
    tx.script(migration.name, sql).await?;
    tx.execute_one(&MIGRATION_INSERT, params![migration.number, migration.name, now]).await?;
    Ok(true)
}

async fn applied(tx: &Tx<'_>) -> Result<Vec<Applied>> {
    if tx.query_one(&MIGRATION_TABLE_COUNT, &[], |row| row.get::<i64>(0)).await? == 0 {
        return Ok(Vec::new());
    }
    let read = |row: &super::Row<'_>| Ok(Applied { number: row.get(0)?, name: row.get(1)?, at: row.get(2)? });
    tx.query(&MIGRATION_LIST, &[], read).await
}

fn merged(applied: &[Applied], migrations: &[Migration]) -> Result<Vec<MigrationStatus>> {
    let mut states = Vec::new();
    for migration in migrations {
        let state = match applied.iter().find(|applied| applied.number == migration.number) {
            None => MigrationState::Pending,
            Some(applied) if applied.name == migration.name => MigrationState::Applied(applied.at),
            Some(applied) => {
                return Err(Error::Migration(format!(
                    "migration {} is `{}` in this database but `{}` in this binary: they do not belong together",
                    migration.number, applied.name, migration.name
                )));
            }
        };
        states.push(MigrationStatus { number: migration.number, name: migration.name.to_owned(), state });
    }
    for applied in applied {
        if !migrations.iter().any(|migration| migration.number == applied.number) {
            let state = MigrationState::Unknown(applied.at);
            states.push(MigrationStatus { number: applied.number, name: applied.name.clone(), state });
        }
    }
    states.sort_by_key(|status| status.number);
    Ok(states)
}

fn refuse_unknown(states: &[MigrationStatus], migrations: &[Migration]) -> Result<()> {
    let unknown = states.iter().rev().find(|status| matches!(status.state, MigrationState::Unknown(_)));
    let Some(unknown) = unknown else { return Ok(()) };
    let newest = migrations.iter().map(|migration| migration.number).max().unwrap_or_default();
    Err(Error::Migration(format!(
        "the database is at migration {} (`{}`), this binary knows them up to {newest}: \
         run the release that migrated it, or a later one",
        unknown.number, unknown.name
    )))
}

fn check_order(migrations: &[Migration]) -> Result<()> {
    let rising = migrations.windows(2).all(|pair| matches!(pair, [a, b] if a.number < b.number));
    if rising && migrations.first().is_none_or(|first| first.number > 0) {
        return Ok(());
    }
    Err(Error::Migration("the binary's own migrations are out of order".into()))
}

/// The role may do everything with rows, but for tables whose comment says otherwise: `append only` and `never deleted`.
///
/// The role's name travels as a setting, so that no quoting can go wrong, and neither GRANT nor REVOKE can take the
/// current schema by itself: hence the block.
fn grants(role: &str) -> String {
    format!(
        "SELECT set_config('gatepost.app_role', '{}', true);
         DO $$ DECLARE
             app CONSTANT text := current_setting('gatepost.app_role');
             kept record;
         BEGIN
             EXECUTE format('GRANT USAGE ON SCHEMA %I TO %I', current_schema(), app);
             EXECUTE format('GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA %I TO %I', current_schema(), app);
             EXECUTE format('REVOKE INSERT, UPDATE, DELETE ON schema_migration FROM %I', app);
             FOR kept IN SELECT c.relname AS name, obj_description(c.oid, 'pg_class') AS word FROM pg_class c
                 WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p')
             LOOP
                 IF kept.word = 'append only' THEN
                     EXECUTE format('REVOKE UPDATE, DELETE, TRUNCATE ON %I FROM %I', kept.name, app);
                 ELSIF kept.word = 'never deleted' THEN
                     EXECUTE format('REVOKE DELETE, TRUNCATE ON %I FROM %I', kept.name, app);
                 END IF;
             END LOOP;
         END $$",
        role.replace('\'', "''")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(number: i64) -> Migration {
        Migration { number, name: "step", sqlite: "", postgres: "" }
    }

    #[test]
    fn numbers_rise_from_one() {
        assert!(check_order(&[]).is_ok());
        assert!(check_order(&[step(1), step(2), step(5)]).is_ok());
        assert!(check_order(&[step(0)]).is_err());
        assert!(check_order(&[step(2), step(2)]).is_err());
        assert!(check_order(&[step(2), step(1)]).is_err());
    }
}
