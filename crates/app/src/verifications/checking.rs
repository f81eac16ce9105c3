//! Checking a code that a person typed.
//!
//! Threat note. Defends against: two tries that share a count, and a right code that approves twice (the row is held from
//! before the count until the commit, and a wrong try is committed like a right one); guessing by time (digests are
//! compared in constant time, and nothing is compared beyond the last try).
//! Does not defend against: somebody who begins verification after verification; the rules against fraud do.

use std::sync::Arc;

use gatepost_core::access::{Grant, permission};
use gatepost_core::audit::Audit;
use gatepost_core::channel::Mode;
use gatepost_core::verification::{
    Flow, Proof, Standing, Verdict, VerificationCode, VerificationState, proof_of_test_code,
};
use gatepost_core::{Code, Error, Result, VerificationId};
use gatepost_store::{VerificationRow, WorkspaceScope};
use gatepost_vault::{WorkspaceKeys, constant_time_eq};
use serde_json::json;

use super::code_digest;
use super::ending::end;
use super::view::{VerificationView, view};
use crate::App;

/// Looks at a code. Whoever calls it holds the row, and has counted the try.
fn prove(keys: &WorkspaceKeys, row: &VerificationRow, code: &VerificationCode) -> Proof {
    if let (Mode::Test, Some(proof)) = (row.mode, proof_of_test_code(code.digits())) {
        return proof;
    }
    let given = code_digest(keys, row.id, row.standing.generation, code);
    let right = row.code_digest.as_deref().is_some_and(|kept| constant_time_eq(kept, &given));
    if right { Proof::Right } else { Proof::Wrong }
}

/// What whoever checks is told of a verdict that is no approval.
fn refusal(verdict: Verdict, standing: &Standing) -> Option<Error> {
    let code = match verdict {
        Verdict::Approved => return None,
        Verdict::Wrong => Code::InvalidCode,
        Verdict::Blocked | Verdict::Over(VerificationState::Blocked) => Code::CodeBlocked,
        Verdict::Expired | Verdict::Over(VerificationState::Expired) => Code::CodeExpired,
        Verdict::Over(VerificationState::Approved) => Code::AlreadyApproved,
        Verdict::Over(VerificationState::Cancelled) => Code::VerificationCancelled,
        Verdict::Over(VerificationState::Failed | VerificationState::Pending) => Code::VerificationFailed,
    };
    let details = json!({ "state": standing.state, "attempts_left": standing.attempts_left() });
    Some(Error::of(code).with_details(details))
}

impl App {
    /// Tries a code. The right one approves the verification, once; everything else is an error, and a wrong code costs
    /// a try.
    ///
    /// Errors: `not_found`, `invalid_code`, `expired`, `blocked`, `already_approved`, `verification_cancelled`,
    /// `verification_failed`, `verification_inbound`.
    pub async fn verification_check(
        &self,
        grant: &Grant<permission::VerificationCheck>,
        id: VerificationId,
        code: VerificationCode,
    ) -> Result<VerificationView> {
        let scope = WorkspaceScope::from(grant);
        let keys = self.0.sealing.keys(scope).await?;
        let now = self.now();
        let (app, sealing, seer, code) = (self.clone(), Arc::clone(&keys), grant.clone(), Arc::new(code));
        let (row, verdict) = self
            .0
            .store
            .write(scope, async move |tx| {
                let row = tx.verification_hold(id).await?;
                let row = row.filter(|row| seer.sees(row.mode) && seer.reaches(row.channel));
                let mut row = row.ok_or_else(|| Error::of(Code::NotFound))?;
                // Whoever asks knows this code already: it proves nothing here.
                if row.flow == Flow::Inbound {
                    return Err(Error::of(Code::VerificationInbound));
                }
                let (standing, verdict) = row.standing.check(now, || prove(&sealing, &row, &code));
                let before = std::mem::replace(&mut row.standing, standing);
                if standing.state != before.state {
                    end(&app, tx, &sealing, &mut row, now).await?;
                } else if standing != before {
                    tx.verification_update(&row).await?;
                }
                tx.commit(Audit::None("verifications are in their own log"), (row, verdict))
            })
            .await?;
        let told = match verdict {
            Verdict::Approved => "approved",
            Verdict::Wrong => "wrong",
            Verdict::Blocked => "blocked",
            Verdict::Expired => "expired",
            Verdict::Over(_) => "over",
        };
        metrics::counter!("gatepost_verification_checks_total", "verdict" => told).increment(1);
        match refusal(verdict, &row.standing) {
            None => view(&keys, &row, true, now),
            Some(refusal) => Err(refusal),
        }
    }
}
