//! The store, its two kinds of transaction, and what a commit must name.

use std::sync::{Arc, OnceLock};

use gatepost_core::audit::{Audit, AuditEntry};
use gatepost_core::job::JobKind;
use gatepost_core::{Code, Error, Result, WorkspaceId};
use uuid::Uuid;

use crate::engine::{Engine, Lane, Tx};
use crate::jobs::LaneKey;
use crate::scope::WorkspaceScope;

type WakeFn = dyn Fn(LaneKey) + Send + Sync;
type NewsFn = dyn Fn(WorkspaceId) + Send + Sync;
type AuditedFn = dyn Fn(WorkspaceScope, i64) + Send + Sync;

/// Who is told, after a commit, that a lane has new work, a workspace new events or an audit log new entries. Set once
/// by whoever looks after them; the tables are the truth, this only saves the wait for the next poll.
#[derive(Clone, Default)]
pub(crate) struct Wakes(Arc<Listeners>);

#[derive(Default)]
struct Listeners {
    work: OnceLock<Box<WakeFn>>,
    events: OnceLock<Box<NewsFn>>,
    audited: OnceLock<Box<AuditedFn>>,
}

impl Wakes {
    /// Tells of an audit entry at place `seq`.
    pub(crate) fn audited(&self, scope: WorkspaceScope, seq: i64) {
        if let Some(told) = self.0.audited.get() {
            told(scope, seq);
        }
    }
}

/// The store. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    engine: Engine,
    wakes: Wakes,
}

/// A value whose transaction may commit, with the audit entry it owes. Only [`WorkspaceTx::commit`] and
/// [`SystemTx::commit`] make one.
pub struct Committed<T> {
    value: T,
    audit: Audit,
}

/// A transaction over the rows of one workspace.
pub struct WorkspaceTx<'t> {
    pub(crate) tx: &'t Tx<'t>,
    pub(crate) workspace: Uuid,
    pub(crate) wakes: &'t Wakes,
}

/// A transaction over the platform's tables.
pub struct SystemTx<'t> {
    pub(crate) tx: &'t Tx<'t>,
    pub(crate) wakes: &'t Wakes,
}

impl Store {
    pub fn new(engine: Engine) -> Self {
        Self { engine, wakes: Wakes::default() }
    }

    pub const fn engine(&self) -> &Engine {
        &self.engine
    }

    /// Names who is told of new work. The first call wins.
    pub fn on_wake(&self, wake: impl Fn(LaneKey) + Send + Sync + 'static) {
        let _ = self.wakes.0.work.set(Box::new(wake));
    }

    /// Names who is told of events appended by this process. The first call wins.
    pub fn on_events(&self, told: impl Fn(WorkspaceId) + Send + Sync + 'static) {
        let _ = self.wakes.0.events.set(Box::new(told));
    }

    /// Names who is told of new audit entries, by their log and place. The first call wins.
    pub fn on_audited(&self, told: impl Fn(WorkspaceScope, i64) + Send + Sync + 'static) {
        let _ = self.wakes.0.audited.set(Box::new(told));
    }

    /// Runs `work` in a transaction over one workspace and answers after the commit.
    ///
    /// The closure may run more than once (a failed batch, a serialisation conflict): it must do nothing but read and
    /// write rows, over what it owns. It ends in [`WorkspaceTx::commit`]; an error rolls back what it did.
    pub async fn write<T, F>(&self, scope: WorkspaceScope, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: AsyncFn(&WorkspaceTx<'_>) -> Result<Committed<T>> + Send + 'static,
    {
        let workspace = scope.workspace().uuid();
        let wakes = self.wakes.clone();
        self.engine
            .write(Lane::Workspace(workspace), async move |tx: &Tx<'_>| -> Result<T, Error> {
                let tx = WorkspaceTx { tx, workspace, wakes: &wakes };
                let committed = work(&tx).await?;
                tx.audit_record(&committed.audit).await?;
                Ok(committed.value)
            })
            .await
    }

    /// Whether an audit entry can be written at this moment: it is, and undone. For work that no transaction can take
    /// back.
    pub async fn audit_rehearse(&self, scope: WorkspaceScope, entry: AuditEntry) -> Result<()> {
        const UNDONE: &str = "rehearsed";
        let rehearsed = self
            .write::<(), _>(scope, async move |tx| {
                tx.audit_record(&Audit::Entry(Box::new(entry.clone()))).await?;
                Err(Error::new(Code::Conflict, UNDONE))
            })
            .await;
        match rehearsed {
            Err(error) if error.detail() == UNDONE => Ok(()),
            other => other,
        }
    }

    /// Runs `work` over one snapshot of one workspace's rows; it cannot write.
    pub async fn read<T, F>(&self, scope: WorkspaceScope, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: AsyncFn(&WorkspaceTx<'_>) -> Result<T> + Send + 'static,
    {
        let workspace = scope.workspace().uuid();
        let wakes = self.wakes.clone();
        self.engine
            .read(Lane::Workspace(workspace), async move |tx: &Tx<'_>| -> Result<T, Error> {
                work(&WorkspaceTx { tx, workspace, wakes: &wakes }).await
            })
            .await
    }

    /// Runs `work` in a transaction over the platform's tables. See [`Store::write`].
    pub async fn write_system<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: AsyncFn(&SystemTx<'_>) -> Result<Committed<T>> + Send + 'static,
    {
        let wakes = self.wakes.clone();
        self.engine
            .write(Lane::System, async move |tx: &Tx<'_>| -> Result<T, Error> {
                let tx = SystemTx { tx, wakes: &wakes };
                let committed = work(&tx).await?;
                if let Audit::Entry(_) = &committed.audit {
                    let platform = tx.enter(WorkspaceScope::platform());
                    platform.audit_record(&committed.audit).await?;
                }
                Ok(committed.value)
            })
            .await
    }

    /// Runs `work` over one snapshot of the platform's tables; it cannot write.
    pub async fn read_system<T, F>(&self, work: F) -> Result<T>
    where
        T: Send + 'static,
        F: AsyncFn(&SystemTx<'_>) -> Result<T> + Send + 'static,
    {
        let wakes = self.wakes.clone();
        self.engine
            .read(Lane::System, async move |tx: &Tx<'_>| -> Result<T, Error> {
                work(&SystemTx { tx, wakes: &wakes }).await
            })
            .await
    }
}

impl WorkspaceTx<'_> {
    /// Ends the closure: the value, and the audit entry that the change owes.
    pub fn commit<T>(&self, audit: impl Into<Audit>, value: T) -> Result<Committed<T>> {
        Ok(Committed { value, audit: audit.into() })
    }

    pub const fn scope(&self) -> WorkspaceScope {
        WorkspaceScope::of(WorkspaceId::from_uuid(self.workspace))
    }
}

impl<'t> SystemTx<'t> {
    /// Ends the closure: the value, and the audit entry that the change owes (kept with the platform's own).
    pub fn commit<T>(&self, audit: impl Into<Audit>, value: T) -> Result<Committed<T>> {
        Ok(Committed { value, audit: audit.into() })
    }

    /// From here on the transaction sees this workspace's rows (row level security follows), and only these: used
    /// where one transaction must leave something in several workspaces.
    pub(crate) fn enter(&self, scope: WorkspaceScope) -> WorkspaceTx<'t> {
        let workspace = scope.workspace().uuid();
        self.tx.set_workspace(workspace);
        WorkspaceTx { tx: self.tx, workspace, wakes: self.wakes }
    }
}

/// Tells of new work in a lane once the transaction has committed.
pub(crate) fn wake_after_commit(tx: &Tx<'_>, wakes: &Wakes, kind: JobKind, lane: Uuid) {
    if wakes.0.work.get().is_some() {
        let wakes = wakes.clone();
        tx.after_commit(Box::new(move || {
            if let Some(wake) = wakes.0.work.get() {
                wake(LaneKey { kind, lane });
            }
        }));
    }
}

/// Tells of a workspace's new events once the transaction has committed.
pub(crate) fn tell_after_commit(tx: &Tx<'_>, wakes: &Wakes, workspace: Uuid) {
    if wakes.0.events.get().is_some() {
        let wakes = wakes.clone();
        tx.after_commit(Box::new(move || {
            if let Some(tell) = wakes.0.events.get() {
                tell(WorkspaceId::from_uuid(workspace));
            }
        }));
    }
}
