//! What an issuer publishes about itself (OpenID Connect Discovery 1.0), and a bounded memory of it.

use std::sync::Arc;
use std::time::Duration;

use gatepost_core::Timestamp;
use serde::Deserialize;
use tokio::sync::Mutex;

use super::fault::{SsoFault, SsoReason};
use super::http::{Caller, document};
use super::keys::{KeyMemory, KeySet};
use super::provider::IssuerRule;

/// How long a document is taken as it was.
const FRESH: Duration = Duration::from_mins(10);
/// Issuers remembered at once: any workspace may name one.
const REMEMBERED: u64 = 1_000;

/// How a client says who it is at the token endpoint (OpenID Connect Core 1.0, section 9).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ClientAuth {
    /// `client_secret_basic`, the default.
    Basic,
    /// `client_secret_post`.
    Post,
}

/// The endpoints of an issuer. The address policy let each of them pass.
#[derive(Debug)]
pub(super) struct Discovery {
    pub authorization_endpoint: String,
    pub token_endpoint: String,
    pub userinfo_endpoint: Option<String>,
    pub jwks_uri: String,
    pub client_auth: ClientAuth,
    /// Every callback names its issuer (RFC 9207 section 3).
    pub promises_issuer: bool,
}

/// The document, as far as it concerns us.
#[derive(Deserialize)]
struct Document {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    userinfo_endpoint: Option<String>,
    jwks_uri: String,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    code_challenge_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

impl Document {
    fn judged(self, rule: &IssuerRule, caller: &Caller) -> Result<Discovery, SsoFault> {
        if self.issuer != rule.of_discovery() {
            return Err(SsoFault::of(SsoReason::DiscoveryIssuer));
        }
        let refused =
            |name: &str, why: &str| SsoFault::new(SsoReason::EndpointRefused, format_args!("{name}: {why}"));
        let userinfo = self.userinfo_endpoint.iter().map(|url| ("userinfo_endpoint", url));
        let endpoints = [
            ("authorization_endpoint", &self.authorization_endpoint),
            ("token_endpoint", &self.token_endpoint),
            ("jwks_uri", &self.jwks_uri),
        ];
        for (name, url) in endpoints.into_iter().chain(userinfo) {
            caller.judge(url).map_err(|rule| refused(name, rule))?;
            if url.contains('#') {
                return Err(refused(name, "has a fragment"));
            }
        }
        // Whoever lists methods means them; many providers that take S256 list none.
        if self.code_challenge_methods_supported.is_some_and(|methods| !methods.iter().any(|m| m == "S256")) {
            return Err(SsoFault::new(SsoReason::Unsupported, "no PKCE with S256"));
        }
        let client_auth = match self.token_endpoint_auth_methods_supported {
            None => ClientAuth::Basic,
            Some(methods) if methods.iter().any(|m| m == "client_secret_basic") => ClientAuth::Basic,
            Some(methods) if methods.iter().any(|m| m == "client_secret_post") => ClientAuth::Post,
            Some(_) => {
                return Err(SsoFault::new(SsoReason::Unsupported, "no client authentication by secret"));
            }
        };
        Ok(Discovery {
            authorization_endpoint: self.authorization_endpoint,
            token_endpoint: self.token_endpoint,
            userinfo_endpoint: self.userinfo_endpoint,
            jwks_uri: self.jwks_uri,
            client_auth,
            promises_issuer: self.authorization_response_iss_parameter_supported,
        })
    }
}

/// What is known of one issuer. Its locks make many who ask at once into one call.
#[derive(Default)]
pub(super) struct Issuer {
    discovery: Mutex<Option<(Timestamp, Arc<Discovery>)>>,
    keys: KeyMemory,
}

impl Issuer {
    /// Its endpoints, from memory or from itself.
    pub async fn discovery(
        &self,
        rule: &IssuerRule,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<Arc<Discovery>, SsoFault> {
        let mut known = self.discovery.lock().await;
        if let Some((read_at, discovery)) = known.as_ref()
            && now.since(*read_at) < FRESH
        {
            return Ok(Arc::clone(discovery));
        }
        let answer = caller.get(&rule.discovery_url(), &[("accept", "application/json")]).await;
        let answer = answer.map_err(|failure| SsoFault::call(SsoReason::DiscoveryUnreachable, &failure))?;
        let document: Document =
            document(&answer).ok_or_else(|| SsoFault::of(SsoReason::DiscoveryInvalid))?;
        let discovery = Arc::new(document.judged(rule, caller)?);
        *known = Some((now, Arc::clone(&discovery)));
        Ok(discovery)
    }

    /// Its keys, from memory or from itself.
    pub async fn keys(
        &self,
        discovery: &Discovery,
        caller: &Caller,
        now: Timestamp,
    ) -> Result<Arc<KeySet>, SsoFault> {
        self.keys.get(&discovery.jwks_uri, caller, now).await
    }

    /// Its keys, newer than those in which one was missing.
    pub async fn newer_keys(
        &self,
        discovery: &Discovery,
        caller: &Caller,
        now: Timestamp,
        old: &Arc<KeySet>,
    ) -> Result<Arc<KeySet>, SsoFault> {
        self.keys.newer(&discovery.jwks_uri, caller, now, old).await
    }
}

/// What is known of all issuers.
pub(super) struct Issuers(moka::sync::Cache<String, Arc<Issuer>>);

impl Issuers {
    pub fn new() -> Self {
        Self(moka::sync::Cache::new(REMEMBERED))
    }

    pub fn get(&self, rule: &IssuerRule) -> Arc<Issuer> {
        self.0.get_with(rule.discovery_url(), Arc::default)
    }
}
