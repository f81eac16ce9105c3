//! What the risk rules remember of a channel: bytes to this module.

use gatepost_core::{ChannelId, Result};

use crate::engine::Row;
use crate::store::WorkspaceTx;
use crate::{params, statements};

statements! {
    GET = per(
        "SELECT state FROM risk WHERE workspace_id = $1 AND channel_id = $2",
        "SELECT state FROM risk WHERE workspace_id = $1 AND channel_id = $2 FOR UPDATE"
    );
    SET = same("INSERT INTO risk (workspace_id, channel_id, state) VALUES ($1, $2, $3) ON CONFLICT (workspace_id, channel_id) DO UPDATE SET state = excluded.state");
}

impl WorkspaceTx<'_> {
    /// What is remembered; held until the commit.
    pub async fn risk_hold(&self, channel: ChannelId) -> Result<Option<Vec<u8>>> {
        let state = |row: &Row<'_>| row.get::<Vec<u8>>(0);
        Ok(self.tx.query_opt(&GET, params![self.workspace, channel.uuid()], state).await?)
    }

    pub async fn risk_set(&self, channel: ChannelId, state: &[u8]) -> Result<()> {
        Ok(self.tx.execute_one(&SET, params![self.workspace, channel.uuid(), state]).await?)
    }
}
