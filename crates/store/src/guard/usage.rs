//! How much of a plan was used: exact under concurrency, since a unit is taken in the transaction that needs it.

use gatepost_core::channel::Mode;
use gatepost_core::guard::Day;
use gatepost_core::{ChannelId, Result};
use uuid::Uuid;

use crate::engine::{self, Row};
use crate::store::WorkspaceTx;
use crate::{params, statements};

/// How much was used of a day and its month, what was just taken included.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counted {
    pub day: i64,
    pub month: i64,
}

/// What is known of the use of a workspace or of a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UsageRow {
    /// The workspace's own id, or a channel's.
    pub subject: Uuid,
    pub day: Day,
    pub day_used: i64,
    /// As [`gatepost_core::guard::Month`] counts.
    pub month: i64,
    pub month_used: i64,
}

statements! {
    /// Days only go forward: another time zone, or a clock that was set back, gives nothing back.
    TAKE = same("INSERT INTO usage (workspace_id, mode, subject, day, day_used, month, month_used, last_day, last_day_used, told_day, told_day_at, told_month, told_month_at) VALUES ($1, $2, $3, $4, 1, $5, 1, 0, 0, 0, 0, 0, 0) ON CONFLICT (workspace_id, mode, subject) DO UPDATE SET last_day = CASE WHEN usage.day < $4 THEN usage.day ELSE usage.last_day END, last_day_used = CASE WHEN usage.day < $4 THEN usage.day_used ELSE usage.last_day_used END, day_used = CASE WHEN usage.day < $4 THEN 1 ELSE usage.day_used + 1 END, month_used = CASE WHEN usage.month < $5 THEN 1 ELSE usage.month_used + 1 END, day = CASE WHEN usage.day < $4 THEN $4 ELSE usage.day END, month = CASE WHEN usage.month < $5 THEN $5 ELSE usage.month END RETURNING day_used, month_used");
    GIVE_BACK = same("UPDATE usage SET day_used = CASE WHEN day = $4 AND day_used > 0 THEN day_used - 1 ELSE day_used END, last_day_used = CASE WHEN last_day = $4 AND last_day_used > 0 THEN last_day_used - 1 ELSE last_day_used END, month_used = CASE WHEN month = $5 AND month_used > 0 THEN month_used - 1 ELSE month_used END WHERE workspace_id = $1 AND mode = $2 AND subject = $3");
    UNCOUNT = same("UPDATE message SET counted_day = NULL WHERE workspace_id = $1 AND id = $2 AND counted_day IS NOT NULL RETURNING counted_day, mode, channel_id");
    LIST = same("SELECT subject, day, day_used, month, month_used FROM usage WHERE workspace_id = $1 AND mode = $2");
}

fn counted(row: &Row<'_>) -> engine::Result<Counted> {
    Ok(Counted { day: row.get(0)?, month: row.get(1)? })
}

impl WorkspaceTx<'_> {
    /// Takes a unit of the workspace and of the channel on a day; returns what is used of either with it.
    pub async fn usage_take(&self, mode: Mode, channel: ChannelId, day: Day) -> Result<(Counted, Counted)> {
        let month = day.month().number();
        let take = async |subject: Uuid| {
            let values = params![self.workspace, mode.number(), subject, day.number(), month];
            self.tx.query_one(&TAKE, values, counted).await
        };
        let of_workspace = take(self.workspace).await?;
        Ok((of_workspace, take(channel.uuid()).await?))
    }

    /// Gives a message's unit back, once: it never reached Meta.
    pub async fn usage_give_back(&self, message: gatepost_core::MessageId) -> Result<()> {
        let read = |row: &Row<'_>| {
            Ok((Day::from_number(row.get(0)?), crate::messages::mode(row, 1)?, row.get::<Uuid>(2)?))
        };
        let found = self.tx.query_opt(&UNCOUNT, params![self.workspace, message.uuid()], read).await?;
        let Some((day, mode, channel)) = found else { return Ok(()) };
        for subject in [self.workspace, channel] {
            let values = params![self.workspace, mode.number(), subject, day.number(), day.month().number()];
            self.tx.execute(&GIVE_BACK, values).await?;
        }
        Ok(())
    }

    /// What was used of the workspace and of each channel.
    pub async fn usage_list(&self, mode: Mode) -> Result<Vec<UsageRow>> {
        let read = |row: &Row<'_>| {
            Ok(UsageRow {
                subject: row.get(0)?,
                day: Day::from_number(row.get(1)?),
                day_used: row.get(2)?,
                month: row.get(3)?,
                month_used: row.get(4)?,
            })
        };
        Ok(self.tx.query(&LIST, params![self.workspace, mode.number()], read).await?)
    }
}
