//! Keeping checkpoints in a second place: a file that only grows, one JSON object a line.
//!
//! Threat note. Defends against: a database that was cut, rewritten or replaced as a whole, checkpoints included: what
//! lies in the file tells of it, at the next start and whenever somebody looks. That takes a place which whoever has
//! the database does not have: another disk, a file that may only be appended to (`chattr +a`), a mount of another
//! machine. Does not defend against: somebody who reaches both.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{BufRead as _, BufReader, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use gatepost_core::audit::{Checkpoint, ExportLine};
use gatepost_core::{Error, Result, WorkspaceId};
use gatepost_store::WorkspaceScope;

use super::checkpoints::suspicious;
use crate::App;

/// The name of the file where a directory is given.
const FILE: &str = "gatepost-audit-checkpoints.jsonl";
const PAGE: i64 = 500;

/// What lies in the second place: the newest checkpoint of each log.
#[derive(Default)]
pub(crate) struct Shipping {
    path: Option<PathBuf>,
    last: HashMap<WorkspaceId, Checkpoint>,
}

/// The newest checkpoint of each log in a file; a file that is not there yet holds none.
fn read(path: &Path) -> std::io::Result<HashMap<WorkspaceId, Checkpoint>> {
    let mut last: HashMap<WorkspaceId, Checkpoint> = HashMap::new();
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(last),
        Err(error) => return Err(error),
    };
    for line in BufReader::new(file).lines() {
        // A line that was cut by a crash is shipped again.
        let Ok(ExportLine::Checkpoint(checkpoint)) = serde_json::from_str(&line?) else { continue };
        if last.get(&checkpoint.workspace_id).is_none_or(|known| known.seq < checkpoint.seq) {
            last.insert(checkpoint.workspace_id, checkpoint);
        }
    }
    Ok(last)
}

/// Appends lines and waits until they are on the disk. A line that was cut before is ended first.
fn append(path: &Path, checkpoints: &[Checkpoint]) -> std::io::Result<()> {
    let mut file = OpenOptions::new().create(true).append(true).read(true).open(path)?;
    let mut text = String::new();
    if file.seek(SeekFrom::End(0))? > 0 {
        file.seek(SeekFrom::End(-1))?;
        let mut last = [0];
        file.read_exact(&mut last)?;
        if last != *b"\n" {
            text.push('\n');
        }
    }
    for checkpoint in checkpoints {
        text.push_str(
            &serde_json::to_string(&ExportLine::Checkpoint(*checkpoint)).map_err(std::io::Error::other)?,
        );
        text.push('\n');
    }
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> std::io::Result<T> + Send + 'static,
) -> Result<T> {
    let done = tokio::task::spawn_blocking(work).await.map_err(Error::internal)?;
    done.map_err(|error| Error::internal(format!("the file of checkpoints: {error}")))
}

impl App {
    /// Reads what lies in the second place, and compares it with the database.
    pub(super) async fn shipping_begin(&self) {
        let Some(path) = self.0.config.audit_checkpoint_file.clone() else { return };
        let path = if path.is_dir() { path.join(FILE) } else { path };
        let reading = path.clone();
        let last = match blocking(move || read(&reading)).await {
            Ok(last) => last,
            Err(error) => {
                tracing::error!(%error, path = %path.display(), "checkpoints cannot be kept elsewhere");
                HashMap::new()
            }
        };
        let mut shipping = self.0.checkpoints.shipping.lock().await;
        *shipping = Shipping { path: Some(path), last };
        let known: Vec<Checkpoint> = shipping.last.values().copied().collect();
        drop(shipping);
        for shipped in known {
            if let Err(error) = self.shipped_is_known(shipped).await {
                tracing::error!(%error, "the database is not the one whose checkpoints were kept elsewhere");
            }
        }
    }

    /// The newest checkpoint of the second place must be in the database.
    async fn shipped_is_known(&self, shipped: Checkpoint) -> Result<()> {
        let scopes = self.0.store.read_system(async |tx| tx.workspace_scopes().await).await?;
        let platform = WorkspaceScope::platform();
        let scope = scopes.into_iter().chain([platform]).find(|s| s.workspace() == shipped.workspace_id);
        let at = shipped.seq;
        let found = match scope {
            Some(scope) => {
                self.0.store.read(scope, async move |tx| tx.audit_checkpoints_after(at - 1, 1).await).await?
            }
            None => Vec::new(),
        };
        match found.first() {
            Some(found) if *found == shipped => Ok(()),
            _ => {
                Err(suspicious(shipped.workspace_id, at, "a checkpoint that was kept elsewhere is not there"))
            }
        }
    }

    /// Ships what the second place lacks of a log.
    pub(super) async fn ship(&self, scope: WorkspaceScope) -> Result<()> {
        let mut shipping = self.0.checkpoints.shipping.lock().await;
        let Some(path) = shipping.path.clone() else { return Ok(()) };
        loop {
            let after = shipping.last.get(&scope.workspace()).map_or(0, |last| last.seq);
            let read = async move |tx: &gatepost_store::WorkspaceTx<'_>| {
                tx.audit_checkpoints_after(after, PAGE).await
            };
            let new = self.0.store.read(scope, read).await?;
            let Some(newest) = new.last().copied() else { return Ok(()) };
            let path = path.clone();
            blocking(move || append(&path, &new)).await?;
            shipping.last.insert(scope.workspace(), newest);
        }
    }
}
