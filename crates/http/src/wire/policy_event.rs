//! What the guard decided, or would.

use gatepost_app::{Explained, PolicyEventRow};
use gatepost_core::audit::inert;
use gatepost_core::{ChannelId, MessageId, PolicyEventId, Timestamp};
use serde::Serialize;
use serde_json::Value as Json;
use utoipa::ToSchema;

/// A decision of the guard that was not simply to let a message through. It holds no text and no number.
#[derive(Serialize, ToSchema)]
pub struct PolicyEvent<'a> {
    #[schema(value_type = String, example = "pol_01kagq5rh8e5htqh9sk95d3x4w")]
    id: PolicyEventId,
    /// `block`, `hold` or `release`.
    #[schema(value_type = String, example = "block")]
    decision: &'static str,
    /// The code that the sender was answered with, or what was decided.
    #[schema(example = "frequency_capped")]
    code: &'a str,
    /// The gravest rule that spoke.
    rule: Option<&'a str>,
    /// 0 to 100.
    risk_score: Option<i64>,
    /// As the sender said.
    #[schema(example = "operational")]
    purpose: Option<&'a str>,
    /// `test` or `live`.
    #[schema(value_type = String, example = "live")]
    mode: &'static str,
    #[schema(value_type = Option<String>, example = "chn_01kagq5rh8e5htqh9sk95d3x4w")]
    channel_id: Option<ChannelId>,
    /// Null where no message was stored.
    #[schema(value_type = Option<String>)]
    message_id: Option<MessageId>,
    /// Who sent it, or decided.
    #[schema(example = "key_01kagq5rh8e5htqh9sk95d3x4w")]
    actor: String,
    /// Numbers and names of rules, as in the answer to the sender.
    #[schema(value_type = Option<Object>)]
    details: Option<Json>,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
}

impl<'a> From<&'a PolicyEventRow> for PolicyEvent<'a> {
    fn from(row: &'a PolicyEventRow) -> Self {
        Self {
            id: row.id,
            decision: row.decision.as_str(),
            code: &row.code,
            rule: row.rule.as_deref(),
            risk_score: row.score,
            purpose: row.purpose.as_deref(),
            mode: row.mode.as_str(),
            channel_id: row.channel,
            message_id: row.message,
            actor: inert(&row.actor),
            details: row.details.as_deref().and_then(|text| serde_json::from_str(text).ok()),
            at: row.at,
        }
    }
}

/// What the guard would say of a message. Nothing was sent, stored or counted.
#[derive(Serialize, ToSchema)]
pub struct MessageExplained<'a> {
    /// `allow`, `hold` (it would wait for a decision) or `block`.
    #[schema(value_type = String, example = "allow")]
    action: &'static str,
    /// The channel that it would go through.
    #[schema(value_type = String, example = "chn_01kagq5rh8e5htqh9sk95d3x4w")]
    channel_id: ChannelId,
    /// Why it would be refused: the code of the problem that the real request would be answered with.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "frequency_capped")]
    code: Option<&'static str>,
    /// The same in a sentence.
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'a str>,
    /// It would wait until then.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, format = DateTime)]
    not_before: Option<Timestamp>,
    /// 0 to 100.
    risk_score: u8,
    /// The rules that spoke, the gravest first, each with its numbers.
    #[schema(value_type = Vec<Object>)]
    rules: &'a [Json],
}

impl<'a> From<&'a Explained> for MessageExplained<'a> {
    fn from(explained: &'a Explained) -> Self {
        let refusal = explained.refusal.as_ref();
        Self {
            action: explained.action,
            channel_id: explained.channel,
            code: refusal.map(|refusal| refusal.code().as_str()),
            detail: refusal.map(gatepost_core::Error::detail),
            not_before: explained.not_before,
            risk_score: explained.risk_score,
            rules: &explained.rules,
        }
    }
}
