//! Rows as the engines return them, read column by column.

use uuid::Uuid;

use super::error::{Error, Result};
use super::stmt::Stmt;
use super::value::{PostgresCell, Value, from_sqlite};

/// One row of a query, valid inside the query's callback only.
#[derive(Debug)]
pub struct Row<'r> {
    stmt: &'static Stmt,
    cells: Cells<'r>,
}

#[derive(Debug)]
enum Cells<'r> {
    Sqlite(&'r rusqlite::Row<'r>),
    Postgres(&'r tokio_postgres::Row),
}

impl<'r> Row<'r> {
    pub(super) fn sqlite(stmt: &'static Stmt, row: &'r rusqlite::Row<'r>) -> Self {
        Self { stmt, cells: Cells::Sqlite(row) }
    }

    pub(super) fn postgres(stmt: &'static Stmt, row: &'r tokio_postgres::Row) -> Self {
        Self { stmt, cells: Cells::Postgres(row) }
    }

    /// The value of column `index` (from 0); [`Error::Corrupt`] names the column when it does not fit `T`.
    pub fn get<T: Column>(&self, index: usize) -> Result<T> {
        self.value(index).and_then(T::from_value).ok_or_else(|| self.corrupt(index))
    }

    /// The error for a value that has the right kind but makes no sense to the model (an unknown state, a bad phone).
    pub fn corrupt(&self, index: usize) -> Error {
        let name = match self.cells {
            Cells::Sqlite(row) => row.as_ref().column_name(index).ok(),
            Cells::Postgres(row) => row.columns().get(index).map(tokio_postgres::Column::name),
        };
        let column = match name {
            Some(name) => format!("{}.{name}", self.stmt.name()),
            None => format!("{}.#{index}", self.stmt.name()),
        };
        Error::Corrupt { column }
    }

    fn value(&self, index: usize) -> Option<Value<'_>> {
        match self.cells {
            Cells::Sqlite(row) => row.get_ref(index).ok().and_then(from_sqlite),
            Cells::Postgres(row) => row.try_get::<_, PostgresCell<'_>>(index).ok().map(|cell| cell.0),
        }
    }
}

/// A type that a column can be read as.
pub trait Column: Sized {
    /// `None` when the value is of another kind or out of range.
    fn from_value(value: Value<'_>) -> Option<Self>;
}

macro_rules! whole_number_columns {
    ($($int:ty),+) => {
        $(impl Column for $int {
            fn from_value(value: Value<'_>) -> Option<Self> {
                match value {
                    Value::Int(int) => int.try_into().ok(),
                    _ => None,
                }
            }
        })+
    };
}
whole_number_columns!(i64, i32, i16, u64, u32, u16, u8);

/// 0 or 1, nothing else.
impl Column for bool {
    fn from_value(value: Value<'_>) -> Option<Self> {
        match value {
            Value::Int(0) => Some(false),
            Value::Int(1) => Some(true),
            _ => None,
        }
    }
}

impl Column for String {
    fn from_value(value: Value<'_>) -> Option<Self> {
        match value {
            Value::Text(text) => Some(text.to_owned()),
            _ => None,
        }
    }
}

impl Column for Vec<u8> {
    fn from_value(value: Value<'_>) -> Option<Self> {
        match value {
            Value::Bytes(bytes) => Some(bytes.to_vec()),
            Value::Uuid(id) => Some(id.as_bytes().to_vec()), // as SQLite would return it
            _ => None,
        }
    }
}

/// Exactly `N` bytes.
impl<const N: usize> Column for [u8; N] {
    fn from_value(value: Value<'_>) -> Option<Self> {
        match value {
            Value::Bytes(bytes) => bytes.try_into().ok(),
            _ => None,
        }
    }
}

impl Column for Uuid {
    fn from_value(value: Value<'_>) -> Option<Self> {
        match value {
            Value::Uuid(id) => Some(id),
            Value::Bytes(bytes) => Uuid::from_slice(bytes).ok(),
            _ => None,
        }
    }
}

impl<T: Column> Column for Option<T> {
    fn from_value(value: Value<'_>) -> Option<Self> {
        match value {
            Value::Null => Some(None),
            value => T::from_value(value).map(Some),
        }
    }
}
