//! Writing down what became of sends.

use std::sync::Arc;
use std::time::Duration;

use gatepost_channels::cloud::SendOutcome;
use gatepost_channels::errors::Class;
use gatepost_core::audit::Audit;
use gatepost_core::event::MessageError;
use gatepost_core::job::JobKind;
use gatepost_core::message::{MessageState, OnUnknown};
use gatepost_core::{ChannelId, Code, JobId, MessageId, Result, Timestamp};
use gatepost_store::{MessageChange, NewJob, WorkspaceTx};
use gatepost_vault::WorkspaceKeys;

use super::{Sending, Sent};
use crate::channel_state::{ChannelReport, channel_state_report};
use crate::choices::{Choice, META_OPTED_OUT};
use crate::guard::Withdrawal;
use crate::journal::Begun;
use crate::messages::seal_provider;
use crate::results::{Delay, Failure, channel_deleted, error_of_refusal, meta_unreachable, unsendable};

/// A message whose answer was cut is sent again after this time, where its sender chose so.
const RESEND_AFTER: Duration = Duration::from_secs(5);
/// The longest wait between two tries of one message that Meta never saw.
const LONGEST_PAUSE: Duration = Duration::from_mins(15);
/// A message that waits at least so long is told of by an event.
const WORTH_TELLING: Duration = Duration::from_mins(1);

/// What a result changes, prepared before the transaction.
#[derive(Clone)]
enum Change {
    Accepted {
        message: MessageId,
        provider: ([u8; 16], Vec<u8>),
        at: Timestamp,
    },
    /// Another try; what comes after it for the same person waits too, unless this one waits `aside`.
    Later {
        at: Timestamp,
        aside: bool,
        delay: Option<Delay>,
    },
    /// It will not arrive: `returned` where it never reached Meta, so that its unit is given back.
    Failed {
        failure: Failure,
        returned: bool,
        /// What Meta said of the person with it.
        choice: Option<Box<Choice>>,
    },
    /// The guard did not let it go any more.
    Barred(Box<Withdrawal>),
    Doubtful {
        message: MessageId,
        decide: NewJob,
    },
    /// The whole channel cannot send: the message waits until it can.
    Parked {
        report: ChannelReport,
        delay: Delay,
    },
    Gone,
}

impl Change {
    fn choice(&self) -> Option<&Choice> {
        match self {
            Self::Failed { choice, .. } => choice.as_deref(),
            _ => None,
        }
    }
}

impl Sending {
    /// Writes results down in one transaction.
    pub(super) async fn write_down(&self, done: Vec<Sent>) -> Result<()> {
        let Some(first) = done.first() else { return Ok(()) };
        let scope = first.job.scope();
        let app = &self.app;
        let keys = app.0.sealing.keys(scope).await?;
        let mut changes = Vec::with_capacity(done.len());
        for sent in &done {
            changes.push((sent.job.clone(), self.change(&keys, sent)?));
        }
        let channel = ChannelId::from_uuid(self.key.lane);
        let refused: Vec<i64> = done.iter().filter_map(Sent::refused_with).collect();
        let (watching, written_at) = (app.clone(), app.now());
        let entropy = Arc::clone(&app.0.entropy);
        let marks: Vec<Begun> = done.iter().filter_map(|sent| sent.begun).collect();
        app.0
            .store
            .write(scope, async move |tx| {
                let choices: Vec<&Choice> =
                    changes.iter().filter_map(|(_, change)| change.choice()).collect();
                if !choices.is_empty() {
                    tx.suppression_gate_exclusive().await?;
                }
                let paused = watching.risk_failed(tx, channel, &refused, written_at).await?;
                let mut finished = Vec::new();
                let mut accepted = Vec::new();
                for (job, change) in &changes {
                    match change {
                        Change::Accepted { .. } => {
                            accepted.push(change);
                            finished.push(job.clone());
                        }
                        Change::Later { at, aside, delay } => {
                            if let Some(delay) = delay {
                                delay.write(tx).await?;
                            }
                            tx.job_defer(job, *at, *aside).await?;
                        }
                        Change::Failed { failure, returned, .. } => {
                            if failure.write(tx).await? {
                                if let Some(following) = failure.following() {
                                    following.write(&watching, tx, &keys, written_at).await?;
                                }
                                if *returned {
                                    tx.usage_give_back(failure.message).await?;
                                }
                            }
                            finished.push(job.clone());
                        }
                        Change::Barred(withdrawal) => {
                            if withdrawal.write(tx).await?
                                && let Some(following) = withdrawal.following()
                            {
                                following.write(&watching, tx, &keys, written_at).await?;
                            }
                            finished.push(job.clone());
                        }
                        Change::Doubtful { message, decide } => {
                            mark_sending(tx, *message, decide.queued_at).await?;
                            tx.job_insert(decide).await?;
                            finished.push(job.clone());
                        }
                        Change::Parked { report, delay } => {
                            channel_state_report(tx, &keys, &entropy, delay.at, channel, report).await?;
                            delay.write(tx).await?;
                            tx.job_defer(job, delay.at, false).await?;
                        }
                        Change::Gone => finished.push(job.clone()),
                    }
                }
                write_accepted(tx, &accepted).await?;
                tx.job_complete_many(&finished).await?;
                if !choices.is_empty() {
                    watching.choices_write(tx, &keys, &choices, written_at).await?;
                }
                match paused {
                    Some(entry) => tx.commit(entry, ()),
                    None => tx.commit(Audit::None("results are in the message log"), ()),
                }
            })
            .await?;
        for mark in marks {
            app.journal().end(mark);
        }
        Ok(())
    }

    fn change(&self, keys: &WorkspaceKeys, sent: &Sent) -> Result<Change> {
        let Some(row) = &sent.row else { return Ok(Change::Gone) };
        let entropy = self.app.0.entropy.as_ref();
        let fail = |error: &MessageError, returned| {
            let failure = Failure::prepare(keys, row, error, sent.at, entropy, false)?;
            Ok(Change::Failed { failure, returned, choice: None })
        };
        // Told once per message, and only where the wait is worth telling.
        let delay = |error: &MessageError, worth: bool| {
            let tell = worth && row.error.is_none();
            Delay::prepare(keys, row, error, sent.at, entropy, tell)
        };
        match sent.outcome.as_ref() {
            Ok(SendOutcome::Accepted(answer)) => Ok(Change::Accepted {
                message: row.id,
                provider: seal_provider(keys, row.id, &answer.wamid)?,
                at: sent.at,
            }),
            Ok(SendOutcome::Refused(refusal)) => {
                let class = refusal.advice.class;
                if let Some(report) = ChannelReport::of_refusal(refusal) {
                    tracing::warn!(channel = %row.channel, code = refusal.code, "Meta refuses this channel: it is parked");
                    let delay = delay(&error_of_refusal(refusal, true), true)?;
                    return Ok(Change::Parked { report, delay });
                }
                let tries = u32::try_from(sent.job.attempts).unwrap_or(u32::MAX);
                match class.pause(tries) {
                    Some(pause) if sent.job.attempts < self.app.0.config.send_attempts => {
                        let pause = refusal.retry_after.unwrap_or(pause).max(pause);
                        Ok(Change::Later {
                            at: sent.at.plus(pause),
                            // A message that waits for hours holds up no other for the same person.
                            aside: matches!(class, Class::RetryLate(_)),
                            delay: Some(delay(&error_of_refusal(refusal, true), pause >= WORTH_TELLING)?),
                        })
                    }
                    // Meta looked at it and refused: it never went to anybody.
                    _ => {
                        let error = error_of_refusal(refusal, false);
                        let failure = Failure::prepare(keys, row, &error, sent.at, entropy, false)?;
                        let choice = match refusal.code {
                            Some(META_OPTED_OUT) => Some(Box::new(Choice::of_refusal(keys, row, sent.at)?)),
                            _ => None,
                        };
                        Ok(Change::Failed { failure, returned: true, choice })
                    }
                }
            }
            Ok(SendOutcome::NotSent { class, reason }) => {
                if *class == gatepost_net::class::REQUEST_INVALID {
                    return fail(&unsendable(reason), true);
                }
                let pause = Duration::from_secs(1 << sent.job.attempts.clamp(0, 9)).min(LONGEST_PAUSE);
                tracing::debug!(channel = %row.channel, class, "Meta was not reached; the message waits");
                Ok(Change::Later {
                    at: sent.at.plus(pause),
                    aside: false,
                    delay: Some(delay(&meta_unreachable(), pause >= WORTH_TELLING)?),
                })
            }
            Ok(SendOutcome::Ambiguous { class, .. }) => {
                metrics::counter!("gatepost_sends_cut_total").increment(1);
                tracing::warn!(message = %row.id, class, "Meta's answer to a send was cut");
                if row.on_unknown == OnUnknown::Resend && !sent.not_again {
                    return Ok(Change::Later { at: sent.at.plus(RESEND_AFTER), aside: false, delay: None });
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
            Err(error) => match error.code() {
                Code::NotFound => fail(&channel_deleted(), true),
                code @ (Code::RecipientSuppressed | Code::MessageExpired) => {
                    Withdrawal::prepare(keys, row, code, sent.at, entropy)
                        .map(|w| Change::Barred(Box::new(w)))
                }
                _ => fail(&unsendable("the stored message cannot be read"), true),
            },
        }
    }
}

/// The message is with Meta, or may be.
async fn mark_sending(tx: &WorkspaceTx<'_>, id: MessageId, at: Timestamp) -> Result<()> {
    if let Some(Some(status)) = tx.message_status(&[id]).await?.pop() {
        tx.message_change(&[MessageChange {
            id,
            state: status.state.after(MessageState::Sending, false),
            reached: Some((MessageState::Sending, at)),
            provider: None,
            error: None,
            doubtful: status.doubtful,
            // It is never sent again by itself, so its code is not needed any more.
            drop_content: status.verification.is_some(),
        }])
        .await?;
    }
    Ok(())
}

async fn write_accepted(tx: &WorkspaceTx<'_>, accepted: &[&Change]) -> Result<()> {
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
            // A code that Meta has taken is not needed here any more.
            drop_content: status.verification.is_some(),
        });
    }
    tx.message_change(&rows).await
}
