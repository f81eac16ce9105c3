//! Events that are made up.

use gatepost_app::EventTrigger as Trigger;
use gatepost_core::ChannelId;
use gatepost_core::event::EventType;
use utoipa::ToSchema;

use super::parse;
use crate::json::{Body, Object, Value};

/// An event to make up.
#[derive(ToSchema)]
pub struct EventTrigger {
    /// Its type; `GET /v1/openapi.json` lists them under `webhooks`.
    #[schema(value_type = String, example = "message.received")]
    pub r#type: EventType,
    /// A test channel to speak of. Where it is left out, the workspace's first test channel; where there is none, one
    /// that nobody has.
    #[schema(value_type = Option<String>, example = "chn_01kagq5rh8e5htqh9sk95d3x4w")]
    pub channel_id: Option<ChannelId>,
}

fn event_type(value: Value<'_>) -> Option<EventType> {
    value.parse(|written| {
        EventType::parse(written).ok_or_else(|| {
            let known: Vec<&str> = EventType::ALL.iter().map(|event| event.as_str()).collect();
            format!("expected one of {}", known.join(", "))
        })
    })
}

impl Body for EventTrigger {
    type Shape = Self;

    fn read(object: &mut Object<'_>) -> Option<Self> {
        let r#type = object.required("type", event_type);
        let channel_id = object.optional("channel_id", parse::id);
        Some(Self { r#type: r#type?, channel_id: channel_id? })
    }
}

impl From<EventTrigger> for Trigger {
    fn from(trigger: EventTrigger) -> Self {
        Self { event_type: trigger.r#type, channel: trigger.channel_id }
    }
}
