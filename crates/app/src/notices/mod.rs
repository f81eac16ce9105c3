//! Notices: what happened to a workspace or an account and its people should know, in the console and by e-mail.
//!
//! Threat note. Defends against: a change that nobody notices (a new browser, a factor, a key): the notice is written in
//! the transaction of the change, so there is none without it, and nobody but time can remove it. Does not defend
//! against: somebody who reads the mails of its owner, too.
//!
//! A notice to a person is written with its mail. A notice to a workspace goes to its owners, who are looked up when the
//! mail's turn comes: whoever is an owner then, and nobody else.

mod reading;
mod words;

use gatepost_core::{Entropy, Error, JobId, NoticeId, Result, Timestamp, UserId};
use gatepost_store::{NewMail, NewNotice, OwnersMail, SystemTx, UserNoticeRow, UserRow, WorkspaceScope};
use gatepost_vault::{Aad, WorkspaceKeys};
use uuid::Uuid;

use crate::App;
use crate::mail::{Mail, MailKind, TRIED_FOR};
use crate::people::UserColumn;
use crate::sealing::failed;

pub use reading::NoticeView;
pub(crate) use words::{Fact, Notice, Trigger, moment};

/// Where the body of a notice is sealed.
pub(crate) fn notice_place(workspace: Uuid, notice: NoticeId) -> Aad {
    Aad { workspace, table: "notice", column: "body", row: notice.uuid().into_bytes() }
}

fn user_notice_place(notice: NoticeId) -> Aad {
    Aad { workspace: Uuid::nil(), table: "user_notice", column: "body", row: notice.uuid().into_bytes() }
}

/// A notice to a workspace, sealed under its keys; `tx.notice_add` writes it. With `mail` its owners are written to.
pub(crate) fn to_workspace(
    keys: &WorkspaceKeys,
    now: Timestamp,
    entropy: &dyn Entropy,
    notice: &Notice,
    mail: bool,
) -> Result<NewNotice> {
    let id = NoticeId::new(now, entropy);
    let body = serde_json::to_vec(notice).map_err(Error::internal)?;
    Ok(NewNotice {
        id,
        kind: notice.kind(),
        body: keys.seal(&notice_place(keys.workspace(), id), &body).map_err(failed)?.into_vec(),
        created_at: now,
        mail: mail.then(|| OwnersMail { job: JobId::new(now, entropy), give_up_at: now.plus(TRIED_FOR) }),
    })
}

/// What a person is told, ready to be written.
#[derive(Clone)]
pub(crate) struct Told {
    notice: UserNoticeRow,
    mail: Option<NewMail>,
}

impl Told {
    /// In the transaction of what it tells of.
    pub async fn write(&self, tx: &SystemTx<'_>) -> Result<()> {
        tx.user_notice_add(&self.notice).await?;
        match &self.mail {
            Some(mail) => tx.mail_queue(mail).await,
            None => Ok(()),
        }
    }
}

impl App {
    /// A notice to a person, with the mail to the address that their account has now.
    pub(crate) async fn tell(&self, user: &UserRow, notice: Notice) -> Result<Told> {
        let keys = self.0.sealing.keys(WorkspaceScope::platform()).await?;
        let to = UserColumn::Email.open_text(&keys, user.id, &user.email)?;
        let row = self.user_notice(&keys, user.id, &notice)?;
        let mail = match gatepost_core::EmailAddress::parse(&to) {
            Ok(to) => {
                let kind = MailKind::PersonNotice { notice };
                self.mail_prepare(Mail { to, kind, person: Some(user.id) }).await?
            }
            Err(_) => None,
        };
        Ok(Told { notice: row, mail })
    }

    /// A notice to a person, in the console alone.
    pub(crate) fn user_notice(
        &self,
        platform: &WorkspaceKeys,
        user: UserId,
        notice: &Notice,
    ) -> Result<UserNoticeRow> {
        let now = self.now();
        let id = NoticeId::new(now, self.entropy());
        let body = serde_json::to_vec(notice).map_err(Error::internal)?;
        let body = platform.seal(&user_notice_place(id), &body).map_err(failed)?.into_vec();
        Ok(UserNoticeRow { user, id, kind: notice.kind().to_owned(), body, created_at: now, seen_at: None })
    }
}
