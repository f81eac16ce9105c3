//! The relying party: begins sign-ins with providers and ends them.

use std::sync::Arc;

use gatepost_core::{Clock, Entropy, Secret};
use gatepost_net::SafeClient;
use openidconnect::{PkceCodeChallenge, PkceCodeVerifier};
use url::Url;

use super::SsoIdentity;
use super::attempt::{Attempt, Callback, Started};
use super::discovery::{Discovery, Issuer, Issuers};
use super::fault::{SsoFault, SsoReason};
use super::http::Caller;
use super::id_token::{self, Expected};
use super::provider::{IssuerRule, Provider, ProviderKind, SsoConfig, SsoHosts};
use super::{github, token_endpoint, userinfo};

/// Longest code that is given back, bytes.
const MAX_CODE: usize = 8 * 1024;

/// The errors that an authorization endpoint may send back (RFC 6749 section 4.1.2.1, OpenID Connect Core 1.0 section
/// 3.1.2.6). Only these are repeated in the log.
const KNOWN_ERRORS: [&str; 11] = [
    "access_denied",
    "invalid_request",
    "invalid_scope",
    "server_error",
    "temporarily_unavailable",
    "unauthorized_client",
    "unsupported_response_type",
    "account_selection_required",
    "consent_required",
    "interaction_required",
    "login_required",
];

/// Begins and ends sign-ins. Cheap to clone; clones share what they know of issuers.
#[derive(Clone)]
pub struct RelyingParty(Arc<Inner>);

struct Inner {
    caller: Caller,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
    hosts: SsoHosts,
    issuers: Issuers,
}

impl RelyingParty {
    /// Calls providers through `safe`, and nobody before it is asked to.
    pub fn new(
        safe: SafeClient,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
        config: SsoConfig,
    ) -> Self {
        let SsoConfig { hosts, timeout, .. } = config;
        let caller = Caller::new(safe, timeout);
        Self(Arc::new(Inner { caller, clock, entropy, hosts, issuers: Issuers::new() }))
    }

    /// Whether a provider can be used at all: its discovery document is there and good, its endpoints may be called.
    /// For whoever names a provider, before it is stored.
    ///
    /// # Errors
    /// What is wrong with it, in words that may be shown to that person.
    pub async fn look(&self, provider: &Provider) -> Result<(), SsoFault> {
        self.endpoints(provider).await.map(drop)
    }

    /// Begins a sign-in. `key` is the caller's name of the provider, `browser` the value of the cookie that only this
    /// browser has, `redirect_uri` our callback, which must be another one for each `key`: providers that name no
    /// issuer in their callbacks are told apart by it (RFC 9700 section 4.4.2). `afresh` asks the provider to let the
    /// person prove themselves now; GitHub's OAuth cannot, and is refused.
    pub async fn start(
        &self,
        key: &str,
        provider: &Provider,
        browser: &str,
        redirect_uri: &str,
        afresh: bool,
    ) -> Result<Started, SsoFault> {
        let oidc = provider.kind != ProviderKind::GitHub;
        if afresh && !oidc {
            return Err(SsoFault::new(SsoReason::Unsupported, "no fresh proof through this kind"));
        }
        let (_, discovery) = self.endpoints(provider).await?;
        let (now, entropy) = (self.0.clock.now(), self.0.entropy.as_ref());
        let (attempt, state) = Attempt::begin(entropy, now, key, provider, browser, redirect_uri, afresh);
        let verifier = PkceCodeVerifier::new(attempt.verifier.expose().clone());
        let challenge = PkceCodeChallenge::from_code_verifier_sha256(&verifier);
        let mut url = Url::parse(&discovery.authorization_endpoint)
            .map_err(|_| SsoFault::new(SsoReason::EndpointRefused, "authorization_endpoint"))?;
        let scopes = if oidc { "openid email profile" } else { github::SCOPES };
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &provider.client_id)
            .append_pair("redirect_uri", redirect_uri)
            .append_pair("scope", scopes)
            .append_pair("state", state.expose())
            .append_pair("code_challenge", challenge.as_str())
            .append_pair("code_challenge_method", "S256");
        if oidc {
            url.query_pairs_mut().append_pair("nonce", attempt.nonce.expose());
        }
        if afresh {
            // Beside the wish the promise: with `max_age` a token must say when the person proved themselves.
            url.query_pairs_mut().append_pair("prompt", "login").append_pair("max_age", "0");
        }
        Ok(Started { url: url.into(), attempt })
    }

    /// Ends a sign-in: the attempt is used up, whatever comes of it.
    pub async fn finish(
        &self,
        key: &str,
        provider: &Provider,
        attempt: Attempt,
        browser: &str,
        callback: &Callback,
    ) -> Result<SsoIdentity, SsoFault> {
        attempt.check(self.0.clock.now(), key, provider, browser, callback)?;
        let (issuer, discovery) = self.endpoints(provider).await?;
        let rule = provider.kind.issuer_rule(&self.0.hosts);
        match (&callback.iss, &rule) {
            (None, _) if discovery.promises_issuer => {
                return Err(SsoFault::new(SsoReason::IssuerParameter, "missing"));
            }
            (Some(iss), IssuerRule::Exact(issuer)) if iss != issuer => {
                return Err(SsoFault::new(SsoReason::IssuerParameter, "of another issuer"));
            }
            _ => {}
        }
        if let Some(error) = &callback.error {
            let known = KNOWN_ERRORS.iter().find(|known| *known == error);
            return Err(SsoFault::new(SsoReason::ProviderRefused, known.unwrap_or(&"an unknown error")));
        }
        let code = callback.code.as_deref().filter(|code| (1..=MAX_CODE).contains(&code.len()));
        let code = code.ok_or_else(|| SsoFault::of(SsoReason::CodeMissing))?;
        let (caller, auth) = (&self.0.caller, discovery.client_auth);
        let tokens =
            token_endpoint::exchange(caller, &discovery.token_endpoint, auth, provider, &attempt, code)
                .await?;
        let Some(issuer) = issuer else {
            return github::identity(caller, &self.0.hosts, &tokens.access_token).await;
        };
        let id_token = tokens
            .id_token
            .ok_or_else(|| SsoFault::new(SsoReason::TokenMalformed, "there is no ID token"))?;
        let expected = Expected {
            kind: &provider.kind,
            rule: &rule,
            client_id: &provider.client_id,
            nonce: attempt.nonce.expose(),
            access_token: tokens.access_token.expose(),
            started_at: attempt.started_at,
            afresh: attempt.afresh,
            now: self.0.clock.now(),
        };
        let mut identity = self.verified(&id_token, &expected, &issuer, &discovery).await?;
        // Of many tenants, only the token says which one it was.
        if callback.iss.as_ref().is_some_and(|iss| *iss != identity.issuer) {
            return Err(SsoFault::new(SsoReason::IssuerParameter, "of another issuer"));
        }
        // Microsoft's endpoint says nothing about whether an address is verified.
        let microsoft = matches!(provider.kind, ProviderKind::Microsoft(_));
        if let Some(url) =
            discovery.userinfo_endpoint.as_ref().filter(|_| identity.email.is_none() && !microsoft)
        {
            userinfo::complete(caller, url, &tokens.access_token, &mut identity).await?;
        }
        Ok(identity)
    }

    /// Verifies an ID token; where its key is not among those known, with newer ones.
    async fn verified(
        &self,
        token: &Secret<String>,
        expected: &Expected<'_>,
        issuer: &Issuer,
        discovery: &Discovery,
    ) -> Result<SsoIdentity, SsoFault> {
        let (caller, now) = (&self.0.caller, expected.now);
        let keys = issuer.keys(discovery, caller, now).await?;
        match id_token::verify(token.expose(), expected, &keys) {
            Err(fault) if fault.reason() == SsoReason::KeyUnknown => {
                let keys = issuer.newer_keys(discovery, caller, now, &keys).await?;
                id_token::verify(token.expose(), expected, &keys)
            }
            verified => verified,
        }
    }

    /// The provider's endpoints, and its issuer where it has keys.
    async fn endpoints(
        &self,
        provider: &Provider,
    ) -> Result<(Option<Arc<Issuer>>, Arc<Discovery>), SsoFault> {
        if provider.kind == ProviderKind::GitHub {
            return Ok((None, Arc::new(github::endpoints(&self.0.hosts))));
        }
        let rule = provider.kind.issuer_rule(&self.0.hosts);
        let issuer = self.0.issuers.get(&rule);
        let discovery = issuer.discovery(&rule, &self.0.caller, self.0.clock.now()).await?;
        Ok((Some(issuer), discovery))
    }
}
