//! What deliveries that wait cost in memory.

use std::time::Duration;

use gatepost_core::job::JobKind;

use super::{ITEMS, MANY, QUEUED};
use crate::error::{Failure, Result};
use crate::installation::Installation;
use crate::process;
use crate::rows::Run;
use crate::rows::inbound::Stream;
use crate::samples::Samples;
use crate::table::{Row, megabytes, number};

/// Deliveries before anything is measured: what the first ones allocate is not the price of waiting.
const WARM_UP: usize = 5_000;
/// After these lanes and connections without work are gone.
const QUIET: Duration = Duration::from_secs(6);
/// How long memory is watched: past the end of the attempts that were under way at first.
const WATCHED_SECONDS: usize = 20;

impl Run {
    pub(super) async fn delivery_memory(&mut self) -> Result<()> {
        self.table.heading(format!(
            "{} deliveries that wait ({MANY} endpoints that never answer)",
            number(QUEUED as f64)
        ));
        let installation = Installation::start(&self.place, true).await?;
        let ports = self.load.listen(MANY).await?;
        let tenant = installation.tenant(1, None).await?;
        for port in ports {
            installation.endpoint(&tenant.principal, port).await?;
        }
        let stream = Stream { sources: tenant.sources, items: ITEMS, webhooks: MANY };
        self.post(&installation, &stream, WARM_UP / (ITEMS * MANY), None).await?;
        self.settle(&installation, &stream).await?;
        tokio::time::sleep(QUIET).await;
        let none = process::memory(None)?.resident;

        self.load.gate(false).await?;
        process::reset_peak()?;
        self.queue(&installation, &stream, QUEUED).await?;
        let peak = process::memory(None)?.peak;
        let mut most = 0;
        for _ in 0..WATCHED_SECONDS {
            tokio::time::sleep(Duration::from_secs(1)).await;
            most = most.max(process::memory(None)?.resident);
        }
        let pending = installation.jobs(JobKind::DeliveryAttempt).await?;
        if usize::try_from(pending)? < QUEUED {
            return Err(Failure::new(format!("only {pending} deliveries wait")));
        }
        let cost = Samples::from_iter([megabytes(most as f64) - megabytes(none as f64)]);
        let note = format!(
            "server process, most in {WATCHED_SECONDS} s; {} MB with none, {} MB at most while they were queued",
            number(megabytes(none as f64)),
            number(megabytes(peak as f64))
        );
        self.table.push(Row::of("memory of them", &cost, "MB", note));
        self.found.pending_memory = cost;
        self.load.gate(true).await?;
        installation.stop().await
    }
}
