//! One installation in process, with tenants.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use gatepost_app::{
    App, AppConfig, AppParts, GuardConfig, GuessRules, KeyCreate, LimitConfig, Outcome, SystemClock,
    UserCreate, Visit,
};
use gatepost_channels::sandbox::{Sandbox, SandboxConfig, SandboxHandle};
use gatepost_core::access::{
    LocalOperator, OperatorGrant, OperatorRole, Scope, operator_permission, permission,
};
use gatepost_core::channel::Mode;
use gatepost_core::verification::fraud::FraudRules;
use gatepost_core::{Clock, EmailAddress, Result, WorkspaceId};
use gatepost_http::{Locks, Proxies};
use gatepost_net::{
    Budgets, EgressConfig, Exception, Mailer, Resolver, SafeClient, Scheme, TlsRoots, TrustedBudgets,
    TrustedClient, UrlPolicy,
};
use gatepost_store::engine::{Engine, PostgresOptions, SqliteOptions};
use gatepost_store::{MIGRATIONS, Store};
use gatepost_testdb::{APP_ROLE, OWNER_ROLE, TestPostgres};
use gatepost_vault::{MasterKey, MasterKeyring, SystemEntropy};
use tokio::net::TcpListener;

use crate::client::Client;
use crate::clock::TestClock;

/// The engines a test runs on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engines {
    Sqlite,
    Postgres,
}

impl Engines {
    /// SQLite always; PostgreSQL where a server is installed (or required).
    pub fn available() -> Vec<Self> {
        let mut engines = vec![Self::Sqlite];
        if TestPostgres::start().is_some() {
            engines.push(Self::Postgres);
        }
        engines
    }
}

/// What a world is made with.
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub struct Setup {
    pub engine: Engines,
    pub sandbox: SandboxConfig,
    pub workers: bool,
    /// Whether webhooks may go to loopback, as by an operator's exception; the receivers of tests listen there.
    pub loopback: bool,
    /// One connection for writing and one for reading (PostgreSQL), so that every workspace shares them.
    pub few_connections: bool,
    pub config: AppConfig,
    /// Where e-mails go; `None`: the installation sends none.
    pub mail: Option<Mailer>,
    /// The proxies in front of the server.
    pub proxies: Proxies,
    /// Which locks of forms are shut; all of them, unless a test looks at one of them alone.
    pub locks: Locks,
    /// Whether people open it by the machine's name (`http://localhost:PORT`, where passkeys work), as they do where a
    /// server was told nothing else.
    pub named: bool,
    /// Whether somebody is its operator already, who never signs in: until then every page leads to the set-up.
    pub set_up: bool,
}

impl Setup {
    pub fn new(engine: Engines) -> Self {
        let config = AppConfig {
            heartbeat: Duration::from_millis(50),
            sole_owner: engine == Engines::Sqlite,
            drain: Duration::from_secs(5),
            // Tests of other things ask as fast as they can.
            limits: LimitConfig::off(),
            guesses: GuessRules::off(),
            guard: GuardConfig { verification_rules: FraudRules::off(), ..GuardConfig::default() },
            ..AppConfig::default()
        };
        Self {
            engine,
            sandbox: SandboxConfig::default(),
            workers: true,
            loopback: true,
            few_connections: false,
            config,
            mail: None,
            proxies: Proxies::default(),
            locks: Locks::default(),
            named: false,
            set_up: true,
        }
    }

    /// The same with a simulated Meta in the place of Meta itself, for live channels.
    #[must_use]
    pub fn with_meta(mut self, meta: &SandboxHandle) -> Self {
        self.config.meta_base_url = meta.base_url();
        self
    }
}

/// Where a world's data lies, for a second node or a restart.
#[derive(Clone)]
enum Place {
    Sqlite(std::path::PathBuf),
    Postgres { app: String, superuser: String },
}

/// An installation.
pub struct World {
    pub app: App,
    pub store: Store,
    pub base: String,
    pub clock: Arc<TestClock>,
    /// The master key, in hex; a test that rotates it sets the new one for those who come after.
    pub master: String,
    place: Place,
    // Declared last: it goes after what lies in it.
    _directory: Option<tempfile::TempDir>,
}

/// A workspace and keys of each scope.
pub struct Tenant {
    pub workspace: WorkspaceId,
    /// A test-mode key that may do everything.
    pub admin: Client,
    pub admin_key: String,
}

fn roots() -> TlsRoots {
    TlsRoots::Bundled
}

/// A policy as a fresh installation has it; with `loopback` the test's receivers can be reached.
fn policy(loopback: bool) -> UrlPolicy {
    let exception = || Exception::new("127.0.0.1", None, Scheme::Http).expect("an exception");
    let exceptions = loopback.then(exception).into_iter().collect();
    UrlPolicy::new(EgressConfig { exceptions, ..EgressConfig::default() })
}

fn trusted() -> TrustedClient {
    TrustedClient::new(Resolver::fixed([("localhost", vec![])]), TrustedBudgets::default(), roots())
        .expect("a trusted client")
}

impl World {
    /// A fresh installation on one engine.
    ///
    /// # Panics
    /// When something does not start.
    pub async fn start(setup: Setup) -> Self {
        // Everything that a server is made of is in it: too large for the stack of each test.
        Box::pin(Self::begin(setup)).await
    }

    async fn begin(setup: Setup) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let place = match setup.engine {
            Engines::Sqlite => Place::Sqlite(directory.path().join("gatepost.db")),
            Engines::Postgres => {
                let database = TestPostgres::start().expect("PostgreSQL is installed").create_database();
                let owner = Engine::postgres(PostgresOptions::new(&database.owner_url))
                    .await
                    .expect("the owner connects");
                owner
                    .migrate(MIGRATIONS, Some(APP_ROLE), SystemClock.now().micros())
                    .await
                    .expect("migrations");
                owner.shutdown().await;
                let superuser = database.owner_url.replace(OWNER_ROLE, "postgres");
                Place::Postgres { app: database.app_url, superuser }
            }
        };
        let master = MasterKey::generate(&SystemEntropy).expect("a key").to_hex().expose().clone();
        Self::at(setup, place, master, Arc::default(), Some(directory)).await
    }

    /// Another node of the same installation (PostgreSQL), or the next process on it. All share one time.
    ///
    /// # Panics
    /// When something does not start.
    pub async fn another(&self, setup: Setup) -> Self {
        Self::at(setup, self.place.clone(), self.master.clone(), Arc::clone(&self.clock), None).await
    }

    /// What a process with this master key says of the installation's keys before it serves anything.
    ///
    /// # Panics
    /// When the database cannot be opened.
    pub async fn vault_check_with(&self, master: &str) -> Result<()> {
        let setup = Setup::new(self.engine());
        let app = Self::assemble(setup, &self.place, master, &self.clock).await.0;
        let checked = app.vault_check().await;
        app.store().engine().shutdown().await;
        checked
    }

    pub fn engine(&self) -> Engines {
        match self.place {
            Place::Sqlite(_) => Engines::Sqlite,
            Place::Postgres { .. } => Engines::Postgres,
        }
    }

    /// Where whoever may do everything with the database connects; `None` on SQLite.
    pub(crate) fn superuser_url(&self) -> Option<String> {
        match &self.place {
            Place::Sqlite(_) => None,
            Place::Postgres { superuser, .. } => Some(superuser.clone()),
        }
    }

    /// The database's files where it is SQLite: the file itself, its log and its index. None on PostgreSQL.
    ///
    /// # Panics
    /// When they cannot be read.
    pub fn files(&self) -> Vec<(String, Vec<u8>)> {
        let Place::Sqlite(path) = &self.place else { return Vec::new() };
        let directory = path.parent().expect("a directory");
        let entries = std::fs::read_dir(directory).expect("a directory").map(|e| e.expect("an entry").path());
        entries.map(|p| (p.display().to_string(), std::fs::read(&p).expect("a file"))).collect()
    }

    async fn assemble(setup: Setup, place: &Place, master: &str, clock: &Arc<TestClock>) -> (App, Store) {
        let engine = match place {
            Place::Sqlite(path) => {
                let engine = Engine::sqlite(SqliteOptions::new(path)).await.expect("SQLite opens");
                engine.migrate(MIGRATIONS, None, SystemClock.now().micros()).await.expect("migrations");
                engine
            }
            Place::Postgres { app: url, .. } => {
                let mut options = PostgresOptions::new(url);
                if setup.few_connections {
                    (options.write_lanes, options.read_lanes) = (1, 1);
                }
                Engine::postgres(options).await.expect("PostgreSQL answers")
            }
        };
        let store = Store::new(engine);
        let key = MasterKey::parse("the test's key", master).expect("a key");
        let safe = SafeClient::new(
            Arc::new(policy(setup.loopback)),
            Resolver::fixed([("localhost", vec![])]),
            Budgets::default(),
            roots(),
        )
        .expect("a safe client");
        let app = App::new(AppParts {
            config: setup.config,
            store: store.clone(),
            clock: Arc::clone(clock) as Arc<dyn Clock>,
            entropy: Arc::new(SystemEntropy),
            ring: MasterKeyring::new(key, Vec::new()),
            safe,
            trusted: trusted(),
            mail: setup.mail,
        });
        (app, store)
    }

    async fn at(
        mut setup: Setup,
        place: Place,
        master: String,
        clock: Arc<TestClock>,
        directory: Option<tempfile::TempDir>,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let base = format!("http://{address}");
        if setup.named {
            setup.config.public_url = format!("http://localhost:{}", address.port());
        }
        let settings = gatepost_http::Settings {
            proxies: setup.proxies.clone(),
            locks: setup.locks,
            ..Default::default()
        };
        let (sandbox_config, workers, set_up) = (setup.sandbox.clone(), setup.workers, setup.set_up);
        let (app, store) = Self::assemble(setup, &place, &master, &clock).await;
        app.prepare().await.expect("the platform's keys");
        app.vault_check().await.expect("the right master key");
        app.join().await.expect("a lease");
        let router = gatepost_http::public_router(app.clone(), settings);
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        tokio::spawn(async move { axum::serve(listener, service).await });
        let handle = sandbox(sandbox_config).await;
        app.sandbox_attach(handle, &base).await.expect("the simulated Meta");
        if workers {
            app.start_workers();
        }
        if set_up && !app.is_set_up().await.expect("the store answers") {
            let grant = LocalOperator::verify(0, 0).expect("the same user").grant();
            app.user_create(&grant, first_operator()).await.expect("an operator");
        }
        Self { app, store, base, clock, master, place, _directory: directory }
    }

    /// A caller without a key.
    pub fn nobody(&self) -> Client {
        Client::new(&self.base, None)
    }

    pub fn operator<P: gatepost_core::access::OperatorPermission>(&self) -> OperatorGrant<P> {
        LocalOperator::verify(0, 0).expect("the same user").grant()
    }

    /// A new workspace with an admin key in test mode.
    ///
    /// # Panics
    /// When it cannot be made.
    pub async fn tenant(&self, name: &str) -> Tenant {
        let grant = self.operator::<operator_permission::WorkspaceManage>();
        let workspace =
            self.app.workspace_create(&grant, name.to_owned(), None).await.expect("a workspace").id;
        let admin_key = self.key(workspace, Mode::Test, &[Scope::Admin]).await;
        let admin = Client::new(&self.base, Some(admin_key.clone()));
        Tenant { workspace, admin, admin_key }
    }

    /// A new key, by the operator.
    ///
    /// # Panics
    /// When it cannot be made.
    pub async fn key(&self, workspace: WorkspaceId, mode: Mode, scopes: &[Scope]) -> String {
        let enter = self.operator::<operator_permission::WorkspaceEnter>();
        let principal =
            self.app.workspace_enter(&enter, workspace, Visit::InProcess).await.expect("the workspace");
        let grant = principal.grant::<permission::KeyManage>().expect("the operator may");
        let create = KeyCreate {
            name: "a key".to_owned(),
            mode,
            scopes: scopes.to_vec(),
            channels: None,
            expires_at: None,
        };
        match self.app.key_create(&grant, create, None).await.expect("a key") {
            Outcome::Fresh(created) => created.secret.expose().clone(),
            Outcome::Replayed(_) => panic!("nothing to replay"),
        }
    }

    /// Ends this node as a signal would.
    pub async fn stop(self) {
        self.app.shutdown().await;
    }
}

/// Somebody who runs the installation, and has no way to sign in.
fn first_operator() -> UserCreate {
    UserCreate {
        email: EmailAddress::parse("operator@example.com").expect("an address"),
        name: "Op Erator".to_owned(),
        password: None,
        operator: Some(OperatorRole::Administrator),
    }
}

/// A simulated Meta of its own.
///
/// # Panics
/// When it does not start.
pub async fn sandbox(config: SandboxConfig) -> SandboxHandle {
    Sandbox::start(config, trusted(), Arc::new(SystemClock)).await.expect("the simulated Meta")
}
