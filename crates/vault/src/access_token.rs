//! Short-lived bearer tokens for machines and mobile apps, and the tokens that renew them.
//!
//! An access token is `gp_at_` and the URL-safe base64 of a fixed layout: a version, what it was exchanged for (a
//! session or an API key), workspace and mode, the exchange that it is of, two times, and an HMAC-SHA-256 of
//! all of it under the installation's own key. Any node checks one without a look-up; whether its session or key still
//! stands, and whether its family was ended, is for the caller to ask, on every request. It is no JWT: it
//! has one algorithm, one layout and one text. A refresh token is `gp_rt_` and 256 random bits, of which the digest is
//! stored.
//!
//! Threat note. Defends against: tokens made, changed, cut or lengthened by anybody without the key (the code covers
//! every bit, and is compared in constant time); a token of another installation, or a signature over something else
//! that passes as one (the text that is signed begins with a domain); two texts for one token; refresh tokens read from
//! the database. Does not defend against: a token stolen from its holder, until it expires or its session ends.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use gatepost_core::access::TokenDigest;
use gatepost_core::channel::Mode;
use gatepost_core::{ApiKeyId, Entropy, Secret, SessionId, Timestamp, TokenFamilyId, WorkspaceId};
use uuid::Uuid;
use zeroize::Zeroizing;

use crate::digest::{HmacKey, sha256};
use crate::random::random_token;
use crate::{KeyLabel, KeyPurpose, MasterKeyring, PLATFORM, VaultError, WrappedKey};

pub const ACCESS_TOKEN_PREFIX: &str = "gp_at_";
pub const REFRESH_TOKEN_PREFIX: &str = "gp_rt_";

const DOMAIN: &[u8] = b"gatepost access token v1\0";
const VERSION: u8 = 1;
/// Version, subject's kind and id, workspace, mode, family, issued, expires.
const PAYLOAD: usize = 1 + 1 + 16 + 16 + 1 + 16 + 8 + 8;
const CODE: usize = 32;
const REFRESH_TEXT: usize = 43;

/// What a token was exchanged for; it is good for as long as that is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TokenSubject {
    /// A session of a person.
    Session(SessionId),
    ApiKey(ApiKeyId),
}

/// What an access token says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccessClaims {
    pub subject: TokenSubject,
    /// The one workspace that it is good for; `None` for a person's own affairs.
    pub workspace: Option<WorkspaceId>,
    /// The mode of an API key; `None` for a person, who sees both.
    pub mode: Option<Mode>,
    /// The exchange that the token is of: all of its tokens end together.
    pub family: TokenFamilyId,
    pub issued: Timestamp,
    pub expires: Timestamp,
}

/// Why a text opens nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccessTokenFault {
    /// No access token, or none of this installation: both look alike.
    NotOurs,
    /// Ours, and its time is over.
    Expired,
}

impl fmt::Display for AccessTokenFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotOurs => "not an access token of this installation",
            Self::Expired => "the access token has expired",
        })
    }
}

impl std::error::Error for AccessTokenFault {}

/// The installation's key for access tokens, set up. It lies wrapped under the master key.
#[derive(Debug, Clone)]
pub struct AccessTokenKey(HmacKey);

impl AccessTokenKey {
    /// The place of the wrapped key: the platform's, one for the life of the installation.
    pub const LABEL: KeyLabel =
        KeyLabel { workspace: PLATFORM, purpose: KeyPurpose::AccessToken, version: 1 };

    /// Sets up the key from its wrapped form.
    pub fn unwrap(ring: &MasterKeyring, wrapped: &WrappedKey) -> Result<Self, VaultError> {
        Ok(Self(HmacKey::new(ring.unwrap(&Self::LABEL, wrapped)?.expose())))
    }

    /// A key that belongs to no installation, for tests.
    #[doc(hidden)]
    pub fn generate(entropy: &dyn Entropy) -> Self {
        Self(HmacKey::new(crate::KeyMaterial::generate(entropy).expose()))
    }

    /// The text of a token that says `claims`.
    pub fn sign(&self, claims: &AccessClaims) -> Secret<String> {
        let payload = claims.encode();
        let mut bytes = Zeroizing::new([0; PAYLOAD + CODE]);
        bytes[..PAYLOAD].copy_from_slice(&payload);
        bytes[PAYLOAD..].copy_from_slice(&self.0.sign(&[DOMAIN, &payload]));
        let mut text = String::with_capacity(ACCESS_TOKEN_PREFIX.len() + (PAYLOAD + CODE).div_ceil(3) * 4);
        text.push_str(ACCESS_TOKEN_PREFIX);
        URL_SAFE_NO_PAD.encode_string(bytes.as_slice(), &mut text);
        Secret::new(text)
    }

    /// What a token says, if this installation made it and `now` is before its end. Nothing of it is looked at before
    /// its code is found right.
    pub fn verify(&self, text: &str, now: Timestamp) -> Result<AccessClaims, AccessTokenFault> {
        let claims = self.read(text).ok_or(AccessTokenFault::NotOurs)?;
        if now < claims.expires { Ok(claims) } else { Err(AccessTokenFault::Expired) }
    }

    fn read(&self, text: &str) -> Option<AccessClaims> {
        let mut bytes = Zeroizing::new([0; PAYLOAD + CODE]);
        let body = text.strip_prefix(ACCESS_TOKEN_PREFIX)?;
        // Its strict form: one text for each token. A longer one does not fit, a shorter one does not fill.
        let length = URL_SAFE_NO_PAD.decode_slice(body, bytes.as_mut_slice()).ok()?;
        let (payload, code) = bytes.split_first_chunk::<PAYLOAD>()?;
        (length == PAYLOAD + CODE && self.0.verify(&[DOMAIN, payload], code))
            .then(|| AccessClaims::decode(payload))
            .flatten()
    }
}

impl AccessClaims {
    fn encode(&self) -> [u8; PAYLOAD] {
        let mut out = [0; PAYLOAD];
        let (kind, id) = match self.subject {
            TokenSubject::Session(id) => (1, id.uuid()),
            TokenSubject::ApiKey(id) => (2, id.uuid()),
        };
        out[0] = VERSION;
        out[1] = kind;
        out[2..18].copy_from_slice(id.as_bytes());
        out[18..34].copy_from_slice(self.workspace.map_or(PLATFORM, WorkspaceId::uuid).as_bytes());
        out[34] = match self.mode {
            None => 0,
            Some(Mode::Test) => 1,
            Some(Mode::Live) => 2,
        };
        out[35..51].copy_from_slice(self.family.uuid().as_bytes());
        out[51..59].copy_from_slice(&self.issued.micros().to_be_bytes());
        out[59..67].copy_from_slice(&self.expires.micros().to_be_bytes());
        out
    }

    /// The fields of a payload whose code was right; `None` for a version or kind that this program does not know.
    fn decode(payload: &[u8; PAYLOAD]) -> Option<Self> {
        let (head, rest) = payload.split_first_chunk::<2>()?;
        let (id, rest) = rest.split_first_chunk::<16>()?;
        let (workspace, rest) = rest.split_first_chunk::<16>()?;
        let ([mode], rest) = rest.split_first_chunk::<1>()?;
        let (family, rest) = rest.split_first_chunk::<16>()?;
        let (issued, rest) = rest.split_first_chunk::<8>()?;
        let expires: &[u8; 8] = rest.try_into().ok()?;
        let id = Uuid::from_bytes(*id);
        let workspace = Some(Uuid::from_bytes(*workspace)).filter(|id| *id != PLATFORM);
        Some(Self {
            subject: match head {
                [VERSION, 1] => TokenSubject::Session(SessionId::from_uuid(id)),
                [VERSION, 2] => TokenSubject::ApiKey(ApiKeyId::from_uuid(id)),
                _ => return None,
            },
            workspace: workspace.map(WorkspaceId::from_uuid),
            mode: match mode {
                0 => None,
                1 => Some(Mode::Test),
                2 => Some(Mode::Live),
                _ => return None,
            },
            family: TokenFamilyId::from_uuid(Uuid::from_bytes(*family)),
            issued: Timestamp::from_micros(i64::from_be_bytes(*issued)),
            expires: Timestamp::from_micros(i64::from_be_bytes(*expires)),
        })
    }
}

/// A new refresh token, and the digest that is stored of it.
pub fn refresh_token(entropy: &dyn Entropy) -> (Secret<String>, TokenDigest) {
    let text = random_token(REFRESH_TOKEN_PREFIX, entropy);
    let digest = TokenDigest::new(sha256(text.expose().as_bytes()));
    (text, digest)
}

/// The digest to look a refresh token up by; `None` for a text that is none.
pub fn refresh_digest(text: &str) -> Option<TokenDigest> {
    let body = text.strip_prefix(REFRESH_TOKEN_PREFIX)?;
    let form = body.len() == REFRESH_TEXT
        && body.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_');
    form.then(|| TokenDigest::new(sha256(text.as_bytes())))
}

#[cfg(test)]
mod tests;
