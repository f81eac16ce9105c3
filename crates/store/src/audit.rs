//! The audit log: appended by commits, never changed.
//!
//! Threat note. Defends against: a commit without the entry it owes (the entry is part of the transaction, and where it
//! cannot be written the transaction fails), two entries that follow the same one (whoever appends holds the row of
//! the chain's end until the commit, on every node), the server's own database role changing what was written
//! (PostgreSQL: it may only append). Does not defend against: whoever owns the database; that is what the hashes and
//! their checkpoints are for.

use futures_util::future::join;
use gatepost_core::access::Actor;
use gatepost_core::audit::{Action, Audit, AuditEntry, AuditRecord, ChainHead, Facts, Hash, NO_HASH};
use gatepost_core::{AuditId, Code, Error, Result, Timestamp, WorkspaceId};
use gatepost_vault::audit::entry_hash;
use uuid::Uuid;

use crate::engine::{self, Row};
use crate::scope::WorkspaceScope;
use crate::store::{SystemTx, WorkspaceTx};
use crate::{params, statements};

/// An entry as it lies in the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuditRow {
    pub record: AuditRecord,
    /// `None` for entries from before the chain began.
    pub hash: Option<Hash>,
}

/// Which entries a list holds; `None` means all.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    /// An action, or the noun of several.
    pub action: Option<String>,
    pub actor: Option<String>,
    pub target: Option<String>,
    /// `done`, `refused` (with whatever code), or a code.
    pub outcome: Option<String>,
    /// `test`: only what was done in test mode; `live`: all but that.
    pub mode: Option<String>,
    pub since: Option<Timestamp>,
    /// Before this.
    pub until: Option<Timestamp>,
}

/// Rows that are read at once where a chain is walked.
const WALK: i64 = 500;

statements! {
    HEAD_TAKE = same("INSERT INTO audit_chain (workspace_id, log, seq, hash) VALUES ($1, 'audit', 0, $2) ON CONFLICT (workspace_id, log) DO UPDATE SET seq = audit_chain.seq RETURNING seq, hash");
    HEAD_SET = same("UPDATE audit_chain SET seq = $2, hash = $3 WHERE workspace_id = $1 AND log = 'audit'");
    HEAD_GET = same("SELECT seq, hash FROM audit_chain WHERE workspace_id = $1 AND log = 'audit'");
    INSERT = same("INSERT INTO audit (workspace_id, id, seq, at, actor, credential, action, target_kind, target, mode, old_values, new_values, details, outcome, source, request, hash) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)");
    AFTER = same("SELECT id, seq, at, actor, credential, action, target_kind, target, mode, old_values, new_values, details, outcome, source, request, hash FROM audit WHERE workspace_id = $1 AND seq > $2 ORDER BY seq LIMIT $3");
    PAGE = same("SELECT id, seq, at, actor, credential, action, target_kind, target, mode, old_values, new_values, details, outcome, source, request, hash FROM audit WHERE workspace_id = $1 AND seq < $2 AND seq >= $3 AND (action = COALESCE($5, action) OR substr(action, 1, length($5) + 1) = $5 || '.') AND actor = COALESCE($6, actor) AND target = COALESCE($7, target) AND (outcome = COALESCE($8, outcome) OR ($8 = 'refused' AND outcome <> 'done')) AND CASE WHEN $9 = 'test' THEN mode = 'test' WHEN $9 = 'live' THEN COALESCE(mode, '') <> 'test' ELSE 1 = 1 END AND at >= $10 AND at < $11 ORDER BY seq DESC LIMIT $4");
    TIME = same("SELECT at FROM audit WHERE workspace_id = $1 AND seq = $2");
}

fn row(workspace: Uuid, row: &Row<'_>) -> engine::Result<AuditRow> {
    // What is no object of strings was not written by us: as one odd fact it cannot give the entry's hash.
    let facts = |index: usize| -> engine::Result<Facts> {
        let text: String = row.get(index)?;
        Ok(Facts::parse(&text).unwrap_or_else(|| Facts::of(&[("", text)])))
    };
    let hash: Vec<u8> = row.get(15)?;
    Ok(AuditRow {
        record: AuditRecord {
            workspace_id: WorkspaceId::from_uuid(workspace),
            id: AuditId::from_uuid(row.get::<Uuid>(0)?),
            seq: row.get(1)?,
            at: Timestamp::from_micros(row.get(2)?),
            actor: row.get(3)?,
            credential: row.get(4)?,
            action: row.get(5)?,
            target_kind: row.get(6)?,
            target: row.get(7)?,
            mode: row.get(8)?,
            before: facts(9)?,
            after: facts(10)?,
            details: facts(11)?,
            outcome: row.get(12)?,
            source: row.get(13)?,
            request: row.get(14)?,
        },
        // A hash of a wrong length is one that no entry gives.
        hash: (!hash.is_empty()).then(|| hash.try_into().unwrap_or([0xff; 32])),
    })
}

/// Without its entry an action does not happen, and the caller hears that nothing did.
fn not_audited(error: &Error) -> Error {
    tracing::error!(security = true, %error, "an audit entry could not be written, so the action it tells of was not done");
    Error::of(Code::Unavailable).with_context(format!("audit: {error}"))
}

impl WorkspaceTx<'_> {
    pub(crate) async fn audit_record(&self, audit: &Audit) -> Result<()> {
        match audit {
            Audit::Entry(entry) => self.audit_append(entry).await.map_err(|error| not_audited(&error)),
            Audit::None(_) => Ok(()),
        }
    }

    /// Adds entries beside the one that the commit names, for work that does several things at once.
    pub async fn audit_more(&self, entries: &[AuditEntry]) -> Result<()> {
        for entry in entries {
            self.audit_append(entry).await.map_err(|error| not_audited(&error))?;
        }
        Ok(())
    }

    async fn audit_append(&self, entry: &AuditEntry) -> Result<()> {
        let head = self.audit_head_take().await?;
        let head = if head.seq == 0 { self.audit_begin(entry.at).await? } else { head };
        let head = self.audit_chain_on(head, entry).await?;
        let (scope, seq, wakes) = (self.scope(), head.seq, self.wakes.clone());
        self.tx.after_commit(Box::new(move || wakes.audited(scope, seq)));
        Ok(())
    }

    /// The end of the chain. Its row stays locked until the commit, so that no other entry follows the same one.
    pub(crate) async fn audit_head_take(&self) -> Result<ChainHead> {
        Ok(self.tx.query_one(&HEAD_TAKE, params![self.workspace, &NO_HASH], |r| self.head(r)).await?)
    }

    fn head(&self, row: &Row<'_>) -> engine::Result<ChainHead> {
        let workspace_id = WorkspaceId::from_uuid(self.workspace);
        Ok(ChainHead { workspace_id, seq: row.get(0)?, hash: row.get(1)? })
    }

    /// Where entries lie already from before there was a chain, it begins with one that covers them.
    async fn audit_begin(&self, at: Timestamp) -> Result<ChainHead> {
        let mut head = ChainHead { workspace_id: self.scope().workspace(), seq: 0, hash: NO_HASH };
        loop {
            let rows = self.audit_after(head.seq, WALK).await?;
            for row in &rows {
                head.hash = entry_hash(&row.record, &head.hash);
                head.seq = row.record.seq;
            }
            if i64::try_from(rows.len()).unwrap_or(0) < WALK {
                break;
            }
        }
        if head.seq == 0 {
            return Ok(head);
        }
        // The same on every node and every run.
        let id = head.hash.first_chunk::<16>().copied().unwrap_or_default();
        let id = AuditId::from_uuid(uuid::Builder::from_custom_bytes(id).into_uuid());
        let target = ("workspace", head.workspace_id.to_string());
        let mut begun = AuditEntry::new(id, at, Actor::System("audit"), Action::AuditChainBegun, target);
        begun.details.push(("entries_before", head.seq.to_string()));
        self.audit_chain_on(head, &begun).await
    }

    async fn audit_chain_on(&self, head: ChainHead, entry: &AuditEntry) -> Result<ChainHead> {
        let record = entry.record(head.workspace_id, head.seq + 1);
        let hash = entry_hash(&record, &head.hash);
        let (before, after, details) =
            (record.before.to_json(), record.after.to_json(), record.details.to_json());
        let values = params![
            self.workspace,
            record.id.uuid(),
            record.seq,
            record.at.micros(),
            &record.actor,
            record.credential.as_deref(),
            &record.action,
            &record.target_kind,
            &record.target,
            record.mode.as_deref(),
            &before,
            &after,
            &details,
            &record.outcome,
            record.source.as_deref(),
            record.request.as_deref(),
            &hash
        ];
        let next = params![self.workspace, record.seq, &hash];
        // Both are on the wire before the first is answered.
        let (inserted, set) =
            join(self.tx.execute_one(&INSERT, values), self.tx.execute_one(&HEAD_SET, next)).await;
        inserted?;
        set?;
        Ok(ChainHead { seq: record.seq, hash, ..head })
    }

    /// Where the chain stands; `None` before its first entry.
    pub async fn audit_head(&self) -> Result<Option<ChainHead>> {
        let head = self.tx.query_opt(&HEAD_GET, params![self.workspace], |r| self.head(r)).await?;
        Ok(head.filter(|head| head.seq > 0))
    }

    /// Entries after `seq`, oldest first.
    pub async fn audit_after(&self, seq: i64, limit: i64) -> Result<Vec<AuditRow>> {
        Ok(self.tx.query(&AFTER, params![self.workspace, seq, limit], |r| row(self.workspace, r)).await?)
    }

    /// Entries from `from` up to (and without) `before` that fit, newest first.
    pub async fn audit_page(
        &self,
        filter: &AuditFilter,
        from: i64,
        before: i64,
        limit: i64,
    ) -> Result<Vec<AuditRow>> {
        let values = params![
            self.workspace,
            before,
            from,
            limit,
            filter.action.as_deref(),
            filter.actor.as_deref(),
            filter.target.as_deref(),
            filter.outcome.as_deref(),
            filter.mode.as_deref(),
            filter.since.map_or(i64::MIN, Timestamp::micros),
            filter.until.map_or(i64::MAX, Timestamp::micros)
        ];
        Ok(self.tx.query(&PAGE, values, |r| row(self.workspace, r)).await?)
    }

    /// When the entry at this place was written.
    pub async fn audit_time(&self, seq: i64) -> Result<Option<Timestamp>> {
        let at = self.tx.query_opt(&TIME, params![self.workspace, seq], |r: &Row<'_>| r.get(0)).await?;
        Ok(at.map(Timestamp::from_micros))
    }
}

impl SystemTx<'_> {
    /// Adds entries to the log of any workspace. Adding is all that it can do there.
    pub async fn audit_add(&self, workspace: WorkspaceId, entries: &[AuditEntry]) -> Result<()> {
        let tx = self.enter(WorkspaceScope::of(workspace));
        for entry in entries {
            tx.audit_append(entry).await.map_err(|error| not_audited(&error))?;
        }
        Ok(())
    }
}
