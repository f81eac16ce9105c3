//! Webhook endpoints, as they are shown.

use std::collections::BTreeMap;

use gatepost_app::{EndpointCreated, EndpointTested, EndpointView, WebhookKeyView};
use gatepost_core::{ChannelId, EndpointId, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use super::Delivery;
use crate::reply::{Made, to_json};

/// How an endpoint fares.
#[derive(Serialize, ToSchema)]
pub struct EndpointHealth {
    /// `healthy`, `failing` (attempts fail; it is tried again) or `disabled` (nothing goes to it).
    #[schema(value_type = String, example = "healthy")]
    state: &'static str,
    /// Since when no attempt has succeeded.
    #[schema(value_type = Option<String>, format = DateTime)]
    failing_since: Option<Timestamp>,
    /// Attempts that failed since then.
    failures: i64,
    /// Nothing goes out before this, and then one attempt as a probe.
    #[schema(value_type = Option<String>, format = DateTime)]
    next_probe_at: Option<Timestamp>,
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
    /// The channels it hears of; empty for all. One that was removed stays named.
    #[schema(value_type = Vec<String>)]
    channels: &'a [ChannelId],
    /// The names of the headers that go with every delivery; their values are never shown.
    #[schema(example = json!(["authorization"]))]
    header_names: &'a [String],
    /// Your own notes.
    #[schema(value_type = BTreeMap<String, String>)]
    metadata: BTreeMap<&'a str, &'a str>,
    /// `parallel` or `ordered`.
    #[schema(value_type = String, example = "parallel")]
    order: &'static str,
    /// `standard` or `loginwa`: what the requests look like.
    #[schema(value_type = String, example = "standard")]
    format: &'static str,
    /// Seconds from one attempt to the next; null for the installation's schedule.
    retry_schedule: Option<&'a [u32]>,
    /// Whether deliveries carry an Ed25519 signature (`v1a`) beside HMAC (`v1`).
    ed25519: bool,
    /// `whpk_…` (Standard Webhooks): what `v1a` signatures are verified with. Null without Ed25519.
    public_key: Option<String>,
    /// Where receivers fetch the keys that are in use, without a credential.
    public_key_url: Option<&'a str>,
    enabled: bool,
    /// `owner` (switched off), `gone` (it answered 410) or `failing` (its schedule was spent without a success); null
    /// while it is enabled.
    #[schema(value_type = Option<String>)]
    disabled_reason: Option<&'static str>,
    #[schema(value_type = Option<String>, format = DateTime)]
    disabled_at: Option<Timestamp>,
    health: EndpointHealth,
    /// The one thing to do next; null where nothing is wrong.
    next_action: Option<&'a str>,
    /// Deliveries that ended dead and can be replayed, counted up to 10000; null in lists.
    dead_letters: Option<i64>,
    /// Until when deliveries carry the previous secret's signature too.
    #[schema(value_type = Option<String>, format = DateTime)]
    previous_secret_until: Option<Timestamp>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl<'a> From<&'a EndpointView> for Endpoint<'a> {
    fn from(view: &'a EndpointView) -> Self {
        let metadata = view.metadata.entries().iter();
        Self {
            id: view.id,
            mode: view.mode.as_str(),
            url: &view.url,
            description: &view.description,
            events: &view.events,
            channels: &view.channels,
            header_names: &view.header_names,
            metadata: metadata.map(|(name, text)| (name.as_str(), text.as_str())).collect(),
            order: view.order.as_str(),
            format: view.format.as_str(),
            retry_schedule: view.retry_schedule.as_deref(),
            ed25519: view.public_key.is_some(),
            public_key: view.public_key.map(|key| key.to_string()),
            public_key_url: view.public_key_url.as_deref(),
            enabled: view.enabled,
            disabled_reason: view.disabled.map(|(reason, _)| reason.as_str()),
            disabled_at: view.disabled.map(|(_, at)| at),
            health: EndpointHealth {
                state: view.state.as_str(),
                failing_since: view.failing_since,
                failures: view.failures,
                next_probe_at: view.next_probe_at,
            },
            next_action: view.next_action.as_deref(),
            dead_letters: view.dead_letters,
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

impl Made for EndpointTested {
    fn location(&self) -> String {
        format!("/v1/webhook-endpoints/{}/deliveries/{}/attempts", self.endpoint, self.delivery.id)
    }

    fn body(&self, _: bool) -> Vec<u8> {
        to_json(&Delivery::from(&self.delivery))
    }
}

/// A key that deliveries of an endpoint are signed with.
#[derive(Serialize, ToSchema)]
pub struct WebhookKey {
    /// `ed25519`: signatures that begin with `v1a,`.
    #[schema(value_type = String, example = "ed25519")]
    algorithm: &'static str,
    /// `whpk_` and the base64 of 32 bytes (Standard Webhooks).
    public_key: String,
    /// Until when deliveries are signed with it; null for the key in use.
    #[schema(value_type = Option<String>, format = DateTime)]
    valid_until: Option<Timestamp>,
}

/// The keys that verify an endpoint's deliveries.
#[derive(Serialize, ToSchema)]
pub struct WebhookKeys {
    /// The one in use first; the one before follows during an overlap.
    keys: Vec<WebhookKey>,
}

impl From<Vec<WebhookKeyView>> for WebhookKeys {
    fn from(views: Vec<WebhookKeyView>) -> Self {
        let keys = views.into_iter().map(|view| WebhookKey {
            algorithm: "ed25519",
            public_key: view.key.to_string(),
            valid_until: view.until,
        });
        Self { keys: keys.collect() }
    }
}
