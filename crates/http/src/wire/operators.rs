//! What operators set, open and look through.

use std::time::Duration;

use gatepost_app::{
    LogEntry, LogSubject, OperatorView, OperatorVisitOpen, OperatorVisitView, StandingView, WorkspaceDetail,
};
use gatepost_core::access::{OperatorReason, OperatorRole, VISIT_LASTS};
use gatepost_core::audit::inert;
use gatepost_core::guard::PlanName;
use gatepost_core::{EmailAddress, OperatorVisitId, Timestamp, UserId, WorkspaceId};
use serde::Serialize;
use utoipa::ToSchema;

use super::parse;
use super::plan::plan_name;
use crate::json::{Body, Object};

/// Why something is done that the workspace's owners will read of.
#[derive(ToSchema)]
pub struct ReasonGive {
    /// 10 to 500 characters, one line.
    #[schema(value_type = String, example = "Abuse report 4711: unsolicited offers")]
    pub reason: OperatorReason,
}

impl Body for ReasonGive {
    type Shape = Self;

    fn read(object: &mut Object<'_>) -> Option<Self> {
        Some(Self { reason: object.required("reason", parse::reason)? })
    }
}

/// Whether a workspace is under review.
#[derive(ToSchema)]
pub struct ReviewSet {
    /// Why it is, 10 to 500 characters on one line; null or missing: it is not.
    #[schema(value_type = Option<String>, example = "Abuse report 4711: unsolicited offers")]
    pub reason: Option<OperatorReason>,
}

impl Body for ReviewSet {
    type Shape = Self;

    fn read(object: &mut Object<'_>) -> Option<Self> {
        Some(Self { reason: object.optional("reason", parse::reason)? })
    }
}

/// The plan of a workspace.
#[derive(ToSchema)]
pub struct PlanSet {
    /// The name of a plan; null or missing: none, so that the default one holds where there is one.
    #[schema(value_type = Option<String>, example = "growth")]
    pub plan: Option<PlanName>,
}

impl Body for PlanSet {
    type Shape = Self;

    fn read(object: &mut Object<'_>) -> Option<Self> {
        Some(Self { plan: object.optional("plan", plan_name)? })
    }
}

/// A visit to open.
#[derive(ToSchema)]
pub struct OperatorVisitCreate {
    #[schema(value_type = String, example = "ws_01kagq5rh8e5htqh9sk95d3x4w")]
    pub workspace_id: WorkspaceId,
    /// 10 to 500 characters, one line; the workspace's owners read it.
    #[schema(value_type = String, example = "Ticket 4711: deliveries stuck since Monday")]
    pub reason: OperatorReason,
    /// Whether messages, events, members and receivers' answers may be read, too; false where it is not said.
    pub content: Option<bool>,
    /// How long it lasts, 1 to 480; 60 where it is not said.
    #[schema(value_type = Option<u32>, example = 60)]
    pub minutes: Option<u32>,
}

impl Body for OperatorVisitCreate {
    type Shape = Self;

    fn read(object: &mut Object<'_>) -> Option<Self> {
        let workspace_id = object.required("workspace_id", parse::id);
        let reason = object.required("reason", parse::reason);
        let content = object.optional("content", parse::boolean);
        let minutes = object.optional("minutes", |value| value.integer(1..=480));
        Some(Self { workspace_id: workspace_id?, reason: reason?, content: content?, minutes: minutes? })
    }
}

impl From<OperatorVisitCreate> for OperatorVisitOpen {
    fn from(create: OperatorVisitCreate) -> Self {
        Self {
            workspace: create.workspace_id,
            reason: create.reason,
            content: create.content.unwrap_or(false),
            lasts: create.minutes.map_or(VISIT_LASTS, |minutes| Duration::from_mins(minutes.into())),
        }
    }
}

/// What somebody is to the installation.
#[derive(ToSchema)]
pub struct OperatorSet {
    /// Of an account that exists.
    #[schema(value_type = String, example = "ann@example.com")]
    pub email: EmailAddress,
    /// `administrator` or `support`; null or missing: no operator.
    #[schema(value_type = Option<String>, example = "support")]
    pub role: Option<OperatorRole>,
}

impl Body for OperatorSet {
    type Shape = Self;

    fn read(object: &mut Object<'_>) -> Option<Self> {
        let email = object.required("email", |value| value.parse(EmailAddress::parse));
        let role = object.optional("role", |value| {
            value.parse(|text| OperatorRole::parse(text).ok_or("expected administrator or support"))
        });
        Some(Self { email: email?, role: role? })
    }
}

/// How a workspace stands with whoever runs the installation.
#[derive(Serialize, ToSchema)]
pub struct Standing<'a> {
    /// `on` or `paused`.
    #[schema(example = "on")]
    sending: &'static str,
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
    sending_paused_at: Option<Timestamp>,
    /// For those who manage the workspace; null for others.
    #[schema(required = true)]
    sending_paused_reason: Option<&'a str>,
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
    under_review_since: Option<Timestamp>,
    /// For those who manage the workspace; null for others.
    #[schema(required = true)]
    review_reason: Option<&'a str>,
    /// The name of its plan; null where none was given.
    #[schema(required = true, example = "growth")]
    plan: Option<&'a str>,
    /// `trialing`, `active`, `past_due`, `suspended` or `cancelled`.
    #[schema(example = "active")]
    subscription: &'static str,
    /// Since when it is in that state; null: since the workspace was made.
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
    subscription_since: Option<Timestamp>,
    /// The end of a trial, or of the grace of what is past due.
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
    subscription_until: Option<Timestamp>,
}

impl<'a> From<&'a StandingView> for Standing<'a> {
    fn from(view: &'a StandingView) -> Self {
        Self {
            sending: if view.paused_since.is_some() { "paused" } else { "on" },
            sending_paused_at: view.paused_since,
            sending_paused_reason: view.paused_why.as_deref(),
            under_review_since: view.review_since,
            review_reason: view.review_why.as_deref(),
            plan: view.plan.as_deref(),
            subscription: view.subscription.state.as_str(),
            subscription_since: view.subscription_since,
            subscription_until: view.subscription.until,
        }
    }
}

/// A tenant as operators see it.
#[derive(Serialize, ToSchema)]
pub struct WorkspaceWithStanding<'a> {
    #[schema(value_type = String, example = "ws_01kagq5rh8e5htqh9sk95d3x4w")]
    id: WorkspaceId,
    name: &'a str,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    /// When its owners deleted it.
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
    deleted_at: Option<Timestamp>,
    /// When its keys were destroyed and its data went; null where it can be brought back.
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
    destroyed_at: Option<Timestamp>,
    standing: Standing<'a>,
    /// How much there is of what it owns; where one workspace is asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    counts: Option<Counts>,
}

/// How much there is of what a workspace owns.
#[derive(Serialize, ToSchema)]
struct Counts {
    members: i64,
    channels: i64,
    endpoints: i64,
    /// Keys that were not revoked.
    keys: i64,
}

impl<'a> From<&'a WorkspaceDetail> for WorkspaceWithStanding<'a> {
    fn from(view: &'a WorkspaceDetail) -> Self {
        Self {
            id: view.workspace.id,
            name: &view.workspace.name,
            created_at: view.workspace.created_at,
            deleted_at: view.workspace.deleted_at,
            destroyed_at: view.workspace.destroyed_at,
            standing: Standing::from(&view.standing),
            counts: view.counts.map(|counts| Counts {
                members: counts.members,
                channels: counts.channels,
                endpoints: counts.endpoints,
                keys: counts.keys,
            }),
        }
    }
}

/// An operator's right to look into a workspace for a while.
#[derive(Serialize, ToSchema)]
pub struct OperatorVisit<'a> {
    #[schema(value_type = String, example = "opv_01kagq5rh8e5htqh9sk95d3x4w")]
    id: OperatorVisitId,
    #[schema(value_type = String, example = "ws_01kagq5rh8e5htqh9sk95d3x4w")]
    workspace_id: WorkspaceId,
    #[schema(value_type = String, example = "usr_01kagq5rh8e5htqh9sk95d3x4w")]
    operator_id: UserId,
    #[schema(required = true)]
    operator_name: Option<&'a str>,
    reason: &'a str,
    /// Whether messages, events, members and receivers' answers may be read.
    content: bool,
    /// Whether the operator may read at this moment.
    open: bool,
    #[schema(value_type = String, format = DateTime)]
    opened_at: Timestamp,
    #[schema(value_type = String, format = DateTime)]
    expires_at: Timestamp,
    /// When it was ended before its time.
    #[schema(value_type = Option<String>, format = DateTime, required = true)]
    ended_at: Option<Timestamp>,
    #[schema(required = true)]
    ended_by: Option<&'a str>,
}

impl<'a> From<&'a OperatorVisitView> for OperatorVisit<'a> {
    fn from(view: &'a OperatorVisitView) -> Self {
        Self {
            id: view.id,
            workspace_id: view.workspace,
            operator_id: view.operator,
            operator_name: view.operator_name.as_deref(),
            reason: &view.reason,
            content: view.content,
            open: view.open,
            opened_at: view.opened_at,
            expires_at: view.expires_at,
            ended_at: view.ended_at,
            ended_by: view.ended_by.as_deref(),
        }
    }
}

/// An entry of a log across workspaces. Which fields it has depends on its kind.
#[derive(Serialize, ToSchema)]
pub struct OperatorLogEntry<'a> {
    /// `message`, `envelope`, `delivery`, `policy` or `audit`.
    #[schema(example = "message")]
    kind: &'static str,
    #[schema(example = "msg_01kagq5rh8e5htqh9sk95d3x4w")]
    id: &'a str,
    #[schema(value_type = String, example = "ws_01kagq5rh8e5htqh9sk95d3x4w")]
    workspace_id: WorkspaceId,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    mode: Option<&'static str>,
    /// Of a message: `outbound` or `inbound`.
    #[serde(skip_serializing_if = "Option::is_none")]
    direction: Option<&'static str>,
    /// Of a message: what it is, such as `text`.
    #[serde(skip_serializing_if = "Option::is_none")]
    message_type: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<&'static str>,
    /// Why it failed or waits; of a delivery its last answer (`http_500`) or what went wrong; of an audit entry its outcome;
    /// why the guard decided so.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'a str>,
    /// Meta's own code.
    #[serde(skip_serializing_if = "Option::is_none")]
    provider_code: Option<i64>,
    /// The person, masked.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "+12•••••••23")]
    contact: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    channel_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    app_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    endpoint_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_id: Option<String>,
    /// Of a delivery.
    #[serde(skip_serializing_if = "Option::is_none")]
    attempts: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    actor: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<String>,
    /// Of the guard: the gravest rule that spoke.
    #[serde(skip_serializing_if = "Option::is_none")]
    rule: Option<&'a str>,
    /// Of the guard: 0 to 100.
    #[serde(skip_serializing_if = "Option::is_none")]
    risk_score: Option<i64>,
    /// Of the guard: why the message was to be sent, as its sender said.
    #[serde(skip_serializing_if = "Option::is_none")]
    purpose: Option<&'a str>,
    /// Of the guard: the message, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    message_id: Option<String>,
}

impl<'a> From<&'a LogEntry> for OperatorLogEntry<'a> {
    fn from(entry: &'a LogEntry) -> Self {
        let mut shown = Self {
            kind: "",
            id: &entry.id,
            workspace_id: entry.workspace,
            at: entry.at,
            mode: None,
            direction: None,
            message_type: None,
            state: None,
            code: None,
            provider_code: None,
            contact: None,
            channel_id: None,
            app_id: None,
            endpoint_id: None,
            event_id: None,
            attempts: None,
            actor: None,
            action: None,
            target: None,
            rule: None,
            risk_score: None,
            purpose: None,
            message_id: None,
        };
        match &entry.subject {
            LogSubject::Message { channel, mode, direction, state, kind, contact, code, provider_code } => {
                shown.kind = "message";
                shown.mode = Some(mode.as_str());
                shown.direction = Some(direction.as_str());
                shown.message_type = Some(kind);
                shown.state = Some(state.as_str());
                shown.code = code.as_deref();
                shown.provider_code = *provider_code;
                shown.contact = contact.as_deref();
                shown.channel_id = Some(channel.to_string());
            }
            LogSubject::Envelope { app } => {
                shown.kind = "envelope";
                shown.app_id = Some(app.to_string());
            }
            LogSubject::Delivery { endpoint, event, mode, state, attempts, code } => {
                shown.kind = "delivery";
                shown.mode = Some(mode.as_str());
                shown.state = Some(state.as_str());
                shown.code = code.as_deref();
                shown.attempts = Some(*attempts);
                shown.endpoint_id = Some(endpoint.to_string());
                shown.event_id = Some(event.to_string());
            }
            LogSubject::Audit { actor, action, target, outcome } => {
                shown.kind = "audit";
                shown.code = Some(outcome);
                shown.actor = Some(inert(actor));
                shown.action = Some(action);
                shown.target = Some(inert(target));
            }
            LogSubject::Policy(event) => {
                shown.kind = "policy";
                shown.mode = Some(event.mode.as_str());
                shown.action = Some(event.decision.as_str());
                shown.code = Some(&event.code);
                shown.channel_id = event.channel.map(|id| id.to_string());
                shown.actor = Some(inert(&event.actor));
                shown.rule = event.rule.as_deref();
                shown.risk_score = event.score;
                shown.purpose = event.purpose.as_deref();
                shown.message_id = event.message.map(|id| id.to_string());
            }
        }
        shown
    }
}

/// Somebody who runs the installation, or helps its customers.
#[derive(Serialize, ToSchema)]
pub struct OperatorPerson<'a> {
    #[schema(value_type = String, example = "usr_01kagq5rh8e5htqh9sk95d3x4w")]
    user_id: UserId,
    email: &'a str,
    name: &'a str,
    /// `administrator` or `support`.
    #[schema(example = "administrator")]
    role: &'static str,
    /// Whether the account has a second factor, without which it opens nothing here.
    second_factor: bool,
    disabled: bool,
}

impl<'a> From<&'a OperatorView> for OperatorPerson<'a> {
    fn from(view: &'a OperatorView) -> Self {
        Self {
            user_id: view.user.id,
            email: &view.user.email,
            name: &view.user.name,
            role: view.user.operator.map_or("", OperatorRole::as_str),
            second_factor: view.second_factor,
            disabled: view.user.disabled_at.is_some(),
        }
    }
}

/// Somebody who signed in as an operator.
#[derive(Serialize, ToSchema)]
pub struct OperatorSession {
    #[schema(value_type = String, example = "usr_01kagq5rh8e5htqh9sk95d3x4w")]
    pub operator: UserId,
    /// For X-CSRF-Token; good as long as the session.
    #[schema(example = "Zm9yIHRoZSBoZWFkZXI")]
    pub csrf_token: String,
}
