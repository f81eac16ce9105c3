//! What is written when a mail's turn comes, and not before; and what follows when one does not arrive.
//!
//! Threat note. Asking for a link to set a password costs the same for an address that has an account and for one that has
//! none: both leave one row, sealed, and nothing is looked up. Whether there is an account is found out here, where
//! nobody waits for the answer.

use gatepost_core::access::Role;
use gatepost_core::{EmailAddress, Result, Timestamp};
use gatepost_store::{
    Claimed, MailRow, NewMail, NewNotice, OWNERS_MAIL, SystemTx, TicketKind, TicketRow, UserNoticeRow,
    WorkspaceScope,
};
use uuid::Uuid;

use super::{Mail, MailKind, OwnLink};
use crate::App;
use crate::notices::{Notice, Trigger, notice_place, to_workspace};
use crate::people::{RESET_LIVES, TicketNew, UserColumn, email_index};

/// The kind of what becomes a link to set a password, where the address has an account.
pub(crate) const RESET_ASKED: &str = "reset_asked";

/// A mail that takes the place of another, with what it promises.
#[derive(Clone)]
pub(super) struct Following {
    mail: NewMail,
    /// The ticket behind its link; older ones of the person are void.
    ticket: Option<TicketRow>,
    /// The notice that it tells of.
    notice: Option<gatepost_core::NoticeId>,
}

impl Following {
    pub async fn write(&self, tx: &SystemTx<'_>, job: &Claimed, now: Timestamp) -> Result<()> {
        if let Some(ticket) = &self.ticket {
            if let Some(user) = ticket.user {
                tx.tickets_drop(user, ticket.kind).await?;
            }
            tx.ticket_put(ticket).await?;
        }
        let workspace = tx.work_of(job);
        if let Some(notice) = self.notice {
            workspace.notice_told(notice, now).await?;
        }
        workspace.mail_queue(&self.mail).await
    }
}

/// Who is told in the console that a mail did not arrive.
#[derive(Clone)]
pub(super) enum Undelivered {
    Person(UserNoticeRow),
    Workspace(NewNotice),
}

impl Undelivered {
    pub async fn write(&self, tx: &SystemTx<'_>, job: &Claimed) -> Result<()> {
        match self {
            Self::Person(notice) => tx.user_notice_add(notice).await,
            Self::Workspace(notice) => tx.work_of(job).notice_add(notice).await,
        }
    }
}

impl App {
    /// The mails that a row stands for; `None` where it is a mail itself.
    pub(super) async fn mails_following(
        &self,
        job: &Claimed,
        row: &MailRow,
    ) -> Result<Option<Vec<Following>>> {
        match row.kind.as_str() {
            OWNERS_MAIL => self.owners_mails(job, row).await.map(Some),
            RESET_ASKED => self.reset_mail(row).await.map(Some),
            _ => Ok(None),
        }
    }

    /// One mail for each owner of the notice's workspace.
    async fn owners_mails(&self, job: &Claimed, row: &MailRow) -> Result<Vec<Following>> {
        let (scope, id) = (job.scope(), gatepost_core::NoticeId::from_uuid(row.id.uuid()));
        let found = self
            .0
            .store
            .read(scope, async move |tx| Ok((tx.notice_get(id).await?, tx.member_list().await?)))
            .await?;
        let (Some(notice), members) = found else { return Ok(Vec::new()) };
        let workspace = scope.workspace();
        let workspace = self.0.store.read_system(async move |tx| tx.workspace_get(workspace).await).await?;
        let Some(workspace) = workspace else { return Ok(Vec::new()) };
        let place = notice_place(scope.workspace().uuid(), id);
        let body = self.0.sealing.open(scope, &place, &notice.body).await?;
        let Ok(words) = serde_json::from_slice::<Notice>(&body) else { return Ok(Vec::new()) };
        let platform = self.0.sealing.keys(WorkspaceScope::platform()).await?;
        let mut mails = Vec::new();
        for owner in members.iter().filter(|member| member.role == Role::Owner && !member.disabled) {
            let to = UserColumn::Email.open_text(&platform, owner.user, &owner.email)?;
            let Ok(to) = EmailAddress::parse(&to) else { continue };
            let kind = MailKind::OwnersNotice { workspace: workspace.name.clone(), notice: words.clone() };
            let mail = self.mail_prepare(Mail { to, kind, person: Some(owner.user) }).await?;
            mails.extend(mail.map(|mail| Following { mail, ticket: None, notice: Some(id) }));
        }
        Ok(mails)
    }

    /// The link to set a password, where the address has an account that may sign in.
    async fn reset_mail(&self, row: &MailRow) -> Result<Vec<Following>> {
        let Some((to, content)) = self.mail_open(row).await? else { return Ok(Vec::new()) };
        let Ok(trigger) = serde_json::from_slice::<Trigger>(&content) else { return Ok(Vec::new()) };
        let keys = self.0.sealing.keys(WorkspaceScope::platform()).await?;
        let index = email_index(&keys, &to);
        let user = self.0.store.read_system(async move |tx| tx.user_find(&index).await).await?;
        let Some(user) = user.filter(|user| user.disabled_at.is_none()) else { return Ok(Vec::new()) };
        // To the address as its owner wrote it, whatever somebody typed now.
        let own = UserColumn::Email.open_text(&keys, user.id, &user.email)?;
        let Ok(to) = EmailAddress::parse(&own) else { return Ok(Vec::new()) };
        let (token, ticket) = self
            .ticket(TicketNew {
                kind: TicketKind::PasswordReset,
                user: Some(user.id),
                workspace: None,
                subject: None,
                state: None,
                lives: RESET_LIVES,
            })
            .await?;
        let link = OwnLink::new(&self.0.config.public_url, &format!("/reset/{}", token.expose()));
        let kind = MailKind::ResetLink { link, until: ticket.expires_at, trigger };
        let mail = self.mail_prepare(Mail { to, kind, person: Some(user.id) }).await?;
        Ok(mail.map(|mail| Following { mail, ticket: Some(ticket), notice: None }).into_iter().collect())
    }

    /// Who is told that this mail did not arrive: the person whom it concerns, or else the workspace. Nobody where that
    /// cannot be found out now; the log tells of it in any case.
    pub(super) async fn undelivered(&self, job: &Claimed, row: &MailRow) -> Option<Undelivered> {
        let told = self.undelivered_notice(job, row).await;
        told.unwrap_or_else(|error| {
            tracing::warn!(mail = %row.id, %error, "nobody could be told of a mail that did not arrive");
            None
        })
    }

    async fn undelivered_notice(&self, job: &Claimed, row: &MailRow) -> Result<Option<Undelivered>> {
        let now = self.now();
        let notice = Notice::mail_failed(&row.kind, now);
        if let Some(user) = row.person {
            let platform = self.0.sealing.keys(WorkspaceScope::platform()).await?;
            return self.user_notice(&platform, user, &notice).map(|row| Some(Undelivered::Person(row)));
        }
        let scope = job.scope();
        if scope.workspace().uuid() == Uuid::nil() || row.kind == OWNERS_MAIL {
            return Ok(None);
        }
        let keys = self.0.sealing.keys(scope).await?;
        to_workspace(&keys, now, self.entropy(), &notice, false)
            .map(|notice| Some(Undelivered::Workspace(notice)))
    }
}
