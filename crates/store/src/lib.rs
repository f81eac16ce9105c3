//! All SQL of Gatepost, on both engines.
//!
//! Threat note. Defends against: one workspace's code reading or writing another's rows. Workspace data has methods on
//! [`WorkspaceTx`] only, which binds the workspace's id itself; a [`WorkspaceScope`] comes from a grant or from a
//! claimed job; keys and references are composite; PostgreSQL adds row level security; content is sealed with the
//! workspace in its associated data. Does not defend against: whoever holds the database *and* the master key.

pub mod engine;

mod access_rules;
mod api_keys;
mod audit;
mod audit_checkpoints;
mod callbacks;
mod channels;
mod contacts;
mod deliveries;
mod delivery_jobs;
mod endpoint_tests;
mod endpoints;
mod error;
mod events;
mod gauges;
mod guard;
mod idempotency;
mod jobs;
mod mails;
mod media;
mod messages;
mod meta_apps;
mod migrations;
mod nodes;
mod notices;
mod operators;
mod people;
mod replays;
mod retention;
mod scope;
mod store;
mod templates;
mod verifications;
mod webhook_keys;
mod workspace_end;
mod workspaces;
mod wrapped_keys;

pub use access_rules::AccessRuleRow;
pub use api_keys::ApiKeyRow;
pub use audit::{AuditFilter, AuditRow};
pub use callbacks::{CallbackRoute, EnvelopeRow, ItemKey};
pub use channels::ChannelRow;
pub use contacts::{ContactNames, ContactRow, IndexPair, Upserted};
pub use deliveries::{AttemptRow, DeliveryHead, DeliveryRange, DeliveryRecord, DeliveryRow, NewDelivery};
pub use delivery_jobs::{DeliveryJob, DeliveryWork};
pub use endpoint_tests::EndpointTestWork;
pub use endpoints::{EndpointHealth, EndpointRow, EndpointTarget};
pub use events::{EventHead, EventRow, NewEvent};
pub use gauges::{EndpointHealths, JOBS_COUNTED_MAX};
pub use guard::{
    BillingRow, ConsentRow, Conversation, Counted, Entitled, GuardAsk, GuardFacts, KeywordRow, PauseRow,
    PlanRow, PolicyEventRow, QueuedSend, ReviewKind, ReviewRow, ReviewState, Suppressed,
    SuppressionImportRow, SuppressionRow, UsagePeriod, UsageRow,
};
pub use idempotency::Recorded;
pub use jobs::{Claimed, LaneKey, NewJob};
pub use mails::{MAIL_LANE, MailCounts, MailRow, MailState, NewMail, OWNERS_MAIL, OwnersMail};
pub use media::MediaRow;
pub use messages::{MessageChange, MessageRow, MessageStatusRow, NewInbound, NewOutbound};
pub use meta_apps::{MetaAppRemoval, MetaAppRow};
pub use migrations::MIGRATIONS;
pub use nodes::NodeRow;
pub use notices::{NewNotice, NoticeRow};
pub use operators::{LogAsk, LogBody, LogRow, LogSource, StandingRow, VisitRow, WorkspaceCounts};
pub use people::{
    FactorCount, FailureCount, IdentityProviderRow, IdentityRow, MemberRow, PasskeyRow, SeatRow, SessionRow,
    TicketKind, TicketRow, UserNoticeRow, UserRow,
};
pub use people::{InvitationInsert, InvitationRow};
pub use replays::{ReplayRow, ReplayStep, Revival};
pub use retention::floor_id;
pub use scope::WorkspaceScope;
pub use store::{Committed, Store, SystemTx, WorkspaceTx};
pub use templates::{TemplateAccount, TemplateFilter, TemplateRow};
pub use verifications::{VerificationCount, VerificationFacts, VerificationPageRow, VerificationRow};
pub use webhook_keys::WebhookKeyRow;
pub use workspace_end::SWEPT;
pub use workspaces::{WorkspaceRow, WorkspaceRules};
pub use wrapped_keys::WrappedKeyRow;

use engine::Stmt;

/// Every statement there is, for the test that prepares each on both engines.
pub fn all_statements() -> Vec<&'static Stmt> {
    [
        access_rules::ALL,
        api_keys::ALL,
        audit::ALL,
        audit_checkpoints::ALL,
        callbacks::ALL,
        channels::ALL,
        contacts::ALL,
        deliveries::ALL,
        delivery_jobs::ALL,
        endpoint_tests::ALL,
        endpoints::ALL,
        events::ALL,
        gauges::ALL,
        guard::billing::ALL,
        guard::consents::ALL,
        guard::conversations::ALL,
        guard::facts::ALL,
        guard::imports::ALL,
        guard::keywords::ALL,
        guard::pauses::ALL,
        guard::plans::ALL,
        guard::policy_events::ALL,
        guard::queued::ALL,
        guard::reviews::ALL,
        guard::risk::ALL,
        guard::suppressions::ALL,
        guard::usage::ALL,
        idempotency::ALL,
        jobs::ALL,
        mails::ALL,
        media::ALL,
        messages::ALL,
        meta_apps::ALL,
        nodes::ALL,
        notices::ALL,
        people::factors::ALL,
        people::invitations::ALL,
        people::identities::ALL,
        operators::logs::ALL,
        operators::roles::ALL,
        operators::standing::ALL,
        operators::visits::ALL,
        people::members::ALL,
        people::notices::ALL,
        people::providers::ALL,
        people::sessions::ALL,
        people::tickets::ALL,
        people::users::ALL,
        replays::ALL,
        retention::ALL,
        templates::ALL,
        verifications::ALL,
        verifications::counters::ALL,
        verifications::settings::ALL,
        verifications::stats::ALL,
        verifications::pages::ALL,
        verifications::spoken::ALL,
        webhook_keys::ALL,
        workspace_end::ALL,
        workspaces::ALL,
        wrapped_keys::ALL,
    ]
    .concat()
}
