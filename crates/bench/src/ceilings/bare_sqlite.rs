//! Group commit on SQLite with one table, for the bare durable accept.

use std::path::Path;
use std::thread::JoinHandle;

use rusqlite::{Connection, params};
use tokio::sync::mpsc;

use super::bare::{BATCH, Waiting};
use crate::error::{Failure, Result};

/// The writer's thread and its data.
pub struct Writing {
    thread: JoinHandle<Result<()>>,
    directory: tempfile::TempDir,
}

pub fn start(directory: &Path, mut inbox: mpsc::Receiver<Waiting>) -> Result<Writing> {
    let directory = tempfile::tempdir_in(directory)?;
    let conn = super::sqlite::open(&directory.path().join("bare.db"))?;
    let thread = std::thread::Builder::new().name("bare-writer".into()).spawn(move || {
        let (mut batch, mut next) = (Vec::with_capacity(BATCH), 0_i64);
        while inbox.blocking_recv_many(&mut batch, BATCH) > 0 {
            write(&conn, &mut next, &batch)?;
            for waiting in batch.drain(..) {
                // A caller that has gone away does not mind.
                let _ = waiting.safe.send(());
            }
        }
        Ok(())
    })?;
    Ok(Writing { thread, directory })
}

fn write(conn: &Connection, next: &mut i64, batch: &[Waiting]) -> Result<()> {
    conn.execute_batch("BEGIN IMMEDIATE")?;
    let mut insert = conn.prepare_cached("INSERT INTO accepted (id, body) VALUES (?1, ?2)")?;
    for waiting in batch {
        insert.execute(params![*next, waiting.body.as_ref()])?;
        *next += 1;
    }
    drop(insert);
    Ok(conn.execute_batch("COMMIT")?)
}

impl Writing {
    /// Waits for the writer; it ends when nobody can send to it any more.
    pub async fn end(self) -> Result<()> {
        let ended = tokio::task::spawn_blocking(move || self.thread.join()).await?;
        drop(self.directory);
        ended.map_err(|_| Failure::new("the bare writer panicked"))?
    }
}
