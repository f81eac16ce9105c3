//! Checking a chain, entry by entry, against its hashes and its checkpoints. Holds one entry's hash and, for each
//! checkpoint, its place and hash: memory does not grow with the entries.

use std::collections::BTreeMap;
use std::fmt;

use gatepost_core::WorkspaceId;
use gatepost_core::audit::{Action, AuditRecord, ChainHead, Checkpoint, Hash, NO_HASH};

use super::checkpoint::{CheckpointPublicKey, checkpoint_digest};
use super::entry_hash;

/// What is wrong with a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// There is no entry at this place, though there are later ones.
    Missing,
    /// A place that was passed already, or lies before the first.
    OutOfPlace,
    /// An entry of another workspace.
    Foreign,
    /// What is written in the entry, with the hash before it, does not give its hash.
    Changed,
    /// It has no hash, though the chain had begun.
    Unchained,
    /// One of the entries from before the chain is not what it was when the chain began.
    EarlierChanged,
    /// From here on (to the checkpoint at `checkpoint`) the entries are not those that were signed.
    Rewritten { checkpoint: i64 },
    /// Entries from here on are gone: the log once reached to `reached`.
    Truncated { reached: i64 },
    /// An entry behind the end that the log itself knows.
    BeyondTheEnd,
    /// The log's own note of its end names another hash.
    EndChanged,
    /// A checkpoint here was signed by another key, or by none.
    NotSigned,
    /// Two checkpoints here tell of two histories, or one does not follow the one before it.
    Forked,
    /// A checkpoint here was kept elsewhere, and the log does not have it.
    CheckpointMissing,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing => f.write_str("the entry is missing: it was deleted"),
            Self::OutOfPlace => f.write_str("the entry is not at its place: it was inserted or moved"),
            Self::Foreign => f.write_str("the entry is another log's"),
            Self::Changed => f.write_str(
                "the entry does not give its hash: it was edited, inserted or moved, or the entry before it was",
            ),
            Self::Unchained => f.write_str("the entry has no hash: it was inserted past the program"),
            Self::EarlierChanged => {
                f.write_str("one of the entries from before the chain began was changed, deleted or added")
            }
            Self::Rewritten { checkpoint } => write!(
                f,
                "the entries from here to {checkpoint} are not those that the checkpoint at {checkpoint} was signed \
                 for: they were rewritten"
            ),
            Self::Truncated { reached } => {
                write!(f, "the entries from here to {reached} are gone: the end was cut off")
            }
            Self::BeyondTheEnd => f.write_str("the entry stands behind the end of the log: it was inserted"),
            Self::EndChanged => f.write_str("the log's note of its end does not fit its last entry"),
            Self::NotSigned => f.write_str("the checkpoint is not signed with the installation's key"),
            Self::Forked => f.write_str("two checkpoints tell of two histories, or one does not follow the last"),
            Self::CheckpointMissing => {
                f.write_str("a checkpoint that was kept elsewhere is missing: checkpoints were deleted")
            }
        }
    }
}

/// The first thing that is wrong with a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Finding {
    pub workspace: WorkspaceId,
    /// The first bad entry, as far as that can be told.
    pub seq: i64,
    pub fault: Fault,
}

/// A log in which nothing is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified {
    pub workspace: WorkspaceId,
    pub entries: i64,
    /// Entries that the exporter could not see; their hashes were taken as they stand.
    pub hidden: i64,
    /// Entries that a checkpoint covers; later ones are chained, but not signed for yet.
    pub signed_to: i64,
    pub checkpoints: usize,
}

/// Where a checkpoint comes from. Those that were kept elsewhere must be among those of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    Log,
    Elsewhere,
}

/// A checkpoint as far as it is needed.
struct Mark {
    head: Hash,
    digest: Hash,
    origin: Origin,
}

/// Checks one log. First every checkpoint, then every entry in order, then [`ChainVerifier::finish`].
pub struct ChainVerifier {
    workspace: WorkspaceId,
    key: CheckpointPublicKey,
    marks: BTreeMap<i64, Mark>,
    last_digest: [Option<Hash>; 2],
    expected: i64,
    previous: Hash,
    begun: bool,
    hidden: i64,
    signed_to: i64,
}

impl ChainVerifier {
    pub const fn new(workspace: WorkspaceId, key: CheckpointPublicKey) -> Self {
        Self {
            workspace,
            key,
            marks: BTreeMap::new(),
            last_digest: [None; 2],
            expected: 1,
            previous: NO_HASH,
            begun: false,
            hidden: 0,
            signed_to: 0,
        }
    }

    const fn found(&self, seq: i64, fault: Fault) -> Finding {
        Finding { workspace: self.workspace, seq, fault }
    }

    /// Takes a checkpoint, those of one origin in their order.
    pub fn checkpoint(&mut self, checkpoint: &Checkpoint, origin: Origin) -> Result<(), Finding> {
        let seq = checkpoint.seq;
        if checkpoint.workspace_id != self.workspace {
            return Err(self.found(seq, Fault::Foreign));
        }
        if !self.key.signed(checkpoint) {
            return Err(self.found(seq, Fault::NotSigned));
        }
        let last = &mut self.last_digest[origin as usize];
        // Keeping them elsewhere may have begun later than signing them.
        let follows = match (*last, origin) {
            (Some(last), _) => checkpoint.previous == last,
            (None, Origin::Log) => checkpoint.previous == NO_HASH,
            (None, Origin::Elsewhere) => true,
        };
        let digest = checkpoint_digest(checkpoint);
        *last = Some(digest);
        if !follows {
            return Err(self.found(seq, Fault::Forked));
        }
        match self.marks.get_mut(&seq) {
            Some(mark) if mark.digest != digest => return Err(self.found(seq, Fault::Forked)),
            Some(mark) if origin == Origin::Log => mark.origin = Origin::Log,
            Some(_) => {}
            None => {
                self.marks.insert(seq, Mark { head: checkpoint.head, digest, origin });
            }
        }
        Ok(())
    }

    /// Takes the next entry with the hash that was stored with it.
    pub fn entry(&mut self, record: &AuditRecord, stored: Option<&Hash>) -> Result<(), Finding> {
        self.place(record.workspace_id, record.seq)?;
        let hash = entry_hash(record, &self.previous);
        match stored {
            None if self.begun => return Err(self.found(record.seq, Fault::Unchained)),
            None => {}
            Some(stored) => {
                // The first entry with a hash covers those before it, which have none.
                let first = !self.begun && record.seq > 1;
                if *stored != hash {
                    let (seq, fault) =
                        if first { (1, Fault::EarlierChanged) } else { (record.seq, Fault::Changed) };
                    return Err(self.found(seq, fault));
                }
                if first && record.action != Action::AuditChainBegun.as_str() {
                    return Err(self.found(1, Fault::EarlierChanged));
                }
                self.begun = true;
            }
        }
        self.step(record.seq, hash)
    }

    /// Takes the place of an entry that is not shown.
    pub fn hidden(&mut self, workspace: WorkspaceId, seq: i64, hash: Hash) -> Result<(), Finding> {
        self.place(workspace, seq)?;
        self.hidden += 1;
        self.begun = true;
        self.step(seq, hash)
    }

    fn place(&self, workspace: WorkspaceId, seq: i64) -> Result<(), Finding> {
        if workspace != self.workspace {
            return Err(self.found(seq, Fault::Foreign));
        }
        match seq.cmp(&self.expected) {
            std::cmp::Ordering::Equal => Ok(()),
            std::cmp::Ordering::Greater => Err(self.found(self.expected, Fault::Missing)),
            std::cmp::Ordering::Less => Err(self.found(seq, Fault::OutOfPlace)),
        }
    }

    fn step(&mut self, seq: i64, hash: Hash) -> Result<(), Finding> {
        self.previous = hash;
        self.expected = seq + 1;
        if let Some(mark) = self.marks.get(&seq) {
            if mark.head != hash {
                return Err(self.found(self.signed_to + 1, Fault::Rewritten { checkpoint: seq }));
            }
            self.signed_to = seq;
        }
        Ok(())
    }

    /// The end of the log, and the log's own note of it, where there is one.
    pub fn finish(self, head: Option<&ChainHead>) -> Result<Verified, Finding> {
        let last = self.expected - 1;
        if let Some((reached, _)) = self.marks.last_key_value()
            && *reached > last
        {
            return Err(self.found(self.expected, Fault::Truncated { reached: *reached }));
        }
        if let Some(head) = head {
            if head.seq > last {
                return Err(self.found(self.expected, Fault::Truncated { reached: head.seq }));
            }
            if head.seq < last {
                return Err(self.found(head.seq + 1, Fault::BeyondTheEnd));
            }
            if head.hash != self.previous {
                return Err(self.found(last, Fault::EndChanged));
            }
        } else if self.begun {
            return Err(self.found(last, Fault::EndChanged));
        }
        let missing = self.marks.iter().find(|(_, mark)| mark.origin == Origin::Elsewhere);
        if let Some((seq, _)) = missing {
            return Err(self.found(*seq, Fault::CheckpointMissing));
        }
        Ok(Verified {
            workspace: self.workspace,
            entries: last,
            hidden: self.hidden,
            signed_to: self.signed_to,
            checkpoints: self.marks.len(),
        })
    }
}

#[cfg(test)]
mod tests;
