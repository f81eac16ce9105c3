//! Contacts: known by phone or by Meta's BSUID; either may be absent, and either can change hands.
//!
//! A BSUID is the person; a phone number is where they are now. So a number that shows up with another BSUID moves to
//! that person, and two contacts that turn out to be one become one: the older is kept.

use std::collections::{HashMap, HashSet};

use gatepost_core::{ContactId, Error, Result, Timestamp};
use uuid::Uuid;

use crate::engine::{self, Row};
use crate::store::WorkspaceTx;
use crate::{params, statements};

/// A person who wrote.
pub struct ContactRow {
    pub id: ContactId,
    pub phone_index: Option<[u8; 16]>,
    pub bsuid_index: Option<[u8; 16]>,
    /// Phone, BSUID and name, sealed under `id`; kept only when the contact is new.
    pub party: Vec<u8>,
    pub seen_at: Timestamp,
}

/// The blind indexes of a phone and of a BSUID, where they are known.
pub type IndexPair = (Option<[u8; 16]>, Option<[u8; 16]>);

/// The contact of a person who wrote.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Upserted {
    pub id: ContactId,
    /// It has a name that it had not before: its sealed party wants to be written again.
    pub learned: bool,
    /// The number was somebody else's until now: what holds for the number does not hold for this person.
    pub moved: bool,
}

/// A contact as far as its names go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ContactNames {
    pub id: ContactId,
    pub phone_index: Option<[u8; 16]>,
    pub bsuid_index: Option<[u8; 16]>,
}

statements! {
    BY_PHONE = same("SELECT id, phone_index, bsuid_index FROM contact WHERE workspace_id = $1 AND phone_index = $2");
    BY_BSUID = same("SELECT id, phone_index, bsuid_index FROM contact WHERE workspace_id = $1 AND bsuid_index = $2");
    INSERT = same("INSERT INTO contact (workspace_id, id, phone_index, bsuid_index, party, created_at, last_inbound_at) VALUES ($1, $2, $3, $4, $5, $6, $6)");
    TOUCH = same("UPDATE contact SET last_inbound_at = CASE WHEN last_inbound_at < $3 THEN $3 ELSE last_inbound_at END WHERE workspace_id = $1 AND id = $2");
    PARTY = same("SELECT party FROM contact WHERE workspace_id = $1 AND id = $2");
    PARTY_SET = same("UPDATE contact SET party = $3 WHERE workspace_id = $1 AND id = $2");
    NAME = same("UPDATE contact SET phone_index = $3, bsuid_index = $4 WHERE workspace_id = $1 AND id = $2");
    RENAME = same("UPDATE contact SET phone_index = $3, bsuid_index = $4, party = $5 WHERE workspace_id = $1 AND id = $2");
    MERGE = same("UPDATE contact SET phone_index = NULL, bsuid_index = NULL, merged_into = $3 WHERE workspace_id = $1 AND id = $2");
}

fn names(row: &Row<'_>) -> engine::Result<ContactNames> {
    let index = |i| -> engine::Result<Option<[u8; 16]>> {
        let bytes: Option<Vec<u8>> = row.get(i)?;
        bytes.map(|b| b.try_into().map_err(|_| row.corrupt(i))).transpose()
    };
    Ok(ContactNames { id: ContactId::from_uuid(row.get(0)?), phone_index: index(1)?, bsuid_index: index(2)? })
}

impl WorkspaceTx<'_> {
    /// For each person their contact, or a new one, as if they came one after the other. A name that was not known of
    /// them before is learned.
    pub async fn contacts_upsert(&self, people: &[&ContactRow]) -> Result<Vec<Upserted>> {
        let by = |index: fn(&ContactRow) -> Option<&[u8]>| {
            people.iter().map(|c| params![self.workspace, index(c)].to_vec()).collect::<Vec<_>>()
        };
        let (phones, bsuids) = (by(ContactRow::phone), by(ContactRow::bsuid));
        let by_phone = self.tx.query_many(&BY_PHONE, &phones, names).await?;
        let by_bsuid = self.tx.query_many(&BY_BSUID, &bsuids, names).await?;
        let mut ids = vec![None; people.len()];
        let (mut inserts, mut touches) = (Vec::new(), Vec::new());
        let mut new: HashMap<[u8; 17], ContactId> = HashMap::new();
        let mut unsettled: HashSet<[u8; 17]> = HashSet::new();
        for (at, person) in people.iter().enumerate() {
            let keys = person.keys();
            let any = |known: &dyn Fn(&[u8; 17]) -> bool| keys.iter().flatten().any(known);
            if any(&|key| unsettled.contains(key)) {
                unsettled.extend(keys.into_iter().flatten());
            } else if by_phone[at].is_none() && by_bsuid[at].is_none() && !any(&|key| new.contains_key(key)) {
                new.extend(keys.into_iter().flatten().map(|key| (key, person.id)));
                inserts.push(person.insert(self.workspace));
                ids[at] = Some(person.id);
            } else if let Some(known) = person.known_as(by_phone[at], by_bsuid[at], &new) {
                touches.push(params![self.workspace, known.uuid(), person.seen_at.micros()].to_vec());
                ids[at] = Some(known);
            } else {
                unsettled.extend(keys.into_iter().flatten());
            }
        }
        self.tx.execute_many(&INSERT, &inserts).await?;
        let touched = self.tx.execute_many(&TOUCH, &touches).await?;
        if touched.iter().any(|n| *n != 1) {
            return Err(Error::internal("store: a contact to touch is gone"));
        }
        // Whoever has a new name is rare, and needs to know what those before did.
        let mut settled = Vec::with_capacity(people.len());
        for (person, id) in people.iter().zip(ids) {
            settled.push(match id {
                Some(id) => Upserted { id, learned: false, moved: false },
                None => self.contact_settle(person).await?,
            });
        }
        Ok(settled)
    }

    async fn contact_settle(&self, person: &ContactRow) -> Result<Upserted> {
        let new = Upserted { id: person.id, learned: false, moved: false };
        let phone = match person.phone() {
            Some(index) => self.tx.query_opt(&BY_PHONE, params![self.workspace, index], names).await?,
            None => None,
        };
        let bsuid = match person.bsuid() {
            Some(index) => self.tx.query_opt(&BY_BSUID, params![self.workspace, index], names).await?,
            None => None,
        };
        let mut moved = false;
        let kept = match (phone, bsuid) {
            (None, None) => {
                self.tx.execute_one(&INSERT, &person.insert(self.workspace)).await?;
                return Ok(new);
            }
            // The number has another owner now: it moves.
            (Some(old), None) if old.bsuid_index.is_some() && person.bsuid_index.is_some() => {
                self.contact_name(ContactNames { phone_index: None, ..old }).await?;
                self.tx.execute_one(&INSERT, &person.insert(self.workspace)).await?;
                return Ok(Upserted { moved: true, ..new });
            }
            (Some(one), None) | (None, Some(one)) => one,
            (Some(one), Some(same)) if one.id == same.id => one,
            (Some(old), Some(own)) if old.bsuid_index.is_some() => {
                self.contact_name(ContactNames { phone_index: None, ..old }).await?;
                moved = true;
                own
            }
            (Some(by_phone), Some(by_bsuid)) => {
                let (older, younger) =
                    if by_phone.id < by_bsuid.id { (by_phone, by_bsuid) } else { (by_bsuid, by_phone) };
                self.contact_merge(older.id, younger.id).await?;
                older
            }
        };
        self.contact_name(ContactNames {
            id: kept.id,
            phone_index: person.phone_index.or(kept.phone_index),
            bsuid_index: person.bsuid_index.or(kept.bsuid_index),
        })
        .await?;
        let touch = params![self.workspace, kept.id.uuid(), person.seen_at.micros()];
        self.tx.execute_one(&TOUCH, touch).await?;
        Ok(Upserted { id: kept.id, learned: true, moved })
    }

    async fn contact_name(&self, contact: ContactNames) -> Result<()> {
        let ContactNames { id, phone_index, bsuid_index } = contact;
        let values = params![
            self.workspace,
            id.uuid(),
            phone_index.as_ref().map(<[u8; 16]>::as_slice),
            bsuid_index.as_ref().map(<[u8; 16]>::as_slice)
        ];
        Ok(self.tx.execute_one(&NAME, values).await?)
    }

    /// `gone` was `kept` all along. Its messages go on naming it; whoever reads them follows the pointer.
    async fn contact_merge(&self, kept: ContactId, gone: ContactId) -> Result<()> {
        Ok(self.tx.execute_one(&MERGE, params![self.workspace, gone.uuid(), kept.uuid()]).await?)
    }

    /// The contact that either name belongs to, the BSUID's first, and its sealed party.
    pub async fn contact_find(
        &self,
        phone_index: Option<[u8; 16]>,
        bsuid_index: Option<[u8; 16]>,
    ) -> Result<Option<(ContactNames, Vec<u8>)>> {
        let mut found = None;
        for (stmt, index) in [(&BY_BSUID, bsuid_index), (&BY_PHONE, phone_index)] {
            if let (None, Some(index)) = (found, index) {
                found = self.tx.query_opt(stmt, params![self.workspace, index.as_slice()], names).await?;
            }
        }
        let Some(contact) = found else { return Ok(None) };
        Ok(Some((contact, self.contact_party(contact.id).await?)))
    }

    /// For each pair of names the contact that either belongs to, the BSUID's first.
    pub async fn contacts_named(&self, people: &[IndexPair]) -> Result<Vec<Option<ContactNames>>> {
        let rows = |index: fn(&IndexPair) -> Option<&[u8; 16]>| {
            let values = people.iter().map(index);
            values
                .map(|index| params![self.workspace, index.map(<[u8; 16]>::as_slice)].to_vec())
                .collect::<Vec<_>>()
        };
        let by_phone = self.tx.query_many(&BY_PHONE, &rows(|(phone, _)| phone.as_ref()), names).await?;
        let by_bsuid = self.tx.query_many(&BY_BSUID, &rows(|(_, bsuid)| bsuid.as_ref()), names).await?;
        Ok(by_bsuid.into_iter().zip(by_phone).map(|(bsuid, phone)| bsuid.or(phone)).collect())
    }

    /// A contact's sealed party.
    pub async fn contact_party(&self, id: ContactId) -> Result<Vec<u8>> {
        let values = params![self.workspace, id.uuid()];
        Ok(self.tx.query_one(&PARTY, values, |row: &Row<'_>| row.get(0)).await?)
    }

    pub async fn contact_party_set(&self, id: ContactId, party: &[u8]) -> Result<()> {
        Ok(self.tx.execute_one(&PARTY_SET, params![self.workspace, id.uuid(), party]).await?)
    }

    /// Gives a contact other names. Whoever had one of them loses it, and is merged into this contact when nothing is
    /// left to know them by.
    pub async fn contact_rename(&self, contact: ContactNames, party: &[u8]) -> Result<()> {
        for (stmt, index) in [(&BY_PHONE, contact.phone_index), (&BY_BSUID, contact.bsuid_index)] {
            let Some(index) = index else { continue };
            let other = self.tx.query_opt(stmt, params![self.workspace, index.as_slice()], names).await?;
            let Some(other) = other.filter(|other| other.id != contact.id) else { continue };
            let left = ContactNames {
                phone_index: other.phone_index.filter(|own| Some(*own) != contact.phone_index),
                bsuid_index: other.bsuid_index.filter(|own| Some(*own) != contact.bsuid_index),
                ..other
            };
            if left.phone_index.is_none() && left.bsuid_index.is_none() {
                self.contact_merge(contact.id, other.id).await?;
            } else {
                self.contact_name(left).await?;
            }
        }
        let values = params![
            self.workspace,
            contact.id.uuid(),
            contact.phone_index.as_ref().map(<[u8; 16]>::as_slice),
            contact.bsuid_index.as_ref().map(<[u8; 16]>::as_slice),
            party
        ];
        Ok(self.tx.execute_one(&RENAME, values).await?)
    }
}

impl ContactRow {
    fn phone(&self) -> Option<&[u8]> {
        self.phone_index.as_ref().map(<[u8; 16]>::as_slice)
    }

    fn bsuid(&self) -> Option<&[u8]> {
        self.bsuid_index.as_ref().map(<[u8; 16]>::as_slice)
    }

    /// Each name and which of the two it is.
    fn keys(&self) -> [Option<[u8; 17]>; 2] {
        let key = |which: u8, index: Option<[u8; 16]>| {
            let mut key = [which; 17];
            key[1..].copy_from_slice(&index?);
            Some(key)
        };
        [key(0, self.phone_index), key(1, self.bsuid_index)]
    }

    fn insert(&self, workspace: Uuid) -> Vec<engine::Value<'_>> {
        params![workspace, self.id.uuid(), self.phone(), self.bsuid(), &self.party, self.seen_at.micros()]
            .to_vec()
    }

    /// The contact that has every name of this person already.
    fn known_as(
        &self,
        by_phone: Option<ContactNames>,
        by_bsuid: Option<ContactNames>,
        new: &HashMap<[u8; 17], ContactId>,
    ) -> Option<ContactId> {
        let [phone, bsuid] = self.keys();
        let owner = |key: Option<[u8; 17]>, found: Option<ContactNames>| {
            key.map(|key| found.map(|c| c.id).or_else(|| new.get(&key).copied()))
        };
        match (owner(phone, by_phone), owner(bsuid, by_bsuid)) {
            (Some(Some(one)), Some(Some(same))) if one == same => Some(one),
            (Some(Some(one)), None) | (None, Some(Some(one))) => Some(one),
            _ => None,
        }
    }
}
