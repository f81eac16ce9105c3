//! The use cases and job handlers of Gatepost: one function, one transaction.
//!
//! Every use case takes proof of permission first (a grant). Parsing, hashing and sealing happen before the
//! transaction; the network is called with none open; what must follow a change is a job in the same transaction.

mod accepting;
mod access_rules;
mod api_keys;
mod audit;
mod billing;
mod callbacks;
mod channel_checks;
mod channel_reports;
mod channel_state;
mod channels;
mod choices;
mod config;
mod consents;
mod credentials;
mod deleted;
mod deliveries;
mod delivering;
mod endpoints;
mod event_log;
mod events;
mod gauges;
mod guard;
mod idempotency;
mod inbound;
mod journal;
mod keywords;
mod lanes;
mod limits;
mod mail;
mod media;
mod messages;
mod meta_apps;
mod nodes;
mod notices;
mod numbers;
mod operators;
mod outcome;
mod pages;
mod people;
mod reading;
mod replays;
mod resends;
mod results;
mod retention;
mod sealing;
mod sending;
pub mod sso;
mod status;
mod store_away;
mod streams;
mod suppressions;
mod system;
mod templates;
mod test_channels;
mod triggering;
mod vault;
mod verifications;
mod well_formed;
mod workspaces;

use std::sync::{Arc, OnceLock};

use gatepost_channels::cloud::CloudClient;
use gatepost_channels::sandbox::SandboxHandle;
use gatepost_core::{Clock, Entropy, NodeId, Result, Timestamp};
use gatepost_net::{Mailer, SafeClient, TrustedClient};
use gatepost_store::Store;
use gatepost_vault::MasterKeyring;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use access_rules::{AllowlistChange, AllowlistView, LimitView, ORIGINS_MAX};
pub use api_keys::{KeyCreate, KeyCreated, KeyView};
pub use audit::{
    AuditExport, AuditQuery, AuditView, Checked, CheckpointView, Elsewhere, ExportFormat, LogView, Visit,
    public_key_of, verify_export, verify_store,
};
pub use billing::{BillingConfig, VerifiedBilling};
pub use callbacks::VerifiedCallback;
pub use channel_checks::{ChannelLook, FindingView};
pub use channels::{ChannelCreate, ChannelSource, ChannelUpdate, ChannelView};
pub use config::{AppConfig, StreamConfig};
pub use consents::{ConsentRecord, ConsentView};
pub use deliveries::{AttemptView, DeliveryQuery, DeliveryView};
pub use endpoints::{
    DEAD_LETTERS_COUNTED, ENDPOINTS_MAX, EndpointCreate, EndpointCreated, EndpointTested, EndpointUpdate,
    EndpointView, WebhookKeyView,
};
pub use event_log::{EventBegin, EventPage, EventQuery, EventSelection, EventView};
pub use guard::{
    AcceptableUse, Explained, GuardConfig, PauseView, ReviewView, UsageOf, UsageView, pause_scope,
};
pub use idempotency::{Idempotent, Outcome};
pub use keywords::{KEYWORDS_AT_ONCE, KeywordView};
pub use limits::{
    Admission, Asked, LimitConfig, LimitDecision, Limiter, LocalLimiter, Subject as LimitSubject,
};
pub use mail::MailTested;
pub use media::{MediaContent, MediaUpload, MediaView, UploadStream};
pub use messages::{MessageSend, MessageView};
pub use meta_apps::{MetaAppCreate, MetaAppUpdate, MetaAppView};
pub use notices::NoticeView;
pub use numbers::{SubscriptionLevel, SubscriptionView};
pub use operators::{
    LogEntry, LogKind, LogQuery, LogSubject, OperatorView, OperatorVisitOpen, OperatorVisitView, PlanView,
    StandingView, WorkspaceDetail,
};
pub use pages::{Page, PageQuery};
pub use people::{
    Caller, Device, FactorAdded, FactorsOffered, FactorsView, GuessRules, IdentityProviderCreate,
    IdentityProviderUpdate, IdentityProviderView, IdentityView, PROVIDERS_MAX, PasskeyStart, PasskeyView,
    Proof, ProofsOffered, RecoveryLink, SeatView, SecondFactor, SessionBegun, SessionView, SetupAsk,
    SetupDone, SetupToken, SignIn, SsoDone, SsoFinished, SsoOffer, SsoStarted, SsoWish, TokenTimes,
    TokensIssued, TotpEnrolment, UserCreate, UserView,
};
pub use people::{
    INVITATION_LIVES, INVITATIONS_MAX, InvitationCreate, InvitationLook, InvitationSent, InvitationView,
    MEMBERS_MAX, MemberView, WorkspaceChange, WorkspaceSettings,
};
pub use replays::{ReplayCreate, ReplayView};
pub use resends::EventResent;
pub use sending::PairLimit;
pub use status::{LaneStatus, MailStatus, NodeStatus, Status};
pub use streams::{EventStream, StreamEnd, StreamQuery, StreamStep};
pub use suppressions::{
    ImportFault, ImportFile, REASON_MAX, SUPPRESSIONS_FILE_MAX, SuppressionAdd, SuppressionExport,
    SuppressionImportView, SuppressionView, suppression_reason,
};
pub use system::SystemClock;
pub use templates::{
    TemplateChange, TemplateCreate, TemplateDraft, TemplateQuery, TemplateSynced, TemplateTestSend,
    TemplateView,
};
pub use triggering::{EventTrigger, EventTriggered};
pub use vault::{MasterKeyUse, VaultStatus};
pub use verifications::pages::{
    OpenPage, PageVisit, VerificationPageCreate, VerificationPageView, VerificationResult, is_page_token,
};
pub use verifications::{
    VerificationInvite, VerificationInvited, VerificationSettingsView, VerificationStart, VerificationStats,
    VerificationStatsAsk, VerificationView, VerifiedCountry,
};
pub use workspaces::WorkspaceView;

/// What numbers at Meta take and tell, for whoever reads and shows it.
pub use gatepost_channels::cloud::{
    BusinessProfile, CallbackOverride, CodeMethod, NumberSetting, Pin, ProfileChange, SubscribedApp,
    WebhookConfiguration,
};

/// What the guard keeps, for whoever shows it.
pub use gatepost_store::{PolicyEventRow, ReviewKind, ReviewState};

/// What checking an audit log takes and tells.
pub use gatepost_vault::audit::{CheckpointPublicKey, Fault, Finding, Verified};

/// For fingerprints of requests ([`Idempotent::request`]), so that only the vault brings cryptography.
pub use gatepost_vault::sha256;

/// What an [`App`] is made of.
pub struct AppParts {
    pub config: AppConfig,
    pub store: Store,
    pub clock: Arc<dyn Clock>,
    pub entropy: Arc<dyn Entropy>,
    pub ring: MasterKeyring,
    /// The way out to URLs that customers chose.
    pub safe: SafeClient,
    /// The way out to what the operator's configuration names.
    pub trusted: TrustedClient,
    /// The way out for e-mail; `None`: this installation sends none.
    pub mail: Option<Mailer>,
}

/// The application. Cheap to clone.
#[derive(Clone)]
pub struct App(Arc<Inner>);

struct Inner {
    config: AppConfig,
    node: NodeId,
    started_at: Timestamp,
    store: Store,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    sealing: sealing::Sealing,
    credentials: credentials::Credentials,
    people: people::Sessions,
    sso: sso::RelyingParty,
    refusals: audit::Refusals,
    checkpoints: Arc<audit::Checkpoints>,
    limiter: Box<dyn Limiter>,
    apps: meta_apps::AppCache,
    safe: SafeClient,
    cloud: CloudClient,
    mail: Option<Mailer>,
    sandbox: OnceLock<SandboxHandle>,
    courier: delivering::Courier,
    lanes: lanes::Lanes,
    deleted: deleted::Deleted,
    journal: OnceLock<journal::SendJournal>,
    transfers: Arc<media::Transfers>,
    gauges: gauges::Gauges,
    streams: Arc<streams::Streams>,
    texts: guard::Texts,
    words: choices::Words,
    names: guard::KnownNames,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl App {
    /// Puts the parts together. Nothing runs yet: see [`App::join`] and [`App::start_workers`].
    pub fn new(parts: AppParts) -> Self {
        let AppParts { config, store, clock, entropy, ring, safe, trusted, mail } = parts;
        let started_at = clock.now();
        let node = NodeId::new(started_at, entropy.as_ref());
        let checkpoints = Arc::<audit::Checkpoints>::default();
        let noting = Arc::clone(&checkpoints);
        store.on_audited(move |scope, seq| noting.audited(scope, seq));
        let sealing = sealing::Sealing::new(store.clone(), Arc::clone(&clock), Arc::clone(&entropy), ring);
        let cloud = CloudClient::new(trusted)
            .with_timeout(config.meta_timeout)
            .with_management_limit(config.meta_management_calls);
        let stop = CancellationToken::new();
        let streams = Arc::new(streams::Streams::new(config.streams.clone(), stop.child_token()));
        let told = Arc::clone(&streams);
        store.on_events(move |workspace| told.tell(workspace));
        let sso = sso::RelyingParty::new(
            safe.clone(),
            Arc::clone(&clock),
            Arc::clone(&entropy),
            config.sso.clone(),
        );
        Self(Arc::new(Inner {
            sso,
            credentials: credentials::Credentials::new(),
            people: people::Sessions::new(),
            refusals: audit::Refusals::new(),
            checkpoints,
            limiter: Box::new(LocalLimiter::default()),
            apps: meta_apps::AppCache::new(),
            courier: delivering::Courier::new(config.webhook_total),
            lanes: lanes::Lanes::default(),
            deleted: deleted::Deleted::default(),
            journal: OnceLock::new(),
            sandbox: OnceLock::new(),
            transfers: Arc::default(),
            gauges: gauges::Gauges::default(),
            streams,
            texts: guard::Texts::default(),
            words: choices::Words::default(),
            names: guard::KnownNames::default(),
            tasks: TaskTracker::new(),
            stop,
            config,
            node,
            started_at,
            store,
            clock,
            entropy,
            sealing,
            safe,
            cloud,
            mail,
        }))
    }

    pub fn now(&self) -> Timestamp {
        self.0.clock.now()
    }

    pub fn entropy(&self) -> &dyn Entropy {
        self.0.entropy.as_ref()
    }

    pub fn config(&self) -> &AppConfig {
        &self.0.config
    }

    pub fn store(&self) -> &Store {
        &self.0.store
    }

    pub fn node(&self) -> NodeId {
        self.0.node
    }

    /// Whether this node can do its work: the database answers and our lease is live.
    pub async fn ready(&self) -> Result<()> {
        self.0.store.read_system(async |tx| tx.credential_epoch().await.map(drop)).await
    }

    /// Finishes what is under way (bounded), gives up the lease, closes the store.
    pub async fn shutdown(&self) {
        self.0.stop.cancel();
        self.0.tasks.close();
        if tokio::time::timeout(self.0.config.drain, self.0.tasks.wait()).await.is_err() {
            tracing::warn!(
                "work was still under way at the end of the drain time; it will be taken up again"
            );
        }
        self.checkpoints_make().await;
        self.leave().await;
        self.0.store.engine().shutdown().await;
    }
}
