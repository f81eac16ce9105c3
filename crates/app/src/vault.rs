//! The operator's view of the vault: which master keys wrap what, and moving to a new one without a pause.

use gatepost_core::access::{OperatorGrant, operator_permission};
use gatepost_core::audit::Action;
use gatepost_core::{Code, Error, Result};
use gatepost_vault::{MasterKeyId, MasterKeyring};

use crate::App;

/// Keys wrapped anew per transaction: few enough that sends never wait for it.
const BATCH: i64 = 64;

#[derive(Debug, Clone)]
pub struct VaultStatus {
    /// The master key in use.
    pub primary: String,
    pub keys: Vec<MasterKeyUse>,
}

/// One master key.
#[derive(Debug, Clone)]
pub struct MasterKeyUse {
    pub id: String,
    /// How many workspaces' keys it wraps.
    pub wraps: i64,
    /// Whether this process holds it.
    pub held: bool,
}

impl VaultStatus {
    /// Everything is under the primary key.
    pub fn complete(&self) -> bool {
        self.keys.iter().all(|k| k.id == self.primary || k.wraps == 0)
    }
}

impl App {
    /// Refuses to go on with a keyring that cannot open what the store holds, before anything is served.
    pub async fn vault_check(&self) -> Result<()> {
        let ring = self.0.sealing.ring();
        let counts = self.0.store.read_system(async |tx| tx.wrapped_key_count().await).await?;
        let unknown: Vec<String> = counts
            .into_iter()
            .filter(|(id, _)| !MasterKeyId::parse(id).is_some_and(|id| ring.knows(id)))
            .map(|(id, _)| id)
            .collect();
        if unknown.is_empty() {
            return Ok(());
        }
        Err(Error::internal(format!(
            "the store holds keys under master key {}, which was not given; given is {}",
            unknown.join(", "),
            ring.primary().id()
        )))
    }

    /// True when the store holds no wrapped key yet: only then may a master key be generated.
    pub async fn vault_is_fresh(store: &gatepost_store::Store) -> Result<bool> {
        store.read_system(async |tx| Ok(tx.wrapped_key_count().await?.is_empty())).await
    }

    pub async fn vault_status(
        &self,
        _grant: &OperatorGrant<operator_permission::VaultManage>,
    ) -> Result<VaultStatus> {
        let ring = self.0.sealing.ring();
        let counts = self.0.store.read_system(async |tx| tx.wrapped_key_count().await).await?;
        let mut keys: Vec<MasterKeyUse> =
            ring.ids().map(|id| MasterKeyUse { id: id.to_string(), wraps: 0, held: true }).collect();
        for (id, wraps) in counts {
            match keys.iter_mut().find(|k| k.id == id) {
                Some(key) => key.wraps = wraps,
                None => keys.push(MasterKeyUse { id, wraps, held: false }),
            }
        }
        Ok(VaultStatus { primary: ring.primary().id().to_string(), keys })
    }

    /// Moves every workspace's keys under the primary key of `ring`, in small steps beside the running work. Stopped
    /// half way (a crash included) it goes on where it was at the next call.
    pub async fn vault_rotate(
        &self,
        grant: &OperatorGrant<operator_permission::VaultManage>,
        ring: MasterKeyring,
    ) -> Result<VaultStatus> {
        let held = self.0.sealing.ring();
        if let Some(lost) = held.ids().find(|id| !ring.knows(*id)) {
            let status = self.vault_status(grant).await?;
            if status.keys.iter().any(|k| k.id == lost.to_string() && k.wraps > 0) {
                let detail = format!("the new keyring lacks master key {lost}, which still wraps keys");
                return Err(Error::new(Code::Conflict, detail));
            }
        }
        let primary = ring.primary().id().to_string();
        let named = |ring: &MasterKeyring| ring.ids().map(|id| id.to_string()).collect::<Vec<_>>().join(" ");
        let (before, after) = (named(&held), named(&ring));
        let earlier = held.primary().id().to_string();
        self.0.sealing.set_ring(ring);
        let mut rewrapped = 0;
        loop {
            match self.0.sealing.rewrap_some(BATCH).await? {
                0 => break,
                count => rewrapped += count,
            }
        }
        let mut audit = self
            .audit_operator(grant, Action::VaultRotated, ("master_key", primary.clone()))
            .changed("primary", earlier, primary)
            .changed("held", before, after);
        audit.details.push(("rewrapped", rewrapped.to_string()));
        self.0.store.write_system(async move |tx| tx.commit(audit.clone(), ())).await?;
        self.vault_status(grant).await
    }
}
