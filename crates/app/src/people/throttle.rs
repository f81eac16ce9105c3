//! How often somebody may guess at passwords and codes.
//!
//! Guesses are counted in the store, so all nodes count together: by account, whether there is one or not and however
//! its address is spelt, and by the caller's address. A guess is counted before it is looked at, and taken back when it
//! was right, so many at once are no more than many one after the other.
//!
//! Threat note. Defends against: guessing from one address or from thousands (at most [`GuessRules::account_most`] guesses at an
//! account in a day's count, so no span of 24 hours holds more than a hundred; waits that grow before that), trying one
//! password on many accounts from one address, learning from the answer that an account is throttled (it is the answer
//! to a wrong password), shutting somebody out by guessing at their account (a browser that signed in before is counted by
//! itself, a passkey and an identity provider are not counted here at all, and a link by e-mail sets a new password).
//! Does not defend against: a guesser with very many addresses and accounts, who has a few guesses at each.

use std::time::Duration;

use gatepost_core::audit::Audit;
use gatepost_core::{ClientAddr, Code, Error, Result, Timestamp};
use gatepost_store::{FailureCount, SystemTx, WorkspaceScope};
use gatepost_vault::{WorkspaceKeys, sha256};

use super::Caller;
use crate::App;
use crate::limits::neighbourhood;

/// How long failures are added up, from the first of them.
const COUNTED_FOR: Duration = Duration::from_hours(24);
const ACCOUNT_WAIT_MOST: Duration = Duration::from_mins(15);
const ADDRESS_WAIT_MOST: Duration = Duration::from_mins(5);
/// Others may count at the same time; whoever loses so often in a row is not heard.
const TRIES: usize = 8;

/// How many guesses are looked at. No configuration changes it: an installation has the default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GuessRules {
    /// Guesses at one account within one count: half a hundred, since a span of 24 hours can lie across two counts.
    pub account_most: i64,
    /// That many are looked at without a wait: people mistype.
    pub account_free: i64,
    /// The same from one address, which may be that of a whole office.
    pub address_free: i64,
}

impl Default for GuessRules {
    fn default() -> Self {
        Self { account_most: 50, account_free: 5, address_free: 20 }
    }
}

impl GuessRules {
    /// As many as somebody likes; for tests of other things.
    pub const fn off() -> Self {
        Self { account_most: i64::MAX, account_free: i64::MAX, address_free: i64::MAX }
    }
}

/// A guess that was counted.
pub(crate) struct Guess {
    account: [u8; 16],
    address: Option<[u8; 16]>,
}

/// What is counted together.
#[derive(Debug, Clone, Copy)]
enum Rule {
    Account,
    Address,
}

impl Rule {
    /// How long after the last failure the next guess is looked at; `None`: not before counting begins anew.
    fn wait(self, rules: GuessRules, failures: i64) -> Option<Duration> {
        let (free, longest) = match self {
            Self::Account if failures >= rules.account_most => return None,
            Self::Account => (rules.account_free, ACCOUNT_WAIT_MOST),
            Self::Address => (rules.address_free, ADDRESS_WAIT_MOST),
        };
        let Ok(over) = u32::try_from(failures.saturating_sub(free)) else { return Some(Duration::ZERO) };
        Some(Duration::from_secs(1 << over.min(20)).min(longest))
    }

    /// The count with one more failure; or how long to wait.
    fn next(
        self,
        rules: GuessRules,
        known: Option<FailureCount>,
        now: Timestamp,
    ) -> Result<FailureCount, Duration> {
        let fresh = FailureCount { failures: 1, first_at: now, last_at: now };
        let Some(known) = known.filter(|known| now < known.first_at.plus(COUNTED_FOR)) else {
            return Ok(fresh);
        };
        let due = self
            .wait(rules, known.failures)
            .map_or(known.first_at.plus(COUNTED_FOR), |wait| known.last_at.plus(wait));
        if now < due {
            return Err(due.since(now));
        }
        Ok(FailureCount { failures: known.failures + 1, first_at: known.first_at, last_at: now })
    }
}

/// The name under which guesses at an account are counted. A browser that its person signed in with is counted by itself.
pub(crate) fn account_subject(
    keys: &WorkspaceKeys,
    email_index: &[u8; 16],
    device: Option<&[u8; 32]>,
) -> [u8; 16] {
    let mut text = email_index.to_vec();
    text.extend_from_slice(device.map_or(&[], <[u8; 32]>::as_slice));
    keys.blind_index("sign_in.account", &text)
}

/// The name under which guesses from an address are counted.
fn address_subject(keys: &WorkspaceKeys, client: ClientAddr) -> [u8; 16] {
    keys.blind_index("sign_in.address", neighbourhood(client).to_string().as_bytes())
}

/// All names under which guesses at an account may have been counted for this caller.
pub(crate) fn account_subjects(
    keys: &WorkspaceKeys,
    email_index: &[u8; 16],
    device: Option<&[u8; 32]>,
) -> Vec<[u8; 16]> {
    let own = device.map(|device| account_subject(keys, email_index, Some(device)));
    std::iter::once(account_subject(keys, email_index, None)).chain(own).collect()
}

/// Why a guess is not looked at.
enum Throttled {
    Account,
    Address(Duration),
}

async fn count(
    tx: &SystemTx<'_>,
    rules: GuessRules,
    rule: Rule,
    subject: &[u8; 16],
    now: Timestamp,
) -> Result<Result<bool, Duration>> {
    let known = tx.failure_count(subject).await?;
    match rule.next(rules, known, now) {
        Err(wait) => Ok(Err(wait)),
        Ok(next) => Ok(Ok(tx.failure_replace(subject, known, next).await?)),
    }
}

impl App {
    /// Counts a guess, before anything is looked at.
    ///
    /// Errors: `rate_limited` where the caller's address guessed too often; `sign_in_failed`, as for a wrong guess, where
    /// the account was guessed at too often.
    pub(crate) async fn guess_begin(
        &self,
        keys: &WorkspaceKeys,
        account: [u8; 16],
        client: Option<ClientAddr>,
    ) -> Result<Guess> {
        let address = client.map(|client| address_subject(keys, client));
        let (now, rules) = (self.now(), self.0.config.guesses);
        // Most of a flood ends here, and writes nothing.
        let looked = self
            .0
            .store
            .read_system(async move |tx| {
                let of_address = match &address {
                    Some(address) => tx.failure_count(address).await?,
                    None => None,
                };
                Ok((of_address, tx.failure_count(&account).await?))
            })
            .await?;
        if let Err(wait) = Rule::Address.next(rules, looked.0, now) {
            return Err(refused(&Throttled::Address(wait)));
        }
        if Rule::Account.next(rules, looked.1, now).is_err() {
            return Err(refused(&Throttled::Account));
        }
        for _ in 0..TRIES {
            let counted = self
                .0
                .store
                .write_system(async move |tx| {
                    if let Some(address) = &address {
                        match count(tx, rules, Rule::Address, address, now).await? {
                            Ok(true) => {}
                            Ok(false) => return tx.commit(NO_AUDIT, Ok(false)),
                            Err(wait) => return tx.commit(NO_AUDIT, Err(Throttled::Address(wait))),
                        }
                    }
                    let known = tx.failure_count(&account).await?;
                    match Rule::Account.next(rules, known, now) {
                        Err(_) => {
                            // It was not looked at, so it is none of the address either.
                            if let Some(address) = &address {
                                tx.failure_take_back(address).await?;
                            }
                            tx.commit(NO_AUDIT, Err(Throttled::Account))
                        }
                        Ok(next) if tx.failure_replace(&account, known, next).await? => {
                            tx.commit(NO_AUDIT, Ok(true))
                        }
                        Ok(_) => Err(Error::of(Code::Conflict)),
                    }
                })
                .await;
            match counted {
                Ok(Ok(true)) => return Ok(Guess { account, address }),
                Ok(Err(throttled)) => return Err(refused(&throttled)),
                // Somebody else counted at the same time.
                Ok(Ok(false)) => {}
                Err(error) if error.code() == Code::Conflict => {}
                Err(error) => return Err(error),
            }
        }
        Err(refused(&Throttled::Account))
    }

    /// The guess was right: it is counted nowhere. What was counted before stays until the person is signed in.
    pub(crate) async fn guess_right(&self, guess: Guess) -> Result<()> {
        self.0
            .store
            .write_system(async move |tx| {
                tx.failure_take_back(&guess.account).await?;
                if let Some(address) = &guess.address {
                    tx.failure_take_back(address).await?;
                }
                tx.commit(NO_AUDIT, ())
            })
            .await
    }
}

impl App {
    /// The person is known again: what was counted at their account for this browser is forgiven.
    pub(crate) async fn guesses_forgive(&self, caller: &Caller, email_index: [u8; 16]) -> Result<()> {
        let keys = self.0.sealing.keys(WorkspaceScope::platform()).await?;
        let device = caller.device.as_ref().map(|device| sha256(device.as_bytes()));
        let subjects = account_subjects(&keys, &email_index, device.as_ref());
        self.0
            .store
            .write_system(async move |tx| {
                for subject in &subjects {
                    tx.failures_forgive(subject).await?;
                }
                tx.commit(NO_AUDIT, ())
            })
            .await
    }
}

const NO_AUDIT: Audit =
    Audit::None("a count of guesses; what they open, and those that open nothing, is audited");

fn refused(throttled: &Throttled) -> Error {
    let of = match throttled {
        Throttled::Account => "account",
        Throttled::Address(_) => "address",
    };
    metrics::counter!("gatepost_sign_in_throttled_total", "of" => of).increment(1);
    match throttled {
        Throttled::Account => Error::of(Code::SignInFailed).with_context("the account is throttled"),
        Throttled::Address(wait) => {
            Error::new(Code::RateLimited, "too many failed attempts from your address")
                .with_retry_after((*wait).max(Duration::from_secs(1)))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Somebody who guesses as soon as they may, from `start` on; when each guess was looked at.
    fn guesses(rule: Rule, span: Duration) -> Vec<Timestamp> {
        let start = Timestamp::from_seconds(1_000_000);
        let (mut now, mut known, mut looked_at) = (start, None, Vec::new());
        while now < start.plus(span) {
            match rule.next(GuessRules::default(), known, now) {
                Ok(next) => {
                    known = Some(next);
                    looked_at.push(now);
                }
                Err(wait) => now = now.plus(wait),
            }
        }
        looked_at
    }

    #[test]
    fn no_day_holds_more_than_a_hundred_guesses_at_an_account() {
        let looked_at = guesses(Rule::Account, Duration::from_hours(24 * 5));
        for (index, begin) in looked_at.iter().enumerate() {
            let within = looked_at[index..].iter().take_while(|at| **at < begin.plus(COUNTED_FOR)).count();
            assert!(within <= 100, "{within} from {begin}");
        }
        assert!(looked_at.len() >= 200, "counting begins anew: {}", looked_at.len());
    }

    #[test]
    fn waits_grow_and_end() {
        let wait =
            |rule: Rule, failures| rule.wait(GuessRules::default(), failures).map(|wait| wait.as_secs());
        let of_account: Vec<_> = (4..9).map(|failures| wait(Rule::Account, failures)).collect();
        assert_eq!(of_account, [Some(0), Some(1), Some(2), Some(4), Some(8)]);
        assert_eq!((wait(Rule::Account, 49), wait(Rule::Account, 50)), (Some(900), None));
        assert_eq!((wait(Rule::Address, 19), wait(Rule::Address, 20)), (Some(0), Some(1)));
        assert_eq!(wait(Rule::Address, 1_000_000), Some(300));
    }
}
