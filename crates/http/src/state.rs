//! What handlers and layers share.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::extract::MatchedPath;
use bytes::Bytes;
use gatepost_app::{LimitDecision, VaultStatus};
use gatepost_core::access::operator_permission::{VaultManage, WorkspaceEnter};
use gatepost_core::access::{KeyRefused, OperatorGrant, Person, Principal, SessionKind};
use gatepost_core::audit::Refusal;
use gatepost_core::guard::Needs;
use gatepost_core::{ClientAddr, Entropy, MetaAppId, Result, Secret, Timestamp, WorkspaceId};
use http::request::Parts;
use http::{HeaderMap, Method};
use tokio::sync::Semaphore;

use crate::client::Proxies;
use crate::console::csrf::Locks;
use crate::headers;
use crate::query::QueryRule;

/// What accesses and layers need of the application, above all: who is it that presents this?
pub trait Doors: Clone + Send + Sync + 'static {
    /// A provider's callback whose signature was verified.
    type Callback: Send;
    /// An event of the one who bills whose signature was verified.
    type Billing: Send;

    fn sha256(bytes: &[u8]) -> [u8; 32];

    fn now(&self) -> Timestamp;

    fn entropy(&self) -> &dyn Entropy;

    /// Errors: `unauthorized`, `api_key_revoked`, `api_key_expired`, `ip_not_allowed`.
    fn principal_of_key(
        &self,
        presented: &str,
        client: Option<ClientAddr>,
    ) -> impl Future<Output = Result<Arc<Principal>, KeyRefused>> + Send;

    /// Who presents the token of a session. Errors: `session_ended`.
    fn person_of_session(
        &self,
        token: &str,
        kind: SessionKind,
    ) -> impl Future<Output = Result<Arc<Person>>> + Send;

    /// A person as a member. Errors: `not_found`, `second_factor_required`, `sso_required`.
    fn principal_of_person(
        &self,
        person: &Person,
        workspace: WorkspaceId,
    ) -> impl Future<Output = Result<Arc<Principal>>> + Send;

    /// Whether the installation has an operator, so that nothing is to be set up.
    fn is_set_up(&self) -> impl Future<Output = Result<bool>> + Send;

    /// Another token for a session whose present one has served its time.
    fn session_renew(&self, token: &str) -> impl Future<Output = Result<Option<Secret<String>>>> + Send;

    /// Counts a page or a form.
    fn limit_page(
        &self,
        person: Option<&Person>,
        client: Option<ClientAddr>,
    ) -> impl Future<Output = LimitDecision> + Send;

    /// Counts a request of a verified key.
    fn limit_principal(&self, principal: &Principal) -> impl Future<Output = LimitDecision> + Send;

    /// Counts a request whose credential was refused.
    fn limit_refused(&self, client: Option<ClientAddr>) -> impl Future<Output = LimitDecision> + Send;

    /// The operator inside a workspace, which takes note of the route that was asked for. Errors: `not_found`.
    fn workspace_enter(
        &self,
        grant: &OperatorGrant<WorkspaceEnter>,
        workspace: WorkspaceId,
        route: String,
    ) -> impl Future<Output = Result<Arc<Principal>>> + Send;

    /// What a form must bring that is bound to `binding`; nobody else can make it.
    fn csrf_token(&self, binding: &str) -> impl Future<Output = Result<String>> + Send;

    /// Whether `presented` is that; compared in constant time.
    fn csrf_verify(&self, binding: &str, presented: &str) -> impl Future<Output = Result<bool>> + Send;

    /// Takes note of a refusal, without waiting.
    fn refused(&self, refusal: Refusal);

    /// Errors: `not_found` for an unknown app, `signature_invalid`.
    fn callback_verify(
        &self,
        app: MetaAppId,
        raw: Bytes,
        signature: Option<&str>,
    ) -> impl Future<Output = Result<Self::Callback>> + Send;

    /// Whether anybody is believed to bill.
    fn billing_is_on(&self) -> bool;

    /// Errors: `not_found` where nobody is, `signature_invalid`.
    fn billing_verify(&self, raw: Bytes, signature: &str) -> Result<Self::Billing>;
}

/// How the server is set up. [`Settings::default`] is a server on loopback with nothing in front of it.
#[derive(Debug, Clone)]
pub struct Settings {
    /// True when this process itself speaks TLS.
    pub tls: bool,
    /// The reverse proxies that are believed about whom they pass on.
    pub proxies: Proxies,
    /// Largest JSON body, in bytes.
    pub body_limit: usize,
    /// Largest callback body, in bytes (Meta sends up to 3 MB).
    pub callback_limit: usize,
    /// How long a body may take to arrive.
    pub body_timeout: Duration,
    /// How long an answer may take altogether.
    pub request_timeout: Duration,
    /// The same where a file is passed on.
    pub file_timeout: Duration,
    /// How many requests are worked on at a time; more answer 503.
    pub in_flight: usize,
    /// The system user that this process runs as: the one who is the operator at the local socket.
    pub operator_uid: u32,
    /// How this process moves to another master key; `None` where it cannot.
    pub vault_rotate: Option<VaultRotate>,
    /// How this process lets go of master keys that wrap nothing any more; `None` where it cannot.
    pub vault_drop_old: Option<VaultRotate>,
    /// Which locks of forms are shut; see [`Locks`].
    pub locks: Locks,
}

type Rotating = Pin<Box<dyn Future<Output = Result<VaultStatus>> + Send>>;

/// Changes the master keys and says how the vault is then. Where they lie is the process's own affair, so it brings
/// this.
#[derive(Clone)]
pub struct VaultRotate(Arc<dyn Fn(OperatorGrant<VaultManage>) -> Rotating + Send + Sync>);

impl VaultRotate {
    pub fn new<F, Fut>(rotate: F) -> Self
    where
        F: Fn(OperatorGrant<VaultManage>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<VaultStatus>> + Send + 'static,
    {
        Self(Arc::new(move |grant| Box::pin(rotate(grant))))
    }

    pub(crate) async fn run(&self, grant: OperatorGrant<VaultManage>) -> Result<VaultStatus> {
        (self.0)(grant).await
    }
}

impl fmt::Debug for VaultRotate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VaultRotate")
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            tls: false,
            proxies: Proxies::default(),
            body_limit: 256 * 1024,
            callback_limit: 3 * 1024 * 1024,
            body_timeout: Duration::from_secs(15),
            request_timeout: Duration::from_secs(30),
            // A little more than the Cloud client gives an upload, so that its answer is heard.
            file_timeout: Duration::from_secs(330),
            in_flight: 4096,
            operator_uid: u32::MAX,
            vault_rotate: None,
            vault_drop_old: None,
            locks: Locks::default(),
        }
    }
}

/// The state of a router.
pub struct ApiState<A>(Arc<Inner<A>>);

impl<A> Clone for ApiState<A> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

struct Inner<A> {
    app: A,
    settings: Settings,
    https: bool,
    headers: HeaderMap,
    slots: Semaphore,
    routes: RouteTable,
    document: Bytes,
}

/// What the layers know of each route, by template and method.
#[derive(Default)]
pub(crate) struct RouteTable {
    pub queries: HashMap<String, Vec<(Method, QueryRule)>>,
    /// What they ask of the workspace's plan and subscription.
    pub needs: HashMap<String, Vec<(Method, Needs)>>,
    /// Those that pass files on.
    pub files: HashSet<(String, Method)>,
    /// The templates of the console's pages.
    pub pages: HashSet<String>,
    /// Those of pages for visitors of other sites, which take no cookie.
    pub visitors: HashSet<String>,
    /// Those of routes that are no pages, and take the session's cookie.
    pub sessions: HashSet<String>,
    /// Whether these are the routes of the operators' listener.
    pub operators: bool,
    /// For methods and paths that no route has.
    pub none: QueryRule,
}

impl<A> ApiState<A> {
    pub(crate) fn new(app: A, settings: Settings, routes: RouteTable, document: Bytes) -> Self {
        let https = settings.tls || !settings.proxies.networks.is_empty();
        let headers = headers::security(https);
        let slots = Semaphore::new(settings.in_flight);
        Self(Arc::new(Inner { app, settings, https, headers, slots, routes, document }))
    }

    pub fn app(&self) -> &A {
        &self.0.app
    }

    pub fn settings(&self) -> &Settings {
        &self.0.settings
    }

    /// The OpenAPI document of the routes of this router.
    pub fn document(&self) -> Bytes {
        self.0.document.clone()
    }

    /// Whose sessions open something here.
    pub(crate) fn kind(&self) -> SessionKind {
        if self.0.routes.operators { SessionKind::Operator } else { SessionKind::Console }
    }

    pub(crate) fn security_headers(&self) -> &HeaderMap {
        &self.0.headers
    }

    /// Whether this address is reached over TLS, ours or a proxy's.
    pub(crate) fn https(&self) -> bool {
        self.0.https
    }

    /// Whether a route is a page of the console.
    pub(crate) fn is_page(&self, route: Option<&MatchedPath>) -> bool {
        route.is_some_and(|route| self.0.routes.pages.contains(route.as_str()))
    }

    /// Whether a route is a page for visitors of another site.
    pub(crate) fn is_for_visitors(&self, route: Option<&MatchedPath>) -> bool {
        route.is_some_and(|route| self.0.routes.visitors.contains(route.as_str()))
    }

    /// Whether a route that is no page takes the session's cookie all the same.
    pub(crate) fn takes_session(&self, route: Option<&MatchedPath>) -> bool {
        route.is_some_and(|route| self.0.routes.sessions.contains(route.as_str()))
    }

    /// Whether this router has pages at all; the operator's has none.
    pub(crate) fn has_pages(&self) -> bool {
        !self.0.routes.pages.is_empty()
    }

    pub(crate) fn slots(&self) -> &Semaphore {
        &self.0.slots
    }

    /// How long an answer of a route may take altogether.
    pub(crate) fn patience(&self, route: Option<&MatchedPath>, method: &Method) -> Duration {
        let method = if method == Method::HEAD { Method::GET } else { method.clone() };
        let settings = self.settings();
        let passes_files =
            route.is_some_and(|route| self.0.routes.files.contains(&(route.as_str().to_owned(), method)));
        if passes_files { settings.file_timeout } else { settings.request_timeout }
    }

    /// What the route that `parts` was matched to asks of the workspace's plan and subscription.
    pub(crate) fn needs_of(&self, parts: &Parts) -> Needs {
        let method = if parts.method == Method::HEAD { &Method::GET } else { &parts.method };
        let routes =
            parts.extensions.get::<MatchedPath>().and_then(|path| self.0.routes.needs.get(path.as_str()));
        let found = routes.and_then(|routes| routes.iter().find(|(known, _)| known == method));
        found.map_or_else(Needs::default, |(_, needs)| *needs)
    }

    /// What the route that `parts` was matched to takes in its query.
    pub(crate) fn query_of(&self, parts: &Parts) -> &QueryRule {
        let table = &self.0.routes;
        let method = if parts.method == Method::HEAD { &Method::GET } else { &parts.method };
        parts
            .extensions
            .get::<MatchedPath>()
            .and_then(|path| table.queries.get(path.as_str()))
            .and_then(|rules| rules.iter().find(|(known, _)| known == method))
            .map_or(&table.none, |(_, rule)| rule)
    }
}
