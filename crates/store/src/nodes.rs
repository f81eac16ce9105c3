//! Nodes of this installation, and the credential epoch that makes a revocation bind on all of them.
//!
//! Every node holds a lease and says which epoch it has seen. Revoking a credential raises the epoch; the revocation
//! is answered once every node with a live lease has seen it (and dropped its caches), so a node that is cut off from
//! the database, and whose lease has run out, must serve nothing from its caches.

use gatepost_core::{NodeId, Result, Timestamp};
use uuid::Uuid;

use crate::engine::Row;
use crate::store::{SystemTx, WorkspaceTx};
use crate::{params, statements};

#[derive(Debug, Clone, Copy)]
pub struct NodeRow {
    pub id: NodeId,
    pub started_at: Timestamp,
    pub lease_until: Timestamp,
    pub credential_epoch: i64,
}

statements! {
    EPOCH = same("SELECT value FROM counter WHERE name = 'credential_epoch'");
    RAISE = same("UPDATE counter SET value = value + 1 WHERE name = 'credential_epoch' RETURNING value");
    RENEW = same("INSERT INTO node (id, started_at, lease_until, credential_epoch) VALUES ($1, $2, $3, $4) ON CONFLICT (id) DO UPDATE SET lease_until = excluded.lease_until, credential_epoch = excluded.credential_epoch");
    LIST = same("SELECT id, started_at, lease_until, credential_epoch FROM node ORDER BY started_at, id");
    LEAVE = same("DELETE FROM node WHERE id = $1");
}

impl WorkspaceTx<'_> {
    /// Raises the epoch within the transaction that ends a credential; returns the new one.
    pub async fn credential_epoch_raise(&self) -> Result<i64> {
        Ok(self.tx.query_one(&RAISE, &[], |row: &Row<'_>| row.get(0)).await?)
    }
}

impl SystemTx<'_> {
    pub async fn credential_epoch(&self) -> Result<i64> {
        Ok(self.tx.query_one(&EPOCH, &[], |row: &Row<'_>| row.get(0)).await?)
    }

    /// A credential or seat that no workspace's transaction can end was ended or narrowed: the new epoch.
    pub async fn credential_epoch_raise(&self) -> Result<i64> {
        Ok(self.tx.query_one(&RAISE, &[], |row: &Row<'_>| row.get(0)).await?)
    }

    /// Renews a node's lease and records the epoch it has seen.
    pub async fn node_renew(&self, node: &NodeRow) -> Result<()> {
        let values = params![
            node.id.uuid(),
            node.started_at.micros(),
            node.lease_until.micros(),
            node.credential_epoch
        ];
        Ok(self.tx.execute_one(&RENEW, values).await?)
    }

    pub async fn node_list(&self) -> Result<Vec<NodeRow>> {
        Ok(self
            .tx
            .query(&LIST, &[], |row: &Row<'_>| {
                Ok(NodeRow {
                    id: NodeId::from_uuid(row.get::<Uuid>(0)?),
                    started_at: Timestamp::from_micros(row.get(1)?),
                    lease_until: Timestamp::from_micros(row.get(2)?),
                    credential_epoch: row.get(3)?,
                })
            })
            .await?)
    }

    pub async fn node_leave(&self, id: NodeId) -> Result<()> {
        self.tx.execute(&LEAVE, params![id.uuid()]).await?;
        Ok(())
    }
}
