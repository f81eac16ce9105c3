//! Contacts: known by phone or by Meta's BSUID; either may be absent.

use std::collections::HashMap;

use gatepost_core::{ContactId, Result, Timestamp};
use uuid::Uuid;

use crate::engine::Row;
use crate::store::WorkspaceTx;
use crate::{params, statements};

/// A person who wrote.
pub struct ContactRow {
    pub id: ContactId,
    pub phone_index: Option<[u8; 16]>,
    pub bsuid_index: Option<[u8; 16]>,
    /// Phone, BSUID and name, sealed.
    pub party: Vec<u8>,
    pub seen_at: Timestamp,
}

statements! {
    FIND = same("SELECT id FROM contact WHERE workspace_id = $1 AND (phone_index = $2 OR bsuid_index = $3) ORDER BY id LIMIT 1");
    INSERT = same("INSERT INTO contact (workspace_id, id, phone_index, bsuid_index, party, created_at, last_inbound_at) VALUES ($1, $2, $3, $4, $5, $6, $6)");
    TOUCH = same("UPDATE contact SET last_inbound_at = CASE WHEN last_inbound_at < $3 THEN $3 ELSE last_inbound_at END WHERE workspace_id = $1 AND id = $2");
}

impl WorkspaceTx<'_> {
    /// For each person the contact that either index names, or a new one, as if they came one after the other.
    pub async fn contacts_upsert(&self, contacts: &[&ContactRow]) -> Result<Vec<ContactId>> {
        let lookups: Vec<_> =
            contacts.iter().map(|c| params![self.workspace, c.phone(), c.bsuid()].to_vec()).collect();
        let found = self.tx.query_many(&FIND, &lookups, |row: &Row<'_>| row.get::<Uuid>(0)).await?;
        let mut ids = Vec::with_capacity(contacts.len());
        let (mut inserts, mut touches) = (Vec::new(), Vec::new());
        let mut new: HashMap<[u8; 17], Uuid> = HashMap::new();
        for (contact, found) in contacts.iter().zip(found) {
            let own = [key(0, contact.phone_index), key(1, contact.bsuid_index)];
            let known = || own.iter().flatten().filter_map(|key| new.get(key)).min().copied();
            if let Some(id) = found.or_else(known) {
                touches.push(params![self.workspace, id, contact.seen_at.micros()].to_vec());
                ids.push(ContactId::from_uuid(id));
                continue;
            }
            let id = contact.id.uuid();
            new.extend(own.into_iter().flatten().map(|key| (key, id)));
            inserts.push(
                params![
                    self.workspace,
                    id,
                    contact.phone(),
                    contact.bsuid(),
                    &contact.party,
                    contact.seen_at.micros()
                ]
                .to_vec(),
            );
            ids.push(contact.id);
        }
        self.tx.execute_many(&INSERT, &inserts).await?;
        let touched = self.tx.execute_many(&TOUCH, &touches).await?;
        if touched.iter().any(|n| *n != 1) {
            return Err(gatepost_core::Error::internal("store: a contact to touch is gone"));
        }
        Ok(ids)
    }
}

impl ContactRow {
    fn phone(&self) -> Option<&[u8]> {
        self.phone_index.as_ref().map(<[u8; 16]>::as_slice)
    }

    fn bsuid(&self) -> Option<&[u8]> {
        self.bsuid_index.as_ref().map(<[u8; 16]>::as_slice)
    }
}

/// An index and which of the two it is.
fn key(which: u8, index: Option<[u8; 16]>) -> Option<[u8; 17]> {
    let mut key = [which; 17];
    key[1..].copy_from_slice(&index?);
    Some(key)
}
