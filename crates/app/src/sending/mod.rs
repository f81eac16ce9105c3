//! The lane of a channel: hands queued messages to Meta at the channel's pace.

mod channel;
mod pace;
mod record;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use gatepost_channels::cloud::{CloudChannel, SendOutcome};
use gatepost_channels::errors::Class;
use gatepost_core::audit::Audit;
use gatepost_core::channel::ChannelState;
use gatepost_core::message::{MessageState, OnUnknown, OutboundMessage};
use gatepost_core::{ChannelId, Code, Error, MessageId, Result, Timestamp};
use gatepost_store::{Claimed, LaneKey, MessageRow, WorkspaceScope};

use crate::App;
use crate::guard::quiet::{in_order, zones};
use crate::guard::{Barred, Bars, bars};
use crate::journal::Begun;
use crate::lanes::{Taken, Work};
use crate::messages::{StoredContent, StoredParty, open_json, place};
use crate::sealing::failed;

use channel::Known;
pub use pace::PairLimit;
use pace::{Pace, Pairs};

/// Priorities from codes to bulk.
const PRIORITIES: std::ops::RangeInclusive<i64> = 0..=2;
/// How long a lane of a channel that cannot send sleeps; a change of the channel wakes it before.
const PARKED: Duration = Duration::from_secs(30);

/// How long a lane leaves alone what is paused; lifting a pause wakes it before, on the node that lifts it.
const PAUSED: Duration = Duration::from_secs(5);

/// The same for messages of a paused purpose, which are looked at one by one.
const PURPOSE_PAUSED: Duration = Duration::from_secs(15);

/// What a look at the queue took.
#[derive(Clone, Default)]
struct Taking {
    jobs: Vec<Claimed>,
    rows: HashMap<MessageId, MessageRow>,
    bars: Bars,
    /// Everything that is due is paused.
    paused: bool,
}

/// The work of one channel's lane.
pub(crate) struct Sending {
    app: App,
    key: LaneKey,
    pace: Mutex<Pace>,
    pairs: Mutex<Pairs>,
    known: Known,
}

/// A message about to be sent.
pub(crate) struct Outgoing {
    job: Claimed,
    row: MessageRow,
    message: Option<OutboundMessage>,
    /// `None`: it was deleted.
    channel: Option<Arc<CloudChannel>>,
    /// Why the guard does not let it go any more.
    barred: Option<Barred>,
}

/// What became of it.
#[derive(Clone)]
pub(crate) struct Sent {
    job: Claimed,
    /// `None` when nothing is left to do but to remove the job.
    row: Option<Arc<MessageRow>>,
    outcome: Arc<Result<SendOutcome>>,
    at: Timestamp,
    /// Its mark in the journal, until this is committed.
    begun: Option<Begun>,
    /// It must not be sent again, whatever its sender chose.
    not_again: bool,
}

impl Sent {
    /// Meta's code, where Meta refused it.
    fn refused_with(&self) -> Option<i64> {
        match self.outcome.as_ref() {
            Ok(SendOutcome::Refused(refusal)) => refusal.code,
            _ => None,
        }
    }
}

impl Work for Sending {
    type Item = Outgoing;
    type Done = Sent;

    fn new(app: App, key: LaneKey) -> Self {
        let pace = Mutex::new(Pace::new(Instant::now()));
        Self { app, key, pace, pairs: Mutex::default(), known: Known::default() }
    }

    fn capacity(&self) -> usize {
        self.app.0.config.send_parallel
    }

    async fn take(&self, limit: usize) -> Result<Taken<Outgoing>> {
        let app = &self.app;
        let channel_id = ChannelId::from_uuid(self.key.lane);
        let Some((scope, row, channel)) = self.known.channel(app, channel_id).await? else {
            return self.take_orphans(limit).await;
        };
        if row.state != ChannelState::Active {
            return Ok(Taken { items: Vec::new(), again: Some(PARKED) });
        }
        #[expect(clippy::cast_precision_loss, reason = "messages a second")]
        let rate = row.throughput.max(1) as f64;
        let allowed =
            self.pace.lock().unwrap_or_else(PoisonError::into_inner).allowance(rate, Instant::now());
        let allowed = match allowed {
            Ok(count) => count.min(limit),
            Err(wait) => return Ok(Taken { items: Vec::new(), again: Some(wait) }),
        };
        let Taking { jobs: claimed, mut rows, bars, paused } = self.claim(allowed, Some(channel_id)).await?;
        if paused {
            return Ok(Taken { items: Vec::new(), again: Some(PAUSED) });
        }
        let all = claimed.len() == allowed;
        let Bars { of: mut barred, quiet, .. } = bars;
        let jobs = self.in_time(scope, claimed, &barred).await?;
        self.pace.lock().unwrap_or_else(PoisonError::into_inner).spend(jobs.len());
        let again = (all && allowed < limit).then_some(Duration::from_millis(5));
        if jobs.is_empty() {
            return Ok(Taken { items: Vec::new(), again });
        }
        let rows: Vec<_> = jobs.iter().map(|j| rows.remove(&MessageId::from_uuid(j.subject))).collect();
        let keys = app.0.sealing.keys(scope).await?;
        let originals = self.originals(scope, &keys, &rows).await?;
        let (mut items, mut late) = (Vec::with_capacity(jobs.len()), Vec::new());
        for (job, row) in jobs.into_iter().zip(rows) {
            let Some(row) = row else {
                app.drop_job(scope, job).await?;
                continue;
            };
            let message = outbound(&keys, &row, row.reply_to.and_then(|id| originals.get(&id).cloned()));
            if let (Err(error), MessageState::Queued) = (&message, row.state) {
                tracing::error!(%error, message = %row.id, "a queued message cannot be read");
            }
            let barred = barred.remove(&row.id);
            // What was accepted before quiet hours began and is late waits for their end. What was cut is decided about,
            // and who has just written STOP hears at once that it was heard.
            if let (None, None, Some(quiet), Ok(message)) = (barred, job.cut_at, &quiet, &message)
                && row.counted
                && let Some(until) =
                    quiet.until(&app.0.texts, message.purpose, zones(&message.to), app.now())?
            {
                late.push((job, in_order(until, app.now())));
                continue;
            }
            let channel = Some(Arc::clone(&channel));
            items.push(Outgoing { job, row, message: message.ok(), channel, barred });
        }
        self.put_behind(scope, late).await?;
        Ok(Taken { items, again })
    }

    async fn perform(&self, item: Outgoing) -> Sent {
        let Outgoing { job, row, message, channel, barred } = item;
        // An earlier try was cut, and a status has told since what became of it: there is nothing left to send.
        if !matches!(row.state, MessageState::Queued | MessageState::Sending) {
            let known = Err(Error::internal("what became of the message is known already"));
            let (outcome, at) = (Arc::new(known), self.app.now());
            return Sent { job, row: None, outcome, at, begun: None, not_again: false };
        }
        let mut begun = None;
        let outcome = match (message, channel) {
            _ if barred == Some(Barred::NotAgain) => {
                Ok(SendOutcome::Ambiguous { class: "suppressed", reason: "the person opted out".to_owned() })
            }
            _ if barred.is_some() => Err(Error::of(match barred {
                Some(Barred::Expired) => Code::MessageExpired,
                _ => Code::RecipientSuppressed,
            })),
            (_, None) => Err(Error::of(Code::NotFound)),
            (None, _) => Err(Error::internal("the stored message cannot be read")),
            // An earlier try was cut by a crash or a lost lease: it may have reached Meta.
            (Some(_), _) if job.cut_at.is_some() && row.on_unknown == OnUnknown::Fail => {
                Ok(SendOutcome::Ambiguous {
                    class: "process_lost",
                    reason: "an earlier try was cut".to_owned(),
                })
            }
            (Some(message), Some(channel)) => Ok(self.send(&job, &channel, &message, &mut begun).await),
        };
        let label = match &outcome {
            Ok(SendOutcome::Accepted(_)) => "accepted",
            Ok(SendOutcome::Refused(_)) => "refused",
            Ok(SendOutcome::NotSent { .. }) => "not_sent",
            Ok(SendOutcome::Ambiguous { .. }) => "ambiguous",
            Err(error) if error.code() == Code::RecipientSuppressed => "suppressed",
            Err(error) if error.code() == Code::MessageExpired => "expired",
            Err(_) => "unsendable",
        };
        metrics::counter!("gatepost_meta_sends_total", "outcome" => label).increment(1);
        if let Ok(SendOutcome::Refused(refusal)) = &outcome
            && matches!(refusal.advice.class, Class::RetrySlowNumber)
        {
            let wait = refusal.retry_after.unwrap_or(Duration::from_secs(1));
            self.pace.lock().unwrap_or_else(PoisonError::into_inner).hold(Instant::now() + wait);
        }
        let not_again = barred == Some(Barred::NotAgain);
        Sent {
            job,
            row: Some(Arc::new(row)),
            outcome: Arc::new(outcome),
            at: self.app.now(),
            begun,
            not_again,
        }
    }

    async fn record(&self, done: Vec<Sent>) -> Result<()> {
        self.write_down(done).await
    }
}

fn outbound(
    keys: &gatepost_vault::WorkspaceKeys,
    row: &MessageRow,
    reply_to: Option<String>,
) -> Result<OutboundMessage> {
    let workspace = gatepost_core::WorkspaceId::from_uuid(keys.workspace());
    let at = |column| place(workspace, column, row.id);
    let party: StoredParty = open_json(keys, &at("party"), &row.party)?;
    let sealed = row.content.as_ref().ok_or_else(|| Error::internal("the content is gone"))?;
    let content: StoredContent = open_json(keys, &at("content"), sealed)?;
    Ok(OutboundMessage {
        id: row.id,
        to: party.recipient()?,
        purpose: row.purpose.ok_or_else(|| Error::internal("an outbound message without a purpose"))?,
        content: content.into_content()?,
        reply_to,
    })
}

impl Sending {
    /// Claims jobs, reads their messages and asks the guard, in one transaction. Where the whole `channel` is paused nothing
    /// is claimed.
    async fn claim(&self, limit: usize, channel: Option<ChannelId>) -> Result<Taking> {
        let (app, key) = (self.app.clone(), self.key);
        let (node, now) = (app.node(), app.now());
        let until = now.plus(app.0.config.job_lease);
        self.app
            .0
            .store
            .write_system(async move |tx| {
                let jobs = tx.jobs_claim(key, PRIORITIES, node, now, until, limit).await?;
                let ids: Vec<MessageId> = jobs.iter().map(|j| MessageId::from_uuid(j.subject)).collect();
                let Some(first) = jobs.first() else {
                    return tx.commit(Audit::None("nothing to claim"), Taking::default());
                };
                let inside = tx.work_of(first);
                let rows = inside.messages_get(&ids).await?;
                let rows: HashMap<_, _> = rows.into_iter().flatten().map(|row| (row.id, row)).collect();
                let mut taking = Taking { jobs, rows, ..Taking::default() };
                if let Some(channel) = channel {
                    let config = &app.0.config.guard;
                    taking.bars =
                        bars(&inside, config, &app.0.texts, channel, &taking.jobs, &taking.rows, now).await?;
                    // Nothing of it goes: the claims are given back as if they had not been made. Where a purpose is
                    // paused, others may stand behind these.
                    let none_goes = taking.jobs.iter().all(|job| {
                        taking.bars.of.get(&MessageId::from_uuid(job.subject)) == Some(&Barred::Paused)
                    });
                    if taking.bars.all_paused && none_goes {
                        let back: Vec<_> = taking.jobs.iter().map(|job| (job.clone(), job.run_at)).collect();
                        inside.jobs_put_back(&back).await?;
                        let paused = Taking { paused: true, ..Taking::default() };
                        return tx.commit(Audit::None("what is paused waits"), paused);
                    }
                }
                tx.commit(Audit::None("a claim"), taking)
            })
            .await
    }

    /// Those of the claimed that their people may get now; the others are put back until they may.
    async fn in_time(
        &self,
        scope: WorkspaceScope,
        claimed: Vec<Claimed>,
        barred: &HashMap<MessageId, Barred>,
    ) -> Result<Vec<Claimed>> {
        let (at, now, limit) = (self.app.now(), Instant::now(), self.app.0.config.send_pair_limit);
        let (mut early, mut behind) = (Vec::new(), Vec::new());
        let mut jobs = Vec::with_capacity(claimed.len());
        {
            let mut pairs = self.pairs.lock().unwrap_or_else(PoisonError::into_inner);
            for job in claimed {
                let bar = barred.get(&MessageId::from_uuid(job.subject));
                if bar == Some(&Barred::Paused) {
                    // Each a little later than the one before, so that they keep their order.
                    let step = Duration::from_micros(u64::try_from(behind.len()).unwrap_or(u64::MAX));
                    behind.push((job, at.plus(PURPOSE_PAUSED).plus(step)));
                    continue;
                }
                if bar.is_some() {
                    jobs.push(job);
                    continue;
                }
                let wait = match &job.order_key {
                    // What was cut is decided about, not sent.
                    Some(person) if job.cut_at.is_none() => pairs.admit(limit, person, now).err(),
                    _ => None,
                };
                match wait {
                    Some(wait) => early.push((job, at.plus(wait))),
                    None => jobs.push(job),
                }
            }
        }
        self.put_behind(scope, behind).await?;
        if !early.is_empty() {
            metrics::counter!("gatepost_sends_paced_total", "limit" => "pair")
                .increment(u64::try_from(early.len()).unwrap_or(u64::MAX));
            self.app
                .0
                .store
                .write(scope, async move |tx| {
                    tx.jobs_put_back(&early).await?;
                    tx.commit(Audit::None("messages wait for their turn"), ())
                })
                .await?;
        }
        Ok(jobs)
    }

    /// Puts claims back until their times; nothing for the same people waits behind them.
    async fn put_behind(&self, scope: WorkspaceScope, jobs: Vec<(Claimed, Timestamp)>) -> Result<()> {
        if jobs.is_empty() {
            return Ok(());
        }
        self.app
            .0
            .store
            .write(scope, async move |tx| {
                tx.jobs_put_behind(&jobs).await?;
                tx.commit(Audit::None("messages wait"), ())
            })
            .await
    }

    /// What was still queued on a channel that was deleted: it fails, and its sender hears of it.
    async fn take_orphans(&self, limit: usize) -> Result<Taken<Outgoing>> {
        let Taking { jobs, mut rows, .. } = self.claim(limit, None).await?;
        let mut items = Vec::with_capacity(jobs.len());
        for job in jobs {
            match rows.remove(&MessageId::from_uuid(job.subject)) {
                Some(row) => items.push(Outgoing { job, row, message: None, channel: None, barred: None }),
                None => self.app.drop_job(job.scope(), job).await?,
            }
        }
        Ok(Taken { items, again: None })
    }

    /// Marks the send as begun, then hands it to Meta.
    async fn send(
        &self,
        job: &Claimed,
        channel: &CloudChannel,
        message: &OutboundMessage,
        begun: &mut Option<Begun>,
    ) -> SendOutcome {
        match self.app.journal().begin(job) {
            Ok(mark) => *begun = Some(mark),
            // Unmarked it could be sent twice after a crash; it waits like one that Meta was not reached for.
            Err(error) => {
                tracing::error!(%error, "the journal of sends cannot be written");
                return SendOutcome::NotSent { class: "journal_failed", reason: error.to_string() };
            }
        }
        self.app.0.cloud.send(channel, message).await
    }

    /// Meta's ids of the messages that these reply to.
    async fn originals(
        &self,
        scope: WorkspaceScope,
        keys: &gatepost_vault::WorkspaceKeys,
        rows: &[Option<MessageRow>],
    ) -> Result<HashMap<MessageId, String>> {
        let ids: Vec<MessageId> = rows.iter().flatten().filter_map(|row| row.reply_to).collect();
        if ids.is_empty() {
            return Ok(HashMap::new());
        }
        let originals = self.app.0.store.read(scope, async move |tx| tx.messages_get(&ids).await).await?;
        let mut found = HashMap::new();
        for row in originals.into_iter().flatten() {
            if let Some(sealed) = &row.provider_id {
                let plain = keys.open_content(&place(scope.workspace(), "provider_id", row.id), sealed);
                let wamid = String::from_utf8(plain.map_err(failed)?).map_err(Error::internal)?;
                found.insert(row.id, wamid);
            }
        }
        Ok(found)
    }
}

impl App {
    /// Removes a job whose subject is gone.
    pub(crate) async fn drop_job(&self, scope: WorkspaceScope, job: Claimed) -> Result<()> {
        self.0
            .store
            .write(scope, async move |tx| {
                tx.job_complete(&job).await?;
                tx.commit(Audit::None("nothing is left to do"), ())
            })
            .await
    }
}
