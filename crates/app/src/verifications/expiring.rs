//! Verifications whose time runs out.

use gatepost_core::audit::Audit;
use gatepost_core::{Result, VerificationId};
use gatepost_store::{Claimed, LaneKey};

use super::ending::end;
use crate::App;
use crate::lanes::{Taken, Work};

const AT_ONCE: usize = 64;

/// Looks at verifications at the end of their time.
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
        let app = self.app.clone();
        let keys = app.0.sealing.keys(scope).await?;
        let now = app.now();
        app.clone()
            .0
            .store
            .write(scope, async move |tx| {
                let mut over = Vec::with_capacity(done.len());
                for job in &done {
                    let id = VerificationId::from_uuid(job.subject);
                    let row = app.verification_hold(tx, id).await?;
                    match row {
                        Some(mut row) if !row.standing.state.is_over() => match row.standing.expire(now) {
                            Some(standing) => {
                                row.standing = standing;
                                app.code_withdraw(tx, &keys, &row, now).await?;
                                end(&app, tx, &keys, &mut row, now).await?;
                                over.push(job.clone());
                            }
                            // It was sent again, so it has more time.
                            None => tx.job_defer(job, row.standing.expires_at, false).await?,
                        },
                        _ => over.push(job.clone()),
                    }
                }
                tx.job_complete_many(&over).await?;
                tx.commit(Audit::None("verifications are in their own log"), ())
            })
            .await
    }
}
