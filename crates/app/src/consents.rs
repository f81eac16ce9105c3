//! The consent ledger: who agreed to hear from the workspace, when and how.
//!
//! An entry is never changed: it can be revoked, once. An opt-out of the person revokes all of theirs. An opt-in lifts no
//! suppression; only the person does.

use std::time::Duration;

use gatepost_core::access::{Grant, permission};
use gatepost_core::audit::{Action, Audit};
use gatepost_core::channel::Mode;
use gatepost_core::event::Party;
use gatepost_core::{Code, ConsentId, Error, FieldError, Purpose, Recipient, Result, Timestamp};
use gatepost_store::{ConsentRow, WorkspaceScope};
use gatepost_vault::{Aad, WorkspaceKeys};

use crate::App;
use crate::idempotency::{Idempotent, Outcome};
use crate::messages::{StoredParty, contact_index, open_json, seal_json};
use crate::pages::{Page, PageQuery};
use crate::suppressions::{reads_numbers, shown, whole};

/// Clocks differ: an opt-in that lies so far ahead was given now.
const AHEAD: Duration = Duration::from_mins(5);

/// An opt-in to record.
pub struct ConsentRecord {
    pub to: Recipient,
    pub mode: Mode,
    /// `None`: every purpose that needs one.
    pub purpose: Option<Purpose>,
    /// How it came about: `web form`, `in the shop`.
    pub source: String,
    /// The words that were agreed to, or where the proof lies.
    pub proof: Option<String>,
    /// `None`: now.
    pub given_at: Option<Timestamp>,
}

/// A recorded opt-in as its workspace sees it.
#[derive(Clone)]
pub struct ConsentView {
    pub id: ConsentId,
    pub mode: Mode,
    /// For whoever may not read messages the number is masked.
    pub contact: Party,
    pub purpose: Option<Purpose>,
    pub source: String,
    /// For whoever may read messages.
    pub proof: Option<String>,
    pub given_at: Timestamp,
    pub recorded_at: Timestamp,
    pub actor: String,
    pub revoked_at: Option<Timestamp>,
    pub revoked_why: Option<String>,
}

fn place(keys: &WorkspaceKeys, column: &'static str, id: ConsentId) -> Aad {
    Aad { workspace: keys.workspace(), table: "consent", column, row: id.uuid().into_bytes() }
}

/// Opens a row for its readers.
pub(crate) fn consent_view(keys: &WorkspaceKeys, row: ConsentRow, open: bool) -> Result<ConsentView> {
    let party: StoredParty = open_json(keys, &place(keys, "party", row.id), &row.party)?;
    let proof = match &row.proof {
        Some(sealed) if open => Some(open_json(keys, &place(keys, "proof", row.id), sealed)?),
        _ => None,
    };
    Ok(ConsentView {
        id: row.id,
        mode: row.mode,
        contact: shown(party, open),
        purpose: row.purpose,
        source: row.source,
        proof,
        given_at: row.given_at,
        recorded_at: row.recorded_at,
        actor: row.actor,
        revoked_at: row.revoked_at,
        revoked_why: row.revoked_why,
    })
}

impl App {
    /// Records an opt-in.
    pub async fn consent_record(
        &self,
        grant: &Grant<permission::ConsentRecord>,
        record: ConsentRecord,
        idempotent: Option<Idempotent<ConsentView>>,
    ) -> Result<Outcome<ConsentView>> {
        whole(grant)?;
        let scope = WorkspaceScope::from(grant);
        let keys = self.0.sealing.keys(scope).await?;
        let now = self.now();
        let given_at = record.given_at.unwrap_or(now);
        if given_at > now.plus(AHEAD) {
            let detail = "an opt-in cannot be given later than now";
            return Err(Error::fields(vec![FieldError::new("/given_at", "invalid_value", detail)]));
        }
        let id = ConsentId::new(now, self.entropy());
        let party = StoredParty::of(&record.to);
        let proof = record.proof.as_ref();
        let row = ConsentRow {
            id,
            mode: record.mode,
            person: contact_index(&keys, &record.to).to_vec(),
            party: seal_json(&keys, &place(&keys, "party", id), &party)?,
            purpose: record.purpose,
            source: record.source.clone(),
            proof: proof.map(|proof| seal_json(&keys, &place(&keys, "proof", id), proof)).transpose()?,
            given_at,
            recorded_at: now,
            actor: grant.actor().to_string(),
            revoked_at: None,
            revoked_why: None,
        };
        let made = consent_view(&keys, row.clone(), reads_numbers(grant))?;
        let purpose = record.purpose.map_or("any", Purpose::as_str);
        let details = vec![("source", record.source), ("purpose", purpose.to_owned())];
        let audit = self.audit(grant, Action::ConsentRecorded, ("consent", id.to_string()), details);
        let work = async move {
            self.0
                .store
                .write(scope, async move |tx| {
                    tx.consent_add(&row).await?;
                    tx.commit(audit.clone(), ())
                })
                .await?;
            Ok(made)
        };
        self.once(scope, &keys, idempotent, work).await
    }

    pub async fn consent_get(
        &self,
        grant: &Grant<permission::GuardRead>,
        id: ConsentId,
    ) -> Result<ConsentView> {
        whole(grant)?;
        let scope = WorkspaceScope::from(grant);
        let row = self.0.store.read(scope, async move |tx| tx.consent_get(id).await).await?;
        let row = row.filter(|row| grant.sees(row.mode)).ok_or_else(|| Error::of(Code::NotFound))?;
        consent_view(self.0.sealing.keys(scope).await?.as_ref(), row, reads_numbers(grant))
    }

    /// Newest first. A page may hold fewer than asked for and still have a next one.
    pub async fn consent_list(
        &self,
        grant: &Grant<permission::GuardRead>,
        query: PageQuery,
    ) -> Result<Page<ConsentView>> {
        whole(grant)?;
        let (scope, open) = (WorkspaceScope::from(grant), reads_numbers(grant));
        let (before, limit) = query.bounds()?;
        let read = async move |tx: &gatepost_store::WorkspaceTx<'_>| tx.consent_list(before, limit).await;
        let rows = self.0.store.read(scope, read).await?;
        let keys = self.0.sealing.keys(scope).await?;
        let mut page = query.page(rows, |row| row.id.uuid(), |row| consent_view(&keys, row, open))?;
        page.items.retain(|consent| grant.sees(consent.mode));
        Ok(page)
    }

    /// Revokes a recorded opt-in; one that was revoked before stays as it was.
    pub async fn consent_revoke(
        &self,
        grant: &Grant<permission::ConsentRecord>,
        id: ConsentId,
        reason: String,
    ) -> Result<ConsentView> {
        whole(grant)?;
        let scope = WorkspaceScope::from(grant);
        let (now, sees) = (self.now(), grant.mode());
        let details = vec![("reason", reason.clone())];
        let audit = self.audit(grant, Action::ConsentRevoked, ("consent", id.to_string()), details);
        let row = self
            .0
            .store
            .write(scope, async move |tx| {
                let known = tx.consent_get(id).await?;
                known
                    .filter(|row| sees.is_none_or(|own| own == row.mode))
                    .ok_or_else(|| Error::of(Code::NotFound))?;
                let ended = tx.consent_revoke(id, &reason, now).await?;
                let row = tx.consent_get(id).await?.ok_or_else(|| Error::of(Code::NotFound))?;
                if ended {
                    tx.commit(audit.clone(), row)
                } else {
                    tx.commit(Audit::None("it was revoked before"), row)
                }
            })
            .await?;
        consent_view(self.0.sealing.keys(scope).await?.as_ref(), row, reads_numbers(grant))
    }
}
