//! Visits of operators in workspaces.

use gatepost_core::access::StoredVisit;
use gatepost_core::audit::AuditEntry;
use gatepost_core::{OperatorVisitId, Result, Timestamp, UserId, WorkspaceId};
use uuid::Uuid;

use crate::engine::{self, Row};
use crate::notices::NewNotice;
use crate::scope::WorkspaceScope;
use crate::store::{SystemTx, WorkspaceTx};
use crate::{params, statements};

/// A visit with what people see of it.
#[derive(Debug, Clone)]
pub struct VisitRow {
    pub visit: StoredVisit,
    pub reason: String,
    /// Who ended it before its time, as the audit log names them.
    pub ended_by: Option<String>,
}

statements! {
    INSERT = same("INSERT INTO operator_visit (workspace_id, id, operator_id, reason, content, opened_at, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7)");
    GET = same("SELECT id, operator_id, reason, content, opened_at, expires_at, ended_at, ended_by FROM operator_visit WHERE workspace_id = $1 AND id = $2");
    LIST = same("SELECT id, operator_id, reason, content, opened_at, expires_at, ended_at, ended_by FROM operator_visit WHERE workspace_id = $1 AND id < $2 ORDER BY id DESC LIMIT $3");
    OPEN = same("SELECT id, operator_id, reason, content, opened_at, expires_at, ended_at, ended_by FROM operator_visit WHERE workspace_id = $1 AND operator_id = $2 AND ended_at IS NULL AND expires_at > $3 ORDER BY expires_at DESC LIMIT 1");
    END = same("UPDATE operator_visit SET ended_at = $3, ended_by = $4 WHERE workspace_id = $1 AND id = $2 AND ended_at IS NULL AND expires_at > $3");
    /// Whoever opens a visit waits here for others who do: one operator has one visit of a workspace.
    HOLD = per("SELECT id FROM workspace WHERE id = $1", "SELECT id FROM workspace WHERE id = $1 FOR UPDATE");
}

fn visit(workspace: Uuid, row: &Row<'_>) -> engine::Result<VisitRow> {
    Ok(VisitRow {
        visit: StoredVisit {
            id: OperatorVisitId::from_uuid(row.get(0)?),
            workspace: WorkspaceId::from_uuid(workspace),
            operator: UserId::from_uuid(row.get(1)?),
            content: row.get(3)?,
            opened_at: Timestamp::from_micros(row.get(4)?),
            expires_at: Timestamp::from_micros(row.get(5)?),
            ended_at: row.get::<Option<i64>>(6)?.map(Timestamp::from_micros),
        },
        reason: row.get(2)?,
        ended_by: row.get(7)?,
    })
}

impl WorkspaceTx<'_> {
    pub async fn visit_get(&self, id: OperatorVisitId) -> Result<Option<VisitRow>> {
        let read = |row: &Row<'_>| visit(self.workspace, row);
        Ok(self.tx.query_opt(&GET, params![self.workspace, id.uuid()], read).await?)
    }

    /// Newest first, those older than `before`.
    pub async fn visit_list(&self, before: Uuid, limit: i64) -> Result<Vec<VisitRow>> {
        let read = |row: &Row<'_>| visit(self.workspace, row);
        Ok(self.tx.query(&LIST, params![self.workspace, before, limit], read).await?)
    }

    /// Ends a visit that stands; false where it does not.
    pub async fn visit_end(&self, id: OperatorVisitId, now: Timestamp, by: &str) -> Result<bool> {
        Ok(self.tx.execute(&END, params![self.workspace, id.uuid(), now.micros(), by]).await? == 1)
    }

    async fn visit_open(&self, operator: UserId, now: Timestamp) -> Result<Option<VisitRow>> {
        let read = |row: &Row<'_>| visit(self.workspace, row);
        let values = params![self.workspace, operator.uuid(), now.micros()];
        Ok(self.tx.query_opt(&OPEN, values, read).await?)
    }
}

impl SystemTx<'_> {
    /// The visit of a workspace that an operator has open.
    pub async fn visit_of(
        &self,
        workspace: WorkspaceId,
        operator: UserId,
        now: Timestamp,
    ) -> Result<Option<VisitRow>> {
        self.enter(WorkspaceScope::of(workspace)).visit_open(operator, now).await
    }

    /// Opens a visit, and tells of it in the workspace's log and to its owners; false where the operator has one open.
    pub async fn visit_insert(&self, row: &VisitRow, entry: &AuditEntry, notice: &NewNotice) -> Result<bool> {
        let v = &row.visit;
        let hold = |held: &Row<'_>| held.get::<Uuid>(0);
        self.tx.query_opt(&HOLD, params![v.workspace.uuid()], hold).await?;
        let inside = self.enter(WorkspaceScope::of(v.workspace));
        if inside.visit_open(v.operator, v.opened_at).await?.is_some() {
            return Ok(false);
        }
        let values = params![
            v.workspace.uuid(),
            v.id.uuid(),
            v.operator.uuid(),
            &row.reason,
            v.content,
            v.opened_at.micros(),
            v.expires_at.micros()
        ];
        inside.tx.execute_one(&INSERT, values).await?;
        inside.notice_add(notice).await?;
        self.audit_add(v.workspace, std::slice::from_ref(entry)).await?;
        Ok(true)
    }

    /// Ends a visit of this operator that stands, and tells of it; false where there is none.
    pub async fn visit_end_own(
        &self,
        visit: &StoredVisit,
        now: Timestamp,
        by: &str,
        entry: &AuditEntry,
    ) -> Result<bool> {
        let inside = self.enter(WorkspaceScope::of(visit.workspace));
        if !inside.visit_end(visit.id, now, by).await? {
            return Ok(false);
        }
        self.audit_add(visit.workspace, std::slice::from_ref(entry)).await?;
        Ok(true)
    }

    /// The visits that an operator has open, of all workspaces.
    pub async fn visits_of(&self, operator: UserId, now: Timestamp) -> Result<Vec<VisitRow>> {
        let mut open = Vec::new();
        for scope in self.workspace_scopes().await? {
            open.extend(self.enter(scope).visit_open(operator, now).await?);
        }
        Ok(open)
    }
}
