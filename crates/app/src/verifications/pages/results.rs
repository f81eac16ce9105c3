//! What a visitor brings back to the site: a token that says, once and to the site's own key alone, that they proved their
//! number at one of its pages.
//!
//! Threat note. The token is 256 random bits, of which only the digest is kept: who has none cannot make one, and a copy of
//! the database makes none. Defends against: a result that is used twice (it is taken out of the table by whoever comes
//! first), that is kept for later (ten minutes), that another workspace or the other mode shows (nothing is told, and it
//! stays good for whom it is).
//! Does not defend against: whoever reads the visitor's address bar and is faster than the site.

use std::time::Duration;

use gatepost_core::access::{Grant, permission};
use gatepost_core::audit::Audit;
use gatepost_core::{Code, Error, Result, Secret, VerificationId, VerificationPageId};
use gatepost_store::{TicketKind, WorkspaceScope};
use serde::{Deserialize, Serialize};

use super::visits::{OpenPage, PageVisit};
use crate::App;
use crate::people::{TicketNew, ticket_digest, ticket_state_open};
use crate::verifications::view::{VerificationView, view};

/// How long a result is good.
const RESULT_FOR: Duration = Duration::from_mins(10);

/// What is kept with a result.
#[derive(Serialize, Deserialize)]
struct Kept {
    page: VerificationPageId,
    state: Option<String>,
}

/// What a result says.
pub struct VerificationResult {
    pub verification: VerificationView,
    pub page: VerificationPageId,
    /// What the site gave along when its visitor left for the page.
    pub state: Option<String>,
}

impl App {
    /// A result for a visitor whose verification was approved just now.
    pub(super) async fn verification_result(
        &self,
        page: &OpenPage,
        visit: &PageVisit,
        id: VerificationId,
    ) -> Result<Secret<String>> {
        let kept = Kept { page: page.id, state: visit.state.clone() };
        let (token, row) = self
            .ticket(TicketNew {
                kind: TicketKind::VerificationResult,
                user: None,
                workspace: Some(page.workspace()),
                subject: Some(id.uuid()),
                state: Some(serde_json::to_vec(&kept).map_err(Error::internal)?),
                lives: RESULT_FOR,
            })
            .await?;
        self.0
            .store
            .write_system(async move |tx| {
                tx.ticket_put(&row).await?;
                tx.commit(Audit::None("verifications are in their own log"), ())
            })
            .await?;
        Ok(token)
    }

    /// Takes a result that a visitor brought back: good once.
    ///
    /// Errors: `result_token_invalid`.
    pub async fn verification_result_take(
        &self,
        grant: &Grant<permission::VerificationCheck>,
        token: &str,
    ) -> Result<VerificationResult> {
        let invalid = || Error::of(Code::ResultTokenInvalid);
        let scope = WorkspaceScope::from(grant);
        let (digest, now) = (ticket_digest(token), self.now());
        let kind = TicketKind::VerificationResult;
        let found =
            self.0.store.read_system(async move |tx| tx.ticket_peek(&digest, kind, now).await).await?;
        let ticket =
            found.filter(|ticket| ticket.workspace == Some(scope.workspace())).ok_or_else(invalid)?;
        let id = VerificationId::from_uuid(ticket.subject.ok_or_else(invalid)?);
        let row = self.0.store.read(scope, async move |tx| tx.verification_get(id).await).await?;
        let seen = |row: &gatepost_store::VerificationRow| grant.sees(row.mode) && grant.reaches(row.channel);
        let row = row.filter(seen).ok_or_else(invalid)?;
        let taken = self
            .0
            .store
            .write_system(async move |tx| {
                let taken = tx.ticket_take(&digest, kind, now).await?;
                tx.commit(Audit::None("verifications are in their own log"), taken)
            })
            .await?
            .ok_or_else(invalid)?;
        let platform = self.0.sealing.keys(WorkspaceScope::platform()).await?;
        let state = ticket_state_open(&platform, &taken)?.ok_or_else(invalid)?;
        let kept: Kept = serde_json::from_slice(state.expose()).map_err(Error::internal)?;
        let keys = self.0.sealing.keys(scope).await?;
        Ok(VerificationResult {
            verification: view(&keys, &row, true, now)?,
            page: kept.page,
            state: kept.state,
        })
    }
}
