//! Notices to a workspace: what happened there and its owners should know. Bodies are sealed.

use gatepost_core::{NoticeId, Result, Timestamp, UserId};

use crate::engine::{self, Row};
use crate::mails::OwnersMail;
use crate::store::WorkspaceTx;
use crate::{params, statements};

/// A notice to be written.
#[derive(Debug, Clone)]
pub struct NewNotice {
    pub id: NoticeId,
    /// What it is about: `endpoint.disabled`.
    pub kind: &'static str,
    /// Sealed JSON.
    pub body: Vec<u8>,
    pub created_at: Timestamp,
    /// Whether the owners get an e-mail, too.
    pub mail: Option<OwnersMail>,
}

/// A notice as it lies.
#[derive(Debug, Clone)]
pub struct NoticeRow {
    pub id: NoticeId,
    pub kind: String,
    /// Sealed JSON.
    pub body: Vec<u8>,
    pub created_at: Timestamp,
    /// When the owners were written to.
    pub told_at: Option<Timestamp>,
}

statements! {
    INSERT = same("INSERT INTO notice (workspace_id, id, kind, body, created_at) VALUES ($1, $2, $3, $4, $5)");
    GET = same("SELECT id, kind, body, created_at, told_at FROM notice WHERE workspace_id = $1 AND id = $2");
    LIST = same("SELECT id, kind, body, created_at, told_at FROM notice WHERE workspace_id = $1 ORDER BY id DESC LIMIT $2");
    TOLD = same("UPDATE notice SET told_at = $3 WHERE workspace_id = $1 AND id = $2 AND told_at IS NULL");
    RETAIN = same("DELETE FROM notice WHERE workspace_id = $1 AND created_at < $2");
    SEEN = same("SELECT seen_at FROM notice_seen WHERE workspace_id = $1 AND user_id = $2");
    SEE = same("INSERT INTO notice_seen (workspace_id, user_id, seen_at) VALUES ($1, $2, $3) ON CONFLICT (workspace_id, user_id) DO UPDATE SET seen_at = excluded.seen_at");
    UNSEEN = same("SELECT COUNT(*) FROM notice WHERE workspace_id = $1 AND created_at > COALESCE((SELECT s.seen_at FROM notice_seen s WHERE s.workspace_id = $1 AND s.user_id = $2), 0)");
}

fn notice(row: &Row<'_>) -> engine::Result<NoticeRow> {
    Ok(NoticeRow {
        id: NoticeId::from_uuid(row.get(0)?),
        kind: row.get(1)?,
        body: row.get(2)?,
        created_at: Timestamp::from_micros(row.get(3)?),
        told_at: row.get::<Option<i64>>(4)?.map(Timestamp::from_micros),
    })
}

impl WorkspaceTx<'_> {
    pub async fn notice_add(&self, notice: &NewNotice) -> Result<()> {
        let values =
            params![self.workspace, notice.id.uuid(), notice.kind, &notice.body, notice.created_at.micros()];
        self.tx.execute_one(&INSERT, values).await?;
        match notice.mail {
            Some(mail) => self.owners_mail_queue(notice.id.uuid(), mail, notice.created_at).await,
            None => Ok(()),
        }
    }

    pub async fn notice_get(&self, id: NoticeId) -> Result<Option<NoticeRow>> {
        Ok(self.tx.query_opt(&GET, params![self.workspace, id.uuid()], notice).await?)
    }

    /// Newest first.
    pub async fn notice_list(&self, limit: i64) -> Result<Vec<NoticeRow>> {
        Ok(self.tx.query(&LIST, params![self.workspace, limit], notice).await?)
    }

    /// The owners were written to; false where they were before.
    pub async fn notice_told(&self, id: NoticeId, now: Timestamp) -> Result<bool> {
        Ok(self.tx.execute(&TOLD, params![self.workspace, id.uuid(), now.micros()]).await? == 1)
    }

    /// Until when a member has seen the notices.
    pub async fn notices_seen_until(&self, user: UserId) -> Result<Option<Timestamp>> {
        let values = params![self.workspace, user.uuid()];
        let seen = self.tx.query_opt(&SEEN, values, |row: &Row<'_>| row.get::<i64>(0)).await?;
        Ok(seen.map(Timestamp::from_micros))
    }

    /// A member has seen all notices until now.
    pub async fn notices_see(&self, user: UserId, now: Timestamp) -> Result<()> {
        Ok(self.tx.execute_one(&SEE, params![self.workspace, user.uuid(), now.micros()]).await?)
    }

    /// How many notices a member has not seen.
    pub async fn notices_unseen(&self, user: UserId) -> Result<i64> {
        let values = params![self.workspace, user.uuid()];
        Ok(self.tx.query_one(&UNSEEN, values, |row: &Row<'_>| row.get(0)).await?)
    }

    /// Removes notices made before `before`; returns how many.
    pub async fn retain_notices(&self, before: Timestamp) -> Result<u64> {
        Ok(self.tx.execute(&RETAIN, params![self.workspace, before.micros()]).await?)
    }
}
