//! Replacing an endpoint's secret and its Ed25519 key, and the public keys that receivers fetch.
//!
//! Threat note. Defends against: a lost event while a receiver changes over (both generations sign during the overlap);
//! a leaked secret that goes on signing (an overlap of zero ends it with the answer; after any overlap its bytes are
//! erased, not just passed over); a request that is sent twice and rotates twice (an idempotency key; of two at once,
//! one is refused). Never more than two generations sign: a rotation within an overlap ends the oldest at once.

use std::time::Duration;

use gatepost_core::access::{Grant, permission};
use gatepost_core::audit::{Action, Audit};
use gatepost_core::{Code, EndpointId, Error, Result, Secret, Timestamp};
use gatepost_store::{EndpointRow, WorkspaceScope};
use gatepost_vault::{WebhookPublicKey, WebhookSecret, WebhookSeed, WorkspaceKeys};

use super::{Around, EndpointCreated, open, seal, seed_of};
use crate::App;
use crate::idempotency::{Idempotent, Outcome, Prepared};

/// The longest time that an old secret goes on signing.
pub const OVERLAP_MAX: Duration = Duration::from_hours(168);

/// A public key as receivers fetch it.
#[derive(Debug, Clone)]
pub struct WebhookKeyView {
    pub key: WebhookPublicKey,
    /// Until when deliveries are signed with it; `None` for the one in use.
    pub until: Option<Timestamp>,
}

/// A row with the next generation of secrets; those of now go on until `until`.
fn rotated(
    keys: &WorkspaceKeys,
    old: &EndpointRow,
    (secret, seed): (&WebhookSecret, Option<&WebhookSeed>),
    until: Option<Timestamp>,
) -> Result<EndpointRow> {
    let id = old.id;
    let mut row = EndpointRow {
        secret: seal(keys, "secret", id, secret.expose().as_bytes())?,
        previous_until: until,
        previous_secret: None,
        previous_signing_seed: None,
        ..old.clone()
    };
    if let Some(seed) = seed {
        row.signing_seed = Some(seal(keys, "signing_seed", id, seed.expose())?);
    }
    if until.is_some() {
        // What is sealed opens only in its own column, so the old ones are sealed anew.
        let plain = Secret::new(open(keys, "secret", id, &old.secret)?);
        row.previous_secret = Some(seal(keys, "previous_secret", id, plain.expose().as_bytes())?);
        if let Some(sealed) = &old.signing_seed {
            let plain = seed_of(keys, "signing_seed", id, sealed)?;
            row.previous_signing_seed = Some(seal(keys, "previous_signing_seed", id, plain.expose())?);
        }
    }
    Ok(row)
}

impl App {
    /// A new secret, and a new Ed25519 key where there is one. The old ones go on signing for `overlap` (at most seven
    /// days), so that no delivery fails while the receiver changes over. Within an overlap the oldest generation ends at
    /// once: the two newest sign, no others.
    ///
    /// Errors: `conflict` where another rotation was faster.
    pub async fn endpoint_secret_rotate(
        &self,
        grant: &Grant<permission::EndpointManage>,
        id: EndpointId,
        overlap: Duration,
        idempotent: Option<Idempotent<EndpointCreated>>,
    ) -> Result<Outcome<EndpointCreated>> {
        let scope = WorkspaceScope::from(grant);
        let old = self.endpoint_row(grant, id).await?;
        let keys = self.0.sealing.keys(scope).await?;
        let now = self.now();
        let overlap = overlap.min(OVERLAP_MAX);
        let until = (!overlap.is_zero()).then(|| now.plus(overlap));
        let secret = WebhookSecret::generate(self.entropy());
        let seed = old.signing_seed.as_ref().map(|_| WebhookSeed::generate(self.entropy()));
        let row = rotated(&keys, &old, (&secret, seed.as_ref()), until)?;
        let around = self.0.store.read(scope, async move |tx| Around::read(tx, Some(id)).await).await?;
        let created = EndpointCreated {
            view: self.endpoint_view(&keys, &row, &around)?,
            secret: Secret::new(secret.expose().to_owned()),
        };
        let prepared = Prepared::with_answer(&keys, idempotent.as_ref(), &created)?;
        let audit = self.audit(
            grant,
            Action::EndpointSecretRotated,
            ("endpoint", id.to_string()),
            vec![("overlap_seconds", overlap.as_secs().to_string())],
        );
        let (recording, public_key) = (prepared.clone(), created.view.public_key);
        let replay = self
            .0
            .store
            .write(scope, async move |tx| {
                if let Some(prepared) = &recording
                    && let Some(first) = prepared.record(tx, now).await?
                {
                    return tx.commit(Audit::None("an answer given again"), Some(first));
                }
                let found = tx.endpoint_lock(id).await?.ok_or_else(|| Error::of(Code::NotFound))?;
                if found.secret != old.secret || found.signing_seed != old.signing_seed {
                    let detail = "the secret was replaced meanwhile by another request";
                    return Err(Error::new(Code::Conflict, detail));
                }
                tx.endpoint_rotate(&row).await?;
                if let Some(key) = public_key {
                    tx.webhook_key_replace(id, key.as_bytes(), until, now).await?;
                }
                tx.commit(audit.clone(), None)
            })
            .await?;
        match (replay, prepared) {
            (Some(first), Some(prepared)) => prepared.open(&keys, &first),
            _ => Ok(Outcome::Fresh(created)),
        }
    }

    /// The public keys that deliveries of an endpoint are signed with now, the one in use first. For everybody: they tell
    /// nothing of the endpoint, and one without keys is as unknown as one that does not exist.
    ///
    /// Errors: `not_found`.
    pub async fn webhook_keys(&self, id: EndpointId) -> Result<Vec<WebhookKeyView>> {
        let now = self.now();
        let rows = self.0.store.read_system(async move |tx| tx.webhook_key_list(id, now).await).await?;
        if rows.is_empty() {
            return Err(Error::of(Code::NotFound));
        }
        rows.into_iter()
            .map(|row| {
                let key = WebhookPublicKey::from_bytes(&row.public_key).map_err(Error::internal)?;
                Ok(WebhookKeyView { key, until: row.until })
            })
            .collect()
    }
}
