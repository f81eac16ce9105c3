//! Many stored messages, quickly: rows of the size that real ones have, through the store.

use gatepost_app::{App, SystemClock};
use gatepost_core::access::permission;
use gatepost_core::audit::Audit;
use gatepost_core::channel::Mode;
use gatepost_core::event::EventType;
use gatepost_core::{ChannelId, Clock as _, EventId, MessageId, Timestamp};
use gatepost_store::{ItemKey, NewEvent, NewInbound, WorkspaceScope};

use crate::error::{Failure, Result};
use crate::installation::{Tenant, grant};

/// Messages in one transaction.
const BATCH: usize = 2_000;

/// Adds so many messages, each with its event and the mark that its callback item was seen.
pub async fn fill(app: &App, tenant: &Tenant, count: usize) -> Result<()> {
    let scope = WorkspaceScope::from(&grant::<permission::MessageRead>(&tenant.principal)?);
    let sender = tenant.senders.first().ok_or_else(|| Failure::new("messages need a channel"))?;
    let channel: ChannelId = sender.channel.parse()?;
    let mut left = count;
    while left > 0 {
        let size = left.min(BATCH);
        left -= size;
        let entropy = app.entropy();
        let now = SystemClock.now();
        let digests: Vec<[u8; 16]> = (0..size).map(|_| entropy.array()).collect();
        let keys: Vec<ItemKey> = digests.iter().map(|digest| ItemKey::new(Some(now), *digest)).collect();
        let ids: Vec<(MessageId, EventId)> =
            (0..size).map(|_| (MessageId::new(now, entropy), EventId::new(now, entropy))).collect();
        app.store()
            .write(scope, async move |tx| {
                let messages: Vec<NewInbound> = digests
                    .iter()
                    .zip(&ids)
                    .map(|(index, (id, _))| message(*id, *index, channel, now))
                    .collect();
                tx.message_insert_inbound(&messages).await?;
                let events: Vec<NewEvent> = ids.iter().map(|(_, id)| event(*id, channel, now)).collect();
                tx.event_append(&events).await?;
                tx.callback_items_claim(&keys, now).await?;
                tx.commit(Audit::None("rows of a benchmark"), ())
            })
            .await?;
    }
    Ok(())
}

fn message(id: MessageId, provider_index: [u8; 16], channel: ChannelId, now: Timestamp) -> NewInbound {
    NewInbound {
        id,
        channel,
        mode: Mode::Live,
        kind: "text".to_owned(),
        contact: None,
        party: vec![0x5a; 90],
        content: vec![0x5a; 320],
        provider_index,
        provider_id: vec![0x5a; 90],
        reply_to: None,
        created_at: now,
    }
}

fn event(id: EventId, channel: ChannelId, now: Timestamp) -> NewEvent {
    NewEvent {
        id,
        event_type: EventType::MessageReceived,
        mode: Mode::Live,
        channel: Some(channel),
        order_key: None,
        created_at: now,
        payload: vec![0x5a; 900],
    }
}
