//! Notices to a person, in the console of whichever workspace they look at. Bodies are sealed.

use gatepost_core::{NoticeId, Result, Timestamp, UserId};

use crate::engine::Row;
use crate::store::SystemTx;
use crate::{params, statements};

#[derive(Debug, Clone)]
pub struct UserNoticeRow {
    pub user: UserId,
    pub id: NoticeId,
    /// What it is about: `password.changed`.
    pub kind: String,
    /// Sealed JSON.
    pub body: Vec<u8>,
    pub created_at: Timestamp,
    pub seen_at: Option<Timestamp>,
}

statements! {
    INSERT = same("INSERT INTO user_notice (user_id, id, kind, body, created_at) VALUES ($1, $2, $3, $4, $5)");
    LIST = same("SELECT id, kind, body, created_at, seen_at FROM user_notice WHERE user_id = $1 ORDER BY id DESC LIMIT $2");
    SEE = same("UPDATE user_notice SET seen_at = $2 WHERE user_id = $1 AND seen_at IS NULL AND created_at <= $2");
    UNSEEN = same("SELECT COUNT(*) FROM user_notice WHERE user_id = $1 AND seen_at IS NULL");
    RETAIN = same("DELETE FROM user_notice WHERE created_at < $1");
}

impl SystemTx<'_> {
    pub async fn user_notice_add(&self, notice: &UserNoticeRow) -> Result<()> {
        let values = params![
            notice.user.uuid(),
            notice.id.uuid(),
            &notice.kind,
            &notice.body,
            notice.created_at.micros()
        ];
        Ok(self.tx.execute_one(&INSERT, values).await?)
    }

    /// Newest first.
    pub async fn user_notice_list(&self, user: UserId, limit: i64) -> Result<Vec<UserNoticeRow>> {
        let notice = |row: &Row<'_>| {
            Ok(UserNoticeRow {
                user,
                id: NoticeId::from_uuid(row.get(0)?),
                kind: row.get(1)?,
                body: row.get(2)?,
                created_at: Timestamp::from_micros(row.get(3)?),
                seen_at: row.get::<Option<i64>>(4)?.map(Timestamp::from_micros),
            })
        };
        Ok(self.tx.query(&LIST, params![user.uuid(), limit], notice).await?)
    }

    /// The person has seen all notices made until now.
    pub async fn user_notices_see(&self, user: UserId, now: Timestamp) -> Result<u64> {
        Ok(self.tx.execute(&SEE, params![user.uuid(), now.micros()]).await?)
    }

    /// How many notices the person has not seen.
    pub async fn user_notices_unseen(&self, user: UserId) -> Result<i64> {
        Ok(self.tx.query_one(&UNSEEN, params![user.uuid()], |row: &Row<'_>| row.get(0)).await?)
    }

    /// Removes notices made before `before`; returns how many.
    pub async fn retain_user_notices(&self, before: Timestamp) -> Result<u64> {
        Ok(self.tx.execute(&RETAIN, params![before.micros()]).await?)
    }
}
