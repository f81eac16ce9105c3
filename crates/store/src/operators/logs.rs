//! What operators look through across workspaces: the newest entries of one kind, without contents.
//!
//! Workspaces are entered one after another (row level security knows no operators), and each gives what a page could
//! take of it, by its key; the caller merges. Ids begin with their time, so they are the order.

use gatepost_core::channel::Mode;
use gatepost_core::endpoint::DeliveryState;
use gatepost_core::message::{Direction, MessageState};
use gatepost_core::{
    AuditId, ChannelId, DeliveryId, EndpointId, EnvelopeId, EventId, MessageId, MetaAppId, Result, Timestamp,
};
use uuid::Uuid;

use crate::engine::{self, Row};
use crate::guard::PolicyEventRow;
use crate::guard::policy_events::policy_event;
use crate::messages::mode;
use crate::scope::WorkspaceScope;
use crate::store::{SystemTx, WorkspaceTx};
use crate::{params, statements};

/// What is looked through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogSource {
    /// Messages of one direction, all or in one state.
    Messages(Direction, Option<MessageState>),
    /// Callbacks that wait to be worked on.
    Envelopes,
    /// Deliveries to endpoints, all or in one state.
    Deliveries(Option<DeliveryState>),
    /// Entries of the audit logs: refusals alone, or all.
    Audit { refusals: bool },
    /// Decisions of the guard.
    Policy,
}

/// The stretch that is asked for, newest first.
#[derive(Debug, Clone, Copy)]
pub struct LogAsk {
    pub source: LogSource,
    /// Older than this id.
    pub before: Uuid,
    /// And not older than this one.
    pub from: Uuid,
    pub limit: i64,
}

/// An entry, and whose.
#[derive(Debug, Clone)]
pub struct LogRow {
    pub scope: WorkspaceScope,
    pub id: Uuid,
    pub at: Timestamp,
    pub body: LogBody,
}

/// What is known of an entry without its contents.
#[derive(Debug, Clone)]
pub enum LogBody {
    Message {
        id: MessageId,
        channel: ChannelId,
        mode: Mode,
        direction: Direction,
        state: MessageState,
        kind: String,
        /// Sealed.
        party: Vec<u8>,
        /// Sealed.
        error: Option<Vec<u8>>,
    },
    Envelope {
        id: EnvelopeId,
        app: MetaAppId,
    },
    Delivery {
        id: DeliveryId,
        endpoint: EndpointId,
        event: EventId,
        mode: Mode,
        state: DeliveryState,
        attempts: i64,
        /// Of the last attempt's answer.
        status: Option<i64>,
        /// Of the last attempt that got none.
        error: Option<String>,
    },
    Audit {
        id: AuditId,
        actor: String,
        action: String,
        target: String,
        outcome: String,
    },
    Policy(Box<PolicyEventRow>),
}

statements! {
    MESSAGES = same("SELECT id, created_at, channel_id, mode, direction, state, kind, party, error FROM message WHERE workspace_id = $1 AND id < $2 AND id >= $3 AND direction = $4 AND state = COALESCE($5, state) ORDER BY id DESC LIMIT $6");
    ENVELOPES = same("SELECT id, received_at, meta_app_id FROM envelope WHERE workspace_id = $1 AND id < $2 AND id >= $3 ORDER BY id DESC LIMIT $4");
    ENDPOINTS = same("SELECT id FROM endpoint WHERE workspace_id = $1");
    DELIVERIES = same("SELECT d.id, d.created_at, d.endpoint_id, d.event_id, e.mode, d.state, d.attempts, a.status, a.error FROM delivery d JOIN event e ON e.workspace_id = d.workspace_id AND e.id = d.event_id LEFT JOIN attempt a ON a.workspace_id = d.workspace_id AND a.endpoint_id = d.endpoint_id AND a.delivery_id = d.id AND a.number = d.attempts WHERE d.workspace_id = $1 AND d.endpoint_id = $2 AND d.id < $3 AND d.id >= $4 AND d.state = COALESCE($5, d.state) ORDER BY d.id DESC LIMIT $6");
    POLICY = same("SELECT id, decision, code, rule, score, purpose, mode, channel_id, message_id, actor, details, at FROM policy_event WHERE workspace_id = $1 AND id < $2 AND id >= $3 ORDER BY id DESC LIMIT $4");
    AUDIT = same("SELECT id, at, actor, action, target, outcome FROM audit WHERE workspace_id = $1 AND id < $2 AND id >= $3 AND (CAST($4 AS BIGINT) = 0 OR outcome <> 'done') ORDER BY id DESC LIMIT $5");
}

impl WorkspaceTx<'_> {
    fn log_row(&self, row: &Row<'_>, body: LogBody) -> engine::Result<LogRow> {
        let at = Timestamp::from_micros(row.get(1)?);
        Ok(LogRow { scope: self.scope(), id: row.get(0)?, at, body })
    }

    async fn log_messages(
        &self,
        ask: LogAsk,
        wanted: Direction,
        state: Option<MessageState>,
    ) -> Result<Vec<LogRow>> {
        let read = |row: &Row<'_>| {
            let body = LogBody::Message {
                id: MessageId::from_uuid(row.get(0)?),
                channel: ChannelId::from_uuid(row.get(2)?),
                mode: mode(row, 3)?,
                direction: Direction::from_number(row.get(4)?).ok_or_else(|| row.corrupt(4))?,
                state: MessageState::from_number(row.get(5)?).ok_or_else(|| row.corrupt(5))?,
                kind: row.get(6)?,
                party: row.get(7)?,
                error: row.get(8)?,
            };
            self.log_row(row, body)
        };
        let state = state.map(MessageState::number);
        let values = params![self.workspace, ask.before, ask.from, wanted.number(), state, ask.limit];
        Ok(self.tx.query(&MESSAGES, values, read).await?)
    }

    async fn log_envelopes(&self, ask: LogAsk) -> Result<Vec<LogRow>> {
        let read = |row: &Row<'_>| {
            let id = EnvelopeId::from_uuid(row.get(0)?);
            self.log_row(row, LogBody::Envelope { id, app: MetaAppId::from_uuid(row.get(2)?) })
        };
        let values = params![self.workspace, ask.before, ask.from, ask.limit];
        Ok(self.tx.query(&ENVELOPES, values, read).await?)
    }

    /// An endpoint's deliveries lie together, so each endpoint gives its newest.
    async fn log_deliveries(&self, ask: LogAsk, state: Option<DeliveryState>) -> Result<Vec<LogRow>> {
        let read = |row: &Row<'_>| {
            let body = LogBody::Delivery {
                id: DeliveryId::from_uuid(row.get(0)?),
                endpoint: EndpointId::from_uuid(row.get(2)?),
                event: EventId::from_uuid(row.get(3)?),
                mode: mode(row, 4)?,
                state: DeliveryState::from_number(row.get(5)?).ok_or_else(|| row.corrupt(5))?,
                attempts: row.get(6)?,
                status: row.get(7)?,
                error: row.get(8)?,
            };
            self.log_row(row, body)
        };
        let state = state.map(DeliveryState::number);
        let endpoints: Vec<Uuid> =
            self.tx.query(&ENDPOINTS, params![self.workspace], |row: &Row<'_>| row.get(0)).await?;
        let mut rows = Vec::new();
        for endpoint in endpoints {
            let values = params![self.workspace, endpoint, ask.before, ask.from, state, ask.limit];
            rows.extend(self.tx.query(&DELIVERIES, values, read).await?);
        }
        Ok(rows)
    }

    async fn log_policy(&self, ask: LogAsk) -> Result<Vec<LogRow>> {
        let read = |row: &Row<'_>| {
            let event = policy_event(row)?;
            let (id, at) = (event.id.uuid(), event.at);
            Ok(LogRow { scope: self.scope(), id, at, body: LogBody::Policy(Box::new(event)) })
        };
        let values = params![self.workspace, ask.before, ask.from, ask.limit];
        Ok(self.tx.query(&POLICY, values, read).await?)
    }

    async fn log_audit(&self, ask: LogAsk, refusals: bool) -> Result<Vec<LogRow>> {
        let read = |row: &Row<'_>| {
            let body = LogBody::Audit {
                id: AuditId::from_uuid(row.get(0)?),
                actor: row.get(2)?,
                action: row.get(3)?,
                target: row.get(4)?,
                outcome: row.get(5)?,
            };
            self.log_row(row, body)
        };
        let values = params![self.workspace, ask.before, ask.from, i64::from(refusals), ask.limit];
        Ok(self.tx.query(&AUDIT, values, read).await?)
    }
}

impl SystemTx<'_> {
    /// What the workspace gives of a page: its newest of the stretch, in no order.
    pub async fn log_page(&self, scope: WorkspaceScope, ask: LogAsk) -> Result<Vec<LogRow>> {
        let inside = self.enter(scope);
        match ask.source {
            LogSource::Messages(direction, state) => inside.log_messages(ask, direction, state).await,
            LogSource::Envelopes => inside.log_envelopes(ask).await,
            LogSource::Deliveries(state) => inside.log_deliveries(ask, state).await,
            LogSource::Policy => inside.log_policy(ask).await,
            LogSource::Audit { refusals } => inside.log_audit(ask, refusals).await,
        }
    }
}
