//! A server: an installation that answers. `serve` and `demo` run the same one.

mod connection;
mod http;
pub mod listeners;
mod metrics;
mod proxied;
mod tls;

use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

use axum_server::Handle;
use gatepost_app::App;
use gatepost_channels::sandbox::SandboxConfig;
use gatepost_core::Network;
use gatepost_http::{
    ForwardedHeader, Proxies, Settings, VaultRotate, operator_router, operators_router, public_router,
};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::config::{Config, ForwardedBy};
use crate::failure::{Failure, Result};
use crate::installation::{Installation, Running, Surroundings, drain, start_sandbox};

/// What one process of an installation does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Role {
    /// Answers requests and does the work behind them.
    #[default]
    All,
    /// Answers requests; other processes send and deliver.
    Api,
    /// Sends and delivers; answers only the operator.
    Worker,
}

/// Where a running server can be found.
#[derive(Debug, Clone)]
pub struct Addresses {
    /// The API as this machine reaches it; `None` for a worker.
    pub api: Option<String>,
    /// The API as the outside world reaches it.
    pub public: String,
    /// The default port was taken, so it is another one.
    pub moved: bool,
    pub metrics: Option<SocketAddr>,
    /// Nothing was said about metrics, and their usual port is taken.
    pub metrics_gave_way: bool,
    /// Where operators sign in.
    pub operators: Option<String>,
    /// Nothing was said about it, and its usual port is taken.
    pub operators_gave_way: bool,
    pub sandbox: String,
}

/// A server that answers.
pub struct Server {
    running: Running,
    pub addresses: Addresses,
    /// Where this machine's own commands call, when the public address awaits PROXY headers.
    unproxied: Option<String>,
    handles: Vec<Handle<SocketAddr>>,
    stop: CancellationToken,
    tasks: TaskTracker,
    drain: Duration,
}

/// How the operator's requests may take their time: wrapping many keys anew is one of them.
const OPERATOR_TIMEOUT: Duration = Duration::from_mins(10);

/// Settings of the operator's router of this process.
pub fn operator_settings(running: &Running) -> Settings {
    let (rotate, drop_old) = (running.keeper.clone(), running.keeper.clone());
    Settings {
        operator_uid: rustix::process::getuid().as_raw(),
        vault_rotate: Some(VaultRotate::new(move |grant| rotate.clone().rotate(grant))),
        vault_drop_old: Some(VaultRotate::new(move |grant| drop_old.clone().drop_old(grant))),
        request_timeout: OPERATOR_TIMEOUT,
        ..Settings::default()
    }
}

fn public_settings(config: &Config) -> Result<Settings> {
    let networks = config.server.trusted_proxies.iter().map(|proxy| {
        Network::parse(proxy)
            .map_err(|why| Failure::usage(format!("server.trusted_proxies: {proxy:?}: {why}")))
    });
    let header = match config.server.forwarded_header.unwrap_or_default() {
        ForwardedBy::XForwardedFor => ForwardedHeader::XForwardedFor,
        ForwardedBy::Forwarded => ForwardedHeader::Forwarded,
    };
    let proxies = Proxies { networks: networks.collect::<Result<_>>()?, header };
    let settings = Settings { tls: config.server.tls_certificate.is_some(), proxies, ..Settings::default() };
    Ok(settings)
}

impl Server {
    /// Binds, checks and starts everything. When this returns, requests are answered.
    pub async fn start(installation: Installation, role: Role, sandbox: SandboxConfig) -> Result<Self> {
        let config = installation.config();
        let drain = drain(config);
        let settings = public_settings(config)?;
        let tls = tls::load(&config.server)?;
        let (public, moved) = match role {
            Role::Worker => (None, false),
            Role::All | Role::Api => {
                let (listener, moved) = listeners::public(&config.server)?;
                (Some(listener), moved)
            }
        };
        // The simulated Meta calls back in the clear, so a server without a plain address has one on loopback for it.
        // Where proxies write headers, so has one who calls from this machine: it is no proxy.
        let proxied = config.server.proxy_protocol.unwrap_or(false);
        let inner =
            if public.is_none() || tls.is_some() || proxied { Some(listeners::loopback()?) } else { None };
        let metrics = listeners::metrics(config.server.metrics_listen)?;
        let operators = if role == Role::Worker { None } else { listeners::operators(config)? };
        let sandbox = start_sandbox(sandbox, installation.trusted()).await?;

        let api_address = public.as_ref().map(address_of).transpose()?;
        let inner_address = inner.as_ref().map(address_of).transpose()?;
        let metrics_address = metrics.as_ref().map(address_of).transpose()?;
        let operators_address = operators.as_ref().map(address_of).transpose()?;
        // On loopback a certificate for the public name would only be in the way.
        let operators_tls =
            tls.clone().filter(|_| operators_address.is_some_and(|at| !at.ip().is_loopback()));
        let scheme = if tls.is_some() { "https" } else { "http" };
        let api = api_address.map(|address| format!("{scheme}://{}", listeners::reachable(address)));
        let callbacks = match (inner_address, &api) {
            (Some(inner), _) => format!("http://{inner}"),
            (None, api) => api.clone().unwrap_or_default(),
        };
        let public_url = config.server.public_url.clone();
        let addresses = Addresses {
            public: public_url.or_else(|| api.clone()).unwrap_or_default(),
            api,
            moved,
            metrics: metrics_address,
            operators: operators_address.map(|address| {
                let scheme = if operators_tls.is_some() { "https" } else { "http" };
                format!("{scheme}://{}", listeners::reachable(address))
            }),
            operators_gave_way: operators_address.is_none()
                && role != Role::Worker
                && config.operators.listen.is_none(),
            metrics_gave_way: metrics_address.is_none() && config.server.metrics_listen.is_none(),
            sandbox: sandbox.base_url(),
        };
        let socket = http::operator_listener(&installation.places().socket())?;
        let own = [api_address, inner_address, metrics_address, operators_address, Some(sandbox.addr())];
        let around = Surroundings {
            listeners: own.into_iter().flatten().collect(),
            public_url: Some(addresses.public.clone()),
        };
        let recorder =
            metrics.map(|listener| metrics::install().map(|recorder| (listener, recorder))).transpose()?;
        let running = installation.start(around).await?;
        // Without it workspaces that were given no plan would have no limits at all.
        if let Some(name) = running.app.default_plan_missing().await? {
            let hint = format!("make it: gatepost plan set {name} --file plan.json");
            return Err(Failure::usage(format!("guard.default_plan: there is no plan {name}")).hint(hint));
        }
        let app = running.app.clone();
        app.join().await?;
        app.sandbox_attach(sandbox, &callbacks).await?;
        if role != Role::Api {
            app.start_workers();
        }

        let mut server = Self {
            unproxied: inner_address.filter(|_| proxied).map(|inner| format!("http://{inner}")),
            addresses,
            handles: Vec::new(),
            stop: CancellationToken::new(),
            tasks: TaskTracker::new(),
            drain,
            running,
        };
        if let Some(listener) = operators {
            let local = operators_address.is_some_and(|address| address.ip().is_loopback());
            let settings = Settings { tls: operators_tls.is_some(), ..settings.clone() };
            // Whoever connects from this machine is no proxy that writes headers.
            let proxies = (proxied && !local).then(|| Arc::new(settings.proxies.clone()));
            let handle = Handle::new();
            server.handles.push(handle.clone());
            let router = operators_router(app.clone(), settings);
            let serving = http::serve(listener, router, operators_tls, proxies, handle);
            server.spawn("the operators' listener", serving);
        }
        let proxies = proxied.then(|| Arc::new(settings.proxies.clone()));
        let router = public_router(app.clone(), settings);
        for (listener, tls, proxies) in [(public, tls, proxies), (inner, None, None)] {
            if let Some(listener) = listener {
                let handle = Handle::new();
                server.handles.push(handle.clone());
                server
                    .spawn("the public address", http::serve(listener, router.clone(), tls, proxies, handle));
            }
        }
        let operator = operator_router(app.clone(), operator_settings(&server.running));
        server.spawn("the operator's socket", http::serve_operator(socket, operator, server.stop.clone()));
        if let Some((listener, recorder)) = recorder {
            server
                .spawn("the metrics listener", metrics::serve(listener, app, recorder, server.stop.clone()));
        }
        server.write_address();
        Ok(server)
    }

    fn spawn(&self, what: &'static str, serving: impl Future<Output = std::io::Result<()>> + Send + 'static) {
        self.tasks.spawn(async move {
            if let Err(error) = serving.await {
                tracing::error!(%error, "{what} stopped answering");
            }
        });
    }

    pub const fn app(&self) -> &App {
        &self.running.app
    }

    /// For `send` and `listen` on this machine, which need not be told the address then. A certificate is for the public
    /// name, so with TLS that is where they go.
    fn write_address(&self) {
        let tls = self.addresses.public.starts_with("https://")
            && self.addresses.api.as_ref().is_some_and(|api| api.starts_with("https://"));
        let api = match (&self.unproxied, tls) {
            (Some(inner), _) => Some(inner),
            (None, true) => Some(&self.addresses.public),
            (None, false) => self.addresses.api.as_ref(),
        };
        if let Some(api) = api
            && let Err(error) = std::fs::write(self.running.dir.places().address(), format!("{api}\n"))
        {
            tracing::warn!(%error, "the address could not be written into the data directory");
        }
    }

    /// Stops accepting, finishes what is under way, keeps what is not finished for the next start.
    pub async fn stop(self) {
        let places = self.running.dir.places();
        let _ = std::fs::remove_file(places.address());
        let _ = std::fs::remove_file(places.socket());
        // Streams have no end of their own: whoever listens goes and comes back, to this server or another.
        self.running.app.streams_close();
        for handle in &self.handles {
            handle.graceful_shutdown(Some(self.drain));
        }
        self.stop.cancel();
        self.tasks.close();
        if tokio::time::timeout(self.drain, self.tasks.wait()).await.is_err() {
            tracing::warn!("some connections were still open at the end of the drain time");
        }
        self.running.app.shutdown().await;
    }
}

fn address_of(listener: &TcpListener) -> Result<SocketAddr> {
    listener.local_addr().map_err(Failure::failed)
}
