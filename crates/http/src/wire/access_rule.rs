//! From where keys may be used, which pages may read answers, and how fast callers may be.

use gatepost_app::{AllowlistChange, AllowlistView, LimitView, ORIGINS_MAX};
use gatepost_core::allowlist::{self, AllowlistEntry as Entry, ENTRIES_MAX};
use gatepost_core::channel::Mode;
use gatepost_core::{ApiKeyId, Network, Origin, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use super::parse;
use crate::json::{Body, Object, Value};

/// A list of addresses, as it is to be; what is not in it is taken away.
#[derive(ToSchema)]
pub struct AllowlistSet {
    /// False: keys may be used from everywhere, whatever is listed.
    pub enabled: bool,
    /// At most 200.
    #[schema(value_type = Vec<AllowlistEntrySet>)]
    pub entries: Vec<(Network, String)>,
    /// True: do it even where it shuts out the address that this request comes from.
    #[schema(value_type = Option<bool>)]
    pub confirm_lockout: bool,
}

/// An address or network to list.
#[derive(ToSchema)]
#[expect(dead_code, reason = "the schema of an entry, which is read into a network and its note")]
pub struct AllowlistEntrySet {
    /// An address or a network, v4 or v6, without bits below its prefix.
    #[schema(example = "192.0.2.0/24")]
    network: String,
    /// For people; at most 100 characters.
    #[schema(example = "Office")]
    note: Option<String>,
}

impl Body for AllowlistSet {
    type Shape = Self;

    fn read(object: &mut Object<'_>) -> Option<Self> {
        let enabled = object.required("enabled", parse::boolean);
        let entries = object.required("entries", |v| v.list(ENTRIES_MAX, entry));
        let confirm_lockout = object.optional("confirm_lockout", parse::boolean);
        Some(Self {
            enabled: enabled?,
            entries: entries?,
            confirm_lockout: confirm_lockout?.unwrap_or(false),
        })
    }
}

fn entry(value: Value<'_>) -> Option<(Network, String)> {
    value.object(|object| {
        let network = object.required("network", |v| v.parse(Network::parse));
        let note = object.optional("note", |v| v.parse(allowlist::note));
        Some((network?, note?.unwrap_or_default()))
    })
}

impl From<AllowlistSet> for AllowlistChange {
    fn from(set: AllowlistSet) -> Self {
        Self { enabled: set.enabled, entries: set.entries, confirm_lockout: set.confirm_lockout }
    }
}

/// From where keys may be used.
#[derive(Serialize, ToSchema)]
pub struct Allowlist<'a> {
    /// False: from everywhere.
    enabled: bool,
    entries: Vec<AllowlistEntry<'a>>,
    /// The address that this request came from, as it is seen here.
    #[schema(value_type = Option<String>, example = "192.0.2.7")]
    your_address: Option<String>,
}

/// An address or network that is listed.
#[derive(Serialize, ToSchema)]
pub struct AllowlistEntry<'a> {
    #[schema(value_type = String, example = "192.0.2.0/24")]
    network: Network,
    #[schema(value_type = String, example = "Office")]
    note: &'a str,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl<'a> From<&'a Entry> for AllowlistEntry<'a> {
    fn from(entry: &'a Entry) -> Self {
        Self { network: entry.network, note: &entry.note, created_at: entry.created_at }
    }
}

impl<'a> From<&'a AllowlistView> for Allowlist<'a> {
    fn from(view: &'a AllowlistView) -> Self {
        Self {
            enabled: view.enabled,
            entries: view.entries.iter().map(AllowlistEntry::from).collect(),
            your_address: view.your_address.map(|client| client.to_string()),
        }
    }
}

/// The pages that may read answers to test keys.
#[derive(ToSchema)]
pub struct OriginsSet {
    /// Origins as browsers send them, at most 20; no wildcards.
    #[schema(value_type = Vec<String>, example = json!(["https://shop.example"]))]
    pub origins: Vec<Origin>,
}

impl Body for OriginsSet {
    type Shape = Self;

    fn read(object: &mut Object<'_>) -> Option<Self> {
        let origins = object.required("origins", |v| v.list(ORIGINS_MAX, |v| v.parse(Origin::parse)));
        Some(Self { origins: origins? })
    }
}

/// The pages that may read answers to test keys.
#[derive(Serialize, ToSchema)]
pub struct Origins<'a> {
    #[schema(value_type = Vec<String>, example = json!(["https://shop.example"]))]
    origins: &'a [Origin],
}

impl<'a> From<&'a [Origin]> for Origins<'a> {
    fn from(origins: &'a [Origin]) -> Self {
        Self { origins }
    }
}

/// A preset of rate limits to choose.
#[derive(ToSchema)]
pub struct LimitSet {
    /// `test` or `live`.
    #[schema(value_type = String, example = "live")]
    pub mode: Mode,
    /// The name of a preset; left out or null: what the installation says.
    #[schema(value_type = Option<String>, example = "interactive")]
    pub preset: Option<String>,
    /// The key that it is for; where it is left out, all keys of the workspace and mode share it.
    #[schema(value_type = Option<String>)]
    pub key_id: Option<ApiKeyId>,
}

impl Body for LimitSet {
    type Shape = Self;

    fn read(object: &mut Object<'_>) -> Option<Self> {
        let mode = object.required("mode", parse::mode);
        let preset = object.optional("preset", parse::name);
        let key_id = object.optional("key_id", parse::id);
        Some(Self { mode: mode?, preset: preset?, key_id: key_id? })
    }
}

/// The rate limits of a workspace's keys.
#[derive(Serialize, ToSchema)]
pub struct Limits<'a> {
    /// `test` or `live`.
    #[schema(value_type = String, example = "live")]
    mode: &'static str,
    /// The preset that all of its keys share; null for what the installation says of each.
    #[schema(example = "interactive")]
    preset: Option<&'a str>,
    /// Keys with a preset of their own.
    keys: Vec<KeyLimit<'a>>,
}

/// A key's own preset.
#[derive(Serialize, ToSchema)]
pub struct KeyLimit<'a> {
    #[schema(value_type = String, example = "key_01kagq5rh8e5htqh9sk95d3x4w")]
    key_id: ApiKeyId,
    #[schema(value_type = String, example = "steady")]
    preset: &'a str,
}

impl<'a> From<&'a LimitView> for Limits<'a> {
    fn from(view: &'a LimitView) -> Self {
        let key = |(id, preset): &'a (ApiKeyId, String)| KeyLimit { key_id: *id, preset };
        Self {
            mode: view.mode.as_str(),
            preset: view.workspace.as_deref(),
            keys: view.keys.iter().map(key).collect(),
        }
    }
}
