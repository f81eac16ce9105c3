//! The audit log.

use std::borrow::Cow;

use gatepost_app::{AuditView, LogView};
use gatepost_core::audit::{Facts, hash_text, inert};
use gatepost_core::{AuditId, Timestamp, WorkspaceId};
use serde::Serialize;
use utoipa::ToSchema;

/// Who did what to what.
#[derive(Serialize, ToSchema)]
pub struct AuditEntry<'a> {
    #[schema(value_type = String, example = "aud_01kagq5rh8e5htqh9sk95d3x4w")]
    id: AuditId,
    /// Its place in the log: 1, 2, 3 … without a gap.
    seq: i64,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    /// The id of a key or of a person, `operator:` and the id of one, `operator:local` (whoever runs this installation), `nobody` (somebody who did not prove who
    /// they are), or `system:` and a part of Gatepost.
    #[schema(value_type = String)]
    actor: Cow<'a, str>,
    /// What the actor is called at present: a member's name and address, a key's name, `Operator`, `Gatepost`. It is no
    /// part of the entry. Null for whoever is gone, was nobody, or is not shown to the caller.
    #[schema(value_type = Option<String>, required = true, example = "Ann Example (ann@example.com)")]
    actor_name: Option<Cow<'a, str>>,
    /// What the actor proved itself with: the id of a key, or `uid:` and the system user at the operator's socket.
    #[schema(value_type = Option<String>, required = true)]
    credential: Option<Cow<'a, str>>,
    /// `noun.verb`, such as `api_key.revoked`; more may come.
    #[schema(value_type = String, example = "api_key.revoked")]
    action: Cow<'a, str>,
    target: AuditTarget<'a>,
    /// The mode of the credential, `test` or `live`; null where it has none.
    #[schema(value_type = Option<String>, required = true)]
    mode: Option<&'a str>,
    /// What was changed, as it was; texts by name. Secrets are named, never shown.
    #[schema(value_type = Object)]
    before: &'a Facts,
    /// What was changed, as it became.
    #[schema(value_type = Object)]
    after: &'a Facts,
    /// Further facts. `repeated` counts refusals of this kind that followed within its minute.
    #[schema(value_type = Object)]
    details: &'a Facts,
    /// `done`, or the code of the refusal.
    #[schema(value_type = String, example = "done")]
    outcome: Cow<'a, str>,
    /// The caller's address.
    #[schema(value_type = Option<String>, required = true)]
    source: Option<&'a str>,
    #[schema(required = true)]
    request_id: Option<&'a str>,
    /// SHA-256 over this entry and the hash of the one before it; null for entries from before the log was chained.
    #[schema(required = true)]
    hash: Option<String>,
}

/// What was acted on.
#[derive(Serialize, ToSchema)]
struct AuditTarget<'a> {
    #[schema(example = "api_key")]
    kind: &'a str,
    #[schema(value_type = String, example = "key_01kagq5rh8e5htqh9sk95d3x4w")]
    id: Cow<'a, str>,
}

/// Texts were made harmless when they were stored; whoever has the database may have put others there.
fn shown(text: &str) -> Cow<'_, str> {
    let safe = inert(text);
    if safe == text { Cow::Borrowed(text) } else { Cow::Owned(safe) }
}

impl<'a> From<&'a AuditView> for AuditEntry<'a> {
    fn from(view: &'a AuditView) -> Self {
        let record = &view.record;
        Self {
            id: record.id,
            seq: record.seq,
            at: record.at,
            actor: shown(&record.actor),
            actor_name: view.actor_name.as_deref().map(shown),
            credential: record.credential.as_deref().map(shown),
            action: shown(&record.action),
            target: AuditTarget { kind: &record.target_kind, id: shown(&record.target) },
            mode: record.mode.as_deref(),
            before: &record.before,
            after: &record.after,
            details: &record.details,
            outcome: shown(&record.outcome),
            source: record.source.as_deref(),
            request_id: record.request.as_deref(),
            hash: view.hash.as_ref().map(hash_text),
        }
    }
}

/// How far the audit logs are signed.
#[derive(Serialize, ToSchema)]
pub struct AuditCheckpoints {
    /// The installation's public key (Ed25519), in hex: `gatepost audit verify --public-key`. Note it elsewhere.
    public_key: String,
    logs: Vec<AuditLog>,
}

/// One log.
#[derive(Serialize, ToSchema)]
struct AuditLog {
    /// Null for the platform's own.
    #[schema(value_type = Option<String>, required = true)]
    workspace_id: Option<WorkspaceId>,
    /// How many entries it holds.
    entries: i64,
    /// The newest; null before the first.
    #[schema(required = true)]
    checkpoint: Option<AuditCheckpoint>,
}

/// A signed word about a log: at that time, that entry was the last, and its hash was `head`.
#[derive(Serialize, ToSchema)]
struct AuditCheckpoint {
    seq: i64,
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
    head: String,
}

impl AuditCheckpoints {
    pub fn new(public_key: String, logs: &[LogView]) -> Self {
        let logs = logs
            .iter()
            .map(|log| AuditLog {
                workspace_id: log.workspace,
                entries: log.entries,
                checkpoint: log.checkpoint.as_ref().map(|checkpoint| AuditCheckpoint {
                    seq: checkpoint.seq,
                    at: checkpoint.at,
                    head: hash_text(&checkpoint.head),
                }),
            })
            .collect();
        Self { public_key, logs }
    }
}
