//! What a writing transaction must say before it may commit.

use crate::access::Actor;
use crate::id::{AuditId, RequestId};
use crate::time::Timestamp;

/// Who did what to what. Values are redacted by whoever writes them: never a secret, a body or a phone number.
#[derive(Debug, Clone)]
pub struct AuditEntry {
    pub id: AuditId,
    pub at: Timestamp,
    pub actor: Actor,
    /// `noun.verb` in the past tense: `api_key.created`.
    pub action: &'static str,
    /// The kind and text id of what was acted on.
    pub target: (&'static str, String),
    /// Further facts, in the order they are told.
    pub details: Vec<(&'static str, String)>,
    pub request: Option<RequestId>,
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
