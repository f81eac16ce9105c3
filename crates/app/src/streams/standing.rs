//! Whether whoever opened a stream may still listen.
//!
//! Threat note. Defends against: a stream that outlives its key. A revocation raises the credential epoch, as does a
//! change of an allowlist, which every
//! node hears of within a heartbeat; whoever holds a stream then reads the key anew before anything more is sent, and
//! also when this node's lease is not live, when what it knows may be old. The end of a rotated or expiring key is known
//! beforehand, and waited for.

use gatepost_core::access::{Actor, KeyRefusal};
use gatepost_core::{ApiKeyId, ClientAddr, Code, Error, Result, Timestamp};

use crate::App;

/// What is known of the credential behind a stream.
pub(super) struct Standing {
    /// `None` for whoever holds no key that could end.
    key: Option<ApiKeyId>,
    /// From where it listens.
    client: Option<ClientAddr>,
    epoch: i64,
    pub ends_at: Option<Timestamp>,
}

impl App {
    /// Reads the key that opened a stream. The grant may come from a cache; this does not.
    pub(super) async fn standing_of(&self, actor: Actor, client: Option<ClientAddr>) -> Result<Standing> {
        let key = match actor {
            Actor::ApiKey(id) => Some(id),
            _ => None,
        };
        let mut standing = Standing { key, client, epoch: i64::MIN, ends_at: None };
        self.stands(&mut standing).await?;
        Ok(standing)
    }

    /// Errors: `api_key_revoked`, `api_key_expired`, `ip_not_allowed`, and those of a store that does not answer.
    pub(super) async fn stands(&self, standing: &mut Standing) -> Result<()> {
        let Some(id) = standing.key else { return Ok(()) };
        let (credentials, now) = (&self.0.credentials, self.now());
        // Read before the key: an epoch that moves meanwhile makes us read again.
        let epoch = credentials.epoch();
        let fresh = standing.epoch == epoch && credentials.is_live(now);
        if fresh && standing.ends_at.is_none_or(|end| now < end) {
            return Ok(());
        }
        let found = self.0.store.read_system(async move |tx| tx.api_key_find(id).await).await?;
        let stored = found.ok_or(KeyRefusal::Revoked).map_err(Error::from)?;
        stored.stands(now)?;
        if !stored.rules.admit(standing.client) {
            return Err(Error::of(Code::IpNotAllowed));
        }
        standing.epoch = epoch;
        standing.ends_at = stored.ends_at();
        Ok(())
    }
}
