//! Content has a clock: what is not needed any more goes, a little at a time.

use std::time::Duration;

use gatepost_core::Result;
use gatepost_core::audit::Audit;
use gatepost_store::WorkspaceScope;

use crate::App;

const EVERY: Duration = Duration::from_mins(10);
/// Rows of one sweep.
const AT_ONCE: i64 = 500;
/// Sweeps of one workspace in one round.
const SWEEPS: usize = 200;
/// Meta repeats a callback for up to seven days ("Webhooks" page); one more for good measure.
const ITEMS_KEPT: Duration = Duration::from_hours(192);
const IDEMPOTENCY_KEPT: Duration = Duration::from_hours(24);

impl App {
    pub(crate) async fn retain_forever(&self) {
        loop {
            tokio::select! {
                () = self.0.stop.cancelled() => return,
                () = tokio::time::sleep(EVERY) => {}
            }
            if let Err(error) = self.retain().await {
                tracing::warn!(%error, "what is past its time could not be removed; it is tried again");
            }
        }
    }

    /// Removes what is past its time, in every workspace.
    pub async fn retain(&self) -> Result<()> {
        for scope in self.0.store.read_system(async |tx| tx.workspace_scopes().await).await? {
            self.retain_workspace(scope).await?;
        }
        self.retain_orphans().await
    }

    /// Callbacks that belonged to nobody are content too.
    async fn retain_orphans(&self) -> Result<()> {
        let before = self.now().minus(self.0.config.content_retention);
        for _ in 0..SWEEPS {
            let swept = self
                .0
                .store
                .write(WorkspaceScope::platform(), async move |tx| {
                    let swept = tx.retain_envelopes(before, AT_ONCE).await?;
                    tx.commit(Audit::None("content past its time"), swept)
                })
                .await?;
            if swept == 0 || self.0.stop.is_cancelled() {
                break;
            }
        }
        Ok(())
    }

    async fn retain_workspace(&self, scope: WorkspaceScope) -> Result<()> {
        let now = self.now();
        let content = now.minus(self.0.config.content_retention);
        let forgotten = now.minus(crate::media::REMEMBERED);
        let (items, idempotency) = (now.minus(ITEMS_KEPT), now.minus(IDEMPOTENCY_KEPT));
        for _ in 0..SWEEPS {
            let swept = self
                .0
                .store
                .write(scope, async move |tx| {
                    let messages = tx.retain_content(content, AT_ONCE).await?;
                    let payloads = tx.retain_payloads(content, AT_ONCE).await?;
                    let media = tx.retain_media(forgotten, AT_ONCE).await?;
                    tx.commit(Audit::None("content past its time"), messages + payloads + media)
                })
                .await?;
            if swept == 0 || self.0.stop.is_cancelled() {
                break;
            }
        }
        self.0
            .store
            .write(scope, async move |tx| {
                tx.retain_items(items).await?;
                tx.retain_idempotency(idempotency).await?;
                tx.endpoint_secrets_erase(now).await?;
                tx.webhook_keys_sweep(now).await?;
                tx.commit(Audit::None("bookkeeping past its time"), ())
            })
            .await
    }
}
