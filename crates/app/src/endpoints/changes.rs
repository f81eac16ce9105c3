//! Changing an endpoint: what is left out stays, what is wrong changes nothing.

use gatepost_core::access::{Grant, permission};
use gatepost_core::audit::Action;
use gatepost_core::endpoint::{
    ChannelFilter, CustomHeaders, DeliveryOrder, DisabledReason, Metadata, PayloadFormat, RetrySchedule,
    WebhookUrl,
};
use gatepost_core::event::EventFilter;
use gatepost_core::job::JobKind;
use gatepost_core::json::Patch;
use gatepost_core::{Code, EndpointId, Error, Result, Timestamp};
use gatepost_store::{EndpointHealth, EndpointRow, LaneKey, WorkspaceScope};
use gatepost_vault::{WebhookPublicKey, WebhookSeed, WorkspaceKeys};

use super::{Around, EndpointView, channels_known, channels_within, host_of, open, visible};
use super::{seal, seal_headers, seal_metadata};
use crate::App;

/// What changes; what is left out stays.
#[derive(Default)]
pub struct EndpointUpdate {
    pub url: Option<WebhookUrl>,
    pub description: Option<String>,
    pub events: Option<EventFilter>,
    /// Cleared: all channels.
    pub channels: Patch<ChannelFilter>,
    /// Replaces all of them.
    pub headers: Patch<CustomHeaders>,
    /// Replaces all of it.
    pub metadata: Patch<Metadata>,
    pub order: Option<DeliveryOrder>,
    pub format: Option<PayloadFormat>,
    /// Cleared: the installation's.
    pub retry_schedule: Patch<RetrySchedule>,
    pub ed25519: Option<bool>,
    pub enabled: Option<bool>,
}

impl EndpointUpdate {
    /// The names of what changes, for the audit log; values stay out of it.
    fn names(&self) -> String {
        let named = [
            (self.url.is_some(), "url"),
            (self.description.is_some(), "description"),
            (self.events.is_some(), "events"),
            (!self.channels.is_keep(), "channels"),
            (!self.headers.is_keep(), "headers"),
            (!self.metadata.is_keep(), "metadata"),
            (self.order.is_some(), "order"),
            (self.format.is_some(), "format"),
            (!self.retry_schedule.is_keep(), "retry_schedule"),
            (self.ed25519.is_some(), "ed25519"),
            (self.enabled.is_some(), "enabled"),
        ];
        let names: Vec<&str> = named.into_iter().filter(|(set, _)| *set).map(|(_, name)| name).collect();
        names.join(" ")
    }
}

/// A change with everything sealed that will be sealed; it is laid over the row as the transaction finds it.
struct Sealed {
    url: Option<Vec<u8>>,
    description: Option<String>,
    events: Option<String>,
    channels: Patch<ChannelFilter>,
    headers: Patch<Vec<u8>>,
    metadata: Patch<Vec<u8>>,
    order: Option<DeliveryOrder>,
    format: Option<PayloadFormat>,
    retry_schedule: Patch<RetrySchedule>,
    /// The key to use where there is none yet; `Some(None)` takes away the one there is.
    ed25519: Patch<(Vec<u8>, WebhookPublicKey)>,
    enabled: Option<bool>,
    now: Timestamp,
}

/// What happened to the endpoint's Ed25519 key.
enum KeyChange {
    None,
    Made(WebhookPublicKey),
    Gone,
}

impl Sealed {
    /// Lays the change over a row.
    fn over(&self, row: &mut EndpointRow) -> KeyChange {
        if let Some(url) = &self.url {
            row.url.clone_from(url);
        }
        if let Some(description) = &self.description {
            row.description.clone_from(description);
        }
        if let Some(events) = &self.events {
            row.events.clone_from(events);
        }
        match &self.channels {
            Patch::Keep => {}
            Patch::Clear => row.channels.clear(),
            Patch::Set(filter) => row.channels = filter.to_stored(),
        }
        row.headers = self.headers.clone().over(row.headers.take());
        row.metadata = self.metadata.clone().over(row.metadata.take());
        row.order = self.order.unwrap_or(row.order);
        row.format = self.format.unwrap_or(row.format);
        row.retry_schedule = self.retry_schedule.clone().over(row.retry_schedule.take());
        match self.enabled {
            Some(true) => (row.enabled, row.disabled) = (true, None),
            Some(false) => {
                row.enabled = false;
                row.disabled = row.disabled.or(Some((DisabledReason::Owner, self.now)));
            }
            None => {}
        }
        if self.begins_anew() {
            row.health = EndpointHealth::default();
        }
        match (&self.ed25519, &row.signing_seed) {
            (Patch::Set((sealed, key)), None) => {
                row.signing_seed = Some(sealed.clone());
                KeyChange::Made(*key)
            }
            (Patch::Clear, Some(_)) => {
                (row.signing_seed, row.previous_signing_seed) = (None, None);
                KeyChange::Gone
            }
            _ => KeyChange::None,
        }
    }

    /// Whether what was held against the endpoint is forgotten: it was switched on, or lies elsewhere now.
    const fn begins_anew(&self) -> bool {
        matches!(self.enabled, Some(true)) || self.url.is_some()
    }
}

impl App {
    fn endpoint_changes(
        &self,
        keys: &WorkspaceKeys,
        id: EndpointId,
        update: EndpointUpdate,
    ) -> Result<Sealed> {
        let url = match &update.url {
            Some(url) => Some(seal(keys, "url", id, url.as_str().as_bytes())?),
            None => None,
        };
        let sealed = |value: Option<Vec<u8>>| value.map_or(Patch::Clear, Patch::Set);
        let headers = match &update.headers {
            Patch::Keep => Patch::Keep,
            Patch::Clear => Patch::Clear,
            Patch::Set(headers) => sealed(seal_headers(keys, id, headers)?),
        };
        let metadata = match &update.metadata {
            Patch::Keep => Patch::Keep,
            Patch::Clear => Patch::Clear,
            Patch::Set(metadata) => sealed(seal_metadata(keys, id, metadata)?),
        };
        let ed25519 = match update.ed25519 {
            None => Patch::Keep,
            Some(false) => Patch::Clear,
            Some(true) => {
                let seed = WebhookSeed::generate(self.entropy());
                let key = seed.public_key().map_err(Error::internal)?;
                Patch::Set((seal(keys, "signing_seed", id, seed.expose())?, key))
            }
        };
        Ok(Sealed {
            url,
            description: update.description,
            events: update.events.map(|events| events.names().join(" ")),
            channels: update.channels,
            headers,
            metadata,
            order: update.order,
            format: update.format,
            retry_schedule: update.retry_schedule,
            ed25519,
            enabled: update.enabled,
            now: self.now(),
        })
    }

    /// Changes an endpoint. Enabling it, or giving it another URL, clears what was held against it and sends what waits
    /// at once; the answer says how many dead letters can be replayed.
    ///
    /// Errors: `webhook_url_not_allowed`, `channel_not_allowed`.
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
        self.endpoint_row(grant, id).await?;
        match &update.channels {
            Patch::Keep => {}
            Patch::Clear => channels_within(grant, &ChannelFilter::default())?,
            Patch::Set(filter) => channels_within(grant, filter)?,
        }
        let keys = self.0.sealing.keys(scope).await?;
        let audit = self.audit(
            grant,
            Action::EndpointUpdated,
            ("endpoint", id.to_string()),
            vec![("changed", update.names())],
        );
        let known = keys.clone();
        let change = self.endpoint_changes(&keys, id, update)?;
        let (now, grant) = (change.now, grant.clone());
        let (row, anew) = self
            .0
            .store
            .write(scope, async move |tx| {
                let row = tx.endpoint_lock(id).await?.filter(|row| visible(&grant, row));
                let mut row = row.ok_or_else(|| Error::of(Code::NotFound))?;
                if let Patch::Set(filter) = &change.channels {
                    channels_known(tx, filter, row.mode).await?;
                }
                let before = row.clone();
                let key = change.over(&mut row);
                tx.endpoint_update(&row).await?;
                match key {
                    KeyChange::None => {}
                    KeyChange::Made(key) => tx.webhook_key_insert(id, key.as_bytes(), now).await?,
                    KeyChange::Gone => drop(tx.webhook_keys_drop(id).await?),
                }
                let anew = change.begins_anew();
                if anew {
                    tx.endpoint_health_set(id, EndpointHealth::default()).await?;
                    if row.enabled {
                        tx.jobs_hasten(JobKind::DeliveryAttempt, id.uuid(), now).await?;
                    }
                }
                let hosts = (host_of_sealed(&known, &before)?, host_of_sealed(&known, &row)?);
                let audit = audit
                    .clone()
                    .changed("enabled", before.enabled.to_string(), row.enabled.to_string())
                    .changed("host", hosts.0, hosts.1)
                    .changed("events", before.events, row.events.clone())
                    .changed("channels", before.channels, row.channels.clone())
                    .changed("order", before.order.as_str(), row.order.as_str())
                    .changed("format", before.format.as_str(), row.format.as_str())
                    .changed("description", before.description, row.description.clone());
                tx.commit(audit, (row, anew))
            })
            .await?;
        if anew {
            self.wake(LaneKey { kind: JobKind::DeliveryAttempt, lane: id.uuid() });
        }
        // Counting dead letters is for a reader: it would hold up everybody who writes.
        let around = self.0.store.read(scope, async move |tx| Around::read(tx, Some(id)).await).await?;
        self.endpoint_view(&keys, &row, &around)
    }
}

fn host_of_sealed(keys: &WorkspaceKeys, row: &EndpointRow) -> Result<String> {
    open(keys, "url", row.id, &row.url).map(|url| host_of(&url))
}
