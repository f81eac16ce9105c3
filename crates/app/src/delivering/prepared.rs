//! An endpoint made ready for requests: opened and parsed once for each change of it, not for each delivery.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use gatepost_core::endpoint::RetrySchedule;
use gatepost_core::{Error, EventId, Result, Timestamp};
use gatepost_net::{Attempt, SafeClient, SafeRequest, Target};
use gatepost_store::EndpointRow;
use gatepost_vault::{SigningKey, WebhookSecret, WorkspaceKeys, delivery_headers};

/// What a prepared endpoint depends on.
#[derive(PartialEq, Eq)]
struct Stamp {
    url: Vec<u8>,
    secret: Vec<u8>,
    previous: Option<Vec<u8>>,
    previous_until: Option<Timestamp>,
    schedule: Option<RetrySchedule>,
}

/// An endpoint ready for requests.
pub(super) struct Prepared {
    url: String,
    /// `None` when the policy refuses the URL: the attempt is recorded as blocked.
    target: Option<Target>,
    /// The secret, and the one before it where there is one.
    keys: Vec<SigningKey>,
    /// Until when the one before it signs too.
    previous_until: Option<Timestamp>,
    pub schedule: RetrySchedule,
}

/// The endpoint as it was last read.
#[derive(Default)]
pub(super) struct Known(Mutex<Option<(Stamp, Arc<Prepared>)>>);

impl Known {
    pub fn prepared(
        &self,
        keys: &WorkspaceKeys,
        row: &EndpointRow,
        safe: &SafeClient,
        usual: &RetrySchedule,
    ) -> Result<Arc<Prepared>> {
        let stamp = Stamp {
            url: row.url.clone(),
            secret: row.secret.clone(),
            previous: row.previous_secret.clone(),
            previous_until: row.previous_until,
            schedule: row.retry_schedule.clone(),
        };
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, prepared)) = held.as_ref()
            && *known == stamp
        {
            return Ok(Arc::clone(prepared));
        }
        let open = |column, sealed: &[u8]| crate::endpoints::open(keys, column, row.id, sealed);
        let url = open("url", &row.url)?;
        let mut signing = vec![signing_key(&open("secret", &row.secret)?)?];
        let mut previous_until = None;
        if let (Some(sealed), Some(until)) = (&row.previous_secret, row.previous_until) {
            signing.push(signing_key(&open("previous_secret", sealed)?)?);
            previous_until = Some(until);
        }
        let target = safe.policy().target(&url).ok();
        let schedule = row.retry_schedule.as_ref().unwrap_or(usual).clone();
        let prepared = Arc::new(Prepared { url, target, keys: signing, previous_until, schedule });
        *held = Some((stamp, Arc::clone(&prepared)));
        Ok(prepared)
    }
}

fn signing_key(secret: &str) -> Result<SigningKey> {
    let secret = WebhookSecret::parse(secret).map_err(Error::internal)?;
    secret.signing_key().map_err(Error::internal)
}

impl Prepared {
    /// One signed request. The error: it could not be signed, and nothing was sent.
    pub async fn post(
        &self,
        safe: &SafeClient,
        event: EventId,
        event_type: &str,
        payload: Bytes,
        at: Timestamp,
        timeout: Duration,
    ) -> Result<Attempt> {
        let overlap = self.previous_until.is_some_and(|until| at < until);
        let keys = if overlap { self.keys.as_slice() } else { &self.keys[..1] };
        let id = event.to_string();
        let signed =
            delivery_headers(&id, event_type, at.seconds(), &payload, keys).map_err(Error::internal)?;
        let headers = signed.each_ref().map(|(name, value)| (*name, value.as_str()));
        Ok(match &self.target {
            Some(target) => safe.post_target(target, &headers, payload, timeout).await,
            None => {
                safe.post(SafeRequest { url: &self.url, headers: &headers, body: payload, timeout }).await
            }
        })
    }
}
