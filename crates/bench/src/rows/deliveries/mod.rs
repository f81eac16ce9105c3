//! Webhook deliveries: how many, how soon, what waiting ones cost, and what they cost a neighbour.

mod fairness;
mod pending;
mod rates;

use std::time::Duration;

use gatepost_core::job::JobKind;

use super::Run;
use super::inbound::Stream;
use crate::error::Result;
use crate::installation::Installation;

/// How long deliveries may take before the run fails.
const PATIENCE: Duration = Duration::from_mins(3);
/// Endpoints of a workspace that has many.
const MANY: usize = 50;
/// Deliveries of a workspace that has many waiting.
const QUEUED: usize = 100_000;
/// Inbound messages in one callback, as Meta batches them.
const ITEMS: usize = 20;

impl Run {
    pub async fn deliveries(&mut self) -> Result<()> {
        self.delivery_rates().await?;
        self.delivery_memory().await?;
        self.delivery_fairness().await
    }

    /// Events whose deliveries nobody waits for; returns when all are committed.
    async fn queue(&mut self, installation: &Installation, stream: &Stream, deliveries: usize) -> Result<()> {
        let each = stream.items * stream.webhooks;
        let stream = Stream { webhooks: 0, ..stream.clone() };
        self.post(installation, &stream, deliveries.div_ceil(each), None).await?;
        installation.done(JobKind::EnvelopeProcess, PATIENCE).await
    }
}
