//! An endpoint made ready for requests: opened and parsed once for each change of it, not for each delivery.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use gatepost_core::endpoint::{CustomHeaders, PayloadFormat, RetrySchedule};
use gatepost_core::event::{EventType, loginwa_body};
use gatepost_core::{Error, EventId, Result, Timestamp};
use gatepost_net::{Attempt, SafeClient, SafeRequest, Target};
use gatepost_store::EndpointRow;
use gatepost_vault::{
    DeliveryKeys, SigningKey, WebhookSecret, WorkspaceKeys, delivery_headers, loginwa_headers,
};

use crate::endpoints::{headers_of, open, seed_of};

/// What a prepared endpoint depends on; sealed bytes differ whenever what they hold was written anew.
#[derive(PartialEq, Eq)]
struct Stamp {
    url: Vec<u8>,
    headers: Option<Vec<u8>>,
    secret: Vec<u8>,
    seed: Option<Vec<u8>>,
    /// The secret and the seed before, and until when they sign too.
    previous: (Option<Vec<u8>>, Option<Vec<u8>>, Option<Timestamp>),
    schedule: Option<RetrySchedule>,
    format: PayloadFormat,
}

impl Stamp {
    fn of(row: &EndpointRow) -> Self {
        let (secret, seed) = (row.previous_secret.clone(), row.previous_signing_seed.clone());
        Self {
            url: row.url.clone(),
            headers: row.headers.clone(),
            secret: row.secret.clone(),
            seed: row.signing_seed.clone(),
            previous: (secret, seed, row.previous_until),
            schedule: row.retry_schedule.clone(),
            format: row.format,
        }
    }
}

/// An endpoint ready for requests.
pub(crate) struct Prepared {
    url: String,
    /// As it lay in the row.
    sealed_url: Vec<u8>,
    /// `None` when the policy refuses the URL: the attempt is recorded as blocked.
    target: Option<Target>,
    keys: DeliveryKeys,
    /// In what form it is told; the secret as its owner knows it, where that form signs with it.
    form: Form,
    /// Those that its owner added.
    headers: CustomHeaders,
    pub schedule: RetrySchedule,
}

/// The form in which an endpoint is told.
enum Form {
    Standard,
    LoginWa(WebhookSecret),
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
        let stamp = Stamp::of(row);
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((known, prepared)) = held.as_ref()
            && *known == stamp
        {
            return Ok(Arc::clone(prepared));
        }
        let prepared = Arc::new(Prepared::new(keys, row, safe, usual)?);
        *held = Some((stamp, Arc::clone(&prepared)));
        Ok(prepared)
    }
}

fn signing_key(secret: &str) -> Result<SigningKey> {
    let secret = WebhookSecret::parse(secret).map_err(Error::internal)?;
    secret.signing_key().map_err(Error::internal)
}

fn seed_key(
    keys: &WorkspaceKeys,
    column: &'static str,
    row: &EndpointRow,
    sealed: &[u8],
) -> Result<SigningKey> {
    seed_of(keys, column, row.id, sealed)?.signing_key().map_err(Error::internal)
}

impl Prepared {
    /// Opens and parses an endpoint's row.
    pub fn new(
        keys: &WorkspaceKeys,
        row: &EndpointRow,
        safe: &SafeClient,
        usual: &RetrySchedule,
    ) -> Result<Self> {
        let opened = |column, sealed: &[u8]| open(keys, column, row.id, sealed);
        let url = opened("url", &row.url)?;
        let secret = opened("secret", &row.secret)?;
        let mut today = vec![signing_key(&secret)?];
        if let Some(sealed) = &row.signing_seed {
            today.push(seed_key(keys, "signing_seed", row, sealed)?);
        }
        let mut before = Vec::new();
        if let Some(sealed) = &row.previous_secret {
            before.push(signing_key(&opened("previous_secret", sealed)?)?);
        }
        if let Some(sealed) = &row.previous_signing_seed {
            before.push(seed_key(keys, "previous_signing_seed", row, sealed)?);
        }
        Ok(Self {
            target: safe.policy().target(&url).ok(),
            url,
            sealed_url: row.url.clone(),
            keys: DeliveryKeys::new(today, row.previous_until.map(|until| (before, until))),
            form: match row.format {
                PayloadFormat::Standard => Form::Standard,
                PayloadFormat::LoginWa => {
                    Form::LoginWa(WebhookSecret::parse(&secret).map_err(Error::internal)?)
                }
            },
            headers: headers_of(keys, row)?,
            schedule: row.retry_schedule.as_ref().unwrap_or(usual).clone(),
        })
    }

    /// Whether this is where the endpoint lies by its row.
    pub fn lies_at(&self, row: &EndpointRow) -> bool {
        self.sealed_url == row.url
    }

    /// Whether its form has words for an event.
    pub const fn speaks_of(&self, event_type: EventType) -> bool {
        let format = match self.form {
            Form::Standard => PayloadFormat::Standard,
            Form::LoginWa(_) => PayloadFormat::LoginWa,
        };
        format.name_of(event_type).is_some()
    }

    /// One signed request. The error: it could not be signed, and nothing was sent.
    pub async fn post(
        &self,
        safe: &SafeClient,
        event: EventId,
        event_type: EventType,
        payload: Bytes,
        at: Timestamp,
        timeout: Duration,
    ) -> Result<Attempt> {
        let id = event.to_string();
        // Which keys sign is asked for each attempt: an old one ends to the instant.
        let keys = self.keys.at(at);
        let (payload, signed) = match &self.form {
            Form::Standard => {
                let signed = delivery_headers(&id, event_type.as_str(), at.seconds(), &payload, keys);
                (payload, signed.map_err(Error::internal)?)
            }
            Form::LoginWa(secret) => {
                // It follows from the event alone: the same bytes at every attempt.
                let body = loginwa_body(event_type, &payload).map(Bytes::from);
                let body = body.ok_or_else(|| Error::internal("an event that this form has no words for"))?;
                let name = PayloadFormat::LoginWa.name_of(event_type).unwrap_or_default();
                let signed = loginwa_headers(&id, name, at.seconds(), &body, keys, secret);
                (body, signed.map_err(Error::internal)?)
            }
        };
        // Ours come first, and nobody sets one of their names.
        let ours = signed.iter().map(|(name, value)| (*name, value.as_str()));
        let headers: Vec<(&str, &str)> = ours.chain(self.headers.expose()).collect();
        Ok(match &self.target {
            Some(target) => safe.post_target(target, &headers, payload, timeout).await,
            None => {
                safe.post(SafeRequest { url: &self.url, headers: &headers, body: payload, timeout }).await
            }
        })
    }
}
