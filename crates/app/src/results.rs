//! What became of sends, written down: one place for the lane, for callbacks and for decisions about doubtful ones.

use std::sync::Arc;

use gatepost_channels::cloud::Refusal;
use gatepost_channels::errors::{Class, CustomerClass};
use gatepost_core::event::{EventData, EventType, MessageError, MessageNews, Party};
use gatepost_core::message::MessageState;
use gatepost_core::{Code, Entropy, MessageId, Result, Timestamp, VerificationId};
use gatepost_store::{MessageChange, MessageRow, NewEvent, WorkspaceTx};
use gatepost_vault::WorkspaceKeys;

use crate::events::{Draft, draft, publish};
use crate::messages::{StoredParty, open_json, person_index, place, seal_error};
use crate::verifications::{Followed, Following};

/// A message that failed, ready to be written down.
#[derive(Clone)]
pub(crate) struct Failure {
    pub message: MessageId,
    pub at: Timestamp,
    sealed_error: Vec<u8>,
    event: Arc<NewEvent>,
    /// We gave up without knowing: a later status may still prove it went out.
    pub doubtful: bool,
    /// The verification whose code it carries.
    verification: Option<VerificationId>,
    /// Meta's own code, where it gave one.
    provider_code: Option<i64>,
}

/// Meta's word for free-form content to somebody who has not written for a day.
const RE_ENGAGEMENT: i64 = 131_047;

/// Our code of a refusal of Meta's: that of the guard where it would have said the same, had it been sure.
pub(crate) fn code_of(provider_code: Option<i64>) -> &'static str {
    match provider_code {
        Some(RE_ENGAGEMENT) => Code::ConversationWindowClosed.as_str(),
        _ => Code::MetaRefused.as_str(),
    }
}

/// A refusal of Meta's as the customer sees it; `retrying` where it is tried again without anybody doing anything.
pub(crate) fn error_of_refusal(refusal: &Refusal, retrying: bool) -> MessageError {
    let detail = match &refusal.details {
        Some(details) => format!("{}: {details}", refusal.title),
        None => refusal.title.clone(),
    };
    MessageError {
        code: code_of(refusal.code).to_owned(),
        provider_code: refusal.code,
        class: class_of(refusal.advice.class, retrying).to_owned(),
        detail,
        action: refusal.advice.action.to_owned(),
    }
}

/// The customer's class of a refusal. When nothing more will be tried, "retrying" would be untrue.
pub(crate) const fn class_of(class: Class, retrying: bool) -> &'static str {
    match class.customer() {
        CustomerClass::Retrying if !retrying => CustomerClass::Failed.as_str(),
        class => class.as_str(),
    }
}

/// Why a message failed that nobody can send.
pub(crate) fn unsendable(reason: &str) -> MessageError {
    MessageError {
        code: "not_sendable".to_owned(),
        provider_code: None,
        class: "needs_action".to_owned(),
        detail: reason.to_owned(),
        action: "Look at the channel's settings, then send again: nothing was sent.".to_owned(),
    }
}

/// Why a message failed that was still queued when its channel was deleted.
pub(crate) fn channel_deleted() -> MessageError {
    MessageError {
        code: "channel_deleted".to_owned(),
        provider_code: None,
        class: "failed".to_owned(),
        detail: "the channel was deleted before the message was sent".to_owned(),
        action: "Send it again through another channel: nothing was sent.".to_owned(),
    }
}

/// Why a message waits that never left.
pub(crate) fn meta_unreachable() -> MessageError {
    MessageError {
        code: "meta_unreachable".to_owned(),
        provider_code: None,
        class: "retrying".to_owned(),
        detail: "Meta could not be reached; nothing was sent yet".to_owned(),
        action: "Nothing: Gatepost tries again by itself.".to_owned(),
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
        let event = news(keys, row, error, now, entropy, EventType::MessageFailed, MessageState::Failed)?;
        let sealed_error = seal_error(keys, row.id, error)?;
        let verification = row.verification;
        Ok(Self {
            message: row.id,
            at: now,
            sealed_error,
            event: Arc::new(event),
            doubtful,
            verification,
            provider_code: error.provider_code,
        })
    }

    /// What it means for the verification whose code it carries: one that may have arrived after all can still be
    /// approved.
    pub fn following(&self) -> Option<Following> {
        let verification = self.verification.filter(|_| !self.doubtful)?;
        let what = Followed::failed(self.provider_code);
        Some(Following { verification, message: self.message, what, at: self.at })
    }

    /// Writes it down, unless the message is known to have gone further meanwhile. True when it was.
    pub async fn write(&self, tx: &WorkspaceTx<'_>) -> Result<bool> {
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
        publish(tx, std::slice::from_ref(self.event.as_ref()), self.at).await?;
        Ok(true)
    }
}

/// A message that has to wait, ready to be written down: why, and the event that tells of it where it is worth one.
#[derive(Clone)]
pub(crate) struct Delay {
    message: MessageId,
    pub at: Timestamp,
    sealed_error: Vec<u8>,
    event: Option<Arc<NewEvent>>,
}

impl Delay {
    pub fn prepare(
        keys: &WorkspaceKeys,
        row: &MessageRow,
        error: &MessageError,
        now: Timestamp,
        entropy: &dyn Entropy,
        tell: bool,
    ) -> Result<Self> {
        let event = tell
            .then(|| news(keys, row, error, now, entropy, EventType::MessageDelayed, MessageState::Queued))
            .transpose()?;
        let sealed_error = seal_error(keys, row.id, error)?;
        Ok(Self { message: row.id, at: now, sealed_error, event: event.map(Arc::new) })
    }

    /// Writes it down, unless the message has gone further meanwhile.
    pub async fn write(&self, tx: &WorkspaceTx<'_>) -> Result<()> {
        let Some(Some(status)) = tx.message_status(&[self.message]).await?.pop() else { return Ok(()) };
        if status.state != MessageState::Queued {
            return Ok(());
        }
        tx.message_change(&[MessageChange {
            id: self.message,
            state: status.state,
            reached: None,
            provider: None,
            error: Some(self.sealed_error.clone()),
            doubtful: status.doubtful,
            drop_content: false,
        }])
        .await?;
        match &self.event {
            Some(event) => publish(tx, std::slice::from_ref(event.as_ref()), self.at).await,
            None => Ok(()),
        }
    }
}

/// The event that tells what stands in a message's way.
pub(crate) fn news(
    keys: &WorkspaceKeys,
    row: &MessageRow,
    error: &MessageError,
    now: Timestamp,
    entropy: &dyn Entropy,
    event_type: EventType,
    state: MessageState,
) -> Result<NewEvent> {
    let workspace = gatepost_core::WorkspaceId::from_uuid(keys.workspace());
    let party: StoredParty = open_json(keys, &place(workspace, "party", row.id), &row.party)?;
    let order_key = person_index(keys, party.phone.as_deref(), party.bsuid.as_deref());
    let news = MessageNews {
        id: Some(row.id),
        direction: "outbound",
        kind: Some(&row.kind),
        purpose: row.purpose,
        state,
        contact: Party { phone: party.phone, bsuid: party.bsuid, name: None },
        provider_id: None,
        occurred_at: now,
        text: None,
        media: None,
        reply_to: None,
        reply_to_provider_id: None,
        error: Some(error.clone()),
        provider: None,
    };
    let data = EventData::Message(Box::new(news));
    draft(
        keys,
        now,
        entropy,
        Draft { event_type, mode: row.mode, channel: Some(row.channel), order_key, data },
    )
}
