//! People who change their number or their id: one contact before and after.

use gatepost_channels::graph::{self, IdentityChange};
use gatepost_core::event::{ContactNews, EventData, EventType, Party};
use gatepost_core::{Result, WorkspaceId};
use gatepost_store::{ChannelRow, ContactNames, NewEvent, WorkspaceScope, WorkspaceTx};

use super::received::{contact_place, seal_contact};
use super::{Origin, phone_of};
use crate::App;
use crate::events::{Draft, draft};
use crate::messages::{StoredParty, bsuid_index, open_json, person_index, phone_index};

/// A contact's new names, prepared before the transaction.
pub(super) struct Identity {
    names: ContactNames,
    /// As the person was known until now.
    was: ContactNames,
    /// Phone, BSUID and name, sealed.
    party: Vec<u8>,
}

impl Identity {
    pub async fn write(&self, tx: &WorkspaceTx<'_>) -> Result<()> {
        tx.contact_rename(self.names, &self.party).await?;
        // It is the same person: what they do not want to get they do not get under a new name either.
        let new = [self.names.phone_index, self.names.bsuid_index];
        let old = [self.was.phone_index, self.was.bsuid_index];
        let pairs: Vec<([u8; 16], [u8; 16])> = old
            .into_iter()
            .flatten()
            .flat_map(|old| new.into_iter().flatten().map(move |new| (old, new)))
            .filter(|(old, new)| old != new)
            .collect();
        tx.suppressions_follow(&pairs).await?;
        // Whoever gets the old number is another person.
        let left: Vec<[u8; 16]> =
            old.into_iter().flatten().filter(|old| !new.contains(&Some(*old))).collect();
        tx.suppressions_leave(&left).await
    }
}

impl App {
    /// Where a message says that a person has another number or id now: the contact's new names, and the event. `None`
    /// where it says no such thing, or of somebody who never wrote.
    pub(super) async fn identity_prepare(
        &self,
        scope: WorkspaceScope,
        origin: &Origin<'_>,
        channel: &ChannelRow,
        inbound: &graph::Inbound,
        events: &mut Vec<NewEvent>,
    ) -> Result<Option<Identity>> {
        let Some(change) = IdentityChange::read(inbound) else { return Ok(None) };
        let keys = origin.keys;
        let old_phone = phone_of(change.old_phone.as_deref()).map(|p| phone_index(keys, p.as_e164()));
        let old_bsuid = change.old_bsuid.as_deref().map(|bsuid| bsuid_index(keys, bsuid));
        let known =
            self.0.store.read(scope, async move |tx| tx.contact_find(old_phone, old_bsuid).await).await?;
        let workspace = WorkspaceId::from_uuid(keys.workspace());
        let previous: StoredParty = match &known {
            Some((names, party)) => open_json(keys, &contact_place(workspace, names.id), party)?,
            None => StoredParty {
                phone: phone_of(change.old_phone.as_deref()).map(|p| p.as_e164().to_owned()),
                bsuid: change.old_bsuid,
                name: None,
            },
        };
        let new_phone = phone_of(change.new_phone.as_deref()).map(|p| p.as_e164().to_owned());
        let current = StoredParty {
            phone: new_phone.or_else(|| previous.phone.clone()),
            bsuid: change.new_bsuid.or_else(|| previous.bsuid.clone()),
            name: previous.name.clone(),
        };
        let news = ContactNews {
            id: known.as_ref().map(|(names, _)| names.id),
            contact: party(&current),
            previous: Some(party(&previous)),
            choice: None,
        };
        let event = Draft {
            event_type: EventType::ContactUpdated,
            mode: channel.mode,
            channel: Some(channel.id),
            order_key: person_index(keys, current.phone.as_deref(), current.bsuid.as_deref()),
            data: EventData::Contact(news),
        };
        events.push(draft(keys, self.now(), self.0.entropy.as_ref(), event)?);
        let Some((names, _)) = known else { return Ok(None) };
        Ok(Some(Identity {
            names: ContactNames {
                id: names.id,
                phone_index: current.phone.as_deref().map(|p| phone_index(keys, p)).or(names.phone_index),
                bsuid_index: current.bsuid.as_deref().map(|b| bsuid_index(keys, b)).or(names.bsuid_index),
            },
            was: names,
            party: seal_contact(keys, names.id, &current)?,
        }))
    }
}

fn party(stored: &StoredParty) -> Party {
    Party { phone: stored.phone.clone(), bsuid: stored.bsuid.clone(), name: stored.name.clone() }
}
