//! The keys of workspaces, unwrapped and cached, with a lease of nonces at hand.

use std::sync::{Arc, RwLock};

use gatepost_core::{Clock, Code, Entropy, Error, Result};
use gatepost_store::{Store, WorkspaceScope, WrappedKeyRow};
use gatepost_vault::audit::CheckpointKey;
use gatepost_vault::{
    AccessTokenKey, KeyLabel, KeyPurpose, LeaseDecision, MasterKeyring, NewWorkspaceKeys, WorkspaceKeys,
    WrappedKey, next_lease,
};
use uuid::Uuid;

/// Fewer uses than this and the caller waits for the next lease rather than risk running dry in one batch.
const SPARE_USES: u64 = 20_000;
/// How often a lease is tried again when other nodes are faster.
const LEASE_TRIES: usize = 20;
/// Workspaces whose keys are held at once.
const CACHED_WORKSPACES: u64 = 10_000;

/// The vault's number of a purpose, as stored.
const fn purpose_number(purpose: KeyPurpose) -> i64 {
    match purpose {
        KeyPurpose::Data => 1,
        KeyPurpose::BlindIndex => 2,
        KeyPurpose::Checkpoint => 3,
        KeyPurpose::AccessToken => 4,
    }
}

pub(crate) const fn purpose_of(number: i64) -> Option<KeyPurpose> {
    match number {
        1 => Some(KeyPurpose::Data),
        2 => Some(KeyPurpose::BlindIndex),
        3 => Some(KeyPurpose::Checkpoint),
        4 => Some(KeyPurpose::AccessToken),
        _ => None,
    }
}

/// Makes and hands out workspaces' keys.
pub(crate) struct Sealing {
    store: Store,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    ring: RwLock<Arc<MasterKeyring>>,
    cache: moka::sync::Cache<Uuid, Arc<WorkspaceKeys>>,
    leasing: tokio::sync::Mutex<()>,
}

impl Sealing {
    pub fn new(store: Store, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>, ring: MasterKeyring) -> Self {
        Self {
            store,
            clock,
            entropy,
            ring: RwLock::new(Arc::new(ring)),
            cache: moka::sync::Cache::new(CACHED_WORKSPACES),
            leasing: tokio::sync::Mutex::new(()),
        }
    }

    pub fn ring(&self) -> Arc<MasterKeyring> {
        Arc::clone(&self.ring.read().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    /// From here on `ring` wraps and unwraps.
    pub fn set_ring(&self, ring: MasterKeyring) {
        *self.ring.write().unwrap_or_else(std::sync::PoisonError::into_inner) = Arc::new(ring);
    }

    /// The keys of a workspace, with enough nonces for a batch.
    pub async fn keys(&self, scope: WorkspaceScope) -> Result<Arc<WorkspaceKeys>> {
        let workspace = scope.workspace().uuid();
        if let Some(keys) = self.cache.get(&workspace)
            && keys.remaining() > SPARE_USES
        {
            return Ok(keys);
        }
        // One at a time: leases are rare, and two callers need not both take one.
        let _turn = self.leasing.lock().await;
        match self.cache.get(&workspace) {
            Some(keys) if keys.remaining() > SPARE_USES => Ok(keys),
            Some(keys) => {
                let version = keys.current_version();
                let keys = self.lease(workspace, Some(keys)).await?;
                if keys.current_version() != version {
                    tracing::info!(workspace = %scope.workspace(), version = keys.current_version(), "data key replaced");
                }
                Ok(keys)
            }
            None => self.lease(workspace, None).await,
        }
    }

    /// Forgets a workspace's keys, so that they are read anew: another node has made a newer version.
    pub fn forget(&self, scope: WorkspaceScope) {
        self.cache.invalidate(&scope.workspace().uuid());
    }

    /// Opens a sealed value, reading the keys anew once when it was sealed under a version not known here yet.
    pub async fn open(
        &self,
        scope: WorkspaceScope,
        aad: &gatepost_vault::Aad,
        sealed: &[u8],
    ) -> Result<Vec<u8>> {
        let keys = self.keys(scope).await?;
        match keys.open_content(aad, sealed) {
            Err(gatepost_vault::VaultError::UnknownKeyVersion(_)) => {
                self.forget(scope);
                self.keys(scope).await?.open_content(aad, sealed).map_err(failed)
            }
            other => other.map_err(failed),
        }
    }

    async fn lease(&self, workspace: Uuid, held: Option<Arc<WorkspaceKeys>>) -> Result<Arc<WorkspaceKeys>> {
        for _ in 0..LEASE_TRIES {
            let rows = self.store.read_system(async move |tx| tx.wrapped_key_list(workspace).await).await?;
            let current = rows
                .iter()
                .filter(|r| r.purpose == purpose_number(KeyPurpose::Data))
                .max_by_key(|r| r.version)
                .cloned()
                // Whatever would have to be opened is not there any more.
                .ok_or_else(|| Error::of(Code::NotFound).with_context("vault: the keys were destroyed"))?;
            let version = u32::try_from(current.version).map_err(Error::internal)?;
            match next_lease(u64::try_from(current.leased_uses).unwrap_or(u64::MAX)) {
                LeaseDecision::RotateFirst => self.add_version(workspace, version + 1).await?,
                LeaseDecision::Grant(lease) => {
                    let uses = i64::from(lease.uses());
                    let won = self
                        .store
                        .write_system(async move |tx| {
                            let won = tx.nonce_uses_lease(&current, uses).await?;
                            tx.commit(NO_AUDIT, won)
                        })
                        .await?;
                    if !won {
                        continue;
                    }
                    let keys = match &held {
                        Some(keys) if keys.current_version() == version => Arc::clone(keys),
                        _ => Arc::new(self.unwrap(workspace, &rows)?),
                    };
                    keys.add_lease(version, lease, self.entropy.as_ref()).map_err(failed)?;
                    self.cache.insert(workspace, Arc::clone(&keys));
                    return Ok(keys);
                }
            }
        }
        Err(Error::of(Code::Unavailable).with_context("vault: no lease of nonces after many tries"))
    }

    fn unwrap(&self, workspace: Uuid, rows: &[WrappedKeyRow]) -> Result<WorkspaceKeys> {
        let mut blind = None;
        let mut data = Vec::new();
        for row in rows {
            let wrapped = WrappedKey::from_bytes(&row.wrapped).map_err(failed)?;
            match purpose_of(row.purpose) {
                Some(KeyPurpose::BlindIndex) => blind = Some(wrapped),
                Some(KeyPurpose::Data) => {
                    data.push((u32::try_from(row.version).map_err(Error::internal)?, wrapped));
                }
                Some(KeyPurpose::Checkpoint | KeyPurpose::AccessToken) => {}
                None => return Err(Error::internal("vault: a wrapped key has an unknown purpose")),
            }
        }
        let blind = blind.ok_or_else(|| Error::internal("vault: a workspace has no index key"))?;
        WorkspaceKeys::unwrap(workspace, &self.ring(), &blind, &data).map_err(failed)
    }

    /// The wrapped keys of a new workspace.
    pub fn new_keys(&self, workspace: Uuid) -> Result<Vec<WrappedKeyRow>> {
        let keys =
            NewWorkspaceKeys::generate(workspace, &self.ring(), self.entropy.as_ref()).map_err(failed)?;
        Ok(vec![
            self.row(workspace, KeyPurpose::BlindIndex, gatepost_vault::FIRST_VERSION, &keys.blind_index),
            self.row(workspace, KeyPurpose::Data, gatepost_vault::FIRST_VERSION, &keys.data),
        ])
    }

    fn row(&self, owner: Uuid, purpose: KeyPurpose, version: u32, wrapped: &WrappedKey) -> WrappedKeyRow {
        WrappedKeyRow {
            owner,
            purpose: purpose_number(purpose),
            version: i64::from(version),
            wrapped: wrapped.as_bytes().to_vec(),
            master_key_id: wrapped.master_key_id().to_string(),
            leased_uses: 0,
            created_at: self.clock.now(),
        }
    }

    async fn add_version(&self, workspace: Uuid, version: u32) -> Result<()> {
        let label = KeyLabel { workspace, purpose: KeyPurpose::Data, version };
        let wrapped = self.ring().generate(&label, self.entropy.as_ref()).map_err(failed)?;
        let row = self.row(workspace, KeyPurpose::Data, version, &wrapped);
        let made = self
            .store
            .write_system(async move |tx| {
                tx.wrapped_key_insert(&row).await?;
                tx.commit(NO_AUDIT, ())
            })
            .await;
        match made {
            // Another node was faster: its version serves as well.
            Err(e) if e.code() == Code::Conflict => Ok(()),
            other => other,
        }
    }

    /// The key that signs checkpoints of the audit log; made where there is none yet.
    pub async fn checkpoint_key(&self) -> Result<CheckpointKey> {
        let wrapped = self.installation_key(CheckpointKey::LABEL).await?;
        CheckpointKey::unwrap(&self.ring(), &wrapped).map_err(failed)
    }

    /// The key that signs access tokens; made where there is none yet.
    pub async fn access_token_key(&self) -> Result<AccessTokenKey> {
        let wrapped = self.installation_key(AccessTokenKey::LABEL).await?;
        AccessTokenKey::unwrap(&self.ring(), &wrapped).map_err(failed)
    }

    /// The one key of the installation with this label; made where there is none yet.
    async fn installation_key(&self, label: KeyLabel) -> Result<WrappedKey> {
        let (owner, purpose) = (label.workspace, purpose_number(label.purpose));
        for _ in 0..2 {
            let rows = self.store.read_system(async move |tx| tx.wrapped_key_list(owner).await).await?;
            if let Some(row) = rows.iter().find(|row| row.purpose == purpose) {
                return WrappedKey::from_bytes(&row.wrapped).map_err(failed);
            }
            let wrapped = self.ring().generate(&label, self.entropy.as_ref()).map_err(failed)?;
            let row = self.row(owner, label.purpose, label.version, &wrapped);
            let made = self
                .store
                .write_system(async move |tx| {
                    tx.wrapped_key_insert(&row).await?;
                    tx.commit(NO_AUDIT, ())
                })
                .await;
            match made {
                // Another node was faster: its key is the one.
                Err(e) if e.code() == Code::Conflict => {}
                other => other?,
            }
        }
        Err(Error::internal("vault: a key of the installation was not kept"))
    }

    /// Wraps the next `limit` keys that are not under the primary master key; returns how many that were.
    pub async fn rewrap_some(&self, limit: i64) -> Result<usize> {
        let ring = self.ring();
        let primary = ring.primary().id().to_string();
        let wanted = primary.clone();
        let rows =
            self.store.read_system(async move |tx| tx.wrapped_key_foreign(&wanted, limit).await).await?;
        let mut rewrapped = Vec::new();
        for row in rows {
            let purpose =
                purpose_of(row.purpose).ok_or_else(|| Error::internal("vault: unknown key purpose"))?;
            let version = u32::try_from(row.version).map_err(Error::internal)?;
            let label = KeyLabel { workspace: row.owner, purpose, version };
            let wrapped = WrappedKey::from_bytes(&row.wrapped).map_err(failed)?;
            if let Some(new) = ring.rewrap(&label, &wrapped, self.entropy.as_ref()).map_err(failed)? {
                rewrapped.push((row, new));
            }
        }
        let count = rewrapped.len();
        if count > 0 {
            self.store
                .write_system(async move |tx| {
                    for (row, new) in &rewrapped {
                        tx.wrapped_key_rewrap(row, new.as_bytes(), &primary).await?;
                    }
                    tx.commit(NO_AUDIT, ())
                })
                .await?;
        }
        Ok(count)
    }
}

const NO_AUDIT: gatepost_core::audit::Audit = gatepost_core::audit::Audit::None(
    "bookkeeping of keys; the rotation itself is audited where it is asked for",
);

/// A failure of the vault; an attempt to open what was moved or changed is a security event and logged as one.
pub(crate) fn failed(error: gatepost_vault::VaultError) -> Error {
    if error.is_security_event() {
        tracing::error!(security = true, %error, "a sealed value did not open");
        metrics::counter!("gatepost_vault_refusals_total").increment(1);
    }
    Error::internal(format!("vault: {error}"))
}
