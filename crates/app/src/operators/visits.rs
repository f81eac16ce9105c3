//! Visits: opened with a reason and an end, seen and ended by the owners of the workspace.

use std::sync::Arc;
use std::time::Duration;

use gatepost_core::access::{
    Grant, OperatorGrant, OperatorIdentity, OperatorReason, Principal, StoredVisit, VISIT_LASTS_MAX,
    VISIT_LASTS_MIN, no_visit, operator_permission, permission,
};
use gatepost_core::audit::{Action, Audit};
use gatepost_core::{Code, Error, FieldError, OperatorVisitId, Result, Timestamp, UserId, WorkspaceId};
use gatepost_store::{SystemTx, VisitRow, WorkspaceScope};

use crate::App;
use crate::audit::Visit;
use crate::notices::{Notice, to_workspace};
use crate::pages::{Page, PageQuery};
use crate::people::UserColumn;

/// A visit to open.
#[derive(Debug, Clone)]
pub struct OperatorVisitOpen {
    pub workspace: WorkspaceId,
    pub reason: OperatorReason,
    /// Whether messages, events and members may be read, too.
    pub content: bool,
    /// One minute to eight hours.
    pub lasts: Duration,
}

/// A visit as owners and operators see it.
#[derive(Debug, Clone)]
pub struct OperatorVisitView {
    pub id: OperatorVisitId,
    pub workspace: WorkspaceId,
    pub operator: UserId,
    /// As the operator's account has it; `None` where there is none any more.
    pub operator_name: Option<String>,
    pub reason: String,
    pub content: bool,
    pub opened_at: Timestamp,
    pub expires_at: Timestamp,
    /// When it was ended before its time.
    pub ended_at: Option<Timestamp>,
    pub ended_by: Option<String>,
    /// Whether the operator may read at this moment.
    pub open: bool,
}

fn view(row: VisitRow, operator_name: Option<String>, now: Timestamp) -> OperatorVisitView {
    let open = row.visit.stands(now);
    let StoredVisit { id, workspace, operator, content, opened_at, expires_at, ended_at } = row.visit;
    OperatorVisitView {
        id,
        workspace,
        operator,
        operator_name,
        reason: row.reason,
        content,
        opened_at,
        expires_at,
        ended_at,
        ended_by: row.ended_by,
        open,
    }
}

/// The operator's account behind a grant; the one at the socket has none.
fn person_behind<P>(grant: &OperatorGrant<P>) -> Option<UserId> {
    match grant.identity() {
        OperatorIdentity::Person(user, _) => Some(user),
        OperatorIdentity::Local(_) => None,
    }
}

impl App {
    /// Opens a visit of a workspace for the operator who asks. Its owners see it at once.
    ///
    /// Errors: `not_found`, `conflict` where they have one of this workspace open, `invalid_field` for the time,
    /// `permission_missing` at the socket, which needs none.
    pub async fn operator_visit_open(
        &self,
        grant: &OperatorGrant<operator_permission::VisitOpen>,
        open: OperatorVisitOpen,
    ) -> Result<OperatorVisitView> {
        let Some(operator) = person_behind(grant) else {
            return Err(Error::new(
                Code::PermissionMissing,
                "visits are for operators who sign in; whoever holds the socket enters without one",
            ));
        };
        if !(VISIT_LASTS_MIN..=VISIT_LASTS_MAX).contains(&open.lasts) {
            let detail = "expected one minute to eight hours";
            return Err(Error::fields(vec![FieldError::new("/minutes", "invalid_value", detail)]));
        }
        let workspace = open.workspace;
        let keys = self.workspace_keys(workspace).await?;
        let now = self.now();
        let row = VisitRow {
            visit: StoredVisit {
                id: OperatorVisitId::new(now, self.entropy()),
                workspace,
                operator,
                content: open.content,
                opened_at: now,
                expires_at: now.plus(open.lasts),
                ended_at: None,
            },
            reason: open.reason.into(),
            ended_by: None,
        };
        let target = ("operator_visit", row.visit.id.to_string());
        let audit = self
            .audit_operator(grant, Action::OperatorVisitOpened, target)
            .made("reason", &row.reason)
            .made("content", if row.visit.content { "true" } else { "false" })
            .made("expires_at", row.visit.expires_at.to_string());
        let name = self.operator_account(grant).await?.name;
        let notice = Notice::operator_visit(&name, &row.reason, row.visit.content, row.visit.expires_at);
        let notice = to_workspace(&keys, now, self.entropy(), &notice, self.mail_on())?;
        let inserted = row.clone();
        let opened = self
            .0
            .store
            .write_system(async move |tx| {
                let opened = tx.visit_insert(&inserted, &audit, &notice).await?;
                tx.commit(Audit::None("the entry is in the workspace's own log"), opened)
            })
            .await?;
        if !opened {
            return Err(Error::new(Code::Conflict, "you have a visit of this workspace open; end it first"));
        }
        self.visit_views(vec![row]).await?.pop().ok_or_else(|| Error::internal("a visit went missing"))
    }

    /// The visits that the operator who asks has open.
    pub async fn operator_visits_own(
        &self,
        grant: &OperatorGrant<operator_permission::WorkspaceEnter>,
    ) -> Result<Vec<OperatorVisitView>> {
        let Some(operator) = person_behind(grant) else { return Ok(Vec::new()) };
        let now = self.now();
        let rows = self.0.store.read_system(async move |tx| tx.visits_of(operator, now).await).await?;
        self.visit_views(rows).await
    }

    /// Ends the visit of a workspace that the operator who asks has open.
    ///
    /// Errors: `not_found` where there is none.
    pub async fn operator_visit_leave(
        &self,
        grant: &OperatorGrant<operator_permission::WorkspaceEnter>,
        workspace: WorkspaceId,
    ) -> Result<()> {
        let Some(operator) = person_behind(grant) else { return Err(Error::of(Code::NotFound)) };
        let (app, grant, now) = (self.clone(), *grant, self.now());
        let ended = self
            .0
            .store
            .write_system(async move |tx| {
                let ended = match tx.visit_of(workspace, operator, now).await? {
                    Some(row) => {
                        let target = ("operator_visit", row.visit.id.to_string());
                        let entry = app.audit_operator(&grant, Action::OperatorVisitEnded, target);
                        tx.visit_end_own(&row.visit, now, &grant.actor().to_string(), &entry).await?
                    }
                    None => false,
                };
                tx.commit(Audit::None("the entry is in the workspace's own log"), ended)
            })
            .await?;
        if ended { Ok(()) } else { Err(Error::of(Code::NotFound)) }
    }

    /// The visits of operators in the caller's workspace, newest first.
    pub async fn operator_visit_list(
        &self,
        grant: &Grant<permission::OperatorVisitRead>,
        page: PageQuery,
    ) -> Result<Page<OperatorVisitView>> {
        let (before, limit) = page.bounds()?;
        let rows =
            self.0.store.read(grant.into(), async move |tx| tx.visit_list(before, limit).await).await?;
        let rows = page.page(rows, |row| row.visit.id.uuid(), Ok)?;
        Ok(Page { items: self.visit_views(rows.items).await?, next: rows.next })
    }

    /// Ends a visit of an operator in the caller's workspace. The operator's next request is refused, on every node.
    ///
    /// Errors: `not_found`; `conflict` where it is over.
    pub async fn operator_visit_end(
        &self,
        grant: &Grant<permission::OperatorVisitRevoke>,
        id: OperatorVisitId,
    ) -> Result<OperatorVisitView> {
        let now = self.now();
        let by = grant.actor().to_string();
        let audit =
            self.audit(grant, Action::OperatorVisitEnded, ("operator_visit", id.to_string()), Vec::new());
        // Nothing remembers a visit: each request of the operator looks for it in the transaction of its audit entry.
        let row = self
            .0
            .store
            .write(WorkspaceScope::from(grant), async move |tx| {
                if tx.visit_get(id).await?.is_none() {
                    return Err(Error::of(Code::NotFound));
                }
                if !tx.visit_end(id, now, &by).await? {
                    return Err(Error::new(Code::Conflict, "this visit is over"));
                }
                let row = tx.visit_get(id).await?;
                tx.commit(audit.clone(), row)
            })
            .await?;
        let row = row.ok_or_else(|| Error::of(Code::NotFound))?;
        self.visit_views(vec![row]).await?.pop().ok_or_else(|| Error::internal("a visit went missing"))
    }

    /// An operator who signed in, inside a workspace that they visit; the request is in its audit log first.
    ///
    /// Errors: `permission_missing` without a visit that stands.
    pub(crate) async fn enter_by_visit(
        &self,
        grant: &OperatorGrant<operator_permission::WorkspaceEnter>,
        operator: UserId,
        workspace: WorkspaceId,
        visit: Visit,
    ) -> Result<Arc<Principal>> {
        let Visit::Request(route) = visit else { return Err(no_visit()) };
        let now = self.now();
        let target = ("workspace", workspace.to_string());
        let mut entry = self.audit_operator(grant, Action::WorkspaceVisited, target);
        entry.details.push(("route", route));
        let stored = self
            .0
            .store
            .write_system(async move |tx| {
                let Some(row) = tx.visit_of(workspace, operator, now).await? else { return Err(no_visit()) };
                let mut entry = entry.clone();
                entry.details.push(("visit", row.visit.id.to_string()));
                tx.audit_add(workspace, std::slice::from_ref(&entry)).await?;
                tx.commit(Audit::None("the entry is in the workspace's own log"), row.visit)
            })
            .await?;
        grant.visit(&stored, now)
    }

    /// Ends the visits that an operator has open, in the transaction that takes their role or closes their account; how
    /// many.
    pub(crate) async fn visits_end_of(
        &self,
        tx: &SystemTx<'_>,
        grant: &OperatorGrant<operator_permission::UserManage>,
        operator: UserId,
        now: Timestamp,
    ) -> Result<usize> {
        let open = tx.visits_of(operator, now).await?;
        for row in &open {
            let target = ("operator_visit", row.visit.id.to_string());
            let entry = self.audit_operator(grant, Action::OperatorVisitEnded, target);
            tx.visit_end_own(&row.visit, now, &grant.actor().to_string(), &entry).await?;
        }
        Ok(open.len())
    }

    /// With the names of the operators.
    async fn visit_views(&self, rows: Vec<VisitRow>) -> Result<Vec<OperatorVisitView>> {
        let accounts = self.users_of(rows.iter().map(|row| row.visit.operator)).await?;
        let keys = self.0.sealing.keys(WorkspaceScope::platform()).await?;
        let mut names = Vec::new();
        for account in &accounts {
            names.push((account.id, UserColumn::Name.open_text(&keys, account.id, &account.name)?));
        }
        let now = self.now();
        let name = |id: UserId| names.iter().find(|(known, _)| *known == id).map(|(_, name)| name.clone());
        Ok(rows
            .into_iter()
            .map(|row| {
                let name = name(row.visit.operator);
                view(row, name, now)
            })
            .collect())
    }
}
