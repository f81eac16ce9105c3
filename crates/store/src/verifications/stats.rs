//! How many verifications came how far: exact, since each step is counted in the transaction that takes it.

use gatepost_core::channel::Mode;
use gatepost_core::verification::{Flow, Funnel, FunnelBy, Stage};
use gatepost_core::{ChannelId, Result, Timestamp, VerificationId};

use crate::engine::{self, Row, Stmt};
use crate::store::WorkspaceTx;
use crate::{params, statements};

/// Where a count belongs.
#[derive(Debug, Clone, Copy)]
pub struct VerificationCount<'a> {
    pub mode: Mode,
    pub flow: Flow,
    pub channel: ChannelId,
    /// Two letters, where they are known.
    pub country: Option<&'a str>,
    pub template: Option<&'a str>,
    /// When the verification was begun.
    pub begun: Timestamp,
}

macro_rules! sums {
    ($by:literal) => {
        concat!(
            "SELECT ",
            $by,
            ", channel_id, CAST(SUM(created) AS BIGINT), CAST(SUM(sent) AS BIGINT), CAST(SUM(delivered) AS BIGINT), CAST(SUM(approved) AS BIGINT), CAST(SUM(expired) AS BIGINT), CAST(SUM(blocked) AS BIGINT), CAST(SUM(failed) AS BIGINT), CAST(SUM(cancelled) AS BIGINT), CAST(SUM(refused) AS BIGINT) FROM verification_stat WHERE workspace_id = $1 AND mode = $2 AND hour >= $3 AND hour < $4 GROUP BY ",
            $by,
            ", channel_id"
        )
    };
}

statements! {
    ADD = same("INSERT INTO verification_stat (workspace_id, mode, hour, flow, country, channel_id, template, created, sent, delivered, approved, expired, blocked, failed, cancelled, refused) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16) ON CONFLICT (workspace_id, mode, hour, flow, country, channel_id, template) DO UPDATE SET created = verification_stat.created + excluded.created, sent = verification_stat.sent + excluded.sent, delivered = verification_stat.delivered + excluded.delivered, approved = verification_stat.approved + excluded.approved, expired = verification_stat.expired + excluded.expired, blocked = verification_stat.blocked + excluded.blocked, failed = verification_stat.failed + excluded.failed, cancelled = verification_stat.cancelled + excluded.cancelled, refused = verification_stat.refused + excluded.refused");
    /// A step that may be taken again with another code counts once.
    ONCE = same("UPDATE verification SET counted = counted + $3 WHERE workspace_id = $1 AND id = $2 AND (counted / $3) % 2 = 0");
    COUNTED = same("SELECT counted FROM verification WHERE workspace_id = $1 AND id = $2");
    BY_COUNTRY = same(sums!("country"));
    BY_TEMPLATE = same(sums!("template"));
    BY_HOUR = same(sums!("hour"));
    FORGET = same("DELETE FROM verification_stat WHERE workspace_id = $1 AND hour < $2");
}

/// The bit of a step that may be taken again.
const fn bit(stage: Stage) -> Option<i64> {
    match stage {
        Stage::Sent => Some(1),
        Stage::Delivered => Some(2),
        _ => None,
    }
}

/// The hour of an instant, since 1970.
const fn hour(at: Timestamp) -> i64 {
    at.seconds().div_euclid(3_600)
}

fn funnel(row: &Row<'_>) -> engine::Result<Funnel> {
    let mut counts = [0; Stage::ALL.len()];
    for (place, count) in counts.iter_mut().enumerate() {
        *count = row.get(2 + place)?;
    }
    Ok(Funnel::new(counts))
}

impl WorkspaceTx<'_> {
    /// Counts steps of something that may be no verification (what was refused is none).
    pub async fn verification_count(&self, of: &VerificationCount<'_>, steps: &Funnel) -> Result<()> {
        let [created, sent, delivered, approved, expired, blocked, failed, cancelled, refused] =
            *steps.counts();
        let values = params![
            self.workspace,
            of.mode.number(),
            hour(of.begun),
            of.flow.number(),
            of.country.unwrap_or_default(),
            of.channel.uuid(),
            of.template.unwrap_or_default(),
            created,
            sent,
            delivered,
            approved,
            expired,
            blocked,
            failed,
            cancelled,
            refused
        ];
        Ok(self.tx.execute_one(&ADD, values).await?)
    }

    /// Counts a step of a verification whose row is held; one that it took before counts no second time.
    pub async fn verification_step_count(
        &self,
        id: VerificationId,
        of: &VerificationCount<'_>,
        stage: Stage,
    ) -> Result<()> {
        if let Some(bit) = bit(stage) {
            let touched = self.tx.execute(&ONCE, params![self.workspace, id.uuid(), bit]).await?;
            if touched == 0 {
                return Ok(());
            }
        }
        self.verification_count(of, &Funnel::one(stage)).await
    }

    /// The steps of a pending verification that were counted so far.
    pub async fn verification_counted(&self, id: VerificationId) -> Result<Funnel> {
        let read = |row: &Row<'_>| row.get::<i64>(0);
        let counted = self.tx.query_opt(&COUNTED, params![self.workspace, id.uuid()], read).await?;
        let mut steps = Funnel::default();
        let Some(counted) = counted else { return Ok(steps) };
        steps += Funnel::one(Stage::Created);
        for stage in [Stage::Sent, Stage::Delivered] {
            if bit(stage).is_some_and(|bit| counted & bit != 0) {
                steps += Funnel::one(stage);
            }
        }
        Ok(steps)
    }

    /// What was begun since `from` and before `to` (whole hours), put together: by the text of `by`, and by channel.
    pub async fn verification_stats(
        &self,
        mode: Mode,
        from: Timestamp,
        to: Timestamp,
        by: FunnelBy,
    ) -> Result<Vec<(String, ChannelId, Funnel)>> {
        let statement: &Stmt = match by {
            FunnelBy::Country | FunnelBy::Channel => &BY_COUNTRY,
            FunnelBy::Template => &BY_TEMPLATE,
            FunnelBy::Hour => &BY_HOUR,
        };
        let read = |row: &Row<'_>| {
            let channel = ChannelId::from_uuid(row.get(1)?);
            let key = match by {
                FunnelBy::Hour => Timestamp::from_seconds(row.get::<i64>(0)? * 3_600).to_string(),
                FunnelBy::Channel => channel.to_string(),
                FunnelBy::Country | FunnelBy::Template => row.get(0)?,
            };
            Ok((key, channel, funnel(row)?))
        };
        let values = params![self.workspace, mode.number(), hour(from), hour(to)];
        Ok(self.tx.query(statement, values, read).await?)
    }

    /// Forgets what was begun before.
    pub async fn verification_stats_forget(&self, before: Timestamp) -> Result<u64> {
        Ok(self.tx.execute(&FORGET, params![self.workspace, hour(before)]).await?)
    }
}
