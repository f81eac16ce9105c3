//! Meta apps: whose secret signs callbacks.

use std::sync::Arc;

use gatepost_core::access::{Actor, Grant, OperatorGrant, operator_permission, permission};
use gatepost_core::audit::AuditEntry;
use gatepost_core::{AuditId, Code, Error, MetaAppId, Result, Secret, Timestamp, WorkspaceId};
use gatepost_store::{MetaAppRow, WorkspaceScope};
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
}

#[derive(Clone)]
pub struct MetaAppView {
    pub id: MetaAppId,
    pub name: String,
    pub app_id: String,
    /// What to paste at Meta as callback URL.
    pub callback_url: String,
    /// What to paste at Meta as verify token; shown on creation only.
    pub verify_token: Option<Secret<String>>,
    pub created_at: Timestamp,
}

/// An app ready to verify callbacks.
pub(crate) struct CallbackApp {
    pub secret: AppSecret,
    pub verify_digest: Vec<u8>,
}

/// Apps whose secret was opened. An app's secret cannot be changed, only the app replaced, so entries never go stale.
pub(crate) struct AppCache(moka::sync::Cache<MetaAppId, Arc<CallbackApp>>);

impl AppCache {
    pub fn new() -> Self {
        Self(moka::sync::Cache::new(CACHED_APPS))
    }
}

fn place(workspace: WorkspaceId, id: MetaAppId) -> Aad {
    Aad { workspace: workspace.uuid(), table: "meta_app", column: "secret", row: id.uuid().into_bytes() }
}

impl App {
    fn meta_app_view(&self, row: &MetaAppRow, verify_token: Option<Secret<String>>) -> MetaAppView {
        MetaAppView {
            id: row.id,
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
        let verify_token = random_token("gpv_", self.entropy());
        let row = self.meta_app_row(&keys, create.name, create.app_id, &create.app_secret, &verify_token)?;
        let view = self.meta_app_view(&row, Some(verify_token));
        let prepared = Prepared::with_answer(&keys, idempotent.as_ref(), &view)?;
        let audit = self.audit(grant, "meta_app.created", ("meta_app", row.id.to_string()), vec![]);
        let (recording, now) = (prepared.clone(), self.now());
        let replay = self
            .0
            .store
            .write(scope, async move |tx| {
                if let Some(prepared) = &recording
                    && let Some(first) = prepared.record(tx, now).await?
                {
                    return tx
                        .commit(gatepost_core::audit::Audit::None("an answer given again"), Some(first));
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

    /// Adds an app of the operator's, which may serve channels of every workspace.
    pub async fn meta_app_create_shared(
        &self,
        _grant: &OperatorGrant<operator_permission::WorkspaceManage>,
        create: MetaAppCreate,
    ) -> Result<MetaAppView> {
        let platform = WorkspaceScope::platform();
        let keys = self.0.sealing.keys(platform).await?;
        let verify_token = random_token("gpv_", self.entropy());
        let row = self.meta_app_row(&keys, create.name, create.app_id, &create.app_secret, &verify_token)?;
        let view = self.meta_app_view(&row, Some(verify_token));
        let at = self.now();
        let audit = AuditEntry {
            id: AuditId::new(at, self.entropy()),
            at,
            actor: Actor::LocalOperator,
            action: "meta_app.created",
            target: ("meta_app", row.id.to_string()),
            details: vec![("shared", "true".to_owned())],
            request: None,
        };
        self.0
            .store
            .write(platform, async move |tx| {
                tx.meta_app_insert(&row).await?;
                tx.commit(audit.clone(), ())
            })
            .await?;
        Ok(view)
    }

    /// An app that a workspace may use: its own, or the operator's.
    pub(crate) async fn meta_app_usable(
        &self,
        scope: WorkspaceScope,
        id: MetaAppId,
    ) -> Result<Option<(WorkspaceScope, MetaAppRow)>> {
        for owner in [scope, WorkspaceScope::platform()] {
            if let Some(row) = self.0.store.read(owner, async move |tx| tx.meta_app_get(id).await).await? {
                return Ok(Some((owner, row)));
            }
        }
        Ok(None)
    }

    pub async fn meta_app_list(
        &self,
        grant: &Grant<permission::ChannelRead>,
        query: PageQuery,
    ) -> Result<Page<MetaAppView>> {
        let scope = WorkspaceScope::from(grant);
        let (before, _) = query.bounds()?;
        let rows = self.0.store.read(scope, async move |tx| tx.meta_app_list().await).await?;
        let rows: Vec<_> = rows.into_iter().filter(|a| a.id.uuid() < before).collect();
        query.page(rows, |r| r.id.uuid(), |row| Ok(self.meta_app_view(&row, None)))
    }

    pub async fn meta_app_get(
        &self,
        grant: &Grant<permission::ChannelRead>,
        id: MetaAppId,
    ) -> Result<MetaAppView> {
        let scope = WorkspaceScope::from(grant);
        let row = self.0.store.read(scope, async move |tx| tx.meta_app_get(id).await).await?;
        row.map(|row| self.meta_app_view(&row, None)).ok_or_else(|| Error::of(Code::NotFound))
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
        if let Some(app) = self.0.apps.0.get(&id) {
            return Ok(Some(app));
        }
        let Some((scope, row)) = self.0.store.read_system(async move |tx| tx.meta_app_find(id).await).await?
        else {
            return Ok(None);
        };
        let secret = self.meta_app_secret(scope, &row).await?;
        let secret = AppSecret::new(secret.expose()).map_err(Error::internal)?;
        let app = Arc::new(CallbackApp { secret, verify_digest: row.verify_digest });
        self.0.apps.0.insert(id, Arc::clone(&app));
        Ok(Some(app))
    }
}
