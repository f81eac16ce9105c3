//! API keys.

use std::time::Duration;

use gatepost_app::{KeyCreated, KeyView};
use gatepost_core::access::Scope;
use gatepost_core::channel::Mode;
use gatepost_core::{ApiKeyId, ChannelId, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use super::parse;
use crate::json::{Body, Object, Value};
use crate::reply::{Made, to_json};

/// Most channels that a key can be bound to.
const CHANNELS_MAX: usize = 100;
/// Longest time that an old key opens beside its successor: a week.
const OVERLAP_SECONDS_MAX: u32 = 7 * 24 * 3600;

/// An API key to make.
#[derive(ToSchema)]
pub struct KeyCreate {
    /// 1 to 100 characters, for people.
    #[schema(example = "Shop backend")]
    pub name: String,
    /// `test` or `live`: that of the API key in use, and need not be said. At the operator's socket it must be.
    #[schema(value_type = Option<String>)]
    pub mode: Option<Mode>,
    /// What it is for: `send`, `read`, `webhooks`, `admin`; at least one, none that the key in use does not cover.
    #[schema(value_type = Vec<String>, example = json!(["send"]))]
    pub scopes: Vec<Scope>,
    /// The channels it is bound to; all of the workspace where it is left out.
    #[schema(value_type = Option<Vec<String>>)]
    pub channels: Option<Vec<ChannelId>>,
    /// When it stops opening; never where it is left out.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Timestamp>,
}

impl Body for KeyCreate {
    type Shape = Self;

    fn read(object: &mut Object<'_>) -> Option<Self> {
        let name = object.required("name", parse::name);
        let mode = object.optional("mode", parse::mode);
        let scopes = object.required("scopes", scopes);
        let channels = object.optional("channels", channels);
        let expires_at = object.optional("expires_at", parse::instant);
        Some(Self { name: name?, mode: mode?, scopes: scopes?, channels: channels?, expires_at: expires_at? })
    }
}

fn scopes(value: Value<'_>) -> Option<Vec<Scope>> {
    let mut scopes = value.list(Scope::ALL.len(), |v| {
        v.parse(|written| Scope::parse(written).ok_or("expected send, read, webhooks or admin"))
    })?;
    scopes.sort_unstable();
    scopes.dedup();
    if scopes.is_empty() { value.wrong("out_of_range", "expected at least one scope") } else { Some(scopes) }
}

fn channels(value: Value<'_>) -> Option<Vec<ChannelId>> {
    let mut channels = value.list(CHANNELS_MAX, parse::id)?;
    channels.sort_unstable();
    channels.dedup();
    // Bound to nothing would be a key that opens nothing: surely a mistake.
    if channels.is_empty() {
        value.wrong("out_of_range", "expected at least one channel; leave the field out for all")
    } else {
        Some(channels)
    }
}

/// How to replace a key.
#[derive(ToSchema)]
pub struct KeyRotate {
    /// How long the old key still opens, 0 to 604800; it ends at once where this is left out.
    #[schema(value_type = Option<u32>, example = 60)]
    pub overlap_seconds: Duration,
}

impl Body for KeyRotate {
    type Shape = Self;

    fn read(object: &mut Object<'_>) -> Option<Self> {
        let overlap = object.optional("overlap_seconds", |v| v.integer(0..=OVERLAP_SECONDS_MAX));
        Some(Self { overlap_seconds: Duration::from_secs(overlap?.unwrap_or(0).into()) })
    }
}

/// An API key, without its secret.
#[derive(Serialize, ToSchema)]
pub struct Key<'a> {
    #[schema(value_type = String, example = "key_01kagq5rh8e5htqh9sk95d3x4w")]
    id: ApiKeyId,
    name: &'a str,
    /// `test` or `live`.
    #[schema(value_type = String, example = "test")]
    mode: &'static str,
    #[schema(value_type = Vec<String>, example = json!(["send"]))]
    scopes: Vec<&'static str>,
    /// The channels it is bound to; null for all of the workspace.
    #[schema(value_type = Option<Vec<String>>)]
    channels: Option<&'a [ChannelId]>,
    /// How it begins, to recognise it by.
    #[schema(example = "gp_test_3fK")]
    display: &'a str,
    /// How it ends.
    #[schema(example = "x9Qz")]
    last4: &'a str,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    expires_at: Option<Timestamp>,
    #[schema(value_type = Option<String>, format = DateTime)]
    revoked_at: Option<Timestamp>,
    /// To within a minute.
    #[schema(value_type = Option<String>, format = DateTime)]
    last_used_at: Option<Timestamp>,
}

impl<'a> From<&'a KeyView> for Key<'a> {
    fn from(view: &'a KeyView) -> Self {
        Self {
            id: view.id,
            name: &view.name,
            mode: view.mode.as_str(),
            scopes: view.scopes.iter().map(|scope| scope.as_str()).collect(),
            channels: view.channels.as_deref(),
            display: &view.display,
            last4: &view.last4,
            created_at: view.created_at,
            expires_at: view.expires_at,
            revoked_at: view.revoked_at,
            last_used_at: view.last_used_at,
        }
    }
}

/// A key whose secret was just made.
#[derive(Serialize, ToSchema)]
pub struct KeyWithSecret<'a> {
    #[serde(flatten)]
    #[schema(inline)]
    key: Key<'a>,
    /// The key itself. Shown once and stored nowhere; null in a repeated answer.
    #[schema(example = "gp_test_3fKq…")]
    secret: Option<&'a str>,
}

impl Made for KeyCreated {
    fn location(&self) -> String {
        format!("/v1/keys/{}", self.view.id)
    }

    fn body(&self, fresh: bool) -> Vec<u8> {
        let secret = fresh.then(|| self.secret.expose().as_str());
        to_json(&KeyWithSecret { key: (&self.view).into(), secret })
    }
}
