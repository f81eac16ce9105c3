//! Public keys of endpoints: a platform table, since receivers ask for them by the endpoint's id alone. It holds nothing
//! that is secret, and tells nothing of an endpoint but its keys.

use gatepost_core::{EndpointId, Result, Timestamp};

use crate::engine::{self, Row};
use crate::store::{SystemTx, WorkspaceTx};
use crate::{params, statements};

/// A public key as receivers are shown it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebhookKeyRow {
    /// Ed25519, 32 bytes.
    pub public_key: Vec<u8>,
    pub created_at: Timestamp,
    /// Until when deliveries are signed with it; `None` for the one in use.
    pub until: Option<Timestamp>,
}

statements! {
    INSERT = same("INSERT INTO webhook_public_key (endpoint_id, public_key, workspace_id, created_at) VALUES ($1, $2, $3, $4)");
    RETIRE = same("UPDATE webhook_public_key SET until = $3 WHERE endpoint_id = $1 AND workspace_id = $2 AND until IS NULL");
    DROP_OLD = same("DELETE FROM webhook_public_key WHERE endpoint_id = $1 AND workspace_id = $2 AND until IS NOT NULL");
    DROP_ALL = same("DELETE FROM webhook_public_key WHERE endpoint_id = $1 AND workspace_id = $2");
    SWEEP = same("DELETE FROM webhook_public_key WHERE workspace_id = $1 AND until <= $2");
    LIST = same("SELECT public_key, created_at, until FROM webhook_public_key WHERE endpoint_id = $1 AND (until IS NULL OR until > $2) ORDER BY created_at DESC, public_key LIMIT 2");
}

fn key(row: &Row<'_>) -> engine::Result<WebhookKeyRow> {
    Ok(WebhookKeyRow {
        public_key: row.get(0)?,
        created_at: Timestamp::from_micros(row.get(1)?),
        until: row.get::<Option<i64>>(2)?.map(Timestamp::from_micros),
    })
}

impl WorkspaceTx<'_> {
    /// The first key of an endpoint.
    pub async fn webhook_key_insert(&self, id: EndpointId, key: &[u8], now: Timestamp) -> Result<()> {
        Ok(self.tx.execute_one(&INSERT, params![id.uuid(), key, self.workspace, now.micros()]).await?)
    }

    /// A new key in the place of the one in use, which stays valid until `until`; `None` ends it now. A key before that
    /// one ends now either way.
    pub async fn webhook_key_replace(
        &self,
        id: EndpointId,
        key: &[u8],
        until: Option<Timestamp>,
        now: Timestamp,
    ) -> Result<()> {
        let whose = params![id.uuid(), self.workspace];
        match until {
            Some(until) => {
                self.tx.execute(&DROP_OLD, whose).await?;
                self.tx.execute(&RETIRE, params![id.uuid(), self.workspace, until.micros()]).await?;
            }
            None => {
                self.tx.execute(&DROP_ALL, whose).await?;
            }
        }
        self.webhook_key_insert(id, key, now).await
    }

    /// The endpoint has no keys any more.
    pub async fn webhook_keys_drop(&self, id: EndpointId) -> Result<u64> {
        Ok(self.tx.execute(&DROP_ALL, params![id.uuid(), self.workspace]).await?)
    }

    /// Forgets keys whose overlap was over at `now`.
    pub async fn webhook_keys_sweep(&self, now: Timestamp) -> Result<u64> {
        Ok(self.tx.execute(&SWEEP, params![self.workspace, now.micros()]).await?)
    }
}

impl SystemTx<'_> {
    /// The keys that deliveries of an endpoint are signed with at `now`, the one in use first: two at most.
    pub async fn webhook_key_list(&self, id: EndpointId, now: Timestamp) -> Result<Vec<WebhookKeyRow>> {
        Ok(self.tx.query(&LIST, params![id.uuid(), now.micros()], key).await?)
    }
}
