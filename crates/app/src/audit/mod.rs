//! The audit log: making entries, refusals, checkpoints, reading and exporting.

mod actors;
mod checkpoints;
mod export;
mod reading;
mod refusals;
mod shipping;
mod verifying;

pub use checkpoints::{CheckpointView, LogView};
pub use export::{AuditExport, ExportFormat};
pub use reading::{AuditQuery, AuditView};
pub use verifying::{Checked, Elsewhere, public_key_of, verify_export, verify_store};

pub(crate) use checkpoints::{CHECKPOINT_EVERY, Checkpoints};
pub(crate) use refusals::Refusals;

use gatepost_core::access::{Actor, Grant, OperatorGrant, operator_permission};
use gatepost_core::audit::{Action, AuditEntry};
use gatepost_core::{AuditId, Code, Error, Result, WorkspaceId};
use gatepost_store::WorkspaceScope;

use crate::App;

/// How the operator comes into a workspace.
#[derive(Debug, Clone)]
pub enum Visit {
    /// By a request, to read or to change something: an entry tells of it, with the method and template of the route.
    Request(String),
    /// In this process itself, which audits what it does.
    InProcess,
}

impl App {
    pub(crate) fn audit_entry(
        &self,
        actor: Actor,
        action: Action,
        target: (&'static str, String),
    ) -> AuditEntry {
        let at = self.now();
        AuditEntry::new(AuditId::new(at, self.entropy()), at, actor, action, target)
    }

    /// An audit entry of something done under a grant.
    pub(crate) fn audit<P>(
        &self,
        grant: &Grant<P>,
        action: Action,
        target: (&'static str, String),
        details: Vec<(&'static str, String)>,
    ) -> AuditEntry {
        AuditEntry {
            credential: Some(grant.credential()),
            mode: grant.mode(),
            details,
            source: grant.client(),
            request: grant.request(),
            ..self.audit_entry(grant.actor(), action, target)
        }
    }

    /// An audit entry of something that the operator did to the installation.
    pub(crate) fn audit_operator<P>(
        &self,
        grant: &OperatorGrant<P>,
        action: Action,
        target: (&'static str, String),
    ) -> AuditEntry {
        AuditEntry {
            credential: Some(grant.credential()),
            source: grant.client(),
            request: grant.request(),
            ..self.audit_entry(grant.actor(), action, target)
        }
    }

    /// An audit entry of something that Gatepost did by itself; `part` names who.
    pub(crate) fn audit_system(
        &self,
        part: &'static str,
        action: Action,
        target: (&'static str, String),
    ) -> AuditEntry {
        self.audit_entry(Actor::System(part), action, target)
    }

    /// Sees that an entry can be written before something is asked of Meta, which no transaction can take back: where
    /// the log cannot be written nothing is asked. The entry that is tried here is undone.
    pub(crate) async fn audit_possible(&self, scope: WorkspaceScope) -> Result<()> {
        let target = ("workspace", scope.workspace().to_string());
        let entry = self.audit_entry(Actor::System("audit"), Action::AuditExported, target);
        self.0.store.audit_rehearse(scope, entry).await
    }

    /// Tells, once for each start, that this process serves, and what it lets webhooks reach.
    pub(crate) async fn audit_start(&self) -> Result<()> {
        let policy = self.0.safe.policy();
        let exceptions: Vec<String> = policy.config().exceptions.iter().map(ToString::to_string).collect();
        let mut entry = self.audit_entry(
            Actor::System("server"),
            Action::ServerStarted,
            ("node", self.node().to_string()),
        );
        entry.details.push(("version", env!("CARGO_PKG_VERSION").to_owned()));
        entry.details.push(("egress_exceptions", exceptions.join(" ")));
        self.0.store.write_system(async move |tx| tx.commit(entry.clone(), ())).await
    }

    /// Tells of a visit by the operator, before anything is shown or done.
    pub(crate) async fn audit_visit(
        &self,
        grant: &OperatorGrant<operator_permission::WorkspaceEnter>,
        workspace: WorkspaceId,
        visit: Visit,
    ) -> Result<()> {
        let Visit::Request(route) = visit else { return Ok(()) };
        let target = ("workspace", workspace.to_string());
        let mut entry = self.audit_operator(grant, Action::WorkspaceVisited, target);
        entry.details.push(("route", route));
        self.0
            .store
            .write_system(async move |tx| {
                tx.audit_add(workspace, std::slice::from_ref(&entry)).await?;
                tx.commit(gatepost_core::audit::Audit::None("the entry is in the workspace's own log"), ())
            })
            .await
    }

    /// A key that is bound to channels does not see the whole workspace's log.
    pub(crate) fn audit_whole<P>(grant: &Grant<P>) -> Result<()> {
        if grant.channels().is_some() {
            let detail = "the audit log is the whole workspace's: use a key that is not bound to channels";
            return Err(Error::new(Code::ChannelNotAllowed, detail));
        }
        Ok(())
    }
}
