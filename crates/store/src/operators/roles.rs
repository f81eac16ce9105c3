//! Who is an operator.

use gatepost_core::access::{OperatorRole, SessionKind};
use gatepost_core::{Result, UserId};
use uuid::Uuid;

use crate::engine::Row;
use crate::people::UserRow;
use crate::people::users::user;
use crate::store::SystemTx;
use crate::{params, statements};

statements! {
    LIST = same("SELECT id, email, email_index, name, password, totp, totp_confirmed_at, totp_step, operator_role, created_at, disabled_at FROM user_account WHERE operator_role IS NOT NULL ORDER BY operator_role, created_at, id");
    /// Held until the commit, so that two administrators cannot both go at once.
    ADMINISTRATORS = per("SELECT id FROM user_account WHERE operator_role = $1 AND disabled_at IS NULL", "SELECT id FROM user_account WHERE operator_role = $1 AND disabled_at IS NULL FOR UPDATE");
    END_SESSIONS = same("DELETE FROM user_session WHERE user_id = $1 AND kind = $2");
}

impl SystemTx<'_> {
    /// Administrators first.
    pub async fn operator_list(&self) -> Result<Vec<UserRow>> {
        Ok(self.tx.query(&LIST, params![], user).await?)
    }

    /// Those who may sign in as administrators; who else would change them waits until this transaction is over.
    pub async fn administrators_hold(&self) -> Result<Vec<UserId>> {
        let values = params![OperatorRole::Administrator.number()];
        let ids: Vec<Uuid> = self.tx.query(&ADMINISTRATORS, values, |row: &Row<'_>| row.get(0)).await?;
        Ok(ids.into_iter().map(UserId::from_uuid).collect())
    }

    /// Ends a person's sessions of the operators' listener; how many.
    pub async fn operator_sessions_end(&self, user: UserId) -> Result<u64> {
        Ok(self.tx.execute(&END_SESSIONS, params![user.uuid(), SessionKind::Operator.number()]).await?)
    }
}
