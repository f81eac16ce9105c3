#![expect(clippy::unwrap_used, reason = "tests")]
use gatepost_core::access::Actor;
use gatepost_core::audit::AuditEntry;
use gatepost_core::{AuditId, Timestamp};
use uuid::Uuid;

use super::*;
use crate::SystemEntropy;
use crate::audit::CheckpointKey;

const LENGTH: i64 = 35;
const EVERY: i64 = 10;

/// A log as its owner has it.
#[derive(Clone)]
struct Log {
    workspace: WorkspaceId,
    entries: Vec<(AuditRecord, Option<Hash>)>,
    checkpoints: Vec<Checkpoint>,
    elsewhere: Vec<Checkpoint>,
    head: ChainHead,
}

fn record(workspace: WorkspaceId, seq: i64, word: &str) -> AuditRecord {
    let id = AuditId::from_uuid(Uuid::from_u128(u128::try_from(seq).unwrap()));
    let target = ("channel", format!("{word} {seq}"));
    let action = if seq == 1 { Action::ChannelCreated } else { Action::ChannelUpdated };
    AuditEntry::new(id, Timestamp::from_seconds(seq), Actor::LocalOperator, action, target)
        .record(workspace, seq)
}

impl Log {
    fn of(records: Vec<AuditRecord>, key: &CheckpointKey) -> Self {
        let workspace = records[0].workspace_id;
        let mut log = Self {
            workspace,
            entries: records.into_iter().map(|record| (record, None)).collect(),
            checkpoints: Vec::new(),
            elsewhere: Vec::new(),
            head: ChainHead { workspace_id: workspace, seq: 0, hash: NO_HASH },
        };
        log.rehash(0);
        log.sign(key);
        log
    }

    fn new(word: &str, key: &CheckpointKey) -> Self {
        let workspace = WorkspaceId::from_uuid(Uuid::from_u128(1 << 100));
        Self::of((1..=LENGTH).map(|seq| record(workspace, seq, word)).collect(), key)
    }

    /// Numbers and hashes all entries from an index on anew, and notes the end, as a careful forger would.
    fn rehash(&mut self, from: usize) {
        let mut previous = from.checked_sub(1).map_or(NO_HASH, |at| self.entries[at].1.unwrap());
        for (at, (record, hash)) in self.entries.iter_mut().enumerate().skip(from) {
            record.seq = i64::try_from(at).unwrap() + 1;
            previous = entry_hash(record, &previous);
            *hash = Some(previous);
        }
        self.note_end();
    }

    fn note_end(&mut self) {
        let (last, hash) = self.entries.last().unwrap();
        self.head = ChainHead { workspace_id: self.workspace, seq: last.seq, hash: hash.unwrap() };
    }

    fn sign(&mut self, key: &CheckpointKey) {
        self.checkpoints.clear();
        let mut previous = NO_HASH;
        for (record, hash) in self.entries.iter().filter(|(record, _)| record.seq % EVERY == 0) {
            let checkpoint = key.sign(Checkpoint {
                workspace_id: self.workspace,
                seq: record.seq,
                head: hash.unwrap(),
                at: record.at,
                previous,
                key: [0; 32],
                signature: [0; 64],
            });
            previous = checkpoint_digest(&checkpoint);
            self.checkpoints.push(checkpoint);
        }
    }

    fn verify(&self, key: &CheckpointKey) -> Result<Verified, (i64, Fault)> {
        let check = || {
            let mut verifier = ChainVerifier::new(self.workspace, key.public());
            for checkpoint in &self.checkpoints {
                verifier.checkpoint(checkpoint, Origin::Log)?;
            }
            for checkpoint in &self.elsewhere {
                verifier.checkpoint(checkpoint, Origin::Elsewhere)?;
            }
            for (record, hash) in &self.entries {
                verifier.entry(record, hash.as_ref())?;
            }
            verifier.finish(Some(&self.head))
        };
        check().map_err(|finding: Finding| (finding.seq, finding.fault))
    }
}

fn key() -> CheckpointKey {
    CheckpointKey::generate(&SystemEntropy).unwrap()
}

#[test]
fn a_clean_log_gives_no_alarm() {
    let key = key();
    let mut log = Log::new("clean", &key);
    for kept in [0, 1, 3] {
        log.elsewhere = log.checkpoints[..kept].to_vec();
        let verified = log.verify(&key).unwrap();
        assert_eq!((verified.entries, verified.signed_to, verified.checkpoints), (35, 30, 3));
    }
    // Keeping them elsewhere began later.
    log.elsewhere = log.checkpoints[1..].to_vec();
    assert!(log.verify(&key).is_ok());
}

#[test]
fn eight_kinds_of_tampering_are_found_and_named() {
    let key = key();
    let clean = Log::new("clean", &key);
    let tampered = |change: &dyn Fn(&mut Log)| {
        let mut log = clean.clone();
        change(&mut log);
        log.verify(&key)
    };

    // 1: an edit, naive and with all later hashes made anew.
    assert_eq!(tampered(&|log| log.entries[16].0.target.push('x')), Err((17, Fault::Changed)));
    let careful = tampered(&|log| {
        log.entries[16].0.target.push('x');
        log.rehash(16);
    });
    assert_eq!(
        careful,
        Err((11, Fault::Rewritten { checkpoint: 20 })),
        "the first that the last checkpoint leaves open"
    );
    let one_hash = tampered(&|log| {
        let previous = log.entries[15].1.unwrap();
        log.entries[16].0.target.push('x');
        log.entries[16].1 = Some(entry_hash(&log.entries[16].0, &previous));
    });
    assert_eq!(one_hash, Err((18, Fault::Changed)), "or the entry before it, as the words say");

    // 2: a deletion, with and without closing the gap.
    let gap = tampered(&|log| drop(log.entries.remove(16)));
    assert_eq!(gap, Err((17, Fault::Missing)));
    let closed = tampered(&|log| {
        log.entries.remove(16);
        log.rehash(16);
    });
    assert_eq!(closed, Err((11, Fault::Rewritten { checkpoint: 20 })));
    assert_eq!(tampered(&|log| drop(log.entries.remove(0))), Err((1, Fault::Missing)));

    // 3: an insertion, in the middle, at a place that is taken, and behind the end.
    let inserted = tampered(&|log| {
        let extra = record(log.workspace, 17, "extra");
        log.entries.insert(16, (extra, Some([1; 32])));
    });
    assert_eq!(inserted, Err((17, Fault::Changed)));
    let again = tampered(&|log| log.entries.insert(16, log.entries[15].clone()));
    assert_eq!(again, Err((16, Fault::OutOfPlace)));
    let behind = tampered(&|log| {
        let extra = record(log.workspace, 36, "extra");
        let hash = entry_hash(&extra, &log.head.hash);
        log.entries.push((extra, Some(hash)));
    });
    assert_eq!(behind, Err((36, Fault::BeyondTheEnd)));
    let bare = tampered(&|log| log.entries[20].1 = None);
    assert_eq!(bare, Err((21, Fault::Unchained)));

    // 4: a swap, of whole rows and of their contents.
    assert_eq!(tampered(&|log| log.entries.swap(16, 17)), Err((17, Fault::Missing)));
    let contents = tampered(&|log| {
        log.entries.swap(16, 17);
        (log.entries[16].0.seq, log.entries[17].0.seq) = (17, 18);
    });
    assert_eq!(contents, Err((17, Fault::Changed)));

    // 5: the end is cut off, the log's own note of it too.
    assert_eq!(tampered(&|log| log.entries.truncate(33)), Err((34, Fault::Truncated { reached: 35 })));
    let noted = tampered(&|log| {
        log.entries.truncate(25);
        log.note_end();
    });
    assert_eq!(noted, Err((26, Fault::Truncated { reached: 30 })));
    let with_checkpoints = |elsewhere: bool| {
        tampered(&|log| {
            log.elsewhere = if elsewhere { log.checkpoints.clone() } else { Vec::new() };
            log.entries.truncate(25);
            log.checkpoints.truncate(2);
            log.note_end();
        })
    };
    assert_eq!(with_checkpoints(true), Err((26, Fault::Truncated { reached: 30 })));
    assert!(with_checkpoints(false).is_ok(), "nothing tells of it but a checkpoint that was kept elsewhere");

    // 6: the whole log is another, in all its parts.
    let mut other = Log::new("forged", &key);
    other.checkpoints = clean.checkpoints.clone();
    assert_eq!(other.verify(&key), Err((1, Fault::Rewritten { checkpoint: 10 })));
    other.checkpoints.clear();
    other.elsewhere = clean.checkpoints.clone();
    assert_eq!(other.verify(&key), Err((1, Fault::Rewritten { checkpoint: 10 })));

    // 7: a fork: a second history, signed with the right key.
    let mut fork = Log::new("clean", &key);
    fork.entries[24].0.target.push('x');
    fork.rehash(24);
    fork.sign(&key);
    assert!(fork.verify(&key).is_ok(), "by itself it is sound");
    fork.elsewhere = clean.checkpoints.clone();
    assert_eq!(fork.verify(&key), Err((30, Fault::Forked)));

    // 8: signed again, with another key.
    let foreign = super::tests::key();
    let mut signed = clean.clone();
    signed.sign(&foreign);
    assert_eq!(signed.verify(&key), Err((10, Fault::NotSigned)));
    for checkpoint in &mut signed.checkpoints {
        checkpoint.key = *key.public().as_bytes();
    }
    assert_eq!(signed.verify(&key), Err((10, Fault::NotSigned)), "a name is no signature");
}

#[test]
fn checkpoints_cannot_be_left_out_or_moved() {
    let key = key();
    let clean = Log::new("clean", &key);
    let mut log = clean.clone();
    log.elsewhere = clean.checkpoints.clone();
    log.checkpoints.remove(1);
    assert_eq!(log.verify(&key), Err((30, Fault::Forked)));
    log.checkpoints.clear();
    assert_eq!(log.verify(&key), Err((10, Fault::CheckpointMissing)));
    let mut log = clean.clone();
    log.checkpoints[2].workspace_id = WorkspaceId::from_uuid(Uuid::from_u128(2));
    assert_eq!(log.verify(&key), Err((30, Fault::Foreign)));
    let mut log = clean;
    log.checkpoints[0].at = Timestamp::from_seconds(9);
    assert_eq!(log.verify(&key), Err((10, Fault::NotSigned)));
}

#[test]
fn entries_from_before_the_chain_are_held_by_its_first() {
    let key = key();
    let mut log = Log::new("early", &key);
    for (_, hash) in &mut log.entries[..4] {
        *hash = None;
    }
    assert_eq!(
        log.verify(&key),
        Err((1, Fault::EarlierChanged)),
        "the fifth does not say that the chain begins"
    );
    let mut previous = NO_HASH;
    log.entries[4].0.action = Action::AuditChainBegun.as_str().to_owned();
    for (record, hash) in &mut log.entries {
        previous = entry_hash(record, &previous);
        *hash = (record.seq > 4).then_some(previous);
    }
    log.note_end();
    log.sign(&key);
    assert_eq!(log.verify(&key).unwrap().entries, LENGTH);
    let change = |change: fn(&mut Log)| {
        let mut log = log.clone();
        change(&mut log);
        log.verify(&key).unwrap_err()
    };
    assert_eq!(change(|log| log.entries[1].0.target.push('x')), (1, Fault::EarlierChanged));
    assert_eq!(change(|log| log.entries.swap(0, 1)), (1, Fault::Missing));
    let renumbered = change(|log| {
        log.entries.remove(0);
        (1..).zip(&mut log.entries[..3]).for_each(|(seq, (record, _))| record.seq = seq);
    });
    assert_eq!(renumbered, (4, Fault::Missing));
}

#[test]
fn hidden_entries_keep_the_chain_whole() {
    let key = key();
    let log = Log::new("half", &key);
    let mut verifier = ChainVerifier::new(log.workspace, key.public());
    for checkpoint in &log.checkpoints {
        verifier.checkpoint(checkpoint, Origin::Log).unwrap();
    }
    for (record, hash) in &log.entries {
        if record.seq % 3 == 0 {
            verifier.hidden(log.workspace, record.seq, hash.unwrap()).unwrap();
        } else {
            verifier.entry(record, hash.as_ref()).unwrap();
        }
    }
    let verified = verifier.finish(Some(&log.head)).unwrap();
    assert_eq!((verified.entries, verified.hidden), (35, 11));
}
