//! Which sends had begun when a process died.
//!
//! A message is claimed in the database before it is handed to Meta. A process killed in between leaves a claim, and a
//! claim alone cannot tell "about to be sent" from "sent, but the answer was not written down". This file can: before
//! the first byte leaves, the job's id is written into a slot of it, and the slot is emptied once the result is
//! committed. Nothing is synced to the disk, so the cost is that of a memory copy; what the kernel was given outlives
//! the process all the same.
//!
//! Defends against: losing messages that never left when the process is killed. Does not defend against: a crash of the
//! machine itself. Then the file may be behind, so it is believed only within the boot it was written in; and another
//! node that takes over cannot read it. In both cases what was claimed stays doubtful, and is never sent twice.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use gatepost_core::{JobId, NodeId};
use gatepost_store::Claimed;
use uuid::Uuid;

const MAGIC: &[u8; 8] = b"GPSEND01";
const HEADER: u64 = 64;
const SLOT: u64 = 32;
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";

/// The journal of this process.
pub(crate) struct SendJournal {
    /// `None`: there is nowhere to write (tests); every cut claim is doubtful then.
    file: Option<File>,
    slots: Mutex<Slots>,
}

#[derive(Default)]
struct Slots {
    free: Vec<u32>,
    next: u32,
}

/// What an earlier process of this boot left.
pub(crate) struct Earlier {
    pub node: NodeId,
    /// Job and fence of every send that had begun.
    pub begun: Vec<(JobId, i64)>,
}

/// A send that has begun. Dropped without [`SendJournal::end`] it stays marked, which is the safe side.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Begun(Option<u32>);

impl SendJournal {
    pub const fn none() -> Self {
        Self { file: None, slots: Mutex::new(Slots { free: Vec::new(), next: 0 }) }
    }

    /// What the earlier process left, if it ran in this boot. Changes nothing.
    pub fn read(path: &Path) -> Option<Earlier> {
        let bytes = std::fs::read(path).ok()?;
        let header = bytes.get(..usize::try_from(HEADER).ok()?)?;
        if &header[..8] != MAGIC || header[24..60] != boot_id()? {
            return None;
        }
        let begun = bytes[header.len()..]
            .chunks_exact(usize::try_from(SLOT).ok()?)
            .filter_map(|slot| {
                let job = Uuid::from_slice(&slot[..16]).ok()?;
                let fence = i64::from_be_bytes(slot[16..24].try_into().ok()?);
                (!job.is_nil()).then(|| (JobId::from_uuid(job), fence))
            })
            .collect();
        Some(Earlier { node: NodeId::from_uuid(Uuid::from_slice(&header[8..24]).ok()?), begun })
    }

    /// Starts this process's journal in place of the earlier one.
    pub fn create(path: &Path, node: NodeId) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).truncate(true).write(true).mode(0o600).open(path)?;
        let mut header = [0; 64];
        header[..8].copy_from_slice(MAGIC);
        header[8..24].copy_from_slice(node.uuid().as_bytes());
        // Without a boot id the next process believes nothing.
        if let Some(boot) = boot_id() {
            header[24..60].copy_from_slice(&boot);
        }
        file.write_all_at(&header, 0)?;
        Ok(Self { file: Some(file), slots: Mutex::default() })
    }

    /// Marks a send, before anything of it leaves.
    pub fn begin(&self, job: &Claimed) -> io::Result<Begun> {
        let Some(file) = &self.file else { return Ok(Begun(None)) };
        let slot = {
            let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
            slots.free.pop().unwrap_or_else(|| {
                slots.next += 1;
                slots.next - 1
            })
        };
        let mut entry = [0; 32];
        entry[..16].copy_from_slice(job.id.uuid().as_bytes());
        entry[16..24].copy_from_slice(&job.fence().to_be_bytes());
        file.write_all_at(&entry, HEADER + u64::from(slot) * SLOT)?;
        Ok(Begun(Some(slot)))
    }

    /// The result of a send is committed: its slot is free again.
    pub fn end(&self, begun: Begun) {
        let (Some(file), Some(slot)) = (&self.file, begun.0) else { return };
        // A slot that cannot be emptied is not used again: its mark only says less than it could.
        if file.write_all_at(&[0; 32], HEADER + u64::from(slot) * SLOT).is_ok() {
            self.slots.lock().unwrap_or_else(PoisonError::into_inner).free.push(slot);
        }
    }
}

fn boot_id() -> Option<[u8; 36]> {
    let text = std::fs::read_to_string(BOOT_ID).ok()?;
    text.trim().as_bytes().try_into().ok()
}
