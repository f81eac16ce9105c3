//! The JSON of the API: what is taken in and what is answered.
//!
//! Requests are read field by field into domain values ([`crate::json`]); the structs of answers are written from the
//! application's views. Both carry their OpenAPI schema, and tests hold the two together.

mod access_rule;
mod audit;
mod channel;
mod compat_otp;
mod consent;
mod content;
mod delivery;
mod endpoint;
mod endpoint_ask;
mod event;
mod event_list;
mod guard_settings;
mod identity_provider;
mod installation;
mod key;
mod keyword;
mod media;
mod member;
mod message;
mod meta_app;
mod number;
mod operators;
mod parse;
mod pause;
mod plan;
mod policy_event;
mod replay;
mod review;
mod setup;
mod suppression;
mod template;
mod template_fill;
mod test_event;
mod token;
mod user;
mod verification;
mod verification_page;
mod verification_settings;
mod verification_stats;
mod workspace;

pub use access_rule::{Allowlist, AllowlistSet, LimitSet, Limits, Origins, OriginsSet};
pub use audit::{AuditCheckpoints, AuditEntry};
pub use channel::{Channel, ChannelCreate, ChannelUpdate};
pub use compat_otp::{
    IpAdd, IpList, IpToggle, OtpError, OtpReverseStart, OtpReverseStarted, OtpSession, OtpStart, OtpStarted,
    OtpStartedPlain, OtpVerified, OtpVerifiedPlain, OtpVerify, entry_id,
};
pub use consent::{Consent, ConsentRecord};
pub use delivery::{Attempt, Delivery, DeliveryRetry, EventResend, EventResent};
pub use endpoint::{Endpoint, EndpointWithSecret, WebhookKeys};
pub use endpoint_ask::{EndpointCreate, EndpointSecretRotate, EndpointTest, EndpointUpdate};
pub use event::{Event, webhook_schema};
pub use event_list::EventList;
pub use guard_settings::{GuardSettings, GuardSettingsSet};
pub use identity_provider::{IdentityProvider, IdentityProviderCreate, IdentityProviderUpdate};
pub use installation::{MailTest, MailTested, Status, UserRecover, UserRecovered, Vault};
pub use key::{Key, KeyCreate, KeyRotate, KeyWithSecret};
pub use keyword::{Keyword, KeywordsAdd, KeywordsAdded};
pub use media::Media;
pub use member::{
    Invitation, InvitationNew, InvitationWithLink, Member, MemberAdd, MemberUpdate, OwnershipTransfer,
    WorkspaceDelete, WorkspaceOwn, WorkspaceUpdate,
};
pub use message::{Message, MessageRead, MessageSend};
pub use meta_app::{MetaApp, MetaAppCreate, MetaAppUpdate, MetaAppWithToken};
pub use number::{
    ChannelCheck, CodeRequest, CodeVerify, NumberPin, NumberRegister, NumberSettings, Profile, ProfileUpdate,
    SettingsChange, Subscription, SubscriptionSet,
};
pub use operators::{
    OperatorLogEntry, OperatorPerson, OperatorSession, OperatorSet, OperatorVisit, OperatorVisitCreate,
    PlanSet, ReasonGive, ReviewSet, Standing, WorkspaceWithStanding,
};
pub use parse::NAME_MAX;
pub use pause::{Pause, PauseSet};
pub use plan::{AcceptableUse, PlanPut, PlanShown, SubscriptionStateSet, Usage};
pub use policy_event::{MessageExplained, PolicyEvent};
pub use replay::{Replay, ReplayCreate};
pub use review::Review;
pub use setup::SetupToken;
pub use suppression::{GuardReason, Suppression, SuppressionAdd, SuppressionImport};
pub use template::{Template, TemplateCreate, TemplateSync, TemplateSynced, TemplateUpdate};
pub use template_fill::{TemplatePreview, TemplatePreviewAsk, TemplateTestSend};
pub use test_event::EventTrigger;
pub use token::{TokenIssue, TokenRefresh, TokenRevoke, Tokens};
pub use user::{User, UserNew};
pub use verification::{Verification, VerificationCheck, VerificationCreate};
pub use verification_page::{PageResult, VerificationPage, VerificationPageCreate, VerificationResultTake};
pub use verification_settings::{VerificationCountry, VerificationSettings, VerificationSettingsSet};
pub use verification_stats::VerificationStats;
pub use workspace::{Workspace, WorkspaceCreate};
