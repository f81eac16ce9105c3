//! Lists as tables for people and programs, in pieces: memory does not grow with them.

use bytes::Bytes;
use futures_util::{Stream, stream};
use gatepost_core::access::{Grant, permission};
use gatepost_core::audit::{Action, csv_cell};
use gatepost_core::channel::Mode;
use gatepost_core::{Error, Result};
use gatepost_store::WorkspaceScope;
use serde_json::json;
use uuid::Uuid;

use super::{SuppressionView, view, whole};
use crate::App;
use crate::audit::ExportFormat;
use crate::consents::{ConsentView, consent_view};

/// Rows of one piece.
const PIECE: i64 = 500;

/// Which list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Table {
    Suppressions,
    Consents,
}

/// An export that has begun; its audit entry is written.
pub struct SuppressionExport {
    app: App,
    scope: WorkspaceScope,
    table: Table,
    format: ExportFormat,
    mode: Option<Mode>,
}

/// The first column of either can be imported again.
const SUPPRESSIONS: [&str; 9] =
    ["to", "reason", "id", "mode", "source", "by_hand", "actor", "said_at", "created_at"];
const CONSENTS: [&str; 11] = [
    "to",
    "purpose",
    "id",
    "mode",
    "source",
    "proof",
    "given_at",
    "recorded_at",
    "actor",
    "revoked_at",
    "revoked_why",
];

impl App {
    /// Exports the list of suppressed people, the newest first.
    pub async fn suppression_export(
        &self,
        grant: &Grant<permission::SuppressionExport>,
        format: ExportFormat,
    ) -> Result<SuppressionExport> {
        self.table_export(grant, Table::Suppressions, Action::SuppressionsExported, format).await
    }

    /// Exports the recorded opt-ins, the newest first.
    pub async fn consent_export(
        &self,
        grant: &Grant<permission::SuppressionExport>,
        format: ExportFormat,
    ) -> Result<SuppressionExport> {
        self.table_export(grant, Table::Consents, Action::ConsentsExported, format).await
    }

    async fn table_export(
        &self,
        grant: &Grant<permission::SuppressionExport>,
        table: Table,
        action: Action,
        format: ExportFormat,
    ) -> Result<SuppressionExport> {
        whole(grant)?;
        let scope = WorkspaceScope::from(grant);
        let target = ("workspace", scope.workspace().to_string());
        let details = vec![("format", format.as_str().to_owned())];
        let entry = self.audit(grant, action, target, details);
        self.0.store.write(scope, async move |tx| tx.commit(entry.clone(), ())).await?;
        Ok(SuppressionExport { app: self.clone(), scope, table, format, mode: grant.mode() })
    }
}

/// Where the walk is.
enum Step {
    Begin,
    /// Rows older than this id.
    Rows(Uuid),
}

impl SuppressionExport {
    pub const fn format(&self) -> ExportFormat {
        self.format
    }

    pub fn filename(&self) -> String {
        let table = match self.table {
            Table::Suppressions => "suppressions",
            Table::Consents => "consents",
        };
        format!("gatepost-{table}-{}.{}", self.scope.workspace(), self.format.as_str())
    }

    /// The pieces. An error among them cuts the export, so that nobody takes it for whole.
    pub fn into_stream(self) -> impl Stream<Item = Result<Bytes>> + Send {
        stream::unfold(Some((self, Step::Begin)), async |state| {
            let (export, step) = state?;
            match export.step(&step).await {
                Ok((piece, Some(next))) => Some((Ok(piece.into()), Some((export, next)))),
                Ok((piece, None)) if piece.is_empty() => None,
                Ok((piece, None)) => Some((Ok(piece.into()), None)),
                Err(error) => Some((Err(error), None)),
            }
        })
    }

    async fn step(&self, step: &Step) -> Result<(String, Option<Step>)> {
        let before = match *step {
            Step::Begin => {
                let columns: &[&str] = match self.table {
                    Table::Suppressions => &SUPPRESSIONS,
                    Table::Consents => &CONSENTS,
                };
                let head = match self.format {
                    ExportFormat::Csv => line(columns.iter().map(|name| (*name).to_owned())),
                    ExportFormat::JsonLines => String::new(),
                };
                return Ok((head, Some(Step::Rows(Uuid::max()))));
            }
            Step::Rows(before) => before,
        };
        match self.table {
            Table::Suppressions => self.suppressions(before).await,
            Table::Consents => self.consents(before).await,
        }
    }

    async fn suppressions(&self, before: Uuid) -> Result<(String, Option<Step>)> {
        let mode = self.mode;
        let read =
            async move |tx: &gatepost_store::WorkspaceTx<'_>| tx.suppression_list(mode, before, PIECE).await;
        let rows = self.app.0.store.read(self.scope, read).await?;
        let next = next(&rows, |row| row.id.uuid());
        let keys = self.app.0.sealing.keys(self.scope).await?;
        let mut piece = String::new();
        for row in rows {
            self.suppression(&mut piece, view(&keys, row, true)?)?;
        }
        Ok((piece, next))
    }

    fn suppression(&self, piece: &mut String, row: SuppressionView) -> Result<()> {
        let said_at = row.said_at.map(|at| at.to_string());
        let by_hand = row.hand.map(gatepost_core::guard::SuppressionSource::as_str);
        let to = row.contact.phone.or(row.contact.bsuid);
        piece.push_str(&match self.format {
            ExportFormat::Csv => line([
                to.unwrap_or_default(),
                row.reason.unwrap_or_default(),
                row.id.to_string(),
                row.mode.as_str().to_owned(),
                row.source.as_str().to_owned(),
                by_hand.unwrap_or_default().to_owned(),
                row.actor,
                said_at.unwrap_or_default(),
                row.created_at.to_string(),
            ]),
            ExportFormat::JsonLines => json_line(&json!({
                "to": to,
                "reason": row.reason,
                "id": row.id,
                "mode": row.mode.as_str(),
                "source": row.source.as_str(),
                "by_hand": by_hand,
                "actor": row.actor,
                "said_at": said_at,
                "created_at": row.created_at,
            }))?,
        });
        Ok(())
    }

    async fn consents(&self, before: Uuid) -> Result<(String, Option<Step>)> {
        let read = async move |tx: &gatepost_store::WorkspaceTx<'_>| tx.consent_list(before, PIECE).await;
        let rows = self.app.0.store.read(self.scope, read).await?;
        let next = next(&rows, |row| row.id.uuid());
        let keys = self.app.0.sealing.keys(self.scope).await?;
        let mut piece = String::new();
        for row in rows.into_iter().filter(|row| self.mode.is_none_or(|mode| mode == row.mode)) {
            self.consent(&mut piece, consent_view(&keys, row, true)?)?;
        }
        Ok((piece, next))
    }

    fn consent(&self, piece: &mut String, row: ConsentView) -> Result<()> {
        let revoked_at = row.revoked_at.map(|at| at.to_string());
        let purpose = row.purpose.map(gatepost_core::Purpose::as_str);
        let to = row.contact.phone.or(row.contact.bsuid);
        piece.push_str(&match self.format {
            ExportFormat::Csv => line([
                to.unwrap_or_default(),
                purpose.unwrap_or_default().to_owned(),
                row.id.to_string(),
                row.mode.as_str().to_owned(),
                row.source,
                row.proof.unwrap_or_default(),
                row.given_at.to_string(),
                row.recorded_at.to_string(),
                row.actor,
                revoked_at.unwrap_or_default(),
                row.revoked_why.unwrap_or_default(),
            ]),
            ExportFormat::JsonLines => json_line(&json!({
                "to": to,
                "purpose": purpose,
                "id": row.id,
                "mode": row.mode.as_str(),
                "source": row.source,
                "proof": row.proof,
                "given_at": row.given_at,
                "recorded_at": row.recorded_at,
                "actor": row.actor,
                "revoked_at": revoked_at,
                "revoked_why": row.revoked_why,
            }))?,
        });
        Ok(())
    }
}

fn next<R>(rows: &[R], id: impl Fn(&R) -> Uuid) -> Option<Step> {
    let full = i64::try_from(rows.len()).unwrap_or(0) == PIECE;
    rows.last().filter(|_| full).map(|row| Step::Rows(id(row)))
}

/// One line of a table.
fn line(cells: impl IntoIterator<Item = String>) -> String {
    let cells: Vec<String> = cells.into_iter().map(|cell| csv_cell(&cell)).collect();
    format!("{}\r\n", cells.join(","))
}

fn json_line(value: &serde_json::Value) -> Result<String> {
    let mut line = serde_json::to_string(value).map_err(Error::internal)?;
    line.push('\n');
    Ok(line)
}
