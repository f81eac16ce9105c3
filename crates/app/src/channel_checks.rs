//! Looking at channels: when they are added, daily (then at their account's templates too), and when somebody asks.

use std::sync::Arc;
use std::time::Duration;

use gatepost_channels::cloud::{CallError, ChannelCheck, CloudChannel, Finding};
use gatepost_core::access::{Grant, permission};
use gatepost_core::audit::Audit;
use gatepost_core::channel::ChannelState;
use gatepost_core::job::JobKind;
use gatepost_core::{ChannelId, Code, Entropy, Error, JobId, Result, Timestamp};
use gatepost_store::{ChannelRow, Claimed, LaneKey, NewJob, WorkspaceScope};

use crate::App;
use crate::channel_state::{ChannelReport, Source, channel_state_report};
use crate::channels::{ChannelView, call_failed, view};
use crate::lanes::{Taken, Work};

/// Between two looks at a channel, before jitter.
const DAY: Duration = Duration::from_hours(24);
/// Up to so much is taken off or added, so that channels that were added together part.
const JITTER: Duration = Duration::from_hours(2);
/// After a look from which nothing was learned.
const AFTER_FAILURE: Duration = Duration::from_hours(1);

/// What a look found, for people.
pub struct ChannelLook {
    /// The channel as it is known now.
    pub channel: ChannelView,
    pub findings: Vec<FindingView>,
}

/// One thing that stands in the way or soon will.
pub struct FindingView {
    /// Whether messages cannot be sent with it.
    pub blocks: bool,
    pub detail: String,
    pub action: &'static str,
    /// Meta's code, where Meta refused.
    pub provider_code: Option<i64>,
}

/// Whether something keeps a channel from being added or from taking a token: all that registering the number later
/// does not settle.
pub(crate) const fn blocks_adding(finding: &Finding) -> bool {
    finding.blocks() && !matches!(finding, Finding::NotRegistered(_) | Finding::NumberRestricted(_))
}

/// The state that something found puts a channel into; `None` where it sends all the same.
const fn state_of(finding: &Finding) -> Option<ChannelState> {
    match finding {
        Finding::AppRefused(_)
        | Finding::TokenInvalid
        | Finding::TokenOfOtherApp
        | Finding::PermissionMissing(_) => Some(ChannelState::TokenInvalid),
        Finding::AccountForeign(_) => Some(ChannelState::AccessLost),
        Finding::NumberRefused(refusal) => Some(match refusal.code {
            Some(0 | 104 | 190) => ChannelState::TokenInvalid,
            Some(368 | 131_031) => ChannelState::Restricted,
            _ => ChannelState::AccessLost,
        }),
        Finding::NotRegistered(_) => Some(ChannelState::Unregistered),
        Finding::NumberRestricted(_) => Some(ChannelState::Restricted),
        Finding::TokenExpires(_) | Finding::QualityLow => None,
    }
}

/// What a look says about the channel: the gravest finding decides.
pub(crate) fn report_of(check: &ChannelCheck, now: Timestamp) -> ChannelReport {
    let gravest = check.findings.first();
    let number = check.number.clone().unwrap_or_default();
    ChannelReport {
        state: Some(gravest.and_then(state_of).unwrap_or(ChannelState::Active)),
        attention: gravest.map(Finding::sentence),
        next_action: gravest.map(|finding| finding.action().to_owned()),
        verified_name: number.verified_name,
        quality_rating: number.quality_rating,
        throughput_level: number.throughput_level,
        messaging_limit: number.messaging_limit,
        name_status: number.name_status,
        number_status: number.status,
        token_expires_at: check.token.as_ref().map(|token| token.expires_at),
        checked_at: Some(now),
        ..ChannelReport::of(Source::Check)
    }
}

/// A day from now, more or less.
fn next_day(now: Timestamp, entropy: &dyn Entropy) -> Timestamp {
    let jitter = u64::from_be_bytes(entropy.array()) % (JITTER.as_secs() * 2);
    now.plus(DAY + Duration::from_secs(jitter)).minus(JITTER)
}

/// The job that looks at a channel, now and for ever. There is one for each channel: its id is the channel's own.
pub(crate) fn check_job(channel: ChannelId, now: Timestamp, entropy: &dyn Entropy) -> NewJob {
    NewJob {
        id: JobId::from_uuid(channel.uuid()),
        kind: JobKind::ChannelCheck,
        lane: channel.uuid(),
        order_key: None,
        priority: 0,
        queued_at: now,
        run_at: next_day(now, entropy),
        subject: channel.uuid(),
    }
}

/// The lane of one channel's looks.
pub(crate) struct Checking {
    app: App,
    key: LaneKey,
}

/// A look that is due; nothing to look at where the channel is gone or cannot be looked at from here.
pub(crate) struct Due {
    job: Claimed,
    channel: Option<(ChannelRow, CloudChannel)>,
    /// When the job is done for good, and not put off.
    gone: bool,
}

/// A look that was taken.
#[derive(Clone)]
pub(crate) struct Looked {
    job: Claimed,
    report: Option<Arc<ChannelReport>>,
    /// When to look again; `None`: never.
    again: Option<Timestamp>,
}

impl Checking {
    /// What a look needs; `None` where the channel was removed.
    async fn channel(&self, job: &Claimed) -> Result<Option<(ChannelRow, CloudChannel)>> {
        let (scope, id) = (job.scope(), ChannelId::from_uuid(job.subject));
        match self.app.0.store.read(scope, async move |tx| tx.channel_get(id).await).await? {
            Some(row) => {
                let cloud = self.app.cloud_channel_of(scope, &row).await?;
                Ok(Some((row, cloud)))
            }
            None => Ok(None),
        }
    }

    /// Takes over the account's templates: the guard goes by the category that Meta files them under, and Meta may move
    /// them. Not being told is no finding about the channel.
    async fn templates(&self, scope: WorkspaceScope, channel: &ChannelRow, cloud: &CloudChannel) {
        if let Err(error) = self.app.templates_read(scope, channel, cloud).await {
            tracing::info!(%error, channel = %channel.id, "the templates were not read; the next look asks again");
        }
    }
}

impl Work for Checking {
    type Item = Due;
    type Done = Looked;

    fn new(app: App, key: LaneKey) -> Self {
        Self { app, key }
    }

    fn capacity(&self) -> usize {
        1
    }

    async fn take(&self, limit: usize) -> Result<Taken<Due>> {
        let jobs = self.app.claim(self.key, 0..=0, limit).await?;
        let mut items = Vec::with_capacity(jobs.len());
        for job in jobs {
            let (channel, gone) = match self.channel(&job).await {
                Ok(Some(channel)) => (Some(channel), false),
                Ok(None) => (None, true),
                Err(error) => {
                    tracing::warn!(%error, channel = %job.subject, "a channel could not be looked at");
                    (None, false)
                }
            };
            items.push(Due { job, channel, gone });
        }
        Ok(Taken { items, again: None })
    }

    async fn perform(&self, item: Due) -> Looked {
        let Due { job, channel, gone } = item;
        let now = self.app.now();
        let entropy = self.app.0.entropy.as_ref();
        let Some((channel, cloud)) = channel else {
            return Looked { job, report: None, again: (!gone).then(|| now.plus(AFTER_FAILURE)) };
        };
        match self.app.0.cloud.check_channel(&cloud, Some(&cloud.waba_id), now).await {
            Ok(check) => {
                self.templates(job.scope(), &channel, &cloud).await;
                let report = Some(Arc::new(report_of(&check, now)));
                Looked { job, report, again: Some(next_day(now, entropy)) }
            }
            Err(error) => {
                let wait = match &error {
                    CallError::Limited(wait) => *wait,
                    _ => AFTER_FAILURE,
                };
                tracing::info!(%error, channel = %job.subject, "nothing was learned of a channel; it is looked at again later");
                Looked { job, report: None, again: Some(now.plus(wait)) }
            }
        }
    }

    async fn record(&self, done: Vec<Looked>) -> Result<()> {
        let Some(scope) = done.first().map(|d| d.job.scope()) else { return Ok(()) };
        let app = &self.app;
        let keys = app.0.sealing.keys(scope).await?;
        let (now, entropy) = (app.now(), Arc::clone(&app.0.entropy));
        app.0
            .store
            .write(scope, async move |tx| {
                for Looked { job, report, again } in &done {
                    if let Some(report) = report {
                        let channel = ChannelId::from_uuid(job.subject);
                        channel_state_report(tx, &keys, &entropy, now, channel, report).await?;
                    }
                    match again {
                        Some(at) => tx.job_defer(job, *at, false).await?,
                        None => tx.job_complete(job).await?,
                    }
                }
                tx.commit(Audit::None("what a look found is in the event log"), ())
            })
            .await
    }
}

impl App {
    /// Gives every channel its daily look, also those that were added before there was one.
    pub(crate) async fn channel_checks_begin(&self) {
        let missing =
            self.0.store.read_system(async |tx| tx.channels_without_job(JobKind::ChannelCheck).await).await;
        let missing = match missing {
            Ok(missing) => missing,
            Err(error) => {
                tracing::warn!(%error, "could not see which channels have no daily look; the next start will");
                return;
            }
        };
        for (scope, channel) in missing {
            let now = self.now();
            // Spread over the day: they would all be due at once otherwise.
            let mut job = check_job(channel, now, self.entropy());
            let spread = u64::from_be_bytes(self.entropy().array()) % DAY.as_secs();
            job.run_at = now.plus(Duration::from_secs(spread));
            let queued = self
                .0
                .store
                .write(scope, async move |tx| {
                    tx.job_insert_once(&job).await?;
                    tx.commit(Audit::None("a job that every channel has"), ())
                })
                .await;
            if let Err(error) = queued {
                tracing::warn!(%error, %channel, "a channel has no daily look; the next start will give it one");
            }
        }
    }

    /// Looks at a channel now, writes down what was found and answers it.
    pub async fn channel_check(
        &self,
        grant: &Grant<permission::ChannelManage>,
        id: ChannelId,
    ) -> Result<ChannelLook> {
        let scope = WorkspaceScope::from(grant);
        let row = self.channel_own(grant, id).await?;
        let cloud = self.cloud_channel_of(scope, &row).await?;
        let check = self.0.cloud.check_channel(&cloud, Some(&cloud.waba_id), self.now()).await;
        let check = check.map_err(call_failed)?;
        let row = self.channel_report(scope, id, report_of(&check, self.now())).await?;
        let findings = check
            .findings
            .iter()
            .map(|finding| FindingView {
                blocks: finding.blocks(),
                detail: finding.sentence(),
                action: finding.action(),
                provider_code: match finding {
                    Finding::AppRefused(refusal) | Finding::NumberRefused(refusal) => refusal.code,
                    _ => None,
                },
            })
            .collect();
        Ok(ChannelLook { channel: view(self.0.sealing.keys(scope).await?.as_ref(), &row)?, findings })
    }

    /// Writes down what was found out about a channel in a transaction of its own; answers the row as it is then.
    pub(crate) async fn channel_report(
        &self,
        scope: WorkspaceScope,
        id: ChannelId,
        report: ChannelReport,
    ) -> Result<ChannelRow> {
        let keys = self.0.sealing.keys(scope).await?;
        let (now, entropy) = (self.now(), Arc::clone(&self.0.entropy));
        self.0
            .store
            .write(scope, async move |tx| {
                channel_state_report(tx, &keys, &entropy, now, id, &report).await?;
                let row = tx.channel_get(id).await?.ok_or_else(|| Error::of(Code::NotFound))?;
                tx.commit(Audit::None("what a look found is in the event log"), row)
            })
            .await
    }
}
