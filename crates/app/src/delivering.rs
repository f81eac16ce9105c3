//! The lane of an endpoint: signed requests out, every attempt recorded, a schedule of retries.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use gatepost_core::audit::Audit;
use gatepost_core::endpoint::{DeliveryState, RetrySchedule};
use gatepost_core::{Code, DeliveryId, EndpointId, Result, Timestamp};
use gatepost_net::{Attempt, Decision, Target};
use gatepost_store::{AttemptRow, Claimed, DeliveryRecord, DeliveryWork, EndpointRow, LaneKey};
use gatepost_vault::{SigningKey, WebhookSecret, WorkspaceKeys, delivery_headers};

use crate::App;
use crate::lanes::{Taken, Work};
use crate::sealing::failed;

/// How long deliveries of a disabled endpoint sleep; enabling wakes them before.
const DISABLED: Duration = Duration::from_hours(1);
/// `Retry-After` is obeyed up to this.
const RETRY_AFTER_MAX: Duration = Duration::from_hours(24);

pub(crate) struct Delivering {
    app: App,
    key: LaneKey,
    /// The endpoint as it was last read, prepared for use.
    target: Mutex<Option<(EndpointStamp, Arc<Prepared>)>>,
}

/// What a prepared endpoint depends on.
#[derive(PartialEq, Eq)]
struct EndpointStamp {
    url: Vec<u8>,
    secret: Vec<u8>,
    previous: Option<Vec<u8>>,
}

/// An endpoint ready for requests.
struct Prepared {
    url: String,
    /// `None` when the policy refuses the URL: the attempt is recorded as blocked.
    target: Option<Target>,
    secret: SigningKey,
    previous: Option<(SigningKey, Timestamp)>,
}

pub(crate) struct Outgoing {
    job: Claimed,
    work: Option<DeliveryWork>,
    payload: Bytes,
    endpoint: Option<Arc<Prepared>>,
}

#[derive(Clone)]
pub(crate) struct Delivered {
    job: Claimed,
    /// `None`: the delivery, its event or its endpoint is gone.
    result: Option<(DeliveryId, i64, Arc<Attempt>, Timestamp)>,
}

impl Work for Delivering {
    type Item = Outgoing;
    type Done = Delivered;

    fn new(app: App, key: LaneKey) -> Self {
        Self { app, key, target: Mutex::new(None) }
    }

    fn capacity(&self) -> usize {
        self.app.0.config.webhook_parallel
    }

    async fn take(&self, limit: usize) -> Result<Taken<Outgoing>> {
        let app = &self.app;
        let jobs = app.claim(self.key, 0..=0, limit).await?;
        let Some(scope) = jobs.first().map(Claimed::scope) else {
            return Ok(Taken { items: Vec::new(), again: None });
        };
        let endpoint_id = EndpointId::from_uuid(self.key.lane);
        let ids: Vec<DeliveryId> = jobs.iter().map(|j| DeliveryId::from_uuid(j.subject)).collect();
        let (endpoint, works) = app
            .0
            .store
            .read(scope, async move |tx| {
                let endpoint = tx.endpoint_get(endpoint_id).await?;
                Ok((endpoint, tx.delivery_work(endpoint_id, &ids).await?))
            })
            .await?;
        let keys = app.0.sealing.keys(scope).await?;
        let prepared = match endpoint {
            Some(row) if !row.enabled => {
                let again = self.put_off(scope, jobs).await?.then_some(Duration::ZERO);
                return Ok(Taken { items: Vec::new(), again });
            }
            Some(row) => Some(self.prepared(&keys, &row)?),
            None => None,
        };
        let mut items = Vec::with_capacity(jobs.len());
        for (job, work) in jobs.into_iter().zip(works) {
            let payload = match work.as_ref().and_then(|w| w.payload.as_ref().map(|p| (w.event, p))) {
                Some((event, sealed)) => {
                    let aad = crate::events::place(scope.workspace(), event);
                    // One that does not open (and was logged as that) holds up no other.
                    match app.0.sealing.open(scope, &aad, sealed).await {
                        Ok(payload) => Bytes::from(payload),
                        Err(error) if error.code() == Code::Internal => Bytes::new(),
                        Err(error) => return Err(error),
                    }
                }
                None => Bytes::new(),
            };
            items.push(Outgoing { job, work, payload, endpoint: prepared.clone() });
        }
        Ok(Taken { items, again: None })
    }

    async fn perform(&self, item: Outgoing) -> Delivered {
        let Outgoing { job, work, payload, endpoint } = item;
        let (Some(work), Some(endpoint)) = (work, endpoint) else {
            return Delivered { job, result: None };
        };
        if payload.is_empty() {
            return Delivered { job, result: None };
        }
        let at = self.app.now();
        let attempt = self.attempt(&work, payload, &endpoint, at).await;
        let outcome = match (&attempt.decision, attempt.is_success()) {
            (Decision::Blocked(_), _) => "blocked",
            (_, true) => "sent",
            (_, false) => "failed",
        };
        metrics::counter!("gatepost_webhook_attempts_total", "outcome" => outcome).increment(1);
        let result = Some((work.id, work.attempts + 1, Arc::new(attempt), at));
        Delivered { job, result }
    }

    async fn record(&self, done: Vec<Delivered>) -> Result<()> {
        let Some(scope) = done.first().map(|d| d.job.scope()) else { return Ok(()) };
        let app = &self.app;
        let keys = app.0.sealing.keys(scope).await?;
        let endpoint = EndpointId::from_uuid(self.key.lane);
        let mut records = Vec::with_capacity(done.len());
        let (mut deferred, mut finished) = (Vec::new(), Vec::with_capacity(done.len()));
        for Delivered { job, result } in done {
            let mut next = None;
            if let Some((id, number, attempt, at)) = &result {
                let (row, state, next_at) = self.row(&keys, *id, *number, attempt, *at)?;
                records.push(DeliveryRecord { delivery: *id, attempt: row, state, next_at });
                next = next_at;
            }
            match next {
                Some(at) => deferred.push((job, at)),
                None => finished.push(job),
            }
        }
        app.0
            .store
            .write(scope, async move |tx| {
                tx.deliveries_record(endpoint, &records).await?;
                for (job, at) in &deferred {
                    tx.job_defer(job, *at, false).await?;
                }
                tx.job_complete_many(&finished).await?;
                tx.commit(Audit::None("attempts are in the delivery log"), ())
            })
            .await
    }
}

impl Delivering {
    /// Prepares an endpoint once per change of it, not once per delivery.
    fn prepared(&self, keys: &WorkspaceKeys, row: &EndpointRow) -> Result<Arc<Prepared>> {
        let stamp = EndpointStamp {
            url: row.url.clone(),
            secret: row.secret.clone(),
            previous: row.previous_secret.clone(),
        };
        let mut held = self.target.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, prepared)) = held.as_ref()
            && *known == stamp
        {
            return Ok(Arc::clone(prepared));
        }
        let url = crate::endpoints::open(keys, "url", row.id, &row.url)?;
        let secret = signing_key(&crate::endpoints::open(keys, "secret", row.id, &row.secret)?)?;
        let previous = match (&row.previous_secret, row.previous_until) {
            (Some(sealed), Some(until)) => {
                Some((signing_key(&crate::endpoints::open(keys, "previous_secret", row.id, sealed)?)?, until))
            }
            _ => None,
        };
        let target = self.app.0.safe.policy().target(&url).ok();
        let prepared = Arc::new(Prepared { url, target, secret, previous });
        *held = Some((stamp, Arc::clone(&prepared)));
        Ok(prepared)
    }

    /// One signed request.
    async fn attempt(
        &self,
        work: &DeliveryWork,
        payload: Bytes,
        endpoint: &Prepared,
        at: Timestamp,
    ) -> Attempt {
        let mut signing = vec![endpoint.secret.clone()];
        if let Some((previous, until)) = &endpoint.previous
            && at < *until
        {
            signing.push(previous.clone());
        }
        let id = work.event.to_string();
        let event_type = work.event_type.as_str();
        // What cannot be signed gets headers without names, which no request is made of: nothing goes out unsigned.
        let signed = delivery_headers(&id, event_type, at.seconds(), &payload, &signing).unwrap_or_default();
        let headers = signed.each_ref().map(|(name, value)| (*name, value.as_str()));
        let timeout = self.app.0.config.webhook_timeout;
        let safe = &self.app.0.safe;
        match &endpoint.target {
            Some(target) => safe.post_target(target, &headers, payload, timeout).await,
            None => {
                let request = gatepost_net::SafeRequest {
                    url: &endpoint.url,
                    headers: &headers,
                    body: payload,
                    timeout,
                };
                safe.post(request).await
            }
        }
    }

    /// The attempt's row, the delivery's next state, and when it is tried again.
    fn row(
        &self,
        keys: &WorkspaceKeys,
        delivery: DeliveryId,
        number: i64,
        attempt: &Attempt,
        at: Timestamp,
    ) -> Result<(AttemptRow, DeliveryState, Option<Timestamp>)> {
        let snippet = match attempt.response_snippet.as_str() {
            "" => None,
            text => {
                let aad = crate::deliveries::snippet_place(keys.workspace(), delivery, number);
                Some(keys.seal(&aad, text.as_bytes()).map_err(failed)?.into_vec())
            }
        };
        let (allowed, rule) = match attempt.decision {
            Decision::Allowed => (true, "allowed"),
            Decision::Blocked(rule) => (false, rule),
        };
        let error = attempt.error.as_ref().map(|e| format!("{}: {}", e.class, e.detail));
        let row = AttemptRow {
            number,
            at,
            allowed,
            rule: rule.to_owned(),
            address: attempt.connected_to.map(|a| a.to_string()),
            status: attempt.status.map(i64::from),
            latency_ms: i64::try_from(attempt.latency.as_millis()).unwrap_or(i64::MAX),
            error,
            snippet,
        };
        if attempt.is_success() {
            return Ok((row, DeliveryState::Sent, None));
        }
        let Some(delay) = RetrySchedule::default().after(number) else {
            return Ok((row, DeliveryState::Dead, None));
        };
        let wait =
            jittered(delay.as_secs(), self.app.entropy()).max(asked_wait(attempt).unwrap_or(Duration::ZERO));
        let state = if allowed { DeliveryState::Failed } else { DeliveryState::Blocked };
        Ok((row, state, Some(self.app.now().plus(wait))))
    }

    /// Nothing goes to a disabled endpoint; what waits stays. True when it was enabled meanwhile, and what waits is due:
    /// whoever enabled it could not hasten what this lane held under a lease.
    async fn put_off(&self, scope: gatepost_store::WorkspaceScope, jobs: Vec<Claimed>) -> Result<bool> {
        let (now, endpoint) = (self.app.now(), EndpointId::from_uuid(self.key.lane));
        self.app
            .0
            .store
            .write(scope, async move |tx| {
                let enabled = tx.endpoint_get(endpoint).await?.is_some_and(|e| e.enabled);
                let at = if enabled { now } else { now.plus(DISABLED) };
                for job in &jobs {
                    tx.job_defer(job, at, false).await?;
                }
                tx.commit(Audit::None("the endpoint is disabled; its deliveries wait"), enabled)
            })
            .await
    }
}

fn signing_key(secret: &str) -> Result<SigningKey> {
    let secret = WebhookSecret::parse(secret).map_err(gatepost_core::Error::internal)?;
    secret.signing_key().map_err(gatepost_core::Error::internal)
}

/// Up to a fifth more or less, so that what failed together does not come back together.
fn jittered(seconds: u64, entropy: &dyn gatepost_core::Entropy) -> Duration {
    let random = u64::from(u16::from_be_bytes(entropy.array()));
    let millis = seconds.saturating_mul(1000);
    Duration::from_millis(millis * 4 / 5 + millis * 2 / 5 * random / u64::from(u16::MAX))
}

/// The wait a receiver asks for: seconds of `Retry-After` on 429, 502, 503 and 504.
fn asked_wait(attempt: &Attempt) -> Option<Duration> {
    if !matches!(attempt.status, Some(429 | 502 | 503 | 504)) {
        return None;
    }
    let seconds: u64 = attempt.retry_after.as_deref()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds).min(RETRY_AFTER_MAX))
}
