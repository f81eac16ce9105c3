//! The event log: appending to it, and reading it.

use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use gatepost_core::access::{Grant, permission};
use gatepost_core::channel::Mode;
use gatepost_core::event::{API_VERSION, EventData, EventFilter, EventPayload, EventType};
use gatepost_core::{
    ChannelId, Code, Entropy, Error, EventId, Result, Timestamp, WorkspaceId,
};
use gatepost_store::{EventRow, NewEvent, WorkspaceScope, WorkspaceTx};
use gatepost_vault::{Aad, WorkspaceKeys};

use crate::App;
use crate::pages::{LIMIT_MAX, Page};
use crate::sealing::failed;

/// Which events to read.
#[derive(Debug, Clone, Default)]
pub struct EventQuery {
    /// An event's id or a cursor; `None` begins with the oldest kept.
    pub after: Option<String>,
    pub limit: usize,
    pub types: EventFilter,
}

/// One event.
pub struct EventView {
    pub id: EventId,
    pub seq: i64,
    pub event_type: EventType,
    /// The exact JSON of the webhook body.
    pub payload: Vec<u8>,
}

pub(crate) fn place(workspace: WorkspaceId, event: EventId) -> Aad {
    Aad { workspace: workspace.uuid(), table: "event", column: "payload", row: event.uuid().into_bytes() }
}

/// An event ready to be appended: made before the transaction, sealed.
pub(crate) struct Draft<'a> {
    pub event_type: EventType,
    pub mode: Mode,
    pub channel: Option<ChannelId>,
    /// A blind index of the person it is about, where it is about one: ordered endpoints keep the order of each.
    pub order_key: Option<Vec<u8>>,
    pub data: EventData<'a>,
}

/// Writes and seals an event.
pub(crate) fn draft(
    keys: &WorkspaceKeys,
    now: Timestamp,
    entropy: &dyn Entropy,
    draft: Draft<'_>,
) -> Result<NewEvent> {
    let id = EventId::new(now, entropy);
    let workspace = WorkspaceId::from_uuid(keys.workspace());
    let mut body = serde_json::to_vec(&EventPayload {
        id,
        event_type: draft.event_type,
        api_version: API_VERSION,
        created_at: now,
        workspace_id: workspace,
        mode: draft.mode.as_str(),
        channel_id: draft.channel,
        data: draft.data,
    })
    .map_err(Error::internal)?;
    crate::well_formed::mend_surrogates(&mut body);
    let payload = keys.seal(&place(workspace, id), &body).map_err(failed)?.into_vec();
    Ok(NewEvent {
        id,
        event_type: draft.event_type,
        mode: draft.mode,
        channel: draft.channel,
        order_key: draft.order_key,
        created_at: now,
        payload,
    })
}

/// Appends events and leaves a delivery, with its job, for every endpoint that wants one.
pub(crate) async fn publish(
    tx: &WorkspaceTx<'_>,
    events: &[NewEvent],
    now: Timestamp,
    _entropy: &Arc<dyn Entropy>,
) -> Result<()> {
    if events.is_empty() {
        return Ok(());
    }
    let first = tx.event_append(events).await?;
    let deliveries = crate::delivering::deliveries(tx, events, first, now).await?;
    if deliveries.is_empty() { Ok(()) } else { tx.delivery_insert(&deliveries, now).await }
}

impl App {
    async fn event_view(&self, scope: WorkspaceScope, row: EventRow) -> Result<EventView> {
        let payload = match &row.payload {
            Some(sealed) => self.0.sealing.open(scope, &place(scope.workspace(), row.id), sealed).await?,
            // The content's time is over; that the event happened stays known.
            None => serde_json::to_vec(&serde_json::json!({
                "id": row.id, "type": row.event_type.as_str(), "api_version": API_VERSION, "created_at": row.created_at,
                "workspace_id": scope.workspace(), "mode": row.mode.as_str(), "channel_id": row.channel, "data": null,
            }))
            .map_err(Error::internal)?,
        };
        Ok(EventView { id: row.id, seq: row.seq, event_type: row.event_type, payload })
    }

    /// Events in their order, oldest first. Never skips one: the order is given inside the transactions that append.
    pub async fn event_list(
        &self,
        grant: &Grant<permission::EventRead>,
        query: EventQuery,
    ) -> Result<Page<EventView>> {
        let scope = WorkspaceScope::from(grant);
        let limit = query.limit.clamp(1, LIMIT_MAX);
        let mode = grant.mode();
        let bound: Option<Vec<ChannelId>> = grant.channels().map(<[ChannelId]>::to_vec);
        let after = self.event_position(grant, query.after.as_deref()).await?;
        let types = query.types;
        let (rows, position) = self
            .0
            .store
            .read(scope, async move |tx| {
                let mut found: Vec<EventRow> = Vec::new();
                let mut position = after;
                // Entries of the other mode or another type are stepped over, a bounded number of them per page.
                for _ in 0..20 {
                    let rows = tx.event_list(position, 200).await?;
                    let end = rows.len() < 200;
                    for row in rows {
                        if found.len() == limit {
                            return Ok((found, position));
                        }
                        position = row.seq;
                        let visible = mode.is_none_or(|m| m == row.mode)
                            && bound.as_ref().is_none_or(|b| row.channel.is_some_and(|c| b.contains(&c)));
                        if visible && types.matches(row.event_type) {
                            found.push(row);
                        }
                    }
                    if end {
                        break;
                    }
                }
                Ok((found, position))
            })
            .await?;
        let mut items = Vec::with_capacity(rows.len());
        for row in rows {
            items.push(self.event_view(scope, row).await?);
        }
        // A cursor even at the end: whoever polls goes on from where they are.
        Ok(Page { items, next: Some(BASE64_URL_SAFE_NO_PAD.encode(position.to_be_bytes())) })
    }

    /// Where to go on after. An event that the caller does not see is no place, like one that nobody has.
    async fn event_position(&self, grant: &Grant<permission::EventRead>, after: Option<&str>) -> Result<i64> {
        let unknown =
            || Error::new(Code::InvalidParameter, "after is neither an event id nor a cursor of this list");
        let Some(after) = after else { return Ok(0) };
        if let Ok(id) = after.parse::<EventId>() {
            let scope = WorkspaceScope::from(grant);
            let row = self.0.store.read(scope, async move |tx| tx.event_get(id).await).await?;
            return row.filter(|r| visible(grant, r)).map(|r| r.seq).ok_or_else(unknown);
        }
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(after).map_err(|_| unknown())?;
        Ok(i64::from_be_bytes(bytes.try_into().map_err(|_| unknown())?))
    }

    pub async fn event_get(&self, grant: &Grant<permission::EventRead>, id: EventId) -> Result<EventView> {
        let scope = WorkspaceScope::from(grant);
        let row = self.0.store.read(scope, async move |tx| tx.event_get(id).await).await?;
        let row = row.filter(|r| visible(grant, r)).ok_or_else(|| Error::of(Code::NotFound))?;
        self.event_view(scope, row).await
    }
}

/// Whether an entry exists for this caller: in its mode and, for one bound to channels, about one of these.
fn visible<P>(grant: &Grant<P>, row: &EventRow) -> bool {
    grant.sees(row.mode) && (grant.channels().is_none() || row.channel.is_some_and(|c| grant.reaches(c)))
}
