//! Signing in with an identity provider: OpenID Connect's code flow (OpenID Connect Core 1.0 section 3.1), and GitHub's
//! OAuth, which has no ID tokens.
//!
//! Threat note. A workspace's administrator names a provider, so the provider itself may be hostile, and so may be
//! whoever sends a browser to our callback.
//!
//! | attack | what stands against it |
//! |---|---|
//! | forged or foreign tokens (`alg: none`, HMAC with the public key, keys by `jku`, another client's token) | [`id_token`]: RSA and ECDSA only, keys from the issuer's own key set only, exact issuer, audience, authorised party, nonce, times |
//! | a code or token of another flow is injected | PKCE (S256), nonce, `at_hash` |
//! | login CSRF: the victim's browser finishes the attacker's flow | `state` is bound to a cookie of the browser that began |
//! | a callback is replayed | an [`Attempt`] is consumed by [`RelyingParty::finish`]; whoever stores it gives it out once |
//! | mix-up: one provider's code is sent to another | a callback address of its own for each provider, and `iss` (RFC 9207) |
//! | the provider's URLs lead inside (SSRF) | every call goes through `SafeClient`; the endpoints of a discovery document are judged before one is used |
//! | endless, slow or strange answers | sizes and times are bounded, parsers are strict, the caches are bounded |
//! | the provider's words reach a page (XSS) or a log (injection) | an [`SsoFault`] holds words of ours only |
//!
//! Not defended against: an issuer that itself says the wrong thing about its people. Whose word counts for what is the
//! caller's to decide: identities are (issuer, subject) pairs, an e-mail address is never one.

mod attempt;
mod discovery;
mod fault;
mod github;
mod http;
mod id_token;
mod keys;
mod party;
mod provider;
mod token_endpoint;
mod userinfo;

pub use attempt::{Attempt, Callback, Started};
pub use fault::{SsoFault, SsoReason};
pub use party::RelyingParty;
pub use provider::{
    InvalidProvider, MicrosoftTenant, OperatorProvider, Provider, ProviderKind, SsoConfig, SsoHosts,
};

/// Who a provider says has signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SsoIdentity {
    /// The issuer, exactly as it writes itself; for GitHub its address.
    pub issuer: String,
    /// The issuer's own name for the person, 1 to 255 bytes; with the issuer it is the only key to a person.
    pub subject: String,
    /// An e-mail address, where the issuer gave a plausible one.
    pub email: Option<SsoEmail>,
    /// A name for people, cleaned as all names are.
    pub name: Option<String>,
}

/// An e-mail address as an issuer gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SsoEmail {
    /// The address, at most 254 bytes, with one `@` and no spaces or control characters. Not normalised.
    pub address: String,
    /// Whether the issuer says that it has verified that the person owns it.
    pub verified: bool,
}

impl SsoEmail {
    /// `None` where it cannot be an address that anything is sent to.
    fn plausible(address: &str, verified: bool) -> Option<Self> {
        let (local, domain) = address.rsplit_once('@')?;
        let plain = |c: char| !c.is_whitespace() && !gatepost_core::text::is_forbidden(c) && c != '@';
        let good =
            address.len() <= 254 && !local.is_empty() && domain.contains('.') && !domain.starts_with('.');
        (good && local.chars().all(plain) && domain.chars().all(plain))
            .then(|| Self { address: address.to_owned(), verified })
    }
}

/// A name for people, or none where it is not one.
fn plain_name(name: &str) -> Option<String> {
    gatepost_core::text::name(name, 100).ok()
}
