//! Contacts: known by phone or by Meta's BSUID; either may be absent.

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
    /// The contact that either index names, or a new one.
    pub async fn contact_upsert(&self, contact: &ContactRow) -> Result<ContactId> {
        let phone = contact.phone_index.as_ref().map(<[u8; 16]>::as_slice);
        let bsuid = contact.bsuid_index.as_ref().map(<[u8; 16]>::as_slice);
        let found: Option<Uuid> = self
            .tx
            .query_opt(&FIND, params![self.workspace, phone, bsuid], |row: &Row<'_>| row.get(0))
            .await?;
        if let Some(id) = found {
            self.tx.execute_one(&TOUCH, params![self.workspace, id, contact.seen_at.micros()]).await?;
            return Ok(ContactId::from_uuid(id));
        }
        let values = params![
            self.workspace,
            contact.id.uuid(),
            phone,
            bsuid,
            &contact.party,
            contact.seen_at.micros()
        ];
        self.tx.execute_one(&INSERT, values).await?;
        Ok(contact.id)
    }
}
