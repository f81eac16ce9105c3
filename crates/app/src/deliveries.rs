//! Looking at deliveries and their attempts.

use gatepost_core::access::{Grant, permission};
use gatepost_core::endpoint::DeliveryState;
use gatepost_core::event::EventType;
use gatepost_core::{Code, DeliveryId, EndpointId, Error, EventId, Result, Timestamp};
use gatepost_store::{AttemptRow, WorkspaceScope};
use gatepost_vault::{Aad, WorkspaceKeys, sha256};
use uuid::Uuid;

use crate::App;
use crate::pages::{Page, PageQuery};
use crate::sealing::failed;

pub struct DeliveryView {
    pub id: DeliveryId,
    pub event_id: EventId,
    pub event_type: EventType,
    pub state: DeliveryState,
    pub attempts: i64,
    pub next_attempt_at: Option<Timestamp>,
    pub created_at: Timestamp,
    pub last: Option<AttemptView>,
}

/// One HTTP try.
pub struct AttemptView {
    pub number: i64,
    pub at: Timestamp,
    /// `allow`, or `blocked` by the egress policy.
    pub decision: &'static str,
    pub rule: String,
    pub address: Option<String>,
    pub status: Option<u16>,
    pub latency_ms: i64,
    pub error: Option<String>,
    /// The first kilobyte of the answer.
    pub response_snippet: Option<String>,
}

/// The place of an answer's first bytes: the row is the attempt, whose key is composite.
pub(crate) fn snippet_place(workspace: Uuid, delivery: DeliveryId, number: i64) -> Aad {
    let mut key = delivery.uuid().into_bytes().to_vec();
    key.extend_from_slice(&number.to_be_bytes());
    let digest = sha256(&key);
    let mut row = [0; 16];
    row.copy_from_slice(&digest[..16]);
    Aad { workspace, table: "attempt", column: "snippet", row }
}

fn attempt_view(keys: &WorkspaceKeys, delivery: DeliveryId, row: AttemptRow) -> Result<AttemptView> {
    let response_snippet = match &row.snippet {
        Some(sealed) => {
            let aad = snippet_place(keys.workspace(), delivery, row.number);
            let plain = keys.open_content(&aad, sealed).map_err(failed)?;
            Some(String::from_utf8(plain).map_err(Error::internal)?)
        }
        None => None,
    };
    Ok(AttemptView {
        number: row.number,
        at: row.at,
        decision: if row.allowed { "allow" } else { "blocked" },
        rule: row.rule,
        address: row.address,
        status: row.status.and_then(|s| u16::try_from(s).ok()),
        latency_ms: row.latency_ms,
        error: row.error,
        response_snippet,
    })
}

impl App {
    /// Newest first.
    pub async fn delivery_list(
        &self,
        grant: &Grant<permission::EndpointRead>,
        endpoint: EndpointId,
        state: Option<DeliveryState>,
        query: PageQuery,
    ) -> Result<Page<DeliveryView>> {
        let scope = WorkspaceScope::from(grant);
        let (before, limit) = query.bounds()?;
        let rows = self
            .0
            .store
            .read(scope, async move |tx| {
                let Some(row) = tx.endpoint_get(endpoint).await? else { return Ok(None) };
                let mut found = Vec::new();
                for delivery in tx.delivery_list(endpoint, state, before, limit).await? {
                    let last = tx.attempt_list(endpoint, delivery.id).await?.pop();
                    found.push((delivery, last));
                }
                Ok(Some((row.mode, found)))
            })
            .await?;
        let (_, rows) =
            rows.filter(|(mode, _)| grant.sees(*mode)).ok_or_else(|| Error::of(Code::NotFound))?;
        let keys = self.0.sealing.keys(scope).await?;
        query.page(
            rows,
            |(r, _)| r.id.uuid(),
            |(row, last)| {
                Ok(DeliveryView {
                    id: row.id,
                    event_id: row.event,
                    event_type: row.event_type,
                    state: row.state,
                    attempts: row.attempts,
                    next_attempt_at: row.next_at,
                    created_at: row.created_at,
                    last: last.map(|a| attempt_view(&keys, row.id, a)).transpose()?,
                })
            },
        )
    }

    /// All attempts of one delivery, oldest first.
    pub async fn attempt_list(
        &self,
        grant: &Grant<permission::EndpointRead>,
        endpoint: EndpointId,
        delivery: DeliveryId,
    ) -> Result<Vec<AttemptView>> {
        let scope = WorkspaceScope::from(grant);
        let found = self
            .0
            .store
            .read(scope, async move |tx| {
                let row = tx.endpoint_get(endpoint).await?;
                if tx.delivery_get(endpoint, delivery).await?.is_none() {
                    return Ok(None);
                }
                let attempts = tx.attempt_list(endpoint, delivery).await?;
                Ok(row.map(|row| (row.mode, attempts)))
            })
            .await?;
        let (_, rows) =
            found.filter(|(mode, _)| grant.sees(*mode)).ok_or_else(|| Error::of(Code::NotFound))?;
        let keys = self.0.sealing.keys(scope).await?;
        rows.into_iter().map(|row| attempt_view(&keys, delivery, row)).collect()
    }
}
