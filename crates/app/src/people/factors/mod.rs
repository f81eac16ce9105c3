//! A person's own factors: the authenticator app, passkeys and recovery codes; and proving by them.
//!
//! Threat note. Defends against: somebody at an open session changing what its person proves themselves with (each
//! change wants a proof not older than five minutes, is audited, and its person is told); a factor used twice, by
//! whatever way and however many at once (each use is a compare-and-set in the store); taking away the last factor of
//! whoever owes one; a session, a token or a copy of one that goes on with a factor that is gone (only the session that asks stays, under
//! another token). Does not defend against:
//! somebody who holds the session and all factors.

mod passkeys;
mod proving;
mod recovery;
mod second_step;
mod totp;

pub use passkeys::{PasskeyStart, PasskeyView};
pub use proving::SecondFactor;
pub use second_step::FactorsOffered;
pub use totp::TotpEnrolment;

use gatepost_core::access::{Person, TokenDigest};
use gatepost_core::audit::{Action, AuditEntry};
use gatepost_core::{Code, Error, Result, Secret, Timestamp, UserId};
use gatepost_store::{FactorCount, SystemTx, UserRow, WorkspaceScope};

use super::Caller;
use super::sessions::session_alone;
use crate::App;
use crate::notices::{Notice, Told};

/// The factors of an account, as its person sees them.
#[derive(Debug, Clone)]
pub struct FactorsView {
    pub password: bool,
    /// Since when the authenticator app counts.
    pub totp: Option<Timestamp>,
    pub passkeys: Vec<PasskeyView>,
    /// Recovery codes that were not used.
    pub recovery_codes: i64,
    /// A workspace of the person or their role as operator asks for a second factor.
    pub second_factor_owed: bool,
}

/// What a person gets who added a factor or made codes.
#[derive(Default)]
pub struct FactorAdded {
    /// To be shown once. With the first second factor they come by themselves.
    pub recovery_codes: Vec<Secret<String>>,
    /// The session's new token: what it may do has changed.
    pub token: Option<Secret<String>>,
}

impl App {
    /// The person's factors.
    ///
    /// Errors: `session_confined`.
    pub async fn factors_of(&self, person: &Person) -> Result<FactorsView> {
        person.unconfined()?;
        let id = person.user();
        let (user, count, passkeys) = self
            .0
            .store
            .read_system(async move |tx| {
                Ok((tx.user_get(id).await?, tx.factors(id).await?, tx.passkey_list(id).await?))
            })
            .await?;
        let (Some(user), Some(count)) = (user, count) else {
            return Err(Error::of(Code::SessionEnded));
        };
        let keys = self.0.sealing.keys(WorkspaceScope::platform()).await?;
        Ok(FactorsView {
            password: count.password,
            totp: user.totp_confirmed_at,
            passkeys: passkeys
                .iter()
                .map(|row| passkeys::passkey_view(&keys, row))
                .collect::<Result<Vec<_>>>()?,
            recovery_codes: count.recovery_codes,
            second_factor_owed: count.second_factor_owed,
        })
    }

    /// The row of somebody who changes their own factors: the proof is fresh, the account stands.
    ///
    /// Errors: `reauth_required`, `session_ended`.
    async fn factor_owner(&self, person: &Person) -> Result<UserRow> {
        person.fresh(self.now())?;
        self.user_row_of(person.user()).await?.ok_or_else(|| Error::of(Code::SessionEnded))
    }

    /// An account that is not disabled.
    async fn user_row_of(&self, user: UserId) -> Result<Option<UserRow>> {
        let row = self.0.store.read_system(async move |tx| tx.user_get(user).await).await?;
        Ok(row.filter(|row| row.disabled_at.is_none()))
    }

    /// Tells a person of a change of their factors: in the console, and by e-mail.
    async fn tell_factor(&self, user: &UserRow, caller: &Caller, what: &'static str) -> Result<Told> {
        self.tell(user, Notice::factor_changed(what, &caller.trigger(self.now()))).await
    }

    fn audit_factor(&self, person: &Person, caller: &Caller, action: Action, factor: &str) -> AuditEntry {
        let target = ("user", person.user().to_string());
        let mut entry = self.audit_person(caller, person.actor(), Some(person.credential()), action, target);
        entry.details.push(("factor", factor.to_owned()));
        entry
    }

    /// After the commit of a change that gave the session more: another token for it.
    async fn factor_token(
        &self,
        person: &Person,
        old: Option<TokenDigest>,
    ) -> Result<Option<Secret<String>>> {
        match old {
            Some(old) => self.session_renew_now(person.session(), old).await,
            None => Ok(None),
        }
    }
}

/// Takes note, in the transaction that adds a factor, that the session's person has proved it; the digest of the
/// token that is to be replaced.
async fn session_strengthened(
    tx: &SystemTx<'_>,
    person: &Person,
    now: Timestamp,
) -> Result<Option<TokenDigest>> {
    let Some(row) = tx.session_get(person.session()).await? else {
        return Err(Error::of(Code::SessionEnded));
    };
    tx.session_proved(person.session(), now, true).await?;
    Ok(Some(row.session.digest))
}

/// Whether an account can still be opened with what is left of its factors and of the accounts at providers
/// (`identities` of them) that open it.
///
/// Errors: `last_factor`.
pub(super) fn a_way_in(left: FactorCount, identities: usize) -> Result<()> {
    if left.password || left.passkeys > 0 || identities > 0 {
        Ok(())
    } else {
        Err(Error::of(Code::LastFactor))
    }
}

/// Whether that is enough for an account: a way in, and the second factor that it owes.
///
/// Errors: `last_factor`.
fn enough(left: FactorCount, identities: usize) -> Result<()> {
    a_way_in(left, identities)?;
    if left.second_factor_owed && !left.totp && left.passkeys == 0 {
        return Err(Error::of(Code::LastFactor));
    }
    Ok(())
}

/// Lets the person's present session alone go on, under another token, with what is left of the factors; the epoch to
/// wait for.
async fn sessions_narrowed(
    tx: &SystemTx<'_>,
    person: &Person,
    left: FactorCount,
    token: &TokenDigest,
    now: Timestamp,
) -> Result<i64> {
    let (_, epoch) = session_alone(tx, person, token, now).await?;
    if !left.totp
        && left.passkeys == 0
        && let Some(row) = tx.session_get(person.session()).await?
    {
        tx.session_proved(person.session(), row.session.proved_at, false).await?;
    }
    Ok(epoch)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_keeps_a_way_in_and_the_second_factor_that_it_owes() {
        let left = |password, totp, passkeys, identities, second_factor_owed| {
            let left = FactorCount { password, totp, passkeys, recovery_codes: 10, second_factor_owed };
            enough(left, identities).is_ok()
        };
        assert!(left(true, false, 0, 0, false));
        assert!(left(true, true, 0, 0, true));
        assert!(left(true, false, 1, 0, true));
        assert!(left(false, false, 1, 0, true), "a passkey alone is two factors");
        assert!(left(false, false, 0, 1, false), "a provider's word opens the account");
        assert!(left(false, true, 0, 1, true));
        assert!(!left(false, false, 0, 1, true), "a provider's word is no second factor of the account");
        assert!(!left(true, false, 0, 0, true), "recovery codes are no second factor");
        assert!(!left(false, true, 0, 0, false), "an app alone opens nothing");
        assert!(!left(false, false, 0, 0, false));
    }
}
