//! Recovery codes: ten at a time, each good once.

use gatepost_core::access::Person;
use gatepost_core::audit::Action;
use gatepost_core::{Code, Error, Result, Secret, UserId};
use gatepost_vault::RecoveryCode;

use super::super::Caller;
use super::FactorAdded;
use crate::App;

impl App {
    /// New codes of a person: their texts, to be shown once, and what is kept of them.
    pub(super) fn recovery_code_set(&self, user: UserId) -> (Vec<Secret<String>>, Vec<[u8; 32]>) {
        let codes = RecoveryCode::generate_set(self.entropy());
        let digests = codes.iter().map(|code| *code.digest(user).as_bytes()).collect();
        (codes.iter().map(RecoveryCode::to_text).collect(), digests)
    }

    /// Makes new recovery codes; the old ones are void. They are shown once.
    ///
    /// Errors: `reauth_required`, `conflict` without a second factor that they could stand in for.
    pub async fn recovery_codes_make(&self, person: &Person, caller: &Caller) -> Result<FactorAdded> {
        let user = self.factor_owner(person).await?;
        let id = user.id;
        let told = self.tell_factor(&user, caller, "New recovery codes were made for your account").await?;
        let (recovery_codes, digests) = self.recovery_code_set(id);
        let audit = self.audit_factor(person, caller, Action::RecoveryCodesMade, "recovery_codes");
        self.0
            .store
            .write_system(async move |tx| {
                let held = tx.factors_hold(id).await?.ok_or_else(|| Error::of(Code::SessionEnded))?;
                if !held.totp && held.passkeys == 0 {
                    let detail = "recovery codes stand in for a second factor, and this account has none";
                    return Err(Error::new(Code::Conflict, detail));
                }
                tx.recovery_codes_replace(id, &digests).await?;
                told.write(tx).await?;
                tx.commit(audit.clone(), ())
            })
            .await?;
        Ok(FactorAdded { recovery_codes, token: None })
    }
}
