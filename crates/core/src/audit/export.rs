//! The lines of an export: all that an offline check needs, and cells of a table that no program runs.

use serde::{Deserialize, Serialize};

use super::checkpoint::{Checkpoint, Hash, hex};
use super::inert::inert;
use super::record::AuditRecord;
use crate::id::WorkspaceId;
use crate::time::Timestamp;

/// One line of an export in JSON Lines.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ExportLine {
    Entry(Box<ExportEntry>),
    /// An entry that the exporter may not see.
    Hidden(HiddenEntry),
    Checkpoint(Checkpoint),
    /// The last line: where the log stood when it was exported.
    Head {
        #[serde(flatten)]
        head: ChainHead,
        at: Timestamp,
    },
}

/// An entry with its hash.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ExportEntry {
    #[serde(flatten)]
    pub record: AuditRecord,
    /// Empty for entries from before the chain.
    pub hash: String,
}

impl ExportEntry {
    pub fn new(record: AuditRecord, hash: Option<&Hash>) -> Self {
        Self { record, hash: hash.map(|hash| hex::text(hash)).unwrap_or_default() }
    }

    /// The hash; `None` where there is none. Errors: a text that is no hash.
    pub fn hash(&self) -> Result<Option<Hash>, String> {
        if self.hash.is_empty() {
            return Ok(None);
        }
        hex::parse(&self.hash).map(Some).ok_or_else(|| "the hash is not 64 hex digits".to_owned())
    }
}

/// The place of an entry that is not shown: its hash keeps the chain whole.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HiddenEntry {
    pub workspace_id: WorkspaceId,
    pub seq: i64,
    #[serde(with = "hex")]
    pub hash: Hash,
}

/// Where a chain stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChainHead {
    pub workspace_id: WorkspaceId,
    pub seq: i64,
    #[serde(with = "hex")]
    pub hash: Hash,
}

/// A cell of comma-separated values (RFC 4180), always quoted. A cell whose first character would make a spreadsheet
/// calculate gets an apostrophe before it, which spreadsheets take for "this is text".
pub fn csv_cell(text: &str) -> String {
    let text = inert(text);
    let guard =
        if text.starts_with(['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠']) { "'" } else { "" };
    format!("\"{guard}{}\"", text.replace('"', "\"\""))
}
