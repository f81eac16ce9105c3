//! What can go wrong below the statements, in classes that mean the same on both engines.
//!
//! The texts are private context for logs: they name statements, constraints and columns, never a value. PostgreSQL's
//! DETAIL (which quotes rows) is left out on purpose.

use rusqlite::ErrorCode;
use tokio_postgres::error::SqlState;

/// An answer of the engine.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a statement, a transaction or the whole engine failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The database cannot be reached, is shutting down or cannot write (disk full). Worth another try later.
    #[error("store unavailable: {context}")]
    Unavailable {
        /// What was seen.
        context: String,
        /// The answer to a COMMIT was lost: the transaction may have taken effect. `false` means it certainly has not.
        maybe_committed: bool,
    },
    /// A primary key or unique constraint refused the row.
    #[error("{stmt}: unique constraint refused a row: {constraint}")]
    UniqueViolation {
        /// The statement's name, or `commit`.
        stmt: &'static str,
        /// The constraint as the engine names it; the names differ between the engines.
        constraint: String,
    },
    /// A foreign key refused the row; for a deferred key `stmt` is `commit`.
    #[error("{stmt}: foreign key refused a row: {constraint}")]
    ForeignKey {
        /// The statement's name, or `commit`.
        stmt: &'static str,
        /// The constraint as the engine names it; SQLite does not say which.
        constraint: String,
    },
    /// Transactions collided (40001, 40P01, a lock not granted) and running again, as often as allowed, did not help.
    #[error("transactions collided: {context}")]
    Conflict {
        /// What was seen.
        context: String,
    },
    /// A statement touched another number of rows than it must.
    #[error("{stmt}: expected {expected} rows, got {got}")]
    Rows {
        /// The statement's name.
        stmt: &'static str,
        /// Rows it must touch or return.
        expected: u64,
        /// Rows it touched or returned; for a query "more than one" is given as 2.
        got: u64,
    },
    /// The closure panicked; nothing of it was kept.
    #[error("the transaction's closure panicked")]
    Panicked,
    /// The closure waited for something that is not a statement (SQLite), or took longer than the limit (PostgreSQL);
    /// nothing of it was kept.
    #[error("the transaction's closure waited too long")]
    Waited,
    /// A stored value does not fit the type it is read as.
    #[error("{column}: the stored value is not what the model expects")]
    Corrupt {
        /// `STATEMENT.column`, or `STATEMENT.#index` for a column that is not there.
        column: String,
    },
    /// The schema and this binary do not fit together; the text says what to do.
    #[error("{0}")]
    Migration(String),
    /// Everything else: a statement that does not parse, a wrong number of parameters, a full type mismatch.
    #[error("{context}")]
    Other {
        /// What was seen.
        context: String,
    },
}

impl Error {
    /// The database is not there, and nothing was changed.
    pub(crate) fn unavailable(context: impl Into<String>) -> Self {
        Self::Unavailable { context: context.into(), maybe_committed: false }
    }

    pub(crate) fn other(context: impl Into<String>) -> Self {
        Self::Other { context: context.into() }
    }

    /// The engine was shut down before the transaction ran.
    pub(super) fn closed() -> Self {
        Self::unavailable("the engine is shut down")
    }

    /// The same failure, met while waiting for the answer to a COMMIT.
    pub(super) fn at_commit(self) -> Self {
        match self {
            Self::Unavailable { context, .. } => Self::Unavailable { context, maybe_committed: true },
            other => other,
        }
    }

    /// Whether the transaction may have taken effect although it is answered with this error.
    pub fn maybe_committed(&self) -> bool {
        matches!(self, Self::Unavailable { maybe_committed: true, .. })
    }

    pub(super) fn from_sqlite(stmt: &'static str, error: &rusqlite::Error) -> Self {
        let rusqlite::Error::SqliteFailure(failure, message) = error else {
            return Self::other(format!("{stmt}: {error}"));
        };
        let text = || message.clone().unwrap_or_else(|| failure.to_string());
        match failure.code {
            ErrorCode::ConstraintViolation => match failure.extended_code {
                rusqlite::ffi::SQLITE_CONSTRAINT_UNIQUE
                | rusqlite::ffi::SQLITE_CONSTRAINT_PRIMARYKEY
                | rusqlite::ffi::SQLITE_CONSTRAINT_ROWID => {
                    Self::UniqueViolation { stmt, constraint: text() }
                }
                rusqlite::ffi::SQLITE_CONSTRAINT_FOREIGNKEY => Self::ForeignKey { stmt, constraint: text() },
                _ => Self::other(format!("{stmt}: {}", text())),
            },
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => {
                Self::Conflict { context: format!("{stmt}: {}", text()) }
            }
            ErrorCode::DiskFull | ErrorCode::SystemIoFailure | ErrorCode::CannotOpen => {
                Self::unavailable(format!("{stmt}: {}", text()))
            }
            _ => Self::other(format!("{stmt}: {}", text())),
        }
    }

    pub(super) fn from_postgres(stmt: &'static str, error: &tokio_postgres::Error) -> Self {
        let Some(db) = error.as_db_error() else {
            let cause =
                std::error::Error::source(error).map(|cause| format!(": {cause}")).unwrap_or_default();
            let context = format!("{stmt}: {error}{cause}");
            // Without an answer from the server the connection is gone, unless we never got as far as asking.
            return if error.is_closed() || source_is_io(error) {
                Self::unavailable(context)
            } else {
                Self::other(context)
            };
        };
        let code = db.code();
        let context = format!("{stmt}: {} ({})", db.message(), code.code());
        let constraint = || db.constraint().unwrap_or_default().to_owned();
        match *code {
            SqlState::UNIQUE_VIOLATION => Self::UniqueViolation { stmt, constraint: constraint() },
            SqlState::FOREIGN_KEY_VIOLATION => Self::ForeignKey { stmt, constraint: constraint() },
            SqlState::T_R_SERIALIZATION_FAILURE
            | SqlState::T_R_DEADLOCK_DETECTED
            | SqlState::LOCK_NOT_AVAILABLE => Self::Conflict { context },
            // statement_timeout is the server's half of the limit around a closure
            SqlState::QUERY_CANCELED => Self::Waited,
            // another node migrated under us; the statement cache is emptied and the closure runs again
            SqlState::FEATURE_NOT_SUPPORTED if db.message().contains("cached plan") => {
                Self::Conflict { context }
            }
            SqlState::READ_ONLY_SQL_TRANSACTION => Self::other(context),
            _ => match code.code().get(..2) {
                // connection exceptions, lack of resources, operator intervention
                Some("08" | "53" | "57") => Self::unavailable(context),
                _ => Self::other(context),
            },
        }
    }
}

fn source_is_io(error: &tokio_postgres::Error) -> bool {
    std::error::Error::source(error).is_some_and(<dyn std::error::Error>::is::<std::io::Error>)
}
