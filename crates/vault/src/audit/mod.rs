//! The audit log's hashes and checkpoints, and checking both.
//!
//! Threat note. Defends against: an entry that is changed, removed, added, moved or cut off at the end, a log that is
//! written anew, a second history beside the first, checkpoints signed by somebody else: each is found by whoever has
//! the entries, the checkpoints and the public key, and the first bad entry is named. With checkpoints that were kept
//! elsewhere the database may have been in anybody's hands meanwhile. Does not defend against: entries forged after
//! the last checkpoint (at most a minute's) by somebody who writes to the database; somebody who holds the master key
//! as well and reaches every place where checkpoints are kept.

mod checkpoint;
mod verify;

pub use checkpoint::{CheckpointKey, CheckpointPublicKey, checkpoint_digest};
pub use verify::{ChainVerifier, Fault, Finding, Origin, Verified};

use gatepost_core::audit::{AuditRecord, Hash};

use crate::sha256;

/// The hash of an entry at its place: SHA-256 over all its fields and the hash of the entry before it.
pub fn entry_hash(record: &AuditRecord, previous: &Hash) -> Hash {
    sha256(&record.encode(previous))
}
