//! What a writing transaction must say before it may commit, and how entries lie in the log.
//!
//! Entries of a workspace (and those of the platform) form a chain: the hash of each covers all of its fields, its
//! place and the hash before it. Checkpoints sign where the chain stands.
//!
//! Threat note. Defends against: an action that leaves no entry (a commit names one, [`Audit`]); an action that nobody
//! described (names come from one table, [`Action`]); text of strangers acting on whoever reads the log ([`inert`],
//! [`csv_cell`]); a changed, removed, added or moved entry passing unseen (the chain). Does not defend against:
//! whoever writes an entry putting a secret into it; entries forged after the last checkpoint by somebody who can
//! write to the database past this program.

mod action;
mod checkpoint;
mod export;
mod inert;
mod record;

#[cfg(test)]
mod tests;

pub use action::Action;
pub use checkpoint::{Checkpoint, Hash, NO_HASH, hash_text};
pub use export::{ChainHead, ExportEntry, ExportLine, HiddenEntry, csv_cell};
pub use inert::{TEXT_MAX, inert};
pub use record::{AuditRecord, Facts};

use crate::access::{Actor, Credential};
use crate::address::ClientAddr;
use crate::channel::Mode;
use crate::error::Code;
use crate::id::{ApiKeyId, AuditId, MetaAppId, RequestId, UserId, WorkspaceId};
use crate::time::Timestamp;

/// Who did what to what. Values are redacted by whoever writes them: never a secret, a body or a phone number.
#[derive(Debug, Clone)]
pub struct AuditEntry {
    pub id: AuditId,
    pub at: Timestamp,
    pub actor: Actor,
    /// What the actor proved itself with.
    pub credential: Option<Credential>,
    pub action: Action,
    /// The kind and text id of what was acted on.
    pub target: (&'static str, String),
    /// The mode of the credential; `None` where it has none, as the operator's.
    pub mode: Option<Mode>,
    /// What was changed, as it was.
    pub before: Vec<(&'static str, String)>,
    /// What was changed, as it is now.
    pub after: Vec<(&'static str, String)>,
    /// Further facts.
    pub details: Vec<(&'static str, String)>,
    pub outcome: AuditOutcome,
    pub source: Option<ClientAddr>,
    pub request: Option<RequestId>,
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AuditOutcome {
    Done,
    /// With the code that the caller was given.
    Refused(Code),
}

impl AuditOutcome {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Refused(code) => code.as_str(),
        }
    }
}

impl AuditEntry {
    /// An entry of something that was done, by nobody's request.
    pub const fn new(
        id: AuditId,
        at: Timestamp,
        actor: Actor,
        action: Action,
        target: (&'static str, String),
    ) -> Self {
        Self {
            id,
            at,
            actor,
            credential: None,
            action,
            target,
            mode: None,
            before: Vec::new(),
            after: Vec::new(),
            details: Vec::new(),
            outcome: AuditOutcome::Done,
            source: None,
            request: None,
        }
    }

    /// Names a value that changed; one that did not is left out.
    pub fn change(&mut self, name: &'static str, before: impl Into<String>, after: impl Into<String>) {
        let (before, after) = (before.into(), after.into());
        if before != after {
            self.before.push((name, before));
            self.after.push((name, after));
        }
    }

    /// [`AuditEntry::change`], in a chain of calls.
    #[must_use]
    pub fn changed(
        mut self,
        name: &'static str,
        before: impl Into<String>,
        after: impl Into<String>,
    ) -> Self {
        self.change(name, before, after);
        self
    }

    /// Names a value of something new.
    #[must_use]
    pub fn made(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.after.push((name, value.into()));
        self
    }

    /// Names a value of something that is gone.
    #[must_use]
    pub fn was(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.before.push((name, value.into()));
        self
    }

    #[must_use]
    pub const fn refused(mut self, code: Code) -> Self {
        self.outcome = AuditOutcome::Refused(code);
        self
    }

    /// The entry at its place in a log: every text in it is harmless to show from here on.
    pub fn record(&self, workspace: WorkspaceId, seq: i64) -> AuditRecord {
        AuditRecord {
            workspace_id: workspace,
            seq,
            id: self.id,
            at: self.at,
            actor: inert(&self.actor.to_string()),
            credential: self.credential.map(|c| inert(&c.to_string())),
            action: self.action.as_str().to_owned(),
            target_kind: self.target.0.to_owned(),
            target: inert(&self.target.1),
            mode: self.mode.map(|mode| mode.as_str().to_owned()),
            before: Facts::of(&self.before),
            after: Facts::of(&self.after),
            details: Facts::of(&self.details),
            outcome: self.outcome.as_str().to_owned(),
            source: self.source.map(|source| source.to_string()),
            request: self.request.map(|id| id.to_string()),
        }
    }
}

/// The argument of every commit: an entry, or the reason why none is owed.
#[derive(Debug, Clone)]
pub enum Audit {
    Entry(Box<AuditEntry>),
    /// Nothing security-relevant happened; the text says why, for the reader of the code.
    None(&'static str),
}

impl From<AuditEntry> for Audit {
    fn from(entry: AuditEntry) -> Self {
        Self::Entry(Box::new(entry))
    }
}

/// A request that was turned away, for the log of whom it concerns.
#[derive(Debug, Clone)]
pub struct Refusal {
    pub code: Code,
    pub by: Refused,
    /// Method and template: `DELETE /v1/keys/{key_id}`.
    pub route: String,
    pub request: RequestId,
    pub source: Option<ClientAddr>,
}

/// Who was turned away.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Refused {
    /// Somebody who proved who they are, and may not do this.
    Caller { workspace: WorkspaceId, actor: Actor, credential: Option<Credential>, mode: Option<Mode> },
    /// Somebody who presented this key's id without opening it.
    Key { workspace: WorkspaceId, key: ApiKeyId },
    /// Somebody who called back under this Meta app without its signature or token.
    MetaApp(MetaAppId),
    /// A system user who is not the operator, at the operator's socket.
    SystemUser(Option<u32>),
    /// Somebody whose proof of being this person was wrong; `None` where there is no such account.
    SignIn(Option<UserId>),
    /// Somebody who called back as the one who bills, without their signature.
    Billing,
}

/// The codes of refusals that belong in the log of whoever was turned away: those where somebody reached for more than
/// they hold, or presented what does not open. A mistyped field is none.
pub const fn is_audited_refusal(code: Code) -> bool {
    matches!(
        code,
        Code::Unauthorized
            | Code::ApiKeyRevoked
            | Code::ApiKeyExpired
            | Code::SignatureInvalid
            | Code::VerifyTokenInvalid
            | Code::PermissionMissing
            | Code::IpNotAllowed
            | Code::ChannelNotAllowed
            | Code::TestModeOnly
            | Code::LiveModeOnly
            | Code::WebhookUrlNotAllowed
            | Code::SignInFailed
            | Code::SendingPaused
    )
}
