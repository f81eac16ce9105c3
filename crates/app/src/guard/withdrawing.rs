//! Messages that were accepted and do not go after all: the person opted out, their time ran out, or somebody decided so.

use gatepost_core::event::{EventType, MessageError};
use gatepost_core::guard::PolicyDecision;
use gatepost_core::message::MessageState;
use gatepost_core::{Code, Entropy, MessageId, Result, Timestamp, VerificationId};
use gatepost_store::{MessageChange, MessageRow, NewEvent, PolicyEventRow, WorkspaceTx};
use gatepost_vault::WorkspaceKeys;

use super::policy::{Refused, policy_refusal_add};
use crate::events::publish;
use crate::messages::seal_error;
use crate::results::news;
use crate::verifications::{Followed, Following};

/// The end of a message that never left, ready to be written down.
#[derive(Clone)]
pub(crate) struct Withdrawal {
    message: MessageId,
    state: MessageState,
    at: Timestamp,
    sealed_error: Vec<u8>,
    policy: Option<(PolicyEventRow, Option<NewEvent>)>,
    event: Option<NewEvent>,
    /// The verification whose code it carries.
    verification: Option<VerificationId>,
}

impl Withdrawal {
    /// Of a message that may not go any more, for the reason that `code` names.
    pub fn prepare(
        keys: &WorkspaceKeys,
        row: &MessageRow,
        code: Code,
        now: Timestamp,
        entropy: &dyn Entropy,
    ) -> Result<Self> {
        let state = if code == Code::MessageExpired { MessageState::Expired } else { MessageState::Blocked };
        let error = MessageError {
            code: code.as_str().to_owned(),
            provider_code: None,
            class: "failed".to_owned(),
            detail: format!("{}; nothing was sent", code.title()),
            action: code.remedy().to_owned(),
        };
        let event = match state {
            MessageState::Expired => {
                Some(news(keys, row, &error, now, entropy, EventType::MessageExpired, state)?)
            }
            _ => None,
        };
        let policy = match state {
            MessageState::Expired => None,
            _ => Some(
                Refused {
                    decision: PolicyDecision::Block,
                    code: code.as_str().to_owned(),
                    rules: Vec::new(),
                    score: None,
                    purpose: row.purpose,
                    mode: row.mode,
                    channel: Some(row.channel),
                    message: Some(row.id),
                    review: None,
                    actor: "system:guard".to_owned(),
                    details: None,
                    person: row.person.clone().unwrap_or_default(),
                }
                .prepare(keys, now, entropy)?,
            ),
        };
        let sealed_error = seal_error(keys, row.id, &error)?;
        let verification = row.verification;
        Ok(Self { message: row.id, state, at: now, sealed_error, policy, event, verification })
    }

    /// What it means for the verification whose code it carries. One whose time ran out knows that itself.
    pub fn following(&self) -> Option<Following> {
        let what = Followed::of_state(self.state)?;
        Some(Following { verification: self.verification?, message: self.message, what, at: self.at })
    }

    /// Writes it down, unless the message has gone on meanwhile; its unit is given back. True when it was written.
    pub async fn write(&self, tx: &WorkspaceTx<'_>) -> Result<bool> {
        let Some(Some(status)) = tx.message_status(&[self.message]).await?.pop() else { return Ok(false) };
        if !matches!(status.state, MessageState::Queued | MessageState::Held) {
            return Ok(false);
        }
        tx.message_change(&[MessageChange {
            id: self.message,
            state: self.state,
            reached: None,
            provider: None,
            error: Some(self.sealed_error.clone()),
            doubtful: false,
            // A code that does not go is good for nothing.
            drop_content: self.verification.is_some(),
        }])
        .await?;
        tx.usage_give_back(self.message).await?;
        if let Some(policy) = &self.policy {
            policy_refusal_add(tx, std::slice::from_ref(policy), self.at).await?;
        }
        match &self.event {
            Some(event) => publish(tx, std::slice::from_ref(event), self.at).await,
            None => Ok(()),
        }?;
        Ok(true)
    }
}
