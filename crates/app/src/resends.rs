//! Sending one event again: a delivery that is retried, an event that is resent.

use gatepost_core::access::{Grant, permission};
use gatepost_core::audit::Action;
use gatepost_core::endpoint::DeliveryState;
use gatepost_core::event::EventType;
use gatepost_core::{Code, DeliveryId, EndpointId, Error, EventId, FieldError, Result, Timestamp};
use gatepost_store::{
    DeliveryJob, DeliveryRow, EndpointHealth, EndpointRow, Revival, WorkspaceScope, WorkspaceTx,
};

use crate::App;
use crate::deliveries::DeliveryView;
use crate::delivering::Wish;
use crate::endpoints::visible;
use crate::idempotency::{Idempotent, Outcome};

/// An event on its way again.
pub struct EventResent {
    pub event_id: EventId,
    /// One for each endpoint that it goes to.
    pub deliveries: Vec<DeliveryView>,
}

pub(crate) fn disabled() -> Error {
    Error::new(
        Code::EndpointDisabled,
        "the endpoint is disabled: mend the receiver, enable the endpoint (PATCH it with enabled: true), then ask again",
    )
}

pub(crate) fn expired() -> Error {
    Error::of(Code::EventContentExpired)
}

/// Somebody says that the receiver is mended: the circuit lets an attempt through now.
pub(crate) async fn probe_now(tx: &WorkspaceTx<'_>, endpoint: &EndpointRow, now: Timestamp) -> Result<()> {
    if endpoint.health.probe_at.is_none_or(|at| at <= now) {
        return Ok(());
    }
    tx.endpoint_health_set(endpoint.id, EndpointHealth { probe_at: Some(now), ..endpoint.health }).await
}

/// Sends one event to one endpoint again: what waits goes now, what has ended begins a new schedule, what is missing is
/// made. Returns the delivery as it stands then; nothing happens without content.
async fn again(
    tx: &WorkspaceTx<'_>,
    endpoint: &EndpointRow,
    (delivery, event, event_type): (DeliveryId, EventId, EventType),
    seen: Option<DeliveryState>,
    now: Timestamp,
) -> Result<DeliveryRow> {
    // It has a job of its own, and is sent once.
    if event_type == EventType::EndpointTest && seen == Some(DeliveryState::Pending) {
        return Err(Error::of(Code::EndpointTestRunning));
    }
    let job = DeliveryJob { order: None, priority: 0, run_at: now };
    let mut due = None;
    match seen {
        Some(DeliveryState::Pending | DeliveryState::Failed | DeliveryState::Blocked) => {
            tx.delivery_hasten(endpoint.id, delivery, now).await?;
            due = Some(now);
        }
        None | Some(DeliveryState::Sent | DeliveryState::Dead) => {
            let revival = Revival { delivery, event, seen, job };
            if tx.deliveries_revive(endpoint.id, &[revival], None, now).await? != 1 {
                return Err(expired());
            }
        }
    }
    let row = tx.delivery_get(endpoint.id, delivery).await?.ok_or_else(|| Error::of(Code::NotFound))?;
    // Its schedule keeps its time, for what follows when this attempt fails.
    Ok(DeliveryRow { next_at: due.or(row.next_at), ..row })
}

impl App {
    /// Tries a delivery now: one that waits does not wait any longer, one that was sent or is dead begins a new
    /// schedule. The receiver sees the same `webhook-id`.
    ///
    /// Errors: `endpoint_disabled`, `event_content_expired`, `endpoint_test_running`.
    pub async fn delivery_retry(
        &self,
        grant: &Grant<permission::EndpointManage>,
        endpoint: EndpointId,
        delivery: DeliveryId,
        idempotent: Option<Idempotent<DeliveryView>>,
    ) -> Result<Outcome<DeliveryView>> {
        let scope = WorkspaceScope::from(grant);
        let keys = self.0.sealing.keys(scope).await?;
        let (now, seer) = (self.now(), grant.clone());
        let audit = self.audit(
            grant,
            Action::DeliveryRetried,
            ("delivery", delivery.to_string()),
            vec![("endpoint", endpoint.to_string())],
        );
        let work = async {
            let (endpoint, row) = self
                .0
                .store
                .write(scope, async move |tx| {
                    let row = tx.endpoint_lock(endpoint).await?.filter(|e| visible(&seer, e));
                    let found = row.zip(tx.delivery_get(endpoint, delivery).await?);
                    let (endpoint, row) = found.ok_or_else(|| Error::of(Code::NotFound))?;
                    if !endpoint.enabled {
                        return Err(disabled());
                    }
                    if !row.has_content {
                        return Err(expired());
                    }
                    let row = again(tx, &endpoint, (row.id, row.event, row.event_type), Some(row.state), now)
                        .await?;
                    probe_now(tx, &endpoint, now).await?;
                    tx.commit(audit.clone(), (endpoint, row))
                })
                .await?;
            Ok(self.shown(grant, &keys).delivery(&endpoint, row))
        };
        self.once(scope, &keys, idempotent, work).await
    }

    /// Sends one event again: to the endpoint that is named, whatever its filter says, or to every enabled one whose
    /// filter takes it. Only to those that the caller sees.
    ///
    /// Errors: `endpoint_disabled` where one is named, `event_content_expired`, `endpoint_test_running`.
    pub async fn event_resend(
        &self,
        grant: &Grant<permission::EndpointManage>,
        event: EventId,
        named: Option<EndpointId>,
        idempotent: Option<Idempotent<EventResent>>,
    ) -> Result<Outcome<EventResent>> {
        let scope = WorkspaceScope::from(grant);
        let keys = self.0.sealing.keys(scope).await?;
        let (now, seer) = (self.now(), grant.clone());
        let audit = self.audit(
            grant,
            Action::EventResent,
            ("event", event.to_string()),
            vec![("endpoint", named.map_or_else(|| "all".to_owned(), |id| id.to_string()))],
        );
        let work = async {
            let found = self
                .0
                .store
                .write(scope, async move |tx| {
                    let seen = tx.event_head(event).await?.filter(|e| {
                        let reached = e.channel.map_or(seer.channels().is_none(), |c| seer.reaches(c));
                        seer.sees(e.mode) && reached
                    });
                    let event = seen.ok_or_else(|| Error::of(Code::NotFound))?;
                    let endpoints = match named {
                        Some(id) => {
                            let row = tx.endpoint_lock(id).await?;
                            let row = row.filter(|e| e.mode == event.mode && visible(&seer, e));
                            let wrong = || {
                                Error::fields(vec![FieldError::new(
                                    "/endpoint_id",
                                    "not_found",
                                    "expected an endpoint of the event's mode",
                                )])
                            };
                            let row = row.ok_or_else(wrong)?;
                            if !row.enabled {
                                return Err(disabled());
                            }
                            vec![row]
                        }
                        None => {
                            let channel = event.channel.map(|id| id.to_string());
                            let mut rows = Vec::new();
                            for known in tx.endpoint_targets().await? {
                                let wanted = Wish::of(&known).is_some_and(|wish| {
                                    wish.wants(event.event_type, event.mode, channel.as_deref())
                                });
                                if wanted && known.disabled.is_none() {
                                    let row = tx.endpoint_lock(known.id).await?;
                                    rows.extend(row.filter(|e| visible(&seer, e)));
                                }
                            }
                            rows
                        }
                    };
                    if !event.has_content() {
                        return Err(expired());
                    }
                    let mut sent = Vec::with_capacity(endpoints.len());
                    for endpoint in endpoints {
                        let delivery = DeliveryId::of(event.id, endpoint.id);
                        let state = tx.delivery_states(endpoint.id, &[delivery]).await?.pop().flatten();
                        let row =
                            again(tx, &endpoint, (delivery, event.id, event.event_type), state, now).await?;
                        probe_now(tx, &endpoint, now).await?;
                        sent.push((endpoint, row));
                    }
                    tx.commit(audit.clone(), sent)
                })
                .await?;
            let shown = self.shown(grant, &keys);
            let deliveries =
                found.into_iter().map(|(endpoint, row)| shown.delivery(&endpoint, row)).collect();
            Ok(EventResent { event_id: event, deliveries })
        };
        self.once(scope, &keys, idempotent, work).await
    }
}
