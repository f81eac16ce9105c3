//! The accounts that people have at identity providers. What is shown of one is sealed by the caller.

use gatepost_core::{IdentityId, Result, Timestamp, UserId};

use crate::engine::{self, Row};
use crate::store::SystemTx;
use crate::{params, statements};

#[derive(Debug, Clone)]
pub struct IdentityRow {
    pub id: IdentityId,
    pub user: UserId,
    /// The blind index of issuer and subject.
    pub lookup: [u8; 16],
    /// Sealed.
    pub shown: Vec<u8>,
    pub created_at: Timestamp,
    pub last_used_at: Option<Timestamp>,
}

statements! {
    INSERT = same("INSERT INTO identity (id, user_id, lookup, shown, created_at, last_used_at) VALUES ($1, $2, $3, $4, $5, $6)");
    FIND = same("SELECT id, user_id, lookup, shown, created_at, last_used_at FROM identity WHERE lookup = $1");
    LIST = same("SELECT id, user_id, lookup, shown, created_at, last_used_at FROM identity WHERE user_id = $1 ORDER BY id");
    USED = same("UPDATE identity SET last_used_at = $2 WHERE id = $1");
    SECOND = same("SELECT CASE WHEN u.totp_confirmed_at IS NOT NULL OR EXISTS (SELECT 1 FROM passkey p WHERE p.user_id = u.id) THEN 1 ELSE 0 END FROM user_account u WHERE u.id = $1");
    DELETE = same("DELETE FROM identity WHERE id = $1 AND user_id = $2");
}

fn identity(row: &Row<'_>) -> engine::Result<IdentityRow> {
    let lookup: Vec<u8> = row.get(2)?;
    Ok(IdentityRow {
        id: IdentityId::from_uuid(row.get(0)?),
        user: UserId::from_uuid(row.get(1)?),
        lookup: lookup.try_into().map_err(|_| row.corrupt(2))?,
        shown: row.get(3)?,
        created_at: Timestamp::from_micros(row.get(4)?),
        last_used_at: row.get::<Option<i64>>(5)?.map(Timestamp::from_micros),
    })
}

impl SystemTx<'_> {
    /// Errors: `conflict` where the account at the provider is linked already.
    pub async fn identity_insert(&self, row: &IdentityRow) -> Result<()> {
        let values = params![
            row.id.uuid(),
            row.user.uuid(),
            row.lookup.as_slice(),
            &row.shown,
            row.created_at.micros(),
            row.last_used_at.map(Timestamp::micros)
        ];
        Ok(self.tx.execute_one(&INSERT, values).await?)
    }

    pub async fn identity_find(&self, lookup: &[u8; 16]) -> Result<Option<IdentityRow>> {
        Ok(self.tx.query_opt(&FIND, params![lookup.as_slice()], identity).await?)
    }

    /// In the order in which they were linked.
    pub async fn identity_list(&self, user: UserId) -> Result<Vec<IdentityRow>> {
        Ok(self.tx.query(&LIST, params![user.uuid()], identity).await?)
    }

    pub async fn identity_used(&self, id: IdentityId, at: Timestamp) -> Result<()> {
        Ok(self.tx.execute_one(&USED, params![id.uuid(), at.micros()]).await?)
    }

    /// Whether the account has a second factor to be asked for.
    pub async fn second_factor_enrolled(&self, user: UserId) -> Result<bool> {
        let read = |row: &Row<'_>| row.get::<bool>(0);
        Ok(self.tx.query_opt(&SECOND, params![user.uuid()], read).await?.unwrap_or(false))
    }

    /// False where the person has no such identity.
    pub async fn identity_delete(&self, user: UserId, id: IdentityId) -> Result<bool> {
        Ok(self.tx.execute(&DELETE, params![id.uuid(), user.uuid()]).await? == 1)
    }
}
