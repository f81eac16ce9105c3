//! Decisions of the guard, written down.

use gatepost_core::channel::Mode;
use gatepost_core::event::{EventData, EventType, PolicyNews};
use gatepost_core::guard::PolicyDecision;
use gatepost_core::guard::risk::RuleId;
use gatepost_core::verification::fraud::FraudRule;
use gatepost_core::{
    ChannelId, Entropy, Error, MessageId, PolicyEventId, Purpose, Result, ReviewId, Timestamp,
};
use gatepost_store::{NewEvent, PolicyEventRow, WorkspaceTx};
use gatepost_vault::WorkspaceKeys;

use crate::events::{Draft, draft, publish};

/// A message that was not simply let through.
#[derive(Clone)]
pub(crate) struct Refused {
    pub decision: PolicyDecision,
    pub code: String,
    /// The gravest first.
    pub rules: Vec<&'static str>,
    pub score: Option<u8>,
    pub purpose: Option<Purpose>,
    pub mode: Mode,
    pub channel: Option<ChannelId>,
    pub message: Option<MessageId>,
    pub review: Option<ReviewId>,
    /// Who sent it.
    pub actor: String,
    pub details: Option<String>,
    /// The blind index of the person.
    pub person: Vec<u8>,
}

impl Refused {
    /// A refusal of the guard; `None` where the error is none of it.
    pub fn of(error: &Error, asked: &super::Asked, actor: String) -> Option<Self> {
        if !error.code().is_policy() {
            return None;
        }
        let spoke = error.details().and_then(|details| details["rules"].as_array()).into_iter().flatten();
        let mut rules: Vec<&'static str> = spoke
            .filter_map(|hit| RuleId::parse(hit["rule"].as_str()?))
            .map(|rule| rule.rule().name)
            .collect();
        let of_verifications =
            error.details().and_then(|details| FraudRule::parse(details["rule"].as_str()?));
        rules.extend(of_verifications.map(FraudRule::as_str));
        let score = error.details().and_then(|details| details["risk_score"].as_u64());
        Some(Self {
            decision: PolicyDecision::Block,
            code: error.code().as_str().to_owned(),
            rules,
            score: score.and_then(|score| u8::try_from(score).ok()),
            purpose: Some(asked.purpose),
            mode: asked.mode,
            channel: Some(asked.channel),
            message: None,
            review: None,
            actor,
            details: error.details().map(ToString::to_string),
            person: asked.person.to_vec(),
        })
    }

    /// The row, and the event that tells of it.
    pub fn prepare(
        &self,
        keys: &WorkspaceKeys,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Result<(PolicyEventRow, Option<NewEvent>)> {
        let id = PolicyEventId::new(now, entropy);
        let row = PolicyEventRow {
            id,
            decision: self.decision,
            code: self.code.clone(),
            rule: self.rules.first().map(|rule| (*rule).to_owned()),
            score: self.score.map(i64::from),
            purpose: self.purpose.map(|purpose| purpose.as_str().to_owned()),
            mode: self.mode,
            channel: self.channel,
            message: self.message,
            actor: self.actor.clone(),
            details: self.details.clone(),
            at: now,
        };
        let event_type = match self.decision {
            PolicyDecision::Block => EventType::PolicyBlocked,
            PolicyDecision::Hold => EventType::PolicyHeld,
            PolicyDecision::Release => return Ok((row, None)),
        };
        let news = PolicyNews {
            id,
            decision: self.decision.as_str(),
            code: &self.code,
            rules: &self.rules,
            score: self.score.map(i64::from),
            purpose: self.purpose.map(Purpose::as_str),
            message_id: self.message,
            review_id: self.review,
        };
        let event = Draft {
            event_type,
            mode: self.mode,
            channel: self.channel,
            order_key: Some(self.person.clone()),
            data: EventData::Policy(news),
        };
        Ok((row, Some(draft(keys, now, entropy, event)?)))
    }
}

/// Writes decisions down, with their events.
pub(crate) async fn policy_refusal_add(
    tx: &WorkspaceTx<'_>,
    prepared: &[(PolicyEventRow, Option<NewEvent>)],
    now: Timestamp,
) -> Result<()> {
    let mut events = Vec::new();
    for (row, event) in prepared {
        tx.policy_event_add(row).await?;
        events.extend(event.clone());
        metrics::counter!("gatepost_policy_decisions_total", "decision" => row.decision.as_str(), "code" => row.code.clone())
            .increment(1);
    }
    publish(tx, &events, now).await
}
