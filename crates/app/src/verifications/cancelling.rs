//! Taking a verification back.

use std::sync::Arc;

use gatepost_core::access::{Grant, permission};
use gatepost_core::audit::Audit;
use gatepost_core::verification::VerificationState;
use gatepost_core::{Code, Error, Result, VerificationId};
use gatepost_store::WorkspaceScope;
use serde_json::json;

use super::ending::end;
use super::view::{VerificationView, view};
use crate::App;

/// Why nothing more happens to a verification.
pub(super) fn over(state: VerificationState) -> Error {
    Error::new(Code::VerificationNotPending, format!("the verification is {state}"))
        .with_details(json!({ "state": state }))
}

impl App {
    /// Ends a verification: its code is good for nothing from then on, and is not sent where it still waits.
    ///
    /// Errors: `not_found`, `verification_not_pending`.
    pub async fn verification_cancel(
        &self,
        grant: &Grant<permission::VerificationStart>,
        id: VerificationId,
    ) -> Result<VerificationView> {
        let scope = WorkspaceScope::from(grant);
        let keys = self.0.sealing.keys(scope).await?;
        let now = self.now();
        let (app, sealing, seer) = (self.clone(), Arc::clone(&keys), grant.clone());
        let row = self
            .0
            .store
            .write(scope, async move |tx| {
                let row = app.verification_hold(tx, id).await?;
                let row = row.filter(|row| seer.sees(row.mode) && seer.reaches(row.channel));
                let mut row = row.ok_or_else(|| Error::of(Code::NotFound))?;
                row.standing = row.standing.cancel(now).map_err(over)?;
                app.code_withdraw(tx, &sealing, &row, now).await?;
                end(&app, tx, &sealing, &mut row, now).await?;
                tx.commit(Audit::None("verifications are in their own log"), row)
            })
            .await?;
        view(&keys, &row, true, now)
    }
}
