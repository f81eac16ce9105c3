//! The whole loop: a send is accepted, goes to Meta, and what Meta tells of it goes out as webhooks.

use std::time::Duration;

use gatepost_core::Timestamp;
use gatepost_core::job::JobKind;

use super::{Run, WARM_UP_MILLIS};
use crate::error::Result;
use crate::installation::Installation;
use crate::latency::Latencies;
use crate::load::{Loop, LoopReport, Pace, Sender, stamp_of};
use crate::meta::BATCH;
use crate::process;
use crate::samples::Samples;
use crate::table::{Row, millis, number};

/// Workspaces, each with an endpoint and a Meta app, and the channels of each.
const TENANTS: usize = 10;
const CHANNELS: usize = 5;
/// Connections that sends come over.
const CONNECTIONS: usize = 32;
/// Messages on their way at most: more than the loop takes at its best in the time that Meta needs to tell the last
/// status, and no more than wait a second.
const WINDOW: u64 = 2_500;
/// Webhooks of one message: sent, delivered, read.
pub(super) const WEBHOOKS: u64 = 3;
/// How long the last webhooks may take before the run fails.
pub(super) const PATIENCE: Duration = Duration::from_mins(2);

/// Processor time of one message, in microseconds.
#[derive(Default)]
struct Cost {
    server: Samples,
    meta: Samples,
    load: Samples,
}

impl Run {
    pub async fn whole_loop(&mut self) -> Result<()> {
        self.table.heading(format!(
            "The whole loop: accept, Meta's call, three statuses in, three webhooks out ({} channels in {TENANTS} workspaces)",
            TENANTS * CHANNELS
        ));
        process::reset_peak()?;
        let installation = Installation::start(&self.place, true).await?;
        let ports = self.load.listen(TENANTS).await?;
        let mut senders = Vec::new();
        let mut tenants = Vec::new();
        for port in ports {
            let tenant = installation.tenant(CHANNELS, Some(port)).await?;
            installation.listen_to_meta(&tenant);
            tenants.push(tenant.senders);
        }
        // Neighbours in time are of different workspaces.
        for channel in 0..CHANNELS {
            senders.extend(tenants.iter().filter_map(|tenant| tenant.get(channel).cloned()));
        }
        self.loop_throughput(&installation, &senders).await?;
        self.loop_latency(&installation, &senders).await?;
        self.note_peak("in the whole loop, the simulated Meta included")?;
        installation.stop().await
    }

    async fn loop_throughput(&mut self, installation: &Installation, senders: &[Sender]) -> Result<()> {
        let (mut per_second, mut cost) = (Samples::default(), Cost::default());
        let before = installation.meta.observed();
        for _ in 0..self.args.repetitions() {
            let (cpu, meta_cpu) = (process::cpu(), installation.meta.cpu().await?);
            let pace = Pace::Window { messages: WINDOW };
            let report = self.sends(installation, senders, pace, self.args.millis()).await?;
            let each = |cpu: Duration| cpu.as_secs_f64() * 1e6 / report.answered.done as f64;
            let meta = installation.meta.cpu().await?.saturating_sub(meta_cpu);
            cost.server.push(each(process::cpu().saturating_sub(cpu).saturating_sub(meta)));
            cost.meta.push(each(meta));
            cost.load.push(each(Duration::from_nanos(report.cpu_nanos)));
            per_second.push(report.webhooks_per_second / WEBHOOKS as f64);
        }
        let after = installation.meta.observed();
        let batch = (after.told - before.told) as f64 / (after.posts - before.posts).max(1) as f64;
        let note = format!(
            "{} webhooks/s; {} statuses in a callback, {BATCH} at most; CPU each: server {:.0} µs, Meta {:.0} µs, load and receiver {:.0} µs",
            number(per_second.median() * WEBHOOKS as f64),
            number(batch),
            cost.server.median(),
            cost.meta.median(),
            cost.load.median(),
        );
        self.table.push(Row::of(format!("{WINDOW} messages on their way"), &per_second, "/s", note));
        self.found.whole_loop = per_second;
        Ok(())
    }

    async fn loop_latency(&mut self, installation: &Installation, senders: &[Sender]) -> Result<()> {
        let per_second = self.found.whole_loop.median() / 2.0;
        let (mut p50, mut p99, mut answered) = (Samples::default(), Samples::default(), Samples::default());
        for _ in 0..self.args.repetitions() {
            let first = installation.meta.sends().last().map_or(0, |send| send.number + 1);
            let report =
                self.sends(installation, senders, Pace::Rate { per_second }, self.args.millis()).await?;
            let mut latencies = Latencies::new()?;
            for send in installation.meta.sends().iter().filter(|send| send.number >= first) {
                if let Some(asked) = stamp_of(&send.body) {
                    latencies.record(send.at.since(asked));
                }
            }
            p50.push(latencies.micros_at(0.5) as f64 / 1_000.0);
            p99.push(latencies.micros_at(0.99) as f64 / 1_000.0);
            answered.push(report.answered.p99_micros as f64);
        }
        let note = format!(
            "p50 {}; {} messages/s; accepts answered at p99 {}",
            millis(p50.median() * 1_000.0),
            number(per_second),
            millis(answered.median())
        );
        self.table.push(Row::of("from the request to Meta's call at half of that, p99", &p99, "ms", note));
        self.found.to_meta_p99_ms = p99;
        Ok(())
    }

    /// Sends until the time is over, and waits for the last webhook of them.
    pub(super) async fn sends(
        &mut self,
        installation: &Installation,
        senders: &[Sender],
        pace: Pace,
        millis: u64,
    ) -> Result<LoopReport> {
        let report = self
            .load
            .whole(Loop {
                address: installation.address,
                connections: CONNECTIONS,
                senders: senders.to_vec(),
                pace,
                warm_up_millis: WARM_UP_MILLIS,
                millis,
                webhooks: WEBHOOKS,
                patience_seconds: PATIENCE.as_secs(),
            })
            .await?;
        for kind in [JobKind::MessageSend, JobKind::EnvelopeProcess, JobKind::DeliveryAttempt] {
            installation.done(kind, PATIENCE).await?;
        }
        Ok(report)
    }
}

/// When Meta was called, oldest first.
pub(super) fn calls(installation: &Installation) -> Vec<Timestamp> {
    let mut calls: Vec<Timestamp> = installation.meta.sends().iter().map(|send| send.at).collect();
    calls.sort_unstable();
    calls
}
