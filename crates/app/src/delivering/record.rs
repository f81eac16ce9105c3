//! Writing down what came of attempts: rows, the next try, the endpoint's health, and what follows from it.

use std::sync::Arc;
use std::time::Duration;

use gatepost_core::audit::Audit;
use gatepost_core::endpoint::{DeliveryState, DisabledReason};
use gatepost_core::job::JobKind;
use gatepost_core::{ReplayId, Result, Timestamp};
use gatepost_store::{Claimed, DeliveryRecord, EndpointHealth, EndpointRow, WorkspaceScope, WorkspaceTx};

use super::course::{OPENS_AFTER, Sign, Turn, follow};
use super::disabling::{Cause, disable};
use super::prepared::Prepared;
use super::result::{Outcome, Verdict};
use super::{Delivered, Delivering, Tried};

/// Results ready to be written down in one transaction.
struct Batch {
    verdicts: Vec<Verdict>,
    /// The endpoint as each of these saw it.
    asked: Vec<Arc<Prepared>>,
    records: Vec<DeliveryRecord>,
    finished: Vec<Claimed>,
    deferred: Vec<(Claimed, Timestamp)>,
    /// Per replay: how many were sent, how many are dead.
    replays: Vec<(ReplayId, i64, i64)>,
    /// How long each delivery that is sent now was on its way; replayed ones are as old as their event, and say nothing.
    journeys: Vec<Duration>,
    /// As the deliveries' last claim saw it; the schedule is all that is asked of it.
    endpoint: Option<Arc<Prepared>>,
}

/// What the transaction did beside the rows of the deliveries.
struct Written {
    health: Option<EndpointHealth>,
    turn: Turn,
    disabled: Option<DisabledReason>,
}

impl Delivering {
    /// Writes results down in one transaction.
    pub(super) async fn write_down(&self, done: Vec<Delivered>) -> Result<()> {
        let Some(scope) = done.first().map(|d| d.job.scope()) else { return Ok(()) };
        let app = &self.app;
        let keys = app.0.sealing.keys(scope).await?;
        let (endpoint, now) = (self.endpoint(), app.now());
        let seen = self.seen_after_farewell(scope, &done).await?;
        let done = done.into_iter().map(|one| judged(one, seen.as_ref())).collect();
        let batch = Arc::new(self.batch(&keys, done, now)?);
        let (entropy, mail) = (Arc::clone(&app.0.entropy), app.mail_on());
        let unwell = !self.is_well() || batch.verdicts.iter().any(|v| matches!(v.sign, Sign::Failure { .. }));
        let writing = Arc::clone(&batch);
        let written = app
            .0
            .store
            .write(scope, async move |tx| {
                let batch = writing.as_ref();
                // Locks in the order in which every transaction takes them: the endpoint, then the event log.
                let row = if unwell { tx.endpoint_lock(endpoint).await? } else { None };
                let mut order: Vec<&[u8]> =
                    batch.finished.iter().filter_map(|job| job.order_key.as_deref()).collect();
                order.sort_unstable();
                order.dedup();
                if !order.is_empty() {
                    tx.delivery_turns_lock().await?;
                }
                tx.deliveries_record(endpoint, &batch.records).await?;
                for (job, at) in &batch.deferred {
                    tx.job_defer(job, *at, false).await?;
                }
                tx.job_complete_many(&batch.finished).await?;
                tx.delivery_turns(endpoint, &order, now).await?;
                for (replay, sent, dead) in &batch.replays {
                    tx.replay_progress(endpoint, *replay, *sent, *dead).await?;
                }
                let mut written = Written { health: None, turn: Turn::None, disabled: None };
                let mut audit = Audit::None("attempts are in the delivery log");
                if let Some(row) = row {
                    // What failed at an address that the endpoint has left is no word about the one that it has.
                    let signs =
                        batch.verdicts.iter().zip(&batch.asked).map(|(verdict, asked)| match verdict.sign {
                            Sign::Failure { .. } if !asked.lies_at(&row) => Sign::None,
                            sign => sign,
                        });
                    let (health, turn) = follow(row.health, signs, now, entropy.as_ref());
                    if health != row.health {
                        tx.endpoint_health_set(endpoint, health).await?;
                    }
                    if turn == Turn::Closed {
                        tx.jobs_hasten(JobKind::DeliveryAttempt, endpoint.uuid(), now).await?;
                    }
                    (written.health, written.turn) = (Some(health), turn);
                    if row.enabled
                        && let Some(cause) = cause(tx, &row, batch, health, now).await?
                        && let Some(entry) = disable(tx, &keys, &entropy, now, &row, &cause, mail).await?
                    {
                        audit = entry;
                        written.disabled = Some(cause.reason);
                    }
                }
                tx.commit(audit, written)
            })
            .await?;
        self.told(scope, &batch, &written);
        Ok(())
    }

    /// The endpoint as it lies now, where one said that it is gone: its owner may have moved it meanwhile. Other results
    /// are written down without a look before, so that no claim comes in between.
    async fn seen_after_farewell(
        &self,
        scope: WorkspaceScope,
        done: &[Delivered],
    ) -> Result<Option<EndpointRow>> {
        let gone = |tried: &Arc<Tried>| matches!(&tried.outcome, Outcome::Tried(a) if a.status == Some(410));
        if !done.iter().filter_map(|one| one.tried.as_ref()).any(gone) {
            return Ok(None);
        }
        let endpoint = self.endpoint();
        self.app.0.store.read(scope, async move |tx| tx.endpoint_get(endpoint).await).await
    }

    fn batch(
        &self,
        keys: &gatepost_vault::WorkspaceKeys,
        done: Vec<Delivered>,
        now: Timestamp,
    ) -> Result<Batch> {
        let mut batch = Batch {
            verdicts: Vec::with_capacity(done.len()),
            asked: Vec::with_capacity(done.len()),
            records: Vec::with_capacity(done.len()),
            finished: Vec::with_capacity(done.len()),
            deferred: Vec::new(),
            replays: Vec::new(),
            journeys: Vec::new(),
            endpoint: done.iter().rev().find_map(|d| d.tried.as_ref().map(|t| Arc::clone(&t.endpoint))),
        };
        for Delivered { job, tried } in done {
            let Some(tried) = tried else {
                batch.finished.push(job);
                continue;
            };
            let schedule = &tried.endpoint.schedule;
            let verdict =
                Verdict::of(keys, schedule, &tried.work, &tried.outcome, tried.at, now, self.app.entropy())?;
            if verdict.record.state == DeliveryState::Sent && tried.work.replay.is_none() {
                batch.journeys.push(now.since(job.queued_at));
            }
            match verdict.record.next_at {
                Some(at) => batch.deferred.push((job, at)),
                None => batch.finished.push(job),
            }
            if let Some(replay) = tried.work.replay {
                let end = match verdict.record.state {
                    DeliveryState::Sent => (1, 0),
                    DeliveryState::Dead => (0, 1),
                    _ => (0, 0),
                };
                match batch.replays.iter_mut().find(|(id, ..)| *id == replay) {
                    Some((_, sent, dead)) => (*sent, *dead) = (*sent + end.0, *dead + end.1),
                    None => batch.replays.push((replay, end.0, end.1)),
                }
            }
            batch.records.push(verdict.record.clone());
            batch.verdicts.push(verdict);
            batch.asked.push(Arc::clone(&tried.endpoint));
        }
        batch.replays.retain(|(_, sent, dead)| sent + dead > 0);
        Ok(batch)
    }

    /// Remembers and counts what was written, after the commit.
    fn told(&self, scope: WorkspaceScope, batch: &Batch, written: &Written) {
        if let Some(health) = written.health {
            self.set_well(health == EndpointHealth::default() && written.disabled.is_none());
        }
        for verdict in &batch.verdicts {
            let outcome = verdict.record.state.as_str();
            metrics::counter!("gatepost_webhook_attempts_total", "outcome" => outcome).increment(1);
            if verdict.class != "none" {
                metrics::counter!("gatepost_webhook_errors_total", "class" => verdict.class).increment(1);
            }
        }
        for journey in &batch.journeys {
            metrics::histogram!("gatepost_webhook_delivery_seconds").record(journey.as_secs_f64());
        }
        let (workspace, endpoint) = (scope.workspace(), self.endpoint());
        // Classes alone: what a receiver answered may hold anything.
        let class = batch.verdicts.iter().rev().map(|v| v.class).find(|class| *class != "none");
        match written.turn {
            Turn::None => {}
            Turn::Opened => {
                metrics::counter!("gatepost_webhook_circuits_total", "turn" => "opened").increment(1);
                let since = written.health.and_then(|h| h.failing_since).map(tracing::field::display);
                tracing::warn!(%workspace, %endpoint, class, since, "an endpoint fails; it is probed until it answers");
            }
            Turn::Closed => {
                metrics::counter!("gatepost_webhook_circuits_total", "turn" => "closed").increment(1);
                tracing::info!(%workspace, %endpoint, "an endpoint answers again; what waited is sent");
            }
        }
        if batch.verdicts.iter().any(|v| v.record.state == DeliveryState::Blocked) && self.tells_of_blocked()
        {
            tracing::warn!(%workspace, %endpoint, "the egress policy refuses the address of an endpoint; its attempts name the rule");
        }
        if let Some(reason) = written.disabled {
            let reason = reason.as_str();
            metrics::counter!("gatepost_webhook_endpoints_disabled_total", "reason" => reason).increment(1);
            tracing::warn!(%workspace, %endpoint, reason, class, "an endpoint is switched off; its owners are told");
        }
    }
}

/// A farewell from an address that the endpoint has left ends nothing: the delivery is tried again where it lies now.
fn judged(done: Delivered, seen: Option<&EndpointRow>) -> Delivered {
    let (Some(tried), Some(row)) = (&done.tried, seen) else { return done };
    let outcome = match &tried.outcome {
        Outcome::Tried(attempt) if attempt.status == Some(410) && !tried.endpoint.lies_at(row) => {
            Outcome::TriedElsewhere(attempt.clone())
        }
        _ => return done,
    };
    let (work, endpoint) = (tried.work.clone(), Arc::clone(&tried.endpoint));
    Delivered { tried: Some(Arc::new(Tried { work, outcome, at: tried.at, endpoint })), ..done }
}

/// Why the endpoint is to be switched off now, if it is: it says that it is gone, or it has failed for as long as its
/// schedule lasts, or one delivery's whole schedule went by without a success of any. A few failures are never enough,
/// however short the schedule is.
async fn cause(
    tx: &WorkspaceTx<'_>,
    endpoint: &EndpointRow,
    batch: &Batch,
    health: EndpointHealth,
    now: Timestamp,
) -> Result<Option<Cause>> {
    let detail = || batch.verdicts.iter().rev().find_map(|v| v.detail.clone());
    if let Some((gone, _)) =
        batch.verdicts.iter().zip(&batch.asked).find(|(v, asked)| v.gone && asked.lies_at(endpoint))
    {
        return Ok(Some(Cause { reason: DisabledReason::Gone, health, detail: gone.detail.clone() }));
    }
    let failing = || Cause { reason: DisabledReason::Failing, health, detail: detail() };
    let (Some(since), Some(prepared)) = (health.failing_since, &batch.endpoint) else { return Ok(None) };
    if health.failures < OPENS_AFTER {
        return Ok(None);
    }
    // Jitter makes a schedule a fifth longer at most.
    if now.since(since) > prepared.schedule.total() * 6 / 5 {
        return Ok(Some(failing()));
    }
    for verdict in &batch.verdicts {
        let Some(from) = verdict.spent_from else { continue };
        let first = tx.attempt_at(endpoint.id, verdict.record.delivery, from).await?;
        if first.is_some_and(|first| since <= first) {
            return Ok(Some(failing()));
        }
    }
    Ok(None)
}
