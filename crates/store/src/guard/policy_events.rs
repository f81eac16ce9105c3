//! What the guard did not simply let through.

use gatepost_core::channel::Mode;
use gatepost_core::guard::PolicyDecision;
use gatepost_core::{ChannelId, MessageId, PolicyEventId, Result, Timestamp};
use uuid::Uuid;

use crate::engine::{self, Row};
use crate::messages::mode;
use crate::store::WorkspaceTx;
use crate::{params, statements};

/// A decision of the guard. It holds no text of any message and no number of any person.
#[derive(Debug, Clone)]
pub struct PolicyEventRow {
    pub id: PolicyEventId,
    pub decision: PolicyDecision,
    pub code: String,
    /// The gravest rule.
    pub rule: Option<String>,
    pub score: Option<i64>,
    pub purpose: Option<String>,
    pub mode: Mode,
    pub channel: Option<ChannelId>,
    pub message: Option<MessageId>,
    pub actor: String,
    /// JSON: numbers and names of rules.
    pub details: Option<String>,
    pub at: Timestamp,
}

statements! {
    INSERT = same("INSERT INTO policy_event (workspace_id, id, decision, code, rule, score, purpose, mode, channel_id, message_id, actor, details, at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)");
    LIST = same("SELECT id, decision, code, rule, score, purpose, mode, channel_id, message_id, actor, details, at FROM policy_event WHERE workspace_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3");
}

/// Reads the columns of [`LIST`].
pub(crate) fn policy_event(row: &Row<'_>) -> engine::Result<PolicyEventRow> {
    Ok(PolicyEventRow {
        id: PolicyEventId::from_uuid(row.get(0)?),
        decision: PolicyDecision::from_number(row.get(1)?).ok_or_else(|| row.corrupt(1))?,
        code: row.get(2)?,
        rule: row.get(3)?,
        score: row.get(4)?,
        purpose: row.get(5)?,
        mode: mode(row, 6)?,
        channel: row.get::<Option<Uuid>>(7)?.map(ChannelId::from_uuid),
        message: row.get::<Option<Uuid>>(8)?.map(MessageId::from_uuid),
        actor: row.get(9)?,
        details: row.get(10)?,
        at: Timestamp::from_micros(row.get(11)?),
    })
}

impl WorkspaceTx<'_> {
    pub async fn policy_event_add(&self, event: &PolicyEventRow) -> Result<()> {
        let values = params![
            self.workspace,
            event.id.uuid(),
            event.decision.number(),
            event.code.as_str(),
            event.rule.as_deref(),
            event.score,
            event.purpose.as_deref(),
            event.mode.number(),
            event.channel.map(ChannelId::uuid),
            event.message.map(MessageId::uuid),
            event.actor.as_str(),
            event.details.as_deref(),
            event.at.micros()
        ];
        Ok(self.tx.execute_one(&INSERT, values).await?)
    }

    /// Newest first, older than `before`.
    pub async fn policy_event_list(&self, before: Uuid, limit: i64) -> Result<Vec<PolicyEventRow>> {
        Ok(self.tx.query(&LIST, params![self.workspace, before, limit], policy_event).await?)
    }
}
