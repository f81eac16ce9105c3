//! Webhook endpoints.

use std::time::Duration;

use gatepost_app::{EndpointCreated, EndpointUpdate as Change, EndpointView};
use gatepost_core::channel::Mode;
use gatepost_core::endpoint::WebhookUrl;
use gatepost_core::event::EventFilter;
use gatepost_core::text::is_forbidden;
use gatepost_core::{Code, EndpointId, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use super::parse;
use crate::json::{Body, Object, Value};
use crate::reply::{Made, to_json};

/// Longest description, in characters.
const DESCRIPTION_MAX: usize = 500;
/// Most names in an event filter.
const EVENTS_MAX: usize = 50;
/// Longest time that two secrets are both signed with: a week.
const OVERLAP_SECONDS_MAX: u32 = 7 * 24 * 3600;
/// A day, where nothing is said.
const OVERLAP_SECONDS: u32 = 24 * 3600;

fn url(value: Value<'_>) -> Option<WebhookUrl> {
    value.parse_or(Code::WebhookUrlNotAllowed.as_str(), WebhookUrl::parse)
}

fn description(value: Value<'_>) -> Option<String> {
    value.parse(|written| {
        if written.chars().count() > DESCRIPTION_MAX || written.chars().any(is_forbidden) {
            Err(format!("expected at most {DESCRIPTION_MAX} characters in one line"))
        } else {
            Ok(written.to_owned())
        }
    })
}

fn events(value: Value<'_>) -> Option<EventFilter> {
    let names = value.list(EVENTS_MAX, |v| v.text().map(str::to_owned))?;
    EventFilter::parse(names).map_or_else(|detail| value.wrong("invalid_value", detail), Some)
}

/// A webhook endpoint to add.
#[derive(ToSchema)]
pub struct EndpointCreate {
    /// `test` or `live`: that of the API key, and need not be said. At the operator's socket it must be.
    #[schema(value_type = Option<String>)]
    pub mode: Option<Mode>,
    /// An https URL of a public address.
    #[schema(value_type = String, example = "https://example.com/hooks/gatepost")]
    pub url: WebhookUrl,
    /// For people; at most 500 characters.
    #[schema(value_type = Option<String>)]
    pub description: String,
    /// Which events: exact types, or families such as `message.*`. All where it is left out.
    #[schema(value_type = Option<Vec<String>>, example = json!(["message.*"]))]
    pub events: EventFilter,
}

impl Body for EndpointCreate {
    type Shape = Self;

    fn read(object: &mut Object<'_>) -> Option<Self> {
        let mode = object.optional("mode", parse::mode);
        let url = object.required("url", url);
        let description = object.optional("description", description);
        let events = object.optional("events", events);
        Some(Self {
            mode: mode?,
            url: url?,
            description: description?.unwrap_or_default(),
            events: events?.unwrap_or_default(),
        })
    }
}

/// What to change about an endpoint; what is left out stays.
#[derive(ToSchema)]
pub struct EndpointUpdate {
    /// An https URL of a public address.
    #[schema(value_type = Option<String>)]
    pub url: Option<WebhookUrl>,
    /// At most 500 characters.
    pub description: Option<String>,
    /// Which events; an empty list means all.
    #[schema(value_type = Option<Vec<String>>, example = json!(["message.received"]))]
    pub events: Option<EventFilter>,
    /// False stops deliveries; events go on being logged.
    pub enabled: Option<bool>,
}

impl Body for EndpointUpdate {
    type Shape = Self;

    fn read(object: &mut Object<'_>) -> Option<Self> {
        let url = object.optional("url", url);
        let description = object.optional("description", description);
        let events = object.optional("events", events);
        let enabled = object.optional("enabled", parse::boolean);
        let update = Self { url: url?, description: description?, events: events?, enabled: enabled? };
        if let Self { url: None, description: None, events: None, enabled: None } = update {
            return object.wrong_itself("missing", "give at least one field to change");
        }
        Some(update)
    }
}

impl From<EndpointUpdate> for Change {
    fn from(update: EndpointUpdate) -> Self {
        let EndpointUpdate { url, description, events, enabled } = update;
        Self { url, description, events, enabled }
    }
}

/// How to rotate an endpoint's secret.
#[derive(ToSchema)]
pub struct EndpointSecretRotate {
    /// How long deliveries carry both signatures, 0 to 604800; a day where it is left out.
    #[schema(value_type = Option<u32>, example = 86400)]
    pub overlap_seconds: Duration,
}

impl Body for EndpointSecretRotate {
    type Shape = Self;

    fn read(object: &mut Object<'_>) -> Option<Self> {
        let overlap = object.optional("overlap_seconds", |v| v.integer(0..=OVERLAP_SECONDS_MAX));
        Some(Self { overlap_seconds: Duration::from_secs(overlap?.unwrap_or(OVERLAP_SECONDS).into()) })
    }
}

/// A webhook endpoint.
#[derive(Serialize, ToSchema)]
pub struct Endpoint<'a> {
    #[schema(value_type = String, example = "whk_01kagq5rh8e5htqh9sk95d3x4w")]
    id: EndpointId,
    /// `test` or `live`; it hears of that mode's events only.
    #[schema(value_type = String, example = "test")]
    mode: &'static str,
    url: &'a str,
    description: &'a str,
    /// Exact types or families; empty for all.
    events: &'a [String],
    enabled: bool,
    /// Until when deliveries carry the previous secret's signature too.
    #[schema(value_type = Option<String>, format = DateTime)]
    previous_secret_until: Option<Timestamp>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl<'a> From<&'a EndpointView> for Endpoint<'a> {
    fn from(view: &'a EndpointView) -> Self {
        Self {
            id: view.id,
            mode: view.mode.as_str(),
            url: &view.url,
            description: &view.description,
            events: &view.events,
            enabled: view.enabled,
            previous_secret_until: view.previous_secret_until,
            created_at: view.created_at,
        }
    }
}

/// An endpoint whose secret was just made.
#[derive(Serialize, ToSchema)]
pub struct EndpointWithSecret<'a> {
    #[serde(flatten)]
    #[schema(inline)]
    endpoint: Endpoint<'a>,
    /// `whsec_…` (Standard Webhooks). Shown once; null in a repeated answer.
    #[schema(example = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")]
    secret: Option<&'a str>,
}

impl Made for EndpointCreated {
    fn location(&self) -> String {
        format!("/v1/webhook-endpoints/{}", self.view.id)
    }

    fn body(&self, fresh: bool) -> Vec<u8> {
        let secret = fresh.then(|| self.secret.expose().as_str());
        to_json(&EndpointWithSecret { endpoint: (&self.view).into(), secret })
    }
}
