//! What columns a database has, in words that both engines share, so that a test can hold their schemas equal.

use super::error::Result;
use super::{Engine, Lane};

crate::statements! {
    /// Every column of every table: table, column, type, nullable. A primary key is never nullable, said or not.
    COLUMN_LIST = per(
        "SELECT m.name, p.name, p.type, p.\"notnull\" = 0 AND p.pk = 0 \
         FROM sqlite_schema m JOIN pragma_table_info(m.name) p \
         WHERE m.type = 'table' AND substr(m.name, 1, 7) <> 'sqlite_'",
        "SELECT c.relname::text, a.attname::text, t.typname::text, NOT a.attnotnull \
         FROM pg_catalog.pg_attribute a \
         JOIN pg_catalog.pg_class c ON c.oid = a.attrelid \
         JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
         JOIN pg_catalog.pg_type t ON t.oid = a.atttypid \
         WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p') AND a.attnum > 0 AND NOT a.attisdropped",
    );
}

/// One column.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ColumnInfo {
    /// The table's name.
    pub table: String,
    /// The column's name.
    pub column: String,
    /// What it holds.
    pub kind: ColumnKind,
    /// Whether it takes NULL.
    pub nullable: bool,
}

/// What a column holds, as far as both engines can tell it apart: SQLite has one integer type, and keeps a UUID as bytes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum ColumnKind {
    /// INTEGER; SMALLINT, INTEGER, BIGINT.
    Integer,
    /// TEXT; TEXT, VARCHAR.
    Text,
    /// BLOB; BYTEA, UUID.
    Bytes,
    /// A type that the house does not use.
    Other(String),
}

impl ColumnKind {
    fn of(name: String) -> Self {
        match name.to_ascii_lowercase().as_str() {
            "integer" | "int" | "int2" | "int4" | "int8" => Self::Integer,
            "text" | "varchar" => Self::Text,
            "blob" | "bytea" | "uuid" => Self::Bytes,
            _ => Self::Other(name),
        }
    }
}

impl Engine {
    /// Every column of the database, ordered by table and column.
    pub async fn columns(&self) -> Result<Vec<ColumnInfo>> {
        let mut columns = self
            .read(Lane::System, async |tx| {
                tx.query(&COLUMN_LIST, &[], |row| {
                    Ok(ColumnInfo {
                        table: row.get(0)?,
                        column: row.get(1)?,
                        kind: ColumnKind::of(row.get(2)?),
                        nullable: row.get(3)?,
                    })
                })
                .await
            })
            .await?;
        columns.sort();
        Ok(columns)
    }
}
