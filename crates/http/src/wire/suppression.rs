//! People whom a workspace may not write to, and files of them.

use gatepost_app::{SuppressionImportView, SuppressionView, suppression_reason};
use gatepost_core::channel::Mode;
use gatepost_core::event::Party;
use gatepost_core::{Code, Recipient, SuppressionId, SuppressionImportId, Timestamp};
use serde::Serialize;
use utoipa::ToSchema;

use super::event::MessageContact;
use super::parse;
use crate::json::{Body, Object, Value};
use crate::reply::{Made, to_json};

pub(super) fn recipient(value: Value<'_>) -> Option<Recipient> {
    value.parse_or(Code::RecipientInvalid.as_str(), Recipient::parse)
}

fn reason(value: Value<'_>) -> Option<String> {
    value.parse(suppression_reason)
}

/// Whom to suppress.
#[derive(ToSchema)]
pub struct SuppressionAdd {
    /// An international phone number, or Meta's id of a person (BSUID).
    #[schema(value_type = String, example = "+12025550155")]
    pub to: Recipient,
    /// Why, for people: at most 500 characters, one line.
    #[schema(example = "Asked on the phone")]
    pub reason: Option<String>,
    /// `test` or `live`; only where the caller sees both. A key means its own mode.
    #[schema(value_type = Option<String>, example = "live")]
    pub mode: Option<Mode>,
}

impl Body for SuppressionAdd {
    type Shape = Self;

    fn read(object: &mut Object<'_>) -> Option<Self> {
        let to = object.required("to", recipient);
        let why = object.optional("reason", reason);
        let mode = object.optional("mode", parse::mode);
        Some(Self { to: to?, reason: why?, mode: mode? })
    }
}

/// Why something of the guard is undone.
#[derive(ToSchema)]
pub struct GuardReason {
    /// 1 to 500 characters, one line; it stands in the audit log.
    #[schema(example = "Added by mistake: the number of a colleague")]
    pub reason: String,
}

impl Body for GuardReason {
    type Shape = Self;

    fn read(object: &mut Object<'_>) -> Option<Self> {
        Some(Self { reason: object.required("reason", reason)? })
    }
}

/// A person whom the workspace may not write to, but for essential purposes.
#[derive(Serialize, ToSchema)]
pub struct Suppression<'a> {
    #[schema(value_type = String, example = "sup_01kagq5rh8e5htqh9sk95d3x4w")]
    id: SuppressionId,
    /// `test` or `live`.
    #[schema(value_type = String, example = "live")]
    mode: &'static str,
    /// As the person was known when it was written. For whoever may not read messages the number is masked.
    #[schema(value_type = MessageContact)]
    contact: &'a Party,
    /// `person` (their words or button), `meta_preference` (their choice in WhatsApp), `meta_refusal` (Meta refused a
    /// message because of it): only the person undoes these. `manual` and `import`: an owner can.
    #[schema(value_type = String, example = "person")]
    source: &'static str,
    /// `manual`, where somebody of the workspace suppressed a person who opted out, too: START alone does not undo that.
    #[schema(value_type = Option<String>)]
    by_hand: Option<&'static str>,
    /// In the words of whoever added it; for whoever may read messages.
    reason: Option<&'a str>,
    /// Who added it: a key, a user, or `system:guard` for what the person said.
    #[schema(example = "system:guard")]
    actor: &'a str,
    /// Messages to the person that were being handed to Meta at that moment.
    in_flight: i64,
    /// When the person said so, by Meta's clock.
    #[schema(value_type = Option<String>, format = DateTime)]
    said_at: Option<Timestamp>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
}

impl<'a> From<&'a SuppressionView> for Suppression<'a> {
    fn from(view: &'a SuppressionView) -> Self {
        Self {
            id: view.id,
            mode: view.mode.as_str(),
            contact: &view.contact,
            source: view.source.as_str(),
            by_hand: view.hand.map(gatepost_core::guard::SuppressionSource::as_str),
            reason: view.reason.as_deref(),
            actor: &view.actor,
            in_flight: view.in_flight,
            said_at: view.said_at,
            created_at: view.created_at,
        }
    }
}

impl Made for SuppressionView {
    fn location(&self) -> String {
        format!("/v1/suppressions/{}", self.id)
    }

    fn body(&self, _fresh: bool) -> Vec<u8> {
        to_json(&Suppression::from(self))
    }
}

/// A file of people on its way into the list.
#[derive(Serialize, ToSchema)]
pub struct SuppressionImport<'a> {
    #[schema(value_type = String, example = "sim_01kagq5rh8e5htqh9sk95d3x4w")]
    id: SuppressionImportId,
    /// `test` or `live`.
    #[schema(value_type = String, example = "live")]
    mode: &'static str,
    /// `running` or `done`.
    #[schema(value_type = String, example = "running")]
    state: &'static str,
    /// Who asked for it.
    #[schema(example = "key_01kagq5rh8e5htqh9sk95d3x4w")]
    actor: &'a str,
    progress: ImportProgress,
    /// The first hundred rows that were not taken.
    faults: Vec<ImportFault<'a>>,
    #[schema(value_type = String, format = DateTime)]
    created_at: Timestamp,
    #[schema(value_type = Option<String>, format = DateTime)]
    finished_at: Option<Timestamp>,
}

/// How far an import came.
#[derive(Serialize, ToSchema)]
#[schema(as = SuppressionImportProgress)]
struct ImportProgress {
    /// Rows that name somebody.
    total: i64,
    /// People who are suppressed since.
    added: i64,
    /// People who were suppressed already; nothing changed for them.
    known: i64,
    /// Rows that name nobody, or whose reason cannot be kept.
    bad: i64,
}

/// A row that was not taken.
#[derive(Serialize, ToSchema)]
#[schema(as = SuppressionImportFault)]
struct ImportFault<'a> {
    /// Line of the file, from 1.
    #[schema(value_type = i64, example = 4)]
    line: u64,
    /// `recipient_invalid`, `reason_invalid` or `unreadable`.
    #[schema(example = "recipient_invalid")]
    code: &'a str,
    /// What was expected.
    detail: &'a str,
}

impl<'a> From<&'a SuppressionImportView> for SuppressionImport<'a> {
    fn from(view: &'a SuppressionImportView) -> Self {
        let row = &view.row;
        let fault = |fault: &'a gatepost_app::ImportFault| ImportFault {
            line: fault.line,
            code: &fault.code,
            detail: &fault.detail,
        };
        Self {
            id: row.id,
            mode: row.mode.as_str(),
            state: if row.done { "done" } else { "running" },
            actor: &row.actor,
            progress: ImportProgress { total: row.total, added: row.added, known: row.known, bad: row.bad },
            faults: view.faults.iter().map(fault).collect(),
            created_at: row.created_at,
            finished_at: row.finished_at,
        }
    }
}

impl Made for SuppressionImportView {
    fn location(&self) -> String {
        format!("/v1/suppressions/imports/{}", self.row.id)
    }

    fn body(&self, _fresh: bool) -> Vec<u8> {
        to_json(&SuppressionImport::from(self))
    }
}
