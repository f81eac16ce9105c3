//! Messages from people.

use gatepost_channels::graph;
use gatepost_core::event::{EventData, EventType, MessageNews, Party};
use gatepost_core::message::MessageState;
use gatepost_core::optout::Classifier;
use gatepost_core::{ChannelId, ContactId, MessageId, Result, Timestamp, WorkspaceId};
use gatepost_store::{ChannelRow, ContactRow, MediaRow, NewEvent, NewInbound, Upserted, WorkspaceTx};
use gatepost_vault::{Aad, WorkspaceKeys};
use serde_json::value::RawValue;

use super::{Origin, phone_of};
use crate::App;
use crate::choices::Choice;
use crate::events::{Draft, draft};
use crate::messages::{
    StoredContent, StoredParty, bsuid_index, open_json, person_index, phone_index, seal_content, seal_json,
    seal_party, seal_provider,
};

/// A message from a person, prepared before the transaction.
pub(super) struct Received {
    message: NewInbound,
    contact: ContactRow,
    party: StoredParty,
    reply_index: Option<[u8; 16]>,
    media: Option<MediaRow>,
}

/// Writes messages down, with the people who wrote them.
pub(super) async fn write(
    tx: &WorkspaceTx<'_>,
    keys: &WorkspaceKeys,
    received: impl Iterator<Item = &Received>,
) -> Result<()> {
    let received: Vec<&Received> = received.collect();
    // One question for all of them, each time: on PostgreSQL a question is a round trip.
    let replies: Vec<[u8; 16]> = received.iter().filter_map(|r| r.reply_index).collect();
    let mut originals = tx.message_find_by_provider(&replies).await?.into_iter();
    let known = |c: &ContactRow| c.phone_index.is_some() || c.bsuid_index.is_some();
    let named: Vec<&Received> = received.iter().copied().filter(|r| known(&r.contact)).collect();
    let people: Vec<&ContactRow> = named.iter().map(|r| &r.contact).collect();
    let contacts = tx.contacts_upsert(&people).await?;
    for (Received { party, .. }, contact) in named.into_iter().zip(&contacts).filter(|(_, c)| c.learned) {
        let place = contact_place(WorkspaceId::from_uuid(keys.workspace()), contact.id);
        let before: StoredParty = open_json(keys, &place, &tx.contact_party(contact.id).await?)?;
        let now = StoredParty {
            phone: party.phone.clone().or(before.phone),
            bsuid: party.bsuid.clone().or(before.bsuid),
            name: party.name.clone().or(before.name),
        };
        tx.contact_party_set(contact.id, &seal_contact(keys, contact.id, &now)?).await?;
    }
    follow(tx, &people, &contacts).await?;
    let mut heard: Vec<(ChannelId, [u8; 16], Timestamp)> = received
        .iter()
        .flat_map(|Received { message, contact, .. }| {
            let indexes = [contact.phone_index, contact.bsuid_index].into_iter().flatten();
            // A clock ahead of ours opens no window for longer.
            let at = contact.seen_at.min(message.created_at);
            indexes.map(move |index| (message.channel, index, at))
        })
        .collect();
    // One order for all, so that no two transactions wait for each other.
    heard.sort_unstable();
    tx.conversations_received(&heard).await?;
    let media: Vec<&MediaRow> = received.iter().filter_map(|r| r.media.as_ref()).collect();
    tx.media_insert(&media).await?;
    let mut contacts = contacts.into_iter();
    let rows: Vec<NewInbound> = received
        .into_iter()
        .map(|Received { message, contact, reply_index, .. }| NewInbound {
            id: message.id,
            channel: message.channel,
            mode: message.mode,
            kind: message.kind.clone(),
            contact: if known(contact) { contacts.next().map(|contact| contact.id) } else { None },
            party: message.party.clone(),
            content: message.content.clone(),
            provider_index: message.provider_index,
            provider_id: message.provider_id.clone(),
            reply_to: reply_index.and_then(|_| originals.next().flatten()),
            created_at: message.created_at,
        })
        .collect();
    tx.message_insert_inbound(&rows).await
}

/// Whoever is suppressed under one name is so under another that they are known by from now on. A number that was
/// somebody else's brings nothing along.
async fn follow(tx: &WorkspaceTx<'_>, people: &[&ContactRow], contacts: &[Upserted]) -> Result<()> {
    let moved: Vec<[u8; 16]> = people
        .iter()
        .zip(contacts)
        .filter(|(_, contact)| contact.moved)
        .filter_map(|(row, _)| row.phone_index)
        .collect();
    tx.suppressions_leave(&moved).await?;
    let news = people.iter().zip(contacts).filter(|(row, contact)| contact.learned || contact.id == row.id);
    let pairs: Vec<([u8; 16], [u8; 16])> = news
        .filter_map(|(row, contact)| Some((row.phone_index?, row.bsuid_index?, contact.moved)))
        .flat_map(|(phone, bsuid, moved)| [(!moved).then_some((phone, bsuid)), Some((bsuid, phone))])
        .flatten()
        .collect();
    if pairs.is_empty() { Ok(()) } else { tx.suppressions_follow(&pairs).await }
}

impl Received {
    /// What the person chose with it.
    pub(super) fn choice(
        &self,
        classifier: &Classifier,
        channel: &ChannelRow,
        inbound: &graph::Inbound,
    ) -> Option<Choice> {
        // A clock ahead of ours makes no choice outlast the next.
        let at = self.contact.seen_at.min(self.message.created_at);
        Choice::of_message(classifier, channel, inbound, self.message.id, &self.party, at)
    }
}

impl App {
    pub(super) fn received_prepare(
        &self,
        origin: &Origin<'_>,
        channel: &ChannelRow,
        inbound: &graph::Inbound,
        events: &mut Vec<NewEvent>,
    ) -> Result<Received> {
        let keys = origin.keys;
        let now = self.now();
        let entropy = self.0.entropy.as_ref();
        let id = MessageId::new(now, entropy);
        let at = inbound.at.unwrap_or(origin.received_at);
        let phone = phone_of(inbound.from.as_deref()).map(|phone| phone.as_e164().to_owned());
        let party = Party {
            phone: phone.clone(),
            bsuid: inbound.from_user_id.clone(),
            name: inbound.profile_name.clone(),
        };
        let media = self.media_received(keys, channel, id, inbound, at)?;
        let (media, file) = media.map_or((None, None), |m| (Some(m.row), Some(m.news)));
        let event = draft(
            keys,
            now,
            entropy,
            Draft {
                event_type: EventType::MessageReceived,
                mode: channel.mode,
                channel: Some(channel.id),
                order_key: person_index(keys, phone.as_deref(), party.bsuid.as_deref()),
                data: EventData::Message(Box::new(MessageNews {
                    id: Some(id),
                    direction: "inbound",
                    kind: Some(&inbound.kind),
                    purpose: None,
                    state: MessageState::Received,
                    contact: party.clone(),
                    provider_id: Some(&inbound.wamid),
                    occurred_at: at,
                    text: inbound.text.as_deref(),
                    media: file.as_ref(),
                    reply_to: inbound.context.as_deref().and_then(|wamid| origin.quoted.get(keys, wamid)),
                    reply_to_provider_id: inbound.context.as_deref(),
                    error: None,
                    provider: Some(&inbound.raw),
                })),
            },
        )?;
        let stored = StoredParty { phone: phone.clone(), bsuid: party.bsuid.clone(), name: party.name };
        let content = StoredContent::Inbound {
            text: inbound.text.clone(),
            raw: RawValue::to_owned(&inbound.raw),
            media: file,
        };
        let (provider_index, provider_id) = seal_provider(keys, id, &inbound.wamid)?;
        let contact_id = ContactId::new(now, entropy);
        let contact = ContactRow {
            id: contact_id,
            phone_index: stored.phone.as_deref().map(|phone| phone_index(keys, phone)),
            bsuid_index: stored.bsuid.as_deref().map(|bsuid| bsuid_index(keys, bsuid)),
            party: seal_contact(keys, contact_id, &stored)?,
            seen_at: at,
        };
        let message = NewInbound {
            id,
            channel: channel.id,
            mode: channel.mode,
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
        events.push(event);
        Ok(Received { message, contact, party: stored, reply_index, media })
    }
}

/// The place of a sealed column of a contact.
pub(super) fn contact_place(workspace: WorkspaceId, contact: ContactId) -> Aad {
    Aad { workspace: workspace.uuid(), table: "contact", column: "party", row: contact.uuid().into_bytes() }
}

pub(super) fn seal_contact(keys: &WorkspaceKeys, id: ContactId, party: &StoredParty) -> Result<Vec<u8>> {
    seal_json(keys, &contact_place(WorkspaceId::from_uuid(keys.workspace()), id), party)
}
