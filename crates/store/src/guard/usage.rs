//! How much of a plan was used: exact under concurrency, since a unit is taken in the transaction that needs it.

use gatepost_core::channel::Mode;
use gatepost_core::guard::Day;
use gatepost_core::{ChannelId, Result};
use uuid::Uuid;

use crate::engine::{self, Row};
use crate::store::WorkspaceTx;
use crate::{params, statements};

/// How much was used of a day and its month, what was just taken included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Counted {
    /// The day that it was counted on: the one asked for, or a later one that was counted on before.
    pub on: Day,
    pub day: i64,
    pub month: i64,
    /// At how many messages of the day it was last told how much was used; 0: never.
    pub told_day: i64,
    /// The same of the month.
    pub told_month: i64,
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

/// What is told of once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UsagePeriod {
    Day,
    Month,
}

statements! {
    /// Days only go forward: another time zone, or a clock that was set back, gives nothing back.
    TAKE = same("INSERT INTO usage (workspace_id, mode, subject, day, day_used, month, month_used, last_day, last_day_used, told_day, told_day_at, told_month, told_month_at) VALUES ($1, $2, $3, $4, 1, $5, 1, 0, 0, 0, 0, 0, 0) ON CONFLICT (workspace_id, mode, subject) DO UPDATE SET last_day = CASE WHEN usage.day < $4 THEN usage.day ELSE usage.last_day END, last_day_used = CASE WHEN usage.day < $4 THEN usage.day_used ELSE usage.last_day_used END, day_used = CASE WHEN usage.day < $4 THEN 1 ELSE usage.day_used + 1 END, month_used = CASE WHEN usage.month < $5 THEN 1 ELSE usage.month_used + 1 END, day = CASE WHEN usage.day < $4 THEN $4 ELSE usage.day END, month = CASE WHEN usage.month < $5 THEN $5 ELSE usage.month END RETURNING day, day_used, month, month_used, told_day, told_day_at, told_month, told_month_at, last_day, last_day_used");
    GIVE_BACK = same("UPDATE usage SET day_used = CASE WHEN day = $4 AND day_used > 0 THEN day_used - 1 ELSE day_used END, last_day_used = CASE WHEN last_day = $4 AND last_day_used > 0 THEN last_day_used - 1 ELSE last_day_used END, month_used = CASE WHEN month = $5 AND month_used > 0 THEN month_used - 1 ELSE month_used END WHERE workspace_id = $1 AND mode = $2 AND subject = $3 RETURNING day");
    /// An UPDATE would tell the day as it is afterwards.
    COUNTED = same("SELECT counted_day, mode, channel_id FROM message WHERE workspace_id = $1 AND id = $2 AND counted_day IS NOT NULL");
    UNCOUNT = same("UPDATE message SET counted_day = NULL WHERE workspace_id = $1 AND id = $2 AND counted_day IS NOT NULL");
    LIST = same("SELECT subject, day, day_used, month, month_used FROM usage WHERE workspace_id = $1 AND mode = $2");
    TOLD_DAY = same("UPDATE usage SET told_day = day, told_day_at = $4 WHERE workspace_id = $1 AND mode = $2 AND subject = $3");
    TOLD_MONTH = same("UPDATE usage SET told_month = month, told_month_at = $4 WHERE workspace_id = $1 AND mode = $2 AND subject = $3");
    DAY_ADD = same("INSERT INTO usage_day (workspace_id, mode, subject, day, used) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (workspace_id, mode, subject, day) DO UPDATE SET used = excluded.used");
    DAY_GIVE_BACK = same("UPDATE usage_day SET used = used - 1 WHERE workspace_id = $1 AND mode = $2 AND subject = $3 AND day = $4 AND used > 0");
    DAYS = same("SELECT subject, day, used FROM usage_day WHERE workspace_id = $1 AND mode = $2 AND day >= $3 AND used > 0 ORDER BY subject, day");
    DAYS_FORGET = same("DELETE FROM usage_day WHERE workspace_id = $1 AND day < $2");
}

/// What was taken, and the day before in which anything was.
struct Taken {
    counted: Counted,
    last_day: i64,
    last_day_used: i64,
}

fn taken(row: &Row<'_>) -> engine::Result<Taken> {
    let (day, month): (i64, i64) = (row.get(0)?, row.get(2)?);
    let told = |of: usize, now: i64| -> engine::Result<i64> {
        let of_now = row.get::<i64>(of)? == now;
        Ok(if of_now { row.get(of + 1)? } else { 0 })
    };
    Ok(Taken {
        counted: Counted {
            on: Day::from_number(day),
            day: row.get(1)?,
            month: row.get(3)?,
            told_day: told(4, day)?,
            told_month: told(6, month)?,
        },
        last_day: row.get(8)?,
        last_day_used: row.get(9)?,
    })
}

impl WorkspaceTx<'_> {
    /// Takes a unit of the workspace and of the channel on a day; returns what is used of either with it. The channel's
    /// day is the workspace's, so that a unit that is given back is given back to both.
    pub async fn usage_take(&self, mode: Mode, channel: ChannelId, day: Day) -> Result<(Counted, Counted)> {
        let of_workspace = self.take(mode, self.workspace, day).await?;
        Ok((of_workspace, self.take(mode, channel.uuid(), of_workspace.on).await?))
    }

    async fn take(&self, mode: Mode, subject: Uuid, day: Day) -> Result<Counted> {
        let values = params![self.workspace, mode.number(), subject, day.number(), day.month().number()];
        let found = self.tx.query_one(&TAKE, values, taken).await?;
        // The first of a day closes the one before.
        if found.counted.day == 1 && found.last_day_used > 0 {
            let values = params![self.workspace, mode.number(), subject, found.last_day, found.last_day_used];
            self.tx.execute_one(&DAY_ADD, values).await?;
        }
        Ok(found.counted)
    }

    /// Gives a message's unit back, once: it never reached Meta.
    pub async fn usage_give_back(&self, message: gatepost_core::MessageId) -> Result<()> {
        let read = |row: &Row<'_>| {
            Ok((Day::from_number(row.get(0)?), crate::messages::mode(row, 1)?, row.get::<Uuid>(2)?))
        };
        let id = params![self.workspace, message.uuid()];
        let found = self.tx.query_opt(&COUNTED, id, read).await?;
        let Some((day, mode, channel)) = found else { return Ok(()) };
        if self.tx.execute(&UNCOUNT, id).await? == 0 {
            return Ok(());
        }
        for subject in [self.workspace, channel] {
            let values = params![self.workspace, mode.number(), subject, day.number(), day.month().number()];
            let now: Option<i64> = self.tx.query_opt(&GIVE_BACK, values, |row: &Row<'_>| row.get(0)).await?;
            if now.is_some_and(|now| day.number() < now) {
                let values = params![self.workspace, mode.number(), subject, day.number()];
                self.tx.execute(&DAY_GIVE_BACK, values).await?;
            }
        }
        Ok(())
    }

    /// Notes that it was told how much was used, at so many messages of the present day or month.
    pub async fn usage_told(&self, mode: Mode, subject: Uuid, period: UsagePeriod, at: i64) -> Result<()> {
        let statement = match period {
            UsagePeriod::Day => &TOLD_DAY,
            UsagePeriod::Month => &TOLD_MONTH,
        };
        Ok(self.tx.execute_one(statement, params![self.workspace, mode.number(), subject, at]).await?)
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

    /// The days since `since` in which anything was used, of the workspace and of each channel, but for the last one of
    /// each, which [`Self::usage_list`] holds.
    pub async fn usage_days(&self, mode: Mode, since: Day) -> Result<Vec<(Uuid, Day, i64)>> {
        let read = |row: &Row<'_>| Ok((row.get(0)?, Day::from_number(row.get(1)?), row.get(2)?));
        Ok(self.tx.query(&DAYS, params![self.workspace, mode.number(), since.number()], read).await?)
    }

    /// Forgets the days before `before`.
    pub async fn usage_days_forget(&self, before: Day) -> Result<u64> {
        Ok(self.tx.execute(&DAYS_FORGET, params![self.workspace, before.number()]).await?)
    }
}
