//! Suppressing the people of a file: one part at a time, in the background, over any restart.

use std::collections::HashSet;
use std::sync::Arc;

use gatepost_core::access::{Grant, permission};
use gatepost_core::audit::{Action, Audit};
use gatepost_core::channel::Mode;
use gatepost_core::guard::SuppressionSource;
use gatepost_core::job::JobKind;
use gatepost_core::{Code, Error, JobId, Recipient, Result, SuppressionId, SuppressionImportId, Timestamp};
use gatepost_store::{
    Claimed, LaneKey, NewJob, SuppressionImportRow, SuppressionRow, WorkspaceScope, WorkspaceTx,
};
use gatepost_vault::{Aad, WorkspaceKeys};

use super::intake::{Fault, ImportFile, Read, Row};
use super::{seal_reason, seal_suppressed, whole};
use crate::App;
use crate::idempotency::{Idempotent, Outcome};
use crate::lanes::{Taken, Work};
use crate::messages::{StoredParty, bsuid_index, open_json, phone_index, seal_json};
use crate::pages::{Page, PageQuery};

/// Imports of a workspace that may run at once; each keeps its file until it is done.
const RUNNING_MAX: i64 = 10;

/// An import as its workspace sees it.
#[derive(Clone)]
pub struct SuppressionImportView {
    pub row: SuppressionImportRow,
    pub faults: Vec<ImportFault>,
}

/// A row that was not taken.
#[derive(Debug, Clone)]
pub struct ImportFault {
    /// Of the file, from 1.
    pub line: u64,
    pub code: String,
    pub detail: String,
}

fn place(keys: &WorkspaceKeys, id: SuppressionImportId, part: i64) -> Aad {
    // A part has no id of its own: the import's, with the part's number over its random end.
    let mut row = id.uuid().into_bytes();
    for (byte, number) in row[8..].iter_mut().zip(part.to_be_bytes()) {
        *byte ^= number;
    }
    Aad { workspace: keys.workspace(), table: "suppression_import_part", column: "body", row }
}

fn view(row: SuppressionImportRow) -> Result<SuppressionImportView> {
    let faults: Vec<Fault> = serde_json::from_str(&row.faults).map_err(Error::internal)?;
    let told = |fault: Fault| ImportFault { line: fault.line, code: fault.code, detail: fault.detail };
    Ok(SuppressionImportView { row, faults: faults.into_iter().map(told).collect() })
}

impl App {
    /// Takes a file of people to suppress. It adds, and never lifts or weakens anything.
    ///
    /// Errors: `conflict` where too many are running.
    pub async fn suppression_import(
        &self,
        grant: &Grant<permission::SuppressionAdd>,
        mode: Mode,
        file: ImportFile,
        idempotent: Option<Idempotent<SuppressionImportView>>,
    ) -> Result<Outcome<SuppressionImportView>> {
        whole(grant)?;
        let scope = WorkspaceScope::from(grant);
        let keys = self.0.sealing.keys(scope).await?;
        let work = self.suppression_import_begin(grant, scope, mode, file);
        self.once(scope, &keys, idempotent, work).await
    }

    async fn suppression_import_begin(
        &self,
        grant: &Grant<permission::SuppressionAdd>,
        scope: WorkspaceScope,
        mode: Mode,
        file: ImportFile,
    ) -> Result<SuppressionImportView> {
        let keys = self.0.sealing.keys(scope).await?;
        let now = self.now();
        let id = SuppressionImportId::new(now, self.entropy());
        let Read { parts, total, bad, faults } = file.end();
        let row = SuppressionImportRow {
            id,
            mode,
            done: false,
            actor: grant.actor().to_string(),
            total,
            position: 0,
            added: 0,
            known: 0,
            bad,
            faults: serde_json::to_string(&faults).map_err(Error::internal)?,
            created_at: now,
            finished_at: None,
        };
        let sealed: Result<Vec<Vec<u8>>> = (0_i64..)
            .zip(&parts)
            .map(|(part, rows)| seal_json(&keys, &place(&keys, id, part), rows))
            .collect();
        let sealed = Arc::new(sealed?);
        let job = NewJob {
            id: JobId::from_uuid(id.uuid()),
            kind: JobKind::SuppressionImport,
            lane: scope.workspace().uuid(),
            order_key: None,
            priority: 0,
            queued_at: now,
            run_at: now,
            subject: id.uuid(),
        };
        let details = vec![("rows", total.to_string()), ("bad_rows", bad.to_string())];
        let target = ("suppression_import", id.to_string());
        let audit = self.audit(grant, Action::SuppressionsImported, target, details);
        let made = view(row.clone())?;
        self.0
            .store
            .write(scope, async move |tx| {
                if tx.suppression_imports_running().await? >= RUNNING_MAX {
                    let detail = format!("{RUNNING_MAX} imports are running: wait until one is done");
                    return Err(Error::new(Code::Conflict, detail));
                }
                tx.suppression_import_add(&row, &sealed).await?;
                tx.job_insert(&job).await?;
                tx.commit(audit.clone(), ())
            })
            .await?;
        Ok(made)
    }

    pub async fn suppression_import_get(
        &self,
        grant: &Grant<permission::GuardRead>,
        id: SuppressionImportId,
    ) -> Result<SuppressionImportView> {
        whole(grant)?;
        let scope = WorkspaceScope::from(grant);
        let row = self.0.store.read(scope, async move |tx| tx.suppression_import_get(id).await).await?;
        view(row.filter(|row| grant.sees(row.mode)).ok_or_else(|| Error::of(Code::NotFound))?)
    }

    /// Newest first.
    pub async fn suppression_import_list(
        &self,
        grant: &Grant<permission::GuardRead>,
        query: PageQuery,
    ) -> Result<Page<SuppressionImportView>> {
        whole(grant)?;
        let scope = WorkspaceScope::from(grant);
        let (before, limit) = query.bounds()?;
        let read =
            async move |tx: &gatepost_store::WorkspaceTx<'_>| tx.suppression_import_list(before, limit).await;
        let mut rows = self.0.store.read(scope, read).await?;
        rows.retain(|row| grant.sees(row.mode));
        query.page(rows, |row| row.id.uuid(), view)
    }
}

/// The lane of a workspace's imports.
pub(crate) struct Importing {
    app: App,
    key: LaneKey,
}

/// A person of a part, ready to be written.
#[derive(Clone)]
struct Person {
    party: StoredParty,
    row: SuppressionRow,
}

impl Work for Importing {
    type Item = Claimed;
    type Done = Claimed;

    fn new(app: App, key: LaneKey) -> Self {
        Self { app, key }
    }

    fn capacity(&self) -> usize {
        1
    }

    async fn take(&self, limit: usize) -> Result<Taken<Claimed>> {
        Ok(Taken { items: self.app.claim(self.key, 0..=0, limit).await?, again: None })
    }

    async fn perform(&self, item: Claimed) -> Claimed {
        item
    }

    async fn record(&self, done: Vec<Claimed>) -> Result<()> {
        for job in done {
            self.step(job).await?;
        }
        Ok(())
    }
}

/// Suppresses people who are not, under every name they are known by; says how many were added and how many were known.
/// One question for all of them, each time: on PostgreSQL a question is a round trip. Under the gate.
async fn suppress(
    tx: &WorkspaceTx<'_>,
    keys: &WorkspaceKeys,
    mode: Mode,
    people: &[Person],
) -> Result<(i64, i64)> {
    let of = |party: &StoredParty| {
        let phone = party.phone.as_deref().map(|phone| phone_index(keys, phone));
        (phone, party.bsuid.as_deref().map(|bsuid| bsuid_index(keys, bsuid)))
    };
    let own: Vec<_> = people.iter().map(|person| of(&person.party)).collect();
    let contacts = tx.contacts_named(&own).await?;
    let names = own.iter().zip(contacts).map(|((phone, bsuid), contact)| {
        let also = contact.map(|names| [names.phone_index, names.bsuid_index]).unwrap_or_default();
        let mut names: Vec<[u8; 16]> = [*phone, *bsuid].into_iter().chain(also).flatten().collect();
        names.sort_unstable();
        names.dedup();
        names
    });
    let names: Vec<Vec<[u8; 16]>> = names.collect();
    let all: Vec<&[u8]> = names.iter().flatten().map(<[u8; 16]>::as_slice).collect();
    let mut found = tx.suppressed(mode, &all).await?.into_iter();
    let mut taken: HashSet<[u8; 16]> = HashSet::new();
    let (mut added, mut known) = (Vec::new(), 0);
    for (person, names) in people.iter().zip(names) {
        let under: Vec<_> = found.by_ref().take(names.len()).flatten().collect();
        match under.first() {
            Some(suppression) => {
                if under.len() < names.len() {
                    tx.suppression_covers(mode, suppression.id, &names).await?;
                }
                known += 1;
            }
            // Two rows may name one person.
            None if names.iter().any(|name| taken.contains(name)) => known += 1,
            None => {
                taken.extend(&names);
                added.push((person.row.clone(), names));
            }
        }
    }
    tx.suppressions_add(&added).await?;
    Ok((i64::try_from(added.len()).unwrap_or(i64::MAX), known))
}

impl Importing {
    /// Suppresses the people of the next part, or ends.
    async fn step(&self, job: Claimed) -> Result<()> {
        let app = &self.app;
        let (scope, now) = (job.scope(), app.now());
        let id = SuppressionImportId::from_uuid(job.subject);
        let next = app
            .0
            .store
            .read(scope, async move |tx| {
                let Some(import) = tx.suppression_import_get(id).await? else { return Ok(None) };
                Ok(tx.suppression_import_part(id).await?.map(|part| (import, part)))
            })
            .await?;
        let Some((import, (part, sealed))) = next else {
            return self.end(scope, job, id, now).await;
        };
        let keys = app.0.sealing.keys(scope).await?;
        let rows: Vec<Row> = open_json(&keys, &place(&keys, id, part), &sealed)?;
        let people: Result<Vec<Person>> =
            rows.into_iter().map(|row| self.person(&keys, &import, &row, now)).collect();
        let people = people?;
        app.0
            .store
            .write(scope, async move |tx| {
                tx.suppression_gate_exclusive().await?;
                let (added, known) = suppress(tx, &keys, import.mode, &people).await?;
                tx.suppression_import_advance(id, part, added, known).await?;
                tx.job_defer(&job, now, false).await?;
                tx.commit(Audit::None("the import was audited when it was asked for"), ())
            })
            .await?;
        app.wake(self.key);
        Ok(())
    }

    async fn end(
        &self,
        scope: WorkspaceScope,
        job: Claimed,
        id: SuppressionImportId,
        now: Timestamp,
    ) -> Result<()> {
        self.app
            .0
            .store
            .write(scope, async move |tx| {
                tx.suppression_import_finish(id, now).await?;
                tx.job_complete(&job).await?;
                tx.commit(Audit::None("the import was audited when it was asked for"), ())
            })
            .await
    }

    fn person(
        &self,
        keys: &WorkspaceKeys,
        import: &SuppressionImportRow,
        row: &Row,
        now: Timestamp,
    ) -> Result<Person> {
        let id = SuppressionId::new(now, self.app.entropy());
        let party = StoredParty::of(&Recipient::parse(&row.to).map_err(Error::internal)?);
        let row = SuppressionRow {
            id,
            mode: import.mode,
            source: SuppressionSource::Import,
            hand: None,
            party: seal_suppressed(keys, id, &party)?,
            reason: seal_reason(keys, id, row.reason.as_deref())?,
            actor: import.actor.clone(),
            in_flight: 0,
            said_at: None,
            created_at: now,
        };
        Ok(Person { party, row })
    }
}
