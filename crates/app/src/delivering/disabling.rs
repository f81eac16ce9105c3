//! Switching off an endpoint that is gone or that has failed for too long, and telling of it.

use std::sync::Arc;

use gatepost_core::access::Actor;
use gatepost_core::audit::{Action, Audit, AuditEntry};
use gatepost_core::endpoint::DisabledReason;
use gatepost_core::event::{EndpointNews, EventData, EventType};
use gatepost_core::{AuditId, Entropy, Error, NoticeId, Result, Timestamp, WorkspaceId};
use gatepost_store::{EndpointHealth, EndpointRow, NoticeRow, WorkspaceTx};
use gatepost_vault::{Aad, WorkspaceKeys};
use serde::Serialize;

use crate::events::{Draft, draft, publish};
use crate::sealing::failed;

/// Deliveries that become dead letters in one transaction: some ten milliseconds of the one writer.
pub(crate) const BURIED_AT_ONCE: i64 = 500;
/// What to do, for people.
const NEXT_ACTION: &str =
    "Repair the endpoint, enable it again, and replay what it missed: nothing of it is lost for thirty days.";

/// A notice's body, sealed.
#[derive(Serialize)]
struct Notice<'a> {
    endpoint_id: String,
    description: &'a str,
    reason: &'static str,
    failing_since: Option<Timestamp>,
    detail: Option<&'a str>,
    next_action: &'a str,
}

pub(crate) fn notice_place(workspace: WorkspaceId, notice: NoticeId) -> Aad {
    Aad { workspace: workspace.uuid(), table: "notice", column: "body", row: notice.uuid().into_bytes() }
}

/// Why an endpoint is switched off.
pub(super) struct Cause {
    pub reason: DisabledReason,
    pub health: EndpointHealth,
    /// What happened last, in words.
    pub detail: Option<String>,
}

/// Switches the endpoint off with everything that follows: dead letters, the event, the notice, the audit entry. `None`
/// when somebody else was faster.
pub(super) async fn disable(
    tx: &WorkspaceTx<'_>,
    keys: &WorkspaceKeys,
    entropy: &Arc<dyn Entropy>,
    now: Timestamp,
    row: &EndpointRow,
    cause: &Cause,
) -> Result<Option<Audit>> {
    if !tx.endpoint_disable(row.id, cause.reason, now).await? {
        return Ok(None);
    }
    // What is more than that is buried by the lane, some at a time.
    tx.deliveries_bury_some(row.id, now, BURIED_AT_ONCE).await?;
    let detail = cause.detail.as_deref();
    let news = EndpointNews {
        id: row.id,
        description: &row.description,
        enabled: false,
        disabled_reason: Some(cause.reason.as_str()),
        failing_since: cause.health.failing_since,
        detail,
        next_action: Some(NEXT_ACTION),
    };
    let event = Draft {
        event_type: EventType::EndpointDisabled,
        mode: row.mode,
        channel: None,
        order_key: None,
        data: EventData::Endpoint(news),
    };
    publish(tx, &[draft(keys, now, entropy.as_ref(), event)?], now).await?;
    let id = NoticeId::new(now, entropy.as_ref());
    let notice = Notice {
        endpoint_id: row.id.to_string(),
        description: &row.description,
        reason: cause.reason.as_str(),
        failing_since: cause.health.failing_since,
        detail,
        next_action: NEXT_ACTION,
    };
    let notice = serde_json::to_vec(&notice).map_err(Error::internal)?;
    let place = notice_place(WorkspaceId::from_uuid(keys.workspace()), id);
    let body = keys.seal(&place, &notice).map_err(failed)?.into_vec();
    let kind = EventType::EndpointDisabled.as_str().to_owned();
    tx.notice_insert(&NoticeRow { id, kind, body, created_at: now, told_at: None }).await?;
    let id = AuditId::new(now, entropy.as_ref());
    let target = ("endpoint", row.id.to_string());
    let mut entry = AuditEntry::new(id, now, Actor::System("courier"), Action::EndpointDisabled, target)
        .changed("enabled", "true", "false");
    entry.mode = Some(row.mode);
    entry.details =
        vec![("reason", cause.reason.as_str().to_owned()), ("failures", cause.health.failures.to_string())];
    Ok(Some(entry.into()))
}
