//! Test channels: Cloud channels on the built-in simulated Meta.
//!
//! The simulated Meta runs in this process and speaks over real sockets, so a test channel takes the same way as a live
//! one: the same client, the same signatures, the same callbacks. Its Meta app belongs to the platform.

use gatepost_channels::cloud::CloudChannel;
use gatepost_channels::sandbox::{SandboxApp, SandboxHandle, SandboxNumber, Say};
use gatepost_core::access::{Grant, permission};
use gatepost_core::audit::Audit;
use gatepost_core::channel::Mode;
use gatepost_core::{ChannelId, Code, Error, MetaAppId, Phone, Result};
use gatepost_store::{ChannelRow, MetaAppRow, WorkspaceScope};
use gatepost_vault::{WorkspaceKeys, random_token};

use crate::App;
use crate::channels::NewChannel;

/// How the platform's own Meta app is known, and its id at the simulated Meta.
const APP_NAME: &str = "simulated Meta";
const APP_ID: &str = "100000000000001";
/// Test numbers accept as many messages a second as real ones.
const THROUGHPUT: u32 = crate::channels::THROUGHPUT_DEFAULT;

/// Whether an app is the built-in one of test channels, which nobody lists, uses for a live channel, or changes.
pub(crate) fn is_simulated(app: &MetaAppRow) -> bool {
    app.name == APP_NAME && app.app_id == APP_ID
}

impl App {
    /// Gives this node its simulated Meta. `callback_base` is where it reaches this node, without a path.
    pub async fn sandbox_attach(&self, handle: SandboxHandle, callback_base: &str) -> Result<()> {
        let app = self.sandbox_app().await?;
        let secret = self.meta_app_secret(WorkspaceScope::platform(), &app).await?;
        handle
            .add_app(SandboxApp {
                app_id: APP_ID.to_owned(),
                app_secret: secret,
                callback_url: Some(format!("{}/hooks/meta/{}", callback_base.trim_end_matches('/'), app.id)),
                verify_token: "built-in".to_owned(),
                require_proof: true,
            })
            .map_err(Error::internal)?;
        self.0.sandbox.set(handle).map_err(|_| Error::internal("a simulated Meta is attached already"))
    }

    /// The platform's Meta app for test channels, made when it is first needed.
    async fn sandbox_app(&self) -> Result<MetaAppRow> {
        let platform = WorkspaceScope::platform();
        let known = |rows: Vec<MetaAppRow>| rows.into_iter().rev().find(|a| a.name == APP_NAME);
        let rows = self.0.store.read(platform, async |tx| tx.meta_app_list().await).await?;
        if let Some(app) = known(rows) {
            return Ok(app);
        }
        let keys = self.0.sealing.keys(platform).await?;
        let (secret, verify) = (random_token("", self.entropy()), random_token("gpv_", self.entropy()));
        let row = self.meta_app_row(&keys, APP_NAME.to_owned(), APP_ID.to_owned(), &secret, &verify)?;
        self.0
            .store
            .write(platform, async move |tx| {
                tx.meta_app_insert(&row).await?;
                tx.commit(Audit::None("the built-in app of the simulated Meta"), ())
            })
            .await?;
        // Two nodes may have made one each: the oldest serves both.
        let rows = self.0.store.read(platform, async |tx| tx.meta_app_list().await).await?;
        known(rows).ok_or_else(|| Error::internal("the simulated Meta's app was not kept"))
    }

    fn sandbox(&self) -> Result<&SandboxHandle> {
        self.0.sandbox.get().ok_or_else(|| {
            Error::new(Code::Unavailable, "this node runs no simulated Meta, which test channels need")
        })
    }

    /// A new test channel: a number, an account and a token of the simulated Meta.
    pub(crate) async fn test_channel_row(&self, keys: &WorkspaceKeys, name: String) -> Result<ChannelRow> {
        self.sandbox()?;
        let app = self.sandbox_app().await?;
        let digits = u64::from_be_bytes(self.entropy().array()) % 900_000_000_000 + 100_000_000_000;
        let display = format!("+1 202-555-{:04}", 1_000 + digits % 9_000);
        let new = NewChannel {
            mode: Mode::Test,
            name,
            app_owner: WorkspaceScope::platform().workspace(),
            meta_app: app.id,
            phone_number_id: format!("105{digits}"),
            waba_id: format!("106{digits}"),
            token: random_token("EAAtest", self.entropy()),
            display: Some(display),
            verified_name: Some("Test sender".to_owned()),
            throughput: THROUGHPUT,
        };
        self.channel_row(keys, new)
    }

    /// Points a test channel at this node's simulated Meta, which learns of its number here: it keeps nothing over a
    /// restart, the store does.
    pub(crate) fn test_channel_connect(
        &self,
        row: &ChannelRow,
        app: &MetaAppRow,
        cloud: &mut CloudChannel,
    ) -> Result<()> {
        let sandbox = self.sandbox()?;
        sandbox.add_number(SandboxNumber {
            phone_number_id: row.phone_number_id.clone(),
            waba_id: row.waba_id.clone(),
            app_id: app.app_id.clone(),
            token: cloud.token.clone(),
            display_phone_number: "+1 202-555-0100".to_owned(),
            verified_name: row.verified_name.clone().unwrap_or_default(),
        });
        cloud.base_url = sandbox.base_url();
        Ok(())
    }

    /// Lets a simulated person write to a test channel; answers Meta's id of the message.
    pub async fn test_inbound(
        &self,
        grant: &Grant<permission::MessageSend>,
        channel: ChannelId,
        from: &Phone,
        text: &str,
        reply_to: Option<&str>,
    ) -> Result<String> {
        let scope = WorkspaceScope::from(grant);
        let row = self.0.store.read(scope, async move |tx| tx.channel_get(channel).await).await?;
        let row = row
            .filter(|c| c.mode == Mode::Test && grant.sees(c.mode) && grant.reaches(c.id))
            .ok_or_else(|| Error::of(Code::NotFound))?;
        self.cloud_channel_of(scope, &row).await?;
        let say = Say { from: from.as_e164(), text, context: reply_to, name: None, hide_number: false };
        self.sandbox()?.person_says(&row.phone_number_id, &say).ok_or_else(|| {
            Error::of(Code::Unavailable)
                .with_context("the simulated Meta is full or does not know the number")
        })
    }

    /// The Meta app whose callbacks belong to test channels.
    pub async fn test_meta_app(&self) -> Result<MetaAppId> {
        self.sandbox_app().await.map(|app| app.id)
    }
}
