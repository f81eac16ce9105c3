//! Checkpoints: a minute after a log has new entries, or at every thousandth, its end is signed.
//!
//! Threat note. Defends against: signing what somebody else wrote into the database: every entry since the last
//! checkpoint is walked first, the last checkpoint must be ours, and it must be the one that this process remembers.
//! What does not fit is not signed; it is logged as a security event, and `gatepost audit verify` names it. Does not
//! defend against: entries that were forged since the last checkpoint with their hashes in order.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use gatepost_core::access::{OperatorGrant, operator_permission};
use gatepost_core::audit::{Checkpoint, Hash, NO_HASH};
use gatepost_core::{Error, Result, Timestamp, WorkspaceId};
use gatepost_store::WorkspaceScope;
use gatepost_vault::audit::{CheckpointKey, CheckpointPublicKey, checkpoint_digest, entry_hash};
use tokio::sync::Notify;

use super::shipping::Shipping;
use crate::App;

/// A checkpoint at every so many entries, whatever the time.
const ENTRIES: i64 = 1_000;
/// Entries that are read at once.
const PAGE: i64 = 500;

/// Which logs have entries that no checkpoint covers, and what this process signed last.
#[derive(Default)]
pub(crate) struct Checkpoints {
    waiting: Mutex<HashMap<WorkspaceScope, i64>>,
    some: Notify,
    full: Notify,
    signed: Mutex<HashMap<WorkspaceId, (i64, Hash)>>,
    key: tokio::sync::OnceCell<Arc<CheckpointKey>>,
    /// Held while logs are signed, so that whoever asks for it next waits for those that were taken before.
    making: tokio::sync::Mutex<()>,
    pub(super) shipping: tokio::sync::Mutex<Shipping>,
}

impl Checkpoints {
    /// Takes note of an entry; called by the store after the commit.
    pub fn audited(&self, scope: WorkspaceScope, seq: i64) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.insert(scope, seq);
        self.some.notify_one();
        if seq % ENTRIES == 0 {
            self.full.notify_one();
        }
    }

    fn take(&self) -> Vec<WorkspaceScope> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.drain().map(|(scope, _)| scope).collect()
    }
}

/// Where the checkpoints of one log stand.
pub struct LogView {
    /// `None`: the platform's own.
    pub workspace: Option<WorkspaceId>,
    pub entries: i64,
    pub checkpoint: Option<CheckpointView>,
}

/// A checkpoint as people see it.
pub struct CheckpointView {
    pub seq: i64,
    pub at: Timestamp,
    pub head: Hash,
}

impl App {
    /// The installation's key for checkpoints.
    pub(crate) async fn checkpoint_key(&self) -> Result<Arc<CheckpointKey>> {
        let key = self
            .0
            .checkpoints
            .key
            .get_or_try_init(async || self.0.sealing.checkpoint_key().await.map(Arc::new));
        key.await.cloned()
    }

    /// What whoever checks the log needs; it may be known to everybody.
    pub async fn checkpoint_public_key(
        &self,
        _grant: &OperatorGrant<operator_permission::AuditRead>,
    ) -> Result<CheckpointPublicKey> {
        Ok(self.checkpoint_key().await?.public())
    }

    /// Every log with its newest checkpoint.
    pub async fn checkpoint_list(
        &self,
        _grant: &OperatorGrant<operator_permission::AuditRead>,
    ) -> Result<Vec<LogView>> {
        let mut logs = Vec::new();
        for scope in self.audit_scopes().await? {
            let read = async |tx: &gatepost_store::WorkspaceTx<'_>| {
                Ok((tx.audit_head().await?, tx.audit_checkpoint_last().await?))
            };
            let (head, last) = self.0.store.read(scope, read).await?;
            let platform = scope == WorkspaceScope::platform();
            logs.push(LogView {
                workspace: (!platform).then_some(scope.workspace()),
                entries: head.map_or(0, |head| head.seq),
                checkpoint: last.map(|c| CheckpointView { seq: c.seq, at: c.at, head: c.head }),
            });
        }
        Ok(logs)
    }

    async fn audit_scopes(&self) -> Result<Vec<WorkspaceScope>> {
        let mut scopes = self.0.store.read_system(async |tx| tx.workspace_scopes().await).await?;
        scopes.push(WorkspaceScope::platform());
        Ok(scopes)
    }

    /// Signs and ships as long as this process runs.
    pub(crate) async fn checkpoints_forever(&self) {
        if let Err(error) = self.checkpoints_catch_up().await {
            tracing::error!(%error, "checkpoints of an earlier process could not be caught up with");
        }
        loop {
            tokio::select! {
                () = self.0.stop.cancelled() => return,
                () = self.0.checkpoints.some.notified() => {}
            }
            tokio::select! {
                () = self.0.stop.cancelled() => return,
                () = self.0.checkpoints.full.notified() => {}
                () = tokio::time::sleep(self.0.config.audit_checkpoint_every) => {}
            }
            self.checkpoints_make().await;
        }
    }

    /// What earlier processes left unsigned or did not ship.
    async fn checkpoints_catch_up(&self) -> Result<()> {
        self.shipping_begin().await;
        for scope in self.audit_scopes().await? {
            self.checkpoint_or_complain(scope).await;
        }
        Ok(())
    }

    /// Signs the end of every log that has entries since the last time. What fails is tried again the next time.
    /// Once it returns, nothing that was audited before the call is left untried, whoever took it.
    pub async fn checkpoints_make(&self) {
        let _one_at_a_time = self.0.checkpoints.making.lock().await;
        for scope in self.0.checkpoints.take() {
            self.checkpoint_or_complain(scope).await;
        }
    }

    async fn checkpoint_or_complain(&self, scope: WorkspaceScope) {
        let made = match self.checkpoint_make(scope).await {
            Ok(()) => self.ship(scope).await,
            Err(error) => Err(error),
        };
        if let Err(error) = made {
            tracing::error!(%error, log = %scope.workspace(), "no checkpoint of the audit log was signed or kept elsewhere");
            self.0.checkpoints.audited(scope, 1);
        }
    }

    async fn checkpoint_make(&self, scope: WorkspaceScope) -> Result<()> {
        let workspace = scope.workspace();
        let key = self.checkpoint_key().await?;
        let last = self.0.store.read(scope, async |tx| tx.audit_checkpoint_last().await).await?;
        self.checkpoint_recall(workspace, last.as_ref(), &key.public())?;
        let (from, mut head) = last.as_ref().map_or((0, NO_HASH), |last| (last.seq, last.head));
        let mut seq = from;
        loop {
            let rows = self.0.store.read(scope, async move |tx| tx.audit_after(seq, PAGE).await).await?;
            for row in &rows {
                let hash = entry_hash(&row.record, &head);
                // Entries from before the chain have no hash; its first entry covers them.
                if row.record.seq != seq + 1 || row.hash.is_some_and(|stored| stored != hash) {
                    return Err(suspicious(
                        workspace,
                        row.record.seq,
                        "an entry does not follow the one before it",
                    ));
                }
                (seq, head) = (row.record.seq, hash);
            }
            if i64::try_from(rows.len()).unwrap_or(0) < PAGE {
                break;
            }
        }
        if seq == from {
            return Ok(());
        }
        let previous = last.as_ref().map_or(NO_HASH, checkpoint_digest);
        let new = key.sign(Checkpoint {
            workspace_id: workspace,
            seq,
            head,
            at: self.now(),
            previous,
            key: [0; 32],
            signature: [0; 64],
        });
        let known = last.map(|last| last.seq);
        let kept = self
            .0
            .store
            .write(scope, async move |tx| {
                let kept = tx.audit_checkpoint_insert(known, &new).await?;
                tx.commit(gatepost_core::audit::Audit::None("a checkpoint of the audit log itself"), kept)
            })
            .await?;
        // Another node may have been faster; then its checkpoint stands.
        if kept {
            self.checkpoint_remember(&new);
        }
        Ok(())
    }

    fn checkpoint_remember(&self, checkpoint: &Checkpoint) {
        let mut signed = self.0.checkpoints.signed.lock().unwrap_or_else(PoisonError::into_inner);
        signed.insert(checkpoint.workspace_id, (checkpoint.seq, checkpoint_digest(checkpoint)));
    }

    /// The newest checkpoint of the database must be ours, and not older than what this process remembers of it.
    fn checkpoint_recall(
        &self,
        workspace: WorkspaceId,
        last: Option<&Checkpoint>,
        key: &CheckpointPublicKey,
    ) -> Result<()> {
        if last.is_some_and(|last| !key.signed(last)) {
            return Err(suspicious(
                workspace,
                last.map_or(0, |c| c.seq),
                "the last checkpoint is not signed by us",
            ));
        }
        let signed = self.0.checkpoints.signed.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((seq, digest)) = signed.get(&workspace) else { return Ok(()) };
        match last {
            Some(last) if last.seq > *seq => Ok(()),
            Some(last) if last.seq == *seq && checkpoint_digest(last) == *digest => Ok(()),
            _ => Err(suspicious(workspace, *seq, "a checkpoint that was signed here is not there any more")),
        }
    }
}

/// Somebody changed the log past this program.
pub(super) fn suspicious(workspace: WorkspaceId, seq: i64, what: &str) -> Error {
    tracing::error!(security = true, log = %workspace, seq, "the audit log was tampered with: {what}");
    metrics::counter!("gatepost_audit_tampering_total").increment(1);
    Error::internal(format!("audit: {what} (entry {seq}); `gatepost audit verify` tells more"))
}

/// How long entries wait for a checkpoint at most.
pub(crate) const CHECKPOINT_EVERY: Duration = Duration::from_mins(1);
