//! Content has a clock: what is not needed any more goes.
//!
//! Ids are UUIDv7, so "older than" is a range of the primary key and needs no further index. Each sweep touches at
//! most `limit` rows, so that it never holds the writer for long.

use gatepost_core::endpoint::DeliveryState;
use gatepost_core::{Result, Timestamp};
use uuid::Uuid;

use crate::callbacks::ItemKey;
use crate::store::WorkspaceTx;
use crate::{params, statements};

statements! {
    CONTENT = same("UPDATE message SET content = NULL WHERE workspace_id = $1 AND id IN (SELECT id FROM message WHERE workspace_id = $1 AND id < $2 AND content IS NOT NULL AND state <> $3 ORDER BY id DESC LIMIT $4)");
    PAYLOAD = same("UPDATE event SET payload = NULL WHERE workspace_id = $1 AND id IN (SELECT e.id FROM event e WHERE e.workspace_id = $1 AND e.id < $2 AND e.payload IS NOT NULL AND NOT EXISTS (SELECT 1 FROM delivery d WHERE d.workspace_id = e.workspace_id AND d.event_id = e.id AND d.state IN ($3, $4, $5)) ORDER BY e.id DESC LIMIT $6)");
    ITEMS = same("DELETE FROM callback_item WHERE workspace_id = $1 AND seen_at < $2 AND id < $3");
    ENVELOPES = same("DELETE FROM envelope WHERE workspace_id = $1 AND id IN (SELECT id FROM envelope WHERE workspace_id = $1 AND id < $2 ORDER BY id LIMIT $3)");
    IDEMPOTENCY = same("DELETE FROM idempotency WHERE workspace_id = $1 AND created_at < $2");
}

/// The smallest UUIDv7 of an instant.
pub(crate) fn floor_id(at: Timestamp) -> Uuid {
    let millis = u64::try_from(at.millis()).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &[0; 10]).into_uuid()
}

impl WorkspaceTx<'_> {
    /// Drops the content of messages made before `before`; those still queued keep theirs.
    pub async fn retain_content(&self, before: Timestamp, limit: i64) -> Result<u64> {
        let queued = gatepost_core::message::MessageState::Queued.number();
        Ok(self.tx.execute(&CONTENT, params![self.workspace, floor_id(before), queued, limit]).await?)
    }

    /// Drops the payload of events made before `before`, once nothing waits to be delivered of them.
    pub async fn retain_payloads(&self, before: Timestamp, limit: i64) -> Result<u64> {
        let values = params![
            self.workspace,
            floor_id(before),
            DeliveryState::Pending.number(),
            DeliveryState::Failed.number(),
            DeliveryState::Blocked.number(),
            limit
        ];
        Ok(self.tx.execute(&PAYLOAD, values).await?)
    }

    /// Forgets callback items seen before `before`; Meta repeats a callback for up to seven days. Nothing is seen before
    /// it happens, so only the keys up to that time are looked at.
    pub async fn retain_items(&self, before: Timestamp) -> Result<u64> {
        let floor = ItemKey::floor(before);
        Ok(self.tx.execute(&ITEMS, params![self.workspace, before.micros(), floor.as_slice()]).await?)
    }

    /// Drops callback bodies kept before `before`. Only for the platform's, which no job waits to read.
    pub async fn retain_envelopes(&self, before: Timestamp, limit: i64) -> Result<u64> {
        Ok(self.tx.execute(&ENVELOPES, params![self.workspace, floor_id(before), limit]).await?)
    }

    pub async fn retain_idempotency(&self, before: Timestamp) -> Result<u64> {
        Ok(self.tx.execute(&IDEMPOTENCY, params![self.workspace, before.micros()]).await?)
    }
}
