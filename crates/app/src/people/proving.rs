//! Proving again who one is, for what cannot be taken back; and ending what is open elsewhere.
//!
//! Threat note. Defends against: a browser that was left open (what cannot be taken back wants a proof of the last five
//! minutes, with all that the account asks for), guessing there (counted with the guesses at sign-in), a token that was
//! copied before the proof (the session gets another one). Does not defend against: whoever sits at the browser and knows
//! the password.

use gatepost_core::access::{Person, TokenDigest};
use gatepost_core::audit::Action;
use gatepost_core::{Code, Error, Result, Secret};
use gatepost_store::WorkspaceScope;
use gatepost_vault::sha256;

use super::Caller;
use super::factors::{PasskeyStart, SecondFactor};
use super::sessions::session_alone;
use super::throttle::account_subject;
use crate::App;

/// What a person has to prove again with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each stands for a field of a form, there or not")]
pub struct ProofsOffered {
    /// The account has a password; it is asked for.
    pub password: bool,
    /// The account has an authenticator app.
    pub totp: bool,
    pub passkeys: bool,
    pub recovery_codes: bool,
    /// A second factor is asked for beside the password, whatever there is of them at this address.
    pub second_factor: bool,
}

/// What was brought.
#[derive(Default)]
pub struct Proof {
    pub password: Option<Secret<String>>,
    pub second_factor: Option<SecondFactor>,
}

impl App {
    /// What the person's account has to prove with.
    pub async fn session_prove_offers(&self, person: &Person) -> Result<ProofsOffered> {
        let user = person.user();
        let held = self.0.store.read_system(async move |tx| tx.factors(user).await).await?;
        let held = held.ok_or_else(|| Error::of(Code::SessionEnded))?;
        Ok(ProofsOffered {
            password: held.password,
            totp: held.totp,
            passkeys: held.passkeys > 0 && self.passkeys_available(),
            recovery_codes: held.recovery_codes > 0,
            second_factor: held.totp || held.passkeys > 0,
        })
    }

    /// Begins to prove again with a passkey.
    ///
    /// Errors: `passkeys_unavailable`, `not_found` where there is none.
    pub async fn session_prove_passkey(&self, person: &Person) -> Result<PasskeyStart> {
        self.passkey_prove_start(person.user()).await
    }

    /// Takes a fresh proof: a passkey, which is enough alone, or all that the account asks for at sign-in. The session's new
    /// token; what it may do has changed.
    ///
    /// Errors: `sign_in_failed`, whatever is wrong or missing; `rate_limited`.
    pub async fn session_prove(
        &self,
        person: &Person,
        caller: &Caller,
        token: &str,
        proof: Proof,
    ) -> Result<Secret<String>> {
        let (user, now) = (person.user(), self.now());
        let refused = || Error::of(Code::SignInFailed);
        let offered = self.session_prove_offers(person).await?;
        let alone = matches!(proof.second_factor, Some(SecondFactor::Passkey { .. }));
        let owed_second = offered.second_factor && proof.second_factor.is_none();
        let owed_first = !alone && (!offered.password || proof.password.is_none());
        if owed_second || owed_first {
            return Err(refused());
        }
        let mut how = Vec::new();
        if let (false, Some(password)) = (alone, &proof.password) {
            self.password_guess(person, caller, password).await?;
            how.push("password");
        }
        if let Some(factor) = &proof.second_factor {
            self.second_factor_guess(caller, user, factor).await?;
            how.push(factor.as_str());
        }
        let (id, second) = (person.session(), person.second_factor() || proof.second_factor.is_some());
        let target = ("session", id.to_string());
        let mut audit = self.audit_person(
            caller,
            person.actor(),
            Some(person.credential()),
            Action::SessionProved,
            target,
        );
        audit.details.push(("proofs", how.join("+")));
        let epoch = self
            .0
            .store
            .write_system(async move |tx| {
                let known = tx.session_get(id).await?.ok_or_else(|| Error::of(Code::SessionEnded))?;
                tx.session_proved(id, now, second).await?;
                let account = tx.user_get(known.session.user).await?;
                let index = account.ok_or_else(|| Error::of(Code::SessionEnded))?.email_index;
                let epoch = tx.credential_epoch_raise().await?;
                tx.commit(audit.clone(), (epoch, index))
            })
            .await?;
        let (epoch, index) = epoch;
        self.await_epoch(epoch).await?;
        self.guesses_forgive(caller, index).await?;
        let old = TokenDigest::new(sha256(token.as_bytes()));
        match self.session_renew_now(id, old).await? {
            Some(token) => Ok(token),
            // Another request renewed it just now, and brought the new one.
            None => Ok(Secret::new(token.to_owned())),
        }
    }

    /// A guess at the password of somebody who is signed in.
    async fn password_guess(
        &self,
        person: &Person,
        caller: &Caller,
        password: &Secret<String>,
    ) -> Result<()> {
        let user = person.user();
        let keys = self.0.sealing.keys(WorkspaceScope::platform()).await?;
        let row = self.0.store.read_system(async move |tx| tx.user_get(user).await).await?;
        let row = row.ok_or_else(|| Error::of(Code::SessionEnded))?;
        let device = self.known_device(user, caller).await?;
        let subject = account_subject(&keys, &row.email_index, device.as_ref());
        let guess = self.guess_begin(&keys, subject, caller.client).await?;
        if !self.password_is(&keys, Some(&row), password).await? {
            self.sign_in_refused(caller, Some(user));
            return Err(Error::of(Code::SignInFailed));
        }
        self.guess_right(guess).await
    }

    /// Ends all sessions of the person but the one that asks, and all access tokens. When this returns no node knows them.
    /// The session's new token.
    ///
    /// Errors: `session_confined`.
    pub async fn sessions_end_others(&self, person: &Person, caller: &Caller) -> Result<Secret<String>> {
        // What a workspace's own provider opened ends nothing elsewhere.
        person.unconfined()?;
        let (by, now) = (person.clone(), self.now());
        let (token, digest) = self.session_token();
        let target = ("user", person.user().to_string());
        let audit = self.audit_person(
            caller,
            person.actor(),
            Some(person.credential()),
            Action::SessionsEnded,
            target,
        );
        let epoch = self
            .0
            .store
            .write_system(async move |tx| {
                let (ended, epoch) = session_alone(tx, &by, &digest, now).await?;
                let mut audit = audit.clone();
                audit.details.push(("ended", ended.to_string()));
                tx.commit(audit, epoch)
            })
            .await?;
        self.await_epoch(epoch).await?;
        Ok(token)
    }
}
