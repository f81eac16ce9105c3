//! What a neighbour's deliveries cost: how soon a quiet workspace's events arrive, alone and beside a busy one.

use std::sync::Arc;
use std::time::Duration;

use gatepost_app::{AppConfig, ReplayCreate, SystemClock};
use gatepost_core::access::{Principal, permission};
use gatepost_core::endpoint::ReplayOnly;
use gatepost_core::{Clock as _, EndpointId, Timestamp};

use super::{ITEMS, MANY, QUEUED};
use crate::error::{Failure, Result};
use crate::found::Beside;
use crate::installation::{Installation, fresh, grant};
use crate::load::{CallbackReport, Load};
use crate::rows::Run;
use crate::rows::inbound::Stream;
use crate::samples::Samples;
use crate::table::{Row, millis, number};

/// Events of the quiet workspace a second.
const STEADY: f64 = 100.0;
/// How long it is watched alone, and beside what has no end of its own.
const WATCHED: Duration = Duration::from_secs(10);
/// Beside endpoints that never answer: past the end of their first attempts.
const BESIDE_SILENT: Duration = Duration::from_secs(20);
/// The limit of an attempt where a gate is closed only for deliveries to wait at.
const TIMEOUT: Duration = Duration::from_mins(1);
/// Deliveries that wait for each endpoint that never answers.
const FOR_EACH_SILENT: usize = 200;

/// Two workspaces: a quiet one with one endpoint, and one with many.
struct Neighbours {
    installation: Installation,
    /// The quiet one's callbacks and its receiver: a process of its own, since its receiver would not share a machine with
    /// the busy one's.
    load: Load,
    quiet: Stream,
    quiet_endpoint: (Arc<Principal>, EndpointId),
    busy: Stream,
    busy_endpoints: Vec<(Arc<Principal>, EndpointId)>,
}

/// The quiet workspace's p99 in milliseconds, alone and beside the busy one, and what went on beside it.
#[derive(Default)]
struct Compared {
    alone: Samples,
    beside: Samples,
    p50: Samples,
    ratio: Samples,
    /// Deliveries of the busy kind meanwhile.
    meanwhile: Samples,
}

impl Compared {
    fn push(&mut self, alone: &CallbackReport, beside: &CallbackReport, meanwhile: u64) {
        let ms = |micros: u64| micros as f64 / 1_000.0;
        let (alone, p99) = (ms(alone.webhooks.p99_micros), ms(beside.webhooks.p99_micros));
        self.alone.push(alone);
        self.beside.push(p99);
        self.p50.push(ms(beside.webhooks.p50_micros));
        self.ratio.push(p99 / alone);
        self.meanwhile.push(meanwhile as f64);
    }
}

impl Run {
    pub(super) async fn delivery_fairness(&mut self) -> Result<()> {
        self.table.heading(format!(
            "A quiet workspace ({} events/s, one endpoint) beside a busy one: from the event to its receipt, p99",
            number(STEADY)
        ));
        let [mut silent, mut flowing, mut theirs, mut own]: [Compared; 4] = Default::default();
        for _ in 0..self.args.repetitions() {
            self.beside_silent(&mut silent).await?;
            self.beside_flowing(&mut flowing).await?;
            self.beside_their_replay(&mut theirs).await?;
            self.beside_own_replay(&mut own).await?;
        }
        let queued = number(QUEUED as f64);
        self.found.beside = Beside {
            silent: self.compared(format!("beside {MANY} endpoints that never answer"), silent),
            flowing: self.compared(format!("beside {queued} queued deliveries that go out"), flowing),
            their_replay: self.compared(format!("beside a replay of {queued}, {MANY} endpoints"), theirs),
            own_replay: self.compared(format!("beside a replay of {queued} to its own endpoint"), own),
        };
        Ok(())
    }

    fn compared(&mut self, name: String, compared: Compared) -> Samples {
        let note = format!(
            "p50 {}; alone p99 {}; {} other deliveries meanwhile",
            millis(compared.p50.median() * 1_000.0),
            millis(compared.alone.median() * 1_000.0),
            number(compared.meanwhile.median())
        );
        self.table.push(Row::of(name, &compared.beside, "ms", note));
        compared.ratio
    }

    async fn neighbours(&mut self, timeout: Duration) -> Result<Neighbours> {
        let set = |config| AppConfig { webhook_timeout: timeout, ..config };
        let installation = Installation::start_with(&self.place, true, set).await?;
        let mut load = Load::start()?;
        let quiet = installation.tenant(1, None).await?;
        let port = load.listen(1).await?.first().copied().unwrap_or_default();
        let quiet_endpoint = installation.endpoint(&quiet.principal, port).await?;
        let busy = installation.tenant(1, None).await?;
        let mut busy_endpoints = Vec::with_capacity(MANY);
        for port in self.load.listen(MANY).await? {
            let endpoint = installation.endpoint(&busy.principal, port).await?;
            busy_endpoints.push((Arc::clone(&busy.principal), endpoint));
        }
        Ok(Neighbours {
            installation,
            load,
            quiet: Stream { sources: quiet.sources, items: 1, webhooks: 1 },
            quiet_endpoint: (quiet.principal, quiet_endpoint),
            busy: Stream { sources: busy.sources, items: ITEMS, webhooks: MANY },
            busy_endpoints,
        })
    }

    /// The quiet workspace for a time.
    async fn steady(&mut self, neighbours: &mut Neighbours, time: Duration) -> Result<CallbackReport> {
        let bodies = (STEADY * time.as_secs_f64()).ceil() as usize;
        let order = self.callbacks(&neighbours.installation, &neighbours.quiet, bodies, Some(STEADY));
        neighbours.load.callbacks(order).await
    }

    /// The quiet workspace alone, after a second that does not count.
    async fn alone(&mut self, neighbours: &mut Neighbours) -> Result<CallbackReport> {
        self.steady(neighbours, Duration::from_secs(1)).await?;
        self.steady(neighbours, WATCHED).await
    }

    async fn beside_silent(&mut self, compared: &mut Compared) -> Result<()> {
        let mut neighbours = self.neighbours(AppConfig::default().webhook_timeout).await?;
        let alone = self.alone(&mut neighbours).await?;
        self.load.gate(false).await?;
        self.queue(&neighbours.installation, &neighbours.busy, FOR_EACH_SILENT * MANY).await?;
        let beside = self.steady(&mut neighbours, BESIDE_SILENT).await?;
        compared.push(&alone, &beside, 0);
        self.load.gate(true).await?;
        neighbours.installation.stop().await
    }

    async fn beside_flowing(&mut self, compared: &mut Compared) -> Result<()> {
        let mut neighbours = self.neighbours(TIMEOUT).await?;
        let alone = self.alone(&mut neighbours).await?;
        self.load.gate(false).await?;
        self.queue(&neighbours.installation, &neighbours.busy, QUEUED).await?;
        // Half of the time that it takes, so that it is not over before the quiet workspace is.
        let lasting = QUEUED as f64 / self.found.to_many.waiting.median().max(1.0) / 2.0;
        self.load.gate(true).await?;
        let beside = self.steady(&mut neighbours, WATCHED.min(Duration::from_secs_f64(lasting))).await?;
        let meanwhile = self.load.received().await?.deliveries;
        if meanwhile >= QUEUED as u64 {
            return Err(Failure::new("the queued deliveries were over before the quiet workspace was"));
        }
        compared.push(&alone, &beside, meanwhile);
        neighbours.installation.stop().await
    }

    async fn beside_their_replay(&mut self, compared: &mut Compared) -> Result<()> {
        let mut neighbours = self.neighbours(TIMEOUT).await?;
        let alone = self.alone(&mut neighbours).await?;
        let since = SystemClock.now();
        self.post(&neighbours.installation, &neighbours.busy, QUEUED / (ITEMS * MANY), None).await?;
        self.settle(&neighbours.installation, &neighbours.busy).await?;
        let before = self.load.received().await?.ever;
        for endpoint in &neighbours.busy_endpoints {
            replay(&neighbours.installation, endpoint, since).await?;
        }
        let beside = self.steady(&mut neighbours, WATCHED).await?;
        compared.push(&alone, &beside, self.load.received().await?.ever - before);
        neighbours.installation.stop().await
    }

    async fn beside_own_replay(&mut self, compared: &mut Compared) -> Result<()> {
        let mut neighbours = self.neighbours(TIMEOUT).await?;
        let alone = self.alone(&mut neighbours).await?;
        let since = SystemClock.now();
        let many = Stream { items: ITEMS, ..neighbours.quiet.clone() };
        let order = self.callbacks(&neighbours.installation, &many, QUEUED / ITEMS, None);
        neighbours.load.callbacks(order).await?;
        self.settle(&neighbours.installation, &many).await?;
        replay(&neighbours.installation, &neighbours.quiet_endpoint, since).await?;
        let beside = self.steady(&mut neighbours, WATCHED).await?;
        let replayed = beside.webhooks.deliveries - beside.webhooks.fresh;
        compared.push(&alone, &beside, replayed);
        neighbours.installation.stop().await
    }
}

/// Everything since then is sent again.
async fn replay(
    installation: &Installation,
    (principal, endpoint): &(Arc<Principal>, EndpointId),
    since: Timestamp,
) -> Result<()> {
    let manage = grant::<permission::EndpointManage>(principal)?;
    let create = ReplayCreate { since, until: None, only: ReplayOnly::All };
    fresh(installation.app.replay_create(&manage, *endpoint, create, None).await?)?;
    Ok(())
}
