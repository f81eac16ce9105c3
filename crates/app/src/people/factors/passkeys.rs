//! Passkeys: made, named, removed.

use std::time::Duration;

use gatepost_core::access::Person;
use gatepost_core::audit::{Action, Audit};
use gatepost_core::{Code, Error, FieldError, PasskeyId, Result, Secret, Timestamp, UserId};
use gatepost_store::{FactorCount, PasskeyRow, TicketKind, WorkspaceScope};
use gatepost_vault::{
    Aad, Ceremony, PasskeyFault, PasskeyPerson, Passkeys, SealedBytes, WorkspaceKeys, sha256,
};
use url::Url;

use super::super::Caller;
use super::super::tickets::{TicketNew, ticket_digest, ticket_state_open};
use super::super::users::UserColumn;
use super::{FactorAdded, enough, session_strengthened, sessions_narrowed};
use crate::App;
use crate::sealing::failed;

/// What browsers call the site.
const SITE: &str = "Gatepost";
/// How long a person may look for their device.
const CEREMONY: Duration = Duration::from_mins(5);
/// Passkeys of one person.
const MOST: usize = 20;
/// Characters of a passkey's name.
const LONGEST_NAME: usize = 60;

/// A passkey as its person sees it.
#[derive(Debug, Clone)]
pub struct PasskeyView {
    pub id: PasskeyId,
    pub name: String,
    pub created_at: Timestamp,
    pub last_used_at: Option<Timestamp>,
}

/// A ceremony that has begun.
pub struct PasskeyStart {
    /// Comes back with the answer, once.
    pub ticket: Secret<String>,
    /// JSON for the browser.
    pub options: String,
}

/// Columns of passkeys that are sealed.
#[derive(Debug, Clone, Copy)]
pub(super) enum PasskeyColumn {
    Credential,
    Name,
}

impl PasskeyColumn {
    fn aad(self, id: PasskeyId) -> Aad {
        let column = match self {
            Self::Credential => "credential",
            Self::Name => "name",
        };
        let workspace = WorkspaceScope::platform().workspace().uuid();
        Aad { workspace, table: "passkey", column, row: id.uuid().into_bytes() }
    }

    pub(super) fn seal(self, keys: &WorkspaceKeys, id: PasskeyId, plain: &[u8]) -> Result<Vec<u8>> {
        keys.seal(&self.aad(id), plain).map(SealedBytes::into_vec).map_err(failed)
    }

    pub(super) fn open(self, keys: &WorkspaceKeys, id: PasskeyId, sealed: &[u8]) -> Result<Secret<Vec<u8>>> {
        keys.open(&self.aad(id), sealed).map_err(failed)
    }
}

pub(super) fn passkey_view(keys: &WorkspaceKeys, row: &PasskeyRow) -> Result<PasskeyView> {
    let name = PasskeyColumn::Name.open(keys, row.id, &row.name)?;
    Ok(PasskeyView {
        id: row.id,
        name: String::from_utf8_lossy(name.expose()).into_owned(),
        created_at: row.created_at,
        last_used_at: row.last_used_at,
    })
}

/// The credential id itself, which the options of a ceremony name.
pub(super) fn credential_ids(keys: &WorkspaceKeys, rows: &[PasskeyRow]) -> Result<Vec<Vec<u8>>> {
    rows.iter()
        .map(|row| {
            let stored = PasskeyColumn::Credential.open(keys, row.id, &row.credential)?;
            Passkeys::id_of(stored.expose()).map_err(Error::internal)
        })
        .collect()
}

fn name_checked(name: &str) -> Result<&str> {
    let name = name.trim();
    if name.is_empty() || name.chars().count() > LONGEST_NAME || name.chars().any(char::is_control) {
        let detail = format!("a name has 1 to {LONGEST_NAME} characters");
        return Err(Error::fields(vec![FieldError::new("/name", "invalid", detail)]));
    }
    Ok(name)
}

/// What the person who makes one is told: what they can mend.
fn refused(fault: PasskeyFault) -> Error {
    match fault {
        PasskeyFault::AlreadyThere | PasskeyFault::NotDiscoverable | PasskeyFault::NotVerified => {
            Error::new(Code::PasskeyRefused, fault.to_string())
        }
        other => Error::of(Code::PasskeyRefused).with_context(other),
    }
}

impl App {
    /// The passkeys of the console's address.
    ///
    /// Errors: `passkeys_unavailable`.
    pub(super) fn passkeys(&self) -> Result<Passkeys> {
        let unavailable =
            |why: &dyn std::fmt::Display| Error::of(Code::PasskeysUnavailable).with_context(why);
        let origin = Url::parse(&self.console_url()).map_err(|error| unavailable(&error))?;
        Passkeys::new(&origin, &self.0.config.passkey_ports, SITE).map_err(|error| unavailable(&error))
    }

    /// Whether passkeys work at the console's address at all.
    pub fn passkeys_available(&self) -> bool {
        self.passkeys().is_ok()
    }

    /// Where pages must be open for passkeys to work: scheme, host and port, the console's own first. None where they
    /// do not work at the console's address.
    pub fn passkey_origins(&self) -> Vec<String> {
        self.passkeys().map(|passkeys| passkeys.origins().to_vec()).unwrap_or_default()
    }

    /// Keeps the state of a ceremony until its answer comes.
    pub(super) async fn passkey_ticket(
        &self,
        kind: TicketKind,
        user: Option<UserId>,
        ceremony: Ceremony,
    ) -> Result<PasskeyStart> {
        let state = Some(ceremony.state.expose().clone());
        let new = TicketNew { kind, user, workspace: None, subject: None, state, lives: CEREMONY };
        let (ticket, row) = self.ticket(new).await?;
        self.0
            .store
            .write_system(async move |tx| {
                tx.ticket_put(&row).await?;
                tx.commit(Audit::None("a ceremony under way"), ())
            })
            .await?;
        Ok(PasskeyStart { ticket, options: ceremony.options })
    }

    /// Takes the state of a ceremony away: it serves once. With it, whose it is.
    pub(super) async fn passkey_state(
        &self,
        kind: TicketKind,
        ticket: &str,
    ) -> Result<Option<(Option<UserId>, Secret<Vec<u8>>)>> {
        let (digest, now) = (ticket_digest(ticket), self.now());
        let row = self
            .0
            .store
            .write_system(async move |tx| {
                let row = tx.ticket_take(&digest, kind, now).await?;
                tx.commit(Audit::None("a ceremony under way"), row)
            })
            .await?;
        let Some(row) = row else {
            return Ok(None);
        };
        let keys = self.0.sealing.keys(WorkspaceScope::platform()).await?;
        Ok(ticket_state_open(&keys, &row)?.map(|state| (row.user, state)))
    }

    /// Begins to make a passkey.
    ///
    /// Errors: `reauth_required`, `passkeys_unavailable`, `conflict` where there are twenty.
    pub async fn passkey_make_start(&self, person: &Person) -> Result<PasskeyStart> {
        let passkeys = self.passkeys()?;
        let user = self.factor_owner(person).await?;
        let id = user.id;
        let rows = self.0.store.read_system(async move |tx| tx.passkey_list(id).await).await?;
        if rows.len() >= MOST {
            return Err(Error::new(Code::Conflict, format!("an account has at most {MOST} passkeys")));
        }
        let keys = self.0.sealing.keys(WorkspaceScope::platform()).await?;
        let email = UserColumn::Email.open_text(&keys, id, &user.email)?;
        let name = UserColumn::Name.open_text(&keys, id, &user.name)?;
        let who = PasskeyPerson { id, name: &email, display_name: &name };
        let ceremony = passkeys.make_start(who, &credential_ids(&keys, &rows)?).map_err(refused)?;
        self.passkey_ticket(TicketKind::PasskeyRegistration, Some(id), ceremony).await
    }

    /// Keeps the passkey that the browser made.
    ///
    /// Errors: `reauth_required`, `link_invalid` where the ceremony was too long ago, `passkey_refused`.
    pub async fn passkey_make_finish(
        &self,
        person: &Person,
        caller: &Caller,
        ticket: &str,
        answer: &str,
        name: &str,
    ) -> Result<FactorAdded> {
        let passkeys = self.passkeys()?;
        let owner = self.factor_owner(person).await?;
        let user = owner.id;
        let name = name_checked(name)?;
        let state = self.passkey_state(TicketKind::PasskeyRegistration, ticket).await?;
        let Some((_, state)) = state.filter(|(owner, _)| *owner == Some(user)) else {
            return Err(Error::of(Code::LinkInvalid));
        };
        let made = passkeys.make_finish(state.expose(), answer).map_err(refused)?;
        let keys = self.0.sealing.keys(WorkspaceScope::platform()).await?;
        let now = self.now();
        let id = PasskeyId::new(now, self.entropy());
        let row = PasskeyRow {
            id,
            user,
            credential_digest: sha256(&made.id),
            credential: PasskeyColumn::Credential.seal(&keys, id, &made.stored)?,
            name: PasskeyColumn::Name.seal(&keys, id, name.as_bytes())?,
            created_at: now,
            last_used_at: None,
        };
        let told = self.tell_factor(&owner, caller, "A passkey was added to your account").await?;
        let (codes, digests) = self.recovery_code_set(user);
        let mut audit = self.audit_factor(person, caller, Action::FactorAdded, "passkey");
        audit.details.push(("passkey", id.to_string()));
        audit.details.push(("synced", made.synced.to_string()));
        let also = self.audit_factor(person, caller, Action::RecoveryCodesMade, "recovery_codes");
        let by = person.clone();
        let (first, old) = self
            .0
            .store
            .write_system(async move |tx| {
                let held = tx.factors_hold(user).await?.ok_or_else(|| Error::of(Code::SessionEnded))?;
                if usize::try_from(held.passkeys).is_ok_and(|count| count >= MOST) {
                    return Err(Error::of(Code::Conflict));
                }
                tx.passkey_insert(&row).await?;
                told.write(tx).await?;
                let first = held.recovery_codes == 0;
                if first {
                    tx.recovery_codes_replace(user, &digests).await?;
                    let platform = WorkspaceScope::platform().workspace();
                    tx.audit_add(platform, std::slice::from_ref(&also)).await?;
                }
                let old = session_strengthened(tx, &by, now).await?;
                tx.commit(audit.clone(), (first, old))
            })
            .await
            .map_err(|error| match error.code() {
                Code::Conflict => Error::of(Code::PasskeyRefused).with_context(error),
                _ => error,
            })?;
        let recovery_codes = if first { codes } else { Vec::new() };
        Ok(FactorAdded { recovery_codes, token: self.factor_token(person, old).await? })
    }

    /// Gives a passkey another name.
    ///
    /// Errors: `reauth_required`, `not_found`, `invalid_field`.
    pub async fn passkey_rename(
        &self,
        person: &Person,
        caller: &Caller,
        id: PasskeyId,
        name: &str,
    ) -> Result<()> {
        let user = self.factor_owner(person).await?.id;
        let name = name_checked(name)?;
        let keys = self.0.sealing.keys(WorkspaceScope::platform()).await?;
        let sealed = PasskeyColumn::Name.seal(&keys, id, name.as_bytes())?;
        let mut audit = self.audit_factor(person, caller, Action::PasskeyRenamed, "passkey");
        audit.details.push(("passkey", id.to_string()));
        self.0
            .store
            .write_system(async move |tx| {
                if !tx.passkey_name_set(user, id, &sealed).await? {
                    return Err(Error::of(Code::NotFound));
                }
                tx.commit(audit.clone(), ())
            })
            .await
    }

    /// Removes a passkey. The person's other sessions and all access tokens end; the session's new token.
    ///
    /// Errors: `reauth_required`, `not_found`, `last_factor`.
    pub async fn passkey_remove(
        &self,
        person: &Person,
        caller: &Caller,
        id: PasskeyId,
    ) -> Result<Secret<String>> {
        let owner = self.factor_owner(person).await?;
        let (user, now) = (owner.id, self.now());
        let keys = self.0.sealing.keys(WorkspaceScope::platform()).await?;
        let ways = self.ways_through(keys);
        let (token, digest) = self.session_token();
        let told = self.tell_factor(&owner, caller, "A passkey was removed from your account").await?;
        let mut audit = self.audit_factor(person, caller, Action::FactorRemoved, "passkey");
        audit.details.push(("passkey", id.to_string()));
        let by = person.clone();
        let epoch = self
            .0
            .store
            .write_system(async move |tx| {
                let held = tx.factors_hold(user).await?.ok_or_else(|| Error::of(Code::SessionEnded))?;
                if !tx.passkey_delete(user, id).await? {
                    return Err(Error::of(Code::NotFound));
                }
                let left = FactorCount { passkeys: held.passkeys - 1, ..held };
                enough(left, ways.count(tx, user).await?)?;
                told.write(tx).await?;
                let epoch = sessions_narrowed(tx, &by, left, &digest, now).await?;
                tx.commit(audit.clone(), epoch)
            })
            .await?;
        self.await_epoch(epoch).await?;
        Ok(token)
    }
}
