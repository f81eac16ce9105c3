//! The simulated Meta, on a thread of its own so that its processor time can be told from the server's.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use gatepost_app::SystemClock;
use gatepost_channels::sandbox::{
    CallbackPace, Observed, Sandbox, SandboxApp, SandboxConfig, SandboxHandle, SandboxNumber, SendRecord,
};
use gatepost_net::TrustedClient;
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

use crate::error::{Failure, Result};
use crate::process;

/// Most statuses in one callback.
pub const BATCH: usize = 20;
/// How long statuses of one app wait for company.
const LINGER: Duration = Duration::from_millis(30);
/// Callbacks of one app on their way at once.
const POSTMEN: usize = 2;
/// Sends that are remembered.
const KEPT: usize = 20_000;

/// A running simulated Meta.
pub struct Meta {
    sandbox: SandboxHandle,
    runtime: Handle,
    end: oneshot::Sender<()>,
    thread: thread::JoinHandle<()>,
}

impl Meta {
    /// Its limits, its times and what it checks are those that it always has.
    pub async fn start(http: TrustedClient) -> Result<Self> {
        let local = Builder::new_current_thread().enable_all().build()?;
        let runtime = local.handle().clone();
        let (end, ended) = oneshot::channel();
        let thread = thread::Builder::new().name("meta".into()).spawn(move || {
            // It ends when it is told to, or when nobody could tell it any more.
            let _ = local.block_on(ended);
        })?;
        let callbacks =
            CallbackPace { batch: BATCH, linger: LINGER, workers: POSTMEN, ..CallbackPace::default() };
        let config = SandboxConfig { callbacks, keep_sends: KEPT, ..SandboxConfig::default() };
        let sandbox = runtime.spawn(Sandbox::start(config, http, Arc::new(SystemClock))).await??;
        Ok(Self { sandbox, runtime, end, thread })
    }

    pub fn base_url(&self) -> String {
        self.sandbox.base_url()
    }

    pub fn add_app(&self, app: SandboxApp) -> Result<()> {
        // What it starts belongs on its own thread.
        let _inside = self.runtime.enter();
        Ok(self.sandbox.add_app(app)?)
    }

    pub fn add_number(&self, number: SandboxNumber) {
        self.sandbox.add_number(number);
    }

    /// From now on it tells the news of an app's numbers.
    pub fn tell(&self, app_id: &str, url: &str) {
        self.sandbox.set_callback(app_id, Some(url), "not asked");
    }

    pub fn observed(&self) -> Observed {
        self.sandbox.observed()
    }

    /// The sends that it took; the oldest are forgotten.
    pub fn sends(&self) -> Vec<SendRecord> {
        self.sandbox.sends()
    }

    /// Processor time of its thread so far.
    pub async fn cpu(&self) -> Result<Duration> {
        Ok(self.runtime.spawn(async { process::thread_cpu() }).await?)
    }

    pub async fn stop(self) -> Result<()> {
        self.sandbox.shutdown().await;
        // It may have ended by itself.
        let _ = self.end.send(());
        let ended = tokio::task::spawn_blocking(|| self.thread.join()).await?;
        ended.map_err(|_| Failure::new("the simulated Meta panicked"))
    }
}
