//! Webhook endpoints and what happens on the way to them.

mod channels;
mod format;
mod headers;
mod metadata;
mod schedule;
mod state;
mod url;

pub use channels::{CHANNELS_MAX, ChannelFilter};
pub use format::PayloadFormat;
pub use headers::{CustomHeaders, HEADERS_MAX};
pub use metadata::{ENTRIES_MAX as METADATA_MAX, Metadata};
pub use schedule::{RETRIES_MAX, RETRY_SECONDS_MAX, RetrySchedule};
pub use state::{DeliveryOrder, DeliveryState, DisabledReason, EndpointState, ReplayOnly, ReplayState};
pub use url::{URL_MAX, WebhookUrl};
