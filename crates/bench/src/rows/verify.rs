//! Codes: how soon Meta has them, alone and behind a long queue of the same channel, and how fast they are checked.

use std::collections::HashMap;
use std::future::Future;
use std::time::{Duration, Instant};

use futures_util::{StreamExt as _, stream};
use gatepost_app::{App, MessageSend, Outcome, VerificationStart, VerificationView};
use gatepost_core::access::{Grant, permission};
use gatepost_core::content::{Body, Content};
use gatepost_core::message::OnUnknown;
use gatepost_core::verification::fraud::{Country, Limits};
use gatepost_core::verification::{PumpingChoice, VerificationCode, VerificationSettings};
use gatepost_core::{ChannelId, Code, Phone, Purpose, Recipient, Timestamp};

use super::Run;
use crate::error::{Failure, Result};
use crate::installation::{Installation, Tenant, fresh, grant};
use crate::latency::Latencies;
use crate::samples::Samples;
use crate::table::{Row, millis, number};

/// Messages that wait on the same channel.
const QUEUED: usize = 100_000;
/// Codes a second: well below what one channel may send.
const PER_SECOND: u32 = 40;
/// How long the last code may take to Meta.
const PATIENCE: Duration = Duration::from_secs(30);
/// Verifications of one repetition of checks, and how often each is checked: four wrong codes and the one that ends it.
const CHECKED: usize = 2_000;
const CHECKS: usize = 5;
const AT_ONCE: usize = 64;

/// What one workspace's software holds to send codes and to check them.
struct Desk {
    app: App,
    send: Grant<permission::MessageSend>,
    start: Grant<permission::VerificationStart>,
    check: Grant<permission::VerificationCheck>,
    channel: ChannelId,
}

impl Desk {
    /// With the sample templates of the account, one for codes among them.
    async fn of(installation: &Installation, tenant: &Tenant) -> Result<Self> {
        let app = installation.app.clone();
        let sender = tenant.senders.first().ok_or_else(|| Failure::new("codes need a channel"))?;
        let channel: ChannelId = sender.channel.parse()?;
        let manage = grant::<permission::TemplateManage>(&tenant.principal)?;
        Box::pin(app.template_sync(&manage, Some(channel))).await?;
        // All is counted as ever; only that so many codes to so few ranges would be refused.
        let settings = VerificationSettings {
            allowed_countries: Country::parse("DE").into_iter().collect(),
            range: Some(Limits::NONE),
            workspace: Some(Limits::NONE),
            pumping: Some(PumpingChoice::Off),
            ..VerificationSettings::default()
        };
        let manage = grant::<permission::VerificationManage>(&tenant.principal)?;
        Box::pin(app.verification_settings_set(&manage, settings)).await?;
        Ok(Self {
            send: grant(&tenant.principal)?,
            start: grant(&tenant.principal)?,
            check: grant(&tenant.principal)?,
            app,
            channel,
        })
    }

    /// Begins the verification of somebody.
    async fn begin(&self, number: usize) -> Result<VerificationView> {
        let to = Phone::parse(&format!("+49160{:07}", number % 10_000_000))
            .map_err(|why| Failure::new(why.to_string()))?;
        let start = VerificationStart { channel: Some(self.channel), ..VerificationStart::default() };
        fresh(Box::pin(self.app.verification_start(&self.start, to, start, None)).await?)
    }

    /// Accepts a message to somebody else.
    async fn accept(&self, number: usize, purpose: Purpose) -> Result<()> {
        let text = format!("Your parcel {number} is here. We are open until seven.");
        let body = Body::parse(text).map_err(Failure::new)?;
        let message = MessageSend {
            channel: Some(self.channel),
            to: Recipient::parse(&format!("+49151{:07}", number % 10_000_000))
                .map_err(|why| Failure::new(why.to_string()))?,
            purpose,
            content: Content::text(&body, false)?,
            reply_to: None,
            on_unknown: OnUnknown::Fail,
            ttl: None,
        };
        match self.app.message_send(&self.send, message, None).await? {
            Outcome::Fresh(_) => Ok(()),
            Outcome::Replayed(_) => Err(Failure::new("a message was replayed")),
        }
    }
}

impl Run {
    pub async fn verify(&mut self) -> Result<()> {
        self.table.heading(format!(
            "Codes ({PER_SECOND} a second on one channel; from the moment that the accepted request names to Meta's call)"
        ));
        let installation = Installation::start(&self.place, true).await?;
        let tenant = installation.tenant(1, None).await?;
        let desk = Desk::of(&installation, &tenant).await?;
        let mut number = 0;
        self.codes(&installation, &desk, &mut number, 500).await?;
        let (p50, p99) = self.all_codes(&installation, &desk, &mut number).await?;
        let note = format!("p50 {}", millis(p50.median() * 1_000.0));
        self.table.push(Row::of("on an idle gateway, p99", &p99, "ms", note));
        self.found.code_idle_p99_ms = p99;
        at_once(QUEUED, |number| desk.accept(number, Purpose::Support)).await?;
        let before = installation.jobs(gatepost_core::job::JobKind::MessageSend).await?;
        let (p50, p99) = self.all_codes(&installation, &desk, &mut number).await?;
        let left = installation.jobs(gatepost_core::job::JobKind::MessageSend).await?;
        let note = format!(
            "p50 {}; {} waited on the channel when it began, {} when it ended",
            millis(p50.median() * 1_000.0),
            crate::table::number(before as f64),
            crate::table::number(left as f64)
        );
        self.table.push(Row::of("behind 100,000 support messages, p99", &p99, "ms", note));
        self.found.code_behind_p99_ms = p99;
        installation.stop().await?;
        self.checks().await
    }

    async fn all_codes(
        &mut self,
        installation: &Installation,
        desk: &Desk,
        number: &mut usize,
    ) -> Result<(Samples, Samples)> {
        let (mut p50, mut p99) = (Samples::default(), Samples::default());
        for _ in 0..self.args.repetitions() {
            let latencies = self.codes(installation, desk, number, self.args.millis()).await?;
            p50.push(latencies.micros_at(0.5) as f64 / 1_000.0);
            p99.push(latencies.micros_at(0.99) as f64 / 1_000.0);
        }
        Ok((p50, p99))
    }

    /// Begins verifications at fixed times, and waits until Meta has the last code.
    async fn codes(
        &self,
        installation: &Installation,
        desk: &Desk,
        number: &mut usize,
        millis: u64,
    ) -> Result<Latencies> {
        let count = usize::try_from(u64::from(PER_SECOND) * millis / 1_000)?;
        let first = installation.meta.sends().last().map_or(0, |send| send.number + 1);
        let mut begun: HashMap<String, Timestamp> = HashMap::with_capacity(count);
        let mut ticks = tokio::time::interval(Duration::from_secs(1) / PER_SECOND);
        for _ in 0..count {
            ticks.tick().await;
            *number += 1;
            let view = desk.begin(*number).await?;
            let message = view.message_id.ok_or_else(|| Failure::new("a code without a message"))?;
            begun.insert(message.to_string(), view.created_at);
        }
        let started = Instant::now();
        loop {
            let mut latencies = Latencies::new()?;
            for send in installation.meta.sends().iter().filter(|send| send.number >= first) {
                if let Some(asked) = send.opaque.as_ref().and_then(|id| begun.get(id)) {
                    latencies.record(send.at.since(*asked));
                }
            }
            if latencies.count() >= begun.len() as u64 {
                return Ok(latencies);
            }
            if started.elapsed() > PATIENCE {
                return Err(Failure::new(format!(
                    "{} of {} codes came to Meta",
                    latencies.count(),
                    begun.len()
                )));
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Checks beside accepts, both in process.
    async fn checks(&mut self) -> Result<()> {
        let installation = Installation::start(&self.place, false).await?;
        let tenant = installation.tenant(1, None).await?;
        let desk = Desk::of(&installation, &tenant).await?;
        let (mut starts, mut checks, mut accepts) =
            (Samples::default(), Samples::default(), Samples::default());
        let mut share = Samples::default();
        for repetition in 0..usize::try_from(self.args.repetitions())? {
            let first = repetition * CHECKED;
            let began = Instant::now();
            let begun: Vec<Result<VerificationView>> = stream::iter(first..first + CHECKED)
                .map(|number| desk.begin(number))
                .buffer_unordered(AT_ONCE)
                .collect()
                .await;
            starts.push(CHECKED as f64 / began.elapsed().as_secs_f64());
            let begun = begun.into_iter().collect::<Result<Vec<_>>>()?;
            let began = Instant::now();
            for turn in 0..CHECKS {
                at_once(CHECKED, |number| wrong(&desk, begun.get(number), turn)).await?;
            }
            let checked = (CHECKED * CHECKS) as f64 / began.elapsed().as_secs_f64();
            let began = Instant::now();
            at_once(CHECKED * CHECKS, |number| desk.accept(first + number, Purpose::Transactional)).await?;
            let accepted = (CHECKED * CHECKS) as f64 / began.elapsed().as_secs_f64();
            checks.push(checked);
            accepts.push(accepted);
            share.push(checked / accepted);
        }
        let how = format!("{AT_ONCE} at once, one workspace, in process");
        self.table.push(Row::of("verifications begun, durable", &starts, "/s", how.clone()));
        let note = format!("{how}; {} accepts/s beside", number(accepts.median()));
        self.table.push(Row::of("codes checked, durable, the fifth of each ends it", &checks, "/s", note));
        self.found.check_share = share;
        installation.stop().await
    }
}

/// Checks a wrong code, if by chance it is not the right one: then the verification ends a little earlier.
async fn wrong(desk: &Desk, view: Option<&VerificationView>, turn: usize) -> Result<()> {
    let view = view.ok_or_else(|| Failure::new("a verification is missing"))?;
    let code = VerificationCode::parse(&format!("{turn:06}")).map_err(Failure::new)?;
    match desk.app.verification_check(&desk.check, view.id, code).await {
        Ok(_) => Ok(()),
        Err(error)
            if matches!(error.code(), Code::InvalidCode | Code::CodeBlocked | Code::AlreadyApproved) =>
        {
            Ok(())
        }
        Err(error) => Err(error.into()),
    }
}

/// Does it for each number, several at once.
async fn at_once<F: Future<Output = Result<()>>>(count: usize, one: impl Fn(usize) -> F) -> Result<()> {
    let mut done = stream::iter(0..count).map(one).buffer_unordered(AT_ONCE);
    while let Some(result) = done.next().await {
        result?;
    }
    Ok(())
}
