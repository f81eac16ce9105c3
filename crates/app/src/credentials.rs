//! From a presented API key to a principal.
//!
//! Threat note. Defends against: guessing (256-bit secrets, a checksum that keeps noise away from the database),
//! timing (digests are compared in constant time), a revoked key that a cache still knows: entries are dropped when the
//! credential epoch moves (an allowlist moves it too, so that a list costs no query), and nothing is served from the
//! cache while this node's lease is not live.
//! Does not defend against: a stolen key that nobody revokes.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use gatepost_core::access::{KeyRefused, Principal, StoredKey};
use gatepost_core::{ApiKeyId, ClientAddr, Code, Error, Result, Timestamp, TokenFamilyId, WorkspaceId};
use gatepost_vault::ApiKeyToken;
use gatepost_vault::access_token::ACCESS_TOKEN_PREFIX;
use tokio::sync::watch;

use crate::App;

/// Keys held at once.
const CACHED_KEYS: u64 = 50_000;

/// Verified keys and what this node knows of the credential epoch.
pub(crate) struct Credentials {
    keys: moka::sync::Cache<ApiKeyId, Arc<Verified>>,
    /// Those that access tokens were exchanged for.
    exchanged: moka::sync::Cache<ApiKeyId, Arc<Exchanged>>,
    epoch: AtomicI64,
    /// Says that the epoch moved, to whoever holds a credential for longer than a request.
    moved: watch::Sender<i64>,
    /// Until when (microseconds) this node may serve from its cache.
    live_until: AtomicI64,
}

/// What a key was verified against.
struct Verified {
    /// The epoch it was read in.
    epoch: i64,
    stored: StoredKey,
    principal: Arc<Principal>,
    used_at: AtomicI64,
    written_at: AtomicI64,
}

/// A key whose access tokens are in use.
struct Exchanged {
    /// The epoch it was read in.
    epoch: i64,
    stored: StoredKey,
    used_at: AtomicI64,
    written_at: AtomicI64,
}

impl Credentials {
    pub fn new() -> Self {
        Self {
            keys: moka::sync::Cache::new(CACHED_KEYS),
            exchanged: moka::sync::Cache::new(CACHED_KEYS),
            epoch: AtomicI64::new(0),
            moved: watch::Sender::new(0),
            live_until: AtomicI64::new(0),
        }
    }

    /// Another epoch: everything read in an earlier one is void.
    pub fn set_epoch(&self, epoch: i64) {
        if self.epoch.fetch_max(epoch, Ordering::SeqCst) < epoch {
            self.moved.send_replace(epoch);
        }
    }

    /// Changes with the epoch.
    pub fn subscribe(&self) -> watch::Receiver<i64> {
        self.moved.subscribe()
    }

    /// The epoch that what is read now belongs to.
    pub fn epoch(&self) -> i64 {
        self.epoch.load(Ordering::SeqCst)
    }

    /// Whether this node may serve from its caches.
    pub fn is_live(&self, now: Timestamp) -> bool {
        now.micros() < self.live_until.load(Ordering::SeqCst)
    }

    pub fn set_live_until(&self, until: Timestamp) {
        self.live_until.store(until.micros(), Ordering::SeqCst);
    }

    /// The keys used since the last call, and when.
    pub fn take_used(&self) -> Vec<(WorkspaceId, ApiKeyId, Timestamp)> {
        let mut uses = Vec::new();
        for (id, key) in &self.keys {
            let used = key.used_at.load(Ordering::Relaxed);
            if key.written_at.swap(used, Ordering::Relaxed) != used {
                uses.push((key.stored.workspace, *id, Timestamp::from_micros(used)));
            }
        }
        for (id, key) in &self.exchanged {
            let used = key.used_at.load(Ordering::Relaxed);
            if key.written_at.swap(used, Ordering::Relaxed) != used {
                uses.push((key.stored.workspace, *id, Timestamp::from_micros(used)));
            }
        }
        uses
    }
}

impl App {
    /// Verifies a presented API key or access token, and that it may be used from `client`.
    ///
    /// # Errors
    /// `unauthorized` for anything that is not of this installation; `api_key_revoked`, `api_key_expired`,
    /// `access_token_expired`, `access_token_ended` and `ip_not_allowed` only to whoever presents the right secret; with the
    /// key whose id was presented, for the log of its owner.
    pub async fn principal_of_key(
        &self,
        presented: &str,
        client: Option<ClientAddr>,
    ) -> Result<Arc<Principal>, KeyRefused> {
        if presented.starts_with(ACCESS_TOKEN_PREFIX) {
            return self.principal_of_token(presented, client).await;
        }
        let (principal, key) = self.verified_key(presented).await?;
        match principal.admit(client) {
            Ok(()) => Ok(principal),
            Err(error) => Err(KeyRefused { error, key: Some((principal.workspace(), key)) }),
        }
    }

    /// A key through an access token that it was exchanged for, and that was verified.
    pub(crate) async fn principal_of_exchanged_key(
        &self,
        id: ApiKeyId,
        exchange: TokenFamilyId,
        client: Option<ClientAddr>,
    ) -> Result<Arc<Principal>, KeyRefused> {
        let (inner, now) = (&self.0, self.now());
        // Read before the entry: an epoch that moves meanwhile voids what we are about to find.
        let epoch = inner.credentials.epoch();
        let live = inner.credentials.is_live(now);
        let held = inner.credentials.exchanged.get(&id).filter(|held| live && held.epoch == epoch);
        let key = if let Some(held) = held {
            held
        } else {
            let plan = self.default_plan();
            let found =
                inner.store.read_system(async move |tx| tx.api_key_find(id, plan.as_deref()).await).await?;
            let stored = found.ok_or_else(|| Error::of(Code::AccessTokenEnded))?;
            let (used_at, written_at) = (AtomicI64::new(0), AtomicI64::new(0));
            let key = Arc::new(Exchanged { epoch, stored, used_at, written_at });
            inner.credentials.exchanged.insert(id, Arc::clone(&key));
            key
        };
        let principal = Principal::of_exchanged_key(&key.stored, exchange, now)
            .map_err(|refusal| KeyRefused::known(refusal, &key.stored))?;
        if let Err(error) = principal.admit(client) {
            return Err(KeyRefused { error, key: Some((principal.workspace(), id)) });
        }
        key.used_at.store(now.micros(), Ordering::Relaxed);
        Ok(Arc::new(principal))
    }

    async fn verified_key(&self, presented: &str) -> Result<(Arc<Principal>, ApiKeyId), KeyRefused> {
        let token = ApiKeyToken::parse(presented).map_err(|_| Error::of(Code::Unauthorized))?;
        let (inner, now) = (&self.0, self.now());
        let live = inner.credentials.is_live(now);
        // Read before the entry: an epoch that moves meanwhile voids what we are about to find.
        let epoch = inner.credentials.epoch();
        if live
            && let Some(key) = inner.credentials.keys.get(&token.key_id)
            && key.epoch == epoch
            && Principal::verify_key(&key.stored, &token.digest, now).is_ok()
        {
            key.used_at.store(now.micros(), Ordering::Relaxed);
            return Ok((Arc::clone(&key.principal), token.key_id));
        }
        let id = token.key_id;
        let plan = self.default_plan();
        let found =
            inner.store.read_system(async move |tx| tx.api_key_find(id, plan.as_deref()).await).await?;
        let stored = found.ok_or_else(|| Error::of(Code::Unauthorized))?;
        let principal = match Principal::verify_key(&stored, &token.digest, now) {
            Ok(principal) => Arc::new(principal),
            Err(refusal) => return Err(KeyRefused::known(refusal, &stored)),
        };
        let key = Verified {
            epoch,
            stored,
            principal: Arc::clone(&principal),
            used_at: AtomicI64::new(now.micros()),
            written_at: AtomicI64::new(0),
        };
        inner.credentials.keys.insert(id, Arc::new(key));
        Ok((principal, id))
    }
}
