//! Content has a clock: what is not needed any more goes.
//!
//! Ids are UUIDv7, so "older than" is a range of the primary key and needs no further index. Each sweep touches at
//! most `limit` rows, so that it never holds the writer for long.

use gatepost_core::{EventId, Result, Timestamp};
use uuid::Uuid;

use crate::callbacks::ItemKey;
use crate::engine::Row;
use crate::store::WorkspaceTx;
use crate::{params, statements};

/// A delivery that keeps the content of the event `e`: pending (1), failed (3), blocked (4), or dead (5) and the event
/// not older than `$4`. SQLite is told the index: it keeps no figures, and would look at all deliveries there are.
macro_rules! needed {
    ($by:literal) => {
        concat!("SELECT 1 FROM delivery d ", $by, " JOIN endpoint p ON p.workspace_id = d.workspace_id AND p.id = d.endpoint_id WHERE d.workspace_id = $1 AND d.event_id = e.id AND (d.state IN (1, 3, 4) OR (d.state = 5 AND e.id >= $4)) AND p.deleted_at IS NULL")
    };
}

macro_rules! content_idle {
    ($event:literal, $by:literal) => {
        concat!("SELECT e.id FROM event e ", $event, " WHERE e.workspace_id = $1 AND e.id > $2 AND e.id < $3 AND e.payload IS NOT NULL AND NOT EXISTS (", needed!($by), ") ORDER BY e.id LIMIT $5")
    };
}

macro_rules! content_erase {
    ($by:literal) => {
        concat!("UPDATE event SET payload = NULL WHERE workspace_id = $1 AND id = $2 AND id < $3 AND EXISTS (SELECT 1 FROM event e WHERE e.workspace_id = $1 AND e.id = $2 AND NOT EXISTS (", needed!($by), "))")
    };
}

macro_rules! log_past {
    ($by:literal) => {
        concat!("SELECT e.id FROM event e WHERE e.workspace_id = $1 AND e.id > $2 AND e.id < $3 AND (e.id < $4 OR NOT EXISTS (SELECT 1 FROM delivery d ", $by, " JOIN endpoint p ON p.workspace_id = d.workspace_id AND p.id = d.endpoint_id WHERE d.workspace_id = $1 AND d.event_id = e.id AND d.state IN (1, 3, 4) AND p.deleted_at IS NULL)) ORDER BY e.id LIMIT $5")
    };
}

statements! {
    CONTENT = same("UPDATE message SET content = NULL WHERE workspace_id = $1 AND id IN (SELECT id FROM message WHERE workspace_id = $1 AND id < $2 AND content IS NOT NULL AND state <> $3 ORDER BY id DESC LIMIT $4)");
    /// Events after one id whose content nothing needs: no delivery of theirs is open, none that is younger than `$4` is
    /// dead. What a removed endpoint did not get is needed by nobody.
    CONTENT_IDLE = per(content_idle!("INDEXED BY event_payload", "INDEXED BY delivery_event"), content_idle!("", ""));
    CONTENT_ERASE = per(content_erase!("INDEXED BY delivery_event"), content_erase!(""));
    /// Answers go with the content of what they answer to.
    ANSWERS_ERASE = same("UPDATE attempt SET snippet = NULL WHERE workspace_id = $1 AND snippet IS NOT NULL AND (endpoint_id, delivery_id) IN (SELECT endpoint_id, id FROM delivery WHERE workspace_id = $1 AND event_id = $2)");
    /// Events after one id and before another; those that are not older than `$4` only where nothing of them is open.
    LOG_PAST = per(log_past!("INDEXED BY delivery_event"), log_past!(""));
    LOG_ATTEMPTS = same("DELETE FROM attempt WHERE workspace_id = $1 AND (endpoint_id, delivery_id) IN (SELECT endpoint_id, id FROM delivery WHERE workspace_id = $1 AND event_id = $2)");
    LOG_DELIVERIES = same("DELETE FROM delivery WHERE workspace_id = $1 AND event_id = $2");
    LOG_EVENT = same("DELETE FROM event WHERE workspace_id = $1 AND id = $2");
    LOG_REPLAYS = same("DELETE FROM replay WHERE workspace_id = $1 AND state <> 1 AND created_at < $2");
    /// What a removed endpoint was set up with; its row stays, because its deliveries name it.
    ENDPOINTS_GONE = same("UPDATE endpoint SET url = $3, description = $4 WHERE workspace_id = $1 AND deleted_at < $2 AND LENGTH(url) > 0");
    ITEMS = same("DELETE FROM callback_item WHERE workspace_id = $1 AND seen_at < $2 AND id < $3");
    ENVELOPES = same("DELETE FROM envelope WHERE workspace_id = $1 AND id IN (SELECT id FROM envelope WHERE workspace_id = $1 AND id < $2 ORDER BY id LIMIT $3)");
    IDEMPOTENCY = same("DELETE FROM idempotency WHERE workspace_id = $1 AND created_at < $2");
}

/// The smallest UUIDv7 of an instant.
pub fn floor_id(at: Timestamp) -> Uuid {
    let millis = u64::try_from(at.millis()).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &[0; 10]).into_uuid()
}

impl WorkspaceTx<'_> {
    /// Drops the content of messages made before `before`; those still queued keep theirs.
    pub async fn retain_content(&self, before: Timestamp, limit: i64) -> Result<u64> {
        let queued = gatepost_core::message::MessageState::Queued.number();
        Ok(self.tx.execute(&CONTENT, params![self.workspace, floor_id(before), queued, limit]).await?)
    }

    /// The oldest events after `after` that were made before `before` and whose content nothing needs; see
    /// [`Self::contents_erase`]. Reads only, so that whoever looks does not hold up who writes.
    pub async fn contents_idle(
        &self,
        after: Uuid,
        before: Timestamp,
        dead_since: Timestamp,
        limit: i64,
    ) -> Result<Vec<EventId>> {
        let values = params![self.workspace, after, floor_id(before), floor_id(dead_since), limit];
        Ok(self.tx.query(&CONTENT_IDLE, values, |row: &Row<'_>| Ok(EventId::from_uuid(row.get(0)?))).await?)
    }

    /// Drops the content of events made before `before`, and the answers of those that they were delivered to, unless
    /// somebody needs it again by now: a delivery that is open, or dead and of an event made since `dead_since`.
    pub async fn contents_erase(
        &self,
        events: &[EventId],
        before: Timestamp,
        dead_since: Timestamp,
    ) -> Result<()> {
        let (before, dead_since) = (floor_id(before), floor_id(dead_since));
        let rows: Vec<_> = events
            .iter()
            .map(|event| params![self.workspace, event.uuid(), before, dead_since].to_vec())
            .collect();
        let touched = self.tx.execute_many(&CONTENT_ERASE, &rows).await?;
        let erased = events.iter().zip(touched).filter(|(_, touched)| *touched == 1);
        let rows: Vec<_> = erased.map(|(event, _)| params![self.workspace, event.uuid()].to_vec()).collect();
        self.tx.execute_many(&ANSWERS_ERASE, &rows).await?;
        Ok(())
    }

    /// The oldest events after `after` that were made before `before`, apart from those not older than `open_until`
    /// that are still being delivered.
    pub async fn log_past(
        &self,
        after: Uuid,
        before: Timestamp,
        open_until: Timestamp,
        limit: i64,
    ) -> Result<Vec<EventId>> {
        let values = params![self.workspace, after, floor_id(before), floor_id(open_until), limit];
        Ok(self.tx.query(&LOG_PAST, values, |row: &Row<'_>| Ok(EventId::from_uuid(row.get(0)?))).await?)
    }

    /// Removes events with their deliveries and attempts.
    pub async fn log_remove(&self, events: &[EventId]) -> Result<()> {
        let rows: Vec<_> =
            events.iter().map(|event| params![self.workspace, event.uuid()].to_vec()).collect();
        self.tx.execute_many(&LOG_ATTEMPTS, &rows).await?;
        self.tx.execute_many(&LOG_DELIVERIES, &rows).await?;
        self.tx.execute_many(&LOG_EVENT, &rows).await?;
        Ok(())
    }

    /// Removes replays begun before `before` that have ended.
    pub async fn retain_replays(&self, before: Timestamp) -> Result<u64> {
        Ok(self.tx.execute(&LOG_REPLAYS, params![self.workspace, before.micros()]).await?)
    }

    /// Erases where endpoints led that were removed before `removed`; their secrets went when they were removed.
    pub async fn retain_endpoints(&self, removed: Timestamp) -> Result<()> {
        let nothing: &[u8] = &[];
        self.tx.execute(&ENDPOINTS_GONE, params![self.workspace, removed.micros(), nothing, ""]).await?;
        Ok(())
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
