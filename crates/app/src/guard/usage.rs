//! How much of a plan was used: telling of it when it runs short, and showing it to whoever asks.

use gatepost_core::access::{Grant, permission};
use gatepost_core::channel::Mode;
use gatepost_core::event::{EventData, EventType, UsageNews};
use gatepost_core::guard::{Day, Month, QuotaLimits, Zone};
use gatepost_core::{ChannelId, Result, Timestamp};
use gatepost_store::{Counted, UsagePeriod, UsageRow, WorkspaceScope, WorkspaceTx};
use gatepost_vault::WorkspaceKeys;
use uuid::Uuid;

use super::Rules;
use crate::App;
use crate::events::{Draft, draft, publish};

/// Shares of a limit that are told of, in per cent, the greatest first.
const TOLD_AT: [i64; 2] = [100, 80];
/// Days of the past that are shown.
const HISTORY_DAYS: i64 = 92;
/// A forecast rests on at least so much of the month.
const FORECAST_FROM: i64 = 3_600_000_000;

/// A share of a limit that was reached with the message just counted, and was not told of yet.
#[derive(Debug, Clone)]
pub(crate) struct Reached {
    channel: Option<ChannelId>,
    period: UsagePeriod,
    /// The day or month.
    of: String,
    limit: i64,
    used: i64,
    percent: i64,
    /// The messages that are this share.
    at: i64,
    resets_at: Timestamp,
}

/// How many messages are a share of a limit.
const fn share(limit: i64, percent: i64) -> i64 {
    (limit * percent + 99) / 100
}

/// When a day, or the month that it is of, is over.
pub(super) fn over_at(zone: &Zone, day: Day, period: UsagePeriod) -> Timestamp {
    zone.begin(match period {
        UsagePeriod::Day => day.next(),
        UsagePeriod::Month => day.month().next().first(),
    })
}

/// What is to be told with the message just counted; most often nothing.
pub(super) fn reached(
    rules: &Rules,
    channel: ChannelId,
    of_workspace: Counted,
    of_channel: Counted,
) -> Vec<Reached> {
    let limits = rules.plan.limits;
    let mut found = Vec::new();
    for (channel, counted, day, month) in [
        (None, of_workspace, limits.workspace_day, limits.workspace_month),
        (Some(channel), of_channel, limits.channel_day, limits.channel_month),
    ] {
        for (period, limit, used, told) in [
            (UsagePeriod::Day, day, counted.day, counted.told_day),
            (UsagePeriod::Month, month, counted.month, counted.told_month),
        ] {
            let Some(limit) = limit.map(i64::from) else { continue };
            let percent = TOLD_AT.into_iter().find(|percent| used >= share(limit, *percent));
            let Some(percent) = percent.filter(|percent| share(limit, *percent) > told) else { continue };
            found.push(Reached {
                channel,
                period,
                of: match period {
                    UsagePeriod::Day => counted.on.to_string(),
                    UsagePeriod::Month => counted.on.month().to_string(),
                },
                limit,
                used,
                percent,
                at: share(limit, percent),
                resets_at: over_at(&rules.zone, counted.on, period),
            });
        }
    }
    found
}

impl App {
    /// Tells of shares that were reached, in the transaction that reached them.
    pub(crate) async fn usage_tell(
        &self,
        tx: &WorkspaceTx<'_>,
        keys: &WorkspaceKeys,
        mode: Mode,
        reached: &[Reached],
        now: Timestamp,
    ) -> Result<()> {
        let mut events = Vec::with_capacity(reached.len());
        for one in reached {
            let subject = one.channel.map_or(keys.workspace(), ChannelId::uuid);
            tx.usage_told(mode, subject, one.period, one.at).await?;
            let news = UsageNews {
                scope: if one.channel.is_some() { "channel" } else { "workspace" },
                period: match one.period {
                    UsagePeriod::Day => "day",
                    UsagePeriod::Month => "month",
                },
                of: &one.of,
                limit: one.limit,
                used: one.used,
                percent: one.percent,
                resets_at: one.resets_at,
            };
            let event = Draft {
                event_type: EventType::UsageReached,
                mode,
                channel: one.channel,
                order_key: None,
                data: EventData::Usage(news),
            };
            events.push(draft(keys, now, self.entropy(), event)?);
        }
        publish(tx, &events, now).await
    }
}

/// How much of a plan was used.
#[derive(Debug, Clone)]
pub struct UsageView {
    pub mode: Mode,
    /// The name of the plan; `None`: none, and no limit.
    pub plan: Option<String>,
    /// IANA name; days and months are counted in it.
    pub time_zone: String,
    /// The day it is there.
    pub day: Day,
    pub day_resets_at: Timestamp,
    pub month_resets_at: Timestamp,
    pub workspace: UsageOf,
    /// Of each channel that the caller reaches.
    pub channels: Vec<(ChannelId, UsageOf)>,
}

/// How much the workspace or a channel used.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UsageOf {
    pub day_used: i64,
    pub day_limit: Option<i64>,
    pub month_used: i64,
    pub month_limit: Option<i64>,
    /// What the month comes to if it goes on at its pace so far.
    pub month_forecast: i64,
    /// The days in which anything was used, today's among them, the oldest first.
    pub history: Vec<(Day, i64)>,
}

/// The moment that a view is of.
struct Now {
    day: Day,
    month: Month,
    /// How much of the month is over, and how long it is, in microseconds.
    elapsed: i64,
    length: i64,
}

impl Now {
    fn new(zone: &Zone, counted_on: Option<Day>, now: Timestamp) -> Self {
        // What was counted on a day that is to come here (the zone or the clock was changed) is of today.
        let day = counted_on.map_or(zone.day(now), |on| on.max(zone.day(now)));
        let month = day.month();
        let (begin, end) = (zone.begin(month.first()), zone.begin(month.next().first()));
        let length = end.micros() - begin.micros();
        Self { day, month, elapsed: (now.micros() - begin.micros()).clamp(0, length), length }
    }

    fn forecast(&self, used: i64) -> i64 {
        let elapsed = self.elapsed.max(FORECAST_FROM).min(self.length);
        let whole = i128::from(used) * i128::from(self.length) / i128::from(elapsed.max(1));
        i64::try_from(whole).unwrap_or(i64::MAX).max(used)
    }
}

/// What one subject used.
fn usage_of(
    subject: Uuid,
    rows: &[UsageRow],
    days: &[(Uuid, Day, i64)],
    (day_limit, month_limit): (Option<u32>, Option<u32>),
    now: &Now,
) -> UsageOf {
    let row = rows.iter().find(|row| row.subject == subject);
    let month_used = row.filter(|row| row.month == now.month.number()).map_or(0, |row| row.month_used);
    let mut history: Vec<(Day, i64)> =
        days.iter().filter(|(of, ..)| *of == subject).map(|(_, day, used)| (*day, *used)).collect();
    if let Some(row) = row.filter(|row| row.day_used > 0) {
        history.push((row.day, row.day_used));
    }
    history.sort_unstable();
    UsageOf {
        day_used: row.filter(|row| row.day == now.day).map_or(0, |row| row.day_used),
        day_limit: day_limit.map(i64::from),
        month_used,
        month_limit: month_limit.map(i64::from),
        month_forecast: now.forecast(month_used),
        history,
    }
}

impl App {
    /// How much the workspace and the channels that the caller reaches used, in the mode of the caller, or the one that
    /// whoever sees both asks for.
    pub async fn usage_get(&self, grant: &Grant<permission::GuardRead>, mode: Mode) -> Result<UsageView> {
        let scope = WorkspaceScope::from(grant);
        let bound = grant.channels().map(<[ChannelId]>::to_vec);
        let channels = self.channels_reachable(scope, Some(mode), bound).await?;
        let default_plan = self.default_plan();
        let now = self.now();
        let since = Day::from_number(Zone::UTC.day(now).number() - HISTORY_DAYS);
        let (rows, days, entitled, standing, rules) = self
            .0
            .store
            .read(scope, async move |tx| {
                Ok((
                    tx.usage_list(mode).await?,
                    tx.usage_days(mode, since).await?,
                    tx.entitled(default_plan.as_deref()).await?,
                    tx.standing().await?,
                    tx.workspace_rules().await?,
                ))
            })
            .await?;
        let zone = self.0.texts.zone(&rules.time_zone)?;
        let workspace = scope.workspace().uuid();
        let counted_on = rows.iter().find(|row| row.subject == workspace).map(|row| row.day);
        let present = Now::new(&zone, counted_on, now);
        let limits: QuotaLimits = entitled.plan.map(|plan| plan.limits).unwrap_or_default();
        let of = |subject, limits| usage_of(subject, &rows, &days, limits, &present);
        let of_channel = (limits.channel_day, limits.channel_month);
        Ok(UsageView {
            mode,
            plan: standing.plan.or_else(|| self.default_plan().map(|name| name.to_string())),
            day: present.day,
            day_resets_at: over_at(&zone, present.day, UsagePeriod::Day),
            month_resets_at: over_at(&zone, present.day, UsagePeriod::Month),
            workspace: of(workspace, (limits.workspace_day, limits.workspace_month)),
            channels: channels.iter().map(|row| (row.id, of(row.id.uuid(), of_channel))).collect(),
            time_zone: rules.time_zone,
        })
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use std::sync::Arc;

    use super::*;
    use gatepost_core::guard::{GuardSettings, Plan};
    use proptest::prelude::*;

    fn rules(json: &str) -> Rules {
        Rules {
            plan: Arc::new(Plan::parse(json).unwrap()),
            settings: Arc::new(GuardSettings::default()),
            zone: Zone::UTC,
        }
    }

    fn counted(day: i64, told: i64) -> Counted {
        Counted { on: Day::from_number(20_000), day, month: day, told_day: told, told_month: told }
    }

    #[test]
    fn each_share_is_told_of_once() {
        let channel = ChannelId::from_uuid(Uuid::from_u128(1));
        for limit in [1_i64, 2, 3, 5, 10, 99, 100] {
            let rules = rules(&format!(r#"{{"limits":{{"workspace_day":{limit}}}}}"#));
            let (mut told, mut said) = (0, Vec::new());
            for used in 1..=limit {
                for one in reached(&rules, channel, counted(used, told), counted(used, told)) {
                    told = one.at;
                    said.push((one.percent, one.used));
                }
            }
            let at_80 = (limit * 8 + 9) / 10;
            let wanted = if at_80 == limit { vec![(100, limit)] } else { vec![(80, at_80), (100, limit)] };
            assert_eq!(said, wanted, "of {limit}");
        }
        // Of a higher limit its own shares are told.
        let higher = rules(r#"{"limits":{"workspace_day":200}}"#);
        assert!(reached(&higher, channel, counted(101, 100), counted(101, 100)).is_empty());
        assert_eq!(reached(&higher, channel, counted(160, 100), counted(160, 100)).len(), 1);
        assert!(reached(&rules("{}"), channel, counted(9, 0), counted(9, 0)).is_empty());
    }

    #[test]
    fn a_forecast_goes_on_at_the_pace_so_far() {
        let at = |text: &str| Now::new(&Zone::UTC, None, Timestamp::parse(text).unwrap());
        assert_eq!(at("2026-11-16T00:00:00Z").forecast(500), 1_000);
        assert_eq!(at("2026-11-01T00:00:00Z").forecast(1), 720);
        assert_eq!(at("2026-11-30T23:59:59Z").forecast(30), 30);
    }

    proptest! {
        #[test]
        fn a_forecast_is_no_less_than_what_was_used(seconds in 0_i64..4_000_000_000, used in 0_i64..1_000_000_000) {
            let now = Now::new(&Zone::UTC, None, Timestamp::from_seconds(seconds));
            prop_assert!(now.forecast(used) >= used);
        }
    }
}
