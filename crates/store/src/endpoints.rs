//! Webhook endpoints. URL, headers, notes and secrets are sealed by the caller.

use gatepost_core::channel::Mode;
use gatepost_core::endpoint::{DeliveryOrder, DisabledReason, PayloadFormat, RetrySchedule};
use gatepost_core::{EndpointId, Result, Timestamp};

use crate::engine::{self, Row};
use crate::messages::mode;
use crate::store::WorkspaceTx;
use crate::{params, statements};

#[derive(Debug, Clone)]
pub struct EndpointRow {
    pub id: EndpointId,
    pub mode: Mode,
    pub url: Vec<u8>,
    pub description: String,
    /// Blank-separated names of the filter; empty for all.
    pub events: String,
    /// Blank-separated ids of the channels it hears of; empty for all.
    pub channels: String,
    /// Sealed; the headers that the owner adds.
    pub headers: Option<Vec<u8>>,
    /// Sealed; the owner's own notes.
    pub metadata: Option<Vec<u8>>,
    pub order: DeliveryOrder,
    pub format: PayloadFormat,
    /// `None`: the installation's.
    pub retry_schedule: Option<RetrySchedule>,
    pub enabled: bool,
    /// Why and since when it is not enabled.
    pub disabled: Option<(DisabledReason, Timestamp)>,
    pub health: EndpointHealth,
    pub secret: Vec<u8>,
    pub previous_secret: Option<Vec<u8>>,
    /// Until when the previous secret and the previous Ed25519 key go on signing.
    pub previous_until: Option<Timestamp>,
    /// Sealed; the seed of the Ed25519 key, where the owner asked for one.
    pub signing_seed: Option<Vec<u8>>,
    pub previous_signing_seed: Option<Vec<u8>>,
    pub created_at: Timestamp,
}

/// How an endpoint fares. Written only when it changes: an endpoint that answers well costs nothing here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct EndpointHealth {
    /// Since when no attempt has succeeded; `None` while it fares well.
    pub failing_since: Option<Timestamp>,
    /// Attempts that failed since then.
    pub failures: i64,
    /// Before this nothing goes out, and then one attempt as a probe; `None` while the circuit is closed.
    pub probe_at: Option<Timestamp>,
}

/// What publishing asks of an endpoint, and no more: it is read with every event.
#[derive(Debug, Clone)]
pub struct EndpointTarget {
    pub id: EndpointId,
    pub mode: Mode,
    /// See [`EndpointRow::events`].
    pub events: String,
    /// See [`EndpointRow::channels`].
    pub channels: String,
    pub order: DeliveryOrder,
    pub format: PayloadFormat,
    /// `None` where it is enabled.
    pub disabled: Option<DisabledReason>,
}

statements! {
    INSERT = same("INSERT INTO endpoint (workspace_id, id, mode, url, description, events, channels, headers, metadata, delivery_order, retry_schedule, enabled, disabled_reason, disabled_at, secret, signing_seed, created_at, payload_format) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)");
    GET = same("SELECT id, mode, url, description, events, channels, headers, metadata, delivery_order, retry_schedule, enabled, disabled_reason, disabled_at, failing_since, failures, probe_at, secret, previous_secret, previous_until, signing_seed, previous_signing_seed, created_at, payload_format FROM endpoint WHERE workspace_id = $1 AND id = $2 AND deleted_at IS NULL");
    /// The same, and nobody else changes it before this transaction ends. New deliveries are not held up by it.
    LOCK = per("SELECT id, mode, url, description, events, channels, headers, metadata, delivery_order, retry_schedule, enabled, disabled_reason, disabled_at, failing_since, failures, probe_at, secret, previous_secret, previous_until, signing_seed, previous_signing_seed, created_at, payload_format FROM endpoint WHERE workspace_id = $1 AND id = $2 AND deleted_at IS NULL", "SELECT id, mode, url, description, events, channels, headers, metadata, delivery_order, retry_schedule, enabled, disabled_reason, disabled_at, failing_since, failures, probe_at, secret, previous_secret, previous_until, signing_seed, previous_signing_seed, created_at, payload_format FROM endpoint WHERE workspace_id = $1 AND id = $2 AND deleted_at IS NULL FOR NO KEY UPDATE");
    LIST = same("SELECT id, mode, url, description, events, channels, headers, metadata, delivery_order, retry_schedule, enabled, disabled_reason, disabled_at, failing_since, failures, probe_at, secret, previous_secret, previous_until, signing_seed, previous_signing_seed, created_at, payload_format FROM endpoint WHERE workspace_id = $1 AND deleted_at IS NULL ORDER BY id DESC");
    TARGETS = same("SELECT id, mode, events, channels, delivery_order, enabled, disabled_reason, payload_format FROM endpoint WHERE workspace_id = $1 AND deleted_at IS NULL ORDER BY id");
    /// One that is enabled again, or has another URL, begins anew: what was held against it was the old one's.
    UPDATE = same("UPDATE endpoint SET failing_since = CASE WHEN enabled < $11 OR url <> $3 THEN NULL ELSE failing_since END, failures = CASE WHEN enabled < $11 OR url <> $3 THEN 0 ELSE failures END, probe_at = CASE WHEN enabled < $11 OR url <> $3 THEN NULL ELSE probe_at END, url = $3, description = $4, events = $5, channels = $6, headers = $7, metadata = $8, delivery_order = $9, retry_schedule = $10, enabled = $11, disabled_reason = $12, disabled_at = $13, signing_seed = $14, previous_signing_seed = $15, payload_format = $16 WHERE workspace_id = $1 AND id = $2 AND deleted_at IS NULL");
    HEALTH = same("UPDATE endpoint SET failing_since = $3, failures = $4, probe_at = $5 WHERE workspace_id = $1 AND id = $2 AND deleted_at IS NULL");
    DISABLE = same("UPDATE endpoint SET enabled = 0, disabled_reason = $3, disabled_at = $4, probe_at = NULL WHERE workspace_id = $1 AND id = $2 AND deleted_at IS NULL AND enabled = 1");
    ROTATE = same("UPDATE endpoint SET secret = $3, previous_secret = $4, previous_until = $5, signing_seed = $6, previous_signing_seed = $7 WHERE workspace_id = $1 AND id = $2 AND deleted_at IS NULL");
    ERASE_OLD = same("UPDATE endpoint SET previous_secret = NULL, previous_until = NULL, previous_signing_seed = NULL WHERE workspace_id = $1 AND previous_until <= $2");
    /// What only its owner and its receiver knew goes with it; the address stays for the deliveries that name it.
    DELETE = same("UPDATE endpoint SET deleted_at = $3, enabled = 0, secret = $4, headers = NULL, metadata = NULL, previous_secret = NULL, previous_until = NULL, signing_seed = NULL, previous_signing_seed = NULL WHERE workspace_id = $1 AND id = $2 AND deleted_at IS NULL");
}

fn endpoint(row: &Row<'_>) -> engine::Result<EndpointRow> {
    let schedule: Option<String> = row.get(9)?;
    let reason = row.get::<Option<i64>>(11)?;
    let reason = reason.map(|n| DisabledReason::from_number(n).ok_or_else(|| row.corrupt(11))).transpose()?;
    let time = |index| row.get::<Option<i64>>(index).map(|at| at.map(Timestamp::from_micros));
    Ok(EndpointRow {
        id: EndpointId::from_uuid(row.get(0)?),
        mode: mode(row, 1)?,
        url: row.get(2)?,
        description: row.get(3)?,
        events: row.get(4)?,
        channels: row.get(5)?,
        headers: row.get(6)?,
        metadata: row.get(7)?,
        order: DeliveryOrder::from_number(row.get(8)?).ok_or_else(|| row.corrupt(8))?,
        retry_schedule: schedule
            .map(|text| RetrySchedule::stored(&text).ok_or_else(|| row.corrupt(9)))
            .transpose()?,
        enabled: row.get(10)?,
        disabled: reason.zip(time(12)?),
        health: EndpointHealth { failing_since: time(13)?, failures: row.get(14)?, probe_at: time(15)? },
        secret: row.get(16)?,
        previous_secret: row.get(17)?,
        previous_until: time(18)?,
        signing_seed: row.get(19)?,
        previous_signing_seed: row.get(20)?,
        created_at: Timestamp::from_micros(row.get(21)?),
        format: PayloadFormat::from_number(row.get(22)?).ok_or_else(|| row.corrupt(22))?,
    })
}

impl WorkspaceTx<'_> {
    pub async fn endpoint_insert(&self, e: &EndpointRow) -> Result<()> {
        let schedule = e.retry_schedule.as_ref().map(RetrySchedule::to_stored);
        let values = params![
            self.workspace,
            e.id.uuid(),
            e.mode.number(),
            &e.url,
            &e.description,
            &e.events,
            &e.channels,
            e.headers.as_deref(),
            e.metadata.as_deref(),
            e.order.number(),
            schedule.as_deref(),
            e.enabled,
            e.disabled.map(|(reason, _)| reason.number()),
            e.disabled.map(|(_, at)| at.micros()),
            &e.secret,
            e.signing_seed.as_deref(),
            e.created_at.micros(),
            e.format.number()
        ];
        Ok(self.tx.execute_one(&INSERT, values).await?)
    }

    pub async fn endpoint_get(&self, id: EndpointId) -> Result<Option<EndpointRow>> {
        Ok(self.tx.query_opt(&GET, params![self.workspace, id.uuid()], endpoint).await?)
    }

    /// All of the workspace's endpoints, newest first. Their number is small by plan.
    pub async fn endpoint_list(&self) -> Result<Vec<EndpointRow>> {
        Ok(self.tx.query(&LIST, params![self.workspace], endpoint).await?)
    }

    /// As [`Self::endpoint_list`], for whoever adds one: nobody else adds one before this transaction ends, on other nodes
    /// neither, so that a limit is one.
    pub async fn endpoint_list_to_add(&self) -> Result<Vec<EndpointRow>> {
        self.counter_take("endpoint", 1).await?;
        self.endpoint_list().await
    }

    /// As [`Self::endpoint_get`]; no other transaction changes the row before this one ends.
    pub async fn endpoint_lock(&self, id: EndpointId) -> Result<Option<EndpointRow>> {
        Ok(self.tx.query_opt(&LOCK, params![self.workspace, id.uuid()], endpoint).await?)
    }

    /// All of the workspace's endpoints as far as publishing goes.
    pub async fn endpoint_targets(&self) -> Result<Vec<EndpointTarget>> {
        let target = |row: &Row<'_>| {
            let reason = row.get::<Option<i64>>(6)?;
            let reason = reason.map(|n| DisabledReason::from_number(n).ok_or_else(|| row.corrupt(6)));
            let enabled: bool = row.get(5)?;
            let reason = reason.transpose()?.unwrap_or(DisabledReason::Owner);
            Ok(EndpointTarget {
                id: EndpointId::from_uuid(row.get(0)?),
                mode: mode(row, 1)?,
                events: row.get(2)?,
                channels: row.get(3)?,
                order: DeliveryOrder::from_number(row.get(4)?).ok_or_else(|| row.corrupt(4))?,
                format: PayloadFormat::from_number(row.get(7)?).ok_or_else(|| row.corrupt(7))?,
                disabled: (!enabled).then_some(reason),
            })
        };
        Ok(self.tx.query(&TARGETS, params![self.workspace], target).await?)
    }

    /// Writes what the owner can change; secrets stay, and health too unless it is enabled again or has another URL.
    pub async fn endpoint_update(&self, e: &EndpointRow) -> Result<()> {
        let schedule = e.retry_schedule.as_ref().map(RetrySchedule::to_stored);
        let values = params![
            self.workspace,
            e.id.uuid(),
            &e.url,
            &e.description,
            &e.events,
            &e.channels,
            e.headers.as_deref(),
            e.metadata.as_deref(),
            e.order.number(),
            schedule.as_deref(),
            e.enabled,
            e.disabled.map(|(reason, _)| reason.number()),
            e.disabled.map(|(_, at)| at.micros()),
            e.signing_seed.as_deref(),
            e.previous_signing_seed.as_deref(),
            e.format.number()
        ];
        Ok(self.tx.execute_one(&UPDATE, values).await?)
    }

    /// Writes how an endpoint fares.
    pub async fn endpoint_health_set(&self, id: EndpointId, health: EndpointHealth) -> Result<()> {
        let values = params![
            self.workspace,
            id.uuid(),
            health.failing_since.map(Timestamp::micros),
            health.failures,
            health.probe_at.map(Timestamp::micros)
        ];
        self.tx.execute(&HEALTH, values).await?;
        Ok(())
    }

    /// Switches an endpoint off; false when it was off already, or is gone.
    pub async fn endpoint_disable(
        &self,
        id: EndpointId,
        reason: DisabledReason,
        now: Timestamp,
    ) -> Result<bool> {
        let values = params![self.workspace, id.uuid(), reason.number(), now.micros()];
        Ok(self.tx.execute(&DISABLE, values).await? == 1)
    }

    /// Writes the secrets of a rotated endpoint.
    pub async fn endpoint_rotate(&self, e: &EndpointRow) -> Result<()> {
        let values = params![
            self.workspace,
            e.id.uuid(),
            &e.secret,
            e.previous_secret.as_deref(),
            e.previous_until.map(Timestamp::micros),
            e.signing_seed.as_deref(),
            e.previous_signing_seed.as_deref()
        ];
        Ok(self.tx.execute_one(&ROTATE, values).await?)
    }

    /// Erases secrets whose overlap was over at `now`, of every endpoint.
    pub async fn endpoint_secrets_erase(&self, now: Timestamp) -> Result<u64> {
        Ok(self.tx.execute(&ERASE_OLD, params![self.workspace, now.micros()]).await?)
    }

    pub async fn endpoint_delete(&self, id: EndpointId, now: Timestamp) -> Result<()> {
        let nothing: &[u8] = &[];
        let values = params![self.workspace, id.uuid(), now.micros(), nothing];
        Ok(self.tx.execute_one(&DELETE, values).await?)
    }
}
