//! Proving who one is by a factor: verified, and used up in one compare-and-set.

use gatepost_core::access::{Actor, SessionKind};
use gatepost_core::audit::{Action, Audit};
use gatepost_core::{Code, Error, Result, Secret, UserId};
use gatepost_store::{TicketKind, WorkspaceScope};
use gatepost_vault::{PasskeyFault, Passkeys, RecoveryCode, sha256};

use super::super::sessions::Proofs;
use super::super::{Caller, SessionBegun};
use super::passkeys::{PasskeyColumn, PasskeyStart, credential_ids};
use super::totp::totp_open;
use crate::App;

/// What a person brings beside their password.
pub enum SecondFactor {
    /// A code of the authenticator app.
    Totp(Secret<String>),
    RecoveryCode(Secret<String>),
    /// The answer of a browser to a ceremony that was begun with this ticket.
    Passkey {
        ticket: Secret<String>,
        answer: String,
    },
}

impl SecondFactor {
    /// How the audit log names it.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Totp(_) => "totp",
            Self::RecoveryCode(_) => "recovery_code",
            Self::Passkey { .. } => "passkey",
        }
    }
}

/// The one answer to everything that proves nothing.
fn unproved(why: impl std::fmt::Display) -> Error {
    Error::of(Code::SignInFailed).with_context(why)
}

impl App {
    /// Verifies a second factor of `user` and uses it up: the same code, or the same answer, proves nothing again.
    ///
    /// Errors: `sign_in_failed`, whatever is wrong.
    pub(crate) async fn second_factor_prove(
        &self,
        caller: &Caller,
        user: UserId,
        proof: &SecondFactor,
    ) -> Result<()> {
        match proof {
            SecondFactor::Totp(code) => self.totp_prove(user, code.expose()).await,
            SecondFactor::RecoveryCode(code) => self.recovery_code_prove(caller, user, code.expose()).await,
            SecondFactor::Passkey { ticket, answer } => {
                self.passkey_prove(caller, Some(user), ticket.expose(), answer).await.map(|_| ())
            }
        }
    }

    async fn totp_prove(&self, id: UserId, code: &str) -> Result<()> {
        let user = self.user_row_of(id).await?.ok_or_else(|| unproved("no such account"))?;
        let (Some(sealed), Some(_)) = (user.totp, user.totp_confirmed_at) else {
            return Err(unproved("the account has no authenticator app"));
        };
        let keys = self.0.sealing.keys(WorkspaceScope::platform()).await?;
        let step = totp_open(&keys, id, &sealed)?
            .verify(code, self.now(), u64::try_from(user.totp_step).ok())
            .and_then(|step| i64::try_from(step).ok())
            .ok_or_else(|| unproved("the code is wrong or was used"))?;
        self.0
            .store
            .write_system(async move |tx| {
                if !tx.totp_use(id, &sealed, step).await? {
                    return Err(unproved("the code was used just now"));
                }
                tx.commit(Audit::None("what it opens is audited"), ())
            })
            .await
    }

    async fn recovery_code_prove(&self, caller: &Caller, id: UserId, code: &str) -> Result<()> {
        let code = RecoveryCode::parse(code).ok_or_else(|| unproved("no recovery code"))?;
        let user = self.user_row_of(id).await?.ok_or_else(|| unproved("no such account"))?;
        let told = self.tell_factor(&user, caller, "A recovery code of your account was used").await?;
        let (digest, now) = (*code.digest(id).as_bytes(), self.now());
        let entry = self.audit_person(
            caller,
            Actor::User(id),
            None,
            Action::RecoveryCodeUsed,
            ("user", id.to_string()),
        );
        self.0
            .store
            .write_system(async move |tx| {
                if !tx.recovery_code_use(id, &digest, now).await? {
                    return Err(unproved("no recovery code of this person, or a used one"));
                }
                told.write(tx).await?;
                let left = tx.factors(id).await?.map_or(0, |factors| factors.recovery_codes);
                let mut entry = entry.clone();
                entry.details.push(("left", left.to_string()));
                tx.commit(entry, ())
            })
            .await
    }

    /// Verifies the answer to a ceremony; whose passkey it was. Where `asked` is given it must be theirs.
    async fn passkey_prove(
        &self,
        caller: &Caller,
        asked: Option<UserId>,
        ticket: &str,
        answer: &str,
    ) -> Result<UserId> {
        let passkeys = self.passkeys()?;
        let state = self.passkey_state(TicketKind::PasskeySignIn, ticket).await?;
        let Some((_, state)) = state.filter(|(of, _)| *of == asked) else {
            return Err(unproved("no such ceremony under way"));
        };
        let digest = sha256(&Passkeys::answered(answer).map_err(unproved)?.id);
        let row = self.0.store.read_system(async move |tx| tx.passkey_find(&digest).await).await?;
        let row = row.ok_or_else(|| unproved("an unknown passkey"))?;
        let owner = self.user_row_of(row.user).await?.ok_or_else(|| unproved("no such account"))?;
        let keys = self.0.sealing.keys(WorkspaceScope::platform()).await?;
        let stored = PasskeyColumn::Credential.open(&keys, row.id, &row.credential)?;
        let proven = match passkeys.use_finish(state.expose(), answer, stored.expose(), row.user) {
            Ok(proven) => proven,
            Err(PasskeyFault::Cloned) => {
                let what = "A passkey of your account was refused, because somebody may hold a copy of it: remove it";
                let told = self.tell_factor(&owner, caller, what).await?;
                let target = ("user", row.user.to_string());
                let actor = Actor::User(row.user);
                let mut entry = self.audit_person(caller, actor, None, Action::PasskeyRefused, target);
                entry.details.push(("passkey", row.id.to_string()));
                let entry = entry.refused(Code::SignInFailed);
                self.0
                    .store
                    .write_system(async move |tx| {
                        told.write(tx).await?;
                        tx.commit(entry.clone(), ())
                    })
                    .await?;
                return Err(unproved(PasskeyFault::Cloned));
            }
            Err(fault) => return Err(unproved(fault)),
        };
        let plain = proven.stored.as_deref().unwrap_or(stored.expose());
        let sealed = PasskeyColumn::Credential.seal(&keys, row.id, plain)?;
        let (user, now) = (row.user, self.now());
        self.0
            .store
            .write_system(async move |tx| {
                // Two answers at once of a device and of its copy: the second sees that the first was here.
                if !tx.passkey_use(row.id, &row.credential, &sealed, now).await? {
                    return Err(unproved("the passkey was used just now"));
                }
                tx.commit(Audit::None("what it opens is audited"), ())
            })
            .await?;
        Ok(user)
    }

    /// Begins a ceremony with the passkeys of somebody who is half signed in, or proves themselves again.
    ///
    /// Errors: `passkeys_unavailable`, `not_found` where there is none.
    pub(crate) async fn passkey_prove_start(&self, user: UserId) -> Result<PasskeyStart> {
        let passkeys = self.passkeys()?;
        let rows = self.0.store.read_system(async move |tx| tx.passkey_list(user).await).await?;
        let keys = self.0.sealing.keys(WorkspaceScope::platform()).await?;
        let ids = credential_ids(&keys, &rows)?;
        let ceremony = passkeys.use_start_of(user, &ids).map_err(|_| Error::of(Code::NotFound))?;
        self.passkey_ticket(TicketKind::PasskeySignIn, Some(user), ceremony).await
    }

    /// Begins a sign-in by passkey alone.
    ///
    /// Errors: `passkeys_unavailable`.
    pub async fn sign_in_passkey_start(&self) -> Result<PasskeyStart> {
        let ceremony = self.passkeys()?.use_start().map_err(Error::internal)?;
        self.passkey_ticket(TicketKind::PasskeySignIn, None, ceremony).await
    }

    /// Signs in whoever the passkey belongs to. It is two factors by itself.
    ///
    /// Errors: `sign_in_failed`, whatever is wrong.
    pub async fn sign_in_passkey(
        &self,
        caller: &Caller,
        kind: SessionKind,
        ticket: &str,
        answer: &str,
    ) -> Result<SessionBegun> {
        let user = self.passkey_prove(caller, None, ticket, answer).await?;
        let proofs = Proofs { how: "passkey", second_factor: true, provider: None };
        self.session_begin(caller, user, kind, proofs).await
    }
}
