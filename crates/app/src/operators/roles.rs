//! Who is an operator.

use gatepost_core::access::{
    OperatorGrant, OperatorIdentity, OperatorPermission as _, OperatorRole, operator_permission,
};
use gatepost_core::audit::Action;
use gatepost_core::{Code, EmailAddress, Error, Result, UserId};
use gatepost_store::{UserRow, WorkspaceScope};

use crate::App;
use crate::people::{UserView, email_index, user_view};

/// An operator as operators see them.
#[derive(Debug, Clone)]
pub struct OperatorView {
    pub user: UserView,
    /// Whether the account has a second factor, without which nobody signs in as an operator.
    pub second_factor: bool,
}

impl App {
    /// Administrators first.
    pub async fn operator_list(
        &self,
        _grant: &OperatorGrant<operator_permission::OperatorRead>,
    ) -> Result<Vec<OperatorView>> {
        let rows = self
            .0
            .store
            .read_system(async |tx| {
                let mut found = Vec::new();
                for row in tx.operator_list().await? {
                    let factors = tx.factors(row.id).await?;
                    found.push((row, factors.is_some_and(|f| f.totp || f.passkeys > 0)));
                }
                Ok(found)
            })
            .await?;
        let keys = self.0.sealing.keys(WorkspaceScope::platform()).await?;
        let view = |(row, second_factor): (UserRow, bool)| {
            Ok(OperatorView { user: user_view(&keys, &row)?, second_factor })
        };
        rows.into_iter().map(view).collect()
    }

    /// The account of the operator who asks.
    ///
    /// Errors: `not_found` at the socket, where nobody has one.
    pub async fn operator_account<P>(&self, grant: &OperatorGrant<P>) -> Result<UserView> {
        let OperatorIdentity::Person(id, _) = grant.identity() else { return Err(Error::of(Code::NotFound)) };
        let row = self.0.store.read_system(async move |tx| tx.user_get(id).await).await?;
        let row = row.ok_or_else(|| Error::of(Code::SessionEnded))?;
        user_view(&*self.0.sealing.keys(WorkspaceScope::platform()).await?, &row)
    }

    /// Makes the person with this address an operator, another kind of operator, or none any more. Their sessions as an
    /// operator end; so do the visits that they have open, unless they may still make some.
    ///
    /// Errors: `not_found` where nobody has the address; `conflict` for an account that is disabled, and for the last
    /// administrator, who stays one.
    pub async fn operator_role_set(
        &self,
        grant: &OperatorGrant<operator_permission::UserManage>,
        email: &EmailAddress,
        role: Option<OperatorRole>,
    ) -> Result<UserId> {
        let keys = self.0.sealing.keys(WorkspaceScope::platform()).await?;
        let index = email_index(&keys, email);
        let (app, grant, now) = (self.clone(), *grant, self.now());
        let (user, epoch) = self
            .0
            .store
            .write_system(async move |tx| {
                let administrators = tx.administrators_hold().await?;
                let user = tx.user_find(&index).await?;
                let user = user.ok_or_else(|| Error::new(Code::NotFound, "nobody has this address"))?;
                if role.is_some() && user.disabled_at.is_some() {
                    return Err(Error::new(Code::Conflict, "this account is disabled"));
                }
                if administrators == [user.id] && role != Some(OperatorRole::Administrator) {
                    let detail = "an installation keeps at least one administrator: make another one first";
                    return Err(Error::new(Code::Conflict, detail));
                }
                tx.user_operator_set(user.id, role).await?;
                tx.operator_sessions_end(user.id).await?;
                if !role.is_some_and(|role| operator_permission::VisitOpen::ID.roles().contains(&role)) {
                    app.visits_end_of(tx, &grant, user.id, now).await?;
                }
                let named = |role: Option<OperatorRole>| role.map_or("", OperatorRole::as_str);
                let entry = app
                    .audit_operator(&grant, Action::OperatorRoleChanged, ("user", user.id.to_string()))
                    .changed("role", named(user.operator), named(role));
                let epoch = tx.credential_epoch_raise().await?;
                tx.commit(entry, (user.id, epoch))
            })
            .await?;
        self.await_epoch(epoch).await?;
        Ok(user)
    }
}
