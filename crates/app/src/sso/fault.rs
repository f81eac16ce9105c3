//! Why a sign-in with a provider failed.

use std::fmt;

use gatepost_net::Failure;

/// What was wrong; for the log, the audit entry and tests. Its name is stable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SsoReason {
    /// The attempt is older than ten minutes, or from the future.
    AttemptExpired,
    /// The callback was called by another browser than the one that began.
    OtherBrowser,
    /// The callback is another provider's.
    OtherProvider,
    /// `state` is not the attempt's.
    StateWrong,
    /// The provider sent an error instead of a code: most often the person said no.
    ProviderRefused,
    /// There is neither a code nor an error in the callback.
    CodeMissing,
    /// `iss` of the callback is another issuer, or missing though the provider promises it (RFC 9207).
    IssuerParameter,
    /// The discovery document could not be had.
    DiscoveryUnreachable,
    /// It is not one, or lacks what is needed.
    DiscoveryInvalid,
    /// It names another issuer than the one that was asked.
    DiscoveryIssuer,
    /// An endpoint that it names may not be called.
    EndpointRefused,
    /// The provider says that it takes no PKCE with S256, or no way of client authentication that is known here.
    Unsupported,
    /// The key set could not be had, or is not one.
    KeysUnavailable,
    /// The token endpoint did not answer.
    TokenEndpointUnreachable,
    /// The token endpoint refused the code, or its answer is not one.
    TokenRefused,
    /// There is no ID token in its answer, or what is there is none.
    TokenMalformed,
    /// The ID token names where its own key is to be found.
    TokenNamesKey,
    /// The ID token is signed by an algorithm that is not taken, or not at all.
    Algorithm,
    /// No key of the issuer fits the ID token.
    KeyUnknown,
    /// The signature does not fit.
    Signature,
    /// The ID token is of another issuer.
    Issuer,
    /// The ID token is not for this client.
    Audience,
    /// The ID token was issued to another client.
    AuthorizedParty,
    /// The nonce is missing or another one.
    Nonce,
    /// The ID token has expired.
    Expired,
    /// The ID token was issued before the attempt began, or in the future.
    IssuedAt,
    /// The person did not prove themselves anew at the provider, or the ID token does not say when they did.
    NotAfresh,
    /// The access token is not the one that the ID token came with.
    AccessTokenHash,
    /// The subject is missing, empty or too long.
    Subject,
    /// The userinfo endpoint speaks of somebody else, or not sense.
    Userinfo,
}

impl SsoReason {
    /// The snake_case name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::AttemptExpired => "attempt_expired",
            Self::OtherBrowser => "other_browser",
            Self::OtherProvider => "other_provider",
            Self::StateWrong => "state_wrong",
            Self::ProviderRefused => "provider_refused",
            Self::CodeMissing => "code_missing",
            Self::IssuerParameter => "issuer_parameter",
            Self::DiscoveryUnreachable => "discovery_unreachable",
            Self::DiscoveryInvalid => "discovery_invalid",
            Self::DiscoveryIssuer => "discovery_issuer",
            Self::EndpointRefused => "endpoint_refused",
            Self::Unsupported => "unsupported",
            Self::KeysUnavailable => "keys_unavailable",
            Self::TokenEndpointUnreachable => "token_endpoint_unreachable",
            Self::TokenRefused => "token_refused",
            Self::TokenMalformed => "token_malformed",
            Self::TokenNamesKey => "token_names_key",
            Self::Algorithm => "algorithm",
            Self::KeyUnknown => "key_unknown",
            Self::Signature => "signature",
            Self::Issuer => "issuer",
            Self::Audience => "audience",
            Self::AuthorizedParty => "authorized_party",
            Self::Nonce => "nonce",
            Self::Expired => "expired",
            Self::IssuedAt => "issued_at",
            Self::NotAfresh => "not_afresh",
            Self::AccessTokenHash => "access_token_hash",
            Self::Subject => "subject",
            Self::Userinfo => "userinfo",
        }
    }
}

/// A sign-in with a provider that failed. Its text is for the log: it holds words of ours only, never the provider's, so
/// that nothing a provider says can reach a page or forge a line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SsoFault {
    reason: SsoReason,
    detail: String,
}

impl SsoFault {
    pub(super) fn of(reason: SsoReason) -> Self {
        Self { reason, detail: String::new() }
    }

    pub(super) fn new(reason: SsoReason, detail: impl fmt::Display) -> Self {
        Self { reason, detail: detail.to_string() }
    }

    /// A call that failed on its way. The sentence of a failure names hosts and times, nothing that came back; where a
    /// library might quote, only the class is kept.
    pub(super) fn call(reason: SsoReason, failure: &Failure) -> Self {
        Self::new(reason, failure.class)
    }

    /// What was wrong.
    pub const fn reason(&self) -> SsoReason {
        self.reason
    }
}

impl fmt::Display for SsoFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason.as_str())?;
        if self.detail.is_empty() { Ok(()) } else { write!(f, ": {}", self.detail) }
    }
}

impl std::error::Error for SsoFault {}
