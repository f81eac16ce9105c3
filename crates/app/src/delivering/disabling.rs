//! Switching off an endpoint that is gone or that has failed for too long, and telling of it.

use std::sync::Arc;

use gatepost_core::access::Actor;
use gatepost_core::audit::{Action, Audit, AuditEntry};
use gatepost_core::endpoint::DisabledReason;
use gatepost_core::event::{EndpointNews, EventData, EventType};
use gatepost_core::{AuditId, Entropy, Result, Timestamp};
use gatepost_store::{EndpointHealth, EndpointRow, WorkspaceTx};
use gatepost_vault::WorkspaceKeys;

use crate::events::{Draft, draft, publish};
use crate::notices::{Fact, Notice, moment, to_workspace};

/// Deliveries that become dead letters in one transaction: some ten milliseconds of the one writer.
pub(crate) const BURIED_AT_ONCE: i64 = 500;
/// What to do, for people.
const NEXT_ACTION: &str =
    "Repair the endpoint, enable it again, and replay what it missed: nothing of it is lost for thirty days.";

/// Why an endpoint is switched off.
pub(super) struct Cause {
    pub reason: DisabledReason,
    pub health: EndpointHealth,
    /// What happened last, in words.
    pub detail: Option<String>,
}

/// Switches the endpoint off with everything that follows: dead letters, the event, the notice, the audit entry. `None`
/// when somebody else was faster. With `mail` the owners are written to.
pub(super) async fn disable(
    tx: &WorkspaceTx<'_>,
    keys: &WorkspaceKeys,
    entropy: &Arc<dyn Entropy>,
    now: Timestamp,
    row: &EndpointRow,
    cause: &Cause,
    mail: bool,
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
    let mut facts = vec![
        Fact::ours("When", moment(now)),
        Fact::ours("Endpoint", row.id.to_string()),
        Fact::theirs("Description", &row.description),
        Fact::ours("Reason", cause.reason.as_str()),
    ];
    facts.extend(cause.health.failing_since.map(|since| Fact::ours("Failing since", moment(since))));
    facts.extend(detail.map(|detail| Fact::theirs("Detail", detail)));
    let notice = Notice::endpoint_disabled(facts, NEXT_ACTION);
    tx.notice_add(&to_workspace(keys, now, entropy.as_ref(), &notice, mail)?).await?;
    let id = AuditId::new(now, entropy.as_ref());
    let target = ("endpoint", row.id.to_string());
    let mut entry = AuditEntry::new(id, now, Actor::System("courier"), Action::EndpointDisabled, target)
        .changed("enabled", "true", "false");
    entry.mode = Some(row.mode);
    entry.details =
        vec![("reason", cause.reason.as_str().to_owned()), ("failures", cause.health.failures.to_string())];
    Ok(Some(entry.into()))
}
