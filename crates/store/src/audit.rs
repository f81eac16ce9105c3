//! The audit log: appended by commits, never changed.

use gatepost_core::audit::Audit;
use gatepost_core::{AuditId, Error, Result, Timestamp};
use uuid::Uuid;

use crate::engine::Row;
use crate::store::WorkspaceTx;
use crate::{params, statements};

#[derive(Debug, Clone)]
pub struct AuditRow {
    pub id: AuditId,
    pub seq: i64,
    pub at: Timestamp,
    pub actor: String,
    pub action: String,
    pub target_kind: String,
    pub target: String,
    /// A JSON object.
    pub details: String,
    pub request: Option<String>,
}

statements! {
    INSERT = same("INSERT INTO audit (workspace_id, id, seq, at, actor, action, target_kind, target, details, request) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)");
    LIST = same("SELECT id, seq, at, actor, action, target_kind, target, details, request FROM audit WHERE workspace_id = $1 AND seq > $2 ORDER BY seq LIMIT $3");
}

impl WorkspaceTx<'_> {
    pub(crate) async fn audit_record(&self, audit: &Audit) -> Result<()> {
        let Audit::Entry(entry) = audit else { return Ok(()) };
        let seq = self.counter_take("audit", 1).await?;
        let details: serde_json::Map<String, serde_json::Value> =
            entry.details.iter().map(|(name, value)| ((*name).to_owned(), value.clone().into())).collect();
        let details = serde_json::to_string(&details).map_err(Error::internal)?;
        let actor = entry.actor.to_string();
        let request = entry.request.map(|id| id.to_string());
        let values = params![
            self.workspace,
            entry.id.uuid(),
            seq,
            entry.at.micros(),
            &actor,
            entry.action,
            entry.target.0,
            &entry.target.1,
            &details,
            request.as_deref()
        ];
        Ok(self.tx.execute_one(&INSERT, values).await?)
    }

    /// Entries after `seq`, oldest first.
    pub async fn audit_list(&self, after: i64, limit: i64) -> Result<Vec<AuditRow>> {
        Ok(self
            .tx
            .query(&LIST, params![self.workspace, after, limit], |row: &Row<'_>| {
                Ok(AuditRow {
                    id: AuditId::from_uuid(row.get::<Uuid>(0)?),
                    seq: row.get(1)?,
                    at: Timestamp::from_micros(row.get(2)?),
                    actor: row.get(3)?,
                    action: row.get(4)?,
                    target_kind: row.get(5)?,
                    target: row.get(6)?,
                    details: row.get(7)?,
                    request: row.get(8)?,
                })
            })
            .await?)
    }
}
