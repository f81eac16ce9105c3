//! What people prove themselves with beside a password: an authenticator app, passkeys, recovery codes.
//!
//! Each use of one is a compare-and-set here: of many who bring the same code at once, one finds it unused.

use gatepost_core::{PasskeyId, Result, Timestamp, UserId};

use crate::engine::{self, Row};
use crate::store::SystemTx;
use crate::{params, statements};

/// A passkey as it lies.
#[derive(Debug, Clone)]
pub struct PasskeyRow {
    pub id: PasskeyId,
    pub user: UserId,
    /// SHA-256 of the credential id.
    pub credential_digest: [u8; 32],
    /// Sealed.
    pub credential: Vec<u8>,
    /// Sealed.
    pub name: Vec<u8>,
    pub created_at: Timestamp,
    pub last_used_at: Option<Timestamp>,
}

/// Which factors an account has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FactorCount {
    pub password: bool,
    /// A confirmed authenticator app.
    pub totp: bool,
    pub passkeys: i64,
    /// Recovery codes that were not used.
    pub recovery_codes: i64,
    /// The person is an operator, or a member of a workspace that wants a second factor of its members.
    pub second_factor_owed: bool,
}

statements! {
    /// Held until the commit, so that two removals at once do not both leave the other's factor as the last.
    HOLD = per("SELECT id FROM user_account WHERE id = $1", "SELECT id FROM user_account WHERE id = $1 FOR UPDATE");
    COUNT = same("SELECT CASE WHEN u.password IS NULL THEN 0 ELSE 1 END, CASE WHEN u.totp_confirmed_at IS NULL THEN 0 ELSE 1 END, (SELECT COUNT(*) FROM passkey p WHERE p.user_id = u.id), (SELECT COUNT(*) FROM recovery_code c WHERE c.user_id = u.id AND c.used_at IS NULL), CASE WHEN u.operator_role IS NOT NULL OR EXISTS (SELECT 1 FROM member m JOIN workspace w ON w.id = m.workspace_id WHERE m.user_id = u.id AND w.second_factor_required <> 0) THEN 1 ELSE 0 END FROM user_account u WHERE u.id = $1");
    TOTP_SET = same("UPDATE user_account SET totp = $2, totp_step = 0 WHERE id = $1 AND totp_confirmed_at IS NULL");
    TOTP_CONFIRM = same("UPDATE user_account SET totp_confirmed_at = $4, totp_step = $3 WHERE id = $1 AND totp = $2 AND totp_confirmed_at IS NULL");
    TOTP_USE = same("UPDATE user_account SET totp_step = $3 WHERE id = $1 AND totp = $2 AND totp_confirmed_at IS NOT NULL AND totp_step < $3");
    TOTP_REMOVE = same("UPDATE user_account SET totp = NULL, totp_confirmed_at = NULL, totp_step = 0 WHERE id = $1 AND totp_confirmed_at IS NOT NULL");
    PASSKEY_INSERT = same("INSERT INTO passkey (id, user_id, credential_digest, credential, name, created_at) VALUES ($1, $2, $3, $4, $5, $6)");
    PASSKEY_LIST = same("SELECT id, user_id, credential_digest, credential, name, created_at, last_used_at FROM passkey WHERE user_id = $1 ORDER BY id");
    PASSKEY_FIND = same("SELECT id, user_id, credential_digest, credential, name, created_at, last_used_at FROM passkey WHERE credential_digest = $1");
    PASSKEY_USE = same("UPDATE passkey SET credential = $3, last_used_at = $4 WHERE id = $1 AND credential = $2");
    PASSKEY_NAME = same("UPDATE passkey SET name = $3 WHERE user_id = $1 AND id = $2");
    PASSKEY_DELETE = same("DELETE FROM passkey WHERE user_id = $1 AND id = $2");
    CODES_DROP = same("DELETE FROM recovery_code WHERE user_id = $1");
    CODE_INSERT = same("INSERT INTO recovery_code (user_id, digest) VALUES ($1, $2)");
    CODE_USE = same("UPDATE recovery_code SET used_at = $3 WHERE user_id = $1 AND digest = $2 AND used_at IS NULL");
}

fn passkey(row: &Row<'_>) -> engine::Result<PasskeyRow> {
    let digest: Vec<u8> = row.get(2)?;
    Ok(PasskeyRow {
        id: PasskeyId::from_uuid(row.get(0)?),
        user: UserId::from_uuid(row.get(1)?),
        credential_digest: digest.try_into().map_err(|_| row.corrupt(2))?,
        credential: row.get(3)?,
        name: row.get(4)?,
        created_at: Timestamp::from_micros(row.get(5)?),
        last_used_at: row.get::<Option<i64>>(6)?.map(Timestamp::from_micros),
    })
}

impl SystemTx<'_> {
    /// The account's factors; who else would change them waits until this transaction is over.
    pub async fn factors_hold(&self, user: UserId) -> Result<Option<FactorCount>> {
        self.tx.query(&HOLD, params![user.uuid()], |_: &Row<'_>| Ok(())).await?;
        self.factors(user).await
    }

    pub async fn factors(&self, user: UserId) -> Result<Option<FactorCount>> {
        let count = |row: &Row<'_>| {
            Ok(FactorCount {
                password: row.get(0)?,
                totp: row.get(1)?,
                passkeys: row.get(2)?,
                recovery_codes: row.get(3)?,
                second_factor_owed: row.get(4)?,
            })
        };
        Ok(self.tx.query_opt(&COUNT, params![user.uuid()], count).await?)
    }

    /// Keeps the secret of an app that has not shown a code yet; false where an app is confirmed already.
    pub async fn totp_set(&self, user: UserId, sealed: &[u8]) -> Result<bool> {
        Ok(self.tx.execute(&TOTP_SET, params![user.uuid(), sealed]).await? == 1)
    }

    /// The app of this very secret has shown the code of `step`; false where the secret is another one by now, or
    /// confirmed.
    pub async fn totp_confirm(&self, user: UserId, sealed: &[u8], step: i64, now: Timestamp) -> Result<bool> {
        Ok(self.tx.execute(&TOTP_CONFIRM, params![user.uuid(), sealed, step, now.micros()]).await? == 1)
    }

    /// Uses up the code of `step` and all before it; false where that has been done.
    pub async fn totp_use(&self, user: UserId, sealed: &[u8], step: i64) -> Result<bool> {
        Ok(self.tx.execute(&TOTP_USE, params![user.uuid(), sealed, step]).await? == 1)
    }

    /// False where there is no confirmed app.
    pub async fn totp_remove(&self, user: UserId) -> Result<bool> {
        Ok(self.tx.execute(&TOTP_REMOVE, params![user.uuid()]).await? == 1)
    }

    /// Errors: `conflict` where the credential is registered, by whomever.
    pub async fn passkey_insert(&self, row: &PasskeyRow) -> Result<()> {
        let values = params![
            row.id.uuid(),
            row.user.uuid(),
            row.credential_digest.as_slice(),
            &row.credential,
            &row.name,
            row.created_at.micros()
        ];
        Ok(self.tx.execute_one(&PASSKEY_INSERT, values).await?)
    }

    /// In the order in which they were made.
    pub async fn passkey_list(&self, user: UserId) -> Result<Vec<PasskeyRow>> {
        Ok(self.tx.query(&PASSKEY_LIST, params![user.uuid()], passkey).await?)
    }

    pub async fn passkey_find(&self, credential_digest: &[u8; 32]) -> Result<Option<PasskeyRow>> {
        Ok(self.tx.query_opt(&PASSKEY_FIND, params![credential_digest.as_slice()], passkey).await?)
    }

    /// Takes note of a use; false where another use was noted since `old` was read, or it is gone.
    pub async fn passkey_use(&self, id: PasskeyId, old: &[u8], new: &[u8], now: Timestamp) -> Result<bool> {
        Ok(self.tx.execute(&PASSKEY_USE, params![id.uuid(), old, new, now.micros()]).await? == 1)
    }

    /// False where the person has no such passkey.
    pub async fn passkey_name_set(&self, user: UserId, id: PasskeyId, name: &[u8]) -> Result<bool> {
        Ok(self.tx.execute(&PASSKEY_NAME, params![user.uuid(), id.uuid(), name]).await? == 1)
    }

    /// False where the person has no such passkey.
    pub async fn passkey_delete(&self, user: UserId, id: PasskeyId) -> Result<bool> {
        Ok(self.tx.execute(&PASSKEY_DELETE, params![user.uuid(), id.uuid()]).await? == 1)
    }

    /// Gives a person other recovery codes; the old ones are void.
    pub async fn recovery_codes_replace(&self, user: UserId, digests: &[[u8; 32]]) -> Result<()> {
        self.tx.execute(&CODES_DROP, params![user.uuid()]).await?;
        for digest in digests {
            self.tx.execute_one(&CODE_INSERT, params![user.uuid(), digest.as_slice()]).await?;
        }
        Ok(())
    }

    /// Uses up a recovery code; false where it was used, or the person never had it.
    pub async fn recovery_code_use(&self, user: UserId, digest: &[u8; 32], now: Timestamp) -> Result<bool> {
        Ok(self.tx.execute(&CODE_USE, params![user.uuid(), digest.as_slice(), now.micros()]).await? == 1)
    }
}
