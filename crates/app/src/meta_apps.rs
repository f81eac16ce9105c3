//! Meta apps: whose secret signs callbacks, and where and in which version Meta is called for their channels.
//!
//! Threat note. A workspace chooses where its own app finds Meta only among the addresses that the operator's
//! configuration names: the client that calls Meta has no address policy, so a free choice would aim it inward. The
//! list is looked at again at every use, so what the operator takes off it is reached no more. A changed secret or
//! verify token, and a removed app, bind on every node before the answer is given.

use std::sync::Arc;

use gatepost_core::access::{Grant, OperatorGrant, operator_permission, permission};
use gatepost_core::audit::{Action, Audit, AuditEntry};
use gatepost_core::job::JobKind;
use gatepost_core::{Code, Error, FieldError, MetaAppId, Result, Secret, Timestamp, WorkspaceId};
use gatepost_store::{MetaAppRemoval, MetaAppRow, WorkspaceScope};
use gatepost_vault::{Aad, AppSecret, WorkspaceKeys, random_token, sha256};

use crate::App;
use crate::idempotency::{Idempotent, Outcome, Prepared};
use crate::pages::{Page, PageQuery};
use crate::sealing::failed;

/// Apps held ready for callbacks.
const CACHED_APPS: u64 = 10_000;

pub struct MetaAppCreate {
    pub name: String,
    /// Meta's id of the app.
    pub app_id: String,
    pub app_secret: Secret<String>,
    /// `v25.0`; `None`: the installation's.
    pub graph_version: Option<String>,
    /// One of the addresses that the configuration names; `None`: the installation's.
    pub base_url: Option<String>,
}

/// What changes; `None` stays.
#[derive(Default)]
pub struct MetaAppUpdate {
    pub name: Option<String>,
    pub app_secret: Option<Secret<String>>,
    /// `Some(None)`: the installation's from now on.
    pub graph_version: Option<Option<String>>,
    /// `Some(None)`: the installation's from now on.
    pub base_url: Option<Option<String>>,
    /// Makes a new verify token; the old one is over.
    pub new_verify_token: bool,
}

#[derive(Clone)]
pub struct MetaAppView {
    pub id: MetaAppId,
    pub name: String,
    pub app_id: String,
    /// What to paste at Meta as callback URL.
    pub callback_url: String,
    /// What to paste at Meta as verify token; shown when it is made, and never again.
    pub verify_token: Option<Secret<String>>,
    /// The operator's, for every workspace.
    pub shared: bool,
    /// `None`: the installation's.
    pub graph_version: Option<String>,
    /// `None`: the installation's.
    pub base_url: Option<String>,
    pub created_at: Timestamp,
}

impl MetaAppUpdate {
    /// The secrets that change, for the audit log.
    fn secrets(&self) -> Vec<&'static str> {
        [("app_secret", self.app_secret.is_some()), ("verify_token", self.new_verify_token)]
            .into_iter()
            .filter_map(|(name, there)| there.then_some(name))
            .collect()
    }
}

/// An app ready to verify callbacks.
pub(crate) struct CallbackApp {
    /// The credential epoch it was read in.
    epoch: i64,
    /// Whose it is.
    pub owner: WorkspaceId,
    /// Meta's id of the app.
    pub app_id: String,
    pub secret: AppSecret,
    pub verify_digest: Vec<u8>,
}

/// Apps whose secret was opened. A change raises the credential epoch, which voids what was read in an earlier one.
pub(crate) struct AppCache(moka::sync::Cache<MetaAppId, Arc<CallbackApp>>);

impl AppCache {
    pub fn new() -> Self {
        Self(moka::sync::Cache::new(CACHED_APPS))
    }
}

/// What the audit log tells of a new app.
fn made(audit: AuditEntry, row: &MetaAppRow) -> AuditEntry {
    audit
        .made("name", &row.name)
        .made("app_id", &row.app_id)
        .made("graph_version", or_usual(row.graph_version.as_ref()))
        .made("base_url", or_usual(row.base_url.as_ref()))
}

fn or_usual(value: Option<&String>) -> String {
    value.cloned().unwrap_or_else(|| "the installation's".to_owned())
}

fn place(workspace: WorkspaceId, id: MetaAppId) -> Aad {
    Aad { workspace: workspace.uuid(), table: "meta_app", column: "secret", row: id.uuid().into_bytes() }
}

impl App {
    fn meta_app_view(
        &self,
        owner: WorkspaceScope,
        row: &MetaAppRow,
        verify_token: Option<Secret<String>>,
    ) -> MetaAppView {
        MetaAppView {
            id: row.id,
            shared: owner == WorkspaceScope::platform(),
            graph_version: row.graph_version.clone(),
            base_url: row.base_url.clone(),
            name: row.name.clone(),
            app_id: row.app_id.clone(),
            callback_url: self.callback_url(row.id),
            verify_token,
            created_at: row.created_at,
        }
    }

    /// Where Meta sends the callbacks of an app.
    pub fn callback_url(&self, app: MetaAppId) -> String {
        format!("{}/hooks/meta/{app}", self.0.config.public_url.trim_end_matches('/'))
    }

    /// Where Meta may be found, and nowhere else.
    pub fn meta_base_urls(&self) -> Vec<String> {
        let config = &self.0.config;
        let mut urls: Vec<String> = Vec::with_capacity(config.meta_base_urls.len() + 1);
        for url in std::iter::once(&config.meta_base_url).chain(&config.meta_base_urls) {
            let url = url.trim_end_matches('/').to_owned();
            if !urls.contains(&url) {
                urls.push(url);
            }
        }
        urls
    }

    /// A base URL as it is kept: one of those that the configuration names, without a slash at its end.
    fn meta_base_url_check(&self, url: Option<String>) -> Result<Option<String>> {
        let Some(url) = url else { return Ok(None) };
        let url = url.trim_end_matches('/').to_owned();
        let known = self.meta_base_urls();
        if known.contains(&url) {
            return Ok(Some(url));
        }
        let detail =
            format!("expected one of {}; an operator can name others (meta.base_urls)", known.join(", "));
        Err(Error::fields(vec![FieldError::new("/base_url", "invalid_value", detail)]))
    }

    /// Where and in which version Meta is called for an app's channels.
    pub(crate) fn meta_app_address(&self, app: &MetaAppRow) -> Result<(String, String)> {
        let config = &self.0.config;
        let version = app.graph_version.as_ref().unwrap_or(&config.meta_graph_version).clone();
        let base = match &app.base_url {
            None => config.meta_base_url.clone(),
            Some(url) if self.meta_base_urls().contains(url) => url.clone(),
            Some(_) => {
                let detail =
                    "the Meta app's base URL is not among those of the configuration (meta.base_urls)";
                return Err(Error::new(Code::ChannelNotReady, detail));
            }
        };
        Ok((base, version))
    }

    /// Makes the row of an app: its secret sealed, of its verify token a digest.
    pub(crate) fn meta_app_row(
        &self,
        keys: &WorkspaceKeys,
        name: String,
        app_id: String,
        app_secret: &Secret<String>,
        verify_token: &Secret<String>,
    ) -> Result<MetaAppRow> {
        let now = self.now();
        let id = MetaAppId::new(now, self.entropy());
        let aad = place(WorkspaceId::from_uuid(keys.workspace()), id);
        Ok(MetaAppRow {
            id,
            name,
            app_id,
            secret: keys.seal(&aad, app_secret.expose().as_bytes()).map_err(failed)?.into_vec(),
            verify_digest: sha256(verify_token.expose().as_bytes()).to_vec(),
            created_at: now,
            graph_version: None,
            base_url: None,
        })
    }

    pub async fn meta_app_create(
        &self,
        grant: &Grant<permission::ChannelManage>,
        create: MetaAppCreate,
        idempotent: Option<Idempotent<MetaAppView>>,
    ) -> Result<Outcome<MetaAppView>> {
        let scope = WorkspaceScope::from(grant);
        let keys = self.0.sealing.keys(scope).await?;
        let (row, view) = self.meta_app_make(scope, &keys, create)?;
        let prepared = Prepared::with_answer(&keys, idempotent.as_ref(), &view)?;
        let audit =
            made(self.audit(grant, Action::MetaAppCreated, ("meta_app", row.id.to_string()), vec![]), &row);
        let (recording, now) = (prepared.clone(), self.now());
        let replay = self
            .0
            .store
            .write(scope, async move |tx| {
                if let Some(prepared) = &recording
                    && let Some(first) = prepared.record(tx, now).await?
                {
                    return tx.commit(Audit::None("an answer given again"), Some(first));
                }
                tx.meta_app_insert(&row).await?;
                tx.commit(audit.clone(), None)
            })
            .await?;
        match (replay, prepared) {
            (Some(first), Some(prepared)) => prepared.open(&keys, &first),
            _ => Ok(Outcome::Fresh(view)),
        }
    }

    fn meta_app_make(
        &self,
        owner: WorkspaceScope,
        keys: &WorkspaceKeys,
        create: MetaAppCreate,
    ) -> Result<(MetaAppRow, MetaAppView)> {
        let base_url = self.meta_base_url_check(create.base_url)?;
        let verify_token = random_token("gpv_", self.entropy());
        let mut row =
            self.meta_app_row(keys, create.name, create.app_id, &create.app_secret, &verify_token)?;
        row.graph_version = create.graph_version;
        row.base_url = base_url;
        let view = self.meta_app_view(owner, &row, Some(verify_token));
        Ok((row, view))
    }

    /// Adds an app of the operator's, which may serve channels of every workspace.
    pub async fn meta_app_create_shared(
        &self,
        grant: &OperatorGrant<operator_permission::WorkspaceManage>,
        create: MetaAppCreate,
    ) -> Result<MetaAppView> {
        let platform = WorkspaceScope::platform();
        let keys = self.0.sealing.keys(platform).await?;
        let (row, view) = self.meta_app_make(platform, &keys, create)?;
        let audit = made(self.shared_audit(grant, Action::MetaAppCreated, row.id), &row);
        self.0
            .store
            .write(platform, async move |tx| {
                tx.meta_app_insert(&row).await?;
                tx.commit(audit.clone(), ())
            })
            .await?;
        Ok(view)
    }

    fn shared_audit<P>(&self, grant: &OperatorGrant<P>, action: Action, id: MetaAppId) -> AuditEntry {
        let mut audit = self.audit_operator(grant, action, ("meta_app", id.to_string()));
        audit.details.push(("shared", "true".to_owned()));
        audit
    }

    /// Changes an app of the workspace's own. When this returns, callbacks are verified by the new secret on every node.
    pub async fn meta_app_update(
        &self,
        grant: &Grant<permission::ChannelManage>,
        id: MetaAppId,
        update: MetaAppUpdate,
    ) -> Result<MetaAppView> {
        let details = update.secrets().into_iter().map(|name| (name, "changed".to_owned())).collect();
        let audit = self.audit(grant, Action::MetaAppUpdated, ("meta_app", id.to_string()), details);
        self.meta_app_change(WorkspaceScope::from(grant), id, update, audit).await
    }

    /// Changes an app of the operator's.
    pub async fn meta_app_update_shared(
        &self,
        grant: &OperatorGrant<operator_permission::WorkspaceManage>,
        id: MetaAppId,
        update: MetaAppUpdate,
    ) -> Result<MetaAppView> {
        let mut audit = self.shared_audit(grant, Action::MetaAppUpdated, id);
        audit.details.extend(update.secrets().into_iter().map(|name| (name, "changed".to_owned())));
        self.meta_app_change(WorkspaceScope::platform(), id, update, audit).await
    }

    async fn meta_app_change(
        &self,
        owner: WorkspaceScope,
        id: MetaAppId,
        update: MetaAppUpdate,
        audit: AuditEntry,
    ) -> Result<MetaAppView> {
        let keys = self.0.sealing.keys(owner).await?;
        let base_url = match update.base_url {
            Some(url) => Some(self.meta_base_url_check(url)?),
            None => None,
        };
        let aad = place(owner.workspace(), id);
        let secret = match &update.app_secret {
            Some(secret) => Some(keys.seal(&aad, secret.expose().as_bytes()).map_err(failed)?.into_vec()),
            None => None,
        };
        let verify_token = update.new_verify_token.then(|| random_token("gpv_", self.entropy()));
        let digest = verify_token.as_ref().map(|token| sha256(token.expose().as_bytes()).to_vec());
        let (name, version, now) = (update.name, update.graph_version, self.now());
        let (row, epoch) = self
            .0
            .store
            .write(owner, async move |tx| {
                let before = tx
                    .meta_app_get(id)
                    .await?
                    .filter(|row| !crate::test_channels::is_simulated(row))
                    .ok_or_else(|| Error::of(Code::NotFound))?;
                let mut row = before.clone();
                row.name = name.clone().unwrap_or(row.name);
                row.secret = secret.clone().unwrap_or(row.secret);
                row.verify_digest = digest.clone().unwrap_or(row.verify_digest);
                row.graph_version = version.clone().unwrap_or(row.graph_version);
                row.base_url = base_url.clone().unwrap_or(row.base_url);
                tx.meta_app_update(&row).await?;
                // What stood in the way of its channels may be over.
                tx.channel_jobs_hasten(JobKind::ChannelCheck, id, now).await?;
                let epoch = tx.credential_epoch_raise().await?;
                let audit = audit
                    .clone()
                    .changed("name", &before.name, &row.name)
                    .changed(
                        "graph_version",
                        or_usual(before.graph_version.as_ref()),
                        or_usual(row.graph_version.as_ref()),
                    )
                    .changed("base_url", or_usual(before.base_url.as_ref()), or_usual(row.base_url.as_ref()));
                tx.commit(audit, (row, epoch))
            })
            .await?;
        self.await_epoch(epoch).await?;
        Ok(self.meta_app_view(owner, &row, verify_token))
    }

    /// Removes an app of the workspace's own that no channel uses. Its secret is gone; callbacks under it are refused.
    pub async fn meta_app_delete(
        &self,
        grant: &Grant<permission::ChannelManage>,
        id: MetaAppId,
    ) -> Result<()> {
        let audit = self.audit(grant, Action::MetaAppDeleted, ("meta_app", id.to_string()), vec![]);
        self.meta_app_remove(WorkspaceScope::from(grant), id, audit).await
    }

    /// Removes an app of the operator's that no channel of any workspace uses.
    pub async fn meta_app_delete_shared(
        &self,
        grant: &OperatorGrant<operator_permission::WorkspaceManage>,
        id: MetaAppId,
    ) -> Result<()> {
        let audit = self.shared_audit(grant, Action::MetaAppDeleted, id);
        self.meta_app_remove(WorkspaceScope::platform(), id, audit).await
    }

    async fn meta_app_remove(&self, owner: WorkspaceScope, id: MetaAppId, audit: AuditEntry) -> Result<()> {
        let now = self.now();
        let epoch = self
            .0
            .store
            .write(owner, async move |tx| {
                let known = tx.meta_app_get(id).await?;
                let row = known.filter(|row| !crate::test_channels::is_simulated(row));
                let row = row.ok_or_else(|| Error::of(Code::NotFound))?;
                match tx.meta_app_delete(id, now).await? {
                    MetaAppRemoval::Removed => {
                        let epoch = tx.credential_epoch_raise().await?;
                        tx.commit(audit.clone().was("name", &row.name).was("app_id", &row.app_id), epoch)
                    }
                    MetaAppRemoval::Unknown => Err(Error::of(Code::NotFound)),
                    MetaAppRemoval::InUse(count) => {
                        let detail = format!("{count} channels use this Meta app; remove them first");
                        Err(Error::new(Code::Conflict, detail))
                    }
                }
            })
            .await?;
        self.await_epoch(epoch).await
    }

    /// The operator's own apps.
    pub async fn meta_app_list_shared(
        &self,
        _grant: &OperatorGrant<operator_permission::WorkspaceRead>,
    ) -> Result<Vec<MetaAppView>> {
        let platform = WorkspaceScope::platform();
        let rows = self.meta_apps_of(platform).await?;
        Ok(rows.iter().map(|row| self.meta_app_view(platform, row, None)).collect())
    }

    async fn meta_apps_of(&self, owner: WorkspaceScope) -> Result<Vec<MetaAppRow>> {
        let mut rows = self.0.store.read(owner, async move |tx| tx.meta_app_list().await).await?;
        rows.retain(|row| !crate::test_channels::is_simulated(row));
        Ok(rows)
    }

    /// An app that a workspace may use: its own, or the operator's.
    pub(crate) async fn meta_app_usable(
        &self,
        scope: WorkspaceScope,
        id: MetaAppId,
    ) -> Result<Option<(WorkspaceScope, MetaAppRow)>> {
        for owner in [scope, WorkspaceScope::platform()] {
            let row = self.0.store.read(owner, async move |tx| tx.meta_app_get(id).await).await?;
            if let Some(row) = row.filter(|row| !crate::test_channels::is_simulated(row)) {
                return Ok(Some((owner, row)));
            }
        }
        Ok(None)
    }

    /// The apps that the workspace's channels may use: its own, and the operator's shared ones.
    pub async fn meta_app_list(
        &self,
        grant: &Grant<permission::ChannelRead>,
        query: PageQuery,
    ) -> Result<Page<MetaAppView>> {
        let (before, _) = query.bounds()?;
        let mut rows = Vec::new();
        for owner in [WorkspaceScope::from(grant), WorkspaceScope::platform()] {
            let own = self.meta_apps_of(owner).await?;
            rows.extend(own.into_iter().filter(|a| a.id.uuid() < before).map(|row| (owner, row)));
        }
        rows.sort_by_key(|(_, row)| std::cmp::Reverse(row.id.uuid()));
        query.page(rows, |(_, row)| row.id.uuid(), |(owner, row)| Ok(self.meta_app_view(owner, &row, None)))
    }

    pub async fn meta_app_get(
        &self,
        grant: &Grant<permission::ChannelRead>,
        id: MetaAppId,
    ) -> Result<MetaAppView> {
        let found = self.meta_app_usable(WorkspaceScope::from(grant), id).await?;
        found
            .map(|(owner, row)| self.meta_app_view(owner, &row, None))
            .ok_or_else(|| Error::of(Code::NotFound))
    }

    /// The opened secret of an app, for the client's proofs.
    pub(crate) async fn meta_app_secret(
        &self,
        scope: WorkspaceScope,
        row: &MetaAppRow,
    ) -> Result<Secret<String>> {
        let plain = self.0.sealing.open(scope, &place(scope.workspace(), row.id), &row.secret).await?;
        Ok(Secret::new(String::from_utf8(plain).map_err(Error::internal)?))
    }

    /// An app by the id in a callback's path; `None` when there is none.
    pub(crate) async fn callback_app(&self, id: MetaAppId) -> Result<Option<Arc<CallbackApp>>> {
        let credentials = &self.0.credentials;
        let live = credentials.is_live(self.now());
        // Read before the entry: an epoch that moves meanwhile voids what we are about to find.
        let epoch = credentials.epoch();
        if live
            && let Some(app) = self.0.apps.0.get(&id)
            && app.epoch == epoch
        {
            return Ok(Some(app));
        }
        let Some((scope, row)) = self.0.store.read_system(async move |tx| tx.meta_app_find(id).await).await?
        else {
            return Ok(None);
        };
        let secret = self.meta_app_secret(scope, &row).await?;
        let secret = AppSecret::new(secret.expose()).map_err(Error::internal)?;
        let app = Arc::new(CallbackApp {
            epoch,
            owner: scope.workspace(),
            app_id: row.app_id,
            secret,
            verify_digest: row.verify_digest,
        });
        self.0.apps.0.insert(id, Arc::clone(&app));
        Ok(Some(app))
    }
}
