//! Accounts.

use gatepost_core::access::OperatorRole;
use gatepost_core::{Result, Timestamp, UserId};
use uuid::Uuid;

use crate::engine::{self, Row};
use crate::store::SystemTx;
use crate::{params, statements};

#[derive(Debug, Clone)]
pub struct UserRow {
    pub id: UserId,
    /// Sealed.
    pub email: Vec<u8>,
    /// The blind index of the canonical address.
    pub email_index: [u8; 16],
    /// Sealed.
    pub name: Vec<u8>,
    /// The sealed PHC string.
    pub password: Option<Vec<u8>>,
    /// The sealed secret of the authenticator app.
    pub totp: Option<Vec<u8>>,
    /// `None`: the app has not shown a code yet, so its codes do not count.
    pub totp_confirmed_at: Option<Timestamp>,
    /// The last time step that was used.
    pub totp_step: i64,
    pub operator: Option<OperatorRole>,
    pub created_at: Timestamp,
    pub disabled_at: Option<Timestamp>,
}

statements! {
    INSERT = same("INSERT INTO user_account (id, email, email_index, name, password, totp, totp_confirmed_at, totp_step, operator_role, created_at, disabled_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)");
    GET = same("SELECT id, email, email_index, name, password, totp, totp_confirmed_at, totp_step, operator_role, created_at, disabled_at FROM user_account WHERE id = $1");
    FIND = same("SELECT id, email, email_index, name, password, totp, totp_confirmed_at, totp_step, operator_role, created_at, disabled_at FROM user_account WHERE email_index = $1");
    SET_PASSWORD = same("UPDATE user_account SET password = $2 WHERE id = $1");
    REPLACE_PASSWORD = same("UPDATE user_account SET password = $3 WHERE id = $1 AND password = $2");
    SET_OPERATOR = same("UPDATE user_account SET operator_role = $2 WHERE id = $1");
    SET_DISABLED = same("UPDATE user_account SET disabled_at = $2 WHERE id = $1");
    SET_NAME = same("UPDATE user_account SET name = $2 WHERE id = $1");
    SET_EMAIL = same("UPDATE user_account SET email = $2, email_index = $3 WHERE id = $1");
    LIST = same("SELECT id, email, email_index, name, password, totp, totp_confirmed_at, totp_step, operator_role, created_at, disabled_at FROM user_account WHERE id < $1 ORDER BY id DESC LIMIT $2");
    /// Held until the commit, so that two administrators cannot both go at once.
    ADMINISTRATORS = per("SELECT id FROM user_account WHERE operator_role = $1 AND disabled_at IS NULL", "SELECT id FROM user_account WHERE operator_role = $1 AND disabled_at IS NULL FOR UPDATE");
    ANY_OPERATOR = same("SELECT COUNT(*) FROM user_account WHERE operator_role IS NOT NULL AND disabled_at IS NULL");
}

pub(crate) fn user(row: &Row<'_>) -> engine::Result<UserRow> {
    let operator = match row.get::<Option<i64>>(8)? {
        Some(number) => Some(OperatorRole::from_number(number).ok_or_else(|| row.corrupt(8))?),
        None => None,
    };
    let index: Vec<u8> = row.get(2)?;
    Ok(UserRow {
        id: UserId::from_uuid(row.get(0)?),
        email: row.get(1)?,
        email_index: index.try_into().map_err(|_| row.corrupt(2))?,
        name: row.get(3)?,
        password: row.get(4)?,
        totp: row.get(5)?,
        totp_confirmed_at: row.get::<Option<i64>>(6)?.map(Timestamp::from_micros),
        totp_step: row.get(7)?,
        operator,
        created_at: Timestamp::from_micros(row.get(9)?),
        disabled_at: row.get::<Option<i64>>(10)?.map(Timestamp::from_micros),
    })
}

impl SystemTx<'_> {
    /// Errors: `conflict` where the address has an account.
    pub async fn user_insert(&self, user: &UserRow) -> Result<()> {
        let values = params![
            user.id.uuid(),
            &user.email,
            user.email_index.as_slice(),
            &user.name,
            user.password.as_deref(),
            user.totp.as_deref(),
            user.totp_confirmed_at.map(Timestamp::micros),
            user.totp_step,
            user.operator.map(OperatorRole::number),
            user.created_at.micros(),
            user.disabled_at.map(Timestamp::micros)
        ];
        Ok(self.tx.execute_one(&INSERT, values).await?)
    }

    pub async fn user_get(&self, id: UserId) -> Result<Option<UserRow>> {
        Ok(self.tx.query_opt(&GET, params![id.uuid()], user).await?)
    }

    /// The account of an address, by its blind index.
    pub async fn user_find(&self, email_index: &[u8; 16]) -> Result<Option<UserRow>> {
        Ok(self.tx.query_opt(&FIND, params![email_index.as_slice()], user).await?)
    }

    /// Newest first, those older than `before`.
    pub async fn user_list(&self, before: Uuid, limit: i64) -> Result<Vec<UserRow>> {
        Ok(self.tx.query(&LIST, params![before, limit], user).await?)
    }

    /// The administrators of this installation that may sign in; who else would change them waits until this
    /// transaction is over.
    pub async fn administrators_hold(&self) -> Result<Vec<UserId>> {
        let values = params![OperatorRole::Administrator.number()];
        let ids: Vec<Uuid> = self.tx.query(&ADMINISTRATORS, values, |row: &Row<'_>| row.get(0)).await?;
        Ok(ids.into_iter().map(UserId::from_uuid).collect())
    }

    /// `None` takes the password away.
    pub async fn user_password_set(&self, id: UserId, password: Option<&[u8]>) -> Result<()> {
        Ok(self.tx.execute_one(&SET_PASSWORD, params![id.uuid(), password]).await?)
    }

    /// Puts another form of the same password in its place; false where it was changed meanwhile.
    pub async fn user_password_replace(&self, id: UserId, old: &[u8], new: &[u8]) -> Result<bool> {
        Ok(self.tx.execute(&REPLACE_PASSWORD, params![id.uuid(), old, new]).await? == 1)
    }

    pub async fn user_operator_set(&self, id: UserId, role: Option<OperatorRole>) -> Result<()> {
        Ok(self.tx.execute_one(&SET_OPERATOR, params![id.uuid(), role.map(OperatorRole::number)]).await?)
    }

    pub async fn user_disabled_set(&self, id: UserId, at: Option<Timestamp>) -> Result<()> {
        Ok(self.tx.execute_one(&SET_DISABLED, params![id.uuid(), at.map(Timestamp::micros)]).await?)
    }

    pub async fn user_name_set(&self, id: UserId, name: &[u8]) -> Result<()> {
        Ok(self.tx.execute_one(&SET_NAME, params![id.uuid(), name]).await?)
    }

    /// Errors: `conflict` where another account has the address.
    pub async fn user_email_set(&self, id: UserId, email: &[u8], index: &[u8; 16]) -> Result<()> {
        Ok(self.tx.execute_one(&SET_EMAIL, params![id.uuid(), email, index.as_slice()]).await?)
    }

    /// Whether this installation has been set up: somebody may sign in as its operator.
    pub async fn any_operator(&self) -> Result<bool> {
        let count: Option<i64> =
            self.tx.query_opt(&ANY_OPERATOR, params![], |row: &Row<'_>| row.get(0)).await?;
        Ok(count.unwrap_or(0) > 0)
    }
}
