//! What the guard holds sends against, and what it writes down.
//!
//! Whoever writes in one transaction takes the rows in this order, so that two never wait for each other: conversation,
//! usage of the workspace, usage of the channel, risk.

pub(crate) mod billing;
pub(crate) mod conversations;
pub(crate) mod facts;
pub(crate) mod pauses;
pub(crate) mod plans;
pub(crate) mod policy_events;
pub(crate) mod reviews;
pub(crate) mod risk;
pub(crate) mod suppressions;
pub(crate) mod usage;

pub use billing::BillingRow;
pub use conversations::Conversation;
pub use facts::{GuardAsk, GuardFacts};
pub use pauses::PauseRow;
pub use plans::{Entitled, PlanRow};
pub use policy_events::PolicyEventRow;
pub use reviews::{ReviewKind, ReviewRow, ReviewState};
pub use suppressions::SuppressionRow;
pub use usage::{Counted, UsagePeriod, UsageRow};
