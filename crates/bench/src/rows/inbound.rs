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
/// Deliveries that wait at most before they are let out: the receiver answers none of them meanwhile, and an attempt
/// must not run out of time.
const HELD: f64 = 20_000.0;

/// Callbacks of one kind.
pub(super) struct Stream {
    pub sources: Vec<Source>,
    /// Messages in one callback.
    pub items: usize,
    /// Endpoints that hear of each item.
    pub webhooks: bool,
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
            let stream = Stream { sources: spread.clone(), items, webhooks: true };
            let name = format!("{} in a callback, {WORKSPACES} workspaces", counted(items));
            let (per_second, row) = self.measure_webhooks(&installation, &stream, &name).await?;
            self.table.push(row);
            if items == 20 {
                self.found.inbound = per_second;
            }
        }
        let alone: Tenant = installation.tenant(WORKSPACES, ports.first().copied()).await?;
        let stream = Stream { sources: alone.sources, items: 20, webhooks: true };
        let (_, row) =
            self.measure_webhooks(&installation, &stream, "20 items in a callback, one workspace").await?;
        self.table.push(row);
        self.deliveries_alone(&installation, &spread).await?;
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
            let stream = Stream { sources: sources.clone(), items, webhooks: false };
            let bodies = self.calibrate(&installation, &stream).await?;
            let mut repeated = Repeated::default();
            for _ in 0..self.args.repetitions() {
                let before = process::cpu();
                let report = self.post(&installation, &stream, bodies).await?;
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
        let report = self.post(installation, stream, trial).await?;
        let nanos = if stream.webhooks { report.nanos_to_last_webhook } else { report.answered.nanos };
        let rate = trial as f64 * 1e9 / nanos.max(1) as f64;
        self.settle(installation, stream).await?;
        let bodies = rate * self.args.millis() as f64 / 1_000.0;
        Ok((bodies as usize).clamp(trial, 60_000 / stream.items))
    }

    async fn post(
        &mut self,
        installation: &Installation,
        stream: &Stream,
        bodies: usize,
    ) -> Result<CallbackReport> {
        self.runs += 1;
        let deliveries = if stream.webhooks { (bodies * stream.items) as u64 } else { 0 };
        self.load
            .callbacks(Callbacks {
                address: installation.address,
                connections: CONNECTIONS,
                sources: stream.sources.clone(),
                items: stream.items,
                bodies,
                run: self.runs,
                deliveries,
                patience_seconds: PATIENCE.as_secs(),
            })
            .await
    }

    /// Waits until what the last webhook leaves behind is written down.
    async fn settle(&self, installation: &Installation, stream: &Stream) -> Result<()> {
        if stream.webhooks {
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
        let report = self.post(installation, stream, bodies).await?;
        self.settle(installation, stream).await?;
        let cpu = process::cpu().saturating_sub(before).as_secs_f64() * 1e6;
        let items = (bodies * stream.items) as f64;
        let rate = items * 1e9 / report.nanos_to_last_webhook.max(1) as f64;
        Ok((rate, cpu / items, report.answered.p99_micros as f64))
    }

    /// Deliveries that wait are let out at once.
    async fn deliveries_alone(&mut self, installation: &Installation, sources: &[Source]) -> Result<()> {
        self.table.heading("Webhook deliveries alone (they wait; the receiver opens its gate)");
        let (mut per_second, mut cpu_us) = (Samples::default(), Samples::default());
        let stream = Stream { sources: sources.to_vec(), items: 20, webhooks: false };
        let wanted = self.found.inbound.median() * self.args.millis() as f64 / 1_000.0;
        let bodies = (wanted.clamp(2_000.0, HELD) / 20.0) as usize;
        let deliveries = (bodies * stream.items) as u64;
        for _ in 0..self.args.repetitions() {
            self.load.gate(false).await?;
            self.post(installation, &stream, bodies).await?;
            installation.done(JobKind::EnvelopeProcess, PATIENCE).await?;
            let before = process::cpu();
            self.load.gate(true).await?;
            let received = self.load.deliveries(deliveries, PATIENCE.as_secs()).await?;
            installation.done(JobKind::DeliveryAttempt, PATIENCE).await?;
            let cpu = process::cpu().saturating_sub(before).as_secs_f64() * 1e6;
            per_second.push(deliveries as f64 * 1e9 / received.nanos.max(1) as f64);
            cpu_us.push(cpu / deliveries as f64);
        }
        let note = format!("signed, answered 200, written down; server CPU {:.0} µs each", cpu_us.median());
        self.table.push(Row::of(format!("{WORKSPACES} endpoints"), &per_second, "/s", note));
        self.found.delivery_cpu_us = cpu_us;
        Ok(())
    }
}

fn counted(items: usize) -> String {
    if items == 1 { "1 item".to_owned() } else { format!("{items} items") }
}
