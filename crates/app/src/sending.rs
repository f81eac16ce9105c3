//! The lane of a channel: hands queued messages to Meta at the channel's pace.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use gatepost_channels::cloud::{CloudChannel, SendOutcome};
use gatepost_channels::errors::Class;
use gatepost_core::audit::Audit;
use gatepost_core::channel::ChannelState;
use gatepost_core::job::JobKind;
use gatepost_core::message::{MessageState, OnUnknown, OutboundMessage};
use gatepost_core::{ChannelId, Error, JobId, MessageId, Result, Timestamp};
use gatepost_store::{Claimed, LaneKey, MessageChange, MessageRow, NewJob, WorkspaceScope};

use crate::App;
use crate::journal::Begun;
use crate::lanes::{Taken, Work};
use crate::messages::{StoredContent, StoredParty, open_json, place, seal_provider};
use crate::results::{Failure, error_of_refusal};
use crate::sealing::failed;

/// Priorities from codes to bulk.
const PRIORITIES: std::ops::RangeInclusive<i64> = 0..=2;
/// A message whose answer was cut is sent again after this time, where its sender chose so.
const RESEND_AFTER: Duration = Duration::from_secs(5);
/// How long a lane of a channel that cannot send sleeps; a change of the channel wakes it before.
const PARKED: Duration = Duration::from_secs(30);
/// A channel at its limit sends what this time allows at once.
const BATCH_SECONDS: f64 = 0.05;
/// The longest wait between two tries of one message.
const LONGEST_PAUSE: Duration = Duration::from_mins(15);

/// The work of one channel's lane.
pub(crate) struct Sending {
    app: App,
    key: LaneKey,
    pace: Mutex<Pace>,
}

/// A token bucket: `rate` a second, at most a tenth of a second's worth saved up.
struct Pace {
    rate: f64,
    tokens: f64,
    at: Instant,
    /// Nothing goes before this time: Meta said the number goes too fast.
    not_before: Option<Instant>,
}

impl Pace {
    const fn burst(&self) -> f64 {
        let tenth = self.rate / 10.0;
        if tenth < 1.0 { 1.0 } else { tenth }
    }

    /// How many may go now; when none, how long to wait.
    fn allowance(&mut self, rate: f64, now: Instant) -> Result<usize, Duration> {
        self.rate = rate;
        if let Some(until) = self.not_before {
            if now < until {
                return Err(until - now);
            }
            self.not_before = None;
        }
        self.tokens = (self.tokens + now.duration_since(self.at).as_secs_f64() * rate).min(self.burst());
        self.at = now;
        if self.tokens >= 1.0 {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "between 1 and the burst"
            )]
            return Ok(self.tokens as usize);
        }
        // A few at a time: each look at the table costs more than the message itself.
        let few = (rate * BATCH_SECONDS).clamp(1.0, self.burst());
        Err(Duration::from_secs_f64((few - self.tokens) / rate))
    }

    fn spend(&mut self, count: usize) {
        #[expect(clippy::cast_precision_loss, reason = "a count of messages under way")]
        let count = count as f64;
        self.tokens -= count;
    }
}

/// A message about to be sent.
pub(crate) struct Outgoing {
    job: Claimed,
    row: MessageRow,
    message: Option<OutboundMessage>,
    channel: Arc<CloudChannel>,
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
}

/// What a result changes, prepared before the transaction.
#[derive(Clone)]
enum Change {
    Accepted { message: MessageId, provider: ([u8; 16], Vec<u8>), at: Timestamp },
    Later { at: Timestamp },
    Failed(Failure),
    Doubtful { message: MessageId, decide: NewJob },
    Channel { state: ChannelState, at: Timestamp },
    Gone,
}

impl Work for Sending {
    type Item = Outgoing;
    type Done = Sent;

    fn new(app: App, key: LaneKey) -> Self {
        let pace = Pace { rate: 80.0, tokens: 1.0, at: Instant::now(), not_before: None };
        Self { app, key, pace: Mutex::new(pace) }
    }

    fn capacity(&self) -> usize {
        self.app.0.config.send_parallel
    }

    async fn take(&self, limit: usize) -> Result<Taken<Outgoing>> {
        let app = &self.app;
        let channel_id = ChannelId::from_uuid(self.key.lane);
        let Some((scope, row, channel)) = app.sending_channel(channel_id).await? else {
            // Deleted: what waited was failed with it.
            return Ok(Taken { items: Vec::new(), again: None });
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
        let jobs = app.claim(self.key, PRIORITIES, allowed).await?;
        self.pace.lock().unwrap_or_else(PoisonError::into_inner).spend(jobs.len());
        let again = (jobs.len() == allowed && allowed < limit).then_some(Duration::from_millis(5));
        if jobs.is_empty() {
            return Ok(Taken { items: Vec::new(), again: None });
        }
        let ids: Vec<MessageId> = jobs.iter().map(|j| MessageId::from_uuid(j.subject)).collect();
        let rows = app.0.store.read(scope, async move |tx| tx.messages_get(&ids).await).await?;
        let keys = app.0.sealing.keys(scope).await?;
        let originals = self.originals(scope, &keys, &rows).await?;
        let mut items = Vec::with_capacity(jobs.len());
        for (job, row) in jobs.into_iter().zip(rows) {
            let Some(row) = row else {
                app.drop_job(scope, job).await?;
                continue;
            };
            let message = outbound(&keys, &row, row.reply_to.and_then(|id| originals.get(&id).cloned()));
            if let (Err(error), MessageState::Queued) = (&message, row.state) {
                tracing::error!(%error, message = %row.id, "a queued message cannot be read");
            }
            items.push(Outgoing { job, row, message: message.ok(), channel: Arc::clone(&channel) });
        }
        Ok(Taken { items, again })
    }

    async fn perform(&self, item: Outgoing) -> Sent {
        let Outgoing { job, row, message, channel } = item;
        // An earlier try was cut, and a status has told since what became of it: there is nothing left to send.
        if !matches!(row.state, MessageState::Queued | MessageState::Sending) {
            let known = Err(Error::internal("what became of the message is known already"));
            return Sent { job, row: None, outcome: Arc::new(known), at: self.app.now(), begun: None };
        }
        let mut begun = None;
        let outcome = match message {
            None => Err(Error::internal("the stored message cannot be read")),
            // An earlier try was cut by a crash or a lost lease: it may have reached Meta.
            Some(_) if job.cut_at.is_some() && row.on_unknown == OnUnknown::Fail => {
                Ok(SendOutcome::Ambiguous {
                    class: "process_lost",
                    reason: "an earlier try was cut".to_owned(),
                })
            }
            Some(message) => Ok(self.send(&job, &channel, &message, &mut begun).await),
        };
        let label = match &outcome {
            Ok(SendOutcome::Accepted(_)) => "accepted",
            Ok(SendOutcome::Refused(_)) => "refused",
            Ok(SendOutcome::NotSent { .. }) => "not_sent",
            Ok(SendOutcome::Ambiguous { .. }) => "ambiguous",
            Err(_) => "unreadable",
        };
        metrics::counter!("gatepost_meta_sends_total", "outcome" => label).increment(1);
        if let Ok(SendOutcome::Refused(refusal)) = &outcome
            && matches!(refusal.advice.class, Class::RetrySlowNumber)
        {
            let wait = refusal.retry_after.unwrap_or(Duration::from_secs(1));
            self.pace.lock().unwrap_or_else(PoisonError::into_inner).not_before = Some(Instant::now() + wait);
        }
        Sent { job, row: Some(Arc::new(row)), outcome: Arc::new(outcome), at: self.app.now(), begun }
    }

    async fn record(&self, done: Vec<Sent>) -> Result<()> {
        let Some(first) = done.first() else { return Ok(()) };
        let scope = first.job.scope();
        let app = &self.app;
        let keys = app.0.sealing.keys(scope).await?;
        let mut changes = Vec::with_capacity(done.len());
        for sent in &done {
            changes.push((sent.job.clone(), self.change(&keys, sent)?));
        }
        let channel = ChannelId::from_uuid(self.key.lane);
        let entropy = Arc::clone(&app.0.entropy);
        let marks: Vec<Begun> = done.iter().filter_map(|sent| sent.begun).collect();
        app.0
            .store
            .write(scope, async move |tx| {
                let mut finished = Vec::new();
                let mut accepted = Vec::new();
                for (job, change) in &changes {
                    match change {
                        Change::Accepted { .. } => {
                            accepted.push(change);
                            finished.push(job.clone());
                        }
                        Change::Later { at } => tx.job_defer(job, *at).await?,
                        Change::Failed(failure) => {
                            failure.write(tx, &entropy).await?;
                            finished.push(job.clone());
                        }
                        Change::Doubtful { message, decide } => {
                            mark_sending(tx, *message, decide.queued_at).await?;
                            tx.job_insert(decide).await?;
                            finished.push(job.clone());
                        }
                        Change::Channel { state, at } => {
                            tx.channel_state_set(channel, *state).await?;
                            tx.job_defer(job, *at).await?;
                        }
                        Change::Gone => finished.push(job.clone()),
                    }
                }
                write_accepted(tx, &accepted).await?;
                tx.job_complete_many(&finished).await?;
                tx.commit(Audit::None("results are in the message log"), ())
            })
            .await?;
        for mark in marks {
            app.journal().end(mark);
        }
        Ok(())
    }
}

/// The message is with Meta, or may be.
async fn mark_sending(tx: &gatepost_store::WorkspaceTx<'_>, id: MessageId, at: Timestamp) -> Result<()> {
    if let Some(Some(status)) = tx.message_status(&[id]).await?.pop() {
        tx.message_change(&[MessageChange {
            id,
            state: status.state.after(MessageState::Sending, false),
            reached: Some((MessageState::Sending, at)),
            provider: None,
            error: None,
            doubtful: status.doubtful,
            drop_content: false,
        }])
        .await?;
    }
    Ok(())
}

async fn write_accepted(tx: &gatepost_store::WorkspaceTx<'_>, accepted: &[&Change]) -> Result<()> {
    let mut known = Vec::new();
    for change in accepted {
        if let Change::Accepted { message, provider, at } = change {
            known.push((*message, provider, *at));
        }
    }
    let ids: Vec<MessageId> = known.iter().map(|(id, ..)| *id).collect();
    let statuses = tx.message_status(&ids).await?;
    let mut rows = Vec::with_capacity(known.len());
    for ((id, provider, at), status) in known.into_iter().zip(statuses) {
        // A status may have been faster than the answer: states only move forward.
        let Some(status) = status else { continue };
        rows.push(MessageChange {
            id,
            state: status.state.after(MessageState::Sending, false),
            reached: Some((MessageState::Sending, at)),
            provider: Some(provider.clone()),
            error: None,
            doubtful: status.doubtful,
            drop_content: false,
        });
    }
    tx.message_change(&rows).await
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

    fn change(&self, keys: &gatepost_vault::WorkspaceKeys, sent: &Sent) -> Result<Change> {
        let Some(row) = &sent.row else { return Ok(Change::Gone) };
        let entropy = self.app.0.entropy.as_ref();
        let fail = |error, doubtful| {
            Failure::prepare(keys, row, &error, sent.at, entropy, doubtful).map(Change::Failed)
        };
        match sent.outcome.as_ref() {
            Ok(SendOutcome::Accepted(answer)) => Ok(Change::Accepted {
                message: row.id,
                provider: seal_provider(keys, row.id, &answer.wamid)?,
                at: sent.at,
            }),
            Ok(SendOutcome::Refused(refusal)) => {
                let class = refusal.advice.class;
                if class.concerns_channel() {
                    tracing::warn!(channel = %row.channel, code = refusal.code, "Meta refuses this channel: it is parked");
                    let state = if class == Class::RenewToken {
                        ChannelState::TokenInvalid
                    } else {
                        ChannelState::Restricted
                    };
                    return Ok(Change::Channel { state, at: sent.at });
                }
                let tries = u32::try_from(sent.job.attempts).unwrap_or(u32::MAX);
                match class.pause(tries) {
                    Some(pause) if sent.job.attempts < self.app.0.config.send_attempts => Ok(Change::Later {
                        at: sent.at.plus(refusal.retry_after.unwrap_or(pause).max(pause)),
                    }),
                    _ => fail(error_of_refusal(refusal), false),
                }
            }
            Ok(SendOutcome::NotSent { class, reason }) => {
                if *class == gatepost_net::class::REQUEST_INVALID {
                    return fail(unsendable(reason), false);
                }
                let pause = Duration::from_secs(1 << sent.job.attempts.clamp(0, 9)).min(LONGEST_PAUSE);
                tracing::debug!(channel = %row.channel, class, "Meta was not reached; the message waits");
                Ok(Change::Later { at: sent.at.plus(pause) })
            }
            Ok(SendOutcome::Ambiguous { class, .. }) => {
                metrics::counter!("gatepost_sends_cut_total").increment(1);
                tracing::warn!(message = %row.id, class, "Meta's answer to a send was cut");
                if row.on_unknown == OnUnknown::Resend {
                    return Ok(Change::Later { at: sent.at.plus(RESEND_AFTER) });
                }
                let decide = NewJob {
                    id: JobId::new(sent.at, entropy),
                    kind: JobKind::OutcomeDecide,
                    lane: self.key.lane,
                    order_key: None,
                    priority: 0,
                    queued_at: sent.at,
                    run_at: sent.at.plus(self.app.0.config.outcome_wait),
                    subject: row.id.uuid(),
                };
                Ok(Change::Doubtful { message: row.id, decide })
            }
            Err(_) => fail(unsendable("the stored message cannot be read"), false),
        }
    }
}

fn unsendable(reason: &str) -> gatepost_core::event::MessageError {
    gatepost_core::event::MessageError {
        code: "not_sendable".to_owned(),
        provider_code: None,
        class: "needs_action".to_owned(),
        detail: reason.to_owned(),
        action: "Look at the channel's settings, then send again: nothing was sent.".to_owned(),
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

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn the_pace_is_kept() {
        let start = Instant::now();
        let mut pace = Pace { rate: 80.0, tokens: 1.0, at: start, not_before: None };
        let (mut now, mut sent) = (start, 0);
        while now < start + Duration::from_secs(10) {
            match pace.allowance(80.0, now) {
                Ok(count) => {
                    pace.spend(count);
                    sent += count;
                }
                Err(wait) => now += wait.max(Duration::from_micros(100)),
            }
        }
        assert!((792..=809).contains(&sent), "80 a second for ten seconds, got {sent}");
        pace.not_before = Some(now + Duration::from_secs(2));
        assert_eq!(pace.allowance(80.0, now).unwrap_err(), Duration::from_secs(2));
    }
}
