//! This node's life: its lease, the credential epoch, due work, and rows that nobody needs.

use std::time::Duration;

use gatepost_core::audit::Audit;
use gatepost_core::{Code, Error, Result, Timestamp};
use gatepost_store::NodeRow;

use crate::App;
use crate::journal::{Earlier, SendJournal};

/// How often uses of keys are written down.
const FLUSH_USES_EVERY: u32 = 20;
/// After the end of its lease a node is given this long before its work is taken over.
const BURIAL_GRACE: Duration = Duration::from_secs(2);
/// How long a revocation waits for other nodes at most: their leases have run out by then.
const REVOCATION_PATIENCE: Duration = Duration::from_secs(10);

impl App {
    /// Announces this node. Must succeed once before requests are served.
    pub async fn join(&self) -> Result<()> {
        self.resume().await?;
        if self.0.config.sole_owner {
            let node = self.node();
            let released = self
                .0
                .store
                .write_system(async move |tx| {
                    let released = tx.jobs_release_others(node).await?;
                    tx.commit(Audit::None("leases of a process that is gone"), released)
                })
                .await?;
            if released > 0 {
                tracing::info!(released, "took over work of an earlier process");
            }
        }
        self.beat().await?;
        self.audit_start().await?;
        self.refusals_begin();
        let app = self.clone();
        self.0.tasks.spawn(async move { app.checkpoints_forever().await });
        let app = self.clone();
        self.0.tasks.spawn(async move { app.keep_alive().await });
        Ok(())
    }

    /// Takes up what an earlier process in this place left, then starts our own journal.
    async fn resume(&self) -> Result<()> {
        let Some(path) = &self.0.config.send_journal else { return Ok(()) };
        if let Some(Earlier { node, begun }) = SendJournal::read(path) {
            let (left, certain) = self
                .0
                .store
                .write_system(async move |tx| {
                    let resumed = tx.jobs_resume(node, &begun).await?;
                    tx.commit(Audit::None("sends of a process that is gone"), resumed)
                })
                .await?;
            if left > 0 {
                tracing::info!(
                    left,
                    certain,
                    "took over sends of an earlier process; the others may have gone out"
                );
            }
        }
        let journal = SendJournal::create(path, self.node())
            .map_err(|error| Error::internal(format!("the journal of sends {}: {error}", path.display())))?;
        let _ = self.0.journal.set(journal);
        Ok(())
    }

    /// The journal of sends.
    pub(crate) fn journal(&self) -> &SendJournal {
        self.0.journal.get_or_init(SendJournal::none)
    }

    async fn keep_alive(&self) {
        let mut beat: u32 = 0;
        loop {
            tokio::select! {
                () = self.0.stop.cancelled() => return,
                () = tokio::time::sleep(self.0.config.heartbeat) => {}
            }
            if let Err(error) = self.beat().await {
                tracing::warn!(%error, "this node's lease could not be renewed; keys are read from the database until it is");
            } else if let Err(error) = self.deleted_workspaces().await {
                // Keys of workspaces that another node deleted are forgotten here, too.
                tracing::warn!(%error, "which workspaces are deleted could not be read; their work is asked for again");
            }
            beat = beat.wrapping_add(1);
            if beat.is_multiple_of(FLUSH_USES_EVERY) {
                self.flush_uses().await;
            }
        }
    }

    /// One sign of life. Where this process owns the database alone nobody else can revoke a key or wants to know, so
    /// nothing is written: an idle installation leaves its disk alone.
    async fn beat(&self) -> Result<()> {
        if self.0.config.sole_owner {
            self.0.credentials.set_live_until(Timestamp::from_micros(i64::MAX));
            return Ok(());
        }
        self.renew().await
    }

    /// Renews the lease; drops cached credentials when the epoch has moved. The lease counts from before the write, so
    /// that the others never believe it longer than we do.
    async fn renew(&self) -> Result<()> {
        let from = self.now();
        let until = from.plus(self.0.config.node_lease);
        let (id, started_at) = (self.node(), self.0.started_at);
        let epoch = self.0.store.read_system(async |tx| tx.credential_epoch().await).await?;
        self.0.credentials.set_epoch(epoch);
        let node = NodeRow { id, started_at, lease_until: until, credential_epoch: epoch };
        self.0
            .store
            .write_system(async move |tx| {
                tx.node_renew(&node).await?;
                tx.commit(Audit::None("a sign of life"), ())
            })
            .await?;
        self.0.credentials.set_live_until(until);
        self.bury_the_dead().await
    }

    /// Takes over the work of nodes whose lease ran out: they crashed, or lost the database, and can complete nothing
    /// any more.
    async fn bury_the_dead(&self) -> Result<()> {
        let overdue = self.now().minus(BURIAL_GRACE);
        let nodes = self.0.store.read_system(async |tx| tx.node_list().await).await?;
        for node in nodes.into_iter().filter(|n| n.id != self.node() && n.lease_until < overdue) {
            let id = node.id;
            let released = self
                .0
                .store
                .write_system(async move |tx| {
                    let released = tx.jobs_release_of(id).await?;
                    tx.node_leave(id).await?;
                    tx.commit(Audit::None("a node that is gone"), released)
                })
                .await?;
            tracing::warn!(node = %id, released, "a node is gone; its work is taken over");
        }
        Ok(())
    }

    /// Waits until a raised epoch binds everywhere: every node with a live lease has seen it.
    pub(crate) async fn await_epoch(&self, epoch: i64) -> Result<()> {
        self.0.credentials.set_epoch(epoch);
        let own = self.node();
        let deadline = self.now().plus(REVOCATION_PATIENCE);
        loop {
            let nodes = self.0.store.read_system(async |tx| tx.node_list().await).await?;
            let now = self.now();
            let behind =
                nodes.iter().any(|n| n.id != own && n.lease_until > now && n.credential_epoch < epoch);
            if !behind {
                return Ok(());
            }
            if now > deadline {
                return Err(Error::of(Code::Unavailable).with_context(
                    "a node neither saw the revocation nor lost its lease; the revocation itself is done",
                ));
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn flush_uses(&self) {
        if let Err(error) = self.flush_seen().await {
            tracing::warn!(%error, "the last use of some sessions was not written down");
        }
        let uses = self.0.credentials.take_used();
        if uses.is_empty() {
            return;
        }
        let written = self
            .0
            .store
            .write_system(async move |tx| {
                tx.api_keys_used(&uses).await?;
                tx.commit(Audit::None("when keys were last used"), ())
            })
            .await;
        if let Err(error) = written {
            tracing::warn!(%error, "the last use of some keys was not written down");
        }
    }

    pub(crate) async fn leave(&self) {
        self.flush_uses().await;
        let id = self.node();
        let left = self
            .0
            .store
            .write_system(async move |tx| {
                tx.node_leave(id).await?;
                tx.commit(Audit::None("a node says goodbye"), ())
            })
            .await;
        if let Err(error) = left {
            tracing::warn!(%error, "this node could not say goodbye; its lease runs out by itself");
        }
    }
}
