//! Pauses.

use gatepost_app::{PauseView, pause_scope};
use gatepost_core::access::OperatorReason;
use gatepost_core::audit::inert;
use gatepost_core::guard::PauseScope;
use gatepost_core::{ChannelId, PauseId, Purpose, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use super::message::purpose;
use super::parse;
use crate::json::{Body, Object};
use crate::reply::{Made, to_json};

/// Something to pause, as it was understood.
pub struct PauseSet {
    pub scope: PauseScope,
    pub reason: OperatorReason,
}

impl Body for PauseSet {
    type Shape = Shape;

    fn read(object: &mut Object<'_>) -> Option<Self> {
        let scope = object.required("scope", |v| v.text().map(str::to_owned));
        let channel = object.optional("channel_id", parse::id);
        let named = object.optional("purpose", purpose);
        let reason = object.required("reason", parse::reason);
        let (scope, channel, named) = (scope?, channel?, named?);
        match pause_scope(&scope, channel, named) {
            Ok(scope) => Some(Self { scope, reason: reason? }),
            Err(detail) => object.wrong("scope", "invalid_value", detail),
        }
    }
}

/// Something to pause.
#[derive(ToSchema)]
#[schema(as = PauseSet)]
#[expect(dead_code, reason = "the schema of what PauseSet reads")]
pub struct Shape {
    /// `workspace`, `channel` or `purpose`.
    #[schema(example = "purpose")]
    scope: String,
    /// With the scope `channel`: which.
    #[schema(example = "chn_01kagq5rh8e5htqh9sk95d3x4w")]
    channel_id: Option<String>,
    /// With the scope `purpose`: which.
    #[schema(example = "operational")]
    purpose: Option<String>,
    /// 10 to 500 characters, one line.
    #[schema(example = "Wrong prices in the reminders of today")]
    reason: String,
}

/// Something that is paused.
#[derive(Serialize, ToSchema)]
pub struct Pause {
    /// Null for the operator's pause of the whole workspace, which only the operator lifts.
    #[schema(value_type = Option<String>, example = "pse_01kagq5rh8e5htqh9sk95d3x4w")]
    id: Option<PauseId>,
    /// `workspace`, `channel` or `purpose`.
    #[schema(value_type = String, example = "purpose")]
    scope: &'static str,
    #[schema(value_type = Option<String>)]
    channel_id: Option<ChannelId>,
    #[schema(value_type = Option<String>, example = "operational")]
    purpose: Option<Purpose>,
    /// Who paused it: `workspace`, `operator` or `rule`. What the operator paused, the operator lifts.
    #[schema(value_type = String, example = "workspace")]
    paused_by: &'static str,
    /// A person, the operator, or the part of Gatepost that did it.
    #[schema(example = "usr_01kagq5rh8e5htqh9sk95d3x4w")]
    actor: String,
    /// Why, for those who read the audit log.
    reason: Option<String>,
    #[schema(value_type = String, format = DateTime)]
    since: Timestamp,
}

impl From<&PauseView> for Pause {
    fn from(view: &PauseView) -> Self {
        let (channel_id, purpose) = match view.scope {
            PauseScope::Workspace => (None, None),
            PauseScope::Channel(channel) => (Some(channel), None),
            PauseScope::Purpose(purpose) => (None, Some(purpose)),
        };
        Self {
            id: view.id,
            scope: view.scope.kind(),
            channel_id,
            purpose,
            paused_by: view.by.as_str(),
            actor: inert(&view.actor),
            reason: view.why.clone(),
            since: view.since,
        }
    }
}

impl Made for PauseView {
    fn location(&self) -> String {
        "/v1/pauses".to_owned()
    }

    fn body(&self, _fresh: bool) -> Vec<u8> {
        to_json(&Pause::from(self))
    }
}
