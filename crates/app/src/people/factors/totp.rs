//! The authenticator app: begun, confirmed by its first code, removed.

use gatepost_core::access::Person;
use gatepost_core::audit::{Action, Audit};
use gatepost_core::{Code, Error, Result, Secret, UserId};
use gatepost_store::WorkspaceScope;
use gatepost_vault::{TotpSecret, WorkspaceKeys};

use super::super::Caller;
use super::super::users::UserColumn;
use super::{FactorAdded, enough, session_strengthened, sessions_narrowed};
use crate::App;

/// What the app shows beside its codes.
const ISSUER: &str = "Gatepost";

/// What a person's app is told.
pub struct TotpEnrolment {
    /// To be typed: base 32 in groups.
    pub secret: Secret<String>,
    /// For a QR code.
    pub uri: Secret<String>,
}

pub(super) fn totp_open(keys: &WorkspaceKeys, user: UserId, sealed: &[u8]) -> Result<TotpSecret> {
    let plain = UserColumn::Totp.open(keys, user, sealed)?;
    TotpSecret::from_bytes(plain.expose())
        .ok_or_else(|| Error::internal("a stored secret of an app has another length"))
}

impl App {
    /// Begins with an authenticator app: a new secret, that counts from its first code on. One that was begun before is
    /// void.
    ///
    /// Errors: `reauth_required`, `conflict` where an app is there.
    pub async fn totp_enrol(&self, person: &Person) -> Result<TotpEnrolment> {
        let user = self.factor_owner(person).await?;
        let keys = self.0.sealing.keys(WorkspaceScope::platform()).await?;
        let secret = TotpSecret::generate(self.entropy());
        let (id, sealed) = (user.id, UserColumn::Totp.seal(&keys, user.id, secret.expose())?);
        self.0
            .store
            .write_system(async move |tx| {
                if !tx.totp_set(id, &sealed).await? {
                    return Err(Error::of(Code::Conflict));
                }
                tx.commit(Audit::None("counts for nothing until it is confirmed"), ())
            })
            .await?;
        let email = UserColumn::Email.open_text(&keys, id, &user.email)?;
        Ok(TotpEnrolment { secret: secret.to_text(), uri: secret.uri(ISSUER, &email) })
    }

    /// What was begun and not confirmed, to be shown again; `None` where nothing was.
    ///
    /// Errors: `reauth_required`.
    pub async fn totp_begun(&self, person: &Person) -> Result<Option<TotpEnrolment>> {
        let user = self.factor_owner(person).await?;
        let (Some(sealed), None) = (&user.totp, user.totp_confirmed_at) else {
            return Ok(None);
        };
        let keys = self.0.sealing.keys(WorkspaceScope::platform()).await?;
        let secret = totp_open(&keys, user.id, sealed)?;
        let email = UserColumn::Email.open_text(&keys, user.id, &user.email)?;
        Ok(Some(TotpEnrolment { secret: secret.to_text(), uri: secret.uri(ISSUER, &email) }))
    }

    /// Confirms the app by a code that it shows; from here on it is asked for.
    ///
    /// Errors: `reauth_required`, `code_invalid`, `conflict` where nothing was begun.
    pub async fn totp_confirm(&self, person: &Person, caller: &Caller, code: &str) -> Result<FactorAdded> {
        let user = self.factor_owner(person).await?;
        let (Some(sealed), None) = (user.totp.clone(), user.totp_confirmed_at) else {
            return Err(Error::of(Code::Conflict));
        };
        let keys = self.0.sealing.keys(WorkspaceScope::platform()).await?;
        let (id, now) = (user.id, self.now());
        let step = totp_open(&keys, id, &sealed)?
            .verify(code, now, None)
            .and_then(|step| i64::try_from(step).ok())
            .ok_or_else(|| Error::of(Code::CodeInvalid))?;
        let told = self.tell_factor(&user, caller, "An authenticator app was added to your account").await?;
        let (codes, digests) = self.recovery_code_set(id);
        let (by, audit) = (person.clone(), self.audit_factor(person, caller, Action::FactorAdded, "totp"));
        let also = self.audit_factor(person, caller, Action::RecoveryCodesMade, "recovery_codes");
        let (first, old) = self
            .0
            .store
            .write_system(async move |tx| {
                let held = tx.factors_hold(id).await?.ok_or_else(|| Error::of(Code::SessionEnded))?;
                if !tx.totp_confirm(id, &sealed, step, now).await? {
                    return Err(Error::of(Code::Conflict));
                }
                let first = held.recovery_codes == 0;
                if first {
                    tx.recovery_codes_replace(id, &digests).await?;
                    let platform = WorkspaceScope::platform().workspace();
                    tx.audit_add(platform, std::slice::from_ref(&also)).await?;
                }
                told.write(tx).await?;
                let old = session_strengthened(tx, &by, now).await?;
                tx.commit(audit.clone(), (first, old))
            })
            .await?;
        let recovery_codes = if first { codes } else { Vec::new() };
        Ok(FactorAdded { recovery_codes, token: self.factor_token(person, old).await? })
    }

    /// Removes the app. The person's other sessions and all access tokens end; the session's new token.
    ///
    /// Errors: `reauth_required`, `not_found`, `last_factor` where the account owes a second factor and has no other.
    pub async fn totp_remove(&self, person: &Person, caller: &Caller) -> Result<Secret<String>> {
        let user = self.factor_owner(person).await?;
        let (id, now) = (user.id, self.now());
        let keys = self.0.sealing.keys(WorkspaceScope::platform()).await?;
        let ways = self.ways_through(keys);
        let (token, digest) = self.session_token();
        let told =
            self.tell_factor(&user, caller, "The authenticator app was removed from your account").await?;
        let (by, audit) = (person.clone(), self.audit_factor(person, caller, Action::FactorRemoved, "totp"));
        let epoch = self
            .0
            .store
            .write_system(async move |tx| {
                let held = tx.factors_hold(id).await?.ok_or_else(|| Error::of(Code::SessionEnded))?;
                if !held.totp {
                    return Err(Error::of(Code::NotFound));
                }
                let left = gatepost_store::FactorCount { totp: false, ..held };
                enough(left, ways.count(tx, id).await?)?;
                tx.totp_remove(id).await?;
                told.write(tx).await?;
                let epoch = sessions_narrowed(tx, &by, left, &digest, now).await?;
                tx.commit(audit.clone(), epoch)
            })
            .await?;
        self.await_epoch(epoch).await?;
        Ok(token)
    }
}
