//! Channels: adding, looking at, changing and removing them.

use gatepost_channels::cloud::{CallError, CloudApp, CloudChannel};
use gatepost_core::access::{Grant, permission};
use gatepost_core::audit::Audit;
use gatepost_core::channel::{ChannelKind, ChannelState, Mode};
use gatepost_core::job::JobKind;
use gatepost_core::{ChannelId, Code, Error, FieldError, MetaAppId, Result, Secret, Timestamp, WorkspaceId};
use gatepost_store::{ChannelRow, LaneKey, MetaAppRow, WorkspaceScope};
use gatepost_vault::{Aad, WorkspaceKeys};

use crate::App;
use crate::callbacks::{phone_identity, waba_identity};
use crate::idempotency::{Idempotent, Outcome};
use crate::pages::{Page, PageQuery};
use crate::sealing::failed;

/// Meta's default throughput of a number, messages a second ("Throughput" page).
pub const THROUGHPUT_DEFAULT: u32 = 80;
/// The highest throughput Meta gives.
pub const THROUGHPUT_MAX: u32 = 1000;

pub struct ChannelCreate {
    pub mode: Mode,
    pub name: String,
    pub source: ChannelSource,
}

/// Where a channel's number comes from.
pub enum ChannelSource {
    /// A number of the built-in simulated Meta.
    Test,
    /// A number of Meta's Cloud API.
    Cloud { phone_number_id: String, waba_id: String, access_token: Secret<String>, meta_app: MetaAppId },
}

/// What changes; `None` stays.
#[derive(Default)]
pub struct ChannelUpdate {
    pub name: Option<String>,
    pub access_token: Option<Secret<String>>,
    pub enabled: Option<bool>,
    pub throughput: Option<u32>,
}

#[derive(Clone)]
pub struct ChannelView {
    pub id: ChannelId,
    pub mode: Mode,
    pub kind: ChannelKind,
    pub name: String,
    pub state: ChannelState,
    pub next_action: Option<&'static str>,
    pub phone_number_id: String,
    pub waba_id: String,
    pub display_phone_number: Option<String>,
    pub verified_name: Option<String>,
    pub token_last4: String,
    pub meta_app: MetaAppId,
    pub throughput: u32,
    pub created_at: Timestamp,
}

pub(crate) fn place(workspace: WorkspaceId, column: &'static str, channel: ChannelId) -> Aad {
    Aad { workspace: workspace.uuid(), table: "channel", column, row: channel.uuid().into_bytes() }
}

/// What makes a new channel's row besides its sealed columns.
pub(crate) struct NewChannel {
    pub mode: Mode,
    pub name: String,
    pub app_owner: WorkspaceId,
    pub meta_app: MetaAppId,
    pub phone_number_id: String,
    pub waba_id: String,
    pub token: Secret<String>,
    pub display: Option<String>,
    pub verified_name: Option<String>,
    pub throughput: u32,
}

fn seal(keys: &WorkspaceKeys, column: &'static str, id: ChannelId, plain: &str) -> Result<Vec<u8>> {
    let aad = place(WorkspaceId::from_uuid(keys.workspace()), column, id);
    Ok(keys.seal(&aad, plain.as_bytes()).map_err(failed)?.into_vec())
}

/// Whose the Meta app of a channel is.
fn owner_of(scope: WorkspaceScope, row: &ChannelRow) -> WorkspaceScope {
    if row.app_owner == scope.workspace() { scope } else { WorkspaceScope::platform() }
}

fn view(keys: &WorkspaceKeys, row: &ChannelRow) -> Result<ChannelView> {
    let workspace = WorkspaceId::from_uuid(keys.workspace());
    let display = match &row.display {
        Some(sealed) => {
            let plain = keys.open_content(&place(workspace, "display", row.id), sealed).map_err(failed)?;
            Some(String::from_utf8(plain).map_err(Error::internal)?)
        }
        None => None,
    };
    Ok(ChannelView {
        id: row.id,
        mode: row.mode,
        kind: row.kind,
        name: row.name.clone(),
        state: row.state,
        next_action: row.state.next_action(),
        phone_number_id: row.phone_number_id.clone(),
        waba_id: row.waba_id.clone(),
        display_phone_number: display,
        verified_name: row.verified_name.clone(),
        token_last4: row.token_last4.clone(),
        meta_app: row.meta_app,
        throughput: u32::try_from(row.throughput).unwrap_or(THROUGHPUT_DEFAULT),
        created_at: row.created_at,
    })
}

/// A check that failed, in words for whoever adds or changes the channel.
pub(crate) fn call_failed(error: CallError) -> Error {
    match error {
        CallError::Refused(refusal) => {
            let details = refusal.details.as_deref().unwrap_or(&refusal.title);
            let code = refusal.code.map_or_else(String::new, |c| format!(" (Meta's code {c})"));
            Error::new(Code::MetaRefused, format!("{details}{code}: {}", refusal.advice.action))
        }
        CallError::Unreachable(detail) => Error::of(Code::MetaUnreachable).with_context(detail),
        CallError::Unreadable => Error::new(Code::MetaUnreachable, "Meta's answer could not be read"),
        CallError::Setting(what) => Error::fields(vec![FieldError::new("", "invalid_value", what)]),
    }
}

impl App {
    /// The channels a caller reaches.
    pub(crate) async fn channels_reachable(
        &self,
        scope: WorkspaceScope,
        mode: Option<Mode>,
        bound: Option<Vec<ChannelId>>,
    ) -> Result<Vec<ChannelRow>> {
        let rows = self.0.store.read(scope, async move |tx| tx.channel_list().await).await?;
        Ok(rows
            .into_iter()
            .filter(|c| mode.is_none_or(|m| m == c.mode) && bound.as_ref().is_none_or(|b| b.contains(&c.id)))
            .collect())
    }

    /// Makes the row of a channel.
    pub(crate) fn channel_row(&self, keys: &WorkspaceKeys, new: NewChannel) -> Result<ChannelRow> {
        let now = self.now();
        let id = ChannelId::new(now, self.entropy());
        Ok(ChannelRow {
            id,
            mode: new.mode,
            kind: ChannelKind::Cloud,
            name: new.name,
            state: ChannelState::Active,
            app_owner: new.app_owner,
            meta_app: new.meta_app,
            phone_number_id: new.phone_number_id,
            waba_id: new.waba_id,
            token: seal(keys, "token", id, new.token.expose())?,
            token_last4: new.token.last4(),
            display: new.display.as_deref().map(|d| seal(keys, "display", id, d)).transpose()?,
            verified_name: new.verified_name,
            throughput: i64::from(new.throughput),
            created_at: now,
            found_by: None,
            attention: None,
            next_action: None,
            quality_rating: None,
            throughput_level: None,
            messaging_limit: None,
            name_status: None,
            number_status: None,
            token_expires_at: None,
            checked_at: None,
        })
    }

    /// Adds a channel. A live one is checked at Meta first, and its app subscribed to the account's callbacks.
    pub async fn channel_create(
        &self,
        grant: &Grant<permission::ChannelManage>,
        create: ChannelCreate,
        idempotent: Option<Idempotent<ChannelView>>,
    ) -> Result<Outcome<ChannelView>> {
        let scope = WorkspaceScope::from(grant);
        if !grant.sees(create.mode) {
            let code = if create.mode == Mode::Live { Code::TestModeOnly } else { Code::LiveModeOnly };
            return Err(Error::of(code));
        }
        if grant.channels().is_some() {
            return Err(Error::of(Code::ChannelNotAllowed));
        }
        let keys = self.0.sealing.keys(scope).await?;
        // Meta is asked in between.
        self.once(scope, &keys, idempotent, self.channel_make(grant, scope, &keys, create)).await
    }

    async fn channel_make(
        &self,
        grant: &Grant<permission::ChannelManage>,
        scope: WorkspaceScope,
        keys: &WorkspaceKeys,
        create: ChannelCreate,
    ) -> Result<ChannelView> {
        let row = match create.source {
            ChannelSource::Test if create.mode == Mode::Live => return Err(Error::of(Code::LiveModeOnly)),
            ChannelSource::Test => self.test_channel_row(keys, create.name).await?,
            ChannelSource::Cloud { .. } if create.mode == Mode::Test => {
                let detail =
                    "a test channel lives on the simulated Meta: give no credentials, or use a live key";
                return Err(Error::fields(vec![FieldError::new("", "invalid_value", detail)]));
            }
            ChannelSource::Cloud { phone_number_id, waba_id, access_token, meta_app } => {
                let (owner, app) = self.meta_app_usable(scope, meta_app).await?.ok_or_else(|| {
                    Error::fields(vec![FieldError::new(
                        "/meta_app_id",
                        "not_found",
                        "there is no such Meta app",
                    )])
                })?;
                let cloud =
                    self.cloud_channel(owner, &app, phone_number_id.clone(), access_token.clone()).await?;
                let check = self.0.cloud.check_channel(&cloud, Some(&waba_id)).await.map_err(call_failed)?;
                if let Some(problem) = check.problems.first() {
                    return Err(Error::new(Code::MetaRefused, problem.clone()));
                }
                self.0.cloud.subscribe_app(&cloud, &waba_id).await.map_err(call_failed)?;
                let throughput = match check.throughput_level.as_deref() {
                    Some("HIGH") => THROUGHPUT_MAX,
                    _ => THROUGHPUT_DEFAULT,
                };
                self.channel_row(
                    keys,
                    NewChannel {
                        mode: Mode::Live,
                        name: create.name,
                        app_owner: owner.workspace(),
                        meta_app,
                        phone_number_id,
                        waba_id,
                        token: access_token,
                        display: check.display_phone_number,
                        verified_name: check.verified_name,
                        throughput,
                    },
                )?
            }
        };
        let shown = view(keys, &row)?;
        let audit = self.audit(
            grant,
            "channel.created",
            ("channel", row.id.to_string()),
            vec![("mode", row.mode.as_str().to_owned()), ("phone_number_id", row.phone_number_id.clone())],
        );
        let inserted = self
            .0
            .store
            .write(scope, async move |tx| {
                let (phone, waba) = (phone_identity(&row.phone_number_id), waba_identity(&row.waba_id));
                let inserted = tx.channel_insert(&row, &phone, &waba).await?;
                if inserted {
                    tx.commit(audit.clone(), true)
                } else {
                    tx.commit(Audit::None("refused"), false)
                }
            })
            .await?;
        if inserted {
            Ok(shown)
        } else {
            Err(Error::new(Code::Conflict, "a channel with this phone number id exists already"))
        }
    }

    async fn cloud_channel(
        &self,
        owner: WorkspaceScope,
        app: &MetaAppRow,
        phone_number_id: String,
        token: Secret<String>,
    ) -> Result<CloudChannel> {
        let app_secret = self.meta_app_secret(owner, app).await?;
        Ok(CloudChannel {
            base_url: self.0.config.meta_base_url.clone(),
            graph_version: self.0.config.meta_graph_version.clone(),
            phone_number_id,
            token,
            app: Some(CloudApp { app_id: app.app_id.clone(), app_secret }),
        })
    }

    /// A stored channel ready for calls to Meta, or to the simulated Meta where it is a test channel.
    pub(crate) async fn cloud_channel_of(
        &self,
        scope: WorkspaceScope,
        row: &ChannelRow,
    ) -> Result<CloudChannel> {
        let owner = owner_of(scope, row);
        let app_id = row.meta_app;
        let app = self.0.store.read(owner, async move |tx| tx.meta_app_get(app_id).await).await?;
        let app = app.ok_or_else(|| Error::internal("a channel's Meta app is gone"))?;
        self.cloud_channel_on(scope, row, &app).await
    }

    /// The same, with its app at hand.
    pub(crate) async fn cloud_channel_on(
        &self,
        scope: WorkspaceScope,
        row: &ChannelRow,
        app: &MetaAppRow,
    ) -> Result<CloudChannel> {
        let aad = place(scope.workspace(), "token", row.id);
        let token = self.0.sealing.open(scope, &aad, &row.token).await?;
        let token = Secret::new(String::from_utf8(token).map_err(Error::internal)?);
        let mut cloud =
            self.cloud_channel(owner_of(scope, row), app, row.phone_number_id.clone(), token).await?;
        if row.mode == Mode::Test {
            self.test_channel_connect(row, app, &mut cloud)?;
        }
        Ok(cloud)
    }

    async fn channel_own<P>(&self, grant: &Grant<P>, id: ChannelId) -> Result<ChannelRow> {
        let scope = WorkspaceScope::from(grant);
        let row = self.0.store.read(scope, async move |tx| tx.channel_get(id).await).await?;
        row.filter(|c| grant.sees(c.mode) && grant.reaches(c.id)).ok_or_else(|| Error::of(Code::NotFound))
    }

    pub async fn channel_get(
        &self,
        grant: &Grant<permission::ChannelRead>,
        id: ChannelId,
    ) -> Result<ChannelView> {
        let row = self.channel_own(grant, id).await?;
        view(self.0.sealing.keys(WorkspaceScope::from(grant)).await?.as_ref(), &row)
    }

    pub async fn channel_list(
        &self,
        grant: &Grant<permission::ChannelRead>,
        query: PageQuery,
    ) -> Result<Page<ChannelView>> {
        let scope = WorkspaceScope::from(grant);
        let (before, _) = query.bounds()?;
        let bound = grant.channels().map(<[ChannelId]>::to_vec);
        let rows = self.channels_reachable(scope, grant.mode(), bound).await?;
        let rows: Vec<_> = rows.into_iter().filter(|c| c.id.uuid() < before).collect();
        let keys = self.0.sealing.keys(scope).await?;
        query.page(rows, |r| r.id.uuid(), |row| view(&keys, &row))
    }

    /// Changes a channel. A new token is checked at Meta before it replaces the old one.
    pub async fn channel_update(
        &self,
        grant: &Grant<permission::ChannelManage>,
        id: ChannelId,
        update: ChannelUpdate,
    ) -> Result<ChannelView> {
        let scope = WorkspaceScope::from(grant);
        let keys = self.0.sealing.keys(scope).await?;
        let mut row = self.channel_own(grant, id).await?;
        let token_changed = update.access_token.is_some();
        if let Some(token) = update.access_token {
            let mut cloud = self.cloud_channel_of(scope, &row).await?;
            cloud.token = token.clone();
            let check = self.0.cloud.check_channel(&cloud, Some(&row.waba_id)).await.map_err(call_failed)?;
            if let Some(problem) = check.problems.first() {
                return Err(Error::new(Code::MetaRefused, problem.clone()));
            }
            row.token = seal(&keys, "token", id, token.expose())?;
            row.token_last4 = token.last4();
            if row.state == ChannelState::TokenInvalid {
                row.state = ChannelState::Active;
            }
        }
        if let Some(name) = update.name {
            row.name = name;
        }
        if let Some(throughput) = update.throughput {
            row.throughput = i64::from(throughput.clamp(1, THROUGHPUT_MAX));
        }
        match update.enabled {
            // Enabling is also how an owner says that a restriction was settled at Meta.
            Some(true) if row.state != ChannelState::TokenInvalid => row.state = ChannelState::Active,
            Some(false) => row.state = ChannelState::Disabled,
            _ => {}
        }
        let shown = view(&keys, &row)?;
        let audit = self.audit(
            grant,
            "channel.updated",
            ("channel", id.to_string()),
            vec![("state", row.state.as_str().to_owned()), ("token_changed", token_changed.to_string())],
        );
        self.0
            .store
            .write(scope, async move |tx| {
                tx.channel_update(&row).await?;
                tx.commit(audit.clone(), ())
            })
            .await?;
        self.wake(LaneKey { kind: JobKind::MessageSend, lane: id.uuid() });
        Ok(shown)
    }

    /// Removes a channel. Its messages stay; what was still queued fails, and its sender hears of it.
    pub async fn channel_delete(
        &self,
        grant: &Grant<permission::ChannelManage>,
        id: ChannelId,
    ) -> Result<()> {
        let scope = WorkspaceScope::from(grant);
        let row = self.channel_own(grant, id).await?;
        let now = self.now();
        let audit = self.audit(grant, "channel.deleted", ("channel", id.to_string()), vec![]);
        self.0
            .store
            .write(scope, async move |tx| {
                tx.channel_delete(&row, now).await?;
                tx.jobs_hasten(JobKind::MessageSend, id.uuid(), now).await?;
                tx.commit(audit.clone(), ())
            })
            .await
    }
}
