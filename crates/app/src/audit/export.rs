//! The whole log in one answer, in pieces: memory does not grow with it.

use bytes::Bytes;
use futures_util::{Stream, stream};
use gatepost_core::access::{Grant, OperatorGrant, operator_permission, permission};
use gatepost_core::audit::{
    Action, AuditEntry, ChainHead, ExportEntry, ExportLine, HiddenEntry, NO_HASH, csv_cell,
};
use gatepost_core::channel::Mode;
use gatepost_core::{Error, Result, Timestamp};
use gatepost_store::{AuditRow, WorkspaceScope};

use crate::App;

/// Entries in one piece.
const PIECE: i64 = 500;

/// How an export is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportFormat {
    /// A table for people and spreadsheets.
    Csv,
    /// One JSON object a line, with all that `gatepost audit verify` needs.
    JsonLines,
}

impl ExportFormat {
    pub const ALL: [Self; 2] = [Self::Csv, Self::JsonLines];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::JsonLines => "jsonl",
        }
    }

    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8; header=present",
            Self::JsonLines => "application/jsonl",
        }
    }
}

/// An export that has begun; its own entry is written, and not part of it.
pub struct AuditExport {
    app: App,
    scope: WorkspaceScope,
    format: ExportFormat,
    /// The one mode that the caller sees; `None` for both.
    mode: Option<Mode>,
    /// Where the log stood when the export was asked for.
    head: ChainHead,
    at: Timestamp,
}

/// What comes next.
enum Step {
    Begin,
    /// Entries after this place.
    Entries(i64),
    /// Checkpoints after this place.
    Checkpoints(i64),
    End,
}

const COLUMNS: [&str; 17] = [
    "workspace_id",
    "seq",
    "id",
    "at",
    "actor",
    "credential",
    "action",
    "target_kind",
    "target",
    "mode",
    "before",
    "after",
    "details",
    "outcome",
    "source",
    "request_id",
    "hash",
];

impl App {
    /// Exports the workspace's log.
    pub async fn audit_export(
        &self,
        grant: &Grant<permission::AuditExport>,
        format: ExportFormat,
    ) -> Result<AuditExport> {
        Self::audit_whole(grant)?;
        let scope = WorkspaceScope::from(grant);
        let target = ("workspace", scope.workspace().to_string());
        let entry = self.audit(grant, Action::AuditExported, target, Vec::new());
        self.export_begin(scope, grant.mode(), format, entry).await
    }

    /// Exports the platform's own log.
    pub async fn audit_export_platform(
        &self,
        grant: &OperatorGrant<operator_permission::AuditRead>,
        format: ExportFormat,
    ) -> Result<AuditExport> {
        let target = ("platform", "platform".to_owned());
        let entry = self.audit_operator(grant, Action::AuditExported, target);
        self.export_begin(WorkspaceScope::platform(), None, format, entry).await
    }

    async fn export_begin(
        &self,
        scope: WorkspaceScope,
        mode: Option<Mode>,
        format: ExportFormat,
        mut entry: AuditEntry,
    ) -> Result<AuditExport> {
        entry.details.push(("format", format.as_str().to_owned()));
        let head = self
            .0
            .store
            .write(scope, async move |tx| {
                let head = tx.audit_head().await?;
                tx.commit(entry.clone(), head)
            })
            .await?;
        let head = head.unwrap_or(ChainHead { workspace_id: scope.workspace(), seq: 0, hash: NO_HASH });
        Ok(AuditExport { app: self.clone(), scope, format, mode, head, at: self.now() })
    }
}

impl AuditExport {
    pub const fn format(&self) -> ExportFormat {
        self.format
    }

    pub fn filename(&self) -> String {
        format!("gatepost-audit-{}.{}", self.scope.workspace(), self.format.as_str())
    }

    /// The pieces. An error among them cuts the export, so that nobody takes it for whole; the last line of JSON Lines
    /// says so too.
    pub fn into_stream(self) -> impl Stream<Item = Result<Bytes>> + Send {
        stream::unfold(Some((self, Step::Begin)), async |state| {
            let (export, step) = state?;
            match export.step(&step).await {
                Ok(None) => None,
                Ok(Some((piece, next))) => Some((Ok(piece.into()), Some((export, next)))),
                Err(error) => Some((Err(error), None)),
            }
        })
    }

    async fn step(&self, step: &Step) -> Result<Option<(String, Step)>> {
        match *step {
            Step::Begin => {
                let head = match self.format {
                    ExportFormat::Csv => format!("{}\r\n", COLUMNS.map(csv_cell).join(",")),
                    ExportFormat::JsonLines => String::new(),
                };
                Ok(Some((head, Step::Entries(0))))
            }
            Step::Entries(after) => self.entries(after).await.map(Some),
            Step::Checkpoints(after) => self.checkpoints(after).await.map(Some),
            Step::End => Ok(None),
        }
    }

    async fn entries(&self, after: i64) -> Result<(String, Step)> {
        let end = self.head.seq;
        let limit = PIECE.min(end - after);
        let read = async move |tx: &gatepost_store::WorkspaceTx<'_>| tx.audit_after(after, limit).await;
        let rows = if limit > 0 { self.app.0.store.read(self.scope, read).await? } else { Vec::new() };
        let mut piece = String::new();
        let mut last = end;
        for row in &rows {
            last = row.record.seq;
            self.entry(&mut piece, row)?;
        }
        let next = match self.format {
            _ if last < end => Step::Entries(last),
            ExportFormat::Csv => Step::End,
            ExportFormat::JsonLines => Step::Checkpoints(0),
        };
        Ok((piece, next))
    }

    fn entry(&self, piece: &mut String, row: &AuditRow) -> Result<()> {
        let record = &row.record;
        let test = record.mode.as_deref() == Some(Mode::Test.as_str());
        let shown = self.mode.is_none_or(|mode| test == (mode == Mode::Test));
        let line = match (self.format, row.hash) {
            (ExportFormat::JsonLines, Some(hash)) if !shown => {
                let (workspace_id, seq) = (record.workspace_id, record.seq);
                ExportLine::Hidden(HiddenEntry { workspace_id, seq, hash })
            }
            (ExportFormat::JsonLines, hash) if shown => {
                ExportLine::Entry(Box::new(ExportEntry::new(record.clone(), hash.as_ref())))
            }
            (ExportFormat::Csv, hash) if shown => {
                let entry = ExportEntry::new(record.clone(), hash.as_ref());
                let text = |text: &Option<String>| text.clone().unwrap_or_default();
                let cells = [
                    record.workspace_id.to_string(),
                    record.seq.to_string(),
                    record.id.to_string(),
                    record.at.to_string(),
                    record.actor.clone(),
                    text(&record.credential),
                    record.action.clone(),
                    record.target_kind.clone(),
                    record.target.clone(),
                    text(&record.mode),
                    record.before.to_json(),
                    record.after.to_json(),
                    record.details.to_json(),
                    record.outcome.clone(),
                    text(&record.source),
                    text(&record.request),
                    entry.hash,
                ];
                piece.push_str(&cells.map(|cell| csv_cell(&cell)).join(","));
                piece.push_str("\r\n");
                return Ok(());
            }
            _ => return Ok(()),
        };
        push(piece, &line)
    }

    async fn checkpoints(&self, after: i64) -> Result<(String, Step)> {
        let read =
            async move |tx: &gatepost_store::WorkspaceTx<'_>| tx.audit_checkpoints_after(after, PIECE).await;
        let found = self.app.0.store.read(self.scope, read).await?;
        let mut piece = String::new();
        let mut next = after;
        for checkpoint in found.iter().filter(|checkpoint| checkpoint.seq <= self.head.seq) {
            next = checkpoint.seq;
            push(&mut piece, &ExportLine::Checkpoint(*checkpoint))?;
        }
        if next > after && i64::try_from(found.len()).unwrap_or(0) == PIECE {
            return Ok((piece, Step::Checkpoints(next)));
        }
        push(&mut piece, &ExportLine::Head { head: self.head, at: self.at })?;
        Ok((piece, Step::End))
    }
}

fn push(piece: &mut String, line: &ExportLine) -> Result<()> {
    piece.push_str(&serde_json::to_string(line).map_err(Error::internal)?);
    piece.push('\n');
    Ok(())
}
