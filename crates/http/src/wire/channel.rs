//! Channels.

use gatepost_app::{ChannelSource, ChannelUpdate as Change, ChannelView};
use gatepost_core::channel::Mode;
use gatepost_core::{ChannelId, MetaAppId, Secret, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use super::parse;
use crate::json::{Body, Object};
use crate::reply::{Made, to_json};

/// Most messages a second that a channel may be told to send; Meta's highest tier.
const THROUGHPUT_MAX: u32 = 1000;

/// A channel to add, as it was understood.
pub struct ChannelCreate {
    pub mode: Option<Mode>,
    pub name: String,
    pub source: ChannelSource,
}

impl Body for ChannelCreate {
    type Shape = Shape;

    fn read(object: &mut Object<'_>) -> Option<Self> {
        let mode = object.optional("mode", parse::mode);
        let name = object.required("name", parse::name);
        let kind = object.required("type", |v| {
            v.parse(|written| {
                ["cloud", "test"].into_iter().find(|k| *k == written).ok_or("expected cloud or test")
            })
        });
        let phone_number_id = object.optional("phone_number_id", parse::meta_id);
        let waba_id = object.optional("waba_id", parse::meta_id);
        let access_token = object.optional("access_token", parse::secret);
        let meta_app = object.optional("meta_app_id", parse::id);
        let (phone_number_id, waba_id, access_token, meta_app) =
            (phone_number_id?, waba_id?, access_token?, meta_app?);
        let given = [
            ("phone_number_id", phone_number_id.is_some()),
            ("waba_id", waba_id.is_some()),
            ("access_token", access_token.is_some()),
            ("meta_app_id", meta_app.is_some()),
        ];
        let source = if kind? == "test" {
            for (field, _) in given.into_iter().filter(|(_, there)| *there) {
                object.wrong::<()>(field, "invalid_value", "a test channel takes none: it is simulated");
            }
            ChannelSource::Test
        } else {
            for (field, _) in given.into_iter().filter(|(_, there)| !there) {
                object.wrong::<()>(field, "missing", "a cloud channel needs this");
            }
            ChannelSource::Cloud {
                phone_number_id: phone_number_id?,
                waba_id: waba_id?,
                access_token: access_token?,
                meta_app: meta_app?,
            }
        };
        Some(Self { mode: mode?, name: name?, source })
    }
}

/// A channel to add.
#[derive(ToSchema)]
#[schema(as = ChannelCreate)]
#[expect(dead_code, reason = "the schema of what ChannelCreate reads")]
pub struct Shape {
    /// `test` or `live`: that of the API key, and need not be said. At the operator's socket it must be.
    mode: Option<String>,
    /// 1 to 100 characters, for people.
    #[schema(example = "Front desk")]
    name: String,
    /// `cloud` for a number on Meta's Cloud API, `test` for a number on the built-in simulated Meta.
    #[schema(example = "test")]
    r#type: String,
    /// Meta's id of the number. For `cloud` only, as are those below.
    phone_number_id: Option<String>,
    /// Meta's id of the WhatsApp Business account.
    waba_id: Option<String>,
    /// A system user's access token. Checked with Meta before the channel is added; kept sealed, never shown again.
    access_token: Option<String>,
    /// The Meta app (of Gatepost's, `app_…`) whose callbacks tell of this number.
    meta_app_id: Option<String>,
}

/// What to change about a channel; what is left out stays.
#[derive(ToSchema)]
pub struct ChannelUpdate {
    /// 1 to 100 characters.
    #[schema(example = "Front desk")]
    pub name: Option<String>,
    /// A new access token; checked with Meta first.
    #[schema(value_type = Option<String>)]
    pub access_token: Option<Secret<String>>,
    /// False switches the channel off.
    pub enabled: Option<bool>,
    /// Messages a second, 1 to 1000.
    pub throughput: Option<u32>,
}

impl Body for ChannelUpdate {
    type Shape = Self;

    fn read(object: &mut Object<'_>) -> Option<Self> {
        let name = object.optional("name", parse::name);
        let access_token = object.optional("access_token", parse::secret);
        let enabled = object.optional("enabled", parse::boolean);
        let throughput = object.optional("throughput", |v| v.integer(1..=THROUGHPUT_MAX));
        let update =
            Self { name: name?, access_token: access_token?, enabled: enabled?, throughput: throughput? };
        if let Self { name: None, access_token: None, enabled: None, throughput: None } = update {
            return object.wrong_itself("missing", "give at least one field to change");
        }
        Some(update)
    }
}

impl From<ChannelUpdate> for Change {
    fn from(update: ChannelUpdate) -> Self {
        let ChannelUpdate { name, access_token, enabled, throughput } = update;
        Self { name, access_token, enabled, throughput }
    }
}

/// A WhatsApp sender.
#[derive(Serialize, ToSchema)]
pub struct Channel<'a> {
    #[schema(value_type = String, example = "chn_01kagq5rh8e5htqh9sk95d3x4w")]
    id: ChannelId,
    /// `test` or `live`.
    #[schema(value_type = String, example = "test")]
    mode: &'static str,
    /// `cloud`: Meta's Cloud API, the real one or, in test mode, the simulated one.
    #[serde(rename = "type")]
    #[schema(value_type = String, example = "cloud")]
    kind: &'static str,
    name: &'a str,
    /// `active`, `unregistered`, `token_invalid`, `access_lost`, `restricted`, `payment_required` or `disabled`. It sends
    /// in the first alone.
    #[schema(value_type = String, example = "active")]
    state: &'static str,
    /// What is wrong or soon will be; null when all is well.
    detail: Option<&'a str>,
    /// The one thing to do about it.
    next_action: Option<&'a str>,
    /// Meta's id of the number.
    phone_number_id: &'a str,
    /// Meta's id of the WhatsApp Business account.
    waba_id: &'a str,
    /// The number as people read it, once Meta has said.
    display_phone_number: Option<&'a str>,
    /// The name people see, once Meta has said.
    verified_name: Option<&'a str>,
    /// The last four characters of the access token, to recognise it by.
    access_token_last4: &'a str,
    #[schema(value_type = String, example = "app_01kagq5rh8e5htqh9sk95d3x4w")]
    meta_app_id: MetaAppId,
    /// Messages a second.
    throughput: u32,
    /// Meta's rating: `GREEN`, `YELLOW`, `RED` or `UNKNOWN`.
    quality_rating: Option<&'a str>,
    /// Meta's level: `STANDARD` (80 messages a second), `HIGH` (1,000) or `NOT_APPLICABLE`.
    throughput_level: Option<&'a str>,
    /// Meta's limit of people a day outside the service window: `TIER_250`, `TIER_2K` …
    messaging_limit: Option<&'a str>,
    /// Meta's decision on the display name: `APPROVED`, `PENDING_REVIEW`, `DECLINED` …
    name_status: Option<&'a str>,
    /// Meta's status of the number: `CONNECTED`, `PENDING`, `BANNED` …
    number_status: Option<&'a str>,
    /// When the access token ends; null where it does not, or where nobody has looked yet.
    #[schema(value_type = Option<String>, format = DateTime)]
    token_expires_at: Option<Timestamp>,
    /// When Meta was last asked about number and token.
    #[schema(value_type = Option<String>, format = DateTime)]
    checked_at: Option<Timestamp>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl<'a> From<&'a ChannelView> for Channel<'a> {
    fn from(view: &'a ChannelView) -> Self {
        Self {
            id: view.id,
            mode: view.mode.as_str(),
            kind: view.kind.as_str(),
            name: &view.name,
            state: view.state.as_str(),
            detail: view.detail.as_deref(),
            next_action: view.next_action.as_deref(),
            phone_number_id: &view.phone_number_id,
            waba_id: &view.waba_id,
            display_phone_number: view.display_phone_number.as_deref(),
            verified_name: view.verified_name.as_deref(),
            access_token_last4: &view.token_last4,
            meta_app_id: view.meta_app,
            throughput: view.throughput,
            quality_rating: view.quality_rating.as_deref(),
            throughput_level: view.throughput_level.as_deref(),
            messaging_limit: view.messaging_limit.as_deref(),
            name_status: view.name_status.as_deref(),
            number_status: view.number_status.as_deref(),
            token_expires_at: view.token_expires_at,
            checked_at: view.checked_at,
            created_at: view.created_at,
        }
    }
}

impl Made for ChannelView {
    fn location(&self) -> String {
        format!("/v1/channels/{}", self.id)
    }

    fn body(&self, _fresh: bool) -> Vec<u8> {
        to_json(&Channel::from(self))
    }
}
