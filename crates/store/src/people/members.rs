//! Seats of people in workspaces.

use gatepost_core::access::{Role, StoredSeat};
use gatepost_core::{Code, Error, IdentityProviderId, Result, Timestamp, UserId, WorkspaceId};
use uuid::Uuid;

use crate::engine::{self, Row};
use crate::guard::Entitled;
use crate::guard::plans::{plan_body, subscription};
use crate::scope::WorkspaceScope;
use crate::store::{SystemTx, WorkspaceTx};
use crate::{params, statements};

/// A member of the workspace, with the sealed columns of the account that other members see.
#[derive(Debug, Clone)]
pub struct MemberRow {
    pub user: UserId,
    pub role: Role,
    pub created_at: Timestamp,
    /// Sealed under the platform's keys.
    pub email: Vec<u8>,
    /// Sealed under the platform's keys.
    pub name: Vec<u8>,
    /// Whether the account has a confirmed second factor.
    pub second_factor: bool,
    pub disabled: bool,
}

/// A seat as its own person sees it.
#[derive(Debug, Clone)]
pub struct SeatRow {
    pub workspace: WorkspaceId,
    pub workspace_name: String,
    pub role: Role,
}

statements! {
    INSERT = same("INSERT INTO member (workspace_id, user_id, role, created_at) VALUES ($1, $2, $3, $4)");
    SET_ROLE = same("UPDATE member SET role = $3 WHERE workspace_id = $1 AND user_id = $2");
    DELETE = same("DELETE FROM member WHERE workspace_id = $1 AND user_id = $2");
    LIST = same("SELECT m.user_id, m.role, m.created_at, u.email, u.name, CASE WHEN u.totp_confirmed_at IS NOT NULL OR EXISTS (SELECT 1 FROM passkey p WHERE p.user_id = u.id) THEN 1 ELSE 0 END, CASE WHEN u.disabled_at IS NULL THEN 0 ELSE 1 END FROM member m JOIN user_account u ON u.id = m.user_id WHERE m.workspace_id = $1 ORDER BY m.created_at, m.user_id");
    GET = same("SELECT m.user_id, m.role, m.created_at, u.email, u.name, CASE WHEN u.totp_confirmed_at IS NOT NULL OR EXISTS (SELECT 1 FROM passkey p WHERE p.user_id = u.id) THEN 1 ELSE 0 END, CASE WHEN u.disabled_at IS NULL THEN 0 ELSE 1 END FROM member m JOIN user_account u ON u.id = m.user_id WHERE m.workspace_id = $1 AND m.user_id = $2");
    /// Held until the commit, so that two owners cannot both go at once. Whose account is closed cannot own for others.
    OWNERS = per("SELECT m.user_id FROM member m JOIN user_account u ON u.id = m.user_id WHERE m.workspace_id = $1 AND m.role = $2 AND u.disabled_at IS NULL", "SELECT m.user_id FROM member m JOIN user_account u ON u.id = m.user_id WHERE m.workspace_id = $1 AND m.role = $2 AND u.disabled_at IS NULL FOR UPDATE OF m");
    SEAT = same("SELECT m.role, w.second_factor_required, w.only_through, w.subscription, w.subscription_until, p.body FROM member m JOIN workspace w ON w.id = m.workspace_id LEFT JOIN plan p ON p.name = COALESCE(w.plan, $3) WHERE m.workspace_id = $1 AND m.user_id = $2 AND w.deleted_at IS NULL");
    SEATS = same("SELECT m.workspace_id, w.name, m.role FROM member m JOIN workspace w ON w.id = m.workspace_id WHERE m.user_id = $1 AND w.deleted_at IS NULL ORDER BY m.created_at, m.workspace_id");
    COUNT = same("SELECT COUNT(*) FROM member WHERE workspace_id = $1");
    WITHOUT_FACTOR = same("SELECT COUNT(*) FROM member m JOIN user_account u ON u.id = m.user_id WHERE m.workspace_id = $1 AND u.disabled_at IS NULL AND u.totp_confirmed_at IS NULL AND NOT EXISTS (SELECT 1 FROM passkey p WHERE p.user_id = u.id)");
    IS_ADDRESS = same("SELECT COUNT(*) FROM member m JOIN user_account u ON u.id = m.user_id WHERE m.workspace_id = $1 AND u.email_index = $2");
    ANY = same("SELECT COUNT(*) FROM member WHERE role = $1");
}

fn role(row: &Row<'_>, index: usize) -> engine::Result<Role> {
    Role::from_number(row.get(index)?).ok_or_else(|| row.corrupt(index))
}

fn member(row: &Row<'_>) -> engine::Result<MemberRow> {
    Ok(MemberRow {
        user: UserId::from_uuid(row.get(0)?),
        role: role(row, 1)?,
        created_at: Timestamp::from_micros(row.get(2)?),
        email: row.get(3)?,
        name: row.get(4)?,
        second_factor: row.get(5)?,
        disabled: row.get(6)?,
    })
}

impl WorkspaceTx<'_> {
    /// Errors: `conflict` where the person is a member already.
    pub async fn member_insert(&self, user: UserId, role: Role, now: Timestamp) -> Result<()> {
        let values = params![self.workspace, user.uuid(), role.number(), now.micros()];
        Ok(self.tx.execute_one(&INSERT, values).await?)
    }

    /// False where the person is no member.
    pub async fn member_role_set(&self, user: UserId, role: Role) -> Result<bool> {
        Ok(self.tx.execute(&SET_ROLE, params![self.workspace, user.uuid(), role.number()]).await? == 1)
    }

    /// False where the person is no member.
    pub async fn member_delete(&self, user: UserId) -> Result<bool> {
        Ok(self.tx.execute(&DELETE, params![self.workspace, user.uuid()]).await? == 1)
    }

    /// In the order in which they came.
    pub async fn member_list(&self) -> Result<Vec<MemberRow>> {
        Ok(self.tx.query(&LIST, params![self.workspace], member).await?)
    }

    pub async fn member_get(&self, user: UserId) -> Result<Option<MemberRow>> {
        Ok(self.tx.query_opt(&GET, params![self.workspace, user.uuid()], member).await?)
    }

    /// How many members there are.
    pub async fn member_count(&self) -> Result<i64> {
        Ok(self.tx.query_one(&COUNT, params![self.workspace], |row: &Row<'_>| row.get(0)).await?)
    }

    /// How many members could not sign in with a second factor.
    pub async fn members_without_second_factor(&self) -> Result<i64> {
        Ok(self.tx.query_one(&WITHOUT_FACTOR, params![self.workspace], |row: &Row<'_>| row.get(0)).await?)
    }

    /// Whether a member has the address, by its blind index.
    pub async fn member_has_address(&self, email_index: &[u8; 16]) -> Result<bool> {
        let values = params![self.workspace, email_index.as_slice()];
        let count: i64 = self.tx.query_one(&IS_ADDRESS, values, |row: &Row<'_>| row.get(0)).await?;
        Ok(count > 0)
    }

    /// The owners that may sign in; who else would change them waits until this transaction is over.
    pub async fn owners_hold(&self) -> Result<Vec<UserId>> {
        let values = params![self.workspace, Role::Owner.number()];
        let ids: Vec<Uuid> = self.tx.query(&OWNERS, values, |row: &Row<'_>| row.get(0)).await?;
        Ok(ids.into_iter().map(UserId::from_uuid).collect())
    }
}

impl SystemTx<'_> {
    /// Errors: `conflict` where the person is a member already.
    pub async fn member_add(
        &self,
        workspace: WorkspaceId,
        user: UserId,
        role: Role,
        now: Timestamp,
    ) -> Result<()> {
        self.enter(WorkspaceScope::of(workspace)).member_insert(user, role, now).await
    }

    /// A person gives up a seat, and the invitations that hang on it: its role and how many those were, or `None` where
    /// there is no seat.
    ///
    /// Errors: `last_owner`.
    pub async fn member_leave(
        &self,
        workspace: WorkspaceId,
        user: UserId,
        now: Timestamp,
    ) -> Result<Option<(Role, usize)>> {
        let tx = self.enter(WorkspaceScope::of(workspace));
        let owners = tx.owners_hold().await?;
        let Some(member) = tx.member_get(user).await? else { return Ok(None) };
        if owners == [user] {
            return Err(Error::of(Code::LastOwner));
        }
        let invitations = tx.invitations_end_by_or_for(user, now).await?;
        tx.member_delete(user).await?;
        Ok(Some((member.role, invitations)))
    }

    /// A seat for somebody who comes without an invitation.
    ///
    /// Errors: `member_limit_reached` where the workspace has `most` members, `conflict` where the person is one already.
    pub async fn member_join(
        &self,
        workspace: WorkspaceId,
        user: UserId,
        role: Role,
        most: i64,
        now: Timestamp,
    ) -> Result<()> {
        let tx = self.enter(WorkspaceScope::of(workspace));
        // The same order as everybody who changes seats.
        tx.owners_hold().await?;
        if tx.member_count().await? >= most {
            return Err(Error::new(
                Code::MemberLimitReached,
                format!("a workspace has at most {most} members"),
            ));
        }
        tx.member_insert(user, role, now).await
    }

    /// A person's seat in a workspace, with the workspace's rules; `default_plan` is that of workspaces without one.
    pub async fn seat(
        &self,
        workspace: WorkspaceId,
        user: UserId,
        default_plan: Option<&str>,
    ) -> Result<Option<StoredSeat>> {
        let seat = |row: &Row<'_>| {
            Ok(StoredSeat {
                workspace,
                user,
                role: role(row, 0)?,
                second_factor_required: row.get(1)?,
                only_through: row.get::<Option<Uuid>>(2)?.map(IdentityProviderId::from_uuid),
                entitlements: Entitled { subscription: subscription(row, 3)?, plan: plan_body(row, 5)? }
                    .entitlements(),
            })
        };
        Ok(self.tx.query_opt(&SEAT, params![workspace.uuid(), user.uuid(), default_plan], seat).await?)
    }

    /// The workspaces that a person is a member of.
    pub async fn seats_of(&self, user: UserId) -> Result<Vec<SeatRow>> {
        let seat = |row: &Row<'_>| {
            Ok(SeatRow {
                workspace: WorkspaceId::from_uuid(row.get(0)?),
                workspace_name: row.get(1)?,
                role: role(row, 2)?,
            })
        };
        Ok(self.tx.query(&SEATS, params![user.uuid()], seat).await?)
    }

    /// Whether any workspace has an owner.
    pub async fn any_owner(&self) -> Result<bool> {
        let values = params![Role::Owner.number()];
        let count: Option<i64> = self.tx.query_opt(&ANY, values, |row: &Row<'_>| row.get(0)).await?;
        Ok(count.unwrap_or(0) > 0)
    }
}
