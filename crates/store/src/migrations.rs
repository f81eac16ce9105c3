//! The schema's history: one number, two files.

use crate::engine::Migration;

/// All migrations in order.
pub const MIGRATIONS: &[Migration] = &[
    Migration {
        number: 1,
        name: "foundation",
        sqlite: include_str!("../migrations/0001_foundation.sqlite.sql"),
        postgres: include_str!("../migrations/0001_foundation.postgres.sql"),
    },
    Migration {
        number: 6,
        name: "time_first",
        sqlite: include_str!("../migrations/0006_time_first.sqlite.sql"),
        postgres: include_str!("../migrations/0006_time_first.postgres.sql"),
    },
];
