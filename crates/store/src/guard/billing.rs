//! What the one who bills told, and for whom.

use gatepost_core::{Result, Timestamp, WorkspaceId};
use uuid::Uuid;

use crate::engine::{self, Row};
use crate::store::SystemTx;
use crate::{params, statements};

/// How a workspace stands with the one who bills.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BillingRow {
    /// The subscription, as they name it.
    pub reference: Option<String>,
    /// The place of the last event that was acted on among all of them.
    pub at: Option<i64>,
}

statements! {
    /// A second one of the same id adds nothing.
    EVENT_ADD = same("INSERT INTO billing_event (id, kind, created_at, received_at, outcome) VALUES ($1, $2, $3, $4, 'taken') ON CONFLICT (id) DO NOTHING");
    EVENT_END = same("UPDATE billing_event SET outcome = $2 WHERE id = $1");
    EVENTS_FORGET = same("DELETE FROM billing_event WHERE received_at < $1");
    BY_REFERENCE = same("SELECT id FROM workspace WHERE billing_ref = $1");
    GET = same("SELECT billing_ref, billing_at FROM workspace WHERE id = $1");
    SET = same("UPDATE workspace SET billing_ref = $2, billing_at = $3 WHERE id = $1");
}

fn billing(row: &Row<'_>) -> engine::Result<BillingRow> {
    Ok(BillingRow { reference: row.get(0)?, at: row.get(1)? })
}

impl SystemTx<'_> {
    /// Takes an event; false where it was taken before.
    pub async fn billing_event_add(
        &self,
        id: &str,
        kind: &str,
        created: Timestamp,
        now: Timestamp,
    ) -> Result<bool> {
        let values = params![id, kind, created.micros(), now.micros()];
        Ok(self.tx.execute(&EVENT_ADD, values).await? > 0)
    }

    /// Notes what became of an event.
    pub async fn billing_event_end(&self, id: &str, outcome: &str) -> Result<()> {
        Ok(self.tx.execute_one(&EVENT_END, params![id, outcome]).await?)
    }

    /// Forgets events that came before `before`.
    pub async fn billing_events_forget(&self, before: Timestamp) -> Result<u64> {
        Ok(self.tx.execute(&EVENTS_FORGET, params![before.micros()]).await?)
    }

    /// Whose subscription it is.
    pub async fn billing_workspace(&self, reference: &str) -> Result<Option<WorkspaceId>> {
        let read = |row: &Row<'_>| row.get::<Uuid>(0);
        let found = self.tx.query_opt(&BY_REFERENCE, params![reference], read).await?;
        Ok(found.map(WorkspaceId::from_uuid))
    }

    pub async fn billing_get(&self, workspace: WorkspaceId) -> Result<BillingRow> {
        Ok(self.tx.query_opt(&GET, params![workspace.uuid()], billing).await?.unwrap_or_default())
    }

    pub async fn billing_set(&self, workspace: WorkspaceId, new: &BillingRow) -> Result<()> {
        let values = params![workspace.uuid(), new.reference.as_deref(), new.at];
        Ok(self.tx.execute_one(&SET, values).await?)
    }
}
