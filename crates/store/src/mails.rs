//! E-mails on their way: written in the transaction that owes them, handed over by a job, erased when that is done.
//!
//! Threat note. Defends against: a copy of the database in which links lie that open accounts. Recipient and content are
//! sealed, and go with the last try; what stays is when which kind of mail went, and how it ended. Does not defend
//! against: the mail servers on the way.

use gatepost_core::job::JobKind;
use gatepost_core::{JobId, MailId, Result, Timestamp, UserId};
use uuid::Uuid;

use crate::engine::{self, Row};
use crate::gauges::JOBS_COUNTED_MAX;
use crate::jobs::NewJob;
use crate::scope::WorkspaceScope;
use crate::store::{SystemTx, WorkspaceTx};
use crate::{params, statements};

/// All mails go one way, to one server, so they share a lane.
pub const MAIL_LANE: Uuid = Uuid::nil();

/// How far a mail is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailState {
    /// Waits, or is being handed over.
    Queued,
    /// The mail server took it.
    Sent,
    /// It was refused, or its time was over.
    Dead,
}

impl MailState {
    const ALL: [Self; 3] = [Self::Queued, Self::Sent, Self::Dead];

    /// The number stored in the database; never reused.
    pub const fn number(self) -> i64 {
        match self {
            Self::Queued => 1,
            Self::Sent => 2,
            Self::Dead => 3,
        }
    }

    fn from_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.number() == number)
    }
}

/// A mail to be sent, sealed before the transaction.
#[derive(Debug, Clone)]
pub struct NewMail {
    pub id: MailId,
    /// `reset_link`, `invitation`, …: for logs and metrics.
    pub kind: &'static str,
    /// Sealed.
    pub recipient: Vec<u8>,
    /// Sealed JSON.
    pub content: Vec<u8>,
    /// Who is told in the console where it does not arrive.
    pub person: Option<UserId>,
    pub created_at: Timestamp,
    pub give_up_at: Timestamp,
    pub job: JobId,
}

/// Tells the owners of a workspace of a notice: the mails to them are written when its turn comes.
#[derive(Debug, Clone, Copy)]
pub struct OwnersMail {
    pub job: JobId,
    pub give_up_at: Timestamp,
}

/// The kind of what becomes mails to owners.
pub const OWNERS_MAIL: &str = "owners";

/// A mail as it lies.
#[derive(Debug, Clone)]
pub struct MailRow {
    pub id: MailId,
    pub kind: String,
    /// Sealed; erased when the mail is done.
    pub recipient: Option<Vec<u8>>,
    /// Sealed; erased when the mail is done.
    pub content: Option<Vec<u8>>,
    pub person: Option<UserId>,
    pub state: MailState,
    pub attempts: i64,
    pub outcome: Option<String>,
    pub created_at: Timestamp,
    pub give_up_at: Timestamp,
    pub finished_at: Option<Timestamp>,
}

/// See [`SystemTx::mail_counts`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MailCounts {
    pub waiting: i64,
    /// Refused, or given up.
    pub failed: i64,
    /// `None` where none was in living memory.
    pub last_sent: Option<Timestamp>,
}

statements! {
    INSERT = same("INSERT INTO mail (id, kind, recipient, content, person_id, state, attempts, created_at, give_up_at) VALUES ($1, $2, $3, $4, $5, $6, 0, $7, $8)");
    INSERT_BARE = same("INSERT INTO mail (id, kind, state, attempts, created_at, give_up_at) VALUES ($1, $2, $3, 0, $4, $5)");
    GET = same("SELECT id, kind, recipient, content, person_id, state, attempts, outcome, created_at, give_up_at, finished_at FROM mail WHERE id = $1");
    TRIED = same("UPDATE mail SET attempts = attempts + 1, outcome = $2 WHERE id = $1 AND state = 1");
    DONE = same("UPDATE mail SET state = $2, attempts = attempts + $3, outcome = $4, finished_at = $5, recipient = NULL, content = NULL WHERE id = $1 AND state = 1");
    OVER = same("SELECT id FROM mail WHERE state = 1 AND give_up_at < $1 ORDER BY give_up_at LIMIT $2");
    DROP_JOB = same("DELETE FROM job WHERE kind = $1 AND lane = $2 AND subject = $3");
    WAITING = same("SELECT COUNT(*) FROM (SELECT 1 AS mail FROM mail WHERE state = 1 LIMIT $1) AS counted");
    /// From the newest on; mails that are done are kept for a while only.
    LAST = same("SELECT finished_at FROM mail WHERE finished_at IS NOT NULL AND state = $1 ORDER BY finished_at DESC LIMIT 1");
    DEAD_SINCE = same("SELECT COUNT(*) FROM (SELECT 1 AS mail FROM mail WHERE finished_at >= $1 AND state = $2 LIMIT $3) AS counted");
    FORGET = same("DELETE FROM mail WHERE id IN (SELECT id FROM mail WHERE finished_at < $1 ORDER BY finished_at LIMIT $2)");
}

fn mail(row: &Row<'_>) -> engine::Result<MailRow> {
    let state: i64 = row.get(5)?;
    Ok(MailRow {
        id: MailId::from_uuid(row.get(0)?),
        kind: row.get(1)?,
        recipient: row.get(2)?,
        content: row.get(3)?,
        person: row.get::<Option<Uuid>>(4)?.map(UserId::from_uuid),
        // A number from a later version is not sent again by this one.
        state: MailState::from_number(state).unwrap_or(MailState::Dead),
        attempts: row.get(6)?,
        outcome: row.get(7)?,
        created_at: Timestamp::from_micros(row.get(8)?),
        give_up_at: Timestamp::from_micros(row.get(9)?),
        finished_at: row.get::<Option<i64>>(10)?.map(Timestamp::from_micros),
    })
}

impl WorkspaceTx<'_> {
    /// Owes somebody a mail: it goes out after the commit. Where it does not arrive, this workspace is told.
    pub async fn mail_queue(&self, mail: &NewMail) -> Result<()> {
        let values = params![
            mail.id.uuid(),
            mail.kind,
            &mail.recipient,
            &mail.content,
            mail.person.map(UserId::uuid),
            MailState::Queued.number(),
            mail.created_at.micros(),
            mail.give_up_at.micros()
        ];
        self.tx.execute_one(&INSERT, values).await?;
        self.mail_job(mail.job, mail.id.uuid(), mail.created_at).await
    }

    /// Owes the owners mails about a notice, whose id the row shares.
    pub(crate) async fn owners_mail_queue(
        &self,
        notice: Uuid,
        mail: OwnersMail,
        now: Timestamp,
    ) -> Result<()> {
        let state = MailState::Queued.number();
        let values = params![notice, OWNERS_MAIL, state, now.micros(), mail.give_up_at.micros()];
        self.tx.execute_one(&INSERT_BARE, values).await?;
        self.mail_job(mail.job, notice, now).await
    }

    async fn mail_job(&self, id: JobId, subject: Uuid, now: Timestamp) -> Result<()> {
        self.job_insert(&NewJob {
            id,
            kind: JobKind::MailSend,
            lane: MAIL_LANE,
            order_key: None,
            priority: 0,
            queued_at: now,
            run_at: now,
            subject,
        })
        .await
    }
}

impl SystemTx<'_> {
    /// [`WorkspaceTx::mail_queue`] for what concerns no workspace.
    pub async fn mail_queue(&self, mail: &NewMail) -> Result<()> {
        self.enter(WorkspaceScope::platform()).mail_queue(mail).await
    }

    pub async fn mail_get(&self, id: MailId) -> Result<Option<MailRow>> {
        Ok(self.tx.query_opt(&GET, params![id.uuid()], mail).await?)
    }

    pub async fn mails_get(&self, ids: &[MailId]) -> Result<Vec<Option<MailRow>>> {
        let rows: Vec<_> = ids.iter().map(|id| params![id.uuid()].to_vec()).collect();
        Ok(self.tx.query_many(&GET, &rows, mail).await?)
    }

    /// Another try failed, and there will be one more.
    pub async fn mail_tried(&self, id: MailId, outcome: &str) -> Result<()> {
        Ok(self.tx.execute_one(&TRIED, params![id.uuid(), outcome]).await?)
    }

    /// The end of a mail; whom it went to and what it said are erased. `tries`: how many more were made.
    pub async fn mail_finish(
        &self,
        id: MailId,
        state: MailState,
        tries: i64,
        outcome: Option<&str>,
        now: Timestamp,
    ) -> Result<()> {
        let values = params![id.uuid(), state.number(), tries, outcome, now.micros()];
        Ok(self.tx.execute_one(&DONE, values).await?)
    }

    /// Erases up to `limit` mails whose time has been over since `before` and that nobody came for, because mail is
    /// switched off; returns how many.
    pub async fn mails_expire(&self, before: Timestamp, now: Timestamp, limit: i64) -> Result<usize> {
        let over: Vec<Uuid> =
            self.tx.query(&OVER, params![before.micros(), limit], |row: &Row<'_>| row.get(0)).await?;
        for id in &over {
            self.tx.execute(&DROP_JOB, params![JobKind::MailSend.number(), MAIL_LANE, *id]).await?;
            self.mail_finish(MailId::from_uuid(*id), MailState::Dead, 0, Some("not_sent"), now).await?;
        }
        Ok(over.len())
    }

    /// How mail fares: what waits, and what became of the rest since then; counted up to [`JOBS_COUNTED_MAX`].
    pub async fn mail_counts(&self, since: Timestamp) -> Result<MailCounts> {
        let count = |row: &Row<'_>| row.get::<i64>(0);
        let (sent, dead) = (MailState::Sent.number(), MailState::Dead.number());
        let last_sent = self.tx.query_opt(&LAST, params![sent], count).await?;
        Ok(MailCounts {
            waiting: self.tx.query_one(&WAITING, params![JOBS_COUNTED_MAX], count).await?,
            failed: self
                .tx
                .query_one(&DEAD_SINCE, params![since.micros(), dead, JOBS_COUNTED_MAX], count)
                .await?,
            last_sent: last_sent.map(Timestamp::from_micros),
        })
    }

    /// Forgets up to `limit` mails that were done before `before`; returns how many.
    pub async fn mails_forget(&self, before: Timestamp, limit: i64) -> Result<u64> {
        Ok(self.tx.execute(&FORGET, params![before.micros(), limit]).await?)
    }
}
