//! Callbacks in, and signed webhooks out.

use std::time::Duration;

use gatepost_core::job::JobKind;

use super::{Repeated, Run, WORKSPACES};
use crate::error::Result;
use crate::installation::{Installation, Tenant};
use crate::load::{CallbackReport, Callbacks, Source};
use crate::process;
use crate::samples::Samples;
use crate::table::{Row, millis};

/// Connections that callbacks come over.
const CONNECTIONS: usize = 32;
/// How long webhooks may take to arrive before the run fails.
const PATIENCE: Duration = Duration::from_mins(2);

/// Callbacks of one kind.
#[derive(Clone)]
pub(super) struct Stream {
    pub sources: Vec<Source>,
    /// Messages in one callback.
    pub items: usize,
    /// Endpoints that hear of each item.
    pub webhooks: usize,
}

impl Run {
    pub async fn inbound(&mut self) -> Result<()> {
        self.callbacks_only().await?;
        self.table.heading(format!(
            "Inbound item to signed webhook ({WORKSPACES} channels; from the first callback to the last webhook answered)"
        ));
        process::reset_peak()?;
        let installation = Installation::start(&self.place, true).await?;
        let ports = self.load.listen(WORKSPACES).await?;
        let mut spread = Vec::new();
        for port in &ports {
            spread.extend(installation.tenant(1, Some(*port)).await?.sources);
        }
        for items in [1, 20] {
            let stream = Stream { sources: spread.clone(), items, webhooks: 1 };
            let name = format!("{} in a callback, {WORKSPACES} workspaces", counted(items));
            let (per_second, row) = self.measure_webhooks(&installation, &stream, &name).await?;
            self.table.push(row);
            if items == 20 {
                self.found.inbound = per_second;
            }
        }
        let alone: Tenant = installation.tenant(WORKSPACES, ports.first().copied()).await?;
        let stream = Stream { sources: alone.sources, items: 20, webhooks: 1 };
        let (_, row) =
            self.measure_webhooks(&installation, &stream, "20 items in a callback, one workspace").await?;
        self.table.push(row);
        self.note_peak("while delivering")?;
        installation.stop().await?;
        Ok(())
    }

    /// Callbacks taken and kept, with nobody to work on them.
    async fn callbacks_only(&mut self) -> Result<()> {
        self.table.heading(format!(
            "Callbacks taken, durable ({CONNECTIONS} connections; not worked on meanwhile)"
        ));
        let installation = Installation::start(&self.place, false).await?;
        let mut sources = Vec::new();
        for _ in 0..WORKSPACES {
            sources.extend(installation.tenant(1, None).await?.sources);
        }
        for items in [1, 20] {
            let stream = Stream { sources: sources.clone(), items, webhooks: 0 };
            let bodies = self.calibrate(&installation, &stream).await?;
            let mut repeated = Repeated::default();
            for _ in 0..self.args.repetitions() {
                let before = process::cpu();
                let report = self.post(&installation, &stream, bodies, None).await?;
                repeated.push(&report.answered, process::cpu().saturating_sub(before));
            }
            self.table.push(repeated.row(format!("{} in a callback", counted(items))));
        }
        installation.stop().await?;
        Ok(())
    }

    /// How many callbacks fill the time of a repetition; found by a short run, which also warms everything up.
    pub(super) async fn calibrate(&mut self, installation: &Installation, stream: &Stream) -> Result<usize> {
        let trial = 2_000 / stream.items;
        let report = self.post(installation, stream, trial, None).await?;
        let nanos = if stream.webhooks > 0 { report.webhooks.nanos } else { report.answered.nanos };
        let rate = trial as f64 * 1e9 / nanos.max(1) as f64;
        self.settle(installation, stream).await?;
        let bodies = rate * self.args.millis() as f64 / 1_000.0;
        Ok((bodies as usize).clamp(trial, 60_000 / stream.items))
    }

    /// Callbacks, at fixed times where `per_second` tells a rate, and their webhooks.
    pub(super) async fn post(
        &mut self,
        installation: &Installation,
        stream: &Stream,
        bodies: usize,
        per_second: Option<f64>,
    ) -> Result<CallbackReport> {
        let order = self.callbacks(installation, stream, bodies, per_second);
        self.load.callbacks(order).await
    }

    /// Callbacks to be posted by whichever load process.
    pub(super) fn callbacks(
        &mut self,
        installation: &Installation,
        stream: &Stream,
        bodies: usize,
        per_second: Option<f64>,
    ) -> Callbacks {
        self.runs += 1;
        Callbacks {
            address: installation.address,
            connections: CONNECTIONS,
            sources: stream.sources.clone(),
            items: stream.items,
            bodies,
            run: self.runs,
            per_second,
            deliveries: (bodies * stream.items * stream.webhooks) as u64,
            patience_seconds: PATIENCE.as_secs(),
        }
    }

    /// Waits until what the last webhook leaves behind is written down.
    pub(super) async fn settle(&self, installation: &Installation, stream: &Stream) -> Result<()> {
        if stream.webhooks > 0 {
            installation.done(JobKind::EnvelopeProcess, PATIENCE).await?;
            installation.done(JobKind::DeliveryAttempt, PATIENCE).await?;
        }
        Ok(())
    }

    /// Items a second up to the webhook, and the row.
    async fn measure_webhooks(
        &mut self,
        installation: &Installation,
        stream: &Stream,
        name: &str,
    ) -> Result<(Samples, Row)> {
        let bodies = self.calibrate(installation, stream).await?;
        let (mut per_second, mut cpu_us, mut p99) =
            (Samples::default(), Samples::default(), Samples::default());
        for _ in 0..self.args.repetitions() {
            let (rate, cpu, answered_p99) = self.webhooks_once(installation, stream, bodies).await?;
            per_second.push(rate);
            cpu_us.push(cpu);
            p99.push(answered_p99);
        }
        let note = format!(
            "callbacks answered at p99 {}, server CPU {:.0} µs each item",
            millis(p99.median()),
            cpu_us.median()
        );
        let row = Row::of(name, &per_second, "/s", note);
        Ok((per_second, row))
    }

    /// Items a second, processor time of one in microseconds, p99 of the callbacks' answers in microseconds.
    pub(super) async fn webhooks_once(
        &mut self,
        installation: &Installation,
        stream: &Stream,
        bodies: usize,
    ) -> Result<(f64, f64, f64)> {
        let before = process::cpu();
        let report = self.post(installation, stream, bodies, None).await?;
        self.settle(installation, stream).await?;
        let cpu = process::cpu().saturating_sub(before).as_secs_f64() * 1e6;
        let items = (bodies * stream.items) as f64;
        let rate = items * 1e9 / report.webhooks.nanos.max(1) as f64;
        Ok((rate, cpu / items, report.answered.p99_micros as f64))
    }
}

fn counted(items: usize) -> String {
    if items == 1 { "1 item".to_owned() } else { format!("{items} items") }
}
