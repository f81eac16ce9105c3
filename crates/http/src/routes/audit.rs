//! `/v1/audit-log`: the workspace's audit log, and, at the operator's socket, the platform's own.

use axum::extract::State;
use axum::response::Response;
use gatepost_app::{App, AuditExport, AuditQuery, ExportFormat};
use gatepost_core::access::operator_permission as operator;
use gatepost_core::access::permission::{self, AuditRead};
use gatepost_core::audit::{Action, inert};
use gatepost_core::guard::Feature;
use gatepost_core::{Code, Result, Timestamp};
use serde_json::{Value, json};

use crate::access::{Grant, Operator, get};
use crate::attachment::attachment;
use crate::query::{LIST, Paging, Query, QueryParameter, invalid};
use crate::reply::{self, Answer};
use crate::route::Route;
use crate::wire;

const FILTERS: [QueryParameter; 6] = [
    QueryParameter::text(
        "action",
        "One action, or the noun of several: `api_key.revoked`, `api_key`.",
        "api_key",
    ),
    QueryParameter::text("actor", "Who: an id, `operator:local` or `nobody`.", "operator:local"),
    QueryParameter::text("target", "The id of what was acted on.", "key_01kagq5rh8e5htqh9sk95d3x4w"),
    QueryParameter::text("outcome", "`done`, `refused`, or the code of a refusal.", "done"),
    QueryParameter::text("since", "From this time on (RFC 3339).", "2026-01-01T00:00:00Z"),
    QueryParameter::text("until", "Before this time (RFC 3339).", "2026-12-01T00:00:00Z"),
];

const FORMAT: [QueryParameter; 1] =
    [QueryParameter::text("format", "`jsonl`, which is usual, or `csv`.", "jsonl")];

/// Longest text that is compared with, in bytes.
const TEXT_MAX: usize = 128;

const LIST_ABOUT: &str = "Who did what to what, the newest first. Entries are never changed or removed; each carries the hash that covers it and all before it. A test key sees what was done in test mode, a live key everything else. A page may hold fewer entries than asked for and still have a next_cursor.";
const EXPORT_ABOUT: &str = "The whole log, the oldest entry first, passed on as it is read. JSON Lines hold entries, checkpoints and the log's end: what `gatepost audit verify` needs. What a key's mode does not show is there as a hash alone, so that the chain is whole. No cell of the CSV begins a formula. The export is itself an entry.";

pub fn routes() -> Vec<Route<App>> {
    vec![
        get("/v1/audit-log", audit_list)
            .id("auditLogList")
            .open_when_suspended()
            .summary("Read the audit log")
            .description(LIST_ABOUT)
            .tag("Audit log")
            .query(&LIST)
            .query(&FILTERS)
            .answer_list::<wire::AuditEntry<'static>>("A page of entries.", &example())
            .fails(&[Code::ChannelNotAllowed]),
        get("/v1/audit-log/export", audit_export)
            .id("auditLogExport")
            .feature(Feature::AuditExport)
            .open_when_suspended()
            .summary("Export the audit log")
            .description(EXPORT_ABOUT)
            .tag("Audit log")
            .query(&FORMAT)
            .answers_file("The log, as an attachment.")
            .fails(&[Code::ChannelNotAllowed]),
    ]
}

pub fn platform_routes() -> Vec<Route<App>> {
    vec![
        get("/operator/v1/audit-log", platform_list)
            .id("platformAuditLogList")
            .summary("Read the platform's own audit log")
            .description(LIST_ABOUT)
            .tag("Audit log")
            .query(&LIST)
            .query(&FILTERS)
            .answer_list::<wire::AuditEntry<'static>>("A page of entries.", &example()),
        get("/operator/v1/audit-log/export", platform_export)
            .id("platformAuditLogExport")
            .summary("Export the platform's own audit log")
            .description(EXPORT_ABOUT)
            .tag("Audit log")
            .query(&FORMAT)
            .answers_file("The log, as an attachment."),
        get("/operator/v1/audit-log/checkpoints", checkpoints)
            .id("auditCheckpoints")
            .open_when_suspended()
            .summary("See how far each log is signed")
            .tag("Audit log")
            .answer::<wire::AuditCheckpoints>(
                200,
                "The public key, and each log's newest checkpoint.",
                checkpoints_example(),
            ),
    ]
}

fn example() -> Value {
    json!({
        "id": "aud_01kagq5rh8e5htqh9sk95d3x4w",
        "seq": 17,
        "at": "2026-11-01T09:30:00Z",
        "actor": "key_01kagq5rh8e5htqh9sk95d3x4w",
        "actor_name": "Shop",
        "credential": "key_01kagq5rh8e5htqh9sk95d3x4w",
        "action": "api_key.revoked",
        "target": { "kind": "api_key", "id": "key_01kagq5rh8e5htqh9sk95d3x4x" },
        "mode": "live",
        "before": { "revoked_at": "never" },
        "after": { "revoked_at": "2026-11-01T09:30:00Z" },
        "details": {},
        "outcome": "done",
        "source": "203.0.113.7",
        "request_id": "req_01kagq5rh8e5htqh9sk95d3x4w",
        "hash": "5c1f9a1f5a2b3d7f7f6c7a0b0c3e5a1d9e8f7a6b5c4d3e2f1a0b9c8d7e6f5a4b",
    })
}

fn checkpoints_example() -> Value {
    json!({
        "public_key": "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "logs": [{
            "workspace_id": "ws_01kagq5rh8e5htqh9sk95d3x4w",
            "entries": 18,
            "checkpoint": {
                "seq": 17,
                "at": "2026-11-01T09:31:00Z",
                "head": "5c1f9a1f5a2b3d7f7f6c7a0b0c3e5a1d9e8f7a6b5c4d3e2f1a0b9c8d7e6f5a4b",
            },
        }],
    })
}

fn text(query: &Query, name: &str) -> Result<Option<String>> {
    match query.get(name) {
        Some(text) if text.is_empty() || text.len() > TEXT_MAX || inert(text) != text => {
            Err(invalid(format!("{name}: expected 1 to {TEXT_MAX} bytes of plain text")))
        }
        found => Ok(found.map(str::to_owned)),
    }
}

fn instant(query: &Query, name: &str) -> Result<Option<Timestamp>> {
    let Some(text) = query.get(name) else { return Ok(None) };
    let read = Timestamp::parse(text).map(Some);
    read.ok_or_else(|| invalid(format!("{name}: expected an RFC 3339 instant such as 2026-11-01T09:30:00Z")))
}

fn filters(query: &Query) -> Result<AuditQuery> {
    let action = text(query, "action")?;
    let known = |text: &str| Action::ALL.iter().any(|a| a.as_str() == text || a.family() == text);
    if action.as_deref().is_some_and(|text| !known(text)) {
        return Err(invalid("action: there is no such action, nor a noun of one"));
    }
    let outcome = text(query, "outcome")?;
    let known = |text: &str| matches!(text, "done" | "refused") || Code::parse(text).is_some();
    if outcome.as_deref().is_some_and(|text| !known(text)) {
        return Err(invalid("outcome: expected done, refused or the code of a refusal"));
    }
    Ok(AuditQuery {
        action,
        actor: text(query, "actor")?,
        target: text(query, "target")?,
        outcome,
        since: instant(query, "since")?,
        until: instant(query, "until")?,
    })
}

fn format(query: &Query) -> Result<ExportFormat> {
    let Some(text) = query.get("format") else { return Ok(ExportFormat::JsonLines) };
    let found = ExportFormat::ALL.into_iter().find(|format| format.as_str() == text);
    found.ok_or_else(|| invalid("format: expected jsonl or csv"))
}

fn file(export: AuditExport) -> Response {
    let (media_type, filename) = (export.format().media_type(), export.filename());
    attachment(Some(media_type), &filename, None, export.into_stream())
}

async fn audit_list(grant: Grant<AuditRead>, State(app): State<App>, query: Query) -> Answer {
    let page = app.audit_list(&grant, filters(&query)?, Paging::of(&query)?.into()).await?;
    Ok(reply::page::<_, wire::AuditEntry<'_>>(&page))
}

async fn audit_export(grant: Grant<permission::AuditExport>, State(app): State<App>, query: Query) -> Answer {
    Ok(file(app.audit_export(&grant, format(&query)?).await?))
}

async fn platform_list(
    operator: Operator<operator::AuditRead>,
    State(app): State<App>,
    query: Query,
) -> Answer {
    let page = app.audit_list_platform(&operator, filters(&query)?, Paging::of(&query)?.into()).await?;
    Ok(reply::page::<_, wire::AuditEntry<'_>>(&page))
}

async fn platform_export(
    operator: Operator<operator::AuditRead>,
    State(app): State<App>,
    query: Query,
) -> Answer {
    Ok(file(app.audit_export_platform(&operator, format(&query)?).await?))
}

async fn checkpoints(operator: Operator<operator::AuditRead>, State(app): State<App>) -> Answer {
    let key = app.checkpoint_public_key(&operator).await?.to_string();
    let logs = app.checkpoint_list(&operator).await?;
    Ok(reply::ok(&wire::AuditCheckpoints::new(key, &logs)))
}
