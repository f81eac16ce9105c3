//! A test of one endpoint: a signed `endpoint.test`, sent once, to that endpoint alone.
//!
//! It takes no place in the endpoint's queue: it goes at once to one that is disabled, whose circuit is open, or that
//! has thousands of deliveries waiting, for that is when somebody wants to know whether the receiver answers. One that
//! succeeds also ends a failing endpoint's pause. One that fails counts for nothing, and is not tried again.

use std::sync::Arc;

use bytes::Bytes;
use gatepost_core::access::{Grant, permission};
use gatepost_core::audit::{Action, Audit};
use gatepost_core::endpoint::DeliveryState;
use gatepost_core::event::{EndpointNews, EventData, EventType};
use gatepost_core::job::JobKind;
use gatepost_core::{Code, DeliveryId, EndpointId, Error, JobId, Result, Timestamp};
use gatepost_net::Attempt;
use gatepost_store::{
    Claimed, DeliveryRecord, EndpointHealth, EndpointTestWork, LaneKey, NewJob, WorkspaceScope,
};

use super::visible;
use crate::App;
use crate::deliveries::DeliveryView;
use crate::delivering::{Prepared as PreparedEndpoint, attempt_row};
use crate::events::{Draft, draft, place};
use crate::idempotency::{Idempotent, Outcome, Prepared};
use crate::lanes::{Taken, Work};

/// A test that was begun: the delivery whose attempt tells how it went.
pub struct EndpointTested {
    pub endpoint: EndpointId,
    pub delivery: DeliveryView,
}

impl App {
    /// Sends a signed `endpoint.test` to one endpoint, whatever it wants to hear, even where it is disabled.
    ///
    /// Errors: `endpoint_test_running` while the test before is under way.
    pub async fn endpoint_test(
        &self,
        grant: &Grant<permission::EndpointManage>,
        id: EndpointId,
        idempotent: Option<Idempotent<EndpointTested>>,
    ) -> Result<Outcome<EndpointTested>> {
        let scope = WorkspaceScope::from(grant);
        let row = self.endpoint_row(grant, id).await?;
        let keys = self.0.sealing.keys(scope).await?;
        let now = self.now();
        let news = EndpointNews {
            id,
            description: &row.description,
            enabled: row.enabled,
            disabled_reason: row.disabled.map(|(reason, _)| reason.as_str()),
            failing_since: row.health.failing_since,
            detail: Some("somebody asked for a test"),
            next_action: None,
        };
        let event = draft(
            &keys,
            now,
            self.entropy(),
            Draft {
                event_type: EventType::EndpointTest,
                mode: row.mode,
                channel: None,
                order_key: None,
                data: EventData::Endpoint(news),
            },
        )?;
        let delivery = DeliveryId::of(event.id, id);
        let tested = EndpointTested {
            endpoint: id,
            delivery: DeliveryView {
                id: delivery,
                endpoint_id: id,
                event_id: event.id,
                event_type: event.event_type,
                state: DeliveryState::Pending,
                attempts: 0,
                next_attempt_at: Some(now),
                waits_for: Some("attempt"),
                next_action: None,
                replayable: true,
                replay_id: None,
                created_at: now,
                last: None,
            },
        };
        let prepared = Prepared::with_answer(&keys, idempotent.as_ref(), &tested)?;
        let job = NewJob {
            id: JobId::new(now, self.entropy()),
            kind: JobKind::EndpointTest,
            lane: id.uuid(),
            order_key: None,
            priority: 0,
            queued_at: now,
            run_at: now,
            subject: delivery.uuid(),
        };
        let audit = self.audit(grant, Action::EndpointTested, ("endpoint", id.to_string()), vec![]);
        let (recording, grant) = (prepared.clone(), grant.clone());
        let replay = self
            .0
            .store
            .write(scope, async move |tx| {
                if let Some(prepared) = &recording
                    && let Some(first) = prepared.record(tx, now).await?
                {
                    return tx.commit(Audit::None("an answer given again"), Some(first));
                }
                // Held, so that of two tests at once the second finds the first one's job.
                if !tx.endpoint_lock(id).await?.is_some_and(|row| visible(&grant, &row)) {
                    return Err(Error::of(Code::NotFound));
                }
                if tx.endpoint_test_running(id).await? {
                    return Err(Error::of(Code::EndpointTestRunning));
                }
                tx.event_append(std::slice::from_ref(&event)).await?;
                tx.endpoint_test_begin(id, delivery, event.id, now).await?;
                tx.job_insert(&job).await?;
                tx.commit(audit.clone(), None)
            })
            .await?;
        match (replay, prepared) {
            (Some(first), Some(prepared)) => prepared.open(&keys, &first),
            _ => Ok(Outcome::Fresh(tested)),
        }
    }
}

/// The lane of an endpoint's tests.
pub(crate) struct Testing {
    app: App,
    key: LaneKey,
}

pub(crate) struct TestItem {
    job: Claimed,
    /// `None`: the delivery, its content or its endpoint is gone.
    ready: Option<(EndpointTestWork, Bytes, PreparedEndpoint)>,
}

#[derive(Clone)]
pub(crate) struct TestDone {
    job: Claimed,
    /// The attempt's number, what became of it, and when.
    result: Option<(i64, Arc<Attempt>, Timestamp)>,
}

impl Work for Testing {
    type Item = TestItem;
    type Done = TestDone;

    fn new(app: App, key: LaneKey) -> Self {
        Self { app, key }
    }

    fn capacity(&self) -> usize {
        1
    }

    async fn take(&self, limit: usize) -> Result<Taken<TestItem>> {
        let mut items = Vec::new();
        for job in self.app.claim(self.key, 0..=0, limit).await? {
            let ready = self.ready(&job).await?;
            items.push(TestItem { job, ready });
        }
        Ok(Taken { items, again: None })
    }

    async fn perform(&self, TestItem { job, ready }: TestItem) -> TestDone {
        let Some((work, payload, endpoint)) = ready else { return TestDone { job, result: None } };
        let at = self.app.now();
        let (safe, timeout) = (&self.app.0.safe, self.app.0.config.webhook_timeout);
        let event_type = EventType::EndpointTest;
        match endpoint.post(safe, work.event, event_type, payload, at, timeout).await {
            Ok(attempt) => TestDone { job, result: Some((work.attempts + 1, Arc::new(attempt), at)) },
            Err(error) => {
                tracing::error!(%error, endpoint = %self.key.lane, "a test cannot be signed; nothing was sent");
                TestDone { job, result: None }
            }
        }
    }

    async fn record(&self, done: Vec<TestDone>) -> Result<()> {
        for TestDone { job, result } in done {
            let (scope, endpoint) = (job.scope(), EndpointId::from_uuid(self.key.lane));
            let keys = self.app.0.sealing.keys(scope).await?;
            let answers = result.as_ref().is_some_and(|(_, attempt, _)| attempt.is_success());
            let records = match &result {
                None => Vec::new(),
                Some((number, attempt, at)) => {
                    let delivery = DeliveryId::from_uuid(job.subject);
                    vec![DeliveryRecord {
                        delivery,
                        attempt: attempt_row(&keys, delivery, *number, attempt, *at)?,
                        state: if answers { DeliveryState::Sent } else { DeliveryState::Dead },
                        next_at: None,
                        ahead: false,
                    }]
                }
            };
            for record in &records {
                let outcome = record.state.as_str();
                metrics::counter!("gatepost_webhook_attempts_total", "outcome" => outcome).increment(1);
            }
            let now = self.app.now();
            self.app
                .0
                .store
                .write(scope, async move |tx| {
                    tx.deliveries_record(endpoint, &records).await?;
                    let failing = answers
                        && tx
                            .endpoint_lock(endpoint)
                            .await?
                            .is_some_and(|row| row.enabled && row.health.failing_since.is_some());
                    if failing {
                        tx.endpoint_health_set(endpoint, EndpointHealth::default()).await?;
                        tx.jobs_hasten(JobKind::DeliveryAttempt, endpoint.uuid(), now).await?;
                    }
                    tx.job_complete(&job).await?;
                    tx.commit(Audit::None("attempts are in the delivery log"), ())
                })
                .await?;
        }
        Ok(())
    }
}

impl Testing {
    async fn ready(&self, job: &Claimed) -> Result<Option<(EndpointTestWork, Bytes, PreparedEndpoint)>> {
        let (app, scope) = (&self.app, job.scope());
        let (endpoint, delivery) = (EndpointId::from_uuid(self.key.lane), DeliveryId::from_uuid(job.subject));
        let (row, work) = app
            .0
            .store
            .read(scope, async move |tx| {
                Ok((tx.endpoint_get(endpoint).await?, tx.endpoint_test_work(endpoint, delivery).await?))
            })
            .await?;
        let (Some(row), Some(work)) = (row, work) else { return Ok(None) };
        let Some(sealed) = &work.payload else { return Ok(None) };
        let payload = app.0.sealing.open(scope, &place(scope.workspace(), work.event), sealed).await?;
        let keys = app.0.sealing.keys(scope).await?;
        let prepared = PreparedEndpoint::new(&keys, &row, &app.0.safe, &app.0.config.retry_schedule)?;
        Ok(Some((work, Bytes::from(payload), prepared)))
    }
}
