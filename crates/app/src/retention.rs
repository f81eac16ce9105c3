//! Content has a clock: what is not needed any more goes, a little at a time.

use std::time::Duration;

use gatepost_core::audit::Audit;
use gatepost_core::guard::{Day, Zone};
use gatepost_core::{Result, Timestamp};
use gatepost_store::WorkspaceScope;
use uuid::Uuid;

use crate::App;

const EVERY: Duration = Duration::from_mins(10);
/// Rows of one sweep.
const AT_ONCE: i64 = 500;
/// Events of one sweep; each may have deliveries to several endpoints.
const EVENTS_AT_ONCE: i64 = 200;
/// A delivery that is on its way when the time of its event is over keeps its rows for a whole schedule more, and a day.
const OPEN_LONGER: Duration = Duration::from_hours(8 * 24);
/// Sweeps of one workspace in one round.
const SWEEPS: usize = 200;
/// Meta repeats a callback for up to seven days ("Webhooks" page); one more for good measure.
const ITEMS_KEPT: Duration = Duration::from_hours(192);
const FAILURES_KEPT: Duration = Duration::from_hours(48);
const IDEMPOTENCY_KEPT: Duration = Duration::from_hours(24);
/// Stripe repeats an event for three days, and by hand for thirty; what comes later is out of order.
const BILLING_KEPT: Duration = Duration::from_hours(90 * 24);
/// Days of use that are kept: a year, and a month to compare with.
const USAGE_DAYS_KEPT: i64 = 400;
/// A week, in which a blocked range is remembered, longest block included, and a day for good measure.
const VERIFICATION_COUNTERS_KEPT: Duration = Duration::from_hours(15 * 24);

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
        self.retain_deleted().await?;
        let kept = self.0.store.read_system(async |tx| tx.workspace_list().await).await?;
        for row in kept.into_iter().filter(|row| row.destroyed_at.is_none()) {
            self.retain_workspace(row.scope()).await?;
        }
        self.retain_people().await?;
        self.retain_mails().await?;
        self.retain_orphans().await
    }

    /// Sessions, tickets and counts of failures whose time is over.
    async fn retain_people(&self) -> Result<()> {
        let (now, times) = (self.now(), self.0.config.sessions);
        let log = now.minus(self.0.config.log_retention);
        self.0
            .store
            .write_system(async move |tx| {
                tx.sessions_expire(now.minus(times.absolute), now.minus(times.idle)).await?;
                tx.tickets_expire(now).await?;
                tx.failures_forget(now.minus(FAILURES_KEPT)).await?;
                tx.retain_user_notices(log).await?;
                tx.billing_events_forget(now.minus(BILLING_KEPT)).await?;
                tx.commit(Audit::None("what is over by its time"), ())
            })
            .await
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
        let log = now.minus(self.0.config.log_retention);
        let counters = now.minus(VERIFICATION_COUNTERS_KEPT);
        let (items, idempotency) = (now.minus(ITEMS_KEPT), now.minus(IDEMPOTENCY_KEPT));
        for _ in 0..SWEEPS {
            let swept = self
                .0
                .store
                .write(scope, async move |tx| {
                    let messages = tx.retain_content(content, AT_ONCE).await?;
                    let media = tx.retain_media(forgotten, AT_ONCE).await?;
                    let verifications = tx.retain_verifications(content, log, AT_ONCE).await?;
                    let counters = tx.verification_counters_forget(counters, AT_ONCE).await?;
                    let swept = messages + media + verifications + counters;
                    tx.commit(Audit::None("content past its time"), swept)
                })
                .await?;
            if swept == 0 || self.0.stop.is_cancelled() {
                break;
            }
        }
        self.retain_event_contents(scope, now).await?;
        self.retain_log(scope, now).await?;
        let statistics = now.minus(crate::verifications::STATS_KEPT);
        let usage = Day::from_number(Zone::UTC.day(now).number() - USAGE_DAYS_KEPT);
        self.0
            .store
            .write(scope, async move |tx| {
                tx.retain_items(items).await?;
                tx.retain_idempotency(idempotency).await?;
                tx.retain_replays(log).await?;
                tx.invitations_forget(log).await?;
                tx.retain_notices(log).await?;
                tx.retain_endpoints(content).await?;
                tx.usage_days_forget(usage).await?;
                tx.verification_stats_forget(statistics).await?;
                tx.endpoint_secrets_erase(now).await?;
                tx.webhook_keys_sweep(now).await?;
                tx.commit(Audit::None("bookkeeping past its time"), ())
            })
            .await
    }

    /// The content of events goes when its time is over, unless a delivery still needs it: one that is on its way, and
    /// one that is dead, which can be sent again for longer. Which those are is looked up on a reader.
    async fn retain_event_contents(&self, scope: WorkspaceScope, now: Timestamp) -> Result<()> {
        let before = now.minus(self.0.config.content_retention);
        let dead_since = now.minus(self.0.config.dead_retention);
        let mut after = Uuid::nil();
        for _ in 0..SWEEPS {
            let idle = self.0.store.read(scope, async move |tx| {
                tx.contents_idle(after, before, dead_since, EVENTS_AT_ONCE).await
            });
            let events = idle.await?;
            let Some(last) = events.last() else { break };
            after = last.uuid();
            self.0
                .store
                .write(scope, async move |tx| {
                    tx.contents_erase(&events, before, dead_since).await?;
                    tx.commit(Audit::None("content past its time"), ())
                })
                .await?;
            if self.0.stop.is_cancelled() {
                break;
            }
        }
        Ok(())
    }

    /// Events go with their deliveries and attempts, the oldest first, also those of endpoints that were removed.
    async fn retain_log(&self, scope: WorkspaceScope, now: Timestamp) -> Result<()> {
        let before = now.minus(self.0.config.log_retention);
        let open_until = before.minus(OPEN_LONGER);
        let mut after = Uuid::nil();
        for _ in 0..SWEEPS {
            let past = self
                .0
                .store
                .read(scope, async move |tx| tx.log_past(after, before, open_until, EVENTS_AT_ONCE).await);
            let events = past.await?;
            let Some(last) = events.last() else { break };
            after = last.uuid();
            self.0
                .store
                .write(scope, async move |tx| {
                    tx.log_remove(&events).await?;
                    tx.commit(Audit::None("log entries past their time"), ())
                })
                .await?;
            if self.0.stop.is_cancelled() {
                break;
            }
        }
        Ok(())
    }
}
