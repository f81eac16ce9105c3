//! Values that both engines know, and how they are bound.
//!
//! | `Value` | SQLite | PostgreSQL |
//! |---|---|---|
//! | `Int` | INTEGER | SMALLINT, INTEGER or BIGINT, by the column; out of range is an error |
//! | `Text` | TEXT | TEXT, VARCHAR |
//! | `Bytes` | BLOB | BYTEA |
//! | `Uuid` | BLOB of 16 bytes | UUID (same order) |
//!
//! A truth value is an `Int` of 0 or 1 in a SMALLINT column.

use std::error::Error as StdError;
use std::fmt;

use rusqlite::types::{ToSqlOutput, ValueRef};
use tokio_postgres::types::private::BytesMut;
use tokio_postgres::types::{FromSql, IsNull, ToSql, Type, to_sql_checked};
use uuid::Uuid;

/// A borrowed value on its way into a statement or out of a row.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Value<'a> {
    /// No value.
    Null,
    /// A whole number, a time in microseconds, a truth value.
    Int(i64),
    /// Text without NUL (PostgreSQL cannot hold one).
    Text(&'a str),
    /// Bytes, sealed or plain.
    Bytes(&'a [u8]),
    /// An id.
    Uuid(Uuid),
}

/// Shows kind and size only: drivers print parameters at their debug level, and a parameter may be a phone number.
impl fmt::Debug for Value<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("Null"),
            Self::Int(_) => f.write_str("Int"),
            Self::Text(text) => write!(f, "Text({} bytes)", text.len()),
            Self::Bytes(bytes) => write!(f, "Bytes({})", bytes.len()),
            Self::Uuid(_) => f.write_str("Uuid"),
        }
    }
}

macro_rules! from_whole_numbers {
    ($($int:ty),+) => {
        $(impl From<$int> for Value<'_> {
            fn from(value: $int) -> Self {
                Self::Int(i64::from(value))
            }
        })+
    };
}
from_whole_numbers!(i64, i32, i16, u32, u16, u8, bool);

impl<'a> From<&'a str> for Value<'a> {
    fn from(value: &'a str) -> Self {
        Self::Text(value)
    }
}

impl<'a> From<&'a String> for Value<'a> {
    fn from(value: &'a String) -> Self {
        Self::Text(value)
    }
}

impl<'a> From<&'a [u8]> for Value<'a> {
    fn from(value: &'a [u8]) -> Self {
        Self::Bytes(value)
    }
}

impl<'a> From<&'a Vec<u8>> for Value<'a> {
    fn from(value: &'a Vec<u8>) -> Self {
        Self::Bytes(value)
    }
}

impl<'a, const N: usize> From<&'a [u8; N]> for Value<'a> {
    fn from(value: &'a [u8; N]) -> Self {
        Self::Bytes(value)
    }
}

impl From<Uuid> for Value<'_> {
    fn from(value: Uuid) -> Self {
        Self::Uuid(value)
    }
}

impl From<&Uuid> for Value<'_> {
    fn from(value: &Uuid) -> Self {
        Self::Uuid(*value)
    }
}

impl<'a, T: Into<Value<'a>>> From<Option<T>> for Value<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// The parameters of a statement: `params![id, &name, at]` is a `&[Value]`.
#[macro_export]
macro_rules! params {
    () => { &[] as &[$crate::engine::Value<'_>] };
    ($($value:expr),+ $(,)?) => { &[$($crate::engine::Value::from($value)),+] };
}

impl rusqlite::ToSql for Value<'_> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Int(int) => ValueRef::Integer(*int),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Bytes(bytes) => ValueRef::Blob(bytes),
            Self::Uuid(id) => ValueRef::Blob(id.as_bytes()),
        }))
    }
}

type BoxError = Box<dyn StdError + Sync + Send>;

impl ToSql for Value<'_> {
    fn to_sql(&self, ty: &Type, out: &mut BytesMut) -> Result<IsNull, BoxError> {
        match (self, ty) {
            (Self::Null, _) => Ok(IsNull::Yes),
            (Self::Int(int), &Type::INT8) => int.to_sql(ty, out),
            (Self::Int(int), &Type::INT4) => i32::try_from(*int)?.to_sql(ty, out),
            (Self::Int(int), &Type::INT2) => i16::try_from(*int)?.to_sql(ty, out),
            (Self::Text(text), &(Type::TEXT | Type::VARCHAR | Type::NAME)) => text.to_sql(ty, out),
            (Self::Bytes(bytes), &Type::BYTEA) => bytes.to_sql(ty, out),
            (Self::Uuid(id), &Type::UUID) => id.to_sql(ty, out),
            _ => Err(format!("{self:?} cannot be bound to a parameter of type {ty}").into()),
        }
    }

    fn accepts(_: &Type) -> bool {
        true // judged value by value in `to_sql`
    }

    to_sql_checked!();
}

/// A cell of a PostgreSQL row as a [`Value`].
pub(super) struct PostgresCell<'a>(pub(super) Value<'a>);

impl<'a> FromSql<'a> for PostgresCell<'a> {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Self, BoxError> {
        Ok(Self(match *ty {
            Type::INT8 => Value::Int(i64::from_sql(ty, raw)?),
            Type::INT4 => Value::Int(i32::from_sql(ty, raw)?.into()),
            Type::INT2 => Value::Int(i16::from_sql(ty, raw)?.into()),
            Type::BOOL => Value::Int(bool::from_sql(ty, raw)?.into()),
            Type::TEXT | Type::VARCHAR | Type::NAME => Value::Text(<&str>::from_sql(ty, raw)?),
            Type::BYTEA => Value::Bytes(raw),
            Type::UUID => Value::Uuid(Uuid::from_sql(ty, raw)?),
            _ => return Err(format!("columns of type {ty} are not used here").into()),
        }))
    }

    fn from_sql_null(_: &Type) -> Result<Self, BoxError> {
        Ok(Self(Value::Null))
    }

    fn accepts(_: &Type) -> bool {
        true // judged in `from_sql`
    }
}

/// A cell of a SQLite row as a [`Value`]; `None` for a REAL or for text that is not UTF-8.
pub(super) fn from_sqlite(cell: ValueRef<'_>) -> Option<Value<'_>> {
    match cell {
        ValueRef::Null => Some(Value::Null),
        ValueRef::Integer(int) => Some(Value::Int(int)),
        ValueRef::Real(_) => None,
        ValueRef::Text(text) => std::str::from_utf8(text).ok().map(Value::Text),
        ValueRef::Blob(bytes) => Some(Value::Bytes(bytes)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_tells_nothing_of_the_value() {
        let shown =
            format!("{:?}", params!["+4915112345678", &[7u8; 3], 4711i64, Uuid::from_u128(99), None::<i64>]);
        assert_eq!(shown, "[Text(14 bytes), Bytes(3), Int, Uuid, Null]");
    }
}
