//! Webhook endpoints and what happens on the way to them.

mod headers;
mod schedule;
mod state;
mod url;

pub use headers::CustomHeaders;
pub use schedule::{RETRIES_MAX, RETRY_SECONDS_MAX, RetrySchedule};
pub use state::{DeliveryOrder, DeliveryState, DisabledReason, ReplayOnly, ReplayState};
pub use url::{URL_MAX, WebhookUrl};
