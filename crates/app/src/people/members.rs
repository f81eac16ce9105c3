//! Members of a workspace: who they are, what they may do, and how they go.
//!
//! Threat note. Defends against: somebody who raises themselves or others above their own place (an Admin's hand does
//! not reach owners; the actor's own seat is read again inside the transaction, so that whoever is being demoted decides
//! nothing any more), a workspace that nobody owns (owners are held until the commit, so that of two who demote each
//! other at once one is refused), a change that binds later than its answer (the credential epoch: caches of seats are
//! void on every node, and open streams read their seat anew), a way back in that somebody left open for themselves
//! (their invitations end with them). Does not defend against: owners who disagree.

use gatepost_core::access::{Actor, Grant, Person, Role, permission};
use gatepost_core::audit::{Action, Audit, AuditEntry};
use gatepost_core::{Code, Error, Result, Timestamp, UserId, WorkspaceId};
use gatepost_store::{MemberRow, WorkspaceScope, WorkspaceTx};
use gatepost_vault::WorkspaceKeys;

use super::Caller;
use super::users::UserColumn;
use crate::App;
use crate::access_rules::whole_workspace;

/// Most members of one workspace.
pub const MEMBERS_MAX: i64 = 1_000;

/// A member as other members see them.
#[derive(Debug, Clone)]
pub struct MemberView {
    pub user: UserId,
    pub name: String,
    pub email: String,
    pub role: Role,
    /// Whether their account has a confirmed second factor.
    pub second_factor: bool,
    /// Whether an operator closed their account.
    pub disabled: bool,
    /// Since when they are a member.
    pub since: Timestamp,
}

fn view(keys: &WorkspaceKeys, row: &MemberRow) -> Result<MemberView> {
    Ok(MemberView {
        user: row.user,
        name: UserColumn::Name.open_text(keys, row.user, &row.name)?,
        email: UserColumn::Email.open_text(keys, row.user, &row.email)?,
        role: row.role,
        second_factor: row.second_factor,
        disabled: row.disabled,
        since: row.created_at,
    })
}

/// As what the caller acts, as their seat is at this moment: the grant may come from a cache.
///
/// Errors: `not_found` where they have no seat any more, `permission_missing` where they no longer manage members.
pub(super) async fn acting_role(tx: &WorkspaceTx<'_>, actor: Actor) -> Result<Role> {
    let role = match actor {
        Actor::User(user) => tx.member_get(user).await?.ok_or_else(|| Error::of(Code::NotFound))?.role,
        // Whoever holds the machine could write the row by hand.
        Actor::LocalOperator => Role::Owner,
        _ => return Err(Error::new(Code::PermissionMissing, "members are managed by members")),
    };
    if role.reaches(Role::Analyst) {
        Ok(role)
    } else {
        Err(Error::new(Code::PermissionMissing, "members are managed by owners and admins"))
    }
}

/// Errors: `permission_missing`.
pub(super) fn reach(acting: Role, other: Role) -> Result<()> {
    if acting.reaches(other) {
        Ok(())
    } else {
        Err(Error::new(Code::PermissionMissing, "only an owner makes, changes or removes owners"))
    }
}

/// Errors: `last_owner` where `user` is the only one.
fn not_the_last(owners: &[UserId], user: UserId) -> Result<()> {
    if owners == [user] { Err(Error::of(Code::LastOwner)) } else { Ok(()) }
}

/// Tells of invitations that were taken back on the way.
fn with_invitations(mut entry: AuditEntry, ended: usize) -> AuditEntry {
    if ended > 0 {
        entry.details.push(("invitations_revoked", ended.to_string()));
    }
    entry
}

async fn known(tx: &WorkspaceTx<'_>, user: UserId) -> Result<MemberRow> {
    tx.member_get(user).await?.ok_or_else(|| Error::of(Code::NotFound))
}

impl App {
    /// The members, in the order in which they came; there are at most [`MEMBERS_MAX`].
    pub async fn member_list(&self, grant: &Grant<permission::MemberRead>) -> Result<Vec<MemberView>> {
        whole_workspace(grant)?;
        let rows = self.0.store.read(grant.into(), async |tx| tx.member_list().await).await?;
        let keys = self.0.sealing.keys(WorkspaceScope::platform()).await?;
        rows.iter().map(|row| view(&keys, row)).collect()
    }

    /// Errors: `not_found`.
    pub async fn member_get(
        &self,
        grant: &Grant<permission::MemberRead>,
        user: UserId,
    ) -> Result<MemberView> {
        whole_workspace(grant)?;
        self.member_view(grant.into(), user).await
    }

    async fn member_view(&self, scope: WorkspaceScope, user: UserId) -> Result<MemberView> {
        let row = self.0.store.read(scope, async move |tx| known(tx, user).await).await?;
        view(&*self.0.sealing.keys(WorkspaceScope::platform()).await?, &row)
    }

    /// Gives a member another role. When this returns, the next request of theirs on every node is asked as what they
    /// are now.
    ///
    /// Errors: `not_found`, `permission_missing` for what is out of the caller's reach, `last_owner`.
    pub async fn member_role_set(
        &self,
        grant: &Grant<permission::MemberManage>,
        user: UserId,
        role: Role,
    ) -> Result<MemberView> {
        let (actor, now) = (grant.actor(), self.now());
        let entry = self.audit(grant, Action::MemberRoleChanged, ("user", user.to_string()), Vec::new());
        let epoch = self
            .0
            .store
            .write(grant.into(), async move |tx| {
                let owners = tx.owners_hold().await?;
                let acting = acting_role(tx, actor).await;
                let member = known(tx, user).await?;
                if member.role == Role::Owner && role != Role::Owner {
                    // Also for whoever lost their own seat a moment ago: of two who demote each other one hears this.
                    not_the_last(&owners, user)?;
                }
                let acting = acting?;
                reach(acting, member.role)?;
                reach(acting, role)?;
                if member.role == role {
                    return tx.commit(Audit::None("the role is the one it was"), None);
                }
                tx.member_role_set(user, role).await?;
                // Whoever cannot invite any more has nobody underway either.
                let ended = if role.reaches(Role::Analyst) {
                    0
                } else {
                    tx.invitations_end_by_or_for(user, now).await?
                };
                let epoch = tx.credential_epoch_raise().await?;
                let audit = entry.clone().changed("role", member.role.as_str(), role.as_str());
                tx.commit(with_invitations(audit, ended), Some(epoch))
            })
            .await?;
        if let Some(epoch) = epoch {
            self.await_epoch(epoch).await?;
        }
        self.member_view(grant.into(), user).await
    }

    /// Takes a member's seat away. When this returns, their next request on every node finds none.
    ///
    /// Errors: `not_found`, `permission_missing` for what is out of the caller's reach, `last_owner`.
    pub async fn member_remove(&self, grant: &Grant<permission::MemberManage>, user: UserId) -> Result<()> {
        let (actor, now) = (grant.actor(), self.now());
        let entry = self.audit(grant, Action::MemberRemoved, ("user", user.to_string()), Vec::new());
        let epoch = self
            .0
            .store
            .write(grant.into(), async move |tx| {
                let owners = tx.owners_hold().await?;
                let acting = acting_role(tx, actor).await;
                let member = known(tx, user).await?;
                not_the_last(&owners, user)?;
                reach(acting?, member.role)?;
                let invitations = tx.invitations_end_by_or_for(user, now).await?;
                tx.member_delete(user).await?;
                let epoch = tx.credential_epoch_raise().await?;
                let audit = with_invitations(entry.clone().was("role", member.role.as_str()), invitations);
                tx.commit(audit, epoch)
            })
            .await?;
        self.await_epoch(epoch).await
    }

    /// Makes another member an owner in the place of the one who asks, who is an Admin from then on.
    ///
    /// Errors: `not_found`, `permission_missing` where the caller is no owner, `conflict` where the other is one.
    pub async fn ownership_transfer(
        &self,
        grant: &Grant<permission::WorkspaceManage>,
        user: UserId,
    ) -> Result<MemberView> {
        let Actor::User(from) = grant.actor() else {
            return Err(Error::new(
                Code::PermissionMissing,
                "an owner hands the workspace over; give roles instead",
            ));
        };
        let entry = self.audit(grant, Action::OwnershipTransferred, ("user", user.to_string()), Vec::new());
        let epoch = self
            .0
            .store
            .write(grant.into(), async move |tx| {
                let owners = tx.owners_hold().await?;
                if !owners.contains(&from) {
                    return Err(Error::new(
                        Code::PermissionMissing,
                        "only an owner hands the workspace over",
                    ));
                }
                let member = known(tx, user).await?;
                if owners.contains(&user) {
                    return Err(Error::new(Code::Conflict, "this member is an owner already"));
                }
                if member.disabled {
                    return Err(Error::new(Code::Conflict, "this member's account is closed"));
                }
                tx.member_role_set(user, Role::Owner).await?;
                tx.member_role_set(from, Role::Admin).await?;
                let epoch = tx.credential_epoch_raise().await?;
                let audit = entry
                    .clone()
                    .changed("role", member.role.as_str(), Role::Owner.as_str())
                    .changed("own_role", Role::Owner.as_str(), Role::Admin.as_str());
                tx.commit(audit, epoch)
            })
            .await?;
        self.await_epoch(epoch).await?;
        self.member_view(grant.into(), user).await
    }

    /// A person gives up their own seat, whatever their role.
    ///
    /// Errors: `not_found`, `last_owner`, `session_confined`.
    pub async fn member_leave(&self, person: &Person, caller: &Caller, workspace: WorkspaceId) -> Result<()> {
        if person.confined_to() != Some(workspace) {
            person.unconfined()?;
        }
        let (user, now) = (person.user(), self.now());
        let entry = self.audit_person(
            caller,
            person.actor(),
            Some(person.credential()),
            Action::MemberLeft,
            ("user", user.to_string()),
        );
        let epoch = self
            .0
            .store
            .write_system(async move |tx| {
                let Some((role, invitations)) = tx.member_leave(workspace, user, now).await? else {
                    return Err(Error::of(Code::NotFound));
                };
                let entry = with_invitations(entry.clone().was("role", role.as_str()), invitations);
                tx.audit_add(workspace, std::slice::from_ref(&entry)).await?;
                let epoch = tx.credential_epoch_raise().await?;
                tx.commit(Audit::None("the entry is in the workspace's own log"), epoch)
            })
            .await?;
        self.await_epoch(epoch).await
    }
}
