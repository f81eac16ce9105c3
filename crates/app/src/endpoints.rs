//! Webhook endpoints.
//!
//! Threat note. Defends against: a key bound to some channels reading of others (an endpoint that hears of more than the
//! caller's channels does not exist for them, and they cannot make one); a filter that widens by itself (a removed
//! channel stays named); an address inside (judged when it is set and at every attempt); secrets in answers (shown once,
//! values of headers never). Does not defend against an owner who points an endpoint at the wrong party.

mod changes;
mod rotation;
mod testing;
mod view;

use gatepost_core::access::{Grant, permission};
use gatepost_core::audit::{Action, Audit};
use gatepost_core::channel::Mode;
use gatepost_core::endpoint::{
    ChannelFilter, CustomHeaders, DeliveryOrder, Metadata, PayloadFormat, RetrySchedule, WebhookUrl,
};
use gatepost_core::event::EventFilter;
use gatepost_core::job::JobKind;
use gatepost_core::{Code, EndpointId, Error, FieldError, Result, Secret, WorkspaceId};
use gatepost_store::{EndpointHealth, EndpointRow, LaneKey, WorkspaceScope, WorkspaceTx};
use gatepost_vault::{Aad, WebhookSecret, WebhookSeed, WorkspaceKeys};

use crate::App;
use crate::delivering::BURIED_AT_ONCE;
use crate::idempotency::{Idempotent, Outcome, Prepared};
use crate::pages::{Page, PageQuery};
use crate::sealing::failed;

pub use changes::EndpointUpdate;
pub use rotation::WebhookKeyView;
pub use testing::EndpointTested;
pub(crate) use testing::Testing;
pub(crate) use view::headers_of;
use view::{Around, view};
pub use view::{DEAD_LETTERS_COUNTED, EndpointView};

/// Most endpoints of a workspace in one mode.
pub const ENDPOINTS_MAX: usize = 50;

pub struct EndpointCreate {
    pub mode: Mode,
    pub url: WebhookUrl,
    pub description: String,
    pub events: EventFilter,
    pub channels: ChannelFilter,
    pub headers: CustomHeaders,
    pub metadata: Metadata,
    pub order: DeliveryOrder,
    pub format: PayloadFormat,
    /// `None`: the installation's.
    pub retry_schedule: Option<RetrySchedule>,
    /// Whether deliveries carry an Ed25519 signature too.
    pub ed25519: bool,
}

impl EndpointCreate {
    /// An endpoint that hears of everything, with no settings of its own.
    pub fn new(mode: Mode, url: WebhookUrl) -> Self {
        Self {
            mode,
            url,
            description: String::new(),
            events: EventFilter::default(),
            channels: ChannelFilter::default(),
            headers: CustomHeaders::default(),
            metadata: Metadata::default(),
            order: DeliveryOrder::default(),
            format: PayloadFormat::default(),
            retry_schedule: None,
            ed25519: false,
        }
    }
}

/// An endpoint with its secret, which is shown now and never again.
pub struct EndpointCreated {
    pub view: EndpointView,
    pub secret: Secret<String>,
}

pub(crate) fn place(workspace: WorkspaceId, column: &'static str, endpoint: EndpointId) -> Aad {
    Aad { workspace: workspace.uuid(), table: "endpoint", column, row: endpoint.uuid().into_bytes() }
}

fn seal(keys: &WorkspaceKeys, column: &'static str, id: EndpointId, plain: &[u8]) -> Result<Vec<u8>> {
    let aad = place(WorkspaceId::from_uuid(keys.workspace()), column, id);
    Ok(keys.seal(&aad, plain).map_err(failed)?.into_vec())
}

/// Seals names with texts; nothing where there are none.
fn seal_pairs<'p>(
    keys: &WorkspaceKeys,
    column: &'static str,
    id: EndpointId,
    pairs: impl Iterator<Item = (&'p str, &'p str)>,
) -> Result<Option<Vec<u8>>> {
    let pairs: Vec<(&str, &str)> = pairs.collect();
    if pairs.is_empty() {
        return Ok(None);
    }
    let plain = Secret::new(serde_json::to_vec(&pairs).map_err(Error::internal)?);
    seal(keys, column, id, plain.expose()).map(Some)
}

fn seal_headers(keys: &WorkspaceKeys, id: EndpointId, headers: &CustomHeaders) -> Result<Option<Vec<u8>>> {
    seal_pairs(keys, "headers", id, headers.expose())
}

fn seal_metadata(keys: &WorkspaceKeys, id: EndpointId, metadata: &Metadata) -> Result<Option<Vec<u8>>> {
    let entries = metadata.entries().iter().map(|(name, text)| (name.as_str(), text.as_str()));
    seal_pairs(keys, "metadata", id, entries)
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

pub(crate) fn seed_of(
    keys: &WorkspaceKeys,
    column: &'static str,
    id: EndpointId,
    sealed: &[u8],
) -> Result<WebhookSeed> {
    let aad = place(WorkspaceId::from_uuid(keys.workspace()), column, id);
    let plain = Secret::new(keys.open_content(&aad, sealed).map_err(failed)?);
    WebhookSeed::from_bytes(plain.expose()).map_err(Error::internal)
}

/// Whether an endpoint exists for this caller: in its mode, and for one bound to channels, hearing of these alone.
pub(crate) fn visible<P>(grant: &Grant<P>, row: &EndpointRow) -> bool {
    let within = |own| ChannelFilter::stored(&row.channels).is_some_and(|filter| filter.lies_within(own));
    grant.sees(row.mode) && grant.channels().is_none_or(within)
}

/// Refuses channels that the caller is not bound to.
fn channels_within<P>(grant: &Grant<P>, filter: &ChannelFilter) -> Result<()> {
    if grant.channels().is_none_or(|own| filter.lies_within(own)) {
        return Ok(());
    }
    let detail = "this key is bound to channels: the endpoint's channels must be among them";
    let field = FieldError::new("/channels", Code::ChannelNotAllowed.as_str(), detail);
    Err(Error::new(Code::ChannelNotAllowed, detail).with_fields(vec![field]))
}

/// Refuses channels that are not there in this mode.
async fn channels_known(tx: &WorkspaceTx<'_>, filter: &ChannelFilter, mode: Mode) -> Result<()> {
    let mut wrong = Vec::new();
    for id in filter.ids() {
        if !tx.channel_get(*id).await?.is_some_and(|channel| channel.mode == mode) {
            let detail = format!("there is no {} channel {id}", mode.as_str());
            wrong.push(FieldError::new("/channels", "not_found", detail));
        }
    }
    if wrong.is_empty() { Ok(()) } else { Err(Error::fields(wrong)) }
}

/// What the audit log tells of a URL: path and query may hold a secret.
fn host_of(url: &str) -> String {
    WebhookUrl::parse(url).ok().and_then(|url| url.url().host_str().map(str::to_owned)).unwrap_or_default()
}

impl App {
    /// Judges a URL as every attempt will, as far as that is possible without asking a resolver.
    fn endpoint_url_check(&self, url: &WebhookUrl) -> Result<()> {
        let policy = self.0.safe.policy();
        let verdicts = [policy.check_url(url.written()), policy.check_url(url.as_str())];
        let Some(verdict) = verdicts.into_iter().find(|verdict| !verdict.allow) else { return Ok(()) };
        Err(Error::fields(vec![FieldError::new(
            "/url",
            Code::WebhookUrlNotAllowed.as_str(),
            format!("{} (rule {})", verdict.detail, verdict.rule),
        )]))
    }

    fn endpoint_view(
        &self,
        keys: &WorkspaceKeys,
        row: &EndpointRow,
        around: &Around,
    ) -> Result<EndpointView> {
        view(keys, (self.0.safe.policy(), &self.0.config.public_url), row, around, self.now())
    }

    /// Adds an endpoint. Nothing is sent to it: see [`App::endpoint_test`].
    ///
    /// Errors: `webhook_url_not_allowed`, `channel_not_allowed`, `endpoint_limit_reached`.
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
        channels_within(grant, &create.channels)?;
        let scope = WorkspaceScope::from(grant);
        let keys = self.0.sealing.keys(scope).await?;
        let now = self.now();
        let id = EndpointId::new(now, self.entropy());
        let secret = WebhookSecret::generate(self.entropy());
        let seed = create.ed25519.then(|| WebhookSeed::generate(self.entropy()));
        let row = EndpointRow {
            id,
            mode: create.mode,
            url: seal(&keys, "url", id, create.url.as_str().as_bytes())?,
            description: create.description,
            events: create.events.names().join(" "),
            channels: create.channels.to_stored(),
            headers: seal_headers(&keys, id, &create.headers)?,
            metadata: seal_metadata(&keys, id, &create.metadata)?,
            order: create.order,
            format: create.format,
            retry_schedule: create.retry_schedule,
            enabled: true,
            disabled: None,
            health: EndpointHealth::default(),
            secret: seal(&keys, "secret", id, secret.expose().as_bytes())?,
            previous_secret: None,
            previous_until: None,
            signing_seed: match &seed {
                Some(seed) => Some(seal(&keys, "signing_seed", id, seed.expose())?),
                None => None,
            },
            previous_signing_seed: None,
            created_at: now,
        };
        let around = Around { channels: create.channels.ids().to_vec(), dead_letters: Some(0) };
        let created = EndpointCreated {
            view: self.endpoint_view(&keys, &row, &around)?,
            secret: Secret::new(secret.expose().to_owned()),
        };
        let prepared = Prepared::with_answer(&keys, idempotent.as_ref(), &created)?;
        let audit = self
            .audit(grant, Action::EndpointCreated, ("endpoint", id.to_string()), vec![])
            .made("mode", create.mode.as_str())
            .made("host", host_of(&created.view.url))
            .made("events", &row.events)
            .made("format", row.format.as_str())
            .made("channels", &row.channels);
        let (recording, filter, public_key) = (prepared.clone(), create.channels, created.view.public_key);
        let replay = self
            .0
            .store
            .write(scope, async move |tx| {
                if let Some(prepared) = &recording
                    && let Some(first) = prepared.record(tx, now).await?
                {
                    return tx.commit(Audit::None("an answer given again"), Some(first));
                }
                channels_known(tx, &filter, row.mode).await?;
                let there = tx.endpoint_list_to_add().await?.iter().filter(|e| e.mode == row.mode).count();
                if there >= ENDPOINTS_MAX {
                    let detail =
                        format!("a workspace has at most {ENDPOINTS_MAX} {} endpoints", row.mode.as_str());
                    return Err(Error::new(Code::EndpointLimitReached, detail));
                }
                tx.endpoint_insert(&row).await?;
                if let Some(key) = public_key {
                    tx.webhook_key_insert(id, key.as_bytes(), now).await?;
                }
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
        row.filter(|e| visible(grant, e)).ok_or_else(|| Error::of(Code::NotFound))
    }

    pub async fn endpoint_get(
        &self,
        grant: &Grant<permission::EndpointRead>,
        id: EndpointId,
    ) -> Result<EndpointView> {
        let scope = WorkspaceScope::from(grant);
        let (row, around) = self
            .0
            .store
            .read(scope, async move |tx| Ok((tx.endpoint_get(id).await?, Around::read(tx, Some(id)).await?)))
            .await?;
        let row = row.filter(|e| visible(grant, e)).ok_or_else(|| Error::of(Code::NotFound))?;
        self.endpoint_view(self.0.sealing.keys(scope).await?.as_ref(), &row, &around)
    }

    pub async fn endpoint_list(
        &self,
        grant: &Grant<permission::EndpointRead>,
        query: PageQuery,
    ) -> Result<Page<EndpointView>> {
        let scope = WorkspaceScope::from(grant);
        let (before, _) = query.bounds()?;
        let (rows, around) = self
            .0
            .store
            .read(scope, async move |tx| Ok((tx.endpoint_list().await?, Around::read(tx, None).await?)))
            .await?;
        let rows: Vec<_> = rows.into_iter().filter(|e| visible(grant, e) && e.id.uuid() < before).collect();
        let keys = self.0.sealing.keys(scope).await?;
        query.page(rows, |r| r.id.uuid(), |row| self.endpoint_view(&keys, &row, &around))
    }

    /// Removes an endpoint: nothing more goes to it; what waited is dead and stays visible to the operator. Its secrets,
    /// headers and public keys are erased.
    pub async fn endpoint_delete(
        &self,
        grant: &Grant<permission::EndpointManage>,
        id: EndpointId,
    ) -> Result<()> {
        let scope = WorkspaceScope::from(grant);
        let row = self.endpoint_row(grant, id).await?;
        let (now, seer) = (self.now(), grant.clone());
        let url = open(self.0.sealing.keys(scope).await?.as_ref(), "url", id, &row.url)?;
        let audit = self
            .audit(grant, Action::EndpointDeleted, ("endpoint", id.to_string()), vec![])
            .was("host", host_of(&url))
            .was("events", &row.events);
        self.0
            .store
            .write(scope, async move |tx| {
                if !tx.endpoint_lock(id).await?.is_some_and(|row| visible(&seer, &row)) {
                    return Err(Error::of(Code::NotFound));
                }
                tx.endpoint_delete(id, now).await?;
                tx.webhook_keys_drop(id).await?;
                tx.jobs_drop_lane(JobKind::EndpointTest, id.uuid()).await?;
                // What is more than that is buried by the lane, which finds the endpoint gone and sends nothing.
                tx.deliveries_bury_some(id, now, BURIED_AT_ONCE).await?;
                tx.commit(audit.clone(), ())
            })
            .await?;
        self.wake(LaneKey { kind: JobKind::DeliveryAttempt, lane: id.uuid() });
        Ok(())
    }
}
