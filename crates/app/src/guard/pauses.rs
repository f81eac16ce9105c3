//! Pauses: the workspace, a channel or a purpose sends nothing until somebody lifts it.
//!
//! Every send and every look at a queue reads them in its own transaction, so a pause binds on every node as soon as it is
//! committed, and across restarts.

use gatepost_core::access::{Actor, Grant, OperatorGrant, OperatorReason, operator_permission, permission};
use gatepost_core::audit::{Action, Audit, AuditEntry};
use gatepost_core::guard::{PauseScope, PausedBy};
use gatepost_core::{ChannelId, Code, Error, FieldError, PauseId, Purpose, Result, Timestamp, WorkspaceId};
use gatepost_store::{PauseRow, WorkspaceScope, WorkspaceTx};

use crate::App;
use crate::idempotency::{Idempotent, Outcome, Prepared};

/// Most pauses of one workspace: one of each scope is enough.
const PAUSES_MAX: usize = 200;

/// Something that is paused, as its workspace sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PauseView {
    /// `None`: the operator's pause of the whole workspace, which only the operator lifts.
    pub id: Option<PauseId>,
    pub scope: PauseScope,
    pub by: PausedBy,
    pub actor: String,
    /// For those who manage the workspace.
    pub why: Option<String>,
    pub since: Timestamp,
}

impl PauseView {
    fn of(row: PauseRow, reasons: bool) -> Self {
        Self {
            id: Some(row.id),
            scope: row.scope,
            by: row.by,
            actor: row.actor,
            why: reasons.then_some(row.why),
            since: row.since,
        }
    }
}

/// Where an entry about a pause points, and what it says.
fn described(entry: AuditEntry, row: &PauseRow) -> AuditEntry {
    let mut entry = entry;
    entry.target = ("pause", row.id.to_string());
    entry.details.push(("scope", row.scope.kind().to_owned()));
    match row.scope {
        PauseScope::Workspace => {}
        PauseScope::Channel(channel) => entry.details.push(("channel", channel.to_string())),
        PauseScope::Purpose(purpose) => entry.details.push(("purpose", purpose.to_string())),
    }
    entry.details.push(("reason", row.why.clone()));
    entry
}

/// Writes a pause down.
async fn set(tx: &WorkspaceTx<'_>, row: &PauseRow) -> Result<()> {
    if let PauseScope::Channel(channel) = row.scope
        && tx.channel_get(channel).await?.is_none()
    {
        return Err(Error::of(Code::NotFound));
    }
    let known = tx.pause_list().await?;
    if known.iter().any(|pause| pause.scope == row.scope && pause.by == row.by) {
        return Err(Error::new(Code::Conflict, "this is paused already"));
    }
    if known.len() >= PAUSES_MAX {
        return Err(Error::new(Code::Conflict, format!("a workspace has at most {PAUSES_MAX} pauses")));
    }
    tx.pause_add(row).await
}

impl App {
    /// What is paused, the operator's pause of the whole workspace first.
    pub async fn pause_list(&self, grant: &Grant<permission::GuardRead>) -> Result<Vec<PauseView>> {
        let reasons = grant.holds(gatepost_core::access::PermissionId::AuditRead);
        let paused = self.pauses_of(grant.into(), reasons).await?;
        let reached = |pause: &PauseView| match pause.scope {
            PauseScope::Channel(channel) => grant.reaches(channel),
            PauseScope::Workspace | PauseScope::Purpose(_) => true,
        };
        Ok(paused.into_iter().filter(reached).collect())
    }

    async fn pauses_of(&self, scope: WorkspaceScope, reasons: bool) -> Result<Vec<PauseView>> {
        let read = self.0.store.read(scope, async |tx| Ok((tx.standing().await?, tx.pause_list().await?)));
        let (standing, rows) = read.await?;
        let whole = standing.paused.map(|(since, why)| PauseView {
            id: None,
            scope: PauseScope::Workspace,
            by: PausedBy::Operator,
            actor: "operator".to_owned(),
            why: reasons.then_some(why),
            since,
        });
        Ok(whole.into_iter().chain(rows.into_iter().map(|row| PauseView::of(row, reasons))).collect())
    }

    /// Pauses the workspace, one of its channels or a purpose; it binds when this returns.
    ///
    /// Errors: `not_found` for a channel; `conflict` where it is paused already.
    pub async fn pause_set(
        &self,
        grant: &Grant<permission::SendingPause>,
        scope: PauseScope,
        why: OperatorReason,
        idempotent: Option<Idempotent<PauseView>>,
    ) -> Result<Outcome<PauseView>> {
        let row = self.pause_row(scope, PausedBy::Workspace, grant.actor(), why.into());
        let audit = self.audit(grant, Action::PauseSet, ("pause", row.id.to_string()), Vec::new());
        let audit = described(audit, &row);
        let inside = WorkspaceScope::from(grant);
        let keys = self.0.sealing.keys(inside).await?;
        let view = PauseView::of(row.clone(), true);
        let prepared = Prepared::with_answer(&keys, idempotent.as_ref(), &view)?;
        let (recording, now) = (prepared.clone(), row.since);
        let replayed = self
            .0
            .store
            .write(inside, async move |tx| {
                if let Some(prepared) = &recording
                    && let Some(first) = prepared.record(tx, now).await?
                {
                    return tx.commit(Audit::None("an answer given again"), Some(first));
                }
                set(tx, &row).await?;
                tx.commit(audit.clone(), None)
            })
            .await?;
        match (replayed, prepared) {
            (Some(first), Some(prepared)) => prepared.open(&keys, &first),
            _ => Ok(Outcome::Fresh(view)),
        }
    }

    /// Lifts a pause of the workspace's own, or of a rule.
    ///
    /// Errors: `not_found`; `permission_missing` for the operator's.
    pub async fn pause_lift(&self, grant: &Grant<permission::SendingPause>, id: PauseId) -> Result<()> {
        let audit = self.audit(grant, Action::PauseLifted, ("pause", id.to_string()), Vec::new());
        self.0
            .store
            .write(grant.into(), async move |tx| {
                let found = tx.pause_list().await?.into_iter().find(|row| row.id == id);
                let row = found.ok_or_else(|| Error::of(Code::NotFound))?;
                if row.by == PausedBy::Operator {
                    return Err(Error::new(
                        Code::PermissionMissing,
                        "the operator set this pause, and lifts it",
                    ));
                }
                tx.pause_lift(id).await?;
                tx.commit(described(audit.clone(), &row), ())
            })
            .await
    }

    /// The operator pauses a channel or a purpose of a workspace. The workspace as a whole has a pause of its own
    /// ([`App::workspace_sending_pause`]).
    ///
    /// Errors: as [`App::pause_set`]; `invalid_field` for a whole workspace.
    pub async fn pause_set_by_operator(
        &self,
        grant: &OperatorGrant<operator_permission::SendingManage>,
        workspace: WorkspaceId,
        scope: PauseScope,
        why: OperatorReason,
    ) -> Result<PauseView> {
        if scope == PauseScope::Workspace {
            let detail = "a workspace as a whole is paused with pause-sending";
            return Err(Error::fields(vec![FieldError::new("/scope", "invalid_value", detail)]));
        }
        let row = self.pause_row(scope, PausedBy::Operator, grant.actor(), why.into());
        let audit = self.audit_operator(grant, Action::PauseSet, ("pause", row.id.to_string()));
        let audit = described(audit, &row);
        let inside = self.workspace_inside(workspace).await?;
        let written = row.clone();
        self.0
            .store
            .write(inside, async move |tx| {
                set(tx, &written).await?;
                tx.commit(audit.clone(), ())
            })
            .await?;
        Ok(PauseView::of(row, true))
    }

    /// The operator lifts any pause of a workspace.
    ///
    /// Errors: `not_found`.
    pub async fn pause_lift_by_operator(
        &self,
        grant: &OperatorGrant<operator_permission::SendingManage>,
        workspace: WorkspaceId,
        id: PauseId,
    ) -> Result<()> {
        let audit = self.audit_operator(grant, Action::PauseLifted, ("pause", id.to_string()));
        let inside = self.workspace_inside(workspace).await?;
        self.0
            .store
            .write(inside, async move |tx| {
                let found = tx.pause_list().await?.into_iter().find(|row| row.id == id);
                let row = found.ok_or_else(|| Error::of(Code::NotFound))?;
                tx.pause_lift(id).await?;
                tx.commit(described(audit.clone(), &row), ())
            })
            .await
    }

    /// What is paused in a workspace, for the operator.
    pub async fn pause_list_by_operator(
        &self,
        _grant: &OperatorGrant<operator_permission::SendingManage>,
        workspace: WorkspaceId,
    ) -> Result<Vec<PauseView>> {
        self.pauses_of(self.workspace_inside(workspace).await?, true).await
    }

    /// The rows of a workspace, for what the operator decides about it.
    ///
    /// Errors: `not_found`.
    pub(crate) async fn workspace_inside(&self, workspace: WorkspaceId) -> Result<WorkspaceScope> {
        let scope = self.0.store.read_system(async move |tx| tx.workspace_scope(workspace).await).await?;
        scope.ok_or_else(|| Error::of(Code::NotFound))
    }

    fn pause_row(&self, scope: PauseScope, by: PausedBy, actor: Actor, why: String) -> PauseRow {
        let since = self.now();
        let id = PauseId::new(since, self.entropy());
        PauseRow { id, scope, by, actor: actor.to_string(), why, since }
    }

    /// A rule pauses a channel or a purpose, in the transaction in which it spoke; nothing where it is paused already.
    pub(crate) async fn pause_by_rule(
        &self,
        tx: &WorkspaceTx<'_>,
        scope: PauseScope,
        rule: &'static str,
    ) -> Result<Option<AuditEntry>> {
        let row = self.pause_row(scope, PausedBy::Rule, Actor::System("guard"), format!("the rule {rule}"));
        if tx.pause_list().await?.iter().any(|pause| pause.scope == scope) {
            return Ok(None);
        }
        tx.pause_add(&row).await?;
        let entry = self.audit_system("guard", Action::PauseSet, ("pause", row.id.to_string()));
        Ok(Some(described(entry, &row)))
    }
}

/// What a pause is to stop, from the words of a caller.
///
/// Errors: a sentence that says what is taken.
pub fn pause_scope(
    scope: &str,
    channel: Option<ChannelId>,
    purpose: Option<Purpose>,
) -> Result<PauseScope, String> {
    match (scope, channel, purpose) {
        ("workspace", None, None) => Ok(PauseScope::Workspace),
        ("channel", Some(channel), None) => Ok(PauseScope::Channel(channel)),
        ("purpose", None, Some(purpose)) => Ok(PauseScope::Purpose(purpose)),
        ("workspace" | "channel" | "purpose", ..) => {
            Err(format!("a pause of scope {scope} needs {scope} and nothing else named"))
        }
        _ => Err("expected workspace, channel or purpose".to_owned()),
    }
}
