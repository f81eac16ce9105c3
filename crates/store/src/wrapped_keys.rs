//! Data keys and index keys, wrapped by the master key.

use gatepost_core::{Result, Timestamp};
use uuid::Uuid;

use crate::engine::{self, Row};
use crate::store::SystemTx;
use crate::{params, statements};

/// One wrapped key of a workspace (or of the platform: nil).
#[derive(Debug, Clone)]
pub struct WrappedKeyRow {
    pub owner: Uuid,
    /// What it is for, by the vault's numbers.
    pub purpose: i64,
    pub version: i64,
    pub wrapped: Vec<u8>,
    pub master_key_id: String,
    /// Uses (nonces) leased so far, on all nodes together.
    pub leased_uses: i64,
    pub created_at: Timestamp,
}

statements! {
    INSERT = same("INSERT INTO wrapped_key (owner, purpose, version, wrapped, master_key_id, leased_uses, created_at) VALUES ($1, $2, $3, $4, $5, $6, $7)");
    LIST = same("SELECT owner, purpose, version, wrapped, master_key_id, leased_uses, created_at FROM wrapped_key WHERE owner = $1 ORDER BY purpose, version");
    LEASE = same("UPDATE wrapped_key SET leased_uses = leased_uses + $4 WHERE owner = $1 AND purpose = $2 AND version = $3 AND leased_uses = $5");
    REWRAP = same("UPDATE wrapped_key SET wrapped = $4, master_key_id = $5 WHERE owner = $1 AND purpose = $2 AND version = $3 AND master_key_id = $6");
    FOREIGN = same("SELECT owner, purpose, version, wrapped, master_key_id, leased_uses, created_at FROM wrapped_key WHERE master_key_id <> $1 ORDER BY owner, purpose, version LIMIT $2");
    COUNT = same("SELECT master_key_id, COUNT(*) FROM wrapped_key GROUP BY master_key_id ORDER BY master_key_id");
}

fn raw(row: &Row<'_>) -> engine::Result<WrappedKeyRow> {
    Ok(WrappedKeyRow {
        owner: row.get(0)?,
        purpose: row.get(1)?,
        version: row.get(2)?,
        wrapped: row.get(3)?,
        master_key_id: row.get(4)?,
        leased_uses: row.get(5)?,
        created_at: Timestamp::from_micros(row.get(6)?),
    })
}

impl SystemTx<'_> {
    pub async fn wrapped_key_insert(&self, key: &WrappedKeyRow) -> Result<()> {
        let values = params![
            key.owner,
            key.purpose,
            key.version,
            &key.wrapped,
            &key.master_key_id,
            key.leased_uses,
            key.created_at.micros()
        ];
        Ok(self.tx.execute_one(&INSERT, values).await?)
    }

    pub async fn wrapped_key_list(&self, owner: Uuid) -> Result<Vec<WrappedKeyRow>> {
        Ok(self.tx.query(&LIST, params![owner], raw).await?)
    }

    /// Leases the `uses` that follow `leased`; false when another node leased meanwhile.
    pub async fn nonce_uses_lease(&self, key: &WrappedKeyRow, uses: i64) -> Result<bool> {
        let values = params![key.owner, key.purpose, key.version, uses, key.leased_uses];
        Ok(self.tx.execute(&LEASE, values).await? == 1)
    }

    /// Replaces a wrapping; false when somebody else did so meanwhile.
    pub async fn wrapped_key_rewrap(
        &self,
        old: &WrappedKeyRow,
        wrapped: &[u8],
        master_key_id: &str,
    ) -> Result<bool> {
        let values = params![old.owner, old.purpose, old.version, wrapped, master_key_id, &old.master_key_id];
        Ok(self.tx.execute(&REWRAP, values).await? == 1)
    }

    /// Keys that are not wrapped by `master_key_id` yet.
    pub async fn wrapped_key_foreign(&self, master_key_id: &str, limit: i64) -> Result<Vec<WrappedKeyRow>> {
        Ok(self.tx.query(&FOREIGN, params![master_key_id, limit], raw).await?)
    }

    /// How many keys each master key wraps.
    pub async fn wrapped_key_count(&self) -> Result<Vec<(String, i64)>> {
        Ok(self.tx.query(&COUNT, &[], |row: &Row<'_>| Ok((row.get(0)?, row.get(1)?))).await?)
    }
}
