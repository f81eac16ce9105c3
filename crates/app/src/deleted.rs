//! Deleted workspaces: what they had queued rests, and when their grace is over their keys are destroyed and their rows go.
//!
//! Threat note. Defends against: messages and webhooks that go out for a workspace whose owner shut it (every lane asks
//! before it takes work, and what it believes is void with the credential epoch, which the deletion raises and waits for:
//! only what was under way already is finished), a deletion that keeps the data (the keys go in one transaction, the rows
//! after it, and a process that dies in between is followed by one that goes on), keys that live on in the memory of some
//! node (each forgets those of deleted workspaces when it hears of the deletion). Does not defend against: backups; see
//! [`gatepost_store::SWEPT`] and the operator's guide.

use std::collections::HashSet;
use std::sync::{Arc, OnceLock, PoisonError, RwLock};

use gatepost_core::access::Actor;
use gatepost_core::audit::{Action, Audit};
use gatepost_core::job::JobKind;
use gatepost_core::{Result, Timestamp};
use gatepost_store::{LaneKey, WorkspaceScope};

use crate::App;

/// Rows of one table that go in one transaction.
const AT_ONCE: i64 = 1_000;

/// What this node knows of deleted workspaces.
#[derive(Default)]
pub(crate) struct Deleted {
    /// The epoch it was read in, and which there were.
    known: RwLock<Option<(i64, Arc<HashSet<WorkspaceScope>>)>>,
}

/// Whose work waits in a lane, once that is known: it never changes.
#[derive(Clone, Default)]
pub(crate) struct LaneOwner(Arc<OnceLock<WorkspaceScope>>);

impl App {
    /// The workspaces that are deleted, as of the last commit that this node must know of.
    pub(crate) async fn deleted_workspaces(&self) -> Result<Arc<HashSet<WorkspaceScope>>> {
        let (credentials, known) = (&self.0.credentials, &self.0.deleted.known);
        // Read before the rows: an epoch that moves meanwhile voids what we are about to find.
        let epoch = credentials.epoch();
        let held = known.read().unwrap_or_else(PoisonError::into_inner).clone();
        if credentials.is_live(self.now())
            && let Some((read_in, deleted)) = held
            && read_in == epoch
        {
            return Ok(deleted);
        }
        let found = self.0.store.read_system(async |tx| tx.workspaces_deleted().await).await?;
        for scope in &found {
            self.0.sealing.forget(*scope);
        }
        let found: Arc<HashSet<WorkspaceScope>> = Arc::new(found.into_iter().collect());
        *known.write().unwrap_or_else(PoisonError::into_inner) = Some((epoch, Arc::clone(&found)));
        Ok(found)
    }

    /// Whether the work of a lane rests because its workspace is deleted. Mails go to people, and share one lane.
    pub(crate) async fn lane_rests(&self, key: LaneKey, owner: &LaneOwner) -> Result<bool> {
        if key.kind == JobKind::MailSend {
            return Ok(false);
        }
        let deleted = self.deleted_workspaces().await?;
        if deleted.is_empty() {
            return Ok(false);
        }
        let scope = match owner.0.get() {
            Some(scope) => *scope,
            None => match self.0.store.read_system(async move |tx| tx.lane_scope(key).await).await? {
                Some(scope) => *owner.0.get_or_init(|| scope),
                // Nothing waits.
                None => return Ok(false),
            },
        };
        Ok(deleted.contains(&scope))
    }

    /// Destroys the workspaces whose grace is over, and goes on with those that are half gone.
    pub(crate) async fn retain_deleted(&self) -> Result<()> {
        let deleted_by = self.now().minus(self.0.config.workspace_grace);
        let ending = self.0.store.read_system(async move |tx| tx.workspaces_ending(deleted_by).await).await?;
        for scope in ending {
            if self.workspace_destroy(scope, deleted_by).await? {
                self.workspace_empty(scope).await?;
            }
        }
        Ok(())
    }

    /// Takes the keys; false where somebody has brought the workspace back meanwhile.
    async fn workspace_destroy(&self, scope: WorkspaceScope, deleted_by: Timestamp) -> Result<bool> {
        let (id, now) = (scope.workspace(), self.now());
        let target = ("workspace", id.to_string());
        let entry = self.audit_entry(Actor::System("retention"), Action::WorkspaceDestroyed, target);
        let (gone, epoch) = self
            .0
            .store
            .write_system(async move |tx| {
                let row = tx.workspace_hold(id).await?;
                let row = row.filter(|row| row.deleted_at.is_some_and(|at| at <= deleted_by));
                let Some(row) = row else {
                    return tx.commit(Audit::None("it was brought back"), (false, None));
                };
                if row.destroyed_at.is_some() {
                    return tx.commit(Audit::None("it was destroyed before"), (true, None));
                }
                tx.workspace_destroy(scope, now).await?;
                let epoch = tx.credential_epoch_raise().await?;
                let entry = entry
                    .clone()
                    .was("deleted_at", row.deleted_at.map_or(String::new(), |at| at.to_string()));
                tx.commit(entry, (true, Some(epoch)))
            })
            .await?;
        self.0.sealing.forget(scope);
        if let Some(epoch) = epoch {
            tracing::info!(workspace = %id, "the grace of a deleted workspace is over: its keys are destroyed");
            self.await_epoch(epoch).await?;
        }
        Ok(gone)
    }

    /// Takes the rows, table after table, each transaction a short one.
    async fn workspace_empty(&self, scope: WorkspaceScope) -> Result<()> {
        let mut table = 0;
        loop {
            if self.0.stop.is_cancelled() {
                return Ok(());
            }
            let swept = self
                .0
                .store
                .write(scope, async move |tx| {
                    let swept = tx.workspace_sweep(table, AT_ONCE).await?;
                    tx.commit(Audit::None("rows of a workspace that was destroyed"), swept)
                })
                .await?;
            match swept {
                None => break,
                Some(count) if i64::try_from(count).is_ok_and(|count| count >= AT_ONCE) => {}
                Some(_) => table += 1,
            }
        }
        let now = self.now();
        self.0
            .store
            .write_system(async move |tx| {
                tx.workspace_emptied(scope, now).await?;
                tx.commit(Audit::None("the end of what is audited already"), ())
            })
            .await
    }
}
