//! Accounts as operators see, open and close them.

use gatepost_core::access::{OperatorGrant, Role, operator_permission};
use gatepost_core::audit::{Action, Audit};
use gatepost_core::{Code, EmailAddress, Error, Result, UserId, WorkspaceId};
use gatepost_store::{TicketKind, WorkspaceScope};

use super::members::MEMBERS_MAX;
use super::passwords::password_admit;
use super::users::{UserCreate, UserView, email_index, user_view};
use crate::App;
use crate::pages::{Page, PageQuery};

/// What a person may hold that leads to a session, or to an account in other hands.
const WAYS_IN: [TicketKind; 6] = [
    TicketKind::SignIn,
    TicketKind::PasswordReset,
    TicketKind::EmailChange,
    TicketKind::EmailUndo,
    TicketKind::PasskeyRegistration,
    TicketKind::Refresh,
];

impl App {
    /// An account made by an operator.
    ///
    /// Errors: `conflict` where the address has one, `password_refused`.
    pub async fn user_create(
        &self,
        grant: &OperatorGrant<operator_permission::UserManage>,
        create: UserCreate,
    ) -> Result<UserView> {
        if let Some(password) = &create.password {
            password_admit(password, false, &[&create.name, create.email.as_str()])?;
        }
        let row = self.user_row(create).await?;
        let audit = self.audit_operator(grant, Action::UserCreated, ("user", row.id.to_string()));
        let keys = self.0.sealing.keys(WorkspaceScope::platform()).await?;
        let view = user_view(&keys, &row)?;
        self.0
            .store
            .write_system(async move |tx| {
                tx.user_insert(&row).await?;
                tx.commit(audit.clone(), ())
            })
            .await?;
        Ok(view)
    }

    /// Gives a person a seat, by an operator's hand.
    ///
    /// Errors: `not_found` for an unknown person or workspace, `member_exists`, `member_limit_reached`.
    pub async fn member_add(
        &self,
        grant: &OperatorGrant<operator_permission::UserManage>,
        workspace: WorkspaceId,
        user: UserId,
        role: Role,
    ) -> Result<()> {
        let now = self.now();
        let entry = self
            .audit_operator(grant, Action::MemberJoined, ("user", user.to_string()))
            .made("role", role.as_str());
        let epoch = self
            .0
            .store
            .write_system(async move |tx| {
                let open = tx.workspace_get(workspace).await?.is_some_and(|row| row.deleted_at.is_none());
                if !open || tx.user_get(user).await?.is_none() {
                    return Err(Error::of(Code::NotFound));
                }
                if tx.seat(workspace, user, None).await?.is_some() {
                    return Err(Error::of(Code::MemberExists));
                }
                if tx.member_count_of(workspace).await? >= MEMBERS_MAX {
                    let detail = format!("a workspace has at most {MEMBERS_MAX} members");
                    return Err(Error::new(Code::MemberLimitReached, detail));
                }
                tx.member_add(workspace, user, role, now).await?;
                tx.audit_add(workspace, std::slice::from_ref(&entry)).await?;
                let epoch = tx.credential_epoch_raise().await?;
                tx.commit(Audit::None("the entry is in the workspace's own log"), epoch)
            })
            .await?;
        self.await_epoch(epoch).await
    }

    /// Every account, newest first.
    pub async fn user_list(
        &self,
        _grant: &OperatorGrant<operator_permission::UserManage>,
        query: PageQuery,
    ) -> Result<Page<UserView>> {
        let (before, limit) = query.bounds()?;
        let rows = self.0.store.read_system(async move |tx| tx.user_list(before, limit).await).await?;
        let keys = self.0.sealing.keys(WorkspaceScope::platform()).await?;
        query.page(rows, |row| row.id.uuid(), |row| user_view(&keys, &row))
    }

    /// Errors: `not_found`.
    pub async fn user_get(
        &self,
        _grant: &OperatorGrant<operator_permission::UserManage>,
        id: UserId,
    ) -> Result<UserView> {
        self.user_shown(id).await
    }

    /// The account of an address.
    ///
    /// Errors: `not_found`.
    pub async fn user_find(
        &self,
        _grant: &OperatorGrant<operator_permission::UserManage>,
        email: &EmailAddress,
    ) -> Result<UserView> {
        let keys = self.0.sealing.keys(WorkspaceScope::platform()).await?;
        let index = email_index(&keys, email);
        let row = self.0.store.read_system(async move |tx| tx.user_find(&index).await).await?;
        user_view(&keys, &row.ok_or_else(|| Error::new(Code::NotFound, "no account has this address"))?)
    }

    async fn user_shown(&self, id: UserId) -> Result<UserView> {
        let row = self.0.store.read_system(async move |tx| tx.user_get(id).await).await?;
        let row = row.ok_or_else(|| Error::of(Code::NotFound))?;
        user_view(&*self.0.sealing.keys(WorkspaceScope::platform()).await?, &row)
    }

    /// Closes an account: when this returns, its person is signed out on every node and cannot sign in again, and an
    /// operator's visits are over. Their seats stay.
    ///
    /// Errors: `not_found`, `conflict` for the last administrator of the installation.
    pub async fn user_disable(
        &self,
        grant: &OperatorGrant<operator_permission::UserManage>,
        id: UserId,
    ) -> Result<UserView> {
        let (app, grant, now) = (self.clone(), *grant, self.now());
        let entry = self.audit_operator(&grant, Action::UserDisabled, ("user", id.to_string()));
        let epoch = self
            .0
            .store
            .write_system(async move |tx| {
                let administrators = tx.administrators_hold().await?;
                let user = tx.user_get(id).await?.ok_or_else(|| Error::of(Code::NotFound))?;
                if user.disabled_at.is_some() {
                    return tx.commit(Audit::None("the account is closed already"), None);
                }
                if administrators == [id] {
                    let detail = "this is the last administrator of the installation: make another one first";
                    return Err(Error::new(Code::Conflict, detail));
                }
                tx.user_disabled_set(id, Some(now)).await?;
                let ended = tx.sessions_delete_of(id, None).await?;
                for kind in WAYS_IN {
                    tx.tickets_drop(id, kind).await?;
                }
                let visits = match user.operator {
                    Some(_) => app.visits_end_of(tx, &grant, id, now).await?,
                    None => 0,
                };
                let epoch = tx.credential_epoch_raise().await?;
                let mut entry = entry.clone().changed("disabled", "false", "true");
                entry.details.push(("sessions_ended", ended.to_string()));
                if visits > 0 {
                    entry.details.push(("visits_ended", visits.to_string()));
                }
                tx.commit(entry, Some(epoch))
            })
            .await?;
        if let Some(epoch) = epoch {
            self.await_epoch(epoch).await?;
        }
        self.user_shown(id).await
    }

    /// Opens an account again; its person signs in anew.
    ///
    /// Errors: `not_found`.
    pub async fn user_enable(
        &self,
        grant: &OperatorGrant<operator_permission::UserManage>,
        id: UserId,
    ) -> Result<UserView> {
        let entry = self.audit_operator(grant, Action::UserEnabled, ("user", id.to_string()));
        self.0
            .store
            .write_system(async move |tx| {
                let user = tx.user_get(id).await?.ok_or_else(|| Error::of(Code::NotFound))?;
                if user.disabled_at.is_none() {
                    return tx.commit(Audit::None("the account is open already"), ());
                }
                tx.user_disabled_set(id, None).await?;
                tx.commit(entry.clone().changed("disabled", "true", "false"), ())
            })
            .await?;
        self.user_shown(id).await
    }
}
