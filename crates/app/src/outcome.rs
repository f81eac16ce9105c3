//! Deciding about messages whose outcome nobody knows: Meta's answer was cut, and no status has come since.

use gatepost_core::audit::Audit;
use gatepost_core::message::MessageState;
use gatepost_core::{MessageId, Result};
use gatepost_store::{Claimed, LaneKey};

use crate::App;
use crate::lanes::{Taken, Work};
use crate::results::{Failure, outcome_unknown};

const AT_ONCE: usize = 32;

pub(crate) struct Deciding {
    app: App,
    key: LaneKey,
}

impl Work for Deciding {
    type Item = Claimed;
    type Done = Claimed;

    fn new(app: App, key: LaneKey) -> Self {
        Self { app, key }
    }

    fn capacity(&self) -> usize {
        AT_ONCE
    }

    async fn take(&self, limit: usize) -> Result<Taken<Claimed>> {
        let items = self.app.claim(self.key, 0..=0, limit).await?;
        Ok(Taken { items, again: None })
    }

    async fn perform(&self, item: Claimed) -> Claimed {
        item
    }

    async fn record(&self, done: Vec<Claimed>) -> Result<()> {
        let Some(scope) = done.first().map(Claimed::scope) else { return Ok(()) };
        let app = &self.app;
        let keys = app.0.sealing.keys(scope).await?;
        let ids: Vec<MessageId> = done.iter().map(|job| MessageId::from_uuid(job.subject)).collect();
        let rows = app.0.store.read(scope, async move |tx| tx.messages_get(&ids).await).await?;
        let now = app.now();
        let mut failures = Vec::new();
        for row in rows.into_iter().flatten() {
            if matches!(row.state, MessageState::Queued | MessageState::Sending) && row.provider_id.is_none()
            {
                let error = outcome_unknown();
                failures.push(Failure::prepare(&keys, &row, &error, now, app.0.entropy.as_ref(), true)?);
            }
        }
        app.0
            .store
            .write(scope, async move |tx| {
                for failure in &failures {
                    failure.write(tx).await?;
                }
                tx.job_complete_many(&done).await?;
                tx.commit(Audit::None("outcomes are in the message log"), ())
            })
            .await
    }
}

impl App {
    /// Claims due jobs of a lane for this node.
    pub(crate) async fn claim(
        &self,
        key: LaneKey,
        priorities: std::ops::RangeInclusive<i64>,
        limit: usize,
    ) -> Result<Vec<Claimed>> {
        let (node, now) = (self.node(), self.now());
        let until = now.plus(self.0.config.job_lease);
        self.0
            .store
            .write_system(async move |tx| {
                let jobs = tx.jobs_claim(key, priorities.clone(), node, now, until, limit).await?;
                tx.commit(Audit::None("a claim"), jobs)
            })
            .await
    }
}
