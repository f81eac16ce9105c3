//! The ID token: what makes it one (OpenID Connect Core 1.0, section 3.1.3.7), and stricter where a choice is left.
//!
//! Signature, issuer, audience, nonce and expiry are the library's work. Ours is what it leaves to its user: which
//! algorithms and keys there are, the authorised party, the time of issue, `at_hash`, and who the person is.

use std::time::{Duration, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gatepost_core::Timestamp;
use openidconnect::core::{
    CoreGenderClaim, CoreJsonWebKey, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm,
};
use openidconnect::{
    AccessToken, AccessTokenHash, AdditionalClaims, ClaimsVerificationError, ClientId, IdToken,
    IdTokenVerifier, IssuerUrl, Nonce, SignatureVerificationError,
};
use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};

use super::fault::{SsoFault, SsoReason};
use super::keys::KeySet;
use super::provider::{IssuerRule, ProviderKind};
use super::{SsoEmail, SsoIdentity, plain_name};

/// Largest token, bytes.
const MAX_TOKEN: usize = 64 * 1024;
/// Longest subject, bytes: OpenID Connect Core 1.0, section 2, gives it 255 ASCII characters.
const MAX_SUBJECT: usize = 255;
/// By how much the issuer's clock may differ where a token would be too old.
const EXPIRY_LEEWAY: Duration = Duration::from_mins(1);
/// By how much it may differ where a token would be too new, or older than the attempt.
const ISSUE_LEEWAY: Duration = Duration::from_mins(5);

/// What is taken: signatures by a key that only the issuer has. Never `none`, never HMAC, whose key we have too.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 8] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
];

/// What a token is held against.
pub(super) struct Expected<'a> {
    pub kind: &'a ProviderKind,
    pub rule: &'a IssuerRule,
    pub client_id: &'a str,
    pub nonce: &'a str,
    /// What came with the token.
    pub access_token: &'a str,
    pub started_at: Timestamp,
    /// Whether the person must have proved themselves since then.
    pub afresh: bool,
    pub now: Timestamp,
}

/// Header parameters that would let a token bring its own key. Section 2 of OpenID Connect Core 1.0 says not to use
/// them; a token that does is refused, so that no later change can begin to heed them.
#[derive(Deserialize)]
struct Header {
    jku: Option<IgnoredAny>,
    jwk: Option<IgnoredAny>,
    x5u: Option<IgnoredAny>,
}

/// Microsoft's claims.
#[derive(Debug, Deserialize, Serialize)]
struct Extra {
    /// The tenant.
    tid: Option<String>,
    /// Whether the tenant has proved that it owns the domain of the e-mail address.
    xms_edov: Option<serde_json::Value>,
}

impl AdditionalClaims for Extra {}

/// The one claim that is needed before verifying: it takes part in saying which issuer is right.
#[derive(Deserialize)]
struct Unverified {
    tid: Option<String>,
}

type Token = IdToken<Extra, CoreGenderClaim, CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm>;

/// Verifies a token. `key_unknown` where a newer set of keys may have its key.
pub(super) fn verify(text: &str, expected: &Expected<'_>, keys: &KeySet) -> Result<SsoIdentity, SsoFault> {
    let malformed = |detail| SsoFault::new(SsoReason::TokenMalformed, detail);
    if text.len() > MAX_TOKEN {
        return Err(malformed("too long"));
    }
    let mut parts = text.split('.');
    let (Some(header), Some(payload), Some(_), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Err(malformed("not three parts"));
    };
    let header: Header = part(header).ok_or_else(|| malformed("the header cannot be read"))?;
    if header.jku.is_some() || header.jwk.is_some() || header.x5u.is_some() {
        return Err(SsoFault::of(SsoReason::TokenNamesKey));
    }
    let unverified: Unverified = part(payload).ok_or_else(|| malformed("the claims cannot be read"))?;
    let issuer = expected.rule.of_token(unverified.tid.as_deref())?;
    let token: Token = text.parse().map_err(|_| malformed("it cannot be read"))?;

    let issuer_url =
        IssuerUrl::new(issuer.clone()).map_err(|_| SsoFault::new(SsoReason::Issuer, "it is not a URL"))?;
    let now = expected.now;
    // Public, as far as the verifier is concerned: it then knows no key that we share with the issuer.
    let verifier = IdTokenVerifier::<'_, CoreJsonWebKey>::new_public_client(
        ClientId::new(expected.client_id.to_owned()),
        issuer_url,
        keys.of(expected.rule, &issuer),
    )
    .set_allowed_algs(ALGORITHMS)
    .set_time_fn(move || {
        let micros = u64::try_from(now.minus(EXPIRY_LEEWAY).micros()).unwrap_or(0);
        (UNIX_EPOCH + Duration::from_micros(micros)).into()
    })
    // Other audiences beside us are looked at below, with the authorised party.
    .set_other_audience_verifier_fn(|_| true);
    let nonce = Nonce::new(expected.nonce.to_owned());
    let claims = token.claims(&verifier, &nonce).map_err(|error| fault(&error))?;

    match claims.authorized_party() {
        Some(party) if party.as_str() != expected.client_id => {
            return Err(SsoFault::of(SsoReason::AuthorizedParty));
        }
        None if claims.audiences().len() > 1 => {
            return Err(SsoFault::new(
                SsoReason::AuthorizedParty,
                "several audiences and no authorised party",
            ));
        }
        _ => {}
    }
    let issued_at = Timestamp::from_seconds(claims.issue_time().timestamp());
    if issued_at > now.plus(ISSUE_LEEWAY) || issued_at.plus(ISSUE_LEEWAY) < expected.started_at {
        return Err(SsoFault::of(SsoReason::IssuedAt));
    }
    if expected.afresh {
        let proved_at = claims.auth_time().map(|time| Timestamp::from_seconds(time.timestamp()));
        if proved_at.is_none_or(|at| at.plus(ISSUE_LEEWAY) < expected.started_at) {
            return Err(SsoFault::of(SsoReason::NotAfresh));
        }
    }
    if let Some(hash) = claims.access_token_hash() {
        let wrong = || SsoFault::of(SsoReason::AccessTokenHash);
        let algorithm = token.signing_alg().map_err(|_| wrong())?;
        let key = token.signing_key(&verifier).map_err(|_| wrong())?;
        let access_token = AccessToken::new(expected.access_token.to_owned());
        if AccessTokenHash::from_token(&access_token, algorithm, key).map_err(|_| wrong())? != *hash {
            return Err(wrong());
        }
    }
    let verified = match expected.kind {
        // The address in a Microsoft token is whatever the tenant's administrator typed.
        ProviderKind::Microsoft(_) => claims.additional_claims().xms_edov.as_ref().is_some_and(is_true),
        _ => claims.email_verified() == Some(true),
    };
    let name =
        claims.name().and_then(|name| name.get(None).or_else(|| name.iter().next().map(|(_, name)| name)));
    Ok(SsoIdentity {
        issuer,
        subject: subject(claims.subject().as_str())?.to_owned(),
        email: claims.email().and_then(|email| SsoEmail::plausible(email.as_str(), verified)),
        name: name.and_then(|name| plain_name(name.as_str())),
    })
}

/// A subject as it may be stored and compared.
pub(super) fn subject(text: &str) -> Result<&str, SsoFault> {
    let good =
        (1..=MAX_SUBJECT).contains(&text.len()) && !text.chars().any(gatepost_core::text::is_forbidden);
    if good { Ok(text) } else { Err(SsoFault::of(SsoReason::Subject)) }
}

/// `true` in the forms that it is written in.
pub(super) fn is_true(value: &serde_json::Value) -> bool {
    match value {
        serde_json::Value::Bool(yes) => *yes,
        serde_json::Value::Number(number) => number.as_i64() == Some(1),
        serde_json::Value::String(text) => text == "1" || text.eq_ignore_ascii_case("true"),
        _ => false,
    }
}

fn part<T: DeserializeOwned>(text: &str) -> Option<T> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(text).ok()?).ok()
}

/// The reason only: the library's texts quote the token.
fn fault(error: &ClaimsVerificationError) -> SsoFault {
    use SignatureVerificationError as Bad;
    SsoFault::of(match error {
        ClaimsVerificationError::Expired(_) => SsoReason::Expired,
        ClaimsVerificationError::InvalidAudience(_) => SsoReason::Audience,
        ClaimsVerificationError::InvalidIssuer(_) => SsoReason::Issuer,
        ClaimsVerificationError::InvalidNonce(_) => SsoReason::Nonce,
        ClaimsVerificationError::InvalidSubject(_) => SsoReason::Subject,
        ClaimsVerificationError::SignatureVerification(bad) => match bad {
            Bad::DisallowedAlg(_) | Bad::NoSignature | Bad::UnsupportedAlg(_) => SsoReason::Algorithm,
            Bad::NoMatchingKey | Bad::AmbiguousKeyId(_) => SsoReason::KeyUnknown,
            _ => SsoReason::Signature,
        },
        _ => SsoReason::TokenMalformed,
    })
}
