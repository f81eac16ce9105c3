//! The lane of a workspace's callbacks: reads sealed envelopes and writes down what they say, each item once.

use std::collections::HashMap;
use std::sync::Arc;

use gatepost_channels::errors::advice;
use gatepost_channels::graph::{self, DeliveryStatus, Item};
use gatepost_core::audit::Audit;
use gatepost_core::channel::Mode;
use gatepost_core::event::{EventData, EventType, MessageError, MessageNews, Notification, Party};
use gatepost_core::message::MessageState;
use gatepost_core::{
    ChannelId, Code, ContactId, EnvelopeId, Error, MessageId, MetaAppId, Phone, Result, Timestamp,
};
use gatepost_store::{
    ChannelRow, Claimed, ContactRow, ItemKey, LaneKey, MessageChange, MessageStatusRow, NewEvent, NewInbound,
    WorkspaceTx,
};
use gatepost_vault::{Aad, WorkspaceKeys};
use serde_json::value::RawValue;

use crate::App;
use crate::events::{Draft, draft, publish};
use crate::lanes::{Taken, Work};
use crate::messages::{
    StoredContent, StoredParty, provider_index, seal_content, seal_error, seal_party, seal_provider,
};
use crate::sealing::failed;

/// Envelopes of one workspace processed together.
const AT_ONCE: usize = 64;

pub(crate) struct Inbound {
    app: App,
    key: LaneKey,
}

/// An envelope that was opened.
#[derive(Clone)]
pub(crate) struct Opened {
    job: Claimed,
    /// `None` when it is gone.
    envelope: Option<Arc<Envelope>>,
}

struct Envelope {
    id: EnvelopeId,
    meta_app: MetaAppId,
    body: Vec<u8>,
    received_at: Timestamp,
}

/// One item, prepared before the transaction.
struct Prepared {
    key: ItemKey,
    effect: Effect,
    event: Option<NewEvent>,
}

enum Effect {
    Status {
        message: Option<MessageId>,
        wamid_index: [u8; 16],
        state: MessageState,
        at: Timestamp,
        provider: Option<([u8; 16], Vec<u8>)>,
        error: Option<Vec<u8>>,
    },
    Inbound {
        message: NewInbound,
        contact: ContactRow,
        reply_index: Option<[u8; 16]>,
    },
    Notice,
}

impl Work for Inbound {
    type Item = Opened;
    type Done = Opened;

    fn new(app: App, key: LaneKey) -> Self {
        Self { app, key }
    }

    fn capacity(&self) -> usize {
        AT_ONCE
    }

    async fn take(&self, limit: usize) -> Result<Taken<Opened>> {
        let jobs = self.app.claim(self.key, 0..=0, limit).await?;
        let Some(scope) = jobs.first().map(Claimed::scope) else {
            return Ok(Taken { items: Vec::new(), again: None });
        };
        // Without the keys nothing opens, and that is not the rows' fault.
        self.app.0.sealing.keys(scope).await?;
        let ids: Vec<EnvelopeId> = jobs.iter().map(|j| EnvelopeId::from_uuid(j.subject)).collect();
        let rows = self.app.0.store.read(scope, async move |tx| tx.envelopes_get(&ids).await).await?;
        let mut items = Vec::with_capacity(jobs.len());
        for (job, row) in jobs.into_iter().zip(rows) {
            let envelope = match row {
                Some(row) => {
                    let aad = crate::callbacks::place(scope.workspace(), row.id);
                    match self.app.0.sealing.open(scope, &aad, &row.body).await {
                        Ok(body) => Some(Arc::new(Envelope {
                            id: row.id,
                            meta_app: row.meta_app,
                            body,
                            received_at: row.received_at,
                        })),
                        // It holds up no other: it stays where it is, and nobody reads it again.
                        Err(error) if error.code() == Code::Internal => {
                            tracing::error!(%error, envelope = %row.id, "an envelope does not open; it is kept");
                            None
                        }
                        Err(error) => return Err(error),
                    }
                }
                None => None,
            };
            items.push(Opened { job, envelope });
        }
        Ok(Taken { items, again: None })
    }

    async fn perform(&self, item: Opened) -> Opened {
        item
    }

    async fn record(&self, mut done: Vec<Opened>) -> Result<()> {
        let Some(scope) = done.first().map(|d| d.job.scope()) else { return Ok(()) };
        done.sort_by_key(|d| (d.job.queued_at, d.job.id));
        let app = &self.app;
        let keys = app.0.sealing.keys(scope).await?;
        let channels = app.0.store.read(scope, async move |tx| tx.channel_list().await).await?;
        let mut prepared = Vec::new();
        for opened in &done {
            let Some(envelope) = &opened.envelope else { continue };
            let Envelope { meta_app, body, received_at, .. } = envelope.as_ref();
            // The body was JSON when it was accepted; if it is not now, it was damaged, and opening it would have failed.
            let parts = graph::split(body).map_err(Error::internal)?;
            for part in &parts {
                for item in part.items() {
                    let found = channel_of(&channels, *meta_app, &item, part.waba_id.as_deref());
                    prepared.push(app.item_prepare(
                        &keys,
                        *meta_app,
                        found,
                        item,
                        &part.field,
                        *received_at,
                    )?);
                }
            }
        }
        let now = app.now();
        let entropy = Arc::clone(&app.0.entropy);
        let jobs: Vec<Claimed> = done.iter().map(|d| d.job.clone()).collect();
        let envelopes: Vec<EnvelopeId> =
            done.iter().filter_map(|d| d.envelope.as_ref().map(|e| e.id)).collect();
        let count = app
            .0
            .store
            .write(scope, async move |tx| {
                let count = write(tx, &prepared, now, &entropy).await?;
                tx.envelopes_delete(&envelopes).await?;
                tx.job_complete_many(&jobs).await?;
                tx.commit(Audit::None("callbacks are in the event log"), count)
            })
            .await?;
        metrics::counter!("gatepost_callback_items_total", "result" => "new").increment(count);
        Ok(())
    }
}

/// The channel an item is about: by phone number id, else the only one of the WABA.
fn channel_of<'c>(
    channels: &'c [ChannelRow],
    app: MetaAppId,
    item: &Item,
    waba: Option<&str>,
) -> Option<&'c ChannelRow> {
    let of_app = channels.iter().filter(|c| c.meta_app == app);
    match item.phone_number_id() {
        Some(phone) => of_app.into_iter().find(|c| c.phone_number_id == phone),
        None => {
            let mut of_waba = of_app.filter(|c| Some(c.waba_id.as_str()) == waba);
            let first = of_waba.next();
            if of_waba.next().is_some() { None } else { first }
        }
    }
}

/// Writes down the items that are new; returns how many.
async fn write(
    tx: &WorkspaceTx<'_>,
    prepared: &[Prepared],
    now: Timestamp,
    entropy: &Arc<dyn gatepost_core::Entropy>,
) -> Result<u64> {
    let keys: Vec<ItemKey> = prepared.iter().map(|p| p.key).collect();
    let fresh = tx.callback_items_claim(&keys, now).await?;
    let fresh: Vec<&Prepared> = prepared.iter().zip(fresh).filter(|(_, new)| *new).map(|(p, _)| p).collect();
    write_statuses(tx, &fresh).await?;
    write_inbound(tx, &fresh).await?;
    let events: Vec<NewEvent> = fresh.iter().filter_map(|p| p.event.as_ref()).map(copy_event).collect();
    publish(tx, &events, now, entropy).await?;
    Ok(u64::try_from(fresh.len()).unwrap_or(u64::MAX))
}

fn copy_event(event: &NewEvent) -> NewEvent {
    NewEvent {
        id: event.id,
        event_type: event.event_type,
        mode: event.mode,
        channel: event.channel,
        created_at: event.created_at,
        payload: event.payload.clone(),
    }
}

async fn write_statuses(tx: &WorkspaceTx<'_>, fresh: &[&Prepared]) -> Result<()> {
    let unnamed: Vec<[u8; 16]> = fresh
        .iter()
        .filter_map(|item| match &item.effect {
            Effect::Status { message: None, wamid_index, .. } => Some(*wamid_index),
            _ => None,
        })
        .collect();
    let mut looked_up = tx.message_find_by_provider(&unnamed).await?.into_iter();
    let mut ids: Vec<MessageId> = Vec::new();
    let mut news = Vec::new();
    for item in fresh {
        if let Effect::Status { message, state, at, provider, error, .. } = &item.effect
            && let Some(id) = message.or_else(|| looked_up.next().flatten())
        {
            ids.push(id);
            news.push((id, *state, *at, provider, error));
        }
    }
    ids.sort_unstable();
    ids.dedup();
    let found = tx.message_status(&ids).await?;
    let mut known: HashMap<MessageId, MessageStatusRow> =
        found.into_iter().flatten().map(|row| (row.id, row)).collect();
    let mut changes = Vec::with_capacity(news.len());
    for (id, reported, at, provider, error) in news {
        let Some(MessageStatusRow { state, doubtful, named, .. }) = known.get_mut(&id) else { continue };
        let next = state.after(reported, *doubtful);
        if reported != MessageState::Failed && *doubtful {
            *doubtful = false;
        }
        *state = next;
        let failed = reported == MessageState::Failed && next == MessageState::Failed;
        changes.push(MessageChange {
            id,
            state: next,
            reached: (reported != MessageState::Failed || failed).then_some((reported, at)),
            provider: if *named { None } else { provider.clone() },
            error: if failed { error.clone() } else { None },
            doubtful: *doubtful,
            drop_content: matches!(next, MessageState::Read | MessageState::Failed),
        });
        *named |= provider.is_some();
    }
    tx.message_change(&changes).await
}

async fn write_inbound(tx: &WorkspaceTx<'_>, fresh: &[&Prepared]) -> Result<()> {
    let inbound: Vec<(&NewInbound, &ContactRow, Option<[u8; 16]>)> = fresh
        .iter()
        .filter_map(|item| match &item.effect {
            Effect::Inbound { message, contact, reply_index } => Some((message, contact, *reply_index)),
            _ => None,
        })
        .collect();
    // One question for all of them, each time: on PostgreSQL a question is a round trip.
    let replies: Vec<[u8; 16]> = inbound.iter().filter_map(|(.., reply)| *reply).collect();
    let mut originals = tx.message_find_by_provider(&replies).await?.into_iter();
    let known = |c: &ContactRow| c.phone_index.is_some() || c.bsuid_index.is_some();
    let people: Vec<&ContactRow> = inbound.iter().map(|(_, c, _)| *c).filter(|c| known(c)).collect();
    let mut contacts = tx.contacts_upsert(&people).await?.into_iter();
    let rows: Vec<NewInbound> = inbound
        .into_iter()
        .map(|(message, contact, reply)| NewInbound {
            id: message.id,
            channel: message.channel,
            mode: message.mode,
            kind: message.kind.clone(),
            contact: if known(contact) { contacts.next() } else { None },
            party: message.party.clone(),
            content: message.content.clone(),
            provider_index: message.provider_index,
            provider_id: message.provider_id.clone(),
            reply_to: reply.and_then(|_| originals.next().flatten()),
            created_at: message.created_at,
        })
        .collect();
    tx.message_insert_inbound(&rows).await
}

fn state_of(status: &DeliveryStatus) -> Option<MessageState> {
    match status {
        DeliveryStatus::Sent => Some(MessageState::Sent),
        DeliveryStatus::Delivered => Some(MessageState::Delivered),
        // Listened to: further than read there is nothing.
        DeliveryStatus::Read | DeliveryStatus::Played => Some(MessageState::Read),
        DeliveryStatus::Failed => Some(MessageState::Failed),
        DeliveryStatus::Other(_) => None,
    }
}

fn phone_of(wa_id: Option<&str>) -> Option<String> {
    wa_id.and_then(|digits| Phone::parse(digits).ok()).map(|phone| phone.as_e164().to_owned())
}

fn raw_value(text: &str) -> Result<Box<RawValue>> {
    RawValue::from_string(text.to_owned()).map_err(Error::internal)
}

impl App {
    /// Makes everything of an item that needs no database: its key, sealed columns, the event.
    fn item_prepare(
        &self,
        keys: &WorkspaceKeys,
        meta_app: MetaAppId,
        channel: Option<&ChannelRow>,
        item: Item,
        field: &str,
        received_at: Timestamp,
    ) -> Result<Prepared> {
        let mut identity = meta_app.uuid().into_bytes().to_vec();
        identity.extend_from_slice(&item.identity());
        let key = ItemKey::new(item.at(), keys.blind_index("callback.item", &identity));
        let channel_id = channel.map(|c| c.id);
        let mode = channel.map_or(Mode::Live, |c| c.mode);
        match (item, channel_id) {
            (Item::Status(status), Some(channel_id)) if state_of(&status.status).is_some() => {
                self.prepare_status(keys, key, channel_id, mode, &status, received_at)
            }
            (Item::Inbound(inbound), Some(channel_id)) => {
                self.prepare_inbound(keys, key, channel_id, mode, &inbound, received_at)
            }
            (item, _) => {
                let raw = match &item {
                    Item::Status(s) => &s.raw,
                    Item::Inbound(m) => &m.raw,
                    Item::Other(n) => &n.raw,
                };
                let event = self.notice(keys, channel_id, mode, field, raw)?;
                Ok(Prepared { key, effect: Effect::Notice, event: Some(event) })
            }
        }
    }

    fn notice(
        &self,
        keys: &WorkspaceKeys,
        channel: Option<ChannelId>,
        mode: Mode,
        field: &str,
        raw: &RawValue,
    ) -> Result<NewEvent> {
        let data = EventData::Notification(Notification { field, value: raw });
        let event_type = EventType::ChannelNotification;
        draft(keys, self.now(), self.0.entropy.as_ref(), Draft { event_type, mode, channel, data })
    }

    fn prepare_status(
        &self,
        keys: &WorkspaceKeys,
        key: ItemKey,
        channel: ChannelId,
        mode: Mode,
        status: &graph::Status,
        received_at: Timestamp,
    ) -> Result<Prepared> {
        let Some(state) = state_of(&status.status) else {
            return Err(Error::internal("a status without a state reached the wrong place"));
        };
        let at = status.at.unwrap_or(received_at);
        let message: Option<MessageId> = status.opaque.as_deref().and_then(|id| id.parse().ok());
        let error = status.errors.first().map(|e| {
            let advice = advice(e.code, None);
            MessageError {
                code: "meta_refused".to_owned(),
                provider_code: Some(e.code),
                class: advice.class.customer().as_str().replace("retrying", "failed"),
                detail: e.details.clone().unwrap_or_else(|| e.title.clone()),
                action: advice.action.to_owned(),
            }
        });
        let event_type = EventType::of_state(state).unwrap_or(EventType::ChannelNotification);
        let event = draft(
            keys,
            self.now(),
            self.0.entropy.as_ref(),
            Draft {
                event_type,
                mode,
                channel: Some(channel),
                data: EventData::Message(Box::new(MessageNews {
                    id: message,
                    direction: "outbound",
                    kind: None,
                    state,
                    contact: Party {
                        phone: phone_of(status.recipient.as_deref()),
                        bsuid: status.recipient_user_id.clone(),
                        name: None,
                    },
                    provider_id: Some(&status.wamid),
                    occurred_at: at,
                    text: None,
                    reply_to_provider_id: None,
                    error: error.clone(),
                    provider: Some(&status.raw),
                })),
            },
        )?;
        let provider = message.map(|id| seal_provider(keys, id, &status.wamid)).transpose()?;
        let error = match (&error, message) {
            (Some(error), Some(id)) => Some(seal_error(keys, id, error)?),
            _ => None,
        };
        let wamid_index = provider_index(keys, &status.wamid);
        let effect = Effect::Status { message, wamid_index, state, at, provider, error };
        Ok(Prepared { key, effect, event: Some(event) })
    }

    fn prepare_inbound(
        &self,
        keys: &WorkspaceKeys,
        key: ItemKey,
        channel: ChannelId,
        mode: Mode,
        inbound: &graph::Inbound,
        received_at: Timestamp,
    ) -> Result<Prepared> {
        let now = self.now();
        let entropy = self.0.entropy.as_ref();
        let id = MessageId::new(now, entropy);
        let at = inbound.at.unwrap_or(received_at);
        let phone = phone_of(inbound.from.as_deref());
        let party = Party {
            phone: phone.clone(),
            bsuid: inbound.from_user_id.clone(),
            name: inbound.profile_name.clone(),
        };
        let event = draft(
            keys,
            now,
            entropy,
            Draft {
                event_type: EventType::MessageReceived,
                mode,
                channel: Some(channel),
                data: EventData::Message(Box::new(MessageNews {
                    id: Some(id),
                    direction: "inbound",
                    kind: Some(&inbound.kind),
                    state: MessageState::Received,
                    contact: party.clone(),
                    provider_id: Some(&inbound.wamid),
                    occurred_at: at,
                    text: inbound.text.as_deref(),
                    reply_to_provider_id: inbound.context.as_deref(),
                    error: None,
                    provider: Some(&inbound.raw),
                })),
            },
        )?;
        let stored = StoredParty { phone: phone.clone(), bsuid: party.bsuid.clone(), name: party.name };
        let content =
            StoredContent::Inbound { text: inbound.text.clone(), raw: raw_value(inbound.raw.get())? };
        let (provider_index, provider_id) = seal_provider(keys, id, &inbound.wamid)?;
        let contact_id = ContactId::new(now, entropy);
        let contact = ContactRow {
            id: contact_id,
            phone_index: phone
                .as_ref()
                .map(|p| keys.blind_index("contact.phone", p.trim_start_matches('+').as_bytes())),
            bsuid_index: party.bsuid.as_ref().map(|b| keys.blind_index("contact.bsuid", b.as_bytes())),
            party: seal_contact(keys, contact_id, &stored)?,
            seen_at: at,
        };
        let message = NewInbound {
            id,
            channel,
            mode,
            kind: inbound.kind.clone(),
            contact: None,
            party: seal_party(keys, id, &stored)?,
            content: seal_content(keys, id, &content)?,
            provider_index,
            provider_id,
            reply_to: None,
            created_at: now,
        };
        let reply_index = inbound.context.as_ref().map(|wamid| crate::messages::provider_index(keys, wamid));
        let effect = Effect::Inbound { message, contact, reply_index };
        Ok(Prepared { key, effect, event: Some(event) })
    }
}

fn seal_contact(keys: &WorkspaceKeys, id: ContactId, party: &StoredParty) -> Result<Vec<u8>> {
    let aad =
        Aad { workspace: keys.workspace(), table: "contact", column: "party", row: id.uuid().into_bytes() };
    let plain = serde_json::to_vec(party).map_err(Error::internal)?;
    Ok(keys.seal(&aad, &plain).map_err(failed)?.into_vec())
}
