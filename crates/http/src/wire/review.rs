//! Reviews: what waits for somebody's decision.

use gatepost_app::ReviewView;
use gatepost_core::audit::inert;
use gatepost_core::{ChannelId, MessageId, ReviewId, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

/// Something that waits, or waited, for a decision.
#[derive(Serialize, ToSchema)]
pub struct Review<'a> {
    #[schema(value_type = String, example = "rvw_01kagq5rh8e5htqh9sk95d3x4w")]
    id: ReviewId,
    /// `message`: may a held message go? `opt_out`: do a person's words mean that they want no more messages?
    #[schema(value_type = String, example = "message")]
    kind: &'static str,
    /// The message that is held, or the person's. Its words are read with it, as long as content is kept.
    #[schema(value_type = String, example = "msg_01kagq5rh8e5htqh9sk95d3x4w")]
    message_id: MessageId,
    #[schema(value_type = String, example = "chn_01kagq5rh8e5htqh9sk95d3x4w")]
    channel_id: ChannelId,
    /// `test` or `live`.
    #[schema(value_type = String, example = "live")]
    mode: &'static str,
    /// 0 to 100, where a score decided.
    risk_score: Option<u8>,
    /// The rules that spoke, the gravest first.
    rules: &'a [String],
    /// `open`, `approved`, `rejected`, or `expired`: nobody decided in time, and nothing was sent.
    #[schema(value_type = String, example = "open")]
    state: &'static str,
    #[schema(value_type = String, format = DateTime)]
    opened_at: Timestamp,
    /// Until when somebody can decide.
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    decided_at: Option<Timestamp>,
    decided_by: Option<String>,
    /// What whoever decided wrote about it.
    reason: Option<&'a str>,
}

impl<'a> From<&'a ReviewView> for Review<'a> {
    fn from(view: &'a ReviewView) -> Self {
        Self {
            id: view.id,
            kind: view.kind.as_str(),
            message_id: view.message,
            channel_id: view.channel,
            mode: view.mode.as_str(),
            risk_score: view.risk_score,
            rules: &view.rules,
            state: view.state.as_str(),
            opened_at: view.opened_at,
            expires_at: view.expires_at,
            decided_at: view.decided_at,
            decided_by: view.decided_by.as_deref().map(inert),
            reason: view.reason.as_deref(),
        }
    }
}
