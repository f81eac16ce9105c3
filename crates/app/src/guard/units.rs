//! Units of a plan that no message of ours takes: verifications whose code came to us.
//!
//! Such a verification costs the workspace a unit when it succeeds, and nothing before. Whoever has none left cannot begin
//! one; one that was begun is approved all the same, above the limit where it must be. Its person has done what they were
//! asked for: turning them away at the last step would take the message as sent and give nothing for it, and whoever
//! begins many in advance wins a few minutes' worth of them, no more.

use gatepost_core::access::{Grant, permission};
use gatepost_core::channel::Mode;
use gatepost_core::guard::Day;
use gatepost_core::{ChannelId, Purpose, Result, Timestamp};
use gatepost_store::{ChannelRow, Counted, GuardAsk, GuardFacts, UsageRow, WorkspaceScope, WorkspaceTx};
use gatepost_vault::WorkspaceKeys;
use uuid::Uuid;

use super::judging::quota_fits;
use super::usage::reached;
use crate::App;

/// What a subject would have used with one more.
fn with_one_more(rows: &[UsageRow], subject: Uuid, day: Day) -> Counted {
    let row = rows.iter().find(|row| row.subject == subject);
    let on = row.map_or(day, |row| row.day.max(day));
    let of_day = row.filter(|row| row.day == on).map_or(0, |row| row.day_used);
    let of_month = row.filter(|row| row.month == on.month().number()).map_or(0, |row| row.month_used);
    Counted { on, day: of_day + 1, month: of_month + 1, told_day: 0, told_month: 0 }
}

impl App {
    async fn unit_facts(&self, tx: &WorkspaceTx<'_>, mode: Mode, channel: ChannelId) -> Result<GuardFacts> {
        tx.guard_facts(&GuardAsk {
            channel,
            mode,
            purpose: Purpose::Authentication,
            person: [0; 16],
            template: None,
            default_plan: self.default_plan(),
        })
        .await
    }

    /// Whether a unit is left, without taking it.
    ///
    /// Errors: `quota_exceeded`, `subscription_suspended`.
    pub(crate) async fn unit_left(
        &self,
        tx: &WorkspaceTx<'_>,
        channel: &ChannelRow,
        now: Timestamp,
    ) -> Result<()> {
        let facts = self.unit_facts(tx, channel.mode, channel.id).await?;
        if !facts.subscription.passes(now) {
            return Err(facts.subscription.refusal());
        }
        let rules = self.0.texts.rules(&facts)?;
        let (day, rows) = (rules.zone.day(now), tx.usage_list(channel.mode).await?);
        let workspace = with_one_more(&rows, tx.scope().workspace().uuid(), day);
        quota_fits(&rules, now, workspace, with_one_more(&rows, channel.id.uuid(), day))
    }

    /// How many units the workspace and a channel have left; `None` without a limit.
    pub async fn unit_remaining(
        &self,
        grant: &Grant<permission::VerificationStart>,
        channel: ChannelId,
    ) -> Result<Option<i64>> {
        let (app, now) = (self.clone(), self.now());
        let scope = WorkspaceScope::from(grant);
        self.0
            .store
            .read(scope, async move |tx| {
                let Some(channel) = tx.channel_get(channel).await? else { return Ok(None) };
                let rules = app.0.texts.rules(&app.unit_facts(tx, channel.mode, channel.id).await?)?;
                let (day, rows) = (rules.zone.day(now), tx.usage_list(channel.mode).await?);
                let limits = rules.plan.limits;
                let used = |subject| with_one_more(&rows, subject, day);
                let (workspace, own) = (used(tx.scope().workspace().uuid()), used(channel.id.uuid()));
                let left = [
                    (limits.workspace_day, workspace.day),
                    (limits.workspace_month, workspace.month),
                    (limits.channel_day, own.day),
                    (limits.channel_month, own.month),
                ];
                let left = left.into_iter().filter_map(|(limit, used)| Some(i64::from(limit?) + 1 - used));
                Ok(left.min().map(|left| left.max(0)))
            })
            .await
    }

    /// Takes one, whatever is left, and tells of shares of the plan that are used up with it.
    pub(crate) async fn unit_take(
        &self,
        tx: &WorkspaceTx<'_>,
        keys: &WorkspaceKeys,
        mode: Mode,
        channel: ChannelId,
        now: Timestamp,
    ) -> Result<()> {
        let rules = self.0.texts.rules(&self.unit_facts(tx, mode, channel).await?)?;
        let (of_workspace, of_channel) = tx.usage_take(mode, channel, rules.zone.day(now)).await?;
        let told = reached(&rules, channel, of_workspace, of_channel);
        self.usage_tell(tx, keys, mode, &told, now).await
    }
}
