//! What a message costs with few and with many stored before it.

use super::inbound::Stream;
use super::{Repeated, Run, WARM_UP_MILLIS, WORKSPACES, fill};
use crate::error::Result;
use crate::installation::Installation;
use crate::samples::Samples;
use crate::table::{Row, number};

/// The smaller number of stored messages.
const FEW: usize = 1_000;
/// Repetitions at each size: the ratio of two rates needs steadier rates.
const MORE: u64 = 2;

impl Run {
    pub async fn growth(&mut self) -> Result<()> {
        let many = self.args.many();
        self.table.heading(format!(
            "Cost with {} and {} stored messages (one workspace; each with its event)",
            number(FEW as f64),
            number(many as f64)
        ));
        let (few, after) = self.accepts_at(many).await?;
        self.table.push(few.row("accepts, few stored"));
        self.table.push(after.row("accepts, many stored"));
        self.found.accept_growth = ratios(&few.per_second, &after.per_second);
        let (few, after) = self.inbound_at(many).await?;
        self.table.push(Row::of("inbound to webhook, few stored", &few.0, "/s", cpu(&few.1)));
        self.table.push(Row::of("inbound to webhook, many stored", &after.0, "/s", cpu(&after.1)));
        self.found.inbound_growth = ratios(&few.0, &after.0);
        Ok(())
    }

    async fn accepts_at(&mut self, many: usize) -> Result<(Repeated, Repeated)> {
        let installation = Installation::start(&self.place, false).await?;
        let tenant = installation.tenant(1, None).await?;
        let repetitions = self.args.repetitions() * MORE;
        fill::fill(&installation.app, &tenant, FEW).await?;
        self.repeat_accepts(&installation, 128, &tenant.senders, false, Some(WARM_UP_MILLIS), 1).await?;
        let few =
            self.repeat_accepts(&installation, 128, &tenant.senders, false, Some(500), repetitions).await?;
        fill::fill(&installation.app, &tenant, many - FEW).await?;
        self.repeat_accepts(&installation, 128, &tenant.senders, false, Some(WARM_UP_MILLIS), 1).await?;
        let after =
            self.repeat_accepts(&installation, 128, &tenant.senders, false, Some(500), repetitions).await?;
        installation.stop().await?;
        Ok((few, after))
    }

    async fn inbound_at(&mut self, many: usize) -> Result<((Samples, Samples), (Samples, Samples))> {
        let installation = Installation::start(&self.place, true).await?;
        let ports = self.load.listen(1).await?;
        let tenant = installation.tenant(WORKSPACES, ports.first().copied()).await?;
        fill::fill(&installation.app, &tenant, FEW).await?;
        let stream = Stream { sources: tenant.sources.clone(), items: 20, webhooks: 1 };
        let few = self.some_inbound(&installation, &stream).await?;
        fill::fill(&installation.app, &tenant, many - FEW).await?;
        let after = self.some_inbound(&installation, &stream).await?;
        installation.stop().await?;
        Ok((few, after))
    }

    /// Items a second, and processor time of one in microseconds. Few at a time, so that few stay few.
    async fn some_inbound(
        &mut self,
        installation: &Installation,
        stream: &Stream,
    ) -> Result<(Samples, Samples)> {
        let bodies = self.calibrate(installation, stream).await?.min(200);
        let (mut per_second, mut cpu_us) = (Samples::default(), Samples::default());
        for _ in 0..self.args.repetitions() * MORE {
            let (rate, cpu, _) = self.webhooks_once(installation, stream, bodies).await?;
            per_second.push(rate);
            cpu_us.push(cpu);
        }
        Ok((per_second, cpu_us))
    }
}

/// How much longer a message takes: the ratio of the medians, and of the extremes.
fn ratios(few: &Samples, many: &Samples) -> Samples {
    Samples::from_iter([few.median() / many.median(), few.min() / many.max(), few.max() / many.min()])
}

fn cpu(samples: &Samples) -> String {
    format!("server CPU {:.0} µs each item", samples.median())
}
