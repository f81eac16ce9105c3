//! An installation: its directory, its database and its master keys, opened; and the application made of them.
//!
//! `serve`, `demo` and a command line without a running server all come through here.

pub mod data_dir;
pub mod database;
pub mod master_keys;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use gatepost_app::sso::SsoConfig;
use gatepost_app::{App, AppConfig, AppParts, PairLimit, SystemClock};
use gatepost_channels::sandbox::{Sandbox, SandboxConfig, SandboxHandle};
use gatepost_core::Entropy as _;
use gatepost_core::endpoint::RetrySchedule;
use gatepost_net::{
    Budgets, EgressConfig, Mailer, Resolver, SafeClient, TlsRoots, TrustedBudgets, TrustedClient, UrlPolicy,
};
use gatepost_store::Store;
use gatepost_vault::{MasterKeyring, SystemEntropy};

use self::data_dir::{DataDir, Places};
use self::master_keys::{Keeper, KeyPlace, forbid_dumps};
use crate::config::{Config, Settings, billing_config, guard_config, mail_config, sso_providers};
use crate::failure::{Failure, Result};
use crate::output::Output;

/// An installation that this process owns.
pub struct Installation {
    dir: DataDir,
    config: Config,
    store: Store,
    ring: MasterKeyring,
    keys: Arc<KeyPlace>,
    /// Whether the master key was made just now.
    pub key_made: bool,
    postgres: bool,
    resolver: Resolver,
    trusted: TrustedClient,
}

/// What the application is told by whoever runs it.
#[derive(Default)]
pub struct Surroundings {
    /// The sockets that this process listens on.
    pub listeners: Vec<SocketAddr>,
    /// Where the outside world reaches it.
    pub public_url: Option<String>,
}

/// A running application and what belongs to it.
pub struct Running {
    pub app: App,
    pub keeper: Keeper,
    /// Freed at the end.
    pub dir: DataDir,
}

impl Installation {
    /// Opens everything. The directory must belong to this process already.
    ///
    /// Errors: whatever makes it unsafe to go on, before anything is served: a wrong, weak or missing master key, a
    /// schema that does not fit, a database role with too much power.
    pub async fn open(dir: DataDir, settings: Settings) -> Result<Self> {
        forbid_dumps()?;
        let places = dir.places();
        let place = KeyPlace::choose(&settings, places.master_key())?;
        let config = settings.config;
        // A bad key is refused before a database is touched.
        let given = place.read()?;
        let postgres = config.database.url.is_some();
        let store = match &config.database.url {
            Some(url) => database::open_postgres(url).await?,
            None => database::open_sqlite(&places.database()).await?,
        };
        let (ring, key_made) = match given {
            Some(ring) => (ring, false),
            None if postgres => {
                return Err(master_keys::missing(
                    "a PostgreSQL store needs a master key that is given, and none is",
                ));
            }
            None if App::vault_is_fresh(&store).await? => (place.make()?, true),
            None => {
                let why = format!("the store was made with a master key, and {place} does not exist");
                return Err(master_keys::missing(&why));
            }
        };
        let resolver = resolver()?;
        let trusted = trusted_client(resolver.clone())?;
        let keys = Arc::new(place);
        Ok(Self { dir, config, store, ring, keys, key_made, postgres, resolver, trusted })
    }

    pub fn places(&self) -> Places {
        self.dir.places()
    }

    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    pub fn directory_made(&self) -> bool {
        self.dir.made
    }

    pub fn key_place(&self) -> &KeyPlace {
        &self.keys
    }

    pub const fn config(&self) -> &Config {
        &self.config
    }

    /// The way out to what the configuration names, the simulated Meta's callbacks among it.
    pub fn trusted(&self) -> TrustedClient {
        self.trusted.clone()
    }

    /// What the store is, for people.
    pub fn database(&self) -> String {
        if self.postgres { "PostgreSQL".to_owned() } else { self.places().database().display().to_string() }
    }

    /// A key that was just made is worth as much as all data under it: says so, loudly.
    pub fn tell_of_new_key(&self, output: Output) {
        if self.key_made {
            output.note(format_args!(
                "\n  A new master key was made: {}\n  BACK THIS UP, apart from the data: without it the data is gone.\n",
                self.keys
            ));
        }
    }

    /// Puts the application together and refuses keys that do not open what the store holds. Nothing runs yet.
    pub async fn start(self, around: Surroundings) -> Result<Running> {
        let mail = mailer(&self.config, self.resolver.clone())?;
        let policy = url_policy(&self.config.egress).with_own_listeners(around.listeners);
        let safe = SafeClient::new(Arc::new(policy), self.resolver, Budgets::default(), TlsRoots::System)
            .map_err(Failure::failed)?;
        let app = App::new(AppParts {
            config: AppConfig {
                send_journal: Some(self.dir.places().send_journal()),
                workspaces_self_service: self.config.workspaces.self_service,
                limits: self.config.limits.resolve().map_err(Failure::usage)?,
                sso: SsoConfig { providers: sso_providers(&self.config.sso)?, ..SsoConfig::default() },
                sessions: self.config.sessions.times(),
                tokens: self.config.sessions.tokens(),
                guard: guard_config(&self.config.guard)?,
                billing: billing_config(&self.config.billing)?,
                ..app_config(&self.config, around.public_url, !self.postgres)
            },
            store: self.store,
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
            ring: self.ring,
            safe,
            trusted: self.trusted,
            mail,
        });
        if let Err(error) = app.vault_check().await {
            let held = error.context().unwrap_or_else(|| error.detail()).to_owned();
            return Err(master_keys::missing(&format!("this is not the master key of this store: {held}")));
        }
        app.prepare().await?;
        let keeper = Keeper { app: app.clone(), place: self.keys };
        Ok(Running { app, keeper, dir: self.dir })
    }
}

/// The configured policy for URLs that customers choose.
pub fn url_policy(egress: &EgressConfig) -> UrlPolicy {
    UrlPolicy::new(egress.clone())
}

pub fn resolver() -> Result<Resolver> {
    Resolver::system().map_err(Failure::failed)
}

pub fn trusted_client(resolver: Resolver) -> Result<TrustedClient> {
    TrustedClient::new(resolver, TrustedBudgets::default(), TlsRoots::System).map_err(Failure::failed)
}

/// The way out for e-mail, where a mail server is configured.
fn mailer(config: &Config, resolver: Resolver) -> Result<Option<Mailer>> {
    let Some(mail) = mail_config(&config.mail)? else { return Ok(None) };
    Mailer::new(mail, resolver, TlsRoots::System)
        .map(Some)
        .map_err(|why| Failure::usage(format!("mail: {why}")))
}

/// The simulated Meta that test channels of this process talk to, on a free port of loopback.
pub async fn start_sandbox(config: SandboxConfig, http: TrustedClient) -> Result<SandboxHandle> {
    // Ids of two runs against one store must differ, so the seed is drawn.
    let seed = u64::from_le_bytes(SystemEntropy.bytes());
    let config = SandboxConfig { seed, ..config };
    Sandbox::start(config, http, Arc::new(SystemClock)).await.map_err(Failure::failed)
}

fn app_config(config: &Config, public_url: Option<String>, sole_owner: bool) -> AppConfig {
    let usual = AppConfig::default();
    let hours = config.retention.content_hours.map(|hours| Duration::from_secs(u64::from(hours) * 3600));
    let days = |days: u32| Duration::from_hours(u64::from(days) * 24);
    let url = config.server.public_url.clone().or(public_url).unwrap_or(usual.public_url);
    AppConfig {
        meta_base_url: config.meta.base_url.clone().unwrap_or(usual.meta_base_url),
        meta_base_urls: config.meta.base_urls.clone().unwrap_or(usual.meta_base_urls),
        meta_management_calls: config.meta.management_calls_per_hour.unwrap_or(usual.meta_management_calls),
        meta_graph_version: config.meta.graph_version.clone().unwrap_or(usual.meta_graph_version),
        public_url: url.trim_end_matches('/').to_owned(),
        send_pair_limit: PairLimit {
            every: config
                .meta
                .pair_seconds
                .map_or(usual.send_pair_limit.every, |seconds| Duration::from_secs(seconds.into())),
            burst: config.meta.pair_burst.unwrap_or(usual.send_pair_limit.burst).max(1),
        },
        content_retention: hours.unwrap_or(usual.content_retention),
        // Read with the file, which is refused where it is no schedule.
        retry_schedule: config
            .webhooks
            .retry_schedule
            .clone()
            .and_then(|seconds| RetrySchedule::new(seconds).ok())
            .unwrap_or(usual.retry_schedule),
        webhook_timeout: config.webhooks.timeout_seconds.map_or(usual.webhook_timeout, Duration::from_secs),
        dead_retention: config.retention.dead_letter_days.map_or(usual.dead_retention, days),
        log_retention: config.retention.log_days.map_or(usual.log_retention, days),
        workspace_grace: config.retention.deleted_workspace_days.map_or(usual.workspace_grace, days),
        audit_checkpoint_file: config.audit.checkpoint_file.clone(),
        passkey_ports: crate::server::listeners::operators_port(config).into_iter().collect(),
        drain: drain(config),
        sole_owner,
        ..AppConfig::default()
    }
}

/// How long a process that was told to stop finishes what is under way.
pub fn drain(config: &Config) -> Duration {
    config.server.drain_seconds.map_or(AppConfig::default().drain, Duration::from_secs)
}
