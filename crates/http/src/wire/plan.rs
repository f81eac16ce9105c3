//! Plans, subscriptions, and how much of a plan was used.

use std::collections::BTreeSet;

use gatepost_app::{PlanView, UsageOf, UsageView};
use gatepost_core::guard::risk::Tuning;
use gatepost_core::guard::{Feature, GRACE_DAYS_MAX, Plan, PlanName, QuotaLimits, SubscriptionState};
use gatepost_core::{ChannelId, Purpose, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use super::parse;
use crate::json::{Body, Object, Value};

/// What a plan is to be. What is left out, or null, is not limited: it replaces the plan, and merges nothing.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the schema of a plan, which is read into the domain's own")]
pub struct PlanShape {
    limits: Option<PlanLimitsShape>,
    /// A preset of request limits, for keys that have none of their own.
    #[schema(example = "steady")]
    requests: Option<String>,
    /// What it includes, of `media`, `templates`, `event_streams`, `replays`, `sso`, `audit_export`; null: everything.
    #[schema(example = json!(["media", "templates"]))]
    features: Option<Vec<String>>,
    /// Purposes beyond those that every plan carries; each needs the person's recorded opt-in.
    #[schema(example = json!(["marketing"]))]
    purposes: Option<Vec<String>>,
    /// Days for which a subscription that is past due still passes, 0 to 90; 7 where it is not said.
    #[schema(maximum = 90)]
    grace_days: Option<u16>,
    /// The numbers of the risk rules, as docs/risk-rules.md tells of them; what is left out keeps its usual number.
    #[schema(value_type = Option<Object>, example = json!({ "preset": "strict" }))]
    risk: Option<serde_json::Value>,
}

/// Most messages to people, in a day and a month of the workspace's time zone; left out or null: no limit.
#[derive(ToSchema)]
#[schema(as = PlanLimitsPut)]
#[expect(dead_code, reason = "the schema of what is read into the domain's own")]
struct PlanLimitsShape {
    #[schema(example = 1_000)]
    workspace_day: Option<u32>,
    #[schema(example = 20_000)]
    workspace_month: Option<u32>,
    /// Of each channel.
    channel_day: Option<u32>,
    channel_month: Option<u32>,
}

/// Most messages to people, in a day and a month of the workspace's time zone; null: no limit.
#[derive(Serialize, ToSchema)]
pub struct PlanLimits {
    #[schema(required = true, example = 1_000)]
    workspace_day: Option<u32>,
    #[schema(required = true, example = 20_000)]
    workspace_month: Option<u32>,
    /// Of each channel.
    #[schema(required = true)]
    channel_day: Option<u32>,
    #[schema(required = true)]
    channel_month: Option<u32>,
}

/// A plan that was read.
pub struct PlanPut(pub Plan);

impl Body for PlanPut {
    type Shape = PlanShape;

    fn read(object: &mut Object<'_>) -> Option<Self> {
        let limits = object.optional("limits", |value| value.object(limits));
        let requests = object.optional("requests", parse::name);
        let features = object.optional("features", |value| value.list(Feature::ALL.len(), feature));
        let purposes = object.optional("purposes", |value| value.list(Purpose::REFUSED.len(), purpose));
        let grace_days = object.optional("grace_days", |value| value.integer(0..=GRACE_DAYS_MAX.into()));
        let risk = object.optional("risk", tuning);
        Some(Self(Plan {
            limits: limits?.unwrap_or_default(),
            requests: requests?,
            features: features?.map(BTreeSet::from_iter),
            purposes: purposes?.map(BTreeSet::from_iter).unwrap_or_default(),
            grace_days: grace_days?.and_then(|days| u16::try_from(days).ok()),
            risk: risk?.unwrap_or_default(),
        }))
    }
}

fn limits(object: &mut Object<'_>) -> Option<QuotaLimits> {
    let mut limit = |name| object.optional(name, |value| value.integer(0..=u32::MAX));
    let (workspace_day, workspace_month) = (limit("workspace_day"), limit("workspace_month"));
    let (channel_day, channel_month) = (limit("channel_day"), limit("channel_month"));
    Some(QuotaLimits {
        workspace_day: workspace_day?,
        workspace_month: workspace_month?,
        channel_day: channel_day?,
        channel_month: channel_month?,
    })
}

fn tuning(value: Value<'_>) -> Option<Tuning> {
    let written = value.raw()?;
    Tuning::parse(written.get()).map_or_else(|detail| value.wrong("invalid_value", detail), Some)
}

fn feature(value: Value<'_>) -> Option<Feature> {
    value.parse(|text| {
        let known = || Feature::ALL.iter().map(|known| known.as_str()).collect::<Vec<_>>().join(", ");
        let found = Feature::ALL.iter().copied().find(|feature| feature.as_str() == text);
        found.ok_or_else(|| format!("expected one of {}", known()))
    })
}

fn purpose(value: Value<'_>) -> Option<Purpose> {
    value.parse(|text| {
        let known = || Purpose::REFUSED.iter().filter(|known| known.can_be_opened());
        let found = Purpose::parse(text).filter(|purpose| purpose.can_be_opened());
        found.ok_or_else(|| {
            let known: Vec<&str> = known().map(|purpose| purpose.as_str()).collect();
            format!("expected one of {}: others are carried by every plan, or by none", known.join(", "))
        })
    })
}

/// The name of a plan.
pub fn plan_name(value: Value<'_>) -> Option<PlanName> {
    value.parse(PlanName::parse)
}

/// A plan.
#[derive(Serialize, ToSchema)]
#[schema(as = Plan)]
pub struct PlanShown<'a> {
    #[schema(example = "growth")]
    name: &'a str,
    limits: PlanLimits,
    /// A preset of request limits; null: none.
    #[schema(required = true, example = "steady")]
    requests: Option<&'a str>,
    /// What it includes; null: everything.
    #[schema(value_type = Option<Vec<String>>, required = true)]
    features: Option<Vec<&'static str>>,
    /// Purposes beyond those that every plan carries.
    #[schema(value_type = Vec<String>)]
    purposes: Vec<&'static str>,
    grace_days: u16,
    /// The numbers of the risk rules.
    #[schema(value_type = Option<Object>)]
    risk: &'a Tuning,
    /// How many workspaces were given it.
    workspaces: i64,
    /// Whether it is the one of workspaces without a plan.
    default: bool,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    updated_at: Timestamp,
}

impl<'a> From<&'a PlanView> for PlanShown<'a> {
    fn from(view: &'a PlanView) -> Self {
        let QuotaLimits { workspace_day, workspace_month, channel_day, channel_month } = view.plan.limits;
        let features = view.plan.features.as_ref();
        Self {
            name: &view.name,
            limits: PlanLimits { workspace_day, workspace_month, channel_day, channel_month },
            requests: view.plan.requests.as_deref(),
            features: features.map(|features| features.iter().map(|feature| feature.as_str()).collect()),
            purposes: view.plan.purposes.iter().map(|purpose| purpose.as_str()).collect(),
            grace_days: view.plan.grace_days(),
            risk: &view.plan.risk,
            workspaces: view.workspaces,
            default: view.default,
            created_at: view.created_at,
            updated_at: view.updated_at,
        }
    }
}

/// How a workspace stands with whoever bills it.
#[derive(ToSchema)]
pub struct SubscriptionStateSet {
    /// `trialing`, `active`, `past_due`, `suspended` or `cancelled`.
    #[schema(value_type = String, example = "active")]
    pub state: SubscriptionState,
    /// The end of a trial, or of the grace of what is past due; the plan's own grace where none is given.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub until: Option<Timestamp>,
}

impl Body for SubscriptionStateSet {
    type Shape = Self;

    fn read(object: &mut Object<'_>) -> Option<Self> {
        let state = object.required("state", |value| {
            value.parse(|text| {
                SubscriptionState::parse(text)
                    .ok_or("expected trialing, active, past_due, suspended or cancelled")
            })
        });
        let until = object.optional("until", parse::instant);
        Some(Self { state: state?, until: until? })
    }
}

/// How much of the plan was used.
#[derive(Serialize, ToSchema)]
pub struct Usage<'a> {
    /// `live` or `test`: the two are counted apart.
    #[schema(example = "live")]
    mode: &'static str,
    /// The plan's name; null: none, and no limit.
    #[schema(required = true, example = "growth")]
    plan: Option<&'a str>,
    /// IANA name; days and months are counted in it.
    #[schema(example = "Europe/Berlin")]
    time_zone: &'a str,
    /// The day it is there.
    #[schema(example = "2026-11-21")]
    day: String,
    #[schema(example = "2026-11")]
    month: String,
    #[schema(value_type = String, format = DateTime)]
    day_resets_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    month_resets_at: Timestamp,
    workspace: UsageShown,
    /// The channels that the caller reaches.
    channels: Vec<ChannelUsage>,
}

/// What a workspace or a channel used.
#[derive(Serialize, ToSchema)]
pub struct UsageShown {
    day: DayUsage,
    month: MonthUsage,
    /// The days of the last three months in which anything was sent, the oldest first.
    history: Vec<UsedDay>,
}

/// Of a day.
#[derive(Serialize, ToSchema)]
pub struct DayUsage {
    /// Messages that were accepted, without those that never reached Meta.
    used: i64,
    /// Null: none.
    #[schema(required = true)]
    limit: Option<i64>,
}

/// Of a month.
#[derive(Serialize, ToSchema)]
pub struct MonthUsage {
    /// Messages that were accepted, without those that never reached Meta.
    used: i64,
    /// Null: none.
    #[schema(required = true)]
    limit: Option<i64>,
    /// What the month comes to if it goes on at its pace so far.
    forecast: i64,
}

/// A day in which anything was used.
#[derive(Serialize, ToSchema)]
pub struct UsedDay {
    #[schema(example = "2026-11-20")]
    day: String,
    used: i64,
}

/// What a channel used.
#[derive(Serialize, ToSchema)]
pub struct ChannelUsage {
    #[schema(value_type = String, example = "chn_01kagq5rh8e5htqh9sk95d3x4w")]
    channel_id: ChannelId,
    #[serde(flatten)]
    usage: UsageShown,
}

impl From<&UsageOf> for UsageShown {
    fn from(of: &UsageOf) -> Self {
        Self {
            day: DayUsage { used: of.day_used, limit: of.day_limit },
            month: MonthUsage { used: of.month_used, limit: of.month_limit, forecast: of.month_forecast },
            history: of
                .history
                .iter()
                .map(|(day, used)| UsedDay { day: day.to_string(), used: *used })
                .collect(),
        }
    }
}

impl<'a> From<&'a UsageView> for Usage<'a> {
    fn from(view: &'a UsageView) -> Self {
        Self {
            mode: view.mode.as_str(),
            plan: view.plan.as_deref(),
            time_zone: &view.time_zone,
            day: view.day.to_string(),
            month: view.day.month().to_string(),
            day_resets_at: view.day_resets_at,
            month_resets_at: view.month_resets_at,
            workspace: UsageShown::from(&view.workspace),
            channels: view
                .channels
                .iter()
                .map(|(id, of)| ChannelUsage { channel_id: *id, usage: UsageShown::from(of) })
                .collect(),
        }
    }
}

/// The rules that whoever makes a workspace accepts.
#[derive(Serialize, ToSchema)]
pub struct AcceptableUse {
    /// Send it as `acceptable_use` where a workspace is made; null: there are no rules.
    #[schema(required = true, example = "5f2b7c1e90ad4433")]
    pub version: Option<String>,
    #[schema(required = true, example = "Do not write to people who did not ask for it.")]
    pub text: Option<String>,
}
