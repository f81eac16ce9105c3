//! The list of people whom a workspace may not write to.
//!
//! Threat note. Defends against: somebody of the workspace who undoes a person's own choice (nobody but the person does;
//! an owner lifts what was suppressed by hand, with a reason), an import that lifts or weakens anything (it only adds),
//! numbers that lie readable in the database (a person is found by a keyed hash, and told sealed), an exported table
//! that calculates. Does not defend against: whoever may read the list keeping what they read.

mod csv;
mod exporting;
mod importing;
mod intake;

use gatepost_core::access::{Grant, PermissionId, permission};
use gatepost_core::audit::{Action, Audit};
use gatepost_core::channel::Mode;
use gatepost_core::event::{ChoiceNews, EventType, Party};
use gatepost_core::guard::SuppressionSource;
use gatepost_core::{Code, Error, Recipient, Result, SuppressionId, Timestamp, text};
use gatepost_store::{Suppressed, SuppressionRow, WorkspaceScope};
use gatepost_vault::{Aad, WorkspaceKeys};

pub use exporting::SuppressionExport;
pub(crate) use importing::Importing;
pub use importing::{ImportFault, SuppressionImportView};
pub use intake::{FILE_MAX as SUPPRESSIONS_FILE_MAX, ImportFile};

use crate::App;
use crate::choices::{Told, people_of, suppressions_of};
use crate::idempotency::{Idempotent, Outcome};
use crate::messages::{StoredParty, open_json, seal_json};
use crate::operators::masked;
use crate::pages::{Page, PageQuery};

/// Longest reason, in characters.
pub const REASON_MAX: usize = 500;

/// Whom to suppress.
pub struct SuppressionAdd {
    pub to: Recipient,
    pub mode: Mode,
    /// In the words of whoever adds it.
    pub reason: Option<String>,
}

/// A suppressed person as their workspace sees them.
#[derive(Clone)]
pub struct SuppressionView {
    pub id: SuppressionId,
    pub mode: Mode,
    /// For whoever may not read messages the number is masked.
    pub contact: Party,
    pub source: SuppressionSource,
    /// The source by hand that it has beside the person's own.
    pub hand: Option<SuppressionSource>,
    pub reason: Option<String>,
    pub actor: String,
    pub in_flight: i64,
    pub said_at: Option<Timestamp>,
    pub created_at: Timestamp,
}

fn place(keys: &WorkspaceKeys, column: &'static str, id: SuppressionId) -> Aad {
    Aad { workspace: keys.workspace(), table: "suppression", column, row: id.uuid().into_bytes() }
}

/// Who is suppressed, sealed; without the name that a stranger chose.
pub(crate) fn seal_suppressed(
    keys: &WorkspaceKeys,
    id: SuppressionId,
    party: &StoredParty,
) -> Result<Vec<u8>> {
    let bare = StoredParty { phone: party.phone.clone(), bsuid: party.bsuid.clone(), name: None };
    seal_json(keys, &place(keys, "party", id), &bare)
}

fn seal_reason(keys: &WorkspaceKeys, id: SuppressionId, reason: Option<&str>) -> Result<Option<Vec<u8>>> {
    reason.map(|reason| seal_json(keys, &place(keys, "reason", id), &reason)).transpose()
}

/// A reason as it may be kept: one line for people.
pub fn suppression_reason(written: &str) -> Result<String, text::InvalidText> {
    text::name(written, REASON_MAX)
}

/// A party for whoever may read numbers, or masked.
pub(crate) fn shown(party: StoredParty, open: bool) -> Party {
    if open {
        return Party { phone: party.phone, bsuid: party.bsuid, name: None };
    }
    let masked = masked(&party);
    match party.phone {
        Some(_) => Party { phone: masked, bsuid: None, name: None },
        None => Party { phone: None, bsuid: masked, name: None },
    }
}

/// Opens a row for its readers.
fn view(keys: &WorkspaceKeys, row: SuppressionRow, open: bool) -> Result<SuppressionView> {
    let party: StoredParty = open_json(keys, &place(keys, "party", row.id), &row.party)?;
    let reason = match &row.reason {
        // A reason may name the person.
        Some(sealed) if open => Some(open_json(keys, &place(keys, "reason", row.id), sealed)?),
        _ => None,
    };
    Ok(SuppressionView {
        id: row.id,
        mode: row.mode,
        contact: shown(party, open),
        source: row.source,
        hand: row.hand,
        reason,
        actor: row.actor,
        in_flight: row.in_flight,
        said_at: row.said_at,
        created_at: row.created_at,
    })
}

/// Whether the caller reads numbers: they are content, as in messages.
pub(crate) fn reads_numbers<P>(grant: &Grant<P>) -> bool {
    grant.holds(PermissionId::MessageRead)
}

/// The list is the whole workspace's, so a key that is bound to channels does not see it.
pub(crate) fn whole<P>(grant: &Grant<P>) -> Result<()> {
    if grant.channels().is_some() {
        let detail = "this list is the whole workspace's: use a key that is not bound to channels";
        return Err(Error::new(Code::ChannelNotAllowed, detail));
    }
    Ok(())
}

impl App {
    /// Newest first.
    pub async fn suppression_list(
        &self,
        grant: &Grant<permission::GuardRead>,
        query: PageQuery,
    ) -> Result<Page<SuppressionView>> {
        whole(grant)?;
        let (scope, mode, open) = (WorkspaceScope::from(grant), grant.mode(), reads_numbers(grant));
        let (before, limit) = query.bounds()?;
        let read =
            async move |tx: &gatepost_store::WorkspaceTx<'_>| tx.suppression_list(mode, before, limit).await;
        let rows = self.0.store.read(scope, read).await?;
        let keys = self.0.sealing.keys(scope).await?;
        query.page(rows, |row| row.id.uuid(), |row| view(&keys, row, open))
    }

    pub async fn suppression_get(
        &self,
        grant: &Grant<permission::GuardRead>,
        id: SuppressionId,
    ) -> Result<SuppressionView> {
        whole(grant)?;
        let scope = WorkspaceScope::from(grant);
        let row = self.0.store.read(scope, async move |tx| tx.suppression_get(id).await).await?;
        let row = row.filter(|row| grant.sees(row.mode)).ok_or_else(|| Error::of(Code::NotFound))?;
        view(self.0.sealing.keys(scope).await?.as_ref(), row, reads_numbers(grant))
    }

    /// Suppresses a person by hand, under every name they are known by. Whoever is suppressed already stays so: one who
    /// opted out is suppressed by hand, too, from then on.
    pub async fn suppression_add(
        &self,
        grant: &Grant<permission::SuppressionAdd>,
        add: SuppressionAdd,
        idempotent: Option<Idempotent<SuppressionView>>,
    ) -> Result<Outcome<SuppressionView>> {
        whole(grant)?;
        let scope = WorkspaceScope::from(grant);
        let keys = self.0.sealing.keys(scope).await?;
        let work = self.suppression_add_once(grant, scope, add);
        self.once(scope, &keys, idempotent, work).await
    }

    async fn suppression_add_once(
        &self,
        grant: &Grant<permission::SuppressionAdd>,
        scope: WorkspaceScope,
        add: SuppressionAdd,
    ) -> Result<SuppressionView> {
        let keys = self.0.sealing.keys(scope).await?;
        let (now, mode) = (self.now(), add.mode);
        let id = SuppressionId::new(now, self.entropy());
        let party = StoredParty::of(&add.to);
        let row = SuppressionRow {
            id,
            mode,
            source: SuppressionSource::Manual,
            hand: None,
            party: seal_suppressed(&keys, id, &party)?,
            reason: seal_reason(&keys, id, add.reason.as_deref())?,
            actor: grant.actor().to_string(),
            in_flight: 0,
            said_at: None,
            created_at: now,
        };
        let details = vec![("source", row.source.as_str().to_owned())];
        let audit = self.audit(grant, Action::SuppressionAdded, ("suppression", id.to_string()), details);
        let (app, opener) = (self.clone(), std::sync::Arc::clone(&keys));
        let written = self
            .0
            .store
            .write(scope, async move |tx| {
                tx.suppression_gate_exclusive().await?;
                let (people, contact) = people_of(tx, &keys, &party).await?;
                let mut audit = audit.clone();
                if let Some(known) = suppressions_of(tx, mode, &people).await?.first() {
                    tx.suppression_covers(mode, known.id, &people).await?;
                    let new = known.source.is_the_persons() && known.hand.is_none();
                    if new {
                        let hand = Some(SuppressionSource::Manual);
                        tx.suppression_set(&Suppressed { hand, ..*known }, 0).await?;
                    }
                    let row = tx.suppression_get(known.id).await?;
                    let row = row.ok_or_else(|| Error::internal("a suppression without its row"))?;
                    audit.target.1 = known.id.to_string();
                    let owed =
                        if new { audit.into() } else { Audit::None("the person was suppressed before") };
                    return tx.commit(owed, row);
                }
                let waiting = app.sends_withdraw(tx, &keys, mode, &people, now).await?;
                let row = SuppressionRow { in_flight: waiting.in_flight, ..row.clone() };
                tx.suppressions_add(&[(row.clone(), people)]).await?;
                let told = Told {
                    event_type: EventType::ContactOptedOut,
                    mode,
                    channel: None,
                    contact,
                    party: &party,
                    news: ChoiceNews {
                        suppression_id: id,
                        source: row.source.as_str(),
                        rule: None,
                        message_id: None,
                        withdrawn: waiting.withdrawn,
                        in_flight: waiting.in_flight,
                    },
                };
                app.choice_tell(tx, &keys, told, now).await?;
                tx.commit(audit.made("withdrawn", waiting.withdrawn.to_string()), row)
            })
            .await?;
        view(&opener, written, reads_numbers(grant))
    }

    /// Lets the workspace write to somebody again who was suppressed by hand.
    ///
    /// Errors: `suppressed_by_person` where it is the person's own choice.
    pub async fn suppression_lift(
        &self,
        grant: &Grant<permission::SuppressionLift>,
        id: SuppressionId,
        reason: String,
    ) -> Result<()> {
        whole(grant)?;
        let scope = WorkspaceScope::from(grant);
        let keys = self.0.sealing.keys(scope).await?;
        let (now, sees) = (self.now(), grant.mode());
        let details = vec![("reason", reason)];
        let audit = self.audit(grant, Action::SuppressionLifted, ("suppression", id.to_string()), details);
        let app = self.clone();
        self.0
            .store
            .write(scope, async move |tx| {
                // Nobody opts out between the look and the lifting.
                tx.suppression_gate_exclusive().await?;
                let row = tx.suppression_get(id).await?;
                let row = row.filter(|row| sees.is_none_or(|own| own == row.mode));
                let row = row.ok_or_else(|| Error::of(Code::NotFound))?;
                if row.source.is_the_persons() {
                    return Err(Error::of(Code::SuppressedByPerson));
                }
                tx.suppression_lift(id).await?;
                let party: StoredParty = open_json(&keys, &place(&keys, "party", id), &row.party)?;
                let (_, contact) = people_of(tx, &keys, &party).await?;
                let told = Told {
                    event_type: EventType::ContactOptedIn,
                    mode: row.mode,
                    channel: None,
                    contact,
                    party: &party,
                    news: ChoiceNews {
                        suppression_id: id,
                        source: row.source.as_str(),
                        rule: None,
                        message_id: None,
                        withdrawn: 0,
                        in_flight: 0,
                    },
                };
                app.choice_tell(tx, &keys, told, now).await?;
                tx.commit(audit.clone().was("source", row.source.as_str()), ())
            })
            .await
    }
}
