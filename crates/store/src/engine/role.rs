//! What the database role of a connection may do beyond its rows.
//!
//! Threat: a server that connects as a role which row level security does not bind. The second wall between workspaces
//! would be painted on.

use super::error::Result;
use super::{Engine, Lane};

crate::statements! {
    /// Three flags: superuser, `BYPASSRLS`, owner (or member of the owner) of a table of the schema.
    ROLE_POWERS = per(
        "SELECT 0, 0, 0",
        "SELECT rolsuper::int::bigint, rolbypassrls::int::bigint, \
         (EXISTS (SELECT 1 FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
          WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p') \
          AND pg_catalog.pg_has_role(current_user, c.relowner, 'MEMBER')))::int::bigint \
         FROM pg_catalog.pg_roles WHERE rolname = current_user",
    );
}

/// What each flag means, to follow the word "it".
const MEANINGS: [&str; 3] =
    ["is a superuser", "has BYPASSRLS", "owns tables, or may become the role that does"];

impl Engine {
    /// The powers that free this connection's role from row level security, each as the end of a sentence that begins
    /// with "it"; empty where it has none, and on SQLite, which has no roles.
    pub async fn role_powers(&self) -> Result<Vec<&'static str>> {
        let flags: [i64; 3] = self
            .read(Lane::System, async |tx| {
                tx.query_one(&ROLE_POWERS, &[], |row| Ok([row.get(0)?, row.get(1)?, row.get(2)?])).await
            })
            .await?;
        Ok(MEANINGS.iter().zip(flags).filter(|(_, flag)| *flag != 0).map(|(meaning, _)| *meaning).collect())
    }
}
