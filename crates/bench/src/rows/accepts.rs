//! Durable accepts: `POST /v1/messages` with an API key, answered after the commit.

use super::{Repeated, Run, WARM_UP_MILLIS, WORKSPACES};
use crate::ceilings::bare_accept;
use crate::error::Result;
use crate::installation::Installation;
use crate::load::{Sender, What};
use crate::process;

impl Run {
    pub async fn accepts(&mut self) -> Result<()> {
        self.table.heading("Durable accepts over HTTP (POST /v1/messages; nothing is sent on meanwhile)");
        process::reset_peak()?;
        let installation = Installation::start(&self.place, false).await?;
        let mut senders = Vec::new();
        for _ in 0..WORKSPACES {
            senders.extend(installation.tenant(1, None).await?.senders);
        }
        let alone = installation.tenant(1, None).await?.senders;
        self.repeat_accepts(&installation, 32, &senders, false, Some(WARM_UP_MILLIS), 1).await?;

        for connections in [1, 32] {
            let repeated = self.all_accepts(&installation, connections, &senders, false).await?;
            self.table.push(repeated.row(format!("{connections} connections, {WORKSPACES} workspaces")));
        }
        // In turn with the bare durable accept, so that both meet the same machine.
        let mut repeated = Repeated::default();
        for _ in 0..self.args.repetitions() {
            let bare = bare_accept(&mut self.load, &self.place, 128, self.args.millis()).await?.per_second();
            let ours = self.repeat_accepts(&installation, 128, &senders, false, None, 1).await?;
            self.found.accept_share.push(ours.per_second.median() / bare);
            self.found.accepts.push(ours.per_second.median());
            self.found.accept_p99_ms.push(ours.p99.median() / 1_000.0);
            repeated.join(&ours);
        }
        self.table.push(repeated.row(format!("128 connections, {WORKSPACES} workspaces")));

        let repeated = self.all_accepts(&installation, 128, &alone, false).await?;
        self.found.accepts_one_workspace = repeated.per_second.clone();
        self.table.push(repeated.row("128 connections, one workspace"));
        let repeated = self.all_accepts(&installation, 128, &senders, true).await?;
        self.table.push(repeated.row(format!("128 connections, {WORKSPACES} workspaces, Idempotency-Key")));
        self.note_peak("while accepting")?;
        installation.stop().await?;
        Ok(())
    }

    async fn all_accepts(
        &mut self,
        installation: &Installation,
        connections: usize,
        senders: &[Sender],
        idempotency: bool,
    ) -> Result<Repeated> {
        let repetitions = self.args.repetitions();
        self.repeat_accepts(installation, connections, senders, idempotency, None, repetitions).await
    }

    /// `millis`: another time than what was asked for.
    pub(super) async fn repeat_accepts(
        &mut self,
        installation: &Installation,
        connections: usize,
        senders: &[Sender],
        idempotency: bool,
        millis: Option<u64>,
        repetitions: u64,
    ) -> Result<Repeated> {
        let millis = millis.unwrap_or(self.args.millis());
        let mut repeated = Repeated::default();
        for _ in 0..repetitions {
            let what = What::Send { senders: senders.to_vec(), idempotency };
            let before = process::cpu();
            let report = self.load.requests(installation.address, connections, millis, what).await?;
            repeated.push(&report, process::cpu().saturating_sub(before));
        }
        Ok(repeated)
    }
}

impl Repeated {
    /// Adds the median of other repetitions.
    pub(super) fn join(&mut self, other: &Self) {
        self.per_second.push(other.per_second.median());
        self.p50.push(other.p50.median());
        self.p99.push(other.p99.median());
        self.cpu_us.push(other.cpu_us.median());
    }
}
