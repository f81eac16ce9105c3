//! What is asked about webhook endpoints.

use std::time::Duration;

use gatepost_app::EndpointUpdate as Change;
use gatepost_core::channel::Mode;
use gatepost_core::endpoint::{
    CHANNELS_MAX, ChannelFilter, CustomHeaders, DeliveryOrder, HEADERS_MAX, METADATA_MAX, Metadata,
    PayloadFormat, RETRIES_MAX, RETRY_SECONDS_MAX, RetrySchedule, WebhookUrl,
};
use gatepost_core::event::EventFilter;
use gatepost_core::json::Patch;
use gatepost_core::text::is_forbidden;
use gatepost_core::{ChannelId, Code};
use utoipa::ToSchema;

use super::parse;
use crate::json::{Body, Object, Value};

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

fn channels(value: Value<'_>) -> Option<ChannelFilter> {
    value.list(CHANNELS_MAX, parse::id::<ChannelId>).map(ChannelFilter::new)
}

/// Names and texts, in the order they are written.
fn pairs(value: Value<'_>, max: usize) -> Option<Vec<(String, String)>> {
    value.entries(max, |name, text| Some((name.to_owned(), text.text()?.to_owned())))
}

fn headers(value: Value<'_>) -> Option<CustomHeaders> {
    let headers = pairs(value, HEADERS_MAX)?;
    CustomHeaders::new(headers).map_or_else(|detail| value.wrong("invalid_value", detail), Some)
}

fn metadata(value: Value<'_>) -> Option<Metadata> {
    let entries = pairs(value, METADATA_MAX)?;
    Metadata::new(entries).map_or_else(|detail| value.wrong("invalid_value", detail), Some)
}

fn order(value: Value<'_>) -> Option<DeliveryOrder> {
    value.parse(|written| DeliveryOrder::parse(written).ok_or("expected parallel or ordered"))
}

fn format(value: Value<'_>) -> Option<PayloadFormat> {
    value.parse(|written| PayloadFormat::parse(written).ok_or("expected standard or loginwa"))
}

fn retry_schedule(value: Value<'_>) -> Option<RetrySchedule> {
    let seconds = value.list(RETRIES_MAX, |v| v.integer(1..=RETRY_SECONDS_MAX))?;
    RetrySchedule::new(seconds).map_or_else(|detail| value.wrong("out_of_range", detail), Some)
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
    /// The channels it hears of, of its own mode; all where it is left out. One that names channels hears nothing that
    /// is about no channel. A key that is bound to channels must name some of its own.
    #[schema(value_type = Option<Vec<String>>)]
    pub channels: ChannelFilter,
    /// Headers that go with every delivery, by name: an `Authorization` of yours, say. At most 20, 4 kB in all, printable
    /// ASCII; none that frames, routes or signs the request. Values are kept sealed and never shown again.
    #[schema(value_type = Option<BTreeMap<String, String>>)]
    pub headers: CustomHeaders,
    /// Your own notes: at most 20 names of 1 to 40 characters, with texts of at most 500.
    #[schema(value_type = Option<BTreeMap<String, String>>)]
    pub metadata: Metadata,
    /// `parallel`, or `ordered`: what is about one contact arrives one after another, in the order it happened, and a
    /// delivery that fails holds up those behind it. `parallel` where it is left out.
    #[schema(value_type = Option<String>, example = "parallel")]
    pub order: DeliveryOrder,
    /// `standard`, or `loginwa`: header names, event names and bodies of LoginWA's webhooks, for receivers that were
    /// written for it. It hears of those events only that have a name there. `standard` where it is left out.
    #[schema(value_type = Option<String>, example = "standard")]
    pub format: PayloadFormat,
    /// Seconds from one attempt of a delivery to the next, before jitter: at most 20 of 1 to 86400, a week in all. An
    /// empty list means one attempt and no other; where it is left out the installation's schedule holds.
    #[schema(value_type = Option<Vec<u32>>, example = json!([5, 300, 1800]))]
    pub retry_schedule: Option<RetrySchedule>,
    /// True for an Ed25519 signature (`v1a`) beside HMAC (`v1`), which every delivery carries.
    #[schema(value_type = Option<bool>)]
    pub ed25519: bool,
}

impl Body for EndpointCreate {
    type Shape = Self;

    fn read(object: &mut Object<'_>) -> Option<Self> {
        let mode = object.optional("mode", parse::mode);
        let url = object.required("url", url);
        let description = object.optional("description", description);
        let events = object.optional("events", events);
        let channels = object.optional("channels", channels);
        let headers = object.optional("headers", headers);
        let metadata = object.optional("metadata", metadata);
        let order = object.optional("order", order);
        let format = object.optional("format", format);
        let retry_schedule = object.optional("retry_schedule", retry_schedule);
        let ed25519 = object.optional("ed25519", parse::boolean);
        Some(Self {
            mode: mode?,
            url: url?,
            description: description?.unwrap_or_default(),
            events: events?.unwrap_or_default(),
            channels: channels?.unwrap_or_default(),
            headers: headers?.unwrap_or_default(),
            metadata: metadata?.unwrap_or_default(),
            order: order?.unwrap_or_default(),
            format: format?.unwrap_or_default(),
            retry_schedule: retry_schedule?,
            ed25519: ed25519?.unwrap_or_default(),
        })
    }
}

/// What to change about an endpoint; what is left out stays.
#[derive(ToSchema)]
pub struct EndpointUpdate {
    /// An https URL of a public address. What was held against the old one is forgotten.
    #[schema(value_type = Option<String>)]
    pub url: Option<WebhookUrl>,
    /// At most 500 characters.
    pub description: Option<String>,
    /// Which events; an empty list means all.
    #[schema(value_type = Option<Vec<String>>, example = json!(["message.received"]))]
    pub events: Option<EventFilter>,
    /// The channels it hears of; null or an empty list means all.
    #[schema(value_type = Option<Vec<String>>)]
    pub channels: Patch<ChannelFilter>,
    /// Replaces all headers that were set; null takes them away.
    #[schema(value_type = Option<BTreeMap<String, String>>)]
    pub headers: Patch<CustomHeaders>,
    /// Replaces all notes; null takes them away.
    #[schema(value_type = Option<BTreeMap<String, String>>)]
    pub metadata: Patch<Metadata>,
    /// `parallel` or `ordered`.
    #[schema(value_type = Option<String>, example = "parallel")]
    pub order: Option<DeliveryOrder>,
    /// `standard` or `loginwa`. It holds for every attempt from then on, also of what waits.
    #[schema(value_type = Option<String>, example = "standard")]
    pub format: Option<PayloadFormat>,
    /// Seconds from one attempt to the next; null for the installation's schedule.
    #[schema(value_type = Option<Vec<u32>>)]
    pub retry_schedule: Patch<RetrySchedule>,
    /// True makes an Ed25519 key where there is none, false takes it away.
    pub ed25519: Option<bool>,
    /// False stops deliveries; events go on being logged. True also forgets past failures and sends what waits at once.
    pub enabled: Option<bool>,
}

impl Body for EndpointUpdate {
    type Shape = Self;

    fn read(object: &mut Object<'_>) -> Option<Self> {
        let url = object.optional("url", url);
        let description = object.optional("description", description);
        let events = object.optional("events", events);
        let channels = object.patch("channels", channels);
        let headers = object.patch("headers", headers);
        let metadata = object.patch("metadata", metadata);
        let order = object.optional("order", order);
        let format = object.optional("format", format);
        let retry_schedule = object.patch("retry_schedule", retry_schedule);
        let ed25519 = object.optional("ed25519", parse::boolean);
        let enabled = object.optional("enabled", parse::boolean);
        let update = Self {
            url: url?,
            description: description?,
            events: events?,
            channels: channels?,
            headers: headers?,
            metadata: metadata?,
            order: order?,
            format: format?,
            retry_schedule: retry_schedule?,
            ed25519: ed25519?,
            enabled: enabled?,
        };
        if let Self {
            url: None,
            description: None,
            events: None,
            channels: Patch::Keep,
            headers: Patch::Keep,
            metadata: Patch::Keep,
            order: None,
            format: None,
            retry_schedule: Patch::Keep,
            ed25519: None,
            enabled: None,
        } = update
        {
            return object.wrong_itself("missing", "give at least one field to change");
        }
        Some(update)
    }
}

impl From<EndpointUpdate> for Change {
    fn from(update: EndpointUpdate) -> Self {
        let EndpointUpdate { url, description, events, channels, headers, metadata, .. } = update;
        let EndpointUpdate { order, format, retry_schedule, ed25519, enabled, .. } = update;
        Self {
            url,
            description,
            events,
            channels,
            headers,
            metadata,
            order,
            format,
            retry_schedule,
            ed25519,
            enabled,
        }
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

/// A test of an endpoint; there is nothing to say about it.
#[derive(ToSchema)]
pub struct EndpointTest {}

impl Body for EndpointTest {
    type Shape = Self;
    const MAY_BE_EMPTY: bool = true;
    fn read(_: &mut Object<'_>) -> Option<Self> {
        Some(Self {})
    }
}
