//! Tests of endpoints: a delivery that goes to one endpoint, whatever it wants to hear and even where it is disabled, by a
//! job of its own, so that it waits for nothing else that goes there.

use gatepost_core::endpoint::DeliveryState;
use gatepost_core::event::EventType;
use gatepost_core::job::JobKind;
use gatepost_core::{DeliveryId, EndpointId, EventId, Result, Timestamp};

use crate::engine::Row;
use crate::store::WorkspaceTx;
use crate::{params, statements};

/// What a test sends.
#[derive(Debug, Clone)]
pub struct EndpointTestWork {
    pub event: EventId,
    /// Attempts made so far.
    pub attempts: i64,
    pub payload: Option<Vec<u8>>,
}

statements! {
    BEGIN = same("INSERT INTO delivery (workspace_id, endpoint_id, id, event_id, state, attempts, next_at, created_at) VALUES ($1, $2, $3, $4, $5, 0, $6, $6)");
    RUNNING = same("SELECT 1 FROM job WHERE workspace_id = $1 AND kind = $2 AND lane = $3 LIMIT 1");
    WORK = same("SELECT d.event_id, d.attempts, e.payload FROM delivery d JOIN event e ON e.workspace_id = d.workspace_id AND e.id = d.event_id WHERE d.workspace_id = $1 AND d.endpoint_id = $2 AND d.id = $3");
    /// Of the newest so many: those whose content is gone are older, and are not passed by to find others.
    DEAD = same("SELECT COUNT(*) FROM (SELECT d.event_id FROM delivery d WHERE d.workspace_id = $1 AND d.endpoint_id = $2 AND d.state = $3 AND d.state > 2 ORDER BY d.id DESC LIMIT $5) AS found JOIN event e ON e.workspace_id = $1 AND e.id = found.event_id WHERE e.type <> $4 AND e.payload IS NOT NULL");
}

impl WorkspaceTx<'_> {
    /// A delivery without a place in the endpoint's queue; its job is the caller's to add.
    pub async fn endpoint_test_begin(
        &self,
        endpoint: EndpointId,
        delivery: DeliveryId,
        event: EventId,
        now: Timestamp,
    ) -> Result<()> {
        let values = params![
            self.workspace,
            endpoint.uuid(),
            delivery.uuid(),
            event.uuid(),
            DeliveryState::Pending.number(),
            now.micros()
        ];
        Ok(self.tx.execute_one(&BEGIN, values).await?)
    }

    /// Whether a test of the endpoint is under way.
    pub async fn endpoint_test_running(&self, endpoint: EndpointId) -> Result<bool> {
        let values = params![self.workspace, JobKind::EndpointTest.number(), endpoint.uuid()];
        Ok(self.tx.query_opt(&RUNNING, values, |row: &Row<'_>| row.get::<i64>(0)).await?.is_some())
    }

    /// What a test sends; `None` where its delivery is gone.
    pub async fn endpoint_test_work(
        &self,
        endpoint: EndpointId,
        delivery: DeliveryId,
    ) -> Result<Option<EndpointTestWork>> {
        let values = params![self.workspace, endpoint.uuid(), delivery.uuid()];
        let work = |row: &Row<'_>| {
            Ok(EndpointTestWork {
                event: EventId::from_uuid(row.get(0)?),
                attempts: row.get(1)?,
                payload: row.get(2)?,
            })
        };
        Ok(self.tx.query_opt(&WORK, values, work).await?)
    }

    /// The endpoint's dead letters whose content is still there, tests apart; the newest `limit` are looked at.
    pub async fn dead_letter_count(&self, endpoint: EndpointId, limit: i64) -> Result<i64> {
        let values = params![
            self.workspace,
            endpoint.uuid(),
            DeliveryState::Dead.number(),
            EventType::EndpointTest.number(),
            limit
        ];
        let count = self.tx.query_opt(&DEAD, values, |row: &Row<'_>| row.get(0)).await?;
        Ok(count.unwrap_or_default())
    }
}
