//! Messages whose time runs out while they wait.

use std::collections::HashSet;
use std::time::Duration;

use gatepost_core::audit::Audit;
use gatepost_core::message::MessageState;
use gatepost_core::{Code, MessageId, Result};
use gatepost_store::{Claimed, LaneKey};

use super::withdrawing::Withdrawal;
use crate::App;
use crate::lanes::{Taken, Work};
use crate::messages::send_job_id;

const AT_ONCE: usize = 64;
/// When a message that was being taken at its end is looked at once more.
const LOOK_AGAIN: Duration = Duration::from_secs(2);

/// Looks at messages at the end of their time.
pub(crate) struct Expiring {
    app: App,
    key: LaneKey,
}

impl Work for Expiring {
    type Item = Claimed;
    type Done = Claimed;

    fn new(app: App, key: LaneKey) -> Self {
        Self { app, key }
    }

    fn capacity(&self) -> usize {
        AT_ONCE
    }

    async fn take(&self, limit: usize) -> Result<Taken<Claimed>> {
        Ok(Taken { items: self.app.claim(self.key, 0..=0, limit).await?, again: None })
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
        let mut over = Vec::new();
        for row in rows.into_iter().flatten() {
            if matches!(row.state, MessageState::Queued | MessageState::Held) {
                let end = Withdrawal::prepare(&keys, &row, Code::MessageExpired, now, app.entropy())?;
                over.push((row.id, end));
            }
        }
        app.0
            .store
            .write(scope, async move |tx| {
                let mut held = HashSet::new();
                for (id, end) in &over {
                    // What is in somebody's hands is theirs, and may come back to the queue from there.
                    if !tx.job_drop_waiting(send_job_id(*id), now).await? {
                        held.insert(*id);
                    } else if end.write(tx).await? {
                        tx.review_expire(*id, now).await?;
                    }
                }
                let (again, over): (Vec<_>, Vec<_>) =
                    done.iter().cloned().partition(|job| held.contains(&MessageId::from_uuid(job.subject)));
                for job in &again {
                    tx.job_defer(job, now.plus(LOOK_AGAIN), false).await?;
                }
                tx.job_complete_many(&over).await?;
                tx.commit(Audit::None("what is over is in the message log"), ())
            })
            .await
    }
}
