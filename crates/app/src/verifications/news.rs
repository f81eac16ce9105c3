//! Telling of verifications: one place, in the transaction that changes them.

use gatepost_core::event::{EventData, EventType, VerificationNews};
use gatepost_core::verification::VerificationState;
use gatepost_core::{Entropy, Result, Timestamp};
use gatepost_store::{VerificationRow, WorkspaceTx};
use gatepost_vault::WorkspaceKeys;

use super::{Opened, stats};
use crate::events::{Draft, draft, publish};

/// A step that is told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Step {
    Created,
    Sent,
    Delivered,
    /// Into the state that the row has.
    Ended,
}

/// The event that tells of a step; `None` where whoever caused it needs no telling.
const fn event_of(step: Step, state: VerificationState) -> Option<EventType> {
    match (step, state) {
        (Step::Created, _) => Some(EventType::VerificationCreated),
        (Step::Sent, _) => Some(EventType::VerificationSent),
        (Step::Delivered, _) => Some(EventType::VerificationDelivered),
        (Step::Ended, VerificationState::Approved) => Some(EventType::VerificationApproved),
        (Step::Ended, VerificationState::Expired) => Some(EventType::VerificationExpired),
        (Step::Ended, VerificationState::Blocked) => Some(EventType::VerificationBlocked),
        (Step::Ended, VerificationState::Failed) => Some(EventType::VerificationFailed),
        (Step::Ended, VerificationState::Cancelled | VerificationState::Pending) => None,
    }
}

/// Tells of a step that `row` has just taken. Every step passes here, and each once.
pub(crate) async fn tell(
    tx: &WorkspaceTx<'_>,
    keys: &WorkspaceKeys,
    entropy: &dyn Entropy,
    row: &VerificationRow,
    opened: &Opened,
    step: Step,
    now: Timestamp,
) -> Result<()> {
    let state = row.standing.state;
    stats::count(tx, row, step).await?;
    let Some(event_type) = event_of(step, state) else { return Ok(()) };
    metrics::counter!("gatepost_verifications_total", "step" => event_type.as_str()).increment(1);
    let news = VerificationNews {
        id: row.id,
        flow: row.flow.as_str(),
        state,
        phone: opened.phone(),
        channel_id: row.channel,
        country: row.country.as_deref(),
        message_id: row.message,
        template: row.template.as_deref(),
        attempts_left: i64::from(row.standing.attempts_left()),
        metadata: opened.details.metadata.as_deref(),
        created_at: row.created_at,
        expires_at: row.standing.expires_at,
        verified_at: (state == VerificationState::Approved).then_some(row.ended_at).flatten(),
        reason: row.reason.as_deref(),
    };
    let event = Draft {
        event_type,
        mode: row.mode,
        channel: Some(row.channel),
        order_key: row.person.clone(),
        data: EventData::Verification(Box::new(news)),
    };
    publish(tx, &[draft(keys, now, entropy, event)?], now).await
}
