//! E-mail: what is owed to people is written in the transaction that owes it, and sent by a job.
//!
//! Threat note. Defends against: somebody who makes this installation write in its own name what they want (names are
//! quoted, shortened and kept from becoming links or headers; what people type never makes a paragraph of its own; links
//! are made from the configured public address alone); mails that are lost (a job tries for a day, then says so in the
//! console, in the log and in a metric); mails that are read in the database (sealed, and erased when done). Does not
//! defend against: whoever reads the recipient's mailbox: links work once and for a short time, and no mail holds a
//! password or a key.
//!
//! **Once or twice.** A mail is handed over once, with one exception: a process that dies, or a connection that breaks,
//! between the mail server's taking it and our writing that down. It is then handed over again, under the same
//! `Message-ID`, because a link that comes twice is better than one that never comes.

mod following;
mod kinds;
mod letter;
mod sending;
mod testing;

use std::time::Duration;

use gatepost_core::{EmailAddress, JobId, MailId, Result, Timestamp, UserId};
use gatepost_net::MailName;
use gatepost_store::{MailRow, NewMail, WorkspaceScope};
use gatepost_vault::Aad;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::App;
use crate::sealing::failed;

pub use testing::MailTested;

pub(crate) use following::RESET_ASKED;
pub(crate) use kinds::{MailKind, OwnLink};
pub(crate) use sending::Posting;

/// The longest that a mail is tried.
pub(crate) const TRIED_FOR: Duration = Duration::from_hours(24);

/// A mail that is owed to somebody.
pub(crate) struct Mail {
    pub to: EmailAddress,
    pub kind: MailKind,
    /// Whom it concerns: told in the console where it does not arrive.
    pub person: Option<UserId>,
}

/// What lies sealed in a mail's row.
#[derive(Serialize, Deserialize)]
struct Written {
    subject: String,
    text: String,
    html: String,
}

fn place(mail: MailId, column: &'static str) -> Aad {
    Aad { workspace: Uuid::nil(), table: "mail", column, row: mail.uuid().into_bytes() }
}

impl App {
    /// Whether this installation can send e-mail. Where it cannot, links are shown to whoever asked for them, and the
    /// pages say so.
    pub fn mail_on(&self) -> bool {
        self.0.mail.is_some()
    }

    /// Writes and seals a mail, before the transaction that owes it puts it into the queue (`tx.mail_queue`). `None`
    /// where this installation sends none.
    pub(crate) async fn mail_prepare(&self, mail: Mail) -> Result<Option<NewMail>> {
        if !self.mail_on() {
            return Ok(None);
        }
        let letter = mail.kind.letter();
        let written = Written {
            text: letter.text(&self.0.config.public_url),
            html: letter.html(&self.0.config.public_url),
            subject: MailName::new(&letter.subject).as_str().to_owned(),
        };
        let written = serde_json::to_vec(&written).map_err(gatepost_core::Error::internal)?;
        let until = mail.kind.good_until().unwrap_or(Timestamp::from_micros(i64::MAX));
        let sealed = self.mail_defer(mail.kind.name(), &mail.to, &written, until).await?;
        Ok(Some(NewMail { person: mail.person, ..sealed }))
    }
}

impl App {
    /// Seals a mail that is written only when its turn comes: `content` says what it will need.
    pub(crate) async fn mail_defer(
        &self,
        kind: &'static str,
        to: &EmailAddress,
        content: &[u8],
        good_until: Timestamp,
    ) -> Result<NewMail> {
        let now = self.now();
        let keys = self.0.sealing.keys(WorkspaceScope::platform()).await?;
        let id = MailId::new(now, self.entropy());
        let seal = |column, bytes: &[u8]| -> Result<Vec<u8>> {
            Ok(keys.seal(&place(id, column), bytes).map_err(failed)?.into_vec())
        };
        Ok(NewMail {
            id,
            kind,
            recipient: seal("recipient", to.as_str().as_bytes())?,
            content: seal("content", content)?,
            person: None,
            created_at: now,
            give_up_at: give_up_at(now, good_until),
            job: JobId::new(now, self.entropy()),
        })
    }

    /// Recipient and content of a mail; `None` where they do not open, which is told where it is noticed.
    async fn mail_open(&self, row: &MailRow) -> Result<Option<(EmailAddress, Vec<u8>)>> {
        let (Some(recipient), Some(content)) = (&row.recipient, &row.content) else { return Ok(None) };
        let sealing = &self.0.sealing;
        // The keys are read first, so that a store that does not answer is not taken for a broken seal.
        sealing.keys(WorkspaceScope::platform()).await?;
        let open = async |column, sealed: &[u8]| {
            sealing.open(WorkspaceScope::platform(), &place(row.id, column), sealed).await.ok()
        };
        let Some(to) = open("recipient", recipient).await else { return Ok(None) };
        let Some(content) = open("content", content).await else { return Ok(None) };
        let to = std::str::from_utf8(&to).ok().and_then(|to| EmailAddress::parse(to).ok());
        Ok(to.map(|to| (to, content)))
    }
}

/// A link that is over is not sent.
fn give_up_at(now: Timestamp, good_until: Timestamp) -> Timestamp {
    good_until.min(now.plus(TRIED_FOR))
}
