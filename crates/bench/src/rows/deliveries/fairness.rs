//! What a neighbour's deliveries cost: how soon a quiet workspace's events arrive, alone and beside a busy one.

use std::time::Duration;

use super::{ITEMS, MANY, QUEUED};
use crate::error::{Failure, Result};
use crate::installation::Installation;
use crate::load::Load;
use crate::rows::Run;
use crate::rows::inbound::Stream;
use crate::samples::Samples;
use crate::table::{Row, millis, number};

/// Events of the quiet workspace a second.
const STEADY: f64 = 100.0;
/// How long it is watched alone.
const ALONE: Duration = Duration::from_secs(10);
/// Beside endpoints that never answer: past the end of their first attempts.
const BESIDE_SILENT: Duration = Duration::from_secs(20);
/// Beside deliveries that flow, at most.
const BESIDE_FLOWING: Duration = Duration::from_secs(10);
/// Deliveries that wait for each endpoint that never answers.
const FOR_EACH_SILENT: usize = 200;

/// Two workspaces: a quiet one with one endpoint, and one with many.
struct Neighbours {
    installation: Installation,
    /// The quiet one's callbacks and its receiver: a process of its own, since its receiver would not share a machine with
    /// the busy one's.
    load: Load,
    quiet: Stream,
    busy: Stream,
}

/// p99 of the quiet workspace, in milliseconds, and what it is beside what it was alone.
#[derive(Default)]
struct Compared {
    alone: Samples,
    beside: Samples,
    p50: Samples,
    ratio: Samples,
}

impl Compared {
    fn push(&mut self, alone: f64, beside: f64, p50: f64) {
        self.alone.push(alone);
        self.beside.push(beside);
        self.p50.push(p50);
        self.ratio.push(beside / alone);
    }
}

impl Run {
    pub(super) async fn delivery_fairness(&mut self) -> Result<()> {
        self.table.heading(format!(
            "A quiet workspace ({} events/s, one endpoint) beside a busy one: from the event to its receipt, p99",
            number(STEADY)
        ));
        let (mut silent, mut flowing) = (Compared::default(), Compared::default());
        let mut delivered = Samples::default();
        for _ in 0..self.args.repetitions() {
            self.beside_silent(&mut silent).await?;
            self.beside_flowing(&mut flowing, &mut delivered).await?;
        }
        let note = format!("{} waiting for each", number(FOR_EACH_SILENT as f64));
        self.found.beside_silent =
            self.compared(&format!("beside {MANY} endpoints that never answer"), silent, &note);
        let note = format!("{} of these meanwhile", number(delivered.median()));
        let name = format!("beside {} queued deliveries that go out", number(QUEUED as f64));
        self.found.beside_flowing = self.compared(&name, flowing, &note);
        Ok(())
    }

    fn compared(&mut self, name: &str, compared: Compared, note: &str) -> Samples {
        let note = format!(
            "p50 {}; alone p99 {}; {note}",
            millis(compared.p50.median() * 1_000.0),
            millis(compared.alone.median() * 1_000.0)
        );
        self.table.push(Row::of(name, &compared.beside, "ms", note));
        compared.ratio
    }

    async fn neighbours(&mut self) -> Result<Neighbours> {
        let installation = Installation::start(&self.place, true).await?;
        let mut load = Load::start()?;
        let port = load.listen(1).await?.first().copied();
        let quiet = installation.tenant(1, port).await?.sources;
        let busy = installation.tenant(1, None).await?;
        for port in self.load.listen(MANY).await? {
            installation.endpoint(&busy.principal, port).await?;
        }
        Ok(Neighbours {
            installation,
            load,
            quiet: Stream { sources: quiet, items: 1, webhooks: 1 },
            busy: Stream { sources: busy.sources, items: ITEMS, webhooks: MANY },
        })
    }

    /// p50 and p99 of the quiet workspace for a time, in milliseconds.
    async fn steady(&mut self, neighbours: &mut Neighbours, time: Duration) -> Result<(f64, f64)> {
        let bodies = (STEADY * time.as_secs_f64()).ceil() as usize;
        let order = self.callbacks(&neighbours.installation, &neighbours.quiet, bodies, Some(STEADY));
        let report = neighbours.load.callbacks(order).await?;
        Ok((report.webhooks.p50_micros as f64 / 1_000.0, report.webhooks.p99_micros as f64 / 1_000.0))
    }

    /// The quiet workspace alone, after a second that does not count.
    async fn alone(&mut self, neighbours: &mut Neighbours) -> Result<f64> {
        self.steady(neighbours, Duration::from_secs(1)).await?;
        Ok(self.steady(neighbours, ALONE).await?.1)
    }

    async fn beside_silent(&mut self, compared: &mut Compared) -> Result<()> {
        let mut neighbours = self.neighbours().await?;
        let alone = self.alone(&mut neighbours).await?;
        self.load.gate(false).await?;
        self.queue(&neighbours.installation, &neighbours.busy, FOR_EACH_SILENT * MANY).await?;
        let (p50, p99) = self.steady(&mut neighbours, BESIDE_SILENT).await?;
        compared.push(alone, p99, p50);
        self.load.gate(true).await?;
        neighbours.installation.stop().await
    }

    async fn beside_flowing(&mut self, compared: &mut Compared, delivered: &mut Samples) -> Result<()> {
        let mut neighbours = self.neighbours().await?;
        let alone = self.alone(&mut neighbours).await?;
        self.load.gate(false).await?;
        self.queue(&neighbours.installation, &neighbours.busy, QUEUED).await?;
        // It must not be over before the quiet workspace is.
        let lasting = 0.6 * QUEUED as f64 / self.found.to_many.per_second.median().max(1.0);
        let time = BESIDE_FLOWING.min(Duration::from_secs_f64(lasting));
        self.load.gate(true).await?;
        let (p50, p99) = self.steady(&mut neighbours, time).await?;
        let meanwhile = self.load.received().await?.deliveries;
        if meanwhile >= QUEUED as u64 {
            return Err(Failure::new("the queued deliveries were over before the quiet workspace was"));
        }
        delivered.push(meanwhile as f64);
        compared.push(alone, p99, p50);
        neighbours.installation.stop().await
    }
}
