//! From an e-mail address to a session.

use std::time::Duration;

use gatepost_core::access::SessionKind;
use gatepost_core::{Code, EmailAddress, Error, Result, Secret};
use gatepost_store::{TicketKind, WorkspaceScope};

use super::sessions::Proofs;
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

impl App {
    /// The first step with a password. Whatever is wrong has one answer.
    ///
    /// Errors: `sign_in_failed`.
    pub async fn sign_in_password(
        &self,
        caller: &Caller,
        kind: SessionKind,
        email: &str,
        password: &Secret<String>,
    ) -> Result<SignIn> {
        let refused = || Error::of(Code::SignInFailed);
        let keys = self.0.sealing.keys(WorkspaceScope::platform()).await?;
        let index = email_index(&keys, &EmailAddress::parse(email).map_err(|_| refused())?);
        let user = self.0.store.read_system(async move |tx| tx.user_find(&index).await).await?;
        let user = user.ok_or_else(refused)?;
        let sealed = user.password.as_deref().ok_or_else(refused)?;
        let stored = UserColumn::Password.open_text(&keys, user.id, sealed)?;
        if !self.password_verify(password, stored).await? || user.disabled_at.is_some() {
            return Err(refused());
        }
        let id = user.id;
        let factors = self.0.store.read_system(async move |tx| tx.factors(id).await).await?;
        if factors.is_some_and(|factors| factors.totp || factors.passkeys > 0) {
            let new = TicketNew {
                kind: TicketKind::SignIn,
                user: Some(user.id),
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
                    tx.commit(gatepost_core::audit::Audit::None("half a sign-in"), ())
                })
                .await?;
            return Ok(SignIn::SecondFactor { ticket });
        }
        let proofs = Proofs { how: "password", second_factor: false, provider: None };
        self.session_begin(caller, user.id, kind, proofs).await.map(SignIn::Done)
    }
}
