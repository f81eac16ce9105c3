//! Webhook endpoints.

use std::time::Duration;

use gatepost_core::access::{Grant, permission};
use gatepost_core::audit::Action;
use gatepost_core::channel::Mode;
use gatepost_core::endpoint::{DeliveryOrder, DisabledReason, WebhookUrl};
use gatepost_core::event::EventFilter;
use gatepost_core::job::JobKind;
use gatepost_core::{Code, EndpointId, Error, FieldError, Result, Secret, Timestamp, WorkspaceId};
use gatepost_store::{EndpointHealth, EndpointRow, WorkspaceScope};
use gatepost_vault::{Aad, WebhookSecret, WorkspaceKeys};

use crate::App;
use crate::idempotency::{Idempotent, Outcome, Prepared};
use crate::pages::{Page, PageQuery};
use crate::sealing::failed;

/// The longest time that an old secret goes on signing.
pub const OVERLAP_MAX: Duration = Duration::from_hours(168);

pub struct EndpointCreate {
    pub mode: Mode,
    pub url: WebhookUrl,
    pub description: String,
    pub events: EventFilter,
}

/// What changes; `None` stays.
#[derive(Default)]
pub struct EndpointUpdate {
    pub url: Option<WebhookUrl>,
    pub description: Option<String>,
    pub events: Option<EventFilter>,
    pub enabled: Option<bool>,
}

#[derive(Clone)]
pub struct EndpointView {
    pub id: EndpointId,
    pub mode: Mode,
    pub url: String,
    pub description: String,
    pub events: Vec<String>,
    pub enabled: bool,
    pub created_at: Timestamp,
    /// Until when the secret before this one goes on signing.
    pub previous_secret_until: Option<Timestamp>,
}

/// An endpoint with its secret, which is shown now and never again.
pub struct EndpointCreated {
    pub view: EndpointView,
    pub secret: Secret<String>,
}

pub(crate) fn place(workspace: WorkspaceId, column: &'static str, endpoint: EndpointId) -> Aad {
    Aad { workspace: workspace.uuid(), table: "endpoint", column, row: endpoint.uuid().into_bytes() }
}

fn seal(keys: &WorkspaceKeys, column: &'static str, id: EndpointId, plain: &str) -> Result<Vec<u8>> {
    let aad = place(WorkspaceId::from_uuid(keys.workspace()), column, id);
    Ok(keys.seal(&aad, plain.as_bytes()).map_err(failed)?.into_vec())
}

/// Opens a sealed text of an endpoint.
pub(crate) fn open(
    keys: &WorkspaceKeys,
    column: &'static str,
    id: EndpointId,
    sealed: &[u8],
) -> Result<String> {
    let aad = place(WorkspaceId::from_uuid(keys.workspace()), column, id);
    String::from_utf8(keys.open_content(&aad, sealed).map_err(failed)?).map_err(Error::internal)
}

fn view(keys: &WorkspaceKeys, row: &EndpointRow) -> Result<EndpointView> {
    Ok(EndpointView {
        id: row.id,
        mode: row.mode,
        url: open(keys, "url", row.id, &row.url)?,
        description: row.description.clone(),
        events: row.events.split_ascii_whitespace().map(str::to_owned).collect(),
        enabled: row.enabled,
        created_at: row.created_at,
        previous_secret_until: row.previous_until,
    })
}

/// What the audit log tells of a URL: path and query may hold a secret.
fn host_of(url: &str) -> String {
    WebhookUrl::parse(url).ok().and_then(|url| url.url().host_str().map(str::to_owned)).unwrap_or_default()
}

impl App {
    /// Judges a URL as every attempt will, as far as that is possible without asking a resolver.
    fn endpoint_url_check(&self, url: &WebhookUrl) -> Result<()> {
        let verdict = self.0.safe.policy().check_url(url.as_str());
        if verdict.allow {
            return Ok(());
        }
        Err(Error::fields(vec![FieldError::new(
            "/url",
            Code::WebhookUrlNotAllowed.as_str(),
            format!("{} (rule {})", verdict.detail, verdict.rule),
        )]))
    }

    pub async fn endpoint_create(
        &self,
        grant: &Grant<permission::EndpointManage>,
        create: EndpointCreate,
        idempotent: Option<Idempotent<EndpointCreated>>,
    ) -> Result<Outcome<EndpointCreated>> {
        self.endpoint_url_check(&create.url)?;
        if !grant.sees(create.mode) {
            return Err(Error::of(Code::TestModeOnly));
        }
        let scope = WorkspaceScope::from(grant);
        let keys = self.0.sealing.keys(scope).await?;
        let now = self.now();
        let id = EndpointId::new(now, self.entropy());
        let secret = WebhookSecret::generate(self.entropy());
        let row = EndpointRow {
            id,
            mode: create.mode,
            url: seal(&keys, "url", id, create.url.as_str())?,
            description: create.description,
            events: create.events.names().join(" "),
            channels: String::new(),
            headers: None,
            metadata: None,
            order: DeliveryOrder::default(),
            retry_schedule: None,
            enabled: true,
            disabled: None,
            health: EndpointHealth::default(),
            secret: seal(&keys, "secret", id, secret.expose())?,
            previous_secret: None,
            previous_until: None,
            signing_seed: None,
            previous_signing_seed: None,
            created_at: now,
        };
        let created =
            EndpointCreated { view: view(&keys, &row)?, secret: Secret::new(secret.expose().to_owned()) };
        let prepared = Prepared::with_answer(&keys, idempotent.as_ref(), &created)?;
        let audit = self
            .audit(grant, Action::EndpointCreated, ("endpoint", id.to_string()), vec![])
            .made("mode", create.mode.as_str())
            .made("host", host_of(&created.view.url))
            .made("events", &row.events);
        let recording = prepared.clone();
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
                tx.endpoint_insert(&row).await?;
                tx.commit(audit.clone(), None)
            })
            .await?;
        match (replay, prepared) {
            (Some(first), Some(prepared)) => prepared.open(&keys, &first),
            _ => Ok(Outcome::Fresh(created)),
        }
    }

    async fn endpoint_row<P>(&self, grant: &Grant<P>, id: EndpointId) -> Result<EndpointRow> {
        let scope = WorkspaceScope::from(grant);
        let row = self.0.store.read(scope, async move |tx| tx.endpoint_get(id).await).await?;
        row.filter(|e| grant.sees(e.mode)).ok_or_else(|| Error::of(Code::NotFound))
    }

    pub async fn endpoint_get(
        &self,
        grant: &Grant<permission::EndpointRead>,
        id: EndpointId,
    ) -> Result<EndpointView> {
        let row = self.endpoint_row(grant, id).await?;
        view(self.0.sealing.keys(WorkspaceScope::from(grant)).await?.as_ref(), &row)
    }

    pub async fn endpoint_list(
        &self,
        grant: &Grant<permission::EndpointRead>,
        query: PageQuery,
    ) -> Result<Page<EndpointView>> {
        let scope = WorkspaceScope::from(grant);
        let (before, _) = query.bounds()?;
        let rows = self.0.store.read(scope, async move |tx| tx.endpoint_list().await).await?;
        let rows: Vec<_> = rows.into_iter().filter(|e| grant.sees(e.mode) && e.id.uuid() < before).collect();
        let keys = self.0.sealing.keys(scope).await?;
        query.page(rows, |r| r.id.uuid(), |row| view(&keys, &row))
    }

    pub async fn endpoint_update(
        &self,
        grant: &Grant<permission::EndpointManage>,
        id: EndpointId,
        update: EndpointUpdate,
    ) -> Result<EndpointView> {
        if let Some(url) = &update.url {
            self.endpoint_url_check(url)?;
        }
        let scope = WorkspaceScope::from(grant);
        let mut row = self.endpoint_row(grant, id).await?;
        let keys = self.0.sealing.keys(scope).await?;
        if let Some(url) = &update.url {
            row.url = seal(&keys, "url", id, url.as_str())?;
        }
        if let Some(description) = update.description {
            row.description = description;
        }
        if let Some(events) = update.events {
            row.events = events.names().join(" ");
        }
        let now = self.now();
        let before = view(&keys, &self.endpoint_row(grant, id).await?)?;
        let enabled_again = !row.enabled && update.enabled == Some(true);
        if let Some(enabled) = update.enabled {
            row.disabled = if enabled { None } else { row.disabled.or(Some((DisabledReason::Owner, now))) };
            row.enabled = enabled;
        }
        let shown = view(&keys, &row)?;
        let details = vec![("url_changed", (shown.url != before.url).to_string())];
        let audit = self
            .audit(grant, Action::EndpointUpdated, ("endpoint", id.to_string()), details)
            .changed("enabled", before.enabled.to_string(), shown.enabled.to_string())
            .changed("host", host_of(&before.url), host_of(&shown.url))
            .changed("events", before.events.join(" "), shown.events.join(" "))
            .changed("description", &before.description, &shown.description);
        self.0
            .store
            .write(scope, async move |tx| {
                tx.endpoint_update(&row).await?;
                if enabled_again {
                    tx.jobs_hasten(JobKind::DeliveryAttempt, id.uuid(), now).await?;
                }
                tx.commit(audit.clone(), ())
            })
            .await?;
        self.wake(gatepost_store::LaneKey { kind: JobKind::DeliveryAttempt, lane: id.uuid() });
        Ok(shown)
    }

    /// Removes an endpoint: nothing more goes to it; what waited is dead and stays visible to the operator.
    pub async fn endpoint_delete(
        &self,
        grant: &Grant<permission::EndpointManage>,
        id: EndpointId,
    ) -> Result<()> {
        let scope = WorkspaceScope::from(grant);
        let row = self.endpoint_row(grant, id).await?;
        let now = self.now();
        let url = view(self.0.sealing.keys(scope).await?.as_ref(), &row)?.url;
        let audit = self
            .audit(grant, Action::EndpointDeleted, ("endpoint", id.to_string()), vec![])
            .was("host", host_of(&url))
            .was("events", &row.events);
        self.0
            .store
            .write(scope, async move |tx| {
                tx.endpoint_delete(id, now).await?;
                tx.jobs_drop_lane(JobKind::DeliveryAttempt, id.uuid()).await?;
                tx.delivery_bury(id).await?;
                tx.commit(audit.clone(), ())
            })
            .await
    }

    /// A new secret. The old one goes on signing for `overlap` (at most seven days), so that no delivery fails while
    /// the receiver changes over.
    pub async fn endpoint_secret_rotate(
        &self,
        grant: &Grant<permission::EndpointManage>,
        id: EndpointId,
        overlap: Duration,
    ) -> Result<EndpointCreated> {
        let scope = WorkspaceScope::from(grant);
        let mut row = self.endpoint_row(grant, id).await?;
        let keys = self.0.sealing.keys(scope).await?;
        let secret = WebhookSecret::generate(self.entropy());
        let now = self.now();
        let until = (!overlap.is_zero()).then(|| now.plus(overlap.min(OVERLAP_MAX)));
        let old = open(&keys, "secret", id, &row.secret)?;
        let previous = match until {
            Some(_) => Some(seal(&keys, "previous_secret", id, &old)?),
            None => None,
        };
        row.secret = seal(&keys, "secret", id, secret.expose())?;
        row.previous_secret = previous;
        row.previous_until = until;
        let shown = view(&keys, &row)?;
        let audit = self.audit(
            grant,
            Action::EndpointSecretRotated,
            ("endpoint", id.to_string()),
            vec![("overlap_seconds", overlap.as_secs().to_string())],
        );
        self.0
            .store
            .write(scope, async move |tx| {
                tx.endpoint_rotate(&row).await?;
                tx.commit(audit.clone(), ())
            })
            .await?;
        Ok(EndpointCreated { view: shown, secret: Secret::new(secret.expose().to_owned()) })
    }
}
