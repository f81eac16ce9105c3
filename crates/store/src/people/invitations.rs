//! Invitations to workspaces. The link's token is a ticket; both are written in one transaction.

use gatepost_core::access::{Actor, Role};
use gatepost_core::{Code, Error, InvitationId, Result, Timestamp, UserId, WorkspaceId};
use uuid::Uuid;

use super::tickets::{self, TicketKind, TicketRow};
use crate::engine::{self, Row};
use crate::scope::WorkspaceScope;
use crate::store::{SystemTx, WorkspaceTx};
use crate::workspaces::WorkspaceRow;
use crate::{params, statements};

#[derive(Debug, Clone)]
pub struct InvitationRow {
    pub id: InvitationId,
    /// Sealed.
    pub email: Vec<u8>,
    /// The blind index of the canonical address.
    pub email_index: [u8; 16],
    pub role: Role,
    /// The text of the actor.
    pub invited_by: String,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    /// When it was revoked or accepted.
    pub ended_at: Option<Timestamp>,
    pub accepted_by: Option<UserId>,
}

impl InvitationRow {
    /// Whether its link opens.
    pub fn is_open(&self, now: Timestamp) -> bool {
        self.ended_at.is_none() && now < self.expires_at
    }
}

/// Why an invitation could not be put, or that it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InvitationInsert {
    Put,
    /// So many are open as may be.
    Full,
}

statements! {
    INSERT = same("INSERT INTO invitation (workspace_id, id, email, email_index, role, invited_by, created_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)");
    GET = same("SELECT id, email, email_index, role, invited_by, created_at, expires_at, ended_at, accepted_by FROM invitation WHERE workspace_id = $1 AND id = $2");
    LIST = same("SELECT id, email, email_index, role, invited_by, created_at, expires_at, ended_at, accepted_by FROM invitation WHERE workspace_id = $1 AND ended_at IS NULL AND expires_at > $2 ORDER BY id DESC");
    COUNT_OPEN = same("SELECT COUNT(*) FROM invitation WHERE workspace_id = $1 AND ended_at IS NULL AND expires_at > $2");
    /// Another invitation of the same address takes the place of the open one.
    OPEN_OF = same("SELECT id FROM invitation WHERE workspace_id = $1 AND email_index = $2 AND ended_at IS NULL");
    EXTEND = same("UPDATE invitation SET expires_at = $3 WHERE workspace_id = $1 AND id = $2 AND ended_at IS NULL");
    END = same("UPDATE invitation SET ended_at = $3, accepted_by = $4 WHERE workspace_id = $1 AND id = $2 AND ended_at IS NULL");
    BY_OR_FOR = same("SELECT id FROM invitation WHERE workspace_id = $1 AND ended_at IS NULL AND expires_at > $4 AND (invited_by = $2 OR email_index = (SELECT email_index FROM user_account WHERE id = $3))");
    FORGET = same("DELETE FROM invitation WHERE workspace_id = $1 AND expires_at <= $2");
}

fn invitation(row: &Row<'_>) -> engine::Result<InvitationRow> {
    let index: Vec<u8> = row.get(2)?;
    Ok(InvitationRow {
        id: InvitationId::from_uuid(row.get(0)?),
        email: row.get(1)?,
        email_index: index.try_into().map_err(|_| row.corrupt(2))?,
        role: Role::from_number(row.get(3)?).ok_or_else(|| row.corrupt(3))?,
        invited_by: row.get(4)?,
        created_at: Timestamp::from_micros(row.get(5)?),
        expires_at: Timestamp::from_micros(row.get(6)?),
        ended_at: row.get::<Option<i64>>(7)?.map(Timestamp::from_micros),
        accepted_by: row.get::<Option<Uuid>>(8)?.map(UserId::from_uuid),
    })
}

impl WorkspaceTx<'_> {
    /// An invitation with the ticket of its link, unless `most` are open. An open one for the same address ends.
    pub async fn invitation_insert(
        &self,
        row: &InvitationRow,
        ticket: &TicketRow,
        most: i64,
    ) -> Result<InvitationInsert> {
        let same = params![self.workspace, row.email_index.as_slice()];
        let earlier: Vec<Uuid> = self.tx.query(&OPEN_OF, same, |row: &Row<'_>| row.get(0)).await?;
        for id in earlier {
            self.invitation_end(InvitationId::from_uuid(id), row.created_at, None).await?;
        }
        let open = params![self.workspace, row.created_at.micros()];
        let open: i64 = self.tx.query_one(&COUNT_OPEN, open, |row: &Row<'_>| row.get(0)).await?;
        if open >= most {
            return Ok(InvitationInsert::Full);
        }
        let values = params![
            self.workspace,
            row.id.uuid(),
            &row.email,
            row.email_index.as_slice(),
            row.role.number(),
            &row.invited_by,
            row.created_at.micros(),
            row.expires_at.micros()
        ];
        self.tx.execute_one(&INSERT, values).await?;
        self.invitation_ticket(row.id, ticket).await?;
        Ok(InvitationInsert::Put)
    }

    /// The ticket binds to this workspace and invitation, whatever it says itself.
    async fn invitation_ticket(&self, id: InvitationId, ticket: &TicketRow) -> Result<()> {
        let bound = TicketRow {
            kind: TicketKind::Invitation,
            workspace: Some(WorkspaceId::from_uuid(self.workspace)),
            subject: Some(id.uuid()),
            ..ticket.clone()
        };
        tickets::put(self.tx, &bound).await
    }

    pub async fn invitation_get(&self, id: InvitationId) -> Result<Option<InvitationRow>> {
        Ok(self.tx.query_opt(&GET, params![self.workspace, id.uuid()], invitation).await?)
    }

    /// The open ones, newest first.
    pub async fn invitation_list(&self, now: Timestamp) -> Result<Vec<InvitationRow>> {
        Ok(self.tx.query(&LIST, params![self.workspace, now.micros()], invitation).await?)
    }

    /// A new link in the place of the old one; false where the invitation is over.
    pub async fn invitation_renew(&self, id: InvitationId, ticket: &TicketRow) -> Result<bool> {
        let values = params![self.workspace, id.uuid(), ticket.expires_at.micros()];
        if self.tx.execute(&EXTEND, values).await? != 1 {
            return Ok(false);
        }
        tickets::drop_subject(self.tx, id.uuid(), TicketKind::Invitation).await?;
        self.invitation_ticket(id, ticket).await?;
        Ok(true)
    }

    /// Ends an invitation, and its link; false where it was over.
    pub async fn invitation_end(
        &self,
        id: InvitationId,
        at: Timestamp,
        accepted_by: Option<UserId>,
    ) -> Result<bool> {
        let values = params![self.workspace, id.uuid(), at.micros(), accepted_by.map(UserId::uuid)];
        let ended = self.tx.execute(&END, values).await? == 1;
        tickets::drop_subject(self.tx, id.uuid(), TicketKind::Invitation).await?;
        Ok(ended)
    }

    /// Takes back the open invitations by somebody and for them: neither leads back in. How many there were.
    pub async fn invitations_end_by_or_for(&self, user: UserId, at: Timestamp) -> Result<usize> {
        let name = Actor::User(user).to_string();
        let values = params![self.workspace, &name, user.uuid(), at.micros()];
        let ids: Vec<Uuid> = self.tx.query(&BY_OR_FOR, values, |row: &Row<'_>| row.get(0)).await?;
        for id in &ids {
            self.invitation_end(InvitationId::from_uuid(*id), at, None).await?;
        }
        Ok(ids.len())
    }

    /// Forgets invitations whose time was over by `before`.
    pub async fn invitations_forget(&self, before: Timestamp) -> Result<u64> {
        Ok(self.tx.execute(&FORGET, params![self.workspace, before.micros()]).await?)
    }
}

impl SystemTx<'_> {
    /// Takes the ticket of an invitation and gives its seat. `None` where the link is used, too old or revoked.
    ///
    /// Errors: `member_limit_reached` where the workspace has `most` members, `conflict` where the person is a member already.
    pub async fn invitation_accept(
        &self,
        digest: &[u8; 32],
        user: UserId,
        most: i64,
        now: Timestamp,
    ) -> Result<Option<(WorkspaceId, InvitationRow)>> {
        let Some((place, id)) = self.invitation_ticket_look(digest, now).await? else { return Ok(None) };
        let tx = self.enter(WorkspaceScope::of(place.id));
        // The same order as everybody who changes seats.
        tx.owners_hold().await?;
        let open = tx.invitation_get(id).await?.filter(|invitation| invitation.is_open(now));
        let Some(invitation) = open else { return Ok(None) };
        if self.ticket_take(digest, TicketKind::Invitation, now).await?.is_none() {
            return Ok(None);
        }
        if tx.member_count().await? >= most {
            return Err(Error::new(
                Code::MemberLimitReached,
                format!("a workspace has at most {most} members"),
            ));
        }
        if !tx.invitation_end(id, now, Some(user)).await? {
            return Ok(None);
        }
        tx.member_insert(user, invitation.role, now).await?;
        Ok(Some((place.id, invitation)))
    }

    /// What the ticket of an invitation leads to; `None` where it opens nothing, or the workspace is deleted.
    pub async fn invitation_find(
        &self,
        digest: &[u8; 32],
        now: Timestamp,
    ) -> Result<Option<(WorkspaceRow, InvitationRow)>> {
        let Some((place, id)) = self.invitation_ticket_look(digest, now).await? else { return Ok(None) };
        let invitation = self.enter(WorkspaceScope::of(place.id)).invitation_get(id).await?;
        Ok(invitation.filter(|invitation| invitation.is_open(now)).map(|invitation| (place, invitation)))
    }

    /// How many members a workspace has.
    pub async fn member_count_of(&self, workspace: WorkspaceId) -> Result<i64> {
        self.enter(WorkspaceScope::of(workspace)).member_count().await
    }

    async fn invitation_ticket_look(
        &self,
        digest: &[u8; 32],
        now: Timestamp,
    ) -> Result<Option<(WorkspaceRow, InvitationId)>> {
        let ticket = self.ticket_peek(digest, TicketKind::Invitation, now).await?;
        let Some((workspace, id)) = ticket.and_then(|ticket| ticket.workspace.zip(ticket.subject)) else {
            return Ok(None);
        };
        let place = self.workspace_get(workspace).await?.filter(|place| place.deleted_at.is_none());
        Ok(place.map(|place| (place, InvitationId::from_uuid(id))))
    }
}
