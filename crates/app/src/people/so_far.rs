//! What was proved in the first step of a sign-in, kept in its ticket until the second.
//!
//! Threat note. Defends against a second step that makes more of the first than it was: what a workspace's identity
//! provider opened stays in that workspace after a second factor too, and never becomes an operator's session.

use std::time::Duration;

use gatepost_core::access::SessionKind;
use gatepost_core::audit::Audit;
use gatepost_core::{Code, Error, IdentityProviderId, Result, Secret, UserId, WorkspaceId};
use gatepost_store::{TicketKind, TicketRow, WorkspaceScope};
use serde::{Deserialize, Serialize};

use super::factors::SecondFactor;
use super::sessions::{Proofs, Through};
use super::tickets::{TicketNew, ticket_state_open};
use crate::App;

/// How long somebody may take between two steps.
const STEP: Duration = Duration::from_mins(10);

/// A first step through an identity provider. A ticket without a state is of a password.
#[derive(Serialize, Deserialize)]
struct SsoStep {
    /// Set where it is a workspace's own provider.
    through: Option<(IdentityProviderId, WorkspaceId)>,
}

impl App {
    /// A ticket for the second step of somebody whom a provider spoke for.
    pub(super) async fn sso_step_ticket(
        &self,
        user: UserId,
        through: Option<Through>,
    ) -> Result<Secret<String>> {
        let step = SsoStep { through: through.map(|t| (t.provider, t.workspace)) };
        let new = TicketNew {
            kind: TicketKind::SignIn,
            user: Some(user),
            workspace: None,
            subject: None,
            state: Some(serde_json::to_vec(&step).map_err(Error::internal)?),
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
        Ok(ticket)
    }

    /// The proofs of a session that began with the ticket's step and ended with this second factor.
    pub(super) async fn proofs_with(
        &self,
        ticket: &TicketRow,
        kind: SessionKind,
        proof: &SecondFactor,
    ) -> Result<Proofs> {
        let keys = self.0.sealing.keys(WorkspaceScope::platform()).await?;
        let state = ticket_state_open(&keys, ticket)?;
        let step: Option<SsoStep> = match &state {
            Some(state) => Some(serde_json::from_slice(state.expose()).map_err(Error::internal)?),
            None => None,
        };
        if step.is_some() && kind != SessionKind::Console {
            return Err(Error::of(Code::SignInFailed));
        }
        let how = match (proof, &step) {
            (SecondFactor::Totp(_), None) => "password+totp",
            (SecondFactor::RecoveryCode(_), None) => "password+recovery_code",
            (SecondFactor::Passkey { .. }, None) => "password+passkey",
            (SecondFactor::Totp(_), Some(_)) => "sso+totp",
            (SecondFactor::RecoveryCode(_), Some(_)) => "sso+recovery_code",
            (SecondFactor::Passkey { .. }, Some(_)) => "sso+passkey",
        };
        let through = step.and_then(|step| step.through);
        let provider = through.map(|(provider, workspace)| Through { provider, workspace });
        Ok(Proofs { how, second_factor: true, provider })
    }
}
