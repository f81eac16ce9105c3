//! From an e-mail address to a session.
//!
//! Threat note. Defends against: learning from an answer or its time whether an address has an account (an account that
//! is unknown, disabled or without a password, and a wrong password, cost one hash and have one answer), guessing (see
//! [`throttle`](super::throttle)), a database full of hashes that are weaker than today's (each is made anew when its
//! password is next typed). Does not defend against: whoever knows the password of an account without a second factor.

use std::time::Duration;

use gatepost_core::access::SessionKind;
use gatepost_core::audit::{Audit, Refusal, Refused};
use gatepost_core::{Code, EmailAddress, Error, RequestId, Result, Secret, UserId};
use gatepost_store::{TicketKind, UserRow, WorkspaceScope};
use gatepost_vault::password::needs_rehash;
use gatepost_vault::{WorkspaceKeys, sha256};

use super::sessions::Proofs;
use super::throttle::account_subject;
use super::tickets::TicketNew;
use super::users::{UserColumn, email_index};
use super::{Caller, SessionBegun};
use crate::App;

/// How long somebody may take between two steps.
const STEP: Duration = Duration::from_mins(10);

/// Where a sign-in stands after a step.
pub enum SignIn {
    Done(SessionBegun),
    /// A second factor is asked for; the ticket stands for what was proved so far.
    SecondFactor {
        ticket: Secret<String>,
    },
}

/// The index of what was typed as an address; of what is none too, so that it is counted like the rest.
fn index_of(keys: &WorkspaceKeys, typed: &str) -> [u8; 16] {
    match EmailAddress::parse(typed) {
        Ok(email) => email_index(keys, &email),
        Err(_) => keys.blind_index("user.no_email", typed.trim().to_lowercase().as_bytes()),
    }
}

impl App {
    /// The first step with a password. Whatever is wrong has one answer, which takes one hash.
    ///
    /// Errors: `sign_in_failed`; `rate_limited` where the caller's address failed too often.
    pub async fn sign_in_password(
        &self,
        caller: &Caller,
        kind: SessionKind,
        email: &str,
        password: &Secret<String>,
    ) -> Result<SignIn> {
        let keys = self.0.sealing.keys(WorkspaceScope::platform()).await?;
        let index = index_of(&keys, email);
        let user = self.0.store.read_system(async move |tx| tx.user_find(&index).await).await?;
        let whose = user.as_ref().map_or(UserId::from_uuid(uuid::Uuid::nil()), |user| user.id);
        let device = self.known_device(whose, caller).await?;
        let subject = account_subject(&keys, &index, device.as_ref());
        let guess = self.guess_begin(&keys, subject, caller.client).await?;
        if !self.password_is(&keys, user.as_ref(), password).await? {
            self.sign_in_refused(caller, user.as_ref().map(|user| user.id));
            return Err(Error::of(Code::SignInFailed));
        }
        let Some(user) = user.filter(|user| user.disabled_at.is_none()) else {
            self.sign_in_refused(caller, Some(whose));
            return Err(Error::of(Code::SignInFailed));
        };
        self.guess_right(guess).await?;
        let id = user.id;
        let factors = self.0.store.read_system(async move |tx| tx.factors(id).await).await?;
        if factors.is_some_and(|factors| factors.totp || factors.passkeys > 0) {
            return self.second_factor_ask(id).await;
        }
        let proofs = Proofs { how: "password", second_factor: false, provider: None };
        self.session_begin(caller, id, kind, proofs).await.map(SignIn::Done)
    }

    async fn second_factor_ask(&self, user: UserId) -> Result<SignIn> {
        let new = TicketNew {
            kind: TicketKind::SignIn,
            user: Some(user),
            workspace: None,
            subject: None,
            state: None,
            lives: STEP,
        };
        let (ticket, row) = self.ticket(new).await?;
        self.0
            .store
            .write_system(async move |tx| {
                tx.ticket_put(&row).await?;
                tx.commit(Audit::None("half a sign-in"), ())
            })
            .await?;
        Ok(SignIn::SecondFactor { ticket })
    }

    /// The browser that asks, where this person signed in with it before.
    pub(crate) async fn known_device(&self, user: UserId, caller: &Caller) -> Result<Option<[u8; 32]>> {
        let digest = sha256(caller.device.as_deref().unwrap_or_default().as_bytes());
        let known = self.0.store.read_system(async move |tx| tx.device_is_known(user, &digest).await).await?;
        Ok(known.then_some(digest))
    }

    /// Whether `password` is that of the account. Takes as long where there is no account, or none with a password.
    pub(crate) async fn password_is(
        &self,
        keys: &WorkspaceKeys,
        user: Option<&UserRow>,
        password: &Secret<String>,
    ) -> Result<bool> {
        metrics::counter!("gatepost_password_checks_total").increment(1);
        let Some((user, sealed)) = user.and_then(|user| Some((user, user.password.as_deref()?))) else {
            return self.password_verify_nobody(password).await;
        };
        let stored = UserColumn::Password.open_text(keys, user.id, sealed)?;
        let old = needs_rehash(&stored);
        let right = self.password_verify(password, stored).await?;
        if right && old {
            self.password_refresh(keys, user.id, sealed, password).await?;
        }
        Ok(right)
    }

    /// Hashes a password that was just found right with today's parameters.
    async fn password_refresh(
        &self,
        keys: &WorkspaceKeys,
        user: UserId,
        old: &[u8],
        password: &Secret<String>,
    ) -> Result<()> {
        let hash = self.password_hash(password).await?;
        let (old, new) = (old.to_vec(), UserColumn::Password.seal(keys, user, hash.as_bytes())?);
        self.0
            .store
            .write_system(async move |tx| {
                let replaced = tx.user_password_replace(user, &old, &new).await?;
                tx.commit(Audit::None("the same password, hashed as is done today"), replaced)
            })
            .await
            .map(drop)
    }

    /// Takes note of a wrong proof, without waiting.
    pub(crate) fn sign_in_refused(&self, caller: &Caller, user: Option<UserId>) {
        self.refused(Refusal {
            code: Code::SignInFailed,
            by: Refused::SignIn(user),
            route: "sign-in".to_owned(),
            request: caller.request.unwrap_or_else(|| RequestId::new(self.now(), self.entropy())),
            source: caller.client,
        });
    }
}
