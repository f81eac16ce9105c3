//! Verifications as their workspace sees them.

use gatepost_core::access::{Grant, PermissionId};
use gatepost_core::channel::Mode;
use gatepost_core::verification::{Flow, VerificationState};
use gatepost_core::{ChannelId, MessageId, Phone, Result, Timestamp, VerificationId};
use gatepost_store::VerificationRow;
use gatepost_vault::WorkspaceKeys;
use serde_json::value::RawValue;

use super::Opened;

/// A verification as its workspace sees it; never its code. No `Debug`: it holds a person's number.
#[derive(Clone)]
pub struct VerificationView {
    pub id: VerificationId,
    pub mode: Mode,
    pub flow: Flow,
    pub state: VerificationState,
    pub channel_id: ChannelId,
    /// In full for who may send codes to it, masked for who may only read.
    pub phone: Option<String>,
    pub country: Option<String>,
    pub message_id: Option<MessageId>,
    pub template: Option<String>,
    pub code_length: usize,
    pub attempts_left: u8,
    pub resends: u32,
    pub app_name: Option<String>,
    pub locale: Option<String>,
    pub intent: Option<String>,
    /// The customer's own object, while it is kept.
    pub metadata: Option<Box<RawValue>>,
    pub reason: Option<String>,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    /// When it may be sent again; `None` once it is over.
    pub resend_after: Option<Timestamp>,
    pub sent_at: Option<Timestamp>,
    pub delivered_at: Option<Timestamp>,
    pub verified_at: Option<Timestamp>,
    pub ended_at: Option<Timestamp>,
}

/// Whether a caller sees numbers in full.
pub(super) fn sees_numbers<P>(grant: &Grant<P>) -> bool {
    grant.holds(PermissionId::VerificationStart)
}

/// A row as a caller sees it at that time: whose time is over is expired, also before that was written down.
pub(super) fn view(
    keys: &WorkspaceKeys,
    row: &VerificationRow,
    in_full: bool,
    now: Timestamp,
) -> Result<VerificationView> {
    let opened = Opened::of(keys, row)?;
    let standing = row.standing.at(now);
    let state = standing.state;
    let phone = opened.phone().map(|phone| match Phone::parse(phone) {
        Ok(phone) if !in_full => phone.masked(),
        _ => phone.to_owned(),
    });
    let details = opened.details;
    let ended_at = row.ended_at.or_else(|| state.is_over().then_some(standing.expires_at));
    Ok(VerificationView {
        id: row.id,
        mode: row.mode,
        flow: row.flow,
        state,
        channel_id: row.channel,
        phone,
        country: row.country.clone(),
        message_id: row.message,
        template: row.template.clone(),
        code_length: row.code_length.digits(),
        attempts_left: standing.attempts_left(),
        resends: standing.generation.saturating_sub(1),
        app_name: details.app_name,
        locale: details.locale,
        intent: details.intent,
        metadata: details.metadata,
        reason: row.reason.clone(),
        created_at: row.created_at,
        expires_at: standing.expires_at,
        resend_after: (!state.is_over()).then_some(standing.resend_after),
        sent_at: row.sent_at,
        delivered_at: row.delivered_at,
        verified_at: ended_at.filter(|_| state == VerificationState::Approved),
        ended_at,
    })
}
