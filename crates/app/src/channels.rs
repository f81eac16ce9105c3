//! Channels: adding, looking at, changing and removing them.

use std::sync::Arc;

use gatepost_channels::cloud::{CallError, ChannelCheck, CloudApp, CloudChannel, Finding};
use gatepost_core::access::{Grant, permission};
use gatepost_core::audit::{Action, Audit};
use gatepost_core::channel::{ChannelKind, ChannelState, Mode};
use gatepost_core::job::JobKind;
use gatepost_core::{
    ChannelId, Code, Error, FieldError, MetaAppId, ProviderRefusal, Result, Secret, Timestamp, WorkspaceId,
};
use gatepost_store::{ChannelRow, LaneKey, MetaAppRow, WorkspaceScope};
use gatepost_vault::{Aad, WorkspaceKeys};

use crate::App;
use crate::callbacks::{phone_identity, waba_identity};
use crate::channel_checks::{blocks_adding, check_job, report_of};
use crate::channel_state::{ChannelReport, Source, apply, channel_change, what_and_next};
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
    /// What is wrong or soon will be, one sentence.
    pub detail: Option<String>,
    /// The one thing to do about it.
    pub next_action: Option<String>,
    pub phone_number_id: String,
    pub waba_id: String,
    pub display_phone_number: Option<String>,
    pub verified_name: Option<String>,
    pub token_last4: String,
    pub meta_app: MetaAppId,
    pub throughput: u32,
    /// Meta's words, as the last look or callback had them.
    pub quality_rating: Option<String>,
    pub throughput_level: Option<String>,
    pub messaging_limit: Option<String>,
    pub name_status: Option<String>,
    pub number_status: Option<String>,
    pub token_expires_at: Option<Timestamp>,
    pub checked_at: Option<Timestamp>,
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

/// The number as people read it, where Meta has said.
pub(crate) fn display_of(keys: &WorkspaceKeys, row: &ChannelRow) -> Result<Option<String>> {
    let Some(sealed) = &row.display else { return Ok(None) };
    let aad = place(WorkspaceId::from_uuid(keys.workspace()), "display", row.id);
    let plain = keys.open_content(&aad, sealed).map_err(failed)?;
    Ok(Some(String::from_utf8(plain).map_err(Error::internal)?))
}

pub(crate) fn view(keys: &WorkspaceKeys, row: &ChannelRow) -> Result<ChannelView> {
    let (detail, next_action) = what_and_next(row);
    Ok(ChannelView {
        id: row.id,
        mode: row.mode,
        kind: row.kind,
        name: row.name.clone(),
        state: row.state,
        detail,
        next_action,
        phone_number_id: row.phone_number_id.clone(),
        waba_id: row.waba_id.clone(),
        display_phone_number: display_of(keys, row)?,
        verified_name: row.verified_name.clone(),
        token_last4: row.token_last4.clone(),
        meta_app: row.meta_app,
        throughput: u32::try_from(row.throughput).unwrap_or(THROUGHPUT_DEFAULT),
        quality_rating: row.quality_rating.clone(),
        throughput_level: row.throughput_level.clone(),
        messaging_limit: row.messaging_limit.clone(),
        name_status: row.name_status.clone(),
        number_status: row.number_status.clone(),
        token_expires_at: row.token_expires_at,
        checked_at: row.checked_at,
        created_at: row.created_at,
    })
}

/// What to do about a refused call that could succeed later: unlike a message it is not sent again by itself.
const TRY_LATER: &str = "Wait a while, then try again: Gatepost repeats no management call by itself.";

/// A call to Meta that brought nothing, in words for whoever asked for it.
pub(crate) fn call_failed(error: CallError) -> Error {
    match error {
        CallError::Refused(refusal) => {
            let class = refusal.advice.class;
            let action = if class.retries() { TRY_LATER } else { refusal.advice.action };
            let details = refusal.details.as_deref().unwrap_or(&refusal.title);
            let code = refusal.code.map_or_else(String::new, |c| format!(" (Meta's code {c})"));
            let provider = ProviderRefusal { code: refusal.code, class: class.customer().as_str(), action };
            let error =
                Error::new(Code::MetaRefused, format!("{details}{code}: {action}")).with_provider(provider);
            match refusal.retry_after {
                Some(wait) => error.with_retry_after(wait),
                None => error,
            }
        }
        CallError::Unreachable(detail) => Error::of(Code::MetaUnreachable).with_context(detail),
        CallError::Unreadable => Error::new(Code::MetaUnreachable, "Meta's answer could not be read"),
        CallError::Limited(wait) => Error::of(Code::MetaLimitReached).with_retry_after(wait),
        CallError::Setting(what) => Error::fields(vec![FieldError::new("", "invalid_value", what)]),
    }
}

/// What a look found that keeps a number or a token from being taken, in words.
pub(crate) fn found_unfit(finding: &Finding) -> Error {
    match finding {
        Finding::AppRefused(refusal) | Finding::NumberRefused(refusal) => {
            call_failed(CallError::Refused(refusal.clone()))
        }
        finding => {
            let provider = ProviderRefusal { code: None, class: "needs_action", action: finding.action() };
            let detail = format!("{}: {}", finding.sentence(), finding.action());
            Error::new(Code::MetaRefused, detail).with_provider(provider)
        }
    }
}

/// Puts what an owner changed into a row; answers what of it is news.
fn settings(row: &mut ChannelRow, update: &ChannelUpdate) -> Vec<&'static str> {
    let mut changed = Vec::new();
    if let Some(name) = &update.name {
        row.name.clone_from(name);
    }
    if let Some(throughput) = update.throughput {
        let throughput = i64::from(throughput.clamp(1, THROUGHPUT_MAX));
        if throughput != row.throughput {
            row.throughput = throughput;
            changed.push("throughput");
        }
    }
    match update.enabled {
        Some(false) if row.state != ChannelState::Disabled => {
            row.state = ChannelState::Disabled;
            changed.push("state");
        }
        // Enabling is also how an owner says that a restriction was settled at Meta. A bad token stays one.
        Some(true) if !matches!(row.state, ChannelState::TokenInvalid | ChannelState::Active) => {
            let settled =
                ChannelReport { state: Some(ChannelState::Active), ..ChannelReport::of(Source::Owner) };
            apply(row, &settled);
            changed.push("state");
        }
        _ => {}
    }
    changed
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
                let to = (phone_number_id.clone(), waba_id.clone());
                let cloud = self.cloud_channel(owner, &app, to, access_token.clone()).await?;
                let check = self.channel_look(&cloud).await?;
                self.audit_possible(scope).await?;
                self.0.cloud.subscribe_app(&cloud, &waba_id).await.map_err(call_failed)?;
                let number = check.number.clone().unwrap_or_default();
                let mut row = self.channel_row(
                    keys,
                    NewChannel {
                        mode: Mode::Live,
                        name: create.name,
                        app_owner: owner.workspace(),
                        meta_app,
                        phone_number_id,
                        waba_id,
                        token: access_token,
                        display: number.display_phone_number,
                        verified_name: number.verified_name,
                        throughput: THROUGHPUT_DEFAULT,
                    },
                )?;
                apply(&mut row, &report_of(&check, self.now()));
                row
            }
        };
        let shown = view(keys, &row)?;
        let audit = self
            .audit(grant, Action::ChannelCreated, ("channel", row.id.to_string()), vec![])
            .made("name", &row.name)
            .made("mode", row.mode.as_str())
            .made("phone_number_id", &row.phone_number_id)
            .made("waba_id", &row.waba_id)
            .made("meta_app", row.meta_app.to_string());
        let first_look = check_job(row.id, self.now(), self.entropy());
        let inserted = self
            .0
            .store
            .write(scope, async move |tx| {
                let (phone, waba) = (phone_identity(&row.phone_number_id), waba_identity(&row.waba_id));
                let inserted = tx.channel_insert(&row, &phone, &waba).await?;
                if inserted {
                    tx.job_insert_once(&first_look).await?;
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

    /// Looks at a number with a token that a channel is to have. What would keep it from ever sending is refused; a number
    /// that is not registered yet can be registered afterwards.
    async fn channel_look(&self, cloud: &CloudChannel) -> Result<ChannelCheck> {
        let check = self.0.cloud.check_channel(cloud, Some(&cloud.waba_id), self.now()).await;
        let check = check.map_err(call_failed)?;
        match check.findings.iter().find(|finding| blocks_adding(finding)) {
            Some(finding) => Err(found_unfit(finding)),
            None => Ok(check),
        }
    }

    /// `to`: phone number id and WABA id.
    async fn cloud_channel(
        &self,
        owner: WorkspaceScope,
        app: &MetaAppRow,
        to: (String, String),
        token: Secret<String>,
    ) -> Result<CloudChannel> {
        let app_secret = self.meta_app_secret(owner, app).await?;
        let (base_url, graph_version) = self.meta_app_address(app)?;
        let (phone_number_id, waba_id) = to;
        Ok(CloudChannel {
            base_url,
            graph_version,
            phone_number_id,
            waba_id,
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
        let to = (row.phone_number_id.clone(), row.waba_id.clone());
        let mut cloud = self.cloud_channel(owner_of(scope, row), app, to, token).await?;
        if row.mode == Mode::Test {
            self.test_channel_connect(row, app, &mut cloud)?;
        }
        Ok(cloud)
    }

    pub(crate) async fn channel_own<P>(&self, grant: &Grant<P>, id: ChannelId) -> Result<ChannelRow> {
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
        let row = self.channel_own(grant, id).await?;
        let token_changed = update.access_token.is_some();
        let token = match &update.access_token {
            Some(token) => {
                let mut cloud = self.cloud_channel_of(scope, &row).await?;
                cloud.token = token.clone();
                let check = self.channel_look(&cloud).await?;
                let sealed = seal(&keys, "token", id, token.expose())?;
                Some((sealed, token.last4(), report_of(&check, self.now())))
            }
            None => None,
        };
        let details = vec![("token_changed", token_changed.to_string())];
        let audit = self.audit(grant, Action::ChannelUpdated, ("channel", id.to_string()), details);
        let (now, entropy, sealing) = (self.now(), Arc::clone(&self.0.entropy), Arc::clone(&keys));
        let row = self
            .0
            .store
            .write(scope, async move |tx| {
                let before = tx.channel_lock(id).await?.ok_or_else(|| Error::of(Code::NotFound))?;
                let mut row = before.clone();
                let mut changed = Vec::new();
                if let Some((sealed, last4, report)) = &token {
                    row.token.clone_from(sealed);
                    row.token_last4.clone_from(last4);
                    changed = apply(&mut row, report);
                }
                changed.extend(settings(&mut row, &update));
                changed.dedup();
                channel_change(tx, &sealing, &entropy, now, &before, &row, &changed).await?;
                if update.enabled == Some(true) {
                    // Whoever settled something wants to know whether it helped.
                    tx.jobs_hasten(JobKind::ChannelCheck, id.uuid(), now).await?;
                }
                let audit = audit
                    .clone()
                    .changed("name", &before.name, &row.name)
                    .changed("state", before.state.as_str(), row.state.as_str())
                    .changed("throughput", before.throughput.to_string(), row.throughput.to_string())
                    .changed("token", format!("…{}", before.token_last4), format!("…{}", row.token_last4));
                tx.commit(audit, row)
            })
            .await?;
        self.wake(LaneKey { kind: JobKind::MessageSend, lane: id.uuid() });
        view(&keys, &row)
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
        let audit = self
            .audit(grant, Action::ChannelDeleted, ("channel", id.to_string()), vec![])
            .was("name", &row.name)
            .was("phone_number_id", &row.phone_number_id);
        self.0
            .store
            .write(scope, async move |tx| {
                tx.channel_delete(&row, now).await?;
                tx.jobs_hasten(JobKind::MessageSend, id.uuid(), now).await?;
                tx.jobs_drop_lane(JobKind::ChannelCheck, id.uuid()).await?;
                tx.commit(audit.clone(), ())
            })
            .await
    }
}
