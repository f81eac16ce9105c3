//! A sign-in under way, between the page that began it and the provider's callback.

use gatepost_core::{Entropy, Secret, Timestamp};
use gatepost_vault::{Sha256, constant_time_eq, random_token, sha256};
use serde::{Deserialize, Serialize};
use std::time::Duration;

use super::fault::{SsoFault, SsoReason};
use super::provider::Provider;

/// How long somebody may take at the provider.
const LIFE: Duration = Duration::from_mins(10);
/// Clocks of two nodes may differ by so much.
const SKEW: Duration = Duration::from_mins(1);

/// What must be kept until the callback comes. It belongs to one browser and one provider, is good for ten minutes, and
/// must be given out once: whoever keeps it deletes it with the same step that reads it. Not `Debug`, and to be kept
/// sealed: it holds the verifier.
pub struct Attempt {
    pub(super) nonce: Secret<String>,
    pub(super) verifier: Secret<String>,
    pub(super) redirect_uri: String,
    pub(super) started_at: Timestamp,
    /// Whether the person must prove themselves at the provider now, whether signed in there or not.
    pub(super) afresh: bool,
    /// The caller's name of the provider.
    provider: String,
    /// What the provider was like: a changed one does not finish what another began.
    likeness: [u8; 32],
    state: [u8; 32],
    browser: [u8; 32],
}

/// An attempt that has begun.
pub struct Started {
    /// Where the browser goes.
    pub url: String,
    /// What is kept meanwhile, under [`Attempt::state_digest`].
    pub attempt: Attempt,
}

/// What the browser brings back: the parameters of the callback, as they were decoded.
#[derive(Default)]
pub struct Callback {
    /// `state`.
    pub state: String,
    /// `code`.
    pub code: Option<String>,
    /// `iss` (RFC 9207).
    pub iss: Option<String>,
    /// `error`; its description is not of interest.
    pub error: Option<String>,
}

#[derive(Serialize, Deserialize)]
struct Kept<'a> {
    nonce: &'a str,
    verifier: &'a str,
    redirect_uri: &'a str,
    started_at: i64,
    afresh: bool,
    provider: &'a str,
    likeness: [u8; 32],
    state: [u8; 32],
    browser: [u8; 32],
}

impl Attempt {
    /// A new attempt, and the `state` that goes out with it.
    pub(super) fn begin(
        entropy: &dyn Entropy,
        now: Timestamp,
        key: &str,
        provider: &Provider,
        browser: &str,
        redirect_uri: &str,
        afresh: bool,
    ) -> (Self, Secret<String>) {
        let state = random_token("", entropy);
        let attempt = Self {
            nonce: random_token("", entropy),
            verifier: random_token("", entropy),
            redirect_uri: redirect_uri.to_owned(),
            started_at: now,
            afresh,
            provider: key.to_owned(),
            likeness: likeness(provider),
            state: Self::digest_of(state.expose()),
            browser: sha256(browser.as_bytes()),
        };
        (attempt, state)
    }

    /// What an attempt is found by: the digest of the callback's `state`.
    pub fn digest_of(state: &str) -> [u8; 32] {
        sha256(state.as_bytes())
    }

    /// The same of this attempt.
    pub const fn state_digest(&self) -> [u8; 32] {
        self.state
    }

    /// After this it is of no use to anybody.
    pub fn expires_at(&self) -> Timestamp {
        self.started_at.plus(LIFE)
    }

    /// The form to be sealed and kept.
    pub fn to_bytes(&self) -> Secret<Vec<u8>> {
        let kept = Kept {
            nonce: self.nonce.expose(),
            verifier: self.verifier.expose(),
            redirect_uri: &self.redirect_uri,
            started_at: self.started_at.micros(),
            afresh: self.afresh,
            provider: &self.provider,
            likeness: self.likeness,
            state: self.state,
            browser: self.browser,
        };
        // Texts and numbers: it cannot fail, and empty bytes are no attempt.
        Secret::new(serde_json::to_vec(&kept).unwrap_or_default())
    }

    /// Reads that form.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let kept: Kept<'_> = serde_json::from_slice(bytes).ok()?;
        Some(Self {
            nonce: Secret::new(kept.nonce.to_owned()),
            verifier: Secret::new(kept.verifier.to_owned()),
            redirect_uri: kept.redirect_uri.to_owned(),
            started_at: Timestamp::from_micros(kept.started_at),
            afresh: kept.afresh,
            provider: kept.provider.to_owned(),
            likeness: kept.likeness,
            state: kept.state,
            browser: kept.browser,
        })
    }

    /// Whether this callback, in this browser, at this provider's address, ends this attempt.
    pub(super) fn check(
        &self,
        now: Timestamp,
        key: &str,
        provider: &Provider,
        browser: &str,
        callback: &Callback,
    ) -> Result<(), SsoFault> {
        if !constant_time_eq(&self.state, &Self::digest_of(&callback.state)) {
            return Err(SsoFault::of(SsoReason::StateWrong));
        }
        if !constant_time_eq(&self.browser, &sha256(browser.as_bytes())) {
            return Err(SsoFault::of(SsoReason::OtherBrowser));
        }
        if self.provider != key || self.likeness != likeness(provider) {
            return Err(SsoFault::of(SsoReason::OtherProvider));
        }
        if now > self.expires_at() || self.started_at > now.plus(SKEW) {
            return Err(SsoFault::of(SsoReason::AttemptExpired));
        }
        Ok(())
    }
}

/// What of a provider must not change under way: its kind, its place, and who we are there. Lengths keep the parts
/// apart.
fn likeness(provider: &Provider) -> [u8; 32] {
    let mut digest = Sha256::new();
    for part in [provider.kind.as_str(), provider.kind.place().unwrap_or_default(), &provider.client_id] {
        digest.update(&(part.len() as u64).to_be_bytes());
        digest.update(part.as_bytes());
    }
    digest.finish()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use gatepost_vault::SystemEntropy;

    use super::super::provider::ProviderKind;
    use super::*;

    fn provider(kind: ProviderKind, client_id: &str) -> Provider {
        Provider::new(kind, client_id.to_owned(), Secret::new("a secret".to_owned())).unwrap()
    }

    #[test]
    fn an_attempt_ends_once_kept_only_where_it_began() {
        let now = Timestamp::from_seconds(1_800_000_000);
        let google = provider(ProviderKind::Google, "us");
        let (attempt, state) =
            Attempt::begin(&SystemEntropy, now, "google", &google, "cookie", "https://a/cb", false);
        assert_eq!(attempt.state_digest(), Attempt::digest_of(state.expose()));
        let kept = attempt.to_bytes();
        let attempt = Attempt::from_bytes(kept.expose()).unwrap();
        let callback = Callback { state: state.expose().clone(), ..Callback::default() };
        let reason = |now, key, provider: &Provider, browser, callback: &Callback| {
            attempt.check(now, key, provider, browser, callback).map_err(|fault| fault.reason())
        };
        assert_eq!(reason(now, "google", &google, "cookie", &callback), Ok(()));
        assert_eq!(reason(now.plus(LIFE), "google", &google, "cookie", &callback), Ok(()));
        let late = now.plus(LIFE + Duration::from_micros(1));
        let expired = Err(SsoReason::AttemptExpired);
        assert_eq!(reason(late, "google", &google, "cookie", &callback), expired);
        let early = now.minus(SKEW + Duration::from_micros(1));
        assert_eq!(reason(early, "google", &google, "cookie", &callback), expired);
        for browser in ["", "cookie2", "cooki"] {
            let other = Err(SsoReason::OtherBrowser);
            assert_eq!(reason(now, "google", &google, browser, &callback), other);
        }
        let wrong = Callback { state: format!("{}x", state.expose()), ..Callback::default() };
        assert_eq!(reason(now, "google", &google, "cookie", &wrong), Err(SsoReason::StateWrong));
        let other = Err(SsoReason::OtherProvider);
        assert_eq!(reason(now, "github", &google, "cookie", &callback), other);
        let github = provider(ProviderKind::GitHub, "us");
        assert_eq!(reason(now, "google", &github, "cookie", &callback), other);
        let them = provider(ProviderKind::Google, "them");
        assert_eq!(reason(now, "google", &them, "cookie", &callback), other);
    }

    #[test]
    fn every_attempt_has_its_own_secrets() {
        let google = provider(ProviderKind::Google, "us");
        let mut seen = std::collections::HashSet::new();
        for _ in 0..100 {
            let begun = Attempt::begin(
                &SystemEntropy,
                Timestamp::UNIX_EPOCH,
                "g",
                &google,
                "c",
                "https://a/cb",
                true,
            );
            for secret in [&begun.0.nonce, &begun.0.verifier, &begun.1] {
                // RFC 7636 section 4.1: a verifier has 43 to 128 unreserved characters.
                assert_eq!(secret.expose().len(), 43);
                assert!(seen.insert(secret.expose().clone()));
            }
        }
    }

    #[test]
    fn other_bytes_are_no_attempt() {
        for bytes in [&b""[..], b"{}", b"null", b"[1]", b"\xff"] {
            assert!(Attempt::from_bytes(bytes).is_none());
        }
    }
}
