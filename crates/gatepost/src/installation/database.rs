//! Opening the database, and seeing to it that it fits this binary.

use std::path::Path;

use gatepost_app::SystemClock;
use gatepost_core::{Clock as _, Secret};
use gatepost_store::engine::{self, Engine, MigrationState, PostgresOptions, SqliteOptions};
use gatepost_store::{MIGRATIONS, Store};

use crate::failure::{Failure, Result};

/// Opens the embedded database, which is brought up to date on the way.
pub async fn open_sqlite(path: &Path) -> Result<Store> {
    let opened = Engine::sqlite(SqliteOptions::new(path)).await;
    let engine = opened.map_err(|error| {
        Failure::failed(format!("the database {} cannot be opened: {error}", path.display()))
            .hint("is the disk full, or the file not Gatepost's?")
    })?;
    engine.migrate(MIGRATIONS, None, SystemClock.now().micros()).await.map_err(schema)?;
    Ok(Store::new(engine))
}

/// Connects to a server as the role that works, and refuses a role that could see past the walls between workspaces.
pub async fn open_postgres(url: &Secret<String>) -> Result<Store> {
    let engine = connect(url).await?;
    if let Some(pending) = pending(&engine).await? {
        return Err(Failure::failed(format!("the database lacks the migration {pending}")).hint(
            "run `gatepost migrate` with the owner's URL (GATEPOST_DATABASE_OWNER_URL or database.owner_url)",
        ));
    }
    let powers = engine.role_powers().await.map_err(|error| unreachable(&error))?;
    if !powers.is_empty() {
        return Err(Failure::refused(format!(
            "the database role is too powerful: it {}. Row level security does not bind it, so the walls between \
             workspaces would rest on the program alone",
            powers.join(" and ")
        ))
        .hint(
            "make a role of its own for the server, let `gatepost migrate --app-role ROLE` grant it what it needs, \
             and name it in database.url",
        ));
    }
    Ok(Store::new(engine))
}

/// Connects without looking at anything.
pub async fn connect(url: &Secret<String>) -> Result<Engine> {
    Engine::postgres(PostgresOptions::new(url.expose().clone())).await.map_err(|error| unreachable(&error))
}

/// The first migration that this database lacks.
pub async fn pending(engine: &Engine) -> Result<Option<String>> {
    let states = engine.migration_status(MIGRATIONS).await.map_err(schema)?;
    if let Some(newer) = states.iter().find(|s| matches!(s.state, MigrationState::Unknown(_))) {
        return Err(Failure::failed(format!(
            "the database was migrated by a newer Gatepost ({} {})",
            newer.number, newer.name
        ))
        .hint("run that release, or a later one"));
    }
    let pending = states.iter().find(|s| s.state == MigrationState::Pending);
    Ok(pending.map(|s| format!("{} ({})", s.number, s.name)))
}

/// The schema and this binary do not fit together.
pub fn schema(error: engine::Error) -> Failure {
    Failure::failed(error)
}

fn unreachable(error: &engine::Error) -> Failure {
    Failure::failed(format!("the database cannot be used: {error}"))
        .hint("check database.url: host, port, database, role, password, sslmode")
}
