//! What the operator can set of the application.

use std::path::PathBuf;
use std::time::Duration;

use gatepost_core::access::SessionTimes;
use gatepost_core::endpoint::RetrySchedule;

use crate::billing::BillingConfig;
use crate::guard::GuardConfig;
use crate::limits::LimitConfig;
use crate::people::{GuessRules, TokenTimes};
use crate::sending::PairLimit;
use crate::sso::SsoConfig;

/// Settings of the application; the binary's configuration file fills them.
#[derive(Debug, Clone)]
pub struct AppConfig {
    /// Where live channels find Meta.
    pub meta_base_url: String,
    /// Where else a Meta app may be told to find Meta: nowhere but at these and at `meta_base_url`.
    pub meta_base_urls: Vec<String>,
    /// Calls an hour that manage things at Meta, for one Meta app and account: 200 as Meta gives to accounts that have not
    /// sent yet, up to 5,000 for active ones.
    pub meta_management_calls: u32,
    /// `v25.0`.
    pub meta_graph_version: String,
    /// The limit of one call to Meta.
    pub meta_timeout: Duration,
    /// Where Meta's callbacks reach this installation, without a path; shown to people who set up an app.
    pub public_url: String,
    /// Further ports of that host at which pages of ours take the same passkeys: the operators' listener.
    pub passkey_ports: Vec<u16>,
    /// How long a claimed job stays with its claimer.
    pub job_lease: Duration,
    /// How long a node's word counts after its last sign of life.
    pub node_lease: Duration,
    /// How often a node renews its lease and looks for revoked credentials and due work.
    pub heartbeat: Duration,
    /// How long to wait for a status of a message whose answer was cut, before it fails as `outcome_unknown`.
    pub outcome_wait: Duration,
    /// How long message content and event payloads are kept.
    pub content_retention: Duration,
    /// For how long after its event a delivery that is dead keeps the event's content, so that it can be sent again.
    pub dead_retention: Duration,
    /// How long events, deliveries and attempts are kept, without their contents.
    pub log_retention: Duration,
    /// How long a deleted workspace can be brought back, before its keys are destroyed.
    pub workspace_grace: Duration,
    /// The limit of one webhook attempt.
    pub webhook_timeout: Duration,
    /// Attempts of one endpoint under way at once.
    pub webhook_parallel: usize,
    /// Attempts of all endpoints under way at once, of those that answer; others have less.
    pub webhook_total: usize,
    /// When a failed delivery is tried again, for endpoints without a schedule of their own.
    pub retry_schedule: RetrySchedule,
    /// Sends of one channel under way at once.
    pub send_parallel: usize,
    /// How often one channel may write to one person.
    pub send_pair_limit: PairLimit,
    /// How often a send that Meta asks to repeat is repeated.
    pub send_attempts: i64,
    /// Streams of events.
    pub streams: StreamConfig,
    /// How long audit entries wait for a signed checkpoint at most.
    pub audit_checkpoint_every: Duration,
    /// A file (or a directory for one) that checkpoints of the audit log are appended to, in a second place.
    pub audit_checkpoint_file: Option<PathBuf>,
    /// How fast callers of the API may be.
    pub limits: LimitConfig,
    /// How long people's sessions live.
    pub sessions: SessionTimes,
    /// Whether whoever owns a workspace may make another; otherwise operators alone make them.
    pub workspaces_self_service: bool,
    /// Signing in with identity providers.
    pub sso: SsoConfig,
    /// How long access tokens and those that renew them live.
    pub tokens: TokenTimes,
    /// The rules of what may be sent.
    pub guard: GuardConfig,
    /// The one who bills; `None`: nobody is believed to be.
    pub billing: Option<BillingConfig>,
    /// How many guesses at passwords and codes are looked at.
    pub guesses: GuessRules,
    /// How long shutdown waits for work under way.
    pub drain: Duration,
    /// Where this process notes which sends have begun; a directory that it owns alone. `None`: nowhere.
    pub send_journal: Option<PathBuf>,
    /// True where this process owns the database alone (SQLite): leases of earlier processes are void.
    pub sole_owner: bool,
}

impl Default for AppConfig {
    fn default() -> Self {
        Self {
            meta_base_url: "https://graph.facebook.com".to_owned(),
            meta_base_urls: vec![
                "https://graph.facebook.com".to_owned(),
                "https://api.facebook.com".to_owned(),
            ],
            meta_management_calls: gatepost_channels::cloud::MANAGEMENT_CALLS_PER_HOUR,
            meta_graph_version: "v25.0".to_owned(),
            meta_timeout: Duration::from_secs(30),
            public_url: "http://localhost:8080".to_owned(),
            passkey_ports: Vec::new(),
            job_lease: Duration::from_mins(1),
            node_lease: Duration::from_secs(3),
            heartbeat: Duration::from_millis(250),
            outcome_wait: Duration::from_mins(5),
            content_retention: Duration::from_hours(72),
            dead_retention: Duration::from_hours(30 * 24),
            log_retention: Duration::from_hours(30 * 24),
            workspace_grace: Duration::from_hours(30 * 24),
            webhook_timeout: Duration::from_secs(15),
            webhook_parallel: 64,
            webhook_total: 1_024,
            retry_schedule: RetrySchedule::default(),
            send_parallel: 256,
            send_pair_limit: PairLimit::default(),
            send_attempts: 12,
            streams: StreamConfig::default(),
            audit_checkpoint_every: crate::audit::CHECKPOINT_EVERY,
            audit_checkpoint_file: None,
            limits: LimitConfig::default(),
            sessions: SessionTimes::default(),
            workspaces_self_service: false,
            sso: SsoConfig::default(),
            tokens: TokenTimes::default(),
            guard: GuardConfig::default(),
            billing: None,
            guesses: GuessRules::default(),
            drain: Duration::from_secs(20),
            send_journal: None,
            sole_owner: true,
        }
    }
}

/// Settings of streams of events.
#[derive(Debug, Clone)]
pub struct StreamConfig {
    /// After so much silence a stream says that it is there, so that nobody in between takes it for dead.
    pub heartbeat: Duration,
    /// How often other nodes' events are looked for, where there may be other nodes and somebody listens.
    pub poll: Duration,
    /// How long a listener may leave unread what was said to it, before it is cut.
    pub stall: Duration,
    /// How long a client should wait before it connects again.
    pub retry: Duration,
    /// Streams of one API key at once, on one node.
    pub per_key: usize,
    /// Streams of one workspace at once, on one node: so many that none takes the place of all others.
    pub per_workspace: usize,
    /// Streams of this process at once.
    pub per_process: usize,
}

impl Default for StreamConfig {
    fn default() -> Self {
        Self {
            heartbeat: Duration::from_secs(15),
            poll: Duration::from_millis(250),
            stall: Duration::from_secs(10),
            retry: Duration::from_secs(2),
            per_key: 20,
            per_workspace: 500,
            per_process: 2_000,
        }
    }
}
