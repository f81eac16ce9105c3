//! Invitations: a link that gives its holder a seat, once.
//!
//! Threat note. Defends against: links that lie about (a week, one use; a newer one or a revocation voids it; its digest
//! alone is kept), a link that is passed on (somebody who signed in takes it only with the address that was invited),
//! finding out who has an account by inviting them (the inviter is told the same either way; what differs is behind the
//! link alone), an Admin who invites owners. Does not defend against: whoever reads the invited mailbox; and, where
//! the installation sends no e-mail, an inviter who opens the link that they are shown: there it proves no address.

use std::time::Duration;

use gatepost_core::access::{Actor, Credential, Grant, Person, Role, SessionKind, permission};
use gatepost_core::audit::{Action, Audit};
use gatepost_core::{
    ClientAddr, Code, EmailAddress, Error, InvitationId, Result, Secret, Timestamp, UserId, WorkspaceId,
};
use gatepost_store::{InvitationInsert, InvitationRow, NewMail, TicketKind, TicketRow, WorkspaceScope};
use gatepost_vault::{Aad, SealedBytes, WorkspaceKeys};

use super::members::{MEMBERS_MAX, acting_role, reach};
use super::passwords::password_admit;
use super::sessions::Proofs;
use super::tickets::{TicketNew, ticket_digest};
use super::users::{UserColumn, UserCreate, email_index};
use super::{Caller, SessionBegun};
use crate::App;
use crate::access_rules::whole_workspace;
use crate::idempotency::{Idempotent, Outcome, Prepared};
use crate::mail::{Mail, MailKind, OwnLink};
use crate::notices::Trigger;
use crate::sealing::failed;

/// How long a link is good.
pub const INVITATION_LIVES: Duration = Duration::from_hours(7 * 24);
/// Most open invitations of one workspace.
pub const INVITATIONS_MAX: i64 = 100;

/// Who is to be invited.
pub struct InvitationCreate {
    pub email: EmailAddress,
    pub role: Role,
}

/// An open invitation as members see it.
#[derive(Debug, Clone)]
pub struct InvitationView {
    pub id: InvitationId,
    pub email: String,
    pub role: Role,
    /// The text of whoever invited: `usr_…`, or the operator.
    pub invited_by: String,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
}

/// An invitation with its link.
pub struct InvitationSent {
    pub view: InvitationView,
    /// For the inviter to hand on, shown now and never again; `None` where it goes out by e-mail.
    pub link: Option<Secret<String>>,
}

/// What the holder of a link is told.
#[derive(Debug, Clone)]
pub struct InvitationLook {
    pub workspace_name: String,
    pub email: String,
    pub role: Role,
    pub expires_at: Timestamp,
}

fn aad(id: InvitationId) -> Aad {
    Aad {
        workspace: WorkspaceScope::platform().workspace().uuid(),
        table: "invitation",
        column: "email",
        row: id.uuid().into_bytes(),
    }
}

fn email_open(keys: &WorkspaceKeys, row: &InvitationRow) -> Result<String> {
    let plain = keys.open(&aad(row.id), &row.email).map_err(failed)?;
    String::from_utf8(plain.expose().clone()).map_err(Error::internal)
}

fn view(keys: &WorkspaceKeys, row: &InvitationRow) -> Result<InvitationView> {
    Ok(InvitationView {
        id: row.id,
        email: email_open(keys, row)?,
        role: row.role,
        invited_by: row.invited_by.clone(),
        created_at: row.created_at,
        expires_at: row.expires_at,
    })
}

fn over() -> Error {
    Error::of(Code::LinkInvalid)
}

impl App {
    /// A fresh link of an invitation; the store binds its ticket to the invitation.
    async fn invitation_ticket(&self) -> Result<(OwnLink, TicketRow)> {
        let (token, row) = self
            .ticket(TicketNew {
                kind: TicketKind::Invitation,
                user: None,
                workspace: None,
                subject: None,
                state: None,
                lives: INVITATION_LIVES,
            })
            .await?;
        let path = format!("/invitation/{}", token.expose());
        Ok((OwnLink::new(&self.0.config.public_url, &path), row))
    }

    /// The mail that carries the link; `None` where the installation sends none, and the inviter hands it on.
    async fn invitation_mail(
        &self,
        grant: &Grant<permission::MemberManage>,
        to: EmailAddress,
        role: Role,
        link: &OwnLink,
        until: Timestamp,
    ) -> Result<Option<NewMail>> {
        if !self.mail_on() {
            return Ok(None);
        }
        let (workspace, actor) = (grant.workspace(), grant.actor());
        let found = self.0.store.read_system(async move |tx| {
            let by = match actor {
                Actor::User(user) => tx.user_get(user).await?,
                _ => None,
            };
            Ok((tx.workspace_get(workspace).await?, by))
        });
        let (workspace, by) = found.await?;
        let keys = self.0.sealing.keys(WorkspaceScope::platform()).await?;
        let by = match by {
            Some(user) => Some(UserColumn::Name.open_text(&keys, user.id, &user.name)?),
            None => None,
        };
        let trigger =
            Trigger { who: by, at: self.now(), from: grant.client().map(ClientAddr::ip), device: None };
        let workspace = workspace.ok_or_else(|| Error::of(Code::NotFound))?.name;
        let kind =
            MailKind::Invitation { workspace, role: role.as_str(), link: link.clone(), until, trigger };
        self.mail_prepare(Mail { to, kind, person: None }).await
    }

    /// Invites somebody by e-mail. An open invitation of the same address is taken back. Whether the address has an
    /// account is not told.
    ///
    /// Errors: `permission_missing` for a role out of the caller's reach, `member_exists`, `member_limit_reached`.
    pub async fn invitation_create(
        &self,
        grant: &Grant<permission::MemberManage>,
        create: InvitationCreate,
        idempotent: Option<Idempotent<InvitationSent>>,
    ) -> Result<Outcome<InvitationSent>> {
        let scope = WorkspaceScope::from(grant);
        let (actor, role) = (grant.actor(), create.role);
        let (link, ticket) = self.invitation_ticket().await?;
        let now = ticket.created_at;
        let id = InvitationId::new(now, self.entropy());
        let keys = self.0.sealing.keys(WorkspaceScope::platform()).await?;
        let index = email_index(&keys, &create.email);
        let row = InvitationRow {
            id,
            email: keys
                .seal(&aad(id), create.email.as_str().as_bytes())
                .map(SealedBytes::into_vec)
                .map_err(failed)?,
            email_index: index,
            role,
            invited_by: actor.to_string(),
            created_at: now,
            expires_at: ticket.expires_at,
            ended_at: None,
            accepted_by: None,
        };
        let mail = self.invitation_mail(grant, create.email, role, &link, row.expires_at).await?;
        let sent = InvitationSent { view: view(&keys, &row)?, link: mail.is_none().then(|| link.secret()) };
        let own_keys = self.0.sealing.keys(scope).await?;
        let prepared = Prepared::with_answer(&own_keys, idempotent.as_ref(), &sent)?;
        let audit = self
            .audit(grant, Action::MemberInvited, ("invitation", id.to_string()), Vec::new())
            .made("role", role.as_str())
            .made("expires_at", row.expires_at.to_string());
        let recording = prepared.clone();
        let replay = self
            .0
            .store
            .write(scope, async move |tx| {
                if let Some(prepared) = &recording
                    && let Some(first) = prepared.record(tx, now).await?
                {
                    return tx.commit(Audit::None("an answer given again"), Some(first));
                }
                // Who invites at the same time waits, so that the count below is the truth.
                tx.owners_hold().await?;
                reach(acting_role(tx, actor).await?, role)?;
                // No secret: the caller reads the members' addresses.
                if tx.member_has_address(&index).await? {
                    return Err(Error::of(Code::MemberExists));
                }
                if let Some(mail) = &mail {
                    tx.mail_queue(mail).await?;
                }
                match tx.invitation_insert(&row, &ticket, INVITATIONS_MAX).await? {
                    InvitationInsert::Put => tx.commit(audit.clone(), None),
                    InvitationInsert::Full => {
                        let detail = format!("a workspace has at most {INVITATIONS_MAX} open invitations");
                        Err(Error::new(Code::MemberLimitReached, detail))
                    }
                }
            })
            .await?;
        match (replay, prepared) {
            (Some(first), Some(prepared)) => prepared.open(&own_keys, &first),
            _ => Ok(Outcome::Fresh(sent)),
        }
    }

    /// The open invitations, newest first; there are at most [`INVITATIONS_MAX`].
    pub async fn invitation_list(
        &self,
        grant: &Grant<permission::MemberRead>,
    ) -> Result<Vec<InvitationView>> {
        whole_workspace(grant)?;
        let now = self.now();
        let rows = self.0.store.read(grant.into(), async move |tx| tx.invitation_list(now).await).await?;
        let keys = self.0.sealing.keys(WorkspaceScope::platform()).await?;
        rows.iter().map(|row| view(&keys, row)).collect()
    }

    /// A new link, good for another week; the one before is void.
    ///
    /// Errors: `not_found` for one that is not open, `permission_missing` for a role out of the caller's reach.
    pub async fn invitation_resend(
        &self,
        grant: &Grant<permission::MemberManage>,
        id: InvitationId,
    ) -> Result<InvitationSent> {
        let (now, actor) = (self.now(), grant.actor());
        let (link, ticket) = self.invitation_ticket().await?;
        let found = self.0.store.read(grant.into(), async move |tx| tx.invitation_get(id).await).await?;
        let open = found.filter(|row| row.is_open(now)).ok_or_else(|| Error::of(Code::NotFound))?;
        let keys = self.0.sealing.keys(WorkspaceScope::platform()).await?;
        let to = EmailAddress::parse(&email_open(&keys, &open)?).map_err(Error::internal)?;
        let mail = self.invitation_mail(grant, to, open.role, &link, ticket.expires_at).await?;
        let link = mail.is_none().then(|| link.secret());
        let audit = self.audit(grant, Action::InvitationResent, ("invitation", id.to_string()), Vec::new());
        let row = self
            .0
            .store
            .write(grant.into(), async move |tx| {
                tx.owners_hold().await?;
                let acting = acting_role(tx, actor).await?;
                let found = tx.invitation_get(id).await?.filter(|row| row.is_open(now));
                let row = found.ok_or_else(|| Error::of(Code::NotFound))?;
                reach(acting, row.role)?;
                if !tx.invitation_renew(id, &ticket).await? {
                    return Err(Error::of(Code::NotFound));
                }
                if let Some(mail) = &mail {
                    tx.mail_queue(mail).await?;
                }
                let renewed = InvitationRow { expires_at: ticket.expires_at, ..row.clone() };
                let (before, after) = (row.expires_at.to_string(), renewed.expires_at.to_string());
                tx.commit(audit.clone().changed("expires_at", before, after), renewed)
            })
            .await?;
        Ok(InvitationSent { view: view(&keys, &row)?, link })
    }

    /// Takes an invitation back. Its link opens nothing from here on.
    ///
    /// Errors: `not_found` for one that is not open, `permission_missing` for a role out of the caller's reach.
    pub async fn invitation_revoke(
        &self,
        grant: &Grant<permission::MemberManage>,
        id: InvitationId,
    ) -> Result<()> {
        let (now, actor) = (self.now(), grant.actor());
        let audit = self.audit(grant, Action::InvitationRevoked, ("invitation", id.to_string()), Vec::new());
        self.0
            .store
            .write(grant.into(), async move |tx| {
                tx.owners_hold().await?;
                let acting = acting_role(tx, actor).await?;
                let found = tx.invitation_get(id).await?.filter(|row| row.is_open(now));
                let row = found.ok_or_else(|| Error::of(Code::NotFound))?;
                reach(acting, row.role)?;
                tx.invitation_end(id, now, None).await?;
                tx.commit(audit.clone().was("role", row.role.as_str()), ())
            })
            .await
    }

    async fn invitation_row(&self, token: &str) -> Result<(String, InvitationRow)> {
        let (digest, now) = (ticket_digest(token), self.now());
        let found = self.0.store.read_system(async move |tx| tx.invitation_find(&digest, now).await).await?;
        found.map(|(workspace, row)| (workspace.name, row)).ok_or_else(over)
    }

    /// What a link is for.
    ///
    /// Errors: `link_invalid` where it was used, revoked, is too old or never was.
    pub async fn invitation_look(&self, token: &str) -> Result<InvitationLook> {
        let (workspace_name, row) = self.invitation_row(token).await?;
        let keys = self.0.sealing.keys(WorkspaceScope::platform()).await?;
        let email = email_open(&keys, &row)?;
        Ok(InvitationLook { workspace_name, email, role: row.role, expires_at: row.expires_at })
    }

    /// Whether an invitation is for this person's address.
    ///
    /// Errors: `link_invalid`.
    pub async fn invitation_is_for(&self, person: &Person, token: &str) -> Result<bool> {
        let (_, row) = self.invitation_row(token).await?;
        let id = person.user();
        let user = self.0.store.read_system(async move |tx| tx.user_get(id).await).await?;
        Ok(user.is_some_and(|user| user.email_index == row.email_index))
    }

    /// Somebody who signed in takes the seat.
    ///
    /// Errors: `link_invalid`, `invitation_for_another`, `member_exists`, `member_limit_reached`.
    pub async fn invitation_accept(
        &self,
        person: &Person,
        caller: &Caller,
        token: &str,
    ) -> Result<WorkspaceId> {
        // A workspace's identity provider does not join others in its people's name.
        person.unconfined()?;
        let (digest, now, user) = (ticket_digest(token), self.now(), person.user());
        let entry = self.audit_person(
            caller,
            person.actor(),
            Some(person.credential()),
            Action::MemberJoined,
            ("user", user.to_string()),
        );
        self.0
            .store
            .write_system(async move |tx| {
                let own = tx.user_get(user).await?.ok_or_else(|| Error::of(Code::SessionEnded))?;
                let (place, invitation) = tx.invitation_find(&digest, now).await?.ok_or_else(over)?;
                if own.email_index != invitation.email_index {
                    return Err(Error::of(Code::InvitationForAnother));
                }
                if tx.seat(place.id, user, None).await?.is_some() {
                    return Err(Error::of(Code::MemberExists));
                }
                let (workspace, invitation) =
                    tx.invitation_accept(&digest, user, MEMBERS_MAX, now).await?.ok_or_else(over)?;
                let mut entry = entry.clone().made("role", invitation.role.as_str());
                entry.details.push(("invitation", invitation.id.to_string()));
                tx.audit_add(workspace, std::slice::from_ref(&entry)).await?;
                tx.commit(Audit::None("the entry is in the workspace's own log"), workspace)
            })
            .await
    }

    /// Somebody new gets an account by the link, takes the seat and is signed in. The link proves the address.
    ///
    /// Errors: `link_invalid`, `conflict` where the address has an account (whoever holds the link may know: sign in
    /// instead), `password_refused`, `member_limit_reached`.
    pub async fn invitation_sign_up(
        &self,
        caller: &Caller,
        token: &str,
        name: String,
        password: Secret<String>,
    ) -> Result<(WorkspaceId, SessionBegun)> {
        let (digest, now) = (ticket_digest(token), self.now());
        // Looked at first: no hash is made for a link that opens nothing.
        let look = self.invitation_look(token).await?;
        let email = EmailAddress::parse(&look.email).map_err(|_| Error::internal("a stored address"))?;
        password_admit(&password, false, &[&look.workspace_name, &name, email.as_str()])?;
        let create = UserCreate { email, name, password: Some(password), operator: None };
        let row = self.user_row(create).await?;
        let user: UserId = row.id;
        let made = self.audit_person(
            caller,
            Actor::User(user),
            None::<Credential>,
            Action::UserCreated,
            ("user", user.to_string()),
        );
        let joined = self.audit_person(
            caller,
            Actor::User(user),
            None::<Credential>,
            Action::MemberJoined,
            ("user", user.to_string()),
        );
        let workspace = self
            .0
            .store
            .write_system(async move |tx| {
                if tx.user_find(&row.email_index).await?.is_some() {
                    let detail = "this address has an account: sign in with it and open the link again";
                    return Err(Error::new(Code::Conflict, detail));
                }
                tx.user_insert(&row).await?;
                let (workspace, invitation) =
                    tx.invitation_accept(&digest, user, MEMBERS_MAX, now).await?.ok_or_else(over)?;
                let mut joined = joined.clone().made("role", invitation.role.as_str());
                joined.details.push(("invitation", invitation.id.to_string()));
                tx.audit_add(workspace, std::slice::from_ref(&joined)).await?;
                tx.commit(made.clone(), workspace)
            })
            .await?;
        let proofs = Proofs { how: "invitation", second_factor: false, provider: None };
        let session = self.session_begin(caller, user, SessionKind::Console, proofs).await?;
        Ok((workspace, session))
    }
}
