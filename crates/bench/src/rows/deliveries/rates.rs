//! How many deliveries a second, how soon, and what each costs, beside signed POSTs without a queue.

use std::time::{Duration, Instant};

use bytes::Bytes;
use gatepost_app::{AppConfig, EventQuery};
use gatepost_core::access::permission;
use gatepost_core::job::JobKind;

use super::{ITEMS, PATIENCE};
use crate::ceilings::signed_posts;
use crate::error::{Failure, Result};
use crate::found::Deliveries;
use crate::installation::{Installation, Tenant, grant};
use crate::process;
use crate::rows::Run;
use crate::rows::inbound::Stream;
use crate::samples::Samples;
use crate::table::{Row, millis, number};

/// Deliveries that wait before they are let out.
const HELD: usize = 40_000;
/// The limit of an attempt: one that the closed gate holds must not run out of time.
const TIMEOUT: Duration = Duration::from_mins(1);

/// How endpoints are spread.
struct Spread {
    name: &'static str,
    workspaces: usize,
    /// In each workspace.
    endpoints: usize,
    /// Channels of each workspace.
    channels: usize,
}

const ONE: Spread = Spread { name: "one endpoint", workspaces: 1, endpoints: 1, channels: 20 };
const MANY: Spread =
    Spread { name: "100 endpoints of 20 workspaces", workspaces: 20, endpoints: 5, channels: 1 };

/// What is repeated, and what came of it.
#[derive(Default)]
struct Measured {
    bare: Samples,
    bare_cpu_us: Samples,
    waiting: Samples,
    waiting_share: Samples,
    waiting_cpu_us: Samples,
    flowing: Samples,
    flowing_share: Samples,
    flowing_cpu_us: Samples,
    p50: Samples,
    p99: Samples,
    asked: Samples,
    connections: u64,
    deliveries: u64,
}

impl Run {
    pub(super) async fn delivery_rates(&mut self) -> Result<()> {
        self.found.to_one = self.spread(&ONE).await?;
        self.found.to_many = self.spread(&MANY).await?;
        Ok(())
    }

    async fn spread(&mut self, spread: &Spread) -> Result<Deliveries> {
        self.table.heading(format!(
            "Webhook deliveries to {} (event committed, signed, answered 200, written down)",
            spread.name
        ));
        let set = |config| AppConfig { webhook_timeout: TIMEOUT, ..config };
        let installation = Installation::start_with(&self.place, true, set).await?;
        let ports = self.load.listen(spread.workspaces * spread.endpoints).await?;
        let (mut tenants, mut sources): (Vec<Tenant>, _) = (Vec::new(), Vec::new());
        for ports in ports.chunks(spread.endpoints) {
            let tenant = installation.tenant(spread.channels, None).await?;
            for port in ports {
                installation.endpoint(&tenant.principal, *port).await?;
            }
            sources.extend(tenant.sources.clone());
            tenants.push(tenant);
        }
        let stream = Stream { sources, items: ITEMS, webhooks: spread.endpoints };
        let bodies = self.calibrate(&installation, &stream).await?;
        let bodies = bodies.min(150_000 / (ITEMS * spread.endpoints));
        let first = self.load.received().await?;
        let event = an_event(&installation, tenants.first()).await?;
        // One endpoint has as many under way as here; with more endpoints the loop is fastest with few for each.
        let parallel = AppConfig::default().webhook_parallel.div_ceil(ports.len());
        let mut measured =
            Measured { connections: first.connections, deliveries: first.ever, ..Measured::default() };
        for _ in 0..self.args.repetitions() {
            // In turn, so that all meet the same machine.
            let time = Duration::from_millis(self.args.millis());
            let bare = signed_posts(&ports, parallel, time, &event).await?;
            measured.bare.push(bare.per_second);
            measured.bare_cpu_us.push(bare.cpu_us);
            let before = self.load.received().await?;
            let waiting = self.waiting(&installation, &stream, &mut measured).await?;
            measured.waiting_share.push(waiting / bare.per_second);
            let flowing = self.flowing(&installation, &stream, bodies, &mut measured).await?;
            measured.flowing_share.push(flowing / bare.per_second);
            self.latency(&installation, &stream, flowing / 2.0, &mut measured).await?;
            let after = self.load.received().await?;
            measured.connections += after.connections - before.connections;
            measured.deliveries += after.ever - before.ever;
        }
        installation.stop().await?;
        Ok(self.tell(measured))
    }

    /// Deliveries that wait are let out at once. How many a second.
    async fn waiting(
        &mut self,
        installation: &Installation,
        stream: &Stream,
        measured: &mut Measured,
    ) -> Result<f64> {
        self.load.gate(false).await?;
        self.queue(installation, stream, HELD).await?;
        let (cpu, started) = (process::cpu(), Instant::now());
        let held = self.load.gate(true).await?.held;
        self.load.deliveries(HELD as u64, PATIENCE.as_secs()).await?;
        installation.done(JobKind::DeliveryAttempt, PATIENCE).await?;
        // Those that stood at the gate had most of their work behind them: neither rate nor cost counts them.
        let counted = (HELD as u64).saturating_sub(held) as f64;
        let per_second = counted / started.elapsed().as_secs_f64();
        measured.waiting.push(per_second);
        measured.waiting_cpu_us.push(process::cpu().saturating_sub(cpu).as_secs_f64() * 1e6 / counted);
        Ok(per_second)
    }

    /// Deliveries while their events are being made. How many a second.
    async fn flowing(
        &mut self,
        installation: &Installation,
        stream: &Stream,
        bodies: usize,
        measured: &mut Measured,
    ) -> Result<f64> {
        let (cpu, started) = (process::cpu(), Instant::now());
        let report = self.post(installation, stream, bodies, None).await?;
        self.settle(installation, stream).await?;
        let count = report.webhooks.deliveries as f64;
        let per_second = count / started.elapsed().as_secs_f64();
        measured.flowing.push(per_second);
        measured.flowing_cpu_us.push(process::cpu().saturating_sub(cpu).as_secs_f64() * 1e6 / count);
        Ok(per_second)
    }

    /// Callbacks at fixed times, so that so many deliveries a second come of them.
    async fn latency(
        &mut self,
        installation: &Installation,
        stream: &Stream,
        per_second: f64,
        measured: &mut Measured,
    ) -> Result<()> {
        let callbacks = per_second / (stream.items * stream.webhooks) as f64;
        let bodies = (callbacks * self.args.millis() as f64 / 1_000.0).ceil() as usize;
        let report = self.post(installation, stream, bodies, Some(callbacks)).await?;
        self.settle(installation, stream).await?;
        measured.p50.push(report.webhooks.p50_micros as f64 / 1_000.0);
        measured.p99.push(report.webhooks.p99_micros as f64 / 1_000.0);
        measured.asked.push(per_second);
        Ok(())
    }

    fn tell(&mut self, measured: Measured) -> Deliveries {
        let cpu = |samples: &Samples| format!("CPU {:.0} µs each", samples.median());
        let note = format!("the same client and receiver; {}", cpu(&measured.bare_cpu_us));
        self.table.push(Row::of("bare signed POSTs", &measured.bare, "/s", note));
        let note = format!("{} waited; server {}", number(HELD as f64), cpu(&measured.waiting_cpu_us));
        self.table.push(Row::of("deliveries that waited", &measured.waiting, "/s", note));
        let note = format!(
            "{ITEMS} items in a callback; server {}, the callback's share included",
            cpu(&measured.flowing_cpu_us)
        );
        self.table.push(Row::of("deliveries while events are made", &measured.flowing, "/s", note));
        let note = format!(
            "p50 {}; {} deliveries/s",
            millis(measured.p50.median() * 1_000.0),
            number(measured.asked.median())
        );
        self.table.push(Row::of(
            "from the event to its receipt at half of that, p99",
            &measured.p99,
            "ms",
            note,
        ));
        let reuse = measured.deliveries as f64 / measured.connections.max(1) as f64;
        let note = format!(
            "{} connections for {}",
            number(measured.connections as f64),
            number(measured.deliveries as f64)
        );
        self.table.push(Row::of("deliveries over one connection", &Samples::from_iter([reuse]), "", note));
        Deliveries {
            per_second: measured.flowing,
            waiting: measured.waiting,
            p99_ms: measured.p99,
            cpu_us: measured.waiting_cpu_us,
            share_waiting: measured.waiting_share,
            share_flowing: measured.flowing_share,
        }
    }
}

/// The body of a real event.
async fn an_event(installation: &Installation, tenant: Option<&Tenant>) -> Result<Bytes> {
    let none = || Failure::new("no event was made");
    let read = grant::<permission::EventRead>(&tenant.ok_or_else(none)?.principal)?;
    let page = installation.app.event_list(&read, EventQuery { limit: 1, ..EventQuery::default() }).await?;
    Ok(Bytes::from(page.items.into_iter().next().ok_or_else(none)?.payload))
}
