//! The server that is measured: the real application, store and router in this process, as `serve` puts them together.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use axum::serve::ListenerExt as _;
use gatepost_app::{
    App, AppConfig, AppParts, ChannelCreate, ChannelSource, EndpointCreate, GuardConfig, GuessRules,
    KeyCreate, MetaAppCreate, Outcome, SystemClock,
};
use gatepost_channels::sandbox::{SandboxApp, SandboxNumber};
use gatepost_core::access::{
    Grant, LocalOperator, OperatorGrant, OperatorPermission, Permission, Principal, Scope,
    operator_permission, permission,
};
use gatepost_core::channel::Mode;
use gatepost_core::endpoint::WebhookUrl;
use gatepost_core::guard::risk::RuleId;
use gatepost_core::guard::{Plan, PlanName};
use gatepost_core::job::JobKind;
use gatepost_core::{Clock as _, EmailAddress, EndpointId, MetaAppId, Secret, WorkspaceId};
use gatepost_net::{
    Budgets, EgressConfig, Exception, MailBudgets, MailConfig, MailSecurity, Mailer, Resolver, SafeClient,
    Scheme, TlsRoots, TrustedBudgets, TrustedClient, UrlPolicy,
};
use gatepost_store::engine::{Engine, PostgresOptions, SqliteOptions};
use gatepost_store::{MIGRATIONS, Store};
use gatepost_testdb::{APP_ROLE, TestPostgres};
use gatepost_vault::{MasterKey, MasterKeyring, SystemEntropy};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::error::{Failure, Result};
use crate::load::{Sender, Source};
use crate::meta::Meta;

/// Which engine, and where its data lies.
#[derive(Debug, Clone)]
pub enum Place {
    /// A fresh directory inside this one for each installation.
    Sqlite(PathBuf),
    /// A fresh database for each installation, on a server that ends with this process.
    Postgres,
}

/// A running installation.
pub struct Installation {
    pub app: App,
    pub address: SocketAddr,
    pub meta: Meta,
    serving: JoinHandle<()>,
    directory: Option<tempfile::TempDir>,
}

/// A workspace of the benchmark.
pub struct Tenant {
    pub principal: Arc<Principal>,
    pub key: String,
    /// All its channels are on it.
    app: TenantApp,
    /// One for each channel.
    pub senders: Vec<Sender>,
    pub sources: Vec<Source>,
}

/// A workspace's Meta app: our id of it, Meta's, and its secret.
struct TenantApp {
    id: MetaAppId,
    app_id: String,
    secret: Secret<String>,
}

impl TenantApp {
    /// Where its callbacks come in.
    fn path(&self) -> String {
        format!("/hooks/meta/{}", self.id)
    }
}

/// Tells one app, number or account from the others.
fn next_number() -> u32 {
    static NUMBER: AtomicU32 = AtomicU32::new(1);
    NUMBER.fetch_add(1, Ordering::Relaxed)
}

/// The only answer of a use case without an idempotency key.
pub fn fresh<V>(outcome: Outcome<V>) -> Result<V> {
    match outcome {
        Outcome::Fresh(value) => Ok(value),
        Outcome::Replayed(_) => Err(Failure::new("an answer was replayed where none was recorded")),
    }
}

/// A mail server that nobody calls.
fn mailer() -> Result<Mailer> {
    let config = MailConfig {
        server: "127.0.0.1".to_owned(),
        port: None,
        security: MailSecurity::Loopback,
        login: None,
        from: EmailAddress::parse("noreply@example.com").map_err(|why| Failure::new(why.to_string()))?,
        from_name: None,
        reply_to: None,
        budgets: MailBudgets::default(),
    };
    Ok(Mailer::new(config, no_names(), TlsRoots::Bundled)?)
}

/// Proof of an operator's permission.
pub fn operator<P: OperatorPermission>() -> Result<OperatorGrant<P>> {
    let own = rustix::process::geteuid().as_raw();
    Ok(LocalOperator::verify(own, own)?.grant())
}

/// The process's throwaway PostgreSQL server.
pub fn postgres() -> Result<TestPostgres> {
    TestPostgres::start().ok_or_else(|| Failure::new("no PostgreSQL server is installed"))
}

fn trusted() -> Result<TrustedClient> {
    Ok(TrustedClient::new(no_names(), TrustedBudgets::default(), TlsRoots::Bundled)?)
}

fn no_names() -> Resolver {
    Resolver::fixed([("localhost", vec![])])
}

/// The way out, with the exception that lets it reach the receiver on loopback.
pub fn safe() -> Result<SafeClient> {
    let exceptions = vec![Exception::new("127.0.0.1", None, Scheme::Http)?];
    let policy = UrlPolicy::new(EgressConfig { exceptions, ..EgressConfig::default() });
    Ok(SafeClient::new(Arc::new(policy), no_names(), Budgets::default(), TlsRoots::Bundled)?)
}

/// Load is what the risk rules are there to stop: here they measure everything and mind nothing.
fn unconcerned() -> Result<Plan> {
    let never = serde_json::json!({ "hold_at": u32::MAX, "block_at": u32::MAX });
    let rules: serde_json::Map<_, _> =
        RuleId::ALL.iter().map(|rule| (rule.as_str().to_owned(), never.clone())).collect();
    let plan = serde_json::json!({ "risk": { "rules": rules, "warm_up": [] } });
    Plan::parse(&plan.to_string()).map_err(Failure::new)
}

async fn open(place: &Place, directory: Option<&Path>) -> Result<Engine> {
    let now = SystemClock.now().micros();
    if let (Place::Sqlite(_), Some(directory)) = (place, directory) {
        let engine = Engine::sqlite(SqliteOptions::new(directory.join("gatepost.db"))).await?;
        engine.migrate(MIGRATIONS, None, now).await?;
        return Ok(engine);
    }
    let database = postgres()?.create_database();
    let owner = Engine::postgres(PostgresOptions::new(&database.owner_url)).await?;
    owner.migrate(MIGRATIONS, Some(APP_ROLE), now).await?;
    owner.shutdown().await;
    Ok(Engine::postgres(PostgresOptions::new(&database.app_url)).await?)
}

/// The plan of all workspaces.
const PLAN: &str = "benchmark";

impl Installation {
    /// A fresh one. Without workers, what is accepted stays queued.
    pub async fn start(place: &Place, workers: bool) -> Result<Self> {
        Self::start_with(place, workers, |config| config).await
    }

    /// A fresh one, with other settings than usual.
    pub async fn start_with(
        place: &Place,
        workers: bool,
        set: impl FnOnce(AppConfig) -> AppConfig,
    ) -> Result<Self> {
        Self::begin(place, workers, None, set).await
    }

    /// A fresh one that owes e-mails and hands none over, where nobody is slowed for guessing.
    pub async fn start_for_people(place: &Place) -> Result<Self> {
        let guessing = |config| AppConfig { guesses: GuessRules::off(), ..config };
        Self::begin(place, false, Some(mailer()?), guessing).await
    }

    async fn begin(
        place: &Place,
        workers: bool,
        mail: Option<Mailer>,
        set: impl FnOnce(AppConfig) -> AppConfig,
    ) -> Result<Self> {
        let directory = match place {
            Place::Sqlite(base) => Some(tempfile::Builder::new().prefix("installation-").tempdir_in(base)?),
            Place::Postgres => None,
        };
        let engine = open(place, directory.as_ref().map(tempfile::TempDir::path)).await?;
        let meta = Meta::start(trusted()?).await?;
        let master = MasterKey::generate(&SystemEntropy)?;
        let app = App::new(AppParts {
            config: set(AppConfig {
                meta_base_url: meta.base_url(),
                guard: GuardConfig { default_plan: Some(PLAN.into()), ..GuardConfig::default() },
                sole_owner: matches!(place, Place::Sqlite(_)),
                send_journal: directory.as_ref().map(|directory| directory.path().join("sends.journal")),
                ..AppConfig::default()
            }),
            store: Store::new(engine),
            clock: Arc::new(SystemClock),
            entropy: Arc::new(SystemEntropy),
            ring: MasterKeyring::new(master, Vec::new()),
            safe: safe()?,
            trusted: trusted()?,
            mail,
        });
        app.prepare().await?;
        app.vault_check().await?;
        app.join().await?;
        let plan = PlanName::parse(PLAN).map_err(Failure::new)?;
        app.plan_put(&operator::<operator_permission::WorkspaceManage>()?, plan, unconcerned()?).await?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let address = listener.local_addr()?;
        // Small answers are not held back; where it cannot be set the latencies show it.
        let listener = listener.tap_io(|stream| drop(stream.set_nodelay(true)));
        let router = gatepost_http::public_router(app.clone(), gatepost_http::Settings::default());
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        let serving = tokio::spawn(async move {
            // It ends when it is aborted.
            let _ = axum::serve(listener, service).await;
        });
        if workers {
            app.start_workers();
        }
        Ok(Self { app, address, meta, serving, directory })
    }

    /// A workspace with live channels on the simulated Meta, and an endpoint where `webhooks` names a port.
    pub async fn tenant(&self, channels: usize, webhooks: Option<u16>) -> Result<Tenant> {
        let app = &self.app;
        let manage = operator::<operator_permission::WorkspaceManage>()?;
        let workspace = app.workspace_create(&manage, "Example Ltd".to_owned(), None).await?.id;
        let principal = self.enter(workspace).await?;
        let key = KeyCreate {
            name: "benchmark".to_owned(),
            mode: Mode::Live,
            scopes: vec![Scope::Admin],
            channels: None,
            expires_at: None,
        };
        let key = fresh(app.key_create(&grant::<permission::KeyManage>(&principal)?, key, None).await?)?;
        let key = key.secret.expose().clone();
        if let Some(port) = webhooks {
            self.endpoint(&principal, port).await?;
        }
        let meta_app = self.add_app(&principal).await?;
        let mut tenant = Tenant { principal, key, app: meta_app, senders: Vec::new(), sources: Vec::new() };
        for _ in 0..channels {
            self.add_channel(&mut tenant).await?;
        }
        Ok(tenant)
    }

    /// An endpoint at the receiver's port.
    pub async fn endpoint(&self, principal: &Arc<Principal>, port: u16) -> Result<EndpointId> {
        let url = WebhookUrl::parse(&hook_url(port)).map_err(Failure::new)?;
        let endpoint = EndpointCreate::new(Mode::Live, url);
        let manage = grant::<permission::EndpointManage>(principal)?;
        Ok(fresh(self.app.endpoint_create(&manage, endpoint, None).await?)?.view.id)
    }

    async fn enter(&self, workspace: WorkspaceId) -> Result<Arc<Principal>> {
        let enter = operator::<operator_permission::WorkspaceEnter>()?;
        Ok(self.app.workspace_enter(&enter, workspace, gatepost_app::Visit::InProcess).await?)
    }

    /// A Meta app of the workspace's own, which tells nothing yet.
    async fn add_app(&self, principal: &Arc<Principal>) -> Result<TenantApp> {
        let app_id = format!("7000000{:06}", next_number());
        let secret = Secret::new(format!("{app_id:0>32}"));
        self.meta.add_app(SandboxApp {
            app_id: app_id.clone(),
            app_secret: secret.clone(),
            callback_url: None,
            verify_token: "not asked".to_owned(),
            require_proof: true,
        })?;
        let create = MetaAppCreate {
            name: "benchmark".to_owned(),
            app_id: app_id.clone(),
            app_secret: secret.clone(),
            graph_version: None,
            base_url: None,
        };
        let manage = grant::<permission::ChannelManage>(principal)?;
        let id = fresh(Box::pin(self.app.meta_app_create(&manage, create, None)).await?)?.id;
        Ok(TenantApp { id, app_id, secret })
    }

    async fn add_channel(&self, tenant: &mut Tenant) -> Result<()> {
        let number = next_number();
        let source = Source {
            path: tenant.app.path(),
            app_secret: tenant.app.secret.expose().clone(),
            phone_number_id: format!("8000000{number:06}"),
            waba_id: format!("9000000{number:06}"),
        };
        let token = Secret::new(format!("EAAbench{number:024}"));
        self.meta.add_number(SandboxNumber {
            phone_number_id: source.phone_number_id.clone(),
            waba_id: source.waba_id.clone(),
            app_id: tenant.app.app_id.clone(),
            token: token.clone(),
            display_phone_number: "+1 202-555-0100".to_owned(),
            verified_name: "Example Ltd".to_owned(),
        });
        let create = ChannelCreate {
            mode: Mode::Live,
            name: format!("Channel {number}"),
            source: ChannelSource::Cloud {
                phone_number_id: source.phone_number_id.clone(),
                waba_id: source.waba_id.clone(),
                access_token: token,
                meta_app: tenant.app.id,
            },
        };
        let manage = grant::<permission::ChannelManage>(&tenant.principal)?;
        let channel = fresh(Box::pin(self.app.channel_create(&manage, create, None)).await?)?;
        tenant.senders.push(Sender { key: tenant.key.clone(), channel: channel.id.to_string() });
        tenant.sources.push(source);
        Ok(())
    }

    /// From now on Meta tells what becomes of the tenant's messages.
    pub fn listen_to_meta(&self, tenant: &Tenant) {
        let url = format!("http://{}{}", self.address, tenant.app.path());
        self.meta.tell(&tenant.app.app_id, &url);
    }

    /// Jobs of one kind in the table.
    pub async fn jobs(&self, kind: JobKind) -> Result<i64> {
        let status = self.app.status(&operator::<operator_permission::StatusRead>()?).await?;
        Ok(status.work.iter().find(|lane| lane.kind == kind).map_or(0, |lane| lane.jobs))
    }

    /// Waits until no job of this kind is left.
    pub async fn done(&self, kind: JobKind, patience: Duration) -> Result<()> {
        let started = std::time::Instant::now();
        loop {
            let left = self.jobs(kind).await?;
            if left == 0 {
                return Ok(());
            }
            if started.elapsed() > patience {
                return Err(Failure::new(format!("{left} jobs of kind {kind} are left after {patience:?}")));
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Ends it as a signal would; its data goes.
    pub async fn stop(self) -> Result<()> {
        self.serving.abort();
        self.app.shutdown().await;
        self.meta.stop().await?;
        drop(self.directory);
        Ok(())
    }
}

/// Where a port of the receiver takes webhooks.
pub fn hook_url(port: u16) -> String {
    format!("http://127.0.0.1:{port}/hook")
}

/// Proof of a permission.
pub fn grant<P: Permission>(principal: &Arc<Principal>) -> Result<Grant<P>> {
    Ok(principal.grant::<P>()?)
}
