//! SQLite alone: rows of a message's size, many in a transaction, with the settings of the store.

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::{Connection, params};

use super::ROW_BYTES;
use crate::error::Result;

/// Rows in one transaction, as many as the store takes at most.
const BATCH: i64 = 512;

/// A database as the store sets it up: write-ahead log, and a commit is on disk before it is answered.
pub fn open(path: &Path) -> Result<Connection> {
    let conn = Connection::open(path)?;
    conn.pragma_update(None, "journal_mode", "wal")?;
    conn.pragma_update(None, "synchronous", "full")?;
    conn.pragma_update(None, "wal_autocheckpoint", 2000)?;
    conn.pragma_update(None, "cache_size", -32 * 1024)?;
    conn.execute_batch("CREATE TABLE accepted (id INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT")?;
    Ok(conn)
}

/// Rows a second.
pub fn inserts(directory: &Path, time: Duration) -> Result<f64> {
    let directory = tempfile::tempdir_in(directory)?;
    let conn = open(&directory.path().join("ceiling.db"))?;
    let body = [0x5a_u8; ROW_BYTES];
    let started = Instant::now();
    let mut count = 0_i64;
    while started.elapsed() < time {
        conn.execute_batch("BEGIN IMMEDIATE")?;
        let mut insert = conn.prepare_cached("INSERT INTO accepted (id, body) VALUES (?1, ?2)")?;
        for id in count..count + BATCH {
            insert.execute(params![id, body.as_slice()])?;
        }
        drop(insert);
        conn.execute_batch("COMMIT")?;
        count += BATCH;
    }
    Ok(count as f64 / started.elapsed().as_secs_f64())
}
