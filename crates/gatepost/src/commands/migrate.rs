//! `gatepost migrate`

use gatepost_app::SystemClock;
use gatepost_core::Clock as _;
use gatepost_store::MIGRATIONS;
use gatepost_store::engine::{Engine, MigrationState, SqliteOptions};
use serde_json::json;

use crate::cli::Context;
use crate::config::Settings;
use crate::failure::{Failure, Result};
use crate::installation::data_dir::DataDir;
use crate::installation::database;
use crate::output::Output;

/// Bring a PostgreSQL database up to date.
///
/// Connects with the owner's URL (database.owner_url, GATEPOST_DATABASE_OWNER_URL) and grants the server's role what it
/// needs. SQLite is brought up to date whenever the server starts; there this command does the same.
#[derive(clap::Args)]
#[command(after_help = "\
Example:
  export GATEPOST_DATABASE_OWNER_URL=postgresql://gatepost_owner@db/gatepost
  export GATEPOST_DATABASE_URL=postgresql://gatepost_app@db/gatepost
  gatepost migrate")]
pub struct Migrate {
    /// Only show what is done and what is to do; exits with 1 where something is to do
    #[arg(long)]
    status: bool,
    /// The role that the server works as [default: the one in database.url]
    #[arg(long, value_name = "ROLE")]
    app_role: Option<String>,
}

impl Migrate {
    pub async fn run(self, context: Context) -> Result<()> {
        let settings = context.quiet_settings()?;
        let output = context.output;
        let database = &settings.config.database;
        match (&database.owner_url, &database.url) {
            (None, None) => {
                // A running server owns its database, and has brought it up to date.
                let dir = DataDir::own(&settings.data_dir)?;
                let engine = Engine::sqlite(SqliteOptions::new(dir.places().database()));
                let engine = engine.await.map_err(Failure::failed)?;
                self.perform(&engine, None, output).await
            }
            (None, Some(url)) if self.status => {
                let engine = database::connect(url).await?;
                self.perform(&engine, None, output).await
            }
            (None, Some(_)) => Err(Failure::usage("the URL of the database's owner is missing").hint(
                "give it in GATEPOST_DATABASE_OWNER_URL or database.owner_url; the server never needs it",
            )),
            (Some(owner), _) => {
                let role = self.role(&settings);
                if role.is_none() && !self.status {
                    return Err(Failure::usage("which role the server works as is not known")
                        .hint("name it: --app-role ROLE, or database.url with a user in it"));
                }
                let engine = database::connect(owner).await?;
                self.perform(&engine, role.as_deref(), output).await
            }
        }
    }

    fn role(&self, settings: &Settings) -> Option<String> {
        let from_url = || role_of(settings.config.database.url.as_ref()?.expose());
        self.app_role.clone().or_else(from_url)
    }

    async fn perform(&self, engine: &Engine, role: Option<&str>, output: Output) -> Result<()> {
        let ran = if self.status {
            0
        } else {
            engine.migrate(MIGRATIONS, role, SystemClock.now().micros()).await.map_err(database::schema)?
        };
        let states = engine.migration_status(MIGRATIONS).await.map_err(database::schema)?;
        engine.shutdown().await;
        let word = |state| match state {
            MigrationState::Applied(_) => "done",
            MigrationState::Pending => "to do",
            MigrationState::Unknown(_) => "unknown to this version",
        };
        let steps: Vec<_> = states
            .iter()
            .map(|s| json!({ "number": s.number, "name": s.name, "state": word(s.state) }))
            .collect();
        output.data(&json!({ "ran": ran, "migrations": steps, "app_role": role }));
        let rows: Vec<Vec<String>> = states
            .iter()
            .map(|s| vec![s.number.to_string(), s.name.clone(), word(s.state).to_owned()])
            .collect();
        output.table(&["NUMBER", "NAME", "STATE"], &rows, "No migrations.");
        if states.iter().all(|s| matches!(s.state, MigrationState::Applied(_))) {
            output.say(if ran == 0 {
                "\nThe database is up to date.".to_owned()
            } else {
                format!("\nDone: {ran} ran.")
            });
            Ok(())
        } else {
            Err(Failure::failed("the database does not fit this version")
                .hint("run `gatepost migrate` with the owner's URL"))
        }
    }
}

/// The user of a connection URL, or of `key=value` words.
fn role_of(url: &str) -> Option<String> {
    let role = match url.split_once("://") {
        Some((_, rest)) => {
            let authority = rest.split(['/', '?']).next().unwrap_or_default();
            let named = authority
                .rsplit_once('@')
                .map(|(user, _)| user.split(':').next().unwrap_or_default().to_owned());
            named.or_else(|| {
                let (_, query) = rest.split_once('?')?;
                query.split('&').find_map(|word| word.strip_prefix("user=")).map(str::to_owned)
            })
        }
        None => url.split_whitespace().find_map(|word| word.strip_prefix("user=")).map(str::to_owned),
    };
    role.filter(|role| !role.is_empty() && !role.contains('%'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_role_is_read_from_the_url() {
        for (url, role) in [
            ("postgresql://app:secret@db:5432/gatepost?sslmode=verify-full", Some("app")),
            ("postgresql://app@db/gatepost", Some("app")),
            ("postgresql:///gatepost?host=/tmp/s&user=app", Some("app")),
            ("host=/tmp/s user=app dbname=gatepost", Some("app")),
            ("postgresql://db/gatepost", None),
        ] {
            assert_eq!(role_of(url).as_deref(), role, "{url}");
        }
    }
}
