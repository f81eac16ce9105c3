//! Who is an operator.

use gatepost_core::access::SessionKind;
use gatepost_core::{Result, UserId};

use crate::people::UserRow;
use crate::people::users::user;
use crate::store::SystemTx;
use crate::{params, statements};

statements! {
    LIST = same("SELECT id, email, email_index, name, password, totp, totp_confirmed_at, totp_step, operator_role, created_at, disabled_at FROM user_account WHERE operator_role IS NOT NULL ORDER BY operator_role, created_at, id");
    END_SESSIONS = same("DELETE FROM user_session WHERE user_id = $1 AND kind = $2");
}

impl SystemTx<'_> {
    /// Administrators first.
    pub async fn operator_list(&self) -> Result<Vec<UserRow>> {
        Ok(self.tx.query(&LIST, params![], user).await?)
    }

    /// Ends a person's sessions of the operators' listener; how many.
    pub async fn operator_sessions_end(&self, user: UserId) -> Result<u64> {
        Ok(self.tx.execute(&END_SESSIONS, params![user.uuid(), SessionKind::Operator.number()]).await?)
    }
}
