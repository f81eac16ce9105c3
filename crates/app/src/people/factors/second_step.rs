//! The second step of a sign-in: a second factor, on the ticket of the first.

use gatepost_core::access::SessionKind;
use gatepost_core::audit::Audit;
use gatepost_core::{Code, Error, Result, UserId};
use gatepost_store::{TicketKind, WorkspaceScope};

use super::super::throttle::account_subject;
use super::super::tickets::ticket_digest;
use super::super::{Caller, SessionBegun};
use super::passkeys::PasskeyStart;
use super::proving::SecondFactor;
use crate::App;

/// Wrong second factors on one ticket; after that the first step is due again, where tries are counted by account.
const TRIES: i64 = 5;

/// What somebody who is half signed in can go on with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FactorsOffered {
    pub totp: bool,
    pub passkeys: bool,
    pub recovery_codes: bool,
}

impl App {
    /// Whose ticket it is.
    ///
    /// Errors: `sign_in_failed`.
    async fn half_signed_in(&self, ticket: &str) -> Result<UserId> {
        let (digest, now) = (ticket_digest(ticket), self.now());
        let row = self
            .0
            .store
            .read_system(async move |tx| tx.ticket_peek(&digest, TicketKind::SignIn, now).await)
            .await?;
        row.and_then(|row| row.user).ok_or_else(|| Error::of(Code::SignInFailed))
    }

    /// What the account has to go on with.
    ///
    /// Errors: `sign_in_failed` for a ticket that is none any more.
    pub async fn sign_in_offers(&self, ticket: &str) -> Result<FactorsOffered> {
        let user = self.half_signed_in(ticket).await?;
        let held = self.0.store.read_system(async move |tx| tx.factors(user).await).await?;
        let held = held.ok_or_else(|| Error::of(Code::SignInFailed))?;
        Ok(FactorsOffered {
            totp: held.totp,
            passkeys: held.passkeys > 0 && self.passkeys_available(),
            recovery_codes: held.recovery_codes > 0,
        })
    }

    /// Begins to answer with a passkey as second factor.
    ///
    /// Errors: `sign_in_failed`, `not_found` where the account has no passkey.
    pub async fn sign_in_second_passkey(&self, ticket: &str) -> Result<PasskeyStart> {
        let user = self.half_signed_in(ticket).await?;
        self.passkey_prove_start(user).await
    }

    /// A guess at a second factor, counted with those at the account's password. A passkey is no guess.
    ///
    /// Errors: `sign_in_failed`, whatever is wrong; `rate_limited` where the caller's address failed too often.
    pub(crate) async fn second_factor_guess(
        &self,
        caller: &Caller,
        user: UserId,
        proof: &SecondFactor,
    ) -> Result<()> {
        let guess = match proof {
            SecondFactor::Passkey { .. } => None,
            SecondFactor::Totp(_) | SecondFactor::RecoveryCode(_) => {
                let row = self.user_row_of(user).await?.ok_or_else(|| Error::of(Code::SignInFailed))?;
                let keys = self.0.sealing.keys(WorkspaceScope::platform()).await?;
                let device = self.known_device(user, caller).await?;
                let subject = account_subject(&keys, &row.email_index, device.as_ref());
                Some(self.guess_begin(&keys, subject, caller.client).await?)
            }
        };
        if let Err(error) = self.second_factor_prove(caller, user, proof).await {
            if error.code() == Code::SignInFailed {
                self.sign_in_refused(caller, Some(user));
            }
            return Err(error);
        }
        match guess {
            Some(guess) => self.guess_right(guess).await,
            None => Ok(()),
        }
    }

    /// The second step. The ticket serves for one success, and for few failures.
    ///
    /// Errors: `sign_in_failed`, whatever is wrong.
    pub async fn sign_in_second_factor(
        &self,
        caller: &Caller,
        kind: SessionKind,
        ticket: &str,
        proof: &SecondFactor,
    ) -> Result<SessionBegun> {
        let user = self.half_signed_in(ticket).await?;
        let (digest, now) = (ticket_digest(ticket), self.now());
        // Counted before anything is tried, so that tries at once are not more than tries one after the other.
        let counted = self
            .0
            .store
            .write_system(async move |tx| {
                let counted = tx.ticket_attempt(&digest, TicketKind::SignIn, TRIES).await?;
                tx.commit(Audit::None("a count of tries"), counted)
            })
            .await?;
        if !counted {
            return Err(Error::of(Code::SignInFailed).with_context("too many tries on one ticket"));
        }
        self.second_factor_guess(caller, user, proof).await?;
        let taken = self
            .0
            .store
            .write_system(async move |tx| {
                let row = tx.ticket_take(&digest, TicketKind::SignIn, now).await?;
                tx.commit(Audit::None("half a sign-in becomes a whole one"), row)
            })
            .await?;
        let taken = taken.ok_or_else(|| Error::of(Code::SignInFailed))?;
        let proofs = self.proofs_with(&taken, kind, proof).await?;
        self.session_begin(caller, user, kind, proofs).await
    }
}
