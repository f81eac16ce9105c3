//! The event log: appending to it. What is read of it is in `event_log`.

use gatepost_core::channel::Mode;
use gatepost_core::event::{API_VERSION, EventData, EventPayload, EventType};
use gatepost_core::{ChannelId, Entropy, Error, EventId, Result, Timestamp, WorkspaceId};
use gatepost_store::{NewEvent, WorkspaceTx};
use gatepost_vault::{Aad, WorkspaceKeys};

use crate::sealing::failed;

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
        data: Some(draft.data),
    })
    .map_err(Error::internal)?;
    crate::well_formed::mend_surrogates(&mut body);
    crate::well_formed::one_line(&mut body);
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
pub(crate) async fn publish(tx: &WorkspaceTx<'_>, events: &[NewEvent], now: Timestamp) -> Result<()> {
    if events.is_empty() {
        return Ok(());
    }
    let first = tx.event_append(events).await?;
    let deliveries = crate::delivering::deliveries(tx, events, first, now).await?;
    if deliveries.is_empty() { Ok(()) } else { tx.delivery_insert(&deliveries, now).await }
}
