//! What the guard holds sends against, and what it writes down.
//!
//! Whoever writes in one transaction takes the rows in this order, so that two never wait for each other: conversation,
//! usage of the workspace, usage of the channel, risk. The gate of the suppressions comes before all of them.

pub(crate) mod billing;
pub(crate) mod consents;
pub(crate) mod conversations;
pub(crate) mod facts;
pub(crate) mod imports;
pub(crate) mod keywords;
pub(crate) mod pauses;
pub(crate) mod plans;
pub(crate) mod policy_events;
pub(crate) mod queued;
pub(crate) mod reviews;
pub(crate) mod risk;
pub(crate) mod suppressions;
pub(crate) mod usage;

pub use billing::BillingRow;
pub use consents::ConsentRow;
pub use conversations::Conversation;
pub use facts::{GuardAsk, GuardFacts};
pub use imports::SuppressionImportRow;
pub use keywords::KeywordRow;
pub use pauses::PauseRow;
pub use plans::{Entitled, PlanRow};
pub use policy_events::PolicyEventRow;
pub use queued::QueuedSend;
pub use reviews::{ReviewKind, ReviewRow, ReviewState};
pub use suppressions::{Suppressed, SuppressionRow};
pub use usage::{Counted, UsagePeriod, UsageRow};
