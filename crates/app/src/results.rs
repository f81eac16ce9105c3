//! What became of sends, written down: one place for the lane, for callbacks and for decisions about doubtful ones.

use std::sync::Arc;

use gatepost_channels::cloud::Refusal;
use gatepost_channels::errors::CustomerClass;
use gatepost_core::event::{EventData, EventType, MessageError, MessageNews, Party};
use gatepost_core::message::MessageState;
use gatepost_core::{Entropy, MessageId, Result, Timestamp};
use gatepost_store::{MessageChange, MessageRow, NewEvent, WorkspaceTx};
use gatepost_vault::WorkspaceKeys;

use crate::events::{Draft, draft, publish};
use crate::messages::{StoredParty, open_json, place, seal_error};

/// A message that failed, ready to be written down.
#[derive(Clone)]
pub(crate) struct Failure {
    pub message: MessageId,
    pub at: Timestamp,
    sealed_error: Vec<u8>,
    event: Arc<NewEvent>,
    /// We gave up without knowing: a later status may still prove it went out.
    pub doubtful: bool,
}

/// A refusal of Meta's as the customer sees it.
pub(crate) fn error_of_refusal(refusal: &Refusal) -> MessageError {
    let detail = match &refusal.details {
        Some(details) => format!("{}: {details}", refusal.title),
        None => refusal.title.clone(),
    };
    MessageError {
        code: "meta_refused".to_owned(),
        provider_code: refusal.code,
        // It is told when nothing more will be tried, so "retrying" would be untrue by now.
        class: match refusal.advice.class.customer() {
            CustomerClass::NeedsAction => "needs_action",
            CustomerClass::Retrying | CustomerClass::Failed => "failed",
        }
        .to_owned(),
        detail,
        action: refusal.advice.action.to_owned(),
    }
}

/// Why a message failed whose outcome nobody knows.
pub(crate) fn outcome_unknown() -> MessageError {
    MessageError {
        code: "outcome_unknown".to_owned(),
        provider_code: None,
        class: "needs_action".to_owned(),
        detail: "Meta's answer was cut and no status came: the message may have arrived or not".to_owned(),
        action: "Ask the person, or send again and accept that it may arrive twice. \
                 With on_unknown \"resend\" Gatepost does the latter by itself."
            .to_owned(),
    }
}

impl Failure {
    /// Seals the error and the event that tells of it.
    pub fn prepare(
        keys: &WorkspaceKeys,
        row: &MessageRow,
        error: &MessageError,
        now: Timestamp,
        entropy: &dyn Entropy,
        doubtful: bool,
    ) -> Result<Self> {
        let workspace = gatepost_core::WorkspaceId::from_uuid(keys.workspace());
        let party: StoredParty = open_json(keys, &place(workspace, "party", row.id), &row.party)?;
        let event = draft(
            keys,
            now,
            entropy,
            Draft {
                event_type: EventType::MessageFailed,
                mode: row.mode,
                channel: Some(row.channel),
                data: EventData::Message(Box::new(MessageNews {
                    id: Some(row.id),
                    direction: "outbound",
                    kind: Some(&row.kind),
                    state: MessageState::Failed,
                    contact: Party { phone: party.phone, bsuid: party.bsuid, name: None },
                    provider_id: None,
                    occurred_at: now,
                    text: None,
                    reply_to_provider_id: None,
                    error: Some(error.clone()),
                    provider: None,
                })),
            },
        )?;
        let sealed_error = seal_error(keys, row.id, error)?;
        Ok(Self { message: row.id, at: now, sealed_error, event: Arc::new(event), doubtful })
    }

    /// Writes it down, unless the message is known to have gone further meanwhile. True when it was.
    pub async fn write(&self, tx: &WorkspaceTx<'_>, entropy: &Arc<dyn Entropy>) -> Result<bool> {
        let Some(Some(status)) = tx.message_status(&[self.message]).await?.pop() else { return Ok(false) };
        let state = status.state.after(MessageState::Failed, false);
        if state != MessageState::Failed || status.state == MessageState::Failed {
            return Ok(false);
        }
        // A doubtful one fails only while nothing at all was heard of it.
        if self.doubtful && !matches!(status.state, MessageState::Queued | MessageState::Sending) {
            return Ok(false);
        }
        tx.message_change(&[MessageChange {
            id: self.message,
            state,
            reached: Some((MessageState::Failed, self.at)),
            provider: None,
            error: Some(self.sealed_error.clone()),
            doubtful: self.doubtful,
            drop_content: true,
        }])
        .await?;
        publish(tx, std::slice::from_ref(self.event.as_ref()), self.at, entropy).await?;
        Ok(true)
    }
}
