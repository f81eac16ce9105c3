//! Checking logs: those of a database, and exports of them. Entries are read in pieces; memory grows with the
//! checkpoints alone.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::path::Path;

use gatepost_core::audit::{ChainHead, Checkpoint, ExportLine};
use gatepost_core::{Error, Result, Timestamp, WorkspaceId};
use gatepost_store::{Store, WorkspaceScope};
use gatepost_vault::MasterKeyring;
use gatepost_vault::audit::{
    ChainVerifier, CheckpointKey, CheckpointPublicKey, Fault, Finding, Origin, Verified,
};
use gatepost_vault::{KeyPurpose, WrappedKey};

use crate::sealing::{failed, purpose_of};

/// Entries that are read at once.
const PIECE: i64 = 1_000;

/// What became of checking one log.
pub type Checked = Result<Verified, Finding>;

/// Checkpoints that were kept elsewhere, by log and place.
#[derive(Debug, Default)]
pub struct Elsewhere(BTreeMap<WorkspaceId, BTreeMap<i64, Vec<Checkpoint>>>);

impl Elsewhere {
    /// Reads a file that checkpoints were appended to. The same one twice (two nodes may share a file) is one.
    pub fn read(path: &Path) -> Result<Self> {
        let mut found = Self::default();
        for line in lines(path)? {
            if let (_, ExportLine::Checkpoint(checkpoint)) = line? {
                let same_place = found.0.entry(checkpoint.workspace_id).or_default();
                let same_place = same_place.entry(checkpoint.seq).or_default();
                if !same_place.contains(&checkpoint) {
                    same_place.push(checkpoint);
                }
            }
        }
        Ok(found)
    }

    fn of(&self, workspace: WorkspaceId) -> impl Iterator<Item = &Checkpoint> {
        self.0.get(&workspace).into_iter().flat_map(|by_place| by_place.values().flatten())
    }
}

/// The lines of a file with their numbers. A last line that was cut by a crash is left out.
fn lines(path: &Path) -> Result<impl Iterator<Item = Result<(usize, ExportLine)>>> {
    let named = path.display().to_string();
    let file = File::open(path).map_err(|error| Error::internal(format!("{named}: {error}")))?;
    let mut lines = BufReader::new(file).lines().zip(1..).peekable();
    Ok(std::iter::from_fn(move || {
        let (line, number) = lines.next()?;
        let fail =
            |error: &dyn std::fmt::Display| Error::internal(format!("{named}, line {number}: {error}"));
        match line.map(|text| serde_json::from_str::<ExportLine>(&text)) {
            Ok(Ok(line)) => Some(Ok((number, line))),
            Ok(Err(error)) if error.is_eof() && lines.peek().is_none() => None,
            Ok(Err(error)) => Some(Err(fail(&error))),
            Err(error) => Some(Err(fail(&error))),
        }
    }))
}

/// The public key of an installation, from its database and its master key. `None` where nothing was signed yet.
pub async fn public_key_of(store: &Store, ring: &MasterKeyring) -> Result<Option<CheckpointPublicKey>> {
    let owner = CheckpointKey::LABEL.workspace;
    let rows = store.read_system(async move |tx| tx.wrapped_key_list(owner).await).await?;
    let Some(row) = rows.iter().find(|row| purpose_of(row.purpose) == Some(KeyPurpose::Checkpoint)) else {
        return Ok(None);
    };
    let wrapped = WrappedKey::from_bytes(&row.wrapped).map_err(failed)?;
    Ok(Some(CheckpointKey::unwrap(ring, &wrapped).map_err(failed)?.public()))
}

/// Checks every log of a database.
pub async fn verify_store(
    store: &Store,
    key: CheckpointPublicKey,
    elsewhere: &Elsewhere,
) -> Result<Vec<Checked>> {
    let mut scopes = store.read_system(async |tx| tx.workspace_scopes().await).await?;
    scopes.push(WorkspaceScope::platform());
    scopes.sort_by_key(|scope| scope.workspace());
    let mut checked = Vec::with_capacity(scopes.len());
    for scope in &scopes {
        checked.push(verify_log(store, *scope, key, elsewhere).await?);
    }
    let known = |workspace: &WorkspaceId| scopes.iter().any(|scope| scope.workspace() == *workspace);
    for (workspace, places) in elsewhere.0.iter().filter(|(workspace, _)| !known(workspace)) {
        let reached = places.keys().next_back().copied().unwrap_or(1);
        checked.push(Err(Finding { workspace: *workspace, seq: 1, fault: Fault::Truncated { reached } }));
    }
    Ok(checked)
}

async fn verify_log(
    store: &Store,
    scope: WorkspaceScope,
    key: CheckpointPublicKey,
    elsewhere: &Elsewhere,
) -> Result<Checked> {
    let mut verifier = ChainVerifier::new(scope.workspace(), key);
    let mut after = 0;
    loop {
        let read =
            async move |tx: &gatepost_store::WorkspaceTx<'_>| tx.audit_checkpoints_after(after, PIECE).await;
        let found = store.read(scope, read).await?;
        for checkpoint in &found {
            if let Err(finding) = verifier.checkpoint(checkpoint, Origin::Log) {
                return Ok(Err(finding));
            }
        }
        match found.last() {
            Some(last) => after = last.seq,
            None => break,
        }
    }
    for checkpoint in elsewhere.of(scope.workspace()) {
        if let Err(finding) = verifier.checkpoint(checkpoint, Origin::Elsewhere) {
            return Ok(Err(finding));
        }
    }
    // A server may be appending meanwhile: what is there now, after the checkpoints were read, is what is checked.
    let head = store.read(scope, async |tx| tx.audit_head().await).await?;
    let end = head.map_or(i64::MAX, |head| head.seq);
    let mut seq = 0;
    while seq < end {
        let limit = PIECE.min(end - seq);
        let rows = store.read(scope, async move |tx| tx.audit_after(seq, limit).await).await?;
        for row in &rows {
            // Of an entry that was put beyond the end the place is what is wrong.
            if row.record.seq > end {
                break;
            }
            if let Err(finding) = verifier.entry(&row.record, row.hash.as_ref()) {
                return Ok(Err(finding));
            }
        }
        match rows.last() {
            Some(last) => seq = last.record.seq,
            None => break,
        }
    }
    let beyond = store
        .read(scope, async move |tx| {
            let same = tx.audit_head().await? == head;
            Ok(if same && end < i64::MAX { tx.audit_after(end, 1).await? } else { Vec::new() })
        })
        .await?;
    if let Some(row) = beyond.first() {
        let finding =
            Finding { workspace: scope.workspace(), seq: row.record.seq, fault: Fault::BeyondTheEnd };
        return Ok(Err(finding));
    }
    Ok(verifier.finish(head.as_ref()))
}

/// Checks an export. Of the checkpoints that were kept elsewhere those count that were there when it was made.
pub fn verify_export(path: &Path, key: CheckpointPublicKey, elsewhere: &Elsewhere) -> Result<Checked> {
    let mut end: Option<(ChainHead, Timestamp)> = None;
    let mut checkpoints = Vec::new();
    for line in lines(path)? {
        match line?.1 {
            ExportLine::Head { head, at } => end = Some((head, at)),
            ExportLine::Checkpoint(checkpoint) => checkpoints.push(checkpoint),
            ExportLine::Entry(_) | ExportLine::Hidden(_) => {}
        }
    }
    let (head, at) = end.ok_or_else(|| {
        Error::internal(format!("{}: the last line is missing, so this export was cut", path.display()))
    })?;
    let mut verifier = ChainVerifier::new(head.workspace_id, key);
    let kept = elsewhere
        .of(head.workspace_id)
        .filter(|checkpoint| checkpoint.at <= at && checkpoint.seq <= head.seq);
    let later =
        elsewhere.of(head.workspace_id).filter(|c| c.at <= at && c.seq > head.seq).map(|c| c.seq).max();
    let check = |verifier: &mut ChainVerifier| -> Result<Result<(), Finding>> {
        for checkpoint in &checkpoints {
            if let Err(finding) = verifier.checkpoint(checkpoint, Origin::Log) {
                return Ok(Err(finding));
            }
        }
        for checkpoint in kept {
            if let Err(finding) = verifier.checkpoint(checkpoint, Origin::Elsewhere) {
                return Ok(Err(finding));
            }
        }
        for line in lines(path)? {
            let (number, line) = line?;
            let taken = match line {
                ExportLine::Entry(entry) => {
                    let bad = |what| Error::internal(format!("{}, line {number}: {what}", path.display()));
                    verifier.entry(&entry.record, entry.hash().map_err(bad)?.as_ref())
                }
                ExportLine::Hidden(hidden) => verifier.hidden(hidden.workspace_id, hidden.seq, hidden.hash),
                ExportLine::Checkpoint(_) | ExportLine::Head { .. } => Ok(()),
            };
            if let Err(finding) = taken {
                return Ok(Err(finding));
            }
        }
        Ok(Ok(()))
    };
    if let Err(finding) = check(&mut verifier)? {
        return Ok(Err(finding));
    }
    if let Some(reached) = later {
        let fault = Fault::Truncated { reached };
        return Ok(Err(Finding { workspace: head.workspace_id, seq: head.seq + 1, fault }));
    }
    Ok(verifier.finish((head.seq > 0).then_some(&head)))
}
